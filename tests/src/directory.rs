//! Real directories and connections to them: a server of the test's own, a host that may reach the loopback, and what an
//! operator configures and approves.

use hawser::cli::demo::server::ca::Ca;
use hawser::cli::demo::server::ds389::Ds389;
use hawser::cli::demo::server::samba::SambaDc;
use hawser::cli::demo::server::slapd::{Slapd, SlapdOptions};
use hawser::cli::demo::server::tools::Tools;
use hawser::cli::demo::server::{Account, ServerError};
use hawser::config::Config;
use serde_json::{Value as Json, json};

use crate::bed::Bed;
use crate::house::House;
use crate::people::People;
use crate::profile_folder;

/// Where the people and the groups of a test's slapd are.
pub const PEOPLE: &str = "ou=people,dc=ldap,dc=test";
pub const GROUPS: &str = "ou=groups,dc=ldap,dc=test";

/// A directory server.
pub trait Server: Send + Sized + 'static {
    /// Where its LDAPS is.
    fn place(&self) -> (String, u16);
    /// As whom a connector logs in.
    fn service(&self) -> Account;
    /// Its administrator.
    fn admin(&self) -> Account;
    /// Who vouches for it.
    fn ca(&self) -> &Ca;
    /// Its own tools.
    fn tools(&self) -> Tools;
}

macro_rules! server {
    ($server:ty, |$it:ident| $place:expr) => {
        impl Server for $server {
            fn place(&self) -> (String, u16) {
                let $it = self;
                $place
            }

            fn service(&self) -> Account {
                self.service()
            }

            fn admin(&self) -> Account {
                self.admin()
            }

            fn ca(&self) -> &Ca {
                self.ca()
            }

            fn tools(&self) -> Tools {
                self.tools()
            }
        }
    };
}
server!(Slapd, |it| ("127.0.0.1".to_owned(), it.ldaps_port()));
server!(SambaDc, |it| (it.address().to_string(), 636));
server!(Ds389, |it| ("127.0.0.1".to_owned(), it.ldaps_port()));

/// A server, and a system without a connection in a host that may reach it.
pub struct Directory<S> {
    pub server: S,
    pub bed: Bed,
    pub house: House,
}

impl Directory<Slapd> {
    /// A slapd as it comes.
    pub async fn new() -> Self {
        Self::with(SlapdOptions::default()).await
    }

    /// A slapd of one's choice.
    pub async fn with(options: SlapdOptions) -> Self {
        Self::with_config(options, |_| {}).await
    }

    /// The same, in a host configured differently.
    pub async fn with_config(options: SlapdOptions, change: impl FnOnce(&mut Config)) -> Self {
        Self::of(move || Slapd::start(&options), change).await
    }

    /// Adds a person with a password, and gives its DN.
    pub fn person(&self, uid: &str, password: &str) -> String {
        let dn = format!("uid={uid},{PEOPLE}");
        let names = format!("uid: {uid}\ncn: {uid}\nsn: {uid}\nmail: {uid}@ldap.test");
        let ldif = format!("dn: {dn}\nobjectClass: inetOrgPerson\n{names}\nuserPassword: {password}\n");
        self.server.tools().add(self.server.admin().bind(), &ldif).unwrap_or_else(|why| panic!("{uid}: {why}"));
        dn
    }
}

impl Directory<SambaDc> {
    /// A domain controller; it is provisioned once for these tests, and copied.
    pub async fn samba() -> Self {
        Self::of(|| SambaDc::start(&profile_folder().join("test-samba")), |_| {}).await
    }
}

impl Directory<Ds389> {
    /// A 389-ds.
    pub async fn ds389() -> Self {
        Self::of(Ds389::start, |_| {}).await
    }
}

impl<S: Server> Directory<S> {
    async fn of(
        start: impl FnOnce() -> Result<S, ServerError> + Send + 'static,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let started = tokio::task::spawn_blocking(start).await.expect("starting does not panic");
        let server = started.unwrap_or_else(|why| panic!("the server does not start: {why}"));
        let house = House::with(|config| {
            config.egress.loopback = true;
            change(config);
        })
        .await;
        let bed = Bed::bare(&house, People::new(0, 0)).await;
        Self { server, bed, house }
    }

    /// The body of a connection of the directory connector, by LDAPS.
    pub fn body(&self) -> Json {
        let (service, (host, port)) = (self.server.service(), self.server.place());
        let roots = json!({"roots": self.roots()});
        json!({
            "id": self.bed.id, "system": self.bed.system, "connector": "hawser/ldap", "version": "^0.1", "title": "LDAP",
            "options": {"host": host, "port": port, "bind-dn": service.dn},
            "destinations": {"ldaps": roots, "ldap": roots},
            "securedOptions": {"bind-password": {"value": service.password}},
        })
    }

    /// The certificate of who vouches for the server, in PEM.
    pub fn roots(&self) -> String {
        self.server.ca().pem().expect("the CA's certificate can be read")
    }

    /// Creates a connection, approves what its connector asks for, and the loopback for its destinations.
    pub async fn connect(&self, body: &Json) {
        self.bed.create(body).await;
        let places = body["destinations"].as_object().into_iter().flatten();
        let ranges: Vec<String> = places.map(|(name, _)| format!("network:{name}:loopback")).collect();
        self.bed.approve(&ranges.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }

    /// The same, and reads the schema.
    pub async fn connect_and_refresh(&self, body: &Json) {
        self.connect(body).await;
        self.bed.operator.order(&self.bed.at("/schema/refresh")).await.expect(200);
    }

    /// The values of an entry's attribute, as the server's own tool sees them.
    pub fn texts(&self, dn: &str, attribute: &str) -> Vec<String> {
        let entry = self.server.tools().entry(self.server.admin().bind(), dn, &[attribute]);
        let entry = entry.unwrap_or_else(|why| panic!("{dn}: {why}")).unwrap_or_else(|| panic!("{dn} is not there"));
        entry.texts(attribute).into_iter().map(str::to_owned).collect()
    }

    /// Is there such an entry?
    pub fn has(&self, dn: &str) -> bool {
        self.server.tools().entry(self.server.admin().bind(), dn, &[]).unwrap_or_else(|why| panic!("{why}")).is_some()
    }
}
