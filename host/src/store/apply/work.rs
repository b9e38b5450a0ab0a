//! One page of changes at work: rows are changed where they are, links noted as edits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{Sqlite, Transaction};

use super::{FedChange, FedObject, FedRelation, Standing};
use crate::model::json::merge::{BODY_BYTES_MAX, merged};
use crate::model::{FailureKind, Gone, Key, Reference, Result};
use crate::store::edits::{Edit, EditKind};
use crate::store::fault::{fault, unreadable};
use crate::store::numbers::list;
use crate::store::rejected::SetAside;
use crate::store::runs::RunPart;
use crate::store::staging::{StagedLink, StagedRow, digest};

/// An object as the run holds it.
struct Was {
    name: String,
    body: String,
}

/// A page being applied, in one transaction.
pub(super) struct Work<'a> {
    run: i64,
    standing: &'a Standing,
    pub(super) tx: Transaction<'static, Sqlite>,
    pub(super) edits: Vec<Edit>,
    /// Rows that came and went, by part.
    pub(super) held: BTreeMap<i64, i64>,
    /// Objects, by part and name, where the page says of a name alone that it is gone.
    named: HashMap<(i64, String), BTreeSet<String>>,
    /// What turned out not to be usable.
    pub(super) unusable: Vec<(i64, SetAside)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(run: i64, standing: &'a Standing, tx: Transaction<'static, Sqlite>) -> Self {
        let (edits, held, named, unusable) = (Vec::new(), BTreeMap::new(), HashMap::new(), Vec::new());
        Self { run, standing, tx, edits, held, named, unusable }
    }

    pub(super) async fn apply(&mut self, change: &FedChange) -> Result<()> {
        match change {
            FedChange::Object(object) => self.object(object).await,
            FedChange::Gone(gone) => self.gone(gone).await,
            FedChange::LinkAdded(part, link) => self.link(EditKind::Added, part, link),
            FedChange::LinkRemoved(part, link) => self.link(EditKind::Removed, part, link),
        }
    }

    fn link(&mut self, kind: EditKind, part: &RunPart, link: &StagedLink) -> Result<()> {
        self.edits.push(Edit::of_link(kind, self.standing.part(part)?, link));
        Ok(())
    }

    async fn object(&mut self, object: &FedObject) -> Result<()> {
        let part = self.standing.part(&RunPart::objects(&object.class))?;
        let uid = &object.row.uid;
        let previous = object.previous.as_ref().filter(|previous| *previous != uid);
        let there = self.row(part, uid).await?;
        let before = match previous {
            Some(previous) => self.row(part, previous).await?,
            None => None,
        };
        let was = before.as_ref().or(there.as_ref());
        let Some(body) = self.body(part, object, was)? else { return Ok(()) };
        if let Some(was) = was.filter(|was| was.name != object.row.name) {
            self.note_former_name(part, &was.name, uid).await?;
        }
        if let (Some(previous), Some(_)) = (previous, &before) {
            self.rename(part, previous, object).await?;
        }
        self.put(part, &StagedRow { body, ..object.row.clone() }).await?;
        *self.held.entry(part).or_default() += i64::from(there.is_none());
        if let Some(uids) = self.named.get_mut(&(part, object.row.name.clone())) {
            uids.insert(uid.clone());
        }
        for relation in &object.relations {
            self.relation(object, relation).await?;
        }
        Ok(())
    }

    /// The body of an object; none if it is larger than any that is kept: then the object stays as it is.
    fn body(&mut self, part: i64, object: &FedObject, was: Option<&Was>) -> Result<Option<String>> {
        let Some(was) = was else { return Ok(Some(object.row.body.clone())) };
        let body = merged(&object.columns, &was.body, &object.row.body).map_err(|why| unreadable("body", &why))?;
        if body.len() <= BODY_BYTES_MAX {
            return Ok(Some(body));
        }
        let message = format!("with it, the object takes {} bytes as JSON; {BODY_BYTES_MAX} are kept", body.len());
        let (key, kind) = (object.row.uid.clone(), FailureKind::SchemaViolation.as_str().to_owned());
        self.unusable.push((part, SetAside { key, kind, message }));
        Ok(None)
    }

    async fn row(&mut self, part: i64, uid: &str) -> Result<Option<Was>> {
        let found: Option<(String, String)> =
            sqlx::query_as("SELECT name, body FROM object_row WHERE run = $1 AND part = $2 AND uid = $3")
                .bind(self.run)
                .bind(part)
                .bind(uid)
                .fetch_optional(&mut *self.tx)
                .await
                .map_err(fault)?;
        Ok(found.map(|(name, body)| Was { name, body }))
    }

    async fn put(&mut self, part: i64, row: &StagedRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO object_row (run, part, uid, digest, name, revision, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (run, part, uid) DO UPDATE SET
                digest = excluded.digest, name = excluded.name, revision = excluded.revision, body = excluded.body",
        )
        .bind(self.run)
        .bind(part)
        .bind(&row.uid)
        .bind(digest(&row.name, &row.body))
        .bind(&row.name)
        .bind(&row.revision)
        .bind(&row.body)
        .execute(&mut *self.tx)
        .await
        .map_err(fault)?;
        Ok(())
    }

    async fn note_former_name(&mut self, part: i64, name: &str, uid: &str) -> Result<()> {
        sqlx::query("INSERT INTO former_name (run, name, part, uid) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(self.run)
            .bind(name)
            .bind(part)
            .bind(uid)
            .execute(&mut *self.tx)
            .await
            .map_err(fault)?;
        Ok(())
    }

    /// The object of that uid is the other one's from now on: its row goes, its links and its former names follow.
    async fn rename(&mut self, part: i64, previous: &str, object: &FedObject) -> Result<()> {
        let now = object.row.uid.as_str();
        self.remove(part, previous).await?;
        self.edits.push(Edit::renamed(part, previous, now));
        for statement in [
            "INSERT INTO former_name (run, name, part, uid)
             SELECT run, name, part, $4 FROM former_name WHERE run = $1 AND part = $2 AND uid = $3
             ON CONFLICT DO NOTHING",
            "INSERT INTO reread (run, part, owner, name)
             SELECT r.run, r.part, $4, r.name FROM reread r JOIN part p ON p.number = r.part
             WHERE r.run = $1 AND r.owner = $3 AND p.class = (SELECT class FROM part WHERE number = $2)
             ON CONFLICT DO NOTHING",
        ] {
            let query = sqlx::query(statement).bind(self.run).bind(part).bind(previous).bind(now);
            query.execute(&mut *self.tx).await.map_err(fault)?;
        }
        self.forget_reread(part, previous).await
    }

    async fn gone(&mut self, gone: &Gone) -> Result<()> {
        let parts: Vec<i64> = self.standing.classes(gone.class.as_deref()).map(|(_, part)| part).collect();
        match (&gone.uid, &gone.name) {
            (Some(uid), _) => self.forget_uid(&parts, uid).await?,
            (None, Some(name)) => match self.of_name(&parts, name).await?.as_slice() {
                [] => self.forget_links(&parts, &Key::Name(name.clone())),
                [(part, uid)] => self.forget_uid(&[*part], uid).await?,
                [(part, _), ..] => self.keep_namesakes(*part, name),
            },
            (None, None) => {}
        }
        Ok(())
    }

    /// The objects that have that name now.
    async fn of_name(&mut self, parts: &[i64], name: &str) -> Result<Vec<(i64, String)>> {
        let mut found = Vec::new();
        for part in parts {
            for uid in self.named.get(&(*part, name.to_owned())).cloned().unwrap_or_default() {
                if self.row(*part, &uid).await?.is_some_and(|now| now.name == name) {
                    found.push((*part, uid));
                }
            }
        }
        Ok(found)
    }

    /// Nobody can say which of several objects is gone.
    fn keep_namesakes(&mut self, part: i64, name: &str) {
        let message = "more than one object has this name; all of them are kept".to_owned();
        let (key, kind) = (name.to_owned(), FailureKind::Conflict.as_str().to_owned());
        self.unusable.push((part, SetAside { key, kind, message }));
    }

    /// Removes the object of that uid with its links. One that nobody knows may have links all the same.
    async fn forget_uid(&mut self, parts: &[i64], uid: &str) -> Result<()> {
        let (key, mut known) = (Key::Uid(uid.to_owned()), false);
        for part in parts {
            let Some(was) = self.row(*part, uid).await? else { continue };
            known = true;
            self.remove(*part, uid).await?;
            self.forget_reread(*part, uid).await?;
            self.forget_links(&[*part], &key);
            self.forget_links(&[*part], &Key::Name(was.name));
        }
        if !known {
            self.forget_links(parts, &key);
        }
        Ok(())
    }

    fn forget_links(&mut self, parts: &[i64], key: &Key) {
        self.edits.extend(parts.iter().map(|part| Edit::of_key(EditKind::Gone, *part, key)));
    }

    async fn remove(&mut self, part: i64, uid: &str) -> Result<()> {
        sqlx::query("DELETE FROM object_row WHERE run = $1 AND part = $2 AND uid = $3")
            .bind(self.run)
            .bind(part)
            .bind(uid)
            .execute(&mut *self.tx)
            .await
            .map_err(fault)?;
        *self.held.entry(part).or_default() -= 1;
        Ok(())
    }

    async fn forget_reread(&mut self, part: i64, uid: &str) -> Result<()> {
        sqlx::query(
            "DELETE FROM reread WHERE run = $1 AND owner = $3 AND part IN
                (SELECT number FROM part WHERE class = (SELECT class FROM part WHERE number = $2))",
        )
        .bind(self.run)
        .bind(part)
        .bind(uid)
        .execute(&mut *self.tx)
        .await
        .map_err(fault)?;
        Ok(())
    }

    async fn relation(&mut self, object: &FedObject, relation: &FedRelation) -> Result<()> {
        let part = self.standing.part(&RunPart::relation(&object.class, &relation.attribute))?;
        let StagedRow { uid, name, .. } = &object.row;
        let Some(targets) = &relation.targets else { return self.note_reread(part, uid, name).await };
        self.edits.push(Edit::of_owner(EditKind::Cleared, part, uid));
        for Reference { class, key } in targets.iter().cloned() {
            let owner = Key::Uid(uid.clone());
            let link = StagedLink { owner, target_class: class, target: key, parameters: "{}".to_owned() };
            self.edits.push(Edit::of_link(EditKind::Added, part, &link));
        }
        Ok(())
    }

    async fn note_reread(&mut self, part: i64, uid: &str, name: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO reread (run, part, owner, name) VALUES ($1, $2, $3, $4)
             ON CONFLICT (run, part, owner) DO UPDATE SET name = excluded.name",
        )
        .bind(self.run)
        .bind(part)
        .bind(uid)
        .bind(name)
        .execute(&mut *self.tx)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Finds the objects of the names that the page calls gone without a uid: the table of objects has no way to a name
    /// but to look at all of them, so that is done once a page.
    pub(super) async fn look_names_up(&mut self, changes: &[FedChange]) -> Result<()> {
        let nameless = |change: &'_ FedChange| match change {
            FedChange::Gone(Gone { uid: None, name: Some(name), class }) => Some((name.clone(), class.clone())),
            _ => None,
        };
        let wanted: Vec<(String, Option<String>)> = changes.iter().filter_map(nameless).collect();
        for (class, part) in self.standing.classes(None) {
            let of_class = wanted.iter().filter(|(_, asked)| asked.as_ref().is_none_or(|asked| asked == class));
            let names: Vec<&String> = of_class.map(|(name, _)| name).collect();
            if names.is_empty() {
                continue;
            }
            let listed = list("?", names.len());
            let sql = format!("SELECT name, uid FROM object_row WHERE run = ? AND part = ? AND name IN ({listed})");
            let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).bind(self.run).bind(part);
            let query = names.iter().fold(query, |query, name| query.bind(*name));
            let found: Vec<(String, String)> = query.fetch_all(&mut *self.tx).await.map_err(fault)?;
            self.named.extend(names.into_iter().map(|name| ((part, name.clone()), BTreeSet::new())));
            for (name, uid) in found {
                self.named.entry((part, name)).or_default().insert(uid);
            }
        }
        Ok(())
    }
}
