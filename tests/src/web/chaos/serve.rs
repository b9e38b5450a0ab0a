//! Connections to the proxy: each request is written down, judged by the rules, and answered or not.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::State;
use super::mischief::{self, Mischief};
use super::wire::{Reply, Request, Socket, Wire};

/// What becomes of a connection after an answer.
enum Then {
    GoOn,
    Close,
    Reset,
}

pub(super) async fn listen(listener: TcpListener, acceptor: Option<TlsAcceptor>, state: Arc<State>) {
    // They end with this.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = state.connections.fetch_add(1, Ordering::SeqCst) + 1;
        connections.spawn(connection(stream, acceptor.clone(), number, Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, number: u64, state: Arc<State>) {
    match acceptor {
        None => converse(Wire::new(stream), number, &state).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(Wire::new(stream), number, &state).await;
            }
        }
    }
}

async fn converse<S: Socket>(mut wire: Wire<S>, number: u64, state: &State) {
    while let Ok(request) = wire.request().await {
        let decided = state.decide(&request, number);
        let then = match decided {
            None => pass_on(&mut wire, &request, state).await,
            Some((rule, mischief)) => misbehave(&mut wire, &request, state, rule, mischief).await,
        };
        match then {
            Ok(Then::GoOn) => {}
            Ok(Then::Reset) => return wire.reset(),
            Ok(Then::Close) | Err(_) => break,
        }
    }
    wire.close().await;
}

async fn pass_on<S: Socket>(wire: &mut Wire<S>, request: &Request, state: &State) -> io::Result<Then> {
    answer(wire, request, &state.upstream.forward(request).await).await
}

async fn misbehave<S: Socket>(
    wire: &mut Wire<S>,
    request: &Request,
    state: &State,
    rule: usize,
    mischief: Mischief,
) -> io::Result<Then> {
    match mischief {
        Mischief::Answer(reply) => return answer(wire, request, &reply).await,
        Mischief::Reset => return Ok(Then::Reset),
        Mischief::GzipBomb(zeros) => return bomb(wire, zeros).await,
        Mischief::SamePage => return same_page(wire, request, state, rule).await,
        Mischief::Latency(time) => tokio::time::sleep(time).await,
        _ => {}
    }
    let reply = state.upstream.forward(request).await;
    spoil(wire, request, reply, mischief).await
}

/// Does to the server's answer what was ordered.
async fn spoil<S: Socket>(
    wire: &mut Wire<S>,
    request: &Request,
    mut reply: Reply,
    mischief: Mischief,
) -> io::Result<Then> {
    match mischief {
        Mischief::ResetInBody => {
            let half = [sized(&reply, 0), half(&reply).to_vec()].concat();
            wire.write(&half).await.map(|()| Then::Reset)
        }
        Mischief::Drip(time) => drip(wire, &reply, time).await,
        Mischief::ContentLength(off) => {
            let all = [sized(&reply, off), reply.body.clone()].concat();
            wire.write(&all).await.map(|()| if off > 0 { Then::Close } else { Then::GoOn })
        }
        Mischief::Silence => {
            wire.until_closed().await;
            Ok(Then::Close)
        }
        Mischief::Truncated => {
            reply.body.truncate(half(&reply).len());
            answer(wire, request, &reply).await
        }
        Mischief::FaultAfter => {
            let fault = Reply { status: 500, headers: Vec::new(), body: Vec::new() };
            answer(wire, request, &fault).await
        }
        Mischief::Headers(more) => {
            reply.headers.extend(more);
            answer(wire, request, &reply).await
        }
        _ => answer(wire, request, &reply).await,
    }
}

/// The answer as it should be.
async fn answer<S: Socket>(wire: &mut Wire<S>, request: &Request, reply: &Reply) -> io::Result<Then> {
    let without_body = request.method == "HEAD" || matches!(reply.status, 204 | 304);
    let whole = if without_body { reply.head(&[]) } else { [sized(reply, 0), reply.body.clone()].concat() };
    wire.write(&whole).await.map(|()| Then::GoOn)
}

async fn same_page<S: Socket>(wire: &mut Wire<S>, request: &Request, state: &State, rule: usize) -> io::Result<Then> {
    let known = state.told().pages.get(&rule).cloned();
    let page = match known {
        Some(page) => page,
        None => state.upstream.forward(request).await,
    };
    state.told().pages.entry(rule).or_insert_with(|| page.clone());
    answer(wire, request, &page).await
}

async fn drip<S: Socket>(wire: &mut Wire<S>, reply: &Reply, time: Duration) -> io::Result<Then> {
    wire.write(&sized(reply, 0)).await?;
    for byte in &reply.body {
        tokio::time::sleep(time).await;
        wire.write(&[*byte]).await?;
    }
    Ok(Then::GoOn)
}

/// As long as the connection lasts, since nobody knows its length.
async fn bomb<S: Socket>(wire: &mut Wire<S>, zeros: u64) -> io::Result<Then> {
    /// How many periods are written at a time.
    const AT_A_TIME: u64 = 4096;
    let reply = Reply { status: 200, headers: Vec::new(), body: Vec::new() };
    let json = ("content-type", "application/json");
    wire.write(&reply.head(&[json, ("content-encoding", "gzip"), ("connection", "close")])).await?;
    let (head, period) = mischief::bomb();
    wire.write(&head).await?;
    let mut periods = zeros.div_ceil(mischief::BOMB_PERIOD_ZEROS);
    while periods > 0 {
        let now = periods.min(AT_A_TIME);
        wire.write(&period.repeat(usize::try_from(now).unwrap_or_default())).await?;
        periods -= now;
    }
    Ok(Then::Close)
}

/// The head of an answer, with the length of its body and what is to be added to that.
fn sized(reply: &Reply, off: i64) -> Vec<u8> {
    let length = reply.body.len().saturating_add_signed(isize::try_from(off).unwrap_or_default());
    reply.head(&[("content-length", &length.to_string())])
}

fn half(reply: &Reply) -> &[u8] {
    &reply.body[..reply.body.len() / 2]
}
