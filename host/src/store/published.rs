//! What readers see: the objects and links of the run published last, and the feed of changes.
//!
//! Each call reads one snapshot, whatever is being staged, published or swept meanwhile.

use serde::{Deserialize, Serialize};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::Store;
use super::fault::{fault, unreadable};
use super::links::{Link, key, target};
use super::numbers::{count, limit, stored, word};
use super::runs::RunPart;
use super::since::unknown_since;
use crate::model::json::value_to_json;
use crate::model::{ChangeKind, ConnectionId, Key, Position, PublishedChange, Reference, Result, Value};

/// An object as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedRow {
    pub uid: String,
    pub name: String,
    pub revision: Option<String>,
    /// JSON text (see [`crate::model::json`]).
    pub body: String,
}

/// A link as it was published; ends that could not be resolved point by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedLink {
    pub owner: Key,
    pub target: Reference,
    /// JSON text, an object of lists.
    pub parameters: String,
    /// Its place in the relation; reading goes on after it.
    pub position: LinkPosition,
}

/// A place among the links of a relation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPosition(String, String, String);

/// How much is published of a class or of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedCount {
    pub part: RunPart,
    pub count: u64,
}

type Columns = (String, String, Option<String>, String);

impl Store {
    /// Published objects of a class, ordered by uid, after `after`; none of a class that is not published.
    pub async fn published(
        &self,
        connection: &ConnectionId,
        class: &str,
        after: Option<&str>,
        at_most: u32,
    ) -> Result<Vec<PublishedRow>> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT o.uid, o.name, o.revision, o.body FROM connection c
             JOIN part p ON p.connection = c.number AND p.class = $2 AND p.attribute = ''
             JOIN object_row o ON o.run = c.published_run AND o.part = p.number
             WHERE c.folded = $1 AND o.uid > $3 ORDER BY o.uid LIMIT $4",
        )
        .bind(connection.folded())
        .bind(class)
        .bind(after.unwrap_or_default())
        .bind(limit(at_most))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(object).collect())
    }

    /// The published object of that class and uid.
    pub async fn published_object(
        &self,
        connection: &ConnectionId,
        class: &str,
        uid: &str,
    ) -> Result<Option<PublishedRow>> {
        let found: Option<Columns> = sqlx::query_as(
            "SELECT o.uid, o.name, o.revision, o.body FROM connection c
             JOIN part p ON p.connection = c.number AND p.class = $2 AND p.attribute = ''
             JOIN object_row o ON o.run = c.published_run AND o.part = p.number AND o.uid = $3 WHERE c.folded = $1",
        )
        .bind(connection.folded())
        .bind(class)
        .bind(uid)
        .fetch_optional(self.database.reader())
        .await
        .map_err(fault)?;
        Ok(found.map(object))
    }

    /// Published links of a relation, ordered by owner, after `after`.
    pub async fn published_links(
        &self,
        connection: &ConnectionId,
        class: &str,
        attribute: &str,
        after: Option<&LinkPosition>,
        at_most: u32,
    ) -> Result<Vec<PublishedLink>> {
        let after = after.cloned().unwrap_or_default();
        let rows: Vec<Link> = sqlx::query_as(
            "SELECT l.owner, l.target, l.target_class, l.parameters FROM connection c
             JOIN part p ON p.connection = c.number AND p.class = $2 AND p.attribute = $3
             JOIN link_row l ON l.run = c.published_run AND l.part = p.number
             WHERE c.folded = $1 AND (l.owner, l.target, l.target_class) > ($4, $5, $6)
             ORDER BY l.owner, l.target, l.target_class LIMIT $7",
        )
        .bind(connection.folded())
        .bind(class)
        .bind(attribute)
        .bind(after.0)
        .bind(after.1)
        .bind(after.2)
        .bind(limit(at_most))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        rows.into_iter().map(link).collect()
    }

    /// How much is published, for each class and relation; nothing before the first publication.
    pub async fn published_counts(&self, connection: &ConnectionId) -> Result<Vec<PublishedCount>> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT p.class, p.attribute, r.held FROM connection c JOIN run_part r ON r.run = c.published_run
             JOIN part p ON p.number = r.part WHERE c.folded = $1 ORDER BY r.ordinal",
        )
        .bind(connection.folded())
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        let published = |(class, attribute, held)| PublishedCount {
            part: RunPart::from_columns(class, attribute),
            count: count(held),
        };
        Ok(rows.into_iter().map(published).collect())
    }

    /// What publishing has changed since `after`, in order. Reading it from the beginning and doing what it says leads
    /// to what is published; an inserted or updated object comes with the body that it was published with then.
    /// `resync-required` where `after` is a position of a connection that was deleted, or none at all.
    pub async fn changes(
        &self,
        connection: &ConnectionId,
        after: Position,
        at_most: u32,
    ) -> Result<Vec<PublishedChange>> {
        let mut snapshot = self.database.reader().begin().await.map_err(fault)?;
        require_known(&mut snapshot, connection, after).await?;
        let runs: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT r.number, r.first_position FROM connection c JOIN run r ON r.connection = c.number
             WHERE c.folded = $1 AND r.state IN ('published', 'superseded', 'archived') AND r.changes > 0
                AND r.first_position + r.changes > $2 ORDER BY r.number LIMIT $3",
        )
        .bind(connection.folded())
        .bind(after.0)
        .bind(limit(at_most))
        .fetch_all(&mut *snapshot)
        .await
        .map_err(fault)?;
        let (mut changes, mut left) = (Vec::new(), limit(at_most));
        for (run, first) in runs {
            let rows = changes_of(&mut snapshot, run, after.0.saturating_sub(first), left).await?;
            left = left.saturating_sub(stored(rows.len()));
            for row in &rows {
                changes.push(change(row, first)?);
            }
            if left == 0 {
                break;
            }
        }
        Ok(changes)
    }

    /// The position of the last published change.
    pub async fn last_position(&self, connection: &ConnectionId) -> Result<Position> {
        let last: Option<i64> = sqlx::query_scalar("SELECT last_position FROM connection WHERE folded = $1")
            .bind(connection.folded())
            .fetch_optional(self.database.reader())
            .await
            .map_err(fault)?;
        Ok(Position(last.unwrap_or_default()))
    }
}

/// Refuses a position since which the changes cannot be told; from the beginning they always can.
async fn require_known(at: &mut SqliteConnection, connection: &ConnectionId, after: Position) -> Result<()> {
    let known: Option<(i64, i64)> = sqlx::query_as(
        "SELECT COALESCE(MIN(r.first_position), c.last_position), c.last_position FROM connection c
         LEFT JOIN run r ON r.connection = c.number AND r.state IN ('published', 'superseded', 'archived')
         WHERE c.folded = $1 GROUP BY c.number",
    )
    .bind(connection.folded())
    .fetch_optional(at)
    .await
    .map_err(fault)?;
    let is_known = known.is_some_and(|(begin, end)| (begin..=end).contains(&after.0));
    if is_known || after == Position::default() { Ok(()) } else { Err(unknown_since(after)) }
}

/// Changes of one run, which the run's key keeps in order, after the one of that number.
async fn changes_of(at: &mut SqliteConnection, run: i64, after: i64, at_most: i64) -> Result<Vec<SqliteRow>> {
    sqlx::query(
        "SELECT c.seq, c.kind, p.class, p.attribute, c.subject, COALESCE(c.name, o.name, '') AS name, o.body,
            c.target, c.target_class, c.parameters
         FROM change c JOIN part p ON p.number = c.part
         LEFT JOIN object_row o ON o.run = c.run AND o.part = c.part AND o.uid = c.subject AND c.target IS NULL
         WHERE c.run = $1 AND c.seq > $2 ORDER BY c.seq LIMIT $3",
    )
    .bind(run)
    .bind(after)
    .bind(at_most)
    .fetch_all(at)
    .await
    .map_err(fault)
}

fn object((uid, name, revision, body): Columns) -> PublishedRow {
    PublishedRow { uid, name, revision, body }
}

fn link((owner, end, class, parameters): Link) -> Result<PublishedLink> {
    let (from, to) = (key(&owner)?, target(&end, &class)?);
    Ok(PublishedLink { owner: from, target: to, parameters, position: LinkPosition(owner, end, class) })
}

fn change(row: &SqliteRow, first: i64) -> Result<PublishedChange> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(fault);
    let kind = word("kind of change", text("kind")?)?;
    let (uid, name, body) = match kind {
        ChangeKind::Insert | ChangeKind::Update => {
            let body = row.try_get("body").map_err(fault)?;
            (text("subject")?, text("name")?, body)
        }
        ChangeKind::Delete => (text("subject")?, text("name")?, None),
        ChangeKind::LinkAdded | ChangeKind::LinkRemoved => {
            let (uid, name) = match key(&text("subject")?)? {
                Key::Uid(uid) => (uid, String::new()),
                Key::Name(name) => (String::new(), name),
            };
            (uid, name, Some(link_body(row)?))
        }
    };
    let position = Position(first.saturating_add(row.try_get("seq").map_err(fault)?));
    Ok(PublishedChange { position, kind, class: text("class")?, uid, name, body })
}

/// `{"attribute", "target": {"class"?, "uid" or "name"}, "parameters"}` as JSON text.
fn link_body(row: &SqliteRow) -> Result<String> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(fault);
    let target = target(&text("target")?, &text("target_class")?)?;
    let parameters: serde_json::Value =
        serde_json::from_str(&text("parameters")?).map_err(|why| unreadable("set of parameters", &why))?;
    let target = value_to_json(&Value::Reference(target));
    let body = serde_json::json!({ "attribute": text("attribute")?, "target": target, "parameters": parameters });
    Ok(body.to_string())
}
