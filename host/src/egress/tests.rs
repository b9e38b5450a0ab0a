//! The gate against a scripted name server, listeners that count who comes, and servers with certificates of a local
//! authority.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, MessageType, OpCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType, rdata};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;

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

/// An authority, and certificates of it.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server's certificate for a name, changed, with its key.
    fn server(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { chain: vec![certificate.der().clone()], pem: certificate.pem() + &key.serialize_pem(), key }
    }

    fn pem(&self) -> String {
        self.0.pem()
    }
}

struct Identity {
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    pem: String,
    key: KeyPair,
}

impl Identity {
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }
}

/// A server that says hello, and under which name it was called.
async fn tls_server(config: ServerConfig) -> (u16, Arc<Mutex<Vec<Option<String>>>>) {
    let listener = TcpListener::bind((GOOD, 0)).await.unwrap();
    let (port, names) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let (acceptor, seen) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&names));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                seen.lock().unwrap().push(stream.get_ref().1.server_name().map(str::to_owned));
                drop(stream.write_all(b"hello").await);
                drop(stream.shutdown().await);
            }
        }
    });
    (port, names)
}

fn plain(identity: &Identity) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_no_client_auth().with_single_cert(identity.chain.clone(), identity.key()).unwrap()
}

async fn believed(authority: &Authority, target: &str, port: u16) -> Result<String> {
    let gate = Dns::of(vec![a(GOOD)]).await.gate();
    let trust = Trust::new(Some(&authority.pem()), None).unwrap();
    let stream = gate.connect(&Route { trust, ..route(&format!("ldaps://{target}:{port}")) }, soon()).await?;
    Ok(greeting(stream).await)
}

#[tokio::test]
async fn a_server_is_believed_under_its_own_name_and_asked_for_it() {
    let authority = Authority::new("one");
    let (port, names) = tls_server(plain(&authority.server(NAME, |_| {}))).await;
    assert_eq!(believed(&authority, NAME, port).await.unwrap(), "hello");
    assert_eq!(names.lock().unwrap().last().unwrap().as_deref(), Some(NAME));
    let (port, names) = tls_server(plain(&authority.server(&GOOD.to_string(), |_| {}))).await;
    assert_eq!(believed(&authority, &GOOD.to_string(), port).await.unwrap(), "hello");
    assert_eq!(names.lock().unwrap().last().unwrap(), &None, "an address is no name (RFC 6066, 3)");
}

#[tokio::test]
async fn certificates_that_prove_nothing_are_refused_with_the_reason() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let past = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let future = |params: &mut CertificateParams| params.not_before = rcgen::date_time_ymd(2999, 1, 1);
    let for_clients =
        |params: &mut CertificateParams| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let own = KeyPair::generate().unwrap();
    let itself = CertificateParams::new(vec![NAME.to_owned()]).unwrap().self_signed(&own).unwrap();
    let itself = Identity { chain: vec![itself.der().clone()], pem: String::new(), key: own };
    for (identity, reason) in [
        (authority.server(NAME, past), "expired"),
        (authority.server(NAME, future), "not valid yet"),
        (authority.server("other.hawser.test", |_| {}), "not valid for name"),
        (authority.server("*.test", |_| {}), "not valid for name"),
        (authority.server(NAME, for_clients), "extended key"),
        (other.server(NAME, |_| {}), "UnknownIssuer"),
        (itself, "invalid peer certificate"),
    ] {
        let (port, greeted) = tls_server(plain(&identity)).await;
        let error = believed(&authority, NAME, port).await.unwrap_err();
        assert!(error.is(FailureKind::ConnectionFailed), "{error}");
        assert!(error.message.contains(reason) && error.message.contains("not believed"), "{reason}: {error}");
        assert!(greeted.lock().unwrap().is_empty(), "{reason}: the handshake was finished");
    }
}

#[tokio::test]
async fn a_client_shows_the_certificate_it_was_given_and_no_other() {
    let authority = Authority::new("one");
    let (server, client) = (authority.server(NAME, |_| {}), authority.server("connector", |_| {}));
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates([authority.0.der().clone()]);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().unwrap();
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_client_cert_verifier(verifier);
    let (port, _) = tls_server(builder.with_single_cert(server.chain.clone(), server.key()).unwrap()).await;
    let gate = Dns::of(vec![a(GOOD)]).await.gate();
    let key = Secret::new(client.pem.into_bytes()).unwrap();
    let trust = Trust::new(Some(&authority.pem()), Some(&key)).unwrap();
    let with_key = Route { trust, ..route(&format!("ldaps://{NAME}:{port}")) };
    assert_eq!(greeting(gate.connect(&with_key, soon()).await.unwrap()).await, "hello");
    let trust = Trust::new(Some(&authority.pem()), None).unwrap();
    let without = gate.connect(&Route { trust, ..with_key }, soon()).await;
    // In TLS 1.3 the client learns only with the first byte that it was turned away.
    if let Ok(mut stream) = without {
        assert!(stream.read_exact(&mut [0]).await.is_err());
    }
}

#[tokio::test]
async fn roots_and_keys_that_are_none_are_refused_without_being_shown() {
    let canary = "c4n4ry-key-material";
    for (roots, client) in [
        (Some(""), None),
        (Some("no pem"), None),
        (Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), None),
        (None, Some(canary.to_owned())),
        (None, Some(format!("-----BEGIN PRIVATE KEY-----\n{canary}\n-----END PRIVATE KEY-----\n"))),
    ] {
        let client = client.map(|pem| Secret::new(pem.into_bytes()).unwrap());
        let error = Trust::new(roots, client.as_ref()).unwrap_err();
        assert!(error.is(FailureKind::Configuration), "{error}");
        assert!(!format!("{error:?}").contains("c4n4ry"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_costs_the_call_its_deadline_and_no_more() {
    let listener = TcpListener::bind((GOOD, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let gate = Dns::of(vec![a(GOOD)]).await.gate();
    let trust = Trust::new(Some(&Authority::new("one").pem()), None).unwrap();
    let route = Route { trust, ..route(&format!("ldaps://{NAME}:{port}")) };
    let error = gate.connect(&route, Instant::now() + Duration::from_millis(300)).await.unwrap_err();
    assert!(error.is(FailureKind::OperationTimeout), "{error}");
}
