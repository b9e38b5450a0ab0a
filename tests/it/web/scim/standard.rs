//! `scim2-server`, which keeps to the standard, with everything it has and with less.

use hawser::cli::demo::server::scim2::{BASE, Scim2, Scim2Options, TOKEN};
use hawser_tests::web::{Judge, scim2};
use serde_json::json;

use super::{ENTERPRISE, Service, text};

async fn connected(options: Scim2Options) -> Service<Scim2> {
    let service = Service::of(BASE, move || scim2(&options)).await;
    service.connect(&service.body(TOKEN, &json!({"page-size": 2}))).await;
    service
}

#[tokio::test]
async fn a_user_is_created_read_changed_renamed_and_deleted_as_curl_sees_it() {
    let service = connected(Scim2Options::default()).await;
    let bed = &service.bed;
    let uid = service.hire("ada").await;
    let seen = service.seen(&format!("/Users/{uid}"));
    assert_eq!(
        (&seen["userName"], &seen["active"], &seen[ENTERPRISE]["department"]),
        (&json!("ada"), &json!(true), &json!("Tours"))
    );
    let read = bed.core.get(&bed.account(&uid)).await.expect(200);
    assert_eq!(read.json()["attributes"]["emails"], json!([{"value": "ada@example.org"}]), "{}", read.text);
    let taken = json!({"name": "ada", "attributes": {}});
    let taken = bed.core.post(&bed.at("/objects/account"), &taken).await.problem(409, "already-exists");
    assert_eq!(taken.0["object"]["uid"], uid.as_str(), "{taken:?}");

    let changes = json!({
        "title": {"replace": ["Countess"]}, "enabled": {"replace": [false]},
        "emails": {"add": [{"value": "new@example.org"}], "remove": [{"value": "ada@example.org"}]},
        format!("{ENTERPRISE}:department"): {"replace": ["Poetry"]},
    });
    service.change(&uid, &changes).await;
    let seen = service.seen(&format!("/Users/{uid}"));
    assert_eq!(
        (&seen["title"], &seen["active"], &seen["emails"]),
        (&json!("Countess"), &json!(false), &json!([{"value": "new@example.org"}]))
    );
    assert_eq!(seen[ENTERPRISE]["department"], "Poetry");
    let version = text(&seen["meta"]["version"]);
    service.change(&uid, &changes).await;
    assert_eq!(
        service.seen(&format!("/Users/{uid}"))["meta"]["version"],
        version.as_str(),
        "what is so already is not written"
    );

    let stale = bed.core.request(reqwest::Method::PATCH, &bed.account(&uid)).header("if-match", read.header("etag"));
    stale.json(&json!({"changes": {"title": {"replace": []}}})).send().await.problem(412, "precondition-failed");
    bed.core.patch(&bed.account(&uid), &json!({"name": "augusta"})).await.expect(200);
    assert_eq!(service.seen(&format!("/Users/{uid}"))["userName"], "augusta");
    bed.core.put(&format!("{}/password", bed.account(&uid)), &json!({"new": "Second-Passw0rd!"})).await.expect(204);
    bed.core.delete(&bed.account(&uid)).await.expect(204);
    service.server.expect(404, "GET", &format!("{BASE}/Users/{uid}"), None);
    bed.core.delete(&bed.account(&uid)).await.problem(404, "unknown-uid");
}

#[tokio::test]
async fn everybody_comes_in_page_by_page_by_index_and_by_cursor() {
    for cursor in [false, true] {
        let service =
            Service::of(BASE, move || scim2(&Scim2Options { cursor, page_max: 3, ..Scim2Options::default() })).await;
        let paging = if cursor { "cursor" } else { "index" };
        service.connect(&service.body(TOKEN, &json!({"page-size": 2, "paging": paging}))).await;
        let mut uids = Vec::new();
        for name in ["ada", "bob", "cid", "dan", "eve"] {
            uids.push(service.hire(name).await);
        }
        let group = service.found("all", &uids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        service.bed.import_published().await;
        let mut published: Vec<String> =
            service.bed.published("account").await.iter().map(|it| text(&it["uid"])).collect();
        published.sort();
        uids.sort();
        assert_eq!(published, uids, "{paging}");
        let expected: Vec<_> = uids.iter().map(|uid| (group.clone(), uid.clone())).collect();
        assert_eq!(service.links().await, expected, "{paging}");
    }
}

#[tokio::test]
async fn a_grant_adds_one_member_and_a_revoke_takes_one_and_each_says_already() {
    let service = connected(Scim2Options::default()).await;
    let (ada, bob, cid) = (service.hire("ada").await, service.hire("bob").await, service.hire("cid").await);
    let group = service.found("poets", &[&ada, &cid]).await;
    assert_eq!(service.grant(&bob, &group).await, "granted");
    assert_eq!(service.grant(&bob, &group).await, "already-granted");
    assert_eq!(service.members(&group).len(), 3);
    assert_eq!(service.revoke(&bob, &group).await, "revoked");
    assert_eq!(service.revoke(&bob, &group).await, "already-revoked");
    let mut others = [ada.clone(), cid];
    others.sort();
    assert_eq!(service.members(&group), others);
    let listed = service.bed.core.get(&format!("{}/entitlements", service.bed.account(&ada))).await.expect(200).json();
    assert_eq!(listed["assignments"][0]["entitlement"]["uid"], group.as_str(), "{listed}");
}

#[tokio::test]
async fn without_patch_a_group_is_written_whole_and_only_under_its_version() {
    let without = |etag| Scim2Options { patch: false, etag, ..Scim2Options::default() };
    let service = connected(without(true)).await;
    let (ada, bob) = (service.hire("ada").await, service.hire("bob").await);
    let group = service.found("poets", &[&ada]).await;
    assert_eq!(service.grant(&bob, &group).await, "granted");
    assert_eq!(service.revoke(&ada, &group).await, "revoked");
    assert_eq!(service.members(&group), [bob]);
    service.change(&ada, &json!({"title": {"replace": ["Countess"]}})).await;
    assert_eq!(service.seen(&format!("/Users/{ada}"))["title"], "Countess");

    let service = connected(without(false)).await;
    let (ada, bob) = (service.hire("ada").await, service.hire("bob").await);
    let group = service.found("poets", &[&ada]).await;
    service.bed.core.put(&service.membership(&bob, &group), &json!({})).await.problem(501, "unsupported");
    assert_eq!(service.members(&group), [ada]);
}

#[tokio::test]
async fn what_changed_is_followed_and_who_is_gone_is_missed_by_a_complete_pass() {
    let service = connected(Scim2Options::default()).await;
    let (ada, bob) = (service.hire("ada").await, service.hire("bob").await);
    service.bed.import_published().await;
    service.change(&ada, &json!({"title": {"replace": ["Countess"]}})).await;
    service.bed.core.delete(&service.bed.account(&bob)).await.expect(204);
    let order = service.bed.core.post(&service.bed.at("/imports"), &json!({"mode": "incremental"})).await.expect(202);
    let task = service.bed.settled(order.header("location")).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let published = service.bed.published("account").await;
    let title = |uid: &str| published.iter().find(|it| it["uid"] == uid).map(|it| it["attributes"]["title"].clone());
    assert_eq!(title(&ada), Some(json!(["Countess"])));
    assert!(title(&bob).is_some(), "the service does not tell who is gone");
    // One of two is more than may go without a question.
    let order = service.bed.core.order(&service.bed.at("/imports")).await.expect(202);
    let task = order.header("location");
    assert_eq!(service.bed.settled(task).await["state"], "held");
    service.bed.operator.order(&format!("{task}/approve")).await.expect(200);
    assert_eq!(service.bed.settled(task).await["state"], "succeeded");
    assert!(service.bed.published("account").await.iter().all(|it| it["uid"] != bob.as_str()));
}
