//! Who the requests come from, and where secrets are placed. Secrets themselves are never part of a mapping.

use super::Shapes;
use super::request::{Content, Request};
use crate::pointer::Pointer;
use crate::template::{Shape, Text};
use hawser_sdk::http::{self, Placement};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How requests show who they come from.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Auth {
    #[default]
    None,
    /// The secured option `secret`, with every request.
    Secret(Place),
    /// A request that is answered with a token.
    Login(Box<Login>),
    /// OAuth 2.0 client credentials; the host fetches the token.
    Oauth(Oauth),
}

/// Logging in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) query: Shapes,
    #[serde(default)]
    pub(crate) headers: Shapes,
    #[serde(default, rename = "body")]
    pub(crate) content: Content,
    pub(crate) secret: Place,
    /// Where the answer has the token.
    pub(crate) token: Source,
    /// Where other requests have it.
    #[serde(rename = "as")]
    pub(crate) place: Place,
    /// How long to use it, in seconds, if the API does not refuse it before.
    #[serde(default = "quarter")]
    pub(crate) lifetime_s: u32,
}

/// Client credentials (RFC 6749, 4.4).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Oauth {
    pub(crate) client_id: Text,
    #[serde(default)]
    pub(crate) authentication: Authentication,
    /// Scope, audience, resource.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Shape>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Authentication {
    #[default]
    Basic,
    Post,
    PrivateKeyJwt,
}

impl From<Authentication> for http::ClientAuthentication {
    fn from(authentication: Authentication) -> Self {
        match authentication {
            Authentication::Basic => Self::Basic,
            Authentication::Post => Self::Post,
            Authentication::PrivateKeyJwt => Self::PrivateKeyJwt,
        }
    }
}

/// Where a secret is placed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    Bearer,
    /// With this user name.
    Basic(Text),
    Header(Header),
    Query(String),
    /// A field of a form.
    Form(String),
    Json(Pointer),
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) name: String,
    /// What stands before the secret.
    #[serde(default)]
    pub(crate) prefix: String,
}

impl Place {
    /// The names its template uses.
    pub(crate) fn names(&self) -> Vec<String> {
        if let Self::Basic(user) = self { user.names() } else { Vec::new() }
    }

    pub(crate) fn placement(&self, scope: &crate::template::Scope) -> hawser_sdk::Result<Placement> {
        Ok(match self {
            Self::Bearer => Placement::Bearer,
            Self::Basic(user) => Placement::Basic { user: user.render(scope)? },
            Self::Header(header) => Placement::Header { name: header.name.clone(), prefix: header.prefix.clone() },
            Self::Query(name) => Placement::Query(name.clone()),
            Self::Form(field) => Placement::FormField(field.clone()),
            Self::Json(pointer) => Placement::JsonPointer(pointer.as_str().to_owned()),
        })
    }
}

/// Where an answer has a secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    Header(String),
    Json(Pointer),
    Cookie(String),
}

impl Source {
    /// Where in the body it is.
    pub(crate) fn pointer(&self) -> Option<&Pointer> {
        match self {
            Self::Json(pointer) => Some(pointer),
            Self::Header(_) | Self::Cookie(_) => None,
        }
    }
}

impl From<&Source> for http::Source {
    fn from(source: &Source) -> Self {
        match source {
            Source::Header(name) => Self::Header(name.clone()),
            Source::Json(pointer) => Self::JsonPointer(pointer.as_str().to_owned()),
            Source::Cookie(name) => Self::Cookie(name.clone()),
        }
    }
}

fn quarter() -> u32 {
    15 * 60
}
