//! A session with the directory and what is known about it: the one way in for everything this connector does.

use crate::dialect::Dialect;
use crate::dn::Dn;
use crate::model::{self, Class, Kind};
use crate::options::{DN, Options, Security};
use crate::server::Server;
use crate::subschema::Subschema;
use crate::{builder, controls, entry, failure, filter};
use hawser_sdk::ldap::{Control, Deref, Entry, Login, Protection, Scope, SearchRequest, Session};
use hawser_sdk::{Error, FailureKind, Result, cache, credentials};
use std::time::Duration;

/// How long the classes are believed; a schema that is asked for is always read anew.
const CLASSES_REMEMBERED: Duration = Duration::from_hours(1);
/// Asks for no attributes (RFC 4511, 4.5.1.8).
pub(crate) const NO_ATTRIBUTES: &str = "1.1";

/// An open session.
pub(crate) struct Directory {
    pub(crate) session: Session,
    pub(crate) server: Server,
    pub(crate) options: Options,
}

/// Where a class lives and what its entries are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) class: String,
    pub(crate) kind: Kind,
    pub(crate) object_class: String,
    /// Classes below that one, in lower case, as far as entries need not name both.
    pub(crate) below: Vec<String>,
    pub(crate) base: String,
    /// Which entries are of the class.
    pub(crate) filter: String,
    /// The attribute that is their name, or `dn`.
    pub(crate) name: String,
}

impl Place {
    /// Is an entry of the class by its object class alone?
    pub(crate) fn is_plain(&self) -> bool {
        self.filter == format!("(objectClass={})", self.object_class)
    }

    /// Has an entry the object class, or one below it?
    pub(crate) fn covers(&self, found: &Entry) -> bool {
        let below = |held: &str| self.below.iter().any(|class| class.eq_ignore_ascii_case(held));
        entry::is_a(found, &self.object_class) || entry::texts(found, "objectClass").any(below)
    }
}

impl Directory {
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let (destination, protection) = match options.security {
            Security::Tls => ("ldaps", Protection::Tls),
            Security::StartTls => ("ldap", Protection::Tls),
            Security::None => ("ldap", Protection::None),
        };
        let session = match &options.bind_dn {
            Some(dn) => {
                let password = credentials::get("bind-password")?;
                Session::open(destination, protection, Login::Simple { dn, password: &password })?
            }
            None => Session::open(destination, protection, without_name()?)?,
        };
        let server = Server::open(&session, options)?;
        Ok(Self { session, server, options: options.clone() })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.server.dialect
    }

    /// The classes as they were remembered, or as the server has them.
    pub(crate) fn classes(&self) -> Result<Vec<Class>> {
        let remembered = cache::get(&self.classes_key()).and_then(|bytes| String::from_utf8(bytes).ok());
        match remembered.and_then(|text| model::decode(&text)) {
            Some(classes) => Ok(classes),
            None => self.read_classes(),
        }
    }

    /// The classes as the server has them now.
    pub(crate) fn read_classes(&self) -> Result<Vec<Class>> {
        let attributes = ["objectClasses", "attributeTypes", "dITContentRules"];
        let request = request(&self.server.subschema, Scope::Base, "(objectClass=*)", &attributes);
        let found = self.session.find(&request)?.into_iter().next().ok_or_else(|| {
            Error::permission_denied(
                "the server does not show its schema; let the service account read the subschema entry",
            )
        })?;
        let [classes, types, rules] = attributes.map(|name| entry::texts(&found, name));
        let schema = Subschema::parse(classes, types, rules);
        let classes = builder::build(&schema, &self.options, self.dialect(), &self.computed()?)?;
        cache::put(&self.classes_key(), model::encode(&classes).as_bytes(), CLASSES_REMEMBERED);
        Ok(classes)
    }

    /// The attributes Active Directory computes; a search of many entries must not ask for them.
    fn computed(&self) -> Result<Vec<String>> {
        if !self.dialect().is_ad() {
            return Ok(Vec::new());
        }
        let constructed = "(&(objectClass=attributeSchema)(systemFlags:1.2.840.113556.1.4.803:=4))";
        let request = request(&self.server.schema_context, Scope::OneLevel, constructed, &["lDAPDisplayName"]);
        let found = self.session.find(&paged(request, self.options.page_size))?;
        Ok(found.iter().filter_map(|entry| entry::text(entry, "lDAPDisplayName")).map(str::to_owned).collect())
    }

    fn classes_key(&self) -> String {
        let Options {
            account_class, auxiliary_classes, group_class, more_classes, attributes, member_attribute, ..
        } = &self.options;
        let parts = [auxiliary_classes, more_classes, attributes].map(|list| list.join(","));
        let own = [account_class, group_class].map(|class| class.as_deref().unwrap_or_default());
        format!("classes/{}/{}/{}/{member_attribute}", self.dialect().name(), own.join(","), parts.join("/"))
    }

    pub(crate) fn class(&self, name: &str) -> Result<Class> {
        self.classes()?.into_iter().find(|class| class.name == name).ok_or_else(|| unknown_class(name))
    }

    /// Every class, by its place.
    pub(crate) fn places(&self) -> Vec<Place> {
        places(&self.options, &self.server)
    }

    pub(crate) fn place(&self, class: &str) -> Result<Place> {
        self.places().into_iter().find(|place| place.class == class).ok_or_else(|| unknown_class(class))
    }

    /// A search with the controls every reading takes here.
    pub(crate) fn request(&self, base: &str, scope: Scope, filter: &str, attributes: &[&str]) -> SearchRequest {
        SearchRequest { controls: self.reading(), ..request(base, scope, filter, attributes) }
    }

    /// References of Active Directory say the GUID of what they point at.
    pub(crate) fn reading(&self) -> Vec<Control> {
        if self.dialect().is_ad() { vec![controls::extended_dn()] } else { Vec::new() }
    }

    /// The entry of a class with that uid.
    pub(crate) fn by_uid(&self, place: &Place, uid: &str, attributes: &[&str]) -> Result<Entry> {
        let missing = || Error::unknown_uid(format!("there is no {} with the uid `{uid}`", place.class));
        let by_uid = filter::by_uid(uid, self.dialect()).ok_or_else(missing)?;
        let request = if self.dialect().is_ad() {
            self.request(&format!("<GUID={uid}>"), Scope::Base, &place.filter, attributes)
        } else {
            self.request(&place.base, Scope::Subtree, &format!("(&{by_uid}{})", place.filter), attributes)
        };
        let found = match self.session.find(&request) {
            Err(error) if self.dialect().is_ad() && failure::is(&error, failure::NO_SUCH_OBJECT) => Vec::new(),
            found => found?,
        };
        let within = |entry: &Entry| is_within(&entry.dn, &place.base);
        found.into_iter().find(within).ok_or_else(missing)
    }

    /// How an operation speaks of an entry that was found: by its GUID where the server takes that, which stays what it
    /// is while somebody renames the entry; by its DN otherwise.
    pub(crate) fn target(&self, entry: &Entry, uid: &str) -> String {
        if self.dialect().is_ad() { format!("<GUID={uid}>") } else { entry::dn(entry, self.dialect()) }
    }

    /// The current DN of any entry by its uid, whatever its class.
    pub(crate) fn dn_of(&self, uid: &str) -> Result<String> {
        let anything = Place {
            class: "object".to_owned(),
            kind: Kind::Other,
            object_class: "top".to_owned(),
            below: Vec::new(),
            base: self.server.base.clone(),
            filter: "(objectClass=*)".to_owned(),
            name: DN.to_owned(),
        };
        Ok(entry::dn(&self.by_uid(&anything, uid, &[NO_ATTRIBUTES])?, self.dialect()))
    }
}

/// Where the classes of a connection live.
fn places(options: &Options, server: &Server) -> Vec<Place> {
    let base = |own: &Option<String>| own.as_ref().unwrap_or(&server.base).clone();
    let place = |(class, kind, object_class): (String, Kind, String)| {
        let (base, name, extra) = match kind {
            Kind::Account => (base(&options.account_base), &*options.account_name, options.account_filter.as_deref()),
            Kind::Group => (base(&options.group_base), &*options.group_name, None),
            Kind::Unit | Kind::Other => (server.base.clone(), DN, None),
        };
        let own = format!("(objectClass={object_class})");
        // A computer is a user to Active Directory, and no person.
        let people = server.dialect.is_ad() && kind == Kind::Account && object_class.eq_ignore_ascii_case("user");
        let own = if people { format!("(objectCategory=person){own}") } else { own };
        let filter = match extra {
            Some(extra) => format!("(&{own}{extra})"),
            None if people => format!("(&{own})"),
            None => own,
        };
        Place { class, kind, object_class, below: Vec::new(), base, filter, name: name.to_owned() }
    };
    builder::classes(options, server.dialect).into_iter().map(place).collect()
}

/// Whoever the client key says, or nobody.
fn without_name() -> Result<Login<'static>> {
    match credentials::get("client-key") {
        Ok(_) => Ok(Login::External),
        Err(error) if error.kind() == FailureKind::Configuration => Ok(Login::Anonymous),
        Err(error) => Err(error),
    }
}

fn unknown_class(name: &str) -> Error {
    Error::schema_violation(format!("there is no class `{name}`; the option `more-classes` offers further ones"))
}

/// Is this entry at or below a base?
pub(crate) fn is_within(dn: &str, base: &str) -> bool {
    match (Dn::parse(entry::extended(dn).1), Dn::parse(base)) {
        (Some(dn), Some(base)) => dn.is_within(&base),
        _ => false,
    }
}

/// A search without pages and controls.
pub(crate) fn request(base: &str, scope: Scope, filter: &str, attributes: &[&str]) -> SearchRequest {
    SearchRequest {
        base: base.to_owned(),
        scope,
        deref: Deref::Never,
        filter: filter.to_owned(),
        attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
        page_size: None,
        size_limit: None,
        controls: Vec::new(),
    }
}

/// The same, page by page.
pub(crate) fn paged(request: SearchRequest, size: u32) -> SearchRequest {
    SearchRequest { page_size: Some(size), ..request }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn server(dialect: &str) -> Server {
        let root = entry::tests::entry("", &[("namingContexts", "dc=x")]);
        let options = Options { dialect: dialect.to_owned(), ..Options::default() };
        Server::of(&root, &options)
    }

    pub(crate) fn places_of(options: &Options, dialect: Dialect) -> Vec<Place> {
        places(options, &server(dialect.name()))
    }

    #[test]
    fn a_class_lives_where_the_options_say() {
        let options = Options {
            account_base: Some("ou=people,dc=x".into()),
            account_filter: Some("(mail=*)".into()),
            ..Options::default()
        };
        let places = places(&options, &server("openldap"));
        assert_eq!(places[0].base, "ou=people,dc=x");
        assert_eq!(places[0].filter, "(&(objectClass=inetOrgPerson)(mail=*))");
        assert_eq!((places[1].base.as_str(), places[1].filter.as_str()), ("dc=x", "(objectClass=groupOfNames)"));
    }

    #[test]
    fn a_computer_is_no_account() {
        let places = places(&Options::default(), &server("samba"));
        assert_eq!(places[0].filter, "(&(objectCategory=person)(objectClass=user))");
    }

    #[test]
    fn an_entry_outside_of_the_base_is_not_within() {
        assert!(is_within("<GUID=1>;CN=a,OU=P,DC=x", "ou=p,dc=x"));
        assert!(!is_within("CN=a,DC=x", "ou=p,dc=x"));
    }
}
