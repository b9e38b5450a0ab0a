//! The host's side of the bindings: every function of an import goes to the one of the same name in `imports/`.

use wasmtime::component::Resource;

use super::bindings::hawser::connector::{cache, call, credentials, files, log, options, reveal};
use crate::model::Value;
use crate::runtime::guest_log::Level;
use crate::runtime::imports::credentials::{Credential, Scheme};
use crate::runtime::imports::files::{FileInfo, Reader, Replacement};
use crate::runtime::imports::{self, Said};
use crate::runtime::state::State;
use crate::signing::Algorithm;

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
        imports::cache::put(self, key, value, ttl_ms)
    }
}

impl credentials::Host for State {
    fn get(&mut self, slot: String) -> Said<Resource<Credential>> {
        imports::credentials::get(self, &slot)
    }

    fn keys(&mut self, slot: String) -> Said<Vec<String>> {
        Ok(imports::credentials::keys(self, &slot))
    }

    fn get_key(&mut self, slot: String, key: String) -> Said<Resource<Credential>> {
        imports::credentials::get_key(self, &slot, &key)
    }

    fn seal(&mut self, bytes: Vec<u8>) -> Said<Resource<Credential>> {
        imports::credentials::seal(self, bytes)
    }

    fn keep(&mut self, name: String, secret: Resource<Credential>, ttl_ms: u32) -> Said<()> {
        imports::credentials::keep(self, name, &secret, ttl_ms)
    }

    fn captured(&mut self, name: String) -> wasmtime::Result<Option<Resource<Credential>>> {
        imports::credentials::captured(self, &name)
    }

    async fn hash(&mut self, secret: Resource<Credential>, scheme: credentials::HashScheme) -> Said<String> {
        let scheme = match scheme {
            credentials::HashScheme::Argon2id => Scheme::Argon2id,
            credentials::HashScheme::Pbkdf2Sha256 => Scheme::Pbkdf2Sha256,
            credentials::HashScheme::Ssha512 => Scheme::Ssha512,
        };
        imports::credentials::hash(self, &secret, scheme).await
    }

    async fn verify(&mut self, secret: Resource<Credential>, hash: String) -> Said<bool> {
        imports::credentials::verify(self, &secret, hash).await
    }

    async fn sign(
        &mut self,
        secret: Resource<Credential>,
        algorithm: credentials::Signature,
        message: Vec<u8>,
    ) -> Said<Vec<u8>> {
        let algorithm = match algorithm {
            credentials::Signature::HmacSha256 => Algorithm::HmacSha256,
            credentials::Signature::HmacSha512 => Algorithm::HmacSha512,
            credentials::Signature::Rs256 => Algorithm::Rs256,
            credentials::Signature::Es256 => Algorithm::Es256,
            credentials::Signature::Ed25519 => Algorithm::Ed25519,
        };
        imports::credentials::sign(self, &secret, algorithm, message).await
    }
}

impl reveal::Host for State {
    async fn reveal(&mut self, secret: Resource<Credential>) -> Said<Vec<u8>> {
        imports::reveal::reveal(self, &secret).await
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
