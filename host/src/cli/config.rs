//! `hawser config`: a running host's configuration as files declare one, and what editors need to help with them.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::client::Call;
use super::fault::Fault;
use super::out;
use super::remote::Remote;
use crate::declared::Declaration;

/// A host's configuration as a declaration.
#[derive(Args)]
pub(super) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write what a running host is, as `hawser apply` takes it; secrets are left out.
    Export {
        #[command(flatten)]
        remote: Remote,
        /// Into this file instead of standard output.
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print the JSON Schema of declarations, for editors.
    Schema,
}

impl Config {
    pub(super) async fn run(self) -> Result<(), Fault> {
        match self.command {
            Command::Export { remote, out } => export(&remote, out).await,
            Command::Schema => out::json(&Declaration::json_schema()),
        }
    }
}

async fn export(remote: &Remote, file: Option<PathBuf>) -> Result<(), Fault> {
    let session = remote.open()?;
    let reply = session.ask(Call::get("/v1/configuration")).await?;
    if session.json {
        return out::json(&reply.body);
    }
    let declaration: Declaration =
        serde_json::from_value(reply.body).map_err(|why| Fault::failed(format!("the host's answer: {why}")))?;
    let yaml = serde_saphyr::to_string(&declaration).map_err(|why| Fault::failed(why.to_string()))?;
    match file {
        Some(file) => fs::write(&file, yaml).map_err(Fault::io(file.display())),
        None => out::line(format_args!("{}", yaml.trim_end())),
    }
}
