//! The vault over a real store and a real key file: what does not open, and what is not overwritten.

use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::model::{Connection, ConnectorName, Layer, OptionName, Switches, System, Thresholds};
use crate::store::{SecuredEdit, SecuredRow};

struct Room {
    folder: TempDir,
    store: Store,
}

impl Room {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db"), Clock::system()).await.unwrap();
        store.create_system(&System { id: "lab".parse().unwrap(), title: String::new() }).await.unwrap();
        store.create_connection(&connection(), |_| Ok(Vec::new())).await.unwrap();
        Self { folder, store }
    }

    async fn open(&self, outside: Option<&str>) -> Result<Vault> {
        let outside = outside.map(|text| Secret::new(text.into()).unwrap());
        Vault::open(self.folder.path(), outside, &self.store).await
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join(KEY_FILE)
    }

    async fn put(&self, vault: &Vault) {
        let id = connection().id;
        let put = |held: &crate::store::Held| {
            let token = token();
            let owner = Owner { connection: held.number, ..owner(&token) };
            let sealed = vault.seal(&owner, &api(), &secret())?;
            let set = (Timestamp::UNIX_EPOCH, "operator".to_owned());
            let (name, entry, layer) = (token.clone(), String::new(), Layer::Value);
            Ok(vec![SecuredEdit::Put(SecuredRow { layer, name, entry, sealed, set_at: set.0, set_by: set.1 })])
        };
        self.store.edit_secured(&id, put).await.unwrap();
    }

    fn folder_holds(&self, text: &str) -> bool {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.into_iter().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    }

    /// What is stored, opened.
    async fn opened(&self, vault: &Vault) -> Option<Vec<u8>> {
        let held = self.store.secured(&connection().id).await.unwrap();
        let owner = Owner { connection: held.number, ..owner(&held.rows[0].name) };
        vault.open_sealed(&owner, &api(), &held.rows[0].sealed).map(|value| value.expose().to_vec())
    }
}

fn connection() -> Connection {
    Connection {
        id: "hr".parse().unwrap(),
        system: "lab".parse().unwrap(),
        connector: "acme/api".parse().unwrap(),
        version: semver::VersionReq::STAR,
        title: String::new(),
        options: Default::default(),
        directories: Default::default(),
        destinations: Default::default(),
        thresholds: Thresholds::default(),
        switches: Switches::default(),
    }
}

fn token() -> OptionName {
    "token".parse().unwrap()
}

fn owner(option: &OptionName) -> Owner<'_> {
    Owner { connection: 7, option, entry: "", layer: Layer::Value }
}

fn places(connector: &str, addresses: &[&str]) -> Places {
    let connector: ConnectorName = connector.parse().unwrap();
    Places::new(&connector, addresses.iter().map(ToString::to_string).collect())
}

fn api() -> Places {
    places("acme/api", &["https://api.example.com:443", "file:/srv/x"])
}

fn secret() -> Secret {
    Secret::new(b"canary-2fQ8".to_vec()).unwrap()
}

fn refused(opened: Result<Vault>) -> String {
    let error = opened.err().unwrap();
    assert!(error.is(FailureKind::Configuration), "{error}");
    error.message
}

#[tokio::test]
async fn a_value_opens_for_its_owner_and_places_and_for_no_others() {
    let room = Room::new().await;
    let vault = room.open(None).await.unwrap();
    let (token, other) = (token(), "tokem".parse().unwrap());
    let mine = owner(&token);
    let sealed = vault.seal(&mine, &api(), &secret()).unwrap();
    let opens = |owner: &Owner<'_>, places: &Places| vault.open_sealed(owner, places, &sealed).is_some();
    assert!(opens(&mine, &api()));
    assert!(opens(&mine, &places("acme/api", &["file:/srv/x", "https://api.example.com:443"])), "in any order");
    assert!(!opens(&Owner { connection: 8, ..mine }, &api()));
    assert!(!opens(&Owner { option: &other, ..mine }, &api()));
    assert!(!opens(&Owner { entry: "a", ..mine }, &api()));
    assert!(!opens(&Owner { layer: Layer::Reference, ..mine }, &api()), "a value is never shown as a reference");
    for elsewhere in [
        places("acme/api", &[]),
        places("acme/api", &["https://api.example.com:443"]),
        places("acme/api", &["https://evil.example.com:443", "file:/srv/x"]),
        places("acme/api", &["https://api.example.com:443file:/srv/x"]),
        places("evil/api", &["https://api.example.com:443", "file:/srv/x"]),
    ] {
        assert!(!opens(&mine, &elsewhere));
    }
}

#[tokio::test]
async fn no_changed_byte_goes_unnoticed_and_nothing_is_sealed_the_same_twice() {
    let room = Room::new().await;
    let vault = room.open(None).await.unwrap();
    let token = token();
    let sealed = vault.seal(&owner(&token), &api(), &secret()).unwrap();
    for at in 0..sealed.bytes.len() {
        let mut changed = sealed.clone();
        changed.bytes[at] ^= 1;
        assert!(vault.open_sealed(&owner(&token), &api(), &changed).is_none(), "byte {at}");
    }
    for length in 0..sealed.bytes.len() {
        let cut = Sealed { bytes: sealed.bytes[..length].to_vec(), ..sealed.clone() };
        assert!(vault.open_sealed(&owner(&token), &api(), &cut).is_none(), "{length} bytes");
    }
    let again = vault.seal(&owner(&token), &api(), &secret()).unwrap();
    assert_ne!(sealed.bytes, again.bytes);
    assert!(!sealed.bytes.windows(4).any(|window| secret().expose().starts_with(window)));
}

#[tokio::test]
async fn a_fingerprint_tells_values_apart_and_says_nothing_beyond_its_option_and_key() {
    let (room, other) = (Room::new().await, Room::new().await);
    let (vault, stranger) = (room.open(None).await.unwrap(), other.open(None).await.unwrap());
    let token = token();
    let print = |vault: &Vault, owner: Owner<'_>, value: &[u8]| {
        vault.seal(&owner, &api(), &Secret::new(value.to_vec()).unwrap()).unwrap().fingerprint
    };
    let mine = owner(&token);
    let first = print(&vault, mine, b"one");
    assert_eq!((first.len(), &first), (16, &print(&vault, mine, b"one")));
    assert_ne!(first, print(&vault, mine, b"two"));
    assert_ne!(first, print(&vault, Owner { connection: 8, ..mine }, b"one"));
    assert_ne!(first, print(&vault, Owner { entry: "a", ..mine }, b"one"));
    assert_ne!(first, print(&stranger, mine, b"one"));
}

#[tokio::test]
async fn the_first_start_makes_a_key_for_the_hosts_eyes_only_and_later_ones_keep_it() {
    let room = Room::new().await;
    let vault = room.open(None).await.unwrap();
    assert_eq!(std::fs::metadata(room.key_file()).unwrap().permissions().mode() & 0o777, 0o600);
    room.put(&vault).await;
    let again = room.open(None).await.unwrap();
    assert_eq!(room.opened(&again).await.as_deref(), Some(secret().expose()));
}

#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused_with_what_to_do() {
    let room = Room::new().await;
    room.open(None).await.unwrap();
    for mode in [0o644, 0o640, 0o604, 0o620] {
        std::fs::set_permissions(room.key_file(), std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(refused(room.open(None).await).contains("chmod 600"), "{mode:o}");
    }
}

#[tokio::test]
async fn a_lost_or_foreign_key_is_named_and_nothing_is_made_in_its_place() {
    let room = Room::new().await;
    room.put(&room.open(None).await.unwrap()).await;
    let ring = std::fs::read_to_string(room.key_file()).unwrap();
    let id = ring.split(' ').next().unwrap();
    std::fs::remove_file(room.key_file()).unwrap();
    assert!(refused(room.open(None).await).contains(&format!("under the key {id}, which is neither")));
    assert!(!room.key_file().exists());
    assert!(refused(room.open(Some(&key::fresh())).await).contains(id));
    let restored = room.open(Some(&ring)).await.unwrap();
    assert_eq!(room.opened(&restored).await.as_deref(), Some(secret().expose()));
    assert!(!room.key_file().exists(), "a key from outside is not written down");
}

#[tokio::test]
async fn a_damaged_key_ring_is_refused_by_its_line_and_not_repeated() {
    let room = Room::new().await;
    let good = key::fresh();
    let (id, encoded) = good.trim().split_once(' ').unwrap();
    for (ring, line) in [
        (format!("00000000 {encoded}"), "line 1"),
        (format!("{id} {}", &encoded[..20]), "line 1"),
        (format!("{}\n{encoded}\n", good.trim()), "line 2"),
        ("\n".to_owned(), "has no key"),
    ] {
        let told = refused(room.open(Some(&ring)).await);
        assert!(told.contains(line) && !told.contains(&encoded[..20]), "{told}");
    }
}

#[tokio::test]
async fn a_new_first_key_seals_anew_what_the_old_one_sealed_and_the_old_one_can_go() {
    let room = Room::new().await;
    let (old, new) = (key::fresh(), key::fresh());
    let vault = room.open(Some(&old)).await.unwrap();
    room.put(&vault).await;
    room.open(Some(&format!("{}{}", *new, *old))).await.unwrap();
    let vault = room.open(Some(&new)).await.unwrap();
    assert_eq!(room.opened(&vault).await.as_deref(), Some(secret().expose()));
    assert!(refused(room.open(Some(&old)).await).contains(new.split(' ').next().unwrap()));
}

#[tokio::test]
async fn a_rotation_leaves_the_new_key_alone_and_everything_opens() {
    let room = Room::new().await;
    let vault = room.open(None).await.unwrap();
    room.put(&vault).await;
    let old = std::fs::read_to_string(room.key_file()).unwrap();
    let rotated = vault.rotate(&room.store).await.unwrap();
    let new = std::fs::read_to_string(room.key_file()).unwrap();
    assert_eq!((rotated.sealed, rotated.continued, rotated.removable), (1, false, Vec::new()));
    assert_eq!(rotated.removed, [old.split(' ').next().unwrap()]);
    assert!(new.starts_with(&rotated.key) && new.lines().count() == 1 && new != old, "{new}");
    assert_eq!(std::fs::metadata(room.key_file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(room.opened(&vault).await.as_deref(), Some(secret().expose()));
    let again = room.open(None).await.unwrap();
    assert_eq!(room.opened(&again).await.as_deref(), Some(secret().expose()));
    assert!(!room.folder_holds(old.trim().split(' ').nth(1).unwrap()));
}

#[tokio::test]
async fn a_rotation_that_was_interrupted_goes_on_with_its_key() {
    let room = Room::new().await;
    let vault = room.open(None).await.unwrap();
    room.put(&vault).await;
    let begun = key::put_new_first(room.folder.path(), &vault.ring().ids()).unwrap();
    drop(vault);
    // Killed while it wrote the file without the old key.
    std::fs::write(room.folder.path().join("vault.key.next"), "half a li").unwrap();
    let vault = room.open(None).await.unwrap();
    assert!(!room.folder.path().join("vault.key.next").exists());
    let rotated = vault.rotate(&room.store).await.unwrap();
    assert!(rotated.continued && rotated.key == begun.first().id(), "{rotated:?}");
    assert_eq!((rotated.removed, vault.ring().older()), (begun.older(), Vec::new()));
    assert_eq!(room.opened(&vault).await.as_deref(), Some(secret().expose()));
    assert!(!vault.rotate(&room.store).await.unwrap().continued);
}

#[tokio::test]
async fn keys_from_outside_are_not_replaced_and_it_is_said_which_may_go() {
    let room = Room::new().await;
    let (old, new) = (key::fresh(), key::fresh());
    let vault = room.open(Some(&old)).await.unwrap();
    room.put(&vault).await;
    let refused = vault.rotate(&room.store).await.unwrap_err();
    assert!(refused.is(FailureKind::Configuration) && refused.message.contains("new-key"), "{refused}");
    let vault = room.open(Some(&format!("{}{}", *new, *old))).await.unwrap();
    let rotated = vault.rotate(&room.store).await.unwrap();
    assert_eq!(rotated.removable, [old.split(' ').next().unwrap()]);
    assert!(!room.key_file().exists());
    assert_eq!(room.opened(&room.open(Some(&new)).await.unwrap()).await.as_deref(), Some(secret().expose()));
}

#[tokio::test]
async fn a_key_file_that_somebody_changed_meanwhile_is_not_replaced() {
    let room = Room::new().await;
    let vault = room.open(None).await.unwrap();
    room.put(&vault).await;
    let another = key::fresh();
    std::fs::write(room.key_file(), another.as_bytes()).unwrap();
    let refused = vault.rotate(&room.store).await.unwrap_err();
    assert!(refused.message.contains("restart the host"), "{refused}");
    assert_eq!(std::fs::read_to_string(room.key_file()).unwrap(), *another);
    assert_eq!(room.opened(&vault).await.as_deref(), Some(secret().expose()));
}

#[tokio::test]
async fn a_key_that_is_kept_behind_a_link_is_not_replaced() {
    let room = Room::new().await;
    let vault = room.open(None).await.unwrap();
    room.put(&vault).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let kept = elsewhere.path().join("key");
    std::fs::copy(room.key_file(), &kept).unwrap();
    std::fs::remove_file(room.key_file()).unwrap();
    std::os::unix::fs::symlink(&kept, room.key_file()).unwrap();
    let vault = room.open(None).await.unwrap();
    assert!(vault.rotate(&room.store).await.unwrap_err().message.contains("it is a link"));
    let ring = [key::fresh().to_string(), std::fs::read_to_string(&kept).unwrap()].concat();
    std::fs::write(&kept, ring).unwrap();
    let vault = room.open(None).await.unwrap();
    assert_eq!(room.opened(&vault).await.as_deref(), Some(secret().expose()));
    assert!(room.key_file().is_symlink());
}

#[tokio::test]
async fn what_a_lost_key_sealed_can_be_given_up_and_nothing_else_is() {
    let room = Room::new().await;
    room.put(&room.open(None).await.unwrap()).await;
    let key = room.store.sealing_keys().await.unwrap();
    let forget = async |keys: BTreeSet<String>| Vault::forget_lost(room.folder.path(), None, &room.store, &keys).await;
    assert!(forget(key.clone()).await.unwrap_err().message.contains("is in the ring"));
    std::fs::remove_file(room.key_file()).unwrap();
    assert!(refused(room.open(None).await).contains("forget-lost"));
    assert!(forget(["another".to_owned()].into()).await.unwrap_err().message.contains("sealed nothing"));
    assert_eq!(forget(key).await.unwrap(), 1);
    room.open(None).await.unwrap();
    assert!(room.store.secured(&connection().id).await.unwrap().rows.is_empty());
}
