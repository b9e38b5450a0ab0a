//! From what a server publishes to the classes of a connection: which attributes are offered, what their values are,
//! and what has to be given.

use crate::dialect::Dialect;
use crate::model::{ACCOUNT, Class, DN, GROUP, Kind, Native, Syntax, UNIT};
use crate::operational::Operational;
use crate::options::Options;
use crate::subschema::{AttributeType, Subschema};
use hawser_sdk::{Error, Result};
use std::collections::BTreeSet;

/// Attributes that point at other objects; every other name is text.
const REFERENCES: [&str; 11] = [
    "member",
    "uniquemember",
    "memberof",
    "manager",
    "owner",
    "secretary",
    "managedby",
    "managedobjects",
    "directreports",
    "roleoccupant",
    "assistant",
];
/// What Active Directory counts since 1601, beside what it calls "...Time".
const WINDOWS_TIMES: [&str; 9] = [
    "accountexpires",
    "lastlogon",
    "lastlogontimestamp",
    "lastlogoff",
    "pwdlastset",
    "badpasswordtime",
    "lockouttime",
    "creationtime",
    "msds-userpasswordexpirytimecomputed",
];
/// Of what only Active Directory itself writes, what is worth reading.
const SYSTEM: [&str; 17] = [
    "objectguid",
    "objectsid",
    "objectclass",
    "whencreated",
    "whenchanged",
    "usnchanged",
    "usncreated",
    "memberof",
    "distinguishedname",
    "samaccounttype",
    "lastlogontimestamp",
    "lastlogon",
    "badpwdcount",
    "badpasswordtime",
    "logoncount",
    "directreports",
    "managedobjects",
];
/// Never offered: passwords in every dress, and what takes a control of its own to be read.
const HIDDEN: [&str; 13] = [
    "userpassword",
    "unicodepwd",
    "dbcspwd",
    "ntpwdhistory",
    "lmpwdhistory",
    "supplementalcredentials",
    "clearpassword",
    "ntsecuritydescriptor",
    "authpassword",
    "sambantpassword",
    "sambalmpassword",
    "userpkcs12",
    "pwdhistory",
];
/// What Active Directory insists on and sets itself.
const AD_DEFAULTED: [&str; 7] =
    ["cn", "ou", "samaccountname", "objectcategory", "instancetype", "objectsid", "grouptype"];

/// The classes a connection has: their names, kinds and object classes.
pub(crate) fn classes(options: &Options, dialect: Dialect) -> Vec<(String, Kind, String)> {
    let (account, group) = if dialect.is_ad() { ("user", "group") } else { ("inetOrgPerson", "groupOfNames") };
    let or = |option: &Option<String>, default: &str| option.clone().unwrap_or_else(|| default.to_owned());
    let mut classes = vec![
        (ACCOUNT.to_owned(), Kind::Account, or(&options.account_class, account)),
        (GROUP.to_owned(), Kind::Group, or(&options.group_class, group)),
        (UNIT.to_owned(), Kind::Unit, "organizationalUnit".to_owned()),
    ];
    for class in &options.more_classes {
        if classes.iter().all(|(name, ..)| name != class) {
            classes.push((class.clone(), Kind::Other, class.clone()));
        }
    }
    classes
}

/// Builds the classes from what the server publishes; `computed` are attributes that no search of many entries returns.
pub(crate) fn build(
    schema: &Subschema,
    options: &Options,
    dialect: Dialect,
    computed: &[String],
) -> Result<Vec<Class>> {
    let build = |(name, kind, object_class): (String, Kind, String)| {
        if !schema.has_class(&object_class) {
            let message = format!("the server knows no object class `{object_class}`; correct the class of `{name}`");
            return Err(Error::configuration(message));
        }
        let mut names = vec![object_class.as_str()];
        if kind == Kind::Account {
            names.extend(options.auxiliary_classes.iter().map(String::as_str));
        }
        let builder = Builder { schema, options, dialect, computed };
        let attributes = builder.attributes(&names, kind);
        let has = |name: &str| schema.attribute(name).is_some();
        let offered = |it: &Operational| it.natives(dialect).iter().any(|name| has(name));
        let operational: Vec<_> = match kind {
            Kind::Account => Operational::ALL.into_iter().filter(offered).collect(),
            _ => Vec::new(),
        };
        // The others write every class of an entry down.
        let below = if dialect == Dialect::OpenLdap { schema.below(&object_class) } else { BTreeSet::default() };
        Ok(Class { name, kind, object_class, below: below.into_iter().collect(), attributes, operational })
    };
    classes(options, dialect).into_iter().map(build).collect()
}

struct Builder<'a> {
    schema: &'a Subschema,
    options: &'a Options,
    dialect: Dialect,
    computed: &'a [String],
}

impl Builder<'_> {
    fn attributes(&self, classes: &[&str], kind: Kind) -> Vec<Native> {
        let mut allowed = self.schema.allowed(classes);
        // Operational attributes belong to no class; these are read everywhere.
        for always in ["createTimestamp", "modifyTimestamp", "memberOf"] {
            allowed.entry(always.to_lowercase()).or_insert(false);
        }
        let natives = allowed.iter().filter_map(|(name, required)| self.native(name, *required, kind));
        let mut natives: Vec<Native> = natives.collect();
        natives.sort_by(|a, b| a.name.cmp(&b.name));
        natives.dedup_by(|a, b| a.name == b.name);
        natives
    }

    fn native(&self, name: &str, required: bool, kind: Kind) -> Option<Native> {
        let found = self.schema.attribute(name)?;
        let lower = found.name.to_lowercase();
        if HIDDEN.contains(&lower.as_str()) || lower == DN || Operational::parse(&lower).is_some() {
            return None;
        }
        if self.dialect.is_ad() && !self.offered_by_ad(&found, &lower) {
            return None;
        }
        if !required && !self.is_chosen(&lower) {
            return None;
        }
        Some(self.describe(found, &lower, required, kind))
    }

    /// What it computes it returns for single entries only, and what only it writes is mostly its own bookkeeping.
    fn offered_by_ad(&self, found: &AttributeType, lower: &str) -> bool {
        let computed = self.computed.iter().any(|name| name.eq_ignore_ascii_case(lower));
        !computed && (!found.read_only || SYSTEM.contains(&lower))
    }

    /// The option `attributes` narrows what is offered; what the connector itself speaks of stays.
    fn is_chosen(&self, lower: &str) -> bool {
        let Options { attributes, account_name, group_name, member_attribute, .. } = self.options;
        let own = [account_name, group_name, member_attribute];
        attributes.is_empty() || attributes.iter().chain(own).any(|chosen| chosen.eq_ignore_ascii_case(lower))
    }

    fn describe(&self, found: AttributeType, lower: &str, required: bool, kind: Kind) -> Native {
        let is_ad = self.dialect.is_ad();
        let syntax = syntax(&found, lower, is_ad);
        let text = found.syntax.ends_with(".121.1.15") || found.syntax.ends_with(".1.4.905");
        let naming = match kind {
            Kind::Account => "uid",
            Kind::Unit => "ou",
            Kind::Group | Kind::Other => "cn",
        };
        let given = lower == "objectclass" || (!is_ad && lower == naming) || (is_ad && AD_DEFAULTED.contains(&lower));
        Native {
            syntax,
            single: found.single,
            required: required && !found.read_only && !given,
            read_only: found.read_only
                || lower == "objectclass"
                || (lower == "memberof" && !self.memberships_are_written()),
            ignores_case: if is_ad { text } else { found.equality.to_lowercase().starts_with("caseignore") },
            equality: is_ad || !found.equality.is_empty(),
            substrings: is_ad || !found.substrings.is_empty(),
            ordering: is_ad || !found.ordering.is_empty(),
            name: found.name,
        }
    }

    /// Is there no list of members, so that memberships are written on the account?
    fn memberships_are_written(&self) -> bool {
        self.options.member_attribute.eq_ignore_ascii_case("memberOf")
    }
}

fn syntax(found: &AttributeType, lower: &str, is_ad: bool) -> Syntax {
    let oid = found.syntax.as_str();
    match oid.strip_prefix("1.3.6.1.4.1.1466.115.121.1.") {
        Some("12" | "34") if REFERENCES.contains(&lower) => Syntax::Reference,
        Some("12" | "34") => Syntax::Dn,
        Some("27") => Syntax::Integer,
        Some("7") => Syntax::Boolean,
        Some("24") => Syntax::Time,
        Some("53") => Syntax::UtcTime,
        Some("40") if is_ad && lower.ends_with("guid") => Syntax::Guid,
        Some("40") if is_ad && lower.ends_with("sid") => Syntax::Sid,
        Some("4" | "5" | "8" | "9" | "10" | "23" | "28" | "40" | "49") => Syntax::Binary,
        Some(_) => Syntax::Text,
        None if oid == "1.3.6.1.1.16.1" => Syntax::Uuid,
        None if oid == "1.2.840.113556.1.4.906" && WINDOWS_TIMES.contains(&lower) => Syntax::WindowsTime,
        None if oid == "1.2.840.113556.1.4.906" => Syntax::Integer,
        None if oid == "1.2.840.113556.1.4.907" => Syntax::Binary,
        // Schema-less attributes of 389-ds and what has no syntax at all.
        None => Syntax::Text,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::subschema::tests::{active_directory, openldap};

    pub(crate) fn of_openldap() -> Vec<Class> {
        build(&openldap(), &Options::default(), Dialect::OpenLdap, &[]).unwrap()
    }

    pub(crate) fn of_ad() -> Vec<Class> {
        build(&active_directory(), &Options::default(), Dialect::Samba, &["tokenGroups".to_owned()]).unwrap()
    }

    #[test]
    fn a_class_that_the_server_does_not_know_is_named() {
        let options = Options { more_classes: vec!["printer".into()], ..Options::default() };
        let error = build(&openldap(), &options, Dialect::OpenLdap, &[]).unwrap_err();
        assert!(error.message().contains("printer"), "{error}");
    }

    #[test]
    fn a_class_of_openldap_knows_those_whose_entries_need_not_name_it() {
        let options = Options { account_class: Some("person".into()), ..Options::default() };
        let below = build(&openldap(), &options, Dialect::OpenLdap, &[]).unwrap().remove(0).below;
        assert!(
            below.iter().any(|name| name == "inetorgperson") && below.iter().all(|name| name != "person"),
            "{below:?}"
        );
        assert!(of_ad().iter().all(|class| class.below.is_empty()));
    }

    #[test]
    fn passwords_and_what_is_only_computed_are_never_offered() {
        let classes = [of_openldap(), of_ad()].concat();
        for hidden in ["userPassword", "unicodePwd", "tokenGroups", "nTSecurityDescriptor"] {
            assert!(classes.iter().all(|class| class.native(hidden).is_none()), "{hidden}");
        }
    }

    #[test]
    fn attributes_have_the_meaning_of_their_syntax() {
        let (ldap, ad) = (of_openldap(), of_ad());
        let syntax = |classes: &[Class], class: usize, name: &str| classes[class].native(name).unwrap().syntax;
        assert_eq!(syntax(&ldap, 0, "manager"), Syntax::Reference);
        assert_eq!(syntax(&ldap, 0, "seeAlso"), Syntax::Dn);
        assert_eq!(syntax(&ldap, 0, "jpegPhoto"), Syntax::Binary);
        assert_eq!(syntax(&ldap, 1, "member"), Syntax::Reference);
        assert_eq!(syntax(&ad, 0, "objectGUID"), Syntax::Guid);
        assert_eq!(syntax(&ad, 0, "objectSid"), Syntax::Sid);
        assert_eq!(syntax(&ad, 0, "accountExpires"), Syntax::WindowsTime);
        assert!(ldap[0].native("mail").unwrap().ignores_case);
    }

    #[test]
    fn a_time_of_two_digits_a_year_is_no_generalized_time() {
        let of = |oid: &str| {
            let mut found = openldap().attribute("cn").unwrap();
            found.syntax = format!("1.3.6.1.4.1.1466.115.121.1.{oid}");
            syntax(&found, "x", false)
        };
        assert_eq!((of("24"), of("53")), (Syntax::Time, Syntax::UtcTime));
    }

    #[test]
    fn only_what_has_to_be_given_is_required() {
        let required = |class: &Class| -> Vec<String> {
            class.attributes.iter().filter(|native| native.required).map(|native| native.name.clone()).collect()
        };
        let ldap = of_openldap();
        assert_eq!(required(&ldap[0]), ["cn", "sn"]);
        assert_eq!(required(&ldap[1]), ["member"], "the name brings the cn along");
        assert!(of_ad().iter().all(|class| required(class).is_empty()));
    }

    #[test]
    fn an_account_has_the_operational_attributes_of_its_server() {
        let offered = |class: &Class| class.operational.iter().map(|it| it.name()).collect::<Vec<_>>();
        let expected = ["enabled", "locked-out", "force-password-change", "last-password-change"];
        assert_eq!(offered(&of_openldap()[0]), expected);
        let of_ad =
            ["enabled", "disable-date", "password-never-expires", "force-password-change", "last-password-change"];
        assert_eq!(offered(&tests::of_ad()[0]), of_ad);
        assert!(tests::of_ad()[1].operational.is_empty());
    }

    #[test]
    fn attributes_can_be_chosen() {
        let options = Options { attributes: vec!["mail".into()], ..Options::default() };
        let classes = build(&openldap(), &options, Dialect::OpenLdap, &[]).unwrap();
        let names: Vec<&str> = classes[0].attributes.iter().map(|native| native.name.as_str()).collect();
        assert_eq!(names, ["cn", "mail", "objectClass", "sn"], "what is required stays");
    }
}
