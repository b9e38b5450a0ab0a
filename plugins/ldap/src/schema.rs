//! The schema: what the server publishes of the classes, in the contract's words.

use crate::Ldap;
use crate::dialect::Dialect;
use crate::directory::Place;
use crate::membership;
use crate::model::{ACCOUNT, Class, DN, GROUP, Kind, Native, Syntax};
use crate::operational::{Operational, PASSWORD};
use crate::options::Options;
use hawser_sdk::{self as sdk, AttributeInfo, ClassInfo, Matching, Result, Schema};

impl Schema for Ldap {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        let directory = self.directory()?;
        let places = directory.places();
        let describe = |class: Class| {
            let place = places.iter().find(|place| place.class == class.name)?;
            Some(info(&class, place, &directory.options, directory.dialect()))
        };
        Ok(directory.read_classes()?.into_iter().filter_map(describe).collect())
    }
}

fn info(class: &Class, place: &Place, options: &Options, dialect: Dialect) -> ClassInfo {
    let mut info = ClassInfo::new(class.kind.of_contract(), &class.name, title(class));
    info.uid_matching = Matching::CaseIgnore;
    info.name_matching = if place.name == DN { Matching::Dn } else { Matching::CaseIgnore };
    let mut dn = AttributeInfo::new(DN, sdk::Syntax::Dn).title("Distinguished name").read_only().on_request();
    dn.matching = Matching::Dn;
    info = info.attribute(dn);
    let natives = class.attributes.iter().map(|native| attribute(native, class, place, options));
    info = natives.fold(info, ClassInfo::attribute);
    info = class.operational.iter().map(|it| operational(*it, dialect)).fold(info, ClassInfo::attribute);
    match class.kind {
        Kind::Account => {
            let password = AttributeInfo::text(PASSWORD).title("Password").native_name(dialect.password());
            info.attribute(password.confidential())
        }
        Kind::Group => info.grantable_to(ACCOUNT).grantable_to(GROUP),
        Kind::Unit | Kind::Other => info,
    }
}

fn title(class: &Class) -> &str {
    match class.kind {
        Kind::Account => "Account",
        Kind::Group => "Group",
        Kind::Unit => "Organizational unit",
        Kind::Other => &class.object_class,
    }
}

fn attribute(native: &Native, class: &Class, place: &Place, options: &Options) -> AttributeInfo {
    let mut info = AttributeInfo::new(&native.name, syntax(native.syntax));
    info.matching = matching(native);
    if native.syntax == Syntax::Reference {
        info.refers_to = refers_to(&native.name, options).iter().map(|class| (*class).to_owned()).collect();
    }
    let name = native.name == place.name;
    for (holds, with) in [
        (native.required, AttributeInfo::required as fn(AttributeInfo) -> AttributeInfo),
        (!native.single, AttributeInfo::multi_valued),
        (native.read_only || name, AttributeInfo::read_only),
        (native.syntax == Syntax::Binary || name, AttributeInfo::on_request),
        (membership::is_relation(&native.name, class.kind, options), AttributeInfo::large),
    ] {
        if holds {
            info = with(info);
        }
    }
    info
}

fn refers_to(name: &str, options: &Options) -> &'static [&'static str] {
    match name.to_lowercase().as_str() {
        "memberof" => &[GROUP],
        lower if lower == options.member_attribute.to_lowercase() => &[ACCOUNT, GROUP],
        "manager" | "secretary" | "assistant" | "directreports" => &[ACCOUNT],
        _ => &[],
    }
}

const fn syntax(syntax: Syntax) -> sdk::Syntax {
    match syntax {
        Syntax::Text | Syntax::Sid => sdk::Syntax::Text,
        Syntax::Dn => sdk::Syntax::Dn,
        Syntax::Reference => sdk::Syntax::Reference,
        Syntax::Integer => sdk::Syntax::Integer,
        Syntax::Boolean => sdk::Syntax::Boolean,
        Syntax::Time | Syntax::UtcTime | Syntax::WindowsTime => sdk::Syntax::Instant,
        Syntax::Binary => sdk::Syntax::Binary,
        Syntax::Guid | Syntax::Uuid => sdk::Syntax::Uuid,
    }
}

const fn matching(native: &Native) -> Matching {
    match native.syntax {
        Syntax::Dn | Syntax::Reference => Matching::Dn,
        Syntax::Uuid | Syntax::Guid => Matching::CaseIgnore,
        _ if native.ignores_case => Matching::CaseIgnore,
        _ => Matching::Exact,
    }
}

fn operational(operational: Operational, dialect: Dialect) -> AttributeInfo {
    let natives = operational.natives(dialect);
    let info = AttributeInfo::new(operational.name(), operational.syntax()).title(operational.title());
    let info = info.native_name(natives.first().copied().unwrap_or_default());
    if operational.is_writable() { info } else { info.read_only() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::tests::{of_ad, of_openldap};
    use crate::directory::tests::places_of;
    use hawser_sdk::AttributeFlags;

    fn described(dialect: Dialect, options: &Options) -> Vec<ClassInfo> {
        let classes = if dialect.is_ad() { of_ad() } else { of_openldap() };
        let places = places_of(options, dialect);
        classes.iter().zip(&places).map(|(class, place)| info(class, place, options, dialect)).collect()
    }

    fn flags(class: &ClassInfo, name: &str) -> AttributeFlags {
        class.attributes.iter().find(|info| info.name == name).unwrap().flags
    }

    #[test]
    fn a_password_is_written_and_never_read() {
        let classes = described(Dialect::Samba, &Options::default());
        let password = flags(&classes[0], PASSWORD);
        assert!(
            password.contains(AttributeFlags::CONFIDENTIAL | AttributeFlags::CREATABLE | AttributeFlags::UPDATEABLE)
        );
        assert!(!password.contains(AttributeFlags::READABLE));
        assert!(classes[1].attributes.iter().all(|info| info.name != PASSWORD));
    }

    #[test]
    fn members_come_as_edges_and_are_granted_to_accounts_and_groups() {
        let classes = described(Dialect::OpenLdap, &Options::default());
        assert!(flags(&classes[1], "member").contains(AttributeFlags::LARGE | AttributeFlags::REQUIRED));
        assert_eq!(classes[1].grantable_to, [ACCOUNT, GROUP]);
        assert!(!flags(&classes[0], "manager").contains(AttributeFlags::LARGE));
    }

    #[test]
    fn what_is_the_name_is_changed_by_renaming() {
        let options = Options { account_name: "uid".into(), ..Options::default() };
        let classes = described(Dialect::OpenLdap, &options);
        assert!(!flags(&classes[0], "uid").contains(AttributeFlags::UPDATEABLE));
        assert_eq!(classes[0].name_matching, Matching::CaseIgnore);
        assert_eq!(described(Dialect::OpenLdap, &Options::default())[0].name_matching, Matching::Dn);
    }

    #[test]
    fn only_what_the_server_takes_is_writable() {
        let classes = described(Dialect::Samba, &Options::default());
        let updateable = |name| flags(&classes[0], name).contains(AttributeFlags::UPDATEABLE);
        assert!(updateable("enabled") && updateable("disable-date") && !updateable("last-password-change"));
        assert!(!updateable("objectGUID") && !updateable("dn"));
    }

    #[test]
    fn no_attribute_is_there_twice() {
        for dialect in [Dialect::OpenLdap, Dialect::Samba] {
            for class in described(dialect, &Options::default()) {
                let mut names: Vec<_> = class.attributes.iter().map(|info| info.name.to_lowercase()).collect();
                names.sort();
                let all = names.len();
                names.dedup();
                assert_eq!(names.len(), all, "{}", class.name);
            }
        }
    }
}
