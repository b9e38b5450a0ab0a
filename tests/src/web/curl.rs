//! What a server has to say for itself, asked by the program `curl` as the server's administrator.

use hawser::cli::demo::server::web::{Program, WebServer};
use serde_json::Value as Json;

/// A server that is asked.
pub trait Judge {
    /// Sends a request as the administrator, with a JSON body if there is one, and gives the status and the JSON of the
    /// answer (null if it is none). The path is as it stands in a URL: a blank is `%20`.
    fn curl(&self, method: &str, path: &str, body: Option<&Json>) -> (u16, Json);

    /// The same for an answer that has to have that status.
    fn expect(&self, status: u16, method: &str, path: &str, body: Option<&Json>) -> Json {
        let (answered, json) = self.curl(method, path, body);
        assert_eq!(answered, status, "{method} {path}: {json}");
        json
    }
}

impl<P: Program> Judge for WebServer<P> {
    fn curl(&self, method: &str, path: &str, body: Option<&Json>) -> (u16, Json) {
        let answer = self.admin().and_then(|curl| curl.send(method, path, body));
        let answer = answer.unwrap_or_else(|why| panic!("{method} {path}: {why}"));
        (answer.status, answer.json())
    }
}
