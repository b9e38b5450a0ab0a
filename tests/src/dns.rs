//! A name server that knows one name, writes down what it is asked, and a listener where nobody is to arrive.
//!
//! Written against RFC 1035 by hand, so that it is not the resolver under test that reads its own questions.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

/// The length of a message's header, in bytes; a question follows it.
const HEADER: usize = 12;
/// A question for addresses of version 4.
const TYPE_A: u16 = 1;
/// The longest question taken, in bytes.
const QUESTION_MAX: usize = 512;

/// A name server; it ends when it is dropped.
pub struct Dns {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    answering: JoinHandle<()>,
}

impl Dns {
    /// Knows where this name is, and that there is no other.
    pub async fn of(name: &str, place: Ipv4Addr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = socket.local_addr().expect("a socket has an address");
        let asked = Arc::default();
        let answering = tokio::spawn(answer(socket, name.to_owned(), place, Arc::clone(&asked)));
        Self { address, asked, answering }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The names it was asked for since the last time, each once, in their order.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().expect("nobody panicked with it"));
        asked.sort();
        asked.dedup();
        asked
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

async fn answer(socket: UdpSocket, name: String, place: Ipv4Addr, asked: Arc<Mutex<Vec<String>>>) {
    let mut packet = [0; QUESTION_MAX];
    while let Ok((length, from)) = socket.recv_from(&mut packet).await {
        let Some((wanted, kind, end)) = question(&packet[..length]) else { continue };
        let known = wanted.eq_ignore_ascii_case(&name);
        asked.lock().expect("nobody panicked with it").push(wanted);
        let address = (known && kind == TYPE_A).then_some(place);
        let reply = reply(&packet[..end], known, address);
        drop(socket.send_to(&reply, from).await);
    }
}

/// The name that a message asks for, the type, and where the question ends.
fn question(message: &[u8]) -> Option<(String, u16, usize)> {
    let (mut labels, mut at) = (Vec::new(), HEADER);
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            let kind = message.get(at..at + 2)?;
            return Some((labels.join("."), u16::from_be_bytes([kind[0], kind[1]]), at + 4));
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).into_owned());
        at += length;
    }
}

/// An answer to a message that ends with its question.
fn reply(question: &[u8], known: bool, address: Option<Ipv4Addr>) -> Vec<u8> {
    let mut reply = question.to_vec();
    // A response, from who is responsible for the name; 3: there is no such name.
    reply[2..4].copy_from_slice(&[0x84, if known { 0 } else { 3 }]);
    // One question, perhaps an answer, nothing else.
    reply[4..HEADER].copy_from_slice(&[0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    if let Some(address) = address {
        // The name where the header ends, an address, of the internet, for no time, of four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        reply.extend(address.octets());
    }
    reply
}

/// A listener that counts who arrives; it ends when it is dropped.
pub struct Trap {
    address: SocketAddr,
    came: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

impl Trap {
    /// On a free port of the loopback.
    pub async fn set() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let came = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&came);
        let listening = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, came, listening }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many arrived.
    pub fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
