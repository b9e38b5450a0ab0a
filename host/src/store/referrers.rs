//! Objects that are as they were, but refer by name to one that came, went or is named otherwise now: readers resolve the
//! references in bodies, so what they see of such an object has changed, and whoever reads changes only must be told.
//!
//! Names are kept as digests of their lower case (of ASCII): one that is taken for another costs an update that says
//! nothing new, never one that is missed.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use super::Store;
use super::changes::{NewChange, Writing};
use super::compare::{Pass, PassPart};
use super::fault::fault;
use super::numbers::{CHUNK, stored};
use crate::model::{ChangeKind, Result};

/// Before the name a reference points with, in a body.
const POINTS_BY_NAME: &str = "\"name\":";

/// Names that somebody else has now, or nobody, or nobody had.
#[derive(Default)]
struct Moved {
    digests: HashSet<u64>,
    hasher: RandomState,
}

impl Moved {
    fn note(&mut self, name: &str) {
        let digest = self.digest(name);
        self.digests.insert(digest);
    }

    /// Does a body point with one of them?
    fn concerns(&self, body: &str) -> bool {
        body.match_indices(POINTS_BY_NAME).any(|(at, before)| {
            let rest = body.get(at + before.len()..).unwrap_or_default();
            let name = serde_json::Deserializer::from_str(rest).into_iter::<String>().next();
            name.and_then(std::result::Result::ok).is_some_and(|name| self.digests.contains(&self.digest(&name)))
        })
    }

    fn digest(&self, name: &str) -> u64 {
        self.hasher.hash_one(name.to_ascii_lowercase())
    }
}

impl Store {
    /// Writes an update of each object that is unchanged itself and points with a name that moved; `gone` are the parts
    /// of which objects are gone.
    pub(super) async fn write_referrers(&self, pass: &Pass, gone: &[&PassPart], writing: &mut Writing) -> Result<()> {
        if !pass.refers || pass.base == 0 {
            return Ok(());
        }
        let mut moved = Moved::default();
        for part in pass.parts.iter().filter(|part| part.is_objects()) {
            self.note_renamed(pass, part, &mut moved).await?;
        }
        for part in gone {
            self.note_gone(pass, part, &mut moved).await?;
        }
        if moved.digests.is_empty() {
            return Ok(());
        }
        for part in pass.parts.iter().filter(|part| part.is_objects()) {
            self.write_referrers_of(pass, part, &moved, writing).await?;
        }
        Ok(())
    }

    /// Names of objects that are new, and both names of those that have another one now.
    async fn note_renamed(&self, pass: &Pass, part: &PassPart, moved: &mut Moved) -> Result<()> {
        let mut after = String::new();
        loop {
            let found: Vec<(String, String, Option<String>)> = sqlx::query_as(
                "SELECT c.subject, n.name, o.name FROM change c
                 JOIN object_row n ON n.run = c.run AND n.part = c.part AND n.uid = c.subject
                 LEFT JOIN object_row o ON o.run = $1 AND o.part = c.part AND o.uid = c.subject
                 WHERE c.run = $2 AND c.part = $3 AND c.subject > $4 ORDER BY c.subject LIMIT $5",
            )
            .bind(pass.base)
            .bind(pass.run)
            .bind(part.number)
            .bind(&after)
            .bind(stored(CHUNK))
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
            let Some((last, ..)) = found.last() else { return Ok(()) };
            after.clone_from(last);
            for (_, name, before) in found.iter().filter(|(_, name, before)| before.as_ref() != Some(name)) {
                moved.note(name);
                before.iter().for_each(|before| moved.note(before));
            }
        }
    }

    async fn note_gone(&self, pass: &Pass, part: &PassPart, moved: &mut Moved) -> Result<()> {
        let mut after = String::new();
        loop {
            let found = self.gone_after(pass, part, &after).await?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            after.clone_from(last);
            found.iter().for_each(|(_, name)| moved.note(name));
        }
    }

    async fn write_referrers_of(
        &self,
        pass: &Pass,
        part: &PassPart,
        moved: &Moved,
        writing: &mut Writing,
    ) -> Result<()> {
        let mut after = String::new();
        loop {
            let found: Vec<(String, String)> = sqlx::query_as(
                "SELECT o.uid, o.body FROM object_row o
                 WHERE o.run = $1 AND o.part = $2 AND o.uid > $3 AND o.body LIKE '%\"name\":%' AND NOT EXISTS
                    (SELECT 1 FROM change c WHERE c.run = o.run AND c.part = o.part AND c.subject = o.uid)
                 ORDER BY o.uid LIMIT $4",
            )
            .bind(pass.run)
            .bind(part.number)
            .bind(&after)
            .bind(stored(CHUNK))
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            after.clone_from(last);
            let referring = found.into_iter().filter(|(_, body)| moved.concerns(body));
            let changes: Vec<_> = referring.map(|(uid, _)| NewChange::object(ChangeKind::Update, uid, None)).collect();
            if !changes.is_empty() {
                self.write_changes(part.number, changes, writing).await?;
            }
        }
    }
}
