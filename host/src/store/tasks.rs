//! Tasks: work that outlives a request, queued, claimed, finished.

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use super::Store;
use super::connections::identify;
use super::fault::fault;
use super::numbers::{from_json, instant, json, limit, maybe_instant, parsed, word};
use super::orders;
use crate::model::{
    ConnectionId, Counts, Error, FailureKind, ImportMode, Output, Progress, RequestId, Result, ScheduleId, Task,
    TaskError, TaskId, TaskKind, TaskState,
};

const SELECT: &str =
    "SELECT t.id, t.kind, t.mode, c.id AS connection_id, t.state, t.requested_by, t.request_id, t.created,
    t.started, t.finished, t.attempts, t.progress, t.counts, t.error, t.schedule, t.fulfilment, t.orders, t.output, t.written_by
    FROM task t JOIN connection c ON c.number = t.connection";

/// What to enqueue.
#[derive(Clone, Debug)]
pub struct NewTask {
    pub kind: TaskKind,
    /// Of an import.
    pub mode: Option<ImportMode>,
    /// Where the tables are written once the import is published.
    pub output: Option<Output>,
    pub connection: ConnectionId,
    /// The schedule it is made for.
    pub schedule: Option<ScheduleId>,
    /// The name of the token that asks for it, or `schedule:` and the schedule's.
    pub requested_by: String,
    pub request_id: RequestId,
}

/// Which tasks to list; `None` lists all.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    pub connection: Option<ConnectionId>,
    pub state: Option<TaskState>,
    pub kind: Option<TaskKind>,
    /// Those that a schedule asked for.
    pub schedule: Option<ScheduleId>,
    /// Created then or later.
    pub since: Option<Timestamp>,
    /// Created before then.
    pub until: Option<Timestamp>,
}

/// Which tasks a worker takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    Imports,
    Fulfilments,
    /// Of a connection, one at a time.
    Writings,
    /// Refreshes of schemas, whatever is known of their targets.
    Refreshes,
    /// Those whose target answered in time when it was last asked, or was never read.
    HopefulRefreshes,
    /// Those whose target was read before, and answered in time when it was last asked.
    QuickRefreshes,
}

impl Claim {
    const fn statement(self) -> &'static str {
        match self {
            Self::Imports => "SELECT MIN(id) FROM task WHERE state = 'queued' AND kind = 'import'",
            Self::Fulfilments => "SELECT MIN(id) FROM task WHERE state = 'queued' AND kind = 'fulfil'",
            Self::Writings => {
                "SELECT MIN(t.id) FROM task t WHERE t.state = 'queued' AND t.kind = 'write-tables'
                 AND NOT EXISTS (SELECT 1 FROM task r WHERE r.connection = t.connection
                    AND r.kind = 'write-tables' AND r.state = 'running')"
            }
            Self::Refreshes => "SELECT MIN(id) FROM task WHERE state = 'queued' AND kind = 'refresh-schema'",
            Self::HopefulRefreshes => {
                "SELECT MIN(t.id) FROM task t LEFT JOIN connection_schema s ON s.connection = t.connection
                 WHERE t.state = 'queued' AND t.kind = 'refresh-schema' AND s.slow IS NOT TRUE"
            }
            Self::QuickRefreshes => {
                // A schema that was read: not every attempt gets as far as the target.
                "SELECT MIN(t.id) FROM task t JOIN connection_schema s ON s.connection = t.connection
                 WHERE t.state = 'queued' AND t.kind = 'refresh-schema' AND NOT s.slow AND s.refreshed IS NOT NULL"
            }
        }
    }
}

impl Store {
    /// Queues a task. A connection has one import at a time that is not final: a second is a `conflict` that names it.
    /// A refresh of a schema that waits already is answered instead of a second one.
    pub async fn enqueue_task(&self, new: &NewTask) -> Result<Task> {
        let mut tx = self.database.write().await?;
        if new.kind == TaskKind::RefreshSchema {
            let (connection, _) = identify(&mut tx, &new.connection).await?;
            if let Some(id) = waiting_refresh(&mut tx, connection).await? {
                return read_task(&mut *tx, id).await;
            }
        }
        let id = insert_task(&mut tx, new, self.now()).await?;
        let task = read_task(&mut *tx, id).await?;
        tx.commit().await.map_err(fault)?;
        Ok(task)
    }

    /// The task of that id. `not-found` if there is none.
    pub async fn task(&self, id: TaskId) -> Result<Task> {
        read_task(self.database.reader(), id).await
    }

    /// Tasks older than `after`, newest first.
    pub async fn tasks(&self, filter: &TaskFilter, after: Option<TaskId>, at_most: u32) -> Result<Vec<Task>> {
        let sql = format!(
            "{SELECT} WHERE c.folded = COALESCE($1, c.folded) AND t.state = COALESCE($2, t.state)
             AND t.id < COALESCE($3, '~') AND t.kind = COALESCE($5, t.kind) AND ($6 IS NULL OR LOWER(t.schedule) = $6)
             AND t.created >= COALESCE($7, t.created) AND ($8 IS NULL OR t.created < $8) ORDER BY t.id DESC LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(filter.connection.as_ref().map(ConnectionId::folded))
            .bind(filter.state.map(TaskState::as_str))
            .bind(after.map(|id| id.to_string()))
            .bind(limit(at_most))
            .bind(filter.kind.map(TaskKind::as_str))
            .bind(filter.schedule.as_ref().map(ScheduleId::folded))
            .bind(filter.since.map(Timestamp::as_microsecond))
            .bind(filter.until.map(Timestamp::as_microsecond))
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        rows.iter().map(task).collect()
    }

    /// Takes the oldest queued task that may be taken so and sets it running, one attempt more; none if nothing waits.
    pub async fn claim_task(&self, which: Claim) -> Result<Option<Task>> {
        self.claim(which.statement()).await
    }

    async fn claim(&self, which: &'static str) -> Result<Option<Task>> {
        let mut tx = self.database.write().await?;
        let sql = format!(
            "UPDATE task SET state = 'running', attempts = attempts + 1, started = COALESCE(started, $1)
             WHERE id = ({which}) RETURNING id"
        );
        let id: Option<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(self.now())
            .fetch_optional(&mut *tx)
            .await
            .map_err(fault)?;
        // Read before the commit: a claimed task that nobody gets to see would never run.
        let task = match id {
            Some(id) => Some(read_task(&mut *tx, parsed("task id", &id)?).await?),
            None => None,
        };
        tx.commit().await.map_err(fault)?;
        Ok(task)
    }

    /// Queues a running refresh again, behind no other, because its target did not answer in time. Nothing if it was
    /// cancelled meanwhile.
    pub async fn defer_refresh(&self, id: TaskId) -> Result<()> {
        let mut tx = self.database.write().await?;
        sqlx::query(
            "UPDATE task SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END,
                finished = CASE WHEN cancel_requested THEN $2 END WHERE id = $1 AND state = 'running'",
        )
        .bind(id.to_string())
        .bind(self.now())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    /// Notes how far a task has come; staging a page does so by itself.
    pub async fn task_progress(&self, id: TaskId, progress: &Progress) -> Result<()> {
        let mut tx = self.database.write().await?;
        note_progress(&mut tx, &id.to_string(), progress).await?;
        tx.commit().await.map_err(fault)
    }

    /// Sets a running task held (what it found stays staged), failed, or succeeded without a run to publish. A run it
    /// leaves behind is discarded unless it is held. `conflict` if the task is not running.
    pub async fn finish_task(
        &self,
        id: TaskId,
        state: TaskState,
        counts: Option<&Counts>,
        error: Option<&TaskError>,
    ) -> Result<Task> {
        let mut tx = self.database.write_erasing().await?;
        let closing = Closing { id, from: &[TaskState::Running], to: state, counts, error, at: self.now() };
        let erased = close_task(&mut tx, &closing).await?;
        if state.is_final() {
            discard_runs(&mut tx, id).await?;
        }
        let task = read_task(&mut *tx, id).await?;
        self.database.commit_erasing(tx, erased).await?;
        Ok(task)
    }

    /// Queues again what an earlier process left running, or puts it aside if that was asked of it; to be called once,
    /// before anything is claimed. Answers how many there were.
    pub async fn requeue_running_tasks(&self) -> Result<u64> {
        let mut tx = self.database.write().await?;
        let left = "UPDATE task SET state = CASE WHEN pause_requested AND NOT cancel_requested THEN 'paused'
            ELSE 'queued' END, pause_requested = FALSE WHERE state = 'running'";
        let done = sqlx::query(left).execute(&mut *tx).await.map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(done.rows_affected())
    }
}

/// A task's way into another state.
pub(super) struct Closing<'a> {
    pub(super) id: TaskId,
    /// Where it may come from.
    pub(super) from: &'a [TaskState],
    pub(super) to: TaskState,
    pub(super) counts: Option<&'a Counts>,
    pub(super) error: Option<&'a TaskError>,
    pub(super) at: i64,
}

/// The task of that id, as it stands there. `not-found` if there is none.
pub(super) async fn read_task(at: impl SqliteExecutor<'_>, id: TaskId) -> Result<Task> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE t.id = $1 AND c.folded IS NOT NULL")))
        .bind(id.to_string())
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    task(&row.ok_or_else(|| missing(id))?)
}

/// Inserts a queued task.
pub(super) async fn insert_task(at: &mut SqliteConnection, new: &NewTask, now: i64) -> Result<TaskId> {
    let (connection, _) = identify(at, &new.connection).await?;
    if new.kind == TaskKind::Import {
        refuse_second_import(at, &new.connection).await?;
    }
    let id = TaskId::fresh();
    sqlx::query(
        "INSERT INTO task (id, kind, mode, connection, state, requested_by, request_id, created, attempts,
            cancel_requested, progress, schedule, output)
         VALUES ($1, $2, $8, $3, 'queued', $4, $5, $6, 0, FALSE, $7, $9, $10)",
    )
    .bind(id.to_string())
    .bind(new.kind.as_str())
    .bind(connection)
    .bind(&new.requested_by)
    .bind(new.request_id.as_str())
    .bind(now)
    .bind(json(&Progress::default())?)
    .bind(new.mode.map(ImportMode::as_str))
    .bind(new.schedule.as_ref().map(ScheduleId::as_str))
    .bind(new.output.as_ref().map(json).transpose()?)
    .execute(at)
    .await
    .map_err(fault)?;
    Ok(id)
}

/// Moves a task on, inside a transaction; of one that ends, the orders end too. Answers whether anything was erased.
/// `conflict` if it is not where it should be.
pub(super) async fn close_task(at: &mut SqliteConnection, closing: &Closing<'_>) -> Result<bool> {
    let state = task_state(at, closing.id).await?;
    if !closing.from.contains(&state) {
        return Err(wrong_state(closing.id, state, "read it again"));
    }
    sqlx::query("UPDATE task SET state = $2, counts = COALESCE($3, counts), error = $4, finished = $5 WHERE id = $1")
        .bind(closing.id.to_string())
        .bind(closing.to.as_str())
        .bind(closing.counts.map(json).transpose()?)
        .bind(closing.error.map(json).transpose()?)
        .bind(closing.to.is_final().then_some(closing.at))
        .execute(&mut *at)
        .await
        .map_err(fault)?;
    if closing.to.is_final() { orders::settle(at, closing.id, closing.at).await } else { Ok(false) }
}

/// Writes how far a task has come, inside a transaction.
pub(super) async fn note_progress(at: &mut SqliteConnection, task: &str, progress: &Progress) -> Result<()> {
    sqlx::query("UPDATE task SET progress = $2 WHERE id = $1")
        .bind(task)
        .bind(json(progress)?)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Cancels the tasks of a connection that are in one of these states, inside a transaction: what they staged and what
/// their orders say goes. Answers whether anything was erased.
pub(super) async fn cancel_tasks(
    at: &mut SqliteConnection,
    connection: i64,
    from: &[TaskState],
    now: i64,
) -> Result<bool> {
    let tasks: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, state FROM task WHERE connection = $1 AND state IN ('queued', 'running', 'paused', 'held')",
    )
    .bind(connection)
    .fetch_all(&mut *at)
    .await
    .map_err(fault)?;
    let mut erased = false;
    for (id, state) in tasks {
        if from.contains(&word("task state", state)?) {
            let id = parsed("task id", &id)?;
            let closing = Closing { id, from, to: TaskState::Cancelled, counts: None, error: None, at: now };
            erased |= close_task(at, &closing).await?;
            discard_runs(at, id).await?;
        }
    }
    Ok(erased)
}

/// Marks what a task staged as thrown away, unless it was published.
pub(super) async fn discard_runs(at: &mut SqliteConnection, task: TaskId) -> Result<()> {
    sqlx::query("UPDATE run SET state = 'discarded' WHERE task = $1 AND state IN ('copying', 'staging', 'compared')")
        .bind(task.to_string())
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

pub(super) async fn task_state(at: &mut SqliteConnection, id: TaskId) -> Result<TaskState> {
    let state: Option<String> = sqlx::query_scalar("SELECT state FROM task WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    word("task state", state.ok_or_else(|| missing(id))?)
}

async fn waiting_refresh(at: &mut SqliteConnection, connection: i64) -> Result<Option<TaskId>> {
    let id: Option<String> = sqlx::query_scalar(
        "SELECT MIN(id) FROM task WHERE connection = $1 AND kind = 'refresh-schema' AND state = 'queued'",
    )
    .bind(connection)
    .fetch_one(at)
    .await
    .map_err(fault)?;
    id.map(|id| parsed("task id", &id)).transpose()
}

/// The task of that kind that a connection has and that has not ended.
pub(super) async fn active_task(
    at: &mut SqliteConnection,
    connection: &ConnectionId,
    kind: TaskKind,
) -> Result<Option<(TaskId, TaskState)>> {
    let (number, _) = identify(at, connection).await?;
    let active: Option<(String, String)> = sqlx::query_as(
        "SELECT id, state FROM task WHERE connection = $1 AND kind = $2
         AND state IN ('queued', 'running', 'paused', 'held') LIMIT 1",
    )
    .bind(number)
    .bind(kind.as_str())
    .fetch_optional(at)
    .await
    .map_err(fault)?;
    active.map(|(id, state)| Ok((parsed("task id", &id)?, word("task state", state)?))).transpose()
}

async fn refuse_second_import(at: &mut SqliteConnection, id: &ConnectionId) -> Result<()> {
    let Some((task, state)) = active_task(at, id, TaskKind::Import).await? else { return Ok(()) };
    let next = match state {
        TaskState::Held => "approve or reject it first",
        TaskState::Paused => "resume or cancel it first",
        _ => "wait for it or cancel it first",
    };
    let state = state.as_str();
    let message = format!("the connection {id} has an import already: the task {task} is {state}; {next}");
    Err(Error::failure(FailureKind::Conflict, message))
}

pub(super) fn missing(id: TaskId) -> Error {
    Error::not_found(format!("there is no task {id}"))
}

pub(super) fn wrong_state(id: TaskId, state: TaskState, next: &str) -> Error {
    Error::failure(FailureKind::Conflict, format!("the task {id} is {}; {next}", state.as_str()))
}

fn task(row: &SqliteRow) -> Result<Task> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(fault);
    let maybe_text = |column: &str| row.try_get::<Option<String>, _>(column).map_err(fault);
    let time = |column: &str| row.try_get::<Option<i64>, _>(column).map_err(fault).and_then(maybe_instant);
    Ok(Task {
        id: parsed("task id", &text("id")?)?,
        kind: word("task kind", text("kind")?)?,
        mode: maybe_text("mode")?.map(|mode| word("import mode", mode)).transpose()?,
        connection: parsed("connection identifier", &text("connection_id")?)?,
        schedule: maybe_text("schedule")?.map(|id| parsed("schedule identifier", &id)).transpose()?,
        fulfilment: maybe_text("fulfilment")?.map(|json| from_json("fulfilment", &json)).transpose()?,
        output: maybe_text("output")?.map(|json| from_json("output", &json)).transpose()?,
        written_by: maybe_text("written_by")?.map(|id| parsed("task id", &id)).transpose()?,
        state: word("task state", text("state")?)?,
        requested_by: text("requested_by")?,
        request_id: parsed("request id", &text("request_id")?)?,
        created: row.try_get("created").map_err(fault).and_then(instant)?,
        started: time("started")?,
        finished: time("finished")?,
        attempts: row.try_get("attempts").map_err(fault)?,
        progress: from_json("progress", &text("progress")?)?,
        counts: maybe_text("counts")?.map(|json| from_json("set of counts", &json)).transpose()?,
        orders: maybe_text("orders")?.map(|json| from_json("count of orders", &json)).transpose()?,
        error: maybe_text("error")?.map(|json| from_json("task error", &json)).transpose()?,
    })
}
