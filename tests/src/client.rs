//! A caller of the API, as plain as can be: it knows HTTP, JSON and problems, and nothing of the host's own types, so
//! that what the tests see is what a foreign caller sees.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value as Json;

/// The longest a test waits for one answer.
const ANSWER_SECONDS_MAX: u64 = 120;

/// A caller with a token, or without one.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

/// A request being put together.
pub struct Request {
    http: reqwest::Client,
    building: reqwest::RequestBuilder,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// `GET /path`, for messages.
    asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Client {
    /// A caller of the host at `base`, e.g. `http://127.0.0.1:8420`.
    pub fn new(base: &str, token: Option<&str>) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(ANSWER_SECONDS_MAX))
            .build()
            .expect("a client without special wishes can be built");
        Self { base: base.to_owned(), token: token.map(str::to_owned), http }
    }

    /// The same caller with another token.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// A request to put headers or a body into.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let building = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        Request { http: self.http.clone(), building }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    pub async fn post(&self, path: &str, body: &Json) -> Answer {
        self.request(Method::POST, path).json(body).send().await
    }

    /// A POST without a body.
    pub async fn order(&self, path: &str) -> Answer {
        self.request(Method::POST, path).send().await
    }

    pub async fn put(&self, path: &str, body: &Json) -> Answer {
        self.request(Method::PUT, path).json(body).send().await
    }

    pub async fn patch(&self, path: &str, body: &Json) -> Answer {
        self.request(Method::PATCH, path).json(body).send().await
    }

    /// Sends a form of files.
    pub async fn upload(&self, path: &str, form: reqwest::multipart::Form) -> Answer {
        self.request(Method::POST, path).form(form).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send().await
    }
}

impl Request {
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { building: self.building.header(name, value), ..self }
    }

    #[must_use]
    pub fn json(self, body: &Json) -> Self {
        Self { building: self.building.json(body), ..self }
    }

    /// A form of files.
    #[must_use]
    pub fn form(self, form: reqwest::multipart::Form) -> Self {
        Self { building: self.building.multipart(form), ..self }
    }

    /// A body that need not be JSON.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self { building: self.building.header("content-type", content_type).body(body), ..self }
    }

    pub async fn send(self) -> Answer {
        self.attempt().await.unwrap_or_else(|why| panic!("no whole answer: {why:?}"))
    }

    /// The answer, if there is a whole one: a host may die meanwhile.
    pub async fn attempt(self) -> reqwest::Result<Answer> {
        let request = self.building.build().expect("the test's request is well formed");
        let asked = format!("{} {}", request.method(), request.url().path());
        let answer = self.http.execute(request).await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { asked, status, headers, text: answer.text().await? })
    }
}

impl Answer {
    /// This answer, if it has that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text);
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Json {
        let parsed = serde_json::from_str(&self.text);
        parsed.unwrap_or_else(|why| panic!("{} answered no JSON ({why}): {:?}", self.asked, self.text))
    }

    /// The body as one JSON value a line.
    #[track_caller]
    pub fn lines(&self) -> Vec<Json> {
        assert_eq!(self.header("content-type"), "application/x-ndjson", "{}", self.asked);
        let line = |line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line:?}"));
        self.text.lines().map(line).collect()
    }

    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The problem (RFC 9457) of that status and kind, with a request id and a sentence to go on with.
    #[track_caller]
    pub fn problem(&self, status: u16, kind: &str) -> Problem {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.asked);
        let problem = Problem(self.json());
        assert_eq!(problem.0["type"], format!("urn:hawser:problem:{kind}"), "{} answered {}", self.asked, self.text);
        assert_eq!(problem.0["status"], status, "{}", self.text);
        assert_eq!(problem.0["requestId"], self.header("x-request-id"), "{}", self.text);
        assert!(!problem.detail().is_empty(), "{} answered a problem without a word: {}", self.asked, self.text);
        problem
    }

    /// Some problem of the caller's making: 4xx, and well formed.
    #[track_caller]
    pub fn refusal(&self) -> Problem {
        assert!((400..500).contains(&self.status), "{} answered {}: {}", self.asked, self.status, self.text);
        let kind = self.json()["type"].as_str().unwrap_or_default().replace("urn:hawser:problem:", "");
        self.problem(self.status, &kind)
    }
}

/// A problem's JSON.
#[derive(Debug)]
pub struct Problem(pub Json);

impl Problem {
    /// What the caller is told.
    pub fn detail(&self) -> &str {
        self.0["detail"].as_str().unwrap_or_default()
    }

    /// The kind: the last part of the problem's type.
    pub fn kind(&self) -> &str {
        self.0["type"].as_str().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default()
    }

    /// Insists that the problem names what is wrong: in its sentence, or in what it says besides about this one case.
    #[track_caller]
    pub fn names(self, what: &str) -> Self {
        let mut particulars = self.0.clone();
        for general in ["type", "title", "status", "requestId"] {
            particulars.as_object_mut().and_then(|members| members.remove(general));
        }
        assert!(particulars.to_string().contains(what), "{what:?} is not named: {}", self.0);
        self
    }
}
