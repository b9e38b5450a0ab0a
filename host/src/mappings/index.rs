//! The entities of a type by the value of one property: which key has it, if one has, in flat memory.
//!
//! Digests of values are in [`Digests`], keys in an unnamed file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::datum::Datum;
use super::digests::{Digester, Digests};
use crate::model::{Error, ErrorKind, Result};

/// Keys are written when so many bytes wait.
const BUFFER_BYTES: usize = 256 * 1024;
/// Before a key its length, in bytes.
const LENGTH_BYTES: usize = 4;

/// An index of one property.
#[derive(Debug)]
pub struct Index {
    digester: Digester,
    keys: Digests,
    /// Values that more than one key has.
    shared: Digests,
    file: File,
    written: u64,
    waiting: Vec<u8>,
}

/// Who has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Nobody,
    /// The key, as JSON.
    One(String),
    Several,
}

impl Index {
    /// An empty index, with its files in `folder`.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn new(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|why| disk(&why))?;
        let (keys, shared) = (Digests::new(folder), Digests::new(folder));
        Ok(Self { digester: Digester::default(), keys, shared, file, written: 0, waiting: Vec::new() })
    }

    /// Notes that an entity has a value; null is no value.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn note(&mut self, value: &Datum<'_>, key: &Datum<'_>) -> Result<()> {
        if value.is_missing() || value.is_nothing() {
            return Ok(());
        }
        let key = key.json().map_err(|why| Error::internal(why.into_owned()))?;
        let digest = self.digester.of(value);
        let place = self.written + self.waiting.len() as u64;
        match self.keys.insert(digest, place).map_err(|why| disk(&why))? {
            None => self.append(&key).map_err(|why| disk(&why)),
            Some(known) if self.key(known).map_err(|why| disk(&why))? == key => Ok(()),
            Some(_) => self.shared.insert(digest, 0).map(drop).map_err(|why| disk(&why)),
        }
    }

    /// Who has a value.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn find(&self, value: &Datum<'_>) -> Result<Found> {
        self.look(self.digester.of(value)).map_err(|why| disk(&why))
    }

    fn look(&self, digest: u128) -> io::Result<Found> {
        match self.keys.get(digest)? {
            None => Ok(Found::Nobody),
            Some(_) if self.shared.get(digest)?.is_some() => Ok(Found::Several),
            Some(place) => self.key(place).map(Found::One),
        }
    }

    fn append(&mut self, key: &str) -> io::Result<()> {
        let length = u32::try_from(key.len()).map_err(|_| io::Error::other("a key of more than 4 GB"))?;
        self.waiting.extend(length.to_be_bytes());
        self.waiting.extend(key.as_bytes());
        if self.waiting.len() >= BUFFER_BYTES {
            self.file.write_all_at(&self.waiting, self.written)?;
            self.written += self.waiting.len() as u64;
            self.waiting.clear();
        }
        Ok(())
    }

    fn key(&self, place: u64) -> io::Result<String> {
        let mut length = [0; LENGTH_BYTES];
        self.read(place, &mut length)?;
        let mut key = vec![0; usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?];
        self.read(place + LENGTH_BYTES as u64, &mut key)?;
        String::from_utf8(key).map_err(io::Error::other)
    }

    /// Reads what was written, or what still waits.
    fn read(&self, place: u64, into: &mut [u8]) -> io::Result<()> {
        let Some(waiting) = place.checked_sub(self.written) else { return self.file.read_exact_at(into, place) };
        let from = usize::try_from(waiting).map_err(io::Error::other)?;
        let bytes = self.waiting.get(from..from + into.len());
        into.copy_from_slice(bytes.ok_or_else(|| io::Error::other("a key that was never written"))?);
        Ok(())
    }
}

/// A fault of the disk that temporary files are on.
pub(super) fn disk(why: &io::Error) -> Error {
    let message = format!("the mapping's temporary file: {why}; free space where the data directory is");
    Error::new(ErrorKind::Unavailable, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_leads_to_its_key_to_nobody_or_to_several() {
        let mut index = Index::new(&std::env::temp_dir()).unwrap();
        let (a, b) = (Datum::Text("a".into()), Datum::Text("b".into()));
        index.note(&a, &Datum::Integer(1)).unwrap();
        index.note(&b, &Datum::Integer(2)).unwrap();
        index.note(&a, &Datum::Integer(1)).unwrap();
        index.note(&b, &Datum::Integer(3)).unwrap();
        index.note(&Datum::Null, &Datum::Integer(4)).unwrap();
        assert_eq!(index.find(&a).unwrap(), Found::One("1".to_owned()));
        assert_eq!(index.find(&b).unwrap(), Found::Several);
        assert_eq!(index.find(&Datum::Null).unwrap(), Found::Nobody);
        assert_eq!(index.find(&Datum::Integer(1)).unwrap(), Found::Nobody);
    }

    #[test]
    fn keys_are_found_in_the_file_and_in_what_waits() {
        let mut index = Index::new(&std::env::temp_dir()).unwrap();
        for number in 0..30_000 {
            let key = Datum::Text(format!("key-{number}").into());
            index.note(&Datum::Integer(number), &key).unwrap();
        }
        assert!(index.written > 0 && !index.waiting.is_empty());
        for number in [0, 12_345, 29_999] {
            assert_eq!(index.find(&Datum::Integer(number)).unwrap(), Found::One(format!("\"key-{number}\"")));
        }
    }
}
