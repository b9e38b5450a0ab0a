//! Requests to web services through the host: it dials, writes the secrets in, pools and waits. The connector names a
//! destination of its manifest and a path, never a host, and sees no secret.
//!
//! ```no_run
//! # use hawser_sdk::{Result, credentials};
//! # #[derive(serde::Deserialize)] struct Person { id: String }
//! use hawser_sdk::http::{Placement, Request};
//! # fn find() -> Result<Person> {
//! let token = credentials::get("token")?;
//! let response = Request::new("api", "GET", "/people/7").secret(&token, Placement::Bearer).send()?;
//! let person: Person = response.json()?;
//! # Ok(person) }
//! ```
//!
//! In a native test there is no network: [`testing::Host::web`](crate::testing::Host::web) answers.

use crate::backend::http as backend;
use crate::credentials::Credential;
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read};
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
pub(crate) mod host;

pub use crate::bindings::host::http::{ClientAuthentication, Header, Source};

/// Where the host writes a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// `Authorization: Bearer` (RFC 6750, 2.1).
    Bearer,
    /// `Authorization: Basic` (RFC 7617), of which the secret is the password.
    Basic {
        /// The user's name.
        user: String,
    },
    /// The value of a header.
    Header {
        /// Its name.
        name: String,
        /// What stands before the secret, e.g. `Token `.
        prefix: String,
    },
    /// A parameter of the query, by its name.
    Query(String),
    /// A field of an `application/x-www-form-urlencoded` body, by its name.
    FormField(String),
    /// A text of a JSON body, by its pointer (RFC 6901); what stands there is replaced.
    JsonPointer(String),
}

/// Something of a response that is a secret: [`credentials::captured`](crate::credentials::captured) has it afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// Where it stands.
    pub source: Source,
    /// The name to find it by.
    pub name: String,
    /// How long the host keeps it.
    pub ttl: Duration,
}

/// A request to be sent.
#[derive(Debug)]
pub struct Request<'a> {
    /// The destination, by its name in the manifest.
    pub destination: String,
    /// The method, in upper case.
    pub method: String,
    /// Path and query, from `/` on, percent-encoded (RFC 3986).
    pub path: String,
    /// Headers, without those about the connection and without secrets.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// Secrets, and where the host writes them.
    pub secrets: Vec<(&'a Credential<'a>, Placement)>,
    /// What of the response is a secret.
    pub captures: Vec<Capture>,
    /// How long to wait, where that is less than the rest of the call.
    pub timeout: Option<Duration>,
}

impl<'a> Request<'a> {
    /// A request without headers, body and secrets.
    pub fn new(destination: impl Into<String>, method: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            destination: destination.into(),
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            body: None,
            secrets: Vec::new(),
            captures: Vec::new(),
            timeout: None,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets the body to a value as JSON, and says so in `Content-Type`.
    ///
    /// # Errors
    /// `invalid-attribute-value` for what JSON cannot say.
    pub fn json(self, value: &impl Serialize) -> Result<Self> {
        let no_json = |error| Error::invalid_attribute_value(format!("this is nothing JSON can say: {error}"));
        let body = serde_json::to_vec(value).map_err(no_json)?;
        Ok(self.header("Content-Type", "application/json").body(body))
    }

    /// Has the host write a secret.
    #[must_use]
    pub fn secret(mut self, secret: &'a Credential<'a>, placement: Placement) -> Self {
        self.secrets.push((secret, placement));
        self
    }

    /// Has the host take a secret out of the response; it stands as `***` there.
    #[must_use]
    pub fn capture(mut self, source: Source, name: impl Into<String>, ttl: Duration) -> Self {
        self.captures.push(Capture { source, name: name.into(), ttl });
        self
    }

    /// Waits no longer than this.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it and takes the whole answer, which every status is.
    ///
    /// # Errors
    /// `not-permitted`, `egress-denied` and `credential-denied` saying what would allow it; `connection-failed`,
    /// `connection-broken` and `operation-timeout`; `outcome-unknown` when something that may have been carried out was
    /// not answered; `rate-limited` and `target-maintenance` when waiting would take too long.
    pub fn send(&self) -> Result<Response> {
        Ok(backend::send(self)?)
    }

    /// Sends it and reads the answer as it comes.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn open(&self) -> Result<Download> {
        let handle = backend::open(self)?;
        let (status, headers) = handle.head();
        Ok(Download { status, headers, handle })
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, in the server's order.
    pub headers: Vec<Header>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer without headers; for tests.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Adds a header; for tests.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(Header { name: name.to_owned(), value: value.as_bytes().to_vec() });
        self
    }

    /// Is the status one of success (2xx)?
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that name, whatever its case, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `connection-broken` with the place where it is none, or not of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let no_json = |error| Error::connection_broken(format!("the answer is not the JSON expected here: {error}"));
        serde_json::from_slice(&self.body).map_err(no_json)
    }
}

/// An answer that is read as it comes; dropping it gives up the rest.
pub struct Download {
    /// The status.
    pub status: u16,
    /// The headers, in the server's order.
    pub headers: Vec<Header>,
    handle: backend::Download,
}

impl Download {
    /// The first header of that name, whatever its case, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// Does not buffer: read in pieces of [`CHUNK_BYTES`](crate::files::CHUNK_BYTES), or wrap it in a `BufReader` of that
/// capacity.
impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let max = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let chunk = self.handle.read(max).map_err(Error::from)?;
        let room = buffer.get_mut(..chunk.len()).ok_or_else(|| io::Error::other("more than was asked for"))?;
        room.copy_from_slice(&chunk);
        Ok(chunk.len())
    }
}

/// A token by OAuth 2.0 client credentials.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// The destination of the token endpoint, by its name in the manifest.
    pub destination: &'a str,
    /// The endpoint's path.
    pub path: &'a str,
    /// Who asks.
    pub client_id: &'a str,
    /// A secured option of use `token`: the client's secret, or its key.
    pub client: &'a Credential<'a>,
    /// How the client proves who it is.
    pub authentication: ClientAuthentication,
    /// What else the endpoint wants: scope, audience, resource.
    pub parameters: &'a [(String, String)],
}

/// A token, fetched by the host and kept while it holds; cheap to ask for in every call.
///
/// # Errors
/// `not-permitted` saying what would allow it; `credential-denied` for anything but a secured option of use `token`;
/// `connection-failed` when the endpoint gives none.
pub fn token(request: &TokenRequest<'_>) -> Result<Credential<'static>> {
    Ok(backend::token(request)?.into())
}

fn find<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    str::from_utf8(&found.value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureKind;
    use crate::credentials::{captured, get, seal};
    use crate::testing::{self, Host};
    use serde_json::{Value, json};

    #[test]
    fn without_somebody_who_answers_nothing_is_sent() {
        let _host = Host::new().enter();
        assert_eq!(Request::new("api", "GET", "/").send().unwrap_err().kind(), FailureKind::NotPermitted);
    }

    #[test]
    fn a_test_sees_which_secret_goes_where_and_what_a_guest_sealed_goes_nowhere() {
        let host = Host::new().secured("token", "tok-1").web(|request| {
            let [(secret, Placement::Bearer)] = request.secrets.as_slice() else { return Ok(Response::new(401, "")) };
            assert_eq!(testing::secret_name(secret), Some("token"));
            Ok(Response::new(200, r#"{"id": 7}"#).with_header("ETag", "\"1\""))
        });
        let _host = host.enter();
        let (token, sealed) = (get("token").unwrap(), seal(b"mine").unwrap());
        assert_eq!(Request::new("api", "GET", "/").send().unwrap().status, 401);
        let refused = Request::new("api", "GET", "/").secret(&sealed, Placement::Bearer).send();
        assert_eq!(refused.unwrap_err().kind(), FailureKind::CredentialDenied);
        let answer = Request::new("api", "GET", "/").secret(&token, Placement::Bearer).send().unwrap();
        assert_eq!((answer.header("etag"), answer.json::<Value>().unwrap()), (Some("\"1\""), json!({"id": 7})));
    }

    #[test]
    fn what_is_captured_is_a_handle_afterwards_and_stars_before() {
        let host = Host::new().web(|request| {
            if let [(secret, _)] = request.secrets.as_slice() {
                return Ok(Response::new(200, testing::secret_name(secret).unwrap()));
            }
            let answer = Response::new(201, r#"{"token": {"id": "s3ss1on"}}"#).with_header("X-Token", "t0k3n");
            Ok(answer.with_header("Set-Cookie", "sid=c00k13; HttpOnly"))
        });
        let _host = host.enter();
        let hour = Duration::from_secs(3600);
        let login = Request::new("api", "POST", "/login")
            .capture(Source::Header("x-token".to_owned()), "header", hour)
            .capture(Source::JsonPointer("/token/id".to_owned()), "body", hour)
            .capture(Source::Cookie("sid".to_owned()), "cookie", hour)
            .capture(Source::Cookie("other".to_owned()), "none", hour);
        let answer = login.send().unwrap();
        assert_eq!(answer.header("x-token"), Some("***"));
        assert_eq!(answer.header("set-cookie"), Some("sid=***; HttpOnly"));
        assert_eq!(answer.json::<Value>().unwrap(), json!({"token": {"id": "***"}}));
        assert!(captured("none").is_none());
        for name in ["header", "body", "cookie"] {
            let secret = captured(name).unwrap();
            let placement = Placement::Header { name: "X-Auth".to_owned(), prefix: String::new() };
            assert_eq!(
                Request::new("api", "GET", "/").secret(&secret, placement).send().unwrap().body,
                name.as_bytes()
            );
        }
    }

    #[test]
    fn a_token_is_fetched_with_a_secured_option_and_named_after_it() {
        let _host = Host::new().secured("client-secret", "s").enter();
        let (client, password) = (get("client-secret").unwrap(), testing::password("p"));
        let request = TokenRequest {
            destination: "api",
            path: "/token",
            client_id: "me",
            client: &client,
            authentication: ClientAuthentication::Basic,
            parameters: &[],
        };
        assert_eq!(testing::secret_name(&token(&request).unwrap()), Some("client-secret"));
        let refused = token(&TokenRequest { client: &password, ..request });
        assert_eq!(refused.unwrap_err().kind(), FailureKind::CredentialDenied);
    }

    #[test]
    fn a_download_is_read_as_it_comes() {
        let host = Host::new().web(|_| Ok(Response::new(200, "0123456789").with_header("X-Kind", "digits")));
        let _host = host.enter();
        let mut download = Request::new("api", "GET", "/").open().unwrap();
        assert_eq!((download.status, download.header("x-kind")), (200, Some("digits")));
        let mut three = [0; 3];
        download.read_exact(&mut three).unwrap();
        let mut rest = String::new();
        download.read_to_string(&mut rest).unwrap();
        assert_eq!((&three, rest.as_str()), (b"012", "3456789"));
    }
}
