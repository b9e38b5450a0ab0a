//! Faults: a host that is killed or restarted in the middle goes on where it was, and nothing half-done is seen.

use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

/// Small pages, so that there is a middle to be killed in.
const SMALL_PAGES: &str = "[imports]\npage-rows = 8\n";
const ACCOUNTS: usize = 20_000;

/// Points a bed's callers at another process.
fn at(bed: &mut Bed, host: &Host) {
    (bed.operator, bed.core) = (host.operator(), host.core());
}

#[tokio::test]
async fn an_import_survives_kill_nine_three_times_and_stages_nothing_twice() {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(ACCOUNTS, 20)).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;

    let mut host = Host::start(data.path(), &tokens, SMALL_PAGES).await;
    at(&mut bed, &host);
    let task = bed.core.order(&bed.at("/imports")).await.expect(202).header("location").to_owned();
    for kill in 1..=3_u64 {
        let rows = bed.when(&task, |task| task["progress"]["rows"].as_u64() >= Some(kill * 2_000)).await;
        assert_eq!(rows["state"], "running", "the import was over before it could be killed: {rows}");
        assert_eq!(bed.published("account").await, Vec::<Json>::new());
        host.kill();
        host = Host::start(data.path(), &tokens, SMALL_PAGES).await;
        at(&mut bed, &host);
        let resumed = bed.core.get(&task).await.expect(200).json();
        assert!(resumed["progress"]["rows"].as_u64() >= rows["progress"]["rows"].as_u64(), "{resumed}");
    }
    let done = bed.settled(&task).await;
    assert_eq!((&done["state"], &done["attempts"]), (&json!("succeeded"), &json!(4)), "{done}");
    assert_eq!(done["counts"]["inserted"], ACCOUNTS + 20, "{done}");
    assert_eq!(done["counts"]["rejected"], 0, "{done}");
    assert_eq!(done["counts"]["linksAdded"], ACCOUNTS, "{done}");
    assert_eq!(bed.published("account").await.len(), ACCOUNTS);
    assert_eq!(bed.operator.get("/v1/audit/verify").await.expect(200).json()["intact"], true);
}

#[tokio::test]
async fn a_file_that_changed_while_the_host_was_dead_is_read_again_from_the_start() {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(ACCOUNTS, 0)).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;

    let host = Host::start(data.path(), &tokens, SMALL_PAGES).await;
    at(&mut bed, &host);
    let task = bed.core.order(&bed.at("/imports")).await.expect(202).header("location").to_owned();
    bed.when(&task, |task| task["progress"]["rows"].as_u64() >= Some(2_000)).await;
    host.kill();
    bed.people.replace("accounts.csv", "Engineer 7,", "Director,");
    let host = Host::start(data.path(), &tokens, "").await;
    at(&mut bed, &host);
    let done = bed.settled(&task).await;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!((&done["counts"]["inserted"], &done["counts"]["rejected"]), (&json!(ACCOUNTS), &json!(0)), "{done}");
    let changed = bed.core.get(&bed.at("/published/account/u7")).await.expect(200).json();
    assert_eq!(changed["attributes"]["title"], json!(["Director"]), "{changed}");
}

#[tokio::test]
async fn a_restart_keeps_everything_and_makes_no_new_tokens() {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(10, 1)).await;
    bed.connect(&bed.connection()).await;
    bed.import_published().await;
    let before = (bed.published("account").await, bed.changes(0).await, bed.audit().await.len());
    let house = house.restart().await;
    (bed.operator, bed.core) = (house.operator(), house.core());
    assert_eq!((bed.published("account").await, bed.changes(0).await, bed.audit().await.len()), before);
    house.stop().await;
}

#[tokio::test]
async fn two_hosts_do_not_share_a_directory() {
    let house = House::start().await;
    let binary = hawser_tests::binary();
    let mut second = std::process::Command::new(binary);
    second.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(house.data());
    let refused = second.output().unwrap();
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("another host uses it"), "{told}");
    house.stop().await;
}
