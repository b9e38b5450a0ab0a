//! Single objects: by the mapping's `get`, or found in its `list`.

use crate::Rest;
use crate::api::{Answer, Api, With};
use crate::failure;
use crate::layout::Layout;
use crate::mapping::{Class, Read};
use crate::pages::{Paged, Pages, Position};
use hawser_sdk::credentials::{self, Credential};
use hawser_sdk::{Error, FailureKind, ObjectRef, Record, Result, call};
use serde_json::Value as Json;

/// An object as the API has it now, with the secrets that were captured on the way.
pub(crate) struct Current {
    pub(crate) item: Json,
    pub(crate) etag: Option<String>,
    pub(crate) captured: Vec<(String, Credential<'static>)>,
    /// Secrets that the object has, and that the host took out and did not keep.
    pub(crate) lost: Vec<String>,
}

impl Rest {
    pub(crate) fn look_up(&self, object: &ObjectRef, attributes: &[String]) -> Result<Record> {
        let class = self.mapping.class(&object.class)?;
        let layout = Layout::new(class, attributes)?;
        let api = Api::new(self)?;
        let current = match &class.get {
            Some(get) => api.current(object, get)?,
            None => api.find(object, class)?,
        };
        layout.row(&current.item, current.etag.as_deref()).map(Record::from)
    }
}

impl Api<'_> {
    /// Reads an object.
    ///
    /// # Errors
    /// `unknown-uid` if it is not there.
    pub(crate) fn current(&self, object: &ObjectRef, get: &Read) -> Result<Current> {
        let uid = &object.uid;
        let scope = self.scope().with("uid", &Json::from(uid.as_str()));
        // Two calls that write at once must not take each other's secrets.
        let kept = |name: &str| format!("{name}-{}", call::request_id());
        let captures = get.capture.iter().map(|(name, source)| (source, kept(name))).collect();
        let answer = self.send(get.sketch(), &scope, &With { captures, ..With::default() });
        let Answer { body, etag, .. } = answer.map_err(|error| missing(error, object))?;
        let item = get.item.get(&body).ok_or_else(|| {
            Error::connection_broken(format!("the answer about `{uid}` has no object at {} (`item`)", get.item))
        })?;
        let mut current = Current { item: item.clone(), etag, captured: Vec::new(), lost: Vec::new() };
        for (name, source) in &get.capture {
            match credentials::captured(&kept(name)) {
                Some(secret) => current.captured.push((name.clone(), secret)),
                None if source.pointer().is_some_and(|it| it.get(&body).is_some()) => current.lost.push(name.clone()),
                None => {}
            }
        }
        Ok(current)
    }

    /// Looks for an object in the list of its class. Only a list that was read to its end says that it is not there.
    fn find(&self, object: &ObjectRef, class: &Class) -> Result<Current> {
        let unreadable = || Error::unsupported(format!("the class {} cannot be read", object.class));
        let list = class.list.as_ref().ok_or_else(unreadable)?;
        let paged = Paged { sketch: list.sketch(), items: &list.items, paging: &list.paging };
        let mut pages = Pages::new(Position::default());
        while let Some(page) = pages.next(self, &paged, &self.scope())? {
            let found = page.into_iter().find(|item| class.uid.find(item).as_deref() == Some(object.uid.as_str()));
            if let Some(item) = found {
                return Ok(Current { item, etag: None, captured: Vec::new(), lost: Vec::new() });
            }
        }
        Err(Error::unknown_uid(format!("there is no {} with the uid `{}`", object.class, object.uid)))
    }
}

/// Names the object that is not there.
pub(crate) fn missing(error: Error, object: &ObjectRef) -> Error {
    if error.kind() != FailureKind::UnknownUid {
        return error;
    }
    let message = format!("there is no {} with the uid `{}` ({error})", object.class, object.uid);
    failure::renamed(&error, FailureKind::UnknownUid, message)
}
