//! Directories: a folder is written under a hidden name and gets its own when everything in it is on the disk.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

use crate::model::{ConnectionId, Error, FailureKind, OutputPlace, Result, TaskId};

/// A directory the operator named. Cheap to clone.
#[derive(Clone)]
pub(super) struct Directory(Arc<Named>);

struct Named {
    name: OutputPlace,
    path: PathBuf,
}

/// A folder that is being written.
pub(super) struct Files {
    place: Directory,
    /// Where it is written.
    hidden: PathBuf,
    /// Where it appears.
    own: PathBuf,
}

/// A file of one.
pub(super) struct Sink {
    place: Directory,
    file: File,
}

impl Directory {
    pub(super) fn new(name: OutputPlace, path: PathBuf) -> Self {
        Self(Arc::new(Named { name, path }))
    }

    pub(super) fn location(&self) -> String {
        self.0.path.to_string_lossy().into_owned()
    }

    pub(super) fn folder(&self, connection: &ConnectionId, task: TaskId) -> Files {
        let above = self.0.path.join(connection.as_str());
        let (hidden, own) = (above.join(format!(".{task}")), above.join(task.to_string()));
        Files { place: self.clone(), hidden, own }
    }

    /// What is wrong with the place, and is not for the task to repair; or what may pass.
    fn fault(&self, why: &io::Error) -> Error {
        let kind = match why.kind() {
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
            | ErrorKind::ReadOnlyFilesystem => FailureKind::Configuration,
            _ => FailureKind::Retryable,
        };
        let (name, path) = (&self.0.name, self.0.path.display());
        let message = format!(
            "the place {name} cannot be written ({why}); {path} has to be a directory the host may write to. The import \
             is published, and no file of it was left behind"
        );
        Error::failure(kind, message)
    }
}

impl Files {
    pub(super) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match fs::read(self.own.join(name)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
            Err(why) => Err(self.place.fault(&why)),
        }
    }

    /// The place itself has to be there: where a volume is not mounted, nothing is written under it.
    pub(super) async fn begin(&self) -> Result<()> {
        self.abandon().await?;
        let above = self.hidden.parent().unwrap_or(&self.place.0.path);
        match fs::create_dir(above).await {
            Err(why) if why.kind() != ErrorKind::AlreadyExists => return Err(self.place.fault(&why)),
            _ => {}
        }
        fs::create_dir(&self.hidden).await.map_err(|why| self.place.fault(&why))
    }

    pub(super) async fn file(&self, name: &str) -> Result<Sink> {
        let file = File::create_new(self.hidden.join(name)).await.map_err(|why| self.place.fault(&why))?;
        Ok(Sink { place: self.place.clone(), file })
    }

    /// Everything in it is on the disk before; else nothing of it stays.
    pub(super) async fn appear(&self, name: &str, text: &[u8]) -> Result<()> {
        let last = async {
            let mut file = self.file(name).await?;
            file.write(text).await?;
            file.end().await?;
            self.rename().await
        };
        let appeared = last.await;
        if appeared.is_err() {
            self.abandon().await?;
        }
        appeared
    }

    async fn rename(&self) -> Result<()> {
        let appeared = async {
            File::open(&self.hidden).await?.sync_all().await?;
            fs::rename(&self.hidden, &self.own).await?;
            match self.own.parent() {
                Some(above) => File::open(above).await?.sync_all().await,
                None => Ok(()),
            }
        };
        appeared.await.map_err(|why| self.place.fault(&why))
    }

    pub(super) async fn abandon(&self) -> Result<()> {
        match fs::remove_dir_all(&self.hidden).await {
            Err(why) if why.kind() != ErrorKind::NotFound => Err(self.place.fault(&why)),
            _ => Ok(()),
        }
    }
}

impl Sink {
    pub(super) async fn write(&mut self, piece: &[u8]) -> Result<()> {
        self.file.write_all(piece).await.map_err(|why| self.place.fault(&why))
    }

    /// It is on the disk then.
    pub(super) async fn end(&mut self) -> Result<()> {
        let ended = async {
            self.file.flush().await?;
            self.file.sync_all().await
        };
        ended.await.map_err(|why| self.place.fault(&why))
    }
}
