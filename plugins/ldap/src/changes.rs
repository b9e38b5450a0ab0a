//! What is to be written, in the directory's own attributes and bytes: operational attributes become what the dialect
//! makes of them, references become DNs.

use crate::dialect::Dialect;
use crate::directory::Directory;
use crate::dn::Dn;
use crate::entry;
use crate::model::{Class, DN, Native, Syntax};
use crate::operational::{AD_DISABLED, AD_NORMAL, CHANGE_NOW, LOCKED_FOR_GOOD, Operational, is_for_good};
use crate::password::LOCKED;
use crate::{time, values};
use hawser_sdk::ldap::{Entry, Modification, NewValue, Operation};
use hawser_sdk::{AttributeChange, Change, Error, Key, Reference, Result, Value};

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
    },
}

impl Write {
    pub(crate) fn replace(name: impl Into<String>, values: Vec<Vec<u8>>) -> Self {
        Self { name: name.into(), what: What::Replace(values) }
    }

    fn one(name: &str, value: impl Into<Vec<u8>>) -> Vec<Self> {
        vec![Self::replace(name, vec![value.into()])]
    }

    fn clear(name: &str) -> Self {
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
            What::Edit { add, remove } => [(Operation::Delete, remove), (Operation::Add, add)]
                .into_iter()
                .filter(|(_, values)| !values.is_empty())
                .map(|(operation, values)| one(operation, &self.name, values))
                .collect(),
        }
    }

    /// Without what is so already, for servers that take that for an error.
    pub(crate) fn against(self, current: &Entry) -> Self {
        let What::Edit { add, remove } = self.what else { return self };
        let held: Vec<String> =
            entry::find(current, &self.name).into_iter().flat_map(|raw| &raw.values).map(|it| folded(it)).collect();
        let has = |value: &Vec<u8>| held.contains(&folded(value));
        let what = What::Edit {
            remove: remove.into_iter().filter(has).collect(),
            add: add.into_iter().filter(|value| !has(value)).collect(),
        };
        Self { name: self.name, what }
    }
}

/// Values are the same to most matching rules whatever their case.
fn folded(value: &[u8]) -> String {
    String::from_utf8_lossy(value).to_lowercase()
}

/// Turns attributes of the contract into attributes of one class.
pub(crate) struct Writer<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) class: &'a Class,
}

impl Writer<'_> {
    /// All values of an attribute.
    pub(crate) fn replace(&self, attribute: &str, values: &[Value], current: Option<&Entry>) -> Result<Vec<Write>> {
        if let Some(operational) = self.operational(attribute) {
            return writes(operational, self.directory.dialect(), values, current);
        }
        let native = self.native(attribute)?;
        Ok(vec![Write::replace(&native.name, self.bytes(native, values)?)])
    }

    pub(crate) fn change(&self, change: &AttributeChange, current: &Entry) -> Result<Vec<Write>> {
        let edit = match &change.change {
            Change::Replace(values) => return self.replace(&change.name, values, Some(current)),
            Change::Edit(edit) => edit,
        };
        // Of one value there is only the new one.
        if self.operational(&change.name).is_some() {
            return self.replace(&change.name, &edit.add, Some(current));
        }
        let native = self.native(&change.name)?;
        // What is removed and added again stays, so that a change made twice is made once.
        let removed: Vec<Value> = edit.remove.iter().filter(|value| !edit.add.contains(value)).cloned().collect();
        let what = What::Edit { add: self.bytes(native, &edit.add)?, remove: self.bytes(native, &removed)? };
        Ok(vec![Write { name: native.name.clone(), what }])
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

/// What an operational attribute is in the directory; `current` is the entry as it is, if there is one.
pub(crate) fn writes(
    operational: Operational,
    dialect: Dialect,
    values: &[Value],
    current: Option<&Entry>,
) -> Result<Vec<Write>> {
    let value = values.first();
    let writes = match dialect {
        Dialect::OpenLdap => of_openldap(operational, value, current),
        Dialect::Ds389 => of_389(operational, value),
        Dialect::ActiveDirectory | Dialect::Samba => of_ad(operational, value, current),
    };
    writes.ok_or_else(|| {
        let message = match operational {
            Operational::LockedOut => "`locked-out` can only be set to false: the server locks by itself".to_owned(),
            other => format!("`{}` does not take this value", other.name()),
        };
        Error::invalid_attribute_value(message).attribute(operational.name())
    })
}

fn of_ad(operational: Operational, value: Option<&Value>, current: Option<&Entry>) -> Option<Vec<Write>> {
    Some(match (operational, value) {
        (Operational::Enabled, Some(Value::Boolean(enabled))) => {
            let bits = current.and_then(|entry| entry::integer(entry, "userAccountControl")).unwrap_or(AD_NORMAL);
            let bits = if *enabled { bits & !AD_DISABLED } else { bits | AD_DISABLED };
            Write::one("userAccountControl", bits.to_string())
        }
        (Operational::DisableDate, None) => Write::one("accountExpires", "0"),
        (Operational::DisableDate, Some(Value::Instant(micros))) => {
            Write::one("accountExpires", time::to_filetime(*micros)?.to_string())
        }
        (Operational::LockedOut, None | Some(Value::Boolean(false))) => Write::one("lockoutTime", "0"),
        (Operational::ForcePasswordChange, Some(Value::Boolean(true))) => Write::one("pwdLastSet", "0"),
        // Back to now: to keep the old date is not in its power.
        (Operational::ForcePasswordChange, None | Some(Value::Boolean(false))) => Write::one("pwdLastSet", "-1"),
        _ => return None,
    })
}

fn of_openldap(operational: Operational, value: Option<&Value>, current: Option<&Entry>) -> Option<Vec<Write>> {
    let since = current.and_then(|entry| entry::text(entry, LOCKED));
    let cleared_if = |holds: bool| if holds { vec![Write::clear(LOCKED)] } else { Vec::new() };
    Some(match (operational, value) {
        (Operational::Enabled, Some(Value::Boolean(false))) => Write::one(LOCKED, LOCKED_FOR_GOOD),
        (Operational::Enabled, Some(Value::Boolean(true))) => cleared_if(since.is_some_and(is_for_good)),
        (Operational::LockedOut, None | Some(Value::Boolean(false))) => {
            cleared_if(since.is_some_and(|since| !is_for_good(since)))
        }
        (Operational::ForcePasswordChange, Some(Value::Boolean(true))) => Write::one("pwdReset", "TRUE"),
        (Operational::ForcePasswordChange, None | Some(Value::Boolean(false))) => vec![Write::clear("pwdReset")],
        (Operational::EnableDate | Operational::DisableDate, value) => {
            let name = operational.natives(Dialect::OpenLdap).first()?;
            match value {
                None => vec![Write::clear(name)],
                Some(Value::Instant(micros)) => Write::one(name, time::to_generalized(*micros)?),
                Some(_) => return None,
            }
        }
        _ => return None,
    })
}

fn of_389(operational: Operational, value: Option<&Value>) -> Option<Vec<Write>> {
    Some(match (operational, value) {
        (Operational::Enabled, Some(Value::Boolean(false))) => Write::one("nsAccountLock", "true"),
        (Operational::Enabled, Some(Value::Boolean(true))) => vec![Write::clear("nsAccountLock")],
        (Operational::LockedOut, None | Some(Value::Boolean(false))) => {
            vec![Write::clear("accountUnlockTime"), Write::clear("passwordRetryCount")]
        }
        (Operational::ForcePasswordChange, Some(Value::Boolean(true))) => {
            Write::one("passwordExpirationTime", CHANGE_NOW)
        }
        (Operational::ForcePasswordChange, None | Some(Value::Boolean(false))) => {
            vec![Write::clear("passwordExpirationTime")]
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::entry;

    fn written(
        operational: Operational,
        dialect: Dialect,
        value: Option<Value>,
        current: &[(&str, &str)],
    ) -> Vec<(String, Vec<String>)> {
        let values: Vec<Value> = value.into_iter().collect();
        let writes = writes(operational, dialect, &values, Some(&entry("cn=a", current))).unwrap();
        let one = |write: Write| match write.what {
            What::Replace(values) => {
                (write.name, values.into_iter().map(|it| String::from_utf8(it).unwrap()).collect())
            }
            What::Edit { .. } => panic!("operational attributes are replaced"),
        };
        writes.into_iter().map(one).collect()
    }

    fn is(name: &str, value: &str) -> Vec<(String, Vec<String>)> {
        vec![(name.to_owned(), vec![value.to_owned()])]
    }

    fn cleared(name: &str) -> Vec<(String, Vec<String>)> {
        vec![(name.to_owned(), Vec::new())]
    }

    #[test]
    fn what_only_the_server_does_is_refused_with_the_attribute() {
        for dialect in Dialect::ALL {
            let error = writes(Operational::LockedOut, dialect, &[true.into()], None).unwrap_err();
            assert_eq!(error.attributes(), ["locked-out"]);
            assert!(writes(Operational::LastLogin, dialect, &[Value::Instant(0)], None).is_err());
            assert!(writes(Operational::Enabled, dialect, &["yes".into()], None).is_err());
        }
    }

    #[test]
    fn enabling_keeps_every_other_bit() {
        let never_expires = &[("userAccountControl", "66050")];
        assert_eq!(
            written(Operational::Enabled, Dialect::Samba, Some(true.into()), never_expires),
            is("userAccountControl", "66048")
        );
        assert_eq!(
            written(Operational::Enabled, Dialect::Samba, Some(false.into()), &[]),
            is("userAccountControl", "514")
        );
    }

    #[test]
    fn unlocking_enables_nobody_and_enabling_unlocks_nobody() {
        let dialect = Dialect::OpenLdap;
        let (disabled, locked) =
            (&[("pwdAccountLockedTime", LOCKED_FOR_GOOD)][..], &[("pwdAccountLockedTime", "20260101000000Z")][..]);
        assert!(written(Operational::LockedOut, dialect, Some(false.into()), disabled).is_empty());
        assert!(written(Operational::Enabled, dialect, Some(true.into()), locked).is_empty());
        assert_eq!(
            written(Operational::LockedOut, dialect, Some(false.into()), locked),
            cleared("pwdAccountLockedTime")
        );
        assert_eq!(
            written(Operational::Enabled, dialect, Some(true.into()), disabled),
            cleared("pwdAccountLockedTime")
        );
    }

    #[test]
    fn a_date_that_is_taken_away_means_never() {
        assert_eq!(written(Operational::DisableDate, Dialect::Samba, None, &[]), is("accountExpires", "0"));
        assert_eq!(written(Operational::DisableDate, Dialect::OpenLdap, None, &[]), cleared("pwdEndTime"));
        let day = Some(Value::Instant(0));
        assert_eq!(written(Operational::DisableDate, Dialect::OpenLdap, day, &[]), is("pwdEndTime", "19700101000000Z"));
    }

    #[test]
    fn what_is_so_already_is_not_written_again() {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let write = Write {
            name: "mail".to_owned(),
            what: What::Edit { add: vec![bytes("A@x"), bytes("b@x")], remove: vec![bytes("a@X"), bytes("c@x")] },
        };
        let left = write.against(&entry("cn=a", &[("mail", "a@x")]));
        assert_eq!(left.what, What::Edit { add: vec![bytes("b@x")], remove: vec![bytes("a@X")] });
        assert_eq!(left.modifications().len(), 2);
    }
}
