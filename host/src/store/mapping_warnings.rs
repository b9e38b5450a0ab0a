//! Warnings of mappings: what one named and is there no longer.
//!
//! A warning stays until it is acknowledged, also if what it is about comes back. One that is acknowledged is kept while
//! what it is about lasts, so that it is not raised again by each refresh.

use std::collections::HashMap;

use sqlx::SqliteConnection;

use super::Store;
use super::fault::fault;
use super::numbers::instant;
use crate::model::{MappingId, MappingWarning, Result};

impl Store {
    /// Notes what is wrong with a mapping now, as pairs of place and message. Answers what was not known yet.
    pub async fn note_mapping_flaws(
        &self,
        id: &MappingId,
        flaws: &[(String, String)],
    ) -> Result<Vec<(String, String)>> {
        let known: Vec<(String, String, bool)> =
            sqlx::query_as("SELECT at, message, acknowledged IS NOT NULL FROM mapping_warning WHERE mapping = $1")
                .bind(id.folded())
                .fetch_all(self.database.reader())
                .await
                .map_err(fault)?;
        let same = |known: &(String, String, bool), flaw: &(String, String)| known.0 == flaw.0 && known.1 == flaw.1;
        let over = known.iter().filter(|known| known.2 && !flaws.iter().any(|flaw| same(known, flaw)));
        let over: Vec<&(String, String, bool)> = over.collect();
        let new = flaws.iter().filter(|flaw| !known.iter().any(|known| same(known, flaw)));
        let new: Vec<(String, String)> = new.cloned().collect();
        // Each refresh asks, and mostly nothing has changed.
        if over.is_empty() && new.is_empty() {
            return Ok(new);
        }
        let mut tx = self.database.write().await?;
        for (at, message, _) in over {
            sqlx::query("DELETE FROM mapping_warning WHERE mapping = $1 AND at = $2 AND message = $3")
                .bind(id.folded())
                .bind(at)
                .bind(message)
                .execute(&mut *tx)
                .await
                .map_err(fault)?;
        }
        for (at, message) in &new {
            sqlx::query(
                "INSERT INTO mapping_warning (mapping, at, message, noticed) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
            )
            .bind(id.folded())
            .bind(at)
            .bind(message)
            .bind(self.now())
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        }
        tx.commit().await.map_err(fault)?;
        Ok(new)
    }

    /// The warnings that nobody has acknowledged of all mappings from one to another, oldest first, by the folded
    /// identifiers of those that have any.
    pub async fn mapping_warnings(
        &self,
        from: &MappingId,
        to: &MappingId,
    ) -> Result<HashMap<String, Vec<MappingWarning>>> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT mapping, at, message, noticed FROM mapping_warning
             WHERE mapping BETWEEN $1 AND $2 AND acknowledged IS NULL ORDER BY noticed, at, message",
        )
        .bind(from.folded())
        .bind(to.folded())
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        let mut warnings: HashMap<String, Vec<MappingWarning>> = HashMap::new();
        for (mapping, at, message, noticed) in rows {
            let warning = MappingWarning { at, message, noticed: instant(noticed)? };
            warnings.entry(mapping).or_default().push(warning);
        }
        Ok(warnings)
    }

    /// Acknowledges the warnings of a mapping. `not-found` if there is no such mapping.
    pub async fn acknowledge_mapping(&self, id: &MappingId) -> Result<()> {
        self.mapping(id).await?;
        let mut tx = self.database.write().await?;
        sqlx::query("UPDATE mapping_warning SET acknowledged = $2 WHERE mapping = $1 AND acknowledged IS NULL")
            .bind(id.folded())
            .bind(self.now())
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }
}

/// Forgets the warnings of a mapping that is gone, inside a transaction.
pub(super) async fn forget(at: &mut SqliteConnection, id: &MappingId) -> Result<()> {
    sqlx::query("DELETE FROM mapping_warning WHERE mapping = $1").bind(id.folded()).execute(at).await.map_err(fault)?;
    Ok(())
}
