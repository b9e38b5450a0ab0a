//! Who is in a group: asked, read and looked after.
//!
//! A cheap question is believed only where the answer leads to a write that does no harm if it was wrong. Before anybody is
//! told that it is so already, the group itself is read. A list that says that there is more of it proves nobody's absence.

use crate::filter::quoted;
use crate::layout::{Layout, Targets};
use crate::model::{Attribute, Class, MEMBERS};
use crate::object::Object;
use crate::options::{MemberValue, Profile};
use crate::page;
use crate::provision;
use crate::server::Server;
use crate::tree;
use crate::url::Url;
use hawser_sdk::{Error, FailureKind, Key, Reference, Result, Value};
use serde_json::Value as Json;

/// What says that a list is not all of it.
const MORE: [&str; 5] = ["nextCursor", "totalResults", "itemsPerPage", "startIndex", "nextLink"];

/// A group and who is to be in it or not.
pub(crate) struct Pair<'a> {
    pub(crate) server: &'a Server,
    pub(crate) groups: &'a Class,
    pub(crate) members: &'a Attribute,
    pub(crate) group: &'a str,
    pub(crate) class: &'a Class,
    pub(crate) principal: &'a str,
    /// What the service shows as the value of this member.
    pub(crate) shown: String,
}

/// What is known of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Yes,
    No,
    /// The group shows no members at all, or says that there are more than it shows.
    Hidden,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(server: &'a Server, class: &'a Class, group: &'a str, principal: &'a str) -> Result<Self> {
        let (groups, members) = server.groups()?;
        Ok(Self { server, groups, members, group, class, principal, shown: principal.to_owned() })
    }

    /// Reads whom it is about: that he exists, and his name where members are shown by it.
    ///
    /// # Errors
    /// `unknown-uid`.
    pub(crate) fn look_up_principal(&mut self) -> Result<()> {
        let found = Object::read(self.server, self.class, self.principal, Some(&[]))?;
        if self.server.options.member_value == MemberValue::Name {
            let name = found.name(self.class).unwrap_or(self.principal);
            self.shown = name.to_owned();
        }
        Ok(())
    }

    /// The member as it is written.
    pub(crate) fn written(&self) -> Result<Json> {
        provision::member(self.server, self.members, self.class, self.principal)
    }

    pub(crate) fn read(&self) -> Result<Object> {
        let members = [self.members.path.to_string()];
        // What may be written as a whole is read as a whole.
        let wanted = self.server.patches().then_some(members.as_slice());
        Object::read(self.server, self.groups, self.group, wanted)
    }

    /// Is he in the group as it was read?
    pub(crate) fn seen_in(&self, group: &Object) -> Seen {
        match list(group) {
            Some(members) if members.iter().any(|member| self.is_it(member)) => Seen::Yes,
            Some(_) if !says_more(group) => Seen::No,
            _ => Seen::Hidden,
        }
    }

    pub(crate) fn is_it(&self, member: &Json) -> bool {
        let value = tree::get(member, &tree::path("value", None)).unwrap_or(member);
        tree::key(value).is_some_and(|key| key == self.shown || key == self.principal)
    }

    /// How many others are in the group as it was read.
    pub(crate) fn others_in(&self, group: &Object) -> usize {
        list(group).unwrap_or_default().iter().filter(|member| !self.is_it(member)).count()
    }

    /// What a search says before anything is written. Nothing that is only to be asked where what was stored has to be seen.
    pub(crate) fn ask(&self) -> Result<Option<bool>> {
        if self.server.options.profile == Profile::Standard { self.search() } else { Ok(None) }
    }

    /// What a search says, if the service can be asked and has a plain answer.
    pub(crate) fn search(&self) -> Result<Option<bool>> {
        let path = format!("{}.value", self.members.path);
        let filters = |path: &str| self.server.filters_by(path);
        let is_askable = self.server.options.member_value == MemberValue::Id;
        if !(is_askable && filters(&path) && filters("id") && filters(&self.members.name)) {
            return Ok(None);
        }
        let layout = Layout::of(self.groups, &[], Targets::of(self.server, 0))?;
        let filter = format!("id eq {} and {path} eq {}", quoted(self.group), quoted(self.principal));
        let url = Url::new(&self.groups.endpoint).with("filter", &filter).with("attributes", "id");
        let found = match self.server.client.get(url) {
            Err(error) if is_no_answer(&error) => return Ok(None),
            found => page::read(&layout, &found?.body)?.items.unwrap_or_default(),
        };
        Ok(match found.as_slice() {
            [] => Some(false),
            [only] if only.uid.as_deref() == Some(self.group) => Some(true),
            // It does not filter, whatever it says.
            _ => None,
        })
    }
}

pub(crate) fn is_no_answer(error: &Error) -> bool {
    matches!(
        error.kind(),
        FailureKind::Unsupported | FailureKind::UnknownUid | FailureKind::Retryable | FailureKind::Conflict
    )
}

/// Does a group say that it shows some of its members only?
pub(crate) fn says_more(group: &Object) -> bool {
    let is_sign = |name: &String| {
        let name = name.to_ascii_lowercase();
        MORE.iter().any(|more| name == more.to_ascii_lowercase()) || (name.starts_with(MEMBERS) && name != MEMBERS)
    };
    group.json.as_object().is_some_and(|object| object.keys().any(is_sign))
}

/// Are all of them in a group, as far as it shows who is?
pub(crate) fn are_in(server: &Server, given: &[Value], group: &Object) -> bool {
    let Some(shown) = list(group).filter(|_| !says_more(group)) else { return true };
    // By their names they are as many.
    if server.options.member_value == MemberValue::Name {
        return shown.len() >= given.len();
    }
    let is_shown = |uid: &str| {
        let value = tree::path("value", None);
        shown.iter().any(|member| tree::key(tree::get(member, &value).unwrap_or(member)).is_some_and(|key| key == uid))
    };
    given.iter().all(|value| match value {
        Value::Reference(Reference { key: Key::Uid(uid) | Key::Name(uid), .. }) => is_shown(uid),
        _ => true,
    })
}

/// The members as the group shows them.
pub(crate) fn list(group: &Object) -> Option<&[Json]> {
    tree::get(&group.json, &tree::path(MEMBERS, None)).and_then(Json::as_array).map(Vec::as_slice)
}
