//! Tables of what imports have published: one for the objects of each class, named `<connection>_<class>`.
//!
//! Columns are `:uid`, `:name` and the readable attributes of the class, in the order of the schema; several values are a
//! list of JSON. A reading is cut if another import is published meanwhile, and tells no changes.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::check::Table;
use super::source::{Described, Later, TableBatch, TableReading, TableSource};
use crate::connections::Connections;
use crate::model::{
    AttributeInfo, ClassInfo, ColumnKind, Command, ConnectionId, Error, FailureKind, Position, Result, Syntax,
    TableCell, TableColumn, TableName, TableRow,
};
use crate::store::{PublishedRow, Store};

/// Rows of a batch.
const BATCH_ROWS: u32 = 1000;

/// The published objects of all connections.
pub struct Published {
    store: Store,
    connections: Connections,
}

/// A class that is being read.
struct Reading {
    store: Store,
    connection: ConnectionId,
    class: String,
    columns: Arc<[TableColumn]>,
    run: Option<i64>,
    position: Position,
    /// None: it is read to the end.
    after: Option<Option<String>>,
}

struct Batch {
    columns: Arc<[TableColumn]>,
    rows: Vec<PublishedRow>,
}

/// An object as it is stored.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    attributes: Map<String, Json>,
    #[serde(default)]
    unread: Vec<String>,
}

impl Published {
    /// Over what imports of these connections have published.
    pub fn new(store: Store, connections: Connections) -> Self {
        Self { store, connections }
    }

    async fn tables(&self, connection: &ConnectionId) -> Result<Described> {
        let status = self.connections.schema(connection).await?;
        let tables = status.schema.0.iter().filter_map(|class| table(connection, class)).collect();
        Ok(Described { tables, unread: status.refreshed.is_none(), schema: Some(status.schema) })
    }

    async fn read(&self, table: &TableName, since: Option<Position>) -> Result<Box<dyn TableReading>> {
        if since.is_some() {
            let message = "the changes since then are not known; read everything";
            return Err(Error::failure(FailureKind::ResyncRequired, message));
        }
        let described = self.tables(&table.connection).await?;
        let found = described.tables.into_iter().find(|known| known.name == *table);
        let found = found.ok_or_else(|| Error::not_found(format!("there is no table {table}")))?;
        let run = self.store.publication(&table.connection).await?.map(|publication| publication.run);
        Ok(Box::new(Reading {
            store: self.store.clone(),
            connection: table.connection.clone(),
            class: table.suffix.as_ref().map_or_else(String::new, ToString::to_string),
            columns: found.columns.into(),
            run,
            position: Position::default(),
            after: Some(None),
        }))
    }
}

impl TableSource for Published {
    fn describe<'a>(&'a self, connection: &'a ConnectionId) -> Later<'a, Described> {
        Box::pin(self.tables(connection))
    }

    fn open<'a>(&'a self, table: &'a TableName, since: Option<Position>) -> Later<'a, Box<dyn TableReading>> {
        Box::pin(self.read(table, since))
    }
}

impl TableReading for Reading {
    fn position(&self) -> Position {
        self.position
    }

    fn next(&mut self) -> Later<'_, Option<Box<dyn TableBatch>>> {
        Box::pin(async move {
            let Some(after) = self.after.take() else { return Ok(None) };
            let rows = self.store.published(&self.connection, &self.class, after.as_deref(), BATCH_ROWS).await?;
            let run = self.store.publication(&self.connection).await?.map(|publication| publication.run);
            if run != self.run {
                let message = "another import was published while this one was read; start again";
                return Err(Error::failure(FailureKind::ResyncRequired, message));
            }
            let full = u32::try_from(rows.len()) == Ok(BATCH_ROWS);
            self.after = rows.last().filter(|_| full).map(|row| Some(row.uid.clone()));
            Ok(Some(Box::new(Batch { columns: Arc::clone(&self.columns), rows }) as Box<dyn TableBatch>))
        })
    }
}

impl TableBatch for Batch {
    fn each(&self, take: &mut dyn FnMut(TableRow<'_>) -> Result<()>) -> Result<()> {
        for row in &self.rows {
            let body: Body = serde_json::from_str(&row.body)
                .map_err(|why| Error::internal(format!("an object's body is not readable: {why}")))?;
            let cells: Vec<TableCell<'_>> = self.columns.iter().map(|column| cell(column, row, &body)).collect();
            take(TableRow { command: None::<Command>, cells: &cells })?;
        }
        Ok(())
    }
}

fn table(connection: &ConnectionId, class: &ClassInfo) -> Option<Table> {
    let suffix = class.name.parse().ok()?;
    let own = |name: &str| TableColumn {
        name: name.to_owned(),
        kind: ColumnKind::Text,
        multi_valued: false,
        attribute: None,
    };
    let shown = class.attributes.iter().filter(|info| info.readable && !info.confidential && !info.large);
    let columns = [own(":uid"), own(":name")].into_iter().chain(shown.map(column)).collect();
    Some(Table { name: TableName { connection: connection.clone(), suffix: Some(suffix) }, columns })
}

fn column(info: &AttributeInfo) -> TableColumn {
    let kind = match info.syntax {
        _ if info.multi_valued => ColumnKind::Json,
        Syntax::Integer => ColumnKind::Integer,
        Syntax::Real => ColumnKind::Real,
        Syntax::Boolean => ColumnKind::Boolean,
        Syntax::Instant => ColumnKind::Instant,
        Syntax::Date => ColumnKind::Date,
        Syntax::Binary => ColumnKind::Binary,
        Syntax::Complex | Syntax::Reference => ColumnKind::Json,
        _ => ColumnKind::Text,
    };
    TableColumn { name: info.name.clone(), kind, multi_valued: info.multi_valued, attribute: Some(info.name.clone()) }
}

fn cell<'a>(column: &TableColumn, row: &'a PublishedRow, body: &'a Body) -> TableCell<'a> {
    match column.name.as_str() {
        ":uid" => return TableCell::Text(Cow::Borrowed(&row.uid)),
        ":name" => return TableCell::Text(Cow::Borrowed(&row.name)),
        _ => {}
    }
    let Some(values) = body.attributes.get(&column.name).and_then(Json::as_array) else {
        let unread = body.unread.contains(&column.name);
        return if unread { TableCell::Unread } else { TableCell::Null };
    };
    match (values.first(), column.kind) {
        (None, _) => TableCell::Null,
        (Some(_), ColumnKind::Json) if column.multi_valued => {
            TableCell::Json(Cow::Owned(Json::Array(values.clone()).to_string()))
        }
        (Some(value), kind) => single(value, kind),
    }
}

fn single(value: &Json, kind: ColumnKind) -> TableCell<'_> {
    let made = match kind {
        ColumnKind::Integer => value.as_i64().map(TableCell::Integer),
        ColumnKind::Real => value.as_f64().map(TableCell::Real),
        ColumnKind::Boolean => value.as_bool().map(TableCell::Boolean),
        ColumnKind::Instant => {
            let instant = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            instant.map(|instant| TableCell::Instant(instant.as_microsecond()))
        }
        ColumnKind::Date => {
            let date = value.as_str().and_then(|text| text.parse::<jiff::civil::Date>().ok());
            let days = date.and_then(|date| jiff::civil::date(1970, 1, 1).until(date).ok());
            days.map(|days| TableCell::Date(days.get_days()))
        }
        ColumnKind::Binary => {
            let bytes = value.get("binary").and_then(Json::as_str).and_then(|text| STANDARD.decode(text).ok());
            bytes.map(|bytes| TableCell::Binary(Cow::Owned(bytes)))
        }
        ColumnKind::Text | ColumnKind::Json => value.as_str().map(|text| TableCell::Text(Cow::Borrowed(text))),
    };
    made.unwrap_or_else(|| TableCell::Json(Cow::Owned(value.to_string())))
}
