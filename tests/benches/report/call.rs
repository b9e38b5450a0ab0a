//! `call.fresh`: microseconds to make an instance, call it trivially (*check*), and drop it, as every operation does;
//! beside it an empty guest on wasmtime alone, in the same kind of pool. `call.kill`: milliseconds from the deadline of
//! an endless loop to the answer that it was stopped, the worst of twenty.

use std::time::{Duration, Instant};

use hawser::clock::Clock;
use hawser::connections::Connections;
use hawser::model::{Aspect, ConnectionId, FailureKind};
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::json;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

use super::import::caller;
use super::{Figure, RUNS, median};

/// Calls of one run; so many are made before the first.
const CALLS: u32 = 2_000;
const KILLS: usize = 20;
/// How long an endless loop may go on.
const LEASH: Duration = Duration::from_millis(100);
/// Sizes of the empty guest's pool.
const POOL: u32 = 256;
const POOL_MEMORY_BYTES: usize = 256 << 20;
const RESIDENT_BYTES: usize = 1 << 20;

/// Instance, call, drop.
pub(super) async fn fresh() -> Figure {
    let house = House::start().await;
    let id = stubborn(&house, "fine").await;
    let empty = empty();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let (bare, full) = (bare_calls(&empty).await, calls(house.connections(), &id).await);
        if run > 0 {
            theirs.push(bare);
            ours.push(full);
        }
    }
    house.stop().await;
    Figure { name: "call.fresh", value: median(ours), unit: "us", baseline: Some(median(theirs)) }
}

/// The worst overrun of a deadline.
pub(super) async fn kill() -> Figure {
    let house = House::start().await;
    let id = stubborn(&house, "loop").await;
    let connections = house.connections();
    let mut worst = Duration::ZERO;
    for _ in 0..KILLS {
        let mut rc = caller();
        rc.deadline = Clock::system().after(LEASH);
        let begun = Instant::now();
        let stopped = connections.check(&rc, &id, Aspect::Connect).await.result.unwrap_err();
        worst = worst.max(begun.elapsed() - LEASH);
        assert!(stopped.is(FailureKind::OperationTimeout), "{stopped}");
    }
    house.stop().await;
    Figure { name: "call.kill", value: worst.as_secs_f64() * 1e3, unit: "ms", baseline: None }
}

/// A connection of the connector that has moods.
pub(super) async fn stubborn(house: &House, mood: &str) -> ConnectionId {
    let bed = Bed::bare(house, People::new(0, 0)).await;
    bed.create(&json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/stubborn", "version": "^0.1", "title": "Stubborn",
        "options": {"mood": mood},
    }))
    .await;
    bed.id.parse().unwrap()
}

async fn calls(connections: &Connections, id: &ConnectionId) -> f64 {
    let rc = caller();
    let begun = Instant::now();
    for _ in 0..CALLS {
        connections.check(&rc, id, Aspect::Connect).await.result.unwrap();
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
}

async fn bare_calls(empty: &InstancePre<()>) -> f64 {
    let begun = Instant::now();
    for _ in 0..CALLS {
        let mut store = Store::new(empty.engine(), ());
        store.set_epoch_deadline(1);
        let instance = empty.instantiate_async(&mut store).await.unwrap();
        let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
        run.call_async(&mut store, ()).await.unwrap();
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
}

fn empty() -> InstancePre<()> {
    let component = r#"(component
        (core module $m (memory 1) (func (export "run")))
        (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(POOL)
        .total_core_instances(POOL)
        .total_memories(POOL)
        .total_stacks(POOL)
        .max_memory_size(POOL_MEMORY_BYTES)
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).unwrap();
    let component = Component::new(&engine, wat::parse_str(component).unwrap()).unwrap();
    Linker::new(&engine).instantiate_pre(&component).unwrap()
}
