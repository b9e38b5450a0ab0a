//! Services that describe themselves, and services that do not.

use super::*;
use hawser_sdk::testing::{Entered, Host};
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;

/// A service of the tests: what it publishes, and then whatever the closure answers.
pub(crate) struct Service {
    provider: serde_json::Value,
    asked: Rc<RefCell<Vec<Asked>>>,
}

/// A request as the service saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: serde_json::Value,
    pub(crate) if_match: Option<String>,
    /// Where the passwords stand.
    pub(crate) secrets: Vec<hawser_sdk::http::Placement>,
}

pub(crate) fn provider() -> serde_json::Value {
    json!({"patch": {"supported": true}, "filter": {"supported": true, "maxResults": 200}, "etag": {"supported": true}})
}

impl Service {
    pub(crate) fn new() -> Self {
        Self { provider: provider(), asked: Rc::default() }
    }

    /// Says otherwise of one capability.
    pub(crate) fn provider(mut self, name: &str, value: serde_json::Value) -> Self {
        self.provider[name] = value;
        self
    }

    /// Answers everything but what it publishes.
    pub(crate) fn enter(self, mut answer: impl FnMut(&Asked) -> Response + 'static) -> (Entered, Requests) {
        let (provider, asked) = (self.provider.to_string(), Rc::clone(&self.asked));
        let host = Host::new().secured("token", "t").web(move |request| {
            let path = request.path.strip_prefix("/scim/v2").unwrap_or(&request.path).to_owned();
            match path.as_str() {
                "/ServiceProviderConfig" => return Ok(Response::new(200, provider.clone())),
                "/ResourceTypes" | "/Schemas" => return Ok(Response::new(404, "")),
                _ => {}
            }
            let header = |name: &str| request.headers.iter().find(|it| it.name == name);
            let seen = Asked {
                method: request.method.clone(),
                path,
                body: request
                    .body
                    .as_deref()
                    .map_or(serde_json::Value::Null, |body| serde_json::from_slice(body).unwrap()),
                if_match: header("If-Match").map(|it| String::from_utf8(it.value.clone()).unwrap()),
                secrets: request.secrets.iter().skip(1).map(|(_, placement)| placement.clone()).collect(),
            };
            asked.borrow_mut().push(seen.clone());
            Ok(answer(&seen))
        });
        (host.enter(), Requests(self.asked))
    }
}

/// What was asked of a service, apart from what it publishes.
pub(crate) struct Requests(Rc<RefCell<Vec<Asked>>>);

impl Requests {
    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.borrow().clone()
    }

    /// Only what was to change something.
    pub(crate) fn writes(&self) -> Vec<Asked> {
        self.all().into_iter().filter(|asked| asked.method != "GET").collect()
    }
}

/// An answer with a body.
pub(crate) fn ok(body: &serde_json::Value) -> Response {
    Response::new(200, body.to_string())
}

fn opened(answers: [(u16, &str); 3]) -> Result<Server> {
    let answers = answers.map(|(status, body)| (status, body.to_owned()));
    let host = Host::new().secured("token", "t").web(move |request| {
        let at = ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"];
        let at = at.iter().position(|path| request.path == format!("/scim/v2{path}")).unwrap();
        Ok(Response::new(answers[at].0, answers[at].1.clone()))
    });
    let _host = host.enter();
    Server::read(&Options::default())
}

#[test]
fn what_is_no_scim_service_says_so() {
    let error = opened([(200, "<html>"), (200, "<html>"), (200, "<html>")]).err().unwrap();
    assert!(error.message().contains("`base-path`"), "{error}");
    let error = opened([(401, ""), (401, ""), (401, "")]).err().unwrap();
    assert_eq!(error.kind(), FailureKind::ConnectionFailed);
}

#[test]
fn a_service_that_says_nothing_of_itself_is_as_the_standard_has_it() {
    let server = opened([(404, ""), (404, ""), (501, "")]).unwrap();
    assert!(server.patches() && !server.can.filter && !server.can.etag && !server.pages_by_cursor());
    assert_eq!(server.classes.iter().map(|class| class.name.as_str()).collect::<Vec<_>>(), ["account", "group"]);
    assert_eq!(server.page_size(), Some(500));
    assert!(server.class("nosuch").unwrap_err().message().contains("account, group"));
}

#[test]
fn pages_are_of_the_size_and_by_the_way_a_service_wants() {
    let paging = |text: &str| opened([(200, text), (404, ""), (404, "")]).unwrap();
    let cursor = paging(r#"{"pagination": {"cursor": true, "index": false, "maxPageSize": 50}}"#);
    assert_eq!((cursor.pages_by_cursor(), cursor.page_size()), (true, Some(50)));
    let both =
        paging(r#"{"pagination": {"cursor": true, "index": true}, "filter": {"supported": false, "maxResults": 0}}"#);
    assert_eq!((both.pages_by_cursor(), both.page_size()), (false, Some(500)));
    let prefers = paging(r#"{"pagination": {"cursor": true, "index": true, "defaultPaginationMethod": "cursor"}}"#);
    assert!(prefers.pages_by_cursor());
}

#[test]
fn what_a_service_says_is_asked_once() {
    let asked = Rc::new(RefCell::new(0));
    let count = Rc::clone(&asked);
    let host = Host::new().secured("token", "t").web(move |_| {
        *count.borrow_mut() += 1;
        Ok(Response::new(404, ""))
    });
    let _host = host.enter();
    Server::open(&Options::default()).unwrap();
    Server::open(&Options::default()).unwrap();
    assert_eq!(*asked.borrow(), 3);
    Server::open(&Options { account_name: "displayName".to_owned(), ..Options::default() }).unwrap();
    assert_eq!(*asked.borrow(), 6, "other options, other classes");
}

#[test]
fn no_uid_leads_to_another_place() {
    let server = opened([(404, ""), (404, ""), (404, "")]).unwrap();
    let account = server.class("account").unwrap();
    assert_eq!(Server::url(account, "../Groups/1?x").unwrap().into_text(), "/Users/..%2FGroups%2F1%3Fx");
    for uid in ["..", ".", ""] {
        assert_eq!(Server::url(account, uid).unwrap_err().kind(), FailureKind::UnknownUid);
    }
}
