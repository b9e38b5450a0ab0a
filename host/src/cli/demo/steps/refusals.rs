//! What the host does not do, whoever asks: each is tried, and refused before the reader's eyes.

use serde_json::{Value as Json, json};

use super::super::super::client::Call;
use super::super::super::fault::Fault;
use super::super::super::table::cell;
use super::super::show;
use super::super::story::{CONNECTION, PATH, Story, Who, expect, insist, items};
use super::super::target::Elsewhere;
use super::super::vendor::Vendor;
use super::trust::{COUNTER, approve_asked};

/// The connection that reaches too far.
const SNOOP: &str = "/v1/connections/snoop";

/// One bit of the component is not as it was signed.
pub(in super::super) async fn tampered(story: &mut Story, vendor: &Vendor) -> Result<(), Fault> {
    story.step("A tampered release: one bit of the component changed after signing")?;
    let mut release = vendor.sign(&vendor.manifest, COUNTER + 1)?;
    if let Some(byte) = release.component.last_mut() {
        *byte ^= 1;
    }
    story.refused(Who::Operator, release.upload(), 422, "SHA-256").await
}

/// An old release, rightly signed.
pub(in super::super) async fn older(story: &mut Story, vendor: &Vendor) -> Result<(), Fault> {
    story.step("An older release, rightly signed: perhaps one with a known hole")?;
    let manifest = versioned(vendor, "0.0.9");
    story.refused(Who::Operator, vendor.sign(&manifest, COUNTER - 1)?.upload(), 422, "counter").await
}

/// An update that wants to read passwords.
pub(in super::super) async fn reveal(story: &mut Story, vendor: &Vendor) -> Result<(), Fault> {
    story.step("An update that asks for more: it wants to read the passwords people set")?;
    let manifest = versioned(vendor, "0.1.99").replace("\"credentials\"", "\"credentials\", \"reveal\"")
        + "\n[[reveal]]\nslot = \"new-password\"\nreason = \"To serve you better\"\n";
    let reply = story.ask(Who::Operator, vendor.sign(&manifest, COUNTER + 2)?.upload(), 201).await?;
    expect(&reply.body, "/state", "parked")?;
    for awaited in items(&reply.body, "/awaits") {
        show::detail(&format!("parked until an operator approves {}", awaited.as_str().unwrap_or_default()))?;
    }
    let activate =
        Call::post(format!("/v1/connectors/hawser/{}/releases/0.1.99/activate", story.terms().connector), json!({}));
    story.refused(Who::Operator, activate, 403, "reveal:new-password").await?;
    let reply = story.ask(Who::Core, Call::get(PATH), 200).await?;
    show::say(&format!("{} serves on", cell(&reply.body, "/release/version")))?;
    insist(cell(&reply.body, "/release/version") != "0.1.99", || "the release before to serve on".to_owned())
}

/// A connection that reaches for what nobody permitted.
pub(in super::super) async fn outside(story: &mut Story) -> Result<(), Fault> {
    let [title, reason] = story.terms().outside;
    story.step(title)?;
    let connection = story.connection("snoop", "Reads what it should not", story.target.outside());
    story.ask(Who::Operator, Call::post("/v1/connections", connection), 201).await?;
    approve_asked(story, SNOOP).await?;
    let reply = story.ask(Who::Core, Call::act(format!("{SNOOP}/check")), 200).await?;
    expect(&reply.body, "/ok", false)?;
    let blamed = |finding: &&Json| finding.get("problem").is_some_and(|problem| !problem.is_null());
    let problems: Vec<String> = items(&reply.body, "/findings").iter().filter(blamed).map(detail_of).collect();
    problems.iter().try_for_each(|problem| show::detail(problem))?;
    insist(problems.iter().any(|problem| problem.contains(reason)), || format!("it to fail because of {reason:?}"))
}

/// Somebody who may edit the connection sends its secret to a server of his own.
pub(in super::super) async fn elsewhere(story: &mut Story, elsewhere: Elsewhere) -> Result<(), Fault> {
    let Elsewhere { connection, secret } = elsewhere;
    story.step("Another server behind the same secret: it has to be entered again")?;
    let connection = story.connection(CONNECTION, "People and groups", connection);
    story.refused(Who::Operator, Call::put(PATH, connection), 403, secret).await
}

fn detail_of(finding: &Json) -> String {
    cell(finding, "/problem/detail")
}

/// The connector's manifest under another version.
fn versioned(vendor: &Vendor, version: &str) -> String {
    let line = |line: &str| match line.strip_prefix("version = ") {
        Some(_) => format!("version = \"{version}\""),
        None => line.to_owned(),
    };
    vendor.manifest.lines().map(line).collect::<Vec<_>>().join("\n")
}
