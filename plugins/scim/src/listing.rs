//! Listing and reading: the objects of a class, resumable at every resource; single objects by their id.

use crate::Scim;
use crate::edges::Edges;
use crate::filter;
use crate::layout::Layout;
use crate::options::Incremental;
use crate::resource;
use crate::resources::{Filter, Resources};
use crate::server::Server;
use crate::{feed, server};
use hawser_sdk::{Edge, EdgeRequest, Error, Item, ListRequest, Listing, ObjectRef, Record, Result, Source};

impl Source for Scim {
    fn list(self, request: ListRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Record>> {
        if request.container.is_some() {
            return Err(Error::unsupported("resources of SCIM are in no container; leave it out"));
        }
        let server = self.server()?;
        let class = server.class(&request.class)?.clone();
        let layout = Layout::new(&server, &class, &request.attributes)?;
        let pushed = request.filter.as_ref().and_then(|it| filter::pushed(it, &class, &server)).map(Filter::Spares);
        let follows = server.can.filter && self.options.incremental == Incremental::Auto;
        let tells = request.filter.is_none() && resume.is_none() && follows;
        let found = match resume {
            Some(checkpoint) => Resources::resume(server, &class, layout, pushed, resumed(&checkpoint)?),
            None => Resources::open(server, &class, layout, pushed),
        };
        Ok(Objects { found, tells })
    }

    fn get(&self, object: &ObjectRef, attributes: &[String]) -> Result<Record> {
        let server = self.server()?;
        let class = server.class(&object.class)?;
        let layout = Layout::new(&server, class, attributes)?;
        let url = Server::url(class, &object.uid)?
            .with_some("attributes", layout.wanted.attributes.as_deref())
            .with_some("excludedAttributes", layout.wanted.excluded.as_deref());
        let response = server.client.get(url).map_err(|error| server::lost(error, class, &object.uid))?;
        let row = resource::read(&layout, &response.body)?.map_err(|rejected| rejected.reason().clone())?;
        Ok(row.into())
    }

    fn edges(self, request: EdgeRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Edge>> {
        Edges::open(self.server()?, &request, resume)
    }
}

/// What a checkpoint says, whatever it is of.
///
/// # Errors
/// `resync-required`: nothing.
pub(crate) fn resumed<T: serde::de::DeserializeOwned>(checkpoint: &[u8]) -> Result<T> {
    serde_json::from_slice(checkpoint).map_err(|_| Error::resync_required("this is no place in the list; begin again"))
}

struct Objects {
    found: Resources,
    /// Does a feed go on from this pass?
    tells: bool,
}

impl Listing<Record> for Objects {
    fn next_item(&mut self) -> Option<Result<Item<Record>>> {
        let decoded = self.found.next().transpose()?;
        Some(decoded.map(|decoded| decoded.into_item(&self.found.layout)))
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.found.mark(0)).ok()
    }

    fn estimate(&self) -> Option<u64> {
        self.found.total()
    }

    fn feed_token(&mut self) -> Option<Vec<u8>> {
        self.found.began().filter(|_| self.tells).map(feed::token_of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::server::tests::{Asked, Service, ok};
    use hawser_sdk::http::Response;
    use hawser_sdk::{FailureKind, testing};
    use serde_json::json;

    fn scim() -> Scim {
        Scim { options: Options { page_size: 2, ..Options::default() } }
    }

    fn request(filter: Option<hawser_sdk::Filter>) -> ListRequest {
        ListRequest { class: "account".to_owned(), attributes: vec!["title".to_owned()], filter, container: None }
    }

    /// Five users, page by page.
    fn users(asked: &Asked) -> Response {
        let start = asked.path.split("startIndex=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or("1");
        let start: usize = start.parse().unwrap();
        let page: Vec<_> = (start..=5).take(2).map(|id| json!({"id": id, "userName": format!("u{id}")})).collect();
        ok(&json!({"totalResults": 5, "Resources": page})).with_header("Date", "Thu, 01 Jan 1970 01:00:00 GMT")
    }

    #[test]
    fn an_object_that_is_not_there_or_is_no_object_is_told() {
        let (_host, _) = Service::new().enter(|asked| match asked.path.as_str() {
            path if path.starts_with("/Users/nameless") => ok(&json!({"id": "nameless"})),
            _ => Response::new(404, ""),
        });
        let kind = |uid: &str| scim().get(&ObjectRef::new("account", uid), &[]).unwrap_err().kind();
        assert_eq!(kind("gone"), FailureKind::UnknownUid);
        assert_eq!(kind("nameless"), FailureKind::SchemaViolation);
    }

    #[test]
    fn a_container_and_a_strange_checkpoint_are_refused() {
        let (_host, _) = Service::new().enter(users);
        let within = ListRequest { container: Some("x".to_owned()), ..request(None) };
        assert_eq!(scim().list(within, None).err().unwrap().kind(), FailureKind::Unsupported);
        let error = scim().list(request(None), Some(b"7 r".to_vec())).err().unwrap();
        assert_eq!(error.kind(), FailureKind::ResyncRequired);
    }

    #[test]
    fn another_instance_goes_on_right_behind_the_last_object() {
        let (_host, _) = Service::new().enter(users);
        let mut listing = scim().list(request(None), None).unwrap();
        for _ in 0..3 {
            listing.next_item().unwrap().unwrap();
        }
        let rest = scim().list(request(None), listing.checkpoint()).unwrap();
        let uids: Vec<String> = testing::collect(rest)
            .unwrap()
            .into_iter()
            .map(|item| match item {
                Item::Found(record) => record.uid().to_owned(),
                Item::Rejected(rejected) => panic!("{rejected:?}"),
            })
            .collect();
        assert_eq!(uids, ["4", "5"]);
    }

    #[test]
    fn only_a_whole_pass_over_a_service_that_filters_is_followed_by_a_feed() {
        let token = |service: Service, filter, options: Options| {
            let (_host, _) = service.enter(users);
            let mut listing = Scim { options }.list(request(filter), None).unwrap();
            listing.next_item().unwrap().unwrap();
            listing.feed_token()
        };
        assert!(token(Service::new(), None, Options::default()).is_some());
        let filter = hawser_sdk::Filter::equals("title", "x");
        assert_eq!(token(Service::new(), Some(filter), Options::default()), None);
        let unable = Service::new().provider("filter", json!({"supported": false}));
        assert_eq!(token(unable, None, Options::default()), None);
        let off = Options { incremental: Incremental::Off, ..Options::default() };
        assert_eq!(token(Service::new(), None, off), None);
    }
}
