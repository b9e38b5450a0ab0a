//! Passwords: set, changed with the old one, and checked by logging in. The host places them; nothing of them is seen here.

use crate::Rest;
use crate::api::{Api, Sender, With};
use crate::change::{Change, Passwords as Placed};
use crate::failure;
use crate::mapping::{Auth, Class};
use crate::provision::offered;
use crate::update;
use hawser_sdk::credentials::Password;
use hawser_sdk::{Error, FailureKind, ObjectRef, Passwords, Result, call};
use serde_json::Value as Json;

impl Passwords for Rest {
    fn set_password(&self, account: &ObjectRef, new: &Password<'_>, must_change: bool) -> Result<()> {
        let class = self.mapping.class(&account.class)?;
        update::password(&Api::new(self)?, class, account, new, must_change, None)
    }

    fn change_password(&self, account: &ObjectRef, old: &Password<'_>, new: &Password<'_>) -> Result<()> {
        let class = self.mapping.class(&account.class)?;
        let write = offered(class.passwords.change.as_ref(), &account.class, "passwords.change")?;
        let api = Api::new(self)?;
        let change = Change::open(&api, class, account, write, None, false)?;
        let passwords = Placed { new: Some(new), old: Some(old) };
        let sent = change.send(&change.scope(), None, passwords, Sender::Fresh);
        // A 401 may be about `secret`, which goes along and is never fetched anew.
        let unless_told: &[u16] = if matches!(self.mapping.auth, Auth::Secret(_)) { &[] } else { &[401] };
        sent.map(drop).map_err(|error| refused(class, unless_told, error, "the old password is wrong"))
    }

    fn authenticate(&self, class: &str, name: &str, password: &Password<'_>) -> Result<String> {
        let found = self.mapping.class(class)?;
        let check = found.passwords.check.as_ref();
        let check = check
            .ok_or_else(|| Error::unsupported(format!("the mapping cannot check passwords of the class {class}")))?;
        let api = Api::new(self)?;
        let scope = api.scope().with("name", &Json::from(name));
        let kept = |at: usize| format!("check-{at}-{}", call::request_id());
        let with = With {
            secrets: vec![(password, check.password.placement(&scope)?)],
            captures: check.capture.iter().enumerate().map(|(at, source)| (source, kept(at))).collect(),
            sender: Sender::Nobody,
            reads: true,
            ..With::default()
        };
        let answer = api.send(check.sketch(), &scope, &with);
        let answer = answer.map_err(|error| refused(found, &[401], error, "the name or the password is wrong"))?;
        check.uid.find(&answer.body).ok_or_else(|| {
            Error::connection_broken("the answer has no uid where the mapping says (passwords.check.uid)")
        })
    }
}

/// A status that says that a password is wrong. Nobody is told whether the name was right.
fn refused(class: &Class, unless_told: &[u16], error: Error, message: &str) -> Error {
    let refused = class.passwords.refused.as_deref().unwrap_or(unless_told);
    match failure::status(&error) {
        Some(status) if refused.contains(&status) => failure::renamed(&error, FailureKind::InvalidCredential, message),
        _ => error,
    }
}
