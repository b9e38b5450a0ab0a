//! Streams over tables made by hand, which change between two readings.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::super::source::{Described, Later, TableBatch};
use super::*;
use crate::model::{ColumnKind, ConnectionId, FailureKind, Position, StrayLink, TableColumn};

/// A row of texts, with what an incremental reading says of it.
type Made = (Option<Command>, Vec<&'static str>);

/// Tables of text columns; `changed` is what a reading since a position gives.
#[derive(Default)]
struct Shelf {
    tables: Vec<Table>,
    rows: Vec<Vec<Made>>,
    changed: Vec<Vec<Made>>,
}

struct Reading(VecDeque<Vec<Made>>, i64);

struct Batch(Vec<Made>);

impl Shelf {
    fn with(mut self, name: &str, columns: &[&str], rows: Vec<Vec<&'static str>>, changed: Vec<Made>) -> Self {
        let text = |name: &&str| TableColumn {
            name: (*name).to_owned(),
            kind: ColumnKind::Text,
            multi_valued: false,
            attribute: None,
        };
        self.tables.push(Table { name: name.parse().unwrap(), columns: columns.iter().map(text).collect() });
        self.rows.push(rows.into_iter().map(|row| (None, row)).collect());
        self.changed.push(changed);
        self
    }

    fn ground(self, entities: Vec<EntityMapping>) -> Ground {
        let tables = self.tables.clone();
        Ground { source: Arc::new(self), tables, entities, folder: std::env::temp_dir() }
    }
}

impl TableSource for Shelf {
    fn describe<'a>(&'a self, connection: &'a ConnectionId) -> Later<'a, Described> {
        let tables = self.tables.iter().filter(|table| table.name.connection == *connection).cloned().collect();
        Box::pin(async { Ok(Described { tables, ..Described::default() }) })
    }

    fn open<'a>(&'a self, table: &'a TableName, since: Option<Position>) -> Later<'a, Box<dyn TableReading>> {
        Box::pin(async move {
            let at = self.tables.iter().position(|known| known.name == *table);
            let at = at.ok_or_else(|| Error::not_found("no such table"))?;
            let rows = match since {
                None => &self.rows[at],
                Some(Position(3..)) => &self.changed[at],
                Some(_) => return Err(Error::failure(FailureKind::ResyncRequired, "too old")),
            };
            // Batches of two, so that there are several.
            let batches = rows.chunks(2).map(<[Made]>::to_vec).collect();
            Ok(Box::new(Reading(batches, 7)) as Box<dyn TableReading>)
        })
    }
}

impl TableReading for Reading {
    fn position(&self) -> Position {
        Position(self.1)
    }

    fn next(&mut self) -> Later<'_, Option<Box<dyn TableBatch>>> {
        let batch = self.0.pop_front().map(|rows| Box::new(Batch(rows)) as Box<dyn TableBatch>);
        Box::pin(async { Ok(batch) })
    }
}

impl TableBatch for Batch {
    fn each(&self, take: &mut dyn FnMut(TableEntry<'_>) -> Result<()>) -> Result<()> {
        for (command, texts) in &self.0 {
            if let ["stray", owner, target] = texts.as_slice() {
                let target = (*target != "?").then_some(Cow::Borrowed(*target));
                take(TableEntry::Stray(StrayLink { owner: Cow::Borrowed(owner), target }))?;
                continue;
            }
            let cell = |text: &&'static str| match *text {
                "-" => TableCell::Null,
                "?" => TableCell::Unread,
                text => TableCell::Text(Cow::Borrowed(text)),
            };
            let cells: Vec<TableCell<'_>> = texts.iter().map(cell).collect();
            take(TableEntry::Row(TableRow { command: *command, cells: &cells }))?;
        }
        Ok(())
    }
}

fn people(changed: Vec<Made>) -> Shelf {
    let rows = vec![
        vec!["u1", "1", "a@x", ""],
        vec!["u2", "2", "a@x", ""],
        vec!["u3", "-", "c@x", ""],
        vec!["u4", "4", "?", ""],
        vec!["u5", "5", "e@x", "left"],
    ];
    Shelf::default().with("hr_person", &[":uid", "number", "mail", "status"], rows, changed)
}

fn person() -> EntityMapping {
    serde_json::from_value(json!({
        "id": "person", "title": "People", "sources": [{"table": "HR_person", "where": "row.status != 'left'"}],
        "key": "number", "unique": ["mail"],
        "properties": {"number": {"type": "integer", "from": {"column": "number"}}, "mail": {"from": {"column": "mail"}}},
    }))
    .unwrap()
}

fn reports() -> AssociationMapping {
    serde_json::from_value(json!({
        "id": "reports", "title": "Reports", "table": "hr_boss",
        "left": {"from": {"column": ":owner"}, "entity": "person", "by": "mail"},
        "right": {"from": {"column": "boss"}, "entity": "person"},
        "properties": {"since": {"type": "date", "from": {"column": "since"}}},
    }))
    .unwrap()
}

async fn lines(mut lines: Lines) -> Vec<Json> {
    let mut text = String::new();
    while let Some(more) = lines.next().await.unwrap() {
        text += &more;
    }
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_row_is_an_entity_or_set_aside_or_counted() {
    let ground = people(Vec::new()).ground(vec![person()]);
    let told = lines(Lines::entities(&person(), &ground, None).await.unwrap()).await;
    let row = |uid: &str| json!({"table": "hr_person", "uid": uid});
    let expected = [
        json!({"key": 1, "properties": {"mail": "a@x", "number": 1}, "row": row("u1")}),
        json!({"setAside": {"reason": "another entity has the same value", "property": "mail"}, "row": row("u2")}),
        json!({"setAside": {"reason": "the key is null", "property": "number"}, "row": row("u3")}),
        json!({"key": 4, "properties": {"number": 4}, "unread": ["mail"], "row": row("u4")}),
        json!({"end": {
            "position": "hr:7",
            "told": {"made": 2, "setAside": 2, "unmatched": 1, "deleted": 0},
        }}),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn since_a_position_lines_say_what_to_do_and_what_no_source_wants_any_more_is_deleted() {
    let changed = vec![
        (Some(Command::Update), vec!["u1", "1", "new@x", ""]),
        (Some(Command::Merge), vec!["u2", "2", "?", ""]),
        (Some(Command::Update), vec!["u4", "4", "d@x", "left"]),
        (Some(Command::Insert), vec!["u6", "6", "f@x", "left"]),
        (Some(Command::Delete), vec!["u5", "-", "-", "-"]),
    ];
    let ground = people(changed).ground(vec![person()]);
    let since = "hr:5".parse().unwrap();
    let told = lines(Lines::entities(&person(), &ground, Some(&since)).await.unwrap()).await;
    let row = |uid: &str| json!({"table": "hr_person", "uid": uid});
    let expected = [
        json!({"command": "update", "key": 1, "properties": {"mail": "new@x", "number": 1}, "row": row("u1")}),
        json!({"command": "merge", "key": 2, "properties": {"number": 2}, "unread": ["mail"], "row": row("u2")}),
        json!({"command": "delete", "row": row("u4")}),
        json!({"command": "delete", "row": row("u5")}),
        json!({"end": {
            "position": "hr:7",
            "told": {"made": 2, "setAside": 0, "unmatched": 2, "deleted": 2},
        }}),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_position_that_is_too_old_is_told_before_the_first_line() {
    let ground = people(Vec::new()).ground(vec![person()]);
    let since = "hr:1".parse().unwrap();
    let error = Lines::entities(&person(), &ground, Some(&since)).await.err().unwrap();
    assert!(error.is(FailureKind::ResyncRequired), "{error}");
}

#[tokio::test]
async fn pairs_are_told_by_keys_and_an_end_nobody_has_is_set_aside() {
    let mut bosses = vec![vec!["a@x", "4", "2020-01-01"], vec!["z@x", "4", "-"], vec!["a@x", "x", "-"]];
    bosses.extend([vec!["stray", "a@x", "Nobody"], vec!["stray", "b@x", "?"]]);
    let shelf = people(Vec::new()).with("hr_boss", &[":owner", "boss", "since"], bosses, Vec::new());
    let ground = shelf.ground(vec![person()]);
    let told = lines(Lines::associations(&reports(), &ground, None).await.unwrap()).await;
    let row = |owner: &str| json!({"table": "hr_boss", "owner": owner});
    let expected = [
        json!({"left": 1, "right": 4, "properties": {"since": "2020-01-01"}, "row": row("a@x")}),
        json!({"setAside": {"reason": "left: no entity of person has this value"}, "row": row("z@x")}),
        json!({"setAside": {"reason": "right: the text is no whole number"}, "row": row("a@x")}),
        json!({"setAside": {"reason": "an end of the link is a name that no imported object has, or more than one"},
            "row": {"table": "hr_boss", "owner": "a@x", "target": "Nobody"}}),
        json!({"setAside": {"reason": "what it points to was not read, or not all of it"}, "row": row("b@x")}),
        json!({"end": {
            "position": "hr:7",
            "told": {"made": 1, "setAside": 4, "unmatched": 0, "deleted": 0},
        }}),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_mapping_that_is_no_longer_right_is_refused_with_the_nearest_names() {
    let ground = people(Vec::new()).ground(vec![person()]);
    let mut mapping = person();
    mapping.sources[0].table = "hr_persons".parse().unwrap();
    let error = Lines::entities(&mapping, &ground, None).await.err().unwrap();
    assert!(error.message.contains("did you mean hr_person?"), "{error}");
}
