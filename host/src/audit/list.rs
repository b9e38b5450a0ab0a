//! Reading the trail: each begin row with its outcome.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use sqlx::{FromRow, Row as _, sqlite::SqliteRow};

use super::entry::{Detail, Outcome};
use super::{Audit, AuditId, fault};
use crate::model::{ConnectionId, Error, Result};

/// The most records one call hands out, whatever was asked for: a page of the API and the one that tells of a next.
const LIMIT_MAX: u32 = 1001;

/// Which records to list; `None` lists all.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub connection: Option<ConnectionId>,
    /// A token's name.
    pub who: Option<String>,
    /// As in [`super::Entry::action`].
    pub action: Option<String>,
    pub request_id: Option<String>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    pub id: AuditId,
    pub at: Timestamp,
    pub who: String,
    /// The role's spelling.
    pub role: String,
    pub request_id: String,
    pub action: String,
    pub connection: Option<ConnectionId>,
    pub class: Option<String>,
    pub uid: Option<String>,
    pub name: Option<String>,
    pub attributes: Vec<String>,
    pub parameters: BTreeMap<String, Json>,
    /// None while the operation is under way.
    pub outcome: Option<RecordedOutcome>,
}

/// What came of it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedOutcome {
    pub at: Timestamp,
    pub outcome: Outcome,
}

impl Audit {
    /// Operations in the order they began, after `after`.
    pub async fn list(&self, filter: &AuditFilter, after: Option<AuditId>, at_most: u32) -> Result<Vec<AuditRecord>> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT b.seq, b.at, b.who, b.role, b.request, b.action, b.detail, o.at AS outcome_at,
                o.detail AS outcome
             FROM entry b LEFT JOIN entry o ON o.begun = b.seq AND o.begun > 0
             WHERE b.begun = 0 AND b.seq > $1 AND b.connection = COALESCE($2, b.connection)
                AND b.who = COALESCE($3, b.who) AND b.action = COALESCE($4, b.action)
                AND b.request = COALESCE($5, b.request)
             ORDER BY b.seq LIMIT $6",
        )
        .bind(after.map_or(0, |id| id.0))
        .bind(filter.connection.as_ref().map(ConnectionId::folded))
        .bind(filter.who.as_deref())
        .bind(filter.action.as_deref())
        .bind(filter.request_id.as_deref())
        .bind(i64::from(at_most.min(LIMIT_MAX)))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        rows.into_iter().map(record).collect()
    }
}

struct Columns {
    seq: i64,
    at: i64,
    who: String,
    role: String,
    request: String,
    action: String,
    detail: String,
    outcome: Option<(i64, String)>,
}

impl FromRow<'_, SqliteRow> for Columns {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let outcome_at: Option<i64> = row.try_get("outcome_at")?;
        Ok(Self {
            seq: row.try_get("seq")?,
            at: row.try_get("at")?,
            who: row.try_get("who")?,
            role: row.try_get("role")?,
            request: row.try_get("request")?,
            action: row.try_get("action")?,
            detail: row.try_get("detail")?,
            outcome: outcome_at.zip(row.try_get("outcome")?),
        })
    }
}

fn record(row: Columns) -> Result<AuditRecord> {
    let detail: Detail = read(&row.detail)?;
    let outcome = match row.outcome {
        Some((at, outcome)) => Some(RecordedOutcome { at: instant(at)?, outcome: read(&outcome)? }),
        None => None,
    };
    Ok(AuditRecord {
        id: AuditId(row.seq),
        at: instant(row.at)?,
        who: row.who,
        role: row.role,
        request_id: row.request,
        action: row.action,
        connection: detail.connection,
        class: detail.class,
        uid: detail.uid,
        name: detail.name,
        attributes: detail.attributes,
        parameters: detail.parameters,
        outcome,
    })
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|why| Error::internal(format!("the audit trail holds unreadable JSON: {why}")))
}

fn instant(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|why| Error::internal(format!("the audit trail holds no time: {why}")))
}
