//! Live writes of a host that is killed: each is in the target once or not at all, as its caller was told, and the audit
//! trail says what came of it, or that nobody can know.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use hawser_tests::bed::{Bed, items};
use hawser_tests::child::Host;
use hawser_tests::client::Client;
use hawser_tests::house::House;
use hawser_tests::people::People;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value as Json;

use super::writer::{Fact, GROUPS, Paths, Told, Write, Writer, in_target, told};
use super::{assert_intact, at, chance, tell};

const KILLS: u32 = 50;
const WRITERS: usize = 4;
/// The longest that a host is left alone, in milliseconds.
const LIFE_MS_MAX: u64 = 80;

/// The audit trail as far as it was read: each operation by its request.
#[derive(Default)]
struct Trail {
    last: i64,
    entries: HashMap<String, Json>,
}

impl Trail {
    /// Reads on. Every operation began once, and has an outcome.
    async fn read(&mut self, operator: &Client) {
        loop {
            let more = items(&operator.get(&format!("/v1/audit?after={}&limit=1000", self.last)).await.expect(200));
            let Some(last) = more.last() else { return };
            self.last = last["id"].as_i64().unwrap();
            // The host reads the schema by itself, on behalf of whoever approved what it needs.
            for entry in more.into_iter().filter(|entry| entry["action"] != "task.refresh-schema") {
                assert!(entry["outcome"]["status"].is_string(), "nobody says what came of it: {entry}");
                let before = self.entries.insert(entry["requestId"].as_str().unwrap().to_owned(), entry);
                assert_eq!(before, None, "it began twice");
            }
        }
    }

    /// How that request ended: status and effect; none if it never began.
    fn outcome(&self, request: &str) -> Option<(&str, Option<&str>)> {
        let outcome = &self.entries.get(request)?["outcome"];
        Some((outcome["status"].as_str().unwrap(), outcome["effect"].as_str()))
    }
}

/// What target and trail say of the writes of one life.
async fn check(bed: &Bed, writer: &mut Writer, trail: &Trail) {
    let mut last = BTreeMap::<Fact, &Write>::new();
    for write in &writer.writes {
        check_told(write, trail);
        last.insert(write.fact.clone(), write);
    }
    for (fact, write) in last {
        let has = now(bed, &writer.account, write).await;
        check_target(write, has.as_ref(), trail);
        writer.facts.insert(fact, has);
    }
}

/// What the target has of it now: once, or not at all.
async fn now(bed: &Bed, account: &str, write: &Write) -> Option<String> {
    let mut has = in_target(bed, account, write).await;
    assert!(has.len() <= 1, "more than once in the target: {has:?} of {write:?}");
    has.pop()
}

/// The trail says what the caller was told.
fn check_told(write: &Write, trail: &Trail) {
    let outcome = trail.outcome(&write.request);
    match write.told {
        Told::Done(_) => assert_eq!(outcome, Some(("succeeded", None)), "{write:?}"),
        Told::Refused => assert!(matches!(outcome, None | Some(("failed", Some("none")))), "{outcome:?} of {write:?}"),
        Told::Nothing => {}
    }
}

/// The target has what the caller was told, and if he was told nothing, what the trail says.
fn check_target(write: &Write, has: Option<&String>, trail: &Trail) {
    let (before, after) = (write.before.as_ref(), write.after.as_ref());
    let (may_be_before, may_be_after) = match (write.told, trail.outcome(&write.request)) {
        (Told::Done(_), _) | (Told::Nothing, Some(("succeeded", _))) => (false, true),
        (Told::Refused, _) | (Told::Nothing, None | Some(("failed", Some("none")))) => (true, false),
        (Told::Nothing, Some(("outcome-unknown", _))) => (true, true),
        (Told::Nothing, other) => panic!("{other:?} says nothing about {write:?}"),
    };
    let right = (may_be_before && has == before) || (may_be_after && has == after);
    assert!(right, "the target has {has:?} after {write:?}, of which is written {:?}", trail.outcome(&write.request));
}

/// Sends writes with a key again: what was answered is answered again, and nothing happens a second time.
async fn repeat(bed: &Bed, writer: &mut Writer, trail: &mut Trail) {
    let keyed = writer.writes.iter().filter(|write| write.is_keyed && write.told != Told::Refused);
    let newest: Vec<Write> = keyed.rev().take(2).cloned().collect();
    for write in newest {
        let held = now(bed, &writer.account, &write).await;
        let again = format!("{}-again", write.request);
        let answer = write.send(&bed.core, &again).await.unwrap();
        let is_replay = answer.header("idempotency-replayed") == "true";
        let known = trail.outcome(&write.request).map(|(status, _)| status.to_owned());
        trail.read(&bed.operator).await;
        match (write.told, known.as_deref()) {
            (Told::Done(status), _) => assert_eq!((answer.status, is_replay), (status, true), "{write:?}"),
            (_, Some("succeeded" | "outcome-unknown")) if !is_replay => drop(answer.problem(409, "conflict")),
            // It had not begun, or had changed nothing: it may do so now.
            (_, None | Some("failed")) if !is_replay => {
                let done = matches!(told(Ok(answer)), Told::Done(_));
                let expected = if done { write.after.clone() } else { held };
                assert_eq!(now(bed, &writer.account, &write).await, expected, "{write:?}");
                writer.facts.insert(write.fact.clone(), expected);
                continue;
            }
            _ => {}
        }
        assert_eq!(trail.outcome(&again), None, "it began again: {write:?}");
        assert_eq!(now(bed, &writer.account, &write).await, held, "{write:?}");
    }
}

/// Lets all write until the host is killed.
async fn live(host: Host, writers: Vec<Writer>, bed: &Bed, life: Duration) -> Vec<Writer> {
    let writing = writers.into_iter().map(|writer| tokio::spawn(writer.write(Paths::of(bed), host.core())));
    let writing: Vec<_> = writing.collect();
    tokio::time::sleep(life).await;
    host.kill();
    let mut survivors = Vec::new();
    for writer in writing {
        survivors.push(writer.await.unwrap());
    }
    survivors
}

#[tokio::test]
async fn writes_cut_off_by_fifty_kills_are_in_the_target_once_or_not_at_all_and_the_trail_says_which() {
    let mut chance = chance();
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(WRITERS, GROUPS)).await;
    bed.people.keep_lines("memberships.csv", |_| false);
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;
    let writer = |n| Writer::new(format!("u{n}"), StdRng::seed_from_u64(chance.random()));
    let mut writers: Vec<Writer> = (1..=WRITERS).map(writer).collect();
    let mut trail = Trail::default();
    let (mut done, mut unknown) = (0, 0);
    for kill in 0..=KILLS {
        tell(&format!("kill {kill}"));
        let host = Host::start(data.path(), &tokens, "").await;
        at(&mut bed, &host);
        trail.read(&bed.operator).await;
        for writer in &mut writers {
            check(&bed, writer, &trail).await;
            done += writer.writes.iter().filter(|write| matches!(write.told, Told::Done(_))).count();
            unknown += writer.writes.iter().filter(|write| write.told == Told::Nothing).count();
            repeat(&bed, writer, &mut trail).await;
        }
        if kill < KILLS {
            let life = Duration::from_millis(chance.random_range(0..LIFE_MS_MAX));
            writers = live(host, writers, &bed, life).await;
        } else {
            assert_intact(&bed.operator).await;
        }
    }
    assert!(done > 0 && unknown > 0, "{done} writes were answered, {unknown} were cut off");
}
