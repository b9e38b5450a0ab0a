//! The one path every operation takes: admit, instantiate, call under a deadline, drop.
//!
//! A guest that computes is interrupted every tick, gives way to others, and is stopped at its deadline; one that waits
//! in a host function is dropped at the same moment. Whatever broke off leaves nothing: its store goes with it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use wasmtime::component::Instance;
use wasmtime::{Store, UpdateDeadline};

use super::component::Component;
use super::computing::in_turns;
use super::context::CallContext;
use super::fault;
use super::leak::Exits;
use super::limits::HANDLES_MAX;
use super::operation::Operation;
use super::outcome::{Called, Used};
use super::state::State;
use super::v0_1::Exports;
use crate::model::{Error, ErrorKind, Failure, Result};

/// What a guest answers: a trap, or what the contract says.
pub(super) type Answer<T> = wasmtime::Result<Result<T, Failure>>;

/// A live instance.
pub(super) struct Guest {
    pub(super) store: Store<State>,
    pub(super) instance: Instance,
    pub(super) exports: Arc<Exports>,
    component: Component,
    /// Its places among all instances and among the connection's.
    _places: [OwnedSemaphorePermit; 2],
}

/// Calls one operation on a fresh instance.
pub(super) async fn once<T, F>(component: &Component, context: CallContext, operation: Operation, body: F) -> Called<T>
where
    T: Exits,
    F: for<'g> FnOnce(&'g mut Guest) -> BoxFuture<'g, Answer<T>> + Send,
{
    // On the heap: what entering takes is large, and every operation would carry it along.
    match Box::pin(Guest::enter(component, context, operation)).await {
        Err(called) => called.into_called(),
        Ok(mut guest) => {
            let result = guest.call(operation, body).await;
            Called { result, used: guest.take_used() }
        }
    }
}

/// A call that ended before the operation was reached.
pub(super) struct NotEntered(Error, Used);

impl NotEntered {
    pub(super) fn into_called<T>(self) -> Called<T> {
        Called { result: Err(self.0), used: self.1 }
    }
}

impl Guest {
    /// Admits the call and makes an instance for it.
    pub(super) async fn enter(
        component: &Component,
        mut context: CallContext,
        operation: Operation,
    ) -> Result<Self, NotEntered> {
        let refused = |error| NotEntered(error, Used::default());
        if !component.offers(operation.needs) {
            return Err(refused(fault::unsupported(component, operation)));
        }
        let runtime = component.runtime();
        let (inner, clock) = (&runtime.0, runtime.clock());
        context.limits = context.limits.capped(&inner.limits.ceiling);
        let end = Instant::now() + context.limits.call.min(clock.until(context.deadline));
        let share = inner.connections.share(&context.connection, &inner.limits, clock);
        let places = [
            admit(&share.instances, end, "instances of this connection").await.map_err(refused)?,
            admit(&inner.instances, end, "instances of the host").await.map_err(refused)?,
        ];
        let state = State::new(context, runtime.clone(), share, end);
        Self::instantiate(component, state, places, operation).await
    }

    async fn instantiate(
        component: &Component,
        state: State,
        places: [OwnedSemaphorePermit; 2],
        operation: Operation,
    ) -> Result<Self, NotEntered> {
        let (end, share) = (state.end, state.share.clone());
        let mut store = prepared(component, state);
        let ticking = component.runtime().0.ticker.tick();
        let made = {
            let making = pin!(component.prepared().instantiate_async(&mut store));
            timeout_at(end, in_turns(&share.computing, making)).await
        };
        drop(ticking);
        match made {
            Ok(Ok(instance)) => {
                let (component, exports) = (component.clone(), component.exports().clone());
                Ok(Self { store, instance, exports, component, _places: places })
            }
            Ok(Err(trap)) => {
                let error = fault::classify(&trap, store.data(), operation);
                Err(NotEntered(error, store.data_mut().take_used()))
            }
            Err(_) => Err(NotEntered(fault::timeout(operation), store.data_mut().take_used())),
        }
    }

    /// Runs one call of the guest. After an error of the host's own kinds the guest must be dropped.
    pub(super) async fn call<T, F>(&mut self, operation: Operation, body: F) -> Result<T>
    where
        T: Exits,
        F: for<'g> FnOnce(&'g mut Self) -> BoxFuture<'g, Answer<T>> + Send,
    {
        let (end, share) = (self.store.data().end, self.store.data().share.clone());
        self.store.set_hostcall_fuel(operation.transfer_bytes);
        self.store.set_epoch_deadline(1);
        let ticking = self.component.runtime().0.ticker.tick();
        let answer = timeout_at(end, in_turns(&share.computing, body(self))).await;
        drop(ticking);
        match answer {
            Ok(Ok(said)) => {
                let searched = self.store.data().leaks.check(&said);
                searched.map_err(|leaked| fault::in_call(leaked, operation))?;
                said.map_err(fault::said)
            }
            Ok(Err(trap)) => Err(fault::in_call(fault::classify(&trap, self.store.data(), operation), operation)),
            Err(_) => Err(fault::in_call(fault::timeout(operation), operation)),
        }
    }

    /// What was used since the last time this was asked.
    pub(super) fn take_used(&mut self) -> Used {
        self.store.data_mut().take_used()
    }
}

fn prepared(component: &Component, state: State) -> Store<State> {
    let mut store = Store::new(&component.runtime().0.engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_max_component_handles(HANDLES_MAX);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        if store.data().remaining() == Duration::ZERO {
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

async fn admit(places: &Arc<Semaphore>, end: Instant, what: &str) -> Result<OwnedSemaphorePermit> {
    match timeout_at(end, places.clone().acquire_owned()).await {
        Ok(Ok(place)) => Ok(place),
        Ok(Err(_)) | Err(_) => Err(Error::new(
            ErrorKind::Unavailable,
            format!("all {what} were busy until the deadline; try again, or close listings that are still open"),
        )),
    }
}
