//! Rotating the vault's key: everything stays usable, the old key is gone at the end, and a host that is killed in the
//! middle has lost nothing and goes on.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value as Json, json};

use super::mirror::{assert_signed, mirror, said, status};
use super::{fed, option, refused_start};

/// Connections, and entries of a map of each: several transactions' worth.
const CONNECTIONS: usize = 8;
const ENTRIES: usize = 60;
const KILLS: u32 = 16;
/// Rotations while somebody writes.
const ROTATIONS: u32 = 20;
/// The longest that a host is left alone with a rotation, in milliseconds.
const LIFE_MS_MAX: u64 = 120;
/// Chooses the moments again that another run told of.
const SEED: &str = "HAWSER_TEST_SEED";

/// The ids of the keys of a ring, and what else its lines hold.
fn ring(data: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(data.join("vault.key")).unwrap();
    let pair = |line: &str| line.split_once(' ').map(|(id, key)| (id.to_owned(), key.to_owned())).unwrap();
    text.lines().map(pair).collect()
}

/// Is that in a file of the folder?
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

fn point(beds: &mut [Bed], host: &Host) {
    for bed in beds {
        (bed.operator, bed.core) = (host.operator(), host.core());
    }
}

#[tokio::test]
async fn a_rotation_keeps_every_value_and_the_old_key_nowhere() {
    let house = House::start().await;
    let mut bed = mirror(&house, &json!({"value": "Jefe"})).await;
    let before = (ring(house.data()).remove(0), status(&bed, "key", "stored").await);
    let rotated = bed.operator.order("/v1/secrets/rotate").await.expect(200).json();
    assert_eq!((&rotated["sealed"], &rotated["continued"]), (&json!(3), &json!(false)), "{rotated}");
    assert_eq!((&rotated["removed"], &rotated["removable"]), (&json!([before.0.0]), &json!([])), "{rotated}");
    assert_signed(&said(&bed).await, "Jefe");
    let after = (ring(house.data()).remove(0), status(&bed, "key", "stored").await);
    assert_eq!(rotated["key"], after.0.0.as_str());
    assert_ne!(before.1["fingerprint"], after.1["fingerprint"]);
    assert_eq!((&before.1["setAt"], &before.1["setBy"]), (&after.1["setAt"], &after.1["setBy"]));
    let house = house.restart().await;
    (bed.operator, bed.core) = (house.operator(), house.core());
    assert_signed(&said(&bed).await, "Jefe");
    let trail = bed.operator.get("/v1/audit?limit=1000").await.expect(200).text;
    assert!(trail.contains("secrets.rotate"), "{trail}");
    let (data, _) = house.stop().await;
    assert!(!holds(data.path(), &before.0.1), "the old key is still there");
    assert_eq!(ring(data.path()).len(), 1);
}

#[tokio::test]
async fn what_is_set_while_the_key_is_rotated_is_sealed_under_a_key_that_stays() {
    let house = House::start().await;
    let mut bed = mirror(&house, &json!({"value": "Jefe"})).await;
    let rotate = async {
        for _ in 0..ROTATIONS {
            bed.operator.order("/v1/secrets/rotate").await.expect(200);
        }
    };
    let write = async {
        for number in 0..ROTATIONS * 4 {
            super::set(&bed, "/key", json!({"value": format!("key {number}")})).await;
        }
    };
    tokio::join!(rotate, write);
    assert_signed(&said(&bed).await, &format!("key {}", ROTATIONS * 4 - 1));
    // A host whose rows name a key that is gone does not start.
    let house = house.restart().await;
    (bed.operator, bed.core) = (house.operator(), house.core());
    assert_signed(&said(&bed).await, &format!("key {}", ROTATIONS * 4 - 1));
    house.stop().await;
}

#[tokio::test]
async fn a_host_killed_while_it_rotates_loses_nothing_and_goes_on() {
    let house = House::start().await;
    let mut beds = Vec::new();
    for number in 0..CONNECTIONS {
        let bed = mirror(&house, &json!({"value": format!("key {number}")})).await;
        let entries: serde_json::Map<String, Json> =
            (0..ENTRIES).map(|n| (format!("x{n}"), json!(format!("header {n}")))).collect();
        super::set(&bed, "/headers", json!({"entries": entries})).await;
        beds.push(bed);
    }
    let (data, tokens) = house.stop().await;
    let mut keys = ring(data.path());
    let seed = std::env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("{SEED}={seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let mut interrupted = 0;
    for _ in 0..KILLS {
        let host = Host::start(data.path(), &tokens, "").await;
        let operator = host.operator();
        let rotation =
            tokio::spawn(async move { operator.request(reqwest::Method::POST, "/v1/secrets/rotate").attempt().await });
        // Moments of chance; nothing waits for anything here.
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..LIFE_MS_MAX))).await;
        host.kill();
        drop(rotation.await.unwrap());
        let now = ring(data.path());
        assert!((1..=2).contains(&now.len()), "a rotation that was interrupted is gone on with: {}", now.len());
        interrupted += usize::from(now.len() == 2);
        keys.extend(now);
    }
    println!("{interrupted} of {KILLS} rotations were interrupted with both keys there");

    let host = Host::start(data.path(), &tokens, "").await;
    point(&mut beds, &host);
    let pending = ring(data.path()).len() == 2;
    let last = host.operator().order("/v1/secrets/rotate").await.expect(200).json();
    assert_eq!(last["continued"], pending, "{last}");
    for (number, bed) in beds.iter().enumerate() {
        assert_signed(&said(bed).await, &format!("key {number}"));
        let headers = option(bed, "headers").await;
        assert_eq!((headers["needsEntry"].as_bool(), headers["set"].as_array().unwrap().len()), (Some(false), ENTRIES));
    }
    drop(host);
    let only = ring(data.path());
    assert_eq!(only.len(), 1);
    for (id, key) in keys.iter().filter(|key| **key != only[0]) {
        assert!(!holds(data.path(), key), "the key {id} is still there");
    }
}

#[tokio::test]
async fn a_key_from_the_environment_is_changed_there_and_the_host_says_which_may_go() {
    let house = House::start().await;
    let mut beds = [mirror(&house, &json!({"value": "Jefe"})).await];
    let (data, tokens) = house.stop().await;
    let old = std::fs::read_to_string(data.path().join("vault.key")).unwrap();
    std::fs::remove_file(data.path().join("vault.key")).unwrap();
    let host = Host::within(&[("HAWSER_VAULT_KEY", &old)], data.path(), &tokens, "").await;
    host.operator().order("/v1/secrets/rotate").await.problem(422, "configuration").names("new-key");
    drop(host);
    let mut new_key = Command::new(hawser_tests::binary());
    new_key.args(["secrets", "new-key"]);
    let (done, new) = fed(new_key, "");
    assert!(done && new.lines().count() == 1, "{new}");
    let host = Host::within(&[("HAWSER_VAULT_KEY", &format!("{new}{old}"))], data.path(), &tokens, "").await;
    let rotated = host.operator().order("/v1/secrets/rotate").await.expect(200).json();
    assert_eq!(
        (&rotated["removable"], &rotated["removed"]),
        (&json!([old.split(' ').next()]), &json!([])),
        "{rotated}"
    );
    drop(host);
    let host = Host::within(&[("HAWSER_VAULT_KEY", &new)], data.path(), &tokens, "").await;
    point(&mut beds, &host);
    assert_signed(&said(&beds[0]).await, "Jefe");
    assert!(!data.path().join("vault.key").exists());
}

#[tokio::test]
async fn what_a_lost_key_sealed_is_given_up_by_a_host_that_stands_still() {
    let house = House::start().await;
    let mut bed = mirror(&house, &json!({"value": "Jefe"})).await;
    let ring = std::fs::read_to_string(house.data().join("vault.key")).unwrap();
    let key = ring.split(' ').next().unwrap();
    let forget = async |data: &Path| {
        let mut hawser = Command::new(hawser_tests::binary());
        hawser.args(["secrets", "forget-lost", "--key", key, "--data-dir"]).arg(data).env_remove("HAWSER_VAULT_KEY");
        tokio::task::spawn_blocking(move || fed(hawser, "")).await.unwrap()
    };
    let (done, told) = forget(house.data()).await;
    assert!(!done && told.contains("another host uses it"), "{told}");
    let (data, tokens) = house.stop().await;
    let (done, told) = forget(data.path()).await;
    assert!(!done && told.contains("is not lost"), "{told}");
    std::fs::remove_file(data.path().join("vault.key")).unwrap();
    assert!(refused_start(data.path(), None).await.contains(&format!("--key {key}")));
    let (done, told) = forget(data.path()).await;
    assert!(done && told.starts_with("3 secured options"), "{told}");
    let host = Host::start(data.path(), &tokens, "").await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    assert_eq!(option(&bed, "key").await["set"], json!([]));
    super::set(&bed, "/key", json!({"value": "Jefe"})).await;
    let (done, told) = forget(&data.path().join("nothing")).await;
    assert!(!done && told.contains("no host's data directory"), "{told}");
}
