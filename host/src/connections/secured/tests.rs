//! The property of secured options: whatever is set, replaced, cleared, referred to and rotated, in whatever order, a call
//! is given exactly what a simple model says.

use std::path::PathBuf;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::config::SecretsConfig;
use crate::connections::options::Options;
use crate::connections::secured::references::{read, wanted};
use crate::model::{Secret, SecretReference, System, Thresholds};
use crate::registry::Manifest;
use crate::runtime::Credentials;
use crate::secrets::Vault;
use crate::store::Store;

const MANIFEST: &str = r#"
publisher = "acme"
name = "api"
version = "1.0.0"
wit = "0.1"
title = "API"
summary = "An API."
[interfaces]
exports = ["source"]
imports = ["files", "credentials"]
[[directory]]
name = "data"
label = "Folder"
access = "read-only"
credentials = ["token", "headers"]
[[secured-option]]
name = "token"
kind = "field"
label = "Token"
use = "sign"
[[secured-option]]
name = "headers"
kind = "map"
label = "Headers"
use = "sign"
"#;

const FILES: u8 = 3;

/// What is given of a slot: the number of a value, that of a file.
type Drawn = (Option<u8>, Option<u8>);

#[derive(Clone, Debug)]
enum Step {
    Field(Drawn),
    Map(BTreeMap<u8, Drawn>),
    Entry(u8, Drawn),
    Clear {
        map: bool,
        key: Option<u8>,
        only: Option<bool>,
    },
    /// Somebody writes a file, or removes it.
    Write(u8, Option<u8>),
    Rotate,
    Restart,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let some = |most: u8| (0..most).prop_map(Some);
    prop_oneof![(some(5), Just(None)), (Just(None), some(FILES)), (some(5), some(FILES))]
}

fn step() -> impl Strategy<Value = Step> {
    let clear = (any::<bool>(), prop::option::of(0..3u8), prop::option::of(any::<bool>()));
    prop_oneof![
        3 => drawn().prop_map(Step::Field),
        1 => prop::collection::btree_map(0..3u8, drawn(), 1..3).prop_map(Step::Map),
        3 => (0..3u8, drawn()).prop_map(|(key, drawn)| Step::Entry(key, drawn)),
        3 => clear.prop_map(|(map, key, only)| Step::Clear { map, key: key.filter(|_| map), only }),
        2 => (0..FILES, prop::option::weighted(0.8, 0..5u8)).prop_map(|(file, value)| Step::Write(file, value)),
        1 => Just(Step::Rotate),
        1 => Just(Step::Restart),
    ]
}

/// What is set by option and key, and what is in the files.
#[derive(Default)]
struct Model {
    set: BTreeMap<(&'static str, String), Drawn>,
    files: BTreeMap<u8, u8>,
}

impl Model {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Field(drawn) => self.put("token", String::new(), *drawn),
            Step::Map(entries) => {
                self.set.retain(|(name, _), _| *name != "headers");
                entries.iter().for_each(|(key, drawn)| self.put("headers", key.to_string(), *drawn));
            }
            Step::Entry(key, drawn) => self.put("headers", key.to_string(), *drawn),
            Step::Clear { map, key, only } => {
                let name = if *map { "headers" } else { "token" };
                let key = key.map(|key| key.to_string());
                for ((of, entry), (value, file)) in &mut self.set {
                    if *of == name && key.as_ref().is_none_or(|key| key == entry) {
                        *value = value.filter(|_| *only == Some(true));
                        *file = file.filter(|_| *only == Some(false));
                    }
                }
                self.set.retain(|_, drawn| *drawn != (None, None));
            }
            Step::Write(file, Some(value)) => _ = self.files.insert(*file, *value),
            Step::Write(file, None) => _ = self.files.remove(file),
            Step::Rotate | Step::Restart => {}
        }
    }

    fn put(&mut self, name: &'static str, key: String, (value, file): Drawn) {
        let set = self.set.entry((name, key)).or_default();
        *set = (value.or(set.0), file.or(set.1));
    }

    /// What calls are given by option and key; nothing if a reference leads nowhere.
    fn given(&self) -> Option<BTreeMap<(String, String), String>> {
        let one = |((name, key), (value, file)): (&(&'static str, String), &Drawn)| {
            let value = match file {
                Some(file) => *self.files.get(file)?,
                None => (*value)?,
            };
            Some((((*name).to_owned(), key.clone()), text(value)))
        };
        self.set.iter().map(one).collect()
    }
}

fn text(value: u8) -> String {
    format!("value {value}")
}

struct Room {
    folder: TempDir,
    store: Store,
    vault: Vault,
    manifest: Manifest,
    options: Options,
}

impl Room {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["data", "outside"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let store = Store::open(&folder.path().join("data/hawser.db"), Clock::system()).await.unwrap();
        store.create_system(&System { id: "lab".parse().unwrap(), title: String::new() }).await.unwrap();
        store.create_connection(&connection(), |_| Ok(Vec::new())).await.unwrap();
        let vault = Self::vault(&folder, &store).await;
        Self { folder, store, vault, manifest: Manifest::parse(MANIFEST).unwrap(), options: Options::new() }
    }

    async fn vault(folder: &TempDir, store: &Store) -> Vault {
        let data = folder.path().join("data");
        let config = SecretsConfig { directories: vec![folder.path().join("outside")], ..SecretsConfig::default() };
        Vault::open(&data, None, store).await.unwrap().reading(config, &data).unwrap()
    }

    fn file(&self, number: u8) -> PathBuf {
        self.folder.path().join(format!("outside/{number}"))
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Field(drawn) => self.enter("token", Secured::Field(self.given(drawn))).await,
            Step::Map(entries) => {
                let entries = entries.iter().map(|(key, drawn)| (key.to_string(), self.given(drawn))).collect();
                self.enter("headers", Secured::Map(entries)).await;
            }
            Step::Entry(key, drawn) => {
                let given = self.given(drawn);
                let put = |hand: &Hand<'_>, held: &Held, layout: &Layout<'_>| {
                    hand.put(held, layout, &"headers".parse().unwrap(), &key.to_string(), &given)
                };
                self.edit(put).await;
            }
            Step::Clear { map, key, only } => {
                let name = if *map { "headers" } else { "token" }.parse().unwrap();
                let only = only.map(|reference| if reference { Layer::Reference } else { Layer::Value });
                let clear = SecuredEdit::Clear { name, entry: key.map(|key| key.to_string()), only };
                self.edit(|_, _, _| Ok(vec![clear])).await;
            }
            Step::Write(file, Some(value)) => std::fs::write(self.file(*file), text(*value) + "\n").unwrap(),
            Step::Write(file, None) => drop(std::fs::remove_file(self.file(*file))),
            Step::Rotate => drop(self.vault.rotate(&self.store).await.unwrap()),
            Step::Restart => self.vault = Self::vault(&self.folder, &self.store).await,
        }
    }

    fn given(&self, (value, file): &Drawn) -> Given {
        let reference = |file| SecretReference::try_from(format!("file:{}", self.file(file).display())).unwrap();
        Given { value: value.and_then(|value| Secret::new(text(value).into_bytes())), from: file.map(reference) }
    }

    async fn enter(&self, name: &str, given: Secured<Given>) {
        let draft = SecuredDraft::from([(name.parse().unwrap(), given)]);
        self.edit(|hand, held, layout| hand.enter(held, layout, &draft, None)).await;
    }

    async fn edit(&self, edit: impl FnOnce(&Hand<'_>, &Held, &Layout<'_>) -> Result<Vec<SecuredEdit>> + Send) {
        let hand = Hand { vault: &self.vault, at: Timestamp::UNIX_EPOCH, by: "operator" };
        let edit = |held: &Held| edit(&hand, held, &self.layout(&held.connection));
        self.store.edit_secured(&connection().id, edit).await.unwrap();
    }

    fn layout<'a>(&'a self, connection: &'a Connection) -> Layout<'a> {
        Layout::new(&self.manifest, &self.options, connection).unwrap()
    }

    /// What calls are given by option and key; nothing if they are refused.
    async fn opened(&self) -> Option<BTreeMap<(String, String), String>> {
        let held = self.store.secured(&connection().id).await.unwrap();
        let layout = self.layout(&held.connection);
        let wanted = wanted(&self.vault, &held, &layout);
        let read = read(&self.vault, &held, &wanted, Timestamp::UNIX_EPOCH).await.unwrap();
        Some(shown(&open(&self.vault, &layout, &held, &read).ok()?))
    }
}

fn shown(credentials: &Credentials) -> BTreeMap<(String, String), String> {
    let mut shown = BTreeMap::new();
    for (name, slot) in credentials.iter() {
        let mut show = |key: &str, secret: &Secret| {
            let text = String::from_utf8(secret.expose().to_vec()).unwrap();
            shown.insert((name.to_string(), key.to_owned()), text);
        };
        match &slot.value {
            None => {}
            Some(Secured::Field(value)) => show("", value),
            Some(Secured::Map(values)) => values.iter().for_each(|(key, value)| show(key, value)),
        }
    }
    shown
}

fn connection() -> Connection {
    Connection {
        id: "hr".parse().unwrap(),
        system: "lab".parse().unwrap(),
        connector: "acme/api".parse().unwrap(),
        version: semver::VersionReq::STAR,
        title: String::new(),
        options: BTreeMap::new(),
        directories: BTreeMap::new(),
        destinations: BTreeMap::new(),
        thresholds: Thresholds::default(),
        switches: crate::model::Switches::default(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn calls_are_given_what_a_simple_model_says(steps in prop::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let given = runtime.block_on(async {
            let (mut room, mut model, mut given) = (Room::new().await, Model::default(), Vec::new());
            for step in &steps {
                room.take(step).await;
                model.take(step);
                given.push((room.opened().await, model.given()));
            }
            given
        });
        for (step, (opened, model)) in given.into_iter().enumerate() {
            prop_assert_eq!(opened, model, "after step {}", step);
        }
    }
}
