//! Signed releases on a running host: what is refused, what takes effect without a restart, and what follows when trust,
//! the disk or the compiler lets it down.

mod bombs;
mod killed;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hawser_tests::bed::{Bed, items};
use hawser_tests::binary;
use hawser_tests::client::Client;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::vendor::{Release, Vendor, built, with_section};
use reqwest::multipart::{Form, Part};
use serde_json::{Value as Json, json};

/// One more directory than the CSV connector asks for today.
const ARCHIVE: &str = "[[directory]]\nname = \"archive\"\nlabel = \"Archive\"\naccess = \"read-only\"\n";
const ARCHIVE_PERMISSION: &str = "directory:archive:read-only";
/// How long a watched directory may take to be noticed.
const NOTICE: Duration = Duration::from_secs(30);

/// The CSV connector under another version, with more in its manifest.
pub(super) async fn csv(vendor: &Vendor, version: &str, more: &str) -> Release {
    let (manifest, component) = tokio::task::spawn_blocking(|| built("hawser-csv")).await.unwrap();
    vendor.sign(&renamed(&manifest, version, more), &component)
}

fn renamed(manifest: &str, version: &str, more: &str) -> String {
    let now = format!("version = \"{version}\"");
    assert!(manifest.contains("version = \"0.1.0\""), "the connector has another version by now");
    manifest.replacen("version = \"0.1.0\"", &now, 1).replacen("[limits]", &format!("{more}\n[limits]"), 1)
}

/// Where a verb about a version goes.
pub(super) fn at(version: &str, verb: &str) -> String {
    format!("/v1/connectors/hawser/csv/releases/{version}{verb}")
}

/// A program that notes each start in a file beside it and is the product's command line otherwise.
fn counting(folder: &Path) -> PathBuf {
    let program = folder.join("counting.sh");
    let text =
        format!("#!/bin/sh\necho x >> '{}'\nexec '{}' \"$@\"\n", folder.join("starts").display(), binary().display());
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    program
}

pub(super) fn compilations(folder: &Path) -> usize {
    fs::read_to_string(folder.join("starts")).map_or(0, |starts| starts.lines().count())
}

/// A host that loads nothing by itself and trusts nobody yet, and counts how often it compiles.
pub(super) async fn bare(folder: &Path) -> House {
    let program = counting(folder);
    House::with(|config| {
        config.connectors.clear();
        config.allow_unsigned = false;
        config.compile.program = program;
    })
    .await
}

/// The same with the CSV connector 0.1.0 of a trusted vendor.
async fn with_csv(folder: &Path) -> (House, Vendor) {
    let (house, vendor) = (bare(folder).await, Vendor::new());
    vendor.be_trusted(&house.operator(), "hawser").await.expect(201);
    let first = csv(&vendor, "0.1.0", "").await.install(&house.operator()).await.expect(201);
    assert_eq!(first.json()["state"], "active", "{}", first.text);
    assert_eq!(first.header("location"), at("0.1.0", ""));
    (house, vendor)
}

async fn connected(house: &House) -> Bed {
    let bed = Bed::bare(house, People::new(5, 1)).await;
    bed.connect(&bed.connection()).await;
    bed
}

/// The version that serves a bed's connection.
async fn serving(bed: &Bed) -> Json {
    bed.core.get(&bed.at("")).await.expect(200).json()["release"]["version"].clone()
}

#[tokio::test]
async fn each_release_that_is_not_to_be_believed_is_refused_with_its_reason_before_any_of_it_is_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let (house, vendor) = (bare(folder.path()).await, Vendor::new());
    let operator = house.operator();
    let good = csv(&vendor, "0.1.0", "").await;
    let refused = async |release: &Release, reason: &str| {
        release.install(&operator).await.problem(422, "release-refused").names(reason);
    };
    refused(&good, "nobody trusts the key").await;
    vendor.be_trusted(&operator, "acme").await.expect(201);
    refused(&good, "trusted for acme, not for hawser").await;
    vendor.be_trusted(&operator, "hawser").await.expect(201);
    refused(&Release { statement: b"{}".to_vec(), ..good.clone() }, "wrong form").await;
    let mut tampered = good.clone();
    *tampered.component.last_mut().unwrap() ^= 1;
    refused(&tampered, "not the one that was signed").await;
    refused(&vendor.expired(&manifest().await, &good.component), "expired").await;
    assert_eq!(compilations(folder.path()), 0);
    good.install(&operator).await.expect(201);
    assert_eq!(compilations(folder.path()), 1);
    let older = vendor.sign_as(&renamed(&manifest().await, "0.1.9", ""), &good.component, 1);
    refused(&older, "its counter is 1").await;
    refused(&csv(&vendor, "0.1.0", "").await, "never replaced").await;
    good.install(&operator).await.expect(200);
    assert_eq!(compilations(folder.path()), 1);
    house.stop().await;
}

pub(super) async fn manifest() -> String {
    tokio::task::spawn_blocking(|| built("hawser-csv").0).await.unwrap()
}

#[tokio::test]
async fn a_form_that_is_no_release_is_refused_by_the_part_to_blame() {
    let house = House::shared().await;
    let operator = house.operator();
    let part = || Part::bytes(b"x".to_vec());
    let both = || Form::new().part("statement", part()).part("component", part());
    for (form, wrong) in [
        (Form::new().part("component", part()), "statement"),
        (Form::new().part("statement", part()), "component"),
        (both().part("component", part()), "twice"),
        (both().part("colour", part()), "colour"),
        (both().text("activate", "perhaps"), "activate"),
    ] {
        operator.upload("/v1/releases", form).await.problem(400, "invalid-request").names(wrong);
    }
    operator.post("/v1/releases", &json!({})).await.problem(415, "unsupported-media-type").names("multipart/form-data");
    house.core().upload("/v1/releases", both()).await.problem(403, "forbidden");
    operator.get(&at("9.9.9", "")).await.problem(404, "not-found");
    operator.order(&at("9.9.9", "/activate")).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_large_upload_passes_and_repeating_it_under_its_key_repeats_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (house, vendor) = (bare(folder.path()).await, Vendor::new());
    let operator = house.operator();
    vendor.be_trusted(&operator, "hawser").await.expect(201);
    let (manifest, component) = tokio::task::spawn_blocking(|| built("hawser-csv")).await.unwrap();
    let large = vendor.sign(&manifest, &with_section(&component, &vec![7; 3 << 20]));
    let boundary = "hawser-boundary";
    let send = async || {
        let body = large.form_bytes(boundary);
        let request = operator.request(reqwest::Method::POST, "/v1/releases").header("idempotency-key", "install-1");
        request.body(&format!("multipart/form-data; boundary={boundary}"), body).send().await
    };
    let first = send().await.expect(201);
    let second = send().await.expect(201);
    assert_eq!((second.header("idempotency-replayed"), &second.text), ("true", &first.text));
    house.stop().await;
}

#[tokio::test]
async fn activating_takes_effect_while_calls_run_and_none_of_them_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (house, vendor) = with_csv(folder.path()).await;
    let bed = connected(&house).await;
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..4).map(|_| caller(&bed, Arc::clone(&stop), Arc::clone(&calls))).collect();

    let second = csv(&vendor, "0.1.1", "").await.install(&house.operator()).await.expect(201);
    assert_eq!(second.json()["state"], "active", "{}", second.text);
    assert_eq!(serving(&bed).await, "0.1.1");
    for version in ["0.1.0", "0.1.1", "0.1.0"] {
        house.operator().order(&at(version, "/activate")).await.expect(200);
        assert_eq!(serving(&bed).await, version);
        bed.core.get(&bed.account("u1")).await.expect(200);
        let so_far = calls.load(Ordering::Relaxed);
        while calls.load(Ordering::Relaxed) < so_far + 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(compilations(folder.path()), 1, "the component is the same, and so is its code");
    let trail = items(&house.operator().get("/v1/audit?limit=1000").await.expect(200));
    let count = |action: &str| trail.iter().filter(|entry| entry["action"] == action).count();
    assert_eq!((count("release.install"), count("release.activate")), (2, 3));
    house.stop().await;
}

/// Somebody who asks all the time, and insists on answers.
fn caller(bed: &Bed, stop: Arc<AtomicBool>, calls: Arc<AtomicUsize>) -> tokio::task::JoinHandle<()> {
    let (client, path): (Client, String) = (bed.core.clone(), bed.account("u2"));
    tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            client.get(&path).await.expect(200);
            calls.fetch_add(1, Ordering::Relaxed);
        }
    })
}

#[tokio::test]
async fn an_update_that_asks_for_more_is_parked_and_the_one_before_serves_until_it_is_approved() {
    let folder = tempfile::tempdir().unwrap();
    let (house, vendor) = with_csv(folder.path()).await;
    let (bed, operator) = (connected(&house).await, house.operator());
    let parked = csv(&vendor, "0.1.1", ARCHIVE).await.install(&operator).await.expect(201).json();
    assert_eq!((&parked["state"], &parked["awaits"]), (&json!("parked"), &json!([ARCHIVE_PERMISSION])), "{parked}");
    assert_eq!(serving(&bed).await, "0.1.0");
    operator.order(&at("0.1.1", "/activate")).await.problem(403, "not-permitted").names(ARCHIVE_PERMISSION);
    let wrong = json!({"approve": [ARCHIVE_PERMISSION, "directory:other:read-only"]});
    operator.post(&at("0.1.1", "/activate"), &wrong).await.problem(400, "invalid-request").names("directory:other");
    let house = house.restart().await;
    let operator = house.operator();
    assert_eq!(operator.get(&at("0.1.1", "")).await.expect(200).json()["state"], "parked");
    let approval = json!({"approve": [ARCHIVE_PERMISSION]});
    let active = operator.post(&at("0.1.1", "/activate"), &approval).await.expect(200).json();
    assert_eq!((&active["state"], active.get("awaits")), (&json!("active"), None), "{active}");
    let back = operator.order(&at("0.1.0", "/activate")).await.expect(200).json();
    assert_eq!(back["state"], "active", "{back}");
    assert_eq!(operator.order(&at("0.1.1", "/activate")).await.expect(200).json()["state"], "active");
    house.stop().await;
}

#[tokio::test]
async fn a_release_stops_serving_with_the_trust_in_its_key_or_when_it_is_taken_out_of_service() {
    let folder = tempfile::tempdir().unwrap();
    let (house, vendor) = with_csv(folder.path()).await;
    let (bed, operator) = (connected(&house).await, house.operator());
    bed.core.get(&bed.account("u1")).await.expect(200);
    operator.delete(&format!("/v1/publishers/hawser/keys/{}", vendor.key_id())).await.expect(204);
    bed.core.get(&bed.account("u1")).await.refusal().names("nobody trusts the key");
    let shown = operator.get(&at("0.1.0", "")).await.expect(200).json();
    assert!(shown["failure"].as_str().unwrap().contains("nobody trusts the key"), "{shown}");
    vendor.be_trusted(&operator, "hawser").await.expect(201);
    bed.core.get(&bed.account("u1")).await.expect(200);
    operator.order(&at("0.1.0", "/deactivate")).await.expect(200);
    bed.core.get(&bed.account("u1")).await.refusal().names("hawser/csv is not loaded");
    operator.order(&at("0.1.0", "/deactivate")).await.problem(409, "conflict");
    house.stop().await;
}

#[tokio::test]
async fn a_watched_directory_is_installed_from_and_what_is_refused_is_taken_once_its_key_is_trusted() {
    let (folder, watched) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (program, directory) = (counting(folder.path()), watched.path().to_owned());
    let house = House::with(|config| {
        config.connectors = vec![directory];
        config.allow_unsigned = false;
        config.compile.program = program;
    })
    .await;
    let (vendor, operator) = (Vendor::new(), house.operator());
    csv(&vendor, "0.1.0", "").await.write(&watched.path().join("csv"));
    until(async || house.registry().refused().iter().any(|refused| refused.error.message.contains("nobody trusts")))
        .await;
    vendor.be_trusted(&operator, "hawser").await.expect(201);
    until(async || operator.get(&at("0.1.0", "")).await.status == 200).await;
    let installed = operator.get(&at("0.1.0", "")).await.json();
    assert_eq!((&installed["state"], &installed["installedBy"]), (&json!("active"), &json!("watched-directory")));
    assert!(house.registry().refused().is_empty(), "{:?}", house.registry().refused());
    operator.order(&at("0.1.0", "/deactivate")).await.expect(200);
    let house = house.restart().await;
    let after = house.operator().get(&at("0.1.0", "")).await.expect(200).json();
    assert_eq!(after["state"], "installed", "what was taken out of service stays out: {after}");
    house.stop().await;
}

#[tokio::test]
async fn an_unsigned_release_is_loaded_again_when_it_changes_and_marked_wherever_it_shows() {
    let watched = tempfile::tempdir().unwrap();
    let (manifest, component) = tokio::task::spawn_blocking(|| built("hawser-csv")).await.unwrap();
    fs::write(watched.path().join("component.wasm"), component).unwrap();
    fs::write(watched.path().join("connector.toml"), &manifest).unwrap();
    let directory = watched.path().to_owned();
    let house = House::with(|config| config.connectors = vec![directory]).await;
    let operator = house.operator();
    let listed = async || items(&operator.get("/v1/releases").await.expect(200));
    let [first] = <[Json; 1]>::try_from(listed().await).unwrap();
    assert_eq!((&first["development"], &first["version"]), (&json!(true), &json!("0.1.0")), "{first}");
    fs::write(watched.path().join("connector.toml"), renamed(&manifest, "0.1.7", "")).unwrap();
    until(async || listed().await.iter().any(|release| release["version"] == "0.1.7")).await;
    assert_eq!(listed().await.len(), 1);
    house.stop().await;
}

#[tokio::test]
async fn compiled_code_that_somebody_touched_is_compiled_again_and_never_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let (mut house, _vendor) = with_csv(folder.path()).await;
    let mut compiled = 1;
    let path = fs::read_dir(house.data().join("code")).unwrap().next().unwrap().unwrap().path();
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let tamper: [&dyn Fn(); 4] = [
        &|| fs::write(&path, &flipped).unwrap(),
        &|| fs::write(&path, &good[..good.len() - 7]).unwrap(),
        &|| fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap(),
        &|| make_foreign(&path),
    ];
    for tamper in tamper {
        tamper();
        house = house.restart().await;
        compiled += 1;
        assert_eq!(compilations(folder.path()), compiled);
        let bed = connected(&house).await;
        bed.core.get(&bed.account("u1")).await.expect(200);
        let again = fs::read(&path).unwrap();
        assert!(code(&again) == code(&good) && again != good, "the same code, under a seal of its own");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    house = house.restart().await;
    assert_eq!(compilations(folder.path()), compiled, "what nobody touched is used");
    house.stop().await;
}

/// A kept file without what seals it: what it is of, a nonce, a tag, and how such files end.
fn code(file: &[u8]) -> &[u8] {
    &file[..file.len() - (40 + 12 + 16 + 16)]
}

/// Gives a file to another user; only root can, and for others a file that others may write stands in.
fn make_foreign(path: &Path) {
    if std::os::unix::fs::chown(path, Some(65_534), None).is_err() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o602)).unwrap();
    }
}

/// Waits for something that happens by itself.
pub(super) async fn until(happened: impl AsyncFn() -> bool) {
    let look = Duration::from_millis(50);
    for _ in 0..NOTICE.as_millis() / look.as_millis() {
        if happened().await {
            return;
        }
        tokio::time::sleep(look).await;
    }
    panic!("it did not happen within {NOTICE:?}");
}
