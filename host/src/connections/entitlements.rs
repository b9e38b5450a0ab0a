//! Entitlements of one principal: listing, granting, revoking. A verb for each, never a rewrite of a member list, so
//! that members somebody else added survive.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::objects::reference;
use super::{Connections, Ready, before_call, draft};
use crate::model::{
    Assignment, AssignmentPage, Attribute, ClassInfo, ClassKind, ClassName, ConnectionId, Error, Granted,
    RequestContext, Result, RevokeOutcome, Uid,
};
use crate::runtime::Called;
use crate::runtime::limits::PAGE_ROWS_MAX;

/// What is granted or revoked.
#[derive(Clone, Debug)]
pub struct GrantDraft {
    /// The entitlement's class.
    pub class: ClassName,
    /// The entitlement.
    pub uid: Uid,
    /// As lists of values in their JSON form.
    pub parameters: Map<String, Json>,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
}

impl Connections {
    /// One page of what a principal was granted.
    pub async fn entitlements(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        uid: &Uid,
        after: Option<Vec<u8>>,
        limit: u32,
    ) -> Called<AssignmentPage> {
        let ready = before_call!(self.ready(id).await);
        before_call!(ready.class(class));
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        ready.component().list_granted(self.context(rc, &ready), reference(class, uid), after, limit).await
    }

    /// Grants an entitlement.
    pub async fn grant(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        uid: &Uid,
        what: GrantDraft,
    ) -> Called<Granted> {
        let ready = before_call!(self.ready_to_fulfil(id).await);
        let assignment = before_call!(assignment(&ready, class, &what, draft::granted));
        ready.component().grant(self.context(rc, &ready), reference(class, uid), assignment).await
    }

    /// Revokes an entitlement.
    pub async fn revoke(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        uid: &Uid,
        what: GrantDraft,
    ) -> Called<RevokeOutcome> {
        let ready = before_call!(self.ready_to_fulfil(id).await);
        let assignment = before_call!(assignment(&ready, class, &what, draft::revoked));
        ready.component().revoke(self.context(rc, &ready), reference(class, uid), assignment).await
    }
}

fn assignment(
    ready: &Ready,
    principal: &ClassName,
    what: &GrantDraft,
    parameters: impl FnOnce(&ClassInfo, &Map<String, Json>) -> Result<Vec<Attribute>>,
) -> Result<Assignment> {
    ready.class(principal)?;
    let entitlement = ready.class(&what.class)?;
    if entitlement.kind != ClassKind::Entitlement {
        let message = format!("class {} is no entitlement: nothing of it can be granted", what.class);
        return Err(Error::invalid(message).blaming("class"));
    }
    if !entitlement.grantable_to.is_empty() && !entitlement.grantable_to.iter().any(|to| to == principal.as_str()) {
        let to = entitlement.grantable_to.join(", ");
        return Err(Error::invalid(format!("{} is granted to [{to}], not to {principal}", what.class)));
    }
    Ok(Assignment {
        id: None,
        entitlement: reference(&what.class, &what.uid),
        parameters: parameters(entitlement, &what.parameters)?,
        not_before: what.not_before.map(Timestamp::as_microsecond),
        not_after: what.not_after.map(Timestamp::as_microsecond),
        direct: true,
        via: Vec::new(),
    })
}
