//! HTTP/1.1 on a connection, byte for byte: read as it should be, written as it is told to.
//!
//! No library of servers writes what this has to; `httparse` reads.

use std::io;

use serde_json::Value as Json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

const HEADERS_MAX: usize = 100;
/// How much of one request is read.
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;
const READ_BYTES: usize = 16 * 1024;

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    /// Without the chunks it may have come in.
    pub body: Vec<u8>,
}

/// An answer as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// Without those that say how long the body is, and what becomes of the connection.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body, or null if it is no JSON.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A connection, protected or not.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A connection, and what was read from it too early.
pub(super) struct Wire<S> {
    stream: S,
    read: Vec<u8>,
}

impl<S: Socket> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// The next request; an error: there is none any more.
    pub(super) async fn request(&mut self) -> io::Result<Request> {
        let mut request = loop {
            if let Some((request, length)) = parse_head(&self.read)? {
                self.read.drain(..length);
                break request;
            }
            self.more().await?;
        };
        if request.header("expect").is_some() {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        request.body = match request.header("content-length").map(str::parse) {
            Some(length) => self.take(length.map_err(|_| garbled())?).await?,
            None if request.header("transfer-encoding").is_some() => self.chunks().await?,
            None => Vec::new(),
        };
        Ok(request)
    }

    /// Writes, and sees to it that it is sent.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Waits until the other side is gone.
    pub(super) async fn until_closed(&mut self) {
        while self.more().await.is_ok() {
            self.read.clear();
        }
    }

    /// Ends the connection in order.
    pub(super) async fn close(mut self) {
        drop(self.stream.shutdown().await);
    }

    /// Closed with a linger of no time, a connection is reset, not ended.
    pub(super) fn reset(self) {
        self.stream.tcp().set_zero_linger().expect("a stream can be told how to close");
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.read.len() > REQUEST_BYTES_MAX {
            return Err(garbled());
        }
        let before = self.read.len();
        self.read.resize(before + READ_BYTES, 0);
        let length = self.stream.read(&mut self.read[before..]).await;
        self.read.truncate(before + *length.as_ref().unwrap_or(&0));
        if length? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    async fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < length {
            self.more().await?;
        }
        Ok(self.read.drain(..length).collect())
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            match httparse::parse_chunk_size(&self.read).map_err(|_| garbled())? {
                httparse::Status::Partial => self.more().await?,
                httparse::Status::Complete((head, length)) => {
                    self.read.drain(..head);
                    let length = usize::try_from(length).map_err(|_| garbled())?;
                    let chunk = self.take(length + 2).await?;
                    body.extend_from_slice(&chunk[..length]);
                    if length == 0 {
                        return Ok(body);
                    }
                }
            }
        }
    }
}

/// The head of a request, and how long it is; none: it is not whole.
fn parse_head(read: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = parsed.parse(read).map_err(|_| garbled())? else { return Ok(None) };
    let header = |header: &httparse::Header<'_>| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
    };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let headers = parsed.headers.iter().map(header).collect();
    Ok(Some((Request { method: text(parsed.method), path: text(parsed.path), headers, body: Vec::new() }, length)))
}

fn garbled() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

impl Reply {
    /// The status and the headers, as they are written, and those given besides.
    pub(super) fn head(&self, more: &[(&str, &str)]) -> Vec<u8> {
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let lines = own.chain(more.iter().copied()).map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("HTTP/1.1 {} \r\n{}\r\n", self.status, lines.collect::<String>()).into_bytes()
    }
}
