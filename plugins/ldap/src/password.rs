//! Passwords: placed by the host where the dialect wants them, checked by binding as the account. No byte of one comes by
//! here.

use crate::Ldap;
use crate::changes::Write;
use crate::controls;
use crate::dialect::Dialect;
use crate::directory::{Directory, NO_ATTRIBUTES, Place};
use crate::dn::{Dn, Rdn};
use crate::failure;
use crate::filter::escaped;
use crate::model::Kind;
use crate::operational::{LOCKED_FOR_GOOD, Operational, is_for_good};
use crate::options::DN;
use crate::{entry, filter, state};
use hawser_sdk::credentials::Password;
use hawser_sdk::ldap::{Entry, Modification, NewValue, Operation, Scope};
use hawser_sdk::{Cell, Effect, Error, FailureKind, ObjectRef, Passwords, Result, Value, log};

/// Where OpenLDAP's policy notes that somebody is locked, for good or for a while.
pub(crate) const LOCKED: &str = "pwdAccountLockedTime";

impl Passwords for Ldap {
    fn set_password(&self, account: &ObjectRef, new: &Password<'_>, must_change: bool) -> Result<()> {
        let directory = self.directory()?;
        let (target, found) = target(&directory, account)?;
        if directory.dialect().is_ad() {
            let mut changes = vec![replaced(directory.dialect(), new)];
            if must_change {
                changes.extend(marked(directory.dialect())?);
            }
            return directory.session.modify(&target, &changes, &[]).map(drop);
        }
        set(&directory, &target, new)?;
        let mut changes: Vec<Modification<'_>> =
            kept(&found, directory.dialect()).into_iter().flat_map(Write::modifications).collect();
        if must_change {
            changes.extend(marked(directory.dialect())?);
        }
        afterwards(&directory, &target, &changes)
    }

    fn change_password(&self, account: &ObjectRef, old: &Password<'_>, new: &Password<'_>) -> Result<()> {
        let directory = self.directory()?;
        let (target, found) = target(&directory, account)?;
        if !directory.dialect().is_ad() {
            let set = directory.session.set_password(&target, Some(old), new);
            set.map_err(|error| unverified(error, directory.dialect()))?;
            let changes: Vec<Modification<'_>> =
                kept(&found, directory.dialect()).into_iter().flat_map(Write::modifications).collect();
            return afterwards(&directory, &target, &changes);
        }
        let one = |operation, secret| Modification {
            operation,
            name: directory.dialect().password().to_owned(),
            values: vec![NewValue::Secret(secret)],
        };
        directory
            .session
            .modify(&target, &[one(Operation::Delete, old), one(Operation::Add, new)], &[])
            .map(drop)
            .map_err(|error| unverified(error, directory.dialect()))
    }

    fn authenticate(&self, class: &str, name: &str, password: &Password<'_>) -> Result<String> {
        let directory = self.directory()?;
        let place = directory.place(class)?;
        if place.kind != Kind::Account {
            return Err(Error::schema_violation("only accounts can authenticate"));
        }
        let Some(found) = by_name(&directory, &place, name)? else {
            // The same way for nobody as for somebody, so that neither the time nor the answer tells who exists.
            return directory
                .session
                .verify(&nobody(&place, directory.dialect()), password)
                .map_err(unknown)
                .and(Err(wrong()));
        };
        let uid = entry::uid(&found, directory.dialect())?;
        directory
            .session
            .verify(&entry::dn(&found, directory.dialect()), password)
            .map_err(|why| disabled(why, &found, directory.dialect()))?;
        Ok(uid)
    }
}

/// The entry of an account, after a look at whether it is one of this connection's, and how to speak of it.
fn target(directory: &Directory, account: &ObjectRef) -> Result<(String, Entry)> {
    let place = directory.place(&account.class)?;
    if place.kind != Kind::Account {
        return Err(Error::unsupported(format!("class {} has no passwords", place.class)));
    }
    let wanted = if directory.dialect() == Dialect::OpenLdap { LOCKED } else { NO_ATTRIBUTES };
    let found = directory.by_uid(&place, &account.uid, &[wanted])?;
    Ok((directory.target(&found, &account.uid), found))
}

/// Sets a password as an administrator: by the operation made for it, or where the server has none, as an attribute.
pub(crate) fn set(directory: &Directory, target: &str, new: &Password<'_>) -> Result<()> {
    let dialect = directory.dialect();
    if !dialect.is_ad() && directory.server.has(controls::PASSWORD_MODIFY) {
        return directory.session.set_password(target, None, new);
    }
    directory.session.modify(target, &[replaced(dialect, new)], &[]).map(drop)
}

fn replaced<'a>(dialect: Dialect, new: &'a Password<'a>) -> Modification<'a> {
    Modification {
        operation: Operation::Replace,
        name: dialect.password().to_owned(),
        values: vec![NewValue::Secret(new)],
    }
}

fn marked<'a>(dialect: Dialect) -> Result<Vec<Modification<'a>>> {
    let forced = vec![(Operational::ForcePasswordChange, Some(&Value::Boolean(true)))];
    let writes = state::written(dialect, None, forced, Vec::new())?;
    Ok(writes.into_iter().flat_map(Write::modifications).collect())
}

/// OpenLDAP's policy unlocks whoever gets a password, those who are disabled as well: they stay disabled.
pub(crate) fn kept(found: &Entry, dialect: Dialect) -> Option<Write> {
    let disabled = dialect == Dialect::OpenLdap && entry::text(found, LOCKED).is_some_and(is_for_good);
    disabled.then(|| Write::replace(LOCKED, vec![LOCKED_FOR_GOOD.as_bytes().to_vec()]))
}

/// What has to be written once the password is set.
fn afterwards(directory: &Directory, target: &str, changes: &[Modification<'_>]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    directory.session.modify(target, changes, &[]).map(drop).map_err(|why| {
        let message =
            format!("the password is set, and what should be so afterwards (disabled, to be changed) is not: {why}");
        failure::renamed(&why, FailureKind::PartiallyApplied, message).with_effect(Effect::Some)
    })
}

/// OpenLDAP calls a wrong old password an operation it is not willing to perform, Active Directory a violated constraint.
fn unverified(error: Error, dialect: Dialect) -> Error {
    match failure::code(&error) {
        Some(failure::UNWILLING_TO_PERFORM) if dialect == Dialect::OpenLdap => {
            failure::renamed(&error, FailureKind::InvalidCredential, "the old password is wrong")
        }
        _ if failure::is_wrong_password(&error) => {
            failure::renamed(&error, FailureKind::InvalidCredential, "the old password is wrong")
        }
        _ => error,
    }
}

/// The one account of that name. Where the name is the DN, people still log in with a shorter one.
fn by_name(directory: &Directory, place: &Place, name: &str) -> Result<Option<Entry>> {
    let dialect = directory.dialect();
    let enabled = Operational::Enabled.natives(dialect);
    let wanted: Vec<&str> = [dialect.uid()].into_iter().chain(enabled.iter().copied()).collect();
    let request = match Dn::parse(name).filter(|dn| place.name == DN && !dn.is_root()) {
        Some(dn) => directory.request(&dn.text(dialect.letters()), Scope::Base, &place.filter, &wanted),
        None => {
            let filter = format!("(&{}{})", login(place, dialect, name), place.filter);
            directory.request(&place.base, Scope::Subtree, &filter, &wanted)
        }
    };
    let found = match directory.session.find(&request) {
        Err(error) if matches!(failure::code(&error), Some(failure::NO_SUCH_OBJECT | failure::INVALID_DN_SYNTAX)) => {
            Vec::new()
        }
        found => found?,
    };
    let mut within = found.into_iter().filter(|entry| crate::directory::is_within(&entry.dn, &place.base));
    let (first, second) = (within.next(), within.next());
    if second.is_some() {
        log::warn("two accounts have the same name and cannot authenticate", &[("class", &place.class)]);
        return Ok(None);
    }
    Ok(first)
}

/// Entries of that login name.
fn login(place: &Place, dialect: Dialect, name: &str) -> String {
    let attributes: &[&str] = match (place.name.as_str(), dialect.is_ad()) {
        (DN, true) => &["sAMAccountName", "userPrincipalName"],
        (DN, false) => &["uid"],
        (own, _) => &[own],
    };
    let of = |attribute: &&str| format!("({attribute}={})", escaped(name.as_bytes()));
    filter::any_of(&attributes.iter().map(of).collect::<Vec<_>>())
}

/// An entry that is not there.
fn nobody(place: &Place, dialect: Dialect) -> String {
    let base = Dn::parse(&place.base).map(|base| base.child(Rdn::new("cn", "hawser nobody")));
    base.map_or_else(|| place.base.clone(), |dn| dn.text(dialect.letters()))
}

/// OpenLDAP's policy and 389-ds say locked of those who are disabled, too.
fn disabled(error: Error, found: &Entry, dialect: Dialect) -> Error {
    if error.kind() == FailureKind::AccountLocked && Operational::Enabled.read(dialect, found) == Cell::Boolean(false) {
        return failure::renamed(&error, FailureKind::AccountDisabled, "the account is disabled");
    }
    error
}

/// The limit of attempts is the host's and stays what it is.
fn unknown(error: Error) -> Error {
    if error.kind() == FailureKind::RateLimited { error } else { wrong() }
}

/// The same for an unknown name and a wrong password.
fn wrong() -> Error {
    Error::invalid_credential("the name or the password is wrong")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::tests::places_of;
    use crate::options::Options;

    #[test]
    fn a_name_is_looked_for_where_people_have_it() {
        let login = |name: &str, dialect, text| {
            let options = Options { account_name: name.to_owned(), ..Options::default() };
            login(&places_of(&options, dialect)[0], dialect, text)
        };
        assert_eq!(login(DN, Dialect::OpenLdap, "a*)(uid=b"), "(uid=a\\2a\\29\\28uid=b)");
        assert_eq!(login(DN, Dialect::Samba, "ada"), "(|(sAMAccountName=ada)(userPrincipalName=ada))");
        assert_eq!(login("mail", Dialect::Ds389, "a@x"), "(mail=a@x)");
    }

    #[test]
    fn a_wrong_old_password_is_a_wrong_credential() {
        let error = || Error::unsupported("unwilling to verify old password").code("ldap:53");
        assert_eq!(unverified(error(), Dialect::OpenLdap).kind(), FailureKind::InvalidCredential);
        assert_eq!(unverified(error(), Dialect::Ds389).kind(), FailureKind::Unsupported);
        let error = Error::invalid_password("no match").code("ldap:19:00000056");
        assert_eq!(unverified(error, Dialect::Samba).kind(), FailureKind::InvalidCredential);
    }

    #[test]
    fn who_is_disabled_stays_disabled_with_a_new_password() {
        let kept = |since: &str, dialect| kept(&entry::tests::entry("cn=a", &[(LOCKED, since)]), dialect);
        assert_eq!(kept("20260101000000Z", Dialect::OpenLdap), None, "a lock-out ends with a new password");
        assert_eq!(kept(LOCKED_FOR_GOOD, Dialect::Ds389), None);
        let write = kept(LOCKED_FOR_GOOD, Dialect::OpenLdap).unwrap();
        assert_eq!(write, Write::replace(LOCKED, vec![LOCKED_FOR_GOOD.as_bytes().to_vec()]));
    }

    #[test]
    fn who_is_disabled_is_not_only_locked() {
        let kind = |since: &str| {
            disabled(Error::account_locked("x"), &entry::tests::entry("cn=a", &[(LOCKED, since)]), Dialect::OpenLdap)
                .kind()
        };
        assert_eq!(kind(LOCKED_FOR_GOOD), FailureKind::AccountDisabled);
        assert_eq!(kind("20260101000000Z"), FailureKind::AccountLocked);
    }

    #[test]
    fn the_limit_of_attempts_is_told_to_nobody_as_a_wrong_password() {
        assert_eq!(unknown(Error::rate_limited("slowly")).kind(), FailureKind::RateLimited);
        assert_eq!(unknown(Error::account_locked("x")).message(), wrong().message());
    }

    #[test]
    fn nobody_has_a_name_below_the_base() {
        assert_eq!(
            nobody(&places_of(&Options::default(), Dialect::OpenLdap)[0], Dialect::OpenLdap),
            "cn=hawser nobody,dc=x"
        );
    }
}
