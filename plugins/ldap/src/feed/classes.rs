//! The classes a feed is about: of which of them an entry is, and what is told of it.
//!
//! Classes may overlap (a person who is a posixAccount, too), and an object is told for every class whose complete pass
//! would list it. Where a class has a filter of its own and an entry could be of another class as well, the entry alone
//! does not say whether the filter finds it: then the server is asked.

use crate::dialect::Dialect;
use crate::directory::{Directory, Place, is_within, paged};
use crate::layout::Layout;
use crate::model::Kind;
use crate::{entry, filter, ranges};
use hawser_sdk::ldap::{Entry, Scope};
use hawser_sdk::{ClassAttributes, ClassRow, Delta, Error, Gone, Item, Rejected, Result};
use std::collections::HashSet;

/// How many objects one search asks for.
pub(super) const READ_AT_ONCE: usize = 50;

/// The classes a feed is about, and how their entries become rows.
pub(super) struct Classes {
    pub(super) asked: Vec<(Place, Layout)>,
    /// Classes of the connection that nobody asked for here; their entries are passed over.
    pub(super) others: Vec<Place>,
}

/// What the server said of entries that do not show their classes: class and uid of each that is of one.
#[derive(Default)]
pub(super) struct Answered(HashSet<(String, String)>);

impl Classes {
    pub(super) fn open(directory: &Directory, classes: &[ClassAttributes]) -> Result<Self> {
        let known = directory.classes()?;
        let open = |asked: &ClassAttributes| {
            let mut place = directory.place(&asked.class)?;
            let class = known.iter().find(|class| class.name == asked.class);
            let class = class.ok_or_else(|| Error::schema_violation(format!("there is no class `{}`", asked.class)))?;
            let layout = Layout::new(directory, &place, class, &asked.attributes)?;
            place.below.clone_from(&class.below);
            Ok((place, layout))
        };
        let asked = classes.iter().map(open).collect::<Result<_>>()?;
        let mut others = directory.places();
        others.retain(|place| classes.iter().all(|asked| asked.class != place.class));
        for place in &mut others {
            if let Some(class) = known.iter().find(|class| class.name == place.class) {
                place.below.clone_from(&class.below);
            }
        }
        Ok(Self { asked, others })
    }

    /// Entries of any of the classes.
    pub(super) fn filter(&self) -> String {
        filter::any_of(&self.asked.iter().map(|(place, _)| place.filter.clone()).collect::<Vec<_>>())
    }

    /// The same by object class alone: what is gone has lost everything else.
    pub(super) fn object_classes(&self) -> String {
        let classes = self.asked.iter().map(|(place, _)| format!("(objectClass={})", place.object_class));
        filter::any_of(&classes.collect::<Vec<_>>())
    }

    /// Everything a row of any class is made of.
    pub(super) fn wanted(&self) -> Vec<&str> {
        let mut wanted = vec!["objectClass"];
        wanted.extend(self.asked.iter().flat_map(|(_, layout)| layout.wanted()));
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Asks the server about those of a search's entries that do not show of which classes they are.
    pub(super) fn ask(&self, directory: &Directory, entries: &[Entry]) -> Result<Answered> {
        let dialect = directory.dialect();
        let mut answered = Answered::default();
        for (place, uids) in self.doubtful(dialect, entries) {
            for chunk in uids.chunks(READ_AT_ONCE) {
                let any: Vec<String> = chunk.iter().filter_map(|uid| filter::by_uid(uid, dialect)).collect();
                let wanted = format!("(&{}{})", filter::any_of(&any), place.filter);
                let request = directory.request(&place.base, Scope::Subtree, &wanted, &[dialect.uid()]);
                for found in directory.session.find(&paged(request, directory.options.page_size))? {
                    answered.0.insert((place.class.clone(), entry::uid(&found, dialect)?));
                }
            }
        }
        Ok(answered)
    }

    /// The uids of those who could be of a class, by the class.
    fn doubtful(&self, dialect: Dialect, entries: &[Entry]) -> Vec<(&Place, Vec<String>)> {
        let of = |(place, _): &'_ &(Place, Layout)| !place.is_plain();
        let doubtful = self.asked.iter().filter(of).map(|(place, _)| {
            let could_be = entries.iter().filter(|found| is_of(place, found) && self.could_be_another(place, found));
            (place, could_be.filter_map(|found| entry::uid(found, dialect).ok()).collect::<Vec<_>>())
        });
        doubtful.filter(|(_, uids)| !uids.is_empty()).collect()
    }

    /// Could another class be why an entry was found?
    fn could_be_another(&self, place: &Place, found: &Entry) -> bool {
        let all = self.asked.iter().map(|(place, _)| place).chain(&self.others);
        all.filter(|other| other.class != place.class).any(|other| other.covers(found))
    }

    /// Is an entry that the filters of the classes found of this one?
    fn is(&self, place: &Place, found: &Entry, dialect: Dialect, Answered(answered): &Answered) -> bool {
        let said = || entry::uid(found, dialect).is_ok_and(|uid| answered.contains(&(place.class.clone(), uid)));
        is_of(place, found) && (place.is_plain() || !self.could_be_another(place, found) || said())
    }

    /// Adds what the server left out of an entry, as far as a row of it carries it.
    pub(super) fn complete(&self, directory: &Directory, found: &mut Entry) -> Result<()> {
        if !ranges::is_cut(found) {
            return Ok(());
        }
        let layouts: Vec<&Layout> =
            self.asked.iter().filter(|(place, _)| is_of(place, found)).map(|(_, layout)| layout).collect();
        let most = |attribute: &str| layouts.iter().map(|layout| layout.most(attribute)).min().unwrap_or_default();
        match entry::uid(found, directory.dialect()) {
            Ok(uid) => ranges::complete(directory, &directory.target(found, &uid), found, most),
            // It will be set aside.
            Err(_) => Ok(()),
        }
    }

    /// The whole object as it is now, for every class it is of, and that it is of no other any more. One that is of no
    /// class of the connection is gone as far as that is concerned; nothing is told of one whose class nobody asked for.
    pub(super) fn upsert(&self, dialect: Dialect, found: Entry, answered: &Answered) -> Vec<Item<Delta>> {
        let (of, others): (Vec<_>, Vec<_>) =
            self.asked.iter().partition(|(place, _)| self.is(place, &found, dialect, answered));
        let uid = match entry::uid(&found, dialect) {
            Ok(uid) => uid,
            Err(why) => return vec![Rejected::new(entry::dn(&found, dialect), why).into()],
        };
        if of.is_empty() && !self.others.iter().any(|place| is_of(place, &found)) {
            return vec![Item::Found(gone(uid))];
        }
        let overlaps = of.iter().any(|(place, _)| place.kind == Kind::Other);
        // An entry of Active Directory keeps its object classes, so that it can only have left one that it still has.
        let may_have_left = |place: &Place| !dialect.is_ad() || place.covers(&found);
        let left = others.iter().filter(|(place, _)| (overlaps || place.kind == Kind::Other) && may_have_left(place));
        let left = left.map(|(place, _)| Item::Found(gone_from(place, &uid)));
        let left: Vec<Item<Delta>> = left.collect();
        rows(&of, found, dialect).into_iter().chain(left).collect()
    }

    /// An entry that was deleted, or that none of the filters of the classes found.
    pub(super) fn lost(&self, dialect: Dialect, found: &Entry) -> Result<Vec<Item<Delta>>> {
        let uid = entry::uid(found, dialect)?;
        if is_deleted(found) || !self.others.iter().any(|place| is_of(place, found)) {
            return Ok(vec![Item::Found(gone(uid))]);
        }
        let was = self.asked.iter().filter(|(place, _)| place.covers(found));
        Ok(was.map(|(place, _)| Item::Found(gone_from(place, &uid))).collect())
    }
}

/// A row of an entry for each of these classes.
fn rows(of: &[&(Place, Layout)], found: Entry, dialect: Dialect) -> Vec<Item<Delta>> {
    let Some(((place, layout), further)) = of.split_last() else { return Vec::new() };
    let name = entry::dn(&found, dialect);
    let one = |place: &Place, layout: &Layout, found: Entry| match layout.row(found) {
        Ok(row) => Item::Found(Delta::Upsert(ClassRow { class: place.class.clone(), row })),
        Err(why) => Rejected::new(name.clone(), why).into(),
    };
    let mut rows: Vec<Item<Delta>> = further.iter().map(|(place, layout)| one(place, layout, found.clone())).collect();
    rows.push(one(place, layout, found));
    rows
}

/// Is it the tombstone that Active Directory keeps?
pub(super) fn is_deleted(found: &Entry) -> bool {
    entry::text(found, "isDeleted").is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Has it the object class, and does it lie where the class lives?
fn is_of(place: &Place, found: &Entry) -> bool {
    place.covers(found) && is_within(&found.dn, &place.base)
}

/// An object that is gone.
pub(super) fn gone(uid: String) -> Delta {
    Delta::Delete(Gone { class: None, uid: Some(uid), name: None })
}

/// An object that is of a class no more.
fn gone_from(place: &Place, uid: &str) -> Delta {
    Delta::Delete(Gone { class: Some(place.class.clone()), uid: Some(uid.to_owned()), name: None })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::builder;
    use crate::directory::tests::places_of;
    use crate::entry::tests::entry;
    use crate::options::Options;
    use crate::subschema::tests::{active_directory, openldap};

    /// Accounts and groups with these attributes; groups below ou=groups only.
    pub(in crate::feed) fn classes(dialect: Dialect, attributes: [&[&str]; 2]) -> Classes {
        let attributes = [attributes[0], attributes[1]];
        of(dialect, Options::default(), &attributes)
    }

    /// The first classes of a connection, as many as there are lists of attributes.
    fn of(dialect: Dialect, options: Options, attributes: &[&[&str]]) -> Classes {
        let options = Options { group_base: Some("ou=groups,dc=x".to_owned()), large_group: 2, ..options };
        let schema = if dialect.is_ad() { active_directory() } else { openldap() };
        let known = builder::build(&schema, &options, dialect, &[]).unwrap();
        let open = |((place, class), attributes): ((Place, &crate::model::Class), &&[&str])| {
            let attributes: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
            let layout = Layout::of(dialect, &place.name, class, &attributes, &options).unwrap();
            (place, layout)
        };
        let mut places = places_of(&options, dialect);
        places.iter_mut().zip(&known).for_each(|(place, class)| place.below.clone_from(&class.below));
        let others = places.split_off(attributes.len());
        Classes { asked: places.into_iter().zip(&known).zip(attributes).map(open).collect(), others }
    }

    const UID: &str = "03020100-0504-0706-0809-0a0b0c0d0e0f";

    /// What is told, shortly: `class` of a row, `-class` of who left one, `-` of who is gone.
    fn told(items: Vec<Item<Delta>>) -> Vec<String> {
        let one = |item| match item {
            Item::Found(Delta::Upsert(row)) => row.class,
            Item::Found(Delta::Delete(gone)) => format!("-{}", gone.class.unwrap_or_default()),
            Item::Rejected(rejected) => format!("!{}", rejected.key()),
            other => panic!("{other:?}"),
        };
        items.into_iter().map(one).collect()
    }

    fn person(dn: &str, object_classes: &[&str], dialect: Dialect) -> Entry {
        let classes = object_classes.iter().map(|class| ("objectClass", *class));
        let mut found = entry(dn, &classes.collect::<Vec<_>>());
        let uid = if dialect.is_ad() { (0..16).collect() } else { UID.as_bytes().to_vec() };
        found.attributes.push(hawser_sdk::ldap::RawAttribute { name: dialect.uid().into(), values: vec![uid] });
        found
    }

    #[test]
    fn what_left_the_classes_is_gone_and_what_has_no_uid_is_set_aside() {
        let classes = classes(Dialect::OpenLdap, [&[], &[]]);
        let upsert = |dn: &str, class: &str| {
            let found = person(dn, &[class], Dialect::OpenLdap);
            told(classes.upsert(Dialect::OpenLdap, found, &Answered::default()))
        };
        assert_eq!(upsert("cn=a,dc=x", "device"), ["-"]);
        assert_eq!(upsert("cn=g,ou=elsewhere,dc=x", "groupOfNames"), ["-"]);
        assert!(upsert("ou=a,dc=x", "organizationalUnit").is_empty(), "nobody asked for units, and it is not gone");
        assert_eq!(upsert("cn=g,ou=groups,dc=x", "groupOfNames"), ["group"]);
        let nameless = entry("cn=a,dc=x", &[("objectClass", "inetOrgPerson")]);
        assert_eq!(told(classes.upsert(Dialect::OpenLdap, nameless, &Answered::default())), ["!cn=a,dc=x"]);
    }

    #[test]
    fn an_object_of_two_classes_is_told_for_both_and_for_none_that_it_left() {
        let options = Options { more_classes: vec!["person".to_owned()], ..Options::default() };
        let classes = of(Dialect::OpenLdap, options, &[&[], &[], &[], &["sn"]]);
        let upsert = |object_classes: &[&str]| {
            let found = person("cn=a,dc=x", object_classes, Dialect::OpenLdap);
            told(classes.upsert(Dialect::OpenLdap, found, &Answered::default()))
        };
        assert_eq!(upsert(&["inetOrgPerson", "person"]), ["account", "person", "-group", "-unit"]);
        assert_eq!(upsert(&["inetOrgPerson"]), ["account", "person", "-group", "-unit"], "every inetOrgPerson is one");
        assert_eq!(upsert(&["person"]), ["person", "-account", "-group", "-unit"]);
        assert_eq!(upsert(&["organizationalUnit"]), ["unit", "-person"], "what never overlaps is not worth a word");
        let both = [person("cn=a,dc=x", &["inetOrgPerson", "person"], Dialect::OpenLdap)];
        assert!(classes.doubtful(Dialect::OpenLdap, &both).is_empty(), "the entry itself says it");
    }

    #[test]
    fn the_server_is_asked_where_an_entry_does_not_show_its_class() {
        let options = Options { more_classes: vec!["person".to_owned()], ..Options::default() };
        let dialect = Dialect::Samba;
        let classes = of(dialect, options, &[&[], &[], &[], &[]]);
        let found = || person("CN=a,DC=x", &["person", "user"], dialect);
        let (alone, group) = (person("CN=a,DC=x", &["user"], dialect), person("CN=g,DC=x", &["group"], dialect));
        let doubtful = classes.doubtful(dialect, &[found(), alone, group]);
        let doubtful: Vec<_> = doubtful.into_iter().map(|(place, uids)| (place.class.as_str(), uids)).collect();
        assert_eq!(doubtful, [("account", vec![UID.to_owned()])], "one that could be of one class alone is of that");
        let told = |answered: &Answered| told(classes.upsert(dialect, found(), answered));
        assert_eq!(told(&Answered::default()), ["person", "-account"]);
        let yes = Answered([("account".to_owned(), UID.to_owned())].into());
        assert_eq!(told(&yes), ["account", "person"]);
    }

    #[test]
    fn who_is_left_in_a_class_that_nobody_asked_for_is_gone_from_the_others_alone() {
        let options = Options { more_classes: vec!["person".to_owned()], ..Options::default() };
        let classes = of(Dialect::OpenLdap, options, &[&[], &[]]);
        let lost = |found: Entry| told(classes.lost(Dialect::OpenLdap, &found).unwrap());
        assert_eq!(lost(person("cn=a,dc=x", &["inetOrgPerson", "person"], Dialect::OpenLdap)), ["-account"]);
        assert_eq!(lost(person("cn=a,dc=x", &["inetOrgPerson"], Dialect::OpenLdap)), ["-account"], "each is one");
        assert_eq!(lost(person("cn=a,dc=x", &["device"], Dialect::OpenLdap)), ["-"]);
    }

    #[test]
    fn a_feed_looks_for_every_class_at_once() {
        let classes = classes(Dialect::Samba, [&["cn"], &["member"]]);
        assert_eq!(classes.object_classes(), "(|(objectClass=user)(objectClass=group))");
        assert!(classes.filter().contains("(objectCategory=person)"));
        assert_eq!(classes.wanted(), ["cn", "member", "objectClass", "objectGUID", "uSNChanged"]);
    }
}
