//! The connector for SCIM against services that nobody here wrote: one that keeps to the standard, one of providers in
//! JavaScript, one with a mind of its own. What happened is asked of them by curl.

mod canaille;
mod outages;
mod scimmy;
mod standard;

use hawser::cli::demo::server::web::{Program, WebServer};
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::web::{Judge, blocking};
use serde_json::{Value as Json, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A service, and a system without a connection in a host that may reach it.
struct Service<P> {
    server: WebServer<P>,
    bed: Bed,
    base: &'static str,
}

impl<P: Program + Send + 'static> Service<P> {
    async fn of(base: &'static str, start: impl FnOnce() -> WebServer<P> + Send + 'static) -> Self {
        let server = blocking(start).await;
        let house = House::shared_web().await;
        let bed = Bed::bare(house, People::new(0, 0)).await;
        Self { server, bed, base }
    }

    /// The body of a connection with a token.
    fn body(&self, token: &str, options: &Json) -> Json {
        let mut all = json!({"host": "127.0.0.1", "port": self.server.port(), "base-path": self.base});
        for (name, value) in options.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        let roots = json!({"roots": self.server.ca().pem().expect("the CA's certificate can be read")});
        json!({
            "id": self.bed.id, "system": self.bed.system, "connector": "hawser/scim", "version": "^0.1", "title": "SCIM",
            "options": all, "destinations": {"api": roots}, "securedOptions": {"token": {"value": token}},
        })
    }

    /// Creates a connection, approves what it asks for and the loopback, and reads the schema.
    async fn connect(&self, body: &Json) {
        self.bed.create(body).await;
        let places = body["destinations"].as_object().into_iter().flatten();
        let ranges: Vec<String> = places.map(|(name, _)| format!("network:{name}:loopback")).collect();
        self.bed.approve(&ranges.iter().map(String::as_str).collect::<Vec<_>>()).await;
        self.bed.operator.order(&self.bed.at("/schema/refresh")).await.expect(200);
    }

    /// What curl sees below the base.
    fn seen(&self, path: &str) -> Json {
        self.server.expect(200, "GET", &format!("{}{path}", self.base), None)
    }

    /// The ids of the members of a group, as curl sees them.
    fn members(&self, group: &str) -> Vec<String> {
        let group = self.seen(&format!("/Groups/{group}"));
        let members = group["members"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<String> = members.iter().map(|member| text(&member["value"])).collect();
        ids.sort();
        ids
    }

    /// Creates a user as every service takes one, and gives its uid.
    async fn hire(&self, name: &str) -> String {
        let draft = json!({"name": name, "attributes": {
            "name:formatted": [format!("{name} Example")], "name:familyName": ["Example"], "name:givenName": [name],
            "enabled": [true], "emails": [{"value": format!("{name}@example.org")}], "password": ["Start-Passw0rd!"],
            format!("{ENTERPRISE}:department"): ["Tours"],
        }});
        let created = self.bed.core.post(&self.bed.at("/objects/account"), &draft).await.expect(201).json();
        text(&created["uid"])
    }

    /// Creates a group with these members, and gives its uid.
    async fn found(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Json> = members.iter().map(|uid| json!({"class": "account", "uid": uid})).collect();
        let draft = json!({"name": name, "attributes": {"members": members}});
        text(&self.bed.core.post(&self.bed.at("/objects/group"), &draft).await.expect(201).json()["uid"])
    }

    async fn change(&self, uid: &str, changes: &Json) -> Json {
        self.bed.core.patch(&self.bed.account(uid), &json!({"changes": changes})).await.expect(200).json()
    }

    fn membership(&self, account: &str, group: &str) -> String {
        format!("{}/entitlements/group/{group}", self.bed.account(account))
    }

    async fn grant(&self, account: &str, group: &str) -> String {
        let answer = self.bed.core.put(&self.membership(account, group), &json!({})).await.expect(200);
        text(&answer.json()["outcome"])
    }

    async fn revoke(&self, account: &str, group: &str) -> String {
        let answer = self.bed.core.delete(&self.membership(account, group)).await.expect(200);
        text(&answer.json()["outcome"])
    }

    /// The published links of groups, as pairs of names.
    async fn links(&self) -> Vec<(String, String)> {
        let links = self.bed.core.get(&self.bed.at("/published/group/links/members")).await.expect(200).lines();
        let mut links: Vec<_> =
            links.iter().map(|link| (text(&link["owner"]["uid"]), text(&link["target"]["uid"]))).collect();
        links.sort();
        links
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("no text: {json}")).to_owned()
}
