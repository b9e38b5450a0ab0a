//! Answers that cannot be true: each is set aside with its reason or ends the call, and what is honest gets through.

use hawser_tests::bed::{Bed, items};
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

/// Objects an import may hold in the host of the endless listing.
const RECORDS_MAX: u64 = 2_000;

/// A bed whose connector tells that lie.
/// (The guest is `tests/guests/liar`: "liar".)
async fn liar(house: &House, lie: &str) -> Bed {
    let bed = Bed::bare(house, People::new(0, 0)).await;
    bed.create(&connection(&bed, lie)).await;
    bed
}

fn connection(bed: &Bed, lie: &str) -> Json {
    json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/liar", "version": "^0.1", "title": "Liar",
        "options": {"lie": lie},
    })
}

/// What an import of a liar comes to: the task, and the reasons of what it set aside.
async fn imported(lie: &str) -> (Bed, Json, String) {
    let bed = liar(House::shared().await, lie).await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    let task = bed.import_published().await;
    let path = format!("/v1/tasks/{}/rejected", task["id"].as_str().unwrap());
    let rejected = bed.core.get(&path).await.expect(200);
    let reasons = items(&rejected).iter().map(Json::to_string).collect();
    (bed, task, reasons)
}

#[tokio::test]
async fn values_that_cannot_be_kept_are_set_aside_and_the_honest_object_is_published() {
    for (lie, reason) in
        [("nul", "NUL"), ("overflow", "9999"), ("giant", "are taken"), ("cells", "cells"), ("bidi", "U+202E")]
    {
        let (bed, task, reasons) = imported(lie).await;
        assert_eq!((&task["counts"]["inserted"], &task["counts"]["rejected"]), (&json!(2), &json!(3)), "{lie}: {task}");
        assert!(reasons.contains(reason), "{lie}: {reasons}");
        assert!(!reasons.contains('\u{202e}') && !reasons.contains("xxxxxxxx"), "{lie}: {reasons}");
        assert_eq!(bed.published("account").await.len(), 1, "{lie}");
    }
}

#[tokio::test]
async fn a_uid_that_comes_twice_is_kept_once() {
    let (bed, task, reasons) = imported("twins").await;
    assert_eq!((&task["counts"]["inserted"], &task["counts"]["rejected"]), (&json!(3), &json!(2)), "{task}");
    assert!(reasons.contains("twin"), "{reasons}");
    assert_eq!(bed.published("account").await.len(), 2);
}

#[tokio::test]
async fn another_object_than_the_one_asked_for_is_refused() {
    let bed = liar(House::shared().await, "foreign").await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    bed.core.get(&bed.account("u1")).await.refusal().names("somebody-else");
}

#[tokio::test]
async fn a_listing_without_end_is_stopped_before_it_fills_the_disk() {
    let house = House::with(|config| config.imports.records_max = RECORDS_MAX).await;
    for lie in ["endless", "rejects"] {
        let bed = liar(&house, lie).await;
        bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
        let task = bed.import().await;
        assert_eq!(
            (&task["state"], &task["error"]["kind"]),
            (&json!("failed"), &json!("guest-limit")),
            "{lie}: {task}"
        );
        assert!(task["error"].to_string().contains("records-max"), "{lie}: {task}");
        assert!(bed.published("account").await.is_empty(), "{lie}");
    }
}

#[tokio::test]
async fn edges_that_cannot_be_are_set_aside_and_the_honest_one_is_published() {
    let (_bed, task, reasons) = imported("edges").await;
    assert_eq!((&task["counts"]["linksAdded"], &task["counts"]["rejected"]), (&json!(1), &json!(5)), "{task}");
    for reason in ["was asked for", "empty", "U+202E", "9999", "U+001B"] {
        assert!(reasons.contains(reason), "{reason}: {reasons}");
    }
}

#[tokio::test]
async fn a_checkpoint_of_megabytes_ends_the_import_and_publishes_nothing() {
    let bed = liar(House::shared().await, "bookmark").await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    let task = bed.import().await;
    assert_eq!((&task["state"], &task["error"]["kind"]), (&json!("failed"), &json!("guest-limit")), "{task}");
    assert!(bed.published("account").await.is_empty());
}

#[tokio::test]
async fn what_cannot_have_been_written_has_an_unknown_outcome() {
    let lies = [
        ("nul", "uid"),
        ("bidi", "U+202E"),
        ("giant", "uid"),
        ("words", "U+000D"),
        ("overflow", "9999"),
        ("stuck", "U+001B"),
        ("twins", "uid"),
    ];
    for (lie, reason) in lies {
        let bed = liar(House::shared().await, "cells").await;
        bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
        lies_from_now_on(&bed, lie).await;
        let draft = json!({"name": "ada", "attributes": {}});
        let patch = json!({"changes": {"mail": {"replace": ["a@b"]}}});
        let answers = [
            bed.core.post(&bed.at("/objects/account"), &draft).await,
            bed.core.patch(&bed.account("u1"), &patch).await,
        ];
        for answer in answers {
            let problem = answer.problem(answer.status, "outcome-unknown").names(reason);
            assert_eq!(problem.0["effect"], "unknown", "{lie}");
            assert!(answer.text.len() < 10_000 && !answer.text.contains(['\u{1b}', '\u{202e}']), "{lie}");
        }
    }
}

#[tokio::test]
async fn a_failure_names_no_object_that_cannot_be_one() {
    let bed = liar(House::shared().await, "foreign").await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    let draft = json!({"name": "ada", "attributes": {}});
    let problem = bed.core.post(&bed.at("/objects/account"), &draft).await.problem(409, "already-exists");
    assert!(problem.0["object"].is_null(), "{:?}", problem.0);
}

#[tokio::test]
async fn entitlements_that_cannot_be_granted_are_not_shown() {
    let lies = [
        ("nul", "U+0000"),
        ("bidi", "U+202E"),
        ("giant", "longer than"),
        ("overflow", "9999"),
        ("endless", "at most"),
        ("bookmark", "checkpoint"),
    ];
    for (lie, reason) in lies {
        let bed = liar(House::shared().await, "cells").await;
        bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
        lies_from_now_on(&bed, lie).await;
        let entitlements = format!("{}/entitlements", bed.account("u1"));
        let answer = bed.core.get(&entitlements).await;
        assert!(answer.status >= 400 && answer.text.contains(reason), "{lie}: {}", answer.text);
        assert!(answer.text.len() < 10_000, "{lie}");
        let granted = bed.core.put(&format!("{entitlements}/group/g"), &json!({})).await;
        granted.problem(granted.status, "outcome-unknown");
    }
}

#[tokio::test]
async fn a_page_of_entitlements_that_leads_back_to_itself_ends_the_listing() {
    let bed = liar(House::shared().await, "stuck").await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    let entitlements = format!("{}/entitlements", bed.account("u1"));
    let first = bed.core.get(&entitlements).await.expect(200).json();
    let cursor = first["cursor"].as_str().unwrap();
    let again = bed.core.get(&format!("{entitlements}?cursor={cursor}")).await;
    again.problem(again.status, "guest-limit").names("its author has to look");
}

/// Changes what the connector lies about, its schema staying as it was.
async fn lies_from_now_on(bed: &Bed, lie: &str) {
    bed.operator.put(&bed.at(""), &connection(bed, lie)).await.expect(200);
}

#[tokio::test]
async fn a_checkpoint_that_does_not_move_ends_the_import() {
    let bed = liar(House::shared().await, "stuck").await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    let task = bed.import().await;
    assert_eq!(task["state"], "failed", "{task}");
    assert!(task["error"].to_string().contains("checkpoint"), "{task}");
}

#[tokio::test]
async fn a_schema_that_cannot_be_one_is_refused_and_shown_without_what_acts() {
    for (lie, reason) in [("classes", "twice"), ("words", "U+001B"), ("wide", "")] {
        let bed = liar(House::shared().await, lie).await;
        let refused = bed.operator.order(&bed.at("/schema/refresh")).await;
        assert!(refused.status >= 400 && refused.text.contains(reason), "{lie}: {}", refused.text);
        assert!(!refused.text.contains(['\u{1b}', '\u{202e}']), "{}", refused.text);
    }
}
