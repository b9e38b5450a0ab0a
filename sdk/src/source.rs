//! Reading: complete passes, single objects, large relations.

use crate::bindings::host::model::Failure;
use crate::bindings::source as wit;
use crate::connector::{Connector, open};
use crate::error::{Error, Result};
use crate::export::Exported;
use crate::listing::{Item, Listing, Page, Pages, Rejected};
use crate::model::{Edge, Filter, ObjectRef, Row};
use crate::object::Record;
use std::cell::RefCell;

pub use wit::ListRequest;

/// Reads the target.
pub trait Source: Connector {
    /// Lists the objects of a class; the connector is used up by it, so the listing can keep what it needs.
    ///
    /// Return an iterator of `Result<Object>`, or an own [`Listing`] to have checkpoints. `resume` is a checkpoint
    /// this connector once gave; a listing without checkpoints never gets one. The filter may be ignored: the host
    /// filters again.
    ///
    /// # Errors
    /// [`Error::resync_required`] if the checkpoint is worth nothing any more; [`Error::schema_violation`] for a
    /// class or an attribute that does not exist.
    fn list(self, request: ListRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Record> + 'static>;

    /// Reads one object. Unless implemented, a listing of its class is read until it turns up.
    ///
    /// # Errors
    /// [`Error::unknown_uid`] if it does not exist.
    fn get(&self, object: &ObjectRef, attributes: &[String]) -> Result<Record> {
        search::<Self>(object, attributes)
    }

    /// Reads several objects; one answer each, in their order.
    ///
    /// # Errors
    /// When nothing could be read at all; an object that does not exist is an error in its place.
    fn get_many(&self, class: &str, uids: &[String], attributes: &[String]) -> Result<Vec<Result<Record>>> {
        Ok(uids.iter().map(|uid| self.get(&ObjectRef::new(class, uid), attributes)).collect())
    }

    /// Lists the values of a reference attribute that is too large for a cell.
    ///
    /// # Errors
    /// As [`Source::list`]; [`Error::unsupported`] unless implemented.
    fn edges(self, request: EdgeRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Edge> + 'static> {
        drop(resume);
        Err::<std::iter::Empty<Result<Edge>>, _>(Error::unsupported(format!(
            "{}.{} is not offered as edges",
            request.class, request.attribute
        )))
    }
}

/// Which edges are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeRequest {
    /// The class of the owners.
    pub class: String,
    /// The reference attribute.
    pub attribute: String,
    /// Only this owner's edges, if there is one.
    pub owner: Option<ObjectRef>,
}

/// A listing behind the contract's resource.
pub struct OpenListing {
    pages: RefCell<Pages<Record>>,
    attributes: Vec<String>,
}

/// An edge listing behind the contract's resource.
pub struct OpenEdges(RefCell<Pages<Edge>>);

impl<T: Source> wit::Guest for Exported<T> {
    type Listing = OpenListing;
    type EdgeListing = OpenEdges;

    fn open_listing(request: ListRequest, resume: Option<Vec<u8>>) -> Result<wit::Listing, Failure> {
        let attributes = request.attributes.clone();
        let pages = RefCell::new(Pages::new(open::<T>()?.list(request, resume)?));
        Ok(wit::Listing::new(OpenListing { pages, attributes }))
    }

    fn get(object: ObjectRef, attributes: Vec<String>) -> Result<Row, Failure> {
        Ok(open::<T>()?.get(&object, &attributes)?.into_row(&attributes))
    }

    #[allow(clippy::result_large_err, reason = "the contract's own type")]
    fn get_many(
        class: String,
        uids: Vec<String>,
        attributes: Vec<String>,
    ) -> Result<Vec<Result<Row, Failure>>, Failure> {
        let answers = open::<T>()?.get_many(&class, &uids, &attributes)?;
        let row = |record: Record| record.into_row(&attributes);
        Ok(answers.into_iter().map(|answer| answer.map(row).map_err(Failure::from)).collect())
    }

    fn open_edges(
        class: String,
        attribute: String,
        owner: Option<ObjectRef>,
        resume: Option<Vec<u8>>,
    ) -> Result<wit::EdgeListing, Failure> {
        let edges = open::<T>()?.edges(EdgeRequest { class, attribute, owner }, resume)?;
        Ok(wit::EdgeListing::new(OpenEdges(RefCell::new(Pages::new(edges)))))
    }
}

impl wit::GuestListing for OpenListing {
    fn next(&self, max: u32) -> Result<wit::Page, Failure> {
        let mut pages = self.pages.borrow_mut();
        let Page { found, rejected, checkpoint, complete } =
            pages.next(max, |record| record.into_row(&self.attributes))?;
        Ok(wit::Page {
            rows: found,
            rejected: set_aside(rejected),
            checkpoint,
            token: pages.feed_token(),
            estimate: pages.estimate(),
            complete,
        })
    }
}

impl wit::GuestEdgeListing for OpenEdges {
    fn next(&self, max: u32) -> Result<wit::EdgePage, Failure> {
        let Page { found, rejected, checkpoint, complete } = self.0.borrow_mut().next(max, |edge| edge)?;
        Ok(wit::EdgePage { edges: found, rejected: set_aside(rejected), checkpoint, complete })
    }
}

/// Looks for an object in a listing of its class. An error on the way is an error: only a listing that was read to
/// its end can say that an object does not exist.
fn search<T: Source>(object: &ObjectRef, attributes: &[String]) -> Result<Record> {
    let request = ListRequest {
        class: object.class.clone(),
        attributes: attributes.to_vec(),
        filter: Some(Filter::equals("@uid", object.uid.as_str())),
        container: None,
    };
    let mut listing = open::<T>()?.list(request, None)?;
    while let Some(item) = listing.next_item() {
        if let Item::Found(record) = item?
            && record.uid() == object.uid
        {
            return Ok(record);
        }
    }
    Err(Error::unknown_uid(format!("no {} has the uid {}", object.class, object.uid)))
}

fn set_aside(rejected: Vec<Rejected>) -> Vec<wit::Rejected> {
    rejected
        .into_iter()
        .map(Rejected::into_parts)
        .map(|(key, reason)| wit::Rejected { key, failure: reason.into() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;
    use crate::{FailureKind, Object, testing};

    /// Lists one object, then fails if the option says so.
    #[derive(serde::Deserialize)]
    struct Sample {
        breaks: bool,
    }

    impl Connector for Sample {
        type Options = Self;

        fn open(options: Self) -> Result<Self> {
            Ok(options)
        }
    }

    impl Source for Sample {
        fn list(self, _: ListRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Record>> {
            let error = self.breaks.then(|| Err(Error::connection_broken("gone")));
            Ok(std::iter::once(Ok(Object::new("1", "ada"))).chain(error))
        }
    }

    #[test]
    fn only_a_listing_that_was_read_to_its_end_says_that_an_object_does_not_exist() {
        let kind = |breaks: bool| {
            let _host = Host::new().option("breaks", breaks).enter();
            let sample = testing::connector::<Sample>().unwrap();
            assert_eq!(sample.get(&ObjectRef::new("account", "1"), &[]).unwrap().uid(), "1");
            sample.get(&ObjectRef::new("account", "2"), &[]).unwrap_err().kind()
        };
        assert_eq!(kind(true), FailureKind::ConnectionBroken);
        assert_eq!(kind(false), FailureKind::UnknownUid);
    }

    #[test]
    fn edges_that_are_not_offered_are_unsupported() {
        let request = EdgeRequest { class: "group".into(), attribute: "members".into(), owner: None };
        let error = Sample { breaks: false }.edges(request, None).err().unwrap();
        assert_eq!(error.kind(), FailureKind::Unsupported);
    }
}
