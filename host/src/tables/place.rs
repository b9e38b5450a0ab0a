//! Places: directories that tables are written to, and folders in them that appear whole or not at all.
//!
//! A folder is written under a hidden name and gets its own when everything in it is on the disk. What a host that was
//! killed has left under the hidden name is thrown away by the task that begins again.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

use crate::config::TablesConfig;
use crate::model::{ConnectionId, Error, FailureKind, OutputPlace, Result, TaskId};

/// The places the host's configuration names. Cheap to clone.
#[derive(Clone, Default)]
pub struct Places(Arc<BTreeMap<OutputPlace, Place>>);

/// One of them.
#[derive(Clone, Debug)]
pub struct Place {
    name: OutputPlace,
    directory: PathBuf,
}

/// A folder that is being written.
pub(super) struct Folder {
    place: Place,
    /// Where it is written.
    hidden: PathBuf,
    /// Where it appears.
    own: PathBuf,
}

/// A file of a folder that is being written.
pub(super) struct Output {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl Places {
    /// As configured.
    pub fn new(config: TablesConfig) -> Self {
        let place = |(name, place): (OutputPlace, crate::config::PlaceConfig)| {
            (name.clone(), Place { name, directory: place.directory })
        };
        Self(Arc::new(config.places.into_iter().map(place).collect()))
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
        self.directory.to_string_lossy().into_owned()
    }

    /// The folder a task writes for a connection.
    pub(super) fn folder(&self, connection: &ConnectionId, task: TaskId) -> Folder {
        let above = self.directory.join(connection.as_str());
        let (hidden, own) = (above.join(format!(".{task}")), above.join(task.to_string()));
        Folder { place: self.clone(), hidden, own }
    }
}

impl Folder {
    /// What a file of it says, if it has appeared already.
    pub(super) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match fs::read(self.own.join(name)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
            Err(why) => Err(self.fault(&why)),
        }
    }

    /// Begins it anew. The place itself has to be there: where a volume is not mounted, nothing is written under it.
    pub(super) async fn begin(&self) -> Result<()> {
        self.abandon().await?;
        let above = self.hidden.parent().unwrap_or(&self.place.directory);
        match fs::create_dir(above).await {
            Err(why) if why.kind() != ErrorKind::AlreadyExists => return Err(self.fault(&why)),
            _ => {}
        }
        fs::create_dir(&self.hidden).await.map_err(|why| self.fault(&why))
    }

    /// A new file in it.
    pub(super) async fn file(&self, name: &str) -> Result<Output> {
        let file = File::create_new(self.hidden.join(name)).await.map_err(|why| self.fault(&why))?;
        Ok(Output { file, digest: Sha256::new(), bytes: 0 })
    }

    /// Lets it appear: everything in it is on the disk before.
    pub(super) async fn appear(&self) -> Result<()> {
        let appeared = async {
            File::open(&self.hidden).await?.sync_all().await?;
            fs::rename(&self.hidden, &self.own).await?;
            match self.own.parent() {
                Some(above) => File::open(above).await?.sync_all().await,
                None => Ok(()),
            }
        };
        appeared.await.map_err(|why| self.fault(&why))
    }

    /// Throws away what was written of it.
    pub(super) async fn abandon(&self) -> Result<()> {
        match fs::remove_dir_all(&self.hidden).await {
            Err(why) if why.kind() != ErrorKind::NotFound => Err(self.fault(&why)),
            _ => Ok(()),
        }
    }

    /// What is wrong with the place, and is not for the task to repair; or what may pass.
    pub(super) fn fault(&self, why: &io::Error) -> Error {
        let kind = match why.kind() {
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
            | ErrorKind::ReadOnlyFilesystem => FailureKind::Configuration,
            _ => FailureKind::Retryable,
        };
        let (name, directory) = (&self.place.name, self.place.directory.display());
        let message = format!(
            "the place {name} cannot be written ({why}); {directory} has to be a directory the host may write to. The \
             import is published, and no file of it was left behind"
        );
        Error::failure(kind, message)
    }
}

impl Output {
    /// Adds a piece.
    pub(super) async fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.digest.update(piece);
        self.bytes += piece.len() as u64;
        self.file.write_all(piece).await
    }

    /// Its SHA-256 in hexadecimal digits, and its bytes, once it is on the disk.
    pub(super) async fn end(mut self) -> io::Result<(String, u64)> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let digest = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((digest, self.bytes))
    }
}
