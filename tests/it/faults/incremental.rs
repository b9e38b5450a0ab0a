//! Incremental imports of a host that is killed: they end where a complete pass would, whatever tokens the feed has.

use std::collections::{BTreeMap, BTreeSet};

use hawser_tests::child::Host;
use hawser_tests::house::House;
use serde_json::{Value as Json, json};

use super::{assert_intact, at};
use crate::incremental::Ticker;

const ACCOUNTS: usize = 300;
const GROUPS: usize = 5;
const EVENTS: usize = 900;
/// Small pages, so that there is a middle to be killed in.
const SETTINGS: &str = "[imports]\npage-rows = 4\n";
/// How much was told when the host is killed.
const KILLS: [u64; 5] = [0, 1, 200, 500, 850];

/// A company, and what happens to it.
struct Company {
    /// Names and titles by uid.
    accounts: BTreeMap<String, (String, String)>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl Company {
    fn founded() -> Self {
        let account = |n| (format!("u{n}"), (format!("name {n}"), "Engineer".to_owned()));
        let accounts: BTreeMap<_, _> = (0..ACCOUNTS).map(account).collect();
        let members = |g| (0..ACCOUNTS).filter(move |n| n % GROUPS == g).map(|n| format!("u{n}")).collect();
        Self { accounts, groups: (0..GROUPS).map(|g| (format!("g{g}"), members(g))).collect() }
    }

    /// As a complete pass finds it.
    fn state(&self) -> Json {
        let account =
            |(uid, (name, title)): (&String, &(String, String))| json!({"uid": uid, "name": name, "title": title});
        let group = |(uid, members): (&String, &BTreeSet<String>)| json!({"uid": uid, "name": uid, "members": members});
        let accounts: Vec<Json> = self.accounts.iter().map(account).collect();
        json!({"account": accounts, "group": self.groups.iter().map(group).collect::<Vec<_>>()})
    }

    /// The n-th thing that happens.
    fn event(&mut self, n: usize) -> Json {
        let some = self.accounts.keys().nth(n * 7 % self.accounts.len()).unwrap().clone();
        let group = format!("g{}", n % GROUPS);
        let (name, title) = self.accounts[&some].clone();
        match n % 6 {
            0 => {
                self.accounts.insert(some.clone(), (name.clone(), format!("Title {n}")));
                json!({"do": "patch", "class": "account", "uid": some, "name": name, "title": format!("Title {n}")})
            }
            1 => {
                let (uid, name) = (format!("h{n}"), format!("hired {n}"));
                self.accounts.insert(uid.clone(), (name.clone(), "Trainee".to_owned()));
                json!({"do": "upsert", "class": "account", "uid": uid, "name": name, "title": "Trainee"})
            }
            2 => {
                self.accounts.remove(&some);
                for members in self.groups.values_mut() {
                    members.remove(&some);
                }
                json!({"do": "delete", "class": "account", "name": name})
            }
            3 => {
                self.groups.get_mut(&group).unwrap().insert(some);
                json!({"do": "join", "group": {"name": group}, "account": {"name": name}})
            }
            4 => {
                self.groups.get_mut(&group).unwrap().remove(&some);
                json!({"do": "leave", "group": {"uid": group}, "account": {"name": name}})
            }
            _ => {
                let now = format!("r{n}");
                self.accounts.remove(&some);
                self.accounts.insert(now.clone(), (name.clone(), title));
                for members in self.groups.values_mut() {
                    if members.remove(&some) {
                        members.insert(now.clone());
                    }
                }
                json!({"do": "rename", "previous": some, "class": "account", "uid": now, "name": name})
            }
        }
    }
}

/// How much of a feed a task has read.
fn told(task: &Json) -> u64 {
    ["rows", "links"].iter().filter_map(|kind| task["progress"][kind].as_u64()).sum()
}

async fn killed_again_and_again(tokens: &str) {
    let house = House::start().await;
    let mut company = Company::founded();
    let mut ticker = Ticker::new(&house, tokens, &company.state()).await;
    ticker.bed.import_published().await;
    let position = ticker.bed.position().await;
    let (data, keys) = house.stop().await;
    ticker.happened(&(0..EVENTS).map(|n| company.event(n)).collect::<Vec<_>>());

    let host = Host::start(data.path(), &keys, SETTINGS).await;
    at(&mut ticker.bed, &host);
    let task = ticker.order().await.expect(202).header("location").to_owned();
    let mut running = host;
    for records in KILLS {
        ticker.bed.when(&task, |task| task["state"] == "succeeded" || told(task) >= records).await;
        running.kill();
        running = Host::start(data.path(), &keys, SETTINGS).await;
        at(&mut ticker.bed, &running);
    }
    let done = ticker.bed.settled(&task).await;
    assert_eq!((&done["state"], &done["mode"]), (&json!("succeeded"), &json!("incremental")), "{done}");
    assert!(done["attempts"].as_u64() > Some(1), "it was never killed in the middle: {done}");
    let changes = ticker.bed.changes(position).await;
    let objects: Vec<&Json> =
        changes.iter().filter(|change| !change["kind"].as_str().unwrap().starts_with("link")).collect();
    let once: BTreeSet<&str> = objects.iter().map(|change| change["uid"].as_str().unwrap()).collect();
    assert_eq!(once.len(), objects.len(), "an object is told twice");

    ticker.is(&company.state());
    let position = ticker.bed.position().await;
    let complete = ticker.bed.import_published().await;
    assert_eq!(ticker.bed.changes(position).await, Vec::<Json>::new(), "{complete}");
    assert_intact(&ticker.bed.operator).await;
    running.kill();
}

#[tokio::test]
async fn an_incremental_import_that_is_killed_goes_on_at_its_token() {
    killed_again_and_again("each").await;
}

#[tokio::test]
async fn an_incremental_import_that_is_killed_between_tokens_begins_again() {
    killed_again_and_again("late").await;
}
