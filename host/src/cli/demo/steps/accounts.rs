//! Somebody is looked for, somebody joins, somebody moves, somebody leaves: the accounts in the target follow at once.

use serde_json::{Value as Json, json};

use super::super::super::client::Call;
use super::super::super::fault::Fault;
use super::super::super::table::{cell, text};
use super::super::people::{self, Person};
use super::super::show;
use super::super::story::{PATH, Story, Who, expect, insist, items};
use super::super::target::{Joiner, Terms};

/// Where the accounts are.
pub(super) const ACCOUNTS: &str = "/v1/connections/people/objects/account";
/// Who joins.
pub(super) const JOINER: Joiner = Joiner {
    id: "u900001",
    login: "grace.hopper",
    given: "Grace",
    family: "Hopper",
    department: NEW_DEPARTMENT,
    title: "Identity Engineer",
    password: "Not for long, 4711",
};
/// Where the joiner goes, and the mover as well.
const NEW_DEPARTMENT: &str = "Information Security";

/// Who moves to another department.
fn moving() -> Person {
    Person::new(42)
}

/// Who leaves.
fn leaving() -> Person {
    Person::new(99)
}

/// A live search, in SCIM's filter grammar.
pub(in super::super) async fn search(story: &mut Story) -> Result<(), Fault> {
    story.step("Search the target, live")?;
    let wanted = |person: &Person| person.department == "Legal" && person.family.starts_with('C') && person.active;
    let expected = (0..story.company.people).map(Person::new).filter(wanted).count().min(PAGE);
    let Terms { given, family, department, .. } = story.terms();
    let filter = format!(r#"{department} eq "Legal" and {family} sw "C" and enabled eq true"#);
    let call = Call::get(ACCOUNTS)
        .query("filter", Some(filter))
        .query("attributes", Some(format!("{given},{family},{department},title")))
        .query("limit", Some(PAGE));
    let found = pages(story, ACCOUNTS, call).await?;
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

/// Those the story goes on with have uids of the target's making.
pub(in super::super) async fn look_up(story: &mut Story) -> Result<(), Fault> {
    story.step("Look somebody up by name: what the core knows, and not yet the uid")?;
    let (mover, leaver) = (story.target.account(&moving()), story.target.account(&leaving()));
    story.cast.mover = uid(story, "account", &mover).await?;
    story.cast.leaver = uid(story, "account", &leaver).await?;
    let everybody = |department| people::everybody_of(department).map(|group| story.target.group(group));
    let groups = [moving().department, NEW_DEPARTMENT].map(|department| everybody(department).unwrap_or_default());
    let [old, new] = &groups;
    story.cast.old_group = uid(story, "group", old).await?;
    story.cast.new_group = uid(story, "group", new).await?;
    Ok(())
}

async fn uid(story: &Story, class: &str, name: &str) -> Result<String, Fault> {
    let path = format!("{PATH}/objects/{class}");
    let call = Call::get(path.as_str()).query("filter", Some(format!("@name eq {}", Json::from(name))));
    let found = pages(story, &path, call.query("limit", Some(PAGE))).await?;
    let uids: Vec<String> = found.iter().map(|object| cell(object, "/uid")).collect();
    show::detail(&format!("{name} is {}", uids.join(", ")))?;
    match uids.as_slice() {
        [uid] => Ok(uid.clone()),
        _ => Err(Fault::failed(format!("expected one {class} {name}, and there are {}", uids.len()))),
    }
}

/// The most the search looks at.
const PAGE: usize = 200;

/// What a listing finds, until there are enough: a page of a filtered listing may hold less than was asked for.
async fn pages(story: &Story, path: &str, call: Call) -> Result<Vec<Json>, Fault> {
    let (mut call, mut found) = (call, Vec::new());
    loop {
        let reply = story.ask(Who::Core, call, 200).await?;
        found.extend_from_slice(items(&reply.body, "/objects"));
        let cursor = reply.body.get("cursor").and_then(Json::as_str).filter(|_| found.len() < PAGE);
        let Some(cursor) = cursor else { return Ok(found) };
        call = Call::get(path).query("cursor", Some(cursor)).query("limit", Some(PAGE - found.len()));
    }
}

/// A new account; the same request again, with the same key, does it once.
pub(in super::super) async fn joiner(story: &mut Story) -> Result<(), Fault> {
    story.step("Somebody joins: create an account")?;
    let call = Call::post(ACCOUNTS, story.target.joiner(&JOINER)).header("idempotency-key", Some("joiner-900001"))?;
    let reply = story.ask(Who::Core, call.clone(), 201).await?;
    story.cast.joiner = cell(&reply.body, "/uid");
    show::say("The same request with the same Idempotency-Key, as after a lost answer:")?;
    let again = story.ask(Who::Core, call, 201).await?;
    insist(again.header("idempotency-replayed") == Some("true"), || "the answer to be a replayed one".to_owned())?;
    show::detail("answered from the record; nothing was done twice")?;
    let joiner = story.ask(Who::Core, Call::get(format!("{ACCOUNTS}/{}", story.cast.joiner)), 200).await?;
    expect(&joiner.body, "/attributes/enabled", json!([true]))
}

/// An account changes; a second writer that saw the old state is refused.
pub(in super::super) async fn mover(story: &mut Story) -> Result<(), Fault> {
    story.step("Somebody moves: update an account")?;
    let mover = moving();
    let department = story.terms().department;
    let path = format!("{ACCOUNTS}/{}", story.cast.mover);
    let seen = story.ask(Who::Core, Call::get(path.as_str()), 200).await?;
    let before = cell(&seen.body, &format!("/attributes/{department}"));
    show::detail(&format!("{} {} works in {before}", mover.given, mover.family))?;
    let changes = json!({"changes": {
        department: {"replace": [NEW_DEPARTMENT]}, "title": {"replace": ["Security Analyst"]},
    }});
    let call = Call::patch(path.as_str(), changes).header("if-match", seen.etag())?;
    story.ask(Who::Core, call.clone(), 200).await?;
    if seen.etag().is_some() {
        show::say("Somebody else saw the account as it was before, and wants to change it:")?;
        story.ask(Who::Core, call, 412).await?;
    }
    let now = story.ask(Who::Core, Call::get(path), 200).await?;
    expect(&now.body, &format!("/attributes/{department}/0"), NEW_DEPARTMENT)
}

/// An account goes, and is gone.
pub(in super::super) async fn leaver(story: &mut Story) -> Result<(), Fault> {
    story.step("Somebody leaves: delete an account")?;
    let path = format!("{ACCOUNTS}/{}", story.cast.leaver);
    story.ask(Who::Core, Call::delete(path.as_str()), 204).await?;
    let gone = story.ask(Who::Core, Call::get(path), 404).await?;
    insist(gone.problem().name() == "unknown-uid", || format!("unknown-uid, and it is {}", gone.problem().name()))?;
    show::detail(&gone.problem().text())?;
    show::say("What is published stays as the last import left it, until the next one.")
}
