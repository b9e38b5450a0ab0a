//! Which hosts this server answers for: loopback names, and those the configuration adds.
//!
//! A page in an operator's browser could point a name of its own at this machine (DNS rebinding) and would then be of
//! the same origin as the API; its requests still carry that name in `Host` and are refused here.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::Response;

use super::ApiState;
use super::problem::Problem;

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Refuses requests for other hosts.
pub(super) async fn guard(State(api): State<ApiState>, request: Request, next: Next) -> Result<Response, Problem> {
    if is_ours(request.headers(), &api.hosts) { Ok(next.run(request).await) } else { Err(Problem::misdirected()) }
}

fn is_ours(headers: &HeaderMap, allowed: &[String]) -> bool {
    let mut values = headers.get_all(HOST).iter();
    let (Some(host), None) = (values.next(), values.next()) else { return false };
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    let name = authority.host();
    let plain = !authority.as_str().contains('@');
    plain
        && LOOPBACK.into_iter().chain(allowed.iter().map(String::as_str)).any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn decided(host: &'static str) -> bool {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        is_ours(&headers, &["iam.example.org".into()])
    }

    #[test]
    fn a_foreign_host_is_refused_however_it_is_spelt() {
        for host in
            ["evil.example", "localhost.evil.example", "localhost@evil.example", "a@localhost", "127.0.0.1.nip.io", ""]
        {
            assert!(!decided(host), "{host}");
        }
        assert!(!is_ours(&HeaderMap::new(), &[]));
    }

    #[test]
    fn loopback_and_configured_hosts_are_ours_on_any_port() {
        for host in ["localhost:8440", "127.0.0.1", "[::1]:8440", "LOCALHOST", "iam.example.org:443"] {
            assert!(decided(host), "{host}");
        }
    }
}
