//! The options of a connection, as the manifest declares them.

use crate::dialect::Dialect;
use hawser_sdk::{Error, Result};
use serde::Deserialize;

/// What an operator sets for one connection; every field has the manifest's default.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Options {
    pub(crate) host: String,
    pub(crate) security: Security,
    pub(crate) dialect: String,
    pub(crate) bind_dn: Option<String>,
    pub(crate) base_dn: Option<String>,
    pub(crate) account_base: Option<String>,
    pub(crate) account_class: Option<String>,
    pub(crate) account_filter: Option<String>,
    pub(crate) account_name: String,
    pub(crate) auxiliary_classes: Vec<String>,
    pub(crate) group_base: Option<String>,
    pub(crate) group_class: Option<String>,
    pub(crate) group_name: String,
    pub(crate) member_attribute: String,
    pub(crate) more_classes: Vec<String>,
    pub(crate) attributes: Vec<String>,
    pub(crate) page_size: u32,
    pub(crate) incremental: Incremental,
    pub(crate) large_group: u32,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Security {
    Tls,
    StartTls,
    None,
}

/// How changes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Incremental {
    Auto,
    Sync,
    Dirsync,
    Usn,
    Timestamp,
    Off,
}

/// The name option that stands for the whole distinguished name.
pub(crate) const DN: &str = "dn";
const AUTO: &str = "auto";

impl Default for Options {
    fn default() -> Self {
        Self {
            host: String::new(),
            security: Security::Tls,
            dialect: AUTO.to_owned(),
            bind_dn: None,
            base_dn: None,
            account_base: None,
            account_class: None,
            account_filter: None,
            account_name: DN.to_owned(),
            auxiliary_classes: Vec::new(),
            group_base: None,
            group_class: None,
            group_name: DN.to_owned(),
            member_attribute: "member".to_owned(),
            more_classes: Vec::new(),
            attributes: Vec::new(),
            page_size: 500,
            incremental: Incremental::Auto,
            large_group: 1_500,
        }
    }
}

impl Options {
    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<()> {
        for (option, text) in
            [("base-dn", &self.base_dn), ("account-base", &self.account_base), ("group-base", &self.group_base)]
        {
            if text.as_deref().is_some_and(|text| crate::dn::Dn::parse(text).is_none()) {
                let message =
                    format!("the option `{option}` is no distinguished name; write it like ou=people,dc=example");
                return Err(Error::configuration(message));
            }
        }
        if self.account_filter.as_deref().is_some_and(|filter| !crate::filter::is_balanced(filter)) {
            let message = "the option `account-filter` is no filter; write it like (employeeType=internal)";
            return Err(Error::configuration(message));
        }
        let words = [&self.account_name, &self.group_name, &self.member_attribute];
        let classes = self.account_class.iter().chain(&self.group_class).chain(&self.more_classes);
        let named = words.into_iter().chain(classes).chain(&self.auxiliary_classes).chain(&self.attributes);
        match named.into_iter().find(|name| !is_word(name)) {
            Some(name) => Err(Error::configuration(format!("`{name}` is no name of an attribute or an object class"))),
            None => Ok(()),
        }
    }

    /// The dialect that is configured, if one is.
    pub(crate) fn dialect(&self) -> Option<Dialect> {
        Dialect::parse(&self.dialect)
    }
}

/// A name of an attribute or a class as filters and requests may hold it.
pub(crate) fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_cannot_be_meant_is_named() {
        let refused = |options: Options| options.check().unwrap_err().message().to_owned();
        assert!(refused(Options { base_dn: Some("people".into()), ..Options::default() }).contains("base-dn"));
        assert!(
            refused(Options { account_filter: Some("(a=b))(".into()), ..Options::default() })
                .contains("account-filter")
        );
        assert!(refused(Options { member_attribute: "member)(x".into(), ..Options::default() }).contains("member)(x"));
        Options::default().check().unwrap();
    }
}
