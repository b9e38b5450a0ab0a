//! What holds for any file whatsoever, read by the connector as the host lets it read: the fuzzers' door to it, which
//! `tests/fuzz` takes over by its path. It stands on its own for that.
//!
//! Every record is a row or set aside with a reason, in the order of the file; no object is handed out twice; whatever
//! checkpoint was handed out, another instance goes on exactly there; what was listed can be looked up.

use hawser_csv::Csv;
use hawser_sdk::testing::{self, Entered, Host};
use hawser_sdk::{
    Cell, Edge, EdgeRequest, Error, FailureKind, Item, Key, ListRequest, Listing, Record, Reference, Result, Row,
    Schema, Source,
};
use std::collections::HashSet;
use std::path::Path;

/// The longest refusal, in bytes.
const REFUSAL_BYTES_MAX: usize = 8 * 1024;
/// How many of the checkpoints of a pass are resumed from.
const RESUMED_MAX: usize = 6;

/// A file, with letters for the options on the line before it (see [`Stranger::host`]).
pub(crate) fn file(input: &[u8]) {
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (letters, file) = input.split_at(line);
    let stranger = Stranger { letters, file: file.strip_prefix(b"\n").unwrap_or(file) };
    let folder = tempfile::tempdir().unwrap();
    let _host = stranger.host(folder.path());
    match stranger.columns() {
        Err(error) => refused(&error),
        Ok(columns) => stranger.hold(&columns),
    }
}

/// One thing a listing hands out.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    /// What it is, and all of it.
    Found(String, Vec<Cell>),
    /// What people find it by, and why.
    Aside(String, String),
}

/// A listing to its end: `checkpoints[i]` is where it stood before `items[i]`.
#[derive(Debug, Default)]
struct Pass {
    items: Vec<Seen>,
    checkpoints: Vec<Vec<u8>>,
    /// Why it broke off.
    broken: Option<FailureKind>,
}

impl Pass {
    fn of<T>(listing: Result<impl Listing<T>>, seen: fn(T) -> Seen) -> Result<Self> {
        let mut listing = listing?;
        let mut pass = Self { checkpoints: listing.checkpoint().into_iter().collect(), ..Self::default() };
        while let Some(item) = listing.next_item() {
            match item {
                Ok(Item::Found(found)) => pass.items.push(seen(found)),
                Ok(Item::Rejected(rejected)) => {
                    refused(rejected.reason());
                    assert!(!rejected.key().is_empty() && rejected.key().len() <= REFUSAL_BYTES_MAX);
                    pass.items.push(Seen::Aside(rejected.key().into(), rejected.reason().message().into()));
                }
                Err(error) => {
                    refused(&error);
                    pass.broken = Some(error.kind());
                    return Ok(pass);
                }
            }
            pass.checkpoints.extend(listing.checkpoint());
        }
        Ok(pass)
    }

    fn found(&self) -> impl Iterator<Item = (&String, &Vec<Cell>)> {
        self.items.iter().filter_map(|item| match item {
            Seen::Found(uid, cells) => Some((uid, cells)),
            Seen::Aside(..) => None,
        })
    }
}

/// What somebody put into the folder.
struct Stranger<'a> {
    letters: &'a [u8],
    file: &'a [u8],
}

impl Stranger<'_> {
    /// A host with the file in its folder. `c`, `s`, `t` and `p` set a delimiter, `l` and `w` an encoding, `n` a column
    /// for names, `m` lists, `i` integers, `b` booleans; `g` makes it a file of memberships.
    fn host(&self, folder: &Path) -> Entered {
        let name = if self.has(b'g') { "members.csv" } else { "accounts.csv" };
        std::fs::write(folder.join("accounts.csv"), "id\n").unwrap();
        std::fs::write(folder.join("groups.csv"), "id\n").unwrap();
        std::fs::write(folder.join(name), self.file).unwrap();
        let host = Host::new().directory("data", folder);
        let host = host.option("groups-file", "groups.csv").option("memberships-file", "members.csv");
        let options = [
            (b'c', "delimiter", "comma"),
            (b's', "delimiter", "semicolon"),
            (b't', "delimiter", "tab"),
            (b'p', "delimiter", "pipe"),
            (b'l', "encoding", "latin-1"),
            (b'w', "encoding", "windows-1252"),
            (b'n', "account-name", "name"),
        ];
        let lists = [(b'm', "multi-valued", "name"), (b'i', "integer-columns", "age"), (b'b', "boolean-columns", "on")];
        let set = options.into_iter().filter(|(letter, ..)| self.has(*letter));
        let host = set.fold(host, |host, (_, name, value)| host.option(name, value));
        let set = lists.into_iter().filter(|(letter, ..)| self.has(*letter));
        set.fold(host, |host, (_, name, value)| host.options(name, [value])).enter()
    }

    fn has(&self, letter: u8) -> bool {
        self.letters.contains(&letter)
    }

    /// The columns of its accounts by the schema.
    fn columns(&self) -> Result<Vec<String>> {
        let classes = testing::connector::<Csv>()?.schema()?;
        let accounts = classes.iter().find(|class| class.name == "account").unwrap();
        Ok(accounts.attributes.iter().map(|attribute| attribute.name.clone()).collect())
    }

    fn pass(&self, columns: &[String], resume: Option<Vec<u8>>) -> Result<Pass> {
        let csv: Csv = testing::connector()?;
        if self.has(b'g') {
            let request = EdgeRequest { class: "group".into(), attribute: "members".into(), owner: None };
            return Pass::of(csv.edges(request, resume), edge);
        }
        let attributes = columns.to_vec();
        let request = ListRequest { class: "account".into(), attributes, filter: None, container: None };
        Pass::of(csv.list(request, resume), row)
    }

    fn hold(&self, columns: &[String]) {
        let whole = match self.pass(columns, None) {
            Err(error) => return refused(&error),
            Ok(whole) => whole,
        };
        let mut uids = HashSet::new();
        assert!(whole.found().all(|(uid, _)| uids.insert(uid)), "handed out twice: {whole:?}");
        if whole.broken.is_none() {
            self.is_complete(&whole);
        }
        let every = whole.checkpoints.len().div_ceil(RESUMED_MAX).max(1);
        for (at, checkpoint) in whole.checkpoints.iter().enumerate().step_by(every) {
            let rest = self.pass(columns, Some(checkpoint.clone())).unwrap();
            assert_eq!(rest.items, whole.items[at..], "resumed at {at}");
            assert_eq!(rest.broken, whole.broken, "resumed at {at}");
        }
        for checkpoint in [whole.checkpoints.last().map_or(self.file, Vec::as_slice), self.file] {
            self.survives(columns, checkpoint);
        }
        if !self.has(b'g') {
            self.looks_up(columns, &whole);
        }
    }

    /// One item for each record; a row where its cells are as many as the header's, and under its own key.
    fn is_complete(&self, whole: &Pass) {
        let delimiters = [(b'c', b','), (b's', b';'), (b't', b'\t'), (b'p', b'|')];
        let set = delimiters.iter().find(|(letter, _)| self.has(*letter));
        // Found out from the file, unless it is set.
        let possible = set.map_or(vec![b',', b';', b'\t', b'|'], |(_, delimiter)| vec![*delimiter]);
        assert!(possible.iter().any(|delimiter| self.agrees(*delimiter, whole)), "{whole:?}");
    }

    fn agrees(&self, delimiter: u8, whole: &Pass) -> bool {
        let mut records = records(self.file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(self.file), delimiter);
        if records.is_empty() {
            return false;
        }
        let header = records.remove(0);
        let key = header.iter().position(|name| name.trim_ascii() == b"id");
        let fits = |(record, item): (&Vec<Vec<u8>>, &Seen)| match (item, key) {
            (Seen::Aside(..), _) => true,
            (Seen::Found(uid, _), Some(key)) => {
                record.len() == header.len() && (self.has(b'l') || self.has(b'w') || record[key] == uid.as_bytes())
            }
            (Seen::Found(..), None) => record.len() == header.len(),
        };
        records.len() == whole.items.len() && records.iter().zip(&whole.items).all(fits)
    }

    /// A checkpoint somebody wrote himself, as it is and with each number in it replaced: a listing or a refusal.
    fn survives(&self, columns: &[String], checkpoint: &[u8]) {
        let parts: Vec<_> = checkpoint.split(|byte| *byte == b'\n').collect();
        let numbers = ["0", "1", "7", "18446744073709551615"];
        let replaced = (3..parts.len().min(6)).flat_map(|at| numbers.map(|number| (at, number.as_bytes())));
        let forged = replaced.map(|(at, number)| {
            let mut parts = parts.clone();
            parts[at] = number;
            parts.join(&b'\n')
        });
        for checkpoint in forged.chain([checkpoint.to_vec()]) {
            if let Err(error) = self.pass(columns, Some(checkpoint)) {
                refused(&error);
            }
        }
    }

    fn looks_up(&self, columns: &[String], whole: &Pass) {
        let uids: Vec<_> = whole.found().map(|(uid, _)| uid.clone()).collect();
        let answers = testing::connector::<Csv>().unwrap().get_many("account", &uids, columns).unwrap();
        let answers = answers.into_iter().map(|answer| row(answer.unwrap()));
        let listed = whole.found().map(|(uid, cells)| Seen::Found(uid.clone(), cells.clone()));
        assert_eq!(answers.collect::<Vec<_>>(), listed.collect::<Vec<_>>());
    }
}

/// The records of a text, as plainly as they can be found.
pub(crate) fn records(text: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), Vec::new());
    let (mut quoted, mut begun) = (false, false);
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match *byte {
            b'"' if quoted && rest.first() == Some(&b'"') => {
                cell.push(b'"');
                rest = &rest[1..];
            }
            b'"' if quoted => quoted = false,
            byte if quoted => cell.push(byte),
            b'"' if !begun => (quoted, begun) = (true, true),
            b'\n' | b'\r' => {
                if begun || !record.is_empty() {
                    record.push(std::mem::take(&mut cell));
                    records.push(std::mem::take(&mut record));
                }
                begun = false;
            }
            byte if byte == delimiter => {
                record.push(std::mem::take(&mut cell));
                begun = false;
            }
            byte => {
                cell.push(byte);
                begun = true;
            }
        }
    }
    if begun || !record.is_empty() {
        record.push(cell);
        records.push(record);
    }
    records
}

fn row(record: Record) -> Seen {
    match record {
        Record::Row(Row { uid, name, cells, .. }) => Seen::Found(uid, [vec![Cell::Text(name)], cells].concat()),
        Record::Object(object) => panic!("a row was expected: {object:?}"),
    }
}

fn edge(edge: Edge) -> Seen {
    let key = |reference: Reference| match reference.key {
        Key::Uid(key) | Key::Name(key) => key,
    };
    Seen::Found(format!("{:?}", (key(edge.owner), key(edge.target))), Vec::new())
}

fn refused(error: &Error) {
    assert!(!error.message().is_empty() && error.message().len() <= REFUSAL_BYTES_MAX, "{error:?}");
}

#[test]
fn what_fuzzers_found_in_files_stays_found() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
    let folders = ["seeds", "regressions"].map(|kind| std::fs::read_dir(fuzz.join(kind).join("csv")));
    let inputs: Vec<_> = folders.into_iter().flatten().flatten().map(|entry| entry.unwrap().path()).collect();
    assert!(!inputs.is_empty());
    for input in inputs {
        let input = std::fs::read(input).unwrap();
        (1..=8).for_each(|eighths| file(&input[..input.len() * eighths / 8]));
    }
}
