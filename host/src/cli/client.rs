//! A small client of the API: a call goes out with the token, a reply comes back with its status, and a problem
//! becomes a [`Fault`] with the exit code of its kind.
//!
//! The client follows no redirect and uses no proxy of the environment, because it carries a token; and it repeats
//! nothing, because a request that was sent and not answered may have had its effect.

use std::ops::ControlFlow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use reqwest::header::{AUTHORIZATION, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio_util::io::StreamReader;

use super::fault::{Exit, Fault, Problem};

/// How long to wait for the host to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for anything more of an answer; longer than a page of an import may take.
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// A host's API, and who asks.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// From the root, each segment made by [`named`] or [`word`].
    pub(super) path: String,
    query: Vec<(&'static str, String)>,
    headers: HeaderMap,
    pub(super) body: Option<Json>,
    /// Named parts, instead of a body.
    form: Vec<(&'static str, Bytes)>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    /// Null where there is none.
    pub(super) body: Json,
}

impl Client {
    /// A client of the host at `url`.
    pub(super) fn new(url: &str, token: Option<&str>) -> Result<Self, Fault> {
        let base = parse_base(url)?;
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
            let mut bearer = bearer.map_err(|_| Fault::usage("the token holds characters no token has"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|why| Fault::failed(format!("cannot make an HTTP client: {why}")))?;
        Ok(Self { http, base })
    }

    /// Sends the call and gives the reply, problem or not.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply, Fault> {
        let answer = self.start(call).await?;
        self.whole(call, answer).await
    }

    /// Sends the call and gives the reply; a problem is a fault.
    pub(super) async fn ask(&self, call: &Call) -> Result<Reply, Fault> {
        self.send(call).await?.accepted()
    }

    /// Sends the call and hands over the answer line by line as it comes (NDJSON); gives the number of lines.
    pub(super) async fn lines(
        &self,
        call: &Call,
        mut each: impl FnMut(&str) -> Result<(), Fault>,
    ) -> Result<u64, Fault> {
        let answer = self.start(call).await?;
        if !answer.status().is_success() {
            return self.whole(call, answer).await?.accepted().map(|_| 0);
        }
        let stream = StreamReader::new(answer.bytes_stream().map_err(std::io::Error::other));
        let mut lines = BufReader::new(stream).lines();
        let mut count = 0;
        while let Some(line) = lines.next_line().await.map_err(Fault::io("the answer broke off"))? {
            each(&line)?;
            count += 1;
        }
        Ok(count)
    }

    /// Sends the call and hands over the name and the data of each event as it comes (`text/event-stream`), until `each`
    /// has enough or the host ends the stream.
    pub(super) async fn events(
        &self,
        call: &Call,
        mut each: impl FnMut(&str, &str) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault> {
        let answer = self.start(call).await?;
        if !answer.status().is_success() {
            return self.whole(call, answer).await?.accepted().map(|_| ());
        }
        let stream = StreamReader::new(answer.bytes_stream().map_err(std::io::Error::other));
        let (mut lines, mut name) = (BufReader::new(stream).lines(), String::new());
        let broken = |why| Fault::new(Exit::Unavailable, format!("the answer broke off: {why}"));
        while let Some(line) = lines.next_line().await.map_err(broken)? {
            if let Some(event) = line.strip_prefix("event:") {
                event.trim().clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data:")
                && each(&name, data.trim())?.is_break()
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends the call and hands over the bytes of the answer as they come; gives its headers.
    pub(super) async fn pieces(
        &self,
        call: &Call,
        each: &mut impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<HeaderMap, Fault> {
        let answer = self.start(call).await?;
        let headers = answer.headers().clone();
        if !answer.status().is_success() {
            return self.whole(call, answer).await?.accepted().map(|_| headers);
        }
        let mut stream = answer.bytes_stream();
        let broken = |why: reqwest::Error| Fault::failed(format!("the answer broke off: {}", root_cause(&why)));
        while let Some(piece) = stream.try_next().await.map_err(broken)? {
            each(&piece)?;
        }
        Ok(headers)
    }

    async fn start(&self, call: &Call) -> Result<reqwest::Response, Fault> {
        let url = self.base.join(call.path.trim_start_matches('/'));
        let url = url.map_err(|why| Fault::usage(format!("{} is no path: {why}", call.path)))?;
        let mut request = self.http.request(call.method.clone(), url).query(&call.query).headers(call.headers.clone());
        if let Some(body) = &call.body {
            request = request.json(body);
        } else if !call.form.is_empty() {
            request = request.multipart(call.multipart());
        }
        request.send().await.map_err(|why| self.lost(call, &why))
    }

    async fn whole(&self, call: &Call, answer: reqwest::Response) -> Result<Reply, Fault> {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await.map_err(|why| self.lost(call, &why))?;
        let body = if bytes.is_empty() { Json::Null } else { parse(&bytes, status)? };
        Ok(Reply { status, headers, body })
    }

    fn lost(&self, call: &Call, why: &reqwest::Error) -> Fault {
        if why.is_connect() {
            let message =
                format!("no host answers at {}: start one with `hawser serve`, or name it with --url", self.base);
            return Fault::new(Exit::Unavailable, message);
        }
        let reason = root_cause(why);
        if call.method == Method::GET {
            return Fault::new(Exit::Unavailable, format!("the host gave no answer: {reason}"));
        }
        let message = format!(
            "the host gave no answer ({reason}), and the request may have had its effect: look before you repeat it, or \
             repeat it with the same --idempotency-key"
        );
        Fault::new(Exit::Unknown, message)
    }
}

impl Call {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), headers: HeaderMap::new(), body: None, form: Vec::new() }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A POST without a body.
    pub(super) fn act(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(super) fn post(path: impl Into<String>, body: Json) -> Self {
        Self::new(Method::POST, path).with(body)
    }

    pub(super) fn put(path: impl Into<String>, body: Json) -> Self {
        Self::new(Method::PUT, path).with(body)
    }

    pub(super) fn patch(path: impl Into<String>, body: Json) -> Self {
        Self::new(Method::PATCH, path).with(body)
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Adds a body.
    #[must_use]
    pub(super) fn with(mut self, body: Json) -> Self {
        self.body = Some(body);
        self
    }

    /// Adds a part of a form.
    #[must_use]
    pub(super) fn part(mut self, name: &'static str, bytes: impl Into<Bytes>) -> Self {
        self.form.push((name, bytes.into()));
        self
    }

    fn multipart(&self) -> Form {
        let parts = self.form.iter().map(|(name, bytes)| (*name, Part::stream(bytes.clone())));
        parts.fold(Form::new(), |form, (name, part)| form.part(name, part))
    }

    /// Adds a query parameter, if there is one.
    #[must_use]
    pub(super) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Adds a header, if there is one.
    pub(super) fn header(mut self, name: &'static str, value: Option<&str>) -> Result<Self, Fault> {
        if let Some(value) = value {
            let parsed = HeaderValue::from_str(value);
            let parsed = parsed.map_err(|_| Fault::usage(format!("{value:?} cannot be sent as {name}")))?;
            self.headers.insert(HeaderName::from_static(name), parsed);
        }
        Ok(self)
    }

    /// The path with its query, for people.
    pub(super) fn target(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, query.join("&")) }
    }
}

impl Reply {
    /// The reply if the host did what was asked, else a fault that says why not.
    pub(super) fn accepted(self) -> Result<Self, Fault> {
        if self.status.is_success() {
            return Ok(self);
        }
        let problem = self.problem();
        let exit = Exit::of_problem(problem.name(), self.status.as_u16());
        if problem == Problem::default() {
            return Err(Fault::new(exit, format!("the host answered {}", self.status)));
        }
        Err(Fault::new(exit, problem.text()))
    }

    /// The problem document; an empty one where the answer holds none.
    pub(super) fn problem(&self) -> Problem {
        Problem::deserialize(&self.body).unwrap_or_default()
    }

    /// The body as a type.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        T::deserialize(&self.body).map_err(|why| Fault::failed(format!("the host's answer is not understood: {why}")))
    }

    /// The ETag of the answer.
    pub(super) fn etag(&self) -> Option<&str> {
        self.headers.get(ETAG)?.to_str().ok()
    }

    /// The path of what was made.
    pub(super) fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// A header by its name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A uid, class or attribute as one segment of a path: as it is where that is safe, else `~` and base64url.
pub(super) fn named(text: &str) -> String {
    if !text.is_empty() && !matches!(text, "." | "..") && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("~{}", URL_SAFE_NO_PAD.encode(text))
}

/// An identifier as one segment of a path, percent-encoded.
pub(super) fn word(text: &str) -> String {
    let encoded = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encoded).collect()
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

fn parse_base(url: &str) -> Result<Url, Fault> {
    let mut base = Url::parse(url).map_err(|why| Fault::usage(format!("--url {url}: {why}")))?;
    if base.scheme() != "http" {
        return Err(Fault::usage(format!(
            "--url {url}: give http://HOST:PORT; the host serves HTTP behind a proxy's TLS"
        )));
    }
    if !base.path().ends_with('/') {
        let path = format!("{}/", base.path());
        base.set_path(&path);
    }
    Ok(base)
}

fn parse(bytes: &[u8], status: StatusCode) -> Result<Json, Fault> {
    serde_json::from_slice(bytes)
        .map_err(|why| Fault::failed(format!("what answers there ({status}) does not speak this API: {why}")))
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16, body: Json) -> Reply {
        Reply { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body }
    }

    #[test]
    fn a_problem_becomes_a_fault_with_the_code_of_its_kind() {
        let body = json!({"type": "urn:hawser:problem:unknown-uid", "title": "Unknown uid", "detail": "no account 7"});
        let fault = reply(404, body).accepted().unwrap_err();
        assert_eq!((fault.exit, fault.message.as_str()), (Exit::NotFound, "unknown-uid: no account 7"));
    }

    #[test]
    fn an_answer_that_is_no_problem_document_still_says_its_status() {
        let fault = reply(503, json!("busy")).accepted().unwrap_err();
        assert_eq!(
            (fault.exit, fault.message.as_str()),
            (Exit::Unavailable, "the host answered 503 Service Unavailable")
        );
    }

    #[test]
    fn a_uid_with_a_slash_or_of_dots_does_not_change_the_path() {
        assert_eq!(named("u000017"), "u000017");
        assert_eq!(named("a/b"), "~YS9i");
        assert_eq!(named(".."), "~Li4");
        assert_eq!(named("~x"), "~fng");
        assert_eq!(named(""), "~");
        assert_eq!(word("a/b ü"), "a%2Fb%20%C3%BC");
    }

    #[test]
    fn a_base_without_a_slash_keeps_its_path() {
        assert_eq!(
            parse_base("http://127.0.0.1:1/hawser").unwrap().join("v1/tasks").unwrap().path(),
            "/hawser/v1/tasks"
        );
        assert_eq!(parse_base("ftp://x").unwrap_err().exit, Exit::Usage);
    }

    #[tokio::test]
    async fn a_host_that_is_not_there_is_unavailable_even_for_a_write() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = Client::new(&format!("http://{closed}"), Some("t")).unwrap();
        let fault = client.ask(&Call::post("/v1/systems", json!({}))).await.unwrap_err();
        assert_eq!(fault.exit, Exit::Unavailable);
    }

    #[tokio::test]
    async fn a_write_without_an_answer_is_unknown_and_a_read_is_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::new(&format!("http://{}", listener.local_addr().unwrap()), None).unwrap();
        for (call, exit) in
            [(Call::post("/v1/systems", json!({})), Exit::Unknown), (Call::get("/v1/systems"), Exit::Unavailable)]
        {
            let hang_up = async { drop(listener.accept().await.unwrap()) };
            let (fault, ()) = tokio::join!(client.ask(&call), hang_up);
            assert_eq!(fault.unwrap_err().exit, exit);
        }
    }
}
