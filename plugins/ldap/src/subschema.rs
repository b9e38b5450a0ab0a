//! The subschema a server publishes (RFC 4512, 4.1 and 4.2): object classes, attribute types and content rules, read
//! leniently, because servers write the standard's grammar with accents of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How far up a chain of superiors is followed; real ones have six steps.
const SUPERIORS_MAX: usize = 32;
/// Words that stand alone in a definition; every other one has values.
const FLAGS: [&str; 7] =
    ["SINGLE-VALUE", "COLLECTIVE", "NO-USER-MODIFICATION", "OBSOLETE", "ABSTRACT", "STRUCTURAL", "AUXILIARY"];

/// What a server says about its entries.
#[derive(Debug, Default)]
pub(crate) struct Subschema {
    /// By every one of their names, in lower case.
    attributes: HashMap<String, AttributeType>,
    classes: HashMap<String, ObjectClass>,
    /// By the identifier or the name of the class they are about, in lower case.
    rules: HashMap<String, ObjectClass>,
}

/// An attribute type with what it inherits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AttributeType {
    pub(crate) name: String,
    superior: Option<String>,
    pub(crate) syntax: String,
    pub(crate) equality: String,
    pub(crate) substrings: String,
    pub(crate) ordering: String,
    pub(crate) single: bool,
    pub(crate) read_only: bool,
    /// Returned only when it is asked for by name.
    pub(crate) operational: bool,
}

/// An object class or a content rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ObjectClass {
    oid: String,
    superiors: Vec<String>,
    auxiliaries: Vec<String>,
    must: Vec<String>,
    may: Vec<String>,
}

impl Subschema {
    pub(crate) fn parse<'a>(
        classes: impl Iterator<Item = &'a str>,
        attributes: impl Iterator<Item = &'a str>,
        rules: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut schema = Self::default();
        for definition in attributes.filter_map(Definition::parse) {
            let attribute = AttributeType::new(&definition);
            for name in definition.names() {
                schema.attributes.insert(name.to_lowercase(), attribute.clone());
            }
        }
        for (texts, into) in [
            (&mut classes.filter_map(Definition::parse) as &mut dyn Iterator<Item = Definition>, &mut schema.classes),
            (&mut rules.filter_map(Definition::parse), &mut schema.rules),
        ] {
            for definition in texts {
                let class = ObjectClass::new(&definition);
                let names = definition.names().chain([definition.oid.as_str()]).map(str::to_lowercase);
                into.extend(names.map(|name| (name, class.clone())).collect::<Vec<_>>());
            }
        }
        schema
    }

    /// An attribute type with what its superiors say.
    pub(crate) fn attribute(&self, name: &str) -> Option<AttributeType> {
        let mut found = self.attributes.get(&name.to_lowercase())?.clone();
        let mut superior = found.superior.clone();
        for _ in 0..SUPERIORS_MAX {
            let Some(above) = superior.and_then(|name| self.attributes.get(&name.to_lowercase())) else { break };
            found.inherit(above);
            superior = above.superior.clone();
        }
        Some(found)
    }

    pub(crate) fn has_class(&self, name: &str) -> bool {
        self.classes.contains_key(&name.to_lowercase())
    }

    /// The classes below one, in lower case: their entries are of it, whether they say so or not (RFC 4512, 2.4.1).
    pub(crate) fn below(&self, name: &str) -> BTreeSet<String> {
        let mut below = BTreeSet::from([name.to_lowercase()]);
        for _ in 0..SUPERIORS_MAX {
            let is_below =
                |class: &ObjectClass| class.superiors.iter().any(|name| below.contains(&name.to_lowercase()));
            let found = self.classes.iter().filter(|(name, class)| is_below(class) && !below.contains(*name));
            let found: Vec<String> = found.map(|(name, _)| name.clone()).collect();
            if found.is_empty() {
                break;
            }
            below.extend(found);
        }
        below.remove(&name.to_lowercase());
        below
    }

    /// The attributes an entry of these classes may have, in lower case, and whether it must have them.
    pub(crate) fn allowed(&self, classes: &[&str]) -> BTreeMap<String, bool> {
        let mut allowed = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut rest: Vec<String> = classes.iter().map(|name| name.to_lowercase()).collect();
        while let Some(name) = rest.pop() {
            let Some(class) = self.classes.get(&name).filter(|_| seen.insert(name.clone())) else { continue };
            let rule = self.rules.get(&name).or_else(|| self.rules.get(&class.oid.to_lowercase()));
            for part in [Some(class), rule].into_iter().flatten() {
                for attribute in &part.may {
                    allowed.entry(attribute.to_lowercase()).or_insert(false);
                }
                allowed.extend(part.must.iter().map(|attribute| (attribute.to_lowercase(), true)));
                rest.extend(part.superiors.iter().chain(&part.auxiliaries).map(|name| name.to_lowercase()));
            }
        }
        allowed
    }
}

impl AttributeType {
    fn new(definition: &Definition) -> Self {
        let one = |field: &str| definition.field(field).first().cloned().unwrap_or_default();
        let usage = one("USAGE");
        Self {
            name: definition.names().next().unwrap_or(&definition.oid).to_owned(),
            superior: definition.field("SUP").first().cloned(),
            syntax: one("SYNTAX").split('{').next().unwrap_or_default().to_owned(),
            equality: one("EQUALITY"),
            substrings: one("SUBSTR"),
            ordering: one("ORDERING"),
            single: definition.has("SINGLE-VALUE"),
            read_only: definition.has("NO-USER-MODIFICATION"),
            operational: !usage.is_empty() && !usage.eq_ignore_ascii_case("userApplications"),
        }
    }

    fn inherit(&mut self, above: &Self) {
        let pairs = [
            (&mut self.syntax, &above.syntax),
            (&mut self.equality, &above.equality),
            (&mut self.substrings, &above.substrings),
            (&mut self.ordering, &above.ordering),
        ];
        for (own, inherited) in pairs {
            if own.is_empty() {
                own.clone_from(inherited);
            }
        }
        self.operational |= above.operational;
    }
}

impl ObjectClass {
    fn new(definition: &Definition) -> Self {
        let all = |field: &str| definition.field(field).to_vec();
        Self {
            oid: definition.oid.clone(),
            superiors: all("SUP"),
            auxiliaries: all("AUX"),
            must: all("MUST"),
            may: all("MAY"),
        }
    }
}

/// A definition in parentheses: an identifier, then words and their values.
struct Definition {
    oid: String,
    fields: HashMap<String, Vec<String>>,
}

impl Definition {
    fn parse(text: &str) -> Option<Self> {
        let mut tokens = tokens(text).into_iter();
        tokens.next().filter(|token| *token == Token::Open)?;
        let Some(Token::Word(oid)) = tokens.next() else { return None };
        let mut fields = HashMap::new();
        while let Some(token) = tokens.next() {
            let Token::Word(word) = token else { continue };
            let mut values = Vec::new();
            if !FLAGS.contains(&word.as_str()) {
                match tokens.next() {
                    Some(Token::Open) => {
                        let listed = tokens.by_ref().take_while(|token| *token != Token::Close);
                        values.extend(listed.filter_map(Token::value));
                    }
                    Some(token) => values.extend(token.value()),
                    None => break,
                }
            }
            fields.insert(word, values);
        }
        Some(Self { oid, fields })
    }

    fn field(&self, name: &str) -> &[String] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }

    fn has(&self, flag: &str) -> bool {
        self.fields.contains_key(flag)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.field("NAME").iter().map(String::as_str)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Word(String),
    /// Never a word of the grammar.
    Quoted(String),
}

impl Token {
    fn value(self) -> Option<String> {
        match self {
            Self::Word(value) | Self::Quoted(value) => Some(value),
            Self::Open | Self::Close => None,
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '\'' => {
                let (word, after) = rest.split_once('\'').unwrap_or((rest, ""));
                tokens.push(Token::Quoted(word.to_owned()));
                rest = after;
            }
            c if c == '$' || c.is_whitespace() => {}
            c => {
                let end =
                    rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '$' | '\'')).unwrap_or(rest.len());
                let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                tokens.push(Token::Word(format!("{c}{word}")));
                rest = after;
            }
        }
    }
    tokens
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An excerpt of what OpenLDAP publishes.
    pub(crate) fn openldap() -> Subschema {
        let attributes = [
            "( 2.5.4.0 NAME 'objectClass' DESC 'RFC4512: object classes of the entity' EQUALITY objectIdentifierMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 )",
            "( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
            "( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'RFC4519: common name(s) for which the entity is known by' SUP name )",
            "( 2.5.4.4 NAME ( 'sn' 'surname' ) SUP name )",
            "( 2.5.4.11 NAME ( 'ou' 'organizationalUnitName' ) SUP name )",
            "( 0.9.2342.19200300.100.1.1 NAME ( 'uid' 'userid' ) EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{256} )",
            "( 2.5.4.49 NAME 'distinguishedName' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )",
            "( 2.5.4.31 NAME 'member' SUP distinguishedName )",
            "( 0.9.2342.19200300.100.1.10 NAME 'manager' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )",
            "( 2.5.4.34 NAME 'seeAlso' SUP distinguishedName )",
            "( 0.9.2342.19200300.100.1.3 NAME ( 'mail' 'rfc822Mailbox' ) EQUALITY caseIgnoreIA5Match SUBSTR caseIgnoreIA5SubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26{256} )",
            "( 2.5.4.35 NAME 'userPassword' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40{128} )",
            "( 0.9.2342.19200300.100.1.60 NAME 'jpegPhoto' SYNTAX 1.3.6.1.4.1.1466.115.121.1.28 )",
            "( 1.3.6.1.1.1.1.0 NAME 'uidNumber' EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )",
            "( 1.3.6.1.1.16.4 NAME 'entryUUID' EQUALITY UUIDMatch ORDERING UUIDOrderingMatch SYNTAX 1.3.6.1.1.16.1 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )",
            "( 2.5.18.2 NAME 'modifyTimestamp' EQUALITY generalizedTimeMatch ORDERING generalizedTimeOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )",
            "( 1.3.6.1.4.1.42.2.27.8.1.17 NAME 'pwdAccountLockedTime' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE USAGE directoryOperation )",
            "( 1.3.6.1.4.1.42.2.27.8.1.22 NAME 'pwdReset' EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE USAGE directoryOperation )",
            "( 1.3.6.1.4.1.42.2.27.8.1.16 NAME 'pwdChangedTime' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )",
        ];
        let classes = [
            "( 2.5.6.0 NAME 'top' DESC 'top of the superclass chain' ABSTRACT MUST objectClass )",
            "( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( userPassword $ seeAlso ) )",
            "( 2.5.6.7 NAME 'organizationalPerson' SUP person STRUCTURAL MAY ou )",
            "( 2.16.840.1.113730.3.2.2 NAME 'inetOrgPerson' DESC 'it''s a (person)' SUP organizationalPerson STRUCTURAL MAY ( mail $ manager $ uid $ jpegPhoto ) )",
            "( 1.3.6.1.1.1.2.0 NAME 'posixAccount' SUP top AUXILIARY MUST ( cn $ uid $ uidNumber ) )",
            "( 2.5.6.9 NAME 'groupOfNames' SUP top STRUCTURAL MUST ( member $ cn ) MAY ou )",
            "( 2.5.6.5 NAME ( 'organizationalUnit' 'ouAlias' ) SUP top STRUCTURAL MUST ou )",
        ];
        Subschema::parse(classes.into_iter(), attributes.into_iter(), std::iter::empty())
    }

    /// An excerpt of what Active Directory publishes: quoted syntaxes, no matching rules, content rules.
    pub(crate) fn active_directory() -> Subschema {
        let attributes = [
            "( 2.5.4.0 NAME 'objectClass' SYNTAX '1.3.6.1.4.1.1466.115.121.1.38' NO-USER-MODIFICATION )",
            "( 2.5.4.3 NAME 'cn' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )",
            "( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )",
            "( 1.2.840.113556.1.4.2 NAME 'objectGUID' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' SINGLE-VALUE NO-USER-MODIFICATION )",
            "( 1.2.840.113556.1.4.146 NAME 'objectSid' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' SINGLE-VALUE NO-USER-MODIFICATION )",
            "( 1.2.840.113556.1.4.8 NAME 'userAccountControl' SYNTAX '1.3.6.1.4.1.1466.115.121.1.27' SINGLE-VALUE )",
            "( 1.2.840.113556.1.4.159 NAME 'accountExpires' SYNTAX '1.2.840.113556.1.4.906' SINGLE-VALUE )",
            "( 1.2.840.113556.1.4.96 NAME 'pwdLastSet' SYNTAX '1.2.840.113556.1.4.906' SINGLE-VALUE )",
            "( 1.2.840.113556.1.4.1301 NAME 'tokenGroups' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' )",
            "( 2.5.4.31 NAME 'member' SYNTAX '1.3.6.1.4.1.1466.115.121.1.12' )",
            "( 1.2.840.113556.1.2.102 NAME 'memberOf' SYNTAX '1.3.6.1.4.1.1466.115.121.1.12' NO-USER-MODIFICATION )",
            "( 1.2.840.113556.1.4.750 NAME 'groupType' SYNTAX '1.3.6.1.4.1.1466.115.121.1.27' SINGLE-VALUE )",
            "( 1.2.840.113556.1.2.281 NAME 'nTSecurityDescriptor' SYNTAX '1.2.840.113556.1.4.907' SINGLE-VALUE )",
            "( 1.2.840.113556.1.4.90 NAME 'unicodePwd' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' SINGLE-VALUE )",
        ];
        let classes = [
            "( 2.5.6.0 NAME 'top' ABSTRACT MUST (objectClass $ nTSecurityDescriptor ) MAY (cn $ memberOf $ objectGUID ) )",
            "( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST (cn ) )",
            "( 1.2.840.113556.1.5.9 NAME 'user' SUP person STRUCTURAL MAY (userAccountControl $ accountExpires $ pwdLastSet $ unicodePwd ) )",
            "( 1.2.840.113556.1.5.6 NAME 'securityPrincipal' SUP top AUXILIARY MUST (objectSid $ sAMAccountName ) MAY (tokenGroups ) )",
            "( 1.2.840.113556.1.5.8 NAME 'group' SUP top STRUCTURAL MUST (groupType ) MAY (member ) )",
            "( 2.5.6.5 NAME 'organizationalUnit' SUP top STRUCTURAL )",
        ];
        let rules = ["( 1.2.840.113556.1.5.9 NAME 'user' AUX (securityPrincipal ) MUST (objectSid ) MAY (memberOf ) )"];
        Subschema::parse(classes.into_iter(), attributes.into_iter(), rules.into_iter())
    }

    #[test]
    fn what_is_no_definition_is_left_out() {
        let broken = ["", "(", "x", "( )", "( 1.2 NAME", "( 1.2 NAME ( 'a' "];
        let schema = Subschema::parse(broken.into_iter(), broken.into_iter(), broken.into_iter());
        assert!(schema.allowed(&["top"]).is_empty());
    }

    #[test]
    fn a_class_that_is_its_own_superior_ends() {
        let circle = ["( 1 NAME 'a' SUP b MAY x )", "( 2 NAME 'b' SUP a MAY y )"];
        let schema = Subschema::parse(circle.into_iter(), ["( 3 NAME 'x' SUP x )"].into_iter(), std::iter::empty());
        assert_eq!(schema.allowed(&["a"]).len(), 2);
        assert_eq!(schema.attribute("x").unwrap().name, "x");
    }

    #[test]
    fn a_class_has_what_its_superiors_and_its_auxiliaries_have() {
        let allowed = openldap().allowed(&["inetOrgPerson", "posixAccount"]);
        assert_eq!(allowed.get("cn"), Some(&true));
        assert_eq!(allowed.get("uid"), Some(&true), "the auxiliary class insists on it");
        assert_eq!(allowed.get("mail"), Some(&false));
        assert_eq!(allowed.get("seealso"), Some(&false));
        assert_eq!(allowed.get("member"), None);
    }

    #[test]
    fn a_content_rule_adds_what_active_directory_adds() {
        let allowed = active_directory().allowed(&["user"]);
        assert_eq!(allowed.get("samaccountname"), Some(&true));
        assert_eq!(allowed.get("memberof"), Some(&false));
    }

    #[test]
    fn an_attribute_has_what_its_superior_says() {
        let cn = openldap().attribute("commonName").unwrap();
        assert_eq!((cn.name.as_str(), cn.equality.as_str()), ("cn", "caseIgnoreMatch"));
        assert_eq!(cn.syntax, "1.3.6.1.4.1.1466.115.121.1.15");
        let reset = openldap().attribute("pwdReset").unwrap();
        assert!(reset.operational && !reset.read_only && reset.single);
    }

    proptest! {
        #[test]
        fn every_text_is_read_or_refused(text in "[(' $)a-z1.{}-]{0,60}") {
            drop(Definition::parse(&text));
        }
    }
}
