//! The schema, which is the mapping's.

use crate::Rest;
use crate::mapping::{Attribute, Class, ClassKind, Kind};
use crate::provision::PASSWORD;
use hawser_sdk::{AttributeInfo, ClassInfo, Result, Schema, Syntax};

impl Schema for Rest {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        Ok(self.mapping.classes.iter().map(|(name, class)| described(name, class)).collect())
    }
}

fn described(name: &str, class: &Class) -> ClassInfo {
    let mut info = ClassInfo::new(class.kind.into(), name, class.title.as_deref().unwrap_or(name));
    for (name, attribute) in &class.attributes {
        info = info.attribute(writable(class, name, attribute, attribute_info(name, attribute)));
    }
    if class.passwords.set.is_some() || class.create.as_ref().is_some_and(|it| it.secrets.contains_key(PASSWORD)) {
        info = info.attribute(AttributeInfo::text(PASSWORD).title("Password").confidential());
    }
    let Some(of) = &class.entitlement else { return info };
    if let (Some(holders), [to, ..]) = (&of.holders, of.to.as_slice()) {
        let attribute = AttributeInfo::reference(holders.attribute.as_str(), to.as_str());
        info = info.attribute(attribute.multi_valued().large().read_only());
    }
    info.grantable_to = of.to.clone();
    info.parameters = of.parameters.iter().map(|(name, parameter)| attribute_info(name, parameter)).collect();
    info
}

fn attribute_info(name: &str, attribute: &Attribute) -> AttributeInfo {
    let mut info = AttributeInfo::new(name, attribute.kind.into()).native_name(attribute.pointer.last());
    info = info.title(attribute.title.as_deref().unwrap_or(name)).allowed(attribute.allowed.iter().map(String::as_str));
    info.refers_to = attribute.refers_to.iter().cloned().collect();
    if attribute.required {
        info = info.required();
    }
    if attribute.multi_valued { info.multi_valued() } else { info }
}

/// Only what a request of the mapping writes can be written.
fn writable(class: &Class, name: &str, attribute: &Attribute, info: AttributeInfo) -> AttributeInfo {
    use hawser_sdk::AttributeFlags as Flags;
    let switched = class.enable.is_some() && name == crate::update::ENABLED;
    let mut info = info;
    if !attribute.creatable || class.create.is_none() {
        info.flags &= !Flags::CREATABLE;
    }
    if !attribute.updateable || class.update.is_none() && !switched {
        info.flags &= !Flags::UPDATEABLE;
    }
    info
}

impl From<ClassKind> for hawser_sdk::ClassKind {
    fn from(kind: ClassKind) -> Self {
        match kind {
            ClassKind::Account => Self::Account,
            ClassKind::Entitlement => Self::Entitlement,
            ClassKind::Container => Self::Container,
            ClassKind::Other => Self::Other,
        }
    }
}

impl From<Kind> for Syntax {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Integer => Self::Integer,
            Kind::Real => Self::Real,
            Kind::Boolean => Self::Boolean,
            Kind::Instant | Kind::Seconds | Kind::Milliseconds => Self::Instant,
            Kind::Date => Self::Date,
            Kind::Reference => Self::Reference,
            Kind::Json => Self::Json,
        }
    }
}
