//! SCIMMY: a service as providers in JavaScript build it, without ETags.

use hawser_tests::web::scimmy::{BASE, Scimmy, TOKEN};
use serde_json::json;

use super::{ENTERPRISE, Service};

async fn connected(profile: &str) -> Service<Scimmy> {
    let service = Service::of(BASE, Scimmy::start).await;
    service.connect(&service.body(TOKEN, &json!({"profile": profile}))).await;
    service
}

#[tokio::test]
async fn what_is_written_is_there_when_it_is_read_back() {
    let service = connected("read-back").await;
    let uid = service.hire("ada").await;
    let changes = json!({
        "title": {"replace": ["Countess"]}, "emails": {"add": [{"value": "new@example.org"}]},
        format!("{ENTERPRISE}:department"): {"replace": ["Poetry"]},
    });
    let written = service.change(&uid, &changes).await;
    assert!(written["failures"].as_array().is_none_or(Vec::is_empty), "{written}");
    let seen = service.seen(&format!("/Users/{uid}"));
    assert_eq!((&seen["title"], &seen[ENTERPRISE]["department"]), (&json!("Countess"), &json!("Poetry")));
    assert_eq!(seen["emails"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn members_of_others_survive_under_every_profile_that_fits() {
    for profile in ["standard", "read-back"] {
        let service = connected(profile).await;
        let (ada, bob) = (service.hire("ada").await, service.hire("bob").await);
        let group = service.found("poets", &[&ada]).await;
        assert_eq!(service.grant(&bob, &group).await, "granted");
        assert_eq!(service.grant(&bob, &group).await, "already-granted");
        assert_eq!(service.revoke(&bob, &group).await, "revoked");
        assert_eq!(service.members(&group), std::slice::from_ref(&ada), "{profile}");
        service.bed.import_published().await;
        assert_eq!(service.links().await, [(group, ada)], "{profile}");
    }
}
