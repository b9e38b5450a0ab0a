//! Web servers that nobody here wrote, for the connectors to be proven on: each with TLS by a CA of its own, on a port of
//! its own, with `curl` as the judge ([`Judge`]); and a proxy before them that misbehaves ([`chaos`]).
//!
//! `start` gives a running one, that ends when it is dropped: `let server = Keystone::start();`. Packages are downloaded
//! at the first start of a kind, and what takes long to set up is made then too, into a folder beside the tests'
//! binaries. All of it blocks: asynchronous tests call it by [`blocking`].

pub mod canaille;
pub mod chaos;
mod curl;
pub mod keystone;
pub mod rabbitmq;
pub mod scimmy;
pub mod swift;

use std::path::PathBuf;

use hawser::cli::demo::server::ServerError;
use hawser::cli::demo::server::scim2::{Scim2, Scim2Options};
use hawser::cli::demo::server::web::{Program, WebServer};

pub use curl::Judge;

use crate::profile_folder;

/// A `scim2-server`: see [`hawser::cli::demo::server::scim2`].
pub fn scim2(options: &Scim2Options) -> WebServer<Scim2> {
    started(Scim2::start(options, &cache()))
}

/// Does what blocks from an asynchronous test.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("the work does not panic")
}

fn started<P: Program>(started: Result<WebServer<P>, ServerError>) -> WebServer<P> {
    started.unwrap_or_else(|why| panic!("{} does not start: {why}", P::NAME))
}

/// Where packages and what is made once are kept.
pub fn cache() -> PathBuf {
    profile_folder().join("test-web")
}
