//! The interface `http`: its generated words and those of the room, one for one.

use std::time::Duration;

use hyper::HeaderMap;
use wasmtime::component::Resource;

use super::bindings::hawser::connector::http as wit;
use crate::http;
use crate::runtime::imports::Said;
use crate::runtime::imports::credentials::Credential;
use crate::runtime::imports::http::{self as imports, Asked, AskedToken, Download};
use crate::runtime::state::State;

impl wit::Host for State {
    async fn send(&mut self, request: wit::Request) -> Said<wit::Response> {
        // On the heap: it is large, and would be moved several times on its way to who waits for it.
        Ok(Box::pin(imports::send(self, request.into())).await?.map(Into::into))
    }

    async fn open(&mut self, request: wit::Request) -> Said<Resource<Download>> {
        imports::open(self, request.into()).await
    }

    async fn token(&mut self, request: wit::TokenRequest) -> Said<Resource<Credential>> {
        imports::token(self, request.into()).await
    }
}

impl wit::HostDownload for State {
    fn head(&mut self, download: Resource<Download>) -> wasmtime::Result<(u16, Vec<wit::Header>)> {
        let http::Download { status, headers, .. } = imports::head(self, &download)?;
        Ok((status.as_u16(), listed(headers)))
    }

    async fn read(&mut self, download: Resource<Download>, max: u32) -> Said<Vec<u8>> {
        imports::read(self, &download, max).await
    }

    fn drop(&mut self, download: Resource<Download>) -> wasmtime::Result<()> {
        imports::end_download(self, download)
    }
}

fn listed(headers: &HeaderMap) -> Vec<wit::Header> {
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| wit::Header {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    headers.iter().map(header).collect()
}

impl From<wit::Request> for Asked {
    fn from(request: wit::Request) -> Self {
        Self {
            destination: request.destination,
            method: request.method,
            path: request.path_and_query,
            headers: request.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            body: request.body,
            secrets: request.secrets.into_iter().map(|used| (used.secret, used.placement.into())).collect(),
            captures: request.captures.into_iter().map(Into::into).collect(),
            timeout: request.timeout_ms.map(|millis| Duration::from_millis(millis.into())),
        }
    }
}

impl From<wit::Placement> for http::Placement {
    fn from(placement: wit::Placement) -> Self {
        match placement {
            wit::Placement::Bearer => Self::Bearer,
            wit::Placement::Basic(user) => Self::Basic { user },
            wit::Placement::Header((name, prefix)) => Self::Header { name, prefix },
            wit::Placement::Query(name) => Self::Query(name),
            wit::Placement::FormField(name) => Self::FormField(name),
            wit::Placement::JsonPointer(pointer) => Self::JsonPointer(pointer),
        }
    }
}

impl From<wit::Capture> for http::Capture {
    fn from(wit::Capture { source, name, ttl_ms }: wit::Capture) -> Self {
        let source = match source {
            wit::Source::Header(name) => http::Source::Header(name),
            wit::Source::JsonPointer(pointer) => http::Source::JsonPointer(pointer),
            wit::Source::Cookie(name) => http::Source::Cookie(name),
        };
        Self { source, name, ttl: Duration::from_millis(ttl_ms.into()) }
    }
}

impl From<wit::TokenRequest> for AskedToken {
    fn from(request: wit::TokenRequest) -> Self {
        Self {
            destination: request.destination,
            path: request.path,
            client_id: request.client_id,
            client: request.client,
            authentication: match request.authentication {
                wit::ClientAuthentication::Basic => http::Authentication::Basic,
                wit::ClientAuthentication::Post => http::Authentication::Post,
                wit::ClientAuthentication::PrivateKeyJwt => http::Authentication::PrivateKeyJwt,
            },
            parameters: request.parameters,
        }
    }
}

impl From<http::Response> for wit::Response {
    fn from(answer: http::Response) -> Self {
        Self { status: answer.status.as_u16(), headers: listed(&answer.headers), body: answer.body.into() }
    }
}
