//! Every text and every bytes in what a guest answers, one after the other.
//!
//! An answer type without an implementation cannot be returned by a call (`call.rs`), so that no exit is forgotten.

use hyper::HeaderMap;
use wasmtime::component::ResourceAny;

use crate::http;
use crate::ldap::{Control, Entries, Found, Intermediate};
use crate::model::{
    Assignment, AssignmentPage, Attribute, AttributeInfo, Cell, Choice, ClassInfo, ClassRow, Delta, Deltas, Edge,
    EdgePage, Error, Failure, Finding, Gone, Granted, Key, ObjectRef, Outcome, Page, Part, PartFailure, Reference,
    Rejected, Renamed, RevokeOutcome, Row, Scalar, Schema, SecretAttribute, Uid, Unfit, Value, Written,
};

/// Something a guest gives out.
pub(in crate::runtime) trait Exits {
    /// Shows every text and every bytes in it.
    fn exits(&self, see: &mut dyn FnMut(&[u8]));
}

macro_rules! nothing {
    ($($type:ty),+) => { $(impl Exits for $type { fn exits(&self, _: &mut dyn FnMut(&[u8])) {} })+ };
}
nothing!((), RevokeOutcome, ResourceAny);

/// An exit is the exits of its fields.
macro_rules! fields {
    ($($type:ident { $($field:ident),+ })+) => {
        $(impl Exits for $type {
            fn exits(&self, see: &mut dyn FnMut(&[u8])) {
                $(self.$field.exits(see);)+
            }
        })+
    };
}
fields! {
    Row { uid, name, revision, cells }
    Page { rows, rejected, checkpoint, token }
    Edge { owner, attribute, target, parameters }
    EdgePage { edges, rejected, checkpoint }
    Rejected { key, error }
    Deltas { deltas, unfit, token }
    Unfit { class, record }
    ClassRow { class, row }
    Gone { class, uid, name }
    Renamed { previous, now }
    Reference { class, key }
    ObjectRef { class, uid, name }
    Attribute { name, values }
    Part { name, value }
    Failure { message, object, attributes, code }
    Error { message, object, attributes, code }
    Finding { text, error }
    Choice { value, label }
    ClassInfo { name, title, attributes, grantable_to, parameters }
    AttributeInfo { name, native_name, title, refers_to, allowed }
    Written { uid, name, revision, values, failed, issued }
    PartFailure { attribute, error }
    SecretAttribute { name }
    Granted { id }
    Assignment { id, entitlement, parameters, via }
    AssignmentPage { assignments, next }
    Entries { found, intermediates, referrals, controls }
    Intermediate { oid, value, controls }
    Control { oid, value }
}

impl Exits for http::Response {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        self.headers.exits(see);
        see(&self.body);
    }
}

impl Exits for HeaderMap {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        for (name, value) in self {
            see(name.as_str().as_bytes());
            see(value.as_bytes());
        }
    }
}

impl Exits for String {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        see(self.as_bytes());
    }
}

impl Exits for Vec<u8> {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        see(self);
    }
}

impl<T: Exits> Exits for Vec<T> {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        for one in self {
            one.exits(see);
        }
    }
}

impl<T: Exits> Exits for Option<T> {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        if let Some(one) = self {
            one.exits(see);
        }
    }
}

impl<T: Exits> Exits for Result<T, Failure> {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        match self {
            Ok(answer) => answer.exits(see),
            Err(failure) => failure.exits(see),
        }
    }
}

impl Exits for Found {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        self.texts().for_each(see);
    }
}

impl Exits for serde_json::Value {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        see(self.to_string().as_bytes());
    }
}

impl Exits for Delta {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Upsert(now) | Self::Patch(now) => now.exits(see),
            Self::Delete(gone) => gone.exits(see),
            Self::Rename(renamed) => renamed.exits(see),
            Self::LinkAdded(edge) | Self::LinkRemoved(edge) => edge.exits(see),
        }
    }
}

impl Exits for Key {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        let (Self::Uid(text) | Self::Name(text)) = self;
        text.exits(see);
    }
}

impl Exits for Cell {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Text(text) => text.exits(see),
            Self::Binary(bytes) => bytes.exits(see),
            Self::Reference(to) => to.exits(see),
            Self::Complex(parts) => parts.exits(see),
            Self::Many(values) | Self::Partial(values) => values.exits(see),
            Self::Absent
            | Self::Unread
            | Self::Integer(_)
            | Self::Real(_)
            | Self::Boolean(_)
            | Self::Instant(_)
            | Self::Date(_) => {}
        }
    }
}

impl Exits for Value {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Text(text) => text.exits(see),
            Self::Binary(bytes) => bytes.exits(see),
            Self::Reference(to) => to.exits(see),
            Self::Complex(parts) => parts.exits(see),
            Self::Integer(_) | Self::Real(_) | Self::Boolean(_) | Self::Instant(_) | Self::Date(_) => {}
        }
    }
}

impl Exits for Scalar {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        if let Self::Text(text) = self {
            text.exits(see);
        }
    }
}

impl Exits for Schema {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        self.0.exits(see);
    }
}

impl Exits for Outcome {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Done(written) => written.exits(see),
            Self::Pending(handle) => handle.exits(see),
        }
    }
}

impl Exits for Uid {
    fn exits(&self, see: &mut dyn FnMut(&[u8])) {
        see(self.as_str().as_bytes());
    }
}
