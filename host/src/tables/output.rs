//! Outputs: the tables of a connection as files of one folder, all of the same run, with a manifest that says what they
//! are.
//!
//! Memory is bounded by one batch, whatever the tables hold. Read incrementally, a table has what changed since it was
//! written to the same place last; one that never was, or of which that is not known any more, is complete.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::download::{Download, Format};
use super::place::{Folder, Output as File, Place};
use super::reading::Reading;
use super::{Tables, views};
use crate::model::{Error, FailureKind, Output, OutputFormat, Position, Result, TableName, TableSuffix, Task, TaskId};
use crate::store::WrittenTable;

/// The file that says what the others are.
pub(super) const MANIFEST: &str = "manifest.json";

/// Where a writing stands when it begins.
pub enum Begun {
    /// It was done before; only nobody got to know.
    Done(Vec<WrittenTable>),
    Now(Box<Writing>),
}

/// Tables on their way into a place.
pub struct Writing {
    folder: Folder,
    format: Format,
    /// Those that wait, the next one last.
    waiting: Vec<Reading>,
    current: Option<Current>,
    manifest: Manifest,
    set_aside: HashMap<String, Option<u64>>,
    rows: u64,
}

struct Current {
    name: TableName,
    since: Option<Position>,
    download: Download,
    file: File,
}

/// What is in a folder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    connection: String,
    task: TaskId,
    /// Of the import; missing before the first one was published.
    run: Option<i64>,
    /// Everything up to here is in the files, and nothing after it.
    position: i64,
    format: OutputFormat,
    tables: Vec<Entry>,
}

/// One file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    table: String,
    suffix: Option<TableSuffix>,
    file: String,
    /// The file has what changed after this position; all rows, if it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    rows: u64,
    /// Records that are not in the table; missing where all objects would have to be read to count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<u64>,
    bytes: u64,
    /// In hexadecimal digits.
    sha256: String,
}

impl Tables {
    /// Are these tables the connection has, as far as that is known yet?
    ///
    /// # Errors
    /// `invalid-request` naming the tables there are; as [`Self::list`].
    pub async fn require(&self, connection: &crate::model::ConnectionId, suffixes: &[TableSuffix]) -> Result<()> {
        if self.outline(connection).await?.unread {
            return Ok(());
        }
        for suffix in suffixes {
            let found = self.table(connection, Some(suffix)).await;
            found.map_err(|error| Error::invalid(error.message).blaming("output.tables"))?;
        }
        Ok(())
    }

    /// Begins to write the tables a task asks for, as they are published now; those of `since` with what changed since
    /// then.
    ///
    /// # Errors
    /// As [`Self::open`]; `configuration` if the place cannot be written; `retryable` if that may pass.
    pub async fn write(
        &self,
        task: &Task,
        output: &Output,
        place: &Place,
        since: &HashMap<String, Position>,
    ) -> Result<Begun> {
        let folder = place.folder(&task.connection, task.id).await?;
        if let Some(found) = folder.read(MANIFEST).await? {
            return done(&found).map(Begun::Done);
        }
        let mut waiting = self.of_one_run(task, output, since).await?;
        let mut set_aside = HashMap::new();
        for reading in &waiting {
            let counted = self.table(&task.connection, reading.view().name.suffix.as_ref()).await?;
            set_aside.insert(reading.view().name.to_string(), counted.set_aside);
        }
        waiting.reverse();
        folder.begin().await?;
        let manifest = Manifest {
            connection: task.connection.to_string(),
            task: task.id,
            run: waiting.first().and_then(Reading::run),
            position: waiting.first().map_or(Position::default(), Reading::position).0,
            format: output.format,
            tables: Vec::new(),
        };
        let format = match output.format {
            OutputFormat::Csv => Format::Csv { escape: output.escape_formulas },
            OutputFormat::Parquet => Format::Parquet,
        };
        Ok(Begun::Now(Box::new(Writing { folder, format, waiting, current: None, manifest, set_aside, rows: 0 })))
    }

    /// The tables, all as one run shows them: where another one is published meanwhile, they are opened again.
    async fn of_one_run(
        &self,
        task: &Task,
        output: &Output,
        since: &HashMap<String, Position>,
    ) -> Result<Vec<Reading>> {
        let suffixes: Vec<Option<TableSuffix>> = match &output.tables {
            Some(named) => named.iter().cloned().map(Some).collect(),
            None => {
                let described = self.connections.describe(&task.connection).await?;
                views(&described).into_iter().map(|view| view.name.suffix).collect()
            }
        };
        loop {
            let mut readings = Vec::new();
            for suffix in &suffixes {
                let name = TableName { connection: task.connection.clone(), suffix: suffix.clone() };
                let since = since.get(&WrittenTable::key(suffix.as_ref())).copied();
                readings.push(match self.open(&name, since).await {
                    Err(error) if error.is(FailureKind::ResyncRequired) => self.open(&name, None).await?,
                    opened => opened?,
                });
            }
            let run = readings.first().and_then(Reading::run);
            if readings.iter().all(|reading| reading.run() == run) {
                return Ok(readings);
            }
        }
    }
}

impl Writing {
    /// Writes one piece more. False at the end. One that is dropped can only be abandoned.
    ///
    /// # Errors
    /// As [`Tables::write`].
    pub async fn step(&mut self) -> Result<bool> {
        let Some(current) = &mut self.current else { return self.next_table().await };
        match current.download.next().await? {
            Some(piece) => current.file.write(&piece).await?,
            None => self.end_table().await?,
        }
        Ok(true)
    }

    /// The table that is being written.
    pub fn table(&self) -> Option<String> {
        self.current.as_ref().map(|current| current.name.to_string())
    }

    /// Rows that were written so far, of all tables.
    pub fn rows(&self) -> u64 {
        self.rows + self.current.as_ref().map_or(0, |current| current.download.rows())
    }

    /// Lets the files appear, with the manifest that says what they are: what appeared.
    ///
    /// # Errors
    /// As [`Tables::write`]. Whether they have appeared is found out by who begins again.
    pub async fn finish(self) -> Result<Vec<WrittenTable>> {
        let text = serde_json::to_vec_pretty(&self.manifest).map_err(|why| Error::internal(why.to_string()))?;
        self.folder.appear(MANIFEST, text).await?;
        Ok(self.manifest.written())
    }

    /// Throws away what was written. What cannot be is thrown away when the task begins again.
    pub async fn abandon(self) {
        let file = match self.current {
            Some(current) => current.file.abandon().await,
            None => Ok(()),
        };
        if let Err(error) = file.and(self.folder.abandon().await) {
            tracing::warn!(%error, task = %self.manifest.task, "what was written of tables is left behind");
        }
    }

    async fn next_table(&mut self) -> Result<bool> {
        let Some(reading) = self.waiting.pop() else { return Ok(false) };
        let name = reading.view().name.clone();
        let since = reading.since();
        let download = Download::begin(reading, self.format).await?;
        let file = self.folder.file(&self.file_name(&name)).await?;
        self.current = Some(Current { name, since, download, file });
        Ok(true)
    }

    async fn end_table(&mut self) -> Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let (sha256, bytes) = current.file.end().await?;
        let Some(current) = self.current.take() else { return Ok(()) };
        let rows = current.download.rows();
        let table = current.name.to_string();
        let set_aside = self.set_aside.get(&table).copied().flatten();
        let (file, since) = (self.file_name(&current.name), current.since.map(|since| since.0));
        self.rows += rows;
        self.manifest.tables.push(Entry {
            table,
            suffix: current.name.suffix,
            file,
            since,
            rows,
            set_aside,
            bytes,
            sha256,
        });
        Ok(())
    }

    fn file_name(&self, name: &TableName) -> String {
        format!("{name}.{}", self.format.extension())
    }
}

impl Manifest {
    fn written(self) -> Vec<WrittenTable> {
        let position = Position(self.position);
        self.tables.into_iter().map(|entry| WrittenTable { suffix: entry.suffix, position }).collect()
    }
}

/// What a manifest that was written before says.
fn done(manifest: &[u8]) -> Result<Vec<WrittenTable>> {
    let read: serde_json::Result<Manifest> = serde_json::from_slice(manifest);
    read.map(Manifest::written).map_err(|why| {
        Error::failure(
            FailureKind::Configuration,
            format!(
                "the manifest in the place was changed by somebody, or what answers there is no object store: {why}"
            ),
        )
    })
}
