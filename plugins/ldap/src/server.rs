//! What is worth knowing about a server and does not change from call to call: read once from its root entry, then
//! remembered by the host, so that a warm call asks for nothing but its own matter.

use crate::controls;
use crate::dialect::Dialect;
use crate::dn::Dn;
use crate::entry;
use crate::options::Options;
use hawser_sdk::ldap::{Entry, Scope, Session};
use hawser_sdk::{Error, Result, cache};
use std::time::Duration;

/// How long a server's description is believed.
const REMEMBERED: Duration = Duration::from_hours(1);
/// What is read of the root entry.
const ATTRIBUTES: [&str; 10] = [
    "objectClass",
    "vendorName",
    "supportedCapabilities",
    "namingContexts",
    "defaultNamingContext",
    "subschemaSubentry",
    "schemaNamingContext",
    "supportedControl",
    "supportedExtension",
    "dsServiceName",
];

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) dialect: Dialect,
    /// Below it lies everything this connection looks at.
    pub(crate) base: String,
    /// The naming context the base belongs to.
    pub(crate) context: String,
    pub(crate) subschema: String,
    /// Where Active Directory keeps its schema; empty elsewhere.
    pub(crate) schema_context: String,
    /// Of [`controls::KNOWN`], what it supports.
    features: Vec<String>,
}

impl Server {
    /// As it was remembered, or as its root entry says.
    pub(crate) fn open(session: &Session, options: &Options) -> Result<Self> {
        let key = format!("server/{}/{}", options.dialect, options.base_dn.as_deref().unwrap_or_default());
        let remembered = cache::get(&key).and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(server) = remembered.and_then(|text| Self::decode(&text)) {
            return Ok(server);
        }
        let server = Self::read(&root(session, &ATTRIBUTES)?, options)?;
        cache::put(&key, server.encode().as_bytes(), REMEMBERED);
        Ok(server)
    }

    pub(crate) fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|known| known == feature)
    }

    fn read(root: &Entry, options: &Options) -> Result<Self> {
        let dialect = options
            .dialect()
            .or_else(|| Dialect::detect(root))
            .ok_or_else(|| Error::configuration("the server does not say what it is; set the option `dialect`"))?;
        let base = match &options.base_dn {
            Some(base) => base.clone(),
            None => default_base(root)?,
        };
        let supported = |oid: &&str| {
            ["supportedControl", "supportedExtension"]
                .iter()
                .any(|name| entry::texts(root, name).any(|held| held == *oid))
        };
        let text = |name: &str| entry::text(root, name).unwrap_or_default().to_owned();
        Ok(Self {
            dialect,
            context: context(root, &base).unwrap_or_else(|| base.clone()),
            base,
            subschema: text("subschemaSubentry"),
            schema_context: text("schemaNamingContext"),
            features: controls::KNOWN.iter().filter(|oid| supported(oid)).map(|oid| (*oid).to_owned()).collect(),
        })
    }

    #[cfg(test)]
    pub(crate) fn of(root: &Entry, options: &Options) -> Self {
        Self::read(root, options).unwrap()
    }

    fn encode(&self) -> String {
        let words = [self.dialect.name(), &self.base, &self.context, &self.subschema, &self.schema_context];
        format!("{}\n{}", words.join("\n"), self.features.join(" "))
    }

    fn decode(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let mut next = || lines.next().map(str::to_owned);
        Some(Self {
            dialect: Dialect::parse(&next()?)?,
            base: next()?,
            context: next()?,
            subschema: next()?,
            schema_context: next()?,
            features: next()?.split_whitespace().map(str::to_owned).collect(),
        })
    }
}

/// The root entry of a server.
pub(crate) fn root(session: &Session, attributes: &[&str]) -> Result<Entry> {
    let request = crate::directory::request("", Scope::Base, "(objectClass=*)", attributes);
    let found = session.find(&request)?.into_iter().next();
    found.ok_or_else(|| Error::permission_denied("the server does not show its root entry; let everybody read it"))
}

/// The naming contexts that hold people rather than the server's own affairs.
pub(crate) fn contexts(root: &Entry) -> impl Iterator<Item = &str> {
    let own = |context: &&str| {
        let lower = context.to_lowercase();
        !lower.is_empty()
            && !["cn=config", "cn=schema", "cn=changelog", "cn=monitor", "dc=domaindnszones", "dc=forestdnszones"]
                .iter()
                .any(|own| lower.starts_with(own))
    };
    entry::texts(root, "namingContexts").filter(own)
}

fn default_base(root: &Entry) -> Result<String> {
    if let Some(base) = entry::text(root, "defaultNamingContext") {
        return Ok(base.to_owned());
    }
    let contexts: Vec<&str> = contexts(root).collect();
    match contexts.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(Error::configuration("the server names no naming context; set the option `base-dn`")),
        many => {
            let message = format!(
                "the server has several naming contexts; set the option `base-dn` to one of {}",
                many.join(" and ")
            );
            Err(Error::configuration(message))
        }
    }
}

/// The longest naming context above a name.
fn context(root: &Entry, base: &str) -> Option<String> {
    let base = Dn::parse(base)?;
    let above = entry::texts(root, "namingContexts")
        .filter(|context| Dn::parse(context).is_some_and(|it| !it.is_root() && base.is_within(&it)));
    above.max_by_key(|context| context.len()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::entry;

    fn openldap(contexts: &[&str]) -> Entry {
        let named = contexts.iter().map(|context| ("namingContexts", *context));
        let rest =
            [("objectClass", "OpenLDAProotDSE"), ("supportedControl", controls::SYNC), ("supportedControl", "1.2.3")];
        entry("", &named.chain(rest).collect::<Vec<_>>())
    }

    #[test]
    fn a_base_that_cannot_be_told_is_asked_for() {
        let refused = |contexts: &[&str]| Server::read(&openldap(contexts), &Options::default()).unwrap_err();
        assert!(refused(&[]).message().contains("base-dn"));
        let error = refused(&["dc=a", "dc=b"]);
        assert!(error.message().contains("dc=a and dc=b"), "{error}");
        let silent = Server::read(&entry("", &[("namingContexts", "dc=a")]), &Options::default()).unwrap_err();
        assert!(silent.message().contains("dialect"), "{silent}");
    }

    #[test]
    fn the_only_context_with_people_is_the_base() {
        let server = Server::read(&openldap(&["cn=changelog", "dc=a"]), &Options::default()).unwrap();
        assert_eq!((server.base.as_str(), server.dialect), ("dc=a", Dialect::OpenLdap));
        assert!(server.has(controls::SYNC) && !server.has(controls::DIRSYNC) && !server.has("1.2.3"));
    }

    #[test]
    fn the_context_is_the_one_above_the_base() {
        let options = Options { base_dn: Some("OU=People,DC=a".into()), ..Options::default() };
        let server = Server::read(&openldap(&["dc=a", "ou=other,dc=a"]), &options).unwrap();
        assert_eq!(server.context, "dc=a");
    }

    #[test]
    fn what_was_remembered_is_what_was_read() {
        let server = Server::read(&openldap(&["dc=a"]), &Options::default()).unwrap();
        assert_eq!(Server::decode(&server.encode()), Some(server));
        assert_eq!(Server::decode("openldap\ndc=a"), None);
    }
}
