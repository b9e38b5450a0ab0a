//! A connector whose target does nothing: what an operation through it costs is what the host costs.

use std::collections::BTreeMap;

use hawser_sdk::{
    AttributeInfo, ClassInfo, ClassKind, Connector, Draft, Error, Outcome, Provision, Result, Schema, Syntax, Value,
    Written,
};

const TEXTS: [&str; 10] = [
    "userName",
    "givenName",
    "familyName",
    "email",
    "department",
    "title",
    "manager",
    "employeeNumber",
    "phone",
    "location",
];

/// The connector.
pub struct Idle;

impl Connector for Idle {
    type Options = ();

    fn open((): ()) -> Result<Self> {
        Ok(Self)
    }
}

impl Schema for Idle {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        let account = ClassInfo::new(ClassKind::Account, "account", "Account");
        let texts = TEXTS.iter().map(|name| AttributeInfo::text(*name));
        let all = texts.chain([AttributeInfo::new("active", Syntax::Boolean)]);
        Ok(vec![all.fold(account, ClassInfo::attribute)])
    }
}

impl Provision for Idle {
    fn create(&self, draft: Draft) -> Result<Outcome> {
        let record: BTreeMap<String, Vec<Value>> =
            draft.attributes.into_iter().map(|attribute| (attribute.name, attribute.values)).collect();
        if !record.contains_key("userName") {
            return Err(Error::invalid_attribute_value("an account needs a userName"));
        }
        Ok(Outcome::Done(Written::new(draft.name.as_str(), draft.name.as_str())))
    }
}

hawser_sdk::export!(Idle: Provision, Schema);
