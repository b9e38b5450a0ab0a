//! Requests on their way to the host: the words of the SDK as those of the contract.

use super::{Capture, Placement, Request, Response, TokenRequest};
use crate::bindings::host::credentials::Credential as Handle;
use crate::bindings::host::http as wit;
use crate::bindings::host::model::Failure;
use crate::credentials::Credential;

pub(crate) use wit::Download;

pub(crate) fn send(request: &Request<'_>) -> Result<Response, Failure> {
    let wit::Response { status, headers, body } = wit::send(&request_of(request)?)?;
    Ok(Response { status, headers, body })
}

pub(crate) fn open(request: &Request<'_>) -> Result<Download, Failure> {
    wit::open(&request_of(request)?)
}

pub(crate) fn token(request: &TokenRequest<'_>) -> Result<Handle, Failure> {
    wit::token(&wit::TokenRequest {
        destination: request.destination.to_owned(),
        path: request.path.to_owned(),
        client_id: request.client_id.to_owned(),
        client: request.client.wit()?,
        authentication: request.authentication,
        parameters: request.parameters.to_vec(),
    })
}

fn request_of<'a>(request: &'a Request<'_>) -> Result<wit::Request<'a>, Failure> {
    Ok(wit::Request {
        destination: request.destination.clone(),
        method: request.method.clone(),
        path_and_query: request.path.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        secrets: request.secrets.iter().map(secret).collect::<Result<_, Failure>>()?,
        captures: request.captures.iter().map(capture).collect(),
        timeout_ms: request.timeout.map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX)),
    })
}

fn secret<'a>((secret, placement): &'a (&Credential<'_>, Placement)) -> Result<wit::SecretUse<'a>, Failure> {
    let placement = match placement.clone() {
        Placement::Bearer => wit::Placement::Bearer,
        Placement::Basic { user } => wit::Placement::Basic(user),
        Placement::Header { name, prefix } => wit::Placement::Header((name, prefix)),
        Placement::Query(name) => wit::Placement::Query(name),
        Placement::FormField(name) => wit::Placement::FormField(name),
        Placement::JsonPointer(pointer) => wit::Placement::JsonPointer(pointer),
    };
    Ok(wit::SecretUse { secret: secret.wit()?, placement })
}

fn capture(capture: &Capture) -> wit::Capture {
    let Capture { source, name, ttl } = capture.clone();
    wit::Capture { source, name, ttl_ms: u32::try_from(ttl.as_millis()).unwrap_or(u32::MAX) }
}
