//! Stores that an earlier version made.

use super::*;
use crate::store::MIGRATIONS;
use crate::store::sqlite::{BUSY_TIMEOUT, Database, Durability};

#[tokio::test]
async fn a_schema_read_by_an_earlier_version_is_the_first_snapshot_and_stays_current() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hawser.db");
    let before = MIGRATIONS.get(..4).unwrap();
    let old = Database::open("the store", &path, before, Durability::Sound, BUSY_TIMEOUT).await.unwrap();
    let writes = "INSERT INTO managed_system VALUES ('lab', 'lab', 'Lab', 1, 1, 1);
         INSERT INTO connection (number, folded, id, managed_system, connector, version, title, options, directories,
            thresholds, revision, created, changed, last_position)
         VALUES (1, 'hr', 'hr', 'lab', 'hawser/csv', '*', 'HR', '{}', '{}', '{}', 1, 5, 5, 0);
         INSERT INTO connection_schema VALUES (1, '[]', 7, NULL, NULL, NULL);";
    let mut writer = old.writer().await.unwrap();
    sqlx::raw_sql(writes).execute(&mut *writer).await.unwrap();
    drop(writer);
    old.close().await;

    let store = Store::open(&path, Clock::system()).await.unwrap();
    let status = store.schema(&id("hr")).await.unwrap().unwrap();
    assert_eq!((status.snapshot, status.current, status.failed), (Some(1), true, None));
    assert_eq!(store.connection(&id("hr")).await.unwrap().value.switches, Switches::default());
}
