//! Requests that no client sends, and places where nobody may go.

use std::time::Duration;

use hawser_sdk::http::Request;
use hawser_sdk::{Error, Finding, Result};

use crate::told::tried;

/// Paths that lead to another host, to another path, or into the next header.
const PATHS: [&str; 17] = [
    "",
    "*",
    "v2/users",
    "//evil.example/",
    "https://evil.example/",
    "@evil.example/",
    "/v2\\..\\admin",
    "/v2/users#x",
    "/v2/\tusers",
    "/v2 HTTP/1.1\r\nHost: evil.example\r\n",
    "/v2/users?x=\r\nHost: evil.example",
    "/v2/../admin",
    "/v2/%2e%2e/admin",
    "/v2/..;x/admin",
    "/v2/..%3Fx",
    "/v2/..%20/admin",
    "/v2/%252e%252e%252fadmin",
];

/// Headers that are the host's to write, or make another request of it.
const HEADERS: [(&str, &str); 19] = [
    ("Host", "evil.example"),
    (":authority", "evil.example"),
    ("Connection", "close"),
    ("Keep-Alive", "timeout=999"),
    ("Content-Length", "0"),
    ("Transfer-Encoding", "chunked"),
    ("TE", "trailers"),
    ("Trailer", "Authorization"),
    ("Upgrade", "h2c"),
    ("Expect", "100-continue"),
    ("Proxy-Authorization", "Basic eDp5"),
    ("Authorization", "Bearer guessed"),
    ("Cookie", "sid=guessed"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Original-URL", "/admin"),
    ("X-Forwarded-Host", "evil.example"),
    ("X_Forwarded_Host", "evil.example"),
    ("X_HTTP_Method_Override", "DELETE"),
    ("X-A\r\nHost", "evil.example"),
];

/// Methods that are none, or that open a tunnel.
const METHODS: [&str; 6] = ["", "get", "GET /admin HTTP/1.1\r\nX:", "CONNECT", "TRACE", "G\u{0}T"];

pub(crate) fn requests() -> Vec<Finding> {
    let to = |destination: &str| Request::new(destination, "GET", "/v2/users").send().map(drop);
    let paths = PATHS.iter().map(|path| tried(&format!("path {path:?}"), send("GET", path)));
    let methods = METHODS.iter().map(|method| tried(&format!("method {method:?}"), send(method, "/v2/users")));
    let headers = HEADERS.iter().map(|(name, value)| {
        let request = Request::new("api", "GET", "/v2/users").header(*name, *value);
        tried(&format!("header {name:?}"), request.send())
    });
    let smuggled = Request::new("api", "GET", "/v2/users").header("Accept", "a\r\nHost: evil.example");
    let many = (0..40_000).fold(Request::new("api", "GET", "/v2/users"), |request, _| request.header("a", ""));
    let moved = Request::new("api", "GET", "/v2/moved").send();
    let moved = moved.and_then(|answer| match (answer.status, answer.header("location")) {
        (302, Some(_)) => Ok(Finding::fine("a redirect is an answer")),
        (status, _) => Err(Error::conflict(format!("it was followed to {status}"))),
    });
    let places = [
        tried("go where the manifest does not say", to("https://evil.example")),
        tried("go to an address", to("127.0.0.1:443")),
        tried("go where nobody approved it", to("unapproved")),
        tried("go without encryption", to("plain")),
        tried("a header in a header's value", smuggled.send()),
        tried("forty thousand headers", many.send()),
        moved.unwrap_or_else(Finding::problem),
    ];
    places.into_iter().chain(paths).chain(methods).chain(headers).collect()
}

/// Asks in a loop for what nobody approved, as long as three seconds; tells how often it was told so.
pub(crate) fn again_and_again() -> Vec<Finding> {
    let end = hawser_sdk::call::remaining().saturating_sub(Duration::from_secs(3));
    let in_time = (0..1_000_000).take_while(|_| hawser_sdk::call::remaining() > end);
    let refused = in_time.filter(|_| Request::new("unapproved", "GET", "/").send().is_err()).count();
    vec![Finding::fine(format!("{refused} refusals"))]
}

fn send(method: &str, path: &str) -> Result<()> {
    Request::new("api", method, path).send().map(drop)
}
