//! Sweeping: removing rows that nobody can see any more, in short transactions, whenever there is time.
//!
//! A superseded run loses its links and the objects that its changes do not speak of; a discarded one loses everything
//! but what it set aside. What was left when the host stopped, or was being read, is found again by the next sweep.

use super::Store;
use super::fault::fault;
use super::idempotency::expired_before;
use super::numbers::{CHUNK, stored};
use crate::model::Result;

/// Deletes one chunk of what a run has in a table, found by the table's key alone: a chunk costs the same however much
/// there is. The second statement of a pair deletes the rest, once there is less than a chunk.
pub(super) const OBJECTS: [&str; 2] = [
    "DELETE FROM object_row WHERE run = $1 AND part = $2 AND uid <=
        (SELECT uid FROM object_row WHERE run = $1 AND part = $2 ORDER BY uid LIMIT 1 OFFSET $3)",
    "DELETE FROM object_row WHERE run = $1 AND part = $2",
];
pub(super) const LINKS: [&str; 2] = [
    "DELETE FROM link_row WHERE run = $1 AND part = $2 AND (owner, target, target_class) <=
        (SELECT owner, target, target_class FROM link_row WHERE run = $1 AND part = $2
         ORDER BY owner, target, target_class LIMIT 1 OFFSET $3)",
    "DELETE FROM link_row WHERE run = $1 AND part = $2",
];
const NAMES: [&str; 2] = [
    "DELETE FROM object_name WHERE run = $1 AND part >= $2 AND (name, part, uid) <=
        (SELECT name, part, uid FROM object_name WHERE run = $1 ORDER BY name, part, uid LIMIT 1 OFFSET $3)",
    "DELETE FROM object_name WHERE run = $1 AND part >= $2",
];
const CHANGES: [&str; 2] = [
    "DELETE FROM change WHERE run = $1 AND seq >= $2 AND seq <=
        (SELECT seq FROM change WHERE run = $1 ORDER BY seq LIMIT 1 OFFSET $3)",
    "DELETE FROM change WHERE run = $1 AND seq >= $2",
];
const SET_ASIDE: [&str; 2] = [
    "DELETE FROM set_aside WHERE run = $1 AND seq >= $2 AND seq <=
        (SELECT seq FROM set_aside WHERE run = $1 ORDER BY seq LIMIT 1 OFFSET $3)",
    "DELETE FROM set_aside WHERE run = $1 AND seq >= $2",
];
const EDITS: [&str; 2] = [
    "DELETE FROM link_edit WHERE run = $1 AND seq >= $2 AND seq <=
        (SELECT seq FROM link_edit WHERE run = $1 ORDER BY seq LIMIT 1 OFFSET $3)",
    "DELETE FROM link_edit WHERE run = $1 AND seq >= $2",
];
const FORMER_NAMES: [&str; 2] = [
    "DELETE FROM former_name WHERE run = $1 AND part >= $2 AND (name, part, uid) <=
        (SELECT name, part, uid FROM former_name WHERE run = $1 ORDER BY name, part, uid LIMIT 1 OFFSET $3)",
    "DELETE FROM former_name WHERE run = $1 AND part >= $2",
];
const REREADS: [&str; 2] = [
    "DELETE FROM reread WHERE run = $1 AND part >= $2 AND (part, owner) <=
        (SELECT part, owner FROM reread WHERE run = $1 ORDER BY part, owner LIMIT 1 OFFSET $3)",
    "DELETE FROM reread WHERE run = $1 AND part >= $2",
];
/// For the tables that are not swept part by part.
const ALL: i64 = 0;

impl Store {
    /// Removes what publishing, discarding, deleting and the passing of time have left, and answers how many rows that
    /// were. To be called after each of them and once at start; never concurrently with itself.
    pub async fn sweep(&self) -> Result<u64> {
        let mut removed = self.sweep_idempotency().await?;
        for run in self.runs_in("discarded").await? {
            self.pins.revoke(run);
            for part in self.parts_of(run).await? {
                removed += self.purge(&OBJECTS, run, part).await? + self.purge(&LINKS, run, part).await?;
            }
            removed += self.purge(&NAMES, run, ALL).await? + self.purge(&CHANGES, run, ALL).await?;
            removed += self.purge(&EDITS, run, ALL).await? + self.purge(&REREADS, run, ALL).await?;
            removed += self.purge(&FORMER_NAMES, run, ALL).await?;
            self.close_run(run, "dropped").await?;
        }
        for run in self.runs_in("superseded").await? {
            if !self.pins.release(run, self.now()) {
                continue;
            }
            removed += self.sweep_superseded(run).await?;
            self.close_run(run, "archived").await?;
        }
        removed += self.sweep_set_aside().await?;
        Ok(removed + self.sweep_connections().await?)
    }

    /// Empties the table of names of one run.
    pub(super) async fn purge_names(&self, run: i64) -> Result<()> {
        self.purge(&NAMES, run, ALL).await.map(|_| ())
    }

    /// Empties the table of former names of one run.
    pub(super) async fn purge_former_names(&self, run: i64) -> Result<()> {
        self.purge(&FORMER_NAMES, run, ALL).await.map(|_| ())
    }

    /// Takes back the changes of a run that is not published.
    pub(super) async fn purge_changes(&self, run: i64) -> Result<()> {
        self.purge(&CHANGES, run, ALL).await.map(|_| ())
    }

    /// The last uid of the next chunk of objects of a run, after `after`; none if there are no more.
    pub(super) async fn chunk_end(&self, run: i64, part: i64, after: &str) -> Result<Option<String>> {
        sqlx::query_scalar(
            "SELECT MAX(uid) FROM (SELECT uid FROM object_row WHERE run = $1 AND part = $2 AND uid > $3
             ORDER BY uid LIMIT $4) AS chunk",
        )
        .bind(run)
        .bind(part)
        .bind(after)
        .bind(stored(CHUNK))
        .fetch_one(self.database.reader())
        .await
        .map_err(fault)
    }

    async fn runs_in(&self, state: &str) -> Result<Vec<i64>> {
        sqlx::query_scalar("SELECT number FROM run WHERE state = $1 ORDER BY number")
            .bind(state)
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)
    }

    async fn close_run(&self, run: i64, state: &str) -> Result<()> {
        let mut tx = self.database.write().await?;
        sqlx::query("UPDATE run SET state = $2 WHERE number = $1")
            .bind(run)
            .bind(state)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    async fn parts_of(&self, run: i64) -> Result<Vec<i64>> {
        sqlx::query_scalar("SELECT part FROM run_part WHERE run = $1")
            .bind(run)
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)
    }

    /// Empties what a run has in a table, chunk by chunk.
    pub(super) async fn purge(&self, [chunk, rest]: &[&'static str; 2], run: i64, part: i64) -> Result<u64> {
        let mut removed = 0;
        loop {
            let mut tx = self.database.write().await?;
            let query = sqlx::query(*chunk).bind(run).bind(part).bind(stored(CHUNK));
            let done = query.execute(&mut *tx).await.map_err(fault)?.rows_affected();
            if done == 0 {
                let query = sqlx::query(*rest).bind(run).bind(part);
                removed += query.execute(&mut *tx).await.map_err(fault)?.rows_affected();
            }
            tx.commit().await.map_err(fault)?;
            removed += done;
            if done == 0 {
                return Ok(removed);
            }
        }
    }

    async fn sweep_superseded(&self, run: i64) -> Result<u64> {
        let mut removed = self.purge(&NAMES, run, ALL).await?;
        for part in self.parts_of(run).await? {
            removed += self.purge(&LINKS, run, part).await? + self.sweep_objects(run, part).await?;
        }
        Ok(removed)
    }

    async fn sweep_objects(&self, run: i64, part: i64) -> Result<u64> {
        let (mut removed, mut after) = (0, String::new());
        while let Some(last) = self.chunk_end(run, part, &after).await? {
            let mut tx = self.database.write().await?;
            let done = sqlx::query(
                "DELETE FROM object_row WHERE run = $1 AND part = $2 AND uid > $3 AND uid <= $4 AND NOT EXISTS
                    (SELECT 1 FROM change c WHERE c.run = $1 AND c.part = $2 AND c.subject = object_row.uid)",
            )
            .bind(run)
            .bind(part)
            .bind(&after)
            .bind(&last)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
            tx.commit().await.map_err(fault)?;
            removed += done.rows_affected();
            after = last;
        }
        Ok(removed)
    }

    /// What a run set aside is kept until a later run of its connection is published.
    async fn sweep_set_aside(&self) -> Result<u64> {
        let runs: Vec<i64> = sqlx::query_scalar(
            "SELECT r.number FROM run r JOIN connection c ON c.number = r.connection
             WHERE r.rejected > 0 AND r.state <> 'superseded' AND (c.folded IS NULL OR r.number < c.published_run)",
        )
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        let mut removed = 0;
        for run in runs {
            removed += self.purge(&SET_ASIDE, run, ALL).await?;
            let mut tx = self.database.write().await?;
            let noted = sqlx::query("UPDATE run SET rejected = 0 WHERE number = $1").bind(run);
            noted.execute(&mut *tx).await.map_err(fault)?;
            tx.commit().await.map_err(fault)?;
        }
        Ok(removed)
    }

    /// What is left of deleted connections once their runs are swept.
    async fn sweep_connections(&self) -> Result<u64> {
        let deleted: Vec<i64> = sqlx::query_scalar("SELECT number FROM connection WHERE folded IS NULL")
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        let mut removed = 0;
        for connection in deleted {
            let mut tx = self.database.write().await?;
            for statement in [
                "DELETE FROM run_part WHERE run IN (SELECT number FROM run WHERE connection = $1)",
                "DELETE FROM run WHERE connection = $1",
                "DELETE FROM part WHERE connection = $1",
                "DELETE FROM task_order WHERE task IN (SELECT id FROM task WHERE connection = $1)",
                "DELETE FROM task WHERE connection = $1",
                "DELETE FROM written WHERE connection = $1",
                "DELETE FROM connection_permission WHERE connection = $1",
                "DELETE FROM connection_schema WHERE connection = $1",
                "DELETE FROM schema_snapshot WHERE connection = $1",
                "DELETE FROM connection WHERE number = $1",
            ] {
                let done = sqlx::query(statement).bind(connection).execute(&mut *tx).await.map_err(fault)?;
                removed += done.rows_affected();
            }
            tx.commit().await.map_err(fault)?;
        }
        Ok(removed)
    }

    async fn sweep_idempotency(&self) -> Result<u64> {
        let mut tx = self.database.write().await?;
        let done = sqlx::query("DELETE FROM idempotency WHERE created <= $1")
            .bind(expired_before(self.now()))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(done.rows_affected())
    }
}
