//! Systems, connections and schemas.

use super::*;
use crate::model::{Access, Directory, ErrorKind, Schema};

#[tokio::test]
async fn a_second_system_or_connection_of_the_name_in_other_letters_is_a_conflict() {
    let room = Room::new().await;
    let error = room.store.create_system(&system("LAB")).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains("LAB"), "{error}");
    let error = room.store.create_connection(&connection("HR"), no_secrets).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains("HR"), "{error}");
}

#[tokio::test]
async fn a_connection_of_a_system_that_is_not_there_is_refused() {
    let room = Room::new().await;
    let orphan = Connection { system: "none".parse().unwrap(), ..connection("x") };
    let error = room.store.create_connection(&orphan, no_secrets).await.unwrap_err();
    assert_eq!((error.kind, error.attributes), (ErrorKind::InvalidRequest, vec!["system".to_owned()]));
    let moved = Connection { system: "none".parse().unwrap(), ..connection("hr") };
    assert_eq!(
        room.store.replace_connection(&moved, None, no_secrets).await.unwrap_err().kind,
        ErrorKind::InvalidRequest
    );
}

#[tokio::test]
async fn a_connection_comes_back_as_it_was_stored() {
    let mut room = Room::new().await;
    let folder = Directory { path: "/srv/people".into(), access: Access::ReadWrite };
    let thresholds = Thresholds { removed: None, removed_percent: Some(2.5) };
    let full =
        Connection { directories: [("data".parse().unwrap(), folder)].into(), thresholds, ..connection("Full.1") };
    room.store.create_connection(&full, no_secrets).await.unwrap();
    room.reopen().await;
    let stored = room.store.connection(&id("full.1")).await.unwrap();
    assert_eq!((stored.value, stored.revision, stored.created), (full, 1, room.clock.now()));
}

#[tokio::test]
async fn replacing_what_somebody_else_changed_is_stale_and_changes_nothing() {
    let room = Room::new().await;
    room.clock.advance(Duration::from_secs(5));
    let renamed = Connection { title: "Renamed".into(), ..connection("hr") };
    let stored = room.store.replace_connection(&renamed, Some(1), no_secrets).await.unwrap();
    assert_eq!((stored.revision, stored.changed), (2, room.clock.now()));
    assert!(stored.created < stored.changed);
    let error = room.store.replace_connection(&connection("hr"), Some(1), no_secrets).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    assert_eq!(room.store.connection(&id("hr")).await.unwrap().value.title, "Renamed");

    let lab = System { title: "New".into(), ..system("lab") };
    assert_eq!(room.store.replace_system(&lab, None).await.unwrap().revision, 2);
    assert_eq!(room.store.replace_system(&lab, Some(1)).await.unwrap_err().kind, ErrorKind::Stale);
    assert_eq!(room.store.replace_system(&system("none"), None).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(room.store.delete_system(&lab.id, Some(1)).await.unwrap_err().kind, ErrorKind::Stale);
    assert_eq!(room.store.delete_connection(&id("hr"), Some(1)).await.unwrap_err().kind, ErrorKind::Stale);
}

#[tokio::test]
async fn a_system_in_use_is_not_deleted_and_its_user_is_named() {
    let room = Room::new().await;
    let lab = system("lab").id;
    let error = room.store.delete_system(&lab, None).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains("hr"), "{error}");
    room.store.delete_connection(&id("hr"), None).await.unwrap();
    room.store.delete_system(&lab, None).await.unwrap();
    assert_eq!(room.store.system(&lab).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn lists_go_on_after_the_last_and_keep_to_one_system() {
    let room = Room::new().await;
    room.store.create_system(&system("other")).await.unwrap();
    for (name, of) in [("A", "lab"), ("b", "other"), ("C", "lab")] {
        let new = Connection { system: of.parse().unwrap(), ..connection(name) };
        room.store.create_connection(&new, no_secrets).await.unwrap();
    }
    let names = |list: Vec<crate::model::Stored<Connection>>| -> Vec<String> {
        list.into_iter().map(|stored| stored.value.id.to_string()).collect()
    };
    let lab = system("lab").id;
    assert_eq!(names(room.store.connections(Some(&lab), None, 2).await.unwrap()), ["A", "C"]);
    assert_eq!(names(room.store.connections(Some(&lab), Some(&id("c")), 2).await.unwrap()), ["hr"]);
    assert_eq!(names(room.store.connections(None, None, 9).await.unwrap()), ["A", "b", "C", "hr"]);
    let systems = room.store.systems(Some(&lab), 9).await.unwrap();
    assert_eq!(systems.len(), 1);
}

#[tokio::test]
async fn a_failed_refresh_keeps_the_last_good_schema() {
    let room = Room::new().await;
    assert_eq!(room.store.schema(&id("hr")).await.unwrap(), None);
    let failure = Error::failure(FailureKind::ConnectionFailed, "no route");
    room.store.schema_failed(&id("hr"), &failure).await.unwrap();
    let first = room.store.schema(&id("hr")).await.unwrap().unwrap();
    assert_eq!((first.refreshed, first.failed.unwrap().kind.as_str()), (None, "connection-failed"));

    let schema = Schema(vec![crate::model::schema::tests::people()]);
    room.store.put_schema(&id("hr"), &schema, room.clock.now()).await.unwrap();
    assert_eq!(room.store.schema(&id("hr")).await.unwrap().unwrap().failed, None);
    room.store.schema_failed(&id("hr"), &failure).await.unwrap();
    let after = room.store.schema(&id("hr")).await.unwrap().unwrap();
    assert_eq!((after.schema, after.refreshed), (schema, Some(room.clock.now())));
    assert_eq!(after.failed.unwrap().message, "no route");
    let nobody = room.store.put_schema(&id("nobody"), &Schema::default(), room.clock.now()).await.unwrap_err();
    assert_eq!(nobody.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_schema_that_was_asked_of_what_is_configured_no_longer_is_not_current() {
    let room = Room::new().await;
    let began = room.clock.now();
    room.clock.advance(Duration::from_secs(1));
    let other = Connection { options: [("host".parse().unwrap(), "other".into())].into(), ..connection("hr") };
    room.store.replace_connection(&other, None, no_secrets).await.unwrap();
    room.store.put_schema(&id("hr"), &Schema::default(), began).await.unwrap();
    assert!(!room.store.schema(&id("hr")).await.unwrap().unwrap().current);
    room.store.put_schema(&id("hr"), &Schema::default(), room.clock.now()).await.unwrap();
    assert!(room.store.schema(&id("hr")).await.unwrap().unwrap().current);

    let began = room.clock.now();
    room.clock.advance(Duration::from_secs(1));
    room.store.delete_connection(&id("hr"), None).await.unwrap();
    room.store.create_connection(&connection("hr"), no_secrets).await.unwrap();
    let another = room.store.put_schema(&id("hr"), &Schema::default(), began).await.unwrap_err();
    assert!(another.message.contains("made anew"), "{another}");
}

#[tokio::test]
async fn a_deleted_connection_takes_everything_along_and_frees_its_name() {
    let room = Room::new().await;
    room.store.put_schema(&id("hr"), &Schema::default(), room.clock.now()).await.unwrap();
    let set_aside = Content { set_aside: vec![reject("x")], ..rows(&["1", "2"]) };
    room.imported(&[(accounts(), set_aside), (members(), links(&[("g", "1")]))]).await;
    room.imported(&[(accounts(), rows(&["2", "3"]))]).await;
    let queued = room.store.enqueue_task(&import("hr")).await.unwrap();

    room.store.delete_connection(&id("hr"), None).await.unwrap();
    assert_eq!(room.store.task(queued.id).await.unwrap_err().kind, ErrorKind::NotFound);
    room.store.create_connection(&connection("hr"), no_secrets).await.unwrap();
    assert!(room.uids("account").await.is_empty() && room.feed(0).await.is_empty());
    assert_eq!(room.store.schema(&id("hr")).await.unwrap(), None);

    room.store.sweep().await.unwrap();
    for table in [
        "object_row",
        "link_row",
        "change",
        "set_aside",
        "run_part",
        "run",
        "part",
        "task",
        "connection_schema",
        "schema_snapshot",
    ] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let left: i64 = sqlx::query_scalar(sql).fetch_one(room.store.database.reader()).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!(room.store.connection(&id("hr")).await.unwrap().revision, 1);
}

#[tokio::test]
async fn a_connection_is_not_deleted_under_a_running_task() {
    let room = Room::new().await;
    let task = room.claimed().await;
    let error = room.store.delete_connection(&id("hr"), None).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains(&task.id.to_string()), "{error}");
}
