//! What a manifest asks an operator to approve: each permission with a sentence for people, who are not asked to read
//! the spelling.

use super::{DestinationDeclaration, Manifest, RevealDeclaration, SecuredDeclaration};
use crate::model::{Access, CredentialUse, MethodName, Permission, Permissions, PlaceName, Placement, SlotName};

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
        let sends = self.destinations.iter().flat_map(|destination| self.sends(destination));
        let reveals = self.reveals.iter().map(|reveal| self.reveal(reveal));
        directories.chain(destinations).chain(credentials).chain(sends).chain(reveals).collect()
    }

    /// What is written into requests to a destination, and the tokens that come from there.
    fn sends(&self, destination: &DestinationDeclaration) -> Vec<Request> {
        let label = &destination.label;
        let sends = destination.sends.iter().map(|send| {
            let (what, place) = (self.sent(&send.secret), place(&send.placement));
            let methods: Vec<&str> = send.methods.iter().map(MethodName::as_str).collect();
            let (methods, path) = (methods.join(", "), &send.path);
            let words = format!("send {what} to \"{label}\" as {place}, with {methods} to {path} and below");
            Request { permission: Permission::Send(destination.sending(send)), words }
        });
        let tokens = destination.tokens.iter().map(|token| {
            let secret = self.secured(&token.secret).map_or(token.secret.as_str(), |option| &option.label);
            let words = format!("fetch tokens from \"{label}\" ({}) with \"{secret}\" without reading it", token.path);
            Request { permission: destination.token(token), words }
        });
        sends.chain(tokens).collect()
    }

    /// What of a secret is sent, as people know it.
    fn sent(&self, slot: &SlotName) -> String {
        match self.secured.iter().find(|option| option.name.as_str() == slot.as_str()) {
            Some(option) if option.usage == CredentialUse::Token => format!("tokens of \"{}\"", option.label),
            Some(option) => format!("\"{}\"", option.label),
            None => format!("the secret \"{slot}\" of a call"),
        }
    }

    /// One permission for each place a secured option goes to, or one if it goes nowhere. What is written into requests has
    /// permissions of its own.
    fn uses(&self, option: &SecuredDeclaration) -> Vec<Request> {
        let destinations = self.destinations.iter().filter(|place| place.credentials.contains(&option.name));
        let mut places: Vec<(PlaceName, &str)> =
            destinations.map(|place| (place.name.clone().into(), place.label.as_str())).collect();
        let directories = self.directories.iter().filter(|place| place.credentials.contains(&option.name));
        places.extend(directories.map(|place| (place.name.clone().into(), place.label.as_str())));
        let does = does(option.usage);
        let request = |place: Option<PlaceName>, words: String| Request {
            permission: Permission::Credential { slot: option.name.clone(), usage: option.usage, place },
            words,
        };
        if places.is_empty() && self.destinations_of(&option.name).next().is_some() {
            return Vec::new();
        }
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
        CredentialUse::Token => "fetch tokens with",
        CredentialUse::ClientKey => "prove itself with",
        CredentialUse::Sign => "sign with",
    }
}

fn place(placement: &Placement) -> String {
    match placement {
        Placement::Bearer => "its bearer token".to_owned(),
        Placement::Basic => "the password of a user".to_owned(),
        Placement::Header(name) => format!("the header {name}"),
        Placement::Query(name) => format!("the parameter {name}"),
        Placement::Form(name) => format!("the field {name} of a form"),
        Placement::Json(pointer) => format!("the text {pointer} of a JSON body"),
    }
}
