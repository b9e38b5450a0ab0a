//! Imports: the first one, one that finds what changed, and one that would wipe everybody and is held.

use serde_json::Value as Json;

use super::super::super::client::Call;
use super::super::super::fault::Fault;
use super::super::super::table::cell;
use super::super::super::task::{self, Seen};
use super::super::show::{self, number};
use super::super::story::{PATH, Story, Who, expect, insist, items};
use super::super::target::Terms;
use crate::model::{Counts, TaskState};

/// Everything, for the first time.
pub(in super::super) async fn first(story: &mut Story) -> Result<(), Fault> {
    story.step("Import everything")?;
    let (_, seen) = run(story).await?;
    let company = story.company;
    let expected = Counts { inserted: objects(story), links_added: company.memberships(), ..Counts::default() };
    succeeded(&seen, expected)?;
    published(story, company.people).await
}

/// What steps before did to the target comes back as changes, and nothing else.
pub(in super::super) async fn second(story: &mut Story) -> Result<(), Fault> {
    story.step("Import again: only what changed")?;
    let before = last_position(story).await?;
    let (_, seen) = run(story).await?;
    let Terms { touched, left_behind, .. } = story.terms();
    let expected = Counts {
        inserted: 1,
        updated: 1 + touched,
        deleted: 1,
        unchanged: objects(story) - 2 - touched,
        links_added: 2 + left_behind,
        links_removed: 4,
        rejected: 0,
    };
    succeeded(&seen, expected)?;
    if *left_behind > 0 {
        show::say(
            "The service keeps somebody who was deleted as a member of groups; such a member is nobody's account any more, \
             and the links say so.",
        )?;
    }
    show::say("The changes, resumable after any position:")?;
    let changes = changes_after(story, before).await?;
    for change in &changes {
        let field = |pointer| cell(change, pointer);
        let more = match change.get("target") {
            Some(_) => format!("{} -> {}", field("/attribute"), field("/target/uid")),
            None => field("/name"),
        };
        let (position, kind) = (field("/position"), field("/kind"));
        show::detail(&format!("{position:>6}  {kind:12} {} {} {more}", field("/class"), field("/uid")))?;
    }
    let Counts { inserted, updated, deleted, links_added, links_removed, .. } = expected;
    let expected = inserted + updated + deleted + links_added + links_removed;
    insist(u64::try_from(changes.len()) == Ok(expected), || {
        format!("{expected} changes in the feed, and there are {}", changes.len())
    })
}

/// Everybody seems to be gone: the import is held, looked at, and thrown away.
pub(in super::super) async fn held(story: &mut Story) -> Result<(), Fault> {
    let [title, happened] = story.terms().vanished;
    story.step(title)?;
    story.outside(|target| target.vanish())?;
    show::say(happened)?;
    show::say("Publishing that would remove everybody.")?;
    let (id, seen) = run(story).await?;
    insist(seen.state == TaskState::Held, || format!("the import to be held, and it is {}", seen.state.as_str()))?;
    show::detail(&seen.error.map(|why| why.message).unwrap_or_default())?;
    removals(story, &id).await?;
    let rejected = story.ask(Who::Operator, Call::act(format!("{}/reject", task::path(&id))), 200).await?;
    expect(&rejected.body, "/state", "rejected")?;
    published(story, story.company.people).await?;
    story.outside(|target| target.restore())?;
    show::say("Nothing visible has changed; everybody is where they were.")
}

async fn removals(story: &Story, id: &str) -> Result<(), Fault> {
    let call = Call::get(format!("{}/removals", task::path(id))).query("limit", Some(3));
    let reply = story.ask(Who::Operator, call, 200).await?;
    for removal in items(&reply.body, "/items") {
        show::detail(&format!(
            "would remove {}",
            ["/class", "/uid", "/name"].map(|field| cell(removal, field)).join(" ")
        ))?;
    }
    insist(items(&reply.body, "/items").len() == 3, || "a page of three removals".to_owned())?;
    insist(reply.body.get("next").is_some(), || "more removals behind a cursor".to_owned())
}

/// Starts an import and waits for its end.
async fn run(story: &Story) -> Result<(String, Seen), Fault> {
    let reply = story.ask(Who::Core, Call::act(format!("{PATH}/imports")), 202).await?;
    let started: Seen = reply.read()?;
    insist(reply.location() == Some(&task::path(&started.id)), || "a Location to ask about the task".to_owned())?;
    let (seen, reply) = task::wait(story.client(Who::Core), &started.id).await?;
    show::detail(&format!("{} is {}{}", task::path(&started.id), seen.state.as_str(), speed(&seen, &reply.body)))?;
    Ok((started.id, seen))
}

fn succeeded(seen: &Seen, expected: Counts) -> Result<(), Fault> {
    seen.outcome()?;
    let counts = seen.counts.unwrap_or_default();
    show::detail(&task::counted(&counts))?;
    insist(counts == expected, || format!("{}, and it is {}", task::counted(&expected), task::counted(&counts)))
}

/// How many objects there are in the target.
fn objects(story: &Story) -> u64 {
    story.company.people + story.company.groups() + story.terms().others
}

/// What an import read and how fast, from the task's own times.
fn speed(seen: &Seen, body: &Json) -> String {
    let instant = |name: &str| body.get(name)?.as_str()?.parse::<jiff::Timestamp>().ok();
    let millis = match (instant("started"), instant("finished")) {
        (Some(started), Some(finished)) => finished.as_millisecond() - started.as_millisecond(),
        _ => 0,
    };
    let read = format!("{} rows and {} links", number(seen.progress.rows), number(seen.progress.links));
    if millis > 0 { format!(": {read} in {millis} ms") } else { format!(": {read}") }
}

async fn published(story: &Story, accounts: u64) -> Result<(), Fault> {
    let reply = story.ask(Who::Core, Call::get(format!("{PATH}/published")), 200).await?;
    let classes = items(&reply.body, "/classes");
    let line: Vec<String> =
        classes.iter().map(|class| format!("{} {}", cell(class, "/objects"), cell(class, "/class"))).collect();
    show::detail(&format!("published: {}", line.join(", ")))?;
    let kept = classes.iter().any(|class| {
        cell(class, "/class") == "account" && class.get("objects").and_then(Json::as_u64) == Some(accounts)
    });
    insist(kept, || format!("{accounts} published accounts"))
}

/// The position of the last change so far.
async fn last_position(story: &Story) -> Result<u64, Fault> {
    let (mut last, client) = (0, story.client(Who::Core));
    loop {
        let call = Call::get(format!("{PATH}/changes")).query("after", Some(last)).query("limit", Some(1000));
        let mut position = last;
        let each = |line: &str| {
            position = parsed(line)?.get("position").and_then(Json::as_u64).unwrap_or(position);
            Ok(())
        };
        if client.lines(&call, each).await? == 0 {
            return Ok(last);
        }
        last = position;
    }
}

async fn changes_after(story: &Story, position: u64) -> Result<Vec<Json>, Fault> {
    let call = Call::get(format!("{PATH}/changes")).query("after", Some(position)).query("limit", Some(100));
    show::request(&call)?;
    let mut changes = Vec::new();
    let each = |line: &str| {
        changes.push(parsed(line)?);
        Ok(())
    };
    story.client(Who::Core).lines(&call, each).await?;
    Ok(changes)
}

fn parsed(line: &str) -> Result<Json, Fault> {
    serde_json::from_str(line).map_err(|why| Fault::failed(format!("a line of the feed is not understood: {why}")))
}
