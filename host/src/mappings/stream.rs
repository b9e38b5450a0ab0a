//! Entities, associations and owners without end, as lines of JSON: a page of text for every batch of rows.
//!
//! A line is an entity, a pair or whose an account is, or says that a row is set aside and why, so that its reader never
//! takes it for gone. Each names the row it comes from. Read since a position, a line says what to do (`insert`,
//! `update`, `merge`, `delete`); a changed row that no source wants any more is deleted. The last line tells the position
//! to go on from and how much there was.
//!
//! In memory are one batch, and what [`Uniqueness`] and [`Index`] keep. Of changed rows only those are held against each
//! other; the complete stream finds every duplicate.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::associations::{Associations, Lookup};
use super::check::{Known, Table};
use super::correlation::{Correlation, Owner};
use super::datum::Datum;
use super::entities::{Entities, Entity, SetAside, Uniqueness, Verdict};
use super::flaws::sound;
use super::index::{Index, disk};
use super::positions::Positions;
use super::source::{TableBatch, TableReading, TableSource};
use crate::model::{
    AssociationMapping, Command, CorrelationRule, EntityMapping, Error, FailureKind, MappingId, PropertyName, Result,
    StrayLink, TableCell, TableEntry, TableName, TableRow,
};

/// What a stream needs: where rows are, what the mapping names, where temporary files may be.
#[derive(Clone)]
pub struct Ground {
    pub source: Arc<dyn TableSource>,
    pub tables: Vec<Table>,
    pub entities: Vec<EntityMapping>,
    pub folder: PathBuf,
}

/// How much a stream told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Entities or pairs, deletions not counted.
    pub made: u64,
    pub set_aside: u64,
    /// Rows that no source wants.
    pub unmatched: u64,
    /// Deletions; in a complete stream there are none.
    pub deleted: u64,
}

/// The lines of one mapping.
pub struct Lines {
    /// None after a failure.
    maker: Option<(Maker, Told)>,
    readings: VecDeque<(Arc<Rows>, Box<dyn TableReading>)>,
    ends: Positions,
    done: bool,
}

/// Makes lines of rows.
enum Maker {
    Entities(Entities, Uniqueness),
    Associations(Box<Associations>, Box<[Option<Index>; 2]>),
    Owners { accounts: Entities, unique: Uniqueness, correlation: Correlation, indexes: Vec<Index> },
}

/// A table, and which columns tell its rows apart; with the JSON around their values, which is the same in every line.
struct Rows {
    table: TableName,
    head: String,
    identity: Vec<(String, usize)>,
}

impl Ground {
    fn known(&self) -> Known<'_> {
        Known { tables: &self.tables, entities: &self.entities, ..Known::default() }
    }

    /// Readings of these tables, each once, those of a connection of one moment: its position holds for all of them.
    async fn open(
        &self,
        tables: &[&TableName],
        since: Option<&Positions>,
    ) -> Result<(VecDeque<(Arc<Rows>, Box<dyn TableReading>)>, Positions)> {
        for _ in 0..OPENINGS_MAX {
            let (mut readings, mut ends, mut agree) = (VecDeque::new(), Positions::default(), true);
            for table in tables {
                let connection = table.connection.folded();
                let from = since.map(|since| since.of(&connection));
                let reading = self.source.open(table, from).await?;
                agree &= ends.note(connection, reading.position());
                readings.push_back((Arc::new(self.rows(table)), reading));
            }
            if agree {
                return Ok((readings, ends));
            }
        }
        let message = "imports were published again and again while the tables were opened; read again";
        Err(Error::failure(FailureKind::Retryable, message))
    }

    fn rows(&self, table: &TableName) -> Rows {
        let columns = self.tables.iter().find(|known| known.name == *table).map(|known| known.columns.as_slice());
        let named = columns.unwrap_or_default().iter().enumerate();
        let identity = named.filter(|(_, column)| IDENTITY.contains(&column.name.as_str()));
        let label = |name: &str| format!(",\"{}\":", name.trim_start_matches(':'));
        let identity = identity.map(|(number, column)| (label(&column.name), number)).collect();
        Rows { table: table.clone(), head: format!(",\"row\":{{\"table\":\"{table}\""), identity }
    }

    fn entity(&self, id: &MappingId) -> Result<&EntityMapping> {
        let found = self.entities.iter().find(|mapping| mapping.id.folded() == id.folded());
        found.ok_or_else(|| Error::not_found(format!("there is no mapping {id}")))
    }

    /// The entities of a type by one property, and up to where they are known.
    async fn index(&self, lookup: &Lookup, known_to: &mut Positions) -> Result<Index> {
        let known = self.known();
        let entities = sound(Entities::compile(self.entity(&lookup.entity)?, &known))?;
        let unique = Uniqueness::of(&entities, &known, &self.folder);
        let by = entities.names().iter().position(|name| *name == lookup.by).unwrap_or_default();
        let (readings, ends) = self.open(&entities.tables(), None).await?;
        known_to.join(ends);
        let mut indexing = Indexing { entities, unique, by, index: Index::new(&self.folder)? };
        for (rows, mut reading) in readings {
            while let Some(batch) = reading.next().await? {
                let rows = Arc::clone(&rows);
                indexing = aside_of_others(move || indexing.note(&rows.table, batch.as_ref())).await?;
            }
        }
        Ok(indexing.index)
    }
}

/// An index that is being made.
struct Indexing {
    entities: Entities,
    unique: Uniqueness,
    /// The property it is by.
    by: usize,
    index: Index,
}

impl Indexing {
    fn note(mut self, table: &TableName, batch: &dyn TableBatch) -> Result<Self> {
        let Self { entities, unique, by, index } = &mut self;
        batch.each(&mut |entry| {
            let TableEntry::Row(row) = entry else { return Ok(()) };
            let Verdict::Made(entity) = entities.judge(table, row.cells) else { return Ok(()) };
            if unique.admit(entities, &entity).map_err(|why| disk(&why))?.is_some() {
                return Ok(());
            }
            match (entity.values.get(*by), entity.values.get(entities.key())) {
                (Some(value), Some(key)) => index.note(value, key),
                _ => Ok(()),
            }
        })?;
        Ok(self)
    }
}

/// Does what takes a while: a batch has thousands of rows, and requests of others wait for these threads.
async fn aside_of_others<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|why| Error::internal(format!("rows were not mapped: {why}")))?
}

/// How often the tables of a connection are opened again, because an import was published between them.
const OPENINGS_MAX: usize = 5;
/// The columns that tell rows apart.
const IDENTITY: [&str; 6] = [":uid", ":class", ":owner", ":owner-class", ":value", ":value-class"];

impl Lines {
    /// The entities of a mapping: all, or what changed since.
    ///
    /// # Errors
    /// Those of the mapping, which may no longer be right, and those of [`TableSource::open`].
    pub async fn entities(mapping: &EntityMapping, ground: &Ground, since: Option<&Positions>) -> Result<Self> {
        let known = ground.known();
        let entities = sound(Entities::compile(mapping, &known))?;
        let unique = Uniqueness::of(&entities, &known, &ground.folder);
        let (readings, ends) = ground.open(&entities.tables(), since).await?;
        Ok(Self::new(Maker::Entities(entities, unique), readings, ends))
    }

    /// The pairs of a mapping: all, or what changed since.
    ///
    /// # Errors
    /// As [`Lines::entities`].
    pub async fn associations(
        mapping: &AssociationMapping,
        ground: &Ground,
        since: Option<&Positions>,
    ) -> Result<Self> {
        let associations = sound(Associations::compile(mapping, &ground.known()))?;
        let (readings, mut ends) = ground.open(&[associations.table()], since).await?;
        let (mut indexes, mut looked_up) = (Box::new([None, None]), Positions::default());
        for (index, lookup) in indexes.iter_mut().zip(associations.lookups()) {
            if let Some(lookup) = lookup {
                *index = Some(ground.index(&lookup, &mut looked_up).await?);
            }
        }
        // Who has a value now may be somebody else than before, in pairs whose own rows did not change.
        if since.is_some_and(|since| !looked_up.are(since)) {
            let message = "the entities that pairs name by a unique property may have changed since; read everything";
            return Err(Error::failure(FailureKind::ResyncRequired, message).blaming("since"));
        }
        ends.join(looked_up);
        Ok(Self::new(Maker::Associations(Box::new(associations), indexes), readings, ends))
    }

    /// Whose the accounts of a rule are.
    ///
    /// # Errors
    /// As [`Lines::entities`].
    pub async fn owners(rule: &CorrelationRule, ground: &Ground) -> Result<Self> {
        let known = ground.known();
        let correlation = sound(Correlation::compile(rule, &known))?;
        let accounts = sound(Entities::compile(ground.entity(&rule.accounts)?, &known))?;
        let unique = Uniqueness::of(&accounts, &known, &ground.folder);
        let (readings, mut ends) = ground.open(&accounts.tables(), None).await?;
        let mut indexes = Vec::new();
        for (entity, by) in correlation.lookups() {
            indexes.push(ground.index(&Lookup { entity: entity.clone(), by: by.clone() }, &mut ends).await?);
        }
        Ok(Self::new(Maker::Owners { accounts, unique, correlation, indexes }, readings, ends))
    }

    fn new(maker: Maker, readings: VecDeque<(Arc<Rows>, Box<dyn TableReading>)>, ends: Positions) -> Self {
        Self { maker: Some((maker, Told::default())), readings, ends, done: false }
    }

    /// The next lines; none after the last.
    ///
    /// # Errors
    /// Those of the tables and of the disk.
    pub async fn next(&mut self) -> Result<Option<String>> {
        while let Some((rows, reading)) = self.readings.front_mut() {
            let Some(batch) = reading.next().await? else {
                self.readings.pop_front();
                continue;
            };
            let (rows, maker) = (Arc::clone(rows), self.maker.take().ok_or_else(failed_before)?);
            let (maker, text) = aside_of_others(move || lines(maker, &rows, batch.as_ref())).await?;
            self.maker = Some(maker);
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let (_, told) = self.maker.as_ref().ok_or_else(failed_before)?;
        Ok(Some(format!("{}\n", json!({"end": {"position": self.ends.to_string(), "told": told}}))))
    }
}

/// The lines of a batch.
fn lines((mut maker, mut told): (Maker, Told), rows: &Rows, batch: &dyn TableBatch) -> Result<((Maker, Told), String)> {
    let mut text = Vec::new();
    batch.each(&mut |entry| match entry {
        TableEntry::Row(row) => maker.line(rows, row, &mut told, &mut text),
        TableEntry::Stray(link) => stray(rows, &link, &mut told, &mut text),
    })?;
    let text = String::from_utf8(text).map_err(|why| Error::internal(why.to_string()))?;
    Ok(((maker, told), text))
}

fn failed_before() -> Error {
    Error::internal("the stream failed before")
}

impl Maker {
    /// The line of one row, if it has one.
    fn line(&mut self, rows: &Rows, row: TableRow<'_>, told: &mut Told, into: &mut Vec<u8>) -> Result<()> {
        if row.command == Some(Command::Delete) {
            return delete(rows, row.cells, told, into);
        }
        match self {
            Self::Entities(entities, unique) => match entities.judge(&rows.table, row.cells) {
                Verdict::Made(entity) => match unique.admit(entities, &entity).map_err(|why| disk(&why))? {
                    Some(aside) => set_aside(rows, row.cells, &aside, told, into),
                    None => written(entity_line(entities, &entity, rows, row, into), told),
                },
                Verdict::SetAside(aside) => set_aside(rows, row.cells, &aside, told, into),
                Verdict::Unmatched => unmatched(rows, row, told, into),
            },
            Self::Associations(associations, indexes) => match associations.judge(row.cells, indexes)? {
                Verdict::Made(pair) => {
                    let line = pair_line(associations, (&pair.left, &pair.right), &pair.values, rows, row, into);
                    written(line, told)
                }
                Verdict::SetAside(aside) => set_aside(rows, row.cells, &aside, told, into),
                Verdict::Unmatched => unmatched(rows, row, told, into),
            },
            Self::Owners { accounts, unique, correlation, indexes } => match accounts.judge(&rows.table, row.cells) {
                Verdict::Made(account) => match unique.admit(accounts, &account).map_err(|why| disk(&why))? {
                    Some(aside) => set_aside(rows, row.cells, &aside, told, into),
                    None => {
                        let owner = correlation.owner(&account, indexes)?;
                        let key = account.values.get(accounts.key()).unwrap_or(&Datum::Null);
                        written(owner_line(key, &owner, rows, row, into), told)
                    }
                },
                Verdict::SetAside(aside) => set_aside(rows, row.cells, &aside, told, into),
                Verdict::Unmatched => unmatched(rows, row, told, into),
            },
        }
    }
}

fn written(line: Result<()>, told: &mut Told) -> Result<()> {
    told.made += 1;
    line
}

fn entity_line(
    entities: &Entities,
    entity: &Entity<'_>,
    rows: &Rows,
    row: TableRow<'_>,
    into: &mut Vec<u8>,
) -> Result<()> {
    into.extend(b"{");
    command(row.command, into);
    into.extend(b"\"key\":");
    let key = entity.values.get(entities.key()).unwrap_or(&Datum::Null);
    key.write(into).map_err(|why| Error::internal(why.into_owned()))?;
    properties(entities.names().iter().zip(&entity.values), into)?;
    identity(rows, row.cells, into)
}

fn pair_line(
    associations: &Associations,
    (left, right): (&str, &str),
    values: &[Datum<'_>],
    rows: &Rows,
    row: TableRow<'_>,
    into: &mut Vec<u8>,
) -> Result<()> {
    into.extend(b"{");
    command(row.command, into);
    into.extend(format!("\"left\":{left},\"right\":{right}").as_bytes());
    properties(associations.names().zip(values), into)?;
    identity(rows, row.cells, into)
}

fn owner_line(account: &Datum<'_>, owner: &Owner, rows: &Rows, row: TableRow<'_>, into: &mut Vec<u8>) -> Result<()> {
    into.extend(b"{\"account\":");
    account.write(into).map_err(|why| Error::internal(why.into_owned()))?;
    let text = match owner {
        // An identifier has no character that JSON escapes.
        Owner::Matched { identity, key, by } => {
            format!(",\"owner\":{{\"identity\":\"{identity}\",\"key\":{key},\"by\":{by}}}")
        }
        Owner::Unmatched => ",\"owner\":null".to_owned(),
        Owner::Disputed { by } => format!(",\"disputed\":{}", json!({"by": by})),
        Owner::Unknown { by, reason } => format!(",\"unknown\":{}", json!({"by": by, "reason": reason})),
    };
    into.extend(text.as_bytes());
    identity(rows, row.cells, into)
}

fn unmatched(rows: &Rows, row: TableRow<'_>, told: &mut Told, into: &mut Vec<u8>) -> Result<()> {
    told.unmatched += 1;
    // It may have been an entity before it changed.
    if row.command.is_some_and(|command| command != Command::Insert) {
        return delete(rows, row.cells, told, into);
    }
    Ok(())
}

fn delete(rows: &Rows, cells: &[TableCell<'_>], told: &mut Told, into: &mut Vec<u8>) -> Result<()> {
    told.deleted += 1;
    into.extend(b"{\"command\":\"delete\"");
    identity(rows, cells, into)
}

fn set_aside(
    rows: &Rows,
    cells: &[TableCell<'_>],
    aside: &SetAside,
    told: &mut Told,
    into: &mut Vec<u8>,
) -> Result<()> {
    told.set_aside += 1;
    let mut why = json!({"reason": aside.reason});
    if let (Some(property), Some(why)) = (&aside.property, why.as_object_mut()) {
        why.insert("property".to_owned(), property.as_str().into());
    }
    into.extend(format!("{{\"setAside\":{why}").as_bytes());
    identity(rows, cells, into)
}

/// A link that is no row: it is told, because who reads pairs would take it for gone.
fn stray(rows: &Rows, link: &StrayLink<'_>, told: &mut Told, into: &mut Vec<u8>) -> Result<()> {
    told.set_aside += 1;
    into.extend(format!("{{\"setAside\":{}", json!({"reason": link.reason()})).as_bytes());
    into.extend(rows.head.as_bytes());
    for (label, end) in [("owner", Some(&link.owner)), ("target", link.target.as_ref())] {
        if let Some(end) = end {
            into.extend(format!(",\"{label}\":{}", json!(end)).as_bytes());
        }
    }
    into.extend(b"}}\n");
    Ok(())
}

fn command(command: Option<Command>, into: &mut Vec<u8>) {
    if let Some(command) = command {
        into.extend(format!("\"command\":\"{}\",", command.as_str()).as_bytes());
    }
}

/// What was not read is named, and not among the properties.
fn properties<'p>(
    properties: impl Iterator<Item = (&'p PropertyName, &'p Datum<'p>)> + Clone,
    into: &mut Vec<u8>,
) -> Result<()> {
    into.extend(b",\"properties\":{");
    let mut comma = b"\"".as_slice();
    for (name, value) in properties.clone().filter(|(_, value)| **value != Datum::Unread) {
        // A name has no character that JSON escapes.
        into.extend(comma);
        into.extend(name.as_str().as_bytes());
        into.extend(b"\":");
        value.write(into).map_err(|why| Error::internal(why.into_owned()))?;
        comma = b",\"";
    }
    into.extend(b"}");
    let unread: Vec<&str> =
        properties.filter(|(_, value)| **value == Datum::Unread).map(|(name, _)| name.as_str()).collect();
    if !unread.is_empty() {
        into.extend(format!(",\"unread\":{}", json!(unread)).as_bytes());
    }
    Ok(())
}

/// Ends a line with the row it comes from.
fn identity(rows: &Rows, cells: &[TableCell<'_>], into: &mut Vec<u8>) -> Result<()> {
    into.extend(rows.head.as_bytes());
    for (label, number) in &rows.identity {
        let value = cells.get(*number).map_or(Datum::Null, Datum::of);
        if !value.is_missing() {
            into.extend(label.as_bytes());
            value.write(into).map_err(|why| Error::internal(why.into_owned()))?;
        }
    }
    into.extend(b"}}\n");
    Ok(())
}

#[cfg(test)]
mod tests;
