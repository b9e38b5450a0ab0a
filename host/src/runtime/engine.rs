//! How WebAssembly is compiled, placed and interrupted: one engine with a pool of slots, and the thread whose ticks
//! bring a computing guest back to the host.
//!
//! The pool keeps what a slot touched mapped, and asks the kernel (PAGEMAP_SCAN) which pages to reset: a fresh instance
//! costs some ten microseconds. Concurrency of the component model stays off: it doubles the price of every call, and a
//! connector has one call at a time.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, Thread};

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, MemoryCreator, OptLevel, PoolingAllocationConfig};

use super::limits::{self, RuntimeLimits};
use crate::model::{Error, Result};

/// The engine every component runs in.
pub(super) fn engine(limits: &RuntimeLimits) -> Result<Engine> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    let hint = "the pool of guest instances does not fit; lower `instances` or the memory ceiling";
    Engine::new(&config).map_err(|error| Error::internal(format!("{hint}: {error:#}")))
}

/// The same engine without the pool, over memories of somebody's own making.
pub(super) fn observed(memories: Arc<dyn MemoryCreator>) -> Result<Engine> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand).with_host_memory(memories);
    // Images are mapped into wasmtime's own memories only.
    config.memory_init_cow(false);
    Engine::new(&config).map_err(|error| Error::internal(format!("{error:#}")))
}

/// An engine that compiles the same code and reserves nothing: for a process that only compiles.
pub(super) fn compiler() -> Result<Engine> {
    Engine::new(&config()).map_err(|error| Error::internal(format!("the compiler cannot start: {error:#}")))
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true)
        .epoch_interruption(true)
        .max_wasm_stack(limits::WASM_STACK_BYTES)
        .async_stack_size(limits::CALL_STACK_BYTES)
        .async_stack_zeroing(true)
        // For debuggers and profilers; nobody here reads them, and they are a good part of the code's bytes.
        .generate_address_map(false)
        .native_unwind_info(false)
        .concurrency_support(false);
    features(&mut config);
    config
}

/// Equal where code compiled for one engine runs in the other: version, processor and every flag are in it.
pub(super) fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// What today's toolchains of every language need, and nothing that is unfinished or unused. (Threads, GC, exceptions
/// and stack switching are not even compiled in.)
fn features(config: &mut Config) {
    config
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_component_model(true)
        .wasm_backtrace_max_frames(None);
}

fn pool(limits: &RuntimeLimits) -> PoolingAllocationConfig {
    let components = limits.instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(components)
        .total_core_instances(components.saturating_mul(limits::CORE_INSTANCES_ON_AVERAGE))
        .max_core_instances_per_component(limits::CORE_INSTANCES_PER_COMPONENT)
        .total_memories(components.saturating_mul(limits::MEMORIES_PER_COMPONENT))
        .max_memories_per_component(limits::MEMORIES_PER_COMPONENT)
        .max_memory_size(limits.ceiling.memory_bytes)
        .total_tables(components.saturating_mul(limits::TABLES_PER_COMPONENT))
        .max_tables_per_component(limits::TABLES_PER_COMPONENT)
        .max_tables_per_module(limits::TABLES_PER_COMPONENT)
        .table_elements(limits::TABLE_ELEMENTS_MAX)
        .total_stacks(components)
        .linear_memory_keep_resident(limits::MEMORY_RESIDENT_BYTES)
        .table_keep_resident(limits::TABLE_RESIDENT_BYTES)
        .async_stack_keep_resident(limits::STACK_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// The thread that advances the engine's epoch while guests compute; it sleeps when none does and ends when dropped.
pub(super) struct Ticker {
    beat: Arc<Beat>,
    thread: Thread,
}

struct Beat {
    computing: AtomicU32,
    stopped: AtomicBool,
}

impl Ticker {
    pub(super) fn start(engine: Engine) -> Result<Self> {
        let beat = Arc::new(Beat { computing: AtomicU32::new(0), stopped: AtomicBool::new(false) });
        let seen = beat.clone();
        let handle = thread::Builder::new()
            .name("guest-epoch".into())
            .spawn(move || seen.run(&engine))
            .map_err(|error| Error::internal(format!("cannot start the epoch thread: {error}")))?;
        Ok(Self { beat, thread: handle.thread().clone() })
    }

    /// Ticks until the guard is dropped.
    pub(super) fn tick(&self) -> Ticking {
        if self.beat.computing.fetch_add(1, Ordering::SeqCst) == 0 {
            self.thread.unpark();
        }
        Ticking(self.beat.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.beat.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Beat {
    /// Rests only after a while: a guest that computes a little between the answers it waits for would wake this thread for
    /// each of them, which takes longer than what it computes.
    fn run(&self, engine: &Engine) {
        let mut idle = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            if self.computing.load(Ordering::SeqCst) > 0 {
                idle = 0;
                thread::sleep(limits::EPOCH_TICK);
                engine.increment_epoch();
            } else if idle < limits::EPOCH_IDLE_TICKS {
                idle += 1;
                thread::sleep(limits::EPOCH_TICK);
            } else {
                idle = 0;
                thread::park();
            }
        }
    }
}

/// While this lives, the epoch advances.
pub(super) struct Ticking(Arc<Beat>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.computing.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_compiler_makes_runs_in_the_engine_with_the_pool() {
        let pooled = engine(&RuntimeLimits::default()).unwrap();
        assert_eq!(compatibility(&pooled), compatibility(&compiler().unwrap()));
        let mut other = config();
        other.epoch_interruption(false);
        assert_ne!(compatibility(&pooled), compatibility(&Engine::new(&other).unwrap()));
    }
}
