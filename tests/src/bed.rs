//! A test bed: a system and a connection of its own, over people of its own, in the host that the tests share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::client::{Answer, Client};
use crate::house::House;
use crate::people::People;

/// How long a test waits for a task.
const TASK_SECONDS_MAX: u64 = 120;
/// How often it looks.
const LOOK_MS: u64 = 20;

/// The most pages of a listing: more, and it does not go forward.
const PAGES_MAX: usize = 1_000;

static BEDS: AtomicU32 = AtomicU32::new(1);

/// A system, a connection and their callers.
pub struct Bed {
    pub operator: Client,
    pub core: Client,
    pub people: People,
    pub system: String,
    /// The connection's identifier.
    pub id: String,
}

impl Bed {
    /// So many people and groups in the shared host, connected and with their schema read.
    pub async fn new(accounts: usize, groups: usize) -> Self {
        let bed = Self::bare(House::shared().await, People::new(accounts, groups)).await;
        bed.connect(&bed.connection()).await;
        bed
    }

    /// A system without a connection, in a host of the caller's choice.
    pub async fn bare(house: &House, people: People) -> Self {
        let number = BEDS.fetch_add(1, Ordering::Relaxed);
        let (operator, core) = (house.operator(), house.core());
        let system = format!("system-{number}");
        operator.post("/v1/systems", &json!({"id": system, "title": "Test"})).await.expect(201);
        Self { operator, core, people, system, id: format!("connection-{number}") }
    }

    /// The body of this bed's connection.
    pub fn connection(&self) -> Json {
        self.people.connection(&self.id, &self.system)
    }

    /// Creates the connection, approves all that its connector asks for, and reads its schema.
    pub async fn connect(&self, body: &Json) {
        self.create(body).await;
        self.operator.order(&self.at("/schema/refresh")).await.expect(200);
    }

    /// Creates the connection and approves all that its connector asks for.
    pub async fn create(&self, body: &Json) {
        self.operator.post("/v1/connections", body).await.expect(201);
        self.approve_all().await;
    }

    /// Approves all that the connection's connector asks for.
    pub async fn approve_all(&self) {
        let asked = items(&self.operator.get(&self.at("/permissions")).await.expect(200));
        let all: Vec<&str> = asked.iter().filter_map(|asked| asked["permission"].as_str()).collect();
        self.approve(&all).await;
    }

    /// Approves permissions of the connection.
    pub async fn approve(&self, permissions: &[&str]) {
        self.operator.post(&self.at("/permissions"), &json!({"approve": permissions})).await.expect(200);
    }

    /// Withdraws permissions of the connection.
    pub async fn withdraw(&self, permissions: &[&str]) {
        self.operator.post(&self.at("/permissions"), &json!({"withdraw": permissions})).await.expect(200);
    }

    /// A path below the connection.
    pub fn at(&self, rest: &str) -> String {
        format!("/v1/connections/{}{rest}", self.id)
    }

    /// The path of an account.
    pub fn account(&self, uid: &str) -> String {
        self.at(&format!("/objects/account/{uid}"))
    }

    /// A path of the API's document that exists as far as its parameters go: those of this bed where they fit.
    pub fn filled(&self, path: &str) -> String {
        let of = |name: &str| match name {
            "id" if path.starts_with("/v1/systems") => &self.system,
            "id" if path.starts_with("/v1/tasks") => "019aa000-0000-7000-8000-000000000000",
            "id" => &self.id,
            "class" => "account",
            "uid" => "u1",
            "publisher" => "hawser",
            "name" if path.contains("secured-options") => "api-key",
            "version" => "0.1.0",
            _ => "x",
        };
        let parts = path.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => of(name),
            None => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Runs an import to where it stops: published, held, failed or cancelled.
    pub async fn import(&self) -> Json {
        let order = self.core.order(&self.at("/imports")).await.expect(202);
        self.settled(order.header("location")).await
    }

    /// Runs an import that must be published.
    pub async fn import_published(&self) -> Json {
        let task = self.import().await;
        assert_eq!(task["state"], "succeeded", "{task}");
        task
    }

    /// Waits until a task stops.
    pub async fn settled(&self, task: &str) -> Json {
        self.when(task, |task| !["queued", "running"].contains(&task["state"].as_str().unwrap_or_default())).await
    }

    /// Waits until a task is as wished.
    pub async fn when(&self, task: &str, wished: impl Fn(&Json) -> bool) -> Json {
        for _ in 0..TASK_SECONDS_MAX * 1000 / LOOK_MS {
            let now = self.core.get(task).await.expect(200).json();
            if wished(&now) {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        panic!("the task did not get there: {}", self.core.get(task).await.text);
    }

    /// What is published of a class.
    pub async fn published(&self, class: &str) -> Vec<Json> {
        self.core.get(&self.at(&format!("/published/{class}"))).await.expect(200).lines()
    }

    /// The changes after a position.
    pub async fn changes(&self, after: i64) -> Vec<Json> {
        self.core.get(&self.at(&format!("/changes?after={after}&limit=1000"))).await.expect(200).lines()
    }

    /// The position of the newest change.
    pub async fn position(&self) -> i64 {
        let mut position = 0;
        loop {
            let changes = self.changes(position).await;
            let Some(last) = changes.last() else { return position };
            position = last["position"].as_i64().expect("a change has a position");
        }
    }

    /// The audit trail's newest entries about this connection, but for the refreshes that the host makes by itself.
    pub async fn audit(&self) -> Vec<Json> {
        let answer = self.operator.get(&format!("/v1/audit?connection={}&limit=1000", self.id)).await.expect(200);
        items(&answer).into_iter().filter(|entry| entry["action"] != "task.refresh-schema").collect()
    }
}

/// All items of a listing, read in pages of `limit` by following `next`; `path` has a query already.
pub async fn pages(client: &Client, path: &str, limit: usize) -> Vec<Json> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        let page = client.get(&format!("{path}&limit={limit}{cursor}")).await.expect(200);
        let found = items(&page);
        assert!(found.len() <= limit, "{} items on a page of {limit}", found.len());
        seen.extend(found);
        match page.json()["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
    panic!("{path} does not end: {} items", seen.len());
}

/// The items of a page.
#[track_caller]
pub fn items(page: &Answer) -> Vec<Json> {
    let page = page.json();
    page["items"].as_array().unwrap_or_else(|| panic!("no page of items: {page}")).clone()
}
