//! Tokens and roles: a matrix generated from the OpenAPI document, so that no endpoint is forgotten.

use hawser_tests::bed::Bed;
use hawser_tests::client::Client;
use hawser_tests::house::House;
use reqwest::Method;
use serde_json::{Value as Json, json};

/// What anybody may ask.
const PUBLIC: &[&str] = &["/health/live", "/health/ready", "/openapi.json"];

/// What the operator alone may do: method and path as in the document.
const OPERATOR_ONLY: &[(&str, &str)] = &[
    ("post", "/v1/publishers/{publisher}/keys"),
    ("delete", "/v1/publishers/{publisher}/keys/{keyId}"),
    ("get", "/v1/releases"),
    ("post", "/v1/releases"),
    ("get", "/v1/connectors/{publisher}/{name}/releases/{version}"),
    ("post", "/v1/connectors/{publisher}/{name}/releases/{version}/activate"),
    ("post", "/v1/connectors/{publisher}/{name}/releases/{version}/deactivate"),
    ("post", "/v1/systems"),
    ("put", "/v1/systems/{id}"),
    ("delete", "/v1/systems/{id}"),
    ("post", "/v1/connections"),
    ("post", "/v1/connections/{id}/permissions"),
    ("post", "/v1/mappings"),
    ("post", "/v1/mappings/check"),
    ("post", "/v1/mappings/{id}/acknowledge"),
    ("put", "/v1/mappings/{id}"),
    ("delete", "/v1/mappings/{id}"),
    ("post", "/v1/tokens"),
    ("delete", "/v1/tokens/{name}"),
    ("get", "/v1/connections/{id}/secured-options"),
    ("put", "/v1/connections/{id}/secured-options/{name}"),
    ("delete", "/v1/connections/{id}/secured-options/{name}"),
    ("put", "/v1/connections/{id}/secured-options/{name}/{key}"),
    ("delete", "/v1/connections/{id}/secured-options/{name}/{key}"),
    ("post", "/v1/connections/{id}/secured-options/reread"),
    ("post", "/v1/secrets/reread"),
    ("post", "/v1/secrets/rotate"),
    ("put", "/v1/connections/{id}"),
    ("delete", "/v1/connections/{id}"),
    ("post", "/v1/connections/{id}/suggest"),
    ("post", "/v1/connections/{id}/schema/refresh"),
    ("patch", "/v1/connections/{id}/switches"),
    ("post", "/v1/systems/{id}/schema/refresh"),
    ("get", "/v1/configuration"),
    ("post", "/v1/configuration/plan"),
    ("post", "/v1/configuration/apply"),
    ("post", "/v1/schedules"),
    ("put", "/v1/schedules/{id}"),
    ("delete", "/v1/schedules/{id}"),
    ("post", "/v1/schedules/{id}/pause"),
    ("post", "/v1/schedules/{id}/resume"),
    ("post", "/v1/tasks/{id}/approve"),
    ("post", "/v1/tasks/{id}/reject"),
    ("get", "/v1/audit"),
    ("get", "/v1/audit/verify"),
    ("get", "/v1/connections/{id}/explain"),
    ("get", "/v1/tokens"),
];

/// Every operation of the served document: method, path with `{parameters}`.
async fn operations(client: &Client) -> Vec<(String, String)> {
    let document = client.get("/openapi.json").await.expect(200).json();
    let paths = document["paths"].as_object().unwrap().clone();
    let methods = |(path, item): (String, Json)| {
        let methods: Vec<String> = item.as_object().unwrap().keys().cloned().collect();
        methods
            .into_iter()
            .filter(|m| Method::from_bytes(m.to_uppercase().as_bytes()).is_ok_and(is_known))
            .map(move |m| (m, path.clone()))
    };
    let operations: Vec<_> = paths.into_iter().flat_map(methods).collect();
    assert!(operations.len() > 30, "the document names too few operations: {operations:?}");
    operations
}

#[allow(clippy::needless_pass_by_value, reason = "a predicate over what was just parsed")]
fn is_known(method: Method) -> bool {
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(&method)
}

async fn ask(client: &Client, method: &str, path: &str) -> hawser_tests::client::Answer {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let request = client.request(method.clone(), path);
    let with_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    if with_body { request.json(&json!({})).send().await } else { request.send().await }
}

#[tokio::test]
async fn every_endpoint_but_the_public_ones_wants_a_token() {
    let bed = Bed::new(1, 0).await;
    let stranger = House::shared().await.stranger();
    for (method, path) in operations(&bed.core).await {
        for caller in [&stranger, &stranger.with_token(Some("hawser_core_guessed"))] {
            let answer = ask(caller, &method, &bed.filled(&path)).await;
            if PUBLIC.contains(&path.as_str()) {
                answer.expect(200);
            } else {
                answer.problem(401, "unauthenticated");
                assert!(answer.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
            }
        }
    }
    bed.core.get(&bed.at("")).await.expect(200);
}

#[tokio::test]
async fn the_core_is_refused_where_only_the_operator_may() {
    let bed = Bed::new(1, 0).await;
    let operations = operations(&bed.core).await;
    for (method, path) in OPERATOR_ONLY {
        let listed = operations.iter().any(|(m, p)| (m.as_str(), p.as_str()) == (*method, *path));
        assert!(listed, "{method} {path} is not in the document: {operations:?}");
    }
    for (method, path) in &operations {
        let answer = ask(&bed.core, method, &bed.filled(path)).await;
        if OPERATOR_ONLY.contains(&(method.as_str(), path.as_str())) {
            answer.problem(403, "forbidden").names("operator");
        } else {
            assert!(answer.status != 403 && answer.status != 401, "{method} {path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_token_is_only_a_token_in_its_place() {
    let house = House::shared().await;
    let stranger = house.stranger();
    let token = &house.tokens().core;
    let get = |name: &str, value: String| stranger.request(Method::GET, "/v1/systems").header(name, &value).send();
    get("authorization", format!("Bearer {token}")).await.expect(200);
    get("authorization", format!("Basic {token}")).await.problem(401, "unauthenticated");
    get("authorization", format!("Bearer {token}x")).await.problem(401, "unauthenticated");
    get("authorization", token.clone()).await.problem(401, "unauthenticated");
    get("cookie", format!("token={token}")).await.problem(401, "unauthenticated");
    stranger.get(&format!("/v1/systems?access_token={token}")).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn tokens_are_listed_without_themselves() {
    let house = House::shared().await;
    let list = house.operator().get("/v1/tokens").await.expect(200);
    assert!(list.text.contains("operator") && list.text.contains("core"), "{}", list.text);
    for token in [&house.tokens().operator, &house.tokens().core] {
        assert!(!list.text.contains(token.as_str()));
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_from_the_next_request_on() {
    let operator = House::shared().await.operator();
    let draft = json!({"name": "short-lived", "role": "core"});
    let made = operator.request(Method::POST, "/v1/tokens").header("idempotency-key", "token-1").json(&draft);
    let made = made.send().await.expect(201);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let caller = operator.with_token(Some(&token));
    caller.get("/v1/systems").await.expect(200);
    caller.get("/v1/tokens").await.problem(403, "forbidden");
    let again = operator.request(Method::POST, "/v1/tokens").header("idempotency-key", "token-1").json(&draft);
    let again = again.send().await;
    again.problem(409, "conflict").names("short-lived");
    assert!(!again.text.contains(&token));
    operator.delete("/v1/tokens/short-lived").await.expect(204);
    caller.get("/v1/systems").await.problem(401, "unauthenticated");
    operator.delete("/v1/tokens/short-lived").await.problem(404, "not-found").names("short-lived");
}

#[tokio::test]
async fn the_last_token_of_an_operator_cannot_be_revoked() {
    let house = House::start().await;
    house.operator().delete("/v1/tokens/operator").await.problem(409, "conflict").names("last");
    house.operator().post("/v1/tokens", &json!({"name": "second", "role": "operator"})).await.expect(201);
    house.operator().delete("/v1/tokens/operator").await.expect(204);
    house.operator().get("/v1/tokens").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_forged_host_is_refused() {
    let house = House::shared().await;
    let forged = house.core().request(Method::GET, "/v1/systems").header("host", "evil.example").send().await;
    forged.problem(421, "misdirected-request");
}
