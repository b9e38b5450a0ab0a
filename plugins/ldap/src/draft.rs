//! Names of new and renamed entries: where they go, and what they are called there.

use crate::directory::{Directory, Place};
use crate::dn::{Dn, Rdn};
use crate::model::Kind;
use crate::options::DN;
use hawser_sdk::{Error, Result};

/// The attribute an entry is named by, where nothing else says it.
pub(crate) fn naming(kind: Kind, is_ad: bool) -> &'static str {
    match kind {
        Kind::Account if !is_ad => "uid",
        Kind::Unit => "ou",
        Kind::Account | Kind::Group | Kind::Other => "cn",
    }
}

/// What a name of the contract says about an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The whole name.
    Whole(Dn),
    /// The name below the container.
    Relative(Rdn),
    /// The value of the naming attribute, or of the attribute that is the class's name.
    Value(String),
}

/// Reads the name of an entry of a class.
///
/// # Errors
/// A whole name outside of where the class lives, and one that was not escaped.
pub(crate) fn read(name: &str, place: &Place) -> Result<Named> {
    if place.name != DN {
        return Ok(Named::Value(name.to_owned()));
    }
    if !name.contains('=') {
        return Ok(Named::Value(name.to_owned()));
    }
    let Some(dn) = Dn::parse(name) else {
        let message = format!(
            "`{name}` is no distinguished name; write a backslash before a comma, plus sign or quote of a value"
        );
        return Err(Error::invalid_attribute_value(message).attribute("@name"));
    };
    if let Some(base) = Dn::parse(&place.base).filter(|base| dn.is_within(base) && !dn.is(base)) {
        drop(base);
        return Ok(Named::Whole(dn));
    }
    match Rdn::parse(name) {
        Some(rdn) => Ok(Named::Relative(rdn)),
        None => {
            let message = format!("the name lies outside of {}, where class {} lives", place.base, place.class);
            Err(Error::invalid_attribute_value(message).attribute("@name"))
        }
    }
}

/// The name of a new entry; `given` finds a value among the attributes it is created with.
pub(crate) fn dn(
    directory: &Directory,
    place: &Place,
    name: &str,
    container: Option<&str>,
    given: impl Fn(&str) -> Option<String>,
) -> Result<Dn> {
    let parent = || match container {
        Some(uid) => directory.dn_of(uid),
        None => Ok(place.base.clone()),
    };
    let parsed = |text: String| {
        Dn::parse(&text).ok_or_else(|| Error::configuration(format!("`{text}` is no distinguished name")))
    };
    match read(name, place)? {
        Named::Whole(dn) => match container {
            Some(_) if !dn.parent().is_some_and(|above| parent().and_then(parsed).is_ok_and(|it| it.is(&above))) => {
                Err(Error::invalid_attribute_value("the name and the container say different places")
                    .attribute("@name"))
            }
            _ => Ok(dn),
        },
        Named::Relative(rdn) => Ok(parsed(parent()?)?.child(rdn)),
        Named::Value(value) => {
            let attribute = naming(place.kind, directory.dialect().is_ad());
            let own = place.name == DN || place.name.eq_ignore_ascii_case(attribute);
            let value = if own { value } else { given(attribute).unwrap_or(value) };
            Ok(parsed(parent()?)?.child(Rdn::new(attribute, &value)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::directory::tests::places_of;
    use crate::options::Options;

    fn place(name: &str) -> Place {
        let options =
            Options { account_base: Some("ou=people,dc=x".into()), account_name: name.into(), ..Options::default() };
        places_of(&options, Dialect::OpenLdap).remove(0)
    }

    #[test]
    fn a_whole_name_outside_of_the_base_or_not_escaped_is_refused() {
        for name in ["uid=a,dc=x", "uid=a,ou=other,dc=x", "cn=Lovelace, Ada"] {
            assert_eq!(read(name, &place(DN)).unwrap_err().attributes(), ["@name"], "{name}");
        }
    }

    #[test]
    fn a_name_is_whole_relative_or_a_value() {
        let whole = read("uid=a, OU=People,dc=X", &place(DN)).unwrap();
        assert_eq!(whole, Named::Whole(Dn::parse("uid=a,OU=People,dc=X").unwrap()));
        assert_eq!(read("cn=a+uid=b", &place(DN)).unwrap(), Named::Relative(Rdn::parse("cn=a+uid=b").unwrap()));
        assert_eq!(read("Ada, the first", &place(DN)).unwrap(), Named::Value("Ada, the first".to_owned()));
        assert_eq!(read("a=b", &place("uid")).unwrap(), Named::Value("a=b".to_owned()), "no name is a DN here");
    }
}
