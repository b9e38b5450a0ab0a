//! Mappings: their definitions, and whether they were held against what exists.

use sqlx::SqliteConnection;

use super::Store;
use super::fault::fault;
use super::mapping_warnings::forget;
use super::numbers::{from_json, instant, json, limit};
use super::systems::check_revision;
use crate::model::{Error, FailureKind, KeptMapping, Mapping, MappingId, Result, Stored};

type Columns = (String, bool, i64, i64, i64);

impl Store {
    /// Stores a new mapping. `conflict` if its id is taken, without regard to case.
    pub async fn create_mapping(&self, mapping: &KeptMapping) -> Result<Stored<KeptMapping>> {
        let now = self.now();
        let mut tx = self.database.write().await?;
        insert(&mut tx, now, mapping).await?;
        tx.commit().await.map_err(fault)?;
        Ok(Stored { value: mapping.clone(), revision: 1, created: instant(now)?, changed: instant(now)? })
    }

    /// The mapping of that id, found without regard to case. `not-found` if there is none.
    pub async fn mapping(&self, id: &MappingId) -> Result<Stored<KeptMapping>> {
        let found: Option<Columns> = sqlx::query_as(
            "SELECT definition_json, verified, revision, created, changed FROM mapping WHERE folded = $1",
        )
        .bind(id.folded())
        .fetch_optional(self.database.reader())
        .await
        .map_err(fault)?;
        mapping(found.ok_or_else(|| missing(id))?)
    }

    /// Mappings after `after`, ordered by id without regard to case.
    pub async fn mappings(&self, after: Option<&MappingId>, at_most: u32) -> Result<Vec<Stored<KeptMapping>>> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT definition_json, verified, revision, created, changed FROM mapping WHERE folded > $1
             ORDER BY folded LIMIT $2",
        )
        .bind(after.map(MappingId::folded).unwrap_or_default())
        .bind(limit(at_most))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        rows.into_iter().map(mapping).collect()
    }

    /// Replaces the mapping of that id. `stale` if `if_match` is no longer its revision; `invalid-request` if the kind is
    /// another, or the property that is an entity's key: who reads its entities would find something else.
    pub async fn replace_mapping(&self, new: &KeptMapping, if_match: Option<i64>) -> Result<Stored<KeptMapping>> {
        let mut tx = self.database.write().await?;
        update(&mut tx, self.now(), new, if_match).await?;
        tx.commit().await.map_err(fault)?;
        self.mapping(new.definition.id()).await
    }

    /// Notes that all a mapping names is there, if it is still what was looked at.
    pub async fn verify_mapping(&self, seen: &Stored<KeptMapping>) -> Result<()> {
        let mut tx = self.database.write().await?;
        sqlx::query("UPDATE mapping SET verified = TRUE WHERE folded = $1 AND revision = $2")
            .bind(seen.value.definition.id().folded())
            .bind(seen.revision)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    /// Deletes the mapping. `stale` if `if_match` is no longer its revision.
    pub async fn delete_mapping(&self, id: &MappingId, if_match: Option<i64>) -> Result<()> {
        let mut tx = self.database.write().await?;
        remove(&mut tx, id, if_match).await?;
        tx.commit().await.map_err(fault)
    }
}

/// Adds a mapping, inside a transaction.
pub(super) async fn insert(at: &mut SqliteConnection, now: i64, mapping: &KeptMapping) -> Result<()> {
    let id = mapping.definition.id();
    let done = sqlx::query(
        "INSERT INTO mapping (folded, id, kind, definition_json, verified, revision, created, changed)
         VALUES ($1, $2, $3, $4, $5, 1, $6, $6) ON CONFLICT DO NOTHING",
    )
    .bind(id.folded())
    .bind(id.as_str())
    .bind(mapping.definition.kind())
    .bind(json(&mapping.definition)?)
    .bind(mapping.verified)
    .bind(now)
    .execute(at)
    .await
    .map_err(fault)?;
    if done.rows_affected() == 0 {
        return Err(Error::failure(FailureKind::Conflict, format!("the mapping {id} exists already")));
    }
    Ok(())
}

/// Replaces a mapping, inside a transaction.
pub(super) async fn update(
    at: &mut SqliteConnection,
    now: i64,
    new: &KeptMapping,
    if_match: Option<i64>,
) -> Result<()> {
    let id = new.definition.id();
    let found: Option<(String, i64)> =
        sqlx::query_as("SELECT definition_json, revision FROM mapping WHERE folded = $1")
            .bind(id.folded())
            .fetch_optional(&mut *at)
            .await
            .map_err(fault)?;
    let (before, revision) = found.ok_or_else(|| missing(id))?;
    check_revision("mapping", id.as_str(), revision, if_match)?;
    check_kept(&from_json("mapping", &before)?, &new.definition)?;
    sqlx::query(
        "UPDATE mapping SET definition_json = $2, verified = $3, revision = revision + 1, changed = $4
         WHERE folded = $1",
    )
    .bind(id.folded())
    .bind(json(&new.definition)?)
    .bind(new.verified)
    .bind(now)
    .execute(at)
    .await
    .map_err(fault)?;
    Ok(())
}

/// Deletes a mapping, inside a transaction.
pub(super) async fn remove(at: &mut SqliteConnection, id: &MappingId, if_match: Option<i64>) -> Result<()> {
    let revision: Option<i64> = sqlx::query_scalar("SELECT revision FROM mapping WHERE folded = $1")
        .bind(id.folded())
        .fetch_optional(&mut *at)
        .await
        .map_err(fault)?;
    check_revision("mapping", id.as_str(), revision.ok_or_else(|| missing(id))?, if_match)?;
    sqlx::query("DELETE FROM mapping WHERE folded = $1").bind(id.folded()).execute(&mut *at).await.map_err(fault)?;
    forget(at, id).await
}

/// What never changes in a mapping's life.
fn check_kept(before: &Mapping, new: &Mapping) -> Result<()> {
    let id = new.id();
    if before.kind() != new.kind() {
        let message = format!("the mapping {id} is of the kind {}, and stays so; remove it first", before.kind());
        return Err(Error::invalid(message).blaming("kind"));
    }
    match (before, new) {
        (Mapping::Entity(before), Mapping::Entity(new)) if before.key != new.key => {
            let message = format!("the key of the mapping {id} is {}, and stays so; remove it first", before.key);
            Err(Error::invalid(message).blaming("key"))
        }
        _ => Ok(()),
    }
}

fn missing(id: &MappingId) -> Error {
    Error::not_found(format!("there is no mapping {id}"))
}

fn mapping((definition, verified, revision, created, changed): Columns) -> Result<Stored<KeptMapping>> {
    let definition: Mapping = from_json("mapping", &definition)?;
    let value = KeptMapping { definition, verified };
    Ok(Stored { value, revision, created: instant(created)?, changed: instant(changed)? })
}
