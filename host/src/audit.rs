//! The audit trail: who did what to which target, and what came of it.
//!
//! An operation is two rows. The begin row is written, durably, before the effect; if it cannot be written the
//! operation must not start. The outcome row follows. Rows are only ever appended, each carries a hash of itself and
//! of the row before it, and a begin row that a stopped host left without an outcome gets one at the next start that
//! says so. Names of attributes are recorded, values never.
//!
//! The trail has a database file of its own, so that no import keeps an audit row waiting, and each commit reaches the
//! disk (`synchronous = FULL`): an effect whose begin row a power cut undid would be an effect without a trace.

mod chain;
mod entry;
mod list;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::clock::Clock;
use crate::model::{Error, FailureKind, Result};
use crate::store::sqlite::{BUSY_TIMEOUT, Database, Durability, fault_of};
use chain::Row;

pub use chain::{Broken, Verified};
pub use entry::{Entry, Outcome, OutcomeStatus};
pub use list::{AuditFilter, AuditRecord, RecordedOutcome};

/// What an error calls the trail, so that its reader knows which file is meant.
const WHAT: &str = "the audit trail (audit.db)";
/// The folder's migrations, oldest first; forward only.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/audit/0001_audit.sql")];

/// The audit trail; clones share it.
#[derive(Clone, Debug)]
pub struct Audit {
    database: Database,
    clock: Clock,
}

/// A begin row: what its outcome is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub i64);

impl Audit {
    /// Opens or creates the trail in the file `path`. Begin rows without an outcome get one: `outcome-unknown`.
    pub async fn open(path: &Path, clock: Clock) -> Result<Self> {
        Self::open_waiting(path, clock, BUSY_TIMEOUT).await
    }

    async fn open_waiting(path: &Path, clock: Clock, busy_timeout: std::time::Duration) -> Result<Self> {
        let database = Database::open(WHAT, path, MIGRATIONS, Durability::Every, busy_timeout).await?;
        let audit = Self { database, clock };
        audit.close_interrupted().await?;
        Ok(audit)
    }

    /// Writes the begin row of an operation. On an error the operation must not start.
    pub async fn begin(&self, entry: &Entry) -> Result<AuditId> {
        let row = Row {
            begun: 0,
            who: entry.who.clone(),
            role: entry.role.as_str().to_owned(),
            request: entry.request_id.as_str().to_owned(),
            action: entry.action.clone(),
            connection: entry.connection.as_ref().map(|id| id.folded()).unwrap_or_default(),
            detail: entry::to_json(&entry.detail())?,
        };
        self.append(&row).await.map(AuditId)
    }

    /// Writes what came of an operation. `conflict` if it has an outcome already or never began.
    pub async fn finish(&self, id: AuditId, outcome: &Outcome) -> Result<()> {
        let row = Row { begun: id.0, detail: entry::to_json(outcome)?, ..Row::default() };
        self.append(&row).await.map(|_| ())
    }

    /// Walks the whole chain. Answers how far it goes, or the first row that is not as it was written.
    pub async fn verify(&self) -> Result<Verified> {
        chain::verify(self.database.reader()).await
    }

    /// Waits for what is under way and closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }

    async fn append(&self, row: &Row) -> Result<i64> {
        let mut tx = self.database.write().await?;
        if row.begun > 0 && !chain::is_open(&mut tx, row.begun).await? {
            let message = format!("the audit entry {} has an outcome already or never began", row.begun);
            return Err(Error::failure(FailureKind::Conflict, message));
        }
        let seq = chain::append(&mut tx, self.clock.now().as_microsecond(), row).await?;
        tx.commit().await.map_err(fault)?;
        Ok(seq)
    }

    async fn close_interrupted(&self) -> Result<()> {
        let open: Vec<i64> = sqlx::query_scalar(
            "SELECT b.seq FROM entry b LEFT JOIN entry o ON o.begun = b.seq
             WHERE b.begun = 0 AND o.seq IS NULL ORDER BY b.seq",
        )
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        for id in open {
            self.finish(AuditId(id), &Outcome::interrupted()).await?;
        }
        Ok(())
    }
}

/// An error of the trail's database.
fn fault(why: sqlx::Error) -> Error {
    fault_of(WHAT, why)
}
