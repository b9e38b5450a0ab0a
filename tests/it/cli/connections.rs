//! `hawser connection switch`, `hawser system refresh` and incremental imports on the command line.

use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use serde_json::json;

use super::{complained, said};
use crate::incremental::{Ticker, company};

#[tokio::test]
async fn a_switch_is_set_by_its_name_and_what_is_off_ends_with_8() {
    let bed = Bed::new(2, 0).await;
    let switched = said(&["connection", "switch", &bed.id, "--import", "off", "--maintenance", "on"]).await;
    assert!(switched.contains("import=false") && switched.contains("maintenance=true"), "{switched}");
    assert!(switched.contains("fulfil=true") && switched.contains("enabled=true"), "{switched}");
    assert!(complained(&["import", "run", &bed.id, "--wait"], 8).await.contains("`import`"));
    complained(&["object", "delete", &bed.id, "account", "u1"], 6).await;
    said(&["connection", "switch", &bed.id, "--import", "on"]).await;
    said(&["import", "run", &bed.id, "--wait"]).await;
    assert!(complained(&["connection", "switch", &bed.id], 2).await.contains("name a switch"));
    complained(&["connection", "switch", &bed.id, "--import", "maybe"], 2).await;
    complained(&["connection", "switch", "nowhere", "--import", "off"], 4).await;
}

#[tokio::test]
async fn a_system_is_refreshed_with_a_task_for_each_connection() {
    let bed = Bed::new(2, 0).await;
    let refreshed = said(&["system", "refresh", &bed.system]).await;
    let row = refreshed.lines().find(|line| line.starts_with(&bed.id)).unwrap_or_else(|| panic!("{refreshed}"));
    let task = row.split_whitespace().nth(1).unwrap();
    assert!(said(&["task", "watch", task]).await.contains("succeeded"));
    complained(&["system", "refresh", "nowhere"], 4).await;
}

#[tokio::test]
async fn an_incremental_import_reads_what_changed_and_a_connector_without_a_feed_says_so() {
    let ticker = Ticker::new(House::shared().await, "each", &company()).await;
    let id = ticker.bed.id.clone();
    said(&["import", "run", &id, "--wait"]).await;
    ticker
        .happened(&[json!({"do": "upsert", "class": "account", "uid": "4", "name": "ida", "mail": "ida@example.com"})]);
    let again = said(&["import", "run", &id, "--incremental", "--wait"]).await;
    assert!(again.contains("succeeded"), "{again}");
    assert!(said(&["published", &id, "account"]).await.contains("ida@example.com"));
    let list = said(&["import", "list", "--connection", &id]).await;
    assert!(list.contains("incremental") && list.contains("complete"), "{list}");

    let bed = Bed::new(1, 0).await;
    assert!(complained(&["import", "run", &bed.id, "--incremental", "--wait"], 1).await.contains("feed"));
}
