//! Destinations: the network places a connector asks for. The address is a template over options, so that the vendor
//! says what kind of place it is and the operator which one.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::checks::{Checked, at_most, help, no_name_twice, title};
use super::document::Document;
use super::option::OptionKind;
use super::{Manifest, ManifestError};
use crate::model::{DestinationName, OptionName, Protocol, Value};
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
    /// The secured options that go there: another address asks for them again.
    #[serde(default)]
    pub credentials: Vec<OptionName>,
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
        let mut address = format!("{}://", self.protocol.as_str());
        for piece in pieces(&self.address) {
            match piece {
                Piece::Text(text) => address.push_str(text),
                Piece::Option(name) => match options.iter().find(|(known, _)| known.as_str() == name) {
                    Some((known, values)) => match values.as_slice() {
                        [] => return Ok(None),
                        [value] => address.push_str(&plain(value).ok_or_else(|| known.clone())?),
                        _ => return Err(known.clone()),
                    },
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(address))
    }

    /// The options its address is made from.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        pieces(&self.address).filter_map(|piece| match piece {
            Piece::Option(name) => Some(name),
            Piece::Text(_) => None,
        })
    }
}

enum Piece<'a> {
    Text(&'a str),
    Option(&'a str),
}

/// Text and `{option}` in turn; a brace that is not closed is text, which [`check`] refuses.
fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            rest = after;
            return Some(Piece::Option(name));
        }
        let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Text(text))
    })
}

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
    for piece in pieces(&destination.address) {
        match piece {
            Piece::Text(text) if !text.chars().all(is_plain) => {
                return refused(format!("has {text:?}; write host:port, each as it is or as {{option}}"));
            }
            Piece::Text(_) => {}
            Piece::Option(name) => match document.options.iter().find(|option| option.name.as_str() == name) {
                None => return refused(format!("names {name:?}, which is no [[option]]; declare it")),
                Some(option) if option.multiple || !matches!(option.kind, OptionKind::Text | OptionKind::Integer) => {
                    return refused(format!("names {name:?}, which is no single text or integer"));
                }
                Some(_) => {}
            },
        }
    }
    if destination.address.contains(':') { Ok(()) } else { refused("has no port; write host:port".to_owned()) }
}

fn credentials(document: &Document, key: &str, slots: &[OptionName]) -> Checked<()> {
    no_name_twice(key, slots.iter().map(OptionName::as_str))?;
    match slots.iter().find(|slot| document.secured.iter().all(|option| option.name != **slot)) {
        Some(slot) => Err(ManifestError::at(
            key,
            format!("names {:?}, which is no [[secured-option]]; declare it", slot.as_str()),
        )),
        None => Ok(()),
    }
}

impl Manifest {
    /// Where a secured option goes, as it is configured: its directories' paths are the caller's, here are the addresses
    /// of its destinations.
    pub fn destinations_of(&self, slot: &OptionName) -> impl Iterator<Item = &DestinationDeclaration> {
        self.destinations.iter().filter(|destination| destination.credentials.contains(slot))
    }
}
