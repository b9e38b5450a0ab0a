//! Who did what, in a chain that shows when somebody touches it.

use super::super::super::client::Call;
use super::super::super::fault::Fault;
use super::super::super::table::cell;
use super::super::show;
use super::super::story::{CONNECTION, Story, Who, expect, insist, items};

/// Entries of the steps before, and the chain verified.
pub(in super::super) async fn verify(story: &mut Story) -> Result<(), Fault> {
    story.step("Read the audit trail")?;
    let call = Call::get("/v1/audit").query("connection", Some(CONNECTION)).query("limit", Some(100));
    let reply = story.ask(Who::Operator, call, 200).await?;
    let entries = items(&reply.body, "/items");
    for entry in entries.iter().rev().take(5).rev() {
        let fields = ["/at", "/caller", "/action", "/uid", "/outcome/status"];
        show::detail(&fields.map(|field| cell(entry, field)).join(" "))?;
    }
    insist(entries.len() > 10, || format!("an entry for each change, and there are {}", entries.len()))?;
    let chain = story.ask(Who::Operator, Call::get("/v1/audit/verify"), 200).await?;
    expect(&chain.body, "/intact", true)?;
    show::detail(&format!("{} rows, each holding the hash of the one before", cell(&chain.body, "/rows")))
}
