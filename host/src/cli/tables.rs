//! `hawser table`: what imports have published as tables, and their rows as files.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::NamedTempFile;

use super::client::{Call, word};
use super::fault::Fault;
use super::remote::{Remote, Session};
use super::{connection, out, table};

/// Where an answer says up to which position it is complete.
const POSITION: &str = "hawser-position";

/// Connection tables: what there is, and the rows as CSV, Parquet or JSON.
#[derive(Args)]
pub(super) struct Table {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The tables of a connection.
    List { connection: String },
    /// One table: its columns, and how much is in it.
    Show {
        connection: String,
        /// What follows the underscore in its name; `-` where nothing does.
        suffix: String,
    },
    /// The rows of a table, to standard output or into a file.
    Export(Export),
    /// What is set aside of a table, and why.
    SetAside { connection: String, suffix: String },
}

#[derive(Args)]
struct Export {
    connection: String,
    suffix: String,
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Only what changed after this position, with a column `command`; the end of each export says where to go on from.
    #[arg(long, value_name = "POSITION")]
    since: Option<i64>,
    /// CSV: make texts of what a spreadsheet would take for a formula.
    #[arg(long)]
    escape_formulas: bool,
    /// The file; it is there when it is whole, and not before.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Parquet,
    Ndjson,
}

const COLUMNS: &[table::Column<'_>] = &[("table", "/name"), ("rows", "/rows"), ("set aside", "/setAside")];

impl Table {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List { connection } => list(&session, &connection).await,
            Command::Show { connection, suffix } => show(&session, &path(&connection, &suffix)).await,
            Command::Export(export) => export.run(&session).await,
            Command::SetAside { connection, suffix } => set_aside(&session, &path(&connection, &suffix)).await,
        }
    }
}

impl Export {
    async fn run(self, session: &Session) -> Result<(), Fault> {
        let call = Call::get(format!("{}/rows", path(&self.connection, &self.suffix)))
            .query("format", Some(self.format.as_str()))
            .query("since", self.since)
            .query("escape-formulas", self.escape_formulas.then_some(true));
        let position = match &self.output {
            None => write(session, &call, &mut io::stdout().lock()).await?,
            Some(file) => replace(session, &call, file).await?,
        };
        out::note(format_args!("complete up to the position {position}; go on from there with --since {position}"));
        Ok(())
    }
}

impl Format {
    fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
        }
    }
}

fn path(connection: &str, suffix: &str) -> String {
    format!("{}/tables/{}", connection::path(connection), word(suffix))
}

async fn list(session: &Session, connection: &str) -> Result<(), Fault> {
    let reply = session.ask(Call::get(format!("{}/tables", connection::path(connection)))).await?;
    if session.json {
        return out::json(&reply.body);
    }
    if let Some(notice) = reply.body.pointer("/notice").and_then(|notice| notice.as_str()) {
        out::note(out::visible(notice));
    }
    table::list(items(&reply.body, "/items"), COLUMNS)
}

async fn show(session: &Session, path: &str) -> Result<(), Fault> {
    let reply = session.ask(Call::get(path)).await?;
    if session.json {
        return out::json(&reply.body);
    }
    table::one(&reply.body, COLUMNS)?;
    let columns = [("column", "/name"), ("kind", "/kind"), ("list", "/multiValued"), ("attribute", "/attribute")];
    table::list(items(&reply.body, "/columns"), &columns)
}

async fn set_aside(session: &Session, path: &str) -> Result<(), Fault> {
    let each = |line: &str| {
        if session.json {
            return out::line(line);
        }
        let record =
            serde_json::from_str(line).map_err(|why| Fault::failed(format!("a line is not understood: {why}")))?;
        let cells = ["/record", "/kind", "/message"].map(|field| table::cell(&record, field));
        out::line(cells.join("\t"))
    };
    session.client.lines(&Call::get(format!("{path}/set-aside")), each).await.map(drop)
}

fn items<'a>(body: &'a serde_json::Value, pointer: &str) -> &'a [serde_json::Value] {
    body.pointer(pointer).and_then(|items| items.as_array()).map_or(&[], Vec::as_slice)
}

/// Writes beside the file and puts it in its place when it is whole.
async fn replace(session: &Session, call: &Call, file: &Path) -> Result<String, Fault> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let tried = |what| format!("cannot {what} {}", file.display());
    let mut whole = NamedTempFile::new_in(folder).map_err(Fault::io(tried("write beside")))?;
    let position = write(session, call, whole.as_file_mut()).await?;
    File::sync_all(whole.as_file()).map_err(Fault::io(tried("write")))?;
    whole.persist(file).map_err(|why| Fault::io(tried("replace"))(why.error))?;
    Ok(position)
}

/// Writes the rows as they come, and answers the position up to which they are complete.
async fn write(session: &Session, call: &Call, into: &mut impl Write) -> Result<String, Fault> {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {bytes} ({bytes_per_sec})");
    bar.set_style(style.map_err(|why| Fault::failed(why.to_string()))?);
    let mut wrote = |piece: &[u8]| {
        bar.inc(u64::try_from(piece.len()).unwrap_or_default());
        match into.write_all(piece) {
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Err(Fault::nobody_reads()),
            written => written.map_err(Fault::io("cannot write the rows")),
        }
    };
    let headers = session.client.pieces(call, &mut wrote).await?;
    bar.finish_and_clear();
    into.flush().map_err(Fault::io("cannot write the rows"))?;
    let position = headers.get(POSITION).and_then(|value| value.to_str().ok());
    position.map(str::to_owned).ok_or_else(|| Fault::failed("the host did not say up to which position the rows are"))
}
