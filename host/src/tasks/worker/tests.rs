//! How workers write down what became of a task, on real files.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

use super::*;
use crate::audit::{Audit, OutcomeStatus};
use crate::clock::Clock;
use crate::config::{Config, EgressConfig};
use crate::connections::Connections;
use crate::egress::Egress;
use crate::mappings::Mappings;
use crate::model::{Connection, RequestId, Switches, System, Thresholds};
use crate::registry::Registry;
use crate::runtime::{CallLimits, Runtime, RuntimeLimits};
use crate::secrets::Vault;
use crate::store::{NewTask, Store};
use crate::tables::{Places, Tables};

/// Tasks of a connection whose connector nobody has installed.
struct Room {
    tasks: Tasks,
    store: Store,
    folder: TempDir,
}

impl Room {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, clock) = (folder.path(), Clock::system());
        let store = Store::open(&data.join("hawser.db"), clock.clone()).await.unwrap();
        let audit = Audit::open(&data.join("audit.db"), clock.clone()).await.unwrap();
        let runtime =
            Runtime::new(RuntimeLimits::default(), Egress::new(EgressConfig::default()), clock.clone()).unwrap();
        let Config { compile, imports, .. } = Config::default();
        let registry = Registry::open(data, runtime.clone(), store.clone(), clock.clone(), compile).await.unwrap();
        let vault = Vault::open(data, None, &store).await.unwrap();
        let ceiling = CallLimits::default();
        let connections = Connections::new(store.clone(), vault, registry, runtime, clock.clone(), ceiling);
        let tables = Tables::new(store.clone(), connections.clone());
        let mappings = Mappings::new(store.clone(), Arc::new(tables.clone()), data.to_owned());
        let outputs = (tables, Places::default());
        let tasks = Tasks::new(store.clone(), connections, mappings, outputs, audit, clock, imports);
        Self { tasks, store, folder }
    }

    async fn claimed(&self) -> Task {
        let system = System { id: "lab".parse().unwrap(), title: "Lab".into() };
        self.store.create_system(&system).await.unwrap();
        let connection = Connection {
            id: "hr".parse().unwrap(),
            system: system.id,
            connector: "hawser/nowhere".parse().unwrap(),
            version: "^0.1".parse().unwrap(),
            title: "People".into(),
            options: Default::default(),
            directories: Default::default(),
            destinations: Default::default(),
            thresholds: Thresholds::default(),
            switches: Switches::default(),
        };
        self.store.create_connection(&connection, |_| Ok(Vec::new())).await.unwrap();
        let (kind, request_id) = (TaskKind::Import, RequestId::fresh());
        let mode = Some(ImportMode::Complete);
        let (connection, requested_by) = (connection.id, "core".into());
        let new = NewTask { kind, mode, output: None, connection, schedule: None, requested_by, request_id };
        self.store.enqueue_task(&new).await.unwrap();
        self.store.claim_task(Claim::Imports).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn the_end_of_a_task_that_a_locked_store_does_not_take_is_written_once_it_does() {
    let room = Room::new().await;
    let task = room.claimed().await;
    let options = SqliteConnectOptions::new().filename(room.folder.path().join("hawser.db"));
    let mut other = options.connect().await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let stop = CancellationToken::new();
    let running = run(&room.tasks, &task, &stop, TASK_TIME_MAX);
    let release = async {
        tokio::time::sleep(crate::store::sqlite::BUSY_TIMEOUT + Duration::from_secs(1)).await;
        assert_eq!(room.store.task(task.id).await.unwrap().state, TaskState::Running);
        other.execute("ROLLBACK").await.unwrap();
        other.close().await.unwrap();
    };
    tokio::join!(running, release);
    let ended = room.store.task(task.id).await.unwrap();
    assert_eq!(ended.state, TaskState::Failed, "{:?}", ended.error);
    let trail = room.tasks.audit.list(&audit::AuditFilter::default(), None, 10).await.unwrap();
    assert_eq!(trail[0].outcome.as_ref().unwrap().outcome.status, OutcomeStatus::Failed);
}

#[test]
fn a_task_that_was_stopped_is_not_audited_as_a_success() {
    let status = |ended: Result<End>| audit::Outcome::of(&noted(&ended), &Used::default()).status;
    assert_eq!(status(Ok(End::Cancelled)), OutcomeStatus::Failed);
    assert_eq!(status(Ok(End::Interrupted)), OutcomeStatus::Failed);
    assert_eq!(status(Ok(End::Held)), OutcomeStatus::Succeeded);
}
