//! `scim.import`: users per second of the host's processor time, of all threads, from a SCIM service in a process of its own
//! through the sandboxed connector, staged, compared and published; beside it a client of hyper, rustls and `serde_json`
//! that gets the same pages from the same service and makes the same values of them, and drops them. `scim.import.rss`: MiB
//! by which the host's peak memory grows from 10,000 users.
//!
//! Over TLS on both sides, by HTTP/1.1, on one connection. The client goes by what it reads, as the connector goes by the
//! service's schema: neither was written for these users.

use std::time::Duration;

use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::usage::Usage;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::bare::Bare;
use super::service::{BASE, HTTP_1, Service};
use super::{Figure, MIB, RUNS_OF_LONG, median};

const FEW: usize = 10_000;
const MANY: usize = 100_000;
/// Users of a page, on both sides: as many as the connector asks for at most.
const PAGE: usize = 5_000;
/// Lines of the host's `hawser.toml`.
const SETTINGS: &str = "[egress]\nloopback = true\n";
const TOKEN: &str = "a-token-of-the-bench-0123456789abcdef";

/// What of a user is no attribute.
const PASSED_OVER: [&str; 3] = ["schemas", "meta:resourceType", "meta:location"];
/// The attributes that are moments, and the end of the one that is a reference.
const MOMENTS: [&str; 2] = ["meta:created", "meta:lastModified"];
const REFERENCE: &str = ":manager:value";

/// Processor time.
pub(super) async fn rate() -> Figure {
    let service = Service::start(HTTP_1, MANY);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS_OF_LONG {
        theirs.push(MANY as f64 / read_natively(&service).await.as_secs_f64());
        ours.push(MANY as f64 / imported(&service, MANY).await.0.as_secs_f64());
    }
    Figure { name: "scim.import", value: median(ours), unit: "users/CPU-s", baseline: Some(median(theirs)) }
}

/// Peak memory.
pub(super) async fn rss() -> Figure {
    let (few, many) = (Service::start(HTTP_1, FEW), Service::start(HTTP_1, MANY));
    let mut growth = Vec::new();
    for _ in 0..RUNS_OF_LONG {
        let peaks = [imported(&few, FEW).await.1, imported(&many, MANY).await.1];
        growth.push((peaks[1] as f64 - peaks[0] as f64) / MIB);
    }
    Figure { name: "scim.import.rss", value: median(growth), unit: "MiB", baseline: None }
}

/// A first import, by a host in a process of its own that has done nothing before: its processor time for it, and its peak
/// of memory.
async fn imported(service: &Service, users: usize) -> (Duration, u64) {
    let house = House::web().await;
    let mut bed = connected(&house, service).await;
    let (data, tokens) = house.stop().await;
    let host = Host::web(data.path(), &tokens, SETTINGS).await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    let begun = host.usage().processor;
    let task = bed.import_published().await;
    assert_eq!(task["counts"]["inserted"], users, "{task}");
    let used = host.usage();
    (used.processor - begun, used.peak)
}

async fn connected(house: &House, service: &Service) -> Bed {
    let bed = Bed::bare(house, People::new(0, 0)).await;
    bed.create(&json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/scim", "version": "^0.1", "title": "Users",
        "options": {"host": "127.0.0.1", "port": service.port(), "base-path": BASE, "page-size": PAGE},
        "destinations": {"api": {"roots": service.roots()}}, "securedOptions": {"token": {"value": TOKEN}},
    }))
    .await;
    bed.approve(&["network:api:loopback"]).await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    bed
}

/// What an identity product would hold.
#[allow(dead_code, reason = "it is made, and dropped")]
enum Value {
    Text(String),
    Boolean(bool),
    /// In microseconds.
    Moment(i64),
    Reference {
        class: String,
        uid: String,
    },
    Complex(Vec<(String, Self)>),
}

type Record = Vec<(String, Vec<Value>)>;

/// Processor time for all users of a service.
async fn read_natively(service: &Service) -> Duration {
    let mut bare = Bare::connect(service, TOKEN).await;
    let task = async move {
        let (begun, mut seen) = (Usage::own().processor, 0);
        while seen < MANY {
            let body = bare.get(&format!("{BASE}/Users?startIndex={}&count={PAGE}", seen + 1)).await;
            let mut page: Json = serde_json::from_slice(&body).expect("a page is JSON");
            let Json::Array(users) = page["Resources"].take() else { panic!("no list") };
            seen += users.len();
            for user in users {
                let mut record = Record::new();
                flatten(String::new(), user, &mut record);
                std::hint::black_box(record);
            }
        }
        Usage::own().processor - begun
    };
    tokio::spawn(task).await.expect("it does not panic")
}

/// Each simple value under the names that lead to it, as the connector's attributes are called.
fn flatten(name: String, json: Json, record: &mut Record) {
    match json {
        _ if PASSED_OVER.contains(&name.as_str()) || name.ends_with("$ref") => {}
        Json::Object(parts) => {
            for (part, json) in parts {
                flatten(if name.is_empty() { part } else { format!("{name}:{part}") }, json, record);
            }
        }
        Json::Array(items) => {
            let items = items.into_iter().map(|item| value(&name, item)).collect();
            record.push((name, items));
        }
        json => {
            let value = value(&name, json);
            record.push((name, vec![value]));
        }
    }
}

fn value(name: &str, json: Json) -> Value {
    match json {
        Json::String(text) if MOMENTS.contains(&name) => {
            Value::Moment(text.parse::<Timestamp>().expect("a moment").as_microsecond())
        }
        Json::String(uid) if name.ends_with(REFERENCE) => Value::Reference { class: "account".to_owned(), uid },
        Json::String(text) => Value::Text(text),
        Json::Bool(truth) => Value::Boolean(truth),
        Json::Object(parts) => Value::Complex(parts.into_iter().map(|(part, json)| (part, value("", json))).collect()),
        other => panic!("nothing of the kind was rendered: {other}"),
    }
}
