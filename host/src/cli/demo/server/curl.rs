//! The program `curl`, pointed at one server: what it sees is what is there, since none of our code stands between.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;

use super::{ServerError, command};

/// How long an answer may take until nobody waits for it any more, in seconds.
const ANSWER_SECONDS_MAX: u32 = 60;

/// `curl` for one server.
#[derive(Clone, Debug)]
pub struct Curl {
    base: String,
    ca: PathBuf,
    headers: Vec<(String, String)>,
    seconds_max: u32,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Curl {
    /// For the server at a URL without a path, whose certificate is by that CA.
    pub fn new(base: &str, ca: PathBuf) -> Self {
        Self { base: base.to_owned(), ca, headers: Vec::new(), seconds_max: ANSWER_SECONDS_MAX }
    }

    /// Sends that header with every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Logs in with a token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Logs in with a name and a password.
    #[must_use]
    pub fn basic(self, user: &str, password: &str) -> Self {
        let both = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.header("authorization", &format!("Basic {both}"))
    }

    /// Waits no longer than that for an answer.
    #[must_use]
    pub fn seconds_max(mut self, seconds: u32) -> Self {
        self.seconds_max = seconds;
        self
    }

    /// Sends a request, with a JSON body if there is one; the path is as it stands in a URL.
    ///
    /// # Errors
    /// There was no whole answer; the exit code says why (see `curl(1)`): 7 nobody listens, 18 the body was cut short,
    /// 28 it took too long, 52 nothing came, 56 the connection was reset, 60 the certificate is somebody else's.
    pub fn send(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Answer, ServerError> {
        self.run(method, path, body.map(|body| ("application/json", body.to_string())))
    }

    /// Posts a form.
    ///
    /// # Errors
    /// As for [`Self::send`].
    pub fn form(&self, path: &str, form: &str) -> Result<Answer, ServerError> {
        self.run("POST", path, Some(("application/x-www-form-urlencoded", form.to_owned())))
    }

    fn run(&self, method: &str, path: &str, body: Option<(&str, String)>) -> Result<Answer, ServerError> {
        let mut curl = command::bounded("curl");
        // `-q` first: nobody's own configuration.
        curl.args(["-q", "--silent", "--show-error", "--include", "--globoff", "--path-as-is", "--noproxy", "*"]);
        curl.args(["--max-time", &self.seconds_max.to_string(), "--cacert"]).arg(&self.ca);
        let typed = body.as_ref().map(|(kind, _)| ("content-type", *kind));
        let secret = command::unseen(&self.headers(typed))?;
        curl.arg("--config").arg(secret.path());
        match method {
            "HEAD" => curl.arg("--head"),
            method => curl.args(["--request", method]),
        };
        if body.is_some() {
            curl.args(["--data-binary", "@-"]);
        }
        curl.arg(format!("{}{path}", self.base));
        let body = body.map(|(_, body)| body).unwrap_or_default();
        Answer::parse(&command::output_of_input("curl", &mut curl, &body)?)
    }

    /// As `curl` reads them from a file: everybody sees what stands on a command line. No `Expect`, so that there is no
    /// interim answer.
    fn headers(&self, typed: Option<(&str, &str)>) -> String {
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let set = |name: &str| self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let typed = typed.filter(|(name, _)| !set(name));
        let lines = own.chain(typed).chain([("expect", "")]).map(|(name, value)| {
            let header = format!("{name}: {value}").replace('\\', "\\\\").replace('"', "\\\"");
            format!("header = \"{header}\"\n")
        });
        lines.collect()
    }
}

impl Answer {
    /// The body, or null if it is no JSON.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn parse(said: &str) -> Result<Self, ServerError> {
        let garbled = || ServerError::failed("reading what curl said", said);
        let (head, text) = said.split_once("\r\n\r\n").ok_or_else(garbled)?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(garbled)?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Ok(Self { status, headers: lines.filter_map(header).collect(), text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart_and_what_is_none_is_refused() {
        let answer = Answer::parse("HTTP/2 201 \r\nETag: W/\"1\"\r\nX-Two: a: b\r\n\r\n{\"id\":1}").unwrap();
        assert_eq!(
            (answer.status, answer.header("etag"), answer.header("x-two")),
            (201, Some("W/\"1\""), Some("a: b"))
        );
        assert_eq!(answer.json()["id"], 1);
        assert_eq!(Answer::parse("HTTP/1.1 204 No Content\r\n\r\n").unwrap().json(), Json::Null);
        Answer::parse("it did not work").unwrap_err();
    }

    #[test]
    fn secrets_do_not_stand_on_the_command_line_and_quotes_do_not_end_a_header() {
        let curl = Curl::new("https://127.0.0.1:1", PathBuf::new()).header("x-quoted", "a\"b\\c").bearer("abc");
        let headers = curl.headers(Some(("content-type", "application/json")));
        let expected = "header = \"x-quoted: a\\\"b\\\\c\"\nheader = \"authorization: Bearer abc\"\n\
                        header = \"content-type: application/json\"\nheader = \"expect: \"\n";
        assert_eq!(headers, expected);
        let own = curl.header("Content-Type", "application/scim+json").headers(Some(("content-type", "x/y")));
        assert!(!own.contains("x/y"), "{own}");
    }

    #[test]
    fn nobody_who_listens_is_told_by_its_exit_code() {
        let port = super::super::ports::one().unwrap();
        let ca = tempfile::NamedTempFile::new().unwrap();
        let curl = Curl::new(&format!("http://127.0.0.1:{port}"), ca.path().to_owned());
        let error = curl.send("GET", "/", None).unwrap_err();
        assert!(matches!(error, ServerError::Failed { code: Some(7), .. }), "{error}");
    }
}
