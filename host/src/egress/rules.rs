//! Who may reach what: the vendor's request and the operator's approval (both in a [`Route`]) within the host's own
//! ceiling ([`Rules`]). Nothing here does anything; every refusal names what would allow it.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use super::address::{Class, classify};
use super::target::{Host, Target};
use super::trust::Trust;
use crate::config::EgressConfig;
use crate::model::{AddressRange, DestinationName, Error, FailureKind, OptionName, Permission, Result};

/// A destination of one connection, with what was decided about it beforehand.
#[derive(Clone, Debug)]
pub struct Route {
    /// As the manifest calls it.
    pub name: DestinationName,
    pub target: Target,
    /// What its manifest asks for.
    pub permission: Permission,
    /// Was that approved?
    pub approved: bool,
    /// The ranges besides the internet at which it may be met.
    pub ranges: BTreeSet<AddressRange>,
    /// May it be spoken to without encryption?
    pub plaintext: bool,
    /// Whose certificates are believed there, and who says to be there.
    pub trust: Trust,
    /// The secured option with the key that `trust` shows there; none where nobody approved it or it is not set.
    pub client: Option<OptionName>,
}

impl Route {
    /// May it be spoken to like that, with TLS or without?
    ///
    /// # Errors
    /// `not-permitted` naming the permission; `configuration` where the protocol has TLS anyway.
    pub fn protects(&self, tls: bool) -> Result<()> {
        if tls || self.plaintext && !self.target.protocol.is_tls() {
            return Ok(());
        }
        if self.target.protocol.is_tls() {
            let message = format!("{} has TLS from the first byte; it cannot go without", self.target);
            return Err(Error::failure(FailureKind::Configuration, message));
        }
        let wanted = Permission::Plaintext { destination: self.name.clone() };
        let remedy = "better protect it; where that cannot be, an operator can approve it for this connection";
        let message =
            format!("{} would be spoken to without encryption; not permitted: {wanted}; {remedy}", self.target);
        Err(Error::failure(FailureKind::NotPermitted, message))
    }
}

/// What the host allows at most.
#[derive(Debug)]
pub struct Rules(EgressConfig);

/// Which rule decided about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub address: IpAddr,
    pub class: Class,
    /// None if it may be dialled.
    pub refusal: Option<String>,
}

impl Rules {
    /// As configured.
    pub const fn new(config: EgressConfig) -> Self {
        Self(config)
    }

    /// May the route be taken at all?
    ///
    /// # Errors
    /// `not-permitted` naming the permission; `egress-denied` naming the host's ceiling.
    pub fn admit(&self, route: &Route) -> Result<()> {
        if !route.approved {
            let message =
                format!("not permitted: {}; an operator can approve it for this connection", route.permission);
            return Err(Error::failure(FailureKind::NotPermitted, message));
        }
        let Some(ceiling) = &self.0.hosts else { return Ok(()) };
        if ceiling.iter().any(|pattern| pattern.matches(&route.target.host.to_string(), route.target.port.get())) {
            return Ok(());
        }
        let target = &route.target;
        Err(denied(format!("{target} is beyond this host's ceiling; add it to `egress.hosts` of its configuration")))
    }

    /// May an address be dialled on this route?
    pub fn rule(&self, route: &Route, address: IpAddr) -> Ruling {
        let class = classify(address, &self.0.nat64_prefixes);
        Ruling { address, class, refusal: self.refusal(route, address, class) }
    }

    /// The addresses to dial: those that were found, if every one of them may be. One that may not spoils the others:
    /// whoever mixed it in can make it the one that is taken.
    ///
    /// # Errors
    /// `egress-denied` with the first refusal.
    pub fn permit(&self, route: &Route, found: &[IpAddr]) -> Result<()> {
        match found.iter().find_map(|address| self.rule(route, *address).refusal) {
            Some(refusal) => Err(denied(refusal)),
            None => Ok(()),
        }
    }

    fn refusal(&self, route: &Route, address: IpAddr, class: Class) -> Option<String> {
        let place = Place { target: &route.target, address };
        if let Some(networks) = &self.0.networks
            && !networks.iter().any(|network| network.contains(&address))
        {
            let config = "add its network to `egress.networks` of its configuration";
            return Some(format!("{place} is beyond this host's ceiling; {config}"));
        }
        match class {
            Class::Public => None,
            Class::Never => Some(format!("{place} is a reserved address, which nothing may reach")),
            Class::Own(range) if !self.opens(range) => Some(format!(
                "{place} is a {} address, which this host reaches only with `egress.{} = true` in its configuration",
                range.as_str(),
                range.as_str()
            )),
            Class::Own(range) if !route.ranges.contains(&range) => {
                let wanted = Permission::Network { destination: route.name.clone(), range };
                let remedy = "an operator can approve it for this connection";
                Some(format!("{place} is a {} address; not permitted: {wanted}; {remedy}", range.as_str()))
            }
            Class::Own(_) => None,
        }
    }

    /// Does the host itself let connections have such a range?
    fn opens(&self, range: AddressRange) -> bool {
        match range {
            AddressRange::Private => true,
            AddressRange::Loopback => self.0.loopback,
            AddressRange::LinkLocal => self.0.link_local,
            AddressRange::Metadata => self.0.metadata,
        }
    }
}

pub(super) fn denied(message: String) -> Error {
    Error::failure(FailureKind::EgressDenied, message)
}

/// A target, with the address where that is not what it says already.
struct Place<'a> {
    target: &'a Target,
    address: IpAddr,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target.host {
            Host::Name(_) => write!(f, "{}, found at {},", self.target, self.address),
            Host::Address(_) => self.target.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(target: &str, ranges: &[AddressRange]) -> Route {
        Route {
            name: "api".parse().unwrap(),
            target: target.parse().unwrap(),
            permission: "destination:api:https://{host}:443".parse().unwrap(),
            approved: true,
            plaintext: false,
            client: None,
            ranges: ranges.iter().copied().collect(),
            trust: Trust::default(),
        }
    }

    fn rules(change: impl FnOnce(&mut EgressConfig)) -> Rules {
        let mut config = EgressConfig::default();
        change(&mut config);
        Rules::new(config)
    }

    fn ruling(rules: &Rules, ranges: &[AddressRange], address: &str) -> Option<String> {
        rules.rule(&route("https://crm.example:443", ranges), address.parse().unwrap()).refusal
    }

    #[test]
    fn what_was_not_approved_is_refused_by_the_permission_that_would_allow_it() {
        let route = Route { approved: false, ..route("https://crm.example:443", &[]) };
        let error = rules(|_| {}).admit(&route).unwrap_err();
        assert!(error.is(FailureKind::NotPermitted));
        assert!(error.message.contains("destination:api:https://{host}:443"), "{error}");
    }

    #[test]
    fn the_internet_needs_no_more_than_the_destination() {
        assert_eq!(ruling(&rules(|_| {}), &[], "1.1.1.1"), None);
    }

    #[test]
    fn a_private_address_needs_a_permission_of_its_own() {
        let (open, refused) = (rules(|_| {}), |refusal: Option<String>| refusal.unwrap());
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "64:ff9b::a01:203"] {
            let told = refused(ruling(&open, &[], address));
            assert!(told.contains("network:api:private"), "{told}");
            assert_eq!(ruling(&open, &[AddressRange::Private], address), None, "{address}");
        }
    }

    #[test]
    fn the_hosts_own_surroundings_need_its_leave_as_well() {
        for (range, address, key) in [
            (AddressRange::Loopback, "127.0.0.1", "egress.loopback"),
            (AddressRange::LinkLocal, "fe80::1", "egress.link-local"),
            (AddressRange::Metadata, "169.254.169.254", "egress.metadata"),
        ] {
            let told = ruling(&rules(|_| {}), &[range], address).unwrap();
            assert!(told.contains(key), "{told}");
            let open = rules(|config| (config.loopback, config.link_local, config.metadata) = (true, true, true));
            let told = ruling(&open, &[], address).unwrap();
            assert!(told.contains(&format!("network:api:{}", range.as_str())), "{told}");
            assert_eq!(ruling(&open, &[range], address), None);
        }
    }

    #[test]
    fn a_reserved_address_is_never_reached() {
        let open = rules(|config| (config.loopback, config.link_local, config.metadata) = (true, true, true));
        for address in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1", "2001:db8::1"] {
            assert!(ruling(&open, AddressRange::ALL, address).unwrap().contains("reserved"), "{address}");
        }
    }

    #[test]
    fn one_bad_answer_among_good_ones_refuses_them_all() {
        let found = ["1.1.1.1", "10.0.0.1"].map(|address| address.parse().unwrap());
        let error = rules(|_| {}).permit(&route("https://crm.example:443", &[]), &found).unwrap_err();
        assert!(error.is(FailureKind::EgressDenied) && error.message.contains("10.0.0.1"), "{error}");
    }

    #[test]
    fn the_hosts_ceiling_goes_before_every_approval() {
        let hosts = |patterns: &[&str]| {
            let patterns = patterns.iter().map(|pattern| pattern.parse().unwrap()).collect();
            rules(|config| config.hosts = Some(patterns))
        };
        for (patterns, allowed) in [
            (vec![], false),
            (vec!["crm.example:443"], true),
            (vec!["crm.example"], true),
            (vec!["CRM.Example:443"], true),
            (vec!["crm.example:444"], false),
            (vec!["*.example:443"], true),
            (vec!["*.crm.example"], false),
            (vec!["*.xample"], false),
            (vec!["other.example", "crm.example"], true),
        ] {
            let decided = hosts(&patterns).admit(&route("https://crm.example:443", &[]));
            assert_eq!(decided.is_ok(), allowed, "{patterns:?}");
            if let Err(error) = decided {
                assert!(error.message.contains("egress.hosts"), "{error}");
            }
        }
        let networks = rules(|config| config.networks = Some(vec!["192.168.7.0/24".parse().unwrap()]));
        assert!(ruling(&networks, &[], "1.1.1.1").unwrap().contains("egress.networks"));
        assert_eq!(ruling(&networks, &[AddressRange::Private], "192.168.7.9"), None);
        assert!(ruling(&networks, &[], "192.168.7.9").unwrap().contains("network:api:private"));
    }
}
