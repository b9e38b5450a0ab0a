//! Guests that misbehave: each is stopped, named, and the others are served.

use std::time::Duration;

use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::json;

/// A bed whose connector is in that mood.
/// (The guest is `tests/guests/stubborn`: "stubborn".)
async fn stubborn(mood: &str) -> Bed {
    let bed = Bed::bare(House::shared().await, People::new(0, 0)).await;
    let body = json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/stubborn", "version": "^0.1", "title": "Stubborn",
        "options": {"mood": mood},
    });
    bed.connect(&body).await;
    bed
}

#[tokio::test]
async fn a_loop_is_stopped_at_its_deadline_while_others_are_served() {
    let (bed, other) = (stubborn("loop").await, Bed::new(1, 0).await);
    let looping = tokio::spawn({
        let (core, path) = (bed.core.clone(), bed.at("/check"));
        async move { core.post(&path, &json!({})).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..5 {
        other.core.get(&other.account("u1")).await.expect(200);
    }
    assert!(!looping.is_finished(), "the loop had ended before the others were asked");
    looping.await.unwrap().problem(504, "operation-timeout").names("call-ms");
}

#[tokio::test]
async fn a_panic_is_told_without_its_control_characters() {
    let bed = stubborn("panic").await;
    let answer = bed.core.post(&bed.at("/check"), &json!({})).await;
    let problem = answer.problem(answer.status, "guest-trap");
    assert!(answer.status >= 500, "{problem:?}");
    assert!(!problem.detail().contains(['\u{1b}', '\n']), "{problem:?}");
}

#[tokio::test]
async fn memory_beyond_the_limit_is_refused_and_the_next_call_starts_afresh() {
    let bed = stubborn("hoard").await;
    for _ in 0..2 {
        let answer = bed.core.post(&bed.at("/check"), &json!({})).await;
        assert!(answer.status >= 500, "{}", answer.text);
        assert!(["guest-limit", "guest-trap"].contains(&answer.problem(answer.status, &kind(&answer.text)).kind()));
    }
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
}

fn kind(problem: &str) -> String {
    let problem: serde_json::Value = serde_json::from_str(problem).unwrap();
    problem["type"].as_str().unwrap().replace("urn:hawser:problem:", "")
}

#[tokio::test]
async fn a_chatterbox_is_cut_short_and_done() {
    let bed = stubborn("chatter").await;
    let started = std::time::Instant::now();
    bed.core.post(&bed.at("/check"), &json!({})).await.expect(200);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_connector_in_a_good_mood_is_fine() {
    let bed = stubborn("fine").await;
    assert_eq!(bed.core.post(&bed.at("/check"), &json!({})).await.expect(200).json()["ok"], true);
}
