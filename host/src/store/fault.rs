//! What the database's errors mean to a caller: come back later, or the host is at fault.

use sqlx::Error as Sqlx;

use crate::model::{Error, ErrorKind};

/// A database error in the house's words. Nothing was changed: the transaction it came from is rolled back.
#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn fault(why: Sqlx) -> Error {
    let error = match &why {
        Sqlx::PoolTimedOut => unavailable("the store is busy; try again"),
        Sqlx::PoolClosed => unavailable("the host is stopping"),
        Sqlx::Io(_) => unavailable("the store's file cannot be reached; the operator finds the reason in the log"),
        Sqlx::Database(inner) => by_code(inner.code().and_then(|code| code.parse::<i32>().ok())),
        _ => return Error::internal(why.to_string()),
    };
    error.with_detail(why.to_string())
}

/// A stored text that is no longer what this host wrote.
pub(crate) fn unreadable(what: &str, why: &dyn std::fmt::Display) -> Error {
    Error::internal(format!("the store holds an unreadable {what}: {why}"))
}

/// SQLite's result codes; the low byte is the primary one.
fn by_code(code: Option<i32>) -> Error {
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => unavailable("the store is locked by another process; try again"),
        Some(8) => unavailable("the store's file is read-only; the operator must make it writable"),
        Some(10) => unavailable("the store's disk failed; nothing was changed"),
        Some(13) => unavailable("the store's disk is full; nothing was changed, the operator must free space"),
        Some(14) => unavailable("the store's file cannot be opened; the operator must check its path and rights"),
        _ => Error::internal("the database refused a statement"),
    }
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}
