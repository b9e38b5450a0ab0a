//! HTTP/2: one connection for many requests, and servers that misuse it.

use h2::Reason;
use http_body_util::Full;
use tokio::sync::Barrier;

use super::secure::{Secured, serving};
use super::*;

/// What a server of HTTP/2 does with the n-th request of a connection.
type Answers = fn(usize, usize, h2::server::SendResponse<Bytes>);

/// A server whose every stream is in the test's hands; counts requests by their connection.
async fn scripted(answers: Answers) -> (Arc<Route>, Arc<Mutex<Vec<usize>>>) {
    let secured = Secured::new(&["h2"]).await;
    let (route, asked) = (Arc::clone(&secured.route), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        for connection in 1.. {
            let stream = secured.accept().await;
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut server = h2::server::handshake(stream).await.unwrap();
                let mut nth = 0;
                while let Some(Ok((_, respond))) = server.accept().await {
                    nth += 1;
                    seen.lock().unwrap().push(connection);
                    answers(connection, nth, respond);
                }
            });
        }
    });
    (route, asked)
}

fn say(mut respond: h2::server::SendResponse<Bytes>) {
    let mut body = respond.send_response(hyper::Response::new(()), false).unwrap();
    body.send_data(Bytes::from_static(b"a"), true).unwrap();
}

#[tokio::test]
async fn many_requests_go_over_one_connection_at_the_same_time() {
    const MANY: usize = 32;
    let barrier = Arc::new(Barrier::new(MANY));
    let (route, all) = serving(&["h2"], move |_| {
        // Nobody is answered before everybody has asked.
        let barrier = Arc::clone(&barrier);
        Box::pin(async move {
            barrier.wait().await;
            hyper::Response::new(Full::new(Bytes::from_static(b"a")))
        })
    })
    .await;
    let client = Client::default();
    let calls: Vec<_> = (0..MANY)
        .map(|_| {
            let (client, route) = (client.clone(), Arc::clone(&route));
            tokio::spawn(async move { asked(&client, &route, get("/")).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().body, "a");
    }
    let all = all.lock().unwrap();
    assert!(all.len() == MANY && all.iter().all(|seen| seen.connection == 1));
}

#[tokio::test]
async fn one_request_that_ends_badly_leaves_the_others_alone() {
    let (route, _) = serving(&["h2"], |seen| {
        Box::pin(async move {
            if seen.body == "never" {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            hyper::Response::new(Full::new(Bytes::from_static(b"a")))
        })
    })
    .await;
    let client = Client::default();
    let other = {
        let (client, route) = (client.clone(), Arc::clone(&route));
        tokio::spawn(async move { asked(&client, &route, get("/")).await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    let late = asked_until(&client, &route, post("/", "never"), within(Duration::from_millis(100))).await;
    assert_eq!(kind(late), FailureKind::OutcomeUnknown);
    assert_eq!(other.await.unwrap().unwrap().body, "a");
}

#[tokio::test]
async fn what_a_server_says_it_did_not_look_at_is_sent_once_more_and_what_it_broke_off_is_not() {
    let (route, asked) = scripted(|connection, _, mut respond| match connection {
        1 => respond.send_reset(Reason::REFUSED_STREAM),
        _ => say(respond),
    })
    .await;
    assert_eq!(super::asked(&Client::default(), &route, post("/", "{}")).await.unwrap().body, "a");
    assert_eq!(*asked.lock().unwrap(), [1, 2]);

    let (route, asked) = scripted(|_, nth, mut respond| match nth {
        1 => say(respond),
        _ => respond.send_reset(Reason::INTERNAL_ERROR),
    })
    .await;
    let client = Client::default();
    super::asked(&client, &route, get("/")).await.unwrap();
    let failure = failed(super::asked(&client, &route, post("/", "{}")).await);
    assert_eq!((failure.kind, failure.effect), (FailureKind::OutcomeUnknown, Effect::Unknown));
    assert_eq!(*asked.lock().unwrap(), [1, 1]);
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_asked_twice() {
    let (route, asked) = scripted(|_, _, mut respond| respond.send_reset(Reason::REFUSED_STREAM)).await;
    let failure = failed(super::asked(&Client::default(), &route, post("/", "{}")).await);
    assert_eq!((failure.kind, failure.effect), (FailureKind::ConnectionBroken, Effect::None));
    assert_eq!(*asked.lock().unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_head_beyond_the_bounds_is_refused() {
    let many = |_, _, mut respond: h2::server::SendResponse<Bytes>| {
        let mut head = hyper::Response::new(());
        for n in 0..=limits::ANSWER_HEADERS_MAX {
            head.headers_mut().append("x-many", n.to_string().parse().unwrap());
        }
        drop(respond.send_response(head, true));
    };
    let huge = |_, _, mut respond: h2::server::SendResponse<Bytes>| {
        let mut head = hyper::Response::new(());
        head.headers_mut().insert("x-huge", "y".repeat(limits::ANSWER_HEAD_BYTES_MAX).parse().unwrap());
        drop(respond.send_response(head, true));
    };
    for answers in [many as Answers, huge] {
        let (route, _) = scripted(answers).await;
        assert_eq!(kind(asked(&Client::default(), &route, get("/")).await), FailureKind::ConnectionBroken);
    }
}

/// One frame (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A server that shakes hands and then sends the same bytes as long as anybody takes them.
async fn flooding(piece: Vec<u8>) -> (Arc<Route>, Arc<AtomicUsize>) {
    let secured = Secured::new(&["h2"]).await;
    let (route, sent) = (Arc::clone(&secured.route), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&sent);
    tokio::spawn(async move {
        loop {
            let mut stream = secured.accept().await;
            let (piece, count) = (piece.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                drop(stream.write_all(&frame(4, 0, 0, &[])).await);
                // Until the request is here: its head is one frame, and its last.
                let mut came = Vec::new();
                while !came.windows(6).any(|bytes| bytes == [1, 5, 0, 0, 0, 1]) {
                    if stream.read_buf(&mut came).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                while stream.write_all(&piece).await.is_ok() {
                    count.fetch_add(piece.len(), Ordering::SeqCst);
                }
            });
        }
    });
    (route, sent)
}

#[tokio::test]
async fn a_flood_of_frames_that_say_nothing_ends_the_connection_and_not_the_house() {
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const PUSH_PROMISE: u8 = 5;
    const CONTINUATION: u8 = 9;
    let status = [0x88]; // `:status: 200`, indexed
    for (what, piece) in [
        // CVE-2024-27316 and its kin: a head without an end.
        ("continuations", [frame(HEADERS, 0, 1, &status), frame(CONTINUATION, 0, 1, &[0; 4_000]).repeat(100)].concat()),
        // CVE-2023-44487, from the other side.
        ("resets", [frame(HEADERS, 4, 1, &status), frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]).repeat(1_000)].concat()),
        ("resets of nothing", frame(RST_STREAM, 0, 7, &[0, 0, 0, 8])),
        ("promises", frame(PUSH_PROMISE, 4, 1, &[0, 0, 0, 2, 0x82])),
    ] {
        let (route, sent) = flooding(piece).await;
        let failure = failed(asked(&Client::default(), &route, get("/")).await);
        assert_eq!(failure.kind, FailureKind::ConnectionBroken, "{what}: {failure:?}");
        assert!(sent.load(Ordering::SeqCst) < 64 << 20, "{what}: it went on reading");
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_is_opened_anew_for_a_write_too() {
    let secured = Secured::new(&["h2"]).await;
    let route = Arc::clone(&secured.route);
    tokio::spawn(async move {
        for connection in 1.. {
            let mut server = h2::server::handshake(secured.accept().await).await.unwrap();
            let (_, respond) = server.accept().await.unwrap().unwrap();
            say(respond);
            if connection == 1 {
                server.graceful_shutdown();
            }
            tokio::spawn(async move { while server.accept().await.is_some() {} });
        }
    });
    let client = Client::default();
    asked(&client, &route, get("/")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(asked(&client, &route, post("/", "{}")).await.unwrap().body, "a");
}
