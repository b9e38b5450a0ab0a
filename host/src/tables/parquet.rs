//! Rows as Parquet: typed columns, a row group at a time, compressed with Snappy.
//!
//! Columns are written through the crate's own column writers: its Arrow layer would be another copy and thirty more
//! crates. Values wait in one buffer a column until the row group is full, in rows or in bytes.

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use std::sync::Arc;

use super::view::COMMAND;
use crate::model::{ColumnKind, Error, Position, Result, TableCell, TableColumn, TableRow};

/// Rows of a row group at most.
const GROUP_ROWS: usize = 64 * 1024;
/// Bytes of texts of a row group, about.
const GROUP_BYTES: usize = 16 * 1024 * 1024;
/// Where a file says up to which position it is complete.
pub(super) const POSITION_KEY: &str = "hawser.position";

/// A Parquet file being written.
pub(super) struct Parquet {
    writer: SerializedFileWriter<Vec<u8>>,
    columns: Vec<Column>,
    /// The first column is not one of the cells.
    command: bool,
    rows: usize,
    bytes: usize,
}

/// The values of a column that wait for their row group: null is level 0, a value level 1.
struct Column {
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    /// All bytes, and where each value ends.
    Bytes(Vec<u8>, Vec<usize>),
    Int64(Vec<i64>),
    Int32(Vec<i32>),
    Double(Vec<f64>),
    Bool(Vec<bool>),
}

impl Parquet {
    pub(super) fn new(columns: &[TableColumn], incremental: bool, position: Position) -> Result<Self> {
        let command = incremental.then_some((COMMAND, ColumnKind::Text));
        let all = command.into_iter().chain(columns.iter().map(|column| (column.name.as_str(), column.kind)));
        let all: Vec<(&str, ColumnKind)> = all.collect();
        let fields = all.iter().map(|(name, kind)| field(name, *kind).map(Arc::new)).collect::<Result<_>>()?;
        let schema = Type::group_type_builder("table").with_fields(fields).build().map_err(broken)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by("hawser".to_owned())
            .set_key_value_metadata(Some(vec![KeyValue::new(POSITION_KEY.to_owned(), position.0.to_string())]))
            .build();
        let writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).map_err(broken)?;
        let columns = all.iter().map(|(_, kind)| Column::new(*kind)).collect();
        Ok(Self { writer, columns, command: incremental, rows: 0, bytes: 0 })
    }

    pub(super) fn row(&mut self, row: TableRow<'_>) -> Result<()> {
        let mut columns = self.columns.iter_mut();
        if let Some(column) = columns.by_ref().take(usize::from(self.command)).next() {
            let word = row.command.map(|command| command.as_str().into());
            self.bytes += column.push(&word.map_or(TableCell::Null, TableCell::Text));
        }
        for (column, cell) in columns.zip(row.cells) {
            self.bytes += column.push(cell);
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.close_group() } else { Ok(()) }
    }

    /// What is ready to be sent.
    pub(super) fn take(&mut self) -> Result<Vec<u8>> {
        self.writer.flush().map_err(|why| broken(why.into()))?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    /// The rest of the file.
    pub(super) fn end(mut self) -> Result<Vec<u8>> {
        if self.rows > 0 {
            self.close_group()?;
        }
        self.writer.finish().map_err(broken)?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    fn close_group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group().map_err(broken)?;
        for column in &mut self.columns {
            let Some(mut into) = group.next_column().map_err(broken)? else { break };
            column.write(&mut into).map_err(broken)?;
            into.close().map_err(broken)?;
        }
        group.close().map_err(broken)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Column {
    fn new(kind: ColumnKind) -> Self {
        let values = match kind {
            ColumnKind::Text | ColumnKind::Json | ColumnKind::Binary => Values::Bytes(Vec::new(), Vec::new()),
            ColumnKind::Integer | ColumnKind::Instant => Values::Int64(Vec::new()),
            ColumnKind::Date => Values::Int32(Vec::new()),
            ColumnKind::Real => Values::Double(Vec::new()),
            ColumnKind::Boolean => Values::Bool(Vec::new()),
        };
        Self { levels: Vec::new(), values }
    }

    /// Keeps a cell and answers how many bytes that takes; what was not read is null, as in CSV.
    fn push(&mut self, cell: &TableCell<'_>) -> usize {
        let kept = match (&mut self.values, cell) {
            (Values::Bytes(data, ends), TableCell::Text(text) | TableCell::Json(text)) => {
                data.extend(text.as_bytes());
                ends.push(data.len());
                text.len()
            }
            (Values::Bytes(data, ends), TableCell::Binary(bytes)) => {
                data.extend(bytes.as_ref());
                ends.push(data.len());
                bytes.len()
            }
            (Values::Int64(values), TableCell::Integer(value) | TableCell::Instant(value)) => kept(values, *value),
            (Values::Int32(values), TableCell::Date(days)) => kept(values, *days),
            (Values::Double(values), TableCell::Real(value)) => kept(values, *value),
            (Values::Bool(values), TableCell::Boolean(value)) => kept(values, *value),
            _ => {
                self.levels.push(0);
                return 0;
            }
        };
        self.levels.push(1);
        kept
    }

    fn write(&mut self, into: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = std::mem::take(&mut self.levels);
        match &mut self.values {
            Values::Bytes(data, ends) => {
                let data = Bytes::from(std::mem::take(data));
                let mut start = 0;
                let value = |end: usize| ByteArray::from(data.slice(std::mem::replace(&mut start, end)..end));
                let values: Vec<ByteArray> = std::mem::take(ends).into_iter().map(value).collect();
                batch::<ByteArrayType>(into, &values, &levels)
            }
            Values::Int64(values) => batch::<Int64Type>(into, &std::mem::take(values), &levels),
            Values::Int32(values) => batch::<Int32Type>(into, &std::mem::take(values), &levels),
            Values::Double(values) => batch::<DoubleType>(into, &std::mem::take(values), &levels),
            Values::Bool(values) => batch::<BoolType>(into, &std::mem::take(values), &levels),
        }
    }
}

fn kept<T>(values: &mut Vec<T>, value: T) -> usize {
    values.push(value);
    size_of::<T>()
}

fn batch<T: DataType>(
    into: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
    levels: &[i16],
) -> Result<(), ParquetError> {
    into.typed::<T>().write_batch(values, Some(levels), None).map(drop)
}

fn field(name: &str, kind: ColumnKind) -> Result<Type> {
    let (physical, logical) = match kind {
        ColumnKind::Text | ColumnKind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnKind::Binary => (Physical::BYTE_ARRAY, None),
        ColumnKind::Integer => (Physical::INT64, None),
        ColumnKind::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        ColumnKind::Date => (Physical::INT32, Some(LogicalType::Date)),
        ColumnKind::Real => (Physical::DOUBLE, None),
        ColumnKind::Boolean => (Physical::BOOLEAN, None),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
        .map_err(broken)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn broken(why: ParquetError) -> Error {
    Error::internal(format!("the table cannot be written as Parquet: {why}"))
}
