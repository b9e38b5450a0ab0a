//! From an entry to a row: one cell for every attribute that was asked for, in that order.
//!
//! *Absent* is what an entry was asked for and does not have. A password is *unread*, whatever is there. What the server
//! sent some values of is *partial*, and so is the relation that comes as edges where it has more than a row should carry:
//! it alone, because the rest of any other could be had nowhere.

use crate::dialect::Dialect;
use crate::directory::{Directory, Place};
use crate::model::{Class, DN, Native};
use crate::operational::{Operational, PASSWORD};
use crate::options::Options;
use crate::{entry, membership, values};
use hawser_sdk::ldap::{Entry, RawAttribute};
use hawser_sdk::{Cell, Error, Result, Row};
use std::cell::RefCell;

/// How the entries of a class become rows.
pub(crate) struct Layout {
    dialect: Dialect,
    name: String,
    slots: Vec<Slot>,
    /// Where the attributes of the last entry stood: those of the next one mostly come in the same order.
    usual: RefCell<Vec<usize>>,
    /// The relation that comes as edges, if the class has it, and how many of its values a row carries.
    relation: Option<String>,
    large: usize,
}

/// The most values a row carries of any attribute: one with more is larger than what the host keeps.
const VALUES_MAX: usize = 100_000;

enum Slot {
    Dn,
    /// Cannot be read.
    Unread,
    Native(Native),
    Operational(Operational),
}

impl Layout {
    /// # Errors
    /// An attribute that the class does not have.
    pub(crate) fn new(directory: &Directory, place: &Place, class: &Class, attributes: &[String]) -> Result<Self> {
        Self::of(directory.dialect(), &place.name, class, attributes, &directory.options)
    }

    pub(crate) fn of(
        dialect: Dialect,
        name: &str,
        class: &Class,
        attributes: &[String],
        options: &Options,
    ) -> Result<Self> {
        let slots = attributes.iter().map(|attribute| slot(class, attribute)).collect::<Result<Vec<_>>>()?;
        let relation = Some(&options.member_attribute).filter(|it| membership::is_relation(it, class.kind, options));
        let large = usize::try_from(options.large_group).unwrap_or(usize::MAX);
        Ok(Self {
            dialect,
            name: name.to_owned(),
            slots,
            usual: RefCell::default(),
            relation: relation.cloned(),
            large,
        })
    }

    /// How many values of an attribute a row carries.
    pub(crate) fn most(&self, attribute: &str) -> usize {
        let is_relation = self.relation.as_deref().is_some_and(|relation| relation.eq_ignore_ascii_case(attribute));
        if is_relation { self.large } else { VALUES_MAX }
    }

    /// What has to be read for a row.
    pub(crate) fn wanted(&self) -> Vec<&str> {
        let mut wanted = vec![self.dialect.uid(), self.dialect.revision()];
        if self.name != DN {
            wanted.push(&self.name);
        }
        for slot in &self.slots {
            match slot {
                Slot::Native(native) => wanted.push(&native.name),
                Slot::Operational(operational) => wanted.extend(operational.natives(self.dialect)),
                Slot::Dn | Slot::Unread => {}
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Where the cell of an attribute stands, if it was asked for.
    pub(crate) fn position(&self, attribute: &str) -> Option<usize> {
        self.find(|name| name.eq_ignore_ascii_case(attribute))
    }

    /// An attribute as the schema writes it, if it was asked for.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        match self.position(name).and_then(|at| self.slots.get(at))? {
            Slot::Native(native) => Some(&native.name),
            _ => None,
        }
    }

    /// Where the cell of the nth attribute of an entry stands, if it was asked for.
    fn place(&self, nth: usize, name: &str) -> Option<usize> {
        let mut usual = self.usual.borrow_mut();
        let is_there = |at: usize| matches!(self.slots.get(at), Some(Slot::Native(native)) if native.name == name);
        if let Some(at) = usual.get(nth).copied().filter(|at| is_there(*at)) {
            return Some(at);
        }
        let at = self.find(|native| native == name).or_else(|| self.position(entry::base_name(name)?))?;
        if usual.len() <= nth {
            usual.resize(nth + 1, at);
        }
        if let Some(usual) = usual.get_mut(nth) {
            *usual = at;
        }
        Some(at)
    }

    /// Where the first attribute of such a name stands.
    fn find(&self, is_it: impl Fn(&str) -> bool) -> Option<usize> {
        self.slots.iter().position(|slot| matches!(slot, Slot::Native(native) if is_it(&native.name)))
    }

    /// The row of an entry.
    ///
    /// # Errors
    /// Why it cannot be one: it has no uid or no name.
    pub(crate) fn row(&self, entry: Entry) -> Result<Row> {
        let uid = entry::uid(&entry, self.dialect)?;
        let dn = entry::dn(&entry, self.dialect);
        let revision = entry::text(&entry, self.dialect.revision()).map(str::to_owned);
        let mut cells: Vec<Cell> = self.slots.iter().map(|slot| self.fixed(slot, &entry, &dn)).collect();
        let name = if self.name == DN { dn } else { name(&entry, self.dialect, &self.name)? };
        for (nth, raw) in entry.attributes.into_iter().enumerate() {
            self.fill(&mut cells, nth, raw);
        }
        Ok(Row { uid, name, revision, cells })
    }

    /// The cell of what is no attribute of its own; a native one is absent until it turns up.
    fn fixed(&self, slot: &Slot, entry: &Entry, dn: &str) -> Cell {
        match slot {
            Slot::Dn => Cell::Text(dn.to_owned()),
            Slot::Unread => Cell::Unread,
            Slot::Native(_) => Cell::Absent,
            Slot::Operational(operational) => operational.read(self.dialect, entry),
        }
    }

    fn fill(&self, cells: &mut [Cell], nth: usize, raw: RawAttribute) {
        let at = self.place(nth, &raw.name);
        let Some((slot, cell)) = at.and_then(|at| Some((self.slots.get(at)?, cells.get_mut(at)?))) else { return };
        let Slot::Native(native) = slot else { return };
        // Beside `member;range=0-1499`, Active Directory shows a `member` without values.
        if raw.values.is_empty() {
            return;
        }
        let range = entry::range(&raw.name);
        let cut = range.is_some_and(|range| range.from > 0 || range.to.is_some());
        *cell = self.cell(native, raw.values, cut);
    }

    fn cell(&self, native: &Native, mut raw: Vec<Vec<u8>>, cut: bool) -> Cell {
        let most = self.most(&native.name);
        let large = !native.single && raw.len() > most;
        if large {
            raw.truncate(most);
        }
        match values::cell(native, raw, self.dialect) {
            Cell::Many(values) if cut || large => Cell::Partial(values),
            cell => cell,
        }
    }
}

fn slot(class: &Class, attribute: &str) -> Result<Slot> {
    if attribute == DN {
        return Ok(Slot::Dn);
    }
    if attribute == PASSWORD {
        return Ok(Slot::Unread);
    }
    if let Some(operational) = class.operational.iter().find(|operational| operational.name() == attribute) {
        return Ok(Slot::Operational(*operational));
    }
    class.native(attribute).cloned().map(Slot::Native).ok_or_else(|| class.unknown(attribute))
}

/// The name of an entry, as its class is named.
pub(crate) fn name(entry: &Entry, dialect: Dialect, attribute: &str) -> Result<String> {
    if attribute == DN {
        return Ok(entry::dn(entry, dialect));
    }
    let name = entry::text(entry, attribute).map(str::to_owned);
    name.ok_or_else(|| Error::schema_violation(format!("the entry has no `{attribute}`, which is its name here")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::tests::{of_ad, of_openldap};
    use crate::entry::tests::entry;
    use hawser_sdk::{Reference, Value};

    fn options() -> Options {
        Options { large_group: 2, ..Options::default() }
    }

    fn layout(class: &Class, attributes: &[&str]) -> Layout {
        let attributes: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
        Layout::of(Dialect::OpenLdap, DN, class, &attributes, &options()).unwrap()
    }

    fn row(class: &Class, attributes: &[&str], entry: Entry) -> Vec<Cell> {
        layout(class, attributes).row(entry).unwrap().cells
    }

    const UID: (&str, &str) = ("entryUUID", "03020100-0504-0706-0809-0A0B0C0D0E0F");

    #[test]
    fn an_entry_without_uid_or_name_is_no_row() {
        let classes = of_openldap();
        assert!(layout(&classes[0], &[]).row(entry("cn=a", &[])).is_err());
        let named = Layout::of(Dialect::OpenLdap, "uid", &classes[0], &[], &options()).unwrap();
        assert!(named.row(entry("cn=a", &[UID])).unwrap_err().message().contains("`uid`"));
        assert!(Layout::of(Dialect::OpenLdap, DN, &classes[0], &["nosuch".to_owned()], &options()).is_err());
    }

    #[test]
    fn absent_unread_partial_and_a_list_stay_apart() {
        let classes = of_openldap();
        let account = row(&classes[0], &["password", "mail", "cn", "dn"], entry("CN=a,dc=x", &[UID, ("cn", "a")]));
        let expected = [Cell::Unread, Cell::Absent, Cell::Many(vec!["a".into()]), "cn=a,dc=x".into()];
        assert_eq!(account, expected);
        let members = |count: usize| {
            let names = ["cn=1,dc=x", "cn=2,dc=x", "cn=3,dc=x"];
            let attributes: Vec<_> = names.iter().take(count).map(|name| ("member", *name)).chain([UID]).collect();
            row(&classes[1], &["member"], entry("cn=g", &attributes)).remove(0)
        };
        assert_eq!(members(0), Cell::Absent);
        assert!(matches!(members(2), Cell::Many(values) if values.len() == 2));
        assert!(matches!(members(3), Cell::Partial(values) if values.len() == 2));
    }

    #[test]
    fn only_what_comes_as_edges_is_cut() {
        let classes = of_openldap();
        let names = ["cn=1,dc=x", "cn=2,dc=x", "cn=3,dc=x"];
        let attributes: Vec<_> = names.iter().map(|name| ("manager", *name)).chain([UID]).collect();
        let managers = row(&classes[0], &["manager"], entry("cn=a", &attributes)).remove(0);
        assert!(matches!(managers, Cell::Many(values) if values.len() == 3));
        let written_on_accounts = Options { member_attribute: "memberOf".to_owned(), ..options() };
        let most =
            |class, options| Layout::of(Dialect::OpenLdap, DN, &classes[class], &[], options).unwrap().most("memberof");
        assert_eq!((most(0, &written_on_accounts), most(1, &written_on_accounts)), (2, VALUES_MAX));
        assert_eq!(most(0, &options()), VALUES_MAX);
    }

    #[test]
    fn some_of_the_values_are_never_all_of_them() {
        let classes = of_openldap();
        let some = |name| {
            let mut found = entry("cn=g", &[UID, (name, "cn=1,dc=x")]);
            found.attributes.push(RawAttribute { name: "member".into(), values: Vec::new() });
            row(&classes[1], &["member"], found).remove(0)
        };
        let one: Value = Reference { class: None, key: hawser_sdk::Key::Name("cn=1,dc=x".to_owned()) }.into();
        assert_eq!(some("member;range=0-0"), Cell::Partial(vec![one.clone()]));
        assert_eq!(some("member;range=0-*"), Cell::Many(vec![one]));
    }

    #[test]
    fn a_row_asks_for_what_it_is_made_of_and_nothing_else() {
        let ad = of_ad();
        let attributes = ["enabled".to_owned(), "cn".to_owned(), "password".to_owned()];
        let layout = Layout::of(Dialect::Samba, "sAMAccountName", &ad[0], &attributes, &options()).unwrap();
        assert_eq!(layout.wanted(), ["cn", "objectGUID", "sAMAccountName", "uSNChanged", "userAccountControl"]);
    }

    #[test]
    fn the_uid_has_one_spelling() {
        let classes = of_openldap();
        let row = layout(&classes[0], &[]).row(entry("UID=a, dc=x", &[UID, ("entrycsn", "7")])).unwrap();
        assert_eq!(row.uid, UID.1.to_lowercase());
        assert_eq!((row.name.as_str(), row.revision.as_deref()), ("uid=a,dc=x", Some("7")));
    }
}
