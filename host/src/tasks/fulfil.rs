//! Fulfilments: provisioning orders of a core, carried out some at a time, each with an outcome of its own.
//!
//! Orders for one object follow each other as they came; others do not wait for them. What was being carried out when the
//! host died has an unknown outcome and is not repeated; what waited goes on.

mod carry;
mod queue;

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

use super::worker::End;
use super::{Tasks, persist};
use crate::model::{
    Asked, ConnectionId, Effect, Error, Export, FailureKind, Fulfilment, OnError, Order, OrderCounts, OrderState,
    OrderStatus, RequestContext, Result, Start, Task, TaskId, TaskKind, TaskState,
};
use crate::runtime::Used;
use crate::store::NewTask;
use carry::{Carried, Carrying};
use queue::Queue;

/// How often a fulfilment asks whether it is to stop, besides after each order.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// Why no further order is begun.
enum Halt {
    Asked(Asked),
    /// The host stops.
    Host,
    /// An order failed, and its caller wants no more then.
    Failed,
    /// The host itself cannot go on now.
    Fault(Error),
}

impl Tasks {
    /// Queues provisioning orders: a task for each connection, all of them or none.
    ///
    /// # Errors
    /// `unsupported` if a connection's connector cannot provision; `conflict` if they are to wait for a schedule and there
    /// is none; `not-found`.
    pub async fn start_fulfilments(
        &self,
        rc: &RequestContext,
        fulfilment: Fulfilment,
        orders: Vec<(ConnectionId, Vec<Order>)>,
    ) -> Result<Vec<Task>> {
        let mut new = Vec::with_capacity(orders.len());
        for (connection, orders) in orders {
            let ready = self.require(&connection, Export::Provision, TaskKind::Fulfil.as_str()).await?;
            ready.connection.switches.require_fulfil(&connection)?;
            if fulfilment.start == Start::Scheduled {
                self.require_begin(&connection).await?;
            }
            let task = NewTask {
                kind: TaskKind::Fulfil,
                mode: None,
                output: None,
                connection,
                schedule: None,
                requested_by: rc.caller.name.clone(),
                request_id: rc.id.clone(),
            };
            new.push((task, orders));
        }
        let seal = |task: TaskId, orders: &Vec<Order>| {
            let sealed = (1..).zip(orders).map(|(number, order)| self.connections.seal_order(task, number, order));
            sealed.collect()
        };
        let tasks = self.store.enqueue_fulfilments(&new, fulfilment, seal).await?;
        tasks.iter().for_each(|_| self.wakes.wake(TaskKind::Fulfil));
        Ok(tasks)
    }

    /// The orders of a task after a number, in their order, of one state or of all.
    ///
    /// # Errors
    /// `not-found`.
    pub async fn orders(
        &self,
        id: TaskId,
        state: Option<OrderState>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<OrderStatus>> {
        self.store.orders(id, state, after, limit).await
    }
}

/// Carries out what waits of a task's orders.
///
/// # Errors
/// `partially-applied` if not every order succeeded; `unavailable` if the host cannot go on now.
pub(super) async fn run(
    tasks: &Tasks,
    task: &Task,
    rc: &RequestContext,
    stop: &CancellationToken,
    used: &mut Used,
) -> Result<End> {
    tasks.store.abandon_orders(task.id).await?;
    let queue = waiting(tasks, task, stop).await?;
    let (halt, turns) = (&stop.child_token(), &RwLock::default());
    let halted = carry_all(Carrying { tasks, task, rc, stop, halt, turns }, queue, used).await;
    let counts = tasks.store.task(task.id).await?.orders.unwrap_or_default();
    match halted {
        Some(Halt::Fault(error)) => Err(error),
        Some(Halt::Asked(Asked::Cancel)) if counts.pending > 0 => Ok(End::Cancelled),
        Some(Halt::Asked(Asked::Pause)) if counts.pending > 0 => Ok(End::Paused),
        Some(Halt::Host) if counts.pending > 0 => Ok(End::Interrupted),
        _ => conclude(tasks, task, &counts).await,
    }
}

/// The orders that wait; those that cannot be opened any more have failed.
async fn waiting(tasks: &Tasks, task: &Task, stop: &CancellationToken) -> Result<Queue> {
    let mut queue = Queue::default();
    for (number, sealed) in tasks.store.pending_orders(task.id).await? {
        match tasks.connections.open_order(task.id, number, &sealed) {
            Ok(order) => queue.push(number, order),
            Err(error) => {
                let (state, outcome) = carry::judged(&Err(error));
                tasks.store.begin_order(task.id, number).await?;
                let end = || tasks.store.end_order(task.id, number, state, Some(&outcome));
                persist(stop, "the outcome of an order", end).await?;
            }
        }
    }
    Ok(queue)
}

/// Carries orders out until none is left or something halts it; whatever was begun has ended when this returns.
async fn carry_all(carrying: Carrying<'_>, mut queue: Queue, used: &mut Used) -> Option<Halt> {
    let fulfilment = carrying.task.fulfilment.unwrap_or_default();
    // What was asked before it began: of a task that was claimed again after its host died.
    let (mut running, mut halted) = (FuturesUnordered::new(), asked(&carrying).await);
    let mut ticks = tokio::time::interval(ASK_EVERY);
    loop {
        while halted.is_none() && running.len() < usize::from(fulfilment.concurrency) {
            let Some((number, order)) = queue.next() else { break };
            running.push(carrying.out(number, order));
        }
        let found = tokio::select! {
            biased;
            ended = running.next() => match ended {
                None => return halted,
                Some((number, of_order, carried)) => {
                    queue.ended(number);
                    used.merge(of_order);
                    halt(&carrying, fulfilment, carried).await
                }
            },
            _ = ticks.tick() => asked(&carrying).await,
        };
        if let (None, Some(found)) = (&halted, found) {
            carrying.halt.cancel();
            halted = Some(found);
        }
    }
}

/// Does what came of an order, or what was asked meanwhile, halt the others?
async fn halt(carrying: &Carrying<'_>, fulfilment: Fulfilment, carried: Result<Carried>) -> Option<Halt> {
    match carried {
        Err(error) => Some(Halt::Fault(error)),
        Ok(Carried::Ended(state)) if state != OrderState::Succeeded && fulfilment.on_error == OnError::Stop => {
            Some(Halt::Failed)
        }
        Ok(_) => asked(carrying).await,
    }
}

async fn asked(carrying: &Carrying<'_>) -> Option<Halt> {
    if carrying.stop.is_cancelled() {
        return Some(Halt::Host);
    }
    match carrying.tasks.store.asked(carrying.task.id).await {
        Ok(asked) => asked.map(Halt::Asked),
        Err(error) => Some(Halt::Fault(error)),
    }
}

async fn conclude(tasks: &Tasks, task: &Task, counts: &OrderCounts) -> Result<End> {
    if counts.succeeded() == counts.all() {
        tasks.store.finish_task(task.id, TaskState::Succeeded, None, None).await?;
        return Ok(End::Succeeded);
    }
    let effect = match counts {
        OrderCounts { outcome_unknown: 1.., .. } => Effect::Unknown,
        _ if counts.succeeded() > 0 => Effect::Some,
        _ => Effect::None,
    };
    Err(Error::failure(FailureKind::PartiallyApplied, summary(counts)).with_effect(effect))
}

/// What did not go well, in words that say what to do.
fn summary(counts: &OrderCounts) -> String {
    let skipped = counts.skipped + counts.pending;
    let parts =
        [(counts.failed, "failed"), (counts.outcome_unknown, "may have been carried out"), (skipped, "skipped")];
    let said: Vec<String> =
        parts.iter().filter(|(orders, _)| *orders > 0).map(|(orders, what)| format!("{orders} {what}")).collect();
    format!("of {} orders: {}; the task's orders say which and why", counts.all(), said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_what_did_not_go_well_and_nothing_else() {
        let counts = OrderCounts { created: 5, failed: 2, pending: 1, ..OrderCounts::default() };
        assert_eq!(summary(&counts), "of 8 orders: 2 failed, 1 skipped; the task's orders say which and why");
        let unknown = OrderCounts { outcome_unknown: 1, ..OrderCounts::default() };
        assert!(summary(&unknown).contains("1 may have been carried out"));
    }
}
