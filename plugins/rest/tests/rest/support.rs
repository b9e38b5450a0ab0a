//! A web that answers as a test says, and remembers what it was asked.

use hawser_rest::Rest;
use hawser_sdk::http::{Placement, Request, Response};
use hawser_sdk::testing::{self, Entered, Host};
use hawser_sdk::{Item, ListRequest, ObjectRef, Record, Result, Row, Source};
use serde_json::Value as Json;
use std::cell::RefCell;
use std::rc::Rc;

/// A request as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    /// `GET /users?page=1`
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Json,
    /// The names of secrets, and where they are placed.
    pub(crate) secrets: Vec<(String, Placement)>,
}

impl Sent {
    fn of(request: &Request<'_>) -> Self {
        let body = request.body.as_deref().unwrap_or_default();
        let text = || Json::from(String::from_utf8_lossy(body).as_ref());
        let name = |secret| testing::secret_name(secret).unwrap().split('-').next().unwrap().to_owned();
        Self {
            line: format!("{} {}", request.method, request.path),
            headers: request
                .headers
                .iter()
                .map(|header| (header.name.clone(), String::from_utf8_lossy(&header.value).into_owned()))
                .collect(),
            body: if body.is_empty() { Json::Null } else { serde_json::from_slice(body).unwrap_or_else(|_| text()) },
            secrets: request.secrets.iter().map(|(secret, at)| (name(*secret), at.clone())).collect(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What was asked so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<Sent>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Sent> {
        self.0.borrow().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.borrow().iter().map(|sent| sent.line.clone()).collect()
    }

    pub(crate) fn last(&self) -> Sent {
        self.0.borrow().last().cloned().expect("something was sent")
    }
}

/// A connection in the making.
pub(crate) struct Web {
    host: Host,
    log: Log,
}

impl Web {
    pub(crate) fn new(mapping: &str) -> Self {
        let host = Host::new()
            .option("host", "api.test")
            .option("base-path", "/api")
            .option("user", "svc")
            .option("password-pointer", "/password")
            .option("mapping", mapping)
            .secured("secret", "s3cret-of-the-service");
        Self { host, log: Log::default() }
    }

    pub(crate) fn option(mut self, name: &str, value: &str) -> Self {
        self.host = self.host.option(name, value);
        self
    }

    pub(crate) fn variables(mut self, variables: &[&str]) -> Self {
        self.host = self.host.options("variables", variables.iter().copied());
        self
    }

    pub(crate) fn secured(mut self, name: &str, value: &str) -> Self {
        self.host = self.host.secured(name, value);
        self
    }

    /// Answers with what the closure makes of the request.
    pub(crate) fn answers(self, mut answer: impl FnMut(&Sent) -> Response + 'static) -> (Entered, Log) {
        self.tries(move |sent| Ok(answer(sent)))
    }

    /// The same of a web that may fail on the way.
    pub(crate) fn tries(self, mut answer: impl FnMut(&Sent) -> Result<Response> + 'static) -> (Entered, Log) {
        let log = self.log.clone();
        let host = self.host.web(move |request| {
            let sent = Sent::of(request);
            log.0.borrow_mut().push(sent.clone());
            answer(&sent)
        });
        (host.enter(), self.log)
    }

    /// Answers each line with one text; every other request is a failed test.
    pub(crate) fn scripted(self, script: &[(&str, u16, &str)]) -> (Entered, Log) {
        let script: Vec<(String, u16, String)> =
            script.iter().map(|(line, status, body)| ((*line).to_owned(), *status, (*body).to_owned())).collect();
        self.answers(move |sent| {
            let found = script.iter().find(|(line, ..)| *line == sent.line);
            let (_, status, body) = found.unwrap_or_else(|| panic!("nobody expected {}", sent.line));
            Response::new(*status, body.as_str())
        })
    }
}

pub(crate) fn rest() -> Rest {
    testing::connector().unwrap()
}

pub(crate) fn refused() -> hawser_sdk::Error {
    testing::connector::<Rest>().err().expect("the options are refused")
}

pub(crate) fn user(uid: &str) -> ObjectRef {
    ObjectRef::new("user", uid)
}

pub(crate) fn names(attributes: &[&str]) -> Vec<String> {
    attributes.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) fn request(class: &str, attributes: &[&str]) -> ListRequest {
    ListRequest { class: class.to_owned(), attributes: names(attributes), filter: None, container: None }
}

/// The rows of a complete pass, and what was set aside.
pub(crate) fn list(class: &str, attributes: &[&str]) -> Result<(Vec<Row>, Vec<String>)> {
    let mut rows = Vec::new();
    let mut aside = Vec::new();
    for item in testing::collect(rest().list(request(class, attributes), None)?)? {
        match item {
            Item::Found(record) => rows.push(row(record)),
            Item::Rejected(rejected) => aside.push(format!("{}: {}", rejected.key(), rejected.reason().message())),
        }
    }
    Ok((rows, aside))
}

pub(crate) fn uids(class: &str) -> Result<Vec<String>> {
    Ok(list(class, &[])?.0.into_iter().map(|row| row.uid).collect())
}

pub(crate) fn row(record: Record) -> Row {
    match record {
        Record::Row(row) => row,
        Record::Object(object) => panic!("a row was expected: {object:?}"),
    }
}
