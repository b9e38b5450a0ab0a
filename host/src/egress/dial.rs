//! A connection to an address that was judged, and to no other: dialled by number, its peer compared, TLS on top where
//! the protocol begins with it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::limits::{CONNECT_TIME_MAX, HANDSHAKE_TIME_MAX, KEEP_ALIVE_AFTER, KEEP_ALIVE_EVERY, KEEP_ALIVE_TIMES};
use super::rules::{Route, denied};
use super::target::{Host, Target};
use crate::model::{Error, FailureKind, Protocol, Result};

/// What web services are offered (RFC 7301), the first of them first.
const WEB: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A connected stream.
#[derive(Debug)]
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Did the server choose HTTP/2 in the handshake?
    pub fn is_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

/// Dials the addresses one after the other, until one takes the connection.
///
/// # Errors
/// `connection-failed` with what each said; `operation-timeout` at `end`.
#[allow(clippy::disallowed_methods, reason = "this is the gate")]
pub(super) async fn connect(target: &Target, addresses: &[IpAddr], end: Instant) -> Result<TcpStream> {
    let mut told = Vec::new();
    for address in addresses {
        let attempt = TcpStream::connect(SocketAddr::new(*address, target.port.get()));
        match timeout_at(end.min(Instant::now() + CONNECT_TIME_MAX), attempt).await {
            Ok(Ok(stream)) => return checked(stream, *address, target),
            Ok(Err(why)) => told.push(format!("{address}: {why}")),
            Err(_) if Instant::now() >= end => return Err(late(target)),
            Err(_) => told.push(format!("{address}: no answer within {CONNECT_TIME_MAX:?}")),
        }
    }
    let message = format!("{target} takes no connection ({}); is it up, and may this host reach it?", told.join("; "));
    Err(Error::failure(FailureKind::ConnectionFailed, message))
}

/// Shakes hands on a stream to the route's target; also for protocols that begin without TLS and change to it.
///
/// # Errors
/// `connection-failed` saying what is wrong with the server's certificate; `operation-timeout` at `end`.
pub async fn secure(route: &Route, stream: TcpStream, end: Instant) -> Result<Stream> {
    let name = server_name(&route.target.host)?;
    let connector = TlsConnector::from(route.trust.config()?);
    let end = end.min(Instant::now() + HANDSHAKE_TIME_MAX);
    let connector = connector.with_alpn(offered(route.target.protocol));
    match timeout_at(end, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Err(why)) => {
            let remedy = "look at the server's certificate, and at the roots this destination is given";
            let message = format!("{} is not believed: {why}; {remedy}", route.target);
            Err(Error::failure(FailureKind::ConnectionFailed, message))
        }
        Err(_) => Err(late(&route.target)),
    }
}

fn checked(stream: TcpStream, address: IpAddr, target: &Target) -> Result<TcpStream> {
    let failed = |why: io::Error| Error::failure(FailureKind::ConnectionFailed, format!("{target}: {why}"));
    let peer = stream.peer_addr().map_err(failed)?;
    if peer.ip().to_canonical() != address.to_canonical() {
        return Err(denied(format!("{target} was dialled at {address}, and {peer} answered")));
    }
    // A request that waits for the answer to the last one is not worth saving a packet.
    stream.set_nodelay(true).map_err(failed)?;
    // A server that vanished (its machine, or a firewall that forgot the connection) does not say so.
    SockRef::from(&stream).set_tcp_keepalive(&keep_alive()).map_err(failed)?;
    Ok(stream)
}

fn keep_alive() -> TcpKeepalive {
    let every = TcpKeepalive::new().with_time(KEEP_ALIVE_AFTER).with_interval(KEEP_ALIVE_EVERY);
    every.with_retries(KEEP_ALIVE_TIMES)
}

/// The protocols of which the server chooses one; none where there is but one.
fn offered(protocol: Protocol) -> Vec<Vec<u8>> {
    match protocol {
        Protocol::Https => WEB.iter().map(|name| name.to_vec()).collect(),
        Protocol::Http | Protocol::Ldaps | Protocol::Ldap => Vec::new(),
    }
}

fn server_name(host: &Host) -> Result<ServerName<'static>> {
    match host {
        Host::Address(address) => Ok(ServerName::from(*address)),
        Host::Name(name) => ServerName::try_from(name.as_str().to_owned())
            .map_err(|_| denied(format!("{} is no name a certificate can have", name.as_str()))),
    }
}

fn late(target: &Target) -> Error {
    Error::failure(FailureKind::OperationTimeout, format!("{target} did not answer in time"))
}

macro_rules! either {
    ($self:ident, $stream:ident => $do:expr) => {
        match $self.get_mut() {
            Stream::Plain($stream) => $do,
            Stream::Tls($stream) => $do,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    #[allow(clippy::disallowed_methods, reason = "it is the gate's own test")]
    async fn who_answers_from_another_address_than_was_dialled_is_not_spoken_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (place, target) = (listener.local_addr().unwrap(), "ldap://crm.example:389".parse().unwrap());
        let stream = TcpStream::connect(place).await.unwrap();
        let error = checked(stream, "127.0.0.2".parse().unwrap(), &target).unwrap_err();
        assert!(error.is(FailureKind::EgressDenied), "{error}");
        assert!(error.message.contains("127.0.0.2") && error.message.contains(&place.to_string()), "{error}");
        for same in ["127.0.0.1", "::ffff:127.0.0.1"] {
            let stream = TcpStream::connect(place).await.unwrap();
            checked(stream, same.parse().unwrap(), &target).unwrap();
        }
    }
}
