//! The company in CSV files, as another system would export them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::super::fault::Fault;
use super::people::{self, ACCOUNT_COLUMNS, Company, Person};
use super::show;
use super::target::{Joiner, Target, Terms};

/// A file that no connection of the demo may read, and that is there.
const OUTSIDE: &str = "../../../../../../../../etc/passwd";

pub(super) const TERMS: Terms = Terms {
    connector: "csv",
    place: "CSV files",
    given: "givenName",
    family: "familyName",
    department: "department",
    hidden: "passwordHash",
    asked: "directory:data:",
    range: None,
    others: 0,
    placed: "The file holds an argon2id hash that the host made; the connector saw neither password nor bytes of it.",
    checks_passwords: true,
    touched: 0,
    left_behind: 0,
    vanished: [
        "The accounts file was emptied: the import is held",
        "Somebody's export broke off after the first line of accounts.csv.",
    ],
    outside: ["A connector that reaches outside its directory", "directory"],
};

/// A folder with `accounts.csv`, `groups.csv` and `memberships.csv`.
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Writes them into a new folder.
    pub(super) fn write(folder: &Path, company: Company) -> Result<Self, Fault> {
        fs::create_dir(folder).map_err(Fault::io(folder.display()))?;
        company.write(folder).map_err(|why| Fault::failed(format!("{}: {why}", folder.display())))?;
        show::say(&format!(
            "wrote the company's accounts.csv, groups.csv and memberships.csv to {}",
            folder.display()
        ))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// With these options.
    fn connected(&self, options: &Json) -> Map<String, Json> {
        let directories = json!({"data": {"path": self.folder, "access": "read-write"}});
        Map::from_iter([("options".to_owned(), options.clone()), ("directories".to_owned(), directories)])
    }

    fn accounts(&self) -> PathBuf {
        self.folder.join("accounts.csv")
    }

    /// Where the accounts are while they are not in their place; not in the connection's folder.
    fn aside(&self) -> PathBuf {
        self.folder.with_file_name("accounts-as-they-were.csv")
    }
}

impl Target for Files {
    fn terms(&self) -> &'static Terms {
        &TERMS
    }

    fn connection(&self) -> Map<String, Json> {
        self.connected(&json!({
            "account-key": "id", "account-name": "userName", "enabled-column": "active",
            "password-column": "passwordHash", "groups-file": "groups.csv", "group-name": "name",
            "memberships-file": "memberships.csv",
        }))
    }

    fn outside(&self) -> Map<String, Json> {
        self.connected(&json!({"accounts-file": OUTSIDE, "account-name": "name"}))
    }

    fn reach(&self) -> String {
        format!("read and write one folder, {}", self.folder.display())
    }

    fn account(&self, person: &Person) -> String {
        person.user_name.clone()
    }

    fn group(&self, index: u64) -> String {
        people::group_name(index)
    }

    fn joiner(&self, joiner: &Joiner) -> Json {
        json!({"name": joiner.login, "attributes": {
            "id": [joiner.id], "givenName": [joiner.given], "familyName": [joiner.family], "email": [joiner.mail()],
            "department": [joiner.department], "title": [joiner.title], "enabled": [true],
        }})
    }

    fn vanish(&self) -> Result<(), Fault> {
        let accounts = self.accounts();
        fs::rename(&accounts, self.aside()).map_err(Fault::io(accounts.display()))?;
        fs::write(&accounts, format!("{}\n", ACCOUNT_COLUMNS.join(","))).map_err(Fault::io(accounts.display()))
    }

    fn restore(&self) -> Result<(), Fault> {
        fs::rename(self.aside(), self.accounts()).map_err(Fault::io(self.accounts().display()))
    }
}
