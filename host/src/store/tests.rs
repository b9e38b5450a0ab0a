//! The store's tests, on real files; what they share is here.

mod feed;
mod holding;
mod incremental;
mod publishing;
mod replay;
mod resources;
mod secured;
mod small;
mod snapshot;
mod staging;
mod tasks;
mod upgrades;

use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use super::{
    Claim, Compared, Cursor, Held, NewTask, Run, RunPart, SecuredEdit, SetAside, StagedLink, StagedRow, Store,
};
use crate::clock::Clock;
use crate::model::{
    ChangeKind, Connection, ConnectionId, Error, FailureKind, ImportMode, Key, Position, Progress, PublishedChange,
    RequestId, Result, Switches, System, Task, TaskId, TaskKind, Thresholds,
};

/// Rows of a test's page: small, so that a few rows are several pages.
const PAGE: usize = 3;

/// A store in a folder of its own, with one system and the connection `hr`.
struct Room {
    folder: TempDir,
    clock: Clock,
    store: Store,
}

/// What one part of a pass reads.
#[derive(Clone, Debug, Default)]
struct Content {
    rows: Vec<StagedRow>,
    links: Vec<StagedLink>,
    set_aside: Vec<SetAside>,
}

impl Room {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_second(1_800_000_000).unwrap());
        let store = Store::open(&folder.path().join("store.db"), clock.clone()).await.unwrap();
        store.create_system(&system("lab")).await.unwrap();
        store.create_connection(&connection("hr"), no_secrets).await.unwrap();
        Self { folder, clock, store }
    }

    /// As after a crash: nothing that was not committed is there any more.
    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = Store::open(&self.folder.path().join("store.db"), self.clock.clone()).await.unwrap();
    }

    async fn claimed(&self) -> Task {
        self.store.enqueue_task(&import("hr")).await.unwrap();
        self.store.claim_task(Claim::Imports).await.unwrap().unwrap()
    }

    async fn begun(&self, plan: &[RunPart]) -> (TaskId, Run) {
        let task = self.claimed().await.id;
        (task, self.store.begin_run(task, &id("hr"), plan).await.unwrap())
    }

    /// Stages a whole pass and compares it.
    async fn compared(&self, pass: &[(RunPart, Content)]) -> (TaskId, Compared) {
        let plan: Vec<RunPart> = pass.iter().map(|(part, _)| part.clone()).collect();
        let (task, run) = self.begun(&plan).await;
        for (part, content) in pass {
            self.stage(run.number, part, content).await;
        }
        (task, self.store.compare(run.number).await.unwrap())
    }

    async fn stage(&self, run: i64, part: &RunPart, content: &Content) {
        let (store, progress, more) = (&self.store, Progress::default(), Cursor::default());
        for rows in content.rows.chunks(PAGE) {
            store.stage_rows(run, part, rows, &[], &more, &progress).await.unwrap();
        }
        for links in content.links.chunks(PAGE) {
            store.stage_links(run, part, links, &[], &more, &progress).await.unwrap();
        }
        store.stage_rows(run, part, &[], &content.set_aside, &last(), &progress).await.unwrap();
    }

    /// Stages, compares, publishes and sweeps.
    async fn imported(&self, pass: &[(RunPart, Content)]) -> Compared {
        let (task, compared) = self.compared(pass).await;
        self.store.publish(task).await.unwrap();
        self.store.sweep().await.unwrap();
        compared
    }

    async fn uids(&self, class: &str) -> Vec<String> {
        let rows = self.store.published(&id("hr"), class, None, 100).await.unwrap();
        rows.into_iter().map(|row| row.uid).collect()
    }

    async fn feed(&self, after: i64) -> Vec<PublishedChange> {
        self.store.changes(&id("hr"), Position(after), 1000).await.unwrap()
    }

    /// The feed in short: kind and uid.
    async fn news(&self, after: i64) -> Vec<(ChangeKind, String)> {
        self.feed(after).await.into_iter().map(|change| (change.kind, change.uid)).collect()
    }
}

fn id(id: &str) -> ConnectionId {
    id.parse().unwrap()
}

fn system(id: &str) -> System {
    System { id: id.parse().unwrap(), title: "Laboratory".into() }
}

fn connection(id: &str) -> Connection {
    Connection {
        id: id.parse().unwrap(),
        system: "lab".parse().unwrap(),
        connector: "hawser/csv".parse().unwrap(),
        version: "^0.1".parse().unwrap(),
        title: "People".into(),
        options: [("encoding".parse().unwrap(), serde_json::json!("utf-8"))].into(),
        directories: Default::default(),
        destinations: Default::default(),
        thresholds: Thresholds::default(),
        switches: Switches::default(),
    }
}

/// Of a connection without secured options.
fn no_secrets(_: &Held) -> Result<Vec<SecuredEdit>> {
    Ok(Vec::new())
}

fn import(connection: &str) -> NewTask {
    NewTask {
        kind: TaskKind::Import,
        mode: Some(ImportMode::Complete),
        output: None,
        connection: id(connection),
        schedule: None,
        requested_by: "core".into(),
        request_id: RequestId::fresh(),
    }
}

fn accounts() -> RunPart {
    RunPart::objects("account")
}

fn members() -> RunPart {
    RunPart::relation("group", "member")
}

/// The last page of a part.
fn last() -> Cursor {
    Cursor { part_complete: true, ..Cursor::default() }
}

fn at(checkpoint: &str) -> Cursor {
    Cursor { checkpoint: Some(checkpoint.into()), ..Cursor::default() }
}

/// `uid` or `uid=body`.
fn row(text: &str) -> StagedRow {
    let (uid, body) = text.split_once('=').unwrap_or((text, "1"));
    let body = format!("{{\"attributes\":{{\"v\":[{body}]}}}}");
    StagedRow { uid: uid.into(), name: format!("name of {uid}"), revision: None, body }
}

fn rows(texts: &[&str]) -> Content {
    Content { rows: texts.iter().map(|text| row(text)).collect(), ..Content::default() }
}

fn link(owner: &str, target: &str) -> StagedLink {
    let uid = |text: &str| Key::Uid(text.into());
    StagedLink { owner: uid(owner), target_class: Some("account".into()), target: uid(target), parameters: "{}".into() }
}

fn links(pairs: &[(&str, &str)]) -> Content {
    Content { links: pairs.iter().map(|(owner, target)| link(owner, target)).collect(), ..Content::default() }
}

fn reject(key: &str) -> SetAside {
    SetAside { key: key.into(), kind: "schema-violation".into(), message: "ragged row".into() }
}

fn is_conflict(error: &Error) -> bool {
    error.is(FailureKind::Conflict)
}

/// How long the tests' stores wait for a lock.
const SHORT: Duration = Duration::from_millis(50);
