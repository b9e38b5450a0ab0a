//! Tasks: work that outlives a request, claimed by workers, run, and finished in a state people can read. Requests order
//! them, and schedules.
//!
//! A task left running by a process that died is queued again at the next start, and an import goes on from its
//! checkpoint. A failure that may pass is tried again after a while; one that will not is the task's end. While the host
//! itself cannot go on (a database is locked, a disk is full) a task waits, however long that takes.

mod fulfil;
mod import;
mod persist;
mod progress;
mod refresh;
mod schedules;
mod wakes;
mod watch;
mod worker;
mod write;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::ImportConfig;
use crate::connections::{Connections, NO_SCHEMA, Ready};
use crate::mappings::Mappings;
use crate::model::{
    ConnectionId, Error, Export, FailureKind, ImportMode, Output, RequestContext, Result, Stored, SystemId, Task,
    TaskId, TaskKind, TaskState,
};
use crate::store::{Claim, NewTask, Removal, SetAsideRow, Store, TaskFilter};
use crate::tables::{Places, Tables};
use wakes::Wakes;

pub(crate) use persist::persist;
pub use watch::Watch;

/// Connections of a system that are looked at together.
const CONNECTIONS_PAGE: u32 = 1000;

/// What became of an order to refresh one of many schemas.
#[derive(Debug)]
pub struct OrderedRefresh {
    pub connection: ConnectionId,
    /// The task, or why there is none.
    pub task: Result<Task>,
}

/// The tasks of the host. Cheap to clone.
#[derive(Clone)]
pub struct Tasks {
    store: Store,
    connections: Connections,
    tables: Tables,
    places: Places,
    mappings: Mappings,
    audit: Audit,
    clock: Clock,
    config: ImportConfig,
    wakes: Arc<Wakes>,
    /// Places of those who watch tasks.
    watchers: Arc<Semaphore>,
}

impl Tasks {
    /// The tasks in a store, run against these connections. What refreshes find concerns the mappings; tables are written
    /// to places.
    pub fn new(
        store: Store,
        connections: Connections,
        mappings: Mappings,
        (tables, places): (Tables, Places),
        audit: Audit,
        clock: Clock,
        config: ImportConfig,
    ) -> Self {
        let watchers = Arc::new(Semaphore::new(progress::WATCHERS_MAX));
        let wakes = Arc::default();
        Self { store, connections, mappings, tables, places, audit, clock, config, wakes, watchers }
    }

    /// Queues again what an earlier process left running, and starts the workers; they end with `stop`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn start(&self, tracker: &TaskTracker, stop: &CancellationToken) -> Result<()> {
        let left = self.store.requeue_running_tasks().await?;
        if left > 0 {
            tracing::info!(left, "going on with the tasks an earlier process left");
        }
        for (workers, claim) in [
            (self.config.workers, Claim::Imports),
            (self.config.fulfilments, Claim::Fulfilments),
            (self.config.writings, Claim::Writings),
        ] {
            for _ in 0..workers {
                tracker.spawn(worker::work(self.clone(), claim, worker::TASK_TIME_MAX, stop.clone()));
            }
        }
        refresh::open(self, tracker, stop);
        tracker.spawn(worker::sweep(self.clone(), stop.clone()));
        tracker.spawn(schedules::keep(self.clone(), stop.clone()));
        Ok(())
    }

    /// Queues an import, whose tables are then written where `output` says.
    ///
    /// # Errors
    /// `conflict` if the connection has one already, or nothing an incremental one could go on from; `unsupported` if its
    /// connector cannot list, or tells no changes; `invalid-request` if there is no such place or table; `not-found`.
    pub async fn start_import(
        &self,
        rc: &RequestContext,
        connection: &ConnectionId,
        mode: ImportMode,
        output: Option<Output>,
    ) -> Result<Task> {
        self.require_import(connection, mode).await?;
        if let Some(output) = &output {
            self.require_output(connection, output).await?;
        }
        self.enqueue(rc, connection, TaskKind::Import, Some(mode), output).await
    }

    /// Queues a refresh of the schema; one that waits already is answered instead.
    ///
    /// # Errors
    /// `unsupported` if the connector has no schema; `conflict` if the connection is disabled; `not-found`.
    pub async fn start_refresh(&self, rc: &RequestContext, connection: &ConnectionId) -> Result<Task> {
        if !self.connections.ready(connection).await?.exports(Export::Schema) {
            return Err(Error::failure(FailureKind::Unsupported, NO_SCHEMA));
        }
        self.enqueue(rc, connection, TaskKind::RefreshSchema, None, None).await
    }

    /// Queues a refresh of the schema of every connection of a system; of those that cannot be refreshed, why.
    ///
    /// # Errors
    /// `not-found` if there is no such system; those of the store.
    pub async fn start_refreshes(&self, rc: &RequestContext, system: &SystemId) -> Result<Vec<OrderedRefresh>> {
        self.store.system(system).await?;
        let (mut ordered, mut after): (Vec<OrderedRefresh>, _) = (Vec::new(), None);
        loop {
            let page = self.store.connections(Some(system), after.as_ref(), CONNECTIONS_PAGE).await?;
            let Some(last) = page.last() else { return Ok(ordered) };
            after = Some(last.value.id.clone());
            for Stored { value: connection, .. } in page {
                let task = self.start_refresh(rc, &connection.id).await;
                ordered.push(OrderedRefresh { connection: connection.id, task });
            }
        }
    }

    /// Queues a refresh if the connection's schema was not read since it was last configured, and can be: its connector
    /// has one, and something it asks for was approved. To be called whenever that may have come true. Whether it could
    /// be queued is no concern of whoever did that.
    pub async fn refresh_if_due(&self, rc: &RequestContext, connection: &ConnectionId) {
        let due = self.connections.ready(connection).await;
        if !due.is_ok_and(|ready| ready.exports(Export::Schema) && !ready.schema_current && ready.may_reach()) {
            return;
        }
        if let Err(error) = self.enqueue(rc, connection, TaskKind::RefreshSchema, None, None).await {
            tracing::warn!(%connection, %error, detail = error.detail, "cannot queue the refresh that is due");
        }
    }

    /// One task.
    ///
    /// # Errors
    /// `not-found`.
    pub async fn get(&self, id: TaskId) -> Result<Task> {
        self.store.task(id).await
    }

    /// Tasks older than `before`, newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(&self, filter: &TaskFilter, before: Option<TaskId>, limit: u32) -> Result<Vec<Task>> {
        self.store.tasks(filter, before, limit).await
    }

    /// Cancels a task: at once if it waits, at its next page or after the orders it has begun if it runs. Of an import
    /// nothing visible changes; a refresh is broken off.
    ///
    /// # Errors
    /// `conflict` if it is held or has ended; `not-found`.
    pub async fn cancel(&self, id: TaskId) -> Result<Task> {
        self.store.cancel_task(id).await
    }

    /// Pauses a task: at once if it waits, at its next page or after the orders it has begun if it runs.
    ///
    /// # Errors
    /// `conflict` if it is held or has ended, or runs and cannot be interrupted; `not-found`.
    pub async fn pause(&self, id: TaskId) -> Result<Task> {
        self.store.pause_task(id).await
    }

    /// Lets a paused task go on where it stood.
    ///
    /// # Errors
    /// `conflict` if it is not paused; `not-found`.
    pub async fn resume(&self, id: TaskId) -> Result<Task> {
        let task = self.store.resume_task(id).await?;
        self.wakes.wake(task.kind);
        Ok(task)
    }

    /// Publishes what a held import found.
    ///
    /// # Errors
    /// `conflict` if it is not held; `not-found`.
    pub async fn approve(&self, id: TaskId) -> Result<Task> {
        self.require_held(id).await?;
        let task = self.store.publish(id).await?;
        self.wakes.wake(TaskKind::WriteTables);
        Ok(task)
    }

    /// Throws away what a held import found; nothing visible changes.
    ///
    /// # Errors
    /// `conflict` if it is not held; `not-found`.
    pub async fn reject(&self, id: TaskId) -> Result<Task> {
        self.store.discard(id, TaskState::Rejected, None).await?;
        self.store.task(id).await
    }

    /// The objects a held import would remove, in order.
    ///
    /// # Errors
    /// `not-found`.
    pub async fn removals(&self, id: TaskId, after: Option<i64>, limit: u32) -> Result<Vec<Removal>> {
        self.store.removals(id, after, limit).await
    }

    /// The records an import set aside, in order.
    ///
    /// # Errors
    /// `not-found`.
    pub async fn set_aside(&self, id: TaskId, after: Option<i64>, limit: u32) -> Result<Vec<SetAsideRow>> {
        self.store.set_aside(id, after, limit).await
    }

    async fn require_import(&self, connection: &ConnectionId, mode: ImportMode) -> Result<()> {
        self.require(connection, Export::Source, "import").await?.connection.switches.require_import(connection)?;
        if mode == ImportMode::Incremental {
            self.require(connection, Export::Feed, "import incrementally").await?;
            self.store.require_feed_token(connection).await?;
        }
        Ok(())
    }

    async fn require(&self, connection: &ConnectionId, needs: Export, to_do: &str) -> Result<Arc<Ready>> {
        let ready = self.connections.ready(connection).await?;
        if ready.exports(needs) {
            return Ok(ready);
        }
        let message = format!("{} has no {}: it cannot {to_do}", ready.connection.connector, needs.as_str());
        Err(Error::failure(FailureKind::Unsupported, message))
    }

    async fn enqueue(
        &self,
        rc: &RequestContext,
        connection: &ConnectionId,
        kind: TaskKind,
        mode: Option<ImportMode>,
        output: Option<Output>,
    ) -> Result<Task> {
        let new = NewTask {
            kind,
            mode,
            output,
            connection: connection.clone(),
            schedule: None,
            requested_by: rc.caller.name.clone(),
            request_id: rc.id.clone(),
        };
        let task = self.store.enqueue_task(&new).await?;
        self.wakes.wake(kind);
        Ok(task)
    }

    async fn require_held(&self, id: TaskId) -> Result<()> {
        let task = self.store.task(id).await?;
        if task.state == TaskState::Held {
            return Ok(());
        }
        let message = format!("the task {id} is {}; only a held one waits for approval", task.state.as_str());
        Err(Error::failure(FailureKind::Conflict, message))
    }
}
