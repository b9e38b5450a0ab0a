//! An open file: its version, its dialect, the names of its columns.

use crate::dialect::Dialect;
use crate::options::Options;
use crate::scanner::Scanner;
use hawser_sdk::files::Reader;
use hawser_sdk::{Error, Result};
use std::io::{Read, Seek};

/// How much of a file is looked at to find out how it is written, in bytes.
const SAMPLE_BYTES: u64 = 64 << 10;

/// The longest name of a column, in bytes; an attribute's name is no longer either.
const MAX_HEADER_BYTES: usize = 256;

/// What is known about a file from its beginning.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) file: String,
    pub(crate) version: String,
    pub(crate) size: u64,
    pub(crate) dialect: Dialect,
    /// The names of the columns; columns without a name are empty.
    pub(crate) headers: Vec<String>,
    /// Where the first record begins, and on which line.
    pub(crate) data: (u64, u64),
}

impl Table {
    pub(crate) fn open(options: &Options, file: &str) -> Result<Self> {
        let mut reader = Options::directory().open(file)?;
        let mut sample = Vec::with_capacity(usize::try_from(SAMPLE_BYTES).unwrap_or_default());
        reader.by_ref().take(SAMPLE_BYTES).read_to_end(&mut sample)?;
        let dialect = Dialect::sniff(&sample, options.delimiter, options.encoding)
            .map_err(|error| Error::configuration(format!("{file}: {error}")))?;
        let info = reader.info().clone();
        let mut scanner = Scanner::new(reader, dialect, dialect.start, 1)?;
        if scanner.next()?.is_none() {
            return Err(Error::configuration(format!("{file} is empty; its first line has to name the columns")));
        }
        let headers = headers(file, &scanner, dialect)?;
        let data = (scanner.offset(), scanner.line());
        Ok(Self { file: file.to_owned(), version: info.version, size: info.size, dialect, headers, data })
    }

    /// The column of that name.
    pub(crate) fn column(&self, name: &str) -> Result<usize> {
        let missing = || {
            let held: Vec<_> = self.headers.iter().filter(|header| !header.is_empty()).map(String::as_str).collect();
            Error::configuration(format!("{} has no column `{name}`; it has {}", self.file, held.join(", ")))
        };
        self.headers.iter().position(|header| header == name).ok_or_else(missing)
    }

    /// Scans the records from the first one on.
    pub(crate) fn scan(&self) -> Result<Scanner> {
        self.scan_from(self.data.0, self.data.1)
    }

    /// Scans the records from the one at this offset and line on.
    pub(crate) fn scan_from(&self, offset: u64, line: u64) -> Result<Scanner> {
        Scanner::new(self.reopen()?, self.dialect, offset, line)
    }

    /// Opens the same version of the file again.
    pub(crate) fn reopen(&self) -> Result<Reader> {
        let mut reader = Options::directory().open(&self.file)?;
        if reader.info().version != self.version {
            return Err(Error::precondition_failed(format!("{} was changed by somebody else meanwhile", self.file)));
        }
        reader.rewind()?;
        Ok(reader)
    }
}

fn headers(file: &str, scanner: &Scanner, dialect: Dialect) -> Result<Vec<String>> {
    let mut headers: Vec<String> = Vec::with_capacity(scanner.record().len());
    for cell in scanner.record().iter() {
        let name = dialect.encoding.decode(cell).ok_or_else(|| {
            Error::configuration(format!("the header of {file} is not {}; set `encoding`", dialect.encoding.name()))
        })?;
        // Quoted headers are wrapped over two lines now and then, and a name with a line break is no name.
        let name = name.split(char::is_control).map(str::trim).collect::<Vec<_>>().join(" ");
        let name = name.trim();
        if name.len() > MAX_HEADER_BYTES {
            return Err(Error::configuration(format!("{file} has a header of more than {MAX_HEADER_BYTES} bytes")));
        }
        if !name.is_empty() && headers.iter().any(|held| held == name) {
            return Err(Error::configuration(format!("{file} has two columns `{name}`; rename one of them")));
        }
        headers.push(name.to_owned());
    }
    Ok(headers)
}
