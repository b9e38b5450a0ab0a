//! What lives and dies with one guest instance: its context, its handles, its WASI, its limits and what it used.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::Runtime;
use super::connection::Share;
use super::context::CallContext;
use super::guest_log::GuestLog;
use super::imports::files::FileLocks;
use super::kept::{Generation, Keeping};
use super::leak::{Leaks, Met};
use super::limits::{
    CORE_INSTANCES_PER_COMPONENT, HANDLES_MAX, MEMORIES_PER_COMPONENT, TABLE_ELEMENTS_MAX, TABLES_PER_COMPONENT,
};
use super::outcome::Used;
use super::wasi;
use crate::clock::Clock;
use crate::egress::Egress;
use crate::model::{Error, Result, Secret};

/// The data of a store.
pub(super) struct State {
    pub(super) context: CallContext,
    pub(super) share: Arc<Share>,
    pub(super) table: ResourceTable,
    pub(super) log: GuestLog,
    /// Noted by [`Self::uses`] and [`Self::refused`] alone.
    used: Used,
    pub(super) limiter: Limiter,
    /// When the guest is stopped.
    pub(super) end: Instant,
    /// Since when the guest is used.
    pub(super) begun: Instant,
    /// Files it has open.
    pub(super) files_open: u32,
    pub(super) spent: Spent,
    /// What it may not give out.
    pub(super) leaks: Leaks,
    /// What it keeps is of that time.
    generation: Generation,
    runtime: Runtime,
    wasi: WasiCtx,
}

/// How often it did what is counted.
#[derive(Default)]
pub(super) struct Spent {
    /// Passwords hashed or verified.
    pub(super) hashes: u32,
    pub(super) signatures: u32,
    pub(super) seals: u32,
}

impl State {
    pub(super) fn new(context: CallContext, runtime: Runtime, share: Arc<Share>, end: Instant) -> Self {
        let (met, generation) = share.kept().met();
        let leaks = Leaks::new(&context.credentials, met);
        let log = GuestLog::new(&context, leaks.clone());
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self {
            wasi: wasi::inert(runtime.clock(), &log),
            limiter: Limiter::new(context.limits.memory_bytes),
            context,
            share,
            table,
            log,
            used: Used::default(),
            end,
            begun: Instant::now(),
            files_open: 0,
            spent: Spent::default(),
            leaks,
            generation,
            runtime,
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        self.runtime.clock()
    }

    /// From now on nobody of the connection gives that out, by the name people are told.
    pub(super) fn meet(&self, name: impl FnOnce() -> String, secret: &Secret) {
        let known = self.share.kept().known(secret);
        let met = known.unwrap_or_else(|| Met::new(name(), secret));
        self.share.kept().meet(Arc::clone(&met), self.generation);
        self.leaks.meet(met);
    }

    /// Keeps a secret for later calls of the connection, unless it was changed since this one began.
    pub(super) fn keep(&self, name: String, keeping: Keeping, ttl: Duration) {
        self.share.kept().put(name, keeping, ttl, self.clock().now(), self.generation);
    }

    pub(super) fn file_locks(&self) -> Arc<FileLocks> {
        self.runtime.0.file_locks.clone()
    }

    /// The way out.
    pub(super) fn egress(&self) -> Egress {
        self.runtime.0.egress.clone()
    }

    /// Turns at hashing passwords, of all connections.
    pub(super) fn hashing(&self) -> Arc<Semaphore> {
        self.runtime.0.hashing.clone()
    }

    /// Begins the next page of a listing: a new deadline, and everything is counted anew.
    pub(super) fn turn_page(&mut self) {
        self.begun = Instant::now();
        self.end = self.begun + self.context.limits.page;
        self.spent = Spent::default();
        self.log.begin();
    }

    /// Notes what the guest is about to use. Nothing is used before its call stands in the audit trail.
    ///
    /// # Errors
    /// The trail's, where the call cannot be written down: it ends the guest.
    pub(super) async fn uses(&mut self, note: impl FnOnce(&mut Used)) -> Result<()> {
        if !self.context.gate.is_open() {
            self.context.gate.pass().await?;
        }
        note(&mut self.used);
        Ok(())
    }

    /// Notes that the guest was refused something. It is counted, however often it asks: a loop is one row in the trail.
    pub(super) fn refused(&mut self) {
        self.used.refused += 1;
    }

    /// What was used since this was last asked.
    pub(super) fn take_used(&mut self) -> Used {
        let used = std::mem::take(&mut self.used);
        let release = Some(self.context.release());
        Used { release, log_lines_dropped: self.log.dropped(), duration: self.begun.elapsed(), ..used }
    }

    /// Time left.
    pub(super) fn remaining(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

/// Runs what may block on a thread made for it; the connection's other calls may compute meanwhile.
///
/// # Errors
/// `Internal` if the work panicked.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(format!("work for a guest panicked: {error}")))
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Bounds what an instance may allocate, over all its memories together.
pub(super) struct Limiter {
    memory_max: usize,
    memory: usize,
    /// It asked for more than it may have; what it does next is most likely to trap.
    pub(super) refused: bool,
}

impl Limiter {
    fn new(memory_max: usize) -> Self {
        Self { memory_max, memory: 0, refused: false }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        let fits = total <= self.memory_max;
        if fits {
            self.memory = total;
        }
        self.refused |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_PER_COMPONENT as usize
    }

    fn tables(&self) -> usize {
        TABLES_PER_COMPONENT as usize * CORE_INSTANCES_PER_COMPONENT as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_PER_COMPONENT as usize
    }
}
