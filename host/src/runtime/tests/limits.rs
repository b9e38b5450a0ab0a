//! Guests that do not stop by themselves, and what their neighbours notice of it.

use std::time::{Duration, Instant};

use super::{CallLimits, MEMORY, NO_SUGGESTIONS, check_after, component, context, loaded, prober, runtime};
use crate::model::{Aspect, Effect, ErrorKind, Export, FailureKind, Import, ObjectRef};
use crate::runtime::{Allowed, Called, Component};

const LOOP: &str = "(loop $again (br $again))";

async fn check(guest: &Component, connection: &str, limits: CallLimits) -> Called<Vec<crate::model::Finding>> {
    let context = super::CallContext { limits, ..context(connection) };
    guest.check(context, Aspect::Connect).await
}

fn quick(call: Duration) -> CallLimits {
    CallLimits { call, ..CallLimits::default() }
}

#[allow(clippy::disallowed_methods, reason = "a test that measures")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(flavor = "current_thread")]
async fn an_endless_loop_is_stopped_at_its_deadline_while_others_are_served_on_the_same_thread() {
    let (looping, fine) = (loaded(&[], &prober("", LOOP)), loaded(&[], &prober("", "")));
    let begun = now();
    let stopped = check(&looping, "loop", quick(Duration::from_millis(600)));
    let served = async {
        let mut calls = 0;
        while begun.elapsed() < Duration::from_millis(300) {
            check(&fine, "fine", quick(Duration::from_secs(5))).await.result.unwrap();
            calls += 1;
        }
        calls
    };
    let (stopped, served) = tokio::join!(stopped, served);
    let error = stopped.result.unwrap_err();
    assert!(error.is(FailureKind::OperationTimeout), "{error}");
    assert!(error.message.contains("call-ms"), "{error}");
    assert!(served > 10, "only {served} calls got through beside an endless loop");
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(stopped.used.duration > Duration::ZERO, "the time it took is told");
}

#[tokio::test(flavor = "current_thread")]
async fn ten_endless_loops_of_one_connection_starve_no_other_connection() {
    let (looping, fine) = (loaded(&[], &prober("", LOOP)), loaded(&[], &prober("", "")));
    let loops = (0..10).map(|_| check(&looping, "greedy", quick(Duration::from_millis(500))));
    let served = async {
        let begun = now();
        for _ in 0..50 {
            check(&fine, "polite", quick(Duration::from_secs(5))).await.result.unwrap();
        }
        begun.elapsed()
    };
    let (stopped, served) = tokio::join!(futures_util::future::join_all(loops), served);
    assert!(stopped.iter().all(|called| called.result.is_err()));
    // One loop computes at a time: each call waits for a tick or two, not for ten.
    assert!(served < Duration::from_millis(450), "50 calls took {served:?}");
}

#[tokio::test]
async fn a_guest_that_eats_memory_is_stopped_at_its_limit_and_told_which() {
    let work = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let guest = loaded(&[], &prober("", work));
    let limits = CallLimits { memory_bytes: 8 << 20, ..CallLimits::default() };
    let error = check(&guest, "bomb", limits).await.result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::GuestLimit);
    assert!(error.message.contains("8 MiB") && error.message.contains("memory-mib"), "{error}");
}

#[tokio::test]
async fn a_table_grows_to_its_limit_and_no_further() {
    let table = "(table $bomb 0 funcref)";
    let work =
        "(loop $again (br_if $again (i32.ne (table.grow $bomb (ref.null func) (i32.const 1000)) (i32.const -1))))
        (if (i32.gt_u (table.size $bomb) (i32.const 65536)) (then (unreachable)))
        (if (i32.lt_u (table.size $bomb) (i32.const 64000)) (then (unreachable)))";
    let guest = loaded(&[], &format!("(module {MEMORY} {table} {NO_SUGGESTIONS} {})", check_after(work)));
    for _ in 0..3 {
        check(&guest, "tables", CallLimits::default()).await.result.unwrap();
    }
}

#[test]
fn a_component_that_needs_more_than_a_slot_of_the_pool_has_is_refused() {
    let many = |what: &str, module: &str, count: usize| {
        let instances = "(core instance (instantiate $m))".repeat(count);
        let bytes = wat::parse_str(format!("(component (core module $m {module}) {instances})")).unwrap();
        let refused = runtime().load(&bytes, &Allowed::default()).err().unwrap_or_else(|| panic!("{count} {what} fit"));
        assert_eq!(refused.kind, ErrorKind::ReleaseRefused, "{what}: {refused}");
    };
    many("instances", "", 65);
    many("memories", "(memory 1)", 3);
    many("tables", "(table 1 funcref)", 9);
    many("tables", "(table 100000 funcref)", 1);
    many("gibibytes", "(memory 65536)", 1);
}

#[tokio::test]
async fn a_guest_that_needs_more_memory_than_it_may_have_does_not_start() {
    let module = prober("", "").replace(r#"(export "memory") 2)"#, r#"(export "memory") 200)"#);
    let guest = loaded(&[], &module);
    let limits = CallLimits { memory_bytes: 8 << 20, ..CallLimits::default() };
    let error = check(&guest, "large", limits).await.result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::GuestLimit, "{error}");
}

#[tokio::test]
async fn endless_recursion_ends_at_the_stack_limit() {
    let module = format!(
        "(module {MEMORY} {NO_SUGGESTIONS} (func $deep (call $deep) (call $deep)) {})",
        check_after("(call $deep)")
    );
    let error = check(&loaded(&[], &module), "deep", CallLimits::default()).await.result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::GuestLimit);
    assert!(error.message.contains("stack"), "{error}");
}

#[tokio::test]
async fn a_trap_ends_one_call_and_a_thousand_more_go_on() {
    let work = "(if (i32.eqz (local.get 0)) (then (unreachable)))";
    let guest = loaded(&[], &prober("", work));
    for _ in 0..1_000 {
        let error = guest.check(context("trap"), Aspect::Connect).await.result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::GuestTrap);
        assert!(error.message.contains("probe.check") && error.message.contains("unreachable"), "{error}");
    }
    guest.check(context("trap"), Aspect::Complete).await.result.unwrap();
}

#[tokio::test]
async fn nothing_is_left_of_a_call_in_the_next() {
    let state = "(global $calls (mut i32) (i32.const 0))";
    let work = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (unreachable)))
        (if (i32.load (i32.const 2048)) (then (unreachable)))
        (i32.store (i32.const 2048) (i32.const 7))";
    let guest = loaded(&[], &format!("(module {MEMORY} {NO_SUGGESTIONS} {state} {})", check_after(work)));
    for connection in ["one", "two", "one"] {
        guest.check(context(connection), Aspect::Connect).await.result.unwrap();
    }
}

#[tokio::test]
async fn calls_cancelled_in_the_middle_leave_room_for_others() {
    let (looping, fine) = (loaded(&[], &prober("", LOOP)), loaded(&[], &prober("", "")));
    for millis in 0..100_u64 {
        let call = check(&looping, "cancelled", CallLimits::default());
        let cancelled = tokio::time::timeout(Duration::from_micros(millis * 50), call).await;
        assert!(cancelled.is_err());
    }
    fine.check(context("cancelled"), Aspect::Connect).await.result.unwrap();
}

#[tokio::test]
async fn a_log_flood_is_cut_and_counted() {
    let log = r#"(import "hawser:connector/log@0.1.0" "write" (func (param i32 i32 i32 i32 i32)))"#;
    let work = "(local $i i32) (loop $again
        (call 0 (i32.const 2) (i32.const 64) (i32.const 10) (i32.const 0) (i32.const 0))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 5000))))";
    let called = check(&loaded(&[Import::Log], &prober(log, work)), "flood", CallLimits::default()).await;
    called.result.unwrap();
    assert_eq!(called.used.log_lines_dropped, 4_800);
}

#[tokio::test]
async fn more_data_than_may_be_handed_over_in_one_call_ends_it() {
    let log = r#"(import "hawser:connector/log@0.1.0" "write" (func (param i32 i32 i32 i32 i32)))"#;
    let work = "(drop (memory.grow (i32.const 300)))
        (call 0 (i32.const 2) (i32.const 0) (i32.const 16777216) (i32.const 0) (i32.const 0))";
    let error = check(&loaded(&[Import::Log], &prober(log, work)), "heavy", CallLimits::default()).await.result;
    let error = error.unwrap_err();
    assert_eq!(error.kind, ErrorKind::GuestLimit, "{error}");
    assert!(error.message.contains("handed over"), "{error}");
}

#[tokio::test]
async fn an_operation_of_an_interface_that_is_not_exported_is_unsupported_by_name() {
    let object = ObjectRef { class: "account".into(), uid: "1".into(), name: None };
    let error = loaded(&[], &prober("", "")).delete(context("less"), object, None).await.result.unwrap_err();
    assert!(error.is(FailureKind::Unsupported) && error.message.contains("\"provision\""), "{error}");
    assert_eq!(error.effect, Effect::None);
}

/// Entitlements whose every function runs `work`.
fn granter(work: &str) -> Component {
    let function = |name: &str, params: &str| {
        format!(
            r#"(func (export "hawser:connector/entitlements@0.1.0#{name}") {params} (result i32) {work} (i32.const 1024))"#
        )
    };
    let module = format!(
        "(module {MEMORY} {} {} {})",
        function("grant", "(param i32)"),
        function("revoke", "(param i32)"),
        function("list-granted", "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)"),
    );
    let bytes = component("export hawser:connector/entitlements@0.1.0;", &module);
    runtime().load(&bytes, &Allowed { exports: [Export::Entitlements].into(), ..Allowed::default() }).unwrap()
}

#[tokio::test]
async fn a_write_that_breaks_off_has_an_unknown_outcome_and_a_read_does_not() {
    let object = ObjectRef { class: "account".into(), uid: "1".into(), name: None };
    let what = crate::model::Assignment {
        id: None,
        entitlement: object.clone(),
        parameters: Vec::new(),
        not_before: None,
        not_after: None,
        direct: true,
        via: Vec::new(),
    };
    for work in ["(unreachable)", LOOP] {
        let guest = granter(work);
        let limited = || super::CallContext { limits: quick(Duration::from_millis(50)), ..context("writes") };
        let error = guest.grant(limited(), object.clone(), what.clone()).await.result.unwrap_err();
        assert!(error.is(FailureKind::OutcomeUnknown), "{error}");
        assert_eq!(error.effect, Effect::Unknown);
        let error = guest.list_granted(limited(), object.clone(), None, 10).await.result.unwrap_err();
        assert!(!error.is(FailureKind::OutcomeUnknown), "{error}");
        assert_eq!(error.effect, Effect::None);
    }
}
