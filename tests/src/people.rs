//! A company in CSV files: the same people every time, so that a test can name them.
//!
//! `accounts.csv`, `groups.csv` and `memberships.csv` in a folder of their own that goes when the fixture goes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

const ACCOUNT_COLUMNS: &str = "id,userName,givenName,familyName,email,department,title,manager,active,\
                               employeeNumber,phone,passwordHash";
const GIVEN: &[&str] = &["Ada", "Bjørn", "Chloé", "Dmitri", "Elif", "Femi", "Grace", "Hiroshi", "Ines", "João"];
const FAMILY: &[&str] = &["Lovelace", "Ødegård", "Durand", "Ivanov", "Yılmaz", "Okafor", "O'Brien", "Tanaka", "Silva"];
const DEPARTMENTS: &[&str] = &["Engineering", "Finance", "Legal, Compliance", "Sales", "Works \"Council\""];

/// The files, and how many people and groups were written.
pub struct People {
    folder: TempDir,
    pub accounts: usize,
    pub groups: usize,
}

impl People {
    /// So many accounts `u1`, `u2`, ... and groups `g1`, `g2`, ...; account `n` is in group `n % groups + 1`.
    pub fn new(accounts: usize, groups: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("hawser-people-").tempdir().expect("a folder can be made");
        let people = Self { folder, accounts, groups };
        people.write("accounts.csv", &accounts_file(accounts));
        people.write("groups.csv", &groups_file(groups));
        people.write("memberships.csv", &memberships_file(accounts, groups));
        people
    }

    /// Where the files are.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file's text.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("the file can be read")
    }

    /// Replaces a file.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("the file can be written");
    }

    /// Adds a line to a file.
    pub fn append(&self, name: &str, line: &str) {
        self.write(name, &format!("{}{line}\n", self.read(name)));
    }

    /// Keeps the header and the lines that `keep` says.
    pub fn keep_lines(&self, name: &str, keep: impl Fn(&str) -> bool) {
        let text = self.read(name);
        let kept = text.lines().enumerate().filter(|(at, line)| *at == 0 || keep(line)).map(|(_, line)| line);
        self.write(name, &(kept.collect::<Vec<_>>().join("\n") + "\n"));
    }

    /// Replaces text of a file; it must be there.
    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not hold {from:?}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// The body of a connection of `hawser/csv` over these files.
    pub fn connection(&self, id: &str, system: &str) -> Json {
        json!({
            "id": id,
            "system": system,
            "connector": "hawser/csv",
            "version": "^0.1",
            "title": "People in CSV files",
            "options": {
                "accounts-file": "accounts.csv", "account-key": "id", "account-name": "userName",
                "groups-file": "groups.csv", "group-key": "id", "group-name": "name",
                "memberships-file": "memberships.csv", "password-column": "passwordHash",
                "integer-columns": ["employeeNumber"], "boolean-columns": ["active"],
            },
            "directories": {"data": {"path": self.path(), "access": "read-write"}},
        })
    }
}

/// The uid of the n-th account, from 1.
pub fn account_uid(n: usize) -> String {
    format!("u{n}")
}

/// The login name of the n-th account, from 1.
pub fn account_name(n: usize) -> String {
    format!("user.{n}")
}

fn accounts_file(count: usize) -> String {
    let mut text = format!("{ACCOUNT_COLUMNS}\n");
    for n in 1..=count {
        let (given, family) = (GIVEN[n % GIVEN.len()], FAMILY[n % FAMILY.len()]);
        let department = DEPARTMENTS[n % DEPARTMENTS.len()].replace('"', "\"\"");
        let manager = if n == 1 { String::new() } else { account_uid(n / 10 + 1) };
        let active = n % 20 != 0;
        let (uid, name) = (account_uid(n), account_name(n));
        let row = format!(
            "{uid},{name},{given},{family},{name}@example.com,\"{department}\",Engineer {n},{manager},{active},{},+1-555-{n:04},",
            1000 + n
        );
        writeln!(text, "{row}").expect("text grows");
    }
    text
}

fn groups_file(count: usize) -> String {
    (1..=count).fold("id,name,description\n".to_owned(), |text, n| text + &format!("g{n},team-{n},Team {n}\n"))
}

fn memberships_file(accounts: usize, groups: usize) -> String {
    let member = |n: usize| format!("g{},{}\n", n % groups + 1, account_uid(n));
    let members = (1..=accounts).filter(|_| groups > 0).map(member);
    members.fold("group,account\n".to_owned(), |text, line| text + &line)
}
