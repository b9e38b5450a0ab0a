//! `hawser connection schema`: what a target looks like, looked like, and what changed.

use serde_json::Value as Json;

use super::path;
use crate::cli::client::Call;
use crate::cli::fault::Fault;
use crate::cli::out;
use crate::cli::remote::{Paging, Session};
use crate::cli::table::{self, Column};

const STATUS: &[Column<'_>] = &[
    ("snapshot", "/snapshot"),
    ("refreshed", "/refreshed"),
    ("current", "/current"),
    ("failed", "/failed"),
    ("message", "/message"),
];

/// The classes as they were read last, or anew.
pub(super) async fn show(session: &Session, connection: &str, refresh: bool) -> Result<(), Fault> {
    let path = format!("{}/schema", path(connection));
    let call = if refresh { Call::act(format!("{path}/refresh")) } else { Call::get(path) };
    let reply = session.ask(call).await?;
    if session.json {
        return out::json(&reply.body);
    }
    table::one(&reply.body, STATUS)?;
    for class in reply.body.pointer("/classes").and_then(Json::as_array).into_iter().flatten() {
        let name = console::style(table::cell(class, "/name")).bold().to_string();
        out::line(format_args!("\n{name} ({})", table::cell(class, "/kind")))?;
        let attributes = class.pointer("/attributes").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        table::list(attributes, ATTRIBUTES)?;
    }
    Ok(())
}

const ATTRIBUTES: &[Column<'_>] = &[
    ("attribute", "/name"),
    ("syntax", "/syntax"),
    ("required", "/required"),
    ("multi-valued", "/multiValued"),
    ("creatable", "/creatable"),
    ("updateable", "/updateable"),
    ("readable", "/readable"),
];

/// The versions, newest first.
pub(super) async fn snapshots(session: &Session, connection: &str) -> Result<(), Fault> {
    let columns = &[("version", "/number"), ("first read", "/firstRead"), ("last read", "/lastRead")];
    session.page(Call::get(format!("{}/schema/snapshots", path(connection))), &Paging::default(), columns).await
}

/// What one version says differently from another.
pub(super) async fn changes(
    session: &Session,
    connection: &str,
    from: Option<u32>,
    to: Option<u32>,
) -> Result<(), Fault> {
    let call = Call::get(format!("{}/schema/changes", path(connection)));
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let reply = session.ask(call.query("from", number(from)).query("to", number(to))).await?;
    if session.json {
        return out::json(&reply.body);
    }
    let classes = reply.body.pointer("/classes").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    if classes.is_empty() {
        return out::line(format_args!("nothing changed"));
    }
    for class in classes {
        out::line(format_args!("{} {}{}", mark(class), table::cell(class, "/name"), fields(class)))?;
        for attribute in class.pointer("/attributes").and_then(Json::as_array).into_iter().flatten() {
            out::line(format_args!("  {} {}{}", mark(attribute), table::cell(attribute, "/name"), fields(attribute)))?;
        }
    }
    Ok(())
}

fn mark(changed: &Json) -> char {
    match changed.pointer("/change").and_then(Json::as_str) {
        Some("added") => '+',
        Some("removed") => '-',
        _ => '~',
    }
}

fn fields(changed: &Json) -> String {
    let fields = changed.pointer("/fields").and_then(Json::as_array).into_iter().flatten();
    let shown = |field: &Json| {
        format!(
            " {}: {} -> {}",
            table::cell(field, "/field"),
            table::cell(field, "/before"),
            table::cell(field, "/after")
        )
    };
    fields.map(shown).collect::<Vec<_>>().join(",")
}
