//! The registry as its callers see it, on a real store and with a real compiling process.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::model::{Digest, ErrorKind, FailureKind, Permissions};
use crate::runtime::tests::{numbered, runtime};
use crate::store::{PublisherKey, ReleaseState};

const BY: &str = "operator";
const DIRECTORY: &str = "[[directory]]\nname = \"data\"\nlabel = \"Data\"\naccess = \"read-only\"\n";
const PERMISSION: &str = "directory:data:read-only";

/// A data directory, its store, and a publisher who is trusted.
struct Room {
    folder: TempDir,
    clock: Clock,
    store: Store,
    key: SigningKey,
}

impl Room {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_second(1_800_000_000).unwrap());
        let store = Store::open(&folder.path().join("store.db"), clock.clone()).await.unwrap();
        let room = Self { folder, clock, store, key: SigningKey::generate().unwrap() };
        room.trust("acme", &room.key).await;
        room
    }

    async fn trust(&self, publisher: &str, key: &SigningKey) {
        let public = key.public().unwrap();
        let row = PublisherKey {
            publisher: publisher.parse().unwrap(),
            key: public.id(),
            public_key: *public.as_bytes(),
            title: "A key".into(),
            added: self.clock.now(),
            added_by: BY.into(),
        };
        self.store.trust_key(&row).await.unwrap();
    }

    async fn registry(&self) -> Registry {
        let compile = testing::compile_config(self.folder.path());
        let store = self.store.clone();
        Registry::open(self.folder.path(), runtime(), store, self.clock.clone(), compile).await.unwrap()
    }

    /// A process that died and was started again.
    async fn restarted(&mut self, dead: Registry) -> Registry {
        drop(dead);
        self.store.close().await;
        self.store = Store::open(&self.folder.path().join("store.db"), self.clock.clone()).await.unwrap();
        self.registry().await
    }

    /// A signed release of `acme/roster`; the counter is its component's number too.
    fn release(&self, version: &str, counter: u32, more: &str) -> Upload {
        self.signed_by(&self.key, &manifest("acme", version, more), counter)
    }

    fn signed_by(&self, key: &SigningKey, manifest: &str, counter: u32) -> Upload {
        let (component, now) = (numbered(counter), self.clock.now());
        let expires = now + Duration::from_secs(3600);
        let statement = sign(key, manifest, &component, counter.into(), now, expires).unwrap();
        Upload { statement, component, activate: true }
    }

    fn compilations(&self) -> usize {
        fs::read_to_string(self.folder.path().join("starts")).map_or(0, |starts| starts.lines().count())
    }

    fn files(&self, folder: &str) -> Vec<PathBuf> {
        fs::read_dir(self.folder.path().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

fn manifest(publisher: &str, version: &str, more: &str) -> String {
    let imports = if more.is_empty() { "" } else { "\"files\"" };
    format!(
        "publisher = \"{publisher}\"\nname = \"roster\"\nversion = \"{version}\"\nwit = \"0.1\"\ntitle = \"T\"\n\
         summary = \"\"\n[interfaces]\nexports = [\"probe\"]\nimports = [{imports}]\n{more}"
    )
}

fn roster() -> ConnectorName {
    "acme/roster".parse().unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// The versions that serve.
fn serving(registry: &Registry) -> Vec<String> {
    registry.releases().iter().map(|release| release.manifest.version.to_string()).collect()
}

async fn installed(registry: &Registry, upload: Upload) -> ReleaseState {
    registry.install(upload, BY).await.unwrap().release.state
}

async fn refusal(registry: &Registry, upload: Upload) -> String {
    let error = registry.install(upload, BY).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ReleaseRefused, "{error}");
    error.message
}

/// The steps of an installation, as far as the host lives; how many there are when all are done.
async fn steps(registry: &Registry, upload: Upload, lives: usize) -> usize {
    let trust = registry.trust().await.unwrap();
    let statement = install::verify(&upload, &trust).unwrap();
    if lives == 0 {
        return 0;
    }
    registry.check(&statement, &[]).unwrap();
    registry.keep(&statement, upload.statement, upload.component.clone().into()).await.unwrap();
    if lives == 1 {
        return 1;
    }
    let code = registry.code(statement.component, upload.component.into()).await.unwrap();
    if lives == 2 {
        return 2;
    }
    let release = registry.link(&statement, code).await.unwrap();
    let decision = registry.decision(&statement, &[], true).await;
    if lives == 3 {
        return 3;
    }
    registry.record(&statement, &decision, BY).await.unwrap();
    if lives == 4 {
        return 4;
    }
    registry.serve(release, &decision.replaced).await.unwrap();
    5
}

#[tokio::test]
async fn a_host_that_dies_between_any_two_steps_has_the_release_or_does_not_have_it() {
    for lives in 0..=5 {
        let mut room = Room::new().await;
        let registry = room.registry().await;
        let upload = room.release("1.0.0", 1, "");
        assert_eq!(steps(&registry, upload.clone(), lives).await, lives);
        let registry = room.restarted(registry).await;
        let recorded = lives >= 4;
        assert_eq!(serving(&registry).len(), usize::from(recorded), "after {lives} steps");
        assert_eq!(room.files("content/sha256").len(), if recorded { 2 } else { 0 }, "after {lives} steps");
        assert_eq!(registry.install(upload, BY).await.unwrap().is_new, !recorded, "after {lives} steps");
        assert_eq!(serving(&registry), ["1.0.0"]);
    }
}

#[tokio::test]
async fn what_is_not_to_be_believed_is_refused_and_never_compiled() {
    let room = Room::new().await;
    let registry = room.registry().await;
    let good = room.release("1.0.0", 1, "");
    let stranger = SigningKey::generate().unwrap();
    let unknown = room.signed_by(&stranger, &manifest("acme", "1.0.0", ""), 1);
    assert!(refusal(&registry, unknown.clone()).await.contains("nobody trusts the key"));
    room.trust("other", &stranger).await;
    assert!(refusal(&registry, unknown).await.contains("trusted for other, not for acme"));
    let unsigned = Upload { statement: b"{}".to_vec(), ..good.clone() };
    assert!(!refusal(&registry, unsigned).await.is_empty());
    let mut tampered = good.clone();
    tampered.component[20] ^= 1;
    assert!(refusal(&registry, tampered).await.contains("is not the one that was signed"));
    room.clock.advance(Duration::from_secs(3600));
    assert!(refusal(&registry, good).await.contains("expired"));
    assert_eq!(room.compilations(), 0);
    assert_eq!(room.files("content/sha256").len(), 0);
    assert_eq!(room.store.installed_releases(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn an_older_counter_and_another_content_of_a_version_are_refused_and_the_running_one_serves_on() {
    let room = Room::new().await;
    let registry = room.registry().await;
    let first = room.release("1.0.0", 5, "");
    assert_eq!(installed(&registry, first.clone()).await, ReleaseState::Active);
    assert!(refusal(&registry, room.release("1.1.0", 4, "")).await.contains("its counter is 4"));
    assert!(refusal(&registry, room.release("1.1.0", 5, "")).await.contains("its counter is 5"));
    assert!(refusal(&registry, room.release("1.0.0", 6, "")).await.contains("never replaced"));
    assert!(!registry.install(first, BY).await.unwrap().is_new, "the very same again is no fault");
    assert_eq!(serving(&registry), ["1.0.0"]);
    assert_eq!(room.compilations(), 1);
}

#[tokio::test]
async fn each_line_of_versions_has_one_active_release_and_rolling_back_takes_one_word() {
    let mut room = Room::new().await;
    let registry = room.registry().await;
    for (version, counter) in [("1.0.0", 1), ("1.1.0", 2), ("2.0.0", 3), ("1.0.5", 4)] {
        installed(&registry, room.release(version, counter, "")).await;
    }
    assert_eq!(serving(&registry), ["2.0.0", "1.1.0"], "a version below the running one waits to be asked for");
    let held = registry.release(&roster(), &VersionReq::parse("^1").unwrap()).unwrap();
    room.clock.advance(Duration::from_secs(1_000_000));
    let before = registry.generation();
    registry.activate(&roster(), &version("1.0.0"), &Permissions::new(), BY).await.unwrap();
    assert_eq!(serving(&registry), ["2.0.0", "1.0.0"], "expiry is looked at when a release is installed");
    assert_ne!(registry.generation(), before);
    assert_eq!(held.manifest.version, version("1.1.0"), "who holds a release keeps it");
    registry.deactivate(&roster(), &version("2.0.0"), BY).await.unwrap();
    let again = registry.deactivate(&roster(), &version("2.0.0"), BY).await.unwrap_err();
    assert!(again.is(FailureKind::Conflict), "{again}");
    assert_eq!(serving(&room.restarted(registry).await), ["1.0.0"]);
}

#[tokio::test]
async fn a_release_that_asks_for_more_is_parked_until_each_permission_is_approved() {
    let room = Room::new().await;
    let registry = room.registry().await;
    installed(&registry, room.release("1.0.0", 1, "")).await;
    for (number, counter) in [("1.1.0", 2), ("2.0.0", 3)] {
        assert_eq!(
            installed(&registry, room.release(number, counter, DIRECTORY)).await,
            ReleaseState::Parked,
            "{number}"
        );
        let error = registry.activate(&roster(), &version(number), &Permissions::new(), BY).await.unwrap_err();
        assert!(error.is(FailureKind::NotPermitted) && error.message.contains(PERMISSION), "{error}");
    }
    assert_eq!(serving(&registry), ["1.0.0"]);
    let approved = Permissions::from([PERMISSION.parse().unwrap()]);
    let too_much = &approved | &Permissions::from(["directory:other:read-only".parse().unwrap()]);
    let error = registry.activate(&roster(), &version("1.1.0"), &too_much, BY).await.unwrap_err();
    assert!(error.message.contains("directory:other:read-only"), "{error}");
    registry.activate(&roster(), &version("1.1.0"), &approved, BY).await.unwrap();
    assert_eq!(serving(&registry), ["1.1.0"]);
    registry.activate(&roster(), &version("1.0.0"), &Permissions::new(), BY).await.unwrap();
    registry.activate(&roster(), &version("1.1.0"), &Permissions::new(), BY).await.unwrap();
    assert_eq!(installed(&registry, room.release("1.2.0", 4, DIRECTORY)).await, ReleaseState::Active);
}

#[tokio::test]
async fn taking_every_release_out_of_service_does_not_let_one_in_that_asks_for_more() {
    let room = Room::new().await;
    let registry = room.registry().await;
    installed(&registry, room.release("1.0.0", 1, "")).await;
    registry.deactivate(&roster(), &version("1.0.0"), BY).await.unwrap();
    assert_eq!(installed(&registry, room.release("1.1.0", 2, DIRECTORY)).await, ReleaseState::Parked);
}

#[tokio::test]
async fn what_is_no_longer_trusted_stops_serving_and_starts_again_with_trust() {
    let mut room = Room::new().await;
    let registry = room.registry().await;
    installed(&registry, room.release("1.0.0", 1, "")).await;
    let (acme, key) = ("acme".parse().unwrap(), room.key.public().unwrap().id());
    room.store.distrust_key(&acme, &key).await.unwrap();
    registry.trust_changed().await.unwrap();
    let error = registry.release(&roster(), &VersionReq::STAR).err().unwrap();
    assert!(error.message.contains("nobody trusts the key"), "{error}");
    let registry = room.restarted(registry).await;
    assert_eq!(serving(&registry), [""; 0]);
    let error = registry.activate(&roster(), &version("1.0.0"), &Permissions::new(), BY).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ReleaseRefused);
    room.trust("acme", &room.key).await;
    registry.trust_changed().await.unwrap();
    assert_eq!(serving(&registry), ["1.0.0"]);
    assert!(registry.failure(&roster(), &version("1.0.0")).is_none());
}

#[tokio::test]
async fn what_was_changed_on_the_disk_does_not_serve_and_the_others_do() {
    let mut room = Room::new().await;
    let registry = room.registry().await;
    let (one, two) = (room.release("1.0.0", 1, ""), room.release("2.0.0", 2, ""));
    let damaged = [Digest::of(&one.statement), Digest::of(&one.component)];
    installed(&registry, one.clone()).await;
    installed(&registry, two).await;
    drop(registry);
    for digest in damaged {
        let path = room.folder.path().join(format!("content/sha256/{digest}"));
        let good = fs::read(&path).unwrap();
        fs::write(&path, [&good[..], b" "].concat()).unwrap();
        let registry = room.registry().await;
        assert_eq!(serving(&registry), ["2.0.0"]);
        assert!(registry.failure(&roster(), &version("1.0.0")).unwrap().message.contains("changed"));
        fs::write(&path, good).unwrap();
        let registry = room.restarted(registry).await;
        assert_eq!(serving(&registry), ["2.0.0", "1.0.0"]);
    }
}

#[tokio::test]
async fn compiled_code_that_was_tampered_with_is_compiled_again_and_never_loaded() {
    let mut room = Room::new().await;
    let registry = room.registry().await;
    installed(&registry, room.release("1.0.0", 1, "")).await;
    let registry = room.restarted(registry).await;
    assert_eq!(room.compilations(), 1, "code that nobody touched is used again");
    let [file] = <[PathBuf; 1]>::try_from(room.files("code")).unwrap();
    let good = fs::read(&file).unwrap();
    let mut bad = good.clone();
    bad[1000] ^= 1;
    fs::write(&file, bad).unwrap();
    let registry = room.restarted(registry).await;
    assert_eq!((room.compilations(), serving(&registry)), (2, vec!["1.0.0".to_owned()]));
    let registry = room.restarted(registry).await;
    assert_eq!((room.compilations(), serving(&registry)), (2, vec!["1.0.0".to_owned()]), "the new code is used again");
}

#[tokio::test]
async fn an_unsigned_folder_takes_the_place_of_what_was_loaded_from_it_and_never_of_a_signed_release() {
    let room = Room::new().await;
    let registry = room.registry().await;
    let directory = tempfile::tempdir().unwrap();
    let write = |version: &str, number: u32| {
        fs::write(directory.path().join(MANIFEST_FILE), manifest("acme", version, "")).unwrap();
        fs::write(directory.path().join(COMPONENT_FILE), numbered(number)).unwrap();
    };
    write("1.0.0", 1);
    let folder = ReleaseFolder::all_in(directory.path()).remove(0);
    registry.load_unsigned(&folder).await.unwrap();
    write("1.0.1", 2);
    registry.load_unsigned(&folder).await.unwrap();
    assert_eq!(serving(&registry), ["1.0.1"]);
    assert!(registry.releases()[0].is_development());
    installed(&registry, room.release("1.0.0", 3, "")).await;
    assert_eq!(serving(&registry), ["1.0.0"], "an unsigned release that is newer went on serving");
    for (version, number) in [("1.0.0", 4), ("1.0.1", 2), ("7.0.0", 5)] {
        write(version, number);
        let error = registry.load_unsigned(&folder).await.unwrap_err();
        assert!(error.message.contains("a signed release") && error.message.contains("another name"), "{error}");
    }
    registry.deactivate(&roster(), &"1.0.0".parse().unwrap(), "operator").await.unwrap();
    registry.load_unsigned(&folder).await.unwrap_err();
    assert_eq!(serving(&registry), [""; 0]);
}

#[tokio::test]
async fn a_connector_that_is_not_loaded_is_named_with_what_is() {
    let room = Room::new().await;
    let registry = room.registry().await;
    installed(&registry, room.release("1.0.0", 1, "")).await;
    let error = registry.release(&"acme/none".parse().unwrap(), &VersionReq::STAR).err().unwrap();
    assert!(error.message.contains("acme/none is not loaded; loaded are [acme/roster]"), "{error}");
    let error = registry.release(&roster(), &VersionReq::parse("^2").unwrap()).err().unwrap();
    assert!(error.message.contains("loaded are 1.0.0"), "{error}");
}

#[tokio::test]
async fn a_folder_without_a_release_is_refused_with_what_makes_one() {
    let registry = Room::new().await.registry().await;
    let folder = ReleaseFolder::all_in(Path::new("/no/such/directory")).remove(0);
    let error = registry.load_unsigned(&folder).await.unwrap_err();
    assert!(error.message.contains("hawser build"), "{error}");
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(MANIFEST_FILE), "publisher = 3").unwrap();
    let error = registry.load_unsigned(&ReleaseFolder::all_in(directory.path()).remove(0)).await.unwrap_err();
    assert!(error.kind == ErrorKind::ReleaseRefused && error.message.contains("publisher"), "{error}");
}
