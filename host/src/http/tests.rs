//! Requests against servers that do as they are told: the right thing, the wrong thing, or nothing.
//!
//! [`Server`] speaks bytes, so that it can lie in every way; `secure` holds those that speak TLS and HTTP/2.

mod answers;
mod bounds;
mod exchanges;
mod oauth;
mod placements;
mod secure;
mod shared;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::*;
use crate::config::EgressConfig;
use crate::egress::Egress;
use crate::egress::rules::Route;
use crate::egress::trust::Trust;
use crate::model::{AddressRange, Effect, Failure, FailureKind, Permission, Secret};

/// A request as the server sees it.
#[derive(Clone)]
struct Asked {
    /// The n-th connection, from 1.
    connection: usize,
    /// The n-th request of all, from 1.
    nth: usize,
    head: String,
    body: Vec<u8>,
}

impl Asked {
    fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.split_once(':').is_some_and(|(known, _)| known.eq_ignore_ascii_case(name));
        self.head.lines().find(named)?.split_once(':').map(|(_, value)| value.trim())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// What the server does then.
enum Act {
    Say(Vec<u8>),
    /// And close the connection.
    Last(Vec<u8>),
    /// And then the second over and over, with a pause between.
    Endless(Vec<u8>, Vec<u8>, Duration),
}

type Script = dyn Fn(&Asked) -> Act + Send + Sync;

/// A server on the loopback.
struct Server {
    port: u16,
    came: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    async fn start(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, came: Arc::default(), asked: Arc::default() };
        let (came, asked, script) = (Arc::clone(&server.came), Arc::clone(&server.asked), Arc::new(script));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let connection = came.fetch_add(1, Ordering::SeqCst) + 1;
                let (script, asked): (Arc<Script>, _) = (Arc::clone(&script) as _, Arc::clone(&asked));
                tokio::spawn(serve(stream, connection, script, asked));
            }
        });
        server
    }

    /// One that says the same to everything.
    async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_| Act::Say(answer.clone())).await
    }

    /// How many connections there were.
    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests so far, each with the number of its connection.
    fn lines(&self) -> Vec<(usize, String)> {
        self.asked().iter().map(|asked| (asked.connection, asked.line().to_owned())).collect()
    }

    fn route(&self) -> Arc<Route> {
        Arc::new(route(&format!("http://127.0.0.1:{}", self.port)))
    }
}

async fn serve(mut stream: TcpStream, connection: usize, script: Arc<Script>, seen: Arc<Mutex<Vec<Asked>>>) {
    let mut bytes = Vec::new();
    loop {
        while let Some((head, body)) = request(&mut bytes) {
            let asked = {
                let mut seen = seen.lock().unwrap();
                let asked = Asked { connection, nth: seen.len() + 1, head, body };
                seen.push(asked.clone());
                asked
            };
            match script(&asked) {
                Act::Say(answer) => stream.write_all(&answer).await.unwrap_or_default(),
                Act::Last(answer) => return stream.write_all(&answer).await.unwrap_or_default(),
                Act::Endless(start, piece, pause) => {
                    drop(stream.write_all(&start).await);
                    while stream.write_all(&piece).await.is_ok() {
                        tokio::time::sleep(pause).await;
                    }
                    return;
                }
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// A whole request, if there is one.
fn request(bytes: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let probe = Asked { connection: 0, nth: 0, head, body: Vec::new() };
    let length: usize = probe.header("content-length").map_or(0, |length| length.parse().unwrap());
    if bytes.len() < end + length {
        return None;
    }
    let body = bytes[end..end + length].to_vec();
    bytes.drain(..end + length);
    Some((probe.head, body))
}

fn route(target: &str) -> Route {
    Route {
        name: "api".parse().unwrap(),
        target: target.parse().unwrap(),
        permission: "destination:api:https://{host}:443".parse().unwrap(),
        approved: true,
        ranges: [AddressRange::Loopback].into(),
        plaintext: true,
        trust: Trust::default(),
        client: None,
    }
}

fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", "", body)
}

fn egress() -> Egress {
    Egress::new(EgressConfig { loopback: true, ..EgressConfig::default() })
}

fn soon() -> Instant {
    within(Duration::from_secs(10))
}

fn within(time: Duration) -> Instant {
    Instant::now() + time
}

fn get(path: &str) -> Request {
    Request { method: Method::GET, path: path.to_owned(), headers: HeaderMap::new(), body: None }
}

fn post(path: &str, body: &'static str) -> Request {
    Request { method: Method::POST, body: Some(Bytes::from_static(body.as_bytes())), ..get(path) }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec()).unwrap()
}

fn placed(placement: Placement, text: &str) -> Placed {
    Placed { placement, secret: Material::Secret(secret(text)) }
}

async fn asked(client: &Client, route: &Arc<Route>, request: Request) -> Result<Response, Failure> {
    asked_until(client, route, request, soon()).await
}

async fn asked_until(client: &Client, route: &Arc<Route>, request: Request, end: Instant) -> Result<Response, Failure> {
    send(client, &egress(), route, request, Vec::new(), Vec::new(), end).await
}

async fn opened(client: &Client, route: &Arc<Route>, request: Request) -> Result<Download, Failure> {
    open(client, &egress(), route, request, Vec::new(), Vec::new(), soon()).await
}

/// The failure of what ends in one.
fn failed<T>(result: Result<T, Failure>) -> Failure {
    result.err().expect("it should have failed")
}

fn kind<T>(result: Result<T, Failure>) -> FailureKind {
    failed(result).kind
}
