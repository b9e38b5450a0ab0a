//! `api.create.p50`: microseconds that creating an object through Hawser takes beyond what a bare axum handler takes,
//! which parses the same body into the same kind of map and answers 201; medians of one caller's requests on a connection
//! that stays open. `api.create.rate`: creations a second with sixteen callers, against that handler's.
//!
//! Both are served in this process, so that they share allocator, machine and client, and only what they do differs. The
//! host is whole: tokens, audit trail on the disk, a log that listens at its default level and is thrown away; the
//! connector (`tests/guests/idle`) does nothing. The client is a plain socket and a request that was written down
//! before, since on one machine whatever it spends is missing elsewhere.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _, sink};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use axum::Json;
use axum::http::StatusCode;
use axum::routing::post;
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Map, Value as AnyJson, json};
use tokio::net::TcpListener;

use super::{Figure, RUNS, median};

/// Callers at once, for the rate.
const CALLERS: usize = 16;
/// Requests of the one caller in a run, for the median.
const ASKED_ALONE: usize = 3_000;
/// Requests of each of many callers in a run.
const ASKED_TOGETHER: usize = 1_000;

/// Who is asked: a host, and the bare handler.
struct Ground {
    house: House,
    hawser: Target,
    bare: Target,
}

/// A server, and the request it gets.
struct Target {
    addr: SocketAddr,
    request: Vec<u8>,
}

impl Ground {
    async fn new() -> Self {
        drop(tracing_subscriber::fmt().with_env_filter("info").with_writer(sink).try_init());
        let house = House::start().await;
        let bed = Bed::bare(&house, People::new(0, 0)).await;
        let body = json!({
            "id": bed.id, "system": bed.system, "connector": "hawser/idle", "version": "^0.1", "title": "Idle",
        });
        bed.connect(&body).await;
        let addr = house.base().trim_start_matches("http://").parse().unwrap();
        let hawser = Target { addr, request: request(&bed.at("/objects/account"), &house.tokens().core) };
        let bare = Target { addr: serve_bare().await, request: request("/objects/account", "nobody looks") };
        Self { house, hawser, bare }
    }
}

/// The handler that does nothing but to read what it is told.
async fn serve_bare() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/objects/account", post(bare));
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

async fn bare(Json(draft): Json<Map<String, AnyJson>>) -> (StatusCode, Json<AnyJson>) {
    let attributes: BTreeMap<&String, &AnyJson> = draft["attributes"].as_object().unwrap().iter().collect();
    let name = &draft["name"];
    (StatusCode::CREATED, Json(json!({"class": "account", "uid": name, "name": name, "attributes": attributes.len()})))
}

fn request(path: &str, token: &str) -> Vec<u8> {
    let body = json!({"name": "ada", "attributes": {
        "userName": ["ada"], "givenName": ["Ada"], "familyName": ["Lovelace"], "email": ["ada@example.com"],
        "department": ["Engineering"], "title": ["Engineer 7"], "manager": ["u1"], "active": [true],
        "employeeNumber": ["000007"], "phone": ["+44 20 7946 0007"], "location": ["London"],
    }})
    .to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// One connection that stays open.
struct Caller<'a> {
    stream: TcpStream,
    request: &'a [u8],
    answer: Vec<u8>,
}

impl<'a> Caller<'a> {
    fn new(target: &'a Target) -> Self {
        let stream = TcpStream::connect(target.addr).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, request: &target.request, answer: Vec::with_capacity(4096) }
    }

    /// Asks once and reads the answer to its end.
    fn ask(&mut self) {
        self.stream.write_all(self.request).unwrap();
        self.answer.clear();
        let mut piece = [0; 4096];
        while !is_whole(&self.answer) {
            let read = self.stream.read(&mut piece).unwrap();
            assert!(read > 0, "the server hung up");
            self.answer.extend_from_slice(&piece[..read]);
        }
        assert!(self.answer.starts_with(b"HTTP/1.1 201 "), "{}", String::from_utf8_lossy(&self.answer));
    }
}

/// Is the head there, and as much after it as it says?
fn is_whole(answer: &[u8]) -> bool {
    let text = str::from_utf8(answer).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() == length.unwrap().parse::<usize>().unwrap()
}

/// Microseconds of a request of one caller.
fn alone(target: &Target) -> f64 {
    let mut caller = Caller::new(target);
    let micros = (0..ASKED_ALONE).map(|_| {
        let begun = Instant::now();
        caller.ask();
        begun.elapsed().as_secs_f64() * 1e6
    });
    median(micros.collect())
}

/// Requests a second of all callers.
fn together(target: &Target) -> f64 {
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let mut caller = Caller::new(target);
                (0..ASKED_TOGETHER).for_each(|_| caller.ask());
            });
        }
    });
    #[allow(clippy::cast_precision_loss, reason = "thousands")]
    let asked = (CALLERS * ASKED_TOGETHER) as f64;
    asked / begun.elapsed().as_secs_f64()
}

/// Medians of the runs of both, taken in turns after one that is thrown away.
fn in_turns(ground: &Ground, run: impl Fn(&Target) -> f64) -> (f64, f64) {
    let (mut hawser, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..=RUNS {
        hawser.push(run(&ground.hawser));
        bare.push(run(&ground.bare));
    }
    (median(hawser.split_off(1)), median(bare.split_off(1)))
}

/// What one caller waits longer.
pub(super) async fn latency() -> Figure {
    let ground = Ground::new().await;
    let (hawser, bare) = tokio::task::block_in_place(|| in_turns(&ground, alone));
    ground.house.stop().await;
    Figure { name: "api.create.p50", value: hawser - bare, unit: "µs", baseline: Some(bare) }
}

/// What many callers get done.
pub(super) async fn rate() -> Figure {
    let ground = Ground::new().await;
    let (hawser, bare) = tokio::task::block_in_place(|| in_turns(&ground, together));
    ground.house.stop().await;
    Figure { name: "api.create.rate", value: hawser, unit: "/s", baseline: Some(bare) }
}
