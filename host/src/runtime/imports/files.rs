//! Files of a permitted directory. What a file is and how it is replaced stands in `files/`, without wasm; here a guest's
//! words are held against its context, and work that may block goes to a thread of its own.

mod folder;
mod replacement;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wasmtime::component::Resource;

pub(in crate::runtime) use folder::{FileInfo, OpenFile};
pub(in crate::runtime) use replacement::{Draft, FileLocks};

use super::Said;
use crate::model::{Access, Directory, DirectoryName, Failure, FailureKind, Permission};
use crate::runtime::limits::{FILE_CHUNK_BYTES_MAX, OPEN_FILES_MAX};
use crate::runtime::state::{State, blocking};
use folder::Folder;

/// An open file and where its next read begins.
#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub struct Reader {
    file: Arc<OpenFile>,
    position: u64,
}

/// A file being written anew; empty once it was committed.
#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub struct Replacement(Option<Draft>);

pub(in crate::runtime) async fn list(state: &mut State, directory: &str) -> Said<Vec<FileInfo>> {
    let permitted = match permit(state, directory, Access::ReadOnly).await? {
        Ok(permitted) => permitted,
        Err(failure) => return Ok(Err(failure)),
    };
    Ok(blocking(move || Folder::open(&permitted)?.list()).await?)
}

pub(in crate::runtime) async fn open(state: &mut State, directory: &str, name: String) -> Said<Resource<Reader>> {
    let permitted = match admit(state, directory, Access::ReadOnly).await? {
        Ok(permitted) => permitted,
        Err(failure) => return Ok(Err(failure)),
    };
    match blocking(move || Folder::open(&permitted)?.file(&name)).await? {
        Err(failure) => Ok(Err(failure)),
        Ok(file) => {
            let handle = state.table.push(Reader { file: Arc::new(file), position: 0 })?;
            state.files_open += 1;
            Ok(Ok(handle))
        }
    }
}

pub(in crate::runtime) fn info(state: &State, reader: &Resource<Reader>) -> wasmtime::Result<FileInfo> {
    Ok(state.table.get(reader)?.file.info.clone())
}

pub(in crate::runtime) fn seek(state: &mut State, reader: &Resource<Reader>, offset: u64) -> Said<()> {
    state.table.get_mut(reader)?.position = offset;
    Ok(Ok(()))
}

/// At most `max` bytes; none at the end of the file.
pub(in crate::runtime) async fn read(state: &mut State, reader: &Resource<Reader>, max: u32) -> Said<Vec<u8>> {
    let Reader { file, position } = state.table.get(reader)?;
    let (file, position) = (file.clone(), *position);
    let bytes = match blocking(move || file.read(position, max.min(FILE_CHUNK_BYTES_MAX))).await? {
        Ok(bytes) => bytes,
        Err(failure) => return Ok(Err(failure)),
    };
    state.table.get_mut(reader)?.position = position.saturating_add(bytes.len() as u64);
    Ok(Ok(bytes))
}

pub(in crate::runtime) fn close(state: &mut State, reader: Resource<Reader>) -> wasmtime::Result<()> {
    drop(state.table.delete(reader)?);
    state.files_open = state.files_open.saturating_sub(1);
    Ok(())
}

pub(in crate::runtime) async fn replace(
    state: &mut State,
    directory: &str,
    name: String,
    expected: Option<String>,
) -> Said<Resource<Replacement>> {
    let permitted = match admit(state, directory, Access::ReadWrite).await? {
        Ok(permitted) => permitted,
        Err(failure) => return Ok(Err(failure)),
    };
    let locks = state.file_locks();
    match blocking(move || Draft::begin(Folder::open(&permitted)?, name, expected, &locks)).await? {
        Err(failure) => Ok(Err(failure)),
        Ok(draft) => {
            let handle = state.table.push(Replacement(Some(draft)))?;
            state.files_open += 1;
            Ok(Ok(handle))
        }
    }
}

pub(in crate::runtime) async fn write(state: &mut State, handle: &Resource<Replacement>, bytes: Vec<u8>) -> Said<()> {
    let Some(mut draft) = state.table.get_mut(handle)?.0.take() else { return Ok(Err(ended())) };
    let work = move || {
        let written = draft.write(&bytes);
        (draft, written)
    };
    let (draft, written) = blocking(work).await?;
    state.table.get_mut(handle)?.0 = Some(draft);
    Ok(written)
}

pub(in crate::runtime) async fn commit(state: &mut State, handle: &Resource<Replacement>) -> Said<()> {
    let Some(draft) = state.table.get_mut(handle)?.0.take() else { return Ok(Err(ended())) };
    let (locks, now) = (state.file_locks(), state.clock().now());
    Ok(blocking(move || draft.commit(&locks, now.into())).await?)
}

/// Drops a replacement: what was not committed is removed.
pub(in crate::runtime) fn abandon(state: &mut State, handle: Resource<Replacement>) -> wasmtime::Result<()> {
    drop(state.table.delete(handle)?);
    state.files_open = state.files_open.saturating_sub(1);
    Ok(())
}

fn ended() -> Failure {
    Failure::new(FailureKind::Conflict, "this replacement has ended: begin a new one")
}

/// As [`permit`], for one more open file.
async fn admit(state: &mut State, directory: &str, access: Access) -> Said<Directory> {
    if state.files_open >= OPEN_FILES_MAX {
        let message = format!("a call may have {OPEN_FILES_MAX} files open at once; close one first");
        return Ok(Err(Failure::new(FailureKind::QuotaExceeded, message)));
    }
    permit(state, directory, access).await
}

/// The directory of that name, if the context permits as much.
async fn permit(state: &mut State, directory: &str, access: Access) -> Said<Directory> {
    let Ok(name) = directory.parse::<DirectoryName>() else {
        let message =
            format!("not permitted: {directory:?} is no directory's name; connectors name those of their manifest");
        return Ok(Err(Failure::new(FailureKind::NotPermitted, message)));
    };
    let permitted = state.context.directories.get(&name).filter(|permitted| permitted.access >= access).cloned();
    let Some(permitted) = permitted else { return Ok(Err(refusal(state, name, access))) };
    state.uses(|used| _ = used.directories.insert((name, access))).await?;
    Ok(Ok(permitted))
}

fn refusal(state: &State, name: DirectoryName, access: Access) -> Failure {
    let permission = Permission::Directory { name, access };
    let remedy = if state.context.permits(&permission) {
        "it is approved, but the connection's directories are configured to allow less"
    } else {
        "an operator can approve it for the connection, if the connector's manifest asks for it"
    };
    Failure::new(FailureKind::NotPermitted, format!("not permitted: {permission}; {remedy}"))
}
