//! A proxy before a web server that misbehaves when it is told to, and writes down what it was asked.
//!
//! It forwards each request, until a rule says otherwise: [`Chaos::next`] for so many requests, [`Chaos::always`] for all,
//! each for a method and the beginning of a path. The first rule that fits and is not used up is followed. It speaks
//! HTTP/1.1 as it likes, by TLS if the server does, with a certificate by the server's CA: who trusts the one trusts the
//! other. It runs on the runtime of the test that started it, and ends with it or when it is dropped.

mod mischief;
mod serve;
mod upstream;
mod wire;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use hawser::cli::demo::server::ca::{Ca, Leaf};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use mischief::Mischief;
use upstream::Upstream;
pub use wire::{Reply, Request};

use super::blocking;

/// A proxy of one server.
pub struct Chaos {
    url: String,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

/// A request that came, in the order they came.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub request: Request,
    /// Whether it was, or is still to be, sent on to the server.
    pub forwarded: bool,
    /// The number of the connection it came on, from 1.
    pub connection: u64,
}

struct State {
    upstream: Upstream,
    told: Mutex<Told>,
    connections: AtomicU64,
}

#[derive(Default)]
struct Told {
    rules: Vec<Rule>,
    recorded: Vec<Recorded>,
    /// What [`Mischief::SamePage`] gives again, by the number of its rule.
    pages: HashMap<usize, Reply>,
}

struct Rule {
    /// None: any.
    method: Option<String>,
    path: String,
    /// How many requests it is still for; none: all.
    left: Option<u32>,
    mischief: Mischief,
}

impl Chaos {
    /// Forwards to the server at a URL without a path (`https://127.0.0.1:20443`), whose certificate is by that CA.
    pub async fn before(url: &str, ca: &Ca) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        let (upstream, scheme) = (Upstream::new(url, ca), url.split_once(':').map_or("https", |(scheme, _)| scheme));
        let acceptor = match scheme {
            "https" => Some(upstream::acceptor(&blocking(leaf(ca.clone(), port)).await)),
            _ => None,
        };
        let state = Arc::new(State { upstream, told: Mutex::default(), connections: AtomicU64::new(0) });
        let listening = tokio::spawn(serve::listen(listener, acceptor, Arc::clone(&state)));
        Self { url: format!("{scheme}://127.0.0.1:{port}"), state, listening }
    }

    /// Where it is, without a path: `https://127.0.0.1:40443`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("the URL ends with a port")
    }

    /// From now on does that to so many requests for which `what` is the method and the beginning of the path (`POST
    /// /v2/Users`), or the beginning alone (`/v2`).
    pub fn next(&self, requests: u32, what: &str, mischief: Mischief) {
        self.state.told().rules.push(Rule::new(what, Some(requests), mischief));
    }

    /// From now on does that to all such requests.
    pub fn always(&self, what: &str, mischief: Mischief) {
        self.state.told().rules.push(Rule::new(what, None, mischief));
    }

    /// From now on forwards everything; what is under way goes on.
    pub fn behave(&self) {
        let mut told = self.state.told();
        told.rules.clear();
        told.pages.clear();
    }

    /// The requests that came, the oldest first.
    pub fn recorded(&self) -> Vec<Recorded> {
        self.state.told().recorded.clone()
    }

    /// Forgets the requests that came.
    pub fn forget(&self) {
        self.state.told().recorded.clear();
    }

    /// How many connections were taken so far.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl State {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("nobody panics while he is told something")
    }

    /// Writes a request down, and finds what is to be done to it: the rule's number and its mischief.
    fn decide(&self, request: &Request, connection: u64) -> Option<(usize, Mischief)> {
        let mut told = self.told();
        let rule = told.rules.iter_mut().enumerate().find(|(_, rule)| rule.is_for(request));
        let decided = rule.map(|(number, rule)| {
            rule.left = rule.left.map(|left| left - 1);
            (number, rule.mischief.clone())
        });
        let held_back = decided.as_ref().is_some_and(|(number, mischief)| match mischief {
            Mischief::SamePage => told.pages.contains_key(number),
            mischief => mischief.holds_back(),
        });
        told.recorded.push(Recorded { request: request.clone(), forwarded: !held_back, connection });
        decided
    }
}

impl Rule {
    fn new(what: &str, left: Option<u32>, mischief: Mischief) -> Self {
        let (method, path) =
            what.split_once(' ').map_or((None, what), |(method, path)| (Some(method.to_owned()), path));
        Self { method, path: path.to_owned(), left, mischief }
    }

    fn is_for(&self, request: &Request) -> bool {
        let method = self.method.as_ref().is_none_or(|method| *method == request.method);
        method && request.path.starts_with(&self.path) && self.left != Some(0)
    }
}

/// Makes the proxy's certificate; the program that does it blocks.
fn leaf(ca: Ca, port: u16) -> impl FnOnce() -> Leaf + Send {
    move || ca.server(&format!("chaos-{port}"), &["localhost", "127.0.0.1"]).expect("the CA issues certificates")
}
