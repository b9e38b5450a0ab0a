//! Carrying over: what a set-aside record may stand for is not taken for gone.
//!
//! Erring on the side of keeping: a key is held against uids and names, and against both ends of a link.

use super::Store;
use super::compare::{Pass, PassPart};
use super::fault::fault;
use super::links::{Ends, Link, adjust_held, insert_links};
use super::numbers::{CHUNK, list, stored, stored_u64};
use crate::model::Result;

impl Store {
    /// Copies published objects whose uid or name is a key of a record set aside, unless this run has them.
    pub(super) async fn carry_objects(&self, pass: &Pass) -> Result<()> {
        for part in self.parts_with_set_aside(pass, true).await? {
            let mut after = String::new();
            loop {
                let uids = self.objects_to_carry(pass, part, &after).await?;
                let Some(last) = uids.last() else { break };
                after.clone_from(last);
                self.copy_objects(pass, part, &uids).await?;
            }
        }
        Ok(())
    }

    /// Copies published links of which an end is such a key, unless this run has them. Published links are resolved:
    /// a key that is a name stands for the uids of that name, too.
    pub(super) async fn carry_links(&self, pass: &Pass) -> Result<()> {
        for part in self.parts_with_set_aside(pass, false).await? {
            let mut after = Ends::default();
            loop {
                let links = self.links_to_carry(pass, part, &after).await?;
                let Some((owner, target, class, _)) = links.last() else { break };
                after = (owner.clone(), target.clone(), class.clone());
                let mut tx = self.database.write().await?;
                let carried = insert_links(&mut tx, pass.run, part, &links).await?;
                adjust_held(&mut tx, pass.run, part, carried).await?;
                tx.commit().await.map_err(fault)?;
            }
        }
        Ok(())
    }

    async fn parts_with_set_aside(&self, pass: &Pass, objects: bool) -> Result<Vec<i64>> {
        let parts: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT part FROM set_aside WHERE run = $1")
            .bind(pass.run)
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        let wanted = |part: &&PassPart| part.is_objects() == objects && parts.contains(&part.number);
        Ok(pass.parts.iter().filter(wanted).map(|part| part.number).collect())
    }

    async fn objects_to_carry(&self, pass: &Pass, part: i64, after: &str) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT o.uid FROM object_row o
             WHERE o.run = $1 AND o.part = $2 AND o.uid > $3
                AND (o.uid IN (SELECT record FROM set_aside WHERE run = $4 AND part = $2)
                    OR o.name IN (SELECT record FROM set_aside WHERE run = $4 AND part = $2))
                AND NOT EXISTS (SELECT 1 FROM object_row n WHERE n.run = $4 AND n.part = o.part AND n.uid = o.uid)
             ORDER BY o.uid LIMIT $5",
        )
        .bind(pass.base)
        .bind(part)
        .bind(after)
        .bind(pass.run)
        .bind(stored(CHUNK))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)
    }

    async fn copy_objects(&self, pass: &Pass, part: i64, uids: &[String]) -> Result<()> {
        let sql = format!(
            "INSERT INTO object_row (run, part, uid, digest, name, revision, body)
             SELECT CAST(? AS BIGINT), part, uid, digest, name, revision, body FROM object_row
             WHERE run = ? AND part = ? AND uid IN ({}) ON CONFLICT DO NOTHING",
            list("?", uids.len())
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(false);
        let query = query.bind(pass.run).bind(pass.base).bind(part);
        let mut tx = self.database.write().await?;
        let query = uids.iter().fold(query, |query, uid| query.bind(uid));
        let carried = query.execute(&mut *tx).await.map_err(fault)?.rows_affected();
        adjust_held(&mut tx, pass.run, part, stored_u64(carried)).await?;
        tx.commit().await.map_err(fault)
    }

    async fn links_to_carry(&self, pass: &Pass, part: i64, after: &Ends) -> Result<Vec<Link>> {
        sqlx::query_as(
            "WITH record_key AS (
                SELECT record FROM set_aside WHERE run = $4 AND part = $2
                UNION
                SELECT o.uid FROM object_row o JOIN run_part r ON r.run = o.run AND r.part = o.part
                WHERE r.run = $1 AND o.name IN (SELECT record FROM set_aside WHERE run = $4 AND part = $2)
             )
             SELECT o.owner, o.target, o.target_class, o.parameters FROM link_row o
             WHERE o.run = $1 AND o.part = $2 AND (o.owner, o.target, o.target_class) > ($3, $5, $6)
                AND (SUBSTR(o.owner, 3) IN (SELECT record FROM record_key)
                    OR SUBSTR(o.target, 3) IN (SELECT record FROM record_key))
                AND NOT EXISTS (SELECT 1 FROM link_row n WHERE n.run = $4 AND n.part = o.part
                    AND n.owner = o.owner AND n.target = o.target AND n.target_class = o.target_class)
             ORDER BY o.owner, o.target, o.target_class LIMIT $7",
        )
        .bind(pass.base)
        .bind(part)
        .bind(&after.0)
        .bind(pass.run)
        .bind(&after.1)
        .bind(&after.2)
        .bind(stored(CHUNK))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)
    }
}
