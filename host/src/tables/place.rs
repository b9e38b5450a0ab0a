//! Places: where tables are written to, and folders in them that appear whole or not at all.
//!
//! A place is a directory ([`directory`]) or a bucket of an object store ([`bucket`]). Who reads it sees a folder whose
//! manifest is there, and then everything in it is. What a host that was killed has left of another is thrown away by
//! the task that begins again.

mod bucket;
mod directory;
mod door;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::config::{PlaceConfig, TablesConfig};
use crate::egress::Egress;
use crate::model::{ConnectionId, Error, FailureKind, OutputPlace, Result, TaskId};
use bucket::{Bucket, Objects, Upload};
use directory::{Directory, Files, Sink};

/// The places the host's configuration names. Cheap to clone.
#[derive(Clone, Default)]
pub struct Places(Arc<BTreeMap<OutputPlace, Place>>);

/// One of them.
#[derive(Clone)]
pub struct Place(Kind);

#[derive(Clone)]
enum Kind {
    Directory(Directory),
    Bucket(Bucket),
}

/// A folder that is being written.
pub(super) struct Folder(Within);

enum Within {
    Files(Files),
    Objects(Objects),
}

/// A file of a folder that is being written.
pub(super) struct Output {
    to: To,
    digest: Sha256,
    bytes: u64,
}

enum To {
    File(Sink),
    Object(Upload),
}

impl Places {
    /// As configured; what is not on this machine is reached through the gate.
    ///
    /// # Errors
    /// `configuration` naming the key of an endpoint that is none.
    pub fn new(config: TablesConfig, egress: &Egress) -> Result<Self> {
        let place = |(name, config): (OutputPlace, PlaceConfig)| {
            let place = match config {
                PlaceConfig::Directory(directory) => Kind::Directory(Directory::new(name.clone(), directory)),
                PlaceConfig::Bucket(config) => Kind::Bucket(Bucket::new(name.clone(), config, egress.clone())?),
            };
            Ok((name, Place(place)))
        };
        config.places.into_iter().map(place).collect::<Result<_>>().map(|places| Self(Arc::new(places)))
    }

    /// The place of that name.
    ///
    /// # Errors
    /// `configuration` naming the places there are.
    pub fn get(&self, name: &OutputPlace) -> Result<&Place> {
        self.0.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.0.keys().map(OutputPlace::as_str).collect();
            let names = names.join(", ");
            let message = format!(
                "the host has no place {name}; it has [{names}], and `tables.places` of its configuration adds one"
            );
            Error::failure(FailureKind::Configuration, message)
        })
    }
}

impl Place {
    /// Where it leads, whatever it is called.
    pub fn location(&self) -> String {
        match &self.0 {
            Kind::Directory(place) => place.location(),
            Kind::Bucket(place) => place.location(),
        }
    }

    /// The folder a task writes for a connection.
    ///
    /// # Errors
    /// `configuration` where the keys of a bucket, or the roots of its endpoint, cannot be read or used.
    pub(super) async fn folder(&self, connection: &ConnectionId, task: TaskId) -> Result<Folder> {
        match &self.0 {
            Kind::Directory(place) => Ok(Folder(Within::Files(place.folder(connection, task)))),
            Kind::Bucket(place) => place.folder(connection, task).await.map(|objects| Folder(Within::Objects(objects))),
        }
    }
}

impl Folder {
    /// What a file of it says, if it has appeared already.
    pub(super) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match &self.0 {
            Within::Files(files) => files.read(name).await,
            Within::Objects(objects) => objects.read(name).await,
        }
    }

    /// Begins it anew.
    pub(super) async fn begin(&self) -> Result<()> {
        match &self.0 {
            Within::Files(files) => files.begin().await,
            Within::Objects(objects) => objects.abandon().await,
        }
    }

    /// A new file in it.
    pub(super) async fn file(&self, name: &str) -> Result<Output> {
        let to = match &self.0 {
            Within::Files(files) => To::File(files.file(name).await?),
            Within::Objects(objects) => To::Object(objects.upload(name).await?),
        };
        Ok(Output { to, digest: Sha256::new(), bytes: 0 })
    }

    /// Lets it appear with everything in it, and a last file that says what the others are. Where it is not known if it
    /// has appeared, whoever begins again finds out.
    pub(super) async fn appear(&self, name: &str, text: Vec<u8>) -> Result<()> {
        match &self.0 {
            Within::Files(files) => files.appear(name, &text).await,
            Within::Objects(objects) => objects.put(name, text).await,
        }
    }

    /// Throws away what was written of it.
    pub(super) async fn abandon(&self) -> Result<()> {
        match &self.0 {
            Within::Files(files) => files.abandon().await,
            Within::Objects(objects) => objects.abandon().await,
        }
    }
}

impl Output {
    /// Adds a piece.
    pub(super) async fn write(&mut self, piece: &[u8]) -> Result<()> {
        self.digest.update(piece);
        self.bytes += piece.len() as u64;
        match &mut self.to {
            To::File(sink) => sink.write(piece).await,
            To::Object(upload) => upload.write(piece).await,
        }
    }

    /// Its SHA-256 in hexadecimal digits, and its bytes, once it is kept.
    pub(super) async fn end(&mut self) -> Result<(String, u64)> {
        match &mut self.to {
            To::File(sink) => sink.end().await?,
            To::Object(upload) => upload.end().await?,
        }
        let digest = self.digest.finalize_reset().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((digest, self.bytes))
    }

    /// Gives it up, also while it ends.
    pub(super) async fn abandon(self) -> Result<()> {
        match self.to {
            To::File(_) => Ok(()),
            To::Object(upload) => upload.abandon().await,
        }
    }
}
