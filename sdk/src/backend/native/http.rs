//! The web of native tests: a closure answers. What a request captures is taken out of the answer, and what a guest
//! sealed is not sent, as the host has it.

use super::credentials::{self, Native};
use super::current;
use crate::bindings::host::http::{Header, Source};
use crate::bindings::host::model::Failure;
use crate::error::{Error, FailureKind, Result as Answer};
use crate::http::{Request, Response, TokenRequest};
use serde_json::Value;
use std::cell::Cell;

/// What answers requests.
pub(crate) type Web = Box<dyn FnMut(&Request<'_>) -> Answer<Response>>;

/// What the guest sees of a secret.
const STARS: &str = "***";

pub(crate) fn send(request: &Request<'_>) -> Result<Response, Failure> {
    let unnamed =
        |(secret, _): &(&crate::credentials::Credential<'_>, _)| secret.native().is_none_or(|it| it.name().is_none());
    if request.secrets.iter().any(unnamed) {
        return Err(Error::new(FailureKind::CredentialDenied, "what a connector sealed itself is not sent").into());
    }
    let stand = current();
    let unanswered = || Error::new(FailureKind::NotPermitted, "the test answers no requests; see testing::Host::web");
    let web = stand.web.as_ref().ok_or_else(unanswered)?;
    let mut response = (web.borrow_mut())(request)?;
    for capture in &request.captures {
        if let Some(secret) = take(&mut response, &capture.source) {
            credentials::capture(&capture.name, secret.as_bytes());
        }
    }
    Ok(response)
}

pub(crate) fn open(request: &Request<'_>) -> Result<Download, Failure> {
    Ok(Download { response: send(request)?, at: Cell::new(0) })
}

pub(crate) fn token(request: &TokenRequest<'_>) -> Result<Native, Failure> {
    let foreign = || Error::new(FailureKind::CredentialDenied, "a token is fetched with a secured option");
    credentials::token(request.client.native().ok_or_else(foreign)?)
}

pub(crate) struct Download {
    response: Response,
    at: Cell<usize>,
}

impl Download {
    pub(crate) fn head(&self) -> (u16, Vec<Header>) {
        (self.response.status, self.response.headers.clone())
    }

    pub(crate) fn read(&self, max: u32) -> Result<Vec<u8>, Failure> {
        let rest = self.response.body.get(self.at.get()..).unwrap_or_default();
        let (chunk, _) = rest.split_at(rest.len().min(usize::try_from(max).unwrap_or(usize::MAX)));
        self.at.set(self.at.get().saturating_add(chunk.len()));
        Ok(chunk.to_vec())
    }
}

/// Takes a secret out of a response, if it is there.
fn take(response: &mut Response, source: &Source) -> Option<String> {
    match source {
        Source::Header(name) => {
            let header = response.headers.iter_mut().find(|header| header.name.eq_ignore_ascii_case(name))?;
            String::from_utf8(std::mem::replace(&mut header.value, STARS.into())).ok()
        }
        Source::Cookie(name) => response.headers.iter_mut().find_map(|header| cookie(header, name)),
        Source::JsonPointer(pointer) => {
            let mut body: Value = serde_json::from_slice(&response.body).ok()?;
            let secret = body.pointer_mut(pointer)?.as_str()?.to_owned();
            *body.pointer_mut(pointer)? = STARS.into();
            response.body = body.to_string().into_bytes();
            Some(secret)
        }
    }
}

fn cookie(header: &mut Header, name: &str) -> Option<String> {
    let text = str::from_utf8(&header.value).ok().filter(|_| header.name.eq_ignore_ascii_case("set-cookie"))?;
    let (pair, attributes) = text.split_once(';').map_or((text, None), |(pair, rest)| (pair, Some(rest)));
    let (_, value) = pair.split_once('=').filter(|(held, _)| held.trim() == name)?;
    let value = value.trim().to_owned();
    let attributes = attributes.map(|rest| format!(";{rest}")).unwrap_or_default();
    header.value = format!("{name}={STARS}{attributes}").into_bytes();
    Some(value)
}
