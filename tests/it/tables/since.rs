//! What changed in a table since a position, once a row, and what to do about it.

use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use serde_json::{Value as Json, json};

use super::{Rows, rows, table};
use crate::incremental::Ticker;

/// Does what an incremental table says to the rows of a complete one.
fn apply(state: &mut Rows, changed: Rows) {
    for (key, mut row) in changed {
        let command = row.remove("command").unwrap();
        match command.as_str() {
            "delete" => assert!(state.remove(&key).is_some(), "{key} is deleted twice"),
            "insert" => assert!(state.insert(key, row).is_none(), "inserted twice"),
            "update" => assert!(state.insert(key, row).is_some(), "updated before it was there"),
            other => panic!("{other}: {row:?}"),
        }
    }
}

async fn position(bed: &Bed) -> String {
    table(bed, "account", "").await.header("hawser-position").to_owned()
}

#[tokio::test]
async fn a_connection_that_was_deleted_and_made_anew_does_not_go_on_where_the_old_one_was() {
    let bed = Bed::new(20, 1).await;
    bed.import_published().await;
    let since = position(&bed).await;
    bed.operator.delete(&bed.at("")).await.expect(204);
    bed.connect(&bed.connection()).await;
    let refused = async |told: &str| {
        for path in [format!("/tables/account/rows?since={since}"), format!("/changes?after={since}")] {
            let answer = bed.core.get(&bed.at(&path)).await;
            assert_eq!(answer.status, 410, "{told}: {path}");
            answer.problem(410, "resync-required").names("whole");
        }
    };
    refused("before its first import, when nothing would say that all rows are gone").await;
    bed.import_published().await;
    refused("after its first import, which had as many changes").await;
    bed.people.append("accounts.csv", "u9001,new,,,,,,,true,1,,");
    bed.import_published().await;
    refused("after its second one").await;
    let changed = rows(&table(&bed, "account", "?since=0").await);
    assert!(changed.len() == 21 && changed.values().all(|row| row["command"] == "insert"), "{changed:?}");
    let since = position(&bed).await;
    assert!(rows(&table(&bed, "account", &format!("?since={since}")).await).is_empty());
    assert_eq!(bed.changes(0).await.len(), 22 + 20);
}

#[tokio::test]
async fn doing_what_changed_to_what_was_there_gives_what_is_there() {
    let bed = Bed::new(5_000, 4).await;
    bed.import_published().await;
    let since = position(&bed).await;
    let (mut accounts, mut members) =
        (rows(&table(&bed, "account", "").await), rows(&table(&bed, "group_members", "").await));
    // One changes twice, one comes and goes, one goes and comes back, one only goes, and one only comes.
    bed.people.replace("accounts.csv", "Engineer 7,", "Director,");
    bed.people.append("accounts.csv", "u9001,short,,,,,,,true,1,,");
    bed.people.keep_lines("accounts.csv", |line| !line.starts_with("u9,") && !line.starts_with("u11,"));
    bed.people.keep_lines("memberships.csv", |line| !line.ends_with(",u9") && !line.ends_with(",u11"));
    bed.import_published().await;
    bed.people.replace("accounts.csv", "Director,", "President,");
    bed.people.keep_lines("accounts.csv", |line| !line.starts_with("u9001,"));
    bed.people.append("accounts.csv", "u9,back,,,,,,,true,1,,");
    bed.people.append("accounts.csv", "u9002,new,,,,,,,true,1,,");
    bed.people.append("memberships.csv", "g2,u9");
    bed.people.append("memberships.csv", "g1,u9002");
    bed.import_published().await;

    let answer = table(&bed, "account", &format!("?since={since}")).await;
    let changed = rows(&answer);
    let commands: Vec<(&str, &str)> =
        changed.iter().map(|(uid, row)| (uid.as_str(), row["command"].as_str())).collect();
    assert_eq!(commands, [("u11", "delete"), ("u7", "update"), ("u9", "update"), ("u9002", "insert")]);
    assert_eq!((changed["u7"]["title"].as_str(), changed["u11"]["title"].as_str()), ("President", ""));
    apply(&mut accounts, changed);
    assert_eq!(accounts, rows(&table(&bed, "account", "").await));
    assert_eq!(answer.header("hawser-position"), bed.position().await.to_string());

    let changed = rows(&table(&bed, "group_members", &format!("?since={since}")).await);
    assert_eq!(changed.len(), 3, "{changed:?}");
    apply(&mut members, changed);
    assert_eq!(members, rows(&table(&bed, "group_members", "").await));
    let now = answer.header("hawser-position");
    assert_eq!(rows(&table(&bed, "account", &format!("?since={now}")).await), Rows::new());
}

#[tokio::test]
async fn from_the_beginning_everything_is_new() {
    let bed = Bed::new(20, 2).await;
    bed.import_published().await;
    bed.people.replace("accounts.csv", "Engineer 7,", "Director,");
    bed.import_published().await;
    let mut state = Rows::new();
    apply(&mut state, rows(&table(&bed, "account", "?since=0").await));
    assert_eq!(state, rows(&table(&bed, "account", "").await));
}

#[tokio::test]
async fn a_position_that_is_none_of_the_connection_asks_for_a_complete_reading() {
    let bed = Bed::new(2, 1).await;
    bed.import_published().await;
    let answer = bed.core.get(&bed.at("/tables/account/rows?since=99999")).await;
    answer.problem(answer.status, "resync-required").names("whole");
}

#[tokio::test]
async fn a_cell_that_was_not_read_makes_a_merge_and_is_named() {
    let company = json!({"account": [{"uid": "1", "name": "ada", "mail": "a@example.com"}], "group": []});
    let ticker = Ticker::new(House::shared().await, "each", &company).await;
    let bed = &ticker.bed;
    bed.import_published().await;
    let patch = |title: &str| json!({"do": "patch", "class": "account", "uid": "2", "name": "bob", "title": title});
    ticker.happened(&[patch("Engineer")]);
    ticker.caught_up().await;
    let since = position(bed).await;
    let complete = rows(&table(bed, "account", "").await);
    assert_eq!((complete["2"]["title"].as_str(), complete["2"]["mail"].as_str()), ("Engineer", ""));
    let unread: Json = serde_json::from_str(&complete["2"][":unread"]).unwrap();
    assert_eq!(unread, json!(["mail"]), "an empty cell that says nothing is named");
    assert_eq!(complete["1"][":unread"], "");

    ticker.happened(&[patch("Director")]);
    ticker.caught_up().await;
    let changed = rows(&table(bed, "account", &format!("?since={since}")).await);
    assert_eq!((changed["2"]["command"].as_str(), changed["2"][":unread"].as_str()), ("merge", "[\"mail\"]"));
    assert_eq!(changed.len(), 1, "{changed:?}");
}

#[tokio::test]
async fn a_link_to_a_name_that_nobody_has_is_set_aside_until_somebody_has_it() {
    let company = json!({
        "account": [{"uid": "1", "name": "ada"}],
        "group": [{"uid": "g", "name": "staff", "members": ["1"]}],
    });
    let ticker = Ticker::new(House::shared().await, "each", &company).await;
    let bed = &ticker.bed;
    bed.import_published().await;
    ticker.happened(&[json!({"do": "join", "group": {"uid": "g"}, "account": {"name": "joe"}})]);
    ticker.caught_up().await;
    let members = rows(&table(bed, "group_members", "").await);
    assert_eq!(members.keys().collect::<Vec<_>>(), ["g>1"]);
    let shown = bed.core.get(&bed.at("/tables/group_members")).await.expect(200).json();
    assert_eq!((&shown["rows"], &shown["setAside"]), (&json!(1), &json!(1)), "{shown}");
    let told = bed.core.get(&bed.at("/tables/group_members/set-aside")).await.expect(200).lines();
    assert_eq!((told.len(), &told[0]["record"]), (1, &json!("g -> joe")), "{told:?}");

    let since = position(bed).await;
    ticker.happened(&[json!({"do": "upsert", "class": "account", "uid": "2", "name": "joe"})]);
    ticker.caught_up().await;
    let changed = rows(&table(bed, "group_members", &format!("?since={since}")).await);
    let commands: Vec<(&str, &str)> =
        changed.iter().map(|(key, row)| (key.as_str(), row["command"].as_str())).collect();
    assert_eq!(commands, [("g>2", "insert")]);
}
