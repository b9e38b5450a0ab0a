//! A web service in a process of its own, so that what it uses is not counted: this program again, told to serve. Over TLS
//! by a CA of its own, in the HTTP it is told; what it answers is there before the first request.
//!
//! | path | answer |
//! |---|---|
//! | [`SMALL`] | 1 KiB of JSON |
//! | below [`BASE`] | a SCIM service with so many users |

mod scim;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use hawser::cli::demo::server::ca::Ca;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use scim::{Piece, Site};

/// The argument by which this program serves.
pub(super) const COMMAND: &str = "serve";
/// What is asked for where the answer does not matter.
pub(super) const SMALL: &str = "/small";
/// Where the SCIM service begins.
pub(super) const BASE: &str = "/scim/v2";
/// The protocols of ALPN.
pub(super) const HTTP_1: &str = "http/1.1";
pub(super) const HTTP_2: &str = "h2";

const SMALL_BYTES: usize = 1024;

/// A running service; killed when dropped.
pub(super) struct Service {
    process: Child,
    port: u16,
    ca: Ca,
    pub(super) http: &'static str,
    _folder: TempDir,
}

impl Service {
    /// One that speaks that HTTP, and knows so many users.
    pub(super) fn start(http: &'static str, users: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let ca = Ca::create(&folder.path().join("ca")).expect("openssl makes a CA");
        let leaf = ca.server("service", &["127.0.0.1"]).expect("openssl makes a certificate");
        let mut program = Command::new(std::env::current_exe().expect("a bench knows its binary"));
        program.args([COMMAND, http, &users.to_string()]).arg(leaf.certificate).arg(leaf.key);
        let mut process = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this program starts");
        let mut said = String::new();
        let out = process.stdout.take().expect("it is a pipe");
        BufReader::new(out).read_line(&mut said).expect("it says where it listens");
        let port = said.trim().parse().expect("it says where it listens");
        Self { process, port, ca, http, _folder: folder }
    }

    /// Its port on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of its CA, as PEM.
    pub(super) fn roots(&self) -> String {
        self.ca.pem().expect("the CA's certificate can be read")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Serves until nobody listens to what it says any more: `HTTP USERS CERTIFICATE KEY` are the arguments.
pub(super) fn serve(arguments: &[String]) {
    let [http, users, certificate, key] = arguments else { panic!("{COMMAND} HTTP USERS CERTIFICATE KEY") };
    let acceptor = acceptor(http, certificate.as_ref(), key.as_ref());
    let site = Arc::new(Site::new(users.parse().expect("a number of users"), small()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be started");
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        println!("{}", listener.local_addr().expect("a listener has an address").port());
        let left = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        tokio::select! {
            _ = left => {}
            () = listen(listener, acceptor, site) => {}
        }
    });
}

async fn listen(listener: TcpListener, acceptor: TlsAcceptor, site: Arc<Site>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(speak(stream, acceptor.clone(), Arc::clone(&site)));
    }
}

/// Until the client closes, which is no error worth telling.
async fn speak(stream: TcpStream, acceptor: TlsAcceptor, site: Arc<Site>) {
    stream.set_nodelay(true).expect("a socket takes options");
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2.as_bytes());
    let answers =
        service_fn(move |request| std::future::ready(Ok::<_, std::convert::Infallible>(answer(&site, &request))));
    let stream = TokioIo::new(stream);
    drop(match is_http2 {
        true => http2::Builder::new(TokioExecutor::new()).serve_connection(stream, answers).await,
        false => http1::Builder::new().serve_connection(stream, answers).await,
    });
}

fn answer(site: &Site, request: &Request<Incoming>) -> Response<Full<Piece>> {
    let found = site.answer(request.uri().path(), request.uri().query().unwrap_or_default());
    let status = if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let response = Response::builder().status(status).header("content-type", "application/scim+json");
    response.body(Full::new(found.unwrap_or_else(|| scim::whole(Bytes::new())))).expect("a response")
}

fn small() -> Bytes {
    let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(SMALL_BYTES - r#"{"text":""}"#.len()));
    Bytes::from(text)
}

fn acceptor(http: &str, certificate: &Path, key: &Path) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(certificate).expect("a certificate");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions of TLS").with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.expect("a pair");
    config.alpn_protocols = vec![http.into()];
    TlsAcceptor::from(Arc::new(config))
}
