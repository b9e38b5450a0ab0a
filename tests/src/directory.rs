//! Real directories and connections to them: a slapd of the test's own, a host that may reach the loopback, and what an
//! operator configures and approves.

use hawser::cli::demo::server::slapd::{Slapd, SlapdOptions};
use hawser::config::Config;
use serde_json::{Value as Json, json};

use crate::bed::Bed;
use crate::house::House;
use crate::people::People;

/// Where the people and the groups of a test's slapd are.
pub const PEOPLE: &str = "ou=people,dc=ldap,dc=test";
pub const GROUPS: &str = "ou=groups,dc=ldap,dc=test";

/// A slapd, and a system without a connection in a host that may reach it.
pub struct Directory {
    pub slapd: Slapd,
    pub bed: Bed,
    pub house: House,
}

impl Directory {
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
        let start = move || Slapd::start(&options).unwrap_or_else(|why| panic!("slapd does not start: {why}"));
        let slapd = tokio::task::spawn_blocking(start).await.expect("starting does not panic");
        let house = House::with(|config| {
            config.egress.loopback = true;
            change(config);
        })
        .await;
        let bed = Bed::bare(&house, People::new(0, 0)).await;
        Self { slapd, bed, house }
    }

    /// The body of a connection of the directory connector, by LDAPS.
    pub fn body(&self) -> Json {
        let service = self.slapd.service();
        let roots = json!({"roots": self.roots()});
        json!({
            "id": self.bed.id, "system": self.bed.system, "connector": "hawser/ldap", "version": "^0.1", "title": "LDAP",
            "options": {"host": "127.0.0.1", "port": self.slapd.ldaps_port(), "bind-dn": service.dn},
            "destinations": {"ldaps": roots, "ldap": roots},
            "securedOptions": {"bind-password": {"value": service.password}},
        })
    }

    /// The same, and reads the schema.
    pub async fn connect_and_refresh(&self, body: &Json) {
        self.connect(body).await;
        self.bed.operator.order(&self.bed.at("/schema/refresh")).await.expect(200);
    }

    /// Adds a person with a password, and gives its DN.
    pub fn person(&self, uid: &str, password: &str) -> String {
        let dn = format!("uid={uid},{PEOPLE}");
        let names = format!("uid: {uid}\ncn: {uid}\nsn: {uid}\nmail: {uid}@ldap.test");
        let ldif = format!("dn: {dn}\nobjectClass: inetOrgPerson\n{names}\nuserPassword: {password}\n");
        self.slapd.tools().add(self.slapd.admin().bind(), &ldif).unwrap_or_else(|why| panic!("{uid}: {why}"));
        dn
    }

    /// The certificate of who vouches for the server, in PEM.
    pub fn roots(&self) -> String {
        self.slapd.ca().pem().expect("the CA's certificate can be read")
    }

    /// Creates a connection, approves what its connector asks for, and the loopback for its destinations.
    pub async fn connect(&self, body: &Json) {
        self.bed.create(body).await;
        let places: Vec<String> =
            body["destinations"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let ranges: Vec<String> = places.iter().map(|name| format!("network:{name}:loopback")).collect();
        self.bed.approve(&ranges.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}
