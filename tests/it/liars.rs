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
    let body = json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/liar", "version": "^0.1", "title": "Liar",
        "options": {"lie": lie},
    });
    bed.create(&body).await;
    bed
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
        assert_eq!((&task["counts"]["inserted"], &task["counts"]["rejected"]), (&json!(1), &json!(3)), "{lie}: {task}");
        assert!(reasons.contains(reason), "{lie}: {reasons}");
        assert!(!reasons.contains('\u{202e}') && !reasons.contains("xxxxxxxx"), "{lie}: {reasons}");
        assert_eq!(bed.published("account").await.len(), 1, "{lie}");
    }
}

#[tokio::test]
async fn a_uid_that_comes_twice_is_kept_once() {
    let (bed, task, reasons) = imported("twins").await;
    assert_eq!((&task["counts"]["inserted"], &task["counts"]["rejected"]), (&json!(2), &json!(2)), "{task}");
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
    let bed = liar(&house, "endless").await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    let task = bed.import().await;
    assert_eq!((&task["state"], &task["error"]["kind"]), (&json!("failed"), &json!("guest-limit")), "{task}");
    assert!(task["error"].to_string().contains("records-max"), "{task}");
    assert!(bed.published("account").await.is_empty());
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
    for (lie, reason) in [("classes", "twice"), ("words", "U+001B")] {
        let bed = liar(House::shared().await, lie).await;
        let refused = bed.operator.order(&bed.at("/schema/refresh")).await;
        refused.refusal().names(reason);
        assert!(!refused.text.contains(['\u{1b}', '\u{202e}']), "{}", refused.text);
    }
}
