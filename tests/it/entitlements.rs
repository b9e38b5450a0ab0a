//! Entitlements: granted and revoked one by one, idempotently, without rewriting the list of the others.

use hawser_tests::bed::Bed;
use serde_json::{Value as Json, json};

async fn granted(bed: &Bed, uid: &str) -> Vec<Json> {
    let page = bed.core.get(&format!("{}/entitlements", bed.account(uid))).await.expect(200).json();
    page["assignments"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_grant_adds_one_line_and_a_second_one_says_so() {
    let bed = Bed::new(4, 2).await;
    let entitlement = format!("{}/entitlements/group/g1", bed.account("u1"));
    let before = bed.people.read("memberships.csv");
    let first = bed.core.put(&entitlement, &json!({})).await.expect(200).json();
    assert_eq!(first["outcome"], "granted");
    let after = bed.people.read("memberships.csv");
    assert_eq!(after.strip_prefix(before.as_str()), Some("g1,u1\n"));
    let second = bed.core.put(&entitlement, &json!({})).await.expect(200).json();
    assert_eq!(second["outcome"], "already-granted");
    assert_eq!(bed.people.read("memberships.csv"), after);
}

#[tokio::test]
async fn a_revoke_takes_one_line_and_a_second_one_says_so() {
    let bed = Bed::new(4, 2).await;
    let entitlement = format!("{}/entitlements/group/g2", bed.account("u1"));
    assert!(bed.people.read("memberships.csv").contains("g2,u1\n"));
    assert_eq!(bed.core.delete(&entitlement).await.expect(200).json()["outcome"], "revoked");
    assert_eq!(bed.people.read("memberships.csv"), "group,account\ng1,u2\ng2,u3\ng1,u4\n");
    assert_eq!(bed.core.delete(&entitlement).await.expect(200).json()["outcome"], "already-revoked");
}

#[tokio::test]
async fn what_somebody_has_is_listed_page_by_page() {
    let bed = Bed::new(1, 5).await;
    for group in ["g1", "g3", "g4"] {
        bed.core.put(&format!("{}/entitlements/group/{group}", bed.account("u1")), &json!({})).await.expect(200);
    }
    let (mut seen, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = bed.core.get(&format!("{}/entitlements?{query}", bed.account("u1"))).await.expect(200).json();
        let assignments = page["assignments"].as_array().unwrap();
        assert!(assignments.len() <= 2, "{page}");
        seen.extend(assignments.iter().map(|found| found["entitlement"]["uid"].as_str().unwrap().to_owned()));
        assert!(seen.len() <= 25, "the listing does not go forward: {seen:?}");
        let Some(cursor) = page["cursor"].as_str() else { break };
        query = format!("limit=2&cursor={cursor}");
    }
    seen.sort();
    assert_eq!(seen, ["g1", "g2", "g3", "g4"]);
    let garbled = bed.core.get(&format!("{}/entitlements?cursor=!!", bed.account("u1"))).await;
    garbled.problem(400, "invalid-request").names("cursor");
}

#[tokio::test]
async fn nobody_gets_what_does_not_exist() {
    let bed = Bed::new(2, 1).await;
    let before = bed.people.read("memberships.csv");
    let refused = [
        (format!("{}/entitlements/group/ghost", bed.account("u1")), "ghost"),
        (format!("{}/entitlements/group/g1", bed.account("ghost")), "ghost"),
        (format!("{}/entitlements/planet/g1", bed.account("u1")), "planet"),
    ];
    for (path, wrong) in refused {
        bed.core.put(&path, &json!({})).await.refusal().names(wrong);
    }
    let entitlement = format!("{}/entitlements/group/g1", bed.account("u1"));
    let bodies = [
        (json!({"colour": "red"}), "colour"),
        (json!({"parameters": {"scope": ["x"]}}), "scope"),
        (json!({"parameters": []}), "parameters"),
        (json!({"notBefore": "yesterday"}), "notBefore"),
    ];
    for (body, wrong) in bodies {
        bed.core.put(&entitlement, &body).await.refusal().names(wrong);
    }
    assert_eq!(bed.people.read("memberships.csv"), before);
    assert_eq!(granted(&bed, "u1").await.len(), 1);
}

#[tokio::test]
async fn an_account_that_goes_takes_its_memberships_along() {
    let bed = Bed::new(4, 2).await;
    bed.core.delete(&bed.account("u1")).await.expect(204);
    assert_eq!(bed.people.read("memberships.csv"), "group,account\ng1,u2\ng2,u3\ng1,u4\n");
}
