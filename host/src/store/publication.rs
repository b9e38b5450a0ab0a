//! Which run a connection's readers see, and since when.

use jiff::Timestamp;

use super::Store;
use super::fault::{fault, unreadable};
use super::numbers::maybe_instant;
use crate::model::{ConnectionId, Result, TaskId};

/// The run published last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Never the same twice.
    pub run: i64,
    /// The import it belongs to.
    pub task: TaskId,
    pub at: Option<Timestamp>,
}

impl Store {
    /// What is published of a connection; none before the first publication.
    pub async fn publication(&self, connection: &ConnectionId) -> Result<Option<Publication>> {
        let found: Option<(i64, String, Option<i64>)> = sqlx::query_as(
            "SELECT r.number, r.task, t.finished FROM connection c
             JOIN run r ON r.number = c.published_run JOIN task t ON t.id = r.task WHERE c.folded = $1",
        )
        .bind(connection.folded())
        .fetch_optional(self.database.reader())
        .await
        .map_err(fault)?;
        let read = |(run, task, at): (i64, String, _)| {
            let task = task.parse().map_err(|why| unreadable("task id", &why))?;
            Ok(Publication { run, task, at: maybe_instant(at)? })
        };
        found.map(read).transpose()
    }
}
