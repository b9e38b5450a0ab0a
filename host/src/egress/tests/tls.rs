//! TLS at the gate: whom it believes, as whom it comes, and what it will not speak.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;

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
async fn only_a_web_service_is_offered_the_webs_protocols_and_it_chooses() {
    let authority = Authority::new("one");
    let trust = Trust::new(Some(&authority.pem()), None).unwrap();
    for (protocol, spoken, http2) in [
        ("https", vec![b"h2".to_vec(), b"http/1.1".to_vec()], true),
        ("https", vec![b"http/1.1".to_vec()], false),
        ("https", Vec::new(), false),
        // A server that wants one of these would refuse a handshake that offers others (RFC 7301, 3.2).
        ("ldaps", vec![b"h2".to_vec()], false),
    ] {
        let mut config = plain(&authority.server(NAME, |_| {}));
        config.alpn_protocols = spoken;
        let (port, _) = tls_server(config).await;
        let gate = Dns::of(vec![a(GOOD)]).await.gate();
        let route = Route { trust: trust.clone(), ..route(&format!("{protocol}://{NAME}:{port}")) };
        let stream = gate.connect(&route, soon()).await.unwrap();
        assert_eq!(stream.is_http2(), http2, "{protocol}");
        assert_eq!(greeting(stream).await, "hello");
    }
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

/// OpenSSL's server, stopped when dropped.
struct Openssl(Child);

impl Drop for Openssl {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "the test waits for its own server")]
async fn a_server_that_speaks_nothing_newer_than_tls_1_1_is_refused() {
    let authority = Authority::new("one");
    let folder = tempfile::tempdir().unwrap();
    let identity = folder.path().join("server.pem");
    std::fs::write(&identity, authority.server(NAME, |_| {}).pem).unwrap();
    let free = TcpListener::bind((GOOD, 0)).await.unwrap().local_addr().unwrap().port();
    let mut old = Command::new("openssl");
    old.args(["s_server", "-accept", &format!("{GOOD}:{free}"), "-cert"]).arg(&identity).arg("-key").arg(&identity);
    // Without the security level OpenSSL itself would not speak it any more.
    old.args(["-quiet", "-tls1_1", "-cipher", "ALL@SECLEVEL=0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = Openssl(old.spawn().unwrap());
    while TcpStream::connect((GOOD, free)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = believed(&authority, NAME, free).await.unwrap_err();
    assert!(error.is(FailureKind::ConnectionFailed) && error.message.contains("ProtocolVersion"), "{error}");
    drop(server);
}
