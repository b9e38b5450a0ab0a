//! The resources of a class, one after the other, page by page as the service gives them; at most a page is held.

use crate::failure;
use crate::layout::Layout;
use crate::model::Class;
use crate::page;
use crate::paging::{Head, Mark, Paging};
use crate::resource::Decoded;
use crate::server::Server;
use crate::time;
use crate::url::Url;
use hawser_sdk::{Error, Result, log};

/// A listing under way.
pub(crate) struct Resources {
    pub(crate) server: Server,
    pub(crate) layout: Layout,
    endpoint: String,
    filter: Option<Filter>,
    paging: Paging,
    held: std::vec::IntoIter<(Decoded, bool)>,
    /// Resources of the page that lie behind.
    passed: u64,
    doubles: u64,
    /// What the service's clock showed when the first page came, in microseconds.
    began: Option<i64>,
    is_begun: bool,
}

/// A filter for the service.
pub(crate) enum Filter {
    /// The host filters again, so that it may be left out.
    Spares(String),
    /// Without it, the answer is another one.
    Decides(String),
}

impl Filter {
    fn text(&self) -> &str {
        match self {
            Self::Spares(text) | Self::Decides(text) => text,
        }
    }
}

impl Resources {
    pub(crate) fn open(server: Server, class: &Class, layout: Layout, filter: Option<Filter>) -> Self {
        let paging = Paging::new(server.pages_by_cursor(), server.page_size());
        Self::with(server, class, layout, filter, paging)
    }

    /// Goes on where another instance stopped.
    ///
    /// # Errors
    /// `resync-required` for a checkpoint of something else.
    pub(crate) fn resume(server: Server, class: &Class, layout: Layout, filter: Option<Filter>, mark: Mark) -> Self {
        let paging = Paging::at(mark, server.page_size());
        Self::with(server, class, layout, filter, paging)
    }

    fn with(server: Server, class: &Class, layout: Layout, filter: Option<Filter>, paging: Paging) -> Self {
        let endpoint = class.endpoint.clone();
        let held = Vec::new().into_iter();
        Self { server, layout, endpoint, filter, paging, held, passed: 0, doubles: 0, began: None, is_begun: false }
    }

    /// The next resource; nothing at the end.
    ///
    /// # Errors
    /// The list could not be read to its end.
    pub(crate) fn next(&mut self) -> Result<Option<Decoded>> {
        loop {
            for (decoded, is_new) in self.held.by_ref() {
                self.passed += 1;
                if is_new {
                    return Ok(Some(decoded));
                }
                self.doubles += 1;
            }
            if !self.turn()? {
                return Ok(None);
            }
        }
    }

    /// Reads the next page, if there is one.
    fn turn(&mut self) -> Result<bool> {
        let Some(url) = self.paging.query(self.url()) else {
            self.tell_doubles();
            return Ok(false);
        };
        let response = match self.server.client.get(url) {
            Err(error) if self.may_go_without(&error) => {
                log::warn("the service does not take this filter, so everything is read", &[("why", error.message())]);
                self.filter = None;
                return Ok(true);
            }
            Err(error) if self.paging.is_looking() && is_beyond(&error) => {
                self.paging.stop();
                return Ok(true);
            }
            response => response.map_err(no_endpoint)?,
        };
        let read = if self.paging.is_looking() { page::read_beyond } else { page::read };
        let page = read(&self.layout, &response.body)?;
        let items = page.items.unwrap_or_default();
        let ids: Vec<Option<&str>> = items.iter().map(|item| item.uid.as_deref()).collect();
        let fresh = self.paging.turn(Head { total: page.total, next_cursor: page.next_cursor.as_deref() }, &ids)?;
        if !std::mem::replace(&mut self.is_begun, true) {
            self.began = response.header("date").and_then(time::read_http);
        }
        self.held = items.into_iter().zip(fresh).collect::<Vec<_>>().into_iter();
        self.passed = 0;
        Ok(true)
    }

    fn url(&self) -> Url {
        let wanted = &self.layout.wanted;
        Url::new(&self.endpoint)
            .with_some("filter", self.filter.as_ref().map(Filter::text))
            .with_some("attributes", wanted.attributes.as_deref())
            .with_some("excludedAttributes", wanted.excluded.as_deref())
    }

    fn may_go_without(&self, error: &Error) -> bool {
        !self.is_begun && matches!(self.filter, Some(Filter::Spares(_))) && failure::is_about_filters(error)
    }

    fn tell_doubles(&mut self) {
        let doubles = std::mem::take(&mut self.doubles);
        if doubles > 0 {
            log::info("resources that came twice were passed over", &[("resources", &doubles.to_string())]);
        }
    }

    /// Where another instance can go on, so many resources before the one that was read last.
    pub(crate) fn mark(&self, before: u64) -> Mark {
        self.paging.mark(self.passed.saturating_sub(before))
    }

    pub(crate) fn total(&self) -> Option<u64> {
        self.paging.total()
    }

    /// What the service's clock showed when the first page came.
    pub(crate) fn began(&self) -> Option<i64> {
        self.began
    }
}

/// Services refuse a place behind the end of a list as one that is wrong, or is not there.
fn is_beyond(error: &Error) -> bool {
    let refused = matches!(error.target_code(), Some("http:400" | "http:404" | "http:416"));
    refused && error.kind() != hawser_sdk::FailureKind::QuotaExceeded
}

/// A list that is not there is no object that is not there.
fn no_endpoint(error: Error) -> Error {
    if error.kind() == hawser_sdk::FailureKind::UnknownUid {
        return Error::configuration("the service has no such list; correct the option `base-path`").code("http:404");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::server::tests::{Service, ok};
    use hawser_sdk::FailureKind;
    use hawser_sdk::http::Response;
    use serde_json::json;

    fn resources(filter: Option<Filter>) -> Resources {
        let server = Server::open(&Options { page_size: 2, ..Options::default() }).unwrap();
        let class = server.class("account").unwrap().clone();
        let layout = Layout::new(&server, &class, &["title".to_owned()]).unwrap();
        Resources::open(server, &class, layout, filter)
    }

    fn all(mut resources: Resources) -> Result<Vec<String>> {
        let mut found = Vec::new();
        while let Some(decoded) = resources.next()? {
            found.extend(decoded.uid);
        }
        Ok(found)
    }

    #[test]
    fn a_page_in_the_middle_that_is_cut_off_ends_in_an_error() {
        let (_host, _) = Service::new().enter(|asked| {
            if asked.path.contains("startIndex=1") {
                return ok(&json!({"totalResults": 3, "Resources": [{"id": "1"}, {"id": "2"}]}));
            }
            Response::new(200, r#"{"totalResults": 3, "Resources": [{"id"#)
        });
        assert_eq!(all(resources(None)).unwrap_err().kind(), FailureKind::ConnectionBroken);
    }

    #[test]
    fn a_list_that_is_not_there_points_at_the_base_path() {
        let (_host, _) = Service::new().enter(|_| Response::new(404, ""));
        assert_eq!(all(resources(None)).unwrap_err().kind(), FailureKind::Configuration);
    }

    /// One user of a service that says that it is all, and the answer to whoever looks behind it.
    fn behind_the_end(answer: Response) -> Result<Vec<String>> {
        let (_host, requests) = Service::new().enter(move |asked| match asked.path.contains("startIndex=2") {
            true => answer.clone(),
            false => ok(&json!({"totalResults": 1, "Resources": [{"id": "1"}]})),
        });
        let found = all(resources(None));
        assert_eq!(requests.all().len(), 2, "one look is enough");
        found
    }

    #[test]
    fn the_end_may_be_empty_the_same_again_or_a_refusal() {
        let same = ok(&json!({"totalResults": 1, "Resources": [{"id": "1"}]}));
        let empty = ok(&json!({"totalResults": 0, "Resources": []}));
        let bare = ok(&json!({"totalResults": 1}));
        for answer in [same, empty, bare, Response::new(400, ""), Response::new(404, "")] {
            assert_eq!(behind_the_end(answer).unwrap(), ["1"]);
        }
    }

    #[test]
    fn a_look_behind_the_end_that_fails_otherwise_fails_the_pass() {
        let too_many = Response::new(400, r#"{"scimType": "tooMany"}"#);
        for answer in [Response::new(500, ""), Response::new(401, ""), Response::new(200, "<html>"), too_many] {
            behind_the_end(answer).unwrap_err();
        }
    }

    #[test]
    fn a_list_of_nothing_is_not_looked_behind() {
        let (_host, requests) = Service::new().enter(|_| ok(&json!({"totalResults": 0})));
        assert!(all(resources(None)).unwrap().is_empty());
        assert_eq!(requests.all().len(), 1);
    }

    #[test]
    fn a_filter_that_only_spares_work_may_be_left_out_and_one_that_decides_may_not() {
        let answer = |asked: &crate::server::tests::Asked| match asked.path.contains("filter=") {
            true => Response::new(400, r#"{"scimType": "invalidFilter"}"#),
            false => ok(&json!({"totalResults": 1, "Resources": [{"id": "1"}]})),
        };
        let (host, asked) = Service::new().enter(answer);
        assert_eq!(all(resources(Some(Filter::Spares("title pr".to_owned())))).unwrap(), ["1"]);
        assert!(asked.all()[0].path.contains("filter=title%20pr") && !asked.all()[1].path.contains("filter"));
        assert!(host.logs().iter().any(|line| line.contains("filter")));
        let error = all(resources(Some(Filter::Decides("title pr".to_owned())))).unwrap_err();
        assert_eq!(error.kind(), FailureKind::Unsupported);
    }

    #[test]
    fn what_comes_twice_is_handed_out_once() {
        let (host, _) = Service::new().enter(|asked| {
            let page = if asked.path.contains("startIndex=1") { ["1", "2"] } else { ["2", "3"] };
            ok(&json!({"totalResults": 4, "Resources": page.map(|id| json!({"id": id}))}))
        });
        assert_eq!(all(resources(None)).unwrap(), ["1", "2", "3"]);
        assert!(host.logs().iter().any(|line| line.contains("twice")));
    }
}
