//! What people ask of tasks: to stop for good, to wait, to go on.

use sqlx::SqliteConnection;

use super::Store;
use super::fault::fault;
use super::orders::begin_now;
use super::tasks::{Closing, close_task, discard_runs, missing, read_task, task_state, wrong_state};
use crate::model::{Asked, Result, Task, TaskId, TaskKind, TaskState};

impl Store {
    /// What was asked of the running task.
    pub async fn asked(&self, id: TaskId) -> Result<Option<Asked>> {
        let asked: Option<(bool, bool)> =
            sqlx::query_as("SELECT cancel_requested, pause_requested FROM task WHERE id = $1")
                .bind(id.to_string())
                .fetch_optional(self.database.reader())
                .await
                .map_err(fault)?;
        Ok(match asked.ok_or_else(|| missing(id))? {
            (true, _) => Some(Asked::Cancel),
            (false, true) => Some(Asked::Pause),
            (false, false) => None,
        })
    }

    /// Cancels a queued or paused task at once and asks a running one to stop: its worker learns it from
    /// [`Store::asked`] and from each page it stages. `conflict` for a task that is held (reject it) or done.
    pub async fn cancel_task(&self, id: TaskId) -> Result<Task> {
        let mut tx = self.database.write_erasing().await?;
        let mut erased = false;
        match task_state(&mut tx, id).await? {
            from @ (TaskState::Queued | TaskState::Paused) => {
                let (from, to) = (&[from][..], TaskState::Cancelled);
                let closing = Closing { id, from, to, counts: None, error: None, at: self.now() };
                erased = close_task(&mut tx, &closing).await?;
                discard_runs(&mut tx, id).await?;
            }
            TaskState::Running => set(&mut tx, id, "UPDATE task SET cancel_requested = TRUE WHERE id = $1").await?,
            TaskState::Held => return Err(wrong_state(id, TaskState::Held, "approve or reject it")),
            done => return Err(wrong_state(id, done, "there is nothing to cancel")),
        }
        let task = read_task(&mut *tx, id).await?;
        self.database.commit_erasing(tx, erased).await?;
        Ok(task)
    }

    /// Pauses a queued task at once and asks a running one to pause, which it does where it can go on later. `conflict`
    /// for a task that is held or done, or that runs and cannot be interrupted.
    pub async fn pause_task(&self, id: TaskId) -> Result<Task> {
        let mut tx = self.database.write().await?;
        let task = read_task(&mut *tx, id).await?;
        match (task.state, task.kind) {
            (TaskState::Queued, _) => set(&mut tx, id, "UPDATE task SET state = 'paused' WHERE id = $1").await?,
            (TaskState::Running, TaskKind::RefreshSchema) => {
                return Err(wrong_state(id, TaskState::Running, "the refresh of a schema cannot be interrupted"));
            }
            (TaskState::Running, _) => {
                set(&mut tx, id, "UPDATE task SET pause_requested = TRUE WHERE id = $1").await?;
            }
            (TaskState::Paused, _) => {}
            (other, _) => return Err(wrong_state(id, other, "only one that waits or runs can be paused")),
        }
        let task = read_task(&mut *tx, id).await?;
        tx.commit().await.map_err(fault)?;
        Ok(task)
    }

    /// Queues a paused task again, and takes back what [`Store::pause_task`] asked of one that still runs. `conflict` for
    /// any other.
    pub async fn resume_task(&self, id: TaskId) -> Result<Task> {
        let mut tx = self.database.write().await?;
        match task_state(&mut tx, id).await? {
            TaskState::Paused => {
                set(&mut tx, id, "UPDATE task SET state = 'queued' WHERE id = $1").await?;
                begin_now(&mut tx, id).await?;
            }
            TaskState::Running => set(&mut tx, id, "UPDATE task SET pause_requested = FALSE WHERE id = $1").await?,
            other => return Err(wrong_state(id, other, "only a paused one can be resumed")),
        }
        let task = read_task(&mut *tx, id).await?;
        tx.commit().await.map_err(fault)?;
        Ok(task)
    }

    /// Puts a running task aside as it was asked; queues it again if that was taken back meanwhile. Answers what it is
    /// now: still running, if meanwhile it was asked to stop for good.
    pub async fn park_task(&self, id: TaskId) -> Result<TaskState> {
        let mut tx = self.database.write().await?;
        let parked = "UPDATE task SET state = CASE WHEN pause_requested THEN 'paused' ELSE 'queued' END,
            pause_requested = FALSE WHERE id = $1 AND state = 'running' AND NOT cancel_requested";
        set(&mut tx, id, parked).await?;
        let state = task_state(&mut tx, id).await?;
        tx.commit().await.map_err(fault)?;
        Ok(state)
    }
}

async fn set(at: &mut SqliteConnection, task: TaskId, statement: &'static str) -> Result<()> {
    sqlx::query(statement).bind(task.to_string()).execute(at).await.map_err(fault)?;
    Ok(())
}
