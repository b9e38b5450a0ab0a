//! Secrets as handles: a connector uses them without holding them, and every other door is shut.

use std::fs;
use std::os::unix::fs::symlink;

use hawser_tests::bed::Bed;
use hawser_tests::canary::Canaries;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

const REVEAL: &str = "reveal:token";

/// The body of a connection of `hawser/mirror` (the guest is `tests/guests/mirror`: "mirror").
fn mirror(bed: &Bed, secured: &Json) -> Json {
    json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/mirror", "version": "^0.1", "title": "Mirror",
        "directories": {"data": {"path": bed.people.path(), "access": "read-write"}}, "securedOptions": secured,
    })
}

async fn bed() -> Bed {
    Bed::bare(House::shared().await, People::new(0, 0)).await
}

/// What the mirror is connected with, in most tests.
fn secrets() -> Json {
    json!({
        "token": {"value": "a token of the tests"}, "key": {"value": "Jefe"},
        "headers": {"entries": {"x-one": "one-of-the-headers"}},
    })
}

async fn mirrored() -> Bed {
    let bed = bed().await;
    bed.connect(&mirror(&bed, &secrets())).await;
    bed
}

/// What a check found, as one text.
async fn check(bed: &Bed) -> String {
    let answer = bed.core.post(&bed.at("/check"), &json!({})).await.expect(200).json();
    let texts = answer["findings"].as_array().unwrap().iter().map(|finding| finding["text"].as_str().unwrap());
    texts.collect::<Vec<_>>().join("\n")
}

/// The newest entry of the trail about this connection and that action.
async fn newest(bed: &Bed, action: &str) -> Json {
    let entries = bed.audit().await;
    entries.into_iter().rev().find(|entry| entry["action"] == action).unwrap_or_else(|| panic!("no {action}"))
}

#[tokio::test]
async fn secrets_are_used_and_the_connectors_memory_holds_none_of_them() {
    let mut canaries = Canaries::new();
    let bed = bed().await;
    let token = canaries.plant("the token");
    let secured = json!({
        "token": {"value": token}, "key": {"value": canaries.plant("the key")},
        "headers": {"entries": {"x-one": canaries.plant("a header"), "x-two": canaries.plant("another")}},
    });
    bed.connect(&mirror(&bed, &secured)).await;
    let (set, tried) = (canaries.plant("a new password"), canaries.plant("a password"));
    let search = canaries.search();
    let none_in_memory = || {
        let memory = fs::read(bed.people.path().join("memory.bin")).unwrap();
        assert!(memory.len() > 1 << 16, "{} bytes are no memory", memory.len());
        assert!(search.leak(&memory).is_none(), "{:?}", search.leak(&memory));
    };
    check(&bed).await;
    none_in_memory();
    bed.core.put(&format!("{}/password", bed.account("u1")), &json!({"new": set})).await.expect(204);
    none_in_memory();
    let attempt = json!({"class": "account", "name": "u1", "password": tried});
    bed.core.post(&bed.at("/authenticate"), &attempt).await.expect(200);
    none_in_memory();

    // A secret that is read can be found there, so the search above would have seen it.
    let mut body = mirror(&bed, &secured);
    body["options"] = json!({"exit": "finding"});
    bed.operator.put(&bed.at(""), &body).await.expect(200);
    bed.core.post(&bed.at("/check"), &json!({})).await.problem(403, "credential-denied");
    let memory = fs::read(bed.people.path().join("memory.bin")).unwrap();
    assert!(search.leak(&memory).is_some_and(|leak| leak.canary == "the token"));
}

#[tokio::test]
async fn a_signature_is_made_by_the_host_and_its_key_is_in_the_trail() {
    let bed = mirrored().await;
    // HMAC-SHA-256 of "message" under the key "Jefe".
    let signature = "3fb788de423849ae5b81d278bfc5fac1bee13f829c60478bc7de537d9466a420";
    assert!(check(&bed).await.contains(signature));
    let outcome = newest(&bed, "connection.check").await["outcome"].clone();
    assert_eq!((&outcome["credentials"], &outcome["revealed"]), (&json!(["key"]), &json!([])), "{outcome}");
}

#[tokio::test]
async fn what_a_connection_keeps_is_its_own_and_gone_when_it_is_changed() {
    let (one, other) = (mirrored().await, mirrored().await);
    for known in ["session: new", "session: known"] {
        let found = check(&one).await;
        assert!(found.contains(known) && found.contains("calls: 1"), "{found}");
    }
    assert!(check(&other).await.contains("session: new"));
    one.operator.put(&one.at(""), &mirror(&one, &json!({}))).await.expect(200);
    assert!(check(&one).await.contains("session: new"));
}

#[tokio::test]
async fn a_secret_that_nobody_entered_or_approved_is_named() {
    let bed = bed().await;
    bed.create(&mirror(&bed, &json!({"token": {"value": "a token of the tests"}}))).await;
    bed.core.post(&bed.at("/check"), &json!({})).await.refusal().names("option headers is not set");
    bed.operator.put(&bed.at("/secured-options/headers"), &json!({"entries": {"a": "b"}})).await.expect(204);
    bed.core.post(&bed.at("/check"), &json!({})).await.refusal().names("option key is not set");
    bed.operator.put(&bed.at("/secured-options/key"), &json!({"value": "Jefe"})).await.expect(204);
    check(&bed).await;
    bed.withdraw(&["credential:key:sign"]).await;
    bed.core.post(&bed.at("/check"), &json!({})).await.problem(403, "not-permitted").names("credential:key:sign");
}

#[tokio::test]
async fn where_a_secret_may_be_read_readings_are_audited_before_they_begin() {
    let bed = mirrored().await;
    bed.core.get(&bed.account("u1")).await.expect(200);
    bed.core.get(&bed.at("/objects/account")).await.expect(200);
    for action in ["object.get", "object.list"] {
        assert_eq!(newest(&bed, action).await["outcome"]["status"], "succeeded", "{action}");
    }
    let before = bed.audit().await.len();
    bed.withdraw(&[REVEAL, "reveal:new-password"]).await;
    bed.core.get(&bed.account("u1")).await.expect(200);
    assert_eq!(bed.audit().await.len(), before + 1, "only the withdrawal");
}

/// The guest is `tests/guests/prowler`: "prowler".
#[tokio::test]
async fn a_prowler_is_refused_at_every_door_and_told_which_permission_it_lacks() {
    let bed = bed().await;
    bed.people.write(".hidden", "hidden");
    let outside = tempfile::NamedTempFile::new().unwrap();
    symlink(outside.path(), bed.people.path().join("link")).unwrap();
    let body = json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/prowler", "version": "^0.1", "title": "Prowler",
        "directories": {"data": {"path": bed.people.path(), "access": "read-write"}},
        "securedOptions": {
            "token": {"value": "a token of the tests"}, "tls": {"value": "a key of the tests"},
            "forbidden": {"value": "a key nobody approved"},
        },
    });
    bed.operator.post("/v1/connections", &body).await.expect(201);
    bed.approve(&["directory:data:read-write", "credential:token:send", "credential:tls:client-key"]).await;
    let answer = bed.core.post(&bed.at("/check"), &json!({})).await.expect(200).json();
    let findings = answer["findings"].as_array().unwrap();
    assert!(findings.len() > 20, "{answer}");
    for finding in findings {
        let kind = finding["problem"]["kind"].as_str().unwrap_or("the door was open");
        assert!(["not-permitted", "credential-denied"].contains(&kind), "{finding}");
    }
    for named in ["credential:forbidden:sign", REVEAL] {
        assert!(answer.to_string().contains(named), "{named} is not named: {answer}");
    }
    assert_eq!(fs::read(outside.path()).unwrap(), b"");
    let outcome = newest(&bed, "connection.check").await["outcome"].clone();
    assert_eq!((&outcome["credentials"], &outcome["revealed"]), (&json!([]), &json!([])), "{outcome}");
}
