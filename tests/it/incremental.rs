//! Incremental imports: what a feed tells is published like what a complete pass finds, and ends where that would.
//!
//! The guest is `tests/guests/ticker`: "ticker", a target that keeps a journal of what happens to it.

use hawser_tests::bed::{Bed, items};
use hawser_tests::binary;
use hawser_tests::client::Answer;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

/// A bed over a target that keeps a journal.
pub(super) struct Ticker {
    pub(super) bed: Bed,
}

impl Ticker {
    /// A target that is so, with a journal that is empty, connected; `tokens` says where it has some.
    pub(super) async fn new(house: &House, tokens: &str, state: &Json) -> Self {
        let bed = Bed::bare(house, People::new(0, 0)).await;
        let ticker = Self { bed };
        ticker.is(state);
        ticker.bed.people.write("journal.jsonl", "");
        ticker.bed.connect(&ticker.connection(tokens)).await;
        ticker
    }

    fn connection(&self, tokens: &str) -> Json {
        let bed = &self.bed;
        json!({
            "id": bed.id, "system": bed.system, "connector": "hawser/ticker", "version": "^0.1", "title": "Ticker",
            "options": {"tokens": tokens}, "directories": {"data": {"path": bed.people.path(), "access": "read-only"}},
            "thresholds": {"removed": null, "removedPercent": null},
        })
    }

    async fn with_thresholds(&self, tokens: &str, thresholds: &Json) {
        let mut connection = self.connection(tokens);
        connection["thresholds"] = thresholds.clone();
        self.bed.operator.put(&self.bed.at(""), &connection).await.expect(200);
    }

    /// What a complete pass finds.
    pub(super) fn is(&self, state: &Json) {
        self.bed.people.write("state.json", &state.to_string());
    }

    /// What a feed tells.
    pub(super) fn happened(&self, lines: &[Json]) {
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.bed.people.write("journal.jsonl", &(self.bed.people.read("journal.jsonl") + &lines));
    }

    pub(super) async fn order(&self) -> Answer {
        self.bed.core.post(&self.bed.at("/imports"), &json!({"mode": "incremental"})).await
    }

    async fn catch_up(&self) -> Json {
        let order = self.order().await.expect(202);
        let task = self.bed.settled(order.header("location")).await;
        assert_eq!((&task["kind"], &task["mode"]), (&json!("import"), &json!("incremental")), "{task}");
        task
    }

    pub(super) async fn caught_up(&self) -> Json {
        let task = self.catch_up().await;
        assert_eq!(task["state"], "succeeded", "{task}");
        task
    }

    /// Published members, as `group-account`; names in brackets.
    async fn members(&self) -> Vec<String> {
        let text = |end: &Json| match end["uid"].as_str() {
            Some(uid) => uid.to_owned(),
            None => format!("({})", end["name"].as_str().unwrap()),
        };
        let links = self.bed.core.get(&self.bed.at("/published/group/links/members")).await.expect(200).lines();
        links.iter().map(|link| format!("{}-{}", text(&link["owner"]), text(&link["target"]))).collect()
    }

    async fn rejected(&self, task: &Json) -> Vec<Json> {
        let path = format!("/v1/tasks/{}/rejected", task["id"].as_str().unwrap());
        items(&self.bed.core.get(&path).await.expect(200))
    }
}

/// Three people and two groups.
pub(super) fn company() -> Json {
    json!({
        "account": [
            {"uid": "1", "name": "ada", "mail": "ada@example.com", "title": "Engineer"},
            {"uid": "2", "name": "bob", "mail": "bob@example.com"},
            {"uid": "3", "name": "eve", "title": "Director"},
        ],
        "group": [
            {"uid": "g", "name": "staff", "description": "Everybody", "members": ["1", "2", "3"]},
            {"uid": "h", "name": "board", "members": ["3"]},
        ],
    })
}

fn kinds(changes: &[Json]) -> Vec<(&str, &str)> {
    changes.iter().map(|change| (change["kind"].as_str().unwrap(), change["uid"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn what_changed_is_published_and_a_complete_pass_finds_nothing_more() {
    let ticker = Ticker::new(House::shared().await, "each", &company()).await;
    ticker.bed.import_published().await;
    let position = ticker.bed.position().await;
    ticker.happened(&[
        json!({"do": "upsert", "class": "account", "uid": "4", "name": "ida", "mail": "ida@example.com"}),
        json!({"do": "patch", "class": "account", "uid": "1", "name": "ada", "title": "Manager"}),
        json!({"do": "delete", "class": "account", "name": "bob"}),
        json!({"do": "rename", "previous": "3", "class": "account", "uid": "33", "name": "eve"}),
        json!({"do": "join", "group": {"name": "board"}, "account": {"name": "ada"}}),
        json!({"do": "join", "group": {"uid": "h"}, "account": {"name": "joe"}}),
        json!({"do": "upsert", "class": "account", "uid": "5", "name": "joe", "title": null}),
        json!({"do": "leave", "group": {"name": "staff"}, "account": {"uid": "33"}}),
        json!({"do": "upsert", "class": "group", "uid": "k", "name": "new", "members": ["4", "5"]}),
    ]);
    let task = ticker.caught_up().await;
    let counts = json!({
        "inserted": 4, "updated": 1, "deleted": 2, "unchanged": 2, "linksAdded": 5, "linksRemoved": 3, "rejected": 0,
    });
    assert_eq!(task["counts"], counts);
    let changes = ticker.bed.changes(position).await;
    let mut objects: Vec<_> = kinds(&changes).into_iter().filter(|(kind, _)| !kind.starts_with("link")).collect();
    objects.sort_unstable();
    let inserted = ["33", "4", "5", "k"].map(|uid| ("insert", uid));
    assert_eq!(objects, [&[("delete", "2"), ("delete", "3")][..], &inserted, &[("update", "1")]].concat());
    let ada = ticker.bed.core.get(&ticker.bed.at("/published/account/1")).await.expect(200).json();
    assert_eq!(ada["attributes"], json!({"mail": ["ada@example.com"], "title": ["Manager"]}), "{ada}");
    assert_eq!(ticker.members().await, ["g-1", "h-1", "h-33", "h-5", "k-4", "k-5"]);

    ticker.is(&json!({
        "account": [
            {"uid": "1", "name": "ada", "mail": "ada@example.com", "title": "Manager"},
            {"uid": "33", "name": "eve", "title": "Director"},
            {"uid": "4", "name": "ida", "mail": "ida@example.com"},
            {"uid": "5", "name": "joe"},
        ],
        "group": [
            {"uid": "g", "name": "staff", "description": "Everybody", "members": ["1"]},
            {"uid": "h", "name": "board", "members": ["33", "1", "5"]},
            {"uid": "k", "name": "new", "members": ["4", "5"]},
        ],
    }));
    let position = ticker.bed.position().await;
    ticker.bed.import_published().await;
    assert_eq!(ticker.bed.changes(position).await, Vec::<Json>::new());
}

#[tokio::test]
async fn each_import_goes_on_where_the_one_before_ended() {
    for tokens in ["each", "late", "pass"] {
        let ticker = Ticker::new(House::shared().await, tokens, &company()).await;
        ticker.happened(&[json!({"do": "delete", "uid": "1"})]);
        ticker.bed.import_published().await;
        assert_eq!(ticker.caught_up().await["counts"]["unchanged"], 5, "{tokens}: what was before it is not told");
        ticker.happened(&[json!({"do": "delete", "uid": "2"})]);
        assert_eq!(ticker.caught_up().await["counts"]["deleted"], 1, "{tokens}");
        ticker.happened(&[json!({"do": "upsert", "class": "account", "uid": "2", "name": "bob"})]);
        let counts = ticker.caught_up().await["counts"].clone();
        assert_eq!((&counts["inserted"], &counts["deleted"]), (&json!(1), &json!(0)), "{tokens}");
    }
}

#[tokio::test]
async fn a_feed_of_many_pages_is_read_whole() {
    let house = House::with(|config| config.imports.page_rows = 2).await;
    let ticker = Ticker::new(&house, "each", &company()).await;
    ticker.bed.import_published().await;
    let people =
        |n: usize| json!({"do": "upsert", "class": "account", "uid": format!("n{n}"), "name": format!("n{n}")});
    ticker.happened(&(0..41).map(people).collect::<Vec<_>>());
    let task = ticker.caught_up().await;
    assert_eq!((&task["counts"]["inserted"], &task["progress"]["rows"]), (&json!(41), &json!(41)), "{task}");
    house.stop().await;
}

#[tokio::test]
async fn where_there_is_nothing_to_go_on_from_the_refusal_says_what_to_do() {
    let ticker = Ticker::new(House::shared().await, "each", &company()).await;
    ticker.order().await.problem(409, "conflict").names("import it completely first");
    let mode = ticker.bed.core.post(&ticker.bed.at("/imports"), &json!({"mode": "quick"})).await;
    mode.problem(400, "invalid-request").names("quick");
    ticker.bed.core.post(&ticker.bed.at("/imports"), &json!({"speed": 1})).await.problem(400, "invalid-request");

    let without = Ticker::new(House::shared().await, "none", &company()).await;
    without.bed.import_published().await;
    without.order().await.problem(409, "conflict").names("without a token");

    let csv = Bed::new(2, 1).await;
    csv.import_published().await;
    let order = csv.core.post(&csv.at("/imports"), &json!({"mode": "incremental"})).await;
    let refused = order.problem(order.status, "unsupported");
    refused.names("has no feed");
    let complete = csv.core.post(&csv.at("/imports"), &json!({"mode": "complete"})).await.expect(202);
    assert_eq!(csv.settled(complete.header("location")).await["mode"], "complete");
}

#[tokio::test]
async fn a_feed_that_lost_the_thread_fails_and_a_complete_pass_picks_it_up() {
    let ticker = Ticker::new(House::shared().await, "each", &company()).await;
    ticker.bed.import_published().await;
    let position = ticker.bed.position().await;
    ticker.happened(&[json!({"do": "delete", "uid": "1"}), json!({"do": "cut"})]);
    let task = ticker.catch_up().await;
    assert_eq!((&task["state"], &task["error"]["kind"]), (&json!("failed"), &json!("resync-required")), "{task}");
    assert!(task["error"]["message"].as_str().unwrap().contains("import completely"), "{task}");
    assert_eq!((ticker.bed.position().await, task["attempts"].as_u64()), (position, Some(1)));
    ticker.bed.people.write("journal.jsonl", "");
    ticker.bed.import_published().await;
    ticker.happened(&[json!({"do": "patch", "class": "account", "uid": "1", "name": "ada", "title": "Manager"})]);
    assert_eq!(ticker.caught_up().await["counts"]["updated"], 1);
    // A journal that does not go back as far as the token.
    ticker.bed.people.write("journal.jsonl", "");
    assert_eq!(ticker.catch_up().await["error"]["kind"], "resync-required");
}

#[tokio::test]
async fn a_feed_that_would_remove_too_many_is_held_and_a_rejected_one_tells_it_again() {
    let ticker = Ticker::new(House::shared().await, "each", &company()).await;
    ticker.with_thresholds("each", &json!({"removed": 1, "removedPercent": null})).await;
    ticker.bed.import_published().await;
    let before = (ticker.bed.published("account").await, ticker.members().await);
    ticker.happened(&[json!({"do": "delete", "uid": "1"}), json!({"do": "delete", "uid": "2"})]);
    for verb in ["reject", "approve"] {
        let task = ticker.catch_up().await;
        assert_eq!((&task["state"], &task["counts"]["deleted"]), (&json!("held"), &json!(2)), "{task}");
        assert_eq!((ticker.bed.published("account").await, ticker.members().await), before);
        ticker.order().await.problem(409, "conflict").names("approve or reject it first");
        let path = format!("/v1/tasks/{}/{verb}", task["id"].as_str().unwrap());
        ticker.bed.operator.order(&path).await.expect(200);
    }
    assert_eq!(ticker.members().await, ["g-3", "h-3"]);
    assert_eq!(ticker.caught_up().await["counts"]["unchanged"], 3, "what was approved is not told again");
}

#[tokio::test]
async fn members_told_in_part_are_read_from_the_target() {
    let house = House::with(|config| config.imports.page_rows = 2).await;
    let ticker = Ticker::new(&house, "each", &company()).await;
    ticker.bed.import_published().await;
    let mut now = company();
    now["group"][1]["members"] = json!(["1", "2", "3"]);
    ticker.is(&now);
    ticker.happened(&[
        json!({"do": "patch", "class": "group", "uid": "h", "name": "board", "members": {"partial": ["1"]}}),
        json!({"do": "patch", "class": "group", "uid": "z", "name": "brief", "members": {"partial": []}}),
        json!({"do": "patch", "class": "group", "uid": "g", "name": "staff", "description": "All"}),
    ]);
    let task = ticker.caught_up().await;
    assert_eq!((&task["counts"]["linksAdded"], &task["counts"]["linksRemoved"]), (&json!(2), &json!(0)), "{task}");
    assert_eq!(ticker.members().await, ["g-1", "g-2", "g-3", "h-1", "h-2", "h-3"]);
    house.stop().await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_set_aside_and_its_object_stays() {
    let ticker = Ticker::new(House::shared().await, "each", &company()).await;
    ticker.bed.import_published().await;
    ticker.happened(&[
        json!({"do": "upsert", "class": "printer", "uid": "p", "name": "laser"}),
        json!({"do": "upsert", "class": "account", "uid": "1", "name": "ad\u{202e}a"}),
        json!({"do": "patch", "class": "group", "uid": "g", "name": "staff", "members": "everybody"}),
        json!({"do": "delete"}),
        json!({"do": "garble", "key": "line 9"}),
        json!({"do": "patch", "class": "account", "uid": "3", "name": "eve", "title": "Manager"}),
    ]);
    let task = ticker.caught_up().await;
    let counts = &task["counts"];
    assert_eq!((&counts["rejected"], &counts["updated"], &counts["unchanged"]), (&json!(5), &json!(1), &json!(4)));
    let reasons: Vec<String> = ticker.rejected(&task).await.iter().map(Json::to_string).collect();
    for reason in ["not asked for", "U+202E", "no reference", "neither its uid nor its name", "line 9"] {
        assert!(reasons.iter().any(|told| told.contains(reason)), "{reason}: {reasons:?}");
    }
    assert_eq!(ticker.members().await.len(), 4);
}

#[tokio::test]
async fn the_command_line_asks_for_what_changed() {
    let house = House::shared().await;
    let ticker = Ticker::new(house, "each", &company()).await;
    let run = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(binary());
        command.args(["import", "run", &ticker.bed.id]).args(arguments).env("NO_COLOR", "1");
        command.env("HAWSER_URL", house.base()).env("HAWSER_TOKEN", &house.tokens().operator);
        let output = command.output().await.unwrap();
        let told = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(told).unwrap())
    };
    let (code, told) = run(&["--incremental"]).await;
    assert!(code != Some(0) && told.contains("import it completely first"), "{told}");
    assert_eq!(run(&["--wait"]).await.0, Some(0));
    ticker.happened(&[json!({"do": "delete", "uid": "1"})]);
    let (code, told) = run(&["--incremental", "--wait"]).await;
    assert!(code == Some(0) && told.contains("1 deleted"), "{told}");
    let list = ticker.bed.core.get(&format!("/v1/tasks?kind=import&connection={}", ticker.bed.id)).await.expect(200);
    let modes: Vec<Json> = items(&list).iter().map(|task| task["mode"].clone()).collect();
    assert_eq!(modes, [json!("incremental"), json!("complete")], "{}", list.text);
}
