//! Names to addresses, asked once for each dial: what is dialled is what was judged.
//!
//! Names are absolute: no search domain of the machine is tried, and no environment variable is read. The operator's
//! hosts file counts, since that is how many an internal directory is found.
//!
//! The machine's settings and that file are read anew when they are older than [`DNS_SETTINGS_KEPT`], by time alone like the
//! machine's roots (`trust`). Where they cannot be read, those from before serve on, and the next look-up tries again: a
//! network that comes up after the host, or a file being replaced, takes no restart.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use hickory_resolver::{Resolver as Hickory, TokioResolver};
use tokio::time::{Instant, timeout};

use super::limits::{ADDRESSES_MAX, ATTEMPT_TIME_MAX, ATTEMPTS, DNS_SETTINGS_KEPT, LOOKUP_TIME_MAX};
use super::rules::denied;
use super::target::HostName;
use crate::model::{Error, FailureKind, Result};

/// What finds addresses.
pub(super) struct Resolver {
    read: Box<Read>,
    /// What asks by the settings read last, and since when it does.
    kept: Mutex<Option<(Instant, Arc<TokioResolver>)>>,
}

/// Reads whom to ask, and how.
type Read = dyn Fn() -> Result<(ResolverConfig, ResolverOpts)> + Send + Sync;

impl Resolver {
    /// With these servers, or with the machine's own where none are given. From a machine that does not say which it has,
    /// addresses can still be reached.
    pub(super) fn new(servers: Vec<SocketAddr>) -> Self {
        Self::reading(move || if servers.is_empty() { system() } else { Ok((of(&servers), ResolverOpts::default())) })
    }

    fn reading(read: impl Fn() -> Result<(ResolverConfig, ResolverOpts)> + Send + Sync + 'static) -> Self {
        Self { read: Box::new(read), kept: Mutex::new(None) }
    }

    /// All addresses of a name.
    ///
    /// # Errors
    /// `connection-failed` if there is none or nobody answers in time; `egress-denied` if there are too many to judge;
    /// `configuration` if the machine does not say which servers to ask.
    pub(super) async fn resolve(&self, name: &HostName) -> Result<Vec<IpAddr>> {
        let resolver = self.asking(Instant::now())?;
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

    /// What asks by settings that are not too old.
    fn asking(&self, now: Instant) -> Result<Arc<TokioResolver>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, asking)) = kept.as_ref().filter(|(since, _)| now.duration_since(*since) < DNS_SETTINGS_KEPT) {
            return Ok(Arc::clone(asking));
        }
        match (self.read)().and_then(built) {
            Ok(asking) => Ok(Arc::clone(&kept.insert((now, Arc::new(asking))).1)),
            Err(why) => kept.as_ref().map(|(_, asking)| Arc::clone(asking)).ok_or(why),
        }
    }
}

fn built((config, mut options): (ResolverConfig, ResolverOpts)) -> Result<TokioResolver> {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn settings_are_read_again_when_they_are_old_and_at_once_where_there_were_none() {
        let settings = Arc::new(Mutex::new(None::<SocketAddr>));
        let machine = Arc::clone(&settings);
        let resolver = Resolver::reading(move || {
            let server = machine.lock().unwrap().ok_or_else(|| unusable(&"there is no such file"))?;
            Ok((of(&[server]), ResolverOpts::default()))
        });
        let start = Instant::now();
        let asking = |after: Duration| resolver.asking(start + after);
        let told = asking(Duration::ZERO).err().unwrap();
        assert!(told.is(FailureKind::Configuration) && told.message.contains("egress.nameservers"), "{told}");
        *settings.lock().unwrap() = Some("192.0.2.1:53".parse().unwrap());
        let first = asking(Duration::ZERO).unwrap();
        let almost = DNS_SETTINGS_KEPT.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(Arc::ptr_eq(&first, &asking(almost).unwrap()), "they are read for each name");
        *settings.lock().unwrap() = None;
        assert!(Arc::ptr_eq(&first, &asking(DNS_SETTINGS_KEPT).unwrap()), "what is being replaced is missed");
        *settings.lock().unwrap() = Some("192.0.2.2:53".parse().unwrap());
        let second = asking(DNS_SETTINGS_KEPT).unwrap();
        assert!(!Arc::ptr_eq(&first, &second), "a server that moved is never found again");
        assert!(Arc::ptr_eq(&second, &asking(DNS_SETTINGS_KEPT + almost).unwrap()));
    }
}
