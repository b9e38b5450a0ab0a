//! Classes of the standard and of services with a mind of their own.

use super::*;
use crate::documents::{ExtensionDocument, core_schemas, core_types};

/// The classes of a service that keeps to the standard.
pub(crate) fn standard() -> Vec<Class> {
    standard_with(&Options::default()).unwrap()
}

pub(crate) fn standard_with(options: &Options) -> Result<Vec<Class>> {
    build(&core_types(), &core_schemas().unwrap(), options)
}

pub(crate) const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager:value";

fn schema(text: &str) -> SchemaDocument {
    serde_json::from_str(text).unwrap()
}

fn device(schema: &str) -> ResourceTypeDocument {
    ResourceTypeDocument {
        name: "Device".to_owned(),
        endpoint: "https://x.test/scim/v2/Devices".to_owned(),
        schema: schema.to_owned(),
        schema_extensions: vec![ExtensionDocument { schema: "urn:x:not-described".to_owned(), required: true }],
    }
}

#[test]
fn a_choice_that_is_not_there_is_named_with_what_is() {
    let options = Options { resource_types: vec!["Devices".to_owned()], ..Options::default() };
    let error = standard_with(&options).unwrap_err();
    assert!(error.message().contains("`Devices`") && error.message().contains("User, Group"), "{error}");
    let options = Options { account_name: "emails".to_owned(), ..Options::default() };
    assert!(standard_with(&options).unwrap_err().message().contains("`account-name`"));
    let error = build(&[device("urn:x:Device")], &[], &Options::default()).unwrap_err();
    assert!(error.message().contains("urn:x:Device"), "{error}");
}

#[test]
fn resources_become_flat_by_one_rule() {
    let classes = standard();
    let of = |class: usize, name: &str| {
        let attribute = classes[class].attribute(name).unwrap();
        (attribute.syntax, attribute.multi)
    };
    assert_eq!(of(0, "name:givenName"), (Syntax::Text, false));
    assert_eq!(of(0, "emails"), (Syntax::Complex, true));
    assert_eq!(of(0, "enabled"), (Syntax::Boolean, false));
    assert_eq!(of(0, "groups"), (Syntax::Reference, true));
    assert_eq!(of(0, DEPARTMENT), (Syntax::Text, false));
    assert_eq!(of(0, MANAGER), (Syntax::Reference, false));
    assert_eq!(of(0, "profileUrl"), (Syntax::Uri, false));
    assert_eq!(of(0, "meta:lastModified"), (Syntax::Instant, false));
    assert_eq!(of(1, "members"), (Syntax::Reference, true));
    assert!(classes[0].attribute("name").is_none() && classes[0].attribute("active").is_none());
    let emails = classes[0].attribute("emails").unwrap();
    let parts: Vec<&str> = emails.parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(parts, ["value", "display", "type", "primary"]);
}

#[test]
fn references_say_where_they_point() {
    let classes = standard();
    let refers = |class: usize, name: &str| classes[class].attribute(name).unwrap().refers_to.clone();
    assert_eq!(refers(0, "groups"), [GROUP]);
    assert_eq!(refers(0, MANAGER), [ACCOUNT]);
    assert_eq!(refers(1, "members"), [ACCOUNT, GROUP]);
}

#[test]
fn what_a_service_demands_of_a_member_is_known() {
    let strict = r#"{"id": "urn:ietf:params:scim:schemas:core:2.0:Group", "attributes": [{"name": "displayName"},
        {"name": "members", "type": "complex", "multiValued": true, "required": true, "subAttributes": [
            {"name": "value", "required": true}, {"name": "$ref", "type": "reference", "required": true,
            "referenceTypes": ["User"]}, {"name": "display", "required": true, "mutability": "readOnly"}]}]}"#;
    let classes = build(&core_types()[1..], &[schema(strict)], &Options::default()).unwrap();
    let members = classes[0].attribute("members").unwrap();
    assert_eq!((members.required, members.demands.as_slice()), (true, &["$ref".to_owned()][..]));
    assert!(standard()[1].attribute("members").unwrap().demands.is_empty());
}

#[test]
fn a_resource_type_of_its_own_has_its_own_name() {
    let text = r#"{"id": "urn:x:Device", "attributes": [{"name": "serial", "type": "integer"},
        {"name": "pin", "mutability": "writeOnly"}, {"name": "note", "returned": "request"},
        {"name": "owner", "type": "complex", "mutability": "readOnly", "subAttributes": [
            {"name": "value"}, {"name": "$ref", "type": "reference", "referenceTypes": ["User"]}]}]}"#;
    let mut schemas = core_schemas().unwrap();
    schemas.push(schema(text));
    let types = [core_types(), vec![device("urn:x:device")]].concat();
    let device = build(&types, &schemas, &Options::default()).unwrap().remove(2);
    assert_eq!((device.name.as_str(), device.endpoint.as_str(), device.named_by), ("Device", "/Devices", None));
    assert_eq!(device.extensions, [("urn:x:not-described".to_owned(), true)]);
    let of = |name: &str| device.attributes.iter().find(|it| it.name == name).unwrap();
    assert_eq!((of("serial").syntax, of("pin").returned), (Syntax::Integer, Returned::Never));
    assert_eq!(of("note").returned, Returned::OnRequest);
    assert_eq!((of("owner:value").syntax, of("owner:value").mutability), (Syntax::Reference, Mutability::ReadOnly));
    assert_eq!(of("owner:value").refers_to, [ACCOUNT]);
}

#[test]
fn only_chosen_resource_types_are_offered() {
    let options = Options { resource_types: vec!["user".to_owned()], ..Options::default() };
    let classes = standard_with(&options).unwrap();
    assert_eq!(classes.len(), 1);
    assert!(classes[0].attribute("groups").unwrap().refers_to.is_empty(), "nothing offered is pointed at");
}

#[test]
fn what_was_remembered_is_what_was_built() {
    let classes = standard();
    let text = serde_json::to_string(&classes).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Class>>(&text).unwrap(), classes);
    assert!(text.len() < 32 * 1024, "{} bytes of the 64 KiB a host remembers", text.len());
}
