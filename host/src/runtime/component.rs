//! A release that is ready to be called: one function per operation of the contract.
//!
//! Each takes the call's context first and answers with [`Called`]: the result, and what the call reached and used. The
//! errors are the connector's own failures, `unsupported` where it does not export the interface, `guest-trap` and
//! `guest-limit` where it broke or was stopped, `operation-timeout` at the deadline, `unavailable` where every place was
//! taken until then. A write that broke off answers `outcome-unknown`.

use std::sync::Arc;

use wasmtime::component::InstancePre;

use super::Runtime;
use super::boundary;
use super::call::once;
use super::context::CallContext;
use super::fault;
use super::interfaces::Interfaces;
use super::limits::PAGE_ROWS_MAX;
use super::listing::{Changes, EdgeListing, Listing};
use super::load::Loaded;
use super::operation;
use super::outcome::Called;
use super::state::State;
use super::v0_1::Exports;
use crate::model::{
    Aspect, Assignment, AssignmentPage, AttributeName, Choice, ClassAttributes, ClassName, Export, Finding, Granted,
    ListRequest, NewObject, ObjectRef, OptionName, Outcome, Result, RevokeOutcome, Row, Schema, Secret, Uid, Update,
};

/// A prepared release. Cheap to clone.
#[derive(Clone)]
pub struct Component(Arc<Prepared>);

struct Prepared {
    runtime: Runtime,
    loaded: Loaded,
}

impl Component {
    pub(super) fn new(runtime: Runtime, loaded: Loaded) -> Self {
        Self(Arc::new(Prepared { runtime, loaded }))
    }

    /// What it imports and exports.
    pub(super) fn interfaces(&self) -> &Interfaces {
        &self.0.loaded.interfaces
    }

    /// Can it do this?
    pub fn offers(&self, export: Export) -> bool {
        self.0.loaded.exported.contains(&export)
    }

    /// Is the connection usable for this?
    pub async fn check(&self, context: CallContext, aspect: Aspect) -> Called<Vec<Finding>> {
        once(self, context, operation::CHECK, move |guest| Box::pin(guest.check(aspect)))
            .await
            .and_then(boundary::findings)
    }

    /// Values to offer for an option.
    pub async fn suggest(&self, context: CallContext, option: &OptionName) -> Called<Vec<Choice>> {
        let option = option.to_string();
        once(self, context, operation::SUGGEST, |guest| Box::pin(guest.suggest(option)))
            .await
            .and_then(boundary::choices)
    }

    /// What the target looks like.
    pub async fn get_schema(&self, context: CallContext) -> Called<Schema> {
        once(self, context, operation::GET_SCHEMA, |guest| Box::pin(guest.get_schema()))
            .await
            .and_then(boundary::schema)
    }

    /// One object, with a cell for each of `attributes`.
    pub async fn get(&self, context: CallContext, object: ObjectRef, attributes: &[AttributeName]) -> Called<Row> {
        let names = texts(attributes);
        once(self, context, operation::GET, |guest| Box::pin(guest.get(object, names)))
            .await
            .and_then(|row| boundary::row(row, attributes.len()))
    }

    /// Some objects, answered in the order they were asked for.
    pub async fn get_many(
        &self,
        context: CallContext,
        class: &ClassName,
        uids: &[Uid],
        attributes: &[AttributeName],
    ) -> Called<Vec<Result<Row>>> {
        let (class, names) = (class.to_string(), texts(attributes));
        let asked: Vec<String> = uids.iter().map(ToString::to_string).collect();
        let called =
            once(self, context, operation::GET_MANY, |guest| Box::pin(guest.get_many(class, asked, names))).await;
        called.and_then(|answers| {
            boundary::answers(answers.len(), uids.len())?;
            let checked = |answer: Result<Row, _>| {
                answer.map_err(fault::said).and_then(|row| boundary::row(row, attributes.len()))
            };
            Ok(answers.into_iter().map(checked).collect())
        })
    }

    /// Begins a listing, or resumes one at a checkpoint.
    pub async fn open_listing(
        &self,
        context: CallContext,
        request: ListRequest,
        checkpoint: Option<Vec<u8>>,
    ) -> Called<Listing> {
        Listing::open(self, context, request, checkpoint).await
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
        EdgeListing::open(self, context, class.to_string(), attribute.to_string(), owner, checkpoint).await
    }

    /// The token of a feed that tells what happens from now on.
    pub async fn latest_token(&self, context: CallContext, classes: &[ClassName]) -> Called<Vec<u8>> {
        let classes = classes.iter().map(ToString::to_string).collect();
        once(self, context, operation::LATEST_TOKEN, |guest| Box::pin(guest.latest_token(classes)))
            .await
            .and_then(boundary::token)
    }

    /// Begins reading what happened since a token.
    pub async fn open_changes(
        &self,
        context: CallContext,
        classes: Vec<ClassAttributes>,
        token: Vec<u8>,
    ) -> Called<Changes> {
        Changes::open(self, context, classes, token).await
    }

    /// Creates an object.
    pub async fn create(&self, context: CallContext, object: NewObject) -> Called<Outcome> {
        once(self, context, operation::CREATE, |guest| Box::pin(guest.create(object))).await
    }

    /// Changes an object.
    pub async fn update(&self, context: CallContext, update: Update) -> Called<Outcome> {
        once(self, context, operation::UPDATE, |guest| Box::pin(guest.update(update))).await
    }

    /// Deletes an object.
    pub async fn delete(&self, context: CallContext, object: ObjectRef, revision: Option<String>) -> Called<Outcome> {
        once(self, context, operation::DELETE, |guest| Box::pin(guest.delete(object, revision))).await
    }

    /// Asks for the outcome of a write that was pending.
    pub async fn poll(&self, context: CallContext, handle: &str) -> Called<Outcome> {
        let handle = handle.to_owned();
        once(self, context, operation::POLL, |guest| Box::pin(guest.poll(handle))).await
    }

    /// Grants an entitlement.
    pub async fn grant(&self, context: CallContext, principal: ObjectRef, what: Assignment) -> Called<Granted> {
        once(self, context, operation::GRANT, |guest| Box::pin(guest.grant(principal, what))).await
    }

    /// Revokes an entitlement.
    pub async fn revoke(&self, context: CallContext, principal: ObjectRef, what: Assignment) -> Called<RevokeOutcome> {
        once(self, context, operation::REVOKE, |guest| Box::pin(guest.revoke(principal, what))).await
    }

    /// One page of a principal's entitlements, of at most `max`.
    pub async fn list_granted(
        &self,
        context: CallContext,
        principal: ObjectRef,
        after: Option<Vec<u8>>,
        max: u32,
    ) -> Called<AssignmentPage> {
        let (max, asked) = (max.clamp(1, PAGE_ROWS_MAX), after.clone());
        let called =
            once(self, context, operation::LIST_GRANTED, |guest| Box::pin(guest.list_granted(principal, after, max)))
                .await;
        called.and_then(|page| boundary::assignments(page, asked.as_ref(), max))
    }

    /// Sets a password as an administrator does.
    pub async fn set_password(
        &self,
        context: CallContext,
        account: ObjectRef,
        new: Secret,
        must_change: bool,
    ) -> Called<()> {
        once(self, context, operation::SET_PASSWORD, |guest| Box::pin(guest.set_password(account, new, must_change)))
            .await
    }

    /// Changes a password as its owner does.
    pub async fn change_password(
        &self,
        context: CallContext,
        account: ObjectRef,
        old: Secret,
        new: Secret,
    ) -> Called<()> {
        once(self, context, operation::CHANGE_PASSWORD, |guest| Box::pin(guest.change_password(account, old, new)))
            .await
    }

    /// Whose name and password are these?
    pub async fn authenticate(
        &self,
        context: CallContext,
        class: &ClassName,
        name: &str,
        password: Secret,
    ) -> Called<Uid> {
        let (class, name) = (class.to_string(), name.to_owned());
        once(self, context, operation::AUTHENTICATE, |guest| Box::pin(guest.authenticate(class, name, password)))
            .await
            .and_then(boundary::uid)
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    pub(super) fn prepared(&self) -> &InstancePre<State> {
        &self.0.loaded.pre
    }

    pub(super) fn exports(&self) -> &Arc<Exports> {
        &self.0.loaded.exports
    }
}

/// Names as the contract passes them.
pub(super) fn texts(names: &[AttributeName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
