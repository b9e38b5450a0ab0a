//! The places that tables are written to. A task can only name one of them, so that nobody who may call the API writes
//! anywhere else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::configuration;
use super::secrets::is_plain;
use crate::model::{OutputPlace, Result};

/// The most places.
const PLACES_MAX: usize = 100;

/// What becomes of tables besides being read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TablesConfig {
    /// Where they may be written as files, by name.
    pub places: BTreeMap<OutputPlace, PlaceConfig>,
}

/// A place for files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlaceConfig {
    /// A directory that exists; the host makes a folder for each connection there.
    pub directory: PathBuf,
}

impl TablesConfig {
    pub(super) fn check(&self) -> Result<()> {
        if self.places.len() > PLACES_MAX {
            return Err(configuration(format!("`tables.places` has more than {PLACES_MAX} places")));
        }
        let odd = self.places.iter().find(|(_, place)| !is_plain(&place.directory));
        odd.map_or(Ok(()), |(name, place)| {
            let told = "a directory is absolute, without `..`, and not the root of everything";
            Err(configuration(format!("`tables.places.{name}.directory` is {}; {told}", place.directory.display())))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_place_that_cannot_be_meant_is_refused_by_its_key() {
        for (text, told) in [
            ("[tables.places.lake]\ndirectory = \"exports\"", "tables.places.lake.directory"),
            ("[tables.places.lake]\ndirectory = \"/\"", "tables.places.lake.directory"),
            ("[tables.places.lake]\ndirectory = \"/srv/../etc\"", "tables.places.lake.directory"),
            ("[tables.places.lake]\nfolder = \"/srv\"", "folder"),
            ("[tables.places.\"a b\"]\ndirectory = \"/srv\"", "place"),
            ("[tables]\nplace = 1", "place"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.message.contains(told), "{text}: {error}");
        }
        assert_eq!(Config::parse("[tables.places.lake]\ndirectory = \"/srv/lake\"").unwrap().tables.places.len(), 1);
    }
}
