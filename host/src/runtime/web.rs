//! Which secret may be written into which request, and where tokens come from: decided beforehand, with the connection's
//! options filled in.
//!
//! Invariant: secret × destination × placement × method × path. Each is compared with what was approved, and nothing is
//! derived from another: a token that may be read with is not one that may be deleted with.

use std::collections::BTreeSet;

use crate::model::text::shown;
use crate::model::{DestinationName, Failure, FailureKind, OptionName, Permission, Placement, Sending, UrlPath};
use crate::runtime::limits::QUOTE_BYTES_MAX;

/// How many permissions a refusal names.
const NAMED_MAX: usize = 8;

/// What of a connection's secrets is written into requests.
#[derive(Clone, Debug, Default)]
pub struct Web {
    pub sent: Vec<Sent>,
    pub fetched: Vec<Fetched>,
}

/// A permission to send, asked for by the manifest.
#[derive(Clone, Debug)]
pub struct Sent {
    pub sending: Sending,
    pub approved: bool,
    /// With the options filled in.
    pub placement: Placement,
    /// With the options filled in.
    pub path: UrlPath,
}

/// A permission to fetch tokens, asked for by the manifest.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub permission: Permission,
    pub approved: bool,
    pub slot: OptionName,
    pub destination: DestinationName,
    /// With the options filled in.
    pub path: UrlPath,
}

/// Where somebody wants a secret written.
#[derive(Clone, Copy)]
pub(super) struct Writing<'a> {
    pub(super) destination: &'a DestinationName,
    pub(super) placement: &'a Placement,
    pub(super) method: &'a str,
    pub(super) path: &'a UrlPath,
}

impl Web {
    /// May it be written there?
    ///
    /// # Errors
    /// `not-permitted`, naming the permission that would allow it, or what the manifest asks for instead.
    pub(super) fn admit(&self, slot: &str, writing: Writing<'_>) -> Result<(), Failure> {
        let fits = |sent: &&Sent| sent.sending.slot.as_str() == slot && sent.allows(writing);
        if self.sent.iter().filter(fits).any(|sent| sent.approved) {
            return Ok(());
        }
        match self.sent.iter().find(fits) {
            Some(sent) => Err(missing(&Permission::Send(sent.sending.clone()))),
            None => Err(self.not_asked_for(slot, writing)),
        }
    }

    /// May tokens be fetched there?
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub(super) fn admit_fetching(&self, slot: &str, from: &DestinationName, path: &UrlPath) -> Result<(), Failure> {
        let fits = |it: &&Fetched| it.slot.as_str() == slot && it.destination == *from && it.path == *path;
        if self.fetched.iter().filter(fits).any(|fetched| fetched.approved) {
            return Ok(());
        }
        match self.fetched.iter().find(fits) {
            Some(fetched) => Err(missing(&fetched.permission)),
            None => Err(nothing_of_the_kind(
                &format!("to fetch tokens with {slot:?} from {path} of {:?}", from.as_str()),
                self.fetched.iter().filter(|it| it.slot.as_str() == slot).map(|it| it.permission.to_string()),
            )),
        }
    }

    /// A permission that the manifest asks for to use a slot at all, and whether one of them was approved.
    pub(super) fn of_slot(&self, slot: &OptionName) -> Option<(Permission, bool)> {
        let sent = self.sent.iter().filter(|sent| sent.sending.slot.as_str() == slot.as_str());
        let sent = sent.map(|sent| (Permission::Send(sent.sending.clone()), sent.approved));
        let fetched = self.fetched.iter().filter(|fetched| fetched.slot == *slot);
        let fetched = fetched.map(|fetched| (fetched.permission.clone(), fetched.approved));
        sent.chain(fetched).max_by_key(|(_, approved)| *approved)
    }

    /// Where a secret may be sent.
    pub(super) fn goes_to(&self, slot: &OptionName) -> BTreeSet<&DestinationName> {
        let sent = self.sent.iter().filter(|sent| sent.approved && sent.sending.slot.as_str() == slot.as_str());
        sent.map(|sent| &sent.sending.destination).collect()
    }

    fn not_asked_for(&self, slot: &str, writing: Writing<'_>) -> Failure {
        let Writing { destination, placement, method, path } = writing;
        let what = format!("to send {slot:?} to {:?} as {placement} with {method} {path}", destination.as_str());
        let asked = self.sent.iter().filter(|sent| sent.sending.slot.as_str() == slot);
        nothing_of_the_kind(&what, asked.map(|sent| Permission::Send(sent.sending.clone()).to_string()))
    }
}

impl Sent {
    fn allows(&self, writing: Writing<'_>) -> bool {
        self.sending.destination == *writing.destination
            && self.placement == *writing.placement
            && self.sending.methods.iter().any(|method| method.as_str() == writing.method)
            && writing.path.is_below(&self.path)
    }
}

fn missing(permission: &Permission) -> Failure {
    let message = format!("not permitted: {permission}; an operator can approve it for the connection");
    Failure::new(FailureKind::NotPermitted, message)
}

fn nothing_of_the_kind(what: &str, asked: impl Iterator<Item = String>) -> Failure {
    let what = shown(what, QUOTE_BYTES_MAX);
    let asked: Vec<String> = asked.take(NAMED_MAX).collect();
    let message = format!("not permitted: the manifest does not ask {what}; it asks for [{}]", asked.join(", "));
    Failure::new(FailureKind::NotPermitted, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(permissions: &[(&str, bool)]) -> Web {
        let mut web = Web::default();
        for (text, approved) in permissions {
            match text.parse().unwrap() {
                Permission::Send(sending) => web.sent.push(Sent {
                    placement: sending.placement.clone(),
                    path: UrlPath::parse(&sending.path).unwrap(),
                    approved: *approved,
                    sending,
                }),
                Permission::Token { slot, destination, path } => web.fetched.push(Fetched {
                    permission: text.parse().unwrap(),
                    path: UrlPath::parse(&path).unwrap(),
                    approved: *approved,
                    slot,
                    destination,
                }),
                other => panic!("{other}"),
            }
        }
        web
    }

    fn admitted(web: &Web, slot: &str, to: &str, placement: &str, method: &str, path: &str) -> Result<(), String> {
        let (destination, placement) = (to.parse().unwrap(), placement.parse().unwrap());
        let path = UrlPath::parse(path).unwrap();
        let writing = Writing { destination: &destination, placement: &placement, method, path: &path };
        web.admit(slot, writing).map_err(|failure| {
            assert_eq!(failure.kind, FailureKind::NotPermitted);
            failure.message
        })
    }

    #[test]
    fn a_secret_goes_where_all_five_agree_and_nowhere_else() {
        let web = web(&[
            ("send:token@api:bearer:GET+POST:/scim/v2", true),
            ("send:token@api:header:x-api-key:GET:/status", true),
            ("send:new-password@api:json:/password:PUT:/users", true),
        ]);
        let allowed = |slot: &str, to: &str, placement: &str, method: &str, path: &str| match (slot, to, placement) {
            ("token", "api", "bearer") => ["GET", "POST"].contains(&method) && path.starts_with("/scim/v2/"),
            ("token", "api", "header:x-api-key") => method == "GET" && path == "/status",
            ("new-password", "api", "json:/password") => method == "PUT" && path == "/users/7",
            _ => false,
        };
        let mut permitted = 0;
        for slot in ["token", "new-password", "old-password", "other"] {
            for to in ["api", "auth"] {
                for placement in [
                    "bearer",
                    "basic",
                    "header:x-api-key",
                    "header:authorization",
                    "query:token",
                    "form:token",
                    "json:/password",
                    "json:/name",
                ] {
                    for method in ["GET", "POST", "PUT", "DELETE", "get"] {
                        for path in ["/", "/scim/v2/Users", "/scim/v22", "/scim", "/status", "/users/7", "/users7"] {
                            let expected = allowed(slot, to, placement, method, path);
                            let decided = admitted(&web, slot, to, placement, method, path);
                            assert_eq!(decided.is_ok(), expected, "{slot} {to} {placement} {method} {path}");
                            permitted += usize::from(expected);
                        }
                    }
                }
            }
        }
        assert_eq!(permitted, 4);
    }

    #[test]
    fn a_refusal_names_what_would_allow_it_or_what_is_asked_for_instead() {
        let web = web(&[("send:token@api:bearer:GET:/a", true), ("send:token@api:bearer:DELETE:/a", false)]);
        let told = admitted(&web, "token", "api", "bearer", "DELETE", "/a/b").unwrap_err();
        assert!(told.starts_with("not permitted: send:token@api:bearer:DELETE:/a;"), "{told}");
        let told = admitted(&web, "token", "api", "bearer", "PUT", "/a/b").unwrap_err();
        assert!(told.contains("does not ask to send \"token\" to \"api\" as bearer with PUT /a/b"), "{told}");
        assert!(told.contains("[send:token@api:bearer:GET:/a, send:token@api:bearer:DELETE:/a]"), "{told}");
    }

    #[test]
    fn tokens_come_from_the_very_path_that_was_approved() {
        let web = web(&[("token:client@login:/oauth/token", true), ("token:client@api:/token", false)]);
        let fetch = |slot: &str, from: &str, path: &str| {
            web.admit_fetching(slot, &from.parse().unwrap(), &UrlPath::parse(path).unwrap()).map_err(|why| why.message)
        };
        assert_eq!(fetch("client", "login", "/oauth/token"), Ok(()));
        assert!(fetch("client", "api", "/token").unwrap_err().contains("token:client@api:/token"));
        for (slot, from, path) in [
            ("client", "login", "/oauth/token/x"),
            ("client", "login", "/oauth"),
            ("client", "api", "/oauth/token"),
            ("other", "login", "/oauth/token"),
        ] {
            let told = fetch(slot, from, path).unwrap_err();
            assert!(told.contains("does not ask to fetch tokens"), "{told}");
        }
    }
}
