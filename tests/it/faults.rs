//! Faults: a host that is killed or restarted in the middle, or finds its disk full or its files locked, goes on where it
//! was, and nothing half-done is seen.

mod company;
mod dead;
mod disk;
mod imports;
mod incremental;
mod locked;
mod writer;
mod writes;

use std::time::Duration;

use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::client::Client;
use hawser_tests::house::House;
use hawser_tests::people::People;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::Value as Json;

/// Chooses the moments again that another run told of.
const SEED: &str = "HAWSER_TEST_SEED";
/// How long something may take that happens by itself.
const SOON_SECONDS_MAX: u64 = 90;
const LOOK_MS: u64 = 20;

/// Points a bed's callers at another process.
fn at(bed: &mut Bed, host: &Host) {
    (bed.operator, bed.core) = (host.operator(), host.core());
}

/// Chance, of a seed that is told.
fn chance() -> StdRng {
    let seed = std::env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    tell(&format!("{SEED}={seed}"));
    StdRng::seed_from_u64(seed)
}

/// Says what a test is about to do, to whom it fails.
#[allow(clippy::print_stdout, reason = "cargo shows it with a failure")]
fn tell(what: &str) {
    println!("{what}");
}

/// Waits for something that happens by itself.
async fn soon<T>(what: &str, happened: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..SOON_SECONDS_MAX * 1000 / LOOK_MS {
        if let Some(seen) = happened().await {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
    panic!("{what} did not happen within {SOON_SECONDS_MAX} s");
}

/// The operation of that request in the audit trail; none if it never began.
async fn entry_of(operator: &Client, request: &str) -> Option<Json> {
    let found = operator.get(&format!("/v1/audit?requestId={request}")).await.expect(200);
    let mut entries = hawser_tests::bed::items(&found);
    assert!(entries.len() <= 1, "{request} began more than once: {entries:?}");
    entries.pop()
}

/// The same once it has an outcome.
async fn outcome_of(operator: &Client, request: &str) -> Json {
    soon("an outcome in the audit trail", async || {
        entry_of(operator, request).await.and_then(|entry| entry.get("outcome").cloned())
    })
    .await
}

async fn assert_intact(operator: &Client) {
    let verified = operator.get("/v1/audit/verify").await.expect(200).json();
    assert_eq!(verified["intact"], true, "{verified}");
}

#[tokio::test]
async fn a_restart_keeps_everything_and_makes_no_new_tokens() {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(10, 1)).await;
    bed.connect(&bed.connection()).await;
    bed.import_published().await;
    let before = (bed.published("account").await, bed.changes(0).await, bed.audit().await.len());
    let house = house.restart().await;
    (bed.operator, bed.core) = (house.operator(), house.core());
    assert_eq!((bed.published("account").await, bed.changes(0).await, bed.audit().await.len()), before);
    house.stop().await;
}

#[tokio::test]
async fn two_hosts_do_not_share_a_directory() {
    let house = House::start().await;
    let binary = hawser_tests::binary();
    let mut second = std::process::Command::new(binary);
    second.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(house.data());
    let refused = second.output().unwrap();
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("another host uses it"), "{told}");
    house.stop().await;
}
