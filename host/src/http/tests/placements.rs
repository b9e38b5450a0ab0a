//! Secrets on the wire: each where it belongs, as its form wants it, or not at all.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::placement::written;
use super::super::request::Wire;
use super::*;

/// What a server gets of a request with a secret.
async fn received(request: Request, placement: Placement, text: &str) -> Result<Asked, Failure> {
    let server = Server::saying(ok("{}")).await;
    let secrets = vec![placed(placement, text)];
    let sent = send(&Client::default(), &egress(), &server.route(), request, secrets, Vec::new(), soon()).await;
    match sent {
        Ok(_) => Ok(server.asked().remove(0)),
        Err(failure) => {
            assert!(server.asked().is_empty(), "it was sent although it was refused");
            Err(failure)
        }
    }
}

fn typed(request: Request, kind: &'static str) -> Request {
    let headers = HeaderMap::from_iter([(hyper::header::CONTENT_TYPE, kind.parse().unwrap())]);
    Request { headers, ..request }
}

#[tokio::test]
async fn a_secret_arrives_in_the_header_it_was_placed_in() {
    for (placement, name, value) in [
        (Placement::Bearer, "authorization", "Bearer s3cr:et"),
        // RFC 7617, 2: user, colon, password, in base64.
        (Placement::Basic { user: "ann".into() }, "authorization", "Basic YW5uOnMzY3I6ZXQ="),
        (Placement::Header { name: "X-Api-Key".into(), prefix: "Key ".into() }, "x-api-key", "Key s3cr:et"),
        (Placement::Header { name: "cookie".into(), prefix: "session=".into() }, "cookie", "session=s3cr:et"),
    ] {
        let asked = received(get("/a?b"), placement, "s3cr:et").await.unwrap();
        assert_eq!((asked.line(), asked.header(name)), ("GET /a?b HTTP/1.1", Some(value)));
    }
}

#[tokio::test]
async fn a_secret_arrives_percent_encoded_behind_the_query_and_the_form() {
    let asked = received(get("/a"), Placement::Query("key".into()), "a b&c=d+é").await.unwrap();
    assert_eq!(asked.line(), "GET /a?key=a%20b%26c%3Dd%2B%C3%A9 HTTP/1.1");
    let asked = received(get("/a?b=1"), Placement::Query("k y".into()), "s").await.unwrap();
    assert_eq!(asked.line(), "GET /a?b=1&k%20y=s HTTP/1.1");
    let form = typed(post("/a", "user=ann"), "application/x-www-form-urlencoded; charset=utf-8");
    let asked = received(form, Placement::FormField("password".into()), "a&user=root").await.unwrap();
    assert_eq!((asked.text(), asked.header("content-length")), ("user=ann&password=a%26user%3Droot", Some("33")));
    let asked = received(post("/a", ""), Placement::FormField("p".into()), "s").await.unwrap();
    let form_type = "application/x-www-form-urlencoded";
    assert_eq!((asked.text(), asked.header("content-type")), ("p=s", Some(form_type)));
}

#[tokio::test]
async fn a_secret_arrives_in_the_json_of_a_body_and_leaves_its_order_alone() {
    let body = r#"{"z":1,"user":{"password":"old","a/b":[1,"x"]},"a":2.50}"#;
    for (pointer, expected) in [
        ("/user/password", r#"{"z":1,"user":{"password":"q\"\\\né","a/b":[1,"x"]},"a":2.5}"#),
        ("/user/a~1b/1", r#"{"z":1,"user":{"password":"old","a/b":[1,"q\"\\\né"]},"a":2.5}"#),
        ("/new~0", r#"{"z":1,"user":{"password":"old","a/b":[1,"x"]},"a":2.5,"new~":"q\"\\\né"}"#),
        ("", r#""q\"\\\né""#),
    ] {
        let asked = received(post("/a", body), Placement::JsonPointer(pointer.into()), "q\"\\\né").await.unwrap();
        assert_eq!(asked.text(), expected, "{pointer}");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_stand_in_its_place_is_refused_and_nothing_is_sent() {
    let header = || Placement::Header { name: "x-key".into(), prefix: String::new() };
    for text in ["line\r\nx-evil: 1", "saved with a line break\n", "nul\0", " s3cret", "tab\t"] {
        for placement in [Placement::Bearer, header()] {
            let failure = failed(received(get("/"), placement, text).await);
            assert_eq!(failure.kind, FailureKind::CredentialDenied, "{text:?}");
            assert!(!failure.message.contains(text), "{failure:?}");
        }
    }
    assert!(Secret::new(Vec::new()).is_none(), "an empty one is refused before it gets here");
    let binary = Placed {
        placement: Placement::JsonPointer("/a".into()),
        secret: Material::Secret(Secret::new(vec![0xff]).unwrap()),
    };
    let nowhere = Arc::new(route("http://127.0.0.1:9"));
    let sent = send(&Client::default(), &egress(), &nowhere, post("/", "{}"), vec![binary], Vec::new(), soon()).await;
    assert_eq!(kind(sent), FailureKind::CredentialDenied);
}

#[tokio::test]
async fn a_place_that_is_not_there_or_is_taken_is_refused_and_nothing_is_sent() {
    let form = |body| typed(post("/", body), "application/x-www-form-urlencoded");
    for (request, placement) in [
        (post("/", "no json"), Placement::JsonPointer("/a".into())),
        (post("/", "[1]"), Placement::JsonPointer("/1".into())),
        (post("/", "[1]"), Placement::JsonPointer("/-".into())),
        (post("/", r#"{"a":1}"#), Placement::JsonPointer("/a/b".into())),
        (post("/", r#"{"a":1}"#), Placement::JsonPointer("/b/c".into())),
        (post("/", r#"{"a":1}"#), Placement::JsonPointer("a".into())),
        (get("/"), Placement::JsonPointer("/a".into())),
        (get("/"), Placement::Basic { user: "a:b".into() }),
        (get("/"), Placement::Header { name: "Host".into(), prefix: String::new() }),
        (get("/"), Placement::Header { name: "content-length".into(), prefix: String::new() }),
        (get("/"), Placement::Header { name: "Proxy-Authorization".into(), prefix: String::new() }),
        (get("/"), Placement::Header { name: "no name".into(), prefix: String::new() }),
        (get("/"), Placement::Header { name: "x".into(), prefix: "a\r\nb: ".into() }),
        (get("/?key=guess"), Placement::Query("key".into())),
        (get("/?k%65y=guess"), Placement::Query("key".into())),
        (form("a=1&p=guess"), Placement::FormField("p".into())),
        (typed(post("/", "{}"), "application/json"), Placement::FormField("p".into())),
    ] {
        let what = format!("{request:?} {placement:?}");
        let kind = kind(received(request, placement, "secret").await);
        assert!(matches!(kind, FailureKind::CredentialDenied | FailureKind::Unsupported), "{what}: {kind:?}");
    }
}

#[tokio::test]
async fn two_secrets_go_side_by_side_and_never_one_over_the_other() {
    let both = |first: Placement, second: Placement| {
        let body = r#"{"old":"","new":"","deep":{}}"#;
        let secrets = [(&first, secret("one")), (&second, secret("two"))];
        written(Wire::of(&post("/", body)), &secrets).map(|wire| String::from_utf8(wire.body.to_vec()).unwrap())
    };
    let json = |pointer: &str| Placement::JsonPointer(pointer.to_owned());
    assert_eq!(both(json("/new"), json("/old")).unwrap(), r#"{"old":"two","new":"one","deep":{}}"#);
    for (first, second) in [
        (json("/new"), json("/new")),
        (json("/deep/x"), json("/deep")),
        (Placement::Bearer, Placement::Basic { user: "a".into() }),
        (Placement::Query("k".into()), Placement::Query("k".into())),
    ] {
        assert_eq!(kind(both(first, second)), FailureKind::CredentialDenied);
    }
}

#[test]
fn a_request_that_is_held_elsewhere_has_no_secret_and_one_on_the_wire_does_not_show_it() {
    let request = post("/a", "{}");
    let places = [Placement::Bearer, Placement::Query("q".into()), Placement::JsonPointer("/p".into())];
    let secrets: Vec<_> = places.iter().map(|place| (place, secret("c4n4ry"))).collect();
    let wire = written(Wire::of(&request), &secrets).unwrap();
    assert!(wire.path.ends_with(b"?q=c4n4ry") && wire.body.as_ref() == br#"{"p":"c4n4ry"}"#);
    assert!(!format!("{:?}", wire.headers).contains("c4n4ry"));
    assert!(!format!("{request:?}").contains("c4n4ry"));
}

/// Bodies with a place in them, and the pointer to it.
fn places() -> impl Strategy<Value = (Value, String)> {
    let name = "[a-z~/%\"\\\\ é]{0,4}";
    (prop::collection::vec(name, 1..4), any::<i32>()).prop_map(|(names, other)| {
        let pointer = names.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect();
        let wrap = |inner: Value, name: &String| json!({ "first": other, name.as_str(): inner, "~last": [other] });
        (names.iter().rev().fold(json!("old"), wrap), pointer)
    })
}

proptest! {
    #[test]
    fn what_is_placed_in_json_is_what_is_read_there_and_all_else_stays(
        (body, pointer) in places(), text in "\\PC{1,40}|[\\x00-\\x7f]{1,40}"
    ) {
        let request = Request { body: Some(body.to_string().into()), ..post("/", "") };
        let placement = Placement::JsonPointer(pointer.clone());
        let wire = written(Wire::of(&request), &[(&placement, secret(&text))]).unwrap();
        let mut read: Value = serde_json::from_slice(&wire.body).unwrap();
        let place = read.pointer_mut(&pointer).unwrap();
        prop_assert_eq!(place.as_str(), Some(text.as_str()));
        *place = json!("old");
        prop_assert_eq!(read.to_string(), body.to_string());
    }

    #[test]
    fn what_is_placed_in_a_form_or_a_query_is_what_is_read_there(
        bytes in prop::collection::vec(any::<u8>(), 1..40), name in "\\PC{1,8}", before in "[a-z]{0,3}(=[a-z%&]{0,4})?"
    ) {
        let value = Secret::new(bytes.clone()).unwrap();
        let taken = form_urlencoded::parse(before.as_bytes()).any(|(known, _)| known == name);
        let request = Request { body: Some(before.clone().into()), ..post(&format!("/?{before}"), "") };
        for placement in [Placement::Query(name.clone()), Placement::FormField(name.clone())] {
            let wire = written(Wire::of(&request), &[(&placement, value.clone())]);
            if taken {
                prop_assert!(wire.is_err());
                continue;
            }
            let wire = wire.unwrap();
            let query = wire.path.split(|byte| *byte == b'?').next_back().unwrap();
            let text = if matches!(placement, Placement::Query(_)) { query } else { &wire.body };
            let (known, read) = form_urlencoded::parse(text).last().unwrap();
            prop_assert_eq!((known.as_ref(), read), (name.as_str(), String::from_utf8_lossy(&bytes)));
            prop_assert!(text.iter().all(|byte| byte.is_ascii_graphic()));
        }
    }
}
