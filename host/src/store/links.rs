//! Links: their ends as the tables hold them, and the step that turns names into uids.
//!
//! Targets point by name as often as by uid (an LDAP group's members are DNs). What a name stands for is only known
//! once everything is staged, so ends are resolved before comparing, from what this run staged and nothing else. A name
//! that nobody or more than one object has stays a name. In an incremental run a name that nobody has any more stands
//! for the object that had it before.

use std::collections::{HashMap, HashSet};

use sqlx::SqliteConnection;

use super::Store;
use super::compare::{Pass, PassPart};
use super::fault::{fault, unreadable};
use super::numbers::{CHUNK, list, stored, stored_u64};
use super::staging::insert_bulk;
use crate::model::{Key, Reference, Result};

/// Owner, target and the target's class: what makes a link this link and no other.
pub(super) type Ends = (String, String, String);
/// A link as its table holds it: its ends and its parameters.
pub(super) type Link = (String, String, String, String);

/// An end as the tables hold it.
pub(super) fn end(key: &Key) -> String {
    match key {
        Key::Uid(uid) => format!("u:{uid}"),
        Key::Name(name) => format!("n:{name}"),
    }
}

/// Back from [`end`].
pub(super) fn key(end: &str) -> Result<Key> {
    match end.split_at_checked(2) {
        Some(("u:", uid)) => Ok(Key::Uid(uid.to_owned())),
        Some(("n:", name)) => Ok(Key::Name(name.to_owned())),
        _ => Err(unreadable("link end", &end)),
    }
}

/// A target's columns as a reference.
pub(super) fn target(end: &str, class: &str) -> Result<Reference> {
    Ok(Reference { class: (!class.is_empty()).then(|| class.to_owned()), key: key(end)? })
}

/// What the names and bare uids of one chunk of links stand for: their classes and uids.
#[derive(Default)]
pub(super) struct Known {
    /// By name: class, uid, and whether the name is the class's only one.
    names: HashMap<String, Vec<(String, String, bool)>>,
    /// By uid: classes.
    uids: HashMap<String, Vec<String>>,
}

impl Known {
    /// The one object of that name, of that class if one is asked for.
    fn by_name(&self, name: &str, class: &str) -> Option<(&str, &str)> {
        let mut fitting = self.names.get(name)?.iter().filter(|(found, ..)| class.is_empty() || found == class);
        match (fitting.next(), fitting.next()) {
            (Some((class, uid, true)), None) => Some((class, uid)),
            _ => None,
        }
    }

    /// Has any object that name?
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The one class with an object of that uid.
    fn class_of(&self, uid: &str) -> Option<&str> {
        match self.uids.get(uid)?.as_slice() {
            [class] => Some(class),
            _ => None,
        }
    }

    /// The link with every end by uid that can be.
    pub(super) fn resolve(&self, owner_class: &str, (owner, target, class, parameters): &Link) -> Link {
        let owner_uid = owner.strip_prefix("n:").and_then(|name| self.by_name(name, owner_class));
        let (new_class, new_target) = match (target.strip_prefix("n:"), target.strip_prefix("u:")) {
            (Some(name), _) => self.by_name(name, class).map(|(class, uid)| (class, format!("u:{uid}"))).unzip(),
            (_, Some(uid)) if class.is_empty() => (self.class_of(uid), None),
            _ => (None, None),
        };
        let owner = owner_uid.map_or_else(|| owner.clone(), |(_, uid)| format!("u:{uid}"));
        let target = new_target.unwrap_or_else(|| target.clone());
        (owner, target, new_class.unwrap_or(class).to_owned(), parameters.clone())
    }
}

impl Store {
    /// Resolves the ends of a run's links, chunk by chunk, and then carries out what a feed said of links. Doing it again
    /// changes nothing.
    pub(super) async fn resolve_links(&self, pass: &Pass) -> Result<()> {
        self.purge_names(pass.run).await?;
        if !pass.refers && !pass.parts.iter().any(|part| part.unresolved) {
            return self.carry_out_edits(pass).await;
        }
        for part in pass.parts.iter().filter(|part| part.is_objects()) {
            self.note_names(pass.run, part.number, part.folds).await?;
        }
        for part in pass.parts.iter().filter(|part| part.unresolved) {
            self.resolve_part(pass, part).await?;
        }
        self.carry_out_edits(pass).await?;
        if pass.refers { Ok(()) } else { self.purge_names(pass.run).await }
    }

    /// Fills the table of names, which only exists where it is needed: an index would slow down every staged row.
    /// It stays with the run where readers resolve the references in its objects' bodies, and is swept with it.
    /// Names of a class that folds them stand there a second time, in lower case (of ASCII, as the database folds).
    async fn note_names(&self, run: i64, part: i64, folds: bool) -> Result<()> {
        let statements = [
            "INSERT INTO object_name (run, name, part, uid)
             SELECT run, name, part, uid FROM object_row WHERE run = $1 AND part = $2 AND uid > $3 AND uid <= $4
             ON CONFLICT DO NOTHING",
            "INSERT INTO object_name (run, name, part, uid)
             SELECT run, LOWER(name), part, uid FROM object_row WHERE run = $1 AND part = $2 AND uid > $3 AND uid <= $4
                AND LOWER(name) <> name
             ON CONFLICT DO NOTHING",
        ];
        let mut after = String::new();
        while let Some(last) = self.chunk_end(run, part, &after).await? {
            let mut tx = self.database.write().await?;
            for statement in statements.iter().take(1 + usize::from(folds)) {
                let query = sqlx::query(*statement).bind(run).bind(part).bind(&after).bind(&last);
                query.execute(&mut *tx).await.map_err(fault)?;
            }
            tx.commit().await.map_err(fault)?;
            after = last;
        }
        Ok(())
    }

    async fn resolve_part(&self, pass: &Pass, part: &PassPart) -> Result<()> {
        let mut after = Ends::default();
        loop {
            let links = self.links_after(pass.run, part.number, &after).await?;
            let Some((owner, target, class, _)) = links.last() else { return Ok(()) };
            let before = std::mem::replace(&mut after, (owner.clone(), target.clone(), class.clone()));
            let known = self.known(pass, &links).await?;
            let resolved: Vec<Link> = links.iter().map(|link| known.resolve(&part.class, link)).collect();
            if resolved != links {
                self.replace_links(pass.run, part.number, (&before, &after), &resolved).await?;
            }
        }
    }

    async fn links_after(&self, run: i64, part: i64, after: &Ends) -> Result<Vec<Link>> {
        sqlx::query_as(
            "SELECT owner, target, target_class, parameters FROM link_row
             WHERE run = $1 AND part = $2 AND (owner, target, target_class) > ($3, $4, $5)
             ORDER BY owner, target, target_class LIMIT $6",
        )
        .bind(run)
        .bind(part)
        .bind(&after.0)
        .bind(&after.1)
        .bind(&after.2)
        .bind(stored(CHUNK))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)
    }

    pub(super) async fn known(&self, pass: &Pass, links: &[Link]) -> Result<Known> {
        let owners = links.iter().map(|(owner, ..)| owner);
        let targets = links.iter().map(|(_, target, ..)| target);
        let names: HashSet<&str> = owners.chain(targets).filter_map(|end| end.strip_prefix("n:")).collect();
        let bare = links.iter().filter(|(_, _, class, _)| class.is_empty());
        let uids: HashSet<&str> = bare.filter_map(|(_, target, ..)| target.strip_prefix("u:")).collect();
        let mut known = Known::default();
        for (name, class, uid, number) in self.named(pass.run, &names).await? {
            known.names.entry(name).or_default().push((class, uid, number == 1));
        }
        self.know_folded(pass, &names, &mut known).await?;
        let nobodys: HashSet<&str> = names.into_iter().filter(|name| !known.names.contains_key(*name)).collect();
        for (name, class, uid, number) in self.formerly_named(pass.run, &nobodys).await? {
            known.names.entry(name).or_default().push((class, uid, number == 1));
        }
        for part in pass.parts.iter().filter(|part| part.is_objects()) {
            for uid in self.of_class(pass.run, part.number, &uids).await? {
                known.uids.entry(uid).or_default().push(part.class.clone());
            }
        }
        Ok(known)
    }

    /// Names that nobody has as they are written, where case makes no difference.
    async fn know_folded(&self, pass: &Pass, names: &HashSet<&str>, known: &mut Known) -> Result<()> {
        let folding: HashSet<&str> =
            pass.parts.iter().filter(|part| part.folds).map(|part| part.class.as_str()).collect();
        let nobodys = names.iter().filter(|name| !folding.is_empty() && !known.names.contains_key(**name));
        let mut written: HashMap<String, Vec<&str>> = HashMap::new();
        nobodys.for_each(|name| written.entry(name.to_ascii_lowercase()).or_default().push(name));
        let folded: HashSet<&str> = written.keys().map(String::as_str).collect();
        for (name, class, uid, number) in self.named(pass.run, &folded).await? {
            if !folding.contains(class.as_str()) {
                continue;
            }
            for as_written in written.get(&name).into_iter().flatten() {
                let found = (class.clone(), uid.clone(), number == 1);
                known.names.entry((*as_written).to_owned()).or_default().push(found);
            }
        }
        Ok(())
    }

    async fn named(&self, run: i64, names: &HashSet<&str>) -> Result<Vec<(String, String, String, i64)>> {
        let names: Vec<&str> = names.iter().copied().collect();
        let mut found = Vec::new();
        for names in names.chunks(CHUNK) {
            let sql = format!(
                "SELECT o.name, p.class, MIN(o.uid), COUNT(*) FROM object_name o JOIN part p ON p.number = o.part
                 WHERE o.run = ? AND o.name IN ({}) GROUP BY o.name, p.class",
                list("?", names.len())
            );
            let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).bind(run);
            let query = names.iter().fold(query, |query, name| query.bind(*name));
            found.extend(query.fetch_all(self.database.reader()).await.map_err(fault)?);
        }
        Ok(found)
    }

    /// Which objects of a run have these names, as long as its names are kept: class, uid, and whether the name is the
    /// class's only one.
    pub(super) async fn named_objects(
        &self,
        run: i64,
        names: &HashSet<&str>,
        folding: &HashSet<&str>,
    ) -> Result<HashMap<String, Vec<(String, String, bool)>>> {
        let mut found: HashMap<String, Vec<(String, String, bool)>> = HashMap::new();
        for (name, class, uid, number) in self.named(run, names).await? {
            found.entry(name).or_default().push((class, uid, number == 1));
        }
        let mut written: HashMap<String, Vec<&str>> = HashMap::new();
        let nobodys = names.iter().filter(|name| !folding.is_empty() && !found.contains_key(**name));
        nobodys.for_each(|name| written.entry(name.to_ascii_lowercase()).or_default().push(name));
        let folded: HashSet<&str> = written.keys().map(String::as_str).collect();
        for (name, class, uid, number) in self.named(run, &folded).await? {
            for as_written in written.get(&name).into_iter().flatten().filter(|_| folding.contains(class.as_str())) {
                found.entry((*as_written).to_owned()).or_default().push((class.clone(), uid.clone(), number == 1));
            }
        }
        Ok(found)
    }

    /// As [`Self::named`], of objects that had the name before and are still there.
    async fn formerly_named(&self, run: i64, names: &HashSet<&str>) -> Result<Vec<(String, String, String, i64)>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT f.name, p.class, MIN(f.uid), COUNT(*) FROM former_name f JOIN part p ON p.number = f.part
             JOIN object_row o ON o.run = f.run AND o.part = f.part AND o.uid = f.uid
             WHERE f.run = ? AND f.name IN ({}) GROUP BY f.name, p.class",
            list("?", names.len())
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).bind(run);
        let query = names.iter().fold(query, |query, name| query.bind(*name));
        query.fetch_all(self.database.reader()).await.map_err(fault)
    }

    async fn of_class(&self, run: i64, part: i64, uids: &HashSet<&str>) -> Result<Vec<String>> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let listed = list("?", uids.len());
        let sql = format!("SELECT uid FROM object_row WHERE run = ? AND part = ? AND uid IN ({listed})");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).persistent(false).bind(run).bind(part);
        let query = uids.iter().fold(query, |query, uid| query.bind(*uid));
        query.fetch_all(self.database.reader()).await.map_err(fault)
    }

    /// Writes the links of one chunk anew: what lies after the first end, up to the second. Two spellings of one link
    /// become one, since the second insert finds the first.
    async fn replace_links(&self, run: i64, part: i64, chunk: (&Ends, &Ends), links: &[Link]) -> Result<()> {
        let (after, last) = chunk;
        let mut tx = self.database.write().await?;
        let removed = sqlx::query(
            "DELETE FROM link_row WHERE run = $1 AND part = $2 AND (owner, target, target_class) > ($3, $4, $5)
                AND (owner, target, target_class) <= ($6, $7, $8)",
        )
        .bind(run)
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
        let inserted = insert_links(&mut tx, run, part, links).await?;
        adjust_held(&mut tx, run, part, inserted.saturating_sub(stored_u64(removed.rows_affected()))).await?;
        tx.commit().await.map_err(fault)
    }
}

/// Inserts links that are not there yet and answers how many those were.
pub(super) async fn insert_links(at: &mut SqliteConnection, run: i64, part: i64, links: &[Link]) -> Result<i64> {
    let insert = "INSERT INTO link_row (run, part, owner, target, target_class, parameters)";
    insert_bulk(at, insert, "(?,?,?,?,?,?)", links, |(owner, target, class, parameters), query| {
        query.bind(run).bind(part).bind(owner).bind(target).bind(class).bind(parameters)
    })
    .await
}

/// Corrects how many rows or links a run holds of a part.
pub(super) async fn adjust_held(at: &mut SqliteConnection, run: i64, part: i64, by: i64) -> Result<()> {
    sqlx::query("UPDATE run_part SET held = held + $3 WHERE run = $1 AND part = $2")
        .bind(run)
        .bind(part)
        .bind(by)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}
