//! What of a connection's secrets is written into requests, and where tokens come from: the permissions with its options
//! filled in, approved or not, so that a refusal can name the one that is missing.

use std::collections::BTreeSet;

use super::options::Options;
use crate::model::{Error, FailureKind, Permission, Permissions, Result};
use crate::registry::manifest::{Unfilled, fill_path, fill_placement};
use crate::runtime::web::{Fetched, Sent, Web};

/// The requests that may hold a secret. A permission whose options are not set allows nothing.
///
/// # Errors
/// `configuration`, naming the options that make no path or no placement.
pub(super) fn web(requested: &Permissions, permitted: &Permissions, options: &Options) -> Result<Web> {
    let mut web = Web::default();
    let all: BTreeSet<&Permission> = requested.iter().chain(permitted).collect();
    for permission in all {
        let approved = permitted.contains(permission);
        match permission {
            Permission::Send(sending) => {
                let path = fill_path(&sending.path, options).map_err(|why| wrong(permission, &why))?;
                let placement = fill_placement(&sending.placement, options).map_err(|why| wrong(permission, &why))?;
                if let (Some(path), Some(placement)) = (path, placement) {
                    web.sent.push(Sent { sending: sending.clone(), approved, placement, path });
                }
            }
            Permission::Token { slot, destination, path: template } => {
                if let Some(path) = fill_path(template, options).map_err(|why| wrong(permission, &why))? {
                    let (slot, destination) = (slot.clone(), destination.clone());
                    web.fetched.push(Fetched { permission: permission.clone(), approved, slot, destination, path });
                }
            }
            _ => {}
        }
    }
    Ok(web)
}

fn wrong(permission: &Permission, unfilled: &Unfilled) -> Error {
    let message = format!("the options do not fit {permission}: {}", unfilled.why);
    unfilled
        .options
        .iter()
        .fold(Error::failure(FailureKind::Configuration, message), |error, option| error.blaming(option))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    fn set(texts: &[&str]) -> Permissions {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn options(base: &str) -> Options {
        [("base".parse().unwrap(), vec![Value::Text(base.to_owned())])].into()
    }

    #[test]
    fn what_does_not_fit_is_told_with_the_option_to_blame() {
        let asked = set(&["send:token@api:bearer:GET:{base}"]);
        let error = web(&asked, &asked, &options("scim/../x")).unwrap_err();
        assert!(error.is(FailureKind::Configuration) && error.attributes == ["base"], "{error:?}");
        assert!(error.message.contains("send:token@api:bearer:GET:{base}"), "{error}");
    }

    #[test]
    fn what_was_asked_for_stands_there_approved_or_not_unless_an_option_is_missing() {
        let asked =
            set(&["send:token@api:bearer:GET+PUT:{base}", "token:client@api:/token", "send:x@api:basic:GET:{no}"]);
        let less = set(&["send:token@api:bearer:GET:{base}/Users"]);
        let web = web(&asked, &less, &options("/v2/")).unwrap();
        let sent: Vec<(bool, String)> = web.sent.iter().map(|sent| (sent.approved, sent.path.to_string())).collect();
        assert_eq!(sent, [(true, "/v2/Users".to_owned()), (false, "/v2".to_owned())]);
        assert_eq!(web.fetched.iter().map(|fetched| fetched.approved).collect::<Vec<_>>(), [false]);
    }
}
