//! `Idempotency-Key`: one operation however often it is sent, and never another one under the same key.

use hawser_tests::bed::Bed;
use hawser_tests::people::account_name;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_create_sent_twice_creates_once_and_answers_the_same() {
    let bed = Bed::new(1, 0).await;
    let draft = json!({"name": "new.hire", "attributes": {"id": ["n1"]}});
    let path = bed.at("/objects/account");
    let send = || bed.core.request(Method::POST, &path).header("idempotency-key", "k-1").json(&draft).send();
    let (first, second) = (send().await.expect(201), send().await.expect(201));
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!((second.text.as_str(), second.header("location")), (first.text.as_str(), first.header("location")));
    assert_eq!(bed.people.read("accounts.csv").matches("new.hire").count(), 1);
}

#[tokio::test]
async fn a_key_used_for_something_else_is_refused_and_nothing_happens() {
    let bed = Bed::new(2, 0).await;
    let path = bed.at("/objects/account");
    let post = |name: &str| {
        let draft = json!({"name": name, "attributes": {"id": [name]}});
        bed.core.request(Method::POST, &path).header("idempotency-key", "k-2").json(&draft).send()
    };
    post("first").await.expect(201);
    post("second").await.problem(422, "conflict").names("k-2");
    let elsewhere = bed.core.request(Method::DELETE, &bed.account("u1")).header("idempotency-key", "k-2");
    elsewhere.send().await.problem(422, "conflict");
    let file = bed.people.read("accounts.csv");
    assert!(file.contains("u1,") && !file.contains("second"), "{file}");
}

#[tokio::test]
async fn a_key_belongs_to_its_token() {
    let bed = Bed::new(1, 0).await;
    let path = bed.at("/objects/account");
    for (caller, name) in [(&bed.core, "first"), (&bed.operator, "second")] {
        let draft = json!({"name": name, "attributes": {"id": [name]}});
        let post = caller.request(Method::POST, &path).header("idempotency-key", "k-3").json(&draft);
        assert_eq!(post.send().await.expect(201).header("idempotency-replayed"), "");
    }
}

#[tokio::test]
async fn a_refusal_that_changed_nothing_frees_its_key_and_a_malformed_key_is_refused() {
    let bed = Bed::new(1, 0).await;
    let delete = |key: &str| {
        let key = key.to_owned();
        bed.core.request(Method::DELETE, &bed.account("ghost")).header("idempotency-key", &key).send()
    };
    delete("k-4").await.problem(404, "unknown-uid");
    let draft = json!({"name": "ghost", "attributes": {"id": ["ghost"]}});
    bed.core.post(&bed.at("/objects/account"), &draft).await.expect(201);
    let again = delete("k-4").await.expect(204);
    assert_eq!(again.header("idempotency-replayed"), "", "what changed nothing may be tried again");
    for key in ["", " ", &"k".repeat(300)] {
        delete(key).await.problem(400, "invalid-request").names("Idempotency-Key");
    }
}

#[tokio::test]
async fn a_password_call_sent_twice_sets_once_and_a_different_password_is_noticed() {
    let bed = Bed::new(1, 0).await;
    let path = format!("{}/password", bed.account("u1"));
    let put = |new: &str| {
        bed.core.request(Method::PUT, &path).header("idempotency-key", "k-5").json(&json!({"new": new})).send()
    };
    put("first").await.expect(204);
    let hash = bed.people.read("accounts.csv");
    put("first").await.expect(204);
    assert_eq!(bed.people.read("accounts.csv"), hash, "the second one only answered");
    put("second").await.problem(422, "conflict");
    let attempt = json!({"class": "account", "name": account_name(1), "password": "first"});
    bed.core.post(&bed.at("/authenticate"), &attempt).await.expect(200);
}
