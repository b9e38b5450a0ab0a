//! `hawser connection secret`: secured options of a connection. A value comes from the terminal without an echo or from
//! standard input, never from an argument, and nothing shows it again.

use std::io::{Read as _, stdin};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::client::{Call, named, word};
use super::fault::Fault;
use super::remote::{Paging, Session};
use super::{connection, out, password, table};
use crate::model::secret::SECRET_BYTES_MAX;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Which there are, and what is set: from where, since when, by whom, and a fingerprint.
    List {
        connection: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Set or replace one; its value is asked for without an echo, or read from standard input.
    Set {
        #[command(flatten)]
        one: One,
        /// Read the value from standard input, whatever bytes it has; one line break at its end is not part of it.
        #[arg(value_enum)]
        source: Option<Source>,
        /// Where the value is kept outside the host: env:NAME or file:/path, as its configuration allows. It goes before a
        /// value that is set as well.
        #[arg(long, value_name = "REFERENCE", conflicts_with = "source")]
        from: Option<String>,
    },
    /// Clear one.
    Clear {
        #[command(flatten)]
        one: One,
        /// Only the value, or only the reference, so that the other one holds.
        #[arg(long, value_enum)]
        only: Option<Layer>,
    },
}

/// A secured option, or one entry of it.
#[derive(Args)]
pub(super) struct One {
    connection: String,
    /// Its name in the connector's manifest.
    name: String,
    /// Of a map: the key of the entry.
    #[arg(long)]
    key: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Source {
    #[value(name = "-")]
    StandardInput,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Layer {
    Value,
    Reference,
}

impl Layer {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Reference => "reference",
        }
    }
}

impl Command {
    pub(super) async fn run(self, session: &Session) -> Result<(), Fault> {
        match self {
            Self::List { connection, paging } => list(session, &connection, &paging).await,
            Self::Set { one, source, from } => {
                let body = match from {
                    Some(from) => json!({"from": from}),
                    None => json!({"value": wire(&value(source)?)}),
                };
                session.done(Call::put(one.path(), body), &format!("{} is set", one.shown())).await
            }
            Self::Clear { one, only } => {
                let what = only.map(|only| format!("the {} of ", only.as_str())).unwrap_or_default();
                let call = Call::delete(one.path()).query("only", only.map(Layer::as_str));
                session.done(call, &format!("{what}{} is cleared", one.shown())).await
            }
        }
    }
}

impl One {
    fn path(&self) -> String {
        let option = format!("{}/secured-options/{}", connection::path(&self.connection), word(&self.name));
        self.key.as_ref().map_or_else(|| option.clone(), |key| format!("{option}/{}", named(key)))
    }

    fn shown(&self) -> String {
        let key = self.key.as_ref().map(|key| format!(" {key}")).unwrap_or_default();
        format!("{}{key} of {}", self.name, self.connection)
    }
}

const OPTIONS: &[table::Column<'_>] = &[
    ("option", "/name"),
    ("kind", "/kind"),
    ("required", "/required"),
    ("key", "/key"),
    ("source", "/shownSource"),
    ("fingerprint", "/fingerprint"),
    ("set", "/setAt"),
    ("by", "/setBy"),
    ("enter again", "/needsEntry"),
    ("not read", "/failed/kind"),
];

async fn list(session: &Session, connection: &str, paging: &Paging) -> Result<(), Fault> {
    let call = paging.of(Call::get(format!("{}/secured-options", connection::path(connection))));
    let reply = session.ask(call).await?;
    if session.json {
        return out::json(&reply.body);
    }
    let options = reply.body.pointer("/items").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    table::list(&options.iter().flat_map(lines).collect::<Vec<_>>(), OPTIONS)
}

/// A line for every value of an option, or one without a value.
fn lines(option: &Json) -> Vec<Json> {
    let set = option.pointer("/set").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let line = |status: &Json| {
        let mut line = option.clone();
        if let (Some(line), Some(status)) = (line.as_object_mut(), status.as_object()) {
            line.extend(status.clone());
            let source = status.get("from").or_else(|| status.get("source")).cloned();
            line.insert("shownSource".to_owned(), source.unwrap_or_default());
        }
        line
    };
    if set.is_empty() { vec![option.clone()] } else { set.iter().map(line).collect() }
}

fn value(source: Option<Source>) -> Result<Zeroizing<Vec<u8>>, Fault> {
    match source {
        None => Ok(Zeroizing::new(password::prompt("Value", true)?.as_bytes().to_vec())),
        Some(Source::StandardInput) => {
            let mut bytes = Zeroizing::new(Vec::new());
            // With room for the line break, and a byte more, so that the host sees what is too long.
            let most = u64::try_from(SECRET_BYTES_MAX + 3).unwrap_or(u64::MAX);
            stdin().lock().take(most).read_to_end(&mut bytes).map_err(Fault::io("cannot read standard input"))?;
            Ok(without_line_break(bytes))
        }
    }
}

fn without_line_break(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let length = bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n")).map_or(bytes.len(), <[u8]>::len);
    bytes.truncate(length);
    bytes
}

fn wire(value: &[u8]) -> Json {
    std::str::from_utf8(value).map_or_else(|_| json!({"binary": BASE64.encode(value)}), Json::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_a_value() {
        let of = |text: &str| without_line_break(Zeroizing::new(text.into())).to_vec();
        assert_eq!(of("a\nb\n\n"), b"a\nb\n");
        assert_eq!(of(" a \r\n"), b" a ");
        assert_eq!(of(""), b"");
    }

    #[test]
    fn bytes_that_are_no_text_travel_in_base64() {
        assert_eq!(wire(b"\xff"), json!({"binary": "/w=="}));
        assert_eq!(wire("é".as_bytes()), json!("é"));
    }
}
