//! Passwords: set by an administrator, changed by their owner, checked. They pass through as secrets and are nowhere
//! kept.

use super::objects::reference;
use super::{Connections, before_call};
use crate::model::{ClassName, ConnectionId, RequestContext, Secret, Uid};
use crate::runtime::Called;

impl Connections {
    /// Sets a password as an administrator does.
    pub async fn set_password(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        uid: &Uid,
        new: Secret,
        must_change: bool,
    ) -> Called<()> {
        let ready = before_call!(self.ready_to_fulfil(id).await);
        before_call!(ready.class(class));
        ready.component().set_password(self.context(rc, &ready), reference(class, uid), new, must_change).await
    }

    /// Changes a password as its owner does.
    pub async fn change_password(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        uid: &Uid,
        old: Secret,
        new: Secret,
    ) -> Called<()> {
        let ready = before_call!(self.ready_to_fulfil(id).await);
        before_call!(ready.class(class));
        ready.component().change_password(self.context(rc, &ready), reference(class, uid), old, new).await
    }

    /// Whose name and password are these?
    pub async fn authenticate(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        name: &str,
        password: Secret,
    ) -> Called<Uid> {
        let ready = before_call!(self.ready(id).await);
        before_call!(ready.class(class));
        ready.component().authenticate(self.context(rc, &ready), class, name, password).await
    }
}
