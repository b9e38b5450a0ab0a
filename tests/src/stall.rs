//! A proxy between a host and a target that misbehaves when it is told to: it stalls, resets, refuses, and goes on.
//!
//! It runs on the runtime of the test that started it, and ends with it or when it is dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What is forwarded at a time, in bytes.
const CHUNK: usize = 16 * 1024;

/// What the proxy does; it can be told otherwise at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Bytes go both ways, on old connections and new ones.
    Forward,
    /// Connections stay, new ones are taken, and nothing goes either way.
    Stall,
    /// Everything goes to the target, and nothing comes back.
    Mute,
    /// New connections are reset as soon as they are taken; old ones go on.
    Refuse,
}

/// A proxy of one target.
pub struct Stall {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
    /// Counts the orders to reset whatever is open.
    resets: watch::Sender<u64>,
    counts: Arc<Counts>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    taken: AtomicU64,
    open: AtomicUsize,
    to_target: AtomicU64,
    from_target: AtomicU64,
}

impl Stall {
    /// Forwards connections to a target, from a free port of the loopback.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (mood, resets, counts) = (watch::Sender::new(Mood::Forward), watch::Sender::new(0), Arc::default());
        let orders = Orders { mood: mood.subscribe(), resets: resets.subscribe(), counts: Arc::clone(&counts) };
        let listening = tokio::spawn(listen(listener, target, orders));
        Self { address, mood, resets, counts, listening }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing is forwarded, in the middle of whatever there is; new connections are taken and hear nothing.
    pub fn stall(&self) {
        self.mood.send_replace(Mood::Stall);
    }

    /// From now on the target hears all that is said, and nobody hears what it answers.
    pub fn mute(&self) {
        self.mood.send_replace(Mood::Mute);
    }

    /// From now on new connections are reset as soon as they are taken; old ones go on.
    pub fn refuse(&self) {
        self.mood.send_replace(Mood::Refuse);
    }

    /// From now on everything is forwarded, what was held back included.
    pub fn forward(&self) {
        self.mood.send_replace(Mood::Forward);
    }

    /// Resets (RST) all connections there are, those that stall included; new ones are as before.
    pub fn reset(&self) {
        self.resets.send_modify(|resets| *resets += 1);
    }

    /// How many connections were taken so far.
    pub fn taken(&self) -> u64 {
        self.counts.taken.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }

    /// How many bytes were sent on to the target so far.
    pub fn to_target(&self) -> u64 {
        self.counts.to_target.load(Ordering::SeqCst)
    }

    /// How many bytes came from the target and were sent on so far.
    pub fn from_target(&self) -> u64 {
        self.counts.from_target.load(Ordering::SeqCst)
    }
}

impl Drop for Stall {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// What a connection listens to, and counts in.
#[derive(Clone)]
struct Orders {
    mood: watch::Receiver<Mood>,
    resets: watch::Receiver<u64>,
    counts: Arc<Counts>,
}

async fn listen(listener: TcpListener, target: SocketAddr, orders: Orders) {
    // They end with this.
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        orders.counts.taken.fetch_add(1, Ordering::SeqCst);
        match *orders.mood.borrow() {
            Mood::Refuse => reset(&near),
            Mood::Forward | Mood::Stall | Mood::Mute => {
                drop(connections.spawn(connection(near, target, orders.clone())))
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(mut near: TcpStream, target: SocketAddr, orders: Orders) {
    let _open = Open::one_more(&orders.counts);
    let mut resets = orders.resets.clone();
    resets.mark_unchanged();
    let done = tokio::select! {
        done = forward(&mut near, target, orders) => done,
        _ = resets.changed() => None,
    };
    if done.is_none() {
        reset(&near);
    }
}

/// Until both sides said all they had to say; none: one of them broke.
async fn forward(near: &mut TcpStream, target: SocketAddr, orders: Orders) -> Option<()> {
    let Orders { mut mood, counts, .. } = orders;
    free(&mut mood, &[Mood::Stall]).await?;
    let mut far = TcpStream::connect(target).await.ok()?;
    let (near_reads, near_writes) = near.split();
    let (far_reads, far_writes) = far.split();
    let there = one_way(near_reads, far_writes, mood.clone(), &[Mood::Stall], &counts.to_target);
    let back = one_way(far_reads, near_writes, mood, &[Mood::Stall, Mood::Mute], &counts.from_target);
    let ended = tokio::try_join!(async { there.await.ok_or(()) }, async { back.await.ok_or(()) });
    ended.ok().map(drop)
}

async fn one_way(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut mood: watch::Receiver<Mood>,
    held_back: &[Mood],
    count: &AtomicU64,
) -> Option<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await.ok()?;
        free(&mut mood, held_back).await?;
        if length == 0 {
            return to.shutdown().await.ok();
        }
        to.write_all(&chunk[..length]).await.ok()?;
        count.fetch_add(length as u64, Ordering::SeqCst);
    }
}

/// Waits while the proxy is in one of these moods; none: it is gone.
async fn free(mood: &mut watch::Receiver<Mood>, held_back: &[Mood]) -> Option<()> {
    mood.wait_for(|mood| !held_back.contains(mood)).await.ok().map(drop)
}

/// Closed with a linger of no time, a connection is reset, not ended.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().expect("a stream can be told how to close");
}

/// Counts a connection while it is there.
struct Open(Arc<Counts>);

impl Open {
    fn one_more(counts: &Arc<Counts>) -> Self {
        counts.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counts))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
