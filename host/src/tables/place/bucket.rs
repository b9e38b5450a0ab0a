//! Buckets of object stores, spoken to as Amazon's S3 is.
//!
//! An object appears whole, a folder does not: so its manifest is the last object of it, and the first to be deleted. An
//! upload that a killed host had begun is no object and stays until the store's own rule ends it (Amazon's
//! `AbortIncompleteMultipartUpload`), because nothing tells its number afterwards.
//!
//! The keys are read when a folder begins, and kept no longer than it is written.

use std::error::Error as Source;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore as _, ObjectStoreExt as _, RetryConfig};
use tokio::task::JoinSet;

use super::super::output::MANIFEST;
use super::door::{Door, SHOWN_BYTES_MAX};
use crate::config::BucketConfig;
use crate::egress::Egress;
use crate::egress::rules::Route;
use crate::egress::target::Target;
use crate::egress::trust::Trust;
use crate::model::text::shown;
use crate::model::{
    AddressRange, ConnectionId, DestinationName, Error, ErrorKind, FailureKind, OutputPlace, Permission, Protocol,
    Result, Secret, SecretReference, TaskId,
};
use crate::secrets::read_own;

/// What the gate calls the way to a bucket; there is none in a manifest.
const ROUTE: &str = "object-store";
/// What is sent at once, in bytes: an object has 10,000 parts at most, so one may have 160 GB.
pub(super) const PART_BYTES: usize = 16 << 20;
/// Parts that are on their way at once, besides the one that is filled.
const PARTS_MAX: usize = 2;
/// How often a request is tried again that may be.
const RETRIES_MAX: usize = 3;
/// For how long.
const RETRY_TIME_MAX: Duration = Duration::from_secs(300);
/// The largest file of roots, in bytes.
const ROOTS_BYTES_MAX: u64 = 1 << 20;

/// A bucket the operator named. Cheap to clone.
#[derive(Clone)]
pub(super) struct Bucket(Arc<Named>);

struct Named {
    name: OutputPlace,
    config: BucketConfig,
    endpoint: Target,
    egress: Egress,
}

/// A folder that is being written.
pub(super) struct Objects {
    place: Bucket,
    store: AmazonS3,
    folder: Path,
}

/// An object of one.
pub(super) struct Upload {
    place: Bucket,
    upload: Box<dyn MultipartUpload>,
    /// The part that is filled.
    part: Vec<u8>,
    sending: JoinSet<object_store::Result<()>>,
}

/// What signs requests.
struct Keys {
    id: Secret,
    secret: Secret,
    token: Option<Secret>,
}

impl Bucket {
    /// # Errors
    /// `configuration` naming the key, if the endpoint is none or would be spoken to without TLS.
    pub(super) fn new(name: OutputPlace, config: BucketConfig, egress: Egress) -> Result<Self> {
        let endpoint = endpoint(&config).map_err(|why| {
            Error::failure(FailureKind::Configuration, format!("`tables.places.{name}.s3.endpoint`: {why}"))
        })?;
        Ok(Self(Arc::new(Named { name, config, endpoint, egress })))
    }

    pub(super) fn location(&self) -> String {
        let Named { config, endpoint, .. } = &*self.0;
        // Where names of buckets belong to accounts, one of the same name may be another's.
        format!("{endpoint}/{}/{} {}", config.bucket, config.prefix, config.access_key_id)
    }

    pub(super) async fn folder(&self, connection: &ConnectionId, task: TaskId) -> Result<Objects> {
        let place = self.clone();
        let opened = tokio::task::spawn_blocking(move || place.open()).await;
        let store = opened.map_err(|why| Error::internal(why.to_string()))??;
        let task = task.to_string();
        let folder = [self.0.config.prefix.as_str(), connection.as_str(), &task].join("/");
        Ok(Objects { place: self.clone(), store, folder: Path::from(folder) })
    }

    /// A client with the keys and the roots as they are now. Blocks.
    fn open(&self) -> Result<AmazonS3> {
        let Named { config, endpoint, egress, .. } = &*self.0;
        let (keys, door) = (self.keys()?, Door::new(egress.clone(), self.route()?));
        let retry = RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIME_MAX, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_endpoint(spelt(endpoint))
            .with_virtual_hosted_style_request(in_host(config))
            .with_allow_http(config.plaintext)
            // Not every store knows it, and a folder has few objects.
            .with_disable_bulk_delete(true)
            .with_access_key_id(text(&keys.id))
            .with_secret_access_key(text(&keys.secret))
            .with_retry(retry)
            .with_http_connector(door);
        if let Some(token) = &keys.token {
            builder = builder.with_token(text(token));
        }
        builder.build().map_err(|why| self.wrong(&why.to_string()))
    }

    fn keys(&self) -> Result<Keys> {
        let read = |reference: &SecretReference| {
            let wrong = |told: &str| self.wrong(&format!("{reference}: {told}"));
            let secret = read_own(reference).map_err(|why| wrong(&why.told(reference)))?;
            let is_plain = secret.expose().iter().all(u8::is_ascii_graphic);
            if is_plain { Ok(secret) } else { Err(wrong("it has other bytes than visible ASCII")) }
        };
        let config = &self.0.config;
        let token = config.session_token.as_ref().map(read).transpose()?;
        Ok(Keys { id: read(&config.access_key_id)?, secret: read(&config.secret_access_key)?, token })
    }

    /// The operator's own place: he need not approve it, and the host's ceiling holds for it all the same.
    fn route(&self) -> Result<Route> {
        let Named { name, config, endpoint, .. } = &*self.0;
        let roots = config.roots.as_deref().map(|path| self.roots(path)).transpose()?;
        let trust = Trust::new(roots.as_deref(), None).map_err(|why| self.wrong(&why.message))?;
        let destination: DestinationName = ROUTE.parse().map_err(|_| Error::internal("the route has an odd name"))?;
        Ok(Route {
            permission: Permission::Destination { name: destination.clone(), address: name.to_string() },
            name: destination,
            target: endpoint.clone(),
            approved: true,
            ranges: AddressRange::ALL.iter().copied().collect(),
            plaintext: config.plaintext,
            trust,
            client: None,
        })
    }

    fn roots(&self, path: &FilePath) -> Result<String> {
        let told = |why: &dyn std::fmt::Display| self.wrong(&format!("the roots in {}: {why}", path.display()));
        let length = std::fs::metadata(path).map_err(|why| told(&why))?.len();
        if length > ROOTS_BYTES_MAX {
            return Err(told(&format!("{length} bytes; {ROOTS_BYTES_MAX} are allowed")));
        }
        std::fs::read_to_string(path).map_err(|why| told(&why))
    }

    /// What the configuration has to say otherwise.
    fn wrong(&self, why: &str) -> Error {
        self.error(FailureKind::Configuration, why)
    }

    /// What is wrong with the place, and is not for the task to repair; or what may pass.
    fn fault(&self, why: &object_store::Error) -> Error {
        let Some(refusal) = refusal(why) else {
            // The errors above it begin with the whole URL.
            let told = root(why).to_string();
            return self.error(FailureKind::Retryable, &shown(&told, SHOWN_BYTES_MAX));
        };
        let kind = match refusal.kind {
            ErrorKind::Failure(kind @ (FailureKind::EgressDenied | FailureKind::Configuration)) => kind,
            _ => FailureKind::Retryable,
        };
        self.error(kind, &refusal.message)
    }

    fn error(&self, kind: FailureKind, why: &str) -> Error {
        let Named { name, config, endpoint, .. } = &*self.0;
        let message = format!(
            "the place {name} cannot be written ({why}); the bucket {} at {endpoint} has to be there, and \
             `tables.places.{name}.s3` has to name keys that may list, read, write and delete in it. The import is \
             published; a folder without {MANIFEST} is thrown away when its task begins again, and else is yours to delete",
            config.bucket
        );
        Error::failure(kind, message)
    }
}

impl Objects {
    pub(super) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let read = async { self.store.get(&self.folder.clone().join(name)).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(why) => Err(self.place.fault(&why)),
        }
    }

    pub(super) async fn upload(&self, name: &str) -> Result<Upload> {
        let begun = self.store.put_multipart(&self.folder.clone().join(name)).await;
        let upload = begun.map_err(|why| self.place.fault(&why))?;
        Ok(Upload { place: self.place.clone(), upload, part: Vec::new(), sending: JoinSet::new() })
    }

    /// The last object. Sent again it is the same one, so that an answer that was lost does no harm.
    pub(super) async fn put(&self, name: &str, text: Vec<u8>) -> Result<()> {
        let put = self.store.put(&self.folder.clone().join(name), text.into()).await;
        put.map(drop).map_err(|why| self.place.fault(&why))
    }

    /// Deletes what is there of it, first of all what says that it is whole.
    pub(super) async fn abandon(&self) -> Result<()> {
        let deleted = async {
            self.delete(&self.folder.clone().join(MANIFEST)).await?;
            let rest: Vec<_> = self.store.list(Some(&self.folder)).try_collect().await?;
            for object in rest {
                self.delete(&object.location).await?;
            }
            Ok(())
        };
        deleted.await.map_err(|why| self.place.fault(&why))
    }

    async fn delete(&self, object: &Path) -> object_store::Result<()> {
        match self.store.delete(object).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            ended => ended,
        }
    }
}

/// The crate's own `WriteMultipart` cannot be aborted any more once it ends, and the end is where the time goes.
impl Upload {
    pub(super) async fn write(&mut self, mut piece: &[u8]) -> Result<()> {
        while let Some((fits, rest)) = piece.split_at_checked(PART_BYTES - self.part.len()) {
            self.part.extend_from_slice(fits);
            self.send();
            self.part.reserve_exact(PART_BYTES);
            self.sent(PARTS_MAX).await?;
            piece = rest;
        }
        self.part.extend_from_slice(piece);
        Ok(())
    }

    /// It is an object then.
    pub(super) async fn end(&mut self) -> Result<()> {
        if !self.part.is_empty() {
            self.send();
        }
        self.sent(0).await?;
        self.upload.complete().await.map(drop).map_err(|why| self.place.fault(&why))
    }

    pub(super) async fn abandon(mut self) -> Result<()> {
        self.sending.shutdown().await;
        match self.upload.abort().await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            ended => ended.map_err(|why| self.place.fault(&why)),
        }
    }

    fn send(&mut self) {
        // Of its own, as parts that share memory keep all of it.
        let part = std::mem::take(&mut self.part);
        self.sending.spawn(self.upload.put_part(part.into()));
    }

    /// Waits until at most so many parts are on their way.
    async fn sent(&mut self, most: usize) -> Result<()> {
        while self.sending.len() > most {
            let Some(sent) = self.sending.join_next().await else { break };
            let sent = sent.map_err(|why| Error::internal(why.to_string()))?;
            sent.map_err(|why| self.place.fault(&why))?;
        }
        Ok(())
    }
}

/// Where the bucket is spoken to.
fn endpoint(config: &BucketConfig) -> std::result::Result<Target, String> {
    let given = match &config.endpoint {
        Some(given) => given.clone(),
        None => format!("https://s3.{}.amazonaws.com", config.region),
    };
    let given = match given.split_once("://") {
        Some((protocol, host)) if in_host(config) => format!("{protocol}://{}.{host}", config.bucket),
        _ => given,
    };
    let target: Target = given.parse().or_else(|why: Error| {
        let port = if given.starts_with("https:") { 443 } else { 80 };
        format!("{given}:{port}").parse().map_err(|_| why.message)
    })?;
    match target.protocol {
        Protocol::Https => Ok(target),
        Protocol::Http if config.plaintext => Ok(target),
        Protocol::Http => Err(format!("{target} would be spoken to without TLS; `plaintext = true` allows that")),
        _ => Err(format!("{target} is no web service")),
    }
}

/// A target as requests are signed for it: without the port that its protocol has anyway.
fn spelt(target: &Target) -> String {
    match (target.protocol, target.port.get()) {
        (Protocol::Https, 443) | (Protocol::Http, 80) => format!("{}://{}", target.protocol.as_str(), target.host),
        _ => target.to_string(),
    }
}

/// Amazon wants the name in front, where one certificate is good for it.
fn in_host(config: &BucketConfig) -> bool {
    config.bucket_in_host || config.endpoint.is_none() && !config.bucket.contains('.')
}

fn text(secret: &Secret) -> String {
    String::from_utf8_lossy(secret.expose()).into_owned()
}

/// What was wrong first of all.
fn root<'a>(error: &'a (dyn Source + 'static)) -> &'a (dyn Source + 'static) {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root
}

/// What the gate or the store refused, if it is that.
fn refusal<'a>(error: &'a (dyn Source + 'static)) -> Option<&'a Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref() {
            return Some(refusal);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bucket: &str, endpoint: Option<&str>, change: impl FnOnce(&mut BucketConfig)) -> Result<String, String> {
        let reference = || SecretReference::try_from("env:LAKE".to_owned()).unwrap();
        let mut config = BucketConfig {
            bucket: bucket.to_owned(),
            region: "eu-central-1".to_owned(),
            endpoint: endpoint.map(str::to_owned),
            bucket_in_host: false,
            prefix: String::new(),
            plaintext: false,
            roots: None,
            access_key_id: reference(),
            secret_access_key: reference(),
            session_token: None,
        };
        change(&mut config);
        super::endpoint(&config).map(|target| target.to_string())
    }

    #[test]
    fn an_endpoint_is_where_the_bucket_is_spoken_to() {
        let amazon = "s3.eu-central-1.amazonaws.com:443";
        assert_eq!(at("lake", None, |_| {}).unwrap(), format!("https://lake.{amazon}"));
        assert_eq!(at("lake.iga", None, |_| {}).unwrap(), format!("https://{amazon}"), "no certificate is good for it");
        assert_eq!(at("lake", Some("https://minio.example"), |_| {}).unwrap(), "https://minio.example:443");
        assert_eq!(at("lake", Some("https://10.1.2.3:9000"), |_| {}).unwrap(), "https://10.1.2.3:9000");
        let host = |config: &mut BucketConfig| config.bucket_in_host = true;
        assert_eq!(at("lake", Some("https://oss.example"), host).unwrap(), "https://lake.oss.example:443");
    }

    #[test]
    fn a_port_that_goes_without_saying_is_not_signed() {
        for (target, told) in [
            ("https://minio.example:443", "https://minio.example"),
            ("http://minio.example:80", "http://minio.example"),
            ("https://[fd12::1]:443", "https://[fd12::1]"),
            ("https://minio.example:80", "https://minio.example:80"),
        ] {
            assert_eq!(spelt(&target.parse().unwrap()), told);
        }
    }

    #[test]
    fn what_is_no_endpoint_or_has_no_tls_is_refused() {
        for endpoint in
            ["minio.example", "https://minio.example/lake", "ldaps://minio.example", "https://u@minio.example"]
        {
            assert!(at("lake", Some(endpoint), |_| {}).is_err(), "{endpoint}");
        }
        let told = at("lake", Some("http://minio.example:9000"), |_| {}).unwrap_err();
        assert!(told.contains("plaintext = true"), "{told}");
        let plaintext = |config: &mut BucketConfig| config.plaintext = true;
        assert_eq!(at("lake", Some("http://minio.example"), plaintext).unwrap(), "http://minio.example:80");
    }
}
