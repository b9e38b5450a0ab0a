//! Parts that have to be read again from their beginning: begun, not complete, and without a checkpoint to resume at.
//!
//! A connector that cannot resume (a directory's place in a paged search ends with its connection) starts a part anew
//! after a fault. What the broken attempt staged of it goes first, or every record would come twice.

use super::Store;
use super::fault::fault;
use super::sweep::{LINKS, OBJECTS};
use crate::model::Result;

impl Store {
    /// Empties the parts of a run that cannot be resumed. Killed in the middle, it is done again by the next attempt.
    pub(super) async fn restart_parts(&self, run: i64) -> Result<()> {
        let parts: Vec<i64> = sqlx::query_scalar(
            "SELECT part FROM run_part WHERE run = $1 AND NOT complete AND checkpoint IS NULL
                AND (held > 0 OR part IN (SELECT part FROM set_aside WHERE run = $1))",
        )
        .bind(run)
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        for part in parts {
            self.purge(&OBJECTS, run, part).await?;
            self.purge(&LINKS, run, part).await?;
            self.empty_part(run, part).await?;
        }
        Ok(())
    }

    async fn empty_part(&self, run: i64, part: i64) -> Result<()> {
        let mut tx = self.database.write().await?;
        for statement in [
            "DELETE FROM set_aside WHERE run = $1 AND part = $2",
            "UPDATE run SET rejected = (SELECT COUNT(*) FROM set_aside WHERE run = $1) WHERE number = $1 AND $2 = $2",
            "UPDATE run_part SET held = 0, unresolved = FALSE WHERE run = $1 AND part = $2",
        ] {
            sqlx::query(statement).bind(run).bind(part).execute(&mut *tx).await.map_err(fault)?;
        }
        tx.commit().await.map_err(fault)
    }
}
