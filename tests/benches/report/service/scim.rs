//! A SCIM service with users of an enterprise, rendered beforehand: a page is a piece of the text that holds them all, with a
//! head before it.

use bytes::buf::Chain;
use bytes::{Buf as _, Bytes};
use serde_json::json;

use super::{BASE, SMALL};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Users of a page where nobody says how many.
const PAGE_USERS: usize = 100;
const GIVEN: [&str; 8] = ["Ada", "Bjørn", "Chloé", "Dmitri", "Elif", "Femi", "Grace", "Hiroshi"];
const FAMILY: [&str; 7] = ["Lovelace", "Ødegård", "Durand", "Ivanov", "Yılmaz", "Okafor", "Hopper"];
const DEPARTMENTS: [&str; 5] = ["Engineering", "Finance", "Legal", "Sales", "Works Council"];

/// What comes before some text, the text, and what comes behind it.
pub(super) type Piece = Chain<Chain<Bytes, Bytes>, Bytes>;

/// All that the service answers.
pub(super) struct Site {
    documents: Vec<(String, Bytes)>,
    /// One after the other, with a comma between.
    users: Bytes,
    /// Where each of them begins, and where another one would.
    begins: Vec<usize>,
}

impl Site {
    pub(super) fn new(count: usize, small: Bytes) -> Self {
        let (mut users, mut begins) = (Vec::new(), vec![0]);
        for number in 1..=count {
            users.extend_from_slice(user(number).as_bytes());
            users.push(b',');
            begins.push(users.len());
        }
        let below = |path: &str, text: String| (format!("{BASE}{path}"), Bytes::from(text));
        let documents = vec![
            (SMALL.to_owned(), small),
            below("/ServiceProviderConfig", provider()),
            below("/ResourceTypes", list(&json!([resource_type()]))),
            below("/Schemas", list(&schemas())),
        ];
        Self { documents, users: users.into(), begins }
    }

    /// None if there is nothing of the kind.
    pub(super) fn answer(&self, path: &str, query: &str) -> Option<Piece> {
        if path.strip_prefix(BASE) == Some("/Users") {
            let start = parameter(query, "startIndex").unwrap_or(1).max(1);
            return Some(self.page(start, parameter(query, "count").unwrap_or(PAGE_USERS)));
        }
        let (_, document) = self.documents.iter().find(|(own, _)| own == path)?;
        Some(whole(document.clone()))
    }

    /// Users from the one of that number on, counted from 1.
    fn page(&self, start: usize, count: usize) -> Piece {
        let total = self.begins.len() - 1;
        let first = (start - 1).min(total);
        let last = first.saturating_add(count).min(total);
        let head = format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":{total},"startIndex":{start},"itemsPerPage":{},"Resources":["#,
            last - first
        );
        let text = self.begins[first]..self.begins[last].saturating_sub(usize::from(last > first));
        Bytes::from(head).chain(self.users.slice(text)).chain(Bytes::from_static(b"]}"))
    }
}

/// One text without anything around it.
pub(super) fn whole(text: Bytes) -> Piece {
    text.chain(Bytes::new()).chain(Bytes::new())
}

fn parameter(query: &str, name: &str) -> Option<usize> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(own, _)| *own == name).and_then(|(_, value)| value.parse().ok())
}

fn list(resources: &serde_json::Value) -> String {
    let count = resources.as_array().map_or(0, Vec::len);
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": count, "startIndex": 1, "itemsPerPage": count, "Resources": resources,
    })
    .to_string()
}

fn provider() -> String {
    let (can, cannot) = (json!({"supported": true}), json!({"supported": false}));
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": can, "bulk": cannot, "filter": cannot, "changePassword": cannot, "sort": cannot, "etag": can,
        "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Bearer", "description": "A token"}],
    })
    .to_string()
}

fn resource_type() -> serde_json::Value {
    json!({
        "id": "User", "name": "User", "endpoint": "/Users", "schema": CORE,
        "schemaExtensions": [{"schema": ENTERPRISE, "required": false}],
    })
}

/// What its users have, and nothing else.
fn schemas() -> serde_json::Value {
    let text = |name: &str| json!({"name": name, "type": "string"});
    let complex = |name: &str, many: bool, parts: serde_json::Value| json!({"name": name, "type": "complex", "multiValued": many, "subAttributes": parts});
    let primary = json!({"name": "primary", "type": "boolean"});
    let manager = json!([
        text("value"), text("displayName"),
        {"name": "$ref", "type": "reference", "referenceTypes": ["User"]},
    ]);
    json!([
        {"id": CORE, "name": "User", "attributes": [
            {"name": "userName", "type": "string", "required": true, "uniqueness": "server"},
            complex("name", false, json!([text("formatted"), text("familyName"), text("givenName")])),
            text("displayName"), text("title"), text("preferredLanguage"),
            {"name": "active", "type": "boolean"},
            complex("emails", true, json!([text("value"), text("type"), primary])),
            complex("phoneNumbers", true, json!([text("value"), text("type")])),
        ]},
        {"id": ENTERPRISE, "name": "Enterprise user", "attributes": [
            text("employeeNumber"), text("department"), complex("manager", false, manager),
        ]},
    ])
}

fn user(number: usize) -> String {
    let (given, family) = (GIVEN[number % GIVEN.len()], FAMILY[number % FAMILY.len()]);
    let (id, boss) = (uid(number), uid(number / 10 + 1));
    let name = format!("{}.{number}@example.org", given.to_lowercase());
    let moment = format!("2026-{:02}-{:02}T08:30:{:02}Z", number % 12 + 1, number % 28 + 1, number % 60);
    json!({
        "schemas": [CORE, ENTERPRISE], "id": id, "externalId": format!("hr-{number}"), "userName": name,
        "name": {"formatted": format!("{given} {family}"), "familyName": family, "givenName": given},
        "displayName": format!("{given} {family}"), "title": format!("Engineer {}", number % 9),
        "preferredLanguage": "en-GB", "active": !number.is_multiple_of(20),
        "emails": [
            {"value": name, "type": "work", "primary": true},
            {"value": format!("{number}@example.net"), "type": "home"},
        ],
        "phoneNumbers": [{"value": format!("+49 30 {number:07}"), "type": "work"}],
        ENTERPRISE: {
            "employeeNumber": number.to_string(), "department": DEPARTMENTS[number % DEPARTMENTS.len()],
            "manager": {"value": boss, "$ref": format!("../Users/{boss}")},
        },
        "meta": {
            "resourceType": "User", "created": "2026-01-05T07:00:00Z", "lastModified": moment,
            "version": format!("W/\"{number:x}\""), "location": format!("https://127.0.0.1{BASE}/Users/{id}"),
        },
    })
    .to_string()
}

fn uid(number: usize) -> String {
    format!("2819c223-7f76-453a-919d-{number:012x}")
}
