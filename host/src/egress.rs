//! The one gate out of the host: from a destination of a connection to a connected, verified stream, or to a refusal that
//! names what would allow it.
//!
//! A destination is what the vendor asks for, the operator approved and the host's ceiling leaves ([`rules`]). Its name
//! is looked up once, every answer is judged ([`address`]), and only judged addresses are dialled ([`dial`]). Nothing
//! here takes a way from the environment, follows a redirect or believes a certificate it should not.

pub mod address;
mod dial;
pub mod limits;
mod resolver;
pub mod rules;
pub mod target;
#[cfg(test)]
mod tests;
pub mod trust;

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use crate::config::EgressConfig;
use crate::model::{Error, ErrorKind, Failure, FailureKind, Protocol, Result};
use resolver::Resolver;
use rules::{Route, Rules, Ruling};
use target::{Host, Target};

pub use dial::{Stream, secure};

/// The gate. Clones are the same one.
#[derive(Clone)]
pub struct Egress(Arc<Gate>);

struct Gate {
    rules: Rules,
    resolver: Resolver,
}

/// What would be decided, found out without connecting.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// The error that every attempt would end with, before an address is dialled.
    pub refusal: Option<Error>,
    /// Where a connector chooses between StartTLS and no protection: the error that the latter would end with.
    pub unprotected: Option<Error>,
    /// What was found under the name, each with its rule.
    pub addresses: Vec<Ruling>,
}

impl Forecast {
    /// Refused before a name was looked up.
    pub fn refused(refusal: Error) -> Self {
        Self { refusal: Some(refusal), unprotected: None, addresses: Vec::new() }
    }
}

impl Egress {
    /// A gate as configured.
    pub fn new(config: EgressConfig) -> Self {
        let resolver = Resolver::new(config.nameservers.clone());
        Self(Arc::new(Gate { rules: Rules::new(config), resolver }))
    }

    /// Connects, with TLS where the protocol begins with it. Nothing is sent before every rule was asked.
    ///
    /// # Errors
    /// `not-permitted` and `egress-denied` naming what would allow it; `connection-failed`; `operation-timeout` at `end`.
    pub async fn connect(&self, route: &Route, end: Instant) -> Result<Stream> {
        self.0.rules.admit(route)?;
        let found = timeout_at(end, self.find(&route.target)).await;
        let found = found.map_err(|_| late(&route.target))??;
        self.0.rules.permit(route, &found)?;
        let stream = dial::connect(&route.target, &found, end).await?;
        if route.target.protocol.is_tls() { secure(route, stream, end).await } else { Ok(Stream::Plain(stream)) }
    }

    /// What [`Self::connect`] would decide now. The name is looked up; nothing is dialled.
    pub async fn forecast(&self, route: &Route) -> Forecast {
        let protocol = route.target.protocol;
        // With HTTP the protocol says it all; with LDAP what the connector asks for.
        let protects = || if protocol == Protocol::Http { route.protects(false) } else { Ok(()) };
        if let Err(refusal) = self.0.rules.admit(route).and_then(|()| protects()) {
            return Forecast::refused(refusal);
        }
        let found = match self.find(&route.target).await {
            Err(refusal) => return Forecast::refused(refusal),
            Ok(found) => found,
        };
        Forecast {
            refusal: self.0.rules.permit(route, &found).err(),
            unprotected: if protocol == Protocol::Ldap { route.protects(false).err() } else { None },
            addresses: found.into_iter().map(|address| self.0.rules.rule(route, address)).collect(),
        }
    }

    async fn find(&self, target: &Target) -> Result<Vec<IpAddr>> {
        match &target.host {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => self.0.resolver.resolve(name).await,
        }
    }
}

/// An error of the gate, as a guest hears it.
pub fn heard(error: Error) -> Failure {
    let ErrorKind::Failure(kind) = error.kind else {
        return Failure::new(FailureKind::ConnectionFailed, error.message);
    };
    Failure { attributes: error.attributes, code: error.code, ..Failure::new(kind, error.message) }
}

fn late(target: &Target) -> Error {
    Error::failure(FailureKind::OperationTimeout, format!("{target} was not found in time"))
}
