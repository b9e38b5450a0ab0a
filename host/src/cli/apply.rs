//! `hawser apply`: a host made what files declare; first shown, then carried out, all of it or nothing.

mod files;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value as Json, json};

use super::client::Call;
use super::fault::Fault;
use super::remote::Remote;
use super::{out, table};

/// Make a host what files declare: publishers, connectors, systems, connections and what they may reach, mappings, schedules
#[derive(Args)]
pub(super) struct Apply {
    #[command(flatten)]
    remote: Remote,
    /// A YAML file, or a directory of them.
    #[arg(short, long, value_name = "PATH")]
    file: PathBuf,
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
    /// Approve the permissions that are declared; without it they stay requests.
    #[arg(long)]
    approve: bool,
    /// Delete what is there and not declared, of each kind of which something is.
    #[arg(long)]
    prune: bool,
}

impl Apply {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let declaration = files::read(&self.file)?;
        let session = self.remote.open()?;
        let path = if self.dry_run { "/v1/configuration/plan" } else { "/v1/configuration/apply" };
        let order = json!({"declaration": declaration, "approve": self.approve, "prune": self.prune});
        let reply = session.ask(Call::post(path, order)).await?;
        if session.json {
            return out::json(&reply.body);
        }
        show(&reply.body)
    }
}

fn show(plan: &Json) -> Result<(), Fault> {
    let steps = items(plan, "/steps");
    for step in steps {
        out::line(format_args!("{} {} {}", mark(step), table::cell(step, "/kind"), table::cell(step, "/id")))?;
        for difference in items(step, "/differences").iter().filter(|_| mark(step) == '~') {
            let side = |side: &str| difference.get(side).map_or_else(|| "-".to_owned(), Json::to_string);
            let (path, before, after) = (table::cell(difference, "/path"), side("before"), side("after"));
            out::line(format_args!("    {path}: {} -> {}", out::visible(&before), out::visible(&after)))?;
        }
    }
    for waiting in items(plan, "/waiting") {
        let (connection, permission) = (table::cell(waiting, "/connection"), table::cell(waiting, "/permission"));
        out::line(format_args!("? connection {connection} waits for approval of {permission}"))?;
    }
    let count = |mark_of: char| steps.iter().filter(|step| mark(step) == mark_of).count();
    let applied = plan.pointer("/applied").and_then(Json::as_bool).unwrap_or_default();
    let (created, updated, deleted, unchanged) = (count('+'), count('~'), count('-'), table::cell(plan, "/unchanged"));
    let told = if applied { "done" } else { "to do" };
    out::line(format_args!("{told}: {created} created, {updated} updated, {deleted} deleted; {unchanged} unchanged"))
}

fn items<'a>(of: &'a Json, pointer: &str) -> &'a [Json] {
    of.pointer(pointer).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn mark(step: &Json) -> char {
    match step.pointer("/action").and_then(Json::as_str) {
        Some("create") => '+',
        Some("delete") => '-',
        _ => '~',
    }
}
