//! Secured options: sealed bytes in, sealed bytes out, and gone from the files when they are gone.

use super::*;
use crate::store::{Sealed, SecuredRow};

fn row(name: &str, entry: &str, bytes: &[u8]) -> SecuredRow {
    let sealed = Sealed { key_id: "k1".into(), bytes: bytes.to_vec(), fingerprint: "f".into() };
    let set_at = Timestamp::UNIX_EPOCH;
    SecuredRow { name: name.parse().unwrap(), entry: entry.into(), sealed, set_at, set_by: "operator".into() }
}

fn put(name: &str, entry: &str, bytes: &[u8]) -> SecuredEdit {
    SecuredEdit::Put(row(name, entry, bytes))
}

fn clear(name: &str, entry: Option<&str>) -> SecuredEdit {
    SecuredEdit::Clear { name: name.parse().unwrap(), entry: entry.map(str::to_owned) }
}

impl Room {
    async fn edit(&self, edits: Vec<SecuredEdit>) {
        self.store.edit_secured(&id("hr"), |_| Ok(edits)).await.unwrap();
    }

    async fn sealed(&self) -> Vec<(String, String, Vec<u8>)> {
        let rows = self.store.secured(&id("hr")).await.unwrap().rows;
        rows.into_iter().map(|row| (row.name.into(), row.entry, row.sealed.bytes)).collect()
    }

    /// Is that in the database or its write-ahead log?
    fn files_hold(&self, bytes: &[u8]) -> bool {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.into_iter().any(|file| {
            let text = std::fs::read(file.unwrap().path()).unwrap();
            text.windows(bytes.len()).any(|window| window == bytes)
        })
    }
}

#[tokio::test]
async fn values_are_set_replaced_and_cleared_one_by_one_or_whole() {
    let mut room = Room::new().await;
    room.edit(vec![put("map", "b", b"2"), put("map", "a", b"1"), put("token", "", b"3")]).await;
    room.edit(vec![put("map", "a", b"9")]).await;
    room.reopen().await;
    let of = |name: &str, entry: &str, bytes: &[u8]| (name.to_owned(), entry.to_owned(), bytes.to_vec());
    assert_eq!(room.sealed().await, [of("map", "a", b"9"), of("map", "b", b"2"), of("token", "", b"3")]);
    room.edit(vec![clear("map", Some("b"))]).await;
    assert_eq!(room.sealed().await, [of("map", "a", b"9"), of("token", "", b"3")]);
    room.edit(vec![clear("map", None), clear("none", None)]).await;
    assert_eq!(room.sealed().await, [of("token", "", b"3")]);
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let room = Room::new().await;
    room.edit(vec![put("token", "", b"old")]).await;
    let refuse = |held: &Held| {
        assert_eq!((held.connection.id.as_str(), held.rows.len()), ("hr", 1));
        Err(Error::invalid("no"))
    };
    assert!(room.store.edit_secured(&id("hr"), refuse).await.is_err());
    let renamed = Connection { title: "Renamed".into(), ..connection("hr") };
    assert!(room.store.replace_connection(&renamed, None, refuse).await.is_err());
    assert_eq!(room.store.connection(&id("hr")).await.unwrap().value, connection("hr"));
    assert!(room.store.create_connection(&connection("new"), |_| Err(Error::invalid("no"))).await.is_err());
    assert!(room.store.connection(&id("new")).await.is_err());
    assert_eq!(room.sealed().await.len(), 1);
}

#[tokio::test]
async fn what_was_replaced_cleared_or_deleted_is_in_no_file_any_more() {
    let room = Room::new().await;
    let [first, second, third] = [b"sealed-canary-one", b"sealed-canary-two", b"sealed-canary-3rd"];
    room.edit(vec![put("token", "", first), put("map", "a", third)]).await;
    assert!(room.files_hold(first));
    room.edit(vec![put("token", "", second)]).await;
    assert!(!room.files_hold(first) && room.files_hold(second));
    room.edit(vec![clear("token", None)]).await;
    assert!(!room.files_hold(second) && room.files_hold(third));
    room.store.delete_connection(&id("hr"), None).await.unwrap();
    assert!(!room.files_hold(third), "it does not wait for the sweep");
    room.store.sweep().await.unwrap();
    room.store.create_connection(&connection("hr"), no_secrets).await.unwrap();
    assert_eq!(room.sealed().await, []);
}

#[tokio::test]
async fn what_another_key_sealed_is_found_with_its_connection() {
    let room = Room::new().await;
    room.edit(vec![put("token", "", b"1")]).await;
    assert_eq!(room.store.sealing_keys().await.unwrap(), ["k1".to_owned()].into());
    assert_eq!(room.store.sealed_by_others("k1").await.unwrap(), []);
    let others = room.store.sealed_by_others("k2").await.unwrap();
    let number = room.store.secured(&id("hr")).await.unwrap().number;
    assert_eq!(others, [(number, row("token", "", b"1"))]);
    let anew =
        SecuredRow { sealed: Sealed { key_id: "k2".into(), ..others[0].1.sealed.clone() }, ..row("token", "", b"") };
    room.store.seal_anew(number, &anew).await.unwrap();
    assert_eq!(room.store.sealing_keys().await.unwrap(), ["k2".to_owned()].into());
}
