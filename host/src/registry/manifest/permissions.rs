//! What a manifest asks an operator to approve: each permission with a sentence for people, who are not asked to read
//! the spelling.

use super::{Manifest, RevealDeclaration, SecuredDeclaration};
use crate::model::{Access, CredentialUse, Permission, Permissions, PlaceName};

/// A permission that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub permission: Permission,
    /// What it means.
    pub words: String,
}

impl Manifest {
    /// Everything it asks for.
    pub fn permissions(&self) -> Permissions {
        self.requests().into_iter().map(|request| request.permission).collect()
    }

    /// Everything it asks for, in plain words.
    pub fn requests(&self) -> Vec<Request> {
        let directories = self.directories.iter().map(|directory| Request {
            permission: Permission::Directory { name: directory.name.clone(), access: directory.access },
            words: match directory.access {
                Access::ReadOnly => format!("read the files of the directory \"{}\"", directory.label),
                Access::ReadWrite => {
                    format!("read, write and replace the files of the directory \"{}\"", directory.label)
                }
            },
        });
        let destinations = self.destinations.iter().map(|destination| Request {
            permission: Permission::Destination { name: destination.name.clone(), address: destination.template() },
            words: format!("connect to \"{}\" at {}", destination.label, destination.template()),
        });
        let credentials = self.secured.iter().flat_map(|option| self.uses(option));
        let reveals = self.reveals.iter().map(|reveal| self.reveal(reveal));
        directories.chain(destinations).chain(credentials).chain(reveals).collect()
    }

    /// One permission for each place a secured option goes to, or one if it goes nowhere.
    fn uses(&self, option: &SecuredDeclaration) -> Vec<Request> {
        let destinations = self.destinations_of(&option.name);
        let mut places: Vec<(PlaceName, &str)> =
            destinations.map(|place| (place.name.clone().into(), place.label.as_str())).collect();
        let directories = self.directories.iter().filter(|place| place.credentials.contains(&option.name));
        places.extend(directories.map(|place| (place.name.clone().into(), place.label.as_str())));
        let does = does(option.usage);
        let request = |place: Option<PlaceName>, words: String| Request {
            permission: Permission::Credential { slot: option.name.clone(), usage: option.usage, place },
            words,
        };
        if places.is_empty() {
            return vec![request(None, format!("{does} \"{}\" without reading it", option.label))];
        }
        let at = |(place, label): (PlaceName, &str)| {
            request(Some(place), format!("{does} \"{}\" at \"{label}\" without reading it", option.label))
        };
        places.into_iter().map(at).collect()
    }

    fn reveal(&self, reveal: &RevealDeclaration) -> Request {
        let option = self.secured.iter().find(|option| option.name.as_str() == reveal.slot.as_str());
        let what = option.map_or_else(
            || format!("the secret \"{}\" of every call", reveal.slot),
            |option| format!("the secret \"{}\"", option.label),
        );
        let words = format!("READ {what} itself; the vendor says why: {}", reveal.reason);
        Request { permission: Permission::Reveal { slot: reveal.slot.clone() }, words }
    }
}

fn does(usage: CredentialUse) -> &'static str {
    match usage {
        CredentialUse::Bind => "log in with",
        CredentialUse::Send => "send",
        CredentialUse::ClientKey => "prove itself with",
        CredentialUse::Sign => "sign with",
    }
}
