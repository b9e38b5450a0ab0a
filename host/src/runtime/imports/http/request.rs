//! A request as a guest words it, read into one that can be sent, or refused. What every client of HTTP has to refuse stands
//! in `http/rules.rs`; here is what would get around a permission.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};

use crate::http::limits::REQUEST_HEADERS_MAX;
use crate::http::{Capture, Request, is_misleading, is_reserved};
use crate::model::text::shown;
use crate::model::{Failure, FailureKind, MethodName, UrlPath, url_path};
use crate::runtime::limits::{KEPT_NAME_BYTES_MAX, QUOTE_BYTES_MAX};

/// A request, and its path as permissions see it.
///
/// # Errors
/// `unsupported`, saying what is wrong; `quota-exceeded`.
pub(super) fn read_request(
    method: &str,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
) -> Result<(Request, UrlPath), Failure> {
    let name = method.parse::<MethodName>().map_err(|why| malformed(&why.to_string()))?;
    let method = name.as_str().parse::<Method>().map_err(|why| malformed(&why.to_string()))?;
    let (judged, _) = url_path::split(&path).map_err(|why| malformed(&why.to_string()))?;
    Ok((Request { method, path, headers: read_headers(headers)?, body: body.map(Bytes::from) }, judged))
}

fn read_headers(headers: Vec<(String, Vec<u8>)>) -> Result<HeaderMap, Failure> {
    if headers.len() > REQUEST_HEADERS_MAX {
        let message = format!("the request has {} headers; {REQUEST_HEADERS_MAX} are allowed", headers.len());
        return Err(Failure::new(FailureKind::QuotaExceeded, message));
    }
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let quoted = shown(&name, QUOTE_BYTES_MAX);
        let name: HeaderName = name.parse().map_err(|_| malformed(&format!("no header is called {quoted:?}")))?;
        if is_reserved(&name) {
            return Err(malformed(&format!("the header {quoted:?} is the host's to write; a secret is placed there")));
        }
        if is_misleading(&name) {
            return Err(malformed(&format!("by the header {quoted:?} the request would be taken for another one")));
        }
        let no_value = |_| malformed(&format!("the header {quoted:?} has a value that is none"));
        map.append(name, HeaderValue::try_from(value).map_err(no_value)?);
    }
    Ok(map)
}

/// # Errors
/// `unsupported` for a name that nothing is kept under.
pub(super) fn check_captures(captures: &[Capture]) -> Result<(), Failure> {
    match captures.iter().find(|capture| !(1..=KEPT_NAME_BYTES_MAX).contains(&capture.name.len())) {
        Some(_) => Err(malformed(&format!("the name of what is captured has 1 to {KEPT_NAME_BYTES_MAX} bytes"))),
        None => Ok(()),
    }
}

/// A request that nobody sends.
pub(super) fn malformed(why: &str) -> Failure {
    Failure::new(FailureKind::Unsupported, shown(why, QUOTE_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, path: &str, header: Option<(&str, &str)>) -> Result<(), String> {
        let headers = header.into_iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
        read_request(method, path.to_owned(), headers, None).map(drop).map_err(|failure| failure.message)
    }

    #[test]
    fn what_is_no_request_is_not_sent() {
        for method in ["", "get", "GET /x", "GET\r\n", "G\u{e4}T"] {
            assert!(read(method, "/", None).unwrap_err().contains("method"), "{method:?}");
        }
        for path in
            ["", "*", "//evil.example/", "https://evil.example/", "/a#b", "/a b", "/../x", "/%2e%2e/x", "/a?b\r\nx"]
        {
            assert!(read("GET", path, None).is_err(), "{path:?}");
        }
        assert_eq!(read("GET", "/a?b=%20c", Some(("Accept", "text/plain"))), Ok(()));
    }

    #[test]
    fn headers_that_are_the_hosts_or_make_another_request_of_it_are_refused() {
        for name in [
            "Host",
            "Connection",
            "Content-Length",
            "Transfer-Encoding",
            "TE",
            "Trailer",
            "Upgrade",
            "Keep-Alive",
            "Expect",
            "Proxy-Authorization",
            "Proxy-Connection",
            "Authorization",
            "Cookie",
            "Content_Length",
            "Transfer_Encoding",
            "Proxy_Authorization",
        ] {
            assert!(read("GET", "/", Some((name, "x"))).unwrap_err().contains("the host's to write"), "{name}");
        }
        for name in [
            "X-HTTP-Method-Override",
            "X-Original-URL",
            "X-Rewrite-Url",
            "Forwarded",
            "X-Forwarded-Host",
            "X_Http_Method-Override",
            "x_forwarded_for",
        ] {
            assert!(read("GET", "/", Some((name, "x"))).unwrap_err().contains("another one"), "{name}");
        }
        for name in [":authority", "", "a b", "a:b", "a\r\nb"] {
            assert!(read("GET", "/", Some((name, "x"))).unwrap_err().contains("no header"), "{name:?}");
        }
        for value in ["a\r\nHost: evil.example", "a\nb", "a\0b"] {
            assert!(read("GET", "/", Some(("Accept", value))).unwrap_err().contains("value"), "{value:?}");
        }
        let many = vec![("a".to_owned(), Vec::new()); 40_000];
        assert!(
            read_request("GET", "/".to_owned(), many, None).is_err_and(|why| why.kind == FailureKind::QuotaExceeded)
        );
    }
}
