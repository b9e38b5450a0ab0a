//! A web service that writes down every byte it is sent, and answers as its path says. HTTP/1.1, with TLS or without.
//!
//! | path ends with | answer |
//! |---|---|
//! | `/echo/FORM` | the token it was asked with, in that form |
//! | `/login` | a session, in a header, a cookie and the body |
//! | `/token` | a token (RFC 6749, 5.1) |
//! | `/repeat` | the request as it came |
//! | `/moved` | a redirect to another host |
//! | anything else | an empty object |

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use hawser::cli::demo::server::ca::{Ca, Leaf};

/// The secrets of a login, and the token of the endpoint.
pub const SESSION: &str = "s3ss1on-of-the-header";
pub const COOKIE: &str = "s3ss1on-of-the-cookie";
pub const BODY: &str = "s3ss1on-of-the-body";
pub const ACCESS_TOKEN: &str = "t0k3n-of-the-endpoint";

/// The service.
pub struct Sink {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    /// With that certificate.
    pub async fn tls(identity: &Leaf) -> Self {
        Self::with(identity, WebPkiClientVerifier::no_client_auth()).await
    }

    /// With that certificate, for clients with one of that CA and for nobody else.
    pub async fn mutual(identity: &Leaf, ca: &Ca) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca.certificate()).expect("a certificate")).expect("a root");
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider()).build();
        Self::with(identity, verifier.expect("there is a root")).await
    }

    async fn with(identity: &Leaf, clients: Arc<dyn ClientCertVerifier>) -> Self {
        let chain = CertificateDer::pem_file_iter(&identity.certificate).expect("a certificate");
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(&identity.key).expect("a key");
        let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let config = config.expect("versions of TLS").with_client_cert_verifier(clients).with_single_cert(chain, key);
        Self::start(Some(TlsAcceptor::from(Arc::new(config.expect("a pair"))))).await
    }

    /// Without encryption.
    pub async fn plain() -> Self {
        Self::start(None).await
    }

    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("a port").port();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, written) = (tls.clone(), Arc::clone(&written));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &written).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &written).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, seen }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The requests since this was last asked, each as it came.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().expect("nobody panics with it"))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Answers one request after the other.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, seen: &Mutex<Vec<String>>) {
    let mut buffer = Vec::new();
    while let Some(request) = next(&mut stream, &mut buffer).await {
        let answer = answer(&request);
        seen.lock().expect("nobody panics with it").push(request);
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// The next request, head and body.
async fn next(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        let text = String::from_utf8_lossy(buffer);
        if let Some(head) = text.find("\r\n\r\n") {
            let end = head + 4 + header(&text[..head], "content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
            if buffer.len() >= end {
                return String::from_utf8(buffer.drain(..end).collect()).ok();
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn answer(request: &str) -> Vec<u8> {
    let path = request.split([' ', '?']).nth(1).unwrap_or_default();
    let token = header(request, "authorization").unwrap_or_default().trim_start_matches("Bearer ");
    match path.rsplit('/').next().unwrap_or_default() {
        "login" => {
            let head = format!("X-Session: {SESSION}\r\nSet-Cookie: sid={COOKIE}; HttpOnly\r\n");
            whole(201, &head, format!(r#"{{"token":{{"id":"{BODY}","user":"me"}}}}"#).as_bytes())
        }
        "token" => {
            let token = format!(r#"{{"access_token":"{ACCESS_TOKEN}","token_type":"Bearer","expires_in":3600}}"#);
            whole(200, "Content-Type: application/json\r\n", token.as_bytes())
        }
        "repeat" => whole(200, "", request.as_bytes()),
        "moved" => whole(302, "Location: https://evil.example/\r\nRefresh: 0; url=https://evil.example/\r\n", b""),
        form if path.contains("/echo/") => echo(form, token),
        _ => whole(200, "", b"{}"),
    }
}

fn echo(form: &str, token: &str) -> Vec<u8> {
    let said = |token: &str| whole(200, "", format!("you said {token}, I think").as_bytes());
    match form {
        "plain" => said(token),
        "base64" => said(&BASE64_STANDARD.encode(format!("a {token}"))),
        "url" => said(&token.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>()),
        "json" => said(&token.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>()),
        "utf-16" => whole(200, "", &token.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
        "header" => whole(200, &format!("X-Echo: {token}\r\n"), b"{}"),
        "gzip" => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(token.as_bytes()).expect("memory can be written");
            whole(200, "Content-Encoding: gzip\r\n", &gzip.finish().expect("memory can be written"))
        }
        "split" => in_pieces(token),
        "split-base64" => in_pieces(&BASE64_STANDARD.encode(token)),
        _ => whole(200, "", b"nothing of the kind"),
    }
}

fn whole(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// Chunked, in pieces of three bytes, in the middle of other text.
fn in_pieces(text: &str) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 Answer\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in format!("{}{text}{}", "x".repeat(100), "y".repeat(2_000)).as_bytes().chunks(3) {
        answer.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        answer.extend_from_slice(piece);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}
