//! Sockets of its own, to the very place it is permitted to have sessions with.

use std::net::{TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};

use hawser_sdk::{Error, Finding};

use crate::told::tried;

#[allow(clippy::disallowed_methods, reason = "it is a burglar")]
pub(crate) fn sockets(host: &str, port: u16) -> Vec<Finding> {
    let to = (host, port);
    let refused = |why: std::io::Error| Error::permission_denied(why.to_string());
    vec![
        tried("connect by itself", TcpStream::connect(to).map_err(refused)),
        tried("listen", TcpListener::bind("127.0.0.1:0").map_err(refused)),
        tried("send datagrams", UdpSocket::bind("0.0.0.0:0").and_then(|it| it.send_to(b"x", to)).map_err(refused)),
        tried("look a name up", ("exfiltrate.example", 53).to_socket_addrs().map(|mut it| it.next()).map_err(refused)),
    ]
}
