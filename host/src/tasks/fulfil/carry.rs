//! One order, from waiting to its outcome: noted as running, audited, attempted, and written down.
//!
//! Some targets are written as a whole (a file), and of several writers at the same time all but one are told that it was
//! changed meanwhile. An order that met another one so is attempted again while no other of its task is.

use std::time::Duration;

use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

use super::super::{Tasks, persist};
use crate::audit;
use crate::model::order::{OrderError, PartProblem};
use crate::model::{
    Effect, Error, ErrorKind, FailureKind, Gate, Order, OrderKind, OrderOutcome, OrderState, Outcome, RequestContext,
    Result, Role, Task, Uid, Written, json,
};
use crate::runtime::{Called, Used};

/// Attempts at one order while its failure may pass and has changed nothing.
const ATTEMPTS_MAX: u32 = 4;
/// The wait after the first failed attempt; it doubles with each.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// The longest wait between attempts, also where the target asks for more.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What carrying out takes.
#[derive(Clone, Copy)]
pub(super) struct Carrying<'a> {
    pub(super) tasks: &'a Tasks,
    pub(super) task: &'a Task,
    pub(super) rc: &'a RequestContext,
    /// The host stops.
    pub(super) stop: &'a CancellationToken,
    /// No further attempt is begun.
    pub(super) halt: &'a CancellationToken,
    /// Held by every attempt: together with others, or alone.
    pub(super) turns: &'a RwLock<()>,
}

/// What became of an order.
pub(super) enum Carried {
    Ended(OrderState),
    /// Nothing was done, and it waits again.
    Returned,
}

/// What came of the attempts.
struct Attempted {
    result: Result<Outcome>,
    used: Used,
    /// Another attempt would have followed.
    given_up: bool,
}

impl Carrying<'_> {
    /// Carries an order out; answers its number, what was used, and what became of it.
    pub(super) async fn out(self, number: i64, order: Order) -> (i64, Used, Result<Carried>) {
        let mut used = Used::default();
        let carried = self.carry(number, order, &mut used).await;
        (number, used, carried)
    }

    async fn carry(&self, number: i64, order: Order, used: &mut Used) -> Result<Carried> {
        let store = &self.tasks.store;
        store.begin_order(self.task.id, number).await?;
        let rc = self.context(number);
        let begun = match self.tasks.audit.announce(&self.entry(number, &order), &rc.gate).await {
            Ok(begun) => begun,
            Err(error) => return self.returned(number).await.and(Err(error)),
        };
        let Attempted { result, used: of_order, given_up } = self.attempt(&rc, order).await;
        used.merge(of_order.clone());
        // Shut for good: the begin row cannot be written, and nothing was touched.
        if let Err(error) = rc.gate.pass().await {
            return self.returned(number).await.and(Err(error));
        }
        let carried = if given_up {
            self.returned(number).await
        } else {
            let (state, outcome) = judged(&result);
            let end = || store.end_order(self.task.id, number, state, Some(&outcome));
            persist(self.stop, "the outcome of an order", end).await.map(|()| Carried::Ended(state))
        };
        let trail = noted(&result, &of_order);
        persist(self.stop, "the outcome of an order in the trail", || begun.finish(&trail)).await?;
        carried
    }

    async fn returned(&self, number: i64) -> Result<Carried> {
        let back = || self.tasks.store.return_order(self.task.id, number);
        persist(self.stop, "that an order waits again", back).await.map(|()| Carried::Returned)
    }

    async fn attempt(&self, rc: &RequestContext, order: Order) -> Attempted {
        let (mut used, mut pause, mut attempt, mut alone) = (Used::default(), PAUSE_FIRST, 1, false);
        loop {
            let Called { result, used: of_call } = self.call(rc, order.clone(), alone).await;
            used.merge(of_call);
            if !alone && result.as_ref().is_err_and(|error| met_another(&order, error)) {
                alone = true;
                continue;
            }
            let passing = result.as_ref().err().filter(|error| may_pass(error));
            let Some(error) = passing.filter(|_| attempt < ATTEMPTS_MAX) else {
                return Attempted { result, used, given_up: false };
            };
            let asked = error.retry_after_ms.map(|ms| Duration::from_millis(ms.into()));
            tracing::info!(task = %self.task.id, %error, attempt, "an order will be tried again");
            let waited = tokio::time::sleep(asked.unwrap_or(pause).min(PAUSE_MAX));
            if self.halt.run_until_cancelled(waited).await.is_none() {
                return Attempted { result, used, given_up: true };
            }
            pause = (pause * 2).min(PAUSE_MAX);
            attempt += 1;
        }
    }

    async fn call(&self, rc: &RequestContext, order: Order, alone: bool) -> Called<Outcome> {
        let calling = Box::pin(self.tasks.connections.carry_out(rc, &self.task.connection, order));
        if alone {
            let _alone = self.turns.write().await;
            return calling.await;
        }
        let _together = self.turns.read().await;
        calling.await
    }

    /// Each order is a request of its own: with its gate, and with a key that is the same in every attempt.
    fn context(&self, number: i64) -> RequestContext {
        let idempotency_key = Some(format!("{}-{number}", self.task.id));
        RequestContext { idempotency_key, gate: Gate::default(), ..self.rc.clone() }
    }

    fn entry(&self, number: i64, order: &Order) -> audit::Entry {
        let action = match order.kind() {
            OrderKind::Created => "object.create",
            OrderKind::Modified => "object.update",
            OrderKind::Deleted => "object.delete",
        };
        let entry = audit::Entry::new(&self.task.requested_by, Role::Core, self.task.request_id.clone(), action);
        let own = [("task", self.task.id.to_string().into()), ("order", number.into())];
        let given = [("orderId", &order.key), ("owner", &order.owner)];
        let given = given.into_iter().filter_map(|(name, text)| Some((name, text.clone()?.into())));
        audit::Entry {
            connection: Some(self.task.connection.clone()),
            class: Some(order.class.to_string()),
            uid: order.uid().map(Uid::to_string),
            name: order.name().map(str::to_owned),
            attributes: order.attributes(),
            parameters: own.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value)).collect(),
            ..entry
        }
    }
}

/// Nothing was done, and a later attempt may do better.
fn may_pass(error: &Error) -> bool {
    let passing = match error.kind {
        ErrorKind::Unavailable => true,
        ErrorKind::Failure(kind) => matches!(
            kind,
            FailureKind::ConnectionFailed
                | FailureKind::Retryable
                | FailureKind::RateLimited
                | FailureKind::TargetMaintenance
        ),
        _ => false,
    };
    passing && error.effect == Effect::None
}

/// It was told that the target changed meanwhile, which it did not ask about, and nothing was done.
fn met_another(order: &Order, error: &Error) -> bool {
    error.is(FailureKind::PreconditionFailed) && error.effect == Effect::None && order.revision().is_none()
}

/// Where a result leaves its order, and what is written down of it.
pub(super) fn judged(result: &Result<Outcome>) -> (OrderState, OrderOutcome) {
    match result {
        Ok(Outcome::Pending(handle)) => {
            (OrderState::Succeeded, OrderOutcome { pending: Some(handle.clone()), ..OrderOutcome::default() })
        }
        Ok(Outcome::Done(done)) if done.failed.is_empty() => (OrderState::Succeeded, written(done)),
        Ok(Outcome::Done(done)) => {
            (OrderState::Failed, OrderOutcome { error: Some(blamed(&in_part(done))), ..written(done) })
        }
        Err(error) => {
            let unknown = error.is(FailureKind::OutcomeUnknown) || error.effect == Effect::Unknown;
            let state = if unknown { OrderState::OutcomeUnknown } else { OrderState::Failed };
            let (uid, name) = error.object.clone().map(|object| (object.uid, object.name)).unzip();
            let outcome = OrderOutcome { uid, name: name.flatten(), ..OrderOutcome::default() };
            (state, OrderOutcome { error: Some(blamed(error)), ..outcome })
        }
    }
}

fn written(done: &Written) -> OrderOutcome {
    let values = |values: &[_]| values.iter().map(json::value_to_json).collect::<Vec<_>>().into();
    let part = |part: &crate::model::PartFailure| PartProblem {
        attribute: part.attribute.clone(),
        kind: part.error.kind.as_str().to_owned(),
        message: part.error.message.clone(),
    };
    OrderOutcome {
        uid: Some(done.uid.to_string()),
        name: Some(done.name.clone()),
        revision: done.revision.clone(),
        attributes: done.values.iter().map(|one| (one.name.clone(), values(&one.values))).collect(),
        issued: done.issued.iter().map(|issued| issued.name.clone()).collect(),
        pending: None,
        failures: done.failed.iter().map(part).collect(),
        error: None,
    }
}

fn in_part(done: &Written) -> Error {
    let message = "parts of it failed although the rest was done; its failures say which";
    let error = Error::failure(FailureKind::PartiallyApplied, message).with_effect(Effect::Some);
    done.failed.iter().fold(error, |error, part| error.blaming(&part.attribute))
}

fn blamed(error: &Error) -> OrderError {
    OrderError {
        kind: error.kind.as_str().to_owned(),
        message: error.message.clone(),
        effect: error.effect.as_str().to_owned(),
        attributes: error.attributes.clone(),
        code: error.code.clone(),
    }
}

/// What the trail says of it.
fn noted(result: &Result<Outcome>, used: &Used) -> audit::Outcome {
    let uid = match result {
        Ok(Outcome::Done(done)) => Some(done.uid.to_string()),
        Ok(Outcome::Pending(_)) => None,
        Err(error) => error.object.as_ref().map(|object| object.uid.clone()),
    };
    let judged = match result {
        Ok(Outcome::Done(done)) if !done.failed.is_empty() => Err(in_part(done)),
        Ok(_) => Ok(()),
        Err(error) => Err(error.clone()),
    };
    audit::Outcome { uid, ..audit::Outcome::of(&judged, used) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::order::Step;

    fn failed(kind: FailureKind, effect: Effect) -> Error {
        Error::failure(kind, "it did not work").with_effect(effect)
    }

    #[test]
    fn only_what_changed_nothing_is_tried_again() {
        assert!(may_pass(&failed(FailureKind::RateLimited, Effect::None)));
        assert!(!may_pass(&failed(FailureKind::RateLimited, Effect::Unknown)));
        assert!(!may_pass(&failed(FailureKind::ConnectionBroken, Effect::None)));
        assert!(!may_pass(&failed(FailureKind::AlreadyExists, Effect::None)));
    }

    #[test]
    fn an_order_is_told_of_another_writer_only_if_it_asked_for_a_revision() {
        let order = |revision: Option<&str>| {
            let step = Step::Delete { uid: "u1".parse().unwrap(), revision: revision.map(str::to_owned) };
            Order { key: None, owner: None, class: "account".parse().unwrap(), step }
        };
        let changed = failed(FailureKind::PreconditionFailed, Effect::None);
        assert!(met_another(&order(None), &changed));
        assert!(!met_another(&order(Some("7")), &changed));
        assert!(!met_another(&order(None), &failed(FailureKind::PreconditionFailed, Effect::Unknown)));
    }

    #[test]
    fn an_effect_that_nobody_knows_is_an_outcome_that_nobody_knows() {
        let state = |error| judged(&Err(error)).0;
        assert_eq!(state(failed(FailureKind::OperationTimeout, Effect::Unknown)), OrderState::OutcomeUnknown);
        assert_eq!(state(failed(FailureKind::OutcomeUnknown, Effect::Some)), OrderState::OutcomeUnknown);
        assert_eq!(state(failed(FailureKind::AlreadyExists, Effect::None)), OrderState::Failed);
    }

    #[test]
    fn what_was_done_in_part_has_failed_and_says_what_exists() {
        let part =
            crate::model::PartFailure { attribute: "mail".into(), error: failed(FailureKind::Conflict, Effect::None) };
        let done = Written {
            uid: "u1".parse().unwrap(),
            name: "Ann".into(),
            revision: None,
            values: Vec::new(),
            failed: vec![part],
            issued: Vec::new(),
        };
        let (state, outcome) = judged(&Ok(Outcome::Done(done)));
        assert_eq!((state, outcome.uid.as_deref()), (OrderState::Failed, Some("u1")));
        let error = outcome.error.unwrap();
        assert_eq!((error.kind.as_str(), error.effect.as_str()), ("partially-applied", "some"));
        assert_eq!(error.attributes, ["mail"]);
    }
}
