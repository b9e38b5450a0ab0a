//! The schema: what the service publishes of its resource types, in the contract's words.

use crate::Scim;
use crate::model::{ACCOUNT, Attribute, Class, ENABLED, GROUP, Kind, Mutability, Returned, Syntax};
use crate::server::Server;
use hawser_sdk::{self as sdk, AttributeInfo, ClassInfo, Matching, Result, Schema};

impl Schema for Scim {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        let server = Server::read(&self.options)?;
        Ok(server.classes.iter().map(|class| info(class, &server.classes)).collect())
    }
}

fn info(class: &Class, all: &[Class]) -> ClassInfo {
    let title = match class.kind {
        Kind::Account => "User",
        Kind::Group => "Group",
        Kind::Other => class.resource_type.as_str(),
    };
    let mut info = ClassInfo::new(class.kind.of_contract(), &class.name, title);
    info.name_matching = match class.naming() {
        Some(naming) => matching(naming),
        None => Matching::Exact,
    };
    let info = class.attributes.iter().map(|it| attribute(it, class)).fold(info, ClassInfo::attribute);
    let grantable = all.iter().map(|class| class.name.as_str()).filter(|name| [ACCOUNT, GROUP].contains(name));
    match class.kind {
        Kind::Group => grantable.fold(info, ClassInfo::grantable_to),
        Kind::Account | Kind::Other => info,
    }
}

fn attribute(attribute: &Attribute, class: &Class) -> AttributeInfo {
    let mut info =
        AttributeInfo::new(&attribute.name, syntax(attribute.syntax)).native_name(attribute.path.to_string());
    info = info.title(title(attribute));
    info.matching = matching(attribute);
    info.refers_to.clone_from(&attribute.refers_to);
    if attribute.is_password() {
        return info.confidential();
    }
    let is_name = class.named_by.as_ref() == Some(&attribute.name);
    let members = class.is_membership(attribute);
    for (holds, with) in [
        (attribute.required, AttributeInfo::required as fn(AttributeInfo) -> AttributeInfo),
        (attribute.multi, AttributeInfo::multi_valued),
        // Grants change the members one by one, and nothing else does.
        (attribute.mutability == Mutability::Immutable || members, AttributeInfo::immutable),
        (attribute.mutability == Mutability::ReadOnly || is_name, AttributeInfo::read_only),
        (attribute.returned == Returned::OnRequest || is_name, AttributeInfo::on_request),
        (members, AttributeInfo::large),
    ] {
        if holds {
            info = with(info);
        }
    }
    if attribute.returned == Returned::Never {
        info.flags &= !(sdk::AttributeFlags::READABLE | sdk::AttributeFlags::RETURNED_BY_DEFAULT);
    }
    info
}

fn title(attribute: &Attribute) -> &str {
    match attribute.name.as_str() {
        ENABLED => "Enabled",
        crate::model::PASSWORD => "Password",
        crate::model::MEMBERS => "Members",
        name => name.rsplit_once(':').filter(|_| attribute.path.extension.is_some()).map_or(name, |(_, last)| last),
    }
}

const fn syntax(syntax: Syntax) -> sdk::Syntax {
    match syntax {
        Syntax::Text => sdk::Syntax::Text,
        Syntax::Uri => sdk::Syntax::Uri,
        Syntax::Boolean => sdk::Syntax::Boolean,
        Syntax::Integer => sdk::Syntax::Integer,
        Syntax::Real => sdk::Syntax::Real,
        Syntax::Instant => sdk::Syntax::Instant,
        Syntax::Binary => sdk::Syntax::Binary,
        Syntax::Reference => sdk::Syntax::Reference,
        Syntax::Complex => sdk::Syntax::Complex,
    }
}

const fn matching(attribute: &Attribute) -> Matching {
    if attribute.case_exact || !matches!(attribute.syntax, Syntax::Text) {
        Matching::Exact
    } else {
        Matching::CaseIgnore
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::tests::standard;
    use hawser_sdk::AttributeFlags;

    fn described() -> Vec<ClassInfo> {
        let classes = standard();
        classes.iter().map(|class| info(class, &classes)).collect()
    }

    fn flags(class: &ClassInfo, name: &str) -> AttributeFlags {
        class.attributes.iter().find(|info| info.name == name).unwrap().flags
    }

    #[test]
    fn a_password_is_written_and_never_read() {
        let password = flags(&described()[0], "password");
        assert!(
            password.contains(AttributeFlags::CONFIDENTIAL | AttributeFlags::CREATABLE | AttributeFlags::UPDATEABLE)
        );
        assert!(!password.contains(AttributeFlags::READABLE));
    }

    #[test]
    fn members_come_as_edges_and_only_grants_change_them() {
        let classes = described();
        let members = flags(&classes[1], "members");
        assert!(members.contains(AttributeFlags::LARGE | AttributeFlags::MULTI_VALUED | AttributeFlags::CREATABLE));
        assert!(!members.contains(AttributeFlags::UPDATEABLE));
        assert_eq!(classes[1].grantable_to, ["account", "group"]);
        assert!(!flags(&classes[0], "groups").contains(AttributeFlags::CREATABLE));
    }

    #[test]
    fn what_is_the_name_is_changed_by_renaming() {
        let classes = described();
        assert!(!flags(&classes[0], "userName").intersects(AttributeFlags::CREATABLE | AttributeFlags::UPDATEABLE));
        assert_eq!(classes[0].name_matching, Matching::CaseIgnore);
    }

    #[test]
    fn no_attribute_is_there_twice() {
        for class in described() {
            let mut names: Vec<_> = class.attributes.iter().map(|info| info.name.to_lowercase()).collect();
            names.sort();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{}", class.name);
        }
    }
}
