//! A folder of CSV files and a connection to it.

use hawser_csv::Csv;
use hawser_sdk::testing::{self, Entered, Host};
use hawser_sdk::{Cell, Edge, EdgeRequest, Item, ListRequest, Listing, ObjectRef, Record, Result, Row, Source};

pub(crate) struct Folder {
    folder: tempfile::TempDir,
    options: Vec<(&'static str, Vec<String>)>,
}

impl Folder {
    /// A folder with an accounts file.
    pub(crate) fn new(accounts: impl AsRef<[u8]>) -> Self {
        let folder = Self { folder: tempfile::tempdir().unwrap(), options: Vec::new() };
        folder.write("accounts.csv", accounts);
        folder
    }

    /// Accounts, groups and memberships as most tests want them.
    pub(crate) fn with_groups(memberships: &str) -> Self {
        let folder = Self::new("id,login\n1,ada\n2,bob\n")
            .option("account-name", "login")
            .option("groups-file", "groups.csv")
            .option("group-name", "title")
            .option("memberships-file", "members.csv");
        folder.write("groups.csv", "id,title\ng1,Admins\ng2,Staff\n");
        folder.write("members.csv", memberships);
        folder
    }

    pub(crate) fn option(self, name: &'static str, value: &str) -> Self {
        self.options(name, &[value])
    }

    pub(crate) fn options(mut self, name: &'static str, values: &[&str]) -> Self {
        self.options.push((name, values.iter().map(|value| (*value).to_owned()).collect()));
        self
    }

    pub(crate) fn enter(&self) -> Entered {
        let host = Host::new().directory("data", self.folder.path());
        let set = |host: Host, (name, values): &(&'static str, Vec<String>)| host.options(name, values.clone());
        self.options.iter().fold(host, set).enter()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }
}

pub(crate) fn csv() -> Csv {
    testing::connector().unwrap()
}

pub(crate) fn account(uid: &str) -> ObjectRef {
    ObjectRef::new("account", uid)
}

pub(crate) fn group(uid: &str) -> ObjectRef {
    ObjectRef::new("group", uid)
}

fn names(attributes: &[&str]) -> Vec<String> {
    attributes.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) fn request(class: &str, attributes: &[&str]) -> ListRequest {
    ListRequest { class: class.to_owned(), attributes: names(attributes), filter: None, container: None }
}

/// What a pass over a class found and set aside.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    pub(crate) rows: Vec<Row>,
    /// Key and reason.
    pub(crate) aside: Vec<(String, String)>,
}

impl Pass {
    pub(crate) fn uids(&self) -> Vec<&str> {
        self.rows.iter().map(|row| row.uid.as_str()).collect()
    }

    pub(crate) fn cells(&self) -> Vec<&[Cell]> {
        self.rows.iter().map(|row| row.cells.as_slice()).collect()
    }

    pub(crate) fn add(&mut self, item: Item<Record>) {
        match item {
            Item::Found(Record::Row(row)) => self.rows.push(row),
            Item::Found(object) => panic!("a row was expected: {object:?}"),
            Item::Rejected(rejected) => self.aside.push((rejected.key().into(), rejected.reason().message().into())),
        }
    }
}

/// Lists the accounts to the end.
pub(crate) fn list(attributes: &[&str]) -> Result<Pass> {
    list_class("account", attributes)
}

pub(crate) fn list_class(class: &str, attributes: &[&str]) -> Result<Pass> {
    let mut pass = Pass::default();
    for item in testing::collect(testing::connector::<Csv>()?.list(request(class, attributes), None)?)? {
        pass.add(item);
    }
    Ok(pass)
}

pub(crate) fn get(uid: &str, attributes: &[&str]) -> Result<Row> {
    match csv().get(&account(uid), &names(attributes))? {
        Record::Row(row) => Ok(row),
        Record::Object(object) => panic!("a row was expected: {object:?}"),
    }
}

/// The edges `group -> account` of the memberships file, and how many rows were set aside.
pub(crate) fn edges(owner: Option<&str>) -> (Vec<String>, usize) {
    let request = EdgeRequest { class: "group".into(), attribute: "members".into(), owner: owner.map(group) };
    let mut found = Vec::new();
    let mut aside = 0;
    let mut listing = csv().edges(request, None).unwrap();
    while let Some(item) = listing.next_item() {
        match item.unwrap() {
            Item::Found(Edge { owner, target, .. }) => found.push(format!("{} -> {}", key(&owner), key(&target))),
            Item::Rejected(_) => aside += 1,
        }
    }
    (found, aside)
}

fn key(reference: &hawser_sdk::Reference) -> &str {
    let (hawser_sdk::Key::Uid(key) | hawser_sdk::Key::Name(key)) = &reference.key;
    key
}
