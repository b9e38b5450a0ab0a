//! Callers who hang up at any moment, whatever they asked for: nothing of their calls is left, and others are served.

use std::time::Duration;

use futures_util::future::join_all;
use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::json;

use super::{connection, provoke};

/// Few, so that a place that is not given back is soon missed.
const FEW_PLACES: &str = "[guests]\ninstances = 6\ncalls-per-connection = 4\n";
const CALLERS: usize = 4;
/// How often each of them hangs up.
const TIMES: usize = 30;
/// The longest one of them waits.
const PATIENCE_MICROS_MAX: u64 = 25_000;
const CALLS: usize = 1_000;
const GROWTH_BYTES_MAX: u64 = 32 << 20;
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOKS_MAX: usize = 240;

/// Asks for something, and hangs up after a moment.
async fn hang_up(honest: &Bed, stubborn: &Bed) {
    let patience = Duration::from_micros(rand::random_range(0..PATIENCE_MICROS_MAX));
    let asked = async {
        let account = honest.account("u1");
        match rand::random_range(0..7) {
            0 => drop(honest.core.get(&account).await),
            1 => drop(honest.core.patch(&account, &json!({"changes": {"title": {"replace": ["Director"]}}})).await),
            2 => drop(honest.core.put(&format!("{account}/password"), &json!({"new": "correct horse"})).await),
            3 => drop(honest.core.get(&honest.at("/objects/account?limit=1000")).await),
            4 => drop(honest.core.put(&format!("{account}/entitlements/group/g2"), &json!({})).await),
            5 => drop(provoke(stubborn, "check").await),
            _ => drop(
                stubborn.core.post(&stubborn.at("/objects/account"), &json!({"name": "x", "attributes": {}})).await,
            ),
        }
    };
    drop(tokio::time::timeout(patience, asked).await);
}

#[tokio::test]
async fn callers_who_hang_up_at_random_moments_leave_nothing_behind() {
    let house = House::start().await;
    let mut honest = Bed::bare(&house, People::new(20, 2)).await;
    honest.connect(&honest.connection()).await;
    let mut looping = super::stubborn(&house, "loop", "create").await;
    let (data, tokens) = house.stop().await;
    let host = Host::start(data.path(), &tokens, FEW_PLACES).await;
    for bed in [&mut honest, &mut looping] {
        (bed.operator, bed.core) = (host.operator(), host.core());
    }
    calls(&honest, CALLS / 5).await;
    let before = host.usage().resident;

    let callers = (0..CALLERS).map(async |_| {
        for _ in 0..TIMES {
            hang_up(&honest, &looping).await;
        }
    });
    join_all(callers).await;
    for bed in [&honest, &looping] {
        settled(bed).await;
    }
    calls(&honest, CALLS).await;
    looping.operator.put(&looping.at(""), &connection(&looping, "fine", "create")).await.expect(200);
    assert_eq!(provoke(&looping, "create").await.kind, "ok");

    let names = std::fs::read_dir(honest.people.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with('.')).count(), 0, "drafts lie around");
    let grown = host.usage().resident.saturating_sub(before);
    println!("after {} calls that were dropped: {} KiB more than before", CALLERS * TIMES, grown >> 10);
    assert!(grown <= GROWTH_BYTES_MAX, "the host grew by {grown} bytes");
}

/// Waits until everything that was begun has an outcome: what changes the target goes on without its caller.
async fn settled(bed: &Bed) {
    let mut open = Vec::new();
    for _ in 0..LOOKS_MAX {
        open = bed.audit().await;
        open.retain(|entry| entry["outcome"].is_null());
        if open.is_empty() {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    panic!("nobody will ever know what came of {open:#?}");
}

/// Calls that are waited for, as many at once as the connection has places.
async fn calls(bed: &Bed, count: usize) {
    for _ in 0..count / 4 {
        join_all((0..4).map(async |_| bed.core.get(&bed.account("u1")).await.expect(200))).await;
    }
}
