//! Configure a connection, check it, and learn what the target looks like.

use serde_json::{Value as Json, json};

use super::super::super::client::Call;
use super::super::super::fault::Fault;
use super::super::super::table::cell;
use super::super::show;
use super::super::story::{CONNECTION, PATH, SYSTEM, Story, Who, expect, insist, items};

/// A system and a connection to one target.
pub(in super::super) async fn configure(story: &mut Story) -> Result<(), Fault> {
    story.step("Configure a system and a connection")?;
    let system = json!({"id": SYSTEM, "title": "Company directory"});
    story.ask(Who::Operator, Call::post("/v1/systems", system), 201).await?;
    let connection = story.connection(CONNECTION, "People and groups", story.target.connection());
    let reply = story.ask(Who::Operator, Call::post("/v1/connections", connection), 201).await?;
    expect(&reply.body, "/id", CONNECTION)?;
    show::detail(&format!("the sandbox may {}, and nothing else", story.target.reach()))?;
    let [objects, percent] =
        ["/thresholds/removed", "/thresholds/removedPercent"].map(|limit| cell(&reply.body, limit));
    show::detail(&format!(
        "an import that removes more than {objects} objects or {percent} per cent waits for a person"
    ))
}

/// The target is reachable and its files are as configured.
pub(in super::super) async fn check(story: &mut Story) -> Result<(), Fault> {
    story.step("Check the connection")?;
    let call = Call::post(format!("{PATH}/check"), json!({"aspect": "complete"}));
    let reply = story.ask(Who::Core, call, 200).await?;
    for finding in items(&reply.body, "/findings") {
        show::detail(&cell(finding, "/text"))?;
    }
    expect(&reply.body, "/ok", true)
}

/// The schema, as the target tells it.
pub(in super::super) async fn schema(story: &mut Story) -> Result<(), Fault> {
    story.step("Read the schema")?;
    let reply = story.ask(Who::Operator, Call::act(format!("{PATH}/schema/refresh")), 200).await?;
    for class in items(&reply.body, "/classes") {
        let names: Vec<String> = items(class, "/attributes").iter().map(|attribute| cell(attribute, "/name")).collect();
        show::detail(&format!("{}: {}", cell(class, "/name"), names.join(", ")))?;
    }
    let named = |name: &str| items(&reply.body, "/classes").iter().any(|class| cell(class, "/name") == name);
    insist(named("account") && named("group"), || "the classes account and group".to_owned())?;
    let hidden = story.terms().hidden;
    let shows = |attribute: &Json| {
        let readable = attribute.get("readable").and_then(Json::as_bool);
        cell(attribute, "/name") == hidden && readable != Some(false)
    };
    let readable = items(&reply.body, "/classes").iter().any(|class| items(class, "/attributes").iter().any(shows));
    insist(!readable, || format!("{hidden} to be nothing one can read"))
}
