//! Guests that say too much: what they say is cut or refused, and the caller gets an answer of a bearable size.

use hawser_tests::house::House;

use super::{KINDS, provoke, stubborn};

/// The longest answer to a call whose connector says too much, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

#[tokio::test]
async fn an_error_of_megabytes_is_cut_to_what_people_read() {
    for place in KINDS {
        let bed = stubborn(House::shared().await, "rant", place).await;
        let end = provoke(&bed, place).await;
        assert_eq!(end.kind, "conflict", "{place}: {}", end.told);
        let told = end.told.to_string();
        assert!(told.contains("no no no") && told.len() < ANSWER_BYTES_MAX, "{place}: {} bytes", told.len());
    }
}

#[tokio::test]
async fn a_finding_of_megabytes_is_cut_and_thousands_of_findings_are_refused() {
    let novel = stubborn(House::shared().await, "novel", "check").await;
    let end = provoke(&novel, "check").await;
    let text = end.told["findings"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("It was a dark") && text.len() < ANSWER_BYTES_MAX, "{} bytes", text.len());
    let babble = stubborn(House::shared().await, "babble", "check").await;
    let end = provoke(&babble, "check").await;
    assert_eq!(end.kind, "guest-limit", "{}", end.told);
}

#[tokio::test]
async fn a_chatterbox_is_cut_short_and_done() {
    let bed = stubborn(House::shared().await, "chatter", "check").await;
    let end = provoke(&bed, "check").await;
    assert_eq!(end.kind, "ok", "{}", end.told);
}
