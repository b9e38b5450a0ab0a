//! `hawser published` and `hawser changes`: what imports have published, and what changed from one to the next.

use clap::Args;
use serde_json::Value as Json;

use super::client::{Call, named};
use super::fault::Fault;
use super::remote::{Remote, Session};
use super::{connection, out, table};

/// What was imported last: a summary, the objects of a class, one object, or the links of an attribute.
#[derive(Args)]
pub(super) struct Published {
    #[command(flatten)]
    remote: Remote,
    connection: String,
    /// The objects of this class.
    class: Option<String>,
    /// One object of the class.
    #[arg(requires = "class")]
    uid: Option<String>,
    /// The links of this reference attribute of the class, instead of its objects.
    #[arg(long, value_name = "ATTRIBUTE", requires = "class", conflicts_with = "uid")]
    links: Option<String>,
}

/// What imports changed, oldest first; each line's position resumes after it.
#[derive(Args)]
pub(super) struct Changes {
    #[command(flatten)]
    remote: Remote,
    connection: String,
    /// Only what came after this position.
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: i64,
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

impl Published {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        let path = format!("{}/published", connection::path(&self.connection));
        match (self.class, self.uid, self.links) {
            (None, ..) => summary(&session, path).await,
            (Some(class), Some(id), _) => {
                session.one(Call::get(format!("{path}/{}/{}", named(&class), named(&id))), OBJECT).await
            }
            (Some(class), None, Some(attribute)) => {
                let call = Call::get(format!("{path}/{}/links/{}", named(&class), named(&attribute)));
                stream(&session, &call, &["/owner", "/target", "/parameters"]).await
            }
            (Some(class), None, None) => {
                let call = Call::get(format!("{path}/{}", named(&class)));
                stream(&session, &call, &["/uid", "/name", "/attributes"]).await
            }
        }
    }
}

impl Changes {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        let path = format!("{}/changes", connection::path(&self.connection));
        let call = Call::get(path).query("after", Some(self.after)).query("limit", self.limit);
        stream(&session, &call, &["/position", "/kind", "/class", "/uid", "/name", "/attribute", "/target"]).await
    }
}

const OBJECT: &[table::Column<'_>] = &[
    ("class", "/class"),
    ("uid", "/uid"),
    ("name", "/name"),
    ("attributes", "/attributes"),
    ("unread", "/unread"),
    ("partial", "/partial"),
];

async fn summary(session: &Session, path: String) -> Result<(), Fault> {
    let reply = session.ask(Call::get(path)).await?;
    if session.json {
        return out::json(&reply.body);
    }
    table::one(&reply.body, &[("run", "/run"), ("when", "/when")])?;
    let list = |pointer| reply.body.pointer(pointer).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    table::list(list("/classes"), &[("class", "/class"), ("objects", "/objects")])?;
    match list("/links") {
        [] => Ok(()),
        links => table::list(links, &[("class", "/class"), ("attribute", "/attribute"), ("links", "/links")]),
    }
}

/// Prints each line as it comes: the API's JSON, or its fields with a tab between.
async fn stream(session: &Session, call: &Call, fields: &[&str]) -> Result<(), Fault> {
    let each = |line: &str| {
        if session.json {
            return out::line(line);
        }
        let item: Json = serde_json::from_str(line)
            .map_err(|why| Fault::failed(format!("a line of the answer is not understood: {why}")))?;
        let cells: Vec<String> = fields.iter().map(|field| table::cell(&item, field)).collect();
        out::line(cells.join("\t").trim_end())
    };
    session.client.lines(call, each).await.map(drop)
}
