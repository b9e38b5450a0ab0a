//! Somebody is looked for, somebody joins, somebody moves, somebody leaves: the accounts in the file follow at once.

use serde_json::{Value as Json, json};

use super::super::super::client::Call;
use super::super::super::fault::Fault;
use super::super::super::table::{cell, text};
use super::super::people::{self, Person};
use super::super::show;
use super::super::story::{Story, Who, expect, insist, items};

/// Where the accounts are.
pub(super) const ACCOUNTS: &str = "/v1/connections/people/objects/account";
/// Who joins.
pub(super) const JOINER: &str = "u900001";
/// The joiner's login.
pub(super) const JOINER_NAME: &str = "grace.hopper";
/// Where the joiner goes, and the mover as well.
const NEW_DEPARTMENT: &str = "Information Security";

/// Who moves to another department.
pub(super) fn moving() -> Person {
    Person::new(42)
}

/// Who leaves.
fn leaving() -> Person {
    Person::new(99)
}

/// The group that comes with the new department.
pub(super) fn new_group() -> String {
    people::everybody_of(NEW_DEPARTMENT).map(people::group_id).unwrap_or_default()
}

/// The group that went with the mover's old department.
pub(super) fn old_group() -> String {
    people::everybody_of(moving().department).map(people::group_id).unwrap_or_default()
}

/// A live search, in SCIM's filter grammar.
pub(in super::super) async fn search(story: &mut Story) -> Result<(), Fault> {
    story.step("Search the target, live")?;
    let wanted = |person: &Person| person.department == "Legal" && person.family.starts_with('S') && person.active;
    let expected = (0..story.company.people).map(Person::new).filter(wanted).count().min(PAGE);
    let filter = r#"department eq "Legal" and familyName sw "S" and enabled eq true"#;
    let call = Call::get(ACCOUNTS)
        .query("filter", Some(filter))
        .query("attributes", Some("givenName,familyName,department,title"))
        .query("limit", Some(PAGE));
    let found = pages(story, call).await?;
    for object in found.iter().take(3) {
        let attributes = object.get("attributes").and_then(Json::as_object).into_iter().flatten();
        let values: Vec<String> = attributes.map(|(_, values)| text(values)).collect();
        show::detail(&format!("{} {}: {}", cell(object, "/uid"), cell(object, "/name"), values.join(", ")))?;
    }
    let more = found.len().saturating_sub(3);
    if more > 0 {
        show::detail(&format!("and {more} more"))?;
    }
    insist(found.len() == expected, || format!("{expected} found, and there are {}", found.len()))
}

/// The most the search looks at.
const PAGE: usize = 200;

/// What a listing finds, until there are enough: a page of a filtered listing may hold less than was asked for.
async fn pages(story: &Story, call: Call) -> Result<Vec<Json>, Fault> {
    let (mut call, mut found) = (call, Vec::new());
    loop {
        let reply = story.ask(Who::Core, call, 200).await?;
        found.extend_from_slice(items(&reply.body, "/objects"));
        let cursor = reply.body.get("cursor").and_then(Json::as_str).filter(|_| found.len() < PAGE);
        let Some(cursor) = cursor else { return Ok(found) };
        call = Call::get(ACCOUNTS).query("cursor", Some(cursor)).query("limit", Some(PAGE - found.len()));
    }
}

/// A new account; the same request again, with the same key, does it once.
pub(in super::super) async fn joiner(story: &mut Story) -> Result<(), Fault> {
    story.step("Somebody joins: create an account")?;
    let body = json!({"name": JOINER_NAME, "attributes": {
        "id": [JOINER], "givenName": ["Grace"], "familyName": ["Hopper"], "email": ["grace.hopper@example.com"],
        "department": [NEW_DEPARTMENT], "title": ["Identity Engineer"], "enabled": [true],
    }});
    let call = Call::post(ACCOUNTS, body).header("idempotency-key", Some("joiner-900001"))?;
    let reply = story.ask(Who::Core, call.clone(), 201).await?;
    expect(&reply.body, "/uid", JOINER)?;
    show::say("The same request with the same Idempotency-Key, as after a lost answer:")?;
    let again = story.ask(Who::Core, call, 201).await?;
    insist(again.header("idempotency-replayed") == Some("true"), || "the answer to be a replayed one".to_owned())?;
    show::detail("answered from the record; nothing was done twice")?;
    story.ask(Who::Core, Call::get(format!("{ACCOUNTS}/{JOINER}")), 200).await.map(drop)
}

/// An account changes; a second writer that saw the old state is refused.
pub(in super::super) async fn mover(story: &mut Story) -> Result<(), Fault> {
    story.step("Somebody moves: update an account")?;
    let mover = moving();
    let path = format!("{ACCOUNTS}/{}", mover.id);
    let seen = story.ask(Who::Core, Call::get(path.as_str()), 200).await?;
    let before = cell(&seen.body, "/attributes/department");
    show::detail(&format!("{} {} works in {before}", mover.given, mover.family))?;
    let changes = json!({"changes": {
        "department": {"replace": [NEW_DEPARTMENT]}, "title": {"replace": ["Security Analyst"]},
    }});
    let call = Call::patch(path.as_str(), changes).header("if-match", seen.etag())?;
    story.ask(Who::Core, call.clone(), 200).await?;
    if seen.etag().is_some() {
        show::say("Somebody else saw the account as it was before, and wants to change it:")?;
        story.ask(Who::Core, call, 412).await?;
    }
    let now = story.ask(Who::Core, Call::get(path), 200).await?;
    expect(&now.body, "/attributes/department/0", NEW_DEPARTMENT)
}

/// An account goes, and is gone.
pub(in super::super) async fn leaver(story: &mut Story) -> Result<(), Fault> {
    story.step("Somebody leaves: delete an account")?;
    let path = format!("{ACCOUNTS}/{}", leaving().id);
    story.ask(Who::Core, Call::delete(path.as_str()), 204).await?;
    let gone = story.ask(Who::Core, Call::get(path), 404).await?;
    insist(gone.problem().name() == "unknown-uid", || format!("unknown-uid, and it is {}", gone.problem().name()))?;
    show::detail(&gone.problem().text())?;
    show::say("What is published stays as the last import left it, until the next one.")
}
