//! The gate against a scripted name server, and listeners that count who comes.

mod spellings;
mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, MessageType, OpCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType, rdata};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::limits::{KEEP_ALIVE_AFTER, KEEP_ALIVE_EVERY, KEEP_ALIVE_TIMES};
use super::*;
use crate::model::{AddressRange, Secret};
use trust::Trust;

const NAME: &str = "crm.hawser.test";
/// Where the good servers are; only this one is within the host's ceiling.
const GOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Where nobody may ever arrive.
const CANARY: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// What a name server answers to its n-th question about addresses of version 4.
type Script = Box<dyn Fn(usize) -> Vec<RData> + Send + Sync>;

struct Dns {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Dns {
    async fn start(script: Script) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (addr, asked) = (socket.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            let (mut packet, mut times) = ([0; 2048], 0);
            loop {
                let (length, from) = socket.recv_from(&mut packet).await.unwrap();
                let question = Message::from_vec(&packet[..length]).unwrap();
                let query = question.queries[0].clone();
                seen.lock().unwrap().push(format!("{} {}", query.name(), query.query_type()));
                let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
                answer.add_query(query.clone());
                let data = script(times);
                times += usize::from(query.query_type() == RecordType::A);
                let mut owner = query.name().clone();
                for data in data {
                    let kind = data.record_type();
                    if kind == query.query_type() || kind == RecordType::CNAME {
                        let next = if let RData::CNAME(name) = &data { Some(name.0.clone()) } else { None };
                        answer.add_answer(Record::from_rdata(owner.clone(), 0, data));
                        owner = next.unwrap_or(owner);
                    }
                }
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        Self { addr, asked }
    }

    /// That always answers the same.
    async fn of(data: Vec<RData>) -> Self {
        Self::start(Box::new(move |_| data.clone())).await
    }

    /// The gate that asks it; loopback is open, and nothing but the good server within the ceiling.
    fn gate(&self) -> Egress {
        let networks = Some(vec!["127.0.0.2/32".parse().unwrap()]);
        Egress::new(EgressConfig { loopback: true, networks, nameservers: vec![self.addr], ..EgressConfig::default() })
    }
}

fn a(address: Ipv4Addr) -> RData {
    RData::A(rdata::A(address))
}

/// A listener that counts who comes.
struct Counter {
    port: u16,
    came: Arc<AtomicUsize>,
}

impl Counter {
    async fn at(address: Ipv4Addr, port: u16) -> Self {
        let listener = TcpListener::bind((address, port)).await.unwrap();
        let (port, came) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&came);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move { stream.write_all(b"hello").await });
            }
        });
        Self { port, came }
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

/// A good server and a canary behind the same port.
async fn both() -> (Counter, Counter) {
    let good = Counter::at(GOOD, 0).await;
    let canary = Counter::at(CANARY, good.port).await;
    (good, canary)
}

fn route(target: &str) -> Route {
    Route {
        plaintext: false,
        client: None,
        name: "crm".parse().unwrap(),
        target: target.parse().unwrap(),
        permission: "destination:crm:ldap://{host}:389".parse().unwrap(),
        approved: true,
        ranges: [AddressRange::Loopback].into(),
        trust: Trust::default(),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

async fn greeting(mut stream: Stream) -> String {
    let mut said = [0; 5];
    stream.read_exact(&mut said).await.unwrap();
    String::from_utf8(said.to_vec()).unwrap()
}

#[tokio::test]
async fn a_name_that_turns_inwards_between_two_calls_is_not_dialled() {
    let (good, canary) = both().await;
    let dns = Dns::start(Box::new(|times| vec![a(if times == 0 { GOOD } else { CANARY })])).await;
    let (gate, route) = (dns.gate(), route(&format!("ldap://{NAME}:{}", good.port)));
    assert_eq!(greeting(gate.connect(&route, soon()).await.unwrap()).await, "hello");
    let error = gate.connect(&route, soon()).await.unwrap_err();
    assert!(error.is(FailureKind::EgressDenied) && error.message.contains("127.0.0.1"), "{error}");
    assert_eq!((good.came(), canary.came()), (1, 0));
}

#[tokio::test]
async fn one_bad_address_among_good_ones_keeps_all_from_being_dialled() {
    let (good, canary) = both().await;
    let mapped = RData::AAAA(rdata::AAAA(CANARY.to_ipv6_mapped()));
    for answers in [vec![a(GOOD), a(CANARY)], vec![a(CANARY), a(GOOD)], vec![a(GOOD), mapped]] {
        let gate = Dns::of(answers).await.gate();
        let error = gate.connect(&route(&format!("ldap://{NAME}:{}", good.port)), soon()).await.unwrap_err();
        assert!(error.is(FailureKind::EgressDenied), "{error}");
    }
    assert_eq!((good.came(), canary.came()), (0, 0));
}

#[tokio::test]
async fn an_alias_that_leads_inwards_is_judged_by_where_it_leads() {
    let (good, canary) = both().await;
    let alias = RData::CNAME(rdata::CNAME("inner.hawser.test.".parse().unwrap()));
    let gate = Dns::of(vec![alias, a(CANARY)]).await.gate();
    let error = gate.connect(&route(&format!("ldap://{NAME}:{}", good.port)), soon()).await.unwrap_err();
    assert!(error.is(FailureKind::EgressDenied), "{error}");
    assert_eq!((good.came(), canary.came()), (0, 0));
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_as_it_stands() {
    let good = Counter::at(GOOD, 0).await;
    let dns = Dns::of(vec![a(GOOD)]).await;
    let stream = dns.gate().connect(&route(&format!("ldap://{NAME}:{}", good.port)), soon()).await.unwrap();
    assert_eq!(greeting(stream).await, "hello");
    let mut asked = dns.asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, [format!("{NAME}. A"), format!("{NAME}. AAAA")]);
    assert_eq!(good.came(), 1);
}

#[tokio::test]
async fn the_kernel_misses_a_server_that_vanished_within_a_minute() {
    let good = Counter::at(GOOD, 0).await;
    let gate = Dns::of(vec![a(GOOD)]).await.gate();
    let stream = gate.connect(&route(&format!("ldap://{NAME}:{}", good.port)), soon()).await.unwrap();
    let Stream::Plain(stream) = stream else { panic!("it has no TLS") };
    let socket = SockRef::from(&stream);
    assert!(socket.keepalive().unwrap());
    let missed = socket.tcp_keepalive_time().unwrap()
        + socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
    assert_eq!(missed, KEEP_ALIVE_AFTER + KEEP_ALIVE_EVERY * KEEP_ALIVE_TIMES);
    assert!(missed < Duration::from_mins(1), "{missed:?}");
}

#[tokio::test]
async fn without_a_permission_no_name_is_looked_up_and_nothing_is_dialled() {
    let good = Counter::at(GOOD, 0).await;
    let dns = Dns::of(vec![a(GOOD)]).await;
    let allowed = route(&format!("ldap://{NAME}:{}", good.port));
    let refused = Route { approved: false, ..allowed.clone() };
    let error = dns.gate().connect(&refused, soon()).await.unwrap_err();
    assert!(error.is(FailureKind::NotPermitted) && error.message.contains("destination:crm:"), "{error}");
    assert!(dns.asked.lock().unwrap().is_empty());
    let inner = Route { ranges: [].into(), ..allowed };
    let error = dns.gate().connect(&inner, soon()).await.unwrap_err();
    assert!(error.is(FailureKind::EgressDenied) && error.message.contains("network:crm:loopback"), "{error}");
    assert_eq!(good.came(), 0);
}

#[tokio::test]
async fn a_forecast_says_what_connecting_would_say_and_does_not_connect() {
    let good = Counter::at(GOOD, 0).await;
    let gate = Dns::of(vec![a(GOOD)]).await.gate();
    let allowed = route(&format!("ldap://{NAME}:{}", good.port));
    let forecast = gate.forecast(&allowed).await;
    assert!(forecast.refusal.is_none(), "{forecast:?}");
    assert_eq!(forecast.addresses.len(), 1);
    let refused = Route { ranges: [].into(), ..allowed };
    let forecast = gate.forecast(&refused).await;
    let error = gate.connect(&refused, soon()).await.unwrap_err();
    assert_eq!(forecast.refusal.unwrap(), error);
    assert!(error.message.contains(forecast.addresses[0].refusal.as_ref().unwrap()));
    assert_eq!(good.came(), 0);
}

#[tokio::test]
async fn a_forecast_says_where_nothing_is_sent_without_encryption() {
    let good = Counter::at(GOOD, 0).await;
    let gate = Dns::of(vec![a(GOOD)]).await.gate();
    let told = async |protocol: &str, plaintext: bool| {
        let route = Route { plaintext, ..route(&format!("{protocol}://{NAME}:{}", good.port)) };
        gate.forecast(&route).await
    };
    let names_it = |error: Option<Error>| error.is_some_and(|error| error.message.contains("plaintext:crm"));
    let web = told("http", false).await;
    assert!(web.addresses.is_empty() && names_it(web.refusal), "every request is refused");
    let directory = told("ldap", false).await;
    assert!(directory.refusal.is_none() && names_it(directory.unprotected), "StartTLS takes no permission");
    for (protocol, plaintext) in [("http", true), ("ldap", true), ("https", false), ("ldaps", false)] {
        let forecast = told(protocol, plaintext).await;
        assert!(forecast.refusal.is_none() && forecast.unprotected.is_none(), "{protocol}: {forecast:?}");
    }
    assert_eq!(good.came(), 0);
}

#[tokio::test]
async fn a_name_nobody_knows_and_a_port_nobody_has_are_told_apart() {
    let nobody = Dns::of(Vec::new()).await.gate();
    let error = nobody.connect(&route(&format!("ldap://{NAME}:389")), soon()).await.unwrap_err();
    assert!(error.is(FailureKind::ConnectionFailed) && error.message.contains("cannot be found"), "{error}");
    let closed = TcpListener::bind((GOOD, 0)).await.unwrap().local_addr().unwrap().port();
    let gate = Dns::of(vec![a(GOOD)]).await.gate();
    let error = gate.connect(&route(&format!("ldap://{NAME}:{closed}")), soon()).await.unwrap_err();
    assert!(error.is(FailureKind::ConnectionFailed) && error.message.contains("takes no connection"), "{error}");
}

#[tokio::test]
async fn a_name_server_that_does_not_answer_costs_the_call_its_deadline_and_no_more() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let nameservers = vec![silent.local_addr().unwrap()];
    let gate = Egress::new(EgressConfig { nameservers, ..EgressConfig::default() });
    let end = Instant::now() + Duration::from_millis(200);
    let error = gate.connect(&route(&format!("ldap://{NAME}:389")), end).await.unwrap_err();
    assert!(error.is(FailureKind::OperationTimeout), "{error}");
}
