//! The data of the import figures: users of eleven columns, the same for the same number, as `gen-users.py` writes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;

/// So many users in a file of their own folder, which goes when this goes.
pub(super) struct Users {
    folder: TempDir,
    pub(super) count: usize,
}

impl Users {
    pub(super) fn new(count: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("hawser-users-").tempdir().expect("a folder can be made");
        let users = Self { folder, count };
        let generator = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/report/gen-users.py");
        let made = Command::new("python3").arg(generator).arg(count.to_string()).arg(users.file()).status();
        assert!(made.expect("python3 is installed").success(), "the users were not made");
        users
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("users.csv")
    }

    /// Connects the CSV connector to them, and reads their schema.
    pub(super) async fn connected(&self, house: &House) -> Bed {
        self.connected_with(house, Map::new()).await
    }

    /// The same with these options as well, for other files beside theirs.
    pub(super) async fn connected_with(&self, house: &House, others: Map<String, Json>) -> Bed {
        let bed = Bed::bare(house, People::new(0, 0)).await;
        let mut body = json!({
            "id": bed.id, "system": bed.system, "connector": "hawser/csv", "version": "^0.1", "title": "Users",
            "options": {
                "accounts-file": "users.csv", "account-key": "id", "account-name": "userName",
                "integer-columns": ["employeeNumber"], "boolean-columns": ["active"],
            },
            "directories": {"data": {"path": self.folder.path(), "access": "read-only"}},
        });
        body["options"].as_object_mut().expect("options are an object").extend(others);
        bed.connect(&body).await;
        bed
    }
}

/// A host in a process of its own, which has a connection to users and has done nothing yet.
pub(super) struct Served {
    pub(super) host: Host,
    pub(super) bed: Bed,
    /// Goes when this goes.
    _data: std::sync::Arc<TempDir>,
}

impl Served {
    pub(super) async fn new(users: &Users) -> Self {
        let house = House::start().await;
        let mut bed = users.connected(&house).await;
        let (data, tokens) = house.stop().await;
        let host = Host::start(data.path(), &tokens, "").await;
        (bed.operator, bed.core) = (host.operator(), host.core());
        Self { host, bed, _data: data }
    }
}
