//! What the database's errors mean to a caller: come back later, or the host is at fault.

use sqlx::Error as Sqlx;

use crate::model::{Error, ErrorKind};

/// What an error calls the store, so that its reader knows which file is meant.
pub(super) const STORE: &str = "the store (hawser.db)";

/// SQLite's `SQLITE_IOERR_SHMSIZE`: the index of the write-ahead log could not grow.
const SHARED_MEMORY_SIZE: i32 = 4874;

/// An error of the store in the house's words. Nothing was changed: the transaction it came from is rolled back.
pub(crate) fn fault(why: Sqlx) -> Error {
    fault_of(STORE, why)
}

/// The same of any database file: `what` names it to a reader.
#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn fault_of(what: &str, why: Sqlx) -> Error {
    let error = match &why {
        Sqlx::PoolTimedOut => unavailable(what, "is busy; try again"),
        Sqlx::PoolClosed => Error::new(ErrorKind::Unavailable, "the host is stopping"),
        Sqlx::Io(_) => unavailable(what, "cannot be reached; the operator finds the reason in the log"),
        Sqlx::Database(inner) => by_code(what, inner.code().and_then(|code| code.parse::<i32>().ok())),
        _ => return Error::internal(why.to_string()),
    };
    error.with_detail(why.to_string())
}

/// A stored text that is no longer what this host wrote.
pub(crate) fn unreadable(what: &str, why: &dyn std::fmt::Display) -> Error {
    Error::internal(format!("the store holds an unreadable {what}: {why}"))
}

/// SQLite's result codes; the low byte is the primary one.
fn by_code(what: &str, code: Option<i32>) -> Error {
    let state = match code {
        Some(SHARED_MEMORY_SIZE) => FULL,
        Some(code) => match code & 0xff {
            5 | 6 => "is locked by another process; nothing was changed, try again when that one has let go of it",
            8 => "is read-only; the operator must make its file and folder writable",
            10 => "could not be written or read, its disk failed; nothing was changed, the operator must look at it",
            13 => FULL,
            14 => "cannot be opened; the operator must check its path and rights, and that its disk has free space",
            _ => return Error::internal("the database refused a statement"),
        },
        None => return Error::internal("the database refused a statement"),
    };
    unavailable(what, state)
}

const FULL: &str = "is on a disk that is full; nothing was changed, the operator must free space there";

fn unavailable(what: &str, state: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{what} {state}"))
}
