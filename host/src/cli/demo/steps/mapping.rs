//! The worked example of the guide: from an empty host to people, accounts and owners over two targets, and an account that is
//! ordered by what is known of a person. What comes out is held against the company, entity by entity.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::super::super::client::Call;
use super::super::super::fault::Fault;
use super::super::super::table::cell;
use super::super::super::task::{self, Seen};
use super::super::ground::{Ground, Side};
use super::super::guide::example;
use super::super::people::Person;
use super::super::show;
use super::super::story::{Story, Who, insist, items};
use super::super::vendor::Vendor;
use super::trust::{COUNTER, approve_asked, give};
use crate::clock::Clock;

/// The connections, which are called like their systems.
const CONNECTIONS: [&str; 2] = ["hr", "directory"];
/// The definitions, each before those that name it.
const MAPPINGS: [&str; 6] = ["person", "account", "group", "member", "whose", "directory-account"];
/// The number of whoever joins.
const JOINER: u64 = 900_001;

/// What a stream told.
struct Told {
    lines: Vec<Json>,
    position: String,
}

/// The whole of it.
pub(in super::super) async fn tell(story: &mut Story, ground: &Ground, clock: &Clock) -> Result<(), Fault> {
    install(story, ground, clock).await?;
    configure(story, ground).await?;
    tables(story).await?;
    map(story).await?;
    story.step("Import both")?;
    for connection in CONNECTIONS {
        import(story, connection).await?;
    }
    people(story).await?;
    let (accounts, position) = accounts(story).await?;
    members(story, &accounts).await?;
    owners(story, &accounts).await?;
    provision(story).await?;
    joined(story, &position).await
}

async fn install(story: &mut Story, ground: &Ground, clock: &Clock) -> Result<(), Fault> {
    story.step("Trust and install the two connectors")?;
    for side in ground.sides() {
        let vendor = Vendor::of(&side.connector, clock.clone())?;
        let body = json!({"publicKey": vendor.public()?.to_pem(), "title": "the demo's vendor"});
        story.ask(Who::Operator, Call::post("/v1/publishers/hawser/keys", body), 201).await?;
        story.ask(Who::Operator, vendor.sign(&vendor.manifest, COUNTER)?.upload(), 201).await?;
    }
    Ok(())
}

async fn configure(story: &mut Story, ground: &Ground) -> Result<(), Fault> {
    story.step("Connect the HR system's files and the directory")?;
    for (id, side) in CONNECTIONS.into_iter().zip(ground.sides()) {
        story.ask(Who::Operator, Call::post("/v1/systems", json!({"id": id, "title": id})), 201).await?;
        story.ask(Who::Operator, Call::post("/v1/connections", connection(id, side)?), 201).await?;
        let path = format!("/v1/connections/{id}");
        approve_asked(story, &path).await?;
        if let Some(range) = side.target.terms().range {
            give(story, &path, &[range.to_owned()]).await?;
        }
        story.ask(Who::Operator, Call::act(format!("{path}/schema/refresh")), 200).await?;
    }
    Ok(())
}

/// The guide's connection, to where the target really is.
fn connection(name: &str, side: &Side) -> Result<Json, Fault> {
    let mut connection = example(name)?;
    let here: Map<String, Json> = side.target.connection();
    if let Some(connection) = connection.as_object_mut() {
        connection.extend(here);
    }
    Ok(connection)
}

async fn tables(story: &mut Story) -> Result<(), Fault> {
    story.step("Look at the tables, before anything is imported")?;
    let mut names = BTreeSet::new();
    for connection in CONNECTIONS {
        let reply = story.ask(Who::Core, Call::get(format!("/v1/connections/{connection}/tables")), 200).await?;
        names.extend(items(&reply.body, "/items").iter().map(|table| cell(table, "/name")));
    }
    show::detail(&names.iter().cloned().collect::<Vec<_>>().join(", "))?;
    let wanted = ["hr_account", "directory_entries", "directory_member"];
    insist(wanted.iter().all(|name| names.contains(*name)), || format!("the tables {}", wanted.join(", ")))
}

async fn map(story: &mut Story) -> Result<(), Fault> {
    story.step("Say what the rows mean, with the definitions of the guide")?;
    let mut wrong = example("person")?;
    if let Some(column) = wrong.pointer_mut("/properties/mail/from/column") {
        *column = "emial".into();
    }
    story.refused(Who::Operator, Call::post("/v1/mappings", wrong), 400, "did you mean email?").await?;
    for name in MAPPINGS {
        story.ask(Who::Operator, Call::post("/v1/mappings", example(name)?), 201).await?;
    }
    Ok(())
}

async fn import(story: &Story, connection: &str) -> Result<(), Fault> {
    let call = Call::act(format!("/v1/connections/{connection}/imports"));
    finished(story, &story.ask(Who::Core, call, 202).await?.read::<Seen>()?.id).await
}

async fn finished(story: &Story, task: &str) -> Result<(), Fault> {
    let (seen, _) = task::wait(story.client(Who::Core), task).await?;
    show::detail(&format!("{} is {}{}", task::path(task), seen.state.as_str(), seen.done()))?;
    seen.outcome()
}

/// Everybody is a person, with the right name, address, department and state.
async fn people(story: &mut Story) -> Result<(), Fault> {
    story.step("Read the people")?;
    let told = read(story, "person/entities", None).await?;
    let properties = told.lines.iter().map(|line| (line["key"].as_u64(), &line["properties"]));
    let found: BTreeMap<Option<u64>, &Json> = properties.collect();
    let all = story.company.people;
    let right =
        (0..all).map(Person::new).filter(|person| found.get(&Some(person.employee_number)) == Some(&&known(person)));
    let right = right.count();
    insist(found.len() == right && u64::try_from(right) == Ok(all), || {
        format!("{all} people as they are in the files, and of {} {right} are right", found.len())
    })
}

/// What the mapping makes of a person.
fn known(person: &Person) -> Json {
    json!({
        "number": person.employee_number, "name": format!("{} {}", person.given, person.family), "mail": person.mail(),
        "department": person.department, "active": person.active,
    })
}

/// Everybody's account by its key, and the position of the stream.
async fn accounts(story: &mut Story) -> Result<(BTreeMap<String, u64>, String), Fault> {
    story.step("Read the accounts of the directory")?;
    let told = read(story, "account/entities", None).await?;
    let number = |line: &Json| Some((cell(line, "/key"), line.pointer("/properties/number")?.as_u64()?));
    let accounts: BTreeMap<String, u64> = told.lines.iter().filter_map(number).collect();
    let (all, found) = (story.company.people, BTreeSet::from_iter(accounts.values().copied()));
    insist(found == (0..all).map(|index| Person::new(index).employee_number).collect(), || {
        format!("an account of each of {all} people, and there are {}", found.len())
    })?;
    Ok((accounts, told.position))
}

async fn members(story: &mut Story, accounts: &BTreeMap<String, u64>) -> Result<(), Fault> {
    story.step("Read who is in which group")?;
    let groups = read(story, "group/entities", None).await?;
    let groups: BTreeSet<String> = groups.lines.iter().map(|line| cell(line, "/key")).collect();
    let told = read(story, "member/associations", None).await?;
    let known = |line: &&Json| groups.contains(&cell(line, "/left")) && accounts.contains_key(&cell(line, "/right"));
    let (right, all) = (told.lines.iter().filter(known).count(), story.company.memberships());
    insist(right == told.lines.len() && u64::try_from(right) == Ok(all), || {
        format!("{all} memberships of accounts in groups, and of {} {right} are", told.lines.len())
    })
}

async fn owners(story: &mut Story, accounts: &BTreeMap<String, u64>) -> Result<(), Fault> {
    story.step("Find out whose each account is")?;
    let told = read(story, "whose/owners", None).await?;
    let right = |line: &&Json| {
        accounts.get(&cell(line, "/account")).copied() == line.pointer("/owner/key").and_then(Json::as_u64)
    };
    let right = told.lines.iter().filter(right).count();
    insist(right == accounts.len() && right == told.lines.len(), || {
        format!("each of {} accounts to be its person's, and {right} are", accounts.len())
    })
}

/// An account is ordered in the words of the core.
async fn provision(story: &mut Story) -> Result<(), Fault> {
    story.step("Order an account for somebody, in the core's own words")?;
    let call = Call::post("/v1/fulfilments", json!({"orders": example("orders")?}));
    let reply = story.ask(Who::Core, call, 202).await?;
    for task in items(&reply.body, "/tasks") {
        finished(story, &cell(task, "/id")).await?;
    }
    Ok(())
}

/// Only the new account comes after the position.
async fn joined(story: &mut Story, position: &str) -> Result<(), Fault> {
    story.step("Import the directory again, and read only what changed")?;
    import(story, "directory").await?;
    let told = read(story, "account/entities", Some(position)).await?;
    let one = told.lines.first().cloned().unwrap_or_default();
    show::detail(&one.to_string())?;
    let number = one.pointer("/properties/number").and_then(Json::as_u64);
    let mail = cell(&one, "/properties/mail");
    insist(
        told.lines.len() == 1
            && cell(&one, "/command") == "insert"
            && number == Some(JOINER)
            && mail == "grace.hopper@example.com",
        || format!("one new account, that of {JOINER}, and there are {} lines", told.lines.len()),
    )
}

/// All lines of a stream of a mapping but the last; none of them may say that a row is set aside.
async fn read(story: &Story, stream: &str, since: Option<&str>) -> Result<Told, Fault> {
    let call = Call::get(format!("/v1/mappings/{stream}")).query("since", since.map(str::to_owned));
    show::request(&call)?;
    let mut lines: Vec<Json> = Vec::new();
    let each = |line: &str| {
        let parsed = serde_json::from_str(line);
        lines.push(parsed.map_err(|why| Fault::failed(format!("a line of the stream is not understood: {why}")))?);
        Ok(())
    };
    story.client(Who::Core).lines(&call, each).await?;
    let end = lines.pop().unwrap_or_default();
    let field = |pointer| cell(&end, pointer);
    let (made, unmatched) = (field("/end/told/made"), field("/end/told/unmatched"));
    show::detail(&format!("{made} told, {unmatched} rows that are something else, up to {}", field("/end/position")))?;
    let aside = lines.iter().find(|line| line.get("setAside").is_some());
    insist(aside.is_none(), || format!("no row to be set aside, and one is: {}", aside.unwrap_or(&Json::Null)))?;
    insist(end.get("end").is_some(), || "the stream to come to its end".to_owned())?;
    Ok(Told { lines, position: field("/end/position") })
}
