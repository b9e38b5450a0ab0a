//! Where secured options go: the addresses and paths that a connection's configuration makes of its manifest's
//! destinations and directories. A value is sealed for them, so that nobody redirects it by editing an option.

use std::collections::BTreeMap;

use super::options::Options;
use super::routes;
use crate::model::{Connection, Directory, DirectoryName, OptionName, Result};
use crate::registry::manifest::Manifest;
use crate::secrets::Places;

/// A place a secured option goes to.
pub(super) struct Place {
    /// As the manifest calls it, with what it is: `destination "api"`.
    pub(super) name: String,
    /// Nothing while an option it is made from is not set.
    pub(super) address: Option<String>,
    /// The options and directories that say where it is.
    pub(super) made_from: Vec<String>,
}

/// The places of one connection as it is configured.
pub(super) struct Layout<'a> {
    pub(super) manifest: &'a Manifest,
    options: &'a Options,
    directories: &'a BTreeMap<DirectoryName, Directory>,
}

impl<'a> Layout<'a> {
    /// The places of a connection whose options were checked.
    ///
    /// # Errors
    /// `configuration`, naming the option whose value would say more than a host or a port.
    pub(super) fn new(manifest: &'a Manifest, options: &'a Options, connection: &'a Connection) -> Result<Self> {
        manifest.destinations.iter().try_for_each(|destination| routes::target(destination, options).map(drop))?;
        Ok(Self { manifest, options, directories: &connection.directories })
    }

    /// Where a secured option goes.
    pub(super) fn of(&self, slot: &OptionName) -> Vec<Place> {
        let destinations = self.manifest.destinations_of(slot).map(|destination| Place {
            name: format!("destination {:?}", destination.name.as_str()),
            address: destination.address(self.options).ok().flatten(),
            made_from: destination.options().map(str::to_owned).collect(),
        });
        let directories = self.manifest.directories.iter().filter(|declared| declared.credentials.contains(slot));
        let directories = directories.map(|declared| Place {
            name: format!("directory {:?}", declared.name.as_str()),
            address: self.directories.get(&declared.name).map(|directory| format!("file:{}", directory.path.display())),
            made_from: vec![declared.name.as_str().to_owned()],
        });
        destinations.chain(directories).collect()
    }

    /// What a value of the option is sealed for.
    pub(super) fn sealed_for(&self, slot: &OptionName) -> Places {
        Places::new(&self.manifest.connector, self.of(slot).into_iter().filter_map(|place| place.address).collect())
    }
}
