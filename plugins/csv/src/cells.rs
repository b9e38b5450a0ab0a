//! One record: its bytes and where its cells end in them. Used again for every record of a file, so that reading a
//! million of them allocates once.

/// The cells of a record.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Bytes of `bytes` and entries of `ends` that belong to the record; the rest is room.
    filled: (usize, usize),
    /// Bytes between two cells: the delimiter, where a line was taken as it stands.
    between: usize,
}

/// Room for cells or bytes that a record begins with.
const ROOM: usize = 1024;

impl Cells {
    /// How many cells it has.
    pub(crate) fn len(&self) -> usize {
        self.filled.1
    }

    /// The cell of a column.
    pub(crate) fn get(&self, column: usize) -> Option<&[u8]> {
        self.bytes.get(self.range(column)?)
    }

    /// Where the cell of a column stands in [`Self::as_slice`].
    pub(crate) fn range(&self, column: usize) -> Option<std::ops::Range<usize>> {
        let ends = self.ends.get(..self.filled.1)?;
        let start = match column.checked_sub(1) {
            None => 0,
            Some(before) => ends.get(before)? + self.between,
        };
        Some(start..*ends.get(column)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|column| self.get(column))
    }

    /// All cells, one behind the other; there may be delimiters between them.
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.filled.0).unwrap_or_default()
    }

    /// Takes a line without quotes.
    pub(crate) fn take_line(&mut self, line: &[u8], delimiter: u8) {
        self.clear();
        self.bytes.clear();
        self.bytes.extend_from_slice(line);
        self.ends.clear();
        self.ends.extend(memchr::memchr_iter(delimiter, line));
        self.ends.push(line.len());
        (self.between, self.filled) = (1, (line.len(), self.ends.len()));
    }

    pub(crate) fn clear(&mut self) {
        (self.between, self.filled) = (0, (0, 0));
    }

    /// Room behind what is filled, for a parser to write to.
    pub(crate) fn room(&mut self) -> (&mut [u8], &mut [usize]) {
        let (bytes, ends) = self.filled;
        (self.bytes.get_mut(bytes..).unwrap_or_default(), self.ends.get_mut(ends..).unwrap_or_default())
    }

    /// What a parser wrote there.
    pub(crate) fn fill(&mut self, bytes: usize, ends: usize) {
        self.filled.0 += bytes;
        self.filled.1 += ends;
    }

    /// Makes more room.
    pub(crate) fn grow(&mut self) {
        self.bytes.resize((2 * self.filled.0).max(ROOM), 0);
        self.ends.resize((2 * self.filled.1).max(ROOM), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_at_its_delimiters() {
        let mut record = Cells::default();
        record.take_line(b"a;;cd;", b';');
        assert_eq!(record.iter().collect::<Vec<_>>(), [&b"a"[..], b"", b"cd", b""]);
        assert_eq!((record.get(4), record.range(2)), (None, Some(3..5)));
    }

    #[test]
    fn room_grows_and_what_was_written_stays() {
        let mut record = Cells::default();
        record.grow();
        let (bytes, ends) = record.room();
        bytes[..3].copy_from_slice(b"abc");
        ends[..2].copy_from_slice(&[1, 3]);
        record.fill(3, 2);
        record.grow();
        assert_eq!(record.iter().collect::<Vec<_>>(), [&b"a"[..], b"bc"]);
        record.clear();
        assert_eq!((record.len(), record.get(0)), (0, None));
    }
}
