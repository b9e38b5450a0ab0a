//! Answers that lie, that do not end, that are not what they seem, or that bring secrets.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::*;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn raw(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn coded(coding: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", &format!("Content-Encoding: {coding}\r\n"), body)
}

/// What an answer to a `GET` is, and whether its connection was used for the next one.
async fn got(bytes: Vec<u8>) -> (Result<Response, Failure>, bool) {
    let server = Server::start(move |asked| Act::Say(if asked.nth == 1 { bytes.clone() } else { ok("second") })).await;
    let (client, route) = (Client::default(), server.route());
    let first = asked_until(&client, &route, get("/1"), within(Duration::from_secs(2))).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let second = asked(&client, &route, get("/2")).await.unwrap();
    assert_eq!(second.body, "second", "the next exchange got something else's answer");
    (first, server.came() == 1)
}

#[tokio::test]
async fn framing_that_can_be_read_in_two_ways_is_refused_and_its_connection_closed() {
    for (what, bytes) in [
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned()),
        ("two lengths in one", "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab".to_owned()),
        ("a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na".to_owned()),
        (
            "a chunk that is none",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na\r\n0\r\n\r\n".to_owned(),
        ),
        ("a folded header", "HTTP/1.1 200 OK\r\nX-A: b\r\n c: d\r\nContent-Length: 0\r\n\r\n".to_owned()),
        ("a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n".to_owned()),
        ("no name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n".to_owned()),
        ("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned()),
        (
            "another protocol",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned(),
        ),
        ("many headers", format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(40_000))),
        ("a huge value", format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20))),
        ("a cut body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\na".to_owned()),
    ] {
        let (first, again) = if what == "a cut body" {
            let server = Server::start(move |_| Act::Last(bytes.clone().into())).await;
            (asked(&Client::default(), &server.route(), get("/")).await, false)
        } else {
            got(bytes.into()).await
        };
        assert_eq!(kind(first), FailureKind::ConnectionBroken, "{what}");
        assert!(!again, "{what}: the connection was used again");
    }
}

#[tokio::test]
async fn what_follows_an_answer_is_never_the_answer_to_the_next_request() {
    let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled";
    for (what, first) in [
        ("behind a length", format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst{smuggled}")),
        // RFC 9112, 6.3: the chunks count, the length does not.
        (
            "behind chunks and a length",
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n{smuggled}"
            ),
        ),
        ("behind no body", format!("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n{smuggled}")),
    ] {
        let (answered, again) = got(first.into()).await;
        let body = answered.unwrap().body;
        assert!(body == "first" || body.is_empty(), "{what}: {body:?}");
        assert!(!again, "{what}: the connection was used again");
    }
}

#[tokio::test]
async fn a_connection_whose_answer_was_not_read_is_not_used_again() {
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", 1 << 20, "a".repeat(1 << 20));
    let server = Server::start(move |asked| Act::Say(if asked.nth == 1 { long.clone().into() } else { ok("b") })).await;
    let (client, route) = (Client::default(), server.route());
    let mut unread = opened(&client, &route, get("/1")).await.unwrap();
    assert!(!unread.read(10, soon()).await.unwrap().is_empty());
    drop(unread);
    asked(&client, &route, get("/2")).await.unwrap();
    assert_eq!(server.came(), 2, "the answer to the first was not read");
}

#[tokio::test]
async fn a_connection_whose_answer_came_before_the_request_was_whole_is_not_used_again() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let early = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        first.write_all(&answer("413 Content Too Large", "", "no")).await.unwrap();
        let (mut second, _) = listener.accept().await.unwrap();
        second.write_all(&ok("b")).await.unwrap();
        // The first is still open: only now may it go.
        drop(first);
    });
    let (client, route) = (Client::default(), Arc::new(route(&format!("http://127.0.0.1:{port}"))));
    let large = Request { body: Some(vec![b'x'; limits::REQUEST_BODY_BYTES_MAX].into()), ..post("/", "") };
    let first = asked(&client, &route, large).await;
    assert!(first.is_err() || first.is_ok_and(|first| first.status == 413));
    assert!(asked(&client, &route, get("/2")).await.is_ok());
    early.await.unwrap();
}

#[tokio::test]
async fn trailers_reach_nobody() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: host\r\n\r\n1\r\na\r\n0\r\nHost: evil.example\r\nAuthorization: Bearer x\r\n\r\n";
    let (answered, again) = got(chunked.into()).await;
    let answered = answered.unwrap();
    assert!(
        answered.body == "a"
            && answered.headers.get("host").is_none()
            && answered.headers.get("authorization").is_none()
    );
    assert!(again);
}

#[tokio::test]
async fn a_compressed_answer_is_read_as_what_it_was() {
    let plain = "words ".repeat(100_000);
    let two = [gzip(b"first "), gzip(b"second")].concat();
    for (coding, bytes, expected) in [
        ("gzip", gzip(plain.as_bytes()), plain.as_str()),
        ("GZIP", gzip(b""), ""),
        ("x-gzip", two, "first second"),
        ("deflate", zlib(plain.as_bytes()), plain.as_str()),
        ("identity", b"plain".to_vec(), "plain"),
    ] {
        let (answered, again) = got(coded(coding, bytes)).await;
        let answered = answered.unwrap();
        assert_eq!(answered.body, expected, "{coding}");
        assert!(coding == "identity" || answered.headers.get("content-encoding").is_none());
        assert!(again, "{coding}");
    }
    let server = Server::saying(coded("gzip", "")).await;
    let head = Request { method: Method::HEAD, ..get("/") };
    assert_eq!(asked(&Client::default(), &server.route(), head).await.unwrap().body, "");
    assert_eq!(server.asked()[0].header("accept-encoding"), Some("gzip, deflate"));
}

#[tokio::test]
async fn a_compressed_answer_that_is_garbled_cut_or_unasked_for_is_refused() {
    let whole = gzip("words ".repeat(1_000).as_bytes());
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let behind = [whole.clone(), b"more".to_vec()].concat();
    for (what, bytes) in [
        ("cut", coded("gzip", &whole[..whole.len() - 9])),
        ("cut in its end", coded("gzip", &whole[..whole.len() - 1])),
        ("flipped", coded("gzip", flipped)),
        ("followed by something", coded("gzip", behind)),
        ("none", coded("gzip", "plain text")),
        ("cut", coded("deflate", &zlib(b"words words")[..8])),
        ("of no frame", coded("deflate", raw(b"words"))),
        ("twice", coded("gzip, gzip", gzip(&whole))),
        ("twice", coded("gzip\r\nContent-Encoding: gzip", gzip(&whole))),
        ("unknown", coded("br", "abc")),
    ] {
        assert_eq!(kind(got(bytes).await.0), FailureKind::ConnectionBroken, "{what}");
    }
}

#[tokio::test]
async fn an_answer_larger_than_what_is_held_is_refused_however_small_it_came() {
    let bomb = gzip(&vec![0; limits::ANSWER_BODY_BYTES_MAX + 1]);
    assert!(bomb.len() < 1 << 20);
    let (answered, _) = got(coded("gzip", &bomb)).await;
    assert_eq!(kind(answered), FailureKind::QuotaExceeded);
    let (answered, _) = got(ok(vec![b'a'; limits::ANSWER_BODY_BYTES_MAX])).await;
    assert_eq!(answered.unwrap().body.len(), limits::ANSWER_BODY_BYTES_MAX);
    let server = Server::start(|_| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        Act::Endless(head.into(), format!("10000\r\n{}\r\n", "a".repeat(0x10000)).into(), Duration::ZERO)
    });
    let endless = server.await;
    assert_eq!(kind(asked(&Client::default(), &endless.route(), get("/")).await), FailureKind::QuotaExceeded);
    let failure = failed(asked(&Client::default(), &endless.route(), post("/", "{}")).await);
    assert_eq!((failure.kind, failure.effect), (FailureKind::QuotaExceeded, Effect::Unknown));
}

#[tokio::test]
async fn a_download_gives_no_more_at_once_than_is_asked_for() {
    let plain = vec![7; 3 << 20];
    for bytes in [coded("gzip", gzip(&plain)), ok(&plain)] {
        let server = Server::saying(bytes).await;
        let (client, route) = (Client::default(), server.route());
        let mut download = opened(&client, &route, get("/")).await.unwrap();
        assert_eq!(download.status, StatusCode::OK);
        let mut read = 0;
        loop {
            let piece = download.read(1_000, soon()).await.unwrap();
            assert!(piece.len() <= 1_000 && piece.iter().all(|byte| *byte == 7));
            if piece.is_empty() {
                break;
            }
            read += piece.len();
        }
        assert_eq!(read, plain.len());
        assert!(download.read(1, soon()).await.unwrap().is_empty());
        asked(&client, &route, get("/")).await.unwrap();
        assert_eq!(server.came(), 1, "what was read to its end leaves its connection free");
    }
}

#[tokio::test]
async fn a_download_that_broke_never_looks_like_one_that_ended() {
    let server = Server::start(|_| Act::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec())).await;
    let mut download = opened(&Client::default(), &server.route(), get("/")).await.unwrap();
    assert_eq!(download.read(9, soon()).await.unwrap(), "half");
    for _ in 0..3 {
        assert_eq!(kind(download.read(9, soon()).await), FailureKind::ConnectionBroken);
    }
}

#[tokio::test]
async fn downloads_that_nobody_reads_leave_room_for_others() {
    let server = Server::saying(ok("body")).await;
    let (client, route) = (Client::default(), server.route());
    let mut downloads = Vec::new();
    for _ in 0..limits::DOWNLOADS_MAX {
        downloads.push(opened(&client, &route, get("/")).await.unwrap());
    }
    let end = within(Duration::from_millis(50));
    let one_more = open(&client, &egress(), &route, get("/"), Vec::new(), Vec::new(), end).await;
    assert_eq!(kind(one_more), FailureKind::OperationTimeout);
    asked(&client, &route, get("/")).await.unwrap();
    downloads.pop();
    opened(&client, &route, get("/")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_answers_never_or_drop_by_drop_costs_the_call_its_deadline() {
    let drop_by_drop = |start: &'static str| {
        Server::start(move |_| Act::Endless(start.into(), b"x".to_vec(), Duration::from_millis(10)))
    };
    let chunks = |piece: &'static str| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        Server::start(move |_| Act::Endless(head.into(), piece.into(), Duration::from_millis(10)))
    };
    for server in [
        Server::saying("").await,
        drop_by_drop("HTTP/1.1 200 OK\r\nX-A: ").await,
        drop_by_drop("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await,
        chunks("1\r\na\r\n").await,
        Server::start(|_| {
            Act::Endless(Vec::new(), b"HTTP/1.1 102 Processing\r\n\r\n".to_vec(), Duration::from_millis(10))
        })
        .await,
    ] {
        let short = || within(Duration::from_millis(300));
        let failure = failed(asked_until(&Client::default(), &server.route(), get("/"), short()).await);
        assert_eq!((failure.kind, failure.effect), (FailureKind::OperationTimeout, Effect::None));
        let failure = failed(asked_until(&Client::default(), &server.route(), post("/", "{}"), short()).await);
        assert_eq!((failure.kind, failure.effect), (FailureKind::OutcomeUnknown, Effect::Unknown));
    }
}

/// Sends with captures.
async fn captured(bytes: Vec<u8>, sources: Vec<Source>) -> Result<Response, Failure> {
    let server = Server::saying(bytes).await;
    let capture = |source| Capture { source, name: "session".into(), ttl: Duration::from_secs(60) };
    let captures = sources.into_iter().map(capture).collect();
    send(&Client::default(), &egress(), &server.route(), post("/", "{}"), Vec::new(), captures, soon()).await
}

fn secrets(response: &Response) -> Vec<&str> {
    response.captured.iter().map(|captured| std::str::from_utf8(captured.secret.expose()).unwrap()).collect()
}

#[tokio::test]
async fn a_secret_of_an_answer_is_taken_out_wherever_it_stands() {
    let headers = "X-Subject-Token: t0ken\r\nX-Subject-Token: t0ken-too\r\nSet-Cookie: other=1; Path=/\r\nSet-Cookie: sid=c00kie; HttpOnly; Path=/\r\n";
    let body = r#"{"z":1,"auth":{"access":["x",{"token":"j5on"}]},"a":2}"#;
    let sources = vec![
        Source::Header("x-subject-token".into()),
        Source::Cookie("sid".into()),
        Source::JsonPointer("/auth/access/1/token".into()),
    ];
    let response = captured(answer("201 Created", headers, body), sources).await.unwrap();
    assert_eq!(secrets(&response), ["t0ken", "c00kie", "j5on"]);
    let seen: Vec<_> =
        response.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    assert!(seen.contains(&"set-cookie: sid=***; HttpOnly; Path=/".to_owned()), "{seen:?}");
    assert!(seen.contains(&"set-cookie: other=1; Path=/".to_owned()), "{seen:?}");
    assert_eq!(seen.iter().filter(|header| *header == "x-subject-token: ***").count(), 2);
    assert_eq!(response.body, r#"{"z":1,"auth":{"access":["x",{"token":"***"}]},"a":2}"#);
}

#[tokio::test]
async fn what_is_not_there_is_not_captured_and_what_is_no_text_is_not_shown_either() {
    let pointer = |pointer: &str| vec![Source::JsonPointer(pointer.to_owned())];
    for (body, pointer, seen) in [
        (r#"{"a": null}"#, pointer("/a"), r#"{"a": null}"#),
        (r#"{"a": null}"#, pointer("/b"), r#"{"a": null}"#),
        (r#"{"a": {"token": "x"}}"#, pointer("/a"), r#"{"a":"***"}"#),
        (r#"{"a": ""}"#, pointer("/a"), r#"{"a":"***"}"#),
        ("", pointer(""), ""),
    ] {
        let response = captured(ok(body), pointer).await.unwrap();
        assert!(response.captured.is_empty(), "{body}");
        assert_eq!(response.body, seen);
    }
    let cookies = "Set-Cookie: sid=; Max-Age=0\r\nSet-Cookie: sidx=1\r\nSet-Cookie: sid\r\n";
    let response = captured(answer("200 OK", cookies, ""), vec![Source::Cookie("sid".into())]).await.unwrap();
    assert!(response.captured.is_empty());
    for odd in [Source::Header("no name".into()), Source::JsonPointer("a".into()), Source::Cookie(String::new())] {
        assert_eq!(kind(captured(ok(""), vec![odd]).await), FailureKind::Unsupported);
    }
}

#[tokio::test]
async fn what_may_hold_a_secret_and_cannot_be_looked_into_is_not_shown() {
    let pointer = || vec![Source::JsonPointer("/token".to_owned())];
    let failure = failed(captured(ok("\u{feff}{\"token\": \"j5on\"}"), pointer()).await);
    assert_eq!((failure.kind, failure.effect), (FailureKind::OutcomeUnknown, Effect::Unknown));
    assert!(!failure.message.contains("j5on"), "{}", failure.message);
    let long = format!("{{\"pad\": \"{}\", \"token\": \"j5on\"}}", "x".repeat(limits::JSON_BYTES_MAX));
    for status in ["200 OK", "502 Bad Gateway"] {
        let failure = failed(captured(answer(status, "", &long), pointer()).await);
        assert!(!failure.message.contains("j5on") && failure.message.contains("too long"), "{}", failure.message);
    }
    // Nothing was granted: what it says helps whoever looks for the cause.
    let refused = captured(answer("502 Bad Gateway", "", "<html>"), pointer()).await.unwrap();
    assert_eq!(refused.body, "<html>");
}

#[tokio::test]
async fn a_download_brings_secrets_in_its_headers_only() {
    let server = Server::saying(answer("200 OK", "X-Token: t0ken\r\n", "body")).await;
    let download = |source| {
        let captures = vec![Capture { source, name: "t".into(), ttl: Duration::ZERO }];
        let route = server.route();
        async move { open(&Client::default(), &egress(), &route, get("/"), Vec::new(), captures, soon()).await }
    };
    let got = download(Source::Header("x-token".into())).await.unwrap();
    assert_eq!((got.captured[0].secret.expose(), got.headers["x-token"].as_bytes()), (&b"t0ken"[..], &b"***"[..]));
    assert_eq!(kind(download(Source::JsonPointer("/a".into())).await), FailureKind::Unsupported);
    assert_eq!(server.asked().len(), 1);
}
