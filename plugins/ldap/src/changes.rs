//! What is to be written, in the directory's own attributes and bytes: references become DNs; what operational
//! attributes become is `state`'s to say.

use crate::dialect::Dialect;
use crate::directory::Directory;
use crate::dn::Dn;
use crate::model::{Class, DN, Native, Syntax};
use crate::operational::Operational;
use crate::{entry, state, values};
use hawser_sdk::ldap::{Entry, Modification, NewValue, Operation};
use hawser_sdk::{Attribute, AttributeChange, Change, Error, Key, Reference, Result, Value};
use std::collections::HashSet;

/// One attribute of the directory and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) name: String,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// No values remove the attribute.
    Replace(Vec<Vec<u8>>),
    Edit {
        add: Vec<Vec<u8>>,
        remove: Vec<Vec<u8>>,
        same: Same,
    },
}

/// When two values are one to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    Bytes,
    /// Whatever their case.
    Letters,
    /// Names, however they are spelled.
    Names,
}

impl Same {
    fn of(native: &Native) -> Self {
        match native.syntax {
            Syntax::Dn | Syntax::Reference => Self::Names,
            Syntax::Boolean | Syntax::Uuid => Self::Letters,
            _ if native.ignores_case => Self::Letters,
            _ => Self::Bytes,
        }
    }

    /// A form in which values that are one are equal.
    fn form(self, value: &[u8]) -> Vec<u8> {
        match (self, std::str::from_utf8(value)) {
            (Self::Letters, Ok(text)) => text.to_lowercase().into_bytes(),
            (Self::Names, Ok(text)) => entry::canonical(text, Dialect::OpenLdap).to_lowercase().into_bytes(),
            (Self::Bytes, _) | (_, Err(_)) => value.to_vec(),
        }
    }
}

impl Write {
    pub(crate) fn replace(name: impl Into<String>, values: Vec<Vec<u8>>) -> Self {
        Self { name: name.into(), what: What::Replace(values) }
    }

    pub(crate) fn one(name: &str, value: impl Into<Vec<u8>>) -> Vec<Self> {
        vec![Self::replace(name, vec![value.into()])]
    }

    pub(crate) fn clear(name: &str) -> Self {
        Self::replace(name, Vec::new())
    }

    /// As the operation takes it.
    pub(crate) fn modifications<'a>(self) -> Vec<Modification<'a>> {
        let one = |operation, name: &str, values: Vec<Vec<u8>>| Modification {
            operation,
            name: name.to_owned(),
            values: values.into_iter().map(NewValue::from).collect(),
        };
        match self.what {
            What::Replace(values) => vec![one(Operation::Replace, &self.name, values)],
            What::Edit { add, remove, .. } => [(Operation::Delete, remove), (Operation::Add, add)]
                .into_iter()
                .filter(|(_, values)| !values.is_empty())
                .map(|(operation, values)| one(operation, &self.name, values))
                .collect(),
        }
    }

    /// Without what is so already, for servers that take that for an error. A value that only changes its case goes and
    /// comes again.
    pub(crate) fn against(self, current: &Entry) -> Self {
        let What::Edit { add, remove, same } = self.what else { return self };
        let values = entry::find(current, &self.name).map_or(&[][..], |raw| &raw.values);
        let forms = |values: &[Vec<u8>]| values.iter().map(|value| same.form(value)).collect::<HashSet<_>>();
        let held = forms(values);
        let (stay, come): (Vec<_>, Vec<_>) = add.into_iter().partition(|value| values.contains(value));
        let staying = forms(&stay);
        let goes = |value: &Vec<u8>| held.contains(&same.form(value)) && !staying.contains(&same.form(value));
        let remove: Vec<Vec<u8>> = remove.into_iter().filter(goes).collect();
        let going = forms(&remove);
        let is_new = |value: &Vec<u8>| !held.contains(&same.form(value)) || going.contains(&same.form(value));
        let add = come.into_iter().filter(is_new).collect();
        Self { name: self.name, what: What::Edit { add, remove, same } }
    }
}

/// Turns attributes of the contract into attributes of one class.
pub(crate) struct Writer<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) class: &'a Class,
}

impl Writer<'_> {
    /// What a new entry is created with; `fresh` is what is so of it without being asked for.
    pub(crate) fn created(&self, attributes: &[Attribute], fresh: &Entry) -> Result<Vec<Write>> {
        let (mut given, mut wanted) = (Vec::new(), Vec::new());
        for Attribute { name, values, .. } in attributes {
            match self.operational(name) {
                Some(operational) => wanted.push((operational, values.first())),
                None => given.push(self.replaced(name, values)?),
            }
        }
        state::written(self.directory.dialect(), Some(fresh), wanted, given)
    }

    /// What these changes write to an entry.
    pub(crate) fn changed(&self, changes: &[AttributeChange], current: &Entry) -> Result<Vec<Write>> {
        let (mut given, mut wanted) = (Vec::new(), Vec::new());
        for AttributeChange { name, change, .. } in changes {
            match (self.operational(name), change) {
                (Some(operational), Change::Replace(values)) => wanted.push((operational, values.first())),
                // Of one value there is only the new one.
                (Some(operational), Change::Edit(edit)) => wanted.push((operational, edit.add.first())),
                (None, Change::Replace(values)) => given.push(self.replaced(name, values)?),
                (None, Change::Edit(edit)) => given.push(self.edited(name, &edit.add, &edit.remove)?),
            }
        }
        state::written(self.directory.dialect(), Some(current), wanted, given)
    }

    /// All values of an attribute.
    fn replaced(&self, attribute: &str, values: &[Value]) -> Result<Write> {
        let native = self.native(attribute)?;
        Ok(Write::replace(&native.name, self.bytes(native, values)?))
    }

    fn edited(&self, attribute: &str, add: &[Value], remove: &[Value]) -> Result<Write> {
        let native = self.native(attribute)?;
        // What is removed and added again stays, so that a change made twice is made once.
        let removed: Vec<Value> = remove.iter().filter(|value| !add.contains(value)).cloned().collect();
        let (add, remove) = (self.bytes(native, add)?, self.bytes(native, &removed)?);
        Ok(Write { name: native.name.clone(), what: What::Edit { add, remove, same: Same::of(native) } })
    }

    /// What has to be read of an entry before these attributes are changed.
    pub(crate) fn needed<'a>(&'a self, changes: &'a [AttributeChange]) -> impl Iterator<Item = &'a str> {
        let of = |change: &'a AttributeChange| match self.operational(&change.name) {
            Some(operational) => operational.natives(self.directory.dialect()),
            None => &[],
        };
        changes.iter().flat_map(of).copied()
    }

    fn operational(&self, attribute: &str) -> Option<Operational> {
        self.class.operational.iter().copied().find(|operational| operational.name() == attribute)
    }

    fn native(&self, attribute: &str) -> Result<&Native> {
        if attribute == DN {
            let message = "`dn` follows from the name and the container; change those";
            return Err(Error::invalid_attribute_value(message).attribute(attribute));
        }
        let native = self.class.native(attribute).ok_or_else(|| self.class.unknown(attribute))?;
        if native.read_only {
            let message = format!("`{attribute}` is written by the server alone");
            return Err(Error::invalid_attribute_value(message).attribute(attribute));
        }
        Ok(native)
    }

    fn bytes(&self, native: &Native, values: &[Value]) -> Result<Vec<Vec<u8>>> {
        // Active Directory has a number for "never".
        if native.syntax == Syntax::WindowsTime && native.single && values.is_empty() {
            return Ok(vec![b"0".to_vec()]);
        }
        values.iter().map(|value| self.one(native, value)).collect()
    }

    fn one(&self, native: &Native, value: &Value) -> Result<Vec<u8>> {
        match value {
            Value::Reference(reference) => self.pointed_at(native, reference).map(String::into_bytes),
            _ => values::write(native, value),
        }
    }

    /// The DN of what a reference points at.
    fn pointed_at(&self, native: &Native, reference: &Reference) -> Result<String> {
        match &reference.key {
            Key::Uid(uid) => self.directory.dn_of(uid).map_err(|error| error.attribute(native.name.as_str())),
            Key::Name(name) => match Dn::parse(name).filter(|dn| !dn.is_root()) {
                Some(dn) => Ok(dn.text(self.directory.dialect().letters())),
                None => {
                    let message = format!("`{}` takes the uid or the distinguished name of an object", native.name);
                    Err(Error::invalid_attribute_value(message).attribute(native.name.as_str()))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::entry;
    use crate::values::tests::native;

    fn all(values: &[&str]) -> Vec<Vec<u8>> {
        values.iter().map(|value| value.as_bytes().to_vec()).collect()
    }

    /// What is removed and what is added of an edit, where an entry holds some values.
    fn left(same: Same, held: &[&str], remove: &[&str], add: &[&str]) -> [Vec<String>; 2] {
        let held: Vec<(&str, &str)> = held.iter().map(|value| ("mail", *value)).collect();
        let what = What::Edit { add: all(add), remove: all(remove), same };
        let What::Edit { add, remove, .. } =
            Write { name: "mail".to_owned(), what }.against(&entry("cn=a", &held)).what
        else {
            panic!("an edit stays one")
        };
        [remove, add].map(|values| values.into_iter().map(|value| String::from_utf8(value).unwrap()).collect())
    }

    #[test]
    fn a_value_that_changes_its_case_is_not_lost() {
        for same in [Same::Letters, Same::Bytes] {
            assert_eq!(left(same, &["Ada@x"], &["Ada@x"], &["ada@x"]), [["Ada@x"], ["ada@x"]], "{same:?}");
        }
        let made_already = left(Same::Letters, &["ada@x"], &["Ada@x"], &["ada@x"]);
        assert_eq!(made_already, [Vec::<String>::new(), Vec::new()], "it stands there as it is to be");
    }

    #[test]
    fn what_is_so_already_is_not_written_again() {
        let found = left(Same::Letters, &["a@x", "d@x"], &["D@x", "c@x"], &["A@x", "b@x"]);
        assert_eq!(found, [["D@x"], ["b@x"]]);
        let found = left(Same::Bytes, &["a@x"], &["A@x"], &["B@x", "a@x"]);
        assert_eq!(found, [vec![], vec!["B@x".to_owned()]], "where case matters, these are others");
        let found = left(Same::Names, &["uid=A, ou=x"], &[], &["UID=a,OU=x"]);
        assert_eq!(found, [Vec::<String>::new(), Vec::new()]);
    }

    #[test]
    fn what_the_server_takes_for_one_value_is_one() {
        let of = |syntax, ignores_case| Same::of(&Native { ignores_case, ..native(syntax) });
        assert_eq!(of(Syntax::Text, true), Same::Letters);
        assert_eq!(of(Syntax::Text, false), Same::Bytes);
        assert_eq!(of(Syntax::Reference, false), Same::Names);
        assert_eq!(Same::Letters.form(&[0xff]), [0xff], "bytes that are no text have no case");
    }

    #[test]
    fn an_edit_removes_before_it_adds() {
        let what = What::Edit { add: all(&["b"]), remove: all(&["a"]), same: Same::Bytes };
        let made = Write { name: "mail".to_owned(), what }.modifications();
        assert!(matches!(made.as_slice(), [first, second]
            if first.operation == Operation::Delete && second.operation == Operation::Add));
    }
}
