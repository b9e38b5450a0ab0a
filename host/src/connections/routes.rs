//! Routes of a connection: where its destinations are as it is configured, what was approved of each, and what the gate
//! would say.

use super::options::{self, Options};
use super::{Connections, permissions};
use crate::egress::rules::Route;
use crate::egress::target::Target;
use crate::egress::trust::Trust;
use crate::egress::{Egress, Forecast};
use crate::model::{AddressRange, ConnectionId, Error, FailureKind, Permission, Permissions, Result};
use crate::registry::Manifest;
use crate::registry::manifest::DestinationDeclaration;

/// What the gate would decide about a target.
#[derive(Debug)]
pub struct Explanation {
    pub target: Target,
    /// The connection's destination that it is; none if it is none of them.
    pub route: Option<Route>,
    pub forecast: Forecast,
}

impl Connections {
    /// What would be decided if the connection's connector wanted to reach a target, and by which rule. Its name is
    /// looked up if the connection may reach it; nothing is dialled.
    ///
    /// # Errors
    /// `not-found`; `configuration` if no release serves the connection, or its options do not fit.
    pub async fn explain(&self, egress: &Egress, id: &ConnectionId, target: Target) -> Result<Explanation> {
        let connection = self.get(id).await?.value;
        let release = self.registry.release(&connection.connector, &connection.version)?;
        let options = options::check(&release.manifest, &connection.options)?;
        let approved = self.store.approvals(id).await?.into_iter().map(|approval| approval.permission).collect();
        let mut routes = routes(&release.manifest, &options, &approved)?;
        let known: Vec<String> = routes.iter().map(|route| route.target.to_string()).collect();
        let Some(at) = routes.iter().position(|route| route.target == target) else {
            let message = format!("{target} is none of the destinations of {id}, which are [{}]", known.join(", "));
            let refusal = Some(Error::failure(FailureKind::EgressDenied, message));
            return Ok(Explanation { target, route: None, forecast: Forecast { refusal, addresses: Vec::new() } });
        };
        let route = routes.swap_remove(at);
        let forecast = egress.forecast(&route).await;
        Ok(Explanation { target, route: Some(route), forecast })
    }
}

/// The destinations whose options are set.
fn routes(manifest: &Manifest, options: &Options, approved: &Permissions) -> Result<Vec<Route>> {
    let permitted = permissions::effective(&manifest.permissions(), approved);
    let route = |declared: &DestinationDeclaration| {
        let target = target(declared, options).transpose()?;
        let permission = Permission::Destination { name: declared.name.clone(), address: declared.template() };
        Some(target.map(|target| Route {
            approved: permitted.contains(&permission),
            ranges: ranges(declared, approved),
            name: declared.name.clone(),
            trust: Trust::default(),
            permission,
            target,
        }))
    };
    manifest.destinations.iter().filter_map(route).collect()
}

/// Where a destination is, or nothing while an option it is made from is not set.
///
/// # Errors
/// `configuration`, naming the options whose values are no host or port.
pub(super) fn target(declared: &DestinationDeclaration, options: &Options) -> Result<Option<Target>> {
    let wrong = |why: String| {
        let name = declared.name.as_str();
        Error::failure(
            FailureKind::Configuration,
            format!("the address of the destination {name:?} is not right: {why}"),
        )
    };
    let address = declared.address(options).map_err(|option| {
        let why = format!("option `{option}` takes a host name, an IP address or a port, nothing else");
        wrong(why).blaming(option)
    })?;
    let parse = |address: String| {
        let blame = |error: Error, option: &str| error.blaming(option);
        let parsed = address.parse::<Target>();
        parsed.map_err(|why| declared.options().fold(wrong(why.message), blame))
    };
    address.map(parse).transpose()
}

/// The ranges that were opened for a destination.
fn ranges(declared: &DestinationDeclaration, approved: &Permissions) -> std::collections::BTreeSet<AddressRange> {
    let opened = |range: &AddressRange| {
        approved.contains(&Permission::Network { destination: declared.name.clone(), range: *range })
    };
    AddressRange::ALL.iter().copied().filter(opened).collect()
}
