//! A connector that asks of web services what no connector may, against services that write down every byte. The guest is
//! `tests/guests/poacher`: "poacher".

use hawser::cli::demo::server::ca::Ca;
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::sink::{ACCESS_TOKEN, BODY, COOKIE, SESSION, Sink};
use serde_json::{Value as Json, json};

const TOKEN: &str = "tok/+\"%? of-the-api";
const CLIENT: &str = "cl1ent-s3cret-of-the-api";

/// A connection of the poacher, everything approved but one place and one method.
struct Hunt {
    bed: Bed,
    body: Json,
    api: Sink,
    elsewhere: Sink,
    plain: Sink,
}

async fn hunt() -> Hunt {
    let folder = tempfile::tempdir().unwrap();
    let ca = Ca::create(&folder.path().join("ca")).unwrap();
    let identity = ca.server("service", &["127.0.0.1"]).unwrap();
    let (api, elsewhere, plain) = (Sink::tls(&identity).await, Sink::tls(&identity).await, Sink::plain().await);
    let house = House::shared_web().await;
    let bed = Bed::bare(house, People::new(0, 0)).await;
    let roots = json!({"roots": ca.pem().unwrap()});
    let body = json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/poacher", "version": "^0.1", "title": "Poacher",
        "options": {
            "host": "127.0.0.1", "port": api.port(), "other-port": elsewhere.port(), "plain-port": plain.port(),
            "base": "/v2/",
        },
        "destinations": {"api": roots, "elsewhere": roots},
        "securedOptions": {
            "token": {"value": TOKEN}, "other": {"value": "a token for elsewhere"}, "client": {"value": CLIENT},
            "signing": {"value": "s1gn1ng-key-of-the-api"},
        },
    });
    bed.create(&body).await;
    bed.approve(&["network:api:loopback", "network:elsewhere:loopback", "network:plain:loopback"]).await;
    bed.withdraw(&["destination:unapproved:https://192.0.2.1:443", "send:token@api:bearer:DELETE:{base}"]).await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    Hunt { bed, body, api, elsewhere, plain }
}

impl Hunt {
    async fn findings(&self, aspect: &str) -> Vec<Json> {
        let answer = self.bed.core.post(&self.bed.at("/check"), &json!({"aspect": aspect})).await.expect(200).json();
        answer["findings"].as_array().unwrap().clone()
    }
}

/// The kind of the problem that a misdeed met, by what the poacher calls it; none where the door was open.
fn met<'a>(findings: &'a [Json], what: &str) -> Option<&'a str> {
    let what = format!("{what}: ");
    let told = |finding: &&Json| finding["problem"]["detail"].as_str().is_some_and(|told| told.starts_with(&what));
    if let Some(found) = findings.iter().find(told) {
        return found["problem"]["kind"].as_str();
    }
    let open = findings.iter().any(|finding| finding["text"] == format!("{what}the door was open"));
    assert!(open, "{what} {findings:?}");
    None
}

#[tokio::test]
async fn a_request_goes_where_it_may_and_is_what_it_was_judged_as() {
    let hunt = hunt().await;
    let told = hunt.findings("connect").await;
    for what in [
        "go where the manifest does not say",
        "go to an address",
        "go where nobody approved it",
        "go without encryption",
    ] {
        assert_eq!(met(&told, what), Some("not-permitted"), "{what}: {told:?}");
    }
    assert_eq!(met(&told, "a header in a header's value"), Some("unsupported"));
    assert_eq!(met(&told, "forty thousand headers"), Some("quota-exceeded"));
    for kind in ["path", "method", "header"] {
        let all: Vec<&Json> = told.iter().filter(|it| it.to_string().contains(&format!("\"{kind} \\\""))).collect();
        let expected = match kind {
            "path" => 17,
            "method" => 6,
            _ => 19,
        };
        assert_eq!(all.len(), expected, "{kind}: {told:?}");
        assert!(all.iter().all(|finding| finding["problem"]["kind"] == "unsupported"), "{kind}: {all:?}");
    }
    assert!(told.iter().any(|finding| finding["text"] == "a redirect is an answer"), "{told:?}");
    for named in ["destination:unapproved:https://192.0.2.1:443", "plaintext:plain"] {
        assert!(format!("{told:?}").contains(named), "{named} is not named: {told:?}");
    }
    // One request of all of these was none that had to be refused.
    let seen = hunt.api.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let place = format!("host: 127.0.0.1:{}\r\n", hunt.api.port());
    assert!(seen[0].starts_with("GET /v2/moved HTTP/1.1\r\n") && seen[0].contains(&place), "{seen:?}");
    assert_eq!((hunt.elsewhere.seen().len(), hunt.plain.seen().len()), (0, 0));
}

#[tokio::test]
async fn a_secret_is_written_where_its_permission_says_and_nowhere_else() {
    let hunt = hunt().await;
    let told = hunt.findings("complete").await;
    assert_eq!(met(&told, "take the token where it belongs"), None);
    for (what, kind) in [
        ("take the token elsewhere", "not-permitted"),
        ("take the other token here", "not-permitted"),
        ("use a method nobody asked for", "not-permitted"),
        ("use a method nobody approved", "not-permitted"),
        ("leave the path", "not-permitted"),
        ("leave the path by its name", "not-permitted"),
        ("leave the path by an encoded slash", "not-permitted"),
        ("leave the path by its case", "not-permitted"),
        ("leave the path upwards", "unsupported"),
        ("place it in another header", "not-permitted"),
        ("place it in the header of another path", "not-permitted"),
        ("place it as basic", "not-permitted"),
        ("place it in the query", "not-permitted"),
        ("place it in the host's header", "not-permitted"),
        ("place it in a header that is none", "unsupported"),
        ("send a key that signs", "credential-denied"),
        ("send the client's secret itself", "credential-denied"),
        ("send what it sealed", "credential-denied"),
        ("send it without encryption", "not-permitted"),
    ] {
        assert_eq!(met(&told, what), Some(kind), "{what}: {told:?}");
    }
    let text = format!("{told:?}");
    let named = "not permitted: send:token@api:bearer:DELETE:{base}; an operator can approve it";
    assert!(text.contains(named), "{text}");
    assert!(text.contains("the manifest does not ask to send"), "{text}");
    let seen = hunt.api.seen();
    let with_token: Vec<&String> = seen.iter().filter(|request| request.contains(TOKEN)).collect();
    assert_eq!(with_token.len(), 1, "{seen:?}");
    assert!(with_token[0].starts_with("GET /v2/users HTTP/1.1\r\n"), "{seen:?}");
    assert!(with_token[0].contains(&format!("authorization: Bearer {TOKEN}\r\n")), "{seen:?}");
    assert_eq!((hunt.elsewhere.seen().len(), hunt.plain.seen().len()), (0, 0));
}

#[tokio::test]
async fn what_an_answer_brings_is_a_handle_that_goes_back_to_where_it_came_from() {
    let hunt = hunt().await;
    let told = hunt.findings("complete").await;
    let login = told.iter().find_map(|finding| finding["text"].as_str().filter(|text| text.contains("of the login")));
    let login = login.unwrap_or_else(|| panic!("{told:?}"));
    assert!(!login.contains("s3ss1on") && login.contains("***") && login.contains("me"), "{login}");
    for name in ["session", "cookie", "body"] {
        assert_eq!(met(&told, &format!("take {name} back")), None, "{told:?}");
        assert_eq!(met(&told, &format!("take {name} elsewhere")), Some("credential-denied"), "{told:?}");
        for misleading in ["X-Original-URL", "X_HTTP_Method_Override", "x-forwarded-host"] {
            let what = format!("write {name} into {misleading}");
            assert_eq!(met(&told, &what), Some("credential-denied"), "{told:?}");
        }
        assert_eq!(met(&told, &format!("keep {name} under another name")), Some("credential-denied"), "{told:?}");
        assert_eq!(met(&told, &format!("verify {name}")), Some("credential-denied"), "{told:?}");
    }
    let seen = hunt.api.seen();
    for secret in [SESSION, COOKIE, BODY] {
        let back = format!("cookie: sid={secret}\r\n");
        assert_eq!(seen.iter().filter(|request| request.contains(&back)).count(), 1, "{secret}: {seen:?}");
    }
    assert_eq!(hunt.elsewhere.seen().len(), 0);
}

#[tokio::test]
async fn a_token_comes_from_its_endpoint_and_goes_where_what_it_came_of_may() {
    let hunt = hunt().await;
    let told = hunt.findings("incremental").await;
    assert_eq!(met(&told, "fetch a token where they are"), None, "{told:?}");
    assert_eq!(met(&told, "take it where it belongs"), None, "{told:?}");
    for (what, kind) in [
        ("fetch a token with another secret", "credential-denied"),
        ("fetch a token from another path", "not-permitted"),
        ("fetch a token from below", "not-permitted"),
        ("fetch a token elsewhere", "not-permitted"),
        ("take it elsewhere", "not-permitted"),
        ("take it by another method", "not-permitted"),
        ("take it to another path", "not-permitted"),
    ] {
        assert_eq!(met(&told, what), Some(kind), "{what}: {told:?}");
    }
    assert!(met(&told, "fetch a token by another grant").is_some(), "{told:?}");
    let seen = hunt.api.seen();
    let fetched = seen.iter().filter(|request| request.starts_with("POST /token HTTP/1.1\r\n")).count();
    assert_eq!(fetched, 1, "one token does for the whole connection: {seen:?}");
    assert!(
        seen.iter().any(|request| request.contains(&format!("authorization: Bearer {ACCESS_TOKEN}\r\n"))),
        "{seen:?}"
    );
    assert!(seen.iter().filter(|request| request.contains(CLIENT)).count() == 1, "{seen:?}");
}

#[tokio::test]
async fn a_password_of_the_call_stands_in_the_body_it_belongs_to_and_the_guest_never_had_it() {
    let hunt = hunt().await;
    let path = hunt.bed.at("/objects/account/7/password");
    let told = hunt.bed.core.put(&path, &json!({"new": "N3w \"Pass\""})).await.refusal().detail().to_owned();
    assert!(told.contains("set it where it belongs: the door was open"), "{told}");
    for what in ["set it by another method", "set somebody else's", "write it where it can be read", "log in with it"] {
        assert!(told.contains(&format!("{what}: FailureKind::NotPermitted")), "{what}: {told}");
    }
    let seen = hunt.api.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].starts_with("PUT /users/7 HTTP/1.1\r\n"), "{seen:?}");
    assert!(seen[0].ends_with(r#"{"id":"7","password":"N3w \"Pass\""}"#), "{seen:?}");
}

#[tokio::test]
async fn an_answer_with_a_secret_in_it_never_gets_to_the_guest() {
    let hunt = hunt().await;
    let asked = async |form: &str| {
        let body = json!({"class": "account", "name": form, "password": "irrelevant"});
        hunt.bed.core.post(&hunt.bed.at("/authenticate"), &body).await
    };
    let harmless = asked("harmless").await;
    assert!(harmless.text.contains("nothing of the kind"), "{}", harmless.text);
    for form in ["plain", "base64", "url", "json", "utf-16", "header", "gzip", "split", "split-base64"] {
        let answer = asked(form).await;
        let refusal = answer.refusal();
        assert_eq!(refusal.kind(), "credential-denied", "{form}: {}", answer.text);
        assert!(refusal.detail().contains("the secured option \"token\""), "{form}: {}", answer.text);
    }
    let trail = hunt.bed.audit().await;
    let denied = trail.iter().filter(|row| row["outcome"]["error"] == "credential-denied").count();
    assert_eq!(denied, 9, "{trail:?}");
    let used = trail.iter().find(|row| row["outcome"]["error"] == "credential-denied").unwrap();
    let place = format!("api https://127.0.0.1:{}", hunt.api.port());
    assert_eq!(
        (&used["outcome"]["destinations"], &used["outcome"]["credentials"]),
        (&json!([place]), &json!(["token"]))
    );
}

#[tokio::test]
async fn whoever_asks_in_a_loop_for_what_is_refused_is_slowed_down() {
    let hunt = hunt().await;
    let told = hunt.findings("provision").await;
    let count: u32 = told[0]["text"].as_str().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((1..100).contains(&count), "{told:?}");
    let trail = hunt.bed.audit().await;
    let rows: Vec<&Json> = trail.iter().filter(|row| row["outcome"]["refused"] != 0).collect();
    assert_eq!(rows.len(), 1, "{trail:?}");
    assert_eq!((&rows[0]["action"], &rows[0]["outcome"]["refused"]), (&json!("connection.check"), &json!(count)));
}

#[tokio::test]
async fn a_secret_that_is_sent_is_entered_again_when_its_destination_moves() {
    let hunt = hunt().await;
    let mut moved = hunt.body.clone();
    moved["securedOptions"] = json!({});
    hunt.bed.operator.put(&hunt.bed.at(""), &moved).await.expect(200);
    moved["options"]["port"] = json!(hunt.elsewhere.port());
    let answer = hunt.bed.operator.put(&hunt.bed.at(""), &moved).await;
    let refusal = answer.refusal();
    assert_eq!(refusal.kind(), "credential-denied", "{}", answer.text);
    for slot in ["`token`", "`client`"] {
        assert!(refusal.detail().contains(slot), "{}", answer.text);
    }
    assert!(!refusal.detail().contains("`other`") && !refusal.detail().contains("`signing`"), "{}", answer.text);
}
