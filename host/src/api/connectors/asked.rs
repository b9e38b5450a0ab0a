//! What a manifest asks an operator for, on the wire: secured options, destinations, and every permission in plain words.

use serde::Serialize;
use utoipa::ToSchema;

use crate::registry::manifest::{DestinationDeclaration, Request, SecuredDeclaration};

/// A secured option, as a form shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = SecuredDeclaration)]
pub(super) struct SecuredDeclarationView {
    name: String,
    /// `field` or `map`.
    kind: &'static str,
    label: String,
    help: String,
    /// The heading a form shows it under.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Calls are refused while it is not set.
    required: bool,
    /// What the connector may do with it: `bind`, `send`, `token`, `client-key` or `sign`.
    r#use: &'static str,
}

/// A network place the connector wants to reach.
#[derive(Serialize, ToSchema)]
#[schema(as = DestinationDeclaration)]
pub(super) struct DestinationView {
    name: String,
    label: String,
    help: String,
    /// With options in braces, e.g. `ldaps://{host}:636`.
    address: String,
    /// The secured options it is connected to with; what is written into requests is among the permissions.
    credentials: Vec<String>,
}

/// A permission the connector asks for.
#[derive(Serialize, ToSchema)]
#[schema(as = PermissionRequest)]
pub(super) struct RequestView {
    /// Its spelling, e.g. `directory:data:read-write`.
    permission: String,
    /// What it means.
    words: String,
}

impl From<&SecuredDeclaration> for SecuredDeclarationView {
    fn from(option: &SecuredDeclaration) -> Self {
        Self {
            name: option.name.to_string(),
            kind: option.kind.as_str(),
            label: option.label.clone(),
            help: option.help.clone(),
            group: option.group.clone(),
            required: option.required,
            r#use: option.usage.as_str(),
        }
    }
}

impl From<&DestinationDeclaration> for DestinationView {
    fn from(destination: &DestinationDeclaration) -> Self {
        Self {
            name: destination.name.to_string(),
            label: destination.label.clone(),
            help: destination.help.clone(),
            address: destination.template(),
            credentials: destination.credentials.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<Request> for RequestView {
    fn from(request: Request) -> Self {
        Self { permission: request.permission.to_string(), words: request.words }
    }
}
