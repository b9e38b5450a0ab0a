//! A vendor with a key of its own: manifests and components become signed releases, and hosts are asked to take them.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use hawser::registry::{SigningKey, sign};
use jiff::{SignedDuration, Timestamp};
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::client::{Answer, Client};
use crate::guests;

/// How long a release of these tests may be installed.
const EXPIRES: SignedDuration = SignedDuration::from_hours(24);

/// Somebody who publishes connectors.
pub struct Vendor {
    key: SigningKey,
    counter: AtomicU64,
}

/// What a vendor ships.
#[derive(Clone)]
pub struct Release {
    pub statement: Vec<u8>,
    pub component: Vec<u8>,
}

impl Vendor {
    /// A vendor nobody trusts yet.
    #[allow(clippy::new_without_default, reason = "it makes a key")]
    pub fn new() -> Self {
        Self { key: SigningKey::generate().expect("a key can be made"), counter: AtomicU64::new(1) }
    }

    /// Signs a manifest and a component, under a counter newer than that of the release before.
    pub fn sign(&self, manifest: &str, component: &[u8]) -> Release {
        self.sign_as(manifest, component, self.counter.fetch_add(1, Ordering::Relaxed))
    }

    /// The same under a counter of one's choice.
    pub fn sign_as(&self, manifest: &str, component: &[u8], counter: u64) -> Release {
        let now = Timestamp::from_second(Timestamp::now().as_second()).expect("now is a time");
        let statement = sign(&self.key, manifest, component, counter, now, now + EXPIRES).expect("it can be signed");
        Release { statement, component: component.to_owned() }
    }

    /// The same, but it expired a day ago.
    pub fn expired(&self, manifest: &str, component: &[u8]) -> Release {
        let expires = Timestamp::from_second(Timestamp::now().as_second()).expect("now is a time") - EXPIRES;
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        let statement = sign(&self.key, manifest, component, counter, expires - EXPIRES, expires);
        Release { statement: statement.expect("it can be signed"), component: component.to_owned() }
    }

    /// Asks an operator to trust this vendor for a publisher's name.
    pub async fn be_trusted(&self, operator: &Client, publisher: &str) -> Answer {
        let pem = self.key.public().expect("a key has a public half").to_pem();
        let path = format!("/v1/publishers/{publisher}/keys");
        operator.post(&path, &json!({"publicKey": pem, "title": "of the tests"})).await
    }

    /// The key's id.
    pub fn key_id(&self) -> String {
        self.key.public().expect("a key has a public half").id().to_string()
    }
}

impl Release {
    /// Asks a host to install it.
    pub async fn install(&self, operator: &Client) -> Answer {
        let part = |bytes: &Vec<u8>, name: &str| Part::bytes(bytes.clone()).file_name(name.to_owned());
        let form = Form::new()
            .part("statement", part(&self.statement, "release.json"))
            .part("component", part(&self.component, "component.wasm"));
        operator.upload("/v1/releases", form).await
    }

    /// The form that [`Self::install`] sends, as the same bytes every time.
    pub fn form_bytes(&self, boundary: &str) -> Vec<u8> {
        let head = |name: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        let parts = [("statement", &self.statement), ("component", &self.component)];
        let parts = parts.map(|(name, bytes)| [head(name).as_bytes(), bytes, b"\r\n"].concat());
        [&parts.concat()[..], format!("--{boundary}--\r\n").as_bytes()].concat()
    }

    /// Writes it into a folder, as a vendor ships it.
    pub fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(folder.join("component.wasm"), &self.component).expect("the component can be written");
        std::fs::write(folder.join("release.json"), &self.statement).expect("the statement can be written");
    }
}

/// A built connector of this repository, e.g. `hawser-csv`: its manifest's text and its component.
pub fn built(folder: &str) -> (String, Vec<u8>) {
    let folder = guests::connectors().join(folder);
    let manifest = std::fs::read_to_string(folder.join("connector.toml")).expect("the manifest can be read");
    (manifest, std::fs::read(folder.join("component.wasm")).expect("the component can be read"))
}

/// The component with a custom section more (WebAssembly core specification, 5.5.3): other bytes, and nothing else.
pub fn with_section(component: &[u8], content: &[u8]) -> Vec<u8> {
    let mut section = vec![1, b'x'];
    section.extend_from_slice(content);
    let mut size = section.len();
    let mut whole = [component, &[0]].concat();
    loop {
        let low = u8::try_from(size & 0x7f).expect("seven bits fit");
        size >>= 7;
        whole.push(if size > 0 { low | 0x80 } else { low });
        if size == 0 {
            break;
        }
    }
    whole.extend_from_slice(&section);
    whole
}
