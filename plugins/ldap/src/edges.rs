//! Edges: the values of a relation one by one, for groups of any size. The members of one group can be resumed at the
//! place where they stopped, as long as the group is what it was.

use crate::dialect::Dialect;
use crate::directory::{Directory, Place};
use crate::listing::Entries;
use crate::model::{Native, Syntax};
use crate::{entry, ranges, values};
use hawser_sdk::ldap::Entry;
use hawser_sdk::{Edge, EdgeRequest, Error, Item, Listing, ObjectRef, Reference, Rejected, Result};

/// The edges of one relation.
pub(crate) struct Edges {
    place: Place,
    native: Native,
    source: Source,
    current: Option<Owner>,
}

enum Source {
    /// Every owner of the class.
    All(Entries),
    /// One owner, whose edges are in `current`; the revision it has.
    One(Directory, String),
}

/// An owner under way.
struct Owner {
    uid: String,
    target: String,
    values: std::vec::IntoIter<Vec<u8>>,
    /// How many values lie behind.
    passed: u64,
    /// Where the part begins that the server left out.
    next: Option<u64>,
}

impl Edges {
    pub(crate) fn open(directory: Directory, request: EdgeRequest, resume: Option<Vec<u8>>) -> Result<Self> {
        let place = directory.place(&request.class)?;
        let class = directory.class(&request.class)?;
        let native = class.native(&request.attribute).ok_or_else(|| class.unknown(&request.attribute))?.clone();
        if native.syntax != Syntax::Reference {
            let message = format!("`{}` does not refer to objects, so it has no edges", native.name);
            return Err(Error::schema_violation(message).attribute(request.attribute));
        }
        match request.owner {
            Some(owner) => Self::of_one(directory, place, native, &owner, resume),
            None if resume.is_some() => {
                Err(Error::resync_required("a search of a directory cannot be resumed; begin again"))
            }
            None => {
                let filter = format!("(&{}({}=*))", place.filter, native.name);
                let wanted = [directory.dialect().uid(), native.name.as_str()];
                let base = place.base.clone();
                let source = Source::All(Entries::search(directory, &base, &filter, &wanted)?);
                Ok(Self { place, native, source, current: None })
            }
        }
    }

    fn of_one(
        directory: Directory,
        place: Place,
        native: Native,
        owner: &ObjectRef,
        resume: Option<Vec<u8>>,
    ) -> Result<Self> {
        let dialect = directory.dialect();
        let found = directory.by_uid(&place, &owner.uid, &[dialect.uid(), dialect.revision(), &native.name])?;
        let revision = entry::text(&found, dialect.revision()).unwrap_or_default().to_owned();
        let mut current = Owner::new(&directory, found, &native.name)?;
        if let Some(checkpoint) = resume {
            let passed = resumed(&checkpoint, &revision)
                .ok_or_else(|| Error::resync_required("the members changed since that checkpoint; begin again"))?;
            current.skip(passed);
        }
        Ok(Self { place, native, source: Source::One(directory, revision), current: Some(current) })
    }

    fn item(&mut self) -> Result<Option<Item<Edge>>> {
        loop {
            let directory = self.source.directory();
            if let Some(owner) = &mut self.current
                && let Some(value) = owner.next(directory, &self.native.name)?
            {
                return Ok(Some(edge(&self.place, &self.native, &owner.uid, &value, directory.dialect()).into()));
            }
            let Source::All(entries) = &mut self.source else { return Ok(None) };
            let Some(entry) = entries.next()? else { return Ok(None) };
            let dn = entry::dn(&entry, entries.directory.dialect());
            match Owner::new(&entries.directory, entry, &self.native.name) {
                Ok(owner) => self.current = Some(owner),
                Err(why) => return Ok(Some(Rejected::new(dn, why).into())),
            }
        }
    }
}

impl Source {
    fn directory(&self) -> &Directory {
        match self {
            Self::All(entries) => &entries.directory,
            Self::One(directory, _) => directory,
        }
    }
}

impl Owner {
    fn new(directory: &Directory, entry: Entry, attribute: &str) -> Result<Self> {
        let uid = entry::uid(&entry, directory.dialect())?;
        let target = directory.target(&entry, &uid);
        let part = ranges::take(entry, attribute).unwrap_or(ranges::Part { values: Vec::new(), next: None });
        Ok(Self { uid, target, values: part.values.into_iter(), passed: 0, next: part.next })
    }

    /// The next value, of the next part where the server left something out.
    fn next(&mut self, source: &impl ranges::Source, attribute: &str) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(value) = self.values.next() {
                self.passed += 1;
                return Ok(Some(value));
            }
            let Some(from) = self.next.take() else { return Ok(None) };
            let part = ranges::read(source, &self.target, attribute, from)?;
            self.next = part.next.filter(|_| !part.values.is_empty());
            self.values = part.values.into_iter();
        }
    }

    /// Goes on behind so many values.
    fn skip(&mut self, passed: u64) {
        self.passed = passed;
        let held = self.values.len() as u64;
        if passed < held || self.next.is_none() {
            let passed = usize::try_from(passed).unwrap_or(usize::MAX);
            self.values = self.values.by_ref().skip(passed).collect::<Vec<_>>().into_iter();
        } else {
            self.values = Vec::new().into_iter();
            self.next = Some(passed);
        }
    }
}

fn edge(place: &Place, native: &Native, owner: &str, value: &[u8], dialect: Dialect) -> Edge {
    let target = values::reference(&String::from_utf8_lossy(value), dialect);
    Edge { owner: Reference::uid(&place.class, owner), attribute: native.name.clone(), target, parameters: Vec::new() }
}

/// How many values lie behind, if the owner still has that revision.
fn resumed(checkpoint: &[u8], revision: &str) -> Option<u64> {
    let (passed, held) = std::str::from_utf8(checkpoint).ok()?.split_once(' ')?;
    if held == revision { passed.parse().ok() } else { None }
}

impl Listing<Edge> for Edges {
    fn next_item(&mut self) -> Option<Result<Item<Edge>>> {
        self.item().transpose()
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        let Source::One(_, revision) = &self.source else { return None };
        self.current.as_ref().map(|owner| format!("{} {revision}", owner.passed).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranges::tests::Ranged;

    fn owner(held: u8, next: Option<u64>) -> Owner {
        let values: Vec<Vec<u8>> = (0..held).map(|value| vec![value]).collect();
        Owner { uid: String::new(), target: String::new(), values: values.into_iter(), passed: 0, next }
    }

    /// The members of a group of a server that hands out three at once, from a place on.
    fn members(values: u64, passed: u64) -> Vec<String> {
        let server = Ranged::new(values, 3);
        let part = ranges::take(server.from("member", 0), "member").unwrap();
        let (values, target) = (part.values.into_iter(), "<GUID=g>".to_owned());
        let mut owner = Owner { uid: String::new(), target, values, passed: 0, next: part.next };
        owner.skip(passed);
        let members = std::iter::from_fn(|| owner.next(&server, "member").unwrap());
        members.map(|value| String::from_utf8(value).unwrap()).collect()
    }

    #[test]
    fn members_that_come_in_parts_come_each_once_from_wherever_they_go_on() {
        for values in [1, 3, 4, 9, 11] {
            for passed in 0..=values {
                let expected: Vec<String> = (passed..values).map(|n| format!("CN={n},DC=x")).collect();
                assert_eq!(members(values, passed), expected, "{passed} of {values}");
            }
        }
    }

    #[test]
    fn a_checkpoint_of_another_revision_is_worth_nothing() {
        assert_eq!(resumed(b"3 r1", "r1"), Some(3));
        for broken in [&b"3 r2"[..], b"x r1", b"3", b"\xff"] {
            assert_eq!(resumed(broken, "r1"), None);
        }
    }

    #[test]
    fn members_go_on_where_they_stopped() {
        let mut whole = owner(4, None);
        whole.skip(3);
        assert_eq!(whole.values.next(), Some(vec![3]));
        let mut cut = owner(2, Some(2));
        cut.skip(7);
        assert_eq!((cut.values.next(), cut.next, cut.passed), (None, Some(7), 7));
        let mut inside = owner(4, Some(4));
        inside.skip(1);
        assert_eq!((inside.values.len(), inside.next), (3, Some(4)));
        let mut shorter = owner(2, None);
        shorter.skip(9);
        assert_eq!(shorter.values.next(), None);
    }
}
