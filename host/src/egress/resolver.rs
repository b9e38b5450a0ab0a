//! Names to addresses, asked once for each dial: what is dialled is what was judged.
//!
//! Names are absolute: no search domain of the machine is tried, and no environment variable is read. The operator's
//! hosts file counts, since that is how many an internal directory is found.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use hickory_resolver::{Resolver as Hickory, TokioResolver};
use tokio::time::timeout;

use super::limits::{ADDRESSES_MAX, ATTEMPT_TIME_MAX, ATTEMPTS, LOOKUP_TIME_MAX};
use super::rules::denied;
use super::target::HostName;
use crate::model::{Error, FailureKind, Result};

/// What finds addresses, or why nothing can be found.
pub(super) struct Resolver(Result<TokioResolver>);

impl Resolver {
    /// With these servers, or with the machine's own where none are given. A machine that does not say which it has can
    /// still be reached by addresses.
    pub(super) fn new(servers: &[SocketAddr]) -> Self {
        Self(asking(servers))
    }

    /// All addresses of a name.
    ///
    /// # Errors
    /// `connection-failed` if there is none or nobody answers in time; `egress-denied` if there are too many to judge;
    /// `configuration` if the machine does not say which servers to ask.
    pub(super) async fn resolve(&self, name: &HostName) -> Result<Vec<IpAddr>> {
        let resolver = self.0.as_ref().map_err(Clone::clone)?;
        let failed = |why: String| {
            let message = format!("{} cannot be found: {why}; look at the name, and at the host's DNS", name.as_str());
            Error::failure(FailureKind::ConnectionFailed, message)
        };
        let absolute = Name::from_ascii(format!("{}.", name.as_str())).map_err(|why| failed(why.to_string()))?;
        let found = timeout(LOOKUP_TIME_MAX, resolver.lookup_ip(absolute)).await;
        let found = found.map_err(|_| failed(format!("no answer within {LOOKUP_TIME_MAX:?}")))?;
        let found: Vec<IpAddr> = found.map_err(|why| failed(why.to_string()))?.iter().collect();
        match found.len() {
            0 => Err(failed("it has no address".to_owned())),
            1..=ADDRESSES_MAX => Ok(found),
            many => Err(denied(format!("{} has {many} addresses; {ADDRESSES_MAX} are looked at", name.as_str()))),
        }
    }
}

fn asking(servers: &[SocketAddr]) -> Result<TokioResolver> {
    let (config, mut options) = if servers.is_empty() { system()? } else { (of(servers), ResolverOpts::default()) };
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Always;
    options.timeout = ATTEMPT_TIME_MAX;
    options.attempts = ATTEMPTS;
    options.try_tcp_on_error = true;
    let config = ResolverConfig::from_parts(None, Vec::new(), config.name_servers().to_vec());
    let builder = Hickory::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
    builder.build().map_err(|why| unusable(&why))
}

fn system() -> Result<(ResolverConfig, ResolverOpts)> {
    hickory_resolver::system_conf::read_system_conf().map_err(|why| unusable(&why))
}

fn of(servers: &[SocketAddr]) -> ResolverConfig {
    let server = |addr: &SocketAddr| {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = addr.port();
            connection
        });
        NameServerConfig::new(addr.ip(), true, connections.into())
    };
    ResolverConfig::from_name_servers(servers.iter().map(server).collect())
}

fn unusable(why: &impl std::fmt::Display) -> Error {
    let message = format!("the machine's DNS cannot be used ({why}); name servers with `egress.nameservers`");
    Error::failure(FailureKind::Configuration, message)
}
