//! Downloads: a table as a file, in pieces, as fast as its reader takes them.

use super::batch::Batch;
use super::csv::Csv;
use super::ndjson::Ndjson;
use super::parquet::Parquet;
use super::reading::Reading;
use crate::model::{Error, Position, Result};

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180; with `escape` texts that look like formulas are made texts.
    Csv {
        escape: bool,
    },
    Parquet,
    /// JSON, an object a line.
    Ndjson,
}

/// A table on its way to its reader. Dropped, it holds nothing any more.
pub struct Download {
    reading: Reading,
    /// None once the end was written.
    file: Option<File>,
    /// Read before the first piece was asked for.
    first: Option<Batch>,
    begun: bool,
    rows: u64,
}

enum File {
    Csv(Csv),
    Parquet(Box<Parquet>),
    Ndjson(Ndjson),
}

impl Format {
    /// How a file of it ends.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv",
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
        }
    }
}

impl Download {
    /// Begins: the first rows are read, so that what is wrong is known before anything is sent.
    ///
    /// # Errors
    /// Those of [`Reading::next`].
    pub async fn begin(mut reading: Reading, format: Format) -> Result<Self> {
        let file = match format {
            Format::Csv { escape } => File::Csv(Csv { escape }),
            Format::Ndjson => File::Ndjson(Ndjson::new(reading.columns())?),
            Format::Parquet => {
                let file = Parquet::new(reading.columns(), reading.is_incremental(), reading.position())?;
                File::Parquet(Box::new(file))
            }
        };
        let first = reading.next().await?;
        Ok(Self { reading, file: Some(file), first, begun: false, rows: 0 })
    }

    /// Where to go on from once it is read to the end.
    pub fn position(&self) -> Position {
        self.reading.position()
    }

    /// Rows that were written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// Those of [`Reading::next`]: what was sent before is then worth nothing.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        while let Some(file) = self.file.take() {
            let head = if std::mem::replace(&mut self.begun, true) { Vec::new() } else { self.head(&file) };
            let batch = match self.first.take() {
                Some(batch) => Some(batch),
                None => self.reading.next().await?,
            };
            let written = tokio::task::spawn_blocking(move || write(file, batch.as_ref(), head)).await;
            let (file, piece, rows) =
                written.map_err(|why| Error::internal(format!("a table was not written: {why}")))??;
            self.file = file;
            self.rows += rows;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    fn head(&self, file: &File) -> Vec<u8> {
        let mut head = Vec::new();
        if let File::Csv(csv) = file {
            csv.header(self.reading.columns(), self.reading.is_incremental(), &mut head);
        }
        head
    }
}

/// Writes one batch, or the end, behind `out`, and counts its rows. It takes a while, and is not done where others wait.
fn write(mut file: File, batch: Option<&Batch>, mut out: Vec<u8>) -> Result<(Option<File>, Vec<u8>, u64)> {
    let Some(batch) = batch else {
        if let File::Parquet(parquet) = file {
            out.extend(parquet.end()?);
        }
        return Ok((None, out, 0));
    };
    let mut rows = 0;
    match &mut file {
        File::Csv(csv) => batch.each(|row| {
            rows += 1;
            csv.row(row, &mut out)
        })?,
        File::Ndjson(lines) => batch.each(|row| {
            rows += 1;
            lines.row(row, &mut out)
        })?,
        File::Parquet(parquet) => {
            batch.each(|row| {
                rows += 1;
                parquet.row(row)
            })?;
            out = parquet.take()?;
        }
    }
    Ok((Some(file), out, rows))
}
