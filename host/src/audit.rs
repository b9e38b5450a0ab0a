//! The audit trail: who did what to which target, and what came of it.
//!
//! An operation is two rows. The begin row is on the disk before the effect; if it cannot be written, there is none. An
//! operation that touches the world only through a gate may start meanwhile, and if it never gets there, both its rows
//! are one commit (decision 0012). The outcome row follows. Rows are only ever appended, each carries a hash of itself and
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
mod writer;

use std::path::Path;

use crate::clock::Clock;
use crate::model::{Error, Gate, Result};
use crate::store::sqlite::{BUSY_TIMEOUT, Database, Durability, fault_of};
use chain::Row;
use writer::{Number, Orders};

pub use chain::{Broken, Verified};
pub use entry::{Entry, Outcome, OutcomeStatus};
pub use list::{AuditFilter, AuditRecord, RecordedOutcome};

/// What an error calls the trail, so that its reader knows which file is meant.
const WHAT: &str = "the audit trail (audit.db)";
/// The folder's migrations, oldest first; forward only.
const MIGRATIONS: &[&str] =
    &[include_str!("../migrations/audit/0001_audit.sql"), include_str!("../migrations/audit/0002_lean.sql")];

/// The audit trail; clones share it.
#[derive(Clone, Debug)]
pub struct Audit {
    database: Database,
    orders: Orders,
    clock: Clock,
}

/// A begin row's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub i64);

/// An operation that has a begin row, or is about to get one; it has one outcome.
#[must_use = "what has begun has an outcome"]
#[derive(Clone, Debug)]
pub struct Begun {
    number: Number,
    orders: Orders,
    clock: Clock,
}

impl Audit {
    /// Opens or creates the trail in the file `path`. Begin rows without an outcome get one: `outcome-unknown`.
    pub async fn open(path: &Path, clock: Clock) -> Result<Self> {
        Self::open_waiting(path, clock, BUSY_TIMEOUT).await
    }

    async fn open_waiting(path: &Path, clock: Clock, busy_timeout: std::time::Duration) -> Result<Self> {
        let database = Database::open(WHAT, path, MIGRATIONS, Durability::Every, busy_timeout).await?;
        let orders = writer::start(database.writer().await?).await?;
        let audit = Self { database, orders, clock };
        audit.close_interrupted().await?;
        Ok(audit)
    }

    /// Writes the begin row of an operation. On an error the operation must not start.
    pub async fn begin(&self, entry: &Entry) -> Result<Begun> {
        let gate = Gate::default();
        let begun = self.announce(entry, &gate).await?;
        gate.pass().await?;
        Ok(begun)
    }

    /// Hands the begin row of an operation over, to be written when somebody wants to pass the gate, together with its
    /// outcome, or soon. The operation may start, and must not touch anything before it has passed the gate, which stays
    /// shut if the row cannot be written.
    pub async fn announce(&self, entry: &Entry, gate: &Gate) -> Result<Begun> {
        let row = Row {
            begun: 0,
            at: self.clock.now().as_microsecond(),
            who: entry.who.clone(),
            role: entry.role.as_str().to_owned(),
            request: entry.request_id.as_str().to_owned(),
            action: entry.action.clone(),
            connection: entry.connection.as_ref().map(|id| id.folded()).unwrap_or_default(),
            detail: entry::to_json(&entry.detail())?,
        };
        let number = Number::default();
        gate.hold(self.orders.begin(row, number.clone()).await?)?;
        Ok(Begun { number, orders: self.orders.clone(), clock: self.clock.clone() })
    }

    /// Walks the whole chain. Answers how far it goes, or the first row that is not as it was written.
    pub async fn verify(&self) -> Result<Verified> {
        chain::verify(self.database.reader()).await
    }

    /// Writes what was handed over and closes the file; later operations cannot begin.
    pub async fn close(&self) {
        self.orders.close().await;
        self.database.close().await;
    }

    async fn close_interrupted(&self) -> Result<()> {
        let open: Vec<i64> = sqlx::query_scalar(
            "SELECT b.seq FROM entry b LEFT JOIN entry o ON o.begun = b.seq AND o.begun > 0
             WHERE b.begun = 0 AND o.seq IS NULL ORDER BY b.seq",
        )
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        for seq in open {
            let begun = Begun { number: Number::of(seq), orders: self.orders.clone(), clock: self.clock.clone() };
            begun.finish(&Outcome::interrupted()).await?;
        }
        Ok(())
    }
}

impl Begun {
    /// What its begin row is listed under; none before that is written.
    pub fn id(&self) -> Option<AuditId> {
        Some(self.number.get()).filter(|seq| *seq > 0).map(AuditId)
    }

    /// Writes what came of it, once. What was `unavailable` can be tried again.
    ///
    /// # Errors
    /// `conflict` if its begin row could not be written, `unavailable` if this one cannot be written now.
    pub async fn finish(&self, outcome: &Outcome) -> Result<()> {
        let at = self.clock.now().as_microsecond();
        let row = Row { at, detail: entry::to_json(outcome)?, ..Row::default() };
        self.orders.finish(row, self.number.clone()).await
    }
}

/// An error of the trail's database.
fn fault(why: sqlx::Error) -> Error {
    fault_of(WHAT, why)
}
