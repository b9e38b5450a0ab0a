//! Published rows and changes: what the IAM core reads, as NDJSON, resumable.

use std::collections::BTreeMap;

use hawser_tests::bed::Bed;
use serde_json::{Value as Json, json};

#[tokio::test]
async fn nothing_is_published_before_the_first_import() {
    let bed = Bed::new(3, 1).await;
    assert_eq!(bed.published("account").await, Vec::<Json>::new());
    assert_eq!(bed.changes(0).await, Vec::<Json>::new());
    bed.core.get(&bed.at("/published/account/u1")).await.problem(404, "not-found");
}

#[tokio::test]
async fn published_objects_are_read_whole_one_by_one_and_counted() {
    let bed = Bed::new(12, 3).await;
    bed.import_published().await;
    let all = bed.published("account").await;
    let first = all.iter().find(|account| account["uid"] == "u1").unwrap();
    assert_eq!(first["attributes"]["employeeNumber"], json!([1001]), "{first}");
    assert!(first["attributes"].get("manager").is_none(), "an absent attribute is not a value: {first}");
    let one = bed.core.get(&bed.at("/published/account/u1")).await.expect(200).json();
    assert_eq!(one["attributes"], first["attributes"]);
    let counts = bed.core.get(&bed.at("/published")).await.expect(200).json();
    let classes = counts["classes"].as_array().unwrap();
    let of = |class: &str| classes.iter().find(|found| found["class"] == class).unwrap()["objects"].clone();
    assert_eq!((of("account"), of("group")), (json!(12), json!(3)), "{counts}");
}

#[tokio::test]
async fn links_point_at_the_uids_of_both_ends() {
    let bed = Bed::new(4, 2).await;
    bed.import_published().await;
    let links = bed.core.get(&bed.at("/published/group/links/members")).await.expect(200).lines();
    let mut pairs: Vec<(String, String)> =
        links.iter().map(|link| (end(&link["owner"]), end(&link["target"]))).collect();
    pairs.sort();
    let expected = [("g1", "u2"), ("g1", "u4"), ("g2", "u1"), ("g2", "u3")];
    assert_eq!(pairs, expected.map(|(owner, target)| (owner.to_owned(), target.to_owned())), "{links:?}");
}

/// An end of a link: an object with a uid, or the uid itself.
fn end(end: &Json) -> String {
    end["uid"].as_str().or(end.as_str()).unwrap_or_else(|| panic!("no uid: {end}")).to_owned()
}

#[tokio::test]
async fn replaying_the_changes_in_small_steps_gives_what_is_published() {
    let bed = Bed::new(40, 2).await;
    bed.import_published().await;
    bed.people.replace("accounts.csv", "Engineer 7,", "Director,");
    bed.people.keep_lines("accounts.csv", |line| !line.starts_with("u9,"));
    bed.import_published().await;
    bed.people.append("accounts.csv", "u9,back,,,,,,,,,,");
    bed.import_published().await;

    let (mut replayed, mut after) = (BTreeMap::new(), 0);
    loop {
        let changes = bed.core.get(&bed.at(&format!("/changes?after={after}&limit=7"))).await.expect(200).lines();
        assert!(changes.len() <= 7);
        let Some(last) = changes.last() else { break };
        assert!(last["position"].as_i64().unwrap() > after, "positions go forward");
        after = last["position"].as_i64().unwrap();
        changes.iter().filter(|change| change["class"] == "account").for_each(|change| apply(&mut replayed, change));
    }
    let published = bed.published("account").await;
    let published: BTreeMap<_, _> = published.iter().map(entry).collect();
    assert_eq!(replayed, published);
}

fn entry(object: &Json) -> (String, (Json, Json)) {
    (object["uid"].as_str().unwrap().to_owned(), (object["name"].clone(), object["attributes"].clone()))
}

fn apply(state: &mut BTreeMap<String, (Json, Json)>, change: &Json) {
    match change["kind"].as_str().unwrap() {
        "insert" | "update" => state.extend([entry(change)]),
        "delete" => assert!(state.remove(change["uid"].as_str().unwrap()).is_some(), "deleted twice: {change}"),
        _ => {}
    }
}

#[tokio::test]
async fn a_malformed_position_is_refused() {
    let bed = Bed::new(1, 0).await;
    for query in ["after=-1", "after=now", "limit=0", "limit=1001", "colour=red"] {
        let name = query.split('=').next().unwrap();
        bed.core.get(&bed.at(&format!("/changes?{query}"))).await.problem(400, "invalid-request").names(name);
    }
    bed.core.get(&bed.at("/published/robot")).await.refusal().names("robot");
}
