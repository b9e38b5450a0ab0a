//! Compile bombs: components that are small and valid, and take the compiler for ever or all the memory there is. Each is
//! one refused release, and whoever calls another connector meanwhile does not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hawser_tests::vendor::{built, with_section};

use super::{caller, connected, renamed, with_csv};

/// Enough for a connector, and little enough that the bombs are soon over.
const CPU: Duration = Duration::from_secs(5);
const MEMORY_BYTES: u64 = 512 << 20;
const TIME: Duration = Duration::from_secs(20);

/// Makes one.
type Bomb = fn() -> Vec<u8>;

/// A function in a component; it never runs.
fn component(locals: usize, body: &str) -> Vec<u8> {
    let locals = "i32 ".repeat(locals);
    let text = format!("(component (core module (memory 1) (func (param $x i32) (local {locals}) {body})))");
    wat::parse_str(&text).expect("the bomb is well formed")
}

/// Blocks within blocks, and in the innermost many tables that jump to every one of them.
fn jump_tables() -> Vec<u8> {
    let depth = 400;
    let targets: String = (0..depth).map(|target| format!("{target} ")).collect();
    let tables = format!("(block (br_table {targets} (local.get $x)))").repeat(3_000);
    component(1, &format!("{}{tables}{}", "(block ".repeat(depth), ")".repeat(depth)))
}

/// One enormous function of loads and stores that all depend on each other.
fn enormous_function() -> Vec<u8> {
    let step = "(i32.store (local.get $x) (i32.add (i32.load (local.get $x)) (i32.load offset=8 (local.get $x))))";
    component(1, &step.repeat(400_000))
}

/// Loops within loops, and in the innermost every local is set: each loop carries each of them.
fn hungry() -> Vec<u8> {
    let (locals, depth) = (8_000, 900);
    let set = |local: usize| format!("(local.set {local} (i32.add (local.get {local}) (local.get $x)))");
    let sets: String = (1..=locals).map(set).collect();
    component(locals, &format!("{}{sets}{}", "(loop ".repeat(depth), "(br_if 0 (local.get $x)))".repeat(depth)))
}

#[tokio::test]
async fn a_compile_bomb_is_refused_at_the_limits_while_others_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let (house, vendor) = with_csv(folder.path()).await;
    let house = house
        .restart_with(|config| {
            config.compile.cpu = CPU;
            config.compile.memory_bytes = MEMORY_BYTES;
            config.compile.time = TIME;
        })
        .await;
    let bed = connected(&house).await;
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let neighbour = caller(&bed, Arc::clone(&stop), Arc::clone(&calls));
    let manifest = super::manifest().await;
    let bombs: [(&str, Bomb); 3] =
        [("jump tables", jump_tables), ("an enormous function", enormous_function), ("hungry for memory", hungry)];
    for (number, (name, bomb)) in bombs.into_iter().enumerate() {
        let bytes = tokio::task::spawn_blocking(bomb).await.unwrap();
        let release = vendor.sign(&renamed(&manifest, &format!("0.1.{}", number + 1), ""), &bytes);
        let before = calls.load(Ordering::Relaxed);
        let refused = release.install(&house.operator()).await.problem(422, "release-refused");
        assert!(refused.detail().contains("compile."), "{name} was refused for another reason: {}", refused.detail());
        assert!(calls.load(Ordering::Relaxed) > before, "nobody was served beside {name}");
    }
    let (_, component) = tokio::task::spawn_blocking(|| built("hawser-csv")).await.unwrap();
    let harmless = vendor.sign(&renamed(&manifest, "0.1.9", ""), &with_section(&component, b"never compiled before"));
    harmless.install(&house.operator()).await.expect(201);
    stop.store(true, Ordering::Relaxed);
    neighbour.await.unwrap();
    house.stop().await;
}
