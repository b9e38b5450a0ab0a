//! Hostile guests: whatever a connector does, in whichever operation, it is stopped, refused or bounded; what it leaves
//! behind is nothing; and the connections beside it are served.
//!
//! The guest is `tests/guests/stubborn`: "stubborn". Lies in what it answers are in `liars`, secrets in `leaks` and
//! `credentials`.

mod bombs;
mod cancel;
mod log;
mod loops;
mod parsers;
mod starve;
mod verbose;

use std::cell::Cell;
use std::future::Future;

use futures_util::future::join;
use hawser_tests::bed::Bed;
use hawser_tests::client::Answer;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

/// Operations that change the target: when they break off, nobody knows how far they came.
const WRITES: [&str; 6] = ["create", "update", "delete", "grant", "revoke", "password"];
/// Operations that read.
const READS: [&str; 9] = ["check", "suggest", "schema", "open", "page", "get", "edges", "granted", "authenticate"];
/// One of each kind.
const KINDS: [&str; 4] = ["check", "page", "create", "password"];

/// What an operation came to: `ok`, or the kind of the problem; and all that was said.
struct End {
    kind: String,
    told: Json,
}

/// A bed whose connector is in that mood in that operation.
async fn stubborn(house: &House, mood: &str, place: &str) -> Bed {
    let bed = Bed::bare(house, People::new(0, 0)).await;
    bed.create(&connection(&bed, mood, place)).await;
    if place != "schema" {
        bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    }
    bed
}

fn connection(bed: &Bed, mood: &str, place: &str) -> Json {
    json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/stubborn", "version": "^0.1", "title": "Stubborn",
        "options": {"mood": mood, "place": place}, "securedOptions": {"token": {"value": "a token of the tests"}},
    })
}

/// Asks for what makes the connector run that operation.
async fn provoke(bed: &Bed, place: &str) -> End {
    let account = bed.account("u1");
    let group = format!("{account}/entitlements/group/g1");
    let answer = match place {
        "check" => bed.core.post(&bed.at("/check"), &json!({})).await,
        "suggest" => bed.operator.post(&bed.at("/suggest"), &json!({"option": "mood"})).await,
        "schema" => bed.operator.order(&bed.at("/schema/refresh")).await,
        "open" | "page" => bed.core.get(&bed.at("/objects/account")).await,
        "get" => bed.core.get(&account).await,
        "edges" => return ended(&bed.import().await),
        "create" => bed.core.post(&bed.at("/objects/account"), &json!({"name": "ada", "attributes": {}})).await,
        "update" => bed.core.patch(&account, &json!({"changes": {"mail": {"replace": ["a@b"]}}})).await,
        "delete" => bed.core.delete(&account).await,
        "grant" => bed.core.put(&group, &json!({})).await,
        "revoke" => bed.core.delete(&group).await,
        "granted" => bed.core.get(&format!("{account}/entitlements")).await,
        "password" => bed.core.put(&format!("{account}/password"), &json!({"new": "correct horse"})).await,
        "authenticate" => bed.core.post(&bed.at("/authenticate"), &attempt()).await,
        _ => panic!("{place:?} is no operation"),
    };
    answered(&answer)
}

fn attempt() -> Json {
    json!({"class": "account", "name": "ada", "password": "battery staple"})
}

fn answered(answer: &Answer) -> End {
    if answer.status < 300 {
        let told = serde_json::from_str(&answer.text).unwrap_or_default();
        return End { kind: "ok".to_owned(), told };
    }
    let told = answer.json();
    let kind = told["type"].as_str().unwrap_or_default().replace("urn:hawser:problem:", "");
    answer.problem(answer.status, &kind);
    End { kind, told }
}

fn ended(task: &Json) -> End {
    let kind = task["error"]["kind"].as_str().unwrap_or("ok").to_owned();
    End { kind, told: task.clone() }
}

/// An operation other than this one: it must work whatever happened in this one.
async fn assert_served_elsewhere(bed: &Bed, place: &str) {
    let other = if place == "check" { "suggest" } else { "check" };
    let end = provoke(bed, other).await;
    assert_eq!(end.kind, "ok", "{other} after {place}: {}", end.told);
}

/// Calls a neighbour again and again while something goes on, and says how often; none of the calls may fail.
async fn served_beside<T>(neighbour: &Bed, going_on: impl Future<Output = T>) -> (T, usize) {
    let (ended, mut served) = (Cell::new(false), 0);
    let watched = async {
        let done = going_on.await;
        ended.set(true);
        done
    };
    let calls = async {
        while !ended.get() {
            neighbour.core.get(&neighbour.account("u1")).await.expect(200);
            served += 1;
        }
    };
    let (done, ()) = join(watched, calls).await;
    (done, served)
}
