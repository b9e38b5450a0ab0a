//! What every command that talks to a host shares: where it is, who asks, and how answers are shown.

use clap::Args;

use super::client::{Call, Client, Reply};
use super::fault::Fault;
use super::table::Column;
use super::{out, table};

/// Where the host is and how to show what it answers.
#[derive(Args)]
pub(super) struct Remote {
    /// The host's address.
    #[arg(long, env = "HAWSER_URL", default_value = "http://127.0.0.1:8440", global = true)]
    url: String,
    /// The token to ask with; better in the environment, where other users of the machine do not see it.
    #[arg(long, env = "HAWSER_TOKEN", hide_env_values = true, global = true)]
    token: Option<String>,
    /// Print the API's JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    /// For changes: the same key makes the host answer a repeated request from its record instead of doing it twice.
    #[arg(long, value_name = "KEY", global = true)]
    idempotency_key: Option<String>,
}

/// Which page of a list.
#[derive(Args, Default)]
pub(super) struct Paging {
    /// At most so many (the host's default is 100, its most 1000).
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on where a page ended: the cursor it printed.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// A host to talk to.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) json: bool,
    idempotency_key: Option<String>,
}

impl Remote {
    pub(super) fn open(&self) -> Result<Session, Fault> {
        let client = Client::new(&self.url, self.token.as_deref())?;
        Ok(Session { client, json: self.json, idempotency_key: self.idempotency_key.clone() })
    }
}

impl Paging {
    /// Adds the page to a call.
    pub(super) fn of(&self, call: Call) -> Call {
        call.query("limit", self.limit).query("cursor", self.cursor.as_deref())
    }
}

impl Session {
    /// Asks; a change carries the idempotency key, if one was given.
    pub(super) async fn ask(&self, call: Call) -> Result<Reply, Fault> {
        let change = call.method != reqwest::Method::GET;
        let key = self.idempotency_key.as_deref().filter(|_| change);
        self.client.ask(&call.header("idempotency-key", key)?).await
    }

    /// Asks and shows one thing.
    pub(super) async fn one(&self, call: Call, columns: &[Column<'_>]) -> Result<(), Fault> {
        let reply = self.ask(call).await?;
        self.show(&reply, columns)
    }

    /// Asks and shows a page of things.
    pub(super) async fn page(&self, call: Call, paging: &Paging, columns: &[Column<'_>]) -> Result<(), Fault> {
        self.items(paging.of(call), "/items", columns).await
    }

    /// Asks and shows the list at a pointer of the answer, and how to see the rest.
    pub(super) async fn items(&self, call: Call, pointer: &str, columns: &[Column<'_>]) -> Result<(), Fault> {
        self.listed(&self.ask(call).await?, pointer, columns)
    }

    /// Shows the list at a pointer of a reply, and how to see the rest.
    pub(super) fn listed(&self, reply: &Reply, pointer: &str, columns: &[Column<'_>]) -> Result<(), Fault> {
        if self.json {
            return out::json(&reply.body);
        }
        table::list(
            reply.body.pointer(pointer).and_then(|items| items.as_array()).map_or(&[], Vec::as_slice),
            columns,
        )?;
        let next = ["/next", "/cursor"].into_iter().find_map(|name| reply.body.pointer(name)?.as_str());
        if let Some(next) = next {
            out::note(format_args!("there is more: --cursor {}", out::visible(next)));
        }
        Ok(())
    }

    /// Asks for a change that has no answer worth showing, and says what was done.
    pub(super) async fn done(&self, call: Call, what: &str) -> Result<(), Fault> {
        self.ask(call).await?;
        if self.json { Ok(()) } else { out::line(what) }
    }

    /// Shows a reply.
    pub(super) fn show(&self, reply: &Reply, columns: &[Column<'_>]) -> Result<(), Fault> {
        if self.json { out::json(&reply.body) } else { table::one(&reply.body, columns) }
    }
}
