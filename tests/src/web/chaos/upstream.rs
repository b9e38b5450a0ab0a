//! The server behind the proxy: each request goes to it on a connection of its own.

use std::sync::Arc;

use bytes::Bytes;
use hawser::cli::demo::server::ca::{Ca, Leaf};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::wire::{Reply, Request};

/// Headers that are about the connection or the length of a body, and not passed on.
const HOP_BY_HOP: [&str; 5] = ["connection", "content-length", "expect", "keep-alive", "transfer-encoding"];

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where requests are forwarded to.
pub(super) struct Upstream {
    address: String,
    /// None: without TLS.
    tls: Option<TlsConnector>,
}

impl Upstream {
    pub(super) fn new(url: &str, ca: &Ca) -> Self {
        let (scheme, address) = url.split_once("://").expect("a URL has a scheme");
        Self { address: address.to_owned(), tls: (scheme == "https").then(|| connector(ca)) }
    }

    /// What the server answers; 502 if it does not.
    pub(super) async fn forward(&self, request: &Request) -> Reply {
        let failed = |why: Failure| Reply { status: 502, headers: Vec::new(), body: why.to_string().into_bytes() };
        self.exchange(request).await.unwrap_or_else(failed)
    }

    async fn exchange(&self, request: &Request) -> Result<Reply, Failure> {
        let tcp = TcpStream::connect(&self.address).await?;
        let Some(tls) = &self.tls else { return exchange(tcp, request).await };
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host).to_owned();
        exchange(tls.connect(ServerName::try_from(host)?, tcp).await?, request).await
    }
}

async fn exchange<S>(stream: S, request: &Request) -> Result<Reply, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut forwarded = hyper::Request::builder().method(request.method.as_str()).uri(&request.path);
    for (name, value) in request.headers.iter().filter(|(name, _)| !is_hop_by_hop(name)) {
        forwarded = forwarded.header(name, value);
    }
    let answer = sender.send_request(forwarded.body(Full::new(Bytes::from(request.body.clone())))?).await?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    connection.abort();
    let headers = parts.headers.iter().filter(|(name, _)| !is_hop_by_hop(name.as_str()));
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    Ok(Reply { status: parts.status.as_u16(), headers: headers.collect(), body })
}

fn is_hop_by_hop(name: &str) -> bool {
    HOP_BY_HOP.contains(&name)
}

fn connector(ca: &Ca) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca.certificate()).expect("the CA is in PEM")).expect("the CA is one");
    TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

/// What takes connections under that certificate.
pub(super) fn acceptor(leaf: &Leaf) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(&leaf.certificate).expect("the certificate is in PEM");
    let key = PrivateKeyDer::from_pem_file(&leaf.key).expect("the key is in PEM");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    let mut config = config.expect("the key is the certificate's");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}
