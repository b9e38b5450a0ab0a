//! Files of native tests: real ones, in the directories the test named.

use super::current;
use crate::bindings::host::model::Failure;
use crate::error::Error;
use std::cell::{Cell, RefCell};
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

pub(crate) use crate::bindings::host::files::FileInfo;

pub(crate) fn list(directory: &str) -> Result<Vec<FileInfo>, Failure> {
    let mut infos = Vec::new();
    for entry in fs::read_dir(path(directory)?).map_err(failure)? {
        let path = entry.map_err(failure)?.path();
        if path.is_file() {
            infos.push(info(&path, &fs::read(&path).map_err(failure)?)?);
        }
    }
    infos.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(infos)
}

pub(crate) fn open(directory: &str, name: &str) -> Result<Reader, Failure> {
    let path = plain(directory, name)?;
    let bytes = fs::read(&path).map_err(|error| Error::configuration(format!("file {name}: {error}")))?;
    Ok(Reader { info: info(&path, &bytes)?, bytes, at: Cell::new(0) })
}

pub(crate) fn replace(directory: &str, name: &str, expected: Option<&str>) -> Result<Replacement, Failure> {
    let path = plain(directory, name)?;
    Ok(Replacement { path, expected: expected.map(str::to_owned), bytes: RefCell::default() })
}

/// Sees the file as it was when it was opened.
pub(crate) struct Reader {
    info: FileInfo,
    bytes: Vec<u8>,
    at: Cell<usize>,
}

impl Reader {
    pub(crate) fn info(&self) -> FileInfo {
        self.info.clone()
    }

    pub(crate) fn seek(&self, offset: u64) -> Result<(), Failure> {
        self.at.set(usize::try_from(offset).unwrap_or(usize::MAX));
        Ok(())
    }

    pub(crate) fn read(&self, max: u32) -> Result<Vec<u8>, Failure> {
        let rest = self.bytes.get(self.at.get()..).unwrap_or_default();
        let (chunk, _) = rest.split_at(rest.len().min(usize::try_from(max).unwrap_or(usize::MAX)));
        self.at.set(self.at.get().saturating_add(chunk.len()));
        Ok(chunk.to_vec())
    }
}

pub(crate) struct Replacement {
    path: PathBuf,
    expected: Option<String>,
    bytes: RefCell<Vec<u8>>,
}

impl Replacement {
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn commit(&self) -> Result<(), Failure> {
        if let Some(expected) = &self.expected
            && fs::read(&self.path).ok().map(|bytes| version(&bytes)).as_ref() != Some(expected)
        {
            return Err(Error::precondition_failed("the file was changed by somebody else").into());
        }
        let beside = self.path.with_extension("replacement");
        fs::write(&beside, &*self.bytes.borrow()).map_err(failure)?;
        fs::rename(&beside, &self.path).map_err(failure)
    }
}

fn path(directory: &str) -> Result<PathBuf, Failure> {
    let missing = || Error::new(crate::FailureKind::NotPermitted, format!("no directory `{directory}` is permitted"));
    Ok(current().directories.get(directory).cloned().ok_or_else(missing)?)
}

fn plain(directory: &str, name: &str) -> Result<PathBuf, Failure> {
    if name.is_empty() || name.contains(['/', '\\', '\0']) || name == "." || name == ".." {
        return Err(Error::new(crate::FailureKind::NotPermitted, format!("`{name}` is no plain file name")).into());
    }
    Ok(path(directory)?.join(name))
}

fn info(path: &Path, bytes: &[u8]) -> Result<FileInfo, Failure> {
    let modified = fs::metadata(path).and_then(|meta| meta.modified()).map_err(failure)?;
    let micros = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    Ok(FileInfo {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        modified: i64::try_from(micros).unwrap_or(i64::MAX),
        version: version(bytes),
    })
}

fn version(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("{:016x}", hasher.finish())
}

#[allow(clippy::needless_pass_by_value, reason = "the shape map_err takes")]
fn failure(error: std::io::Error) -> Failure {
    Error::connection_broken(error.to_string()).into()
}
