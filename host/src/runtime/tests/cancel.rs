//! Callers who go away: at every point where a call waits, in turn, and nothing of it is left.

use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use super::{allowed, component, context, egress, prober, with_directory};
use crate::clock::Clock;
use crate::model::{Access, Aspect, Export, Import};
use crate::runtime::{CallContext, Component, Runtime, RuntimeLimits};

/// Few, so that a place that is not given back is soon missed.
const PLACES: u32 = 3;
/// More often than this no call is polled here.
const POLLS_MAX: usize = 10_000;
/// Two listings, a beginning, a write and a commit wait. Each of them may be over before it is looked at, so it takes
/// some sweeps, now and then, to be there while all of them wait.
const WAITS: usize = 5;
const SWEEPS_MAX: usize = 50;

/// Lists a directory twice; the first aspect then writes a file of it anew. Each of these is waited for.
const WORK: &str = r"(local $file i32)
    (i32.store (i32.const 64) (i32.const 0x61746164))
    (call $list (i32.const 64) (i32.const 4) (i32.const 128))
    (call $list (i32.const 64) (i32.const 4) (i32.const 128))
    (if (i32.eqz (local.get 0)) (then
        (call $replace (i32.const 64) (i32.const 4) (i32.const 64) (i32.const 4)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then (unreachable)))
        (local.set $file (i32.load offset=4 (i32.const 128)))
        (call $write (local.get $file) (i32.const 64) (i32.const 4) (i32.const 128))
        (call $commit (local.get $file) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then (unreachable)))))";

const IMPORTS: &str = r#"
    (import "hawser:connector/files@0.1.0" "list" (func $list (param i32 i32 i32)))
    (import "hawser:connector/files@0.1.0" "replace"
        (func $replace (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "hawser:connector/files@0.1.0" "[method]replacement.write" (func $write (param i32 i32 i32 i32)))
    (import "hawser:connector/files@0.1.0" "[method]replacement.commit" (func $commit (param i32 i32)))"#;

fn small() -> Runtime {
    let limits = RuntimeLimits { instances: PLACES, instances_per_connection: PLACES, ..RuntimeLimits::default() };
    Runtime::new(limits, egress(), Clock::system()).unwrap()
}

fn writer(runtime: &Runtime) -> Component {
    let module = prober(IMPORTS, WORK);
    let world = "import hawser:connector/files@0.1.0; export hawser:connector/probe@0.1.0;";
    runtime.load(&component(world, &module), &allowed(&[Import::Files], &[Export::Probe])).unwrap()
}

fn of(directory: &Path) -> CallContext {
    with_directory("leaver", directory, Access::ReadWrite)
}

/// What a future comes to, unless that takes more polls than so many: then it is dropped.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), times);
    poll_fn(|cx| {
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn a_call_dropped_wherever_it_waits_leaves_nothing_and_a_thousand_more_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = small();
    let guest = writer(&runtime);
    let mut points = 0;
    for _ in 0..SWEEPS_MAX {
        points = points.max(swept(&guest, directory.path()).await);
        if points >= WAITS {
            break;
        }
    }
    assert!(points >= WAITS, "only {points} points to go away at");
    for _ in 0..1_000 {
        guest.check(of(directory.path()), Aspect::Complete).await.result.unwrap();
    }
    assert_all_given_back(&runtime);
    assert_eq!(names(directory.path()), ["data"], "drafts of calls that were dropped lie around");
}

#[tokio::test]
async fn calls_dropped_while_they_queue_leave_their_places_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = small();
    let guest = writer(&runtime);
    for times in 1..=20 {
        let call = |times| polled(guest.check(of(directory.path()), Aspect::Complete), times);
        drop(tokio::join!(call(times), call(times), call(1), call(times), call(2 * times)));
    }
    guest.check(of(directory.path()), Aspect::Connect).await.result.unwrap();
    assert_all_given_back(&runtime);
}

/// Drops a call after one poll, then one after two, and so on until one ends, with a whole call after each; answers how
/// many were dropped.
async fn swept(guest: &Component, directory: &Path) -> usize {
    let mut dropped = 0;
    while polled(guest.check(of(directory), Aspect::Connect), dropped + 1).await.is_none() {
        dropped += 1;
        guest.check(of(directory), Aspect::Connect).await.result.unwrap();
        assert!(dropped < POLLS_MAX, "the call does not end");
    }
    dropped
}

fn assert_all_given_back(runtime: &Runtime) {
    let share = runtime.0.connections.share(&context("leaver").connection, &runtime.0.limits, runtime.clock());
    assert_eq!(runtime.0.instances.available_permits(), PLACES as usize);
    assert_eq!((share.instances.available_permits(), share.computing.available_permits()), (PLACES as usize, 1));
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).collect()
}
