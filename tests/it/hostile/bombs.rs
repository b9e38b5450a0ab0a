//! Bombs: whatever memory a guest takes from the host, a second later the host has it back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use tempfile::TempDir;

use super::{End, provoke, stubborn};

/// By how much the host may have grown a second after a bomb.
const GROWTH_BYTES_MAX: u64 = 16 << 20;
const LATER: Duration = Duration::from_secs(1);
/// Bombs of one kind at the same time.
const AT_ONCE: usize = 8;

/// Moods that make the host or the guest take memory, and the operation in which they do.
const BOMBS: [(&str, &str); 7] = [
    ("hoard", "create"),
    ("copy", "update"),
    ("shout", "get"),
    ("rant", "page"),
    ("novel", "check"),
    ("handles", "suggest"),
    ("deep", "delete"),
];

/// Bombs of every kind, in a host of their own.
async fn bombs() -> (Host, Vec<(&'static str, &'static str, Bed)>, Arc<TempDir>) {
    let house = House::start().await;
    let mut beds = join_all(BOMBS.map(async |(mood, place)| (mood, place, stubborn(&house, mood, place).await))).await;
    let (data, tokens) = house.stop().await;
    let host = Host::start(data.path(), &tokens, "").await;
    for (_, _, bed) in &mut beds {
        (bed.operator, bed.core) = (host.operator(), host.core());
    }
    (host, beds, data)
}

#[tokio::test]
async fn a_second_after_a_bomb_the_host_has_its_memory_back() {
    let (host, beds, _data) = bombs().await;
    for (mood, place, bed) in &beds {
        assert_eq!(provoke(bed, "authenticate").await.kind, "ok");
        let before = host.usage().resident;
        assert_stopped(mood, &provoke(bed, place).await);
        assert_given_back(&host, before, mood).await;
    }
    for (mood, place, bed) in &beds {
        let quiet = (0..AT_ONCE).map(|_| provoke(bed, "authenticate"));
        assert!(join_all(quiet).await.iter().all(|end| end.kind == "ok"));
        let before = host.usage().resident;
        let ends = join_all((0..AT_ONCE).map(|_| provoke(bed, place))).await;
        ends.iter().for_each(|end| assert_stopped(mood, end));
        assert_given_back(&host, before, &format!("{AT_ONCE} times {mood}")).await;
    }
}

/// One that says too much in a finding is cut; every other one is stopped.
fn assert_stopped(mood: &str, end: &End) {
    assert_eq!(end.kind == "ok", mood == "novel", "{mood}: {}", end.told);
}

async fn assert_given_back(host: &Host, before: u64, what: &str) {
    tokio::time::sleep(LATER).await;
    let grown = host.usage().resident.saturating_sub(before);
    println!("{what}: {} KiB more than before", grown >> 10);
    assert!(grown <= GROWTH_BYTES_MAX, "{what}: the host grew from {before} bytes by {grown}");
}
