//! A full disk: whoever asks is told so and what to do, nothing is lost or half done, and once there is room all goes on
//! without a restart.

use std::time::Duration;

use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::client::Answer;
use hawser_tests::disk::{Disk, PAGE};
use hawser_tests::house::{House, Tokens};
use hawser_tests::people::People;
use hawser_tests::vendor::Vendor;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{assert_intact, at, entry_of, outcome_of, soon};
use crate::releases;

/// Room for the host's files and for what a test writes.
const MEBIBYTES: u32 = 160;
/// A begin row takes some pages, and so does an outcome: with so many pages left, somewhere in between the disk is full.
const PAGES_LEFT: std::ops::Range<usize> = 0..28;
const SMALL_PAGES: &str = "[imports]\npage-rows = 8\n";

/// A connection of a host on a small disk.
async fn on_a_small_disk(people: People) -> (Disk, Tokens, Bed, Host) {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, people).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;
    let disk = Disk::with(data.path(), MEBIBYTES);
    let host = Host::on(&disk, &tokens, SMALL_PAGES).await;
    at(&mut bed, &host);
    (disk, tokens, bed, host)
}

/// Refused because the disk is full, with the file that is on it and what to do.
#[track_caller]
fn assert_full(answer: &Answer) {
    let problem = answer.problem(503, "unavailable").names("free space");
    assert_eq!(problem.0["effect"], "none", "{problem:?}");
    assert!(["hawser.db", "audit.db"].iter().any(|file| problem.detail().contains(file)), "{problem:?}");
}

#[tokio::test]
async fn with_less_and_less_room_a_write_is_done_and_written_down_or_not_begun() {
    let (disk, _, bed, _host) = on_a_small_disk(People::new(3, 1)).await;
    let (mut done, mut late, mut refused) = (0, 0, 0);
    for left in PAGES_LEFT.step_by(2) {
        let uid = format!("n{left}");
        let draft = json!({"name": uid, "attributes": {"id": [uid]}});
        let create = |request: String| {
            let post = bed.core.request(Method::POST, &bed.at("/objects/account")).header("x-request-id", &request);
            post.header("idempotency-key", &uid).json(&draft).send()
        };
        let rows =
            || bed.people.read("accounts.csv").lines().filter(|line| line.starts_with(&format!("{uid},"))).count();
        let request = format!("with-{left}");
        disk.fill_but(left);
        let answer = create(request.clone()).await;
        if answer.status == 201 {
            assert_eq!(rows(), 1);
            let entry = entry_of(&bed.operator, &request).await.expect("what was done was begun");
            late += usize::from(entry.get("outcome").is_none());
            done += 1;
        } else {
            assert_full(&answer);
            assert_eq!((rows(), entry_of(&bed.operator, &request).await), (0, None), "with {left} pages left");
            refused += 1;
        }
        disk.free();
        if answer.status == 201 {
            assert_eq!(outcome_of(&bed.operator, &request).await["status"], "succeeded");
        }
        let again = soon("the key's end", async || {
            Some(create(format!("again-{left}-{}", rand::random::<u32>())).await).filter(|again| again.status != 409)
        });
        assert_eq!(again.await.expect(201).header("idempotency-replayed") == "true", answer.status == 201);
        assert_eq!(rows(), 1, "with {left} pages left");
    }
    assert!(done > 0 && late > 0 && refused > 0, "{done} done, {late} of them written down later, {refused} refused");
    assert_intact(&bed.operator).await;
}

#[tokio::test]
async fn with_less_and_less_room_configuration_is_changed_or_stays_and_can_be_read() {
    let (disk, _, bed, _host) = on_a_small_disk(People::new(3, 1)).await;
    let path = format!("/v1/systems/{}", bed.system);
    let title = async || bed.operator.get(&path).await.expect(200).json()["title"].clone();
    let (mut changed, mut refused) = (0, 0);
    for left in PAGES_LEFT.step_by(2) {
        let (before, after) = (title().await, json!(format!("with {left} pages")));
        let change = async || bed.operator.put(&path, &json!({"id": bed.system, "title": after})).await;
        disk.fill_but(left);
        let answer = change().await;
        if answer.status == 200 {
            assert_eq!(title().await, after);
            changed += 1;
        } else {
            assert_full(&answer);
            assert_eq!(title().await, before, "with {left} pages left");
            refused += 1;
        }
        disk.free();
        change().await.expect(200);
        assert_eq!(title().await, after);
    }
    assert!(changed > 0 && refused > 0, "{changed} changed, {refused} refused");
    soon("an outcome of everything", async || {
        let trail = bed.operator.get("/v1/audit?limit=1000&action=system.replace").await.expect(200).json();
        let open = trail["items"].as_array().unwrap().iter().any(|entry| entry.get("outcome").is_none());
        (!open).then_some(())
    })
    .await;
    assert_intact(&bed.operator).await;
}

#[tokio::test]
async fn an_import_waits_for_room_and_ends_as_if_there_had_always_been_some() {
    const ACCOUNTS: usize = 20_000;
    let (disk, tokens, mut bed, host) = on_a_small_disk(People::new(ACCOUNTS, 4)).await;
    let task = bed.core.order(&bed.at("/imports")).await.expect(202).header("location").to_owned();
    let rows = |task: &Json| task["progress"]["rows"].as_u64().unwrap();
    bed.when(&task, |task| rows(task) >= 500).await;
    disk.fill_but(0);
    let stuck = stands_still(&bed, &task).await;
    assert_eq!((&stuck["state"], bed.published("account").await.len()), (&json!("running"), 0), "{stuck}");
    assert!(rows(&stuck) < ACCOUNTS as u64, "the import was over before its disk was full: {stuck}");
    disk.free();
    bed.when(&task, |task| rows(task) >= rows(&stuck) + 500).await;

    disk.fill_but(0);
    let stuck = stands_still(&bed, &task).await;
    host.kill();
    let said = Host::refused(&disk, &tokens, SMALL_PAGES).await;
    assert!(said.contains("free space"), "{said}");
    disk.free();
    let _host = Host::on(&disk, &tokens, SMALL_PAGES).await;
    at(&mut bed, &_host);
    let done = bed.settled(&task).await;
    assert_eq!((&done["state"], &done["attempts"]), (&json!("succeeded"), &json!(2)), "{stuck} {done}");
    let counts = &done["counts"];
    assert_eq!((&counts["inserted"], &counts["linksAdded"]), (&json!(ACCOUNTS + 4), &json!(ACCOUNTS)), "{done}");
    assert_eq!(counts["rejected"], 0, "{done}");
    assert_eq!(bed.published("account").await.len(), ACCOUNTS);
    assert_eq!(bed.position().await, i64::try_from(2 * ACCOUNTS + 4).unwrap());
    assert_intact(&bed.operator).await;
}

/// Waits until a task makes no progress any more.
async fn stands_still(bed: &Bed, task: &str) -> Json {
    let mut before = Json::Null;
    loop {
        let now = bed.core.get(task).await.expect(200).json();
        if now == before {
            return now;
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

#[tokio::test]
async fn with_less_and_less_room_a_release_is_installed_or_absent_and_can_be_installed_later() {
    let (disk, _, bed, _host) = on_a_small_disk(People::new(3, 1)).await;
    let (operator, vendor) = (&bed.operator, Vendor::new());
    vendor.be_trusted(operator, "hawser").await.expect(201);
    let component = releases::csv(&vendor, "0.1.1", "").await.component.len() / PAGE;
    let (mut installed, mut refused) = (0, 0);
    for (number, left) in [0, 8, 16, component, component + 24, component + 64, 3 * component].into_iter().enumerate() {
        let version = format!("0.1.{}", number + 1);
        let release = releases::csv(&vendor, &version, "").await;
        let shown = async || operator.get(&releases::at(&version, "")).await;
        disk.fill_but(left);
        let answer = release.install(operator).await;
        if answer.status == 201 {
            installed += 1;
            assert_eq!(shown().await.expect(200).json()["state"], "active");
        } else {
            let detail = answer.problem(503, "unavailable").detail().to_owned();
            assert!(detail.contains("free space") || detail.contains("make room"), "{detail}");
            shown().await.problem(404, "not-found");
            refused += 1;
        }
        disk.free();
        release.install(operator).await.expect(if answer.status == 201 { 200 } else { 201 });
        assert_eq!(shown().await.expect(200).json()["state"], "active");
        bed.core.get(&bed.account("u1")).await.expect(200);
    }
    assert!(installed > 0 && refused > 2, "{installed} installed, {refused} refused");
    assert_intact(operator).await;
}
