//! Canaille: an identity provider with OAuth and a SCIM of its own mind. It takes no `count`, filters nothing, wants members
//! with a `$ref`, shows them by their user names, and cannot remove one of them by PATCH.

use hawser_tests::web::canaille::{BASE, CLIENT_ID, CLIENT_SECRET, Canaille, TOKEN_PATH};
use serde_json::{Value as Json, json};

use super::Service;

/// A connection with tokens that the host fetches.
fn body(service: &Service<Canaille>, secret: &str) -> Json {
    let options = json!({
        "auth": "oauth", "client-id": CLIENT_ID, "token-host": "127.0.0.1", "token-port": service.server.port(),
        "token-path": TOKEN_PATH, "page-size": 0, "updates": "put", "member-value": "name",
    });
    let mut body = service.body("", &options);
    body["destinations"]["login"] = body["destinations"]["api"].clone();
    body["securedOptions"] = json!({"client-secret": {"value": secret}});
    body
}

#[tokio::test]
async fn people_and_groups_live_with_its_ways() {
    let service = Service::of(BASE, Canaille::start).await;
    service.connect(&body(&service, CLIENT_SECRET)).await;
    let (ada, bob) = (service.hire("ada").await, service.hire("bob").await);
    service.change(&ada, &json!({"title": {"replace": ["Countess"]}, "enabled": {"replace": [false]}})).await;
    let seen = service.seen(&format!("/Users/{ada}"));
    assert_eq!((&seen["title"], &seen["active"]), (&json!("Countess"), &json!(false)));
    service
        .bed
        .core
        .put(&format!("{}/password", service.bed.account(&ada)), &json!({"new": "Second-Passw0rd!"}))
        .await
        .expect(204);

    let group = service.found("poets", &[&ada]).await;
    assert_eq!(service.grant(&bob, &group).await, "granted");
    assert_eq!(service.grant(&bob, &group).await, "already-granted");
    assert_eq!(service.members(&group), ["ada", "bob"], "it shows their names");
    assert_eq!(service.revoke(&ada, &group).await, "revoked");
    assert_eq!(service.members(&group), ["bob"]);
    service.bed.import_published().await;
    assert_eq!(service.links().await, [(group, bob)], "a member by its name is joined to the account");
}

#[tokio::test]
async fn a_client_that_is_refused_has_a_connection_that_failed() {
    let service = Service::of(BASE, Canaille::start).await;
    let body = body(&service, "wrong-secret-of-nobody");
    service.bed.create(&body).await;
    service.bed.approve(&["network:api:loopback", "network:login:loopback"]).await;
    let checked =
        service.bed.core.post(&service.bed.at("/check"), &json!({"aspect": "connect"})).await.expect(200).text;
    assert!(checked.contains("invalid-credential") && !checked.contains("wrong-secret-of-nobody"), "{checked}");
}
