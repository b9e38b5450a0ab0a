//! The host's side of the bindings: every function of an import goes to the one of the same name in `imports/`.

use wasmtime::component::Resource;

use super::bindings::hawser::connector::{cache, call, credentials, files, log, options};
use crate::model::Value;
use crate::runtime::guest_log::Level;
use crate::runtime::imports::credentials::Credential;
use crate::runtime::imports::files::{FileInfo, Reader, Replacement};
use crate::runtime::imports::{self, Said};
use crate::runtime::state::State;

impl call::Host for State {
    fn request_id(&mut self) -> wasmtime::Result<String> {
        Ok(imports::call::request_id(self))
    }

    fn idempotency_key(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(imports::call::idempotency_key(self))
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u32> {
        Ok(imports::call::remaining_ms(self))
    }
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Trace => Level::Trace,
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        imports::log::write(self, level, &message, &fields);
        Ok(())
    }
}

impl options::Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Vec<Value>> {
        Ok(imports::options::get(self, &name))
    }
}

impl cache::Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(imports::cache::get(self, &key))
    }

    fn put(&mut self, key: String, value: Vec<u8>, ttl_ms: u32) -> wasmtime::Result<()> {
        imports::cache::put(self, key, value, ttl_ms);
        Ok(())
    }
}

impl credentials::Host for State {
    async fn hash(&mut self, secret: Resource<Credential>, scheme: credentials::HashScheme) -> Said<String> {
        match scheme {
            credentials::HashScheme::Argon2id => imports::credentials::hash(self, &secret).await,
        }
    }

    async fn verify(&mut self, secret: Resource<Credential>, hash: String) -> Said<bool> {
        imports::credentials::verify(self, &secret, hash).await
    }
}

impl credentials::HostCredential for State {
    fn drop(&mut self, handle: Resource<Credential>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl files::Host for State {
    async fn list(&mut self, directory: String) -> Said<Vec<files::FileInfo>> {
        let listed = imports::files::list(self, &directory).await?;
        Ok(listed.map(|files| files.into_iter().map(Into::into).collect()))
    }

    async fn open(&mut self, directory: String, name: String) -> Said<Resource<Reader>> {
        imports::files::open(self, &directory, name).await
    }

    async fn replace(
        &mut self,
        directory: String,
        name: String,
        expected: Option<String>,
    ) -> Said<Resource<Replacement>> {
        imports::files::replace(self, &directory, name, expected).await
    }
}

impl files::HostReader for State {
    fn info(&mut self, reader: Resource<Reader>) -> wasmtime::Result<files::FileInfo> {
        Ok(imports::files::info(self, &reader)?.into())
    }

    fn seek(&mut self, reader: Resource<Reader>, offset: u64) -> Said<()> {
        imports::files::seek(self, &reader, offset)
    }

    async fn read(&mut self, reader: Resource<Reader>, max: u32) -> Said<Vec<u8>> {
        imports::files::read(self, &reader, max).await
    }

    fn drop(&mut self, reader: Resource<Reader>) -> wasmtime::Result<()> {
        imports::files::close(self, reader)
    }
}

impl files::HostReplacement for State {
    async fn write(&mut self, replacement: Resource<Replacement>, bytes: Vec<u8>) -> Said<()> {
        imports::files::write(self, &replacement, bytes).await
    }

    async fn commit(&mut self, replacement: Resource<Replacement>) -> Said<()> {
        imports::files::commit(self, &replacement).await
    }

    fn drop(&mut self, replacement: Resource<Replacement>) -> wasmtime::Result<()> {
        imports::files::abandon(self, replacement)
    }
}

impl From<FileInfo> for files::FileInfo {
    fn from(FileInfo { name, size, modified, version }: FileInfo) -> Self {
        Self { name, size, modified, version }
    }
}
