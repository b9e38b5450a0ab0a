//! Between the tables' integers and the model's types.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::SqliteConnection;

use super::fault::{fault, unreadable};
use crate::model::{Error, Result};

/// The most rows one call hands out, whatever was asked for.
pub(super) const LIMIT_MAX: u32 = 10_000;

/// Microseconds as a time.
pub(super) fn instant(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|why| unreadable("time", &why))
}

/// Microseconds, where there are any, as a time.
pub(super) fn maybe_instant(micros: Option<i64>) -> Result<Option<Timestamp>> {
    micros.map(instant).transpose()
}

/// A number of rows; the tables hold none below zero.
pub(super) fn count(number: i64) -> u64 {
    number.unsigned_abs()
}

/// A number of rows as the tables hold it.
pub(super) fn stored(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of rows as the tables hold it.
pub(super) fn stored_u64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A page size as SQL takes it.
pub(super) fn limit(asked: u32) -> i64 {
    i64::from(asked.min(LIMIT_MAX))
}

/// JSON text of what the host made itself.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|why| Error::internal(why.to_string()))
}

/// Back from JSON text; `what` names it in the log.
pub(super) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|why| unreadable(what, &why))
}

/// The text of a typed id or enum back in its type; `what` names it in the log.
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<T> {
    text.parse().map_err(|why| unreadable(what, &why))
}

/// An enum that the tables hold in its serde spelling.
pub(super) fn word<T: DeserializeOwned>(what: &str, text: String) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(text)).map_err(|why| unreadable(what, &why))
}

/// The next number of that name; never the same twice.
pub(super) async fn next_number(at: &mut SqliteConnection, name: &'static str) -> Result<i64> {
    sqlx::query_scalar("UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value")
        .bind(name)
        .fetch_one(at)
        .await
        .map_err(fault)
}

/// Rows that one short transaction writes or removes; few in tests, so that these cross the borders of chunks.
pub(super) const CHUNK: usize = if cfg!(test) { 4 } else { 2048 };

/// A list of `rows` groups of placeholders, e.g. `?,?,?` or `(?,?),(?,?)`.
pub(super) fn list(group: &str, rows: usize) -> String {
    [group].repeat(rows).join(",")
}
