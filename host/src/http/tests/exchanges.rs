//! Connections used again or not, requests sent again or not, and pauses that a server asks for.

use super::*;

/// Keeps the connection open without an answer.
fn nothing() -> Act {
    Act::Say(Vec::new())
}

#[tokio::test]
async fn without_a_permission_nothing_is_sent_in_the_open() {
    let server = Server::saying(ok("")).await;
    let protected = Arc::new(Route { plaintext: false, ..(*server.route()).clone() });
    let failure = failed(asked(&Client::default(), &protected, get("/")).await);
    assert_eq!(failure.kind, FailureKind::NotPermitted);
    assert!(failure.message.contains(&Permission::Plaintext { destination: "api".parse().unwrap() }.to_string()));
    let unapproved = Arc::new(Route { approved: false, ..(*server.route()).clone() });
    assert_eq!(kind(asked(&Client::default(), &unapproved, get("/")).await), FailureKind::NotPermitted);
    assert_eq!(server.came(), 0);
    let directory = Arc::new(route(&format!("ldap://127.0.0.1:{}", server.port)));
    assert_eq!(kind(asked(&Client::default(), &directory, get("/")).await), FailureKind::Unsupported);
}

#[tokio::test]
async fn a_connection_is_used_again_by_the_same_client_and_route_only() {
    let server = Server::saying(ok("a")).await;
    let (client, route) = (Client::default(), server.route());
    for _ in 0..3 {
        asked(&client, &route, get("/")).await.unwrap();
    }
    assert_eq!(server.came(), 1);
    asked(&client, &server.route(), get("/")).await.unwrap();
    asked(&Client::default(), &route, get("/")).await.unwrap();
    assert_eq!(server.came(), 3);
    client.forget();
    asked(&client, &route, get("/")).await.unwrap();
    assert_eq!(server.came(), 4);
}

#[tokio::test]
async fn a_connection_is_there_before_it_is_needed() {
    let server = Server::saying(ok("a")).await;
    let (client, route) = (Client::default(), server.route());
    client.warm(&egress(), &route, soon()).await.unwrap();
    client.warm(&egress(), &route, soon()).await.unwrap();
    asked(&client, &route, get("/")).await.unwrap();
    assert_eq!(server.came(), 1);
}

#[tokio::test]
async fn what_waits_for_an_answer_has_a_connection_of_its_own_up_to_a_number() {
    let server = Server::start(|_| nothing()).await;
    let (client, route) = (Client::default(), server.route());
    let waiting = (0..limits::CONNECTIONS_MAX).map(|_| {
        let (client, route) = (client.clone(), Arc::clone(&route));
        tokio::spawn(async move { asked(&client, &route, get("/")).await.map(drop) })
    });
    let waiting: Vec<_> = waiting.collect();
    while server.asked().len() < limits::CONNECTIONS_MAX {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let soon = || within(Duration::from_millis(100));
    let failure = failed(asked_until(&client, &route, post("/", "{}"), soon()).await);
    assert_eq!((failure.kind, failure.effect), (FailureKind::OperationTimeout, Effect::None), "nothing was sent");
    assert!(failure.message.contains("busy") && server.came() == limits::CONNECTIONS_MAX, "{failure:?}");
    // A call that is given up leaves its place to the next one.
    waiting[0].abort();
    assert_eq!(kind(asked_until(&client, &route, get("/"), soon()).await), FailureKind::OperationTimeout);
    assert_eq!(server.came(), limits::CONNECTIONS_MAX + 1);
}

#[tokio::test]
async fn who_waits_for_a_place_is_served_before_what_comes_back_is_kept() {
    let (server, other) = (Server::saying(ok("a")).await, Server::saying(ok("b")).await);
    let (client, route) = (Client::default(), server.route());
    let line = client.line(&route).unwrap();
    let mut leases = Vec::new();
    for _ in 0..limits::CONNECTIONS_MAX {
        leases.push(client.pool().lease(&egress(), &line, soon()).await.unwrap());
    }
    let late = [Arc::clone(&route), other.route()].map(|to| {
        let client = client.clone();
        tokio::spawn(async move { asked(&client, &to, get("/")).await.unwrap().body })
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    leases.into_iter().for_each(pool::Lease::give_back);
    for (call, body) in late.into_iter().zip(["a", "b"]) {
        assert_eq!(call.await.unwrap(), body);
    }
    assert_eq!((server.came(), other.came()), (limits::CONNECTIONS_MAX, 1), "one came back, one made room");
}

#[tokio::test]
async fn a_connection_that_waits_makes_room_for_one_that_is_needed() {
    let (one, other) = (Server::saying(ok("")).await, Server::start(|_| nothing()).await);
    let client = Client::default();
    asked(&client, &one.route(), get("/")).await.unwrap();
    let to = other.route();
    let calls = (0..limits::CONNECTIONS_MAX).map(|_| {
        let (client, to) = (client.clone(), Arc::clone(&to));
        tokio::spawn(async move { drop(asked_until(&client, &to, get("/"), within(Duration::from_millis(500))).await) })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(other.came(), limits::CONNECTIONS_MAX);
}

#[tokio::test]
async fn what_only_reads_is_sent_once_more_when_a_connection_of_the_pool_had_died() {
    let server = Server::start(|asked| if asked.nth == 2 { Act::Last(Vec::new()) } else { Act::Say(ok("a")) }).await;
    let (client, route) = (Client::default(), server.route());
    asked(&client, &route, get("/1")).await.unwrap();
    assert_eq!(asked(&client, &route, get("/2")).await.unwrap().body, "a");
    let line = |connection, path| (connection, format!("GET /{path} HTTP/1.1"));
    assert_eq!(server.lines(), [line(1, 1), line(1, 2), line(2, 2)]);
}

#[tokio::test]
async fn what_writes_is_never_sent_twice_and_its_outcome_is_unknown() {
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let server =
            Server::start(|asked| if asked.nth == 2 { Act::Last(Vec::new()) } else { Act::Say(ok("a")) }).await;
        let (client, route) = (Client::default(), server.route());
        asked(&client, &route, get("/1")).await.unwrap();
        let failure = failed(asked(&client, &route, Request { method, ..post("/2", "{}") }).await);
        assert_eq!((failure.kind, failure.effect), (FailureKind::OutcomeUnknown, Effect::Unknown), "{failure:?}");
        assert_eq!((server.asked().len(), server.came()), (2, 1));
    }
}

#[tokio::test]
async fn what_breaks_on_a_new_connection_is_not_tried_again() {
    let server = Server::start(|_| Act::Last(Vec::new())).await;
    assert_eq!(kind(asked(&Client::default(), &server.route(), get("/")).await), FailureKind::ConnectionBroken);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(kind(asked(&Client::default(), &server.route(), post("/", "")).await), FailureKind::OutcomeUnknown);
    let nobody = Arc::new(route("http://127.0.0.1:1"));
    let failure = failed(asked(&Client::default(), &nobody, post("/", "")).await);
    assert_eq!((failure.kind, failure.effect), (FailureKind::ConnectionFailed, Effect::None), "nothing was sent");
}

#[tokio::test]
async fn a_connection_that_was_closed_in_the_pool_is_noticed_before_a_write_is_sent_on_it() {
    let server = Server::start(|asked| if asked.nth == 1 { Act::Last(ok("a")) } else { Act::Say(ok("b")) }).await;
    let (client, route) = (Client::default(), server.route());
    asked(&client, &route, get("/")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(asked(&client, &route, post("/", "{}")).await.unwrap().body, "b");
    assert_eq!(server.lines(), [(1, "GET / HTTP/1.1".to_owned()), (2, "POST / HTTP/1.1".to_owned())]);
}

#[tokio::test]
async fn no_redirect_is_followed_wherever_it_leads() {
    let canary = Server::saying(ok("")).await;
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let place = format!("http://127.0.0.1:{}/latest/meta-data", canary.port);
        let headers =
            format!("Location: {place}\r\nRefresh: 0; url={place}\r\nAlt-Svc: h2=\"127.0.0.1:{}\"\r\n", canary.port);
        let server = Server::saying(answer(status, &headers, "moved")).await;
        let (client, route) = (Client::default(), server.route());
        let secrets = vec![placed(Placement::Bearer, "secret")];
        for _ in 0..2 {
            let response =
                send(&client, &egress(), &route, get("/"), secrets.clone(), Vec::new(), soon()).await.unwrap();
            assert_eq!(response.status.as_str(), &status[..3]);
            assert_eq!(
                (response.headers["location"].to_str().unwrap(), response.body.as_ref()),
                (place.as_str(), &b"moved"[..])
            );
        }
        assert_eq!(server.asked().len(), 2);
    }
    assert_eq!(canary.came(), 0);
}

const LATER: &str = "Retry-After: 0\r\n";

#[tokio::test]
async fn a_server_that_wants_a_pause_gets_it_and_then_the_request_again() {
    for (status, request) in [
        ("429 Too Many Requests", post("/", "{}")),
        ("429 Too Many Requests", get("/")),
        ("503 Service Unavailable", get("/")),
    ] {
        let server = Server::start(move |asked| {
            Act::Say(if asked.nth <= 2 { answer(status, LATER, "later") } else { ok("now") })
        });
        let server = server.await;
        let sent = asked(&Client::default(), &server.route(), request).await.unwrap();
        assert_eq!((sent.status, sent.body.as_ref()), (StatusCode::OK, &b"now"[..]));
        assert_eq!((server.asked().len(), server.came()), (3, 1));
        assert!(server.asked().windows(2).all(|two| two[0].body == two[1].body && two[0].head == two[1].head));
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_not_asked_for_again_after_503() {
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let server = Server::saying(answer("503 Service Unavailable", LATER, "")).await;
        let request = Request { method, ..post("/", "{}") };
        let failure = failed(asked(&Client::default(), &server.route(), request).await);
        assert_eq!((failure.kind, failure.effect), (FailureKind::TargetMaintenance, Effect::Unknown));
        assert_eq!((failure.retry_after_ms, failure.code.as_deref()), (Some(100), Some("http:503")));
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_pause_that_is_too_long_for_the_call_is_told_and_kept_by_everybody() {
    for (status, kind) in [
        ("429 Too Many Requests", FailureKind::RateLimited),
        ("503 Service Unavailable", FailureKind::TargetMaintenance),
    ] {
        let server = Server::saying(answer(status, "Retry-After: 40\r\n", "")).await;
        let (client, route) = (Client::default(), server.route());
        let failure = failed(asked(&client, &route, get("/")).await);
        assert_eq!((failure.kind, failure.effect), (kind, Effect::None));
        assert_eq!(failure.retry_after_ms, Some(40_000));
        // Another call learns it without asking, also one that writes.
        let failure = failed(asked(&client, &route, post("/other", "{}")).await);
        assert_eq!((failure.kind, failure.effect), (kind, Effect::None));
        assert!(failure.retry_after_ms.unwrap() <= 40_000);
        assert_eq!(server.asked().len(), 1);
        client.forget();
        assert_eq!(failed(asked(&client, &route, get("/")).await).kind, kind);
        assert_eq!(server.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_pause_until_a_date_is_read_by_the_clock_and_others_wait_for_it() {
    let clock = crate::clock::Clock::manual("2026-11-22T13:00:00Z".parse().unwrap());
    let later = answer("429 Too Many Requests", "Retry-After: Sun, 22 Nov 2026 13:00:01 GMT\r\n", "");
    let server = Server::start(move |asked| Act::Say(if asked.nth == 1 { later.clone() } else { ok("") })).await;
    let (client, route) = (Client::new(clock), server.route());
    let first = {
        let (client, route) = (client.clone(), Arc::clone(&route));
        tokio::spawn(async move { asked(&client, &route, get("/first")).await })
    };
    while server.asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = failed(asked_until(&client, &route, get("/second"), within(Duration::from_millis(100))).await);
    assert_eq!(second.kind, FailureKind::RateLimited);
    assert_eq!(asked(&client, &route, get("/third")).await.unwrap().status, StatusCode::OK);
    assert_eq!(first.await.unwrap().unwrap().status, StatusCode::OK);
    assert!(!server.lines().iter().any(|(_, line)| line.contains("second")));
}

#[tokio::test]
async fn a_status_without_a_pause_is_an_answer_like_any_other() {
    for (status, headers) in [
        ("429 Too Many Requests", ""),
        ("503 Service Unavailable", "Retry-After: soon\r\n"),
        ("500 Internal Server Error", LATER),
        ("401 Unauthorized", LATER),
    ] {
        let server = Server::saying(answer(status, headers, "why")).await;
        let response = asked(&Client::default(), &server.route(), post("/", "{}")).await.unwrap();
        assert_eq!((response.status.as_str(), response.body.as_ref()), (&status[..3], &b"why"[..]));
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_wants_a_pause_for_ever_is_not_asked_for_ever() {
    let server = Server::saying(answer("429 Too Many Requests", LATER, "")).await;
    let failure =
        failed(asked_until(&Client::default(), &server.route(), get("/"), within(Duration::from_secs(1))).await);
    assert_eq!(failure.kind, FailureKind::RateLimited);
    assert!(server.asked().len() <= 5, "{} times", server.asked().len());
}
