//! What is not sent whoever asks, and how fast refusals come.

use hyper::header::{HeaderName, HeaderValue};

use super::*;

/// Is it refused, and nothing sent?
async fn refused(request: Request) -> Failure {
    let server = Server::saying(ok("")).await;
    let failure = failed(asked(&Client::default(), &server.route(), request).await);
    assert_eq!(server.came(), 0);
    failure
}

fn with_header(name: &str, value: &str) -> Request {
    let headers = HeaderMap::from_iter([(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())]);
    Request { headers, ..get("/") }
}

#[tokio::test]
async fn what_could_name_another_host_or_break_the_framing_is_not_sent() {
    for path in [
        "",
        "x",
        "*",
        "http://evil.example/",
        "//evil.example/",
        "/a#b",
        "/a b",
        "/a\r\nHost: evil",
        "/a\tb",
        "/a\\b",
        "/é",
        "/<",
        "/\u{0}",
        "?x",
    ] {
        assert_eq!(refused(get(path)).await.kind, FailureKind::Unsupported, "{path:?}");
    }
    for method in [Method::CONNECT, Method::TRACE] {
        assert_eq!(refused(Request { method, ..get("/") }).await.kind, FailureKind::Unsupported);
    }
    for name in [
        "Host",
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "Expect",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Authorization",
        "Cookie",
    ] {
        let failure = refused(with_header(name, "evil.example")).await;
        assert!(
            failure.kind == FailureKind::Unsupported && failure.message.contains(&name.to_lowercase()),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn what_is_too_much_is_not_sent() {
    let many = |count: usize| {
        let named = |n: usize| (format!("x-{n}").parse::<HeaderName>().unwrap(), HeaderValue::from_static("y"));
        Request { headers: (0..count).map(named).collect(), ..get("/") }
    };
    let large = |length: usize| Request { body: Some(vec![b'x'; length].into()), ..post("/", "") };
    let long = |length: usize| get(&format!("/{}", "a".repeat(length - 1)));
    for request in [
        many(limits::REQUEST_HEADERS_MAX + 1),
        large(limits::REQUEST_BODY_BYTES_MAX + 1),
        long(limits::REQUEST_HEAD_BYTES_MAX + 1),
        with_header("x", &"y".repeat(limits::REQUEST_HEAD_BYTES_MAX)),
    ] {
        assert_eq!(refused(request).await.kind, FailureKind::QuotaExceeded);
    }
    let server = Server::saying(ok("")).await;
    for request in
        [many(limits::REQUEST_HEADERS_MAX), large(limits::REQUEST_BODY_BYTES_MAX), long(limits::REQUEST_HEAD_BYTES_MAX)]
    {
        asked(&Client::default(), &server.route(), request).await.unwrap();
    }
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn more_secrets_than_there_may_be_are_not_sent_or_captured() {
    let server = Server::saying(ok("")).await;
    let secrets = (0..=limits::PLACEMENTS_MAX).map(|n| placed(Placement::Query(n.to_string()), "s")).collect();
    let sent = send(&Client::default(), &egress(), &server.route(), get("/"), secrets, Vec::new(), soon()).await;
    assert_eq!(kind(sent), FailureKind::QuotaExceeded);
    let capture = |_| Capture { source: Source::Cookie("a".into()), name: "a".into(), ttl: Duration::ZERO };
    let captures = (0..=limits::CAPTURES_MAX).map(capture).collect();
    let sent = send(&Client::default(), &egress(), &server.route(), get("/"), Vec::new(), captures, soon()).await;
    assert_eq!(kind(sent), FailureKind::QuotaExceeded);
    assert_eq!(server.came(), 0);
}

#[tokio::test]
async fn a_guests_wish_for_another_compression_is_not_passed_on_and_its_name_is() {
    let server = Server::saying(ok("")).await;
    let mut request = with_header("Accept-Encoding", "br");
    request.headers.insert("user-agent", HeaderValue::from_static("mine/1"));
    asked(&Client::default(), &server.route(), request).await.unwrap();
    let sent = &server.asked()[0];
    assert_eq!((sent.header("accept-encoding"), sent.header("user-agent")), (Some("gzip, deflate"), Some("mine/1")));
    assert_eq!(sent.head.matches("accept-encoding").count(), 1);
}

#[tokio::test]
async fn refusals_of_the_gate_are_slowed_down_after_the_first_few() {
    let client = Client::default();
    let refused = Arc::new(Route { approved: false, ..route("http://127.0.0.1:9") });
    for _ in 0..limits::REFUSALS_BURST {
        assert_eq!(kind(asked(&client, &refused, get("/")).await), FailureKind::NotPermitted);
    }
    // The next one takes its time, and no more than the call has.
    let patient = tokio::time::timeout(limits::REFUSAL_INTERVAL / 4, asked(&client, &refused, get("/"))).await;
    assert!(patient.is_err(), "the refusal came at once");
    let end = within(Duration::from_millis(1));
    assert_eq!(kind(asked_until(&client, &refused, get("/"), end).await), FailureKind::NotPermitted);
    // Others are not.
    let other = Client::default();
    let first = tokio::time::timeout(Duration::from_secs(5), asked(&other, &refused, get("/"))).await;
    assert_eq!(kind(first.unwrap()), FailureKind::NotPermitted);
}
