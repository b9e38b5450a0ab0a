//! Memberships: one value of one attribute, added and removed, so that members somebody else added survive.

use crate::Ldap;
use crate::directory::{Directory, NO_ATTRIBUTES, Place, paged};
use crate::filter::escaped;
use crate::model::{GROUP, Kind};
use crate::options::Options;
use crate::{entry, failure};
use hawser_sdk::ldap::{Entry, Modification, NewValue, Operation, Scope};
use hawser_sdk::{
    Assignment, Assignments, Entitlements, Error, FailureKind, GrantOutcome, Granted, ObjectRef, Result, RevokeOutcome,
};
use std::collections::BTreeMap;

/// Finds what is a member of what is a member (MS-ADTS, 3.1.1.3.4.4).
const IN_CHAIN: &str = ":1.2.840.113556.1.4.1941:";

impl Entitlements for Ldap {
    fn grant(&self, principal: &ObjectRef, what: &Assignment) -> Result<Granted> {
        let pair = Pair::open(self.directory()?, principal, what)?;
        match pair.write(Operation::Add) {
            Ok(()) => Ok(GrantOutcome::Granted.into()),
            Err(error) if failure::is_there_already(&error) => Ok(GrantOutcome::AlreadyGranted.into()),
            Err(error) => Err(error),
        }
    }

    fn revoke(&self, principal: &ObjectRef, what: &Assignment) -> Result<RevokeOutcome> {
        let pair = Pair::open(self.directory()?, principal, what)?;
        match pair.write(Operation::Delete) {
            Ok(()) => Ok(RevokeOutcome::Revoked),
            Err(error) if failure::is_gone_already(&error) => pair.is_it_inherited(),
            // Samba is not willing to remove what is not there, and says so in words only.
            Err(error) if failure::is(&error, failure::UNWILLING_TO_PERFORM) && !pair.is_member("")? => {
                pair.is_it_inherited()
            }
            Err(error) => Err(last_member(error)),
        }
    }

    fn list_granted(&self, principal: &ObjectRef, after: Option<&[u8]>, max: u32) -> Result<Assignments> {
        let directory = self.directory()?;
        let found = directory.by_uid(&directory.place(&principal.class)?, &principal.uid, &[NO_ATTRIBUTES])?;
        let granted =
            Granting { directory: &directory, groups: directory.place(GROUP)?, principal: dn(&directory, &found) };
        granted.page(after, max)
    }
}

/// A class that wants a member does not let go of its last one (RFC 4519, 3.5).
fn last_member(error: Error) -> Error {
    if !failure::is(&error, failure::OBJECT_CLASS_VIOLATION) {
        return error;
    }
    let message =
        "it is the group's last member, and the group's class wants one; delete the group, or add another member first";
    failure::renamed(&error, FailureKind::Conflict, message)
}

fn dn(directory: &Directory, found: &Entry) -> String {
    entry::dn(found, directory.dialect())
}

/// A group and a principal that both exist.
struct Pair {
    directory: Directory,
    group: Entry,
    group_uid: String,
    principal: Entry,
    principal_uid: String,
}

impl Pair {
    fn open(directory: Directory, principal: &ObjectRef, what: &Assignment) -> Result<Self> {
        if !what.parameters.is_empty() || what.not_before.is_some() || what.not_after.is_some() {
            return Err(Error::unsupported("memberships of a directory have no parameters and no period"));
        }
        let groups = directory.place(&what.entitlement.class)?;
        if groups.kind != Kind::Group {
            return Err(Error::schema_violation(format!("class {} is no entitlement; grant a group", groups.class)));
        }
        let group = directory.by_uid(&groups, &what.entitlement.uid, &[NO_ATTRIBUTES])?;
        let found = directory.by_uid(&directory.place(&principal.class)?, &principal.uid, &[NO_ATTRIBUTES])?;
        let (group_uid, principal_uid) = (what.entitlement.uid.clone(), principal.uid.clone());
        Ok(Self { directory, group, group_uid, principal: found, principal_uid })
    }

    /// Adds or removes the one value, on the side where memberships are written.
    fn write(&self, operation: Operation) -> Result<()> {
        let attribute = &self.directory.options.member_attribute;
        let (group, principal) = ((&self.group, &self.group_uid), (&self.principal, &self.principal_uid));
        let (owner, member) = if of_member(attribute) { (principal, group) } else { (group, principal) };
        let value = NewValue::from(dn(&self.directory, member.0).as_str());
        let change = Modification { operation, name: attribute.clone(), values: vec![value] };
        self.directory.session.modify(&self.directory.target(owner.0, owner.1), &[change], &[]).map(drop)
    }

    /// Is the principal still a member through another group? Only Active Directory can be asked.
    fn is_it_inherited(&self) -> Result<RevokeOutcome> {
        let inherited = self.directory.dialect().is_ad() && self.is_member(IN_CHAIN)?;
        Ok(if inherited { RevokeOutcome::Inherited } else { RevokeOutcome::AlreadyRevoked })
    }

    /// Does the group name the principal, or by a rule, a group in which it is?
    fn is_member(&self, rule: &str) -> Result<bool> {
        let attribute = &self.directory.options.member_attribute;
        let (group, principal) = ((&self.group, &self.group_uid), (&self.principal, &self.principal_uid));
        let (owner, member) = if of_member(attribute) { (principal, group) } else { (group, principal) };
        let filter = format!("({attribute}{rule}={})", escaped(dn(&self.directory, member.0).as_bytes()));
        let request =
            self.directory.request(&self.directory.target(owner.0, owner.1), Scope::Base, &filter, &[NO_ATTRIBUTES]);
        Ok(!self.directory.session.find(&request)?.is_empty())
    }
}

/// Is it the relation that grants are written to? It comes as edges: groups are of any size.
pub(crate) fn is_relation(attribute: &str, kind: Kind, options: &Options) -> bool {
    let owner = if of_member(&options.member_attribute) { Kind::Account } else { Kind::Group };
    kind == owner && attribute.eq_ignore_ascii_case(&options.member_attribute)
}

/// Are memberships written on the member?
fn of_member(attribute: &str) -> bool {
    attribute.eq_ignore_ascii_case("memberOf")
}

/// What one principal is a member of.
struct Granting<'a> {
    directory: &'a Directory,
    groups: Place,
    principal: String,
}

impl Granting<'_> {
    /// One page in the order of uids, after the last one of the page before.
    fn page(&self, after: Option<&[u8]>, max: u32) -> Result<Assignments> {
        let mut groups = self.all()?;
        if let Some(after) = after {
            let after = std::str::from_utf8(after)
                .map_err(|_| Error::resync_required("this is no place in the list; begin again"))?;
            groups.retain(|uid, _| uid.as_str() > after);
        }
        let max = usize::try_from(max.max(1)).unwrap_or(usize::MAX);
        let more = groups.len() > max;
        let taken: Vec<(String, (String, bool))> = groups.into_iter().take(max).collect();
        let next = taken.last().filter(|_| more).map(|(uid, _)| uid.clone().into_bytes());
        let assignment = |(uid, (name, direct))| {
            let entitlement = ObjectRef { name: Some(name), ..ObjectRef::new(&self.groups.class, uid) };
            Assignment { direct, ..Assignment::direct(entitlement) }
        };
        Ok(Assignments { assignments: taken.into_iter().map(assignment).collect(), next })
    }

    /// Every group by its uid: its name, and whether the membership is its own.
    fn all(&self) -> Result<BTreeMap<String, (String, bool)>> {
        let attribute = &self.directory.options.member_attribute;
        let member = escaped(self.principal.as_bytes());
        let mut groups = BTreeMap::new();
        if self.directory.dialect().is_ad() {
            let nested = format!("({attribute}{IN_CHAIN}={member})");
            groups.extend(self.found(&nested)?.into_iter().map(|(uid, name)| (uid, (name, false))));
        }
        let direct = if of_member(attribute) {
            self.listed(attribute)?
        } else {
            self.found(&format!("({attribute}={member})"))?
        };
        groups.extend(direct.into_iter().map(|(uid, name)| (uid, (name, true))));
        Ok(groups)
    }

    /// The groups of a filter: their uids and names.
    fn found(&self, filter: &str) -> Result<Vec<(String, String)>> {
        let filter = format!("(&{}{filter})", self.groups.filter);
        let request = self.directory.request(&self.groups.base, Scope::Subtree, &filter, &self.wanted());
        let found = self.directory.session.find(&paged(request, self.directory.options.page_size))?;
        found.iter().map(|entry| self.named(entry)).collect()
    }

    /// The groups that the principal itself names.
    fn listed(&self, attribute: &str) -> Result<Vec<(String, String)>> {
        let request = self.directory.request(&self.principal, Scope::Base, "(objectClass=*)", &[attribute]);
        let held = self.directory.session.find(&request)?;
        let mut groups = Vec::new();
        for group in held.iter().flat_map(|entry| entry::texts(entry, attribute)) {
            let group = entry::canonical(group, self.directory.dialect());
            let request = self.directory.request(&group, Scope::Base, &self.groups.filter, &self.wanted());
            match self.directory.session.find(&request) {
                // The group is gone, and the account still names it.
                Err(error) if failure::is(&error, failure::NO_SUCH_OBJECT) => {}
                found => groups.extend(found?.iter().map(|entry| self.named(entry)).collect::<Result<Vec<_>>>()?),
            }
        }
        Ok(groups)
    }

    fn wanted(&self) -> Vec<&str> {
        [self.directory.dialect().uid()]
            .into_iter()
            .chain(Some(self.groups.name.as_str()).filter(|name| *name != crate::options::DN))
            .collect()
    }

    fn named(&self, entry: &Entry) -> Result<(String, String)> {
        let dialect = self.directory.dialect();
        Ok((entry::uid(entry, dialect)?, crate::layout::name(entry, dialect, &self.groups.name)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_member_says_why_it_stays() {
        let error = last_member(Error::schema_violation("no member").code("ldap:65"));
        assert_eq!((error.kind(), error.target_code()), (FailureKind::Conflict, Some("ldap:65")));
        assert!(error.message().contains("last member"), "{error}");
        assert_eq!(last_member(Error::retryable("busy").code("ldap:51")).kind(), FailureKind::Retryable);
    }
}
