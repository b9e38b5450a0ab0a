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
        let (owner, held) = self.ends();
        let value = NewValue::from(held.as_str());
        let change = Modification { operation, name: self.attribute().to_owned(), values: vec![value] };
        self.directory.session.modify(&owner, &[change], &[]).map(drop)
    }

    fn attribute(&self) -> &str {
        &self.directory.options.member_attribute
    }

    /// How operations speak of who holds the value, and the value.
    fn ends(&self) -> (String, String) {
        let (group, principal) = ((&self.group, &self.group_uid), (&self.principal, &self.principal_uid));
        let ((owner, uid), (held, _)) = sides(self.attribute(), group, principal);
        (self.directory.target(owner, uid), dn(&self.directory, held))
    }

    /// Is the principal still a member through another group? Only Active Directory can be asked.
    fn is_it_inherited(&self) -> Result<RevokeOutcome> {
        let inherited = self.directory.dialect().is_ad() && self.is_member(IN_CHAIN)?;
        Ok(if inherited { RevokeOutcome::Inherited } else { RevokeOutcome::AlreadyRevoked })
    }

    /// Does the group name the principal, or by a rule, a group in which it is?
    fn is_member(&self, rule: &str) -> Result<bool> {
        let (owner, held) = self.ends();
        let filter = format!("({}{rule}={})", self.attribute(), escaped(held.as_bytes()));
        let request = self.directory.request(&owner, Scope::Base, &filter, &[NO_ATTRIBUTES]);
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

/// Who of a group and a principal holds the value, and whom it names.
fn sides<T>(attribute: &str, group: T, principal: T) -> (T, T) {
    if of_member(attribute) { (principal, group) } else { (group, principal) }
}

/// Finds the groups a principal is in through other groups. Only a group's own list can be followed, wherever memberships
/// are written.
fn nested(attribute: &str, member: &str) -> String {
    let attribute = if of_member(attribute) { "member" } else { attribute };
    format!("({attribute}{IN_CHAIN}={member})")
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
            groups.extend(self.found(&nested(attribute, &member))?.into_iter().map(|(uid, name)| (uid, (name, false))));
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
    fn a_membership_is_written_where_it_is_kept() {
        for of_group in ["member", "uniqueMember", "seeAlso"] {
            assert_eq!(sides(of_group, "group", "ada"), ("group", "ada"), "{of_group}");
        }
        for of_account in ["memberOf", "memberof"] {
            assert_eq!(sides(of_account, "group", "ada"), ("ada", "group"), "{of_account}");
        }
    }

    #[test]
    fn the_relation_that_comes_as_edges_is_the_one_of_who_holds_it() {
        let relation = |attribute: &str, kind, of: &str| {
            let options = Options { member_attribute: of.to_owned(), ..Options::default() };
            is_relation(attribute, kind, &options)
        };
        assert!(relation("uniqueMember", Kind::Group, "uniquemember"));
        assert!(relation("memberOf", Kind::Account, "memberOf"));
        assert!(
            !relation("memberOf", Kind::Group, "memberOf"),
            "a group in a group holds it, and grants go to accounts"
        );
        assert!(!relation("member", Kind::Group, "memberOf") && !relation("memberOf", Kind::Account, "member"));
    }

    #[test]
    fn groups_in_groups_are_found_by_their_own_lists() {
        let ada = "CN=Ada\\2c,DC=x";
        assert_eq!(nested("member", ada), format!("(member:1.2.840.113556.1.4.1941:={ada})"));
        assert_eq!(nested("memberOf", ada), nested("member", ada), "the other way round finds the members of Ada");
    }

    #[test]
    fn the_last_member_says_why_it_stays() {
        let error = last_member(Error::schema_violation("no member").code("ldap:65"));
        assert_eq!((error.kind(), error.target_code()), (FailureKind::Conflict, Some("ldap:65")));
        assert!(error.message().contains("last member"), "{error}");
        assert_eq!(last_member(Error::retryable("busy").code("ldap:51")).kind(), FailureKind::Retryable);
    }
}
