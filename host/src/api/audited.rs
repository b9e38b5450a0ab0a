//! The audit trail around an effect: a begin row before it, or it does not start; its outcome after it, whatever it is.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::ApiState;
use crate::audit::{Begun, Entry, Outcome};
use crate::connections::{LivePage, Object};
use crate::declared::Applied;
use crate::model::{self, ClassName, ConnectionId, Effect, Error, FailureKind, Gate, RequestContext, Result, Uid};
use crate::runtime::{Called, Used};

/// What a caller is about to do.
pub(super) struct Act {
    entry: Entry,
    /// That of the request it is done for.
    gate: Gate,
}

/// An act of the caller's, named by noun and verb.
pub(super) fn act(rc: &RequestContext, action: &str) -> Act {
    let entry = Entry::new(rc.caller.name.clone(), rc.caller.role, rc.id.clone(), action);
    Act { entry, gate: rc.gate.clone() }
}

impl Act {
    /// Through which connection.
    pub(super) fn on(mut self, connection: &ConnectionId) -> Self {
        self.entry.connection = Some(connection.clone());
        self
    }

    /// To an object of which class.
    pub(super) fn class(mut self, class: &ClassName) -> Self {
        self.entry.class = Some(class.to_string());
        self
    }

    /// To which object.
    pub(super) fn object(mut self, class: &ClassName, uid: &Uid) -> Self {
        self.entry.uid = Some(uid.to_string());
        self.class(class)
    }

    /// To an object of which name, or what it is to be called.
    pub(super) fn name(mut self, name: &str) -> Self {
        self.entry.name = Some(name.to_owned());
        self
    }

    /// Which attributes are to change; their names only.
    pub(super) fn attributes<'a>(mut self, names: impl Iterator<Item = &'a String>) -> Self {
        self.entry.attributes.extend(names.cloned());
        self
    }

    /// What else tells it from others of its kind; never a secret.
    pub(super) fn parameter(mut self, name: &str, value: impl Display) -> Self {
        self.entry.parameters.insert(name.to_owned(), value.to_string().into());
        self
    }
}

/// What the trail notes of a success besides that it was one.
pub(super) trait Trace {
    /// The object that came of it.
    fn uid(&self) -> Option<&Uid> {
        None
    }
}

/// An effect below the edge, with or without a guest.
pub(super) trait Ended {
    /// What it answers.
    type Answer;

    /// Its result and what it used.
    fn ended(self) -> (Result<Self::Answer>, Used);
}

impl<T> Ended for Called<T> {
    type Answer = T;

    fn ended(self) -> (Result<T>, Used) {
        (self.result, self.used)
    }
}

impl<T> Ended for Result<T> {
    type Answer = T;

    fn ended(self) -> (Self, Used) {
        (self, Used::default())
    }
}

/// Does what an act says between its two rows.
///
/// # Errors
/// Those of the effect; those of the trail if the begin row cannot be written, and then nothing was started.
pub(super) async fn audited<E: Ended>(api: &ApiState, act: Act, effect: impl Future<Output = E>) -> Result<E::Answer>
where
    E::Answer: Trace,
{
    let begun = api.audit.begin(&act.entry).await?;
    finished(api, begun, effect).await
}

/// Does what several acts say between their rows: each gets the outcome of its own step.
///
/// # Errors
/// As [`audited`].
pub(super) async fn audited_each(api: &ApiState, acts: Vec<Act>, effect: impl Future<Output = Applied>) -> Result<()> {
    let (mut begun, mut failed) = (Vec::with_capacity(acts.len()), None);
    for one in join_all(acts.iter().map(|act| api.audit.begin(&act.entry))).await {
        match one {
            Ok(one) => begun.push(one),
            Err(error) => failed = Some(error),
        }
    }
    let all = |error: Error| Applied { steps: vec![Err(error.clone()); begun.len()], result: Err(error) };
    let applied = match failed {
        Some(error) => all(error),
        None => match AssertUnwindSafe(effect).catch_unwind().await {
            Ok(applied) => applied,
            Err(_) => all(Error::internal("the operation panicked").with_effect(Effect::Unknown)),
        },
    };
    let outcomes = applied.steps.iter().map(|step| outcome(step, &Used::default()));
    join_all(begun.into_iter().zip(outcomes).map(|(begun, outcome)| conclude(api, begun, outcome))).await;
    applied.result
}

/// Lets a guest do what an act says. The guest begins at once and meets the gate of its request where it would first
/// touch the world; one that touches nothing costs one commit. For calls that change nothing in the host itself.
///
/// # Errors
/// Those of the call; those of the trail if the begin row cannot be written, and then nothing was touched.
pub(super) async fn audited_call<T: Trace>(
    api: &ApiState,
    act: Act,
    call: impl Future<Output = Called<T>>,
) -> Result<T> {
    let begun = api.audit.announce(&act.entry, &act.gate).await?;
    let result = finished(api, begun, call).await;
    act.gate.pass().await.and(result)
}

/// The effect of what has begun, with its outcome written down.
async fn finished<E: Ended>(api: &ApiState, begun: Begun, effect: impl Future<Output = E>) -> Result<E::Answer>
where
    E::Answer: Trace,
{
    let (result, used) = match AssertUnwindSafe(effect).catch_unwind().await {
        Ok(ended) => ended.ended(),
        Err(_) => (Err(Error::internal("the operation panicked").with_effect(Effect::Unknown)), Used::default()),
    };
    conclude(api, begun, outcome(&result, &used)).await;
    result
}

/// Writes an outcome down, or leaves it to be written: the effect has happened, and its caller is told at once. If the
/// host stops before, its next start closes the begin row as `outcome-unknown`.
async fn conclude(api: &ApiState, begun: Begun, outcome: Outcome) {
    match begun.finish(&outcome).await {
        // Without a begin row nothing was touched, and the gate tells the caller.
        Err(error) if !error.is(FailureKind::Conflict) => {
            tracing::error!(%error, entry = begun.id().map(|id| id.0), "an outcome cannot be audited yet");
        }
        _ => return,
    }
    api.persist("the outcome of an operation", move || {
        let (begun, outcome) = (begun.clone(), outcome.clone());
        async move { begun.finish(&outcome).await }
    });
}

/// Reads. A reading leaves a line in the log; where the connector may read secrets, or asked for what it may not have, it
/// leaves its two rows like any act.
///
/// # Errors
/// As [`audited`].
pub(super) async fn observed<T: Trace>(
    api: &ApiState,
    act: Act,
    reading: impl Future<Output = Called<T>>,
) -> Result<T> {
    if let Some(connection) = &act.entry.connection
        && api.connections.reveals(connection).await?
    {
        return audited(api, act, reading).await;
    }
    let called = reading.await;
    let used = &called.used;
    let denied = called.result.as_ref().is_err_and(|error| error.is(FailureKind::CredentialDenied));
    if denied || used.refused > 0 || !used.revealed.is_empty() {
        // Nobody could know before: late rows are better than none.
        return audited(api, act, async { called }).await;
    }
    tracing::debug!(request = %act.entry.request_id, action = act.entry.action, used = ?called.used, "read");
    called.result
}

fn outcome(result: &Result<impl Trace>, used: &Used) -> Outcome {
    let uid = match result {
        Ok(answer) => answer.uid().map(Uid::to_string),
        Err(error) => error.object.as_ref().map(|object| object.uid.clone()),
    };
    Outcome { uid, ..Outcome::of(result, used) }
}

impl Trace for () {}
impl Trace for LivePage {}
impl Trace for Object {}
impl Trace for model::AssignmentPage {}
impl Trace for crate::connections::Reread {}
impl Trace for crate::registry::Installed {}
impl Trace for crate::secrets::Rotated {}
impl Trace for crate::store::InstalledRelease {}
impl Trace for model::Granted {}
impl Trace for model::RevokeOutcome {}
impl Trace for model::SchemaStatus {}
impl Trace for model::ScheduleStatus {}
impl Trace for model::Task {}
impl Trace for crate::store::Ordered {}
impl<T> Trace for model::Stored<T> {}
impl<T> Trace for Vec<T> {}

impl Trace for Uid {
    fn uid(&self) -> Option<&Uid> {
        Some(self)
    }
}

impl Trace for model::Outcome {
    fn uid(&self) -> Option<&Uid> {
        match self {
            Self::Done(written) => Some(&written.uid),
            Self::Pending(_) => None,
        }
    }
}
