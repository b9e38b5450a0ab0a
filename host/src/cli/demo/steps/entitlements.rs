//! Groups are granted and revoked one by one, never by rewriting a list of members.

use serde_json::{Value as Json, json};

use super::super::super::client::{Call, Reply};
use super::super::super::fault::Fault;
use super::super::super::table::cell;
use super::super::people::groups_of;
use super::super::show;
use super::super::story::{Cast, Story, Who, expect, insist, items};
use super::accounts::ACCOUNTS;

/// The joiner and the mover get the group of their department; granting twice is no error and no change.
pub(in super::super) async fn grant(story: &mut Story) -> Result<(), Fault> {
    story.step("Grant a group")?;
    let Cast { joiner, mover, new_group, .. } = &story.cast;
    let before = assignments(story, mover).await?;
    insist(before.len() == groups_of(0).len(), || format!("three groups, and there are {}", before.len()))?;
    for account in [joiner, mover] {
        let reply = story.ask(Who::Core, Call::put(place(account, new_group), json!({})), 200).await?;
        outcome(&reply, "granted")?;
    }
    show::say("Granted again, nothing happens, and the answer says so:")?;
    let again = story.ask(Who::Core, Call::put(place(joiner, new_group), json!({})), 200).await?;
    outcome(&again, "already-granted")
}

/// The mover loses the group of the old department.
pub(in super::super) async fn revoke(story: &mut Story) -> Result<(), Fault> {
    story.step("Revoke a group")?;
    let Cast { mover, new_group, old_group, .. } = &story.cast;
    let reply = story.ask(Who::Core, Call::delete(place(mover, old_group)), 200).await?;
    outcome(&reply, "revoked")?;
    let left = assignments(story, mover).await?;
    let groups: Vec<String> = left.iter().map(|it| cell(it, "/entitlement/uid")).collect();
    let as_expected = groups.contains(new_group) && !groups.contains(old_group) && groups.len() == 3;
    insist(as_expected, || format!("the new group without the old one, and there are {}", groups.join(", ")))
}

async fn assignments(story: &Story, account: &str) -> Result<Vec<Json>, Fault> {
    let reply = story.ask(Who::Core, Call::get(format!("{ACCOUNTS}/{account}/entitlements")), 200).await?;
    let assignments = items(&reply.body, "/assignments");
    show::detail("in the groups")?;
    for assignment in assignments {
        let named = ["/entitlement/uid", "/entitlement/name"].map(|field| cell(assignment, field)).join(" ");
        show::detail(named.trim_end())?;
    }
    Ok(assignments.to_vec())
}

fn outcome(reply: &Reply, expected: &str) -> Result<(), Fault> {
    show::detail(expected)?;
    expect(&reply.body, "/outcome", expected)
}

fn place(account: &str, group: &str) -> String {
    format!("{ACCOUNTS}/{account}/entitlements/group/{group}")
}
