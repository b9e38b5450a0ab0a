//! Schedules: work that the host orders by itself, at times that a cron expression names in a time zone.
//!
//! Where clocks are changed, an expression that names its time of day (no `*` or `*/n` in minutes and hours) runs once a
//! day all the same: at the first minute after a gap, and at the first of two equal times. One that repeats (`*`, `*/n`)
//! follows the time that passes: what falls into a gap is left out, what comes twice runs twice.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::connection::Stored;
use super::error::{Error, Result};
use super::id::{ConnectionId, ScheduleId, SystemId, TaskId};
use super::output::Output;
use super::task::{ImportMode, TaskKind, TaskState};

/// The longest cron expression, in bytes.
pub const CRON_BYTES_MAX: usize = 128;
/// The longest name of a time zone, in bytes.
pub const TIME_ZONE_BYTES_MAX: usize = 64;

/// What the host orders by itself, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub id: ScheduleId,
    pub work: Work,
    pub timing: Timing,
    /// Is a run that was missed while the host was down made up for, once?
    pub catch_up: bool,
    pub paused: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Work {
    Import {
        connection: ConnectionId,
        mode: ImportMode,
        /// Where the tables are written once the import is published.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Output>,
    },
    RefreshConnection {
        connection: ConnectionId,
    },
    /// The schemas of all connections of the system that have one.
    RefreshSystem {
        system: SystemId,
    },
    /// The orders of the connection that wait for their schedule.
    Fulfil {
        connection: ConnectionId,
    },
}

/// A cron expression of five fields (minute, hour, day of the month, month, day of the week) or a nickname like `@daily`,
/// in a time zone of the IANA database.
#[derive(Clone)]
pub struct Timing {
    cron: Cron,
    zone: TimeZone,
    expression: String,
    zone_name: String,
}

/// Something that happened to a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleNote {
    pub at: Timestamp,
    /// As in the last part of a problem's type.
    pub kind: String,
    pub message: String,
    /// The task that is to blame.
    pub task: Option<TaskId>,
}

/// A schedule with what became of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleStatus {
    pub schedule: Stored<Schedule>,
    /// None: it is paused, or its expression names no time any more.
    pub next_run: Option<Timestamp>,
    pub last_run: Option<Timestamp>,
    /// The newest of its tasks.
    pub last_task: Option<(TaskId, TaskState)>,
    /// The last run that was left out.
    pub last_skipped: Option<ScheduleNote>,
    /// The last run that could not begin.
    pub last_failure: Option<ScheduleNote>,
}

impl Schedule {
    /// When it runs next, after that time; none while it is paused.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        if self.paused { None } else { self.timing.next(after) }
    }
}

impl Work {
    /// What is to be done, as it is written down: an import names a connection and how much it reads (everything, if
    /// left out), a refresh a connection or a system, a fulfilment a connection.
    ///
    /// # Errors
    /// `invalid-request`, blaming `kind`, `mode`, `output` or `connection`.
    pub fn of(
        kind: TaskKind,
        mode: Option<ImportMode>,
        output: Option<Output>,
        connection: Option<ConnectionId>,
        system: Option<SystemId>,
    ) -> Result<Self> {
        let refused = |what: &str, blamed: &str| Err(Error::invalid(what.to_owned()).blaming(blamed));
        match (kind, connection, system) {
            (TaskKind::WriteTables, ..) => {
                refused("the kind of a schedule is import, fulfil or refresh-schema", "kind")
            }
            (TaskKind::RefreshSchema | TaskKind::Fulfil, ..) if mode.is_some() => {
                refused("mode means nothing where nothing is imported", "mode")
            }
            (TaskKind::RefreshSchema | TaskKind::Fulfil, ..) if output.is_some() => {
                refused("output means nothing where nothing is imported", "output")
            }
            (TaskKind::Fulfil, Some(connection), None) => Ok(Self::Fulfil { connection }),
            (TaskKind::Fulfil, ..) => refused("a fulfilment names a connection, and no system", "connection"),
            (TaskKind::Import, Some(connection), None) => {
                Ok(Self::Import { connection, mode: mode.unwrap_or_default(), output })
            }
            (TaskKind::Import, ..) => refused("an import names a connection, and no system", "connection"),
            (TaskKind::RefreshSchema, Some(connection), None) => Ok(Self::RefreshConnection { connection }),
            (TaskKind::RefreshSchema, None, Some(system)) => Ok(Self::RefreshSystem { system }),
            (TaskKind::RefreshSchema, ..) => refused("name either a connection or a system", "connection"),
        }
    }

    /// What its tasks do.
    pub const fn kind(&self) -> TaskKind {
        match self {
            Self::Import { .. } => TaskKind::Import,
            Self::RefreshConnection { .. } | Self::RefreshSystem { .. } => TaskKind::RefreshSchema,
            Self::Fulfil { .. } => TaskKind::Fulfil,
        }
    }

    /// The connection it is about, if it is one.
    pub const fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Import { connection, .. } | Self::RefreshConnection { connection } | Self::Fulfil { connection } => {
                Some(connection)
            }
            Self::RefreshSystem { .. } => None,
        }
    }

    /// How much it reads, if it imports.
    pub const fn mode(&self) -> Option<ImportMode> {
        match self {
            Self::Import { mode, .. } => Some(*mode),
            _ => None,
        }
    }

    /// Where it writes what it imported, if it does.
    pub const fn output(&self) -> Option<&Output> {
        match self {
            Self::Import { output, .. } => output.as_ref(),
            _ => None,
        }
    }

    /// The system it is about, if it is one.
    pub const fn system(&self) -> Option<&SystemId> {
        match self {
            Self::RefreshSystem { system } => Some(system),
            _ => None,
        }
    }
}

impl Timing {
    /// Reads both.
    ///
    /// # Errors
    /// `invalid-request`, blaming `cron` or `timeZone`, also if the expression names no time at all.
    pub fn parse(expression: &str, zone_name: &str) -> Result<Self> {
        let refused = |why: String| Error::invalid(format!("cron is not right: {why}")).blaming("cron");
        if expression.len() > CRON_BYTES_MAX {
            return Err(refused(format!("it has more than {CRON_BYTES_MAX} bytes")));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(expression).map_err(|why| {
            refused(format!(
                "{why}; it has five fields (minute, hour, day of the month, month, day of the week), as in \"30 2 * * 1-5\""
            ))
        })?;
        let timing = Self {
            cron,
            zone: zone(zone_name)?,
            expression: expression.trim().to_owned(),
            zone_name: zone_name.to_owned(),
        };
        match timing.next(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(timing),
            None => Err(refused("it names no time that ever comes".to_owned())),
        }
    }

    /// The first time after that one.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&after, false).ok().map(|next| next.timestamp())
    }

    /// The expression as it was given.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone's name.
    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }
}

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.expression, self.zone_name)
    }
}

impl PartialEq for Timing {
    fn eq(&self, other: &Self) -> bool {
        (&self.expression, &self.zone_name) == (&other.expression, &other.zone_name)
    }
}

fn zone(name: &str) -> Result<TimeZone> {
    let refused = |why: &str| {
        let message = format!("timeZone {why}; name one of the IANA database, as in \"Europe/Berlin\" or \"UTC\"");
        Error::invalid(message).blaming("timeZone")
    };
    if name.len() > TIME_ZONE_BYTES_MAX {
        return Err(refused(&format!("has more than {TIME_ZONE_BYTES_MAX} bytes")));
    }
    TimeZone::get(name).map_err(|_| refused(&format!("{name:?} is not known")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn runs(cron: &str, from: &str, count: usize) -> Vec<String> {
        let timing = Timing::parse(cron, "Europe/Berlin").unwrap();
        let mut now = at(from);
        let mut next = || {
            now = timing.next(now).unwrap();
            now.to_string()
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn what_is_no_expression_or_no_time_zone_is_blamed_by_name() {
        for cron in ["", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "every day", &"*".repeat(200)] {
            assert_eq!(Timing::parse(cron, "UTC").unwrap_err().attributes, ["cron"], "{cron}");
        }
        for zone in ["", "Europe/Nowhere", "CET+1", &"x".repeat(100)] {
            assert_eq!(Timing::parse("@daily", zone).unwrap_err().attributes, ["timeZone"], "{zone}");
        }
    }

    #[test]
    fn a_fixed_time_in_the_gap_of_spring_runs_right_after_it_and_the_next_day_as_always() {
        // On 2026-03-29 clocks went from 02:00 to 03:00, which is 01:00 in UTC.
        let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
        assert_eq!(runs("30 2 * * *", "2026-03-27T12:00:00Z", 3), expected);
    }

    #[test]
    fn a_fixed_time_that_comes_twice_in_autumn_runs_once() {
        // On 2026-10-25 clocks went back from 03:00 to 02:00, which is 01:00 in UTC.
        let expected = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
        assert_eq!(runs("30 2 * * *", "2026-10-23T12:00:00Z", 3), expected);
    }

    #[test]
    fn what_repeats_follows_the_time_that_passes() {
        let spring = ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"];
        assert_eq!(runs("*/30 * * * *", "2026-03-29T00:00:00Z", 3), spring);
        let autumn = ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"];
        assert_eq!(runs("*/30 * * * *", "2026-10-25T00:00:00Z", 3), autumn);
    }

    proptest! {
        #[test]
        fn time_only_goes_forward(second in 0_i64..4_000_000_000, hour in 0_u8..24, zone in 0_usize..3) {
            let zone = ["America/New_York", "Australia/Lord_Howe", "UTC"][zone];
            let timing = Timing::parse(&format!("15 {hour} * * *"), zone).unwrap();
            let after = Timestamp::from_second(second).unwrap();
            let next = timing.next(after).unwrap();
            prop_assert!(next > after && next.as_second() - second <= 26 * 3600, "{next}");
        }
    }
}
