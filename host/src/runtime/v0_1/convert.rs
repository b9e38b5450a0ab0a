//! Small things of the bindings into the model's words and back. Rows and edges are moved as they are.

use wasmtime::component::ResourceTable;

use super::exports::{entitlements, feed, probe, provision, schema, source};
use crate::model;
use crate::runtime::boundary;
use crate::runtime::call::Answer;
use crate::runtime::fault;
use crate::runtime::imports::credentials::{Credential, Origin};

impl From<model::Aspect> for probe::Aspect {
    fn from(aspect: model::Aspect) -> Self {
        match aspect {
            model::Aspect::Connect => Self::Connect,
            model::Aspect::Complete => Self::Complete,
            model::Aspect::Incremental => Self::Incremental,
            model::Aspect::Provision => Self::Provision,
        }
    }
}

impl From<probe::Finding> for model::Finding {
    fn from(finding: probe::Finding) -> Self {
        Self { text: fault::message(&finding.text), error: finding.failure.map(fault::said) }
    }
}

impl From<probe::Choice> for model::Choice {
    fn from(choice: probe::Choice) -> Self {
        Self { value: choice.value, label: fault::message(&choice.label) }
    }
}

impl From<&model::ListRequest> for source::ListRequest {
    fn from(request: &model::ListRequest) -> Self {
        Self {
            class: request.class.to_string(),
            attributes: request.attributes.iter().map(ToString::to_string).collect(),
            filter: request.filter.as_ref().map(Into::into),
            container: request.container.as_ref().map(ToString::to_string),
        }
    }
}

impl From<source::Rejected> for model::Rejected {
    fn from(rejected: source::Rejected) -> Self {
        Self { key: fault::message(&rejected.key), error: fault::said(rejected.failure) }
    }
}

impl From<source::Page> for model::Page {
    fn from(page: source::Page) -> Self {
        let source::Page { rows, rejected, checkpoint, token, estimate, complete } = page;
        let rejected = rejected.into_iter().map(Into::into).collect();
        Self { rows, rejected, checkpoint, token, estimate, complete }
    }
}

impl From<source::EdgePage> for model::EdgePage {
    fn from(page: source::EdgePage) -> Self {
        let source::EdgePage { edges, rejected, checkpoint, complete } = page;
        Self { edges, rejected: rejected.into_iter().map(Into::into).collect(), checkpoint, complete }
    }
}

impl From<model::ClassAttributes> for feed::ClassAttributes {
    fn from(asked: model::ClassAttributes) -> Self {
        let attributes = asked.attributes.into_iter().map(Into::into).collect();
        Self { class: asked.class.into(), attributes }
    }
}

impl From<feed::Deltas> for model::Deltas {
    fn from(page: feed::Deltas) -> Self {
        let feed::Deltas { deltas, rejected, token, more } = page;
        let unfit = rejected.into_iter().map(Into::into).collect();
        Self { deltas: deltas.into_iter().map(Into::into).collect(), unfit, token, more }
    }
}

impl From<feed::UnreadChange> for model::Unfit {
    fn from(feed::UnreadChange { class, key, failure }: feed::UnreadChange) -> Self {
        let record = model::Rejected { key: fault::message(&key), error: fault::said(failure) };
        Self { class, record }
    }
}

impl From<feed::Delta> for model::Delta {
    fn from(delta: feed::Delta) -> Self {
        match delta {
            feed::Delta::Upsert(now) => Self::Upsert(now.into()),
            feed::Delta::Patch(now) => Self::Patch(now.into()),
            feed::Delta::Delete(feed::Gone { class, uid, name }) => Self::Delete(model::Gone { class, uid, name }),
            feed::Delta::Rename(feed::Renamed { previous, now }) => {
                Self::Rename(model::Renamed { previous, now: now.into() })
            }
            feed::Delta::LinkAdded(edge) => Self::LinkAdded(edge),
            feed::Delta::LinkRemoved(edge) => Self::LinkRemoved(edge),
        }
    }
}

impl From<feed::ClassRow> for model::ClassRow {
    fn from(of: feed::ClassRow) -> Self {
        Self { class: of.class, row: of.row }
    }
}

/// The outcome of a write; secrets the target generated are taken over from their handles. A uid that is none, or anything
/// else that cannot be, makes the outcome unknown: something was written, and nobody can say what.
pub(super) fn outcome(outcome: provision::Outcome, table: &mut ResourceTable) -> Answer<model::Outcome> {
    let written = match outcome {
        provision::Outcome::Pending(handle) => {
            let said =
                boundary::pending(&handle).map_or(Ok(model::Outcome::Pending(handle)), |why| Err(nameless(&why)));
            return Ok(said);
        }
        provision::Outcome::Done(written) => written,
    };
    let uid = match written.uid.parse::<model::Uid>() {
        Ok(uid) => uid,
        Err(invalid) => return Ok(Err(nameless(&invalid.to_string()))),
    };
    let mut issued = Vec::with_capacity(written.issued.len());
    for attribute in written.issued {
        match table.delete(attribute.secret)? {
            Credential { origin: Origin::Secured(..) | Origin::Token(..), .. } => {
                return Ok(Err(borrowed(&attribute.name)));
            }
            Credential { secret, .. } => issued.push(model::SecretAttribute { name: attribute.name, secret }),
        }
    }
    let written = model::Written {
        uid,
        name: written.name,
        revision: written.revision,
        values: written.values,
        failed: written.failed.into_iter().map(Into::into).collect(),
        issued,
    };
    Ok(boundary::written(&written).map_or(Ok(model::Outcome::Done(written)), |why| Err(nameless(&why))))
}

/// The answer to a grant; one that nothing can be called by makes the outcome unknown, as above.
pub(super) fn granted(granted: entitlements::Granted) -> Result<model::Granted, model::Failure> {
    let granted = model::Granted::from(granted);
    boundary::granted(&granted).map_or(Ok(granted), |why| Err(nameless(&why)))
}

fn nameless(why: &str) -> model::Failure {
    let message = format!("the connector wrote, but names wrongly what it wrote: {why}");
    let unknown = model::Failure::new(model::FailureKind::OutcomeUnknown, message);
    model::Failure { effect: model::Effect::Unknown, ..unknown }
}

/// A secret of the connection is none that the target generated.
fn borrowed(attribute: &str) -> model::Failure {
    let message = format!("the connector wrote, but passes a secured option off as generated for {attribute:?}");
    let denied = model::Failure::new(model::FailureKind::CredentialDenied, message);
    model::Failure { effect: model::Effect::Unknown, ..denied }
}

impl From<provision::PartFailure> for model::PartFailure {
    fn from(part: provision::PartFailure) -> Self {
        Self { attribute: fault::message(&part.attribute), error: fault::said(part.failure) }
    }
}

impl From<model::Assignment> for entitlements::Assignment {
    fn from(assignment: model::Assignment) -> Self {
        let model::Assignment { id, entitlement, parameters, not_before, not_after, direct, via } = assignment;
        Self { id, entitlement, parameters, not_before, not_after, direct, via }
    }
}

impl From<entitlements::Assignment> for model::Assignment {
    fn from(assignment: entitlements::Assignment) -> Self {
        let entitlements::Assignment { id, entitlement, parameters, not_before, not_after, direct, via } = assignment;
        Self { id, entitlement, parameters, not_before, not_after, direct, via }
    }
}

impl From<entitlements::Granted> for model::Granted {
    fn from(granted: entitlements::Granted) -> Self {
        let outcome = match granted.outcome {
            entitlements::GrantOutcome::Granted => model::GrantOutcome::Granted,
            entitlements::GrantOutcome::AlreadyGranted => model::GrantOutcome::AlreadyGranted,
            entitlements::GrantOutcome::Replaced => model::GrantOutcome::Replaced,
            entitlements::GrantOutcome::Pending => model::GrantOutcome::Pending,
        };
        Self { outcome, id: granted.id }
    }
}

impl From<entitlements::RevokeOutcome> for model::RevokeOutcome {
    fn from(outcome: entitlements::RevokeOutcome) -> Self {
        match outcome {
            entitlements::RevokeOutcome::Revoked => Self::Revoked,
            entitlements::RevokeOutcome::AlreadyRevoked => Self::AlreadyRevoked,
            entitlements::RevokeOutcome::Inherited => Self::Inherited,
            entitlements::RevokeOutcome::Pending => Self::Pending,
        }
    }
}

impl From<entitlements::Assignments> for model::AssignmentPage {
    fn from(page: entitlements::Assignments) -> Self {
        Self { assignments: page.assignments.into_iter().map(Into::into).collect(), next: page.next }
    }
}

impl From<schema::ClassInfo> for model::ClassInfo {
    fn from(class: schema::ClassInfo) -> Self {
        Self {
            name: class.name,
            title: class.title,
            kind: class.kind.into(),
            auxiliary: class.auxiliary,
            uid_matching: class.uid_matching.into(),
            name_matching: class.name_matching.into(),
            attributes: class.attributes.into_iter().map(Into::into).collect(),
            grantable_to: class.grantable_to,
            parameters: class.parameters.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<schema::AttributeInfo> for model::AttributeInfo {
    fn from(attribute: schema::AttributeInfo) -> Self {
        let has = |flag| attribute.flags.contains(flag);
        Self {
            required: has(schema::AttributeFlags::REQUIRED),
            multi_valued: has(schema::AttributeFlags::MULTI_VALUED),
            creatable: has(schema::AttributeFlags::CREATABLE),
            updateable: has(schema::AttributeFlags::UPDATEABLE),
            readable: has(schema::AttributeFlags::READABLE),
            returned_by_default: has(schema::AttributeFlags::RETURNED_BY_DEFAULT),
            confidential: has(schema::AttributeFlags::CONFIDENTIAL),
            large: has(schema::AttributeFlags::LARGE),
            name: attribute.name,
            native_name: attribute.native_name,
            title: attribute.title,
            syntax: attribute.syntax.into(),
            matching: attribute.matching.into(),
            refers_to: attribute.refers_to,
            allowed: attribute.allowed.iter().map(model::json::value_to_json).collect(),
        }
    }
}

impl From<schema::ClassKind> for model::ClassKind {
    fn from(kind: schema::ClassKind) -> Self {
        match kind {
            schema::ClassKind::Account => Self::Account,
            schema::ClassKind::Entitlement => Self::Entitlement,
            schema::ClassKind::Container => Self::Container,
            schema::ClassKind::Other => Self::Other,
        }
    }
}

impl From<schema::Matching> for model::Matching {
    fn from(matching: schema::Matching) -> Self {
        match matching {
            schema::Matching::Exact => Self::Exact,
            schema::Matching::CaseIgnore => Self::CaseIgnore,
            schema::Matching::Dn => Self::Dn,
        }
    }
}

impl From<schema::Syntax> for model::Syntax {
    fn from(syntax: schema::Syntax) -> Self {
        match syntax {
            schema::Syntax::Text => Self::Text,
            schema::Syntax::Uri => Self::Uri,
            schema::Syntax::Dn => Self::Dn,
            schema::Syntax::Uuid => Self::Uuid,
            schema::Syntax::Json => Self::Json,
            schema::Syntax::Xml => Self::Xml,
            schema::Syntax::Decimal => Self::Decimal,
            schema::Syntax::Integer => Self::Integer,
            schema::Syntax::Real => Self::Real,
            schema::Syntax::Boolean => Self::Boolean,
            schema::Syntax::Binary => Self::Binary,
            schema::Syntax::Instant => Self::Instant,
            schema::Syntax::Date => Self::Date,
            schema::Syntax::Reference => Self::Reference,
            schema::Syntax::Complex => Self::Complex,
        }
    }
}
