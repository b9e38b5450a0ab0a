//! A map from digests of 16 bytes to numbers of eight, of any size in flat memory.
//!
//! What came lately is in a table of bounded size; when that is full it is sorted and written to an unnamed file as one
//! run. Of a run, memory keeps a Bloom filter (10 bits a digest: one miss in a hundred looks at the disk) and the first
//! digest of every block, so that a look costs one reading of 4 KB. Table: 8 MB; runs: 1.4 MB for each million digests.
//! A plain set of a million digests takes 35 MB, and four of them are needed.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Digests in memory; as many as a hash table of 2^18 places takes before it grows.
const RECENT_MAX: usize = (1 << 18) / 8 * 7;
/// A digest and its number, in bytes.
const RECORD_BYTES: usize = 24;
/// Records read at once.
const BLOCK_RECORDS: usize = 170;
/// Bits of a filter for each digest.
const FILTER_BITS: u64 = 10;
/// Places of a filter that a digest sets.
const FILTER_PLACES: u64 = 7;

/// Makes digests that nobody outside can foresee. Two of a map of 10^9 agree by chance once in 10^20 maps.
#[derive(Debug, Default)]
pub(super) struct Digester([RandomState; 2]);

impl Digester {
    /// The digest of a value.
    pub(super) fn of(&self, value: &impl Hash) -> u128 {
        let [high, low] = &self.0;
        u128::from(high.hash_one(value)) << 64 | u128::from(low.hash_one(value))
    }
}

/// The map.
#[derive(Debug)]
pub(super) struct Digests {
    recent: HashMap<u128, u64, Spread>,
    recent_max: usize,
    runs: Vec<Run>,
    folder: PathBuf,
    file: Option<File>,
    end: u64,
}

#[derive(Debug)]
struct Run {
    start: u64,
    /// The first digest of each block.
    blocks: Vec<u128>,
    filter: Filter,
}

impl Digests {
    /// An empty map, whose file, if it needs one, is in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self::holding(RECENT_MAX, folder)
    }

    fn holding(recent_max: usize, folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self { recent: HashMap::default(), recent_max, runs: Vec::new(), folder, file: None, end: 0 }
    }

    /// The number of a digest.
    pub(super) fn get(&self, digest: u128) -> io::Result<Option<u64>> {
        if let Some(number) = self.recent.get(&digest) {
            return Ok(Some(*number));
        }
        for run in &self.runs {
            if let Some(number) = self.find(run, digest)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Adds a digest, unless it is there already: then its number is the answer, and stays.
    pub(super) fn insert(&mut self, digest: u128, number: u64) -> io::Result<Option<u64>> {
        if let Some(known) = self.get(digest)? {
            return Ok(Some(known));
        }
        if self.recent.len() >= self.recent_max {
            self.spill()?;
        }
        self.recent.insert(digest, number);
        Ok(None)
    }

    /// Writes what is in memory as one run.
    fn spill(&mut self) -> io::Result<()> {
        let mut records: Vec<(u128, u64)> = self.recent.drain().collect();
        records.sort_unstable();
        let mut filter = Filter::of(records.len());
        let mut bytes = Vec::with_capacity(records.len() * RECORD_BYTES);
        for (digest, number) in &records {
            filter.add(*digest);
            bytes.extend(digest.to_be_bytes());
            bytes.extend(number.to_be_bytes());
        }
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile_in(&self.folder)?),
        };
        file.write_all_at(&bytes, self.end)?;
        let blocks = records.chunks(BLOCK_RECORDS).filter_map(|block| block.first()).map(|(digest, _)| *digest);
        self.runs.push(Run { start: self.end, blocks: blocks.collect(), filter });
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn find(&self, run: &Run, digest: u128) -> io::Result<Option<u64>> {
        let after = run.blocks.partition_point(|first| *first <= digest);
        let (Some(block), true, Some(file)) = (after.checked_sub(1), run.filter.may_have(digest), &self.file) else {
            return Ok(None);
        };
        let mut bytes = [0; BLOCK_RECORDS * RECORD_BYTES];
        let start = run.start + (block * bytes.len()) as u64;
        // The last block of the file is short, and what follows the last of a run is another digest's.
        let length = bytes.len().min(usize::try_from(self.end - start).unwrap_or(usize::MAX));
        let bytes = bytes.get_mut(..length).unwrap_or_default();
        file.read_exact_at(bytes, start)?;
        let record =
            bytes.as_chunks::<RECORD_BYTES>().0.iter().find(|record| record.starts_with(&digest.to_be_bytes()));
        Ok(record.and_then(|record| record.last_chunk()).map(|number| u64::from_be_bytes(*number)))
    }
}

/// A Bloom filter.
#[derive(Debug)]
struct Filter(Vec<u64>);

impl Filter {
    fn of(digests: usize) -> Self {
        Self(vec![0; (digests as u64 * FILTER_BITS / 64 + 1).try_into().unwrap_or(usize::MAX)])
    }

    fn add(&mut self, digest: u128) {
        for place in self.places(digest) {
            if let Some(word) = self.0.get_mut(word_of(place)) {
                *word |= 1 << (place % 64);
            }
        }
    }

    fn may_have(&self, digest: u128) -> bool {
        self.places(digest).all(|place| self.0.get(word_of(place)).is_some_and(|word| word >> (place % 64) & 1 == 1))
    }

    /// By two halves of the digest, which are as good as hashes.
    fn places(&self, digest: u128) -> impl Iterator<Item = u64> + use<> {
        let [.., a, b] = halves(digest);
        let bits = self.0.len() as u64 * 64;
        (0..FILTER_PLACES).map(move |n| a.wrapping_add(b.wrapping_mul(n)) % bits)
    }
}

fn word_of(place: u64) -> usize {
    usize::try_from(place / 64).unwrap_or(usize::MAX)
}

#[allow(clippy::cast_possible_truncation, reason = "the halves of it")]
const fn halves(digest: u128) -> [u64; 2] {
    [(digest >> 64) as u64, digest as u64 | 1]
}

/// Digests are hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct Spread;

/// The low half of a digest.
#[derive(Debug, Default)]
struct Low(u64);

impl std::hash::BuildHasher for Spread {
    type Hasher = Low;

    fn build_hasher(&self) -> Low {
        Low::default()
    }
}

impl std::hash::Hasher for Low {
    fn write(&mut self, bytes: &[u8]) {
        // A digest is written as one number; nothing else is hashed here.
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    #[allow(clippy::cast_possible_truncation, reason = "half of a digest is as good a hash as the whole")]
    fn write_u128(&mut self, digest: u128) {
        self.0 = digest as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Small tables, so that runs and blocks are many.
        #[test]
        fn it_answers_as_a_plain_map_does(
            recent in 1_usize..300,
            inserts in prop::collection::vec(0_u64..700, 0..1500),
        ) {
            let (digester, mut plain) = (Digester::default(), BTreeMap::new());
            let mut digests = Digests::holding(recent, &std::env::temp_dir());
            for (number, value) in (0..).zip(inserts) {
                let known = digests.insert(digester.of(&value), number).unwrap();
                prop_assert_eq!(known, plain.get(&value).copied());
                plain.entry(value).or_insert(number);
            }
            for value in 0..700 {
                prop_assert_eq!(digests.get(digester.of(&value)).unwrap(), plain.get(&value).copied());
            }
        }
    }

    #[test]
    fn its_memory_stays_flat() {
        let (digester, mut digests) = (Digester::default(), Digests::new(&std::env::temp_dir()));
        for number in 0..700_000_u64 {
            assert_eq!(digests.insert(digester.of(&number), number).unwrap(), None);
        }
        assert_eq!(digests.runs.len(), 3);
        assert!(digests.recent.capacity() <= RECENT_MAX);
        let words: usize = digests.runs.iter().map(|run| run.filter.0.len() + run.blocks.len() * 2).sum();
        assert!(words * 8 < 1_100_000, "{words}");
        assert_eq!(digests.insert(digester.of(&5_u64), 0).unwrap(), Some(5));
    }
}
