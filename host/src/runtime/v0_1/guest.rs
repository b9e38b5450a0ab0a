//! The guest's side of the bindings: one function per operation, in the model's words.

use wasmtime::component::{Resource, ResourceAny};

use super::exports::{entitlements, feed, passwords, probe, provision, schema, source};
use crate::model::{
    Aspect, Assignment, AssignmentPage, Attribute, Choice, ClassAttributes, Deltas, EdgePage, Failure, Finding,
    Granted, ListRequest, NewObject, ObjectRef, Outcome, Page, RevokeOutcome, Row, Schema, Secret, SecretAttribute,
    Update, Value,
};
use crate::runtime::call::{Answer, Guest};
use crate::runtime::imports::credentials::{Credential, Origin};

/// Slots of passwords that arrive with a call, as the audit trail names them.
const NEW_PASSWORD: &str = "new-password";
const OLD_PASSWORD: &str = "old-password";
const PASSWORD: &str = "password";

macro_rules! interface {
    ($($name:ident),+) => {
        impl Guest {
            $(fn $name(&mut self) -> wasmtime::Result<$name::Guest> {
                let indices = self.exports.$name.as_ref();
                let missing = || wasmtime::format_err!(concat!("the interface ", stringify!($name), " is not exported"));
                indices.ok_or_else(missing)?.load(&mut self.store, &self.instance)
            })+
        }
    };
}
interface!(probe, schema, source, feed, provision, entitlements, passwords);

impl Guest {
    pub(in crate::runtime) async fn check(&mut self, aspect: Aspect) -> Answer<Vec<Finding>> {
        let said = self.probe()?.call_check(&mut self.store, aspect.into()).await?;
        Ok(said.map(|findings| findings.into_iter().map(Into::into).collect()))
    }

    pub(in crate::runtime) async fn suggest(&mut self, option: String) -> Answer<Vec<Choice>> {
        let said = self.probe()?.call_suggest(&mut self.store, &option).await?;
        Ok(said.map(|choices| choices.into_iter().map(Into::into).collect()))
    }

    pub(in crate::runtime) async fn get_schema(&mut self) -> Answer<Schema> {
        let said = self.schema()?.call_get_schema(&mut self.store).await?;
        Ok(said.map(|classes| Schema(classes.into_iter().map(Into::into).collect())))
    }

    pub(in crate::runtime) async fn get(&mut self, object: ObjectRef, attributes: Vec<String>) -> Answer<Row> {
        self.source()?.call_get(&mut self.store, &object, &attributes).await
    }

    pub(in crate::runtime) async fn get_many(
        &mut self,
        class: String,
        uids: Vec<String>,
        attributes: Vec<String>,
    ) -> Answer<Vec<Result<Row, Failure>>> {
        self.source()?.call_get_many(&mut self.store, &class, &uids, &attributes).await
    }

    pub(in crate::runtime) async fn open_listing(
        &mut self,
        request: ListRequest,
        checkpoint: Option<Vec<u8>>,
    ) -> Answer<ResourceAny> {
        self.source()?.call_open_listing(&mut self.store, &(&request).into(), checkpoint.as_deref()).await
    }

    pub(in crate::runtime) async fn next_rows(&mut self, listing: ResourceAny, max: u32) -> Answer<Page> {
        let said = self.source()?.listing().call_next(&mut self.store, listing, max).await?;
        Ok(said.map(Into::into))
    }

    pub(in crate::runtime) async fn open_edges(
        &mut self,
        class: String,
        attribute: String,
        owner: Option<ObjectRef>,
        checkpoint: Option<Vec<u8>>,
    ) -> Answer<ResourceAny> {
        self.source()?.call_open_edges(&mut self.store, &class, &attribute, owner.as_ref(), checkpoint.as_deref()).await
    }

    pub(in crate::runtime) async fn next_edges(&mut self, listing: ResourceAny, max: u32) -> Answer<EdgePage> {
        let said = self.source()?.edge_listing().call_next(&mut self.store, listing, max).await?;
        Ok(said.map(Into::into))
    }

    pub(in crate::runtime) async fn latest_token(&mut self, classes: Vec<String>) -> Answer<Vec<u8>> {
        self.feed()?.call_latest_token(&mut self.store, &classes).await
    }

    pub(in crate::runtime) async fn open_changes(
        &mut self,
        classes: Vec<ClassAttributes>,
        token: Vec<u8>,
    ) -> Answer<ResourceAny> {
        let classes: Vec<feed::ClassAttributes> = classes.into_iter().map(Into::into).collect();
        self.feed()?.call_open(&mut self.store, &classes, &token).await
    }

    pub(in crate::runtime) async fn next_changes(&mut self, changes: ResourceAny, max: u32) -> Answer<Deltas> {
        let said = self.feed()?.changes().call_next(&mut self.store, changes, max).await?;
        Ok(said.map(Into::into))
    }

    pub(in crate::runtime) async fn create(&mut self, object: NewObject) -> Answer<Outcome> {
        let NewObject { class, auxiliary, name, container, attributes, secrets } = object;
        let auxiliary: Vec<String> = auxiliary.into_iter().map(Into::into).collect();
        let (class, container) = (class.into(), container.map(Into::into));
        let plain: Vec<&str> = texts(&attributes).chain([name.as_str()]).collect();
        let secrets = self.secret_attributes(secrets, &plain)?;
        let said = self
            .provision()?
            .call_create(&mut self.store, &class, &auxiliary, &name, container.as_ref(), &attributes, &secrets)
            .await?;
        self.outcome(said)
    }

    pub(in crate::runtime) async fn update(&mut self, update: Update) -> Answer<Outcome> {
        let Update { object, new_name, new_container, changes, secrets, revision } = update;
        let (new_name, new_container) = (new_name.as_deref(), new_container.map(Into::into));
        let secrets = self.secret_attributes(secrets, &[names(&object), new_name.into_iter().collect()].concat())?;
        let said = self
            .provision()?
            .call_update(
                &mut self.store,
                &object,
                new_name,
                new_container.as_ref(),
                &changes,
                &secrets,
                revision.as_deref(),
            )
            .await?;
        self.outcome(said)
    }

    pub(in crate::runtime) async fn delete(&mut self, object: ObjectRef, revision: Option<String>) -> Answer<Outcome> {
        let said = self.provision()?.call_delete(&mut self.store, &object, revision.as_deref()).await?;
        self.outcome(said)
    }

    pub(in crate::runtime) async fn poll(&mut self, handle: String) -> Answer<Outcome> {
        let said = self.provision()?.call_poll(&mut self.store, &handle).await?;
        self.outcome(said)
    }

    pub(in crate::runtime) async fn grant(&mut self, principal: ObjectRef, what: Assignment) -> Answer<Granted> {
        let said = self.entitlements()?.call_grant(&mut self.store, &principal, &what.into()).await?;
        Ok(said.and_then(super::convert::granted))
    }

    pub(in crate::runtime) async fn revoke(&mut self, principal: ObjectRef, what: Assignment) -> Answer<RevokeOutcome> {
        let said = self.entitlements()?.call_revoke(&mut self.store, &principal, &what.into()).await?;
        Ok(said.map(Into::into))
    }

    pub(in crate::runtime) async fn list_granted(
        &mut self,
        principal: ObjectRef,
        after: Option<Vec<u8>>,
        max: u32,
    ) -> Answer<AssignmentPage> {
        let said = self.entitlements()?.call_list_granted(&mut self.store, &principal, after.as_deref(), max).await?;
        Ok(said.map(Into::into))
    }

    pub(in crate::runtime) async fn set_password(
        &mut self,
        account: ObjectRef,
        new: Secret,
        must_change: bool,
    ) -> Answer<()> {
        let new = self.lend(NEW_PASSWORD, new, &names(&account))?;
        self.passwords()?.call_set_password(&mut self.store, &account, new, must_change).await
    }

    pub(in crate::runtime) async fn change_password(
        &mut self,
        account: ObjectRef,
        old: Secret,
        new: Secret,
    ) -> Answer<()> {
        let said = names(&account);
        let (old, new) = (self.lend(OLD_PASSWORD, old, &said)?, self.lend(NEW_PASSWORD, new, &said)?);
        self.passwords()?.call_change_password(&mut self.store, &account, old, new).await
    }

    pub(in crate::runtime) async fn authenticate(
        &mut self,
        class: String,
        name: String,
        password: Secret,
    ) -> Answer<String> {
        let password = self.lend(PASSWORD, password, &[&name])?;
        self.passwords()?.call_authenticate(&mut self.store, &class, &name, password).await
    }

    /// A handle the guest may use until the call ends. `said` is what the call says of the account in plain words: a
    /// password that stands in there is no secret, and must not make every answer about the account a leak.
    fn lend(&mut self, slot: &str, secret: Secret, said: &[&str]) -> wasmtime::Result<Resource<Credential>> {
        let handle = self.own(slot, secret, said)?;
        Ok(Resource::new_borrow(handle.rep()))
    }

    fn own(&mut self, slot: &str, secret: Secret, said: &[&str]) -> wasmtime::Result<Resource<Credential>> {
        let state = self.store.data_mut();
        if !said.iter().any(|text| holds(text, secret.expose())) {
            state.leaks.watch(format!("the secret {slot:?} of the call"), &secret);
        }
        Ok(state.table.push(Credential { origin: Origin::Call(slot.to_owned()), secret })?)
    }

    fn secret_attributes(
        &mut self,
        secrets: Vec<SecretAttribute>,
        said: &[&str],
    ) -> wasmtime::Result<Vec<provision::SecretAttribute>> {
        let handed = |SecretAttribute { name, secret }| {
            let secret = self.own(&name, secret, said)?;
            Ok(provision::SecretAttribute { name, secret })
        };
        secrets.into_iter().map(handed).collect()
    }

    fn outcome(&mut self, said: Result<provision::Outcome, Failure>) -> Answer<Outcome> {
        match said {
            Err(failure) => Ok(Err(failure)),
            Ok(outcome) => super::convert::outcome(outcome, &mut self.store.data_mut().table),
        }
    }
}

/// What a call calls an account.
fn names(object: &ObjectRef) -> Vec<&str> {
    object.name.iter().chain([&object.uid]).map(String::as_str).collect()
}

fn texts(attributes: &[Attribute]) -> impl Iterator<Item = &str> {
    attributes.iter().flat_map(|attribute| &attribute.values).filter_map(|value| match value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

fn holds(text: &str, secret: &[u8]) -> bool {
    text.as_bytes().windows(secret.len().max(1)).any(|window| window == secret)
}
