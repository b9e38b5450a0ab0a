//! Schedules: tasks that nobody has to order.
//!
//! The host looks every second for turns whose time has come; what it finds is audited and queued as if the schedule had
//! asked for it. A turn that passed while the host was down is taken once at the start, however many were missed, or left
//! out if the schedule says so. A run whose predecessor has not ended is left out and noted.
//!
//! Invariant: a turn is taken once. The store moves a schedule on and queues its tasks in one transaction.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{Tasks, persist};
use crate::audit;
use crate::model::{
    ConnectionId, Error, ErrorKind, Export, FailureKind, ImportMode, Output, RequestContext, RequestId, Result, Role,
    Schedule, ScheduleId, ScheduleNote, ScheduleStatus, Stored, SystemId, TaskKind, Work,
};
use crate::runtime::Used;
use crate::store::{Due, NewTask, Ordered, TurnEnd, TurnWork};

/// How often turns are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How late a turn may be taken without having been missed.
const LATE_MAX: SignedDuration = SignedDuration::from_secs(60);
/// Turns that are taken before it is looked again.
const TURNS_AT_ONCE: u32 = 100;
/// Schedules that are looked through together.
const SCHEDULES_AT_ONCE: u32 = 1000;
/// Connections of a system that are looked at together.
const CONNECTIONS_AT_ONCE: u32 = 500;
/// Of a run that was missed.
const MISSED: &str = "missed";

/// Takes turns until the host stops.
pub(super) async fn keep(tasks: Tasks, stop: CancellationToken) {
    loop {
        if let Err(error) = tasks.take_turns(&stop).await {
            tracing::warn!(%error, detail = error.detail, "cannot look after the schedules");
        }
        if stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
    }
}

impl Tasks {
    /// Adds a schedule.
    ///
    /// # Errors
    /// `conflict` if its id is taken; `invalid-request` if what it names does not exist.
    pub async fn create_schedule(&self, schedule: &Schedule) -> Result<ScheduleStatus> {
        self.require_existing(&schedule.work).await?;
        self.store.create_schedule(schedule, schedule.next(self.clock.now())).await
    }

    /// Replaces what a schedule says, if it is still at the revision `if_match` names. It runs next when it says now.
    ///
    /// # Errors
    /// As [`Self::create_schedule`]; `stale`; `not-found`.
    pub async fn replace_schedule(&self, schedule: &Schedule, if_match: Option<i64>) -> Result<ScheduleStatus> {
        self.require_existing(&schedule.work).await?;
        self.store.replace_schedule(schedule, schedule.next(self.clock.now()), if_match).await
    }

    /// Pauses a schedule, or resumes it: what was due meanwhile is not made up for.
    ///
    /// # Errors
    /// `not-found`; `stale` if somebody changes it at the same time.
    pub async fn pause_schedule(&self, id: &ScheduleId, paused: bool) -> Result<ScheduleStatus> {
        let status = self.store.schedule(id).await?;
        if status.schedule.value.paused == paused {
            return Ok(status);
        }
        let Stored { value, revision, .. } = status.schedule;
        let schedule = Schedule { paused, ..value };
        self.store.replace_schedule(&schedule, schedule.next(self.clock.now()), Some(revision)).await
    }

    /// Deletes a schedule; its tasks stay.
    ///
    /// # Errors
    /// `stale`, `not-found`.
    pub async fn delete_schedule(&self, id: &ScheduleId, if_match: Option<i64>) -> Result<()> {
        self.store.delete_schedule(id, if_match).await
    }

    /// One schedule.
    ///
    /// # Errors
    /// `not-found`.
    pub async fn schedule(&self, id: &ScheduleId) -> Result<ScheduleStatus> {
        self.store.schedule(id).await
    }

    /// Schedules in the order of their identifiers.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn schedules(&self, after: Option<&ScheduleId>, limit: u32) -> Result<Vec<ScheduleStatus>> {
        self.store.schedules(after, limit).await
    }

    /// Does what a schedule says now, out of its turn and also while it is paused.
    ///
    /// # Errors
    /// `conflict` if a task stands in the way; those of ordering its tasks one by one; `not-found`.
    pub async fn run_schedule(&self, rc: &RequestContext, id: &ScheduleId) -> Result<Ordered> {
        let schedule = self.store.schedule(id).await?.schedule.value;
        let work = self.work_of(&schedule, &rc.caller.name, &rc.id).await?;
        let ordered = self.store.run_schedule(id, &work).await?;
        ordered.tasks.iter().for_each(|_| self.wakes.wake(schedule.work.kind()));
        Ok(ordered)
    }

    async fn take_turns(&self, stop: &CancellationToken) -> Result<()> {
        for due in self.store.due_schedules(TURNS_AT_ONCE).await? {
            if stop.is_cancelled() {
                return Ok(());
            }
            self.take_turn(&due, stop).await?;
        }
        Ok(())
    }

    async fn take_turn(&self, due: &Due, stop: &CancellationToken) -> Result<()> {
        let (now, id) = (self.clock.now(), &due.schedule.id);
        let next = due.schedule.next(now);
        if now.duration_since(due.turn) > LATE_MAX && !due.schedule.catch_up {
            let message = format!("the host was not there at {}, and the schedule does not catch up", due.turn);
            let why = ScheduleNote { at: now, kind: MISSED.to_owned(), message, task: None };
            return self.store.end_turn(due, next, TurnEnd::Skip(why)).await.map(|_| ());
        }
        let (who, request_id) = (format!("schedule:{id}"), RequestId::fresh());
        let work = match self.work_of(&due.schedule, &who, &request_id).await {
            Err(error) if error.kind == ErrorKind::Unavailable => return Err(error),
            work => work,
        };
        let begun = self.audit.begin(&entry(&due.schedule, &who, request_id)).await?;
        let ended = match &work {
            Ok(work) => self.store.end_turn(due, next, TurnEnd::Run(work.clone())).await.and_then(|ordered| {
                let ordered = ordered.ok_or_else(changed_meanwhile)?;
                ordered.tasks.iter().for_each(|_| self.wakes.wake(due.schedule.work.kind()));
                done(&ordered)
            }),
            Err(error) => {
                let (kind, message) = (error.kind.as_str().to_owned(), error.message.clone());
                let why = ScheduleNote { at: now, kind, message, task: None };
                self.store.end_turn(due, next, TurnEnd::Fail(why)).await.and(Err(error.clone()))
            }
        };
        if let Err(error) = &ended {
            tracing::warn!(schedule = %id, %error, "a schedule did not run");
        }
        let outcome = audit::Outcome::of(&ended, &Used::default());
        persist(stop, "the outcome of a schedule", || begun.finish(&outcome)).await
    }

    /// What a schedule orders.
    async fn work_of(&self, schedule: &Schedule, requested_by: &str, request_id: &RequestId) -> Result<TurnWork> {
        let new =
            |connection: ConnectionId, kind: TaskKind, mode: Option<ImportMode>, output: Option<Output>| NewTask {
                kind,
                mode,
                output,
                connection,
                schedule: Some(schedule.id.clone()),
                requested_by: requested_by.to_owned(),
                request_id: request_id.clone(),
            };
        let refresh = |connection| new(connection, TaskKind::RefreshSchema, None, None);
        match &schedule.work {
            Work::Import { connection, mode, output } => {
                self.require_import(connection, *mode).await?;
                if let Some(output) = output {
                    self.require_output(connection, output).await?;
                }
                Ok(TurnWork::New(vec![new(connection.clone(), TaskKind::Import, Some(*mode), output.clone())]))
            }
            Work::RefreshConnection { connection } => {
                self.require(connection, Export::Schema, TaskKind::RefreshSchema.as_str()).await?;
                Ok(TurnWork::New(vec![refresh(connection.clone())]))
            }
            Work::RefreshSystem { system } => {
                Ok(TurnWork::New(self.with_schema(system).await?.into_iter().map(refresh).collect()))
            }
            Work::Fulfil { connection } => {
                let ready = self.require(connection, Export::Provision, TaskKind::Fulfil.as_str()).await?;
                ready.connection.switches.require_fulfil(connection)?;
                Ok(TurnWork::Waiting(connection.clone()))
            }
        }
    }

    /// The connections of a system that have a schema.
    async fn with_schema(&self, system: &SystemId) -> Result<Vec<ConnectionId>> {
        self.store.system(system).await?;
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.connections.list(Some(system), after.as_ref(), CONNECTIONS_AT_ONCE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.value.id.clone());
            for connection in page {
                let id = connection.value.id;
                match self.require(&id, Export::Schema, TaskKind::RefreshSchema.as_str()).await {
                    Ok(_) => found.push(id),
                    Err(error) if error.kind == ErrorKind::Unavailable => return Err(error),
                    // One of them that cannot be used does not keep the others.
                    Err(_) => {}
                }
            }
        }
        if found.is_empty() {
            let message = format!("no connection of the system {system} has a schema");
            return Err(Error::failure(FailureKind::Unsupported, message));
        }
        Ok(found)
    }

    /// Some schedule begins the orders of a connection.
    ///
    /// # Errors
    /// `conflict` if none does: they would wait for ever.
    pub(super) async fn require_begin(&self, connection: &ConnectionId) -> Result<()> {
        let begins =
            |work: &Work| matches!(work, Work::Fulfil { connection: of } if of.folded() == connection.folded());
        let mut after = None;
        loop {
            let page = self.store.schedules(after.as_ref(), SCHEDULES_AT_ONCE).await?;
            if page.iter().any(|status| begins(&status.schedule.value.work)) {
                return Ok(());
            }
            let Some(last) = page.last() else { break };
            after = Some(last.schedule.value.id.clone());
        }
        let message =
            format!("no schedule begins the orders of {connection}; add one of the kind fulfil, or let them start now");
        Err(Error::failure(FailureKind::Conflict, message).blaming("start"))
    }

    async fn require_existing(&self, work: &Work) -> Result<()> {
        let (found, what) = match work {
            Work::Import { connection, .. } | Work::RefreshConnection { connection } | Work::Fulfil { connection } => {
                (self.connections.get(connection).await.map(|_| ()), "connection")
            }
            Work::RefreshSystem { system } => (self.store.system(system).await.map(|_| ()), "system"),
        };
        found.map_err(|error| match error.kind {
            ErrorKind::NotFound => Error::invalid(error.message).blaming(what),
            _ => error,
        })?;
        match work {
            Work::Import { connection, output: Some(output), .. } => self.require_output(connection, output).await,
            _ => Ok(()),
        }
    }
}

fn changed_meanwhile() -> Error {
    Error::failure(FailureKind::Conflict, "the schedule was changed or deleted when its turn came, and ordered nothing")
}

/// What the trail says of a turn: one that ordered nothing, because a task stood in the way, did not do what it should.
fn done(ordered: &Ordered) -> Result<()> {
    match ordered.in_the_way {
        Some(task) if ordered.tasks.is_empty() => {
            Err(Error::failure(FailureKind::Conflict, format!("the task {task} had not ended")))
        }
        _ => Ok(()),
    }
}

fn entry(schedule: &Schedule, who: &str, request_id: RequestId) -> audit::Entry {
    let entry = audit::Entry::new(who, Role::Core, request_id, "schedule.run");
    let connection = schedule.work.connection().cloned();
    let parameters = [("schedule".to_owned(), schedule.id.to_string().into())].into();
    audit::Entry { connection, parameters, ..entry }
}
