//! Systems: the target applications under management.

use sqlx::SqliteConnection;

use super::Store;
use super::fault::fault;
use super::numbers::{instant, limit, parsed};
use crate::model::{Error, ErrorKind, FailureKind, Result, Stored, System, SystemId};

type Columns = (String, String, i64, i64, i64);

impl Store {
    /// Stores a new system. `conflict` if its id is taken, without regard to case.
    pub async fn create_system(&self, system: &System) -> Result<Stored<System>> {
        let now = self.now();
        let mut tx = self.database.write().await?;
        insert(&mut tx, now, system).await?;
        tx.commit().await.map_err(fault)?;
        Ok(Stored { value: system.clone(), revision: 1, created: instant(now)?, changed: instant(now)? })
    }

    /// The system of that id, found without regard to case. `not-found` if there is none.
    pub async fn system(&self, id: &SystemId) -> Result<Stored<System>> {
        let found: Option<Columns> =
            sqlx::query_as("SELECT id, title, revision, created, changed FROM managed_system WHERE folded = $1")
                .bind(id.folded())
                .fetch_optional(self.database.reader())
                .await
                .map_err(fault)?;
        system(found.ok_or_else(|| missing(id))?)
    }

    /// Systems after `after`, ordered by id without regard to case.
    pub async fn systems(&self, after: Option<&SystemId>, at_most: u32) -> Result<Vec<Stored<System>>> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, title, revision, created, changed FROM managed_system WHERE folded > $1
             ORDER BY folded LIMIT $2",
        )
        .bind(after.map(SystemId::folded).unwrap_or_default())
        .bind(limit(at_most))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        rows.into_iter().map(system).collect()
    }

    /// Replaces what the system of that id says. `stale` if `if_match` is no longer its revision.
    pub async fn replace_system(&self, system: &System, if_match: Option<i64>) -> Result<Stored<System>> {
        let mut tx = self.database.write().await?;
        update(&mut tx, self.now(), system, if_match).await?;
        tx.commit().await.map_err(fault)?;
        self.system(&system.id).await
    }

    /// Deletes the system. `conflict` while connections use it, `stale` if `if_match` is no longer its revision.
    pub async fn delete_system(&self, id: &SystemId, if_match: Option<i64>) -> Result<()> {
        let mut tx = self.database.write().await?;
        remove(&mut tx, id, if_match).await?;
        tx.commit().await.map_err(fault)
    }
}

/// Adds a system, inside a transaction.
pub(super) async fn insert(at: &mut SqliteConnection, now: i64, system: &System) -> Result<()> {
    let done = sqlx::query(
        "INSERT INTO managed_system (folded, id, title, revision, created, changed) VALUES ($1, $2, $3, 1, $4, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(system.id.folded())
    .bind(system.id.as_str())
    .bind(&system.title)
    .bind(now)
    .execute(&mut *at)
    .await
    .map_err(fault)?;
    if done.rows_affected() == 0 {
        return Err(Error::failure(FailureKind::Conflict, format!("the system {} exists already", system.id)));
    }
    Ok(())
}

/// Replaces what a system says, inside a transaction.
pub(super) async fn update(at: &mut SqliteConnection, now: i64, system: &System, if_match: Option<i64>) -> Result<()> {
    check_revision("system", system.id.as_str(), revision(at, &system.id).await?, if_match)?;
    sqlx::query("UPDATE managed_system SET title = $2, revision = revision + 1, changed = $3 WHERE folded = $1")
        .bind(system.id.folded())
        .bind(&system.title)
        .bind(now)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Deletes a system, inside a transaction.
pub(super) async fn remove(at: &mut SqliteConnection, id: &SystemId, if_match: Option<i64>) -> Result<()> {
    check_revision("system", id.as_str(), revision(at, id).await?, if_match)?;
    let user: Option<String> =
        sqlx::query_scalar("SELECT MIN(id) FROM connection WHERE managed_system = $1 AND folded IS NOT NULL")
            .bind(id.folded())
            .fetch_one(&mut *at)
            .await
            .map_err(fault)?;
    if let Some(user) = user {
        let message = format!("the connection {user} uses the system {id}; delete or move its connections first");
        return Err(Error::failure(FailureKind::Conflict, message));
    }
    sqlx::query("DELETE FROM managed_system WHERE folded = $1")
        .bind(id.folded())
        .execute(&mut *at)
        .await
        .map_err(fault)?;
    Ok(())
}

async fn revision(at: &mut SqliteConnection, id: &SystemId) -> Result<i64> {
    let revision: Option<i64> = sqlx::query_scalar("SELECT revision FROM managed_system WHERE folded = $1")
        .bind(id.folded())
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    revision.ok_or_else(|| missing(id))
}

/// `stale` unless the revision is the one the caller saw, or he does not care.
pub(super) fn check_revision(what: &str, id: &str, revision: i64, if_match: Option<i64>) -> Result<()> {
    match if_match {
        Some(seen) if seen != revision => Err(stale(what, id, revision)),
        _ => Ok(()),
    }
}

fn stale(what: &str, id: &str, revision: i64) -> Error {
    let message = format!("the {what} {id} was changed meanwhile and is at revision {revision}; read it again");
    Error::new(ErrorKind::Stale, message)
}

fn missing(id: &SystemId) -> Error {
    Error::not_found(format!("there is no system {id}"))
}

fn system((id, title, revision, created, changed): Columns) -> Result<Stored<System>> {
    let value = System { id: parsed("system identifier", &id)?, title };
    Ok(Stored { value, revision, created: instant(created)?, changed: instant(changed)? })
}
