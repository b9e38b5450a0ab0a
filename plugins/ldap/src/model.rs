//! What the classes of a connection look like, small enough to be remembered between calls.
//!
//! A class of the contract is an LDAP object class with its superiors and the auxiliary classes that are configured.
//! Its attributes are LDAP's own under their own names, with the operational ones of the contract's vocabulary beside.

use crate::operational::Operational;
use hawser_sdk::{ClassKind, Error};
use std::fmt::Write as _;

/// What the values of an attribute are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Text,
    Dn,
    /// A DN that the host joins to an object.
    Reference,
    Integer,
    Boolean,
    Time,
    /// A moment whose year has two digits.
    UtcTime,
    WindowsTime,
    Binary,
    Guid,
    Sid,
    Uuid,
}

/// One attribute of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "what a subschema says of an attribute, each by itself")]
pub(crate) struct Native {
    pub(crate) name: String,
    pub(crate) syntax: Syntax,
    pub(crate) single: bool,
    pub(crate) required: bool,
    pub(crate) read_only: bool,
    pub(crate) ignores_case: bool,
    /// Which comparisons the server knows; one it does not know finds nothing.
    pub(crate) equality: bool,
    pub(crate) substrings: bool,
    pub(crate) ordering: bool,
}

/// One class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) object_class: String,
    /// The object classes below it, in lower case, where an entry need not say that it is of this one, too.
    pub(crate) below: Vec<String>,
    pub(crate) attributes: Vec<Native>,
    pub(crate) operational: Vec<Operational>,
}

/// Which of the connector's classes it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Account,
    Group,
    Unit,
    Other,
}

pub(crate) const ACCOUNT: &str = "account";
pub(crate) const GROUP: &str = "group";
pub(crate) const UNIT: &str = "unit";
/// The attribute that is the whole name.
pub(crate) const DN: &str = "dn";
impl Kind {
    const fn letter(self) -> char {
        match self {
            Self::Account => 'a',
            Self::Group => 'g',
            Self::Unit => 'u',
            Self::Other => 'o',
        }
    }

    pub(crate) const fn of_contract(self) -> ClassKind {
        match self {
            Self::Account => ClassKind::Account,
            Self::Group => ClassKind::Entitlement,
            Self::Unit => ClassKind::Container,
            Self::Other => ClassKind::Other,
        }
    }
}

impl Class {
    pub(crate) fn native(&self, name: &str) -> Option<&Native> {
        self.attributes.iter().find(|native| native.name == name)
    }

    /// What goes wrong when an attribute is asked for that there is not.
    pub(crate) fn unknown(&self, attribute: &str) -> Error {
        let message = format!("class {} has no attribute `{attribute}`; refresh the schema", self.name);
        Error::schema_violation(message).attribute(attribute)
    }
}

const SYNTAXES: [(Syntax, char); 12] = [
    (Syntax::Text, 't'),
    (Syntax::Dn, 'd'),
    (Syntax::Reference, 'r'),
    (Syntax::Integer, 'i'),
    (Syntax::Boolean, 'b'),
    (Syntax::Time, 'g'),
    (Syntax::UtcTime, 'y'),
    (Syntax::WindowsTime, 'w'),
    (Syntax::Binary, 'x'),
    (Syntax::Guid, 'u'),
    (Syntax::Sid, 's'),
    (Syntax::Uuid, 'v'),
];

/// The classes as text, to be remembered: a line for each class, then one for each of its attributes.
pub(crate) fn encode(classes: &[Class]) -> String {
    let mut text = String::new();
    for class in classes {
        let operational: Vec<&str> = class.operational.iter().map(|it| it.name()).collect();
        // Writing to a string cannot fail.
        let (operational, below) = (operational.join(","), class.below.join(","));
        let letter = class.kind.letter();
        let _ = writeln!(text, "{letter} {} {} {operational} {below}", class.name, class.object_class);
        for native in &class.attributes {
            let syntax =
                SYNTAXES.iter().find(|(syntax, _)| *syntax == native.syntax).map_or('t', |(_, letter)| *letter);
            let flags: String = flags(native).into_iter().filter_map(|(set, letter)| set.then_some(letter)).collect();
            let _ = writeln!(text, " {syntax} {} {flags}", native.name);
        }
    }
    text
}

fn flags(native: &Native) -> [(bool, char); 7] {
    [
        (native.single, '1'),
        (native.required, '!'),
        (native.read_only, 'r'),
        (native.ignores_case, 'c'),
        (native.equality, 'e'),
        (native.substrings, 's'),
        (native.ordering, 'o'),
    ]
}

/// Back from [`encode`]; nothing if it is anything else.
pub(crate) fn decode(text: &str) -> Option<Vec<Class>> {
    let mut classes: Vec<Class> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix(' ') {
            Some(native) => classes.last_mut()?.attributes.push(decode_native(native)?),
            None => classes.push(decode_class(line)?),
        }
    }
    Some(classes)
}

fn decode_class(line: &str) -> Option<Class> {
    let mut words = line.split(' ');
    let letter = words.next()?.chars().next()?;
    let kind =
        [Kind::Account, Kind::Group, Kind::Unit, Kind::Other].into_iter().find(|kind| kind.letter() == letter)?;
    let (name, object_class) = (words.next()?.to_owned(), words.next()?.to_owned());
    let operational = words.next()?.split(',').filter_map(Operational::parse).collect();
    let below = words.next()?.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some(Class { name, kind, object_class, below, attributes: Vec::new(), operational })
}

fn decode_native(line: &str) -> Option<Native> {
    let mut words = line.split(' ');
    let letter = words.next()?.chars().next()?;
    let (syntax, _) = SYNTAXES.iter().find(|(_, known)| *known == letter)?;
    let name = words.next()?.to_owned();
    let flags = words.next()?;
    Some(Native {
        name,
        syntax: *syntax,
        single: flags.contains('1'),
        required: flags.contains('!'),
        read_only: flags.contains('r'),
        ignores_case: flags.contains('c'),
        equality: flags.contains('e'),
        substrings: flags.contains('s'),
        ordering: flags.contains('o'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::tests::{of_ad, of_openldap};

    #[test]
    fn what_was_remembered_is_what_was_built() {
        for classes in [of_openldap(), of_ad()] {
            assert_eq!(decode(&encode(&classes)), Some(classes));
        }
        assert_eq!(decode("nonsense"), None);
        assert_eq!(decode(" t cn e"), None);
    }
}
