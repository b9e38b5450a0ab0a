//! Secured options: sealed bytes in, sealed bytes out, and gone from the files when they are gone.

use super::*;
use crate::model::Layer;
use crate::store::{Sealed, SealedRow, SecuredRow};

fn row(name: &str, entry: &str, bytes: &[u8]) -> SecuredRow {
    let sealed = Sealed { key_id: "k1".into(), bytes: bytes.to_vec(), fingerprint: "f".into() };
    let (set_at, layer) = (Timestamp::UNIX_EPOCH, Layer::Value);
    SecuredRow { layer, name: name.parse().unwrap(), entry: entry.into(), sealed, set_at, set_by: "operator".into() }
}

fn put(name: &str, entry: &str, bytes: &[u8]) -> SecuredEdit {
    SecuredEdit::Put(row(name, entry, bytes))
}

fn refer(name: &str, entry: &str, bytes: &[u8]) -> SecuredEdit {
    SecuredEdit::Put(SecuredRow { layer: Layer::Reference, ..row(name, entry, bytes) })
}

fn clear(name: &str, entry: Option<&str>) -> SecuredEdit {
    SecuredEdit::Clear { name: name.parse().unwrap(), entry: entry.map(str::to_owned), only: None }
}

fn clear_only(name: &str, entry: Option<&str>, layer: Layer) -> SecuredEdit {
    SecuredEdit::Clear { name: name.parse().unwrap(), entry: entry.map(str::to_owned), only: Some(layer) }
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
async fn a_value_and_a_reference_stand_beside_each_other_and_go_one_by_one_or_together() {
    let room = Room::new().await;
    room.edit(vec![put("map", "a", b"1"), refer("map", "a", b"2"), refer("token", "", b"3")]).await;
    assert_eq!(room.store.referring().await.unwrap(), [id("hr")]);
    let bytes = async |room: &Room| room.sealed().await.into_iter().map(|(_, _, bytes)| bytes).collect::<Vec<_>>();
    assert_eq!(bytes(&room).await, [b"1", b"2", b"3"], "references come last");
    room.edit(vec![clear_only("map", Some("a"), Layer::Value), clear_only("token", None, Layer::Value)]).await;
    assert_eq!(bytes(&room).await, [b"2", b"3"]);
    room.edit(vec![put("map", "a", b"1"), clear_only("map", Some("a"), Layer::Reference)]).await;
    assert_eq!(bytes(&room).await, [b"1", b"3"]);
    room.edit(vec![refer("map", "a", b"2"), clear("map", Some("a")), clear("token", None)]).await;
    assert_eq!(room.sealed().await, []);
    room.edit(vec![refer("map", "a", b"sealed-canary")]).await;
    room.store.delete_connection(&id("hr"), None).await.unwrap();
    assert!(!room.files_hold(b"sealed-canary") && room.store.referring().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_another_key_sealed_is_sealed_anew_some_at_a_time_in_every_table() {
    let room = Room::new().await;
    let number = room.store.secured(&id("hr")).await.unwrap().number;
    room.edit(vec![put("map", "a", b"1"), put("map", "b", b"2"), put("token", "", b"3"), refer("token", "", b"4")])
        .await;
    assert_eq!(room.store.sealing_keys().await.unwrap(), ["k1".to_owned()].into());
    let anew = |row: &SealedRow| {
        assert_eq!((row.connection, row.sealed.key_id.as_str()), (number, "k1"));
        let bytes = [row.option.as_str(), &row.entry, row.layer.as_str()].join("/").into_bytes();
        Ok(Sealed { key_id: "k2".into(), bytes, fingerprint: "g".into() })
    };
    assert_eq!(room.store.seal_anew("k2", 2, anew).await.unwrap(), 3);
    assert_eq!(room.store.sealing_keys().await.unwrap(), ["k1".to_owned(), "k2".to_owned()].into());
    assert!(room.store.seal_anew("k2", 2, |_| Err(Error::invalid("no"))).await.is_err());
    assert_eq!(room.store.seal_anew("k2", 2, anew).await.unwrap(), 1);
    assert_eq!(room.store.seal_anew("k2", 2, anew).await.unwrap(), 0);
    room.store.settle().await.unwrap();
    let sealed: Vec<Vec<u8>> = room.sealed().await.into_iter().map(|(_, _, bytes)| bytes).collect();
    assert_eq!(sealed, [&b"map/a/value"[..], b"map/b/value", b"token//value", b"token//reference"]);
    assert_eq!(room.store.forget_sealed(&["k4".to_owned()].into()).await.unwrap(), 0);
    assert_eq!(room.store.forget_sealed(&["k2".to_owned()].into()).await.unwrap(), 4);
}
