//! Destinations: the network places a connector asks for. The address is a template over options, so that the vendor
//! says what kind of place it is and the operator which one.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::checks::{Checked, at_most, help, no_name_twice, title};
use super::document::Document;
use super::option::OptionKind;
use super::web::{SendDeclaration, TokenDeclaration};
use super::{Manifest, ManifestError, template, web};
use crate::model::{CredentialUse, DestinationName, OptionName, Protocol, Value};
use crate::registry::limits::{ADDRESS_BYTES_MAX, DESTINATIONS_MAX};

/// A network place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestinationDeclaration {
    pub name: DestinationName,
    pub label: String,
    /// May be empty.
    #[serde(default)]
    pub help: String,
    pub protocol: Protocol,
    /// `host:port`, where each part may be the value of an option: `{host}:636`.
    pub address: String,
    /// The secured options it is connected to with: another address asks for them again, as for those that are sent.
    #[serde(default)]
    pub credentials: Vec<OptionName>,
    /// Secrets that are written into requests to it.
    #[serde(default, rename = "send")]
    pub sends: Vec<SendDeclaration>,
    /// Where it gives out tokens.
    #[serde(default, rename = "token")]
    pub tokens: Vec<TokenDeclaration>,
}

impl DestinationDeclaration {
    /// Its address as the manifest writes it, e.g. `ldaps://{host}:636`.
    pub fn template(&self) -> String {
        format!("{}://{}", self.protocol.as_str(), self.address)
    }

    /// Its address where these options hold, or nothing while one of them is not set.
    ///
    /// # Errors
    /// The option whose value could say more than a host or a port.
    pub fn address(&self, options: &BTreeMap<OptionName, Vec<Value>>) -> Result<Option<String>, OptionName> {
        template::fill(&self.template(), options, plain)
    }

    /// The options its address is made from.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        template::options(&self.address)
    }

    /// Does a secured option go there?
    pub fn carries(&self, slot: &OptionName) -> bool {
        self.credentials.contains(slot)
            || self.sends.iter().any(|send| send.secret.as_str() == slot.as_str())
            || self.tokens.iter().any(|token| token.secret == *slot)
    }
}

/// What an address is made of.
const ADDRESS: template::Rule = template::Rule {
    fits: is_plain,
    text: "host:port",
    kinds: &[OptionKind::Text, OptionKind::Integer],
    values: "text or integer",
};

/// A host or a port as an option has it; nothing that could mean more inside an address.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Integer(port) => u16::try_from(*port).ok().map(|port| port.to_string()),
        Value::Text(text) if is_host(text) => Some(text.to_ascii_lowercase()),
        _ => None,
    }
}

/// A name, an address, or an IPv6 address in brackets (RFC 3986, 3.2.2): nothing that brings a port of its own.
fn is_host(text: &str) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')),
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']')
}

pub(super) fn check(document: &Document) -> Checked<()> {
    at_most("destination", document.destinations.len(), DESTINATIONS_MAX)?;
    let directories = document.directories.iter().map(|directory| directory.name.as_str());
    no_name_twice("destination", document.destinations.iter().map(|it| it.name.as_str()).chain(directories))?;
    for destination in &document.destinations {
        title(format!("destination.{}.label", destination.name), &destination.label)?;
        help(format!("destination.{}.help", destination.name), &destination.help)?;
        address(document, destination)?;
        web::check(document, destination)?;
        credentials(document, &format!("destination.{}.credentials", destination.name), &destination.credentials)?;
    }
    document.directories.iter().try_for_each(|directory| {
        credentials(document, &format!("directory.{}.credentials", directory.name), &directory.credentials)
    })
}

fn address(document: &Document, destination: &DestinationDeclaration) -> Checked<()> {
    let refused =
        |problem: String| Err(ManifestError::at(format!("destination.{}.address", destination.name), problem));
    if destination.address.len() > ADDRESS_BYTES_MAX {
        return refused(format!("has {} bytes; shorten it to {ADDRESS_BYTES_MAX}", destination.address.len()));
    }
    template::check(document, &destination.address, &ADDRESS).or_else(refused)?;
    if destination.address.contains(':') { Ok(()) } else { refused("has no port; write host:port".to_owned()) }
}

fn credentials(document: &Document, key: &str, slots: &[OptionName]) -> Checked<()> {
    no_name_twice(key, slots.iter().map(OptionName::as_str))?;
    slots.iter().try_for_each(|slot| match document.secured.iter().find(|option| option.name == *slot) {
        None => {
            let problem = format!("names {:?}, which is no [[secured-option]]; declare it", slot.as_str());
            Err(ManifestError::at(key, problem))
        }
        Some(option) if matches!(option.usage, CredentialUse::Send | CredentialUse::Token) => {
            let problem = format!(
                "names {:?}, which is for requests; say where it is written, in a [[destination.send]], or where tokens \
                 come from, in a [[destination.token]]",
                slot.as_str()
            );
            Err(ManifestError::at(key, problem))
        }
        Some(_) => Ok(()),
    })
}

impl Manifest {
    /// Where a secured option goes, as it is configured: its directories' paths are the caller's, here are the addresses
    /// of its destinations.
    pub fn destinations_of(&self, slot: &OptionName) -> impl Iterator<Item = &DestinationDeclaration> {
        self.destinations.iter().filter(|destination| destination.carries(slot))
    }
}
