//! Publishing: one pointer of the connection, in one transaction with its task.

use sqlx::SqliteConnection;

use super::Store;
use super::fault::fault;
use super::numbers::{from_json, limit, stored_u64};
use super::tasks::{Closing, NewTask, close_task, insert_task, read_task};
use crate::model::{Counts, Error, FailureKind, Result, Task, TaskId, TaskKind, TaskState};

/// An object that a compared run would remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Its place in the list; reading goes on after it.
    pub position: i64,
    pub class: String,
    pub uid: String,
    pub name: String,
}

impl Store {
    /// Publishes what the task, running or held, has staged and compared, and closes the task as succeeded: all of it
    /// or nothing, and at once for every reader. Where the task says so, the writing of the tables is queued with it. The
    /// connection's feed goes on from the run's token. The superseded run's rows go with the next [`Store::sweep`].
    /// `conflict` if there is nothing compared to publish, or if it runs and somebody asked it to stop or to wait.
    pub async fn publish(&self, task: TaskId) -> Result<Task> {
        let mut tx = self.database.write().await?;
        let found: Option<(i64, i64, i64, String)> = sqlx::query_as(
            "SELECT r.number, r.connection, r.base, r.counts FROM run r JOIN connection c ON c.number = r.connection
             JOIN task t ON t.id = r.task
             WHERE r.task = $1 AND r.state = 'compared' AND r.base = COALESCE(c.published_run, 0)
                AND NOT (t.state = 'running' AND (t.cancel_requested OR t.pause_requested))",
        )
        .bind(task.to_string())
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
        let Some((run, connection, base, counts)) = found else {
            let message = format!("the task {task} has no compared run to publish");
            return Err(Error::failure(FailureKind::Conflict, message));
        };
        let counts: Counts = from_json("set of counts", &counts)?;
        let (from, to) = (&[TaskState::Running, TaskState::Held][..], TaskState::Succeeded);
        close_task(&mut tx, &Closing { id: task, from, to, counts: Some(&counts), error: None, at: self.now() })
            .await?;
        for (statement, number) in [
            (
                "UPDATE connection SET published_run = $1,
                    last_position = (SELECT first_position + changes FROM run WHERE number = $1),
                    feed_token = (SELECT token FROM run WHERE number = $1) WHERE number = $2",
                connection,
            ),
            ("UPDATE run SET state = 'published' WHERE number = $1 AND base = $2", base),
            ("UPDATE run SET state = 'superseded' WHERE number = $2 AND number <> $1", base),
        ] {
            sqlx::query(statement).bind(run).bind(number).execute(&mut *tx).await.map_err(fault)?;
        }
        let published = read_task(&mut *tx, task).await?;
        let published = order_writing(&mut tx, published, self.now()).await?;
        tx.commit().await.map_err(fault)?;
        Ok(published)
    }

    /// The objects that a held task would remove, after `after`: what a person looks at before approving or rejecting.
    pub async fn removals(&self, task: TaskId, after: Option<i64>, at_most: u32) -> Result<Vec<Removal>> {
        let found: Option<(i64, i64, String)> =
            sqlx::query_as("SELECT number, changes, counts FROM run WHERE task = $1 AND state = 'compared'")
                .bind(task.to_string())
                .fetch_optional(self.database.reader())
                .await
                .map_err(fault)?;
        let Some((run, changes, counts)) = found else { return Ok(Vec::new()) };
        let counts: Counts = from_json("set of counts", &counts)?;
        // Removed objects are the last of a run's changes.
        let first = changes.saturating_sub(stored_u64(counts.deleted));
        let rows: Vec<(i64, String, String, Option<String>)> = sqlx::query_as(
            "SELECT c.seq, p.class, c.subject, c.name FROM change c JOIN part p ON p.number = c.part
             WHERE c.run = $1 AND c.seq > $2 AND c.kind = 'delete' ORDER BY c.seq LIMIT $3",
        )
        .bind(run)
        .bind(first.max(after.unwrap_or_default()))
        .bind(limit(at_most))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        let removal = |(position, class, uid, name): (_, _, _, Option<String>)| Removal {
            position,
            class,
            uid,
            name: name.unwrap_or_default(),
        };
        Ok(rows.into_iter().map(removal).collect())
    }
}

/// Queues the task that writes the tables of a published import as files, if it says so.
async fn order_writing(at: &mut SqliteConnection, import: Task, now: i64) -> Result<Task> {
    let Some(output) = import.output.clone() else { return Ok(import) };
    let new = NewTask {
        kind: TaskKind::WriteTables,
        mode: import.mode,
        output: Some(output),
        connection: import.connection,
        schedule: None,
        requested_by: import.requested_by,
        request_id: import.request_id,
    };
    let id = insert_task(at, &new, now).await?;
    sqlx::query("UPDATE task SET written_by = $2 WHERE id = $1")
        .bind(import.id.to_string())
        .bind(id.to_string())
        .execute(&mut *at)
        .await
        .map_err(fault)?;
    read_task(at, import.id).await
}
