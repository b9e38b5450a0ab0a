//! Servers that hang, break or go away, behind a proxy that does so when told to.

use std::time::{Duration, Instant};

use hawser::cli::demo::server::people;
use hawser::cli::demo::server::slapd::{Slapd, SlapdOptions};
use hawser_tests::bed::Bed;
use hawser_tests::directory::{Directory, PEOPLE};
use hawser_tests::people::People;
use hawser_tests::stall::Stall;
use reqwest::Method;
use serde_json::json;

/// The longest call of these hosts. What a call takes beyond it is the machine's.
const CALL: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory behind a proxy, and a second connection beside it that goes straight.
async fn behind() -> (Directory<Slapd>, Stall, Bed) {
    let directory = Directory::with_config(SlapdOptions::default(), |config| config.guests.call = CALL).await;
    directory.person("ada", "Start-Pass1");
    let stall = Stall::before(([127, 0, 0, 1], directory.server.ldaps_port()).into()).await;
    let mut body = directory.body();
    body["options"]["port"] = json!(stall.address().port());
    directory.connect_and_refresh(&body).await;
    let straight = Bed::bare(&directory.house, People::new(0, 0)).await;
    let mut body = directory.body();
    (body["id"], body["system"]) = (json!(straight.id), json!(straight.system));
    straight.create(&body).await;
    straight.approve(&["network:ldaps:loopback"]).await;
    straight.operator.order(&straight.at("/schema/refresh")).await.expect(200);
    (directory, stall, straight)
}

fn ada(directory: &Directory<Slapd>) -> String {
    let entry =
        directory.server.tools().entry(directory.server.admin().bind(), &format!("uid=ada,{PEOPLE}"), &["entryUUID"]);
    entry.unwrap().unwrap().text("entryUUID").unwrap().to_owned()
}

#[tokio::test]
async fn a_server_that_hangs_costs_its_callers_their_deadline_and_nobody_else_anything() {
    let (directory, stall, straight) = behind().await;
    let (bed, uid) = (&directory.bed, ada(&directory));
    bed.core.get(&bed.account(&uid)).await.expect(200);
    stall.stall();
    let begun = Instant::now();
    let path = bed.account(&uid);
    let hung = (0..4).map(|_| bed.core.get(&path));
    let (hung, ()) = tokio::join!(futures_util::future::join_all(hung), async {
        for _ in 0..20 {
            straight.core.get(&straight.account(&uid)).await.expect(200);
        }
    });
    for answer in hung {
        let problem = answer.problem(504, "operation-timeout");
        assert!(problem.detail().contains("did not answer"), "{problem:?}");
    }
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    stall.forward();
    bed.core.get(&bed.account(&uid)).await.expect(200);
}

#[tokio::test]
async fn a_write_to_a_server_that_hangs_ends_in_time_and_can_be_made_again() {
    let (directory, stall, _straight) = behind().await;
    let (bed, uid) = (&directory.bed, ada(&directory));
    bed.core.get(&bed.account(&uid)).await.expect(200);
    let change = json!({"changes": {"title": {"replace": ["Boss"]}}});
    stall.stall();
    let answer = bed.core.patch(&bed.account(&uid), &change).await;
    // It hung while the entry was looked up: nothing was changed, and that is known.
    answer.problem(504, "operation-timeout");
    stall.reset();
    stall.forward();
    bed.core.patch(&bed.account(&uid), &change).await.expect(200);
}

#[tokio::test]
async fn a_write_whose_answer_never_comes_has_an_unknown_outcome_and_is_not_made_again() {
    let (directory, stall, _straight) = behind().await;
    let bed = &directory.bed;
    bed.core.get(&bed.account(&ada(&directory))).await.expect(200);
    let dn = format!("uid=grace,{PEOPLE}");
    let draft = json!({"name": dn, "attributes": {"cn": ["Grace"], "sn": ["Hopper"]}});
    let hire = async || {
        let order = bed.core.request(Method::POST, &bed.at("/objects/account")).header("idempotency-key", "hire-grace");
        order.json(&draft).send().await
    };
    let taken = stall.taken();
    stall.mute();
    let answer = hire().await;
    assert_eq!(answer.problem(504, "outcome-unknown").0["effect"], "unknown");
    assert_eq!(stall.taken(), taken, "it was tried on another connection");
    let entry = bed.audit().await.into_iter().rfind(|entry| entry["action"] == "object.create").unwrap();
    assert_eq!((&entry["outcome"]["status"], &entry["name"]), (&json!("outcome-unknown"), &json!(dn)), "{entry}");
    // What the caller cannot know, a look at the directory shows: it was done.
    assert!(directory.has(&dn));

    // Whoever undoes it finds it undone, also when everything flows again and the caller repeats his order.
    let gone = format!("dn: {dn}\nchangetype: delete\n");
    directory.server.tools().modify(directory.server.admin().bind(), &gone).unwrap();
    stall.forward();
    let again = hire().await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (504, "true"));
    bed.core.get(&bed.account(&ada(&directory))).await.expect(200);
    assert!(!directory.has(&dn), "it was done a second time");
}

#[tokio::test]
async fn connections_that_were_reset_while_nobody_looked_are_replaced_without_a_word() {
    let (directory, stall, _straight) = behind().await;
    let (bed, uid) = (&directory.bed, ada(&directory));
    for _ in 0..3 {
        bed.core.get(&bed.account(&uid)).await.expect(200);
        let taken = stall.taken();
        bed.core.get(&bed.account(&uid)).await.expect(200);
        assert_eq!(stall.taken(), taken, "a connection that is free is used again");
        stall.reset();
        bed.core.patch(&bed.account(&uid), &json!({"changes": {"title": {"replace": ["x"]}}})).await.expect(200);
        assert!(stall.taken() > taken);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_connection_that_failed() {
    let (directory, stall, _straight) = behind().await;
    let (bed, uid) = (&directory.bed, ada(&directory));
    stall.refuse();
    stall.reset();
    let refused = bed.core.get(&bed.account(&uid)).await;
    refused.problem(502, "connection-failed");
}

#[tokio::test]
async fn a_server_killed_in_the_middle_of_an_import_costs_the_pass_a_new_beginning_and_nobody_his_row() {
    const PEOPLE_MANY: u64 = 40_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.ldif");
    people::write(PEOPLE, PEOPLE_MANY, &mut std::fs::File::create(&path).unwrap()).unwrap();
    let mut directory = Directory::with(SlapdOptions { load: Some(path), ..SlapdOptions::default() }).await;
    directory.connect_and_refresh(&directory.body()).await;
    let order = directory.bed.core.order(&directory.bed.at("/imports")).await.expect(202);
    let task = order.header("location").to_owned();
    directory.bed.when(&task, |task| task["progress"]["rows"].as_u64().is_some_and(|rows| rows > 2_000)).await;
    directory.server.kill().unwrap();
    let broken = directory.bed.core.get(&task).await.expect(200).json();
    assert_eq!(broken["state"], "running", "it was too quick to be broken: {broken}");
    directory.server.restart().unwrap();
    let done = directory.bed.settled(&task).await;
    assert_eq!((&done["state"], &done["counts"]["rejected"]), (&json!("succeeded"), &json!(0)), "{done}");
    assert_eq!(directory.bed.published("account").await.len() as u64, PEOPLE_MANY);
}
