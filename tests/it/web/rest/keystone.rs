//! Keystone: it logs in first, the token comes and goes in headers, and a role is granted on a project.

use hawser_tests::web::Judge;
use hawser_tests::web::keystone::{ADMIN, ADMIN_PASSWORD, BASE, Keystone};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::Rest;

const MAPPING: &str = include_str!("../../../../plugins/rest/examples/keystone.yaml");
const PASSWORD: &str = "/auth/identity/password/user/password";

async fn connected() -> Rest<Keystone> {
    let options = json!({
        "base-path": BASE, "user": ADMIN, "variables": ["domain=default", "project=admin"],
        "login-path": format!("{BASE}/auth/tokens"), "secret-pointer": PASSWORD, "check-pointer": PASSWORD,
        "password-pointer": "/user/password", "old-password-pointer": "/user/original_password",
    });
    Rest::connected(Keystone::start, MAPPING, ADMIN_PASSWORD, &options).await
}

/// The id of what has that name.
fn id(rest: &Rest<Keystone>, kind: &str, name: &str) -> String {
    let found = rest.server.expect(200, "GET", &format!("{BASE}/{kind}?name={name}"), None);
    found[kind][0]["id"].as_str().unwrap_or_else(|| panic!("{kind} {name}: {found}")).to_owned()
}

#[tokio::test]
async fn a_user_is_created_changed_disabled_and_deleted_and_has_passwords() {
    let rest = connected().await;
    let draft = json!({"name": "ada", "attributes": {"email": ["ada@test"], "password": ["Start-Pass1"]}});
    let uid = rest.create("user", &draft).await;
    let user = format!("{BASE}/users/{uid}");
    assert_eq!(rest.server.expect(200, "GET", &user, None)["user"]["email"], "ada@test");
    rest.bed.core.post(&rest.bed.at("/objects/user"), &draft).await.problem(409, "already-exists");
    assert_eq!(rest.authenticate("ada", "Start-Pass1").await.as_deref(), Ok(uid.as_str()));

    let password = format!("{}/password", rest.object("user", &uid));
    rest.bed
        .core
        .put(&password, &json!({"old": "wrong", "new": "N3w-Pass22"}))
        .await
        .problem(422, "invalid-credential");
    rest.bed.core.put(&password, &json!({"old": "Start-Pass1", "new": "N3w-Pass22"})).await.expect(204);
    assert_eq!(rest.authenticate("ada", "N3w-Pass22").await.as_deref(), Ok(uid.as_str()));
    rest.bed.core.put(&password, &json!({"new": "Third-Pass3"})).await.expect(204);
    assert_eq!(rest.authenticate("ada", "Third-Pass3").await.as_deref(), Ok(uid.as_str()));

    let change = json!({"name": "ada.l", "changes": {"enabled": {"replace": [false]}, "email": {"replace": []}}});
    rest.bed.core.patch(&rest.object("user", &uid), &change).await.expect(200);
    let changed = rest.server.expect(200, "GET", &user, None)["user"].clone();
    assert_eq!(
        (&changed["name"], &changed["enabled"], &changed["email"]),
        (&json!("ada.l"), &json!(false), &Json::Null)
    );
    rest.authenticate("ada.l", "Third-Pass3").await.unwrap_err();
    rest.bed.core.delete(&rest.object("user", &uid)).await.expect(204);
    rest.server.expect(404, "GET", &user, None);
}

#[tokio::test]
async fn a_role_is_granted_on_a_project_and_imported_with_it() {
    let rest = connected().await;
    let uid = rest.create("user", &json!({"name": "ada", "attributes": {}})).await;
    let (role, project) = (id(&rest, "roles", "member"), id(&rest, "projects", "admin"));
    let grant = format!("{}/entitlements/role/{role}", rest.object("user", &uid));
    let on = json!({"parameters": {"project": [{"class": "project", "uid": project}]}});
    let outcome = async |body: &Json| rest.bed.core.put(&grant, body).await.expect(200).json()["outcome"].clone();
    assert_eq!(outcome(&on).await, "granted");
    assert_eq!(outcome(&on).await, "already-granted");
    rest.server.expect(204, "HEAD", &format!("{BASE}/projects/{project}/users/{uid}/roles/{role}"), None);
    rest.bed.core.put(&grant, &json!({})).await.refusal().names("project");

    rest.bed.import_published().await;
    let links = rest.bed.core.get(&rest.bed.at("/published/role/links/holders")).await.expect(200).lines();
    let ours = links.iter().find(|link| link["target"]["uid"] == json!(uid)).unwrap_or_else(|| panic!("{links:?}"));
    assert!(ours.to_string().contains(&project), "{ours}");

    let unnamed = rest.bed.core.delete(&grant).await;
    assert!(unnamed.refusal().detail().contains("project"), "{}", unnamed.text);
    let delete = || rest.bed.core.request(Method::DELETE, &grant).json(&on).send();
    let revoke = async || delete().await.expect(200).json()["outcome"].clone();
    assert_eq!(revoke().await, "revoked");
    assert_eq!(revoke().await, "already-revoked");
    rest.server.expect(404, "HEAD", &format!("{BASE}/projects/{project}/users/{uid}/roles/{role}"), None);
}

#[tokio::test]
async fn a_membership_is_one_request_and_others_survive() {
    let rest = connected().await;
    let [ada, bob] =
        [rest.create("user", &json!({"name": "ada"})).await, rest.create("user", &json!({"name": "bob"})).await];
    let group = rest.create("group", &json!({"name": "guides"})).await;
    rest.server.expect(204, "PUT", &format!("{BASE}/groups/{group}/users/{bob}"), None);
    let membership = format!("{}/entitlements/group/{group}", rest.object("user", &ada));
    assert_eq!(rest.bed.core.put(&membership, &json!({})).await.expect(200).json()["outcome"], "granted");
    rest.bed.import_published().await;
    let links = rest.bed.core.get(&rest.bed.at("/published/group/links/members")).await.expect(200).lines();
    assert_eq!(links.len(), 2, "{links:?}");
    assert_eq!(rest.bed.core.delete(&membership).await.expect(200).json()["outcome"], "revoked");
    assert_eq!(rest.bed.core.delete(&membership).await.expect(200).json()["outcome"], "already-revoked");
    let left = rest.server.expect(200, "GET", &format!("{BASE}/groups/{group}/users"), None);
    assert_eq!((left["users"].as_array().map(Vec::len), &left["users"][0]["id"]), (Some(1), &json!(bob)));
}
