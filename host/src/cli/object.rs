//! `hawser object`: live objects of a target, read and changed through a connection.

mod access;

use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::assign::{Assign, lists};
use super::client::{Call, named};
use super::fault::Fault;
use super::remote::{Remote, Session};
use super::table::Column;
use super::{connection, out, table};

/// What is shown of one object.
const OBJECT: &[Column<'_>] = &[
    ("class", "/class"),
    ("uid", "/uid"),
    ("name", "/name"),
    ("revision", "/revision"),
    ("unread", "/unread"),
    ("partial", "/partial"),
];

/// What is shown of a change to one.
const WRITTEN: &[Column<'_>] = &[
    ("class", "/class"),
    ("uid", "/uid"),
    ("name", "/name"),
    ("revision", "/revision"),
    ("also changed", "/attributes"),
    ("secrets made for", "/issued"),
    ("failed parts", "/failures"),
    ("pending", "/pending"),
];

/// Objects of a target: list, change, grant, set passwords.
#[derive(Args)]
pub(super) struct Object {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

/// The objects of one class.
#[derive(Args)]
struct Kind {
    connection: String,
    /// The object class, e.g. account.
    class: String,
}

/// One object.
#[derive(Args)]
struct One {
    #[command(flatten)]
    kind: Kind,
    uid: String,
}

#[derive(Subcommand)]
enum Command {
    /// Objects of a class, as the target has them now.
    List(List),
    /// One object.
    Get {
        #[command(flatten)]
        one: One,
        /// Only these attributes.
        #[arg(long, value_delimiter = ',')]
        attributes: Vec<String>,
    },
    /// Create an object.
    Create {
        #[command(flatten)]
        kind: Kind,
        /// Its name.
        #[arg(long)]
        name: String,
        /// The uid of its container, in a target that is a tree.
        #[arg(long, value_name = "UID")]
        container: Option<String>,
        /// An attribute: NAME=TEXT, or NAME:=JSON; again for more values.
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<Assign>,
    },
    /// Change an object.
    Update(Update),
    /// Delete an object.
    Delete {
        #[command(flatten)]
        one: One,
        /// Only if it still is what was seen: its revision's ETag.
        #[arg(long, value_name = "ETAG")]
        if_match: Option<String>,
    },
    #[command(flatten)]
    Access(access::Command),
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    kind: Kind,
    /// Which, in SCIM's grammar: 'department eq "Sales" and not (active eq "false")'.
    #[arg(long)]
    filter: Option<String>,
    /// Only these attributes.
    #[arg(long, value_delimiter = ',')]
    attributes: Vec<String>,
    /// Only in this container.
    #[arg(long, value_name = "UID")]
    container: Option<String>,
    #[command(flatten)]
    paging: super::remote::Paging,
}

#[derive(Args)]
struct Update {
    #[command(flatten)]
    one: One,
    /// Give it another name.
    #[arg(long)]
    name: Option<String>,
    /// Move it to another container.
    #[arg(long, value_name = "UID")]
    container: Option<String>,
    /// Replace an attribute's values: NAME=TEXT, or NAME:=JSON; again for more values.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<Assign>,
    /// Remove all values of an attribute.
    #[arg(long, value_name = "NAME")]
    clear: Vec<String>,
    /// Add a value to an attribute.
    #[arg(long, value_name = "NAME=VALUE")]
    add: Vec<Assign>,
    /// Remove a value from an attribute.
    #[arg(long, value_name = "NAME=VALUE")]
    remove: Vec<Assign>,
    /// Only if it still is what was seen: its revision's ETag.
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl Kind {
    fn path(&self) -> String {
        format!("{}/objects/{}", connection::path(&self.connection), named(&self.class))
    }
}

impl One {
    fn path(&self) -> String {
        format!("{}/{}", self.kind.path(), named(&self.uid))
    }
}

impl Object {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List(list) => list.run(&session).await,
            Command::Get { one, attributes } => get(&session, &one, &attributes).await,
            Command::Create { kind, name, container, set } => {
                let mut body = json!({"name": name, "attributes": lists(&set)});
                put_if_some(&mut body, "container", container);
                session.one(Call::post(kind.path(), body), WRITTEN).await
            }
            Command::Update(update) => update.run(&session).await,
            Command::Delete { one, if_match } => {
                let call = Call::delete(one.path()).header("if-match", if_match.as_deref())?;
                session.done(call, &format!("deleted {} {}", one.kind.class, one.uid)).await
            }
            Command::Access(command) => command.run(&session).await,
        }
    }
}

impl List {
    async fn run(self, session: &Session) -> Result<(), Fault> {
        let attributes = joined(&self.attributes);
        let call = Call::get(self.kind.path())
            .query("filter", self.filter)
            .query("attributes", attributes)
            .query("container", self.container);
        let pointers: Vec<String> = self.attributes.iter().map(|name| attribute_pointer(name)).collect();
        let mut columns: Vec<Column<'_>> = vec![("uid", "/uid"), ("name", "/name")];
        columns.extend(self.attributes.iter().zip(&pointers).map(|(name, at)| (name.as_str(), at.as_str())));
        if pointers.is_empty() {
            columns.push(("attributes", "/attributes"));
        }
        session.items(self.paging.of(call), "/objects", &columns).await
    }
}

impl Update {
    async fn run(self, session: &Session) -> Result<(), Fault> {
        let mut body = json!({"changes": self.changes()?});
        put_if_some(&mut body, "name", self.name);
        put_if_some(&mut body, "container", self.container);
        let call = Call::patch(self.one.path(), body).header("if-match", self.if_match.as_deref())?;
        session.one(call, WRITTEN).await
    }

    /// One change per attribute: replace, or add and remove.
    fn changes(&self) -> Result<Map<String, Json>, Fault> {
        let mut changes = Map::new();
        for (name, values) in lists(&self.set) {
            changes.insert(name, json!({"replace": values}));
        }
        for name in &self.clear {
            once(changes.insert(name.clone(), json!({"replace": []})).is_none(), name)?;
        }
        let (mut added, removed) = (lists(&self.add), lists(&self.remove));
        for (name, values) in removed {
            let add = added.remove(&name).unwrap_or_else(|| json!([]));
            once(changes.insert(name.clone(), json!({"add": add, "remove": values})).is_none(), &name)?;
        }
        for (name, values) in added {
            once(changes.insert(name.clone(), json!({"add": values})).is_none(), &name)?;
        }
        Ok(changes)
    }
}

async fn get(session: &Session, one: &One, attributes: &[String]) -> Result<(), Fault> {
    let reply = session.ask(Call::get(one.path()).query("attributes", joined(attributes))).await?;
    session.show(&reply, OBJECT)?;
    let values = reply.body.pointer("/attributes").and_then(Json::as_object);
    for (name, value) in values.into_iter().flatten().filter(|_| !session.json) {
        out::line(format_args!("  {}: {}", out::visible(name), out::visible(&table::text(value))))?;
    }
    Ok(())
}

fn once(first: bool, name: &str) -> Result<(), Fault> {
    if first {
        return Ok(());
    }
    Err(Fault::usage(format!("{name} is changed twice: --set or --clear replaces it, --add and --remove edit it")))
}

fn put_if_some(body: &mut Json, key: &str, value: Option<String>) {
    if let (Some(body), Some(value)) = (body.as_object_mut(), value) {
        body.insert(key.to_owned(), value.into());
    }
}

fn joined(attributes: &[String]) -> Option<String> {
    (!attributes.is_empty()).then(|| attributes.join(","))
}

fn attribute_pointer(name: &str) -> String {
    format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::fault::Exit;
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        update: Update,
    }

    fn changes(arguments: &[&str]) -> Result<Map<String, Json>, Fault> {
        let line = ["update", "people", "account", "u1"].iter().chain(arguments);
        Line::try_parse_from(line).unwrap().update.changes()
    }

    #[test]
    fn an_attribute_that_is_replaced_and_edited_is_refused() {
        let fault = changes(&["--set", "mail=a", "--add", "mail=b"]).unwrap_err();
        assert_eq!(fault.exit, Exit::Usage);
        assert!(fault.message.starts_with("mail is changed twice"), "{fault}");
        assert!(changes(&["--clear", "mail", "--remove", "mail=b"]).is_err());
    }

    #[test]
    fn a_clear_is_an_empty_list_and_an_edit_says_both_sides() {
        let changes = changes(&["--clear", "phone", "--add", "mail=b", "--remove", "mail=a", "--set", "n:=2"]).unwrap();
        assert_eq!(
            Json::Object(changes),
            json!({"n": {"replace": [2]}, "phone": {"replace": []}, "mail": {"add": ["b"], "remove": ["a"]}})
        );
    }

    #[test]
    fn an_attribute_with_a_slash_is_found() {
        let object = json!({"attributes": {"a/b~c": ["x"]}});
        assert_eq!(table::cell(&object, &attribute_pointer("a/b~c")), "x");
    }
}
