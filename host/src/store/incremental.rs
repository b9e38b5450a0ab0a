//! Incremental runs: a copy of what is published, to which a feed's changes are applied.
//!
//! The copy is made in chunks, each a short transaction; one that broke off goes on where it stands. A run whose feed
//! broke off goes on at its token, unless it holds changes that came after it: those would be told again, upon rows that
//! have seen them, so such a run begins again from another copy.

use sqlx::SqliteConnection;

use super::Store;
use super::connections::identify;
use super::fault::fault;
use super::links::Ends;
use super::numbers::{CHUNK, stored};
use super::runs::{Run, RunPart, insert_run, unfinished};
use super::tasks::discard_runs;
use crate::model::{ConnectionId, Error, FailureKind, Result, TaskId};

/// An incremental run as its worker needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catching {
    pub run: Run,
    /// Where its feed goes on.
    pub token: Vec<u8>,
    /// The feed was read to its end.
    pub ended: bool,
    /// Nothing was read yet.
    pub fresh: bool,
}

/// Where a run of a task stands.
struct Standing {
    base: i64,
    copying: bool,
    unmarked: bool,
    ended: bool,
}

impl Store {
    /// Can an incremental import of the connection go on from what is published?
    ///
    /// # Errors
    /// `conflict`, and what to do first.
    pub async fn require_feed_token(&self, connection: &ConnectionId) -> Result<()> {
        let mut at = self.database.reader().acquire().await.map_err(fault)?;
        let (number, _) = identify(&mut at, connection).await?;
        published(&mut at, number, connection).await.map(|_| ())
    }

    /// Begins the incremental run of a task, or resumes the one it has. `conflict` if nothing is published that a feed
    /// could go on from; `resync-required` if the plan is another one than that of what is published.
    pub async fn begin_incremental(
        &self,
        task: TaskId,
        connection: &ConnectionId,
        plan: &[RunPart],
    ) -> Result<Catching> {
        let (run, standing) = self.incremental_run(task, connection, plan).await?;
        if standing.copying {
            self.copy_published(run.number, standing.base).await?;
        }
        let token = run.token.clone().ok_or_else(|| Error::internal("an incremental run has no token"))?;
        Ok(Catching { run, token, ended: standing.ended, fresh: standing.copying })
    }

    async fn incremental_run(
        &self,
        task: TaskId,
        connection: &ConnectionId,
        plan: &[RunPart],
    ) -> Result<(Run, Standing)> {
        let mut tx = self.database.write().await?;
        let (number, _) = identify(&mut tx, connection).await?;
        if let Some(run) = unfinished(&mut tx, task).await? {
            let standing = standing(&mut tx, run.number).await?;
            if run.has_plan(plan) && (standing.ended || !standing.unmarked) {
                return Ok((run, standing));
            }
            discard_runs(&mut tx, task).await?;
        }
        let (base, token) = published(&mut tx, number, connection).await?;
        require_plan(&mut tx, base, plan).await?;
        let run = insert_run(&mut tx, task, number, plan).await?;
        sqlx::query("UPDATE run SET mode = 'incremental', state = 'copying', base = $2, token = $3 WHERE number = $1")
            .bind(run.number)
            .bind(base)
            .bind(&token)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        let standing = Standing { base, copying: true, unmarked: false, ended: false };
        Ok((Run { token: Some(token), ..run }, standing))
    }

    async fn copy_published(&self, run: i64, base: i64) -> Result<()> {
        for (part, objects) in self.parts_to_copy(base).await? {
            if objects {
                self.copy_all_objects(run, base, part).await?;
            } else {
                self.copy_all_links(run, base, part).await?;
            }
        }
        let mut tx = self.database.write().await?;
        for statement in [
            "UPDATE run_part SET
                held = (SELECT b.held FROM run_part b WHERE b.run = $2 AND b.part = run_part.part),
                unresolved = (SELECT b.unresolved FROM run_part b WHERE b.run = $2 AND b.part = run_part.part)
             WHERE run = $1",
            "UPDATE run SET state = 'staging' WHERE number = $1 AND base = $2",
        ] {
            sqlx::query(statement).bind(run).bind(base).execute(&mut *tx).await.map_err(fault)?;
        }
        tx.commit().await.map_err(fault)
    }

    async fn parts_to_copy(&self, base: i64) -> Result<Vec<(i64, bool)>> {
        sqlx::query_as(
            "SELECT r.part, p.attribute = '' FROM run_part r JOIN part p ON p.number = r.part WHERE r.run = $1
             ORDER BY r.ordinal",
        )
        .bind(base)
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)
    }

    async fn copy_all_objects(&self, run: i64, base: i64, part: i64) -> Result<()> {
        let mut after = String::new();
        while let Some(last) = self.chunk_end(base, part, &after).await? {
            let mut tx = self.database.write().await?;
            sqlx::query(
                "INSERT INTO object_row (run, part, uid, digest, name, revision, body)
                 SELECT CAST($1 AS BIGINT), part, uid, digest, name, revision, body FROM object_row
                 WHERE run = $2 AND part = $3 AND uid > $4 AND uid <= $5 ON CONFLICT DO NOTHING",
            )
            .bind(run)
            .bind(base)
            .bind(part)
            .bind(&after)
            .bind(&last)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
            tx.commit().await.map_err(fault)?;
            after = last;
        }
        Ok(())
    }

    async fn copy_all_links(&self, run: i64, base: i64, part: i64) -> Result<()> {
        let mut after = Ends::default();
        while let Some(last) = self.link_chunk_end(base, part, &after).await? {
            let mut tx = self.database.write().await?;
            sqlx::query(
                "INSERT INTO link_row (run, part, owner, target, target_class, parameters)
                 SELECT CAST($1 AS BIGINT), part, owner, target, target_class, parameters FROM link_row
                 WHERE run = $2 AND part = $3 AND (owner, target, target_class) > ($4, $5, $6)
                    AND (owner, target, target_class) <= ($7, $8, $9) ON CONFLICT DO NOTHING",
            )
            .bind(run)
            .bind(base)
            .bind(part)
            .bind(&after.0)
            .bind(&after.1)
            .bind(&after.2)
            .bind(&last.0)
            .bind(&last.1)
            .bind(&last.2)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
            tx.commit().await.map_err(fault)?;
            after = last;
        }
        Ok(())
    }

    /// The last link of the next chunk, after `after`; none if there are no more.
    async fn link_chunk_end(&self, run: i64, part: i64, after: &Ends) -> Result<Option<Ends>> {
        sqlx::query_as(
            "SELECT owner, target, target_class FROM
                (SELECT owner, target, target_class FROM link_row
                 WHERE run = $1 AND part = $2 AND (owner, target, target_class) > ($3, $4, $5)
                 ORDER BY owner, target, target_class LIMIT $6) AS chunk
             ORDER BY owner DESC, target DESC, target_class DESC LIMIT 1",
        )
        .bind(run)
        .bind(part)
        .bind(&after.0)
        .bind(&after.1)
        .bind(&after.2)
        .bind(stored(CHUNK))
        .fetch_optional(self.database.reader())
        .await
        .map_err(fault)
    }
}

async fn standing(at: &mut SqliteConnection, run: i64) -> Result<Standing> {
    let (base, copying, unmarked, ended): (i64, bool, bool, bool) = sqlx::query_as(
        "SELECT COALESCE(base, 0), state = 'copying', unmarked,
            NOT EXISTS (SELECT 1 FROM run_part p WHERE p.run = run.number AND NOT p.complete)
         FROM run WHERE number = $1",
    )
    .bind(run)
    .fetch_one(at)
    .await
    .map_err(fault)?;
    Ok(Standing { base, copying, unmarked, ended })
}

/// The published run and its token.
async fn published(at: &mut SqliteConnection, number: i64, id: &ConnectionId) -> Result<(i64, Vec<u8>)> {
    let found: (Option<i64>, Option<Vec<u8>>) =
        sqlx::query_as("SELECT published_run, feed_token FROM connection WHERE number = $1")
            .bind(number)
            .fetch_one(at)
            .await
            .map_err(fault)?;
    let conflict = |why: &str| {
        let message = format!("{id} cannot be imported incrementally: {why}; import it completely first");
        Err(Error::failure(FailureKind::Conflict, message))
    };
    match found {
        (Some(run), Some(token)) => Ok((run, token)),
        (None, _) => conflict("nothing of it is published yet"),
        (Some(_), None) => conflict("what is published came without a token to go on from"),
    }
}

/// A feed tells changes: of a class or a relation that was never read whole it leads nowhere.
async fn require_plan(at: &mut SqliteConnection, base: i64, plan: &[RunPart]) -> Result<()> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT p.class, p.attribute FROM run_part r JOIN part p ON p.number = r.part WHERE r.run = $1")
            .bind(base)
            .fetch_all(at)
            .await
            .map_err(fault)?;
    let published: Vec<RunPart> =
        rows.into_iter().map(|(class, attribute)| RunPart::from_columns(class, attribute)).collect();
    let one_sided = plan.iter().find(|part| !published.contains(part));
    let Some(part) = one_sided.or_else(|| published.iter().find(|part| !plan.contains(part))) else { return Ok(()) };
    let message =
        format!("the schema is another one than that of what is published ({part}); import the connection completely");
    Err(Error::failure(FailureKind::ResyncRequired, message))
}
