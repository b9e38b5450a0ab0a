//! What a feed says of links, kept apart in its order until names are resolved, and then carried out: the last word about
//! a link wins, however its ends were spelled.
//!
//! Objects that are gone or have another uid are edits, too, since their links follow in the same order. The table of
//! links has no way to find a target but to look at all links: such edits are put off and carried out together, as long as
//! nothing in between speaks of the same ends.

mod renames;

use std::collections::HashMap;

use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::Store;
use super::compare::Pass;
use super::fault::fault;
use super::links::{Known, Link, adjust_held, end, insert_links};
use super::numbers::{CHUNK, list, stored, stored_u64, word};
use super::staging::{Query, StagedLink, insert_bulk};
use crate::model::{Key, Result};
use renames::Renames;

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EditKind {
    Added,
    Removed,
    /// All links of an owner go.
    Cleared,
    /// An object is gone, and the links of both its ends.
    Gone,
    /// An object has another uid; its links follow.
    Renamed,
}

/// One edit. What a kind has no use for is empty.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    kind: EditKind,
    part: i64,
    link: Link,
}

impl EditKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Cleared => "cleared",
            Self::Gone => "gone",
            Self::Renamed => "renamed",
        }
    }
}

impl Edit {
    /// A link was added or removed.
    pub(super) fn of_link(kind: EditKind, part: i64, link: &StagedLink) -> Self {
        let class = link.target_class.clone().unwrap_or_default();
        Self { kind, part, link: (end(&link.owner), end(&link.target), class, link.parameters.clone()) }
    }

    /// An owner's links are cleared.
    pub(super) fn of_owner(kind: EditKind, part: i64, uid: &str) -> Self {
        Self::of_key(kind, part, &Key::Uid(uid.to_owned()))
    }

    /// An object is gone; `part` is its class.
    pub(super) fn of_key(kind: EditKind, part: i64, key: &Key) -> Self {
        Self { kind, part, link: (end(key), String::new(), String::new(), String::new()) }
    }

    /// An object has another uid; `part` is its class.
    pub(super) fn renamed(part: i64, previous: &str, now: &str) -> Self {
        let uid = |uid: &str| end(&Key::Uid(uid.to_owned()));
        Self { kind: EditKind::Renamed, part, link: (uid(previous), uid(now), String::new(), String::new()) }
    }

    /// Does it need names to be resolved?
    fn unresolved(&self) -> bool {
        let (owner, target, class, _) = &self.link;
        let of_link = matches!(self.kind, EditKind::Added | EditKind::Removed);
        of_link && (owner.starts_with("n:") || target.starts_with("n:") || class.is_empty())
    }
}

/// The number of the last edit that was noted; zero if there is none.
pub(super) async fn last_edit(at: &mut SqliteConnection, run: i64) -> Result<i64> {
    sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM link_edit WHERE run = $1")
        .bind(run)
        .fetch_one(at)
        .await
        .map_err(fault)
}

/// Notes edits, numbered after `last`, inside the transaction of their page.
pub(super) async fn note_edits(at: &mut SqliteConnection, run: i64, last: i64, edits: &[Edit]) -> Result<()> {
    let numbered: Vec<(i64, &Edit)> = (last.saturating_add(1)..).zip(edits).collect();
    let insert = "INSERT INTO link_edit (run, seq, kind, part, owner, target, target_class, parameters)";
    insert_bulk(at, insert, "(?,?,?,?,?,?,?,?)", &numbered, |(seq, edit), query| {
        let (owner, target, class, parameters) = edit.link.clone();
        let query = query.bind(run).bind(*seq).bind(edit.kind.as_str()).bind(edit.part);
        query.bind(owner).bind(target).bind(class).bind(parameters)
    })
    .await?;
    let mut parts: Vec<i64> = edits.iter().filter(|edit| edit.unresolved()).map(|edit| edit.part).collect();
    parts.sort_unstable();
    parts.dedup();
    for part in parts {
        sqlx::query("UPDATE run_part SET unresolved = TRUE WHERE run = $1 AND part = $2")
            .bind(run)
            .bind(part)
            .execute(&mut *at)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

impl Store {
    /// Carries out the edits of a run, chunk by chunk, each with the names it needs resolved. An edit is forgotten in the
    /// transaction that carries it out.
    pub(super) async fn carry_out_edits(&self, pass: &Pass) -> Result<()> {
        let renames = self.renames(pass.run).await?;
        loop {
            let edits = self.first_edits(pass.run).await?;
            let Some((last, _)) = edits.last() else { return Ok(()) };
            let links: Vec<Link> = edits.iter().map(|(_, edit)| edit.link.clone()).collect();
            let known = self.known(pass, &links).await?;
            let mut work = Work::new(pass, &renames, self.database.write().await?);
            for (seq, edit) in &edits {
                work.carry_out(*seq, edit, &known).await?;
            }
            work.finish(*last).await?;
        }
    }

    async fn first_edits(&self, run: i64) -> Result<Vec<(i64, Edit)>> {
        let rows: Vec<(i64, String, i64, String, String, String, String)> = sqlx::query_as(
            "SELECT seq, kind, part, owner, target, target_class, parameters FROM link_edit
             WHERE run = $1 ORDER BY seq LIMIT $2",
        )
        .bind(run)
        .bind(stored(CHUNK))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        let edit = |(seq, kind, part, owner, target, class, parameters)| {
            Ok((seq, Edit { kind: word("kind of edit", kind)?, part, link: (owner, target, class, parameters) }))
        };
        rows.into_iter().map(edit).collect()
    }
}

/// A chunk of edits being carried out, in one transaction.
struct Work<'a> {
    pass: &'a Pass,
    renames: &'a Renames,
    tx: Transaction<'static, Sqlite>,
    /// Ends whose links are still to go or to follow, by the number of their class: the new end of those that follow.
    put_off: HashMap<i64, HashMap<String, Option<String>>>,
}

impl<'a> Work<'a> {
    fn new(pass: &'a Pass, renames: &'a Renames, tx: Transaction<'static, Sqlite>) -> Self {
        Self { pass, renames, tx, put_off: HashMap::new() }
    }

    async fn carry_out(&mut self, seq: i64, edit: &Edit, known: &Known) -> Result<()> {
        let (owner, target, ..) = &edit.link;
        match edit.kind {
            EditKind::Added | EditKind::Removed | EditKind::Cleared => {
                let link = self.resolve(seq, edit, known);
                self.settle(&[&link.0, &link.1]).await?;
                self.edit_links(edit.kind, edit.part, &link).await
            }
            EditKind::Gone if owner.strip_prefix("n:").is_some_and(|name| known.has_name(name)) => Ok(()),
            EditKind::Gone => {
                self.settle(&[owner]).await?;
                self.put_off.entry(edit.part).or_default().insert(owner.clone(), None);
                Ok(())
            }
            EditKind::Renamed => {
                self.settle(&[owner, target]).await?;
                self.put_off.entry(edit.part).or_default().insert(owner.clone(), Some(target.clone()));
                Ok(())
            }
        }
    }

    /// The link of an edit with every end by uid that can be: the uid it has at that time.
    fn resolve(&self, seq: i64, edit: &Edit, known: &Known) -> Link {
        let owner_class = self.class_of(edit.part);
        let (owner, target, class, parameters) = known.resolve(owner_class, &edit.link);
        let of_time = |said: &str, resolved: String, class: &str| {
            if said.starts_with("n:") { self.renames.until(seq, class, resolved) } else { resolved }
        };
        let owner = of_time(&edit.link.0, owner, owner_class);
        let target = of_time(&edit.link.1, target, &class);
        (owner, target, class, parameters)
    }

    fn class_of(&self, part: i64) -> &str {
        self.pass.parts.iter().find(|known| known.number == part).map_or("", |known| &known.class)
    }

    /// Carries out what was put off, if it speaks of one of these ends.
    async fn settle(&mut self, ends: &[&String]) -> Result<()> {
        let speaks =
            |(old, new): (&String, &Option<String>)| ends.iter().any(|end| *end == old || Some(*end) == new.as_ref());
        if self.put_off.values().flatten().any(speaks) { self.move_ends().await } else { Ok(()) }
    }

    async fn edit_links(&mut self, kind: EditKind, part: i64, link: &Link) -> Result<()> {
        let (owner, target, class, _) = link;
        let run = self.pass.run;
        // A link whose class is unknown is the same as one whose class is known.
        let spelled = "DELETE FROM link_row WHERE run = $1 AND part = $2 AND owner = $3 AND target = $4";
        let query = match kind {
            EditKind::Cleared => {
                let whole = "DELETE FROM link_row WHERE run = $1 AND part = $2 AND owner = $3";
                sqlx::query(whole).bind(run).bind(part).bind(owner)
            }
            _ if class.is_empty() => sqlx::query(spelled).bind(run).bind(part).bind(owner).bind(target),
            _ => sqlx::query(sqlx::AssertSqlSafe(format!("{spelled} AND target_class IN ($5, '')")))
                .bind(run)
                .bind(part)
                .bind(owner)
                .bind(target)
                .bind(class),
        };
        let removed = query.execute(&mut *self.tx).await.map_err(fault)?.rows_affected();
        let added = match kind {
            EditKind::Added => insert_links(&mut self.tx, run, part, std::slice::from_ref(link)).await?,
            _ => 0,
        };
        self.held(part, added.saturating_sub(stored_u64(removed))).await
    }

    async fn held(&mut self, part: i64, by: i64) -> Result<()> {
        if by == 0 { Ok(()) } else { adjust_held(&mut self.tx, self.pass.run, part, by).await }
    }

    /// Moves or removes the links of all ends that were put off.
    async fn move_ends(&mut self) -> Result<()> {
        let pass = self.pass;
        for (class, ends) in std::mem::take(&mut self.put_off) {
            let ends: Vec<(String, Option<String>)> = ends.into_iter().collect();
            let name = self.class_of(class).to_owned();
            for relation in pass.parts.iter().filter(|part| !part.is_objects()) {
                for chunk in ends.chunks(CHUNK) {
                    if relation.class == name {
                        self.move_links(relation.number, Side::Owner, &name, chunk).await?;
                    }
                    self.move_links(relation.number, Side::Target, &name, chunk).await?;
                }
            }
        }
        Ok(())
    }

    async fn move_links(
        &mut self,
        part: i64,
        side: Side,
        class: &str,
        ends: &[(String, Option<String>)],
    ) -> Result<()> {
        let renamed: Vec<(&String, &String)> =
            ends.iter().filter_map(|(old, new)| Some((old, new.as_ref()?))).collect();
        let run = self.pass.run;
        let mut added = 0;
        if !renamed.is_empty() {
            let query = sqlx::query(sqlx::AssertSqlSafe(side.copying(renamed.len()))).persistent(false);
            let query = renamed.iter().fold(query, |query, (old, new)| query.bind(*old).bind(*new));
            let query = side.bind_class(query.bind(run).bind(part), class);
            added = stored_u64(query.execute(&mut *self.tx).await.map_err(fault)?.rows_affected());
        }
        let query = sqlx::query(sqlx::AssertSqlSafe(side.removing(ends.len()))).persistent(false);
        let query = ends.iter().fold(query.bind(run).bind(part), |query, (old, _)| query.bind(old));
        let query = side.bind_class(query, class);
        let removed = query.execute(&mut *self.tx).await.map_err(fault)?.rows_affected();
        self.held(part, added.saturating_sub(stored_u64(removed))).await
    }

    /// Forgets the edits up to `last`, and commits.
    async fn finish(mut self, last: i64) -> Result<()> {
        self.move_ends().await?;
        sqlx::query("DELETE FROM link_edit WHERE run = $1 AND seq <= $2")
            .bind(self.pass.run)
            .bind(last)
            .execute(&mut *self.tx)
            .await
            .map_err(fault)?;
        self.tx.commit().await.map_err(fault)
    }
}

/// Which end of a link an object is.
#[derive(Clone, Copy)]
enum Side {
    Owner,
    Target,
}

impl Side {
    /// Copies the links of that end to its new one. Owners are looked up; to find targets, the links are looked at once,
    /// however many ends there are, which is what the order of the join is for.
    fn copying(self, ends: usize) -> String {
        let (columns, join) = match self {
            Self::Owner => ("m.new_end, l.target", "m CROSS JOIN link_row l"),
            Self::Target => ("l.owner, m.new_end", "link_row l CROSS JOIN m"),
        };
        format!(
            "WITH m (old_end, new_end) AS (VALUES {})
             INSERT INTO link_row (run, part, owner, target, target_class, parameters)
             SELECT l.run, l.part, {columns}, l.target_class, l.parameters FROM {join}
             WHERE l.run = ? AND l.part = ? AND l.{} = m.old_end {} ON CONFLICT DO NOTHING",
            list("(?,?)", ends),
            self.column(),
            self.of_class()
        )
    }

    fn removing(self, ends: usize) -> String {
        let (column, listed, class) = (self.column(), list("?", ends), self.of_class());
        format!("DELETE FROM link_row WHERE run = ? AND part = ? AND {column} IN ({listed}) {class}")
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Target => "target",
        }
    }

    /// The class of an owner is its relation's.
    const fn of_class(self) -> &'static str {
        match self {
            Self::Owner => "",
            Self::Target => "AND target_class IN (?, '')",
        }
    }

    fn bind_class<'q>(self, query: Query<'q>, class: &str) -> Query<'q> {
        match self {
            Self::Owner => query,
            Self::Target => query.bind(class.to_owned()),
        }
    }
}
