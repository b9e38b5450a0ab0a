//! A valid release in two hundred wrong forms, in every region of it: all refused, and none before its bytes were
//! hashed against what was signed. The verifier is called as the host calls it; it has no runtime that could parse.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hawser::model::{Error, ErrorKind};
use hawser::registry::{SigningKey, Trust, sign, verify_statement};
use hawser_tests::{guests, vendor};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use crate::releases::{bare, compilations};

const MUTATIONS: usize = 8 * REGIONS.len();
const SEED: u64 = 0x4841_5753_4552;

#[derive(Clone, PartialEq)]
struct Release {
    envelope: Vec<u8>,
    component: Vec<u8>,
}

impl Release {
    fn shipped(&self) -> vendor::Release {
        vendor::Release { statement: self.envelope.clone(), component: self.component.clone() }
    }
}

/// Changes a release in one region; differently each time.
type Mutation = fn(&mut Release, &mut Dice);

const REGIONS: &[(&str, Mutation)] = &[
    ("any byte of the envelope", |release, dice| dice.flip(&mut release.envelope)),
    ("the envelope's end, appended", |release, dice| release.envelope.push(dice.pick(b" \n\0}{a"))),
    ("the envelope's end, cut off", |release, dice| release.envelope.truncate(dice.below(release.envelope.len()))),
    ("whitespace in the envelope", |release, dice| {
        let at = dice.below(release.envelope.len() + 1);
        release.envelope.insert(at, dice.pick(b" \n\r\t"));
    }),
    ("the envelope's fields", |release, dice| edit(release, |json| disorder(json, dice))),
    ("payload, in base64", |release, dice| edit(release, |json| respell(&mut json["payload"], dice))),
    ("payloadType", |release, dice| edit(release, |json| respell(&mut json["payloadType"], dice))),
    ("keyid", |release, dice| edit(release, |json| respell(&mut json["signatures"][0]["keyid"], dice))),
    ("keyid of another trusted key", |release, dice| {
        edit(release, |json| json["signatures"][0]["keyid"] = dice.other_key.clone());
    }),
    ("sig, in base64", |release, dice| edit(release, |json| respell(&mut json["signatures"][0]["sig"], dice))),
    ("the signature's bits", |release, dice| signature(release, |bytes| dice.flip(bytes))),
    ("the signature's length", |release, dice| signature(release, |bytes| bytes.truncate(dice.below(bytes.len())))),
    ("the number of signatures", |release, dice| {
        edit(release, |json| {
            let one = json["signatures"][0].clone();
            json["signatures"] = json!(vec![one; dice.pick(&[0, 2, 3])]);
        });
    }),
    ("any byte of the payload", |release, dice| payload(release, |bytes| dice.flip(bytes))),
    ("whitespace in the payload", |release, dice| {
        payload(release, |bytes| bytes.insert(dice.below(bytes.len() + 1), dice.pick(b" \n\r\t")));
    }),
    ("the payload's fields", |release, dice| statement(release, |json| disorder(json, dice))),
    ("_type", |release, dice| statement(release, |json| respell(&mut json["_type"], dice))),
    ("subject's name", |release, dice| statement(release, |json| respell(&mut json["subject"][0]["name"], dice))),
    ("subject's sha256", |release, dice| {
        statement(release, |json| respell(&mut json["subject"][0]["digest"]["sha256"], dice));
    }),
    ("predicateType", |release, dice| statement(release, |json| respell(&mut json["predicateType"], dice))),
    ("manifest", |release, dice| statement(release, |json| respell(&mut json["predicate"]["manifest"], dice))),
    ("publisher", |release, dice| statement(release, |json| respell(&mut json["predicate"]["publisher"], dice))),
    ("counter", |release, dice| statement(release, |json| json["predicate"]["counter"] = json!(8 + dice.below(999)))),
    ("issued", |release, dice| statement(release, |json| respell(&mut json["predicate"]["issued"], dice))),
    ("expires", |release, dice| statement(release, |json| respell(&mut json["predicate"]["expires"], dice))),
    ("the component's header", |release, dice| dice.flip(&mut release.component[..8])),
    ("the component's middle", |release, dice| {
        let third = release.component.len() / 3;
        dice.flip(&mut release.component[third..2 * third]);
    }),
    ("the component's last bytes", |release, dice| {
        let end = release.component.len() - 16;
        dice.flip(&mut release.component[end..]);
    }),
    ("a section after the component", |release, dice| release.component.extend([0, 2, 1, dice.pick(b"abcdefgh")])),
    ("the component's length", |release, dice| release.component.truncate(dice.below(release.component.len()))),
];

#[test]
fn two_hundred_mutations_of_a_valid_release_are_all_refused() {
    let (release, trust, mut dice) = valid();
    accepted(&release, &trust).unwrap();
    let mut hit: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, (region, mutate)) in REGIONS.iter().cycle().take(MUTATIONS).enumerate() {
        let mut mutant = release.clone();
        mutate(&mut mutant, &mut dice);
        assert!(mutant != release, "mutation {number} ({region}) changed nothing");
        if mutant.envelope != release.envelope {
            assert!(verify_statement(&mutant.envelope, &trust).is_err(), "mutation {number} ({region}) was believed");
        }
        let error = accepted(&mutant, &trust).expect_err(&format!("mutation {number} ({region}) was accepted"));
        assert_eq!(error.kind, ErrorKind::ReleaseRefused, "mutation {number} ({region}): {error}");
        *hit.entry(region).or_default() += 1;
    }
    const { assert!(MUTATIONS >= 200) };
    assert_eq!(hit.len(), REGIONS.len(), "two regions have one name: {hit:?}");
    assert!(hit.values().all(|count| *count == 8), "{hit:?}");
}

#[tokio::test]
async fn two_hundred_mutations_are_refused_by_a_host_and_none_is_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let house = bare(folder.path()).await;
    let operator = house.operator();
    let (release, _, mut dice) = tokio::task::spawn_blocking(valid).await.unwrap();
    let trusted = json!({"publicKey": dice.key.public().unwrap().to_pem(), "title": "of the tests"});
    operator.post("/v1/publishers/hawser/keys", &trusted).await.expect(201);
    for (number, (region, mutate)) in REGIONS.iter().cycle().take(MUTATIONS).enumerate() {
        let mut mutant = release.clone();
        mutate(&mut mutant, &mut dice);
        let answer = mutant.shipped().install(&operator).await;
        assert_eq!(answer.status, 422, "mutation {number} ({region}): {}", answer.text);
        answer.problem(422, "release-refused");
    }
    assert_eq!(compilations(folder.path()), 0);
    release.shipped().install(&operator).await.expect(201);
    assert_eq!(compilations(folder.path()), 1);
    house.stop().await;
}

#[test]
fn a_statement_does_not_cover_another_releases_component() {
    let (release, trust, mut dice) = valid();
    let mut other = release.clone();
    dice.flip(&mut other.component);
    other.envelope = signed(&dice.key, &other.component);
    accepted(&other, &trust).unwrap();
    let mixed = Release { envelope: release.envelope, component: other.component };
    assert_eq!(accepted(&mixed, &trust).unwrap_err().kind, ErrorKind::ReleaseRefused);
}

fn accepted(release: &Release, trust: &Trust) -> Result<(), Error> {
    verify_statement(&release.envelope, trust)?.matches(&release.component)
}

/// A real connector, signed, and two keys that are trusted for its publisher.
fn valid() -> (Release, Trust, Dice) {
    let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let mut trust = Trust::default();
    for key in [&key, &other] {
        trust.add("hawser".parse().unwrap(), key.public().unwrap());
    }
    let component = fs::read(guests::connectors().join("hawser-csv/component.wasm")).unwrap();
    let release = Release { envelope: signed(&key, &component), component };
    let other_key = json!(other.public().unwrap().id());
    (release, trust, Dice { state: SEED, other_key, key })
}

fn signed(key: &SigningKey, component: &[u8]) -> Vec<u8> {
    let manifest = fs::read_to_string(guests::connectors().join("hawser-csv/connector.toml")).unwrap();
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    sign(key, &manifest, component, 7, now, now + SignedDuration::from_hours(24)).unwrap()
}

fn edit(release: &mut Release, change: impl FnOnce(&mut Json)) {
    let mut json: Json = serde_json::from_slice(&release.envelope).unwrap();
    change(&mut json);
    release.envelope = json.to_string().into_bytes();
}

fn recode(field: &mut Json, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = BASE64.decode(field.as_str().unwrap()).unwrap();
    change(&mut bytes);
    *field = json!(BASE64.encode(bytes));
}

fn signature(release: &mut Release, change: impl FnOnce(&mut Vec<u8>)) {
    edit(release, |json| recode(&mut json["signatures"][0]["sig"], change));
}

fn payload(release: &mut Release, change: impl FnOnce(&mut Vec<u8>)) {
    edit(release, |json| recode(&mut json["payload"], change));
}

/// Changes what was signed, and spells it as it has to be spelled.
fn statement(release: &mut Release, change: impl FnOnce(&mut Json)) {
    payload(release, |bytes| {
        let mut json: Json = serde_json::from_slice(bytes).unwrap();
        change(&mut json);
        *bytes = json.to_string().into_bytes();
    });
}

/// One character of a text becomes another one.
fn respell(field: &mut Json, dice: &mut Dice) {
    let text = field.as_str().unwrap();
    let places: Vec<usize> = text.char_indices().filter(|(_, c)| c.is_ascii()).map(|(at, _)| at).collect();
    let at = dice.pick(&places);
    let letter = loop {
        let letter = dice.pick(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        if letter != text.as_bytes()[at] {
            break char::from(letter);
        }
    };
    *field = json!(format!("{}{letter}{}", &text[..at], &text[at + 1..]));
}

/// The same fields in another order, one fewer, one more, or one under another name.
fn disorder(json: &mut Json, dice: &mut Dice) {
    let fields = json.as_object_mut().unwrap();
    let names: Vec<String> = fields.keys().cloned().collect();
    let name = dice.pick(&names);
    let more = format!("extra{}", dice.below(1000));
    match dice.below(4) {
        0 => {
            // To the end, or to the front if it is there already.
            let first = names.iter().find(|other| **other != name).unwrap();
            let moved = if names.last() == Some(&name) { first } else { &name };
            let value = fields.shift_remove(moved).unwrap();
            fields.insert(moved.clone(), value);
        }
        1 => drop(fields.shift_remove(&name)),
        2 => drop(fields.insert(more, json!(1))),
        _ => {
            let value = fields.shift_remove(&name).unwrap();
            fields.insert(more, value);
        }
    }
}

/// Deterministic chance: SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
struct Dice {
    state: u64,
    other_key: Json,
    key: SigningKey,
}

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        let at = self.below(bytes.len());
        bytes[at] ^= 1 << self.below(8);
    }
}
