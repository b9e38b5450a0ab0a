//! The options of a connection, as the manifest declares them.

use hawser_sdk::http::ClientAuthentication;
use hawser_sdk::{Error, Result};
use serde::Deserialize;

/// What an operator sets for one connection; every field has the manifest's default.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Options {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) base_path: String,
    pub(crate) auth: Auth,
    pub(crate) user_name: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_authentication: Proof,
    pub(crate) token_host: Option<String>,
    pub(crate) token_path: String,
    pub(crate) scope: Option<String>,
    pub(crate) profile: Profile,
    pub(crate) updates: Updates,
    pub(crate) member_value: MemberValue,
    pub(crate) unfilterable: Vec<String>,
    pub(crate) resource_types: Vec<String>,
    pub(crate) account_name: String,
    pub(crate) group_name: String,
    pub(crate) members_read: MembersRead,
    pub(crate) large_group: u32,
    pub(crate) page_size: u32,
    pub(crate) paging: PagingBy,
    pub(crate) incremental: Incremental,
}

/// How requests say who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Auth {
    Bearer,
    Basic,
    Oauth,
    Certificate,
}

/// How an OAuth client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Proof {
    Basic,
    Post,
    PrivateKeyJwt,
}

/// What a service does otherwise than the standard has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Profile {
    Standard,
    /// May answer that it stored what it did not.
    ReadBack,
    /// Members are removed by a list of values; and as `ReadBack`.
    Entra,
}

/// How an object is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Updates {
    Auto,
    Patch,
    Put,
}

/// What the `value` of a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MemberValue {
    Id,
    Name,
}

/// How memberships are read in a complete pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MembersRead {
    WithGroups,
    OneByOne,
}

/// How pages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PagingBy {
    Auto,
    Index,
    Cursor,
}

/// How changes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Incremental {
    Auto,
    Off,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 443,
            base_path: "/scim/v2".to_owned(),
            auth: Auth::Bearer,
            user_name: None,
            client_id: None,
            client_authentication: Proof::Basic,
            token_host: None,
            token_path: "/oauth/token".to_owned(),
            scope: None,
            profile: Profile::Standard,
            updates: Updates::Auto,
            member_value: MemberValue::Id,
            unfilterable: Vec::new(),
            resource_types: Vec::new(),
            account_name: "userName".to_owned(),
            group_name: "displayName".to_owned(),
            members_read: MembersRead::WithGroups,
            large_group: 1_500,
            page_size: 500,
            paging: PagingBy::Auto,
            incremental: Incremental::Auto,
        }
    }
}

impl Options {
    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<()> {
        for (option, path) in [("base-path", &self.base_path), ("token-path", &self.token_path)] {
            if !is_path(path) {
                let message = format!("the option `{option}` is no path; write it like /scim/v2");
                return Err(Error::configuration(message));
            }
        }
        let wants = |option: &str| {
            let auth = if self.auth == Auth::Basic { "basic" } else { "oauth" };
            Err(Error::configuration(format!("`auth` is {auth}: set the option `{option}` as well")))
        };
        match self.auth {
            Auth::Basic if self.user_name.is_none() => wants("user-name"),
            Auth::Oauth if self.client_id.is_none() => wants("client-id"),
            Auth::Oauth if self.token_host.is_none() => wants("token-host"),
            _ => Ok(()),
        }
    }

    /// Where the service begins, without a slash at the end: nothing for a service at `/`.
    pub(crate) fn base(&self) -> &str {
        self.base_path.trim_end_matches('/')
    }

    /// The same as a URL, which references between resources are.
    pub(crate) fn base_url(&self) -> String {
        match self.port {
            443 => format!("https://{}{}", self.host, self.base()),
            port => format!("https://{}:{port}{}", self.host, self.base()),
        }
    }

    /// Does every write want to be looked after?
    pub(crate) fn reads_back(&self) -> bool {
        self.profile != Profile::Standard
    }

    /// May the service be asked to filter by that attribute?
    pub(crate) fn is_filterable(&self, attribute: &str) -> bool {
        !self.unfilterable.iter().any(|named| named == "*" || named.eq_ignore_ascii_case(attribute))
    }
}

impl From<Proof> for ClientAuthentication {
    fn from(proof: Proof) -> Self {
        match proof {
            Proof::Basic => Self::Basic,
            Proof::Post => Self::Post,
            Proof::PrivateKeyJwt => Self::PrivateKeyJwt,
        }
    }
}

/// A path as requests may hold it: the host has rules of its own, and tells them less kindly.
fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:@".contains(c);
    path.starts_with('/') && !path.contains("//") && path.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &Options) -> String {
        options.check().unwrap_err().message().to_owned()
    }

    #[test]
    fn an_option_that_cannot_be_meant_is_named() {
        for path in ["scim/v2", "https://x/scim", "//x", "/a b", "/a?b", "/a#b", ""] {
            let options = Options { base_path: path.to_owned(), ..Options::default() };
            assert!(refused(&options).contains("`base-path`"), "{path}");
        }
        assert!(refused(&Options { token_path: "token".to_owned(), ..Options::default() }).contains("`token-path`"));
        Options::default().check().unwrap();
    }

    #[test]
    fn a_way_to_log_in_wants_what_it_needs() {
        assert!(refused(&Options { auth: Auth::Basic, ..Options::default() }).contains("`user-name`"));
        let oauth = Options { auth: Auth::Oauth, ..Options::default() };
        assert!(refused(&oauth).contains("`client-id`"));
        assert!(refused(&Options { client_id: Some("me".to_owned()), ..oauth }).contains("`token-host`"));
    }

    #[test]
    fn a_service_at_the_root_has_no_base() {
        let options = Options { base_path: "/".to_owned(), host: "x.test".to_owned(), ..Options::default() };
        options.check().unwrap();
        assert_eq!((options.base(), options.base_url().as_str()), ("", "https://x.test"));
        let options = Options { port: 8443, base_path: "/v2/".to_owned(), ..options };
        assert_eq!(options.base_url(), "https://x.test:8443/v2");
    }

    #[test]
    fn what_the_service_cannot_filter_by_is_not_asked_for() {
        let options = Options { unfilterable: vec!["Title".to_owned()], ..Options::default() };
        assert!(options.is_filterable("userName") && !options.is_filterable("title"));
        let options = Options { unfilterable: vec!["*".to_owned()], ..Options::default() };
        assert!(!options.is_filterable("userName"));
    }
}
