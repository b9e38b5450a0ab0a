//! Routes of a connection: where its destinations are as it is configured, what was approved of each, and what the gate
//! would say.

use super::options::{self, Options};
use super::places::Layout;
use super::{Connections, permissions, secured};
use crate::egress::rules::Route;
use crate::egress::target::Target;
use crate::egress::trust::Trust;
use crate::egress::{Egress, Forecast};
use crate::model::{
    AddressRange, Connection, ConnectionId, CredentialUse, Error, FailureKind, OptionName, Permission, Permissions,
    Result, Secret, Secured,
};
use crate::registry::Manifest;
use crate::registry::manifest::DestinationDeclaration;
use crate::runtime::Credentials;

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
        let held = self.store.secured(id).await?;
        let layout = Layout::new(&release.manifest, &options, &connection)?;
        let read = self.read_references(&held, &layout).await?;
        let credentials = secured::open(&self.vault, &layout, &held, &read)?;
        let mut routes = routes(&release.manifest, &connection, &options, &approved, &credentials)?;
        let known: Vec<String> = routes.iter().map(|route| route.target.to_string()).collect();
        let Some(at) = routes.iter().position(|route| route.target == target) else {
            let message = format!("{target} is none of the destinations of {id}, which are [{}]", known.join(", "));
            let forecast = Forecast::refused(Error::failure(FailureKind::EgressDenied, message));
            return Ok(Explanation { target, route: None, forecast });
        };
        let route = routes.swap_remove(at);
        let forecast = egress.forecast(&route).await;
        Ok(Explanation { target, route: Some(route), forecast })
    }
}

/// The destinations whose options are set.
///
/// # Errors
/// `configuration` where a target is no place, or the roots or the client key of one cannot be used.
pub(super) fn routes(
    manifest: &Manifest,
    connection: &Connection,
    options: &Options,
    approved: &Permissions,
    credentials: &Credentials,
) -> Result<Vec<Route>> {
    let permitted = permissions::effective(&manifest.permissions(), approved);
    let route = |declared: &DestinationDeclaration| -> Result<Option<Route>> {
        let Some(target) = target(declared, options)? else { return Ok(None) };
        let permission = Permission::Destination { name: declared.name.clone(), address: declared.template() };
        let client = client(declared, &permitted, credentials);
        let roots = connection.destinations.get(&declared.name).and_then(|place| place.roots.as_deref());
        let trust = match (roots, client) {
            (None, None) => Trust::default(),
            (roots, client) => Trust::new(roots, client.map(|(_, key)| key))
                .map_err(|why| Error { message: format!("{target}: {}", why.message), ..why })?,
        };
        Ok(Some(Route {
            approved: permitted.contains(&permission),
            ranges: ranges(declared, approved),
            plaintext: approved.contains(&Permission::Plaintext { destination: declared.name.clone() }),
            client: client.map(|(slot, _)| slot.clone()),
            name: declared.name.clone(),
            permission,
            target,
            trust,
        }))
    };
    manifest.destinations.iter().filter_map(|declared| route(declared).transpose()).collect()
}

/// The key that says who connects, where it is set and was approved for the destination.
fn client<'a>(
    declared: &DestinationDeclaration,
    permitted: &Permissions,
    credentials: &'a Credentials,
) -> Option<(&'a OptionName, &'a Secret)> {
    declared.credentials.iter().find_map(|name| {
        let (slot, held) = credentials.slot(name.as_str())?;
        let wanted = Permission::Credential {
            slot: slot.clone(),
            usage: CredentialUse::ClientKey,
            place: declared.name.as_str().parse().ok(),
        };
        match &held.value {
            Some(Secured::Field(key)) if permitted.contains(&wanted) => Some((slot, key)),
            _ => None,
        }
    })
}

/// Checks what is said about destinations: only of those that the manifest has, and roots that can be used.
///
/// # Errors
/// `configuration`, naming the destination.
pub(super) fn check(manifest: &Manifest, connection: &Connection) -> Result<()> {
    connection.destinations.iter().try_for_each(|(name, place)| {
        let wrong = |why: String| {
            let message = format!("destination `{name}`: {why}");
            Error::failure(FailureKind::Configuration, message).blaming(name.as_str())
        };
        if manifest.destinations.iter().all(|declared| declared.name != *name) {
            return Err(wrong(format!("it is none that {} asks for", manifest.connector)));
        }
        match &place.roots {
            Some(roots) => Trust::new(Some(roots), None).map(drop).map_err(|why| wrong(why.message)),
            None => Ok(()),
        }
    })
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
