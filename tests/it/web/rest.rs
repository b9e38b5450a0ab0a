//! Connections of the connector hawser/rest to servers that nobody here wrote, by the mappings that ship.

use hawser::cli::demo::server::web::{Program, WebServer};
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::web::blocking;
use serde_json::{Value as Json, json};

mod keystone;
mod rabbitmq;

/// A server, and a connection to it in a host that may reach it.
struct Rest<P> {
    server: WebServer<P>,
    bed: Bed,
}

impl<P: Program + Send + 'static> Rest<P> {
    /// Starts the server, connects, approves all that is asked for, and reads the schema.
    async fn connected(start: fn() -> WebServer<P>, mapping: &str, secret: &str, options: &Json) -> Self {
        let server = blocking(start).await;
        let house = House::shared_web().await;
        let bed = Bed::bare(house, People::new(0, 0)).await;
        let mut all = json!({"host": "127.0.0.1", "port": server.port(), "mapping": mapping});
        for (name, value) in options.as_object().unwrap() {
            all[name] = value.clone();
        }
        let roots = server.ca().pem().expect("the CA's certificate can be read");
        bed.create(&json!({
            "id": bed.id, "system": bed.system, "connector": "hawser/rest", "version": "^0.1", "title": "REST", "options": all,
            "destinations": {"api": {"roots": roots}},
            "securedOptions": {"secret": {"value": secret}},
        }))
        .await;
        bed.approve(&["network:api:loopback"]).await;
        bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
        Self { server, bed }
    }

    /// The path of an object.
    fn object(&self, class: &str, uid: &str) -> String {
        self.bed.at(&format!("/objects/{class}/{uid}"))
    }

    /// Creates an object, and gives its uid.
    async fn create(&self, class: &str, draft: &Json) -> String {
        let created = self.bed.core.post(&self.bed.at(&format!("/objects/{class}")), draft).await.expect(201).json();
        created["uid"].as_str().unwrap().to_owned()
    }

    /// Logs in as somebody, with the status of the answer.
    async fn authenticate(&self, name: &str, password: &str) -> Result<String, String> {
        let body = json!({"class": "user", "name": name, "password": password});
        let answer = self.bed.core.post(&self.bed.at("/authenticate"), &body).await;
        match answer.json()["uid"].as_str() {
            Some(uid) => Ok(uid.to_owned()),
            None => Err(answer.json()["type"].as_str().unwrap_or_default().to_owned()),
        }
    }
}
