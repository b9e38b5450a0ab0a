//! Writing objects: create, update, delete.

use crate::bindings::host::credentials::Credential;
use crate::bindings::host::model::Failure;
use crate::bindings::provision as wit;
use crate::connector::{Connector, open};
use crate::credentials::Password;
use crate::error::{Error, Result};
use crate::export::Exported;
use crate::model::{Attribute, AttributeChange, ObjectRef};

/// Changes the target. What is not implemented is refused as unsupported.
pub trait Provision: Connector {
    /// Creates an object and says which uid it got.
    ///
    /// # Errors
    /// [`Error::already_exists`], naming the object; [`Error::invalid_attribute_value`], naming the attributes.
    fn create(&self, draft: Draft) -> Result<Outcome> {
        Err(Error::unsupported(format!("objects of class {} cannot be created", draft.class)))
    }

    /// Changes an object.
    ///
    /// # Errors
    /// [`Error::unknown_uid`]; [`Error::precondition_failed`] if the revision does not match.
    fn update(&self, update: Update) -> Result<Outcome> {
        Err(Error::unsupported(format!("objects of class {} cannot be changed", update.object.class)))
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// As [`Provision::update`].
    fn delete(&self, object: &ObjectRef, revision: Option<&str>) -> Result<Outcome> {
        let _ = revision;
        Err(Error::unsupported(format!("objects of class {} cannot be deleted", object.class)))
    }

    /// Asks for the outcome of an operation that was pending.
    ///
    /// # Errors
    /// The failure of that operation.
    fn poll(&self, handle: &str) -> Result<Outcome> {
        Err(Error::unsupported(format!("no operation of this connector is ever pending, so `{handle}` is none")))
    }
}

/// An object to create.
#[derive(Debug)]
pub struct Draft {
    /// Its class.
    pub class: String,
    /// Auxiliary classes to add.
    pub auxiliary: Vec<String>,
    /// Its name.
    pub name: String,
    /// Where to create it, in targets that are trees.
    pub container: Option<String>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// Its passwords, as handles.
    pub secrets: Vec<Secret>,
}

/// Changes to make to an object.
#[derive(Debug)]
pub struct Update {
    /// Which object.
    pub object: ObjectRef,
    /// Its new name, if it is renamed.
    pub name: Option<String>,
    /// Its new container, if it is moved.
    pub container: Option<String>,
    /// At most one change for each attribute.
    pub changes: Vec<AttributeChange>,
    /// New passwords, as handles.
    pub secrets: Vec<Secret>,
    /// The revision the object must still have, if any.
    pub revision: Option<String>,
}

/// A password that arrives with a call, and the attribute it is for.
#[derive(Debug)]
pub struct Secret {
    /// The attribute, usually `password`.
    pub name: String,
    /// The handle.
    pub password: Password<'static>,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is done.
    Done(Written),
    /// The target answers later; [`Provision::poll`] gets this handle.
    Pending(String),
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    uid: String,
    name: String,
    revision: Option<String>,
    values: Vec<Attribute>,
    failed: Vec<(String, Error)>,
}

impl Written {
    /// Done, with the uid and the name the object has now.
    pub fn new(uid: impl Into<String>, name: impl Into<String>) -> Self {
        Self { uid: uid.into(), name: name.into(), revision: None, values: Vec::new(), failed: Vec::new() }
    }

    /// The revision the object has now.
    #[must_use]
    pub fn revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// A value the target set by itself.
    #[must_use]
    pub fn value(mut self, attribute: Attribute) -> Self {
        self.values.push(attribute);
        self
    }

    /// A part that failed although the rest was done.
    #[must_use]
    pub fn failed(mut self, attribute: impl Into<String>, error: Error) -> Self {
        self.failed.push((attribute.into(), error));
        self
    }

    /// The uid the object has now.
    pub fn uid(&self) -> &str {
        &self.uid
    }
}

impl From<Written> for Outcome {
    fn from(written: Written) -> Self {
        Self::Done(written)
    }
}

impl From<Written> for wit::Written {
    fn from(written: Written) -> Self {
        let part = |(attribute, error): (String, Error)| wit::PartFailure { attribute, failure: error.into() };
        Self {
            uid: written.uid,
            name: written.name,
            revision: written.revision,
            values: written.values,
            failed: written.failed.into_iter().map(part).collect(),
            issued: Vec::new(),
        }
    }
}

impl From<Outcome> for wit::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done(written) => Self::Done(written.into()),
            Outcome::Pending(handle) => Self::Pending(handle),
        }
    }
}

impl<T: Provision> wit::Guest for Exported<T> {
    fn create(
        class: String,
        auxiliary: Vec<String>,
        name: String,
        container: Option<String>,
        attributes: Vec<Attribute>,
        secrets: Vec<wit::SecretAttribute>,
    ) -> Result<wit::Outcome, Failure> {
        let secrets = take(secrets);
        Ok(open::<T>()?.create(Draft { class, auxiliary, name, container, attributes, secrets })?.into())
    }

    fn update(
        object: ObjectRef,
        name: Option<String>,
        container: Option<String>,
        changes: Vec<AttributeChange>,
        secrets: Vec<wit::SecretAttribute>,
        revision: Option<String>,
    ) -> Result<wit::Outcome, Failure> {
        let secrets = take(secrets);
        Ok(open::<T>()?.update(Update { object, name, container, changes, secrets, revision })?.into())
    }

    fn delete(object: ObjectRef, revision: Option<String>) -> Result<wit::Outcome, Failure> {
        Ok(open::<T>()?.delete(&object, revision.as_deref())?.into())
    }

    fn poll(handle: String) -> Result<wit::Outcome, Failure> {
        Ok(open::<T>()?.poll(&handle)?.into())
    }
}

fn take(secrets: Vec<wit::SecretAttribute>) -> Vec<Secret> {
    let one = |secret: wit::SecretAttribute| Secret { name: secret.name, password: owned(secret.secret) };
    secrets.into_iter().map(one).collect()
}

fn owned(credential: Credential) -> Password<'static> {
    Password::owned(credential)
}
