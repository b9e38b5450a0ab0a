//! What a connector asks to have written into requests: which secret, placed how, with which methods, below which path; and
//! where tokens come from.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::checks::{Checked, at_most, no_name_twice};
use super::destination::DestinationDeclaration;
use super::document::Document;
use super::option::OptionKind;
use super::{ManifestError, template};
use crate::model::permission::PERMISSION_BYTES_MAX;
use crate::model::sending::is_template;
use crate::model::{
    CredentialUse, MethodName, OptionName, Permission, Placement, Protocol, Sending, SlotName, UrlPath, Value,
};
use crate::registry::limits::SENDS_MAX;

/// A secret that is written into requests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendDeclaration {
    /// A secured option, a password of the call, or a confidential attribute. Of an option whose use is `token`, the tokens
    /// that come of it.
    pub secret: SlotName,
    /// Where it is written; the name may hold options.
    pub placement: Placement,
    pub methods: Vec<MethodName>,
    /// The path, and everything below; may hold options.
    pub path: String,
}

/// Where tokens come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenDeclaration {
    /// The secured option that says who asks.
    pub secret: OptionName,
    /// The path of the endpoint; may hold options.
    pub path: String,
}

/// A template that options do not make anything of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfilled {
    /// The options to blame.
    pub options: Vec<String>,
    pub why: String,
}

/// What a path is made of.
const PATH: template::Rule = template::Rule {
    fits: |c| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '\\' | '{' | '}'),
    text: "a path from `/` on",
    kinds: &[OptionKind::Text, OptionKind::Integer],
    values: "text or integer",
};

/// What the name of a placement is made of.
const NAME: template::Rule = template::Rule {
    fits: |c| !c.is_control() && !matches!(c, '{' | '}'),
    text: "the name or the pointer",
    kinds: &[OptionKind::Text],
    values: "text",
};

impl DestinationDeclaration {
    /// The permission to send a secret to it.
    pub(super) fn sending(&self, send: &SendDeclaration) -> Sending {
        Sending {
            slot: send.secret.clone(),
            destination: self.name.clone(),
            placement: send.placement.clone(),
            methods: send.methods.iter().cloned().collect(),
            path: send.path.clone(),
        }
    }

    /// The permission to fetch tokens from it.
    pub(super) fn token(&self, token: &TokenDeclaration) -> Permission {
        let (slot, destination, path) = (token.secret.clone(), self.name.clone(), token.path.clone());
        Permission::Token { slot, destination, path }
    }
}

/// A path where these options hold, or nothing while one of them is not set. An option may end with a slash or not; an
/// empty path is `/`.
///
/// # Errors
/// The options that make no path of it, and why.
pub fn fill_path(template: &str, options: &BTreeMap<OptionName, Vec<Value>>) -> Result<Option<UrlPath>, Unfilled> {
    let plain = |value: &Value| match value {
        Value::Text(text) => Some(text.trim_end_matches('/').to_owned()),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    };
    let Some(path) = filled(template, options, plain)? else { return Ok(None) };
    let path = if path.is_empty() { "/" } else { &path };
    UrlPath::parse(path).map(Some).map_err(|why| unfilled(template, why.to_string()))
}

/// A placement where these options hold, or nothing while one of them is not set.
///
/// # Errors
/// The options that make no name of it, and why.
pub fn fill_placement(
    placement: &Placement,
    options: &BTreeMap<OptionName, Vec<Value>>,
) -> Result<Option<Placement>, Unfilled> {
    let Some(template) = placement.name() else { return Ok(Some(placement.clone())) };
    let plain = |value: &Value| if let Value::Text(text) = value { Some(text.clone()) } else { None };
    let Some(name) = filled(template, options, plain)? else { return Ok(None) };
    let place = Placement::of(placement.kind(), Some(&name));
    let place = place.filter(|place| !matches!(place, Placement::Json(pointer) if pointer.starts_with('{')));
    let why =
        || unfilled(template, format!("{name:?} is nothing a secret could be written to as `{}`", placement.kind()));
    place.map(Some).ok_or_else(why)
}

fn filled(
    template: &str,
    options: &BTreeMap<OptionName, Vec<Value>>,
    plain: impl Fn(&Value) -> Option<String>,
) -> Result<Option<String>, Unfilled> {
    let one = |option: OptionName| Unfilled { options: vec![option.to_string()], why: "it takes one text".to_owned() };
    template::fill(template, options, plain).map_err(one)
}

fn unfilled(template: &str, why: String) -> Unfilled {
    Unfilled { options: template::options(template).map(str::to_owned).collect(), why }
}

pub(super) fn check(document: &Document, destination: &DestinationDeclaration) -> Checked<()> {
    let key = |table: &str, field: &str| format!("destination.{}.{table}.{field}", destination.name);
    let sends = destination.sends.len() + destination.tokens.len();
    at_most(&format!("destination.{}.send", destination.name), sends, SENDS_MAX)?;
    if sends > 0 && !matches!(destination.protocol, Protocol::Http | Protocol::Https) {
        let problem = format!("is {:?}; only web services are sent requests", destination.protocol.as_str());
        return Err(ManifestError::at(format!("destination.{}.protocol", destination.name), problem));
    }
    for send in &destination.sends {
        secret(document, &key("send", "secret"), send)?;
        methods(&key("send", "methods"), &send.methods)?;
        path(document, &key("send", "path"), &send.path)?;
        placement(document, key("send", "placement"), &send.placement)?;
    }
    for token in &destination.tokens {
        let known = document.secured.iter().any(|it| it.name == token.secret && it.usage == CredentialUse::Token);
        if !known {
            let problem = format!("names {:?}, which is no [[secured-option]] of use \"token\"", token.secret.as_str());
            return Err(ManifestError::at(key("token", "secret"), problem));
        }
        path(document, &key("token", "path"), &token.path)?;
    }
    spelt(destination)
}

/// What is no secured option, is a secret of the calls, by whatever name it comes.
fn secret(document: &Document, key: &str, send: &SendDeclaration) -> Checked<()> {
    let option = document.secured.iter().find(|option| option.name.as_str() == send.secret.as_str());
    match option {
        Some(option) if !matches!(option.usage, CredentialUse::Send | CredentialUse::Token) => {
            let problem = format!(
                "names {:?}, whose use is {:?}; only secrets of use \"send\" or \"token\" are sent",
                option.name.as_str(),
                option.usage.as_str()
            );
            Err(ManifestError::at(key, problem))
        }
        _ => Ok(()),
    }
}

fn methods(key: &str, methods: &[MethodName]) -> Checked<()> {
    no_name_twice(key, methods.iter().map(MethodName::as_str))?;
    if methods.is_empty() {
        return Err(ManifestError::at(key, "is empty; name the methods of the requests it is written into"));
    }
    Ok(())
}

fn path(document: &Document, key: &str, path: &str) -> Checked<()> {
    let refused = |problem: String| ManifestError::at(key, problem);
    if !is_template(path) {
        return Err(refused(format!("is {path:?}; write a path that begins with `/` or an option, without query")));
    }
    template::check(document, path, &PATH).map_err(refused)?;
    if template::options(path).next().is_none() {
        UrlPath::parse(path).map_err(|why| refused(why.to_string()))?;
    }
    Ok(())
}

fn placement(document: &Document, key: String, placement: &Placement) -> Checked<()> {
    let check = |name: &str| template::check(document, name, &NAME);
    placement.name().map_or(Ok(()), check).map_err(|problem| ManifestError::at(key, problem))
}

/// Each permission once, and short enough to be approved.
fn spelt(destination: &DestinationDeclaration) -> Checked<()> {
    let key = format!("destination.{}.send", destination.name);
    let mut seen = BTreeSet::new();
    let sends = destination.sends.iter().map(|send| Permission::Send(destination.sending(send)));
    let tokens = destination.tokens.iter().map(|token| destination.token(token));
    for spelling in sends.chain(tokens).map(|permission| permission.to_string()) {
        if spelling.len() > PERMISSION_BYTES_MAX {
            let problem =
                format!("makes a permission of {} bytes; shorten it to {PERMISSION_BYTES_MAX}", spelling.len());
            return Err(ManifestError::at(key, problem));
        }
        if !seen.insert(spelling.clone()) {
            return Err(ManifestError::at(key, format!("asks for {spelling} twice; remove one of them")));
        }
    }
    Ok(())
}
