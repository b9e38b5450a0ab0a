//! Servers that speak TLS, and say who they were called.

use std::future::Future;
use std::pin::Pin;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;

/// How the servers are called: a name that leads to the loopback everywhere (RFC 6761, 6.3).
pub(super) const NAME: &str = "localhost";

/// A listener with a certificate for [`NAME`], and what is believed of it.
pub(super) struct Secured {
    pub(super) listener: TcpListener,
    pub(super) acceptor: TlsAcceptor,
    pub(super) route: Arc<Route>,
}

impl Secured {
    pub(super) async fn new(protocols: &[&str]) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let target = format!("https://{NAME}:{}", listener.local_addr().unwrap().port());
        let trust = Trust::new(Some(&authority.pem()), None).unwrap();
        let route = Arc::new(Route { trust, plaintext: false, ..route(&target) });
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), route }
    }

    pub(super) async fn accept(&self) -> TlsStream<TcpStream> {
        let (stream, _) = self.listener.accept().await.unwrap();
        self.acceptor.accept(stream).await.unwrap()
    }
}

/// A request as such a server sees it.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) connection: usize,
    pub(super) http2: bool,
    /// As whom it was asked for in the handshake.
    pub(super) name: Option<String>,
    pub(super) host: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) body: Bytes,
}

type Answering = Pin<Box<dyn Future<Output = hyper::Response<Full<Bytes>>> + Send>>;

/// A server that answers as it is told; what it saw comes with its route.
pub(super) async fn serving(
    protocols: &[&str],
    answers: impl Fn(Seen) -> Answering + Send + Sync + 'static,
) -> (Arc<Route>, Arc<Mutex<Vec<Seen>>>) {
    let secured = Secured::new(protocols).await;
    let (route, all) = (Arc::clone(&secured.route), Arc::new(Mutex::new(Vec::new())));
    let (seen, answers) = (Arc::clone(&all), Arc::new(answers));
    tokio::spawn(async move {
        for connection in 1.. {
            let stream = secured.accept().await;
            let (answers, seen) = (Arc::clone(&answers), Arc::clone(&seen));
            let (name, http2) = {
                let tls = stream.get_ref().1;
                (tls.server_name().map(str::to_owned), tls.alpn_protocol() == Some(b"h2"))
            };
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                let (answers, all, name) = (Arc::clone(&answers), Arc::clone(&seen), name.clone());
                async move {
                    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
                    let (host, authorization) = (header("host"), header("authorization"));
                    let authority = request.uri().authority().map(ToString::to_string);
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let seen = Seen { connection, http2, name, host, authority, authorization, body };
                    all.lock().unwrap().push(seen.clone());
                    Ok::<_, std::convert::Infallible>(answers(seen).await)
                }
            });
            if http2 {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            } else {
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        }
    });
    (route, all)
}

fn echo(seen: Seen) -> Answering {
    Box::pin(async move { hyper::Response::new(Full::new(seen.body)) })
}

#[tokio::test]
async fn the_handshake_and_the_request_name_the_same_server_in_either_version() {
    for (protocols, http2) in [(&["h2", "http/1.1"][..], true), (&["http/1.1"], false), (&[], false)] {
        let (route, all) = serving(protocols, echo).await;
        let secrets =
            vec![placed(Placement::Bearer, "secret"), placed(Placement::JsonPointer("/p".into()), "pässword")];
        let client = Client::default();
        for _ in 0..2 {
            let response =
                send(&client, &egress(), &route, post("/a?b", "{}"), secrets.clone(), Vec::new(), soon()).await;
            assert_eq!(response.unwrap().body, r#"{"p":"pässword"}"#);
        }
        let expected = format!("{NAME}:{}", route.target.port);
        for seen in all.lock().unwrap().iter() {
            assert_eq!((seen.http2, seen.connection, seen.name.as_deref()), (http2, 1, Some(NAME)));
            let called = if http2 { (None, Some(expected.as_str())) } else { (Some(expected.as_str()), None) };
            assert_eq!((seen.host.as_deref(), seen.authority.as_deref()), called);
            assert_eq!(seen.authorization.as_deref(), Some("Bearer secret"));
        }
        // What a guest would have said instead is not sent (domain fronting).
        let headers = HeaderMap::from_iter([(hyper::header::HOST, "evil.example".parse().unwrap())]);
        assert!(asked(&client, &route, Request { headers, ..get("/") }).await.is_err());
        assert_eq!(all.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_is_not_believed_gets_no_request() {
    let (route, all) = serving(&["h2"], echo).await;
    let other = Secured::new(&["h2"]).await;
    let doubted = Arc::new(Route { trust: other.route.trust.clone(), ..(*route).clone() });
    let secrets = vec![placed(Placement::Bearer, "secret")];
    let sent = send(&Client::default(), &egress(), &doubted, get("/"), secrets, Vec::new(), soon()).await;
    let failure = failed(sent);
    assert!(failure.kind == FailureKind::ConnectionFailed && failure.message.contains("not believed"), "{failure:?}");
    assert!(all.lock().unwrap().is_empty());
}
