//! The baseline of the web figures: hyper over rustls as Hawser uses them, called from here. The connection is driven by
//! whoever waits for its answer, which is less work than the task of its own that hyper's examples give it.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::service::{HTTP_2, Service};

/// A connection to a service.
pub(super) struct Bare {
    sender: Sender,
    driver: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
    authority: String,
    authorization: String,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Many(http2::SendRequest<Full<Bytes>>),
}

impl Bare {
    /// Asks with that token.
    pub(super) async fn connect(service: &Service, token: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", service.port())).await.expect("the service takes connections");
        stream.set_nodelay(true).expect("a socket takes options");
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let stream = connector(service).connect(name, stream).await.expect("the service shakes hands");
        let stream = TokioIo::new(stream);
        let (sender, driver): (_, Pin<Box<dyn Future<Output = _> + Send>>) = if service.http == HTTP_2 {
            let (sender, driver) = http2::handshake(TokioExecutor::new(), stream).await.expect("it speaks HTTP/2");
            (Sender::Many(sender), Box::pin(driver))
        } else {
            let (sender, driver) = http1::handshake(stream).await.expect("it speaks HTTP/1.1");
            (Sender::One(sender), Box::pin(driver))
        };
        let authority = format!("127.0.0.1:{}", service.port());
        Self { sender, driver, authority, authorization: format!("Bearer {token}") }
    }

    /// The body of an answer.
    pub(super) async fn get(&mut self, path: &str) -> Bytes {
        let request = self.request(path);
        tokio::select! {
            biased;
            body = body(self.sender.send(request)) => body,
            ended = &mut self.driver => panic!("the connection ended: {ended:?}"),
        }
    }

    fn request(&self, path: &str) -> Request<Full<Bytes>> {
        let request = match &self.sender {
            Sender::One(_) => Request::get(path).header("host", &self.authority),
            Sender::Many(_) => Request::get(format!("https://{}{path}", self.authority)),
        };
        let request = request.header("accept-encoding", "gzip, deflate").header("user-agent", "bench");
        request.header("authorization", &self.authorization).body(Full::default()).expect("a request")
    }
}

impl Sender {
    async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::One(sender) => sender.send_request(request).await,
            Self::Many(sender) => sender.send_request(request).await,
        }
    }
}

async fn body(answer: impl Future<Output = hyper::Result<Response<Incoming>>>) -> Bytes {
    let answer = answer.await.expect("the service answers");
    assert_eq!(answer.status(), StatusCode::OK);
    answer.into_body().collect().await.expect("the answer is whole").to_bytes()
}

fn connector(service: &Service) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(service.roots().as_bytes()).expect("a certificate");
    roots.add(root).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.expect("versions of TLS").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![service.http.into()];
    TlsConnector::from(Arc::new(config))
}
