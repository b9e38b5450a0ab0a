//! Live objects: reading, creating, changing and deleting one on the target.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Connections, before_call, draft, intake};
use crate::model::text::shown;
use crate::model::{
    AttributeName, ClassInfo, ClassName, ConnectionId, Error, FailureKind, Matching, NewObject, ObjectRef, Outcome,
    Rejected, RequestContext, Result, Row, Secret, SecretAttribute, Uid, Update,
};
use crate::runtime::Called;

/// The part of a foreign uid that is shown, in bytes.
const UID_BYTES_SHOWN: usize = 300;
/// The longest object name taken, in bytes.
const NAME_BYTES_MAX: usize = 4096;

/// One object as the target has it.
#[derive(Clone, Debug)]
pub struct Object {
    pub class: ClassName,
    /// Names `row.cells`.
    pub columns: Arc<[AttributeName]>,
    pub row: Row,
    /// The attributes as JSON text (see [`crate::model::json::object_body`]).
    pub body: String,
}

/// An object to create: attributes as lists of values in their JSON form; confidential ones become secrets.
#[derive(Clone)]
pub struct ObjectDraft {
    pub name: String,
    pub container: Option<Uid>,
    pub attributes: Map<String, Json>,
}

/// What to change of an object: per attribute `{"replace": [..]}` or `{"add": [..], "remove": [..]}`.
#[derive(Clone)]
pub struct ObjectPatch {
    pub name: Option<String>,
    pub container: Option<Uid>,
    pub changes: Map<String, Json>,
}

impl Connections {
    /// Reads one object.
    pub async fn get_object(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        uid: &Uid,
        attributes: Option<Vec<AttributeName>>,
    ) -> Called<Object> {
        let ready = before_call!(self.ready(id).await);
        let info = before_call!(ready.class(class));
        let columns = before_call!(columns(info, attributes));
        let called = ready.component().get(self.context(rc, &ready), reference(class, uid), &columns).await;
        called.and_then(|row| {
            require_same(info.uid_matching, uid, &row.uid)?;
            admitted(class, &columns.into(), row).map_err(|rejected| rejected.error)
        })
    }

    /// Creates an object.
    pub async fn create_object(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        draft: ObjectDraft,
    ) -> Called<Outcome> {
        let ready = before_call!(self.ready_to_fulfil(id).await);
        let info = before_call!(ready.class(class));
        before_call!(check_name(&draft.name));
        let attributes = before_call!(draft::attributes(info, &draft.attributes));
        let object = NewObject {
            class: class.clone(),
            auxiliary: Vec::new(),
            name: draft.name,
            container: draft.container,
            attributes: attributes.plain,
            secrets: secrets(attributes.secret),
        };
        ready.component().create(self.context(rc, &ready), object).await
    }

    /// Changes an object; `revision` asks for it to be as it was.
    pub async fn update_object(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        uid: &Uid,
        patch: ObjectPatch,
        revision: Option<String>,
    ) -> Called<Outcome> {
        let ready = before_call!(self.ready_to_fulfil(id).await);
        let info = before_call!(ready.class(class));
        before_call!(patch.name.as_deref().map_or(Ok(()), check_name));
        let changes = before_call!(draft::changes(info, &patch.changes));
        let nothing = changes.plain.is_empty() && changes.secret.is_empty();
        if nothing && patch.name.is_none() && patch.container.is_none() {
            return Called::refused(Error::invalid("the patch changes nothing: give name, container or changes"));
        }
        let update = Update {
            object: reference(class, uid),
            new_name: patch.name,
            new_container: patch.container,
            changes: changes.plain,
            secrets: secrets(changes.secret),
            revision,
        };
        ready.component().update(self.context(rc, &ready), update).await
    }

    /// Deletes an object; `revision` asks for it to be as it was.
    pub async fn delete_object(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        uid: &Uid,
        revision: Option<String>,
    ) -> Called<Outcome> {
        let ready = before_call!(self.ready_to_fulfil(id).await);
        before_call!(ready.class(class));
        ready.component().delete(self.context(rc, &ready), reference(class, uid), revision).await
    }
}

/// The object that was asked for, and no other in its place.
fn require_same(matching: Matching, asked: &Uid, answered: &str) -> Result<()> {
    let folded = |text: &str| match matching {
        Matching::Exact => text.to_owned(),
        Matching::CaseIgnore => text.to_lowercase(),
        Matching::Dn => text.to_lowercase().split_whitespace().collect(),
    };
    if folded(asked.as_str()) == folded(answered) {
        return Ok(());
    }
    let answered = shown(answered, UID_BYTES_SHOWN);
    let message = format!("the connector was asked for {asked} and answered with {answered:?}; its author has to look");
    Err(Error::failure(FailureKind::SchemaViolation, message))
}

/// What points the connector to an object.
pub(super) fn reference(class: &ClassName, uid: &Uid) -> ObjectRef {
    ObjectRef { class: class.to_string(), uid: uid.to_string(), name: None }
}

/// The attributes to read: those asked for, or all that a class returns by default.
///
/// # Errors
/// `invalid-request`, naming an attribute that the class does not have or that cannot be read.
pub(super) fn columns(class: &ClassInfo, asked: Option<Vec<AttributeName>>) -> Result<Vec<AttributeName>> {
    let Some(asked) = asked else {
        return class.default_attributes().map(|info| Ok(info.name.parse()?)).collect();
    };
    let mut columns: Vec<AttributeName> = Vec::with_capacity(asked.len());
    for name in asked {
        match class.attribute(name.as_str()) {
            Some(info) if info.readable && !info.confidential => {
                if !columns.contains(&name) {
                    columns.push(name);
                }
            }
            Some(_) => return Err(Error::invalid(format!("attribute {name} cannot be read")).blaming(name)),
            None => {
                let message = format!("class {} has no attribute {name}; see the schema for those it has", class.name);
                return Err(Error::invalid(message).blaming(name));
            }
        }
    }
    Ok(columns)
}

/// An object from a row, or the row set aside.
pub(super) fn admitted(class: &ClassName, columns: &Arc<[AttributeName]>, row: Row) -> Result<Object, Rejected> {
    let intake::Admitted { row, body } = intake::admit(columns, row)?;
    Ok(Object { class: class.clone(), columns: Arc::clone(columns), row, body })
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        let message = format!("the name takes 1 to {NAME_BYTES_MAX} bytes without control characters");
        return Err(Error::invalid(message).blaming("name"));
    }
    Ok(())
}

fn secrets(named: Vec<(String, Secret)>) -> Vec<SecretAttribute> {
    named.into_iter().map(|(name, secret)| SecretAttribute { name, secret }).collect()
}
