//! Addresses of next pages: the header `Link` (RFC 8288), and what of an address is a path of this API.

use hawser_sdk::{Error, Result};

/// The target of `rel="next"`.
pub(crate) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let (parameters, others) = after.split_at(end(after));
        let is_next = |parameter: &str| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split(' ').any(|relation| relation.eq_ignore_ascii_case("next"))
        };
        if parameters.split(';').any(is_next) {
            return Some(target);
        }
        rest = others;
    }
}

/// Where the parameters of one link end: at a comma outside of quotes.
fn end(parameters: &str) -> usize {
    let mut quoted = false;
    let comma = parameters.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == ',' && !quoted
    });
    comma.map_or(parameters.len(), |(at, _)| at)
}

/// Path and query of an address, which is on this host, or only a path, or only a query of `current`.
///
/// # Errors
/// `configuration` for another host: the request would go to this one all the same.
pub(crate) fn path(address: &str, host: &str, current: &str) -> Result<String> {
    let refused = |why: &str| Err(Error::configuration(format!("the next page's address `{address}` {why}")));
    let address = address.split('#').next().unwrap_or_default();
    let scheme = ["https://", "http://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    let path = match scheme {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            if !same_host(authority, host) {
                return refused("is on another host; the mapping can go on by page, offset or cursor instead");
            }
            path
        }
        None => address,
    };
    if path.starts_with('/') && !path.starts_with("//") {
        return Ok(path.to_owned());
    }
    if path.starts_with('?') {
        return Ok(format!("{}{path}", current.split('?').next().unwrap_or_default()));
    }
    refused("is no path")
}

fn same_host(authority: &str, host: &str) -> bool {
    let split = authority.split_at_checked(host.len());
    let port = split.filter(|(name, _)| name.eq_ignore_ascii_case(host)).map(|(_, port)| port);
    let is_port = |port: &str| port.strip_prefix(':').is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit()));
    port.is_some_and(|port| port.is_empty() || is_port(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_host_and_what_is_no_path_are_refused() {
        for address in [
            "https://evil/a",
            "//evil/a",
            "https://api.test@evil/a",
            "https://api.test.evil/a",
            "a",
            "",
            "ftp://api.test/a",
        ] {
            assert!(path(address, "api.test", "/a").is_err(), "{address}");
        }
    }

    #[test]
    fn what_is_on_this_host_is_a_path() {
        for (address, expected) in [
            ("https://api.test:8443/a?b=c#d", "/a?b=c"),
            ("http://API.test/a", "/a"),
            ("/a?page=2", "/a?page=2"),
            ("?page=2", "/now?page=2"),
            ("https://api.test?page=2", "/now?page=2"),
        ] {
            assert_eq!(path(address, "api.test", "/now?page=1").unwrap(), expected, "{address}");
        }
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        let header =
            r#"<https://h/a?p=1>; rel="prev"; title="a, b", </a?p=3,4>; title=x; Rel="last next", <b>; rel=next"#;
        assert_eq!(next(header), Some("/a?p=3,4"));
        for none in ["", "<a>", "<a>; rel=prev", "a; rel=next", "<a; rel=next", "<a>; title=\"rel=next"] {
            assert_eq!(next(none), None, "{none}");
        }
    }
}
