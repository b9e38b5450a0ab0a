//! Schedules, and their turns: the times at which they order something.
//!
//! Invariant: a turn is taken and its tasks are queued in one transaction, so that a turn is taken once, whoever dies
//! when.

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::Store;
use super::fault::fault;
use super::numbers::{from_json, instant, json, limit, maybe_instant, parsed, word};
use super::orders::release_fulfilments;
use super::systems::check_revision;
use super::tasks::{NewTask, active_task, insert_task};
use crate::model::{
    ConnectionId, Error, FailureKind, Result, Schedule, ScheduleId, ScheduleNote, ScheduleStatus, Stored, TaskId,
    Timing,
};

const SELECT: &str = "SELECT s.id, s.work, s.cron, s.time_zone, s.catch_up, s.paused, s.next_run, s.last_run,
    s.last_skipped, s.last_failure, s.revision, s.created, s.changed, t.id AS task, t.state AS task_state
    FROM schedule s LEFT JOIN task t ON t.id = (SELECT MAX(id) FROM task WHERE LOWER(schedule) = s.folded)";

/// A turn whose time has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub schedule: Schedule,
    pub turn: Timestamp,
}

/// What a schedule orders.
#[derive(Clone, Debug)]
pub enum TurnWork {
    /// These are to be queued.
    New(Vec<NewTask>),
    /// What waits for a schedule of that connection is to be queued.
    Waiting(ConnectionId),
}

/// What becomes of a turn.
#[derive(Clone, Debug)]
pub enum TurnEnd {
    Run(TurnWork),
    /// It is left out.
    Skip(ScheduleNote),
    /// It cannot begin.
    Fail(ScheduleNote),
}

/// What came of ordering some tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ordered {
    pub tasks: Vec<TaskId>,
    /// One that had to end first.
    pub in_the_way: Option<TaskId>,
}

impl Store {
    /// Stores a new schedule that runs at `next`. `conflict` if its id is taken, without regard to case.
    pub async fn create_schedule(&self, schedule: &Schedule, next: Option<Timestamp>) -> Result<ScheduleStatus> {
        let mut tx = self.database.write().await?;
        insert(&mut tx, self.now(), schedule, next).await?;
        tx.commit().await.map_err(fault)?;
        self.schedule(&schedule.id).await
    }

    /// The schedule of that id, found without regard to case. `not-found` if there is none.
    pub async fn schedule(&self, id: &ScheduleId) -> Result<ScheduleStatus> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE s.folded = $1")))
            .bind(id.folded())
            .fetch_optional(self.database.reader())
            .await
            .map_err(fault)?;
        status(&row.ok_or_else(|| missing(id))?)
    }

    /// Schedules after `after`, ordered by id without regard to case.
    pub async fn schedules(&self, after: Option<&ScheduleId>, at_most: u32) -> Result<Vec<ScheduleStatus>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE s.folded > $1 ORDER BY s.folded LIMIT $2")))
            .bind(after.map(ScheduleId::folded).unwrap_or_default())
            .bind(limit(at_most))
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        rows.iter().map(status).collect()
    }

    /// Replaces what the schedule of that id says; it runs at `next`. `stale` if `if_match` is no longer its revision.
    pub async fn replace_schedule(
        &self,
        schedule: &Schedule,
        next: Option<Timestamp>,
        if_match: Option<i64>,
    ) -> Result<ScheduleStatus> {
        let mut tx = self.database.write().await?;
        update(&mut tx, self.now(), schedule, next, if_match).await?;
        tx.commit().await.map_err(fault)?;
        self.schedule(&schedule.id).await
    }

    /// Deletes the schedule; its tasks stay. `stale` if `if_match` is no longer its revision.
    pub async fn delete_schedule(&self, id: &ScheduleId, if_match: Option<i64>) -> Result<()> {
        let mut tx = self.database.write().await?;
        remove(&mut tx, id, if_match).await?;
        tx.commit().await.map_err(fault)
    }

    /// The turns whose time has come, the oldest first.
    pub async fn due_schedules(&self, at_most: u32) -> Result<Vec<Due>> {
        let sql = format!("{SELECT} WHERE s.next_run <= $1 ORDER BY s.next_run LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.now())
            .bind(limit(at_most))
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        let due = rows.iter().map(status).filter_map(|status| match status {
            Ok(ScheduleStatus { schedule, next_run: Some(turn), .. }) => Some(Due { schedule: schedule.value, turn }),
            Ok(_) => None,
            // A time zone that this machine does not know must not keep the others waiting.
            Err(error) => {
                tracing::error!(%error, detail = error.detail, "a schedule cannot be read");
                None
            }
        });
        Ok(due.collect())
    }

    /// Ends a turn as it says and goes on to `next`; none if somebody else has, or the schedule was changed. Tasks that
    /// one of their kind stands in the way of are left out, and that is noted.
    pub async fn end_turn(&self, due: &Due, next: Option<Timestamp>, end: TurnEnd) -> Result<Option<Ordered>> {
        let mut tx = self.database.write().await?;
        let taken = sqlx::query("UPDATE schedule SET next_run = $3 WHERE folded = $1 AND next_run = $2")
            .bind(due.schedule.id.folded())
            .bind(due.turn.as_microsecond())
            .bind(next.map(Timestamp::as_microsecond))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        if taken.rows_affected() == 0 {
            return Ok(None);
        }
        let id = &due.schedule.id;
        let ordered = match &end {
            TurnEnd::Run(work) => self.order(&mut tx, id, work).await?,
            TurnEnd::Skip(why) => note(&mut tx, id, &Noted::Skipped(why)).await?,
            TurnEnd::Fail(why) => note(&mut tx, id, &Noted::Failed(why)).await?,
        };
        tx.commit().await.map_err(fault)?;
        Ok(Some(ordered))
    }

    /// Does the work of a schedule out of its turn. `conflict` if nothing could be queued, because a task stands in the
    /// way.
    pub async fn run_schedule(&self, id: &ScheduleId, work: &TurnWork) -> Result<Ordered> {
        let mut tx = self.database.write().await?;
        let ordered = self.order(&mut tx, id, work).await?;
        if let (true, Some(task)) = (ordered.tasks.is_empty(), ordered.in_the_way) {
            let message = format!("the task {task} has not ended; wait for it or cancel it first");
            return Err(Error::failure(FailureKind::Conflict, message));
        }
        tx.commit().await.map_err(fault)?;
        Ok(ordered)
    }

    async fn order(&self, at: &mut SqliteConnection, id: &ScheduleId, work: &TurnWork) -> Result<Ordered> {
        let mut ordered = Ordered::default();
        let tasks = match work {
            TurnWork::New(tasks) => tasks.as_slice(),
            TurnWork::Waiting(connection) => {
                ordered.tasks = release_fulfilments(at, connection, id).await?;
                &[]
            }
        };
        for new in tasks {
            match active_task(at, &new.connection, new.kind).await? {
                Some((task, _)) => ordered.in_the_way = Some(task),
                None => ordered.tasks.push(insert_task(at, new, self.now()).await?),
            }
        }
        if let Some(task) = ordered.in_the_way {
            let message = format!("the task {task} had not ended");
            let kind = FailureKind::Conflict.as_str().to_owned();
            let why = ScheduleNote { at: instant(self.now())?, kind, message, task: Some(task) };
            note(at, id, &Noted::Skipped(&why)).await?;
        }
        if !ordered.tasks.is_empty() || matches!(work, TurnWork::Waiting(_)) {
            let noted = sqlx::query("UPDATE schedule SET last_run = $2 WHERE folded = $1");
            noted.bind(id.folded()).bind(self.now()).execute(at).await.map_err(fault)?;
        }
        Ok(ordered)
    }
}

/// Adds a schedule that runs at `next`, inside a transaction.
pub(super) async fn insert(
    at: &mut SqliteConnection,
    now: i64,
    schedule: &Schedule,
    next: Option<Timestamp>,
) -> Result<()> {
    let done = sqlx::query(
        "INSERT INTO schedule (folded, id, work, cron, time_zone, catch_up, paused, next_run, revision, created,
            changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9) ON CONFLICT DO NOTHING",
    )
    .bind(schedule.id.folded())
    .bind(schedule.id.as_str())
    .bind(json(&schedule.work)?)
    .bind(schedule.timing.expression())
    .bind(schedule.timing.zone_name())
    .bind(schedule.catch_up)
    .bind(schedule.paused)
    .bind(next.map(Timestamp::as_microsecond))
    .bind(now)
    .execute(at)
    .await
    .map_err(fault)?;
    if done.rows_affected() == 0 {
        let message = format!("the schedule {} exists already", schedule.id);
        return Err(Error::failure(FailureKind::Conflict, message));
    }
    Ok(())
}

/// Replaces what a schedule says, inside a transaction; it runs at `next`.
pub(super) async fn update(
    at: &mut SqliteConnection,
    now: i64,
    schedule: &Schedule,
    next: Option<Timestamp>,
    if_match: Option<i64>,
) -> Result<()> {
    require_revision(at, &schedule.id, if_match).await?;
    sqlx::query(
        "UPDATE schedule SET work = $2, cron = $3, time_zone = $4, catch_up = $5, paused = $6, next_run = $7,
            revision = revision + 1, changed = $8 WHERE folded = $1",
    )
    .bind(schedule.id.folded())
    .bind(json(&schedule.work)?)
    .bind(schedule.timing.expression())
    .bind(schedule.timing.zone_name())
    .bind(schedule.catch_up)
    .bind(schedule.paused)
    .bind(next.map(Timestamp::as_microsecond))
    .bind(now)
    .execute(at)
    .await
    .map_err(fault)?;
    Ok(())
}

/// Deletes a schedule, inside a transaction.
pub(super) async fn remove(at: &mut SqliteConnection, id: &ScheduleId, if_match: Option<i64>) -> Result<()> {
    require_revision(at, id, if_match).await?;
    sqlx::query("DELETE FROM schedule WHERE folded = $1").bind(id.folded()).execute(at).await.map_err(fault)?;
    Ok(())
}

/// What there is to note.
enum Noted<'a> {
    Skipped(&'a ScheduleNote),
    Failed(&'a ScheduleNote),
}

async fn note(at: &mut SqliteConnection, id: &ScheduleId, noted: &Noted<'_>) -> Result<Ordered> {
    let (statement, why) = match noted {
        Noted::Skipped(why) => ("UPDATE schedule SET last_skipped = $2 WHERE folded = $1", why),
        Noted::Failed(why) => ("UPDATE schedule SET last_failure = $2 WHERE folded = $1", why),
    };
    sqlx::query(statement).bind(id.folded()).bind(json(why)?).execute(at).await.map_err(fault)?;
    Ok(Ordered::default())
}

async fn require_revision(at: &mut SqliteConnection, id: &ScheduleId, if_match: Option<i64>) -> Result<()> {
    let revision: Option<i64> = sqlx::query_scalar("SELECT revision FROM schedule WHERE folded = $1")
        .bind(id.folded())
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    check_revision("schedule", id.as_str(), revision.ok_or_else(|| missing(id))?, if_match)
}

fn missing(id: &ScheduleId) -> Error {
    Error::not_found(format!("there is no schedule {id}"))
}

fn status(row: &SqliteRow) -> Result<ScheduleStatus> {
    let maybe_text = |column: &str| row.try_get::<Option<String>, _>(column).map_err(fault);
    let maybe_note = |column: &str| maybe_text(column)?.map(|json| from_json("note", &json)).transpose();
    let time = |column: &str| row.try_get::<Option<i64>, _>(column).map_err(fault).and_then(maybe_instant);
    let task = match (maybe_text("task")?, maybe_text("task_state")?) {
        (Some(id), Some(state)) => Some((parsed("task id", &id)?, word("task state", state)?)),
        _ => None,
    };
    let schedule = Stored {
        value: schedule(row)?,
        revision: row.try_get("revision").map_err(fault)?,
        created: row.try_get("created").map_err(fault).and_then(instant)?,
        changed: row.try_get("changed").map_err(fault).and_then(instant)?,
    };
    Ok(ScheduleStatus {
        schedule,
        next_run: time("next_run")?,
        last_run: time("last_run")?,
        last_task: task,
        last_skipped: maybe_note("last_skipped")?,
        last_failure: maybe_note("last_failure")?,
    })
}

fn schedule(row: &SqliteRow) -> Result<Schedule> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(fault);
    Ok(Schedule {
        id: parsed("schedule identifier", &text("id")?)?,
        work: from_json("work of a schedule", &text("work")?)?,
        timing: Timing::parse(&text("cron")?, &text("time_zone")?)?,
        catch_up: row.try_get("catch_up").map_err(fault)?,
        paused: row.try_get("paused").map_err(fault)?,
    })
}
