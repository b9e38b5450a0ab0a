//! What operators approved for connections.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::Store;
use super::connections::identify;
use super::fault::fault;
use super::numbers::{instant, parsed};
use crate::model::{ConnectionId, Permission, Permissions, Result};

/// A permission that was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub permission: Permission,
    pub at: Timestamp,
    /// The token's name.
    pub by: String,
}

impl Store {
    /// What is approved for a connection, in order. Nothing, if there is no such connection.
    pub async fn approvals(&self, id: &ConnectionId) -> Result<Vec<Approval>> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT p.permission, p.approved, p.approved_by FROM connection_permission p
             JOIN connection c ON c.number = p.connection WHERE c.folded = $1",
        )
        .bind(id.folded())
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        let approval = |(text, at, by): (String, i64, String)| {
            Ok(Approval { permission: parsed("permission", &text)?, at: instant(at)?, by })
        };
        let mut approvals = rows.into_iter().map(approval).collect::<Result<Vec<_>>>()?;
        approvals.sort_by(|a, b| a.permission.cmp(&b.permission));
        Ok(approvals)
    }

    /// Approves and withdraws in one step; what was approved before keeps its date. `not-found` if there is no such
    /// connection.
    pub async fn approve(
        &self,
        id: &ConnectionId,
        approve: &Permissions,
        withdraw: &Permissions,
        by: &str,
    ) -> Result<()> {
        let mut tx = self.database.write().await?;
        change(&mut tx, self.now(), id, approve, withdraw, by).await?;
        tx.commit().await.map_err(fault)
    }
}

/// Approves and withdraws, inside a transaction.
pub(super) async fn change(
    at: &mut SqliteConnection,
    now: i64,
    id: &ConnectionId,
    approve: &Permissions,
    withdraw: &Permissions,
    by: &str,
) -> Result<()> {
    let (number, _) = identify(&mut *at, id).await?;
    for permission in withdraw {
        sqlx::query("DELETE FROM connection_permission WHERE connection = $1 AND permission = $2")
            .bind(number)
            .bind(permission.to_string())
            .execute(&mut *at)
            .await
            .map_err(fault)?;
    }
    for permission in approve {
        sqlx::query(
            "INSERT INTO connection_permission (connection, permission, approved, approved_by)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(number)
        .bind(permission.to_string())
        .bind(now)
        .bind(by)
        .execute(&mut *at)
        .await
        .map_err(fault)?;
    }
    Ok(())
}
