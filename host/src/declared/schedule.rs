//! A schedule as it is declared: the keys of the API, without its identifier, which is its key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{self, ConnectionId, ImportMode, Output, Result, ScheduleId, SystemId, TaskKind, Timing, Work};

/// Tasks that the host orders by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    #[schemars(with = "KindSchema")]
    kind: TaskKind,
    /// Of an import: how much it reads; everything, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ModeSchema>")]
    mode: Option<ImportMode>,
    /// Of an import: where its tables are written once it is published, and as what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OutputSchema>")]
    output: Option<Output>,
    /// The connection to import through, to refresh, or whose orders are begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    connection: Option<ConnectionId>,
    /// A system: the schemas of all its connections are refreshed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    system: Option<SystemId>,
    /// Minute, hour, day of the month, month and day of the week, or a nickname like `@daily`.
    cron: String,
    /// Of the IANA database, as in `Europe/Berlin`.
    #[serde(default = "utc")]
    time_zone: String,
    /// Is a run that was missed while the host was down made up for, once?
    #[serde(default = "yes")]
    catch_up: bool,
    /// A paused one runs only when somebody says so.
    #[serde(default)]
    paused: bool,
}

/// What is ordered.
#[derive(JsonSchema)]
#[schemars(rename = "ScheduleKind", rename_all = "kebab-case")]
#[allow(dead_code, reason = "describes the model's type to editors")]
enum KindSchema {
    Import,
    /// The orders of the connection that wait for their schedule are begun.
    Fulfil,
    RefreshSchema,
}

/// How much an import reads.
#[derive(JsonSchema)]
#[schemars(rename = "ImportMode", rename_all = "kebab-case")]
#[allow(dead_code, reason = "describes the model's type to editors")]
enum ModeSchema {
    /// Everything.
    Complete,
    /// What changed since the import that was published last.
    Incremental,
}

/// Where the tables of an import go.
#[derive(JsonSchema)]
#[schemars(rename = "Output", rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "describes the model's type to editors")]
struct OutputSchema {
    /// A place of the host's configuration.
    place: String,
    format: OutputFormatSchema,
    /// CSV: texts that look like formulas are made texts.
    #[schemars(default)]
    escape_formulas: bool,
    /// The suffixes of the tables; all tables, if left out.
    #[schemars(default)]
    tables: Option<Vec<String>>,
}

/// What kind of files.
#[derive(JsonSchema)]
#[schemars(rename = "OutputFormat", rename_all = "kebab-case")]
#[allow(dead_code, reason = "describes the model's type to editors")]
enum OutputFormatSchema {
    Csv,
    Parquet,
}

impl Schedule {
    /// The same as the model has it.
    ///
    /// # Errors
    /// `invalid-request`, blaming the key that is wrong.
    pub(super) fn into_model(self, id: ScheduleId) -> Result<model::Schedule> {
        let timing = Timing::parse(&self.cron, &self.time_zone)?;
        let work = Work::of(self.kind, self.mode, self.output, self.connection, self.system)?;
        Ok(model::Schedule { id, work, timing, catch_up: self.catch_up, paused: self.paused })
    }
}

impl From<model::Schedule> for Schedule {
    fn from(schedule: model::Schedule) -> Self {
        let model::Schedule { work, timing, catch_up, paused, .. } = schedule;
        Self {
            kind: work.kind(),
            mode: work.mode(),
            output: work.output().cloned(),
            connection: work.connection().cloned(),
            system: work.system().cloned(),
            cron: timing.expression().to_owned(),
            time_zone: timing.zone_name().to_owned(),
            catch_up,
            paused,
        }
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

fn yes() -> bool {
    true
}
