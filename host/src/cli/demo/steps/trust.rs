//! From a vendor's folder to a connector that serves: signed, trusted, installed, and approved for one connection.

use serde_json::json;

use super::super::super::client::Call;
use super::super::super::fault::Fault;
use super::super::super::table::cell;
use super::super::show;
use super::super::story::{PATH, Story, Who, expect, insist, items};
use super::super::vendor::Vendor;

/// The counter of the release that serves; those before it were never installed.
pub(in super::super) const COUNTER: u64 = 7;

/// A release of a publisher nobody decided to trust.
pub(in super::super) async fn stranger(story: &mut Story, vendor: &Vendor) -> Result<(), Fault> {
    story.step("The vendor signs the connector, and the host does not know the vendor")?;
    let release = vendor.sign(&vendor.manifest, COUNTER)?;
    show::say(&format!("signed as `hawser sign` does: a statement of {} bytes", release.statement.len()))?;
    story.refused(Who::Operator, release.upload(), 422, "nobody trusts").await
}

/// The operator's decision.
pub(in super::super) async fn trust(story: &mut Story, vendor: &Vendor) -> Result<(), Fault> {
    story.step("The operator trusts the vendor's key, for the publisher `hawser` only")?;
    let body = json!({"publicKey": vendor.public()?.to_pem(), "title": "the demo's vendor"});
    story.ask(Who::Operator, Call::post("/v1/publishers/hawser/keys", body), 201).await.map(drop)
}

/// Verified, compiled in a process of its own, and serving.
pub(in super::super) async fn install(story: &mut Story, vendor: &Vendor) -> Result<(), Fault> {
    story.step("Install the release: verified, then compiled in a confined process, then served")?;
    let release = vendor.sign(&vendor.manifest, COUNTER)?;
    let reply = story.ask(Who::Operator, release.upload(), 201).await?;
    expect(&reply.body, "/state", "active")?;
    expect(&reply.body, "/development", false)?;
    let reply =
        story.ask(Who::Core, Call::get(format!("/v1/connectors/hawser/{}", story.terms().connector)), 200).await?;
    let field = |pointer| cell(&reply.body, pointer);
    show::detail(&format!("{} {}: {}", field("/connector"), field("/version"), field("/summary")))?;
    show::detail(&format!("can do: {}", field("/interfaces/exports")))?;
    show::detail(&format!("may use, of all a host offers: {}", field("/interfaces/imports")))
}

/// What the connection may reach, in words, and the operator's word for it.
pub(in super::super) async fn approve(story: &mut Story) -> Result<(), Fault> {
    story.step("Approve what the connection may reach; before that it reaches nothing")?;
    let refresh = Call::act(format!("{PATH}/schema/refresh"));
    story.refused(Who::Operator, refresh.clone(), 403, story.terms().asked).await?;
    approve_asked(story, PATH).await?;
    let Some(range) = story.terms().range else { return Ok(()) };
    show::say(
        "This server is on this very machine, and no connector asks for that. The demo's host is configured with \
         `egress.loopback`, and still it takes a permission of this connection (a server in a private network takes the \
         permission alone, a public one neither):",
    )?;
    story.refused(Who::Operator, refresh, 403, range).await?;
    give(story, PATH, &[range.to_owned()]).await
}

/// Approves whatever the connection's connector asks for.
pub(super) async fn approve_asked(story: &Story, connection: &str) -> Result<(), Fault> {
    let reply = story.ask(Who::Operator, Call::get(format!("{connection}/permissions")), 200).await?;
    let asked = items(&reply.body, "/items");
    for permission in asked {
        show::detail(&format!("{}: {}", cell(permission, "/permission"), cell(permission, "/words")))?;
    }
    let spellings: Vec<String> = asked.iter().map(|permission| cell(permission, "/permission")).collect();
    give(story, connection, &spellings).await
}

pub(super) async fn give(story: &Story, connection: &str, permissions: &[String]) -> Result<(), Fault> {
    let call = Call::post(format!("{connection}/permissions"), json!({"approve": permissions}));
    let reply = story.ask(Who::Operator, call, 200).await?;
    let approved = items(&reply.body, "/items").iter().all(|permission| cell(permission, "/approved") == "true");
    insist(approved, || "everything to be approved".to_owned())
}
