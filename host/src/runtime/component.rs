//! A release that is ready to be called: one function per operation of the contract.

use super::context::CallContext;
use super::interfaces::Interfaces;
use super::outcome::Called;
use crate::model::{
    Aspect, Assignment, AssignmentPage, AttributeName, Choice, ClassName, EdgePage, Error, Finding, Granted,
    ListRequest, NewObject, ObjectRef, OptionName, Outcome, Page, Result, RevokeOutcome, Row, Schema, Secret, Uid,
    Update,
};

/// A prepared release. Cheap to clone.
#[derive(Clone)]
pub struct Component {
    interfaces: Interfaces,
}

fn later<T>() -> Called<T> {
    Called::refused(Error::internal("not yet"))
}

/// Signatures first; bodies follow.
#[allow(clippy::unused_async, unused_variables, clippy::needless_pass_by_value, reason = "signatures first")]
impl Component {
    /// What it imports and exports.
    pub fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    /// Is the connection usable for this?
    pub async fn check(&self, context: CallContext, aspect: Aspect) -> Called<Vec<Finding>> {
        later()
    }

    /// Values to offer for an option.
    pub async fn suggest(&self, context: CallContext, option: &OptionName) -> Called<Vec<Choice>> {
        later()
    }

    /// What the target looks like.
    pub async fn get_schema(&self, context: CallContext) -> Called<Schema> {
        later()
    }

    /// One object.
    pub async fn get(&self, context: CallContext, object: ObjectRef, attributes: &[AttributeName]) -> Called<Row> {
        later()
    }

    /// Some objects, answered in the order they were asked for.
    pub async fn get_many(
        &self,
        context: CallContext,
        class: &ClassName,
        uids: &[Uid],
        attributes: &[AttributeName],
    ) -> Called<Vec<Result<Row>>> {
        later()
    }

    /// Begins a listing, or resumes one at a checkpoint.
    pub async fn open_listing(
        &self,
        context: CallContext,
        request: ListRequest,
        checkpoint: Option<Vec<u8>>,
    ) -> Called<Listing> {
        later()
    }

    /// Begins reading a relation of all objects of a class, or of one.
    pub async fn open_edges(
        &self,
        context: CallContext,
        class: &ClassName,
        attribute: &AttributeName,
        owner: Option<ObjectRef>,
        checkpoint: Option<Vec<u8>>,
    ) -> Called<EdgeListing> {
        later()
    }

    /// Creates an object.
    pub async fn create(&self, context: CallContext, object: NewObject) -> Called<Outcome> {
        later()
    }

    /// Changes an object.
    pub async fn update(&self, context: CallContext, update: Update) -> Called<Outcome> {
        later()
    }

    /// Deletes an object.
    pub async fn delete(&self, context: CallContext, object: ObjectRef, revision: Option<String>) -> Called<Outcome> {
        later()
    }

    /// Asks for the outcome of a write that was pending.
    pub async fn poll(&self, context: CallContext, handle: &str) -> Called<Outcome> {
        later()
    }

    /// Grants an entitlement.
    pub async fn grant(&self, context: CallContext, principal: ObjectRef, what: Assignment) -> Called<Granted> {
        later()
    }

    /// Revokes an entitlement.
    pub async fn revoke(&self, context: CallContext, principal: ObjectRef, what: Assignment) -> Called<RevokeOutcome> {
        later()
    }

    /// One page of a principal's entitlements.
    pub async fn list_granted(
        &self,
        context: CallContext,
        principal: ObjectRef,
        after: Option<Vec<u8>>,
        max: u32,
    ) -> Called<AssignmentPage> {
        later()
    }

    /// Sets a password as an administrator does.
    pub async fn set_password(
        &self,
        context: CallContext,
        account: ObjectRef,
        new: Secret,
        must_change: bool,
    ) -> Called<()> {
        later()
    }

    /// Changes a password as its owner does.
    pub async fn change_password(
        &self,
        context: CallContext,
        account: ObjectRef,
        old: Secret,
        new: Secret,
    ) -> Called<()> {
        later()
    }

    /// Whose name and password are these?
    pub async fn authenticate(
        &self,
        context: CallContext,
        class: &ClassName,
        name: &str,
        password: Secret,
    ) -> Called<Uid> {
        later()
    }
}

/// An open listing: a live instance that hands out pages. Dropped, it is gone.
pub struct Listing(());

impl Listing {
    /// The next page, of at most `max` rows.
    #[allow(clippy::unused_async, unused_variables, reason = "signatures first")]
    pub async fn next(&mut self, max: u32) -> Called<Page> {
        later()
    }
}

/// An open relation: a live instance that hands out pages of edges. Dropped, it is gone.
pub struct EdgeListing(());

impl EdgeListing {
    /// The next page, of at most `max` edges.
    #[allow(clippy::unused_async, unused_variables, reason = "signatures first")]
    pub async fn next(&mut self, max: u32) -> Called<EdgePage> {
        later()
    }
}
