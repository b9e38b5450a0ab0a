//! `memory.connection`: KiB of a host's resident memory for each of 1,000 connections that are configured, have been
//! used once, and are idle.

use std::time::Duration;

use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::json;

use super::{Figure, RUNS_OF_LONG, median};

const CONNECTIONS: usize = 1_000;
/// Used before, so that the host's own caches and pools are not counted as theirs.
const WARM_UP: usize = 50;
/// Freed memory goes back to the system after a while.
const REST: Duration = Duration::from_secs(12);
const KIB: f64 = 1024.0;

/// Idle connections.
pub(super) async fn connection() -> Figure {
    let mut each = Vec::new();
    for _ in 0..RUNS_OF_LONG {
        each.push(measured().await);
    }
    Figure { name: "memory.connection", value: median(each), unit: "KiB", baseline: None }
}

async fn measured() -> f64 {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(0, 0)).await;
    let (data, tokens) = house.stop().await;
    let host = Host::start(data.path(), &tokens, "").await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    add(&bed, 0..WARM_UP).await;
    let before = rested(&host).await;
    add(&bed, WARM_UP..WARM_UP + CONNECTIONS).await;
    let after = rested(&host).await;
    drop(host);
    (after - before) / CONNECTIONS as f64 / KIB
}

/// Configures connections and uses each once.
async fn add(bed: &Bed, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let id = format!("idle-{number}");
        let body = json!({
            "id": id, "system": bed.system, "connector": "hawser/stubborn", "version": "^0.1", "title": "Idle",
            "options": {"mood": "fine"},
        });
        bed.operator.post("/v1/connections", &body).await.expect(201);
        bed.operator.order(&format!("/v1/connections/{id}/schema/refresh")).await.expect(200);
        bed.core.order(&format!("/v1/connections/{id}/check")).await.expect(200);
    }
}

async fn rested(host: &Host) -> f64 {
    tokio::time::sleep(REST).await;
    host.usage().resident as f64
}
