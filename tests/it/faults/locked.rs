//! A database that another process has locked for longer than the host waits: whoever asks is told which file it is,
//! what was begun waits, and once the lock is gone all goes on without a restart.

use std::path::Path;
use std::time::Duration;

use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use reqwest::Method;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use super::{assert_intact, at, entry_of};

/// Longer than the host waits for a lock, which is 5 s.
const LONG: Duration = Duration::from_secs(7);

/// Somebody else's lock on a database file.
struct Lock(SqliteConnection);

impl Lock {
    async fn on(file: &Path) -> Self {
        let mut other = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        other.execute("BEGIN EXCLUSIVE").await.unwrap();
        Self(other)
    }

    async fn release(mut self) {
        self.0.execute("ROLLBACK").await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// A connection of a host in a process of its own.
async fn started(people: People, settings: &str) -> (std::sync::Arc<tempfile::TempDir>, Bed, Host) {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, people).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;
    let host = Host::start(data.path(), &tokens, settings).await;
    at(&mut bed, &host);
    (data, bed, host)
}

#[tokio::test]
async fn a_locked_store_refuses_what_it_must_remember_and_nothing_else() {
    let (data, bed, _host) = started(People::new(3, 1), "").await;
    let system = json!({"id": "other", "title": "Other"});
    let create = |uid: &'static str, key: bool| {
        let draft = json!({"name": uid, "attributes": {"id": [uid]}});
        let post = bed.core.request(Method::POST, &bed.at("/objects/account")).header("x-request-id", uid).json(&draft);
        if key { post.header("idempotency-key", uid) } else { post }.send()
    };
    let lock = Lock::on(&data.path().join("hawser.db")).await;
    let (refused, keyed, unkeyed) =
        tokio::join!(bed.operator.post("/v1/systems", &system), create("keyed", true), create("unkeyed", false));
    refused.problem(503, "unavailable").names("hawser.db").names("locked");
    keyed.problem(503, "unavailable").names("hawser.db").names("locked");
    unkeyed.expect(201);
    assert_eq!(entry_of(&bed.operator, "keyed").await, None);
    assert!(!bed.people.read("accounts.csv").contains("\nkeyed,"));
    lock.release().await;
    bed.operator.post("/v1/systems", &system).await.expect(201);
    create("keyed", true).await.expect(201);
    assert_eq!(bed.people.read("accounts.csv").matches("\nkeyed,").count(), 1);
    assert_intact(&bed.operator).await;
}

#[tokio::test]
async fn a_locked_trail_lets_nothing_begin_and_everything_be_read() {
    let (data, bed, _host) = started(People::new(3, 1), "").await;
    let before = bed.people.read("accounts.csv");
    let system = json!({"id": "other", "title": "Other"});
    let draft = json!({"name": "new", "attributes": {"id": ["new"]}});
    let lock = Lock::on(&data.path().join("audit.db")).await;
    let (path, first, second) = (bed.at("/objects/account"), bed.account("u1"), bed.account("u2"));
    let (created, deleted, configured, read) = tokio::join!(
        bed.core.post(&path, &draft),
        bed.core.delete(&first),
        bed.operator.post("/v1/systems", &system),
        bed.core.get(&second),
    );
    for refused in [created, deleted, configured] {
        let problem = refused.problem(503, "unavailable").names("audit.db").names("locked");
        assert_eq!(problem.0["effect"], "none", "{problem:?}");
    }
    read.expect(200);
    assert_eq!(bed.people.read("accounts.csv"), before);
    lock.release().await;
    bed.operator.post("/v1/systems", &system).await.expect(201);
    bed.core.post(&path, &draft).await.expect(201);
    assert_intact(&bed.operator).await;
}

#[tokio::test]
async fn an_import_waits_for_a_locked_store_or_trail_and_goes_on() {
    const ACCOUNTS: usize = 3_000;
    let (data, bed, _host) = started(People::new(ACCOUNTS, 2), "[imports]\npage-rows = 8\n").await;
    let trail = Lock::on(&data.path().join("audit.db")).await;
    let imports = bed.at("/imports");
    let (refused, ()) = tokio::join!(bed.core.order(&imports), tokio::time::sleep(LONG));
    refused.problem(503, "unavailable").names("audit.db");
    trail.release().await;
    let task = bed.core.order(&imports).await.expect(202).header("location").to_owned();
    bed.when(&task, |task| task["progress"]["rows"].as_u64() >= Some(300)).await;
    for file in ["hawser.db", "audit.db"] {
        let lock = Lock::on(&data.path().join(file)).await;
        tokio::time::sleep(LONG).await;
        lock.release().await;
    }
    let done = bed.settled(&task).await;
    assert_eq!((&done["state"], &done["attempts"]), (&json!("succeeded"), &json!(1)), "{done}");
    let counts = &done["counts"];
    assert_eq!((&counts["inserted"], &counts["rejected"]), (&json!(ACCOUNTS + 2), &json!(0)), "{done}");
    super::soon("the outcome of the import", async || {
        let open = bed.audit().await.iter().any(|entry| entry.get("outcome").is_none());
        (!open).then_some(())
    })
    .await;
    assert_intact(&bed.operator).await;
}
