//! Connections of the guest `tests/guests/mirror` ("mirror"), whose check tells which key it was given: it shows what the
//! host signed with it.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

/// A connection with a token and a header, and that key.
pub(super) async fn mirror(house: &House, key: &Json) -> Bed {
    let bed = Bed::bare(house, People::new(0, 0)).await;
    let body = json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/mirror", "version": "^0.1", "title": "Mirror",
        "directories": {"data": {"path": bed.people.path(), "access": "read-write"}},
        "securedOptions": {
            "token": {"value": "a token of the tests"}, "headers": {"entries": {"x": "a header of the tests"}}, "key": key,
        },
    });
    bed.create(&body).await;
    bed
}

/// What a check says.
pub(super) async fn said(bed: &Bed) -> String {
    bed.core.post(&bed.at("/check"), &json!({})).await.expect(200).text
}

/// The check was given that key.
#[track_caller]
pub(super) fn assert_signed(said: &str, key: &str) {
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), b"message");
    let hex = signature.as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    assert!(said.contains(&hex), "it was not given {key:?}: {said}");
}

/// The status of what is set of an option, by its source.
pub(super) async fn status(bed: &Bed, name: &str, source: &str) -> Json {
    let option = super::option(bed, name).await;
    let set = option["set"].as_array().unwrap();
    set.iter().find(|status| status["source"] == source).unwrap_or_else(|| panic!("no {source}: {option}")).clone()
}
