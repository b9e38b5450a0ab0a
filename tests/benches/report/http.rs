//! `http.send`: microseconds of this process's processor time that a guest's request takes, over TLS on a connection that
//! waited in the pool, by HTTP/1.1; beside it the same request by hyper and rustls alone. `http.send.h2`: the same by
//! HTTP/2. A GET without a body, with a bearer token that the host writes; 1 KiB comes back. The service is another process,
//! the guest, `tests/guests/courier` ("courier"), warm: all requests of a run are made in one call of it.
//!
//! `http.refused`: milliseconds that 99 of 100 calls of another connection take at most while a guest asks in a loop for
//! what was refused; beside it the same while it is permitted.

use std::time::Instant;

use hawser::connections::Connections;
use hawser::model::{Aspect, ConnectionId, Finding};
use hawser_tests::bed::{Bed, items};
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::usage::Usage;
use serde_json::json;

use super::bare::Bare;
use super::import::caller;
use super::service::{HTTP_1, HTTP_2, SMALL, Service};
use super::{Figure, RUNS, median};

/// Requests of one run; one run is made before those that count.
const REQUESTS: u32 = 20_000;
/// How long a guest asks in a loop.
const LOOP_MS: u32 = 2_000;
/// The destination it asks for then.
const ELSEWHERE: &str = "destination:elsewhere:";
const TOKEN: &str = "a-token-of-the-bench-0123456789abcdef";

/// By HTTP/1.1.
pub(super) async fn send() -> Figure {
    sent("http.send", HTTP_1).await
}

/// By HTTP/2.
pub(super) async fn send_http2() -> Figure {
    sent("http.send.h2", HTTP_2).await
}

/// What others wait.
pub(super) async fn refused() -> Figure {
    let (service, house) = (Service::start(HTTP_1, 0), House::web().await);
    let (other, permitted) = (courier(&house, &service, 1).await, courier(&house, &service, 1).await);
    let refused = courier(&house, &service, 1).await;
    refused.withdraw_beginning(ELSEWHERE).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        theirs.push(beside(&house, &permitted, &other).await);
        ours.push(beside(&house, &refused, &other).await);
    }
    house.stop().await;
    Figure { name: "http.refused", value: median(ours), unit: "ms", baseline: Some(median(theirs)) }
}

/// The pair of runs whose difference is the median.
async fn sent(name: &'static str, http: &'static str) -> Figure {
    let (service, house) = (Service::start(http, 0), House::web().await);
    let courier = courier(&house, &service, REQUESTS).await;
    let mut pairs = Vec::new();
    for run in 0..=RUNS {
        let pair = (by_hyper(&service).await, by_guest(&house, &courier).await);
        if run > 0 {
            pairs.push(pair);
        }
    }
    house.stop().await;
    pairs.sort_by(|(a, over_a), (b, over_b)| (over_a - a).total_cmp(&(over_b - b)));
    let (theirs, ours) = pairs[pairs.len() / 2];
    Figure { name, value: ours, unit: "us", baseline: Some(theirs) }
}

/// Both run as tasks, as calls of the host do.
async fn by_hyper(service: &Service) -> f64 {
    let mut bare = Bare::connect(service, TOKEN).await;
    let task = async move {
        bare.get(SMALL).await;
        let begun = Usage::own().processor;
        for _ in 0..REQUESTS {
            std::hint::black_box(bare.get(SMALL).await);
        }
        (Usage::own().processor - begun).as_secs_f64() * 1e6 / f64::from(REQUESTS)
    };
    tokio::spawn(task).await.expect("it does not panic")
}

async fn by_guest(house: &House, courier: &Courier) -> f64 {
    let (connections, id) = (house.connections().clone(), courier.0.id.parse().unwrap());
    let task = async move {
        let begun = Usage::own().processor;
        checked(&connections, &id, Aspect::Connect).await;
        (Usage::own().processor - begun).as_secs_f64() * 1e6 / f64::from(REQUESTS)
    };
    tokio::spawn(task).await.expect("it does not panic")
}

/// The slowest but one in a hundred of the calls that fit into a loop of somebody else.
async fn beside(house: &House, busy: &Courier, other: &Courier) -> f64 {
    let (connections, busy) = (house.connections().clone(), busy.0.id.parse().unwrap());
    let looping = tokio::spawn(async move { checked(&connections, &busy, Aspect::Complete).await });
    let (connections, other) = (house.connections().clone(), other.0.id.parse().unwrap());
    let task = async move {
        let mut took = Vec::new();
        while !looping.is_finished() {
            let begun = Instant::now();
            checked(&connections, &other, Aspect::Connect).await;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        took.sort_by(f64::total_cmp);
        took[took.len() * 99 / 100]
    };
    tokio::spawn(task).await.expect("it does not panic")
}

async fn checked(connections: &Connections, id: &ConnectionId, aspect: Aspect) -> Vec<Finding> {
    connections.check(&caller(), id, aspect).await.result.unwrap()
}

/// A connection that sends so many requests in a check.
struct Courier(Bed);

async fn courier(house: &House, service: &Service, requests: u32) -> Courier {
    let bed = Bed::bare(house, People::new(0, 0)).await;
    let roots = json!({"roots": service.roots()});
    bed.create(&json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/courier", "version": "^0.1", "title": "Courier",
        "options": {"port": service.port(), "path": SMALL, "requests": requests, "loop-ms": LOOP_MS},
        "destinations": {"api": roots, "elsewhere": roots}, "securedOptions": {"token": {"value": TOKEN}},
    }))
    .await;
    bed.approve(&["network:api:loopback", "network:elsewhere:loopback"]).await;
    Courier(bed)
}

impl Courier {
    /// Withdraws the permissions that begin so.
    async fn withdraw_beginning(&self, beginning: &str) {
        let asked = items(&self.0.operator.get(&self.0.at("/permissions")).await.expect(200));
        let named = asked.iter().filter_map(|asked| asked["permission"].as_str());
        let named: Vec<&str> = named.filter(|permission| permission.starts_with(beginning)).collect();
        assert!(!named.is_empty(), "{asked:?}");
        self.0.withdraw(&named).await;
    }
}
