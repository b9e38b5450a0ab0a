//! Comparing a complete pass with what is published: the changes it would make, written down but not yet visible.
//!
//! Reading happens outside write transactions; changes are written in chunks, each a short one. In the feed objects
//! come first, then removed links, added links, and deleted objects last, so that no reader meets a link to an object
//! that he does not know.
//!
//! An object has changed when its name or body has, or when a name it refers to somebody with is another's now; a new
//! revision alone is no change. A link whose parameters changed is removed and added again.

use std::collections::HashSet;

use sqlx::SqliteConnection;

use super::Store;
use super::changes::{NewChange, Writing};
use super::fault::fault;
use super::links::{Ends, Link};
use super::numbers::{CHUNK, count, from_json, json, stored, stored_u64};
use crate::model::{ChangeKind, Counts, Error, FailureKind, Matching, Result, Schema, Syntax};

/// What a pass would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    pub counts: Counts,
    /// Objects that are published now: what a threshold in per cent is measured against.
    pub published_before: u64,
}

/// A run that is being compared.
pub(super) struct Pass {
    pub(super) run: i64,
    /// The published run; zero, which no run has, before the first.
    pub(super) base: i64,
    /// Parts of the plan in its order, then published parts that the plan has no more.
    pub(super) parts: Vec<PassPart>,
    rejected: i64,
    /// It began as a copy of the base: nothing is missing in it that was only not read.
    incremental: bool,
    /// Objects have references in their bodies, which readers resolve by the names of this run.
    pub(super) refers: bool,
}

/// One part of it.
pub(super) struct PassPart {
    pub(super) number: i64,
    pub(super) class: String,
    attribute: String,
    pub(super) unresolved: bool,
    /// Its objects' names are the same in another case.
    pub(super) folds: bool,
    /// Rows of the published run.
    before: i64,
}

impl PassPart {
    pub(super) fn is_objects(&self) -> bool {
        self.attribute.is_empty()
    }
}

impl Store {
    /// Compares a complete pass with what is published and writes its changes down. `conflict` unless every part is
    /// complete: only a complete pass finds objects gone. Comparing again begins afresh.
    ///
    /// A published object whose uid or name is the key of a record that this run set aside is carried over, as are the
    /// links of such a key: a record that could not be read is not a record that is gone. An incremental run has them
    /// from the start; its links are edited as its feed said, once their names are resolved.
    pub async fn compare(&self, run: i64) -> Result<Compared> {
        let pass = self.open_pass(run).await?;
        self.reopen_run(run).await?;
        self.purge_changes(run).await?;
        if pass.incremental {
            self.resolve_links(&pass).await?;
            self.purge_former_names(run).await?;
        } else {
            self.carry_objects(&pass).await?;
            self.resolve_links(&pass).await?;
            self.carry_links(&pass).await?;
        }
        let mut writing = Writing::new(run);
        let mut gone = Vec::new();
        for part in pass.parts.iter().filter(|part| part.is_objects()) {
            let inserted = match part.before {
                0 => self.write_inserts(&pass, part, &mut writing).await?,
                _ => self.write_upserts(&pass, part, &mut writing).await?,
            };
            let kept = self.held(run, part.number).await?.saturating_sub(inserted);
            gone.extend((part.before > kept).then_some(part));
        }
        self.write_referrers(&pass, &gone, &mut writing).await?;
        for part in pass.parts.iter().filter(|part| !part.is_objects()) {
            self.write_links(&pass, part, ChangeKind::LinkRemoved, &mut writing).await?;
        }
        for part in pass.parts.iter().filter(|part| !part.is_objects()) {
            self.write_links(&pass, part, ChangeKind::LinkAdded, &mut writing).await?;
        }
        for part in gone {
            self.write_deletes(&pass, part, &mut writing).await?;
        }
        self.close_pass(&pass, writing).await
    }

    async fn open_pass(&self, run: i64) -> Result<Pass> {
        let mut tx = self.database.reader().begin().await.map_err(fault)?;
        let found: Option<(String, bool, i64, i64, Option<i64>)> = sqlx::query_as(
            "SELECT r.state, r.mode = 'incremental', r.rejected, (SELECT COUNT(*) FROM run_part p WHERE p.run = r.number AND NOT p.complete),
                c.published_run
             FROM run r JOIN connection c ON c.number = r.connection WHERE r.number = $1",
        )
        .bind(run)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
        let conflict = |message| Err(Error::failure(FailureKind::Conflict, message));
        let Some((state, incremental, rejected, incomplete, base)) = found else {
            return conflict(format!("there is no run {run}"));
        };
        if !matches!(state.as_str(), "staging" | "compared") {
            return conflict(format!("the run {run} is {state}"));
        }
        if incomplete > 0 {
            return conflict(format!(
                "the run {run} is not complete: {incomplete} parts of its plan are still to read"
            ));
        }
        let base = base.unwrap_or_default();
        let mut parts = pass_parts(&mut tx, run, base).await?;
        let schema = schema_of(&mut tx, run).await?;
        let folding = folding_classes(&schema);
        parts.iter_mut().for_each(|part| part.folds = part.is_objects() && folding.contains(part.class.as_str()));
        Ok(Pass { run, base, parts, rejected, incremental, refers: refers(&schema) })
    }

    /// While it is being compared, a run cannot be published.
    async fn reopen_run(&self, run: i64) -> Result<()> {
        let mut tx = self.database.write().await?;
        sqlx::query("UPDATE run SET state = 'staging' WHERE number = $1 AND state = 'compared'")
            .bind(run)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    /// Writes an insert of every row, where nothing of the part is published, and answers how many those were. The rows
    /// do not leave the database: a first import has as many of them as the target has objects.
    async fn write_inserts(&self, pass: &Pass, part: &PassPart, writing: &mut Writing) -> Result<i64> {
        let (mut inserted, mut after) = (0_i64, String::new());
        loop {
            let mut tx = self.database.write().await?;
            let written = sqlx::query(
                "INSERT INTO change (run, seq, kind, part, subject)
                 SELECT $1, $2 + ROW_NUMBER() OVER (ORDER BY n.uid), $3, $4, n.uid FROM
                    (SELECT uid FROM object_row WHERE run = $1 AND part = $4 AND uid > $5 ORDER BY uid LIMIT $6) n",
            )
            .bind(pass.run)
            .bind(writing.written)
            .bind(ChangeKind::Insert.as_str())
            .bind(part.number)
            .bind(&after)
            .bind(stored(CHUNK))
            .execute(&mut *tx)
            .await
            .map_err(fault)?
            .rows_affected();
            writing.count_many(ChangeKind::Insert, written);
            inserted = inserted.saturating_add(stored_u64(written));
            let last = sqlx::query_scalar("SELECT subject FROM change WHERE run = $1 AND seq = $2")
                .bind(pass.run)
                .bind(writing.written)
                .fetch_optional(&mut *tx)
                .await
                .map_err(fault)?;
            tx.commit().await.map_err(fault)?;
            match last {
                Some(last) if stored_u64(written) == stored(CHUNK) => after = last,
                _ => return Ok(inserted),
            }
        }
    }

    /// Writes inserts and updates, and answers how many were inserts.
    async fn write_upserts(&self, pass: &Pass, part: &PassPart, writing: &mut Writing) -> Result<i64> {
        let (mut inserted, mut after) = (0_i64, String::new());
        loop {
            let found: Vec<(String, bool)> = sqlx::query_as(
                "SELECT n.uid, o.uid IS NULL FROM object_row n
                 LEFT JOIN object_row o ON o.run = $1 AND o.part = n.part AND o.uid = n.uid
                 WHERE n.run = $2 AND n.part = $3 AND n.uid > $4 AND (o.uid IS NULL OR o.digest <> n.digest)
                 ORDER BY n.uid LIMIT $5",
            )
            .bind(pass.base)
            .bind(pass.run)
            .bind(part.number)
            .bind(&after)
            .bind(stored(CHUNK))
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
            let Some((last, _)) = found.last() else { return Ok(inserted) };
            after.clone_from(last);
            inserted = inserted.saturating_add(stored(found.iter().filter(|(_, new)| *new).count()));
            let kind = |new| if new { ChangeKind::Insert } else { ChangeKind::Update };
            let changes: Vec<_> = found.into_iter().map(|(uid, new)| NewChange::object(kind(new), uid, None)).collect();
            if self.write_changes(part.number, changes, writing).await? {
                return Ok(inserted);
            }
        }
    }

    async fn write_deletes(&self, pass: &Pass, part: &PassPart, writing: &mut Writing) -> Result<()> {
        let mut after = String::new();
        loop {
            let found = self.gone_after(pass, part, &after).await?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            after.clone_from(last);
            let change = |(uid, name)| NewChange::object(ChangeKind::Delete, uid, Some(name));
            if self.write_changes(part.number, found.into_iter().map(change).collect(), writing).await? {
                return Ok(());
            }
        }
    }

    /// The next objects, with their names, that are published and that the run has not.
    pub(super) async fn gone_after(&self, pass: &Pass, part: &PassPart, after: &str) -> Result<Vec<(String, String)>> {
        sqlx::query_as(
            "SELECT o.uid, o.name FROM object_row o
             WHERE o.run = $1 AND o.part = $2 AND o.uid > $3 AND NOT EXISTS
                (SELECT 1 FROM object_row n WHERE n.run = $4 AND n.part = o.part AND n.uid = o.uid)
             ORDER BY o.uid LIMIT $5",
        )
        .bind(pass.base)
        .bind(part.number)
        .bind(after)
        .bind(pass.run)
        .bind(stored(CHUNK))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)
    }

    /// How many rows a run has of a part; none of a part that is not in its plan.
    async fn held(&self, run: i64, part: i64) -> Result<i64> {
        let held: Option<i64> = sqlx::query_scalar("SELECT held FROM run_part WHERE run = $1 AND part = $2")
            .bind(run)
            .bind(part)
            .fetch_optional(self.database.reader())
            .await
            .map_err(fault)?;
        Ok(held.unwrap_or_default())
    }

    /// Added are this run's links that the published run has not, removed the other way round.
    async fn write_links(&self, pass: &Pass, part: &PassPart, kind: ChangeKind, writing: &mut Writing) -> Result<()> {
        let (from, other) = if kind == ChangeKind::LinkAdded { (pass.run, pass.base) } else { (pass.base, pass.run) };
        let mut after = Ends::default();
        loop {
            let found: Vec<Link> = sqlx::query_as(
                "SELECT a.owner, a.target, a.target_class, a.parameters FROM link_row a
                 LEFT JOIN link_row b ON b.run = $1 AND b.part = a.part AND b.owner = a.owner AND b.target = a.target
                    AND b.target_class = a.target_class
                 WHERE a.run = $2 AND a.part = $3 AND (a.owner, a.target, a.target_class) > ($4, $5, $6)
                    AND (b.owner IS NULL OR b.parameters <> a.parameters)
                 ORDER BY a.owner, a.target, a.target_class LIMIT $7",
            )
            .bind(other)
            .bind(from)
            .bind(part.number)
            .bind(&after.0)
            .bind(&after.1)
            .bind(&after.2)
            .bind(stored(CHUNK))
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
            let Some((owner, target, class, _)) = found.last() else { return Ok(()) };
            after = (owner.clone(), target.clone(), class.clone());
            let changes = found.into_iter().map(|link| NewChange::link(kind, link)).collect();
            if self.write_changes(part.number, changes, writing).await? {
                return Ok(());
            }
        }
    }

    async fn close_pass(&self, pass: &Pass, writing: Writing) -> Result<Compared> {
        let Writing { written, counts, .. } = writing;
        let mut tx = self.database.write().await?;
        let held: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(r.held), 0) AS BIGINT) FROM run_part r JOIN part p ON p.number = r.part
             WHERE r.run = $1 AND p.attribute = ''",
        )
        .bind(pass.run)
        .fetch_one(&mut *tx)
        .await
        .map_err(fault)?;
        let unchanged = count(held).saturating_sub(counts.inserted + counts.updated);
        let counts = Counts { unchanged, rejected: count(pass.rejected), ..counts };
        sqlx::query(
            "UPDATE run SET state = 'compared', base = $2, changes = $3, counts = $4, first_position =
                (SELECT last_position FROM connection WHERE number = run.connection)
             WHERE number = $1",
        )
        .bind(pass.run)
        .bind(pass.base)
        .bind(written)
        .bind(json(&counts)?)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        let objects = pass.parts.iter().filter(|part| part.is_objects());
        Ok(Compared { counts, published_before: count(objects.map(|part| part.before).sum()) })
    }
}

async fn schema_of(at: &mut SqliteConnection, run: i64) -> Result<Schema> {
    let classes: Option<String> = sqlx::query_scalar(
        "SELECT s.classes FROM schema_snapshot s JOIN run r ON r.connection = s.connection WHERE r.number = $1
         ORDER BY s.number DESC LIMIT 1",
    )
    .bind(run)
    .fetch_optional(at)
    .await
    .map_err(fault)?;
    Ok(classes.map(|classes| from_json("schema", &classes)).transpose()?.unwrap_or_default())
}

/// Classes whose names are compared without regard to case.
fn folding_classes(schema: &Schema) -> HashSet<&str> {
    let folding = schema.0.iter().filter(|class| class.name_matching != Matching::Exact);
    folding.map(|class| class.name.as_str()).collect()
}

/// Are there references that no relation has?
fn refers(schema: &Schema) -> bool {
    let mut attributes = schema.0.iter().flat_map(|class| &class.attributes);
    attributes.any(|it| it.readable && !it.large && !it.confidential && it.syntax == Syntax::Reference)
}

/// The plan's parts and those of the published run that the plan has no more: what was in them is gone, too.
async fn pass_parts(at: &mut SqliteConnection, run: i64, base: i64) -> Result<Vec<PassPart>> {
    let rows: Vec<(i64, String, String, bool, i64)> = sqlx::query_as(
        "SELECT p.number, p.class, p.attribute, r.unresolved, COALESCE(b.held, 0)
         FROM run_part r JOIN part p ON p.number = r.part LEFT JOIN run_part b ON b.run = $2 AND b.part = r.part
         WHERE r.run = $1
         UNION ALL
         SELECT p.number, p.class, p.attribute, FALSE, b.held
         FROM run_part b JOIN part p ON p.number = b.part
         WHERE b.run = $2 AND b.part NOT IN (SELECT r.part FROM run_part r WHERE r.run = $1)",
    )
    .bind(run)
    .bind(base)
    .fetch_all(at)
    .await
    .map_err(fault)?;
    let part = |(number, class, attribute, unresolved, before)| PassPart {
        number,
        class,
        attribute,
        unresolved,
        folds: false,
        before,
    };
    Ok(rows.into_iter().map(part).collect())
}
