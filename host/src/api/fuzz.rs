//! The fuzzers' door to bodies: what a caller sends is given to every resource that takes JSON, and read as its handler
//! reads it.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::body::{Nothing, parse};
use super::connections::{CheckRequest, ConnectionDraft, SuggestRequest};
use super::entitlements::GrantRequest;
use super::objects::{DraftWire, PatchWire};
use super::passwords::{AuthenticateRequest, PasswordRequest};
use super::permissions::PermissionChange;
use super::publishers::PublisherKeyDraft;
use super::releases::Approval;
use super::secured::{self, EntryWire, SecuredWire};
use super::systems::{SystemDraft, SystemReplacement, title};
use super::tokens::TokenDraft;
use crate::connections::fuzz as connections;
use crate::model::{Error, Given, Result, Secured, fuzz};
use crate::registry::PublicKey;

/// A body's name, and how it is read.
type Reading = (&'static str, fn(&[u8]) -> Result<()>);

/// Every body of the API, by the name it is given in a failure.
const BODIES: &[Reading] = &[
    ("nothing", parsed::<Nothing>),
    ("connection", connection),
    ("check", parsed::<CheckRequest>),
    ("suggest", parsed::<SuggestRequest>),
    ("grant", |body| connections::parameters(&parse::<GrantRequest>(body)?.parameters)),
    ("object draft", |body| connections::attributes(&parse::<DraftWire>(body)?.attributes)),
    ("object patch", |body| connections::changes(&parse::<PatchWire>(body)?.changes)),
    ("password", parsed::<PasswordRequest>),
    ("authenticate", parsed::<AuthenticateRequest>),
    ("permissions", parsed::<PermissionChange>),
    ("publisher key", |body| PublicKey::from_pem(&parse::<PublisherKeyDraft>(body)?.public_key).map(drop)),
    ("approval", parsed::<Approval>),
    ("secured option", |body| Secured::<Given>::try_from(parse::<SecuredWire>(body)?).map(drop)),
    ("secured entry", |body| Given::try_from(parse::<EntryWire>(body)?).map(drop)),
    ("system", |body| title(parse::<SystemDraft>(body)?.title).map(drop)),
    ("system replacement", parsed::<SystemReplacement>),
    ("token", parsed::<TokenDraft>),
];

/// The key that no body has.
const UNKNOWN: &str = "no-body-has-this";

/// A body.
pub fn body(data: &[u8]) {
    for (name, read) in BODIES {
        match read(data) {
            Err(error) => fuzz::refused(&error),
            Ok(()) => taken(name, *read, data),
        }
    }
}

/// What is taken is an object, is taken however it is spelled, and is refused by name with a key more.
fn taken(name: &str, read: fn(&[u8]) -> Result<()>, data: &[u8]) {
    let Ok(mut tree) = serde_json::from_slice::<Json>(data) else { unreachable!("{name} takes what is no JSON") };
    assert_eq!(read(tree.to_string().as_bytes()), Ok(()), "{name}: {tree}");
    assert!(tree.is_object(), "{name}: {tree}");
    if let Json::Object(keys) = &mut tree {
        keys.insert(UNKNOWN.to_owned(), Json::Null);
    }
    let blamed = read(tree.to_string().as_bytes()).map_err(|error| error.attributes);
    assert_eq!(blamed, Err(vec![UNKNOWN.to_owned()]), "{name}: {tree}");
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<()> {
    parse::<T>(body).map(drop)
}

fn connection(body: &[u8]) -> Result<()> {
    let mut draft: ConnectionDraft = parse(body)?;
    secured::draft(std::mem::take(&mut draft.secured_options))?;
    let id = "any".parse().map_err(Error::from)?;
    draft.into_connection(id).map(drop)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_fuzzers_found_in_bodies_stays_found() {
        crate::model::fuzz::replay("body", super::body);
    }
}
