//! Values: bytes of the directory to values of the contract, and back. A text that is no UTF-8 becomes binary and stays
//! what it was; a number that is none stays text.

use crate::dialect::Dialect;
use crate::entry;
use crate::model::{Native, Syntax};
use crate::{time, uuid};
use hawser_sdk::{Cell, Error, Key, Reference, Result, Value};

/// One value; nothing for what stands for "none" (a time that never comes).
pub(crate) fn read(syntax: Syntax, bytes: Vec<u8>, dialect: Dialect) -> Option<Value> {
    match syntax {
        Syntax::Binary => return Some(Value::Binary(bytes)),
        Syntax::Guid => return Some(uuid::from_guid(&bytes).map_or(Value::Binary(bytes), Value::Text)),
        Syntax::Sid => return Some(uuid::sid(&bytes).map_or(Value::Binary(bytes), Value::Text)),
        _ => {}
    }
    // The host takes no text with a NUL in it, and would set the whole object aside.
    if bytes.contains(&0) {
        return Some(Value::Binary(bytes));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Some(Value::Binary(error.into_bytes())),
    };
    Some(match syntax {
        Syntax::Dn => Value::Text(entry::canonical(&text, dialect)),
        Syntax::Reference => Value::Reference(reference(&text, dialect)),
        Syntax::Integer => text.parse().map_or(Value::Text(text), Value::Integer),
        Syntax::Boolean => match text.to_ascii_uppercase().as_str() {
            "TRUE" => Value::Boolean(true),
            "FALSE" => Value::Boolean(false),
            _ => Value::Text(text),
        },
        Syntax::Time => time::from_generalized(&text).map_or(Value::Text(text), Value::Instant),
        Syntax::UtcTime => time::from_utc(&text).map_or(Value::Text(text), Value::Instant),
        Syntax::WindowsTime => match text.parse() {
            Ok(units) => Value::Instant(time::from_filetime(units)?),
            Err(_) => Value::Text(text),
        },
        Syntax::Uuid => Value::Text(text.to_ascii_lowercase()),
        _ => Value::Text(text),
    })
}

/// What a DN points at: an object by its uid, where the server says it, or by its name. Its class is not known.
pub(crate) fn reference(text: &str, dialect: Dialect) -> Reference {
    let key = match entry::extended(text) {
        (Some(guid), _) => Key::Uid(guid),
        (None, plain) => Key::Name(entry::canonical(plain.split_once("#'").map_or(plain, |(dn, _)| dn), dialect)),
    };
    Reference { class: None, key }
}

/// All values of an attribute.
pub(crate) fn cell(native: &Native, values: Vec<Vec<u8>>, dialect: Dialect) -> Cell {
    let mut values = values.into_iter().filter_map(|bytes| read(native.syntax, bytes, dialect));
    if !native.single {
        let values: Vec<Value> = values.collect();
        return if values.is_empty() { Cell::Absent } else { Cell::Many(values) };
    }
    values.next().map_or(Cell::Absent, single)
}

fn single(value: Value) -> Cell {
    match value {
        Value::Text(text) => Cell::Text(text),
        Value::Integer(integer) => Cell::Integer(integer),
        Value::Real(real) => Cell::Real(real),
        Value::Boolean(boolean) => Cell::Boolean(boolean),
        Value::Binary(bytes) => Cell::Binary(bytes),
        Value::Instant(micros) => Cell::Instant(micros),
        Value::Date(days) => Cell::Date(days),
        Value::Reference(reference) => Cell::Reference(reference),
        Value::Complex(parts) => Cell::Complex(parts),
    }
}

/// The bytes of a value for an attribute; references are the caller's, who can look up what they point at.
pub(crate) fn write(native: &Native, value: &Value) -> Result<Vec<u8>> {
    let unfit = || {
        let message = format!("`{}` takes {}", native.name, wanted(native.syntax));
        Error::invalid_attribute_value(message).attribute(native.name.as_str())
    };
    let bytes = match (native.syntax, value) {
        (_, Value::Binary(bytes)) => Some(bytes.clone()),
        (Syntax::Guid, Value::Text(text)) => uuid::to_guid(text),
        (Syntax::Sid, _) => None,
        (_, Value::Text(text)) => Some(text.clone().into_bytes()),
        (Syntax::Integer | Syntax::Text, Value::Integer(integer)) => Some(integer.to_string().into_bytes()),
        (Syntax::Boolean | Syntax::Text, Value::Boolean(true)) => Some(b"TRUE".to_vec()),
        (Syntax::Boolean | Syntax::Text, Value::Boolean(false)) => Some(b"FALSE".to_vec()),
        (Syntax::Time, Value::Instant(micros)) => time::to_generalized(*micros).map(String::into_bytes),
        (Syntax::UtcTime, Value::Instant(micros)) => time::to_utc(*micros).map(String::into_bytes),
        (Syntax::WindowsTime, Value::Instant(micros)) => {
            time::to_filetime(*micros).map(|it| it.to_string().into_bytes())
        }
        _ => None,
    };
    // A directory has no empty values.
    bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(unfit)
}

const fn wanted(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Integer => "whole numbers",
        Syntax::Boolean => "true or false",
        Syntax::Time | Syntax::UtcTime | Syntax::WindowsTime => "moments that its format can hold",
        Syntax::Guid | Syntax::Uuid => "UUIDs",
        Syntax::Sid => "no values from outside",
        Syntax::Reference => "references",
        _ => "values that are not empty",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn native(syntax: Syntax) -> Native {
        Native {
            name: "x".to_owned(),
            syntax,
            single: false,
            required: false,
            read_only: false,
            ignores_case: true,
            equality: true,
            substrings: true,
            ordering: true,
        }
    }

    #[test]
    fn a_value_that_does_not_fit_names_its_attribute() {
        for (syntax, value) in [
            (Syntax::Text, Value::from("")),
            (Syntax::Integer, Value::Boolean(true)),
            (Syntax::Guid, Value::from("x")),
            (Syntax::WindowsTime, Value::Instant(i64::MAX)),
            (Syntax::Sid, Value::from("S-1-5")),
        ] {
            assert_eq!(write(&native(syntax), &value).unwrap_err().attributes(), ["x"], "{syntax:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay_bytes() {
        let read = |syntax, bytes: &[u8]| read(syntax, bytes.to_vec(), Dialect::OpenLdap);
        assert_eq!(read(Syntax::Text, b"\xff"), Some(Value::Binary(vec![0xff])));
        assert_eq!(read(Syntax::Text, b"a\0"), Some(Value::Binary(b"a\0".to_vec())));
        assert_eq!(read(Syntax::Guid, b"ab"), Some(Value::Binary(b"ab".to_vec())));
        assert_eq!(read(Syntax::Integer, b"12x"), Some(Value::from("12x")));
        assert_eq!(read(Syntax::Time, b"soon"), Some(Value::from("soon")));
    }

    #[test]
    fn a_time_that_never_comes_is_absent_and_no_empty_list() {
        let cell =
            |single| cell(&Native { single, ..native(Syntax::WindowsTime) }, vec![b"0".to_vec()], Dialect::Samba);
        assert_eq!(cell(true), Cell::Absent);
        assert_eq!(cell(false), Cell::Absent);
    }

    #[test]
    fn a_reference_points_by_uid_where_the_server_says_it() {
        let guid = "03020100-0504-0706-0809-0a0b0c0d0e0f";
        let found = reference(&format!("<GUID={guid}>;CN=Ada,DC=x"), Dialect::Samba);
        assert_eq!(found, Reference { class: None, key: Key::Uid(guid.to_owned()) });
        let found = reference("UID=ada, DC=x", Dialect::OpenLdap);
        assert_eq!(found.key, Key::Name("uid=ada,dc=x".to_owned()));
        assert_eq!(reference("cn=a,dc=x#'01'B", Dialect::Ds389).key, Key::Name("cn=a,dc=x".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "[^\\x00]{1,12}", integer in any::<i64>(), boolean in any::<bool>(), seconds in 0_i64..4_000_000_000) {
            for (syntax, value) in [
                (Syntax::Text, Value::Text(text)),
                (Syntax::Integer, Value::Integer(integer)),
                (Syntax::Boolean, Value::Boolean(boolean)),
                (Syntax::Time, Value::Instant(seconds * 1_000_000)),
                (Syntax::UtcTime, Value::Instant(seconds / 2 * 1_000_000)),
                (Syntax::WindowsTime, Value::Instant(seconds * 1_000_000)),
            ] {
                let bytes = write(&native(syntax), &value).unwrap();
                prop_assert_eq!(read(syntax, bytes, Dialect::Samba), Some(value));
            }
        }
    }
}
