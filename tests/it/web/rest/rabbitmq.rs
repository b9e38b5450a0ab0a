//! RabbitMQ: a user keeps the password while the tags change, and a permission takes a virtual host and three patterns.

use hawser_tests::web::Judge;
use hawser_tests::web::rabbitmq::{ADMIN, ADMIN_PASSWORD, BASE, RabbitMq};
use serde_json::{Value as Json, json};

use super::Rest;

const MAPPING: &str = include_str!("../../../../plugins/rest/examples/rabbitmq.yaml");

async fn connected() -> Rest<RabbitMq> {
    let options = json!({"base-path": BASE, "user": ADMIN, "password-pointer": "/password"});
    Rest::connected(RabbitMq::start, MAPPING, ADMIN_PASSWORD, &options).await
}

fn at(path: &str) -> String {
    format!("{BASE}{path}")
}

#[tokio::test]
async fn a_user_keeps_the_password_while_the_tags_change() {
    let rest = connected().await;
    let draft = json!({"name": "ada", "attributes": {"tags": ["management"], "password": ["Start-Pass1"]}});
    assert_eq!(rest.create("user", &draft).await, "ada");
    let first = rest.server.expect(200, "GET", &at("/users/ada"), None);
    assert_eq!(first["tags"], json!(["management"]));
    rest.bed.core.post(&rest.bed.at("/objects/user"), &draft).await.problem(409, "already-exists");
    assert_eq!(rest.authenticate("ada", "Start-Pass1").await.as_deref(), Ok("ada"));
    rest.authenticate("ada", "wrong").await.unwrap_err();

    let change = json!({"changes": {"tags": {"add": ["monitoring"]}}});
    rest.bed.core.patch(&rest.object("user", "ada"), &change).await.expect(200);
    let changed = rest.server.expect(200, "GET", &at("/users/ada"), None);
    assert_eq!(
        (&changed["tags"], &changed["password_hash"]),
        (&json!(["management", "monitoring"]), &first["password_hash"])
    );

    rest.bed
        .core
        .put(&format!("{}/password", rest.object("user", "ada")), &json!({"new": "N3w-Pass22"}))
        .await
        .expect(204);
    assert_eq!(rest.authenticate("ada", "N3w-Pass22").await.as_deref(), Ok("ada"));
    rest.authenticate("ada", "Start-Pass1").await.unwrap_err();
    assert_eq!(rest.server.expect(200, "GET", &at("/users/ada"), None)["tags"], json!(["management", "monitoring"]));

    rest.bed.core.delete(&rest.object("user", "ada")).await.expect(204);
    rest.server.expect(404, "GET", &at("/users/ada"), None);
    let nobody =
        rest.bed.core.put(&format!("{}/password", rest.object("user", "ada")), &json!({"new": "N3w-Pass22"})).await;
    nobody.problem(404, "unknown-uid");
    rest.server.expect(404, "GET", &at("/users/ada"), None);
}

#[tokio::test]
async fn a_permission_is_granted_on_a_virtual_host_with_three_patterns_and_imported_with_them() {
    let rest = connected().await;
    rest.server.expect(201, "PUT", &at("/users/ada"), Some(&json!({"password": "Start-Pass1", "tags": ""})));
    rest.server.expect(201, "PUT", &at("/vhosts/a%2Fb"), None);
    // The uid `a/b` as a path may hold it.
    let permission = format!("{}/entitlements/vhost/~YS9i", rest.object("user", "ada"));
    let body = |write: &str| json!({"parameters": {"configure": ["^ada-"], "write": [write], "read": [".*"]}});
    let outcome = async |body: &Json| rest.bed.core.put(&permission, body).await.expect(200).json()["outcome"].clone();
    assert_eq!(outcome(&body(".*")).await, "granted");
    assert_eq!(outcome(&body(".*")).await, "already-granted");
    assert_eq!(outcome(&body("^$")).await, "replaced");
    let standing = rest.server.expect(200, "GET", &at("/permissions/a%2Fb/ada"), None);
    assert_eq!(
        (&standing["configure"], &standing["write"], &standing["read"]),
        (&json!("^ada-"), &json!("^$"), &json!(".*"))
    );
    let incomplete = rest.bed.core.put(&permission, &json!({"parameters": {"configure": [".*"]}})).await;
    incomplete.refusal().names("write");

    let listed = rest.bed.core.get(&format!("{}/entitlements", rest.object("user", "ada"))).await.expect(200).json();
    assert_eq!(listed["assignments"][0]["entitlement"]["uid"], "a/b", "{listed}");
    rest.bed.import_published().await;
    let links = rest.bed.core.get(&rest.bed.at("/published/vhost/links/users")).await.expect(200).lines();
    assert!(links.iter().any(|link| link.to_string().contains("^ada-")), "{links:?}");

    let revoked = rest.bed.core.delete(&permission).await.expect(200).json();
    assert_eq!(revoked["outcome"], "revoked");
    assert_eq!(rest.bed.core.delete(&permission).await.expect(200).json()["outcome"], "already-revoked");
    rest.server.expect(404, "GET", &at("/permissions/a%2Fb/ada"), None);
}
