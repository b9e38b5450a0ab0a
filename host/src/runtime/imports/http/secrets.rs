//! Which secret may be written into a request: where it came from decides what is asked.
//!
//! | origin | goes |
//! |---|---|
//! | a secured option of use `send`, a secret of the call | where its permission to send says |
//! | a token | where the permission to send of the option says that it came of |
//! | captured | to the destination whose answer brought it, anywhere in the request |
//! | sealed, a secured option of any other use | nowhere |

use wasmtime::component::Resource;

use super::request::malformed;
use crate::egress::rules::Route;
use crate::http::{self, Material, Placed};
use crate::model::{CredentialUse, Failure, Placement, UrlPath};
use crate::runtime::imports::Said;
use crate::runtime::imports::credentials::{Credential, Origin, denied};
use crate::runtime::kept::Captor;
use crate::runtime::state::State;
use crate::runtime::web::Writing;

/// The secrets of a request in their places, and the slots they are from.
pub(super) fn placed(
    state: &State,
    route: &Route,
    method: &str,
    path: &UrlPath,
    asked: Vec<(Resource<Credential>, http::Placement)>,
) -> Said<(Vec<Placed>, Vec<String>)> {
    let (mut placed, mut slots) = (Vec::with_capacity(asked.len()), Vec::with_capacity(asked.len()));
    for (handle, placement) in asked {
        let credential = state.table.get(&handle)?;
        let admitted = kind(&placement).and_then(|kind| {
            let writing = Writing { destination: &route.name, placement: &kind, method, path };
            admit(state, route, credential, writing)
        });
        match admitted {
            Ok((secret, slot)) => {
                placed.push(Placed { placement, secret });
                slots.extend(slot);
            }
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Ok(Ok((placed, slots)))
}

/// What is written, and the slot it is from.
fn admit(
    state: &State,
    route: &Route,
    credential: &Credential,
    writing: Writing<'_>,
) -> Result<(Material, Option<String>), Failure> {
    let Credential { origin, secret } = credential;
    let web = &state.context.web;
    match origin {
        Origin::Call(slot) => {
            web.admit(slot, writing)?;
            Ok((Material::Secret(secret.clone()), Some(slot.clone())))
        }
        Origin::Secured(slot, CredentialUse::Send) => {
            web.admit(slot.as_str(), writing)?;
            Ok((Material::Secret(secret.clone()), Some(slot.to_string())))
        }
        Origin::Token(slot, token) => {
            web.admit(slot.as_str(), writing)?;
            Ok((Material::Token(token.clone()), Some(slot.to_string())))
        }
        Origin::Captured(captor) if *captor == Captor::of(route) => Ok((Material::Secret(secret.clone()), None)),
        Origin::Captured(_) => Err(denied("what was captured goes back to where it came from, and nowhere else")),
        Origin::Secured(slot, usage) => {
            let message = format!(
                "the secured option {:?} has the use {:?}; only those of use `send` are written into requests",
                slot.as_str(),
                usage.as_str()
            );
            Err(denied(message))
        }
        Origin::Sealed => Err(denied("what a connector sealed itself is not written into requests")),
    }
}

/// The place as permissions name it.
fn kind(placement: &http::Placement) -> Result<Placement, Failure> {
    let kind = match placement {
        http::Placement::Bearer => Some(Placement::Bearer),
        http::Placement::Basic { .. } => Some(Placement::Basic),
        http::Placement::Header { name, .. } => Placement::of("header", Some(name)),
        http::Placement::Query(name) => Placement::of("query", Some(name)),
        http::Placement::FormField(name) => Placement::of("form", Some(name)),
        http::Placement::JsonPointer(pointer) => Placement::of("json", Some(pointer)),
    };
    kind.ok_or_else(|| malformed("there is no such place for a secret in a request"))
}
