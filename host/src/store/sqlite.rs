//! Opening a SQLite file the way this house uses them: one connection that writes, a few that read.
//!
//! Writers queue for the one connection, so they never meet `SQLITE_BUSY` from each other; readers see the last commit
//! (WAL) and wait for nobody. SQLite's pragmas are here and nowhere else.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Error as Sqlx, SqlSafeStr as _, Sqlite, Transaction};

pub(crate) use super::fault::fault_of;
use crate::model::{Error, ErrorKind, Result};

/// How long a statement waits for another process's lock before the caller is told.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for its turn to write or read; a page's transaction takes milliseconds.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that read at the same time.
const READERS: u32 = 4;
/// Page cache of the writing connection, in KiB: holds the index of a million uids.
const WRITER_CACHE_KIB: u32 = 64 * 1024;
/// Page cache of each reading connection, in KiB.
const READER_CACHE_KIB: u32 = 16 * 1024;
/// Pages (of 4096 bytes) in the write-ahead log before they move to the database file: 32 MiB. Eight
/// times SQLite's default: pages of an index that fills in no order are then moved once for many changes.
const WAL_PAGES: u32 = 8192;
/// The same where each commit is synced: 4 MiB. A log that is written over again is synced faster than one that grows.
const WAL_PAGES_SYNCED: u32 = 1024;
/// Rows that a reading connection is ahead of its caller: fewer changes between their threads.
const ROW_BUFFER: usize = 1024;
/// Prepared statements kept by each connection.
const STATEMENTS: usize = 128;

/// What must survive a power cut. A killed process loses nothing either way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Durability {
    /// The file stays sound; the last commits before a power cut may be missing, as if they had not been answered.
    Sound,
    /// Every commit.
    Every,
}

/// An open file.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    what: &'static str,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens or creates the file and brings it up to date; `migrations` in order, as SQL text. `what` names it in errors.
    pub(crate) async fn open(
        what: &'static str,
        path: &Path,
        migrations: &[&'static str],
        durability: Durability,
        busy_timeout: Duration,
    ) -> Result<Self> {
        let fault = |why| fault_of(what, why);
        let options = options(path, durability, busy_timeout);
        let writing = options.clone().pragma("cache_size", format!("-{WRITER_CACHE_KIB}"));
        let writer = pool(1).connect_with(writing).await.map_err(fault)?;
        migrator(migrations).run(&writer).await.map_err(|why| fault(why.into()))?;
        let options = options.row_buffer_size(ROW_BUFFER);
        let reading = options.pragma("cache_size", format!("-{READER_CACHE_KIB}")).pragma("query_only", "ON");
        let readers = pool(READERS).connect_with(reading).await.map_err(fault)?;
        Ok(Self { what, writer, readers })
    }

    /// For reading: sees what was committed when each statement began.
    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.readers
    }

    /// The connection that writes, for one who keeps it: nobody else writes meanwhile.
    pub(crate) async fn writer(&self) -> Result<PoolConnection<Sqlite>> {
        self.writer.acquire().await.map_err(|why| self.fault(why))
    }

    /// Begins a transaction that writes; keep it short, others wait for it.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        let begun = match self.begin().await {
            // Where the disk is full, SQLite ends a transaction by itself, and sqlx goes on counting it: that
            // connection begins no other one.
            Err(Sqlx::InvalidSavePointStatement) => self.begin_anew().await,
            begun => begun,
        };
        begun.map_err(|why| self.fault(why))
    }

    async fn begin(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    async fn begin_anew(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.writer.acquire().await?.close().await?;
        self.begin().await
    }

    fn fault(&self, why: Sqlx) -> Error {
        fault_of(self.what, why)
    }

    /// Begins a transaction whose deletions overwrite what they delete.
    pub(crate) async fn write_erasing(&self) -> Result<Transaction<'static, Sqlite>> {
        let mut tx = self.write().await?;
        // A statement that is kept would not run again: SQLite does this while it prepares it.
        sqlx::raw_sql("PRAGMA secure_delete = ON").execute(&mut *tx).await.map_err(|why| self.fault(why))?;
        Ok(tx)
    }

    /// Commits what [`Self::write_erasing`] began, and if it `erased` anything, empties the write-ahead log as well,
    /// unless a reader still needs it.
    pub(crate) async fn commit_erasing(&self, mut tx: Transaction<'static, Sqlite>, erased: bool) -> Result<()> {
        sqlx::raw_sql("PRAGMA secure_delete = OFF").execute(&mut *tx).await.map_err(|why| self.fault(why))?;
        tx.commit().await.map_err(|why| self.fault(why))?;
        if !erased {
            return Ok(());
        }
        let emptied = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await;
        if let Err(error) = emptied {
            tracing::warn!(%error, "the write-ahead log was not emptied; the next change tries again");
        }
        Ok(())
    }

    /// Makes what was committed survive a power cut, too.
    ///
    /// # Errors
    /// `unavailable` while somebody reads what was there before.
    pub(crate) async fn settle(&self) -> Result<()> {
        let moved = sqlx::query_scalar::<_, i64>("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.writer).await;
        if moved.map_err(|why| self.fault(why))? == 0 {
            return Ok(());
        }
        let message =
            format!("{} is being read, and what was written is not safe on the disk yet; try again", self.what);
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    /// Waits for what is under way and closes the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(path: &Path, durability: Durability, busy_timeout: Duration) -> SqliteConnectOptions {
    let (synchronous, wal_pages) = match durability {
        Durability::Sound => (SqliteSynchronous::Normal, WAL_PAGES),
        Durability::Every => (SqliteSynchronous::Full, WAL_PAGES_SYNCED),
    };
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(busy_timeout)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS)
        .pragma("wal_autocheckpoint", wal_pages.to_string())
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).acquire_timeout(TURN_TIMEOUT).test_before_acquire(false)
}

fn migrator(migrations: &[&'static str]) -> Migrator {
    let numbered = (1..).zip(migrations).map(|(version, text)| {
        Migration::new(version, "forward".into(), MigrationType::Simple, text.into_sql_str(), false)
    });
    Migrator::with_migrations(numbered.collect())
}
