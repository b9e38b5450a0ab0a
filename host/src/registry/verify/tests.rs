//! Every reason for which a release is refused, and the one that is not.

use std::fmt::Debug;

use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use super::*;
use crate::registry::limits::{CLOCK_SKEW_MAX, ENVELOPE_BYTES_MAX};

const MANIFEST: &str = r#"
publisher = "acme"
name = "roster"
version = "1.2.0"
wit = "0.1"
title = "Roster"
summary = "Accounts of a roster."
[interfaces]
exports = ["source"]
"#;
/// The header of a component, and an empty custom section.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\x00\x01\x00";
const COUNTER: u64 = 7;
const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A change to what is signed.
type Change = fn(&mut Json);

/// A publisher's key, trusted for `acme`.
struct Room {
    key: SigningKey,
    trust: Trust,
}

impl Room {
    fn new() -> Self {
        let key = SigningKey::generate().unwrap();
        let trust = trust("acme", &key);
        Self { key, trust }
    }

    fn release(&self) -> Vec<u8> {
        sign(&self.key, MANIFEST, COMPONENT, COUNTER, NOW, NOW + DAY).unwrap()
    }

    fn statement(&self) -> Statement {
        verify_statement(&self.release(), &self.trust).unwrap()
    }

    /// Signs whatever payload, as the publisher's own tool might.
    fn signed(&self, payload: impl Into<Vec<u8>>) -> Vec<u8> {
        let mut envelope =
            Envelope { payload: payload.into(), key: self.key.public().unwrap().id(), signature: Vec::new() };
        envelope.signature = self.key.sign(&envelope.signed_bytes()).unwrap();
        envelope.write().unwrap()
    }

    /// The signed payload after a change, signed anew: no forgery, and still not right.
    fn resigned(&self, change: impl FnOnce(&mut Json)) -> Vec<u8> {
        let payload = Envelope::parse(&self.release()).unwrap().payload;
        let mut document: Json = serde_json::from_slice(&payload).unwrap();
        change(&mut document);
        self.signed(document.to_string())
    }

    #[track_caller]
    fn refuses(&self, envelope: &[u8], reason: &str) {
        refuses(verify_statement(envelope, &self.trust), reason);
    }
}

fn trust(publisher: &str, key: &SigningKey) -> Trust {
    let mut trust = Trust::default();
    trust.add(publisher.parse().unwrap(), key.public().unwrap());
    trust
}

/// The envelope after a change to its JSON, spelled as it has to be.
fn changed(envelope: &[u8], change: impl FnOnce(&mut Json)) -> Vec<u8> {
    let mut document: Json = serde_json::from_slice(envelope).unwrap();
    change(&mut document);
    document.to_string().into_bytes()
}

#[track_caller]
fn refuses<T: Debug>(result: Result<T>, reason: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ReleaseRefused);
    assert!(error.message.contains(reason), "{error}");
}

#[test]
fn an_unsigned_release_is_refused() {
    let room = Room::new();
    room.refuses(b"", "wrong form");
    room.refuses(b"{}", "missing field");
    room.refuses(&changed(&room.release(), |json| json["signatures"] = json!([])), "0 signatures");
}

#[test]
fn a_release_of_a_key_nobody_trusts_is_refused_with_the_key() {
    let room = Room::new();
    let stranger = Room::new();
    let id = stranger.key.public().unwrap().id();
    room.refuses(&stranger.release(), &format!("nobody trusts the key {id}"));
    refuses(verify_statement(&room.release(), &Trust::default()), "hawser publisher trust");
    refuses(verify_with(&stranger.release(), &room.key.public().unwrap()), "it was signed with the key");
}

#[test]
fn a_signature_under_anothers_name_is_refused() {
    let mut room = Room::new();
    let other = SigningKey::generate().unwrap();
    room.trust.add("acme".parse().unwrap(), other.public().unwrap());
    let id = other.public().unwrap().id().to_string();
    room.refuses(&changed(&room.release(), |json| json["signatures"][0]["keyid"] = json!(id)), "signature is wrong");
}

#[test]
fn a_stripped_or_partial_signature_is_refused() {
    let room = Room::new();
    let envelope = Envelope::parse(&room.release()).unwrap();
    for length in [0, 1, 32, 63] {
        let cut = Envelope {
            signature: envelope.signature[..length].to_vec(),
            payload: envelope.payload.clone(),
            ..envelope
        };
        room.refuses(&cut.write().unwrap(), "signature is wrong");
    }
    room.refuses(&changed(&room.release(), |json| json["signatures"][0]["sig"] = json!("AA")), "no base64");
}

#[test]
fn a_second_signature_is_refused_even_if_both_are_good() {
    let room = Room::new();
    let twice = changed(&room.release(), |json| {
        let again = json["signatures"][0].clone();
        json["signatures"].as_array_mut().unwrap().push(again);
    });
    room.refuses(&twice, "2 signatures");
}

#[test]
fn an_envelope_has_one_spelling_and_nothing_around_it() {
    let room = Room::new();
    let text = String::from_utf8(room.release()).unwrap();
    for other in [
        format!("{text}\n"),
        format!(" {text}"),
        text.replacen(':', ": ", 1),
        text.replacen("in-toto", "in\\u002dtoto", 1),
        text.replacen("in-toto", "in\\/toto", 1),
    ] {
        room.refuses(other.as_bytes(), "release.json");
    }
    room.refuses(text.replacen("in-toto", "in\\u002dtoto", 1).as_bytes(), "not spelled");
    room.refuses(text.replacen('{', "{\"note\":1,", 1).as_bytes(), "unknown field");
    room.refuses(text.replacen("{\"payload\"", "{\"payload\":\"\",\"payload\"", 1).as_bytes(), "duplicate field");
    room.refuses(format!("{text}{text}").as_bytes(), "trailing");
    room.refuses(&changed(text.as_bytes(), |json| json["payloadType"] = json!("text/plain")), "payloadType");
    room.refuses(&vec![b' '; ENVELOPE_BYTES_MAX + 1], "at most");
}

#[test]
fn what_was_signed_has_one_form_too() {
    let room = Room::new();
    room.refuses(&room.signed("{}"), "missing field");
    let payload = Envelope::parse(&room.release()).unwrap().payload;
    let text = String::from_utf8(payload).unwrap();
    room.refuses(&room.signed(format!("{text} ")), "not spelled");
    room.refuses(&room.signed(text.replacen("{\"_type", "{\"extra\":1,\"_type", 1)), "unknown field");
    let changes: [(Change, &str); 8] = [
        (|json| json["_type"] = json!("https://in-toto.io/Statement/v2"), "Statement/v1"),
        (|json| json["predicateType"] = json!("https://slsa.dev/provenance/v1"), "https://hawser.dev/release/v1"),
        (|json| json["subject"] = json!([]), "one subject"),
        (|json| json["subject"] = json!([json["subject"][0], json["subject"][0]]), "one subject"),
        (|json| json["subject"][0]["name"] = json!("other.wasm"), "one subject"),
        (|json| json["subject"][0]["digest"]["sha256"] = json!("AB"), "lower-case hexadecimal"),
        (|json| json["predicate"]["counter"] = json!(1_u64 << 53), "at most"),
        (|json| json["predicate"]["expires"] = json["predicate"]["issued"].clone(), "before it was issued"),
    ];
    for (change, reason) in changes {
        room.refuses(&room.resigned(change), reason);
    }
}

#[test]
fn a_publisher_cannot_sign_anothers_name() {
    let room = Room::new();
    let id = room.key.public().unwrap().id();
    // The key is trusted, for somebody else.
    let elsewhere = trust("beta", &room.key);
    refuses(verify_statement(&room.release(), &elsewhere), &format!("the key {id} that signed it is trusted for beta"));
    // It says that it is by somebody whose key it has, and its manifest says otherwise.
    let mut both = trust("beta", &room.key);
    both.add("gamma".parse().unwrap(), SigningKey::generate().unwrap().public().unwrap());
    let lent = room.resigned(|json| json["predicate"]["publisher"] = json!("beta"));
    refuses(verify_statement(&lent, &both), "published by beta, but its manifest is of acme/roster");
}

#[test]
fn a_manifest_that_is_wrong_is_refused_with_its_key() {
    let room = Room::new();
    room.refuses(&room.resigned(|json| json["predicate"]["manifest"] = json!("publisher = 3")), "connector.toml");
    refuses(sign(&room.key, "publisher = 3", COMPONENT, 1, NOW, NOW + DAY), "connector.toml");
}

#[test]
fn another_component_is_refused_whatever_differs() {
    let statement = Room::new().statement();
    let flipped = |at: usize| {
        let mut bytes = COMPONENT.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let section = [COMPONENT, b"\x00\x02\x01x"].concat();
    // The bytes that tell a module from a component are among the flipped ones.
    for other in [flipped(4), flipped(6), section, COMPONENT[..COMPONENT.len() - 1].to_vec(), Vec::new()] {
        refuses(statement.matches(&other), "not the one that was signed");
    }
    statement.matches(COMPONENT).unwrap();
}

#[test]
fn an_older_or_equal_counter_is_not_installed() {
    let statement = Room::new().statement();
    for newest in [COUNTER, COUNTER + 1] {
        refuses(statement.check_installable(NOW, Some(newest)), "activate the one that is installed");
    }
    statement.check_installable(NOW, Some(COUNTER - 1)).unwrap();
    statement.check_installable(NOW, None).unwrap();
}

#[test]
fn an_expired_release_is_not_installed() {
    let statement = Room::new().statement();
    for late in [statement.expires, statement.expires + DAY] {
        refuses(statement.check_installable(late, None), "expired at 2027-01-16");
    }
    statement.check_installable(statement.expires - SignedDuration::from_secs(1), None).unwrap();
}

#[test]
fn a_release_from_the_future_is_not_installed_but_clocks_may_differ_a_little() {
    let statement = Room::new().statement();
    let skew = SignedDuration::try_from(CLOCK_SKEW_MAX).unwrap();
    refuses(statement.check_installable(NOW - skew - SignedDuration::from_secs(1), None), "in the future");
    statement.check_installable(NOW - skew, None).unwrap();
}

#[test]
fn nothing_is_signed_that_no_host_would_take() {
    let room = Room::new();
    refuses(sign(&room.key, MANIFEST, COMPONENT, 1 << 53, NOW, NOW + DAY), "at most");
    refuses(sign(&room.key, MANIFEST, COMPONENT, 1, NOW, NOW), "before it was issued");
    // As many quotes as the longest manifest has room for: the longest text there is to escape.
    let quotes = format!("{MANIFEST}# {}", "\"".repeat(256 * 1024 - MANIFEST.len() - 2));
    let longest = sign(&room.key, &quotes, COMPONENT, 1, NOW, NOW + DAY).unwrap();
    verify_statement(&longest, &room.trust).unwrap();
}

#[test]
fn a_release_of_a_trusted_key_says_what_was_signed() {
    let room = Room::new();
    let (release, statement) = (room.release(), room.statement());
    assert_eq!(statement.manifest, Manifest::parse(MANIFEST).unwrap());
    assert_eq!((statement.counter, statement.issued, statement.expires), (COUNTER, NOW, NOW + DAY));
    assert_eq!((statement.component, statement.digest), (Digest::of(COMPONENT), Digest::of(&release)));
    assert_eq!(statement.key, room.key.public().unwrap().id());
    assert_eq!(verify_with(&release, &room.key.public().unwrap()).unwrap(), statement);
}
