//! One connection that computes as much as it can, politely giving way every millisecond: the others are served all the
//! same. How much later is printed, and no reason to fail.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;

use super::{provoke, stubborn};

/// Endless loops of one connection at the same time.
const LOOPS: usize = 32;
const CALLS: usize = 300;

/// How long each of so many calls takes.
async fn times(neighbour: &Bed) -> Vec<Duration> {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let begun = Instant::now();
        neighbour.core.get(&neighbour.account("u1")).await.expect(200);
        times.push(begun.elapsed());
    }
    times.sort();
    times
}

fn print(what: &str, times: &[Duration]) {
    let at = |per_cent: usize| times[(times.len() * per_cent / 100).min(times.len() - 1)];
    println!("{what}: p50 {:?}, p99 {:?}, worst {:?}", at(50), at(99), at(100));
}

#[tokio::test]
async fn the_neighbour_of_a_greedy_connection_is_served_every_time() {
    let house = House::start().await;
    let neighbour = Bed::bare(&house, People::new(1, 0)).await;
    neighbour.connect(&neighbour.connection()).await;
    let greedy = stubborn(&house, "loop", "check").await;
    print("alone", &times(&neighbour).await);
    let loops = join_all((0..LOOPS).map(async |_| {
        loop {
            let end = provoke(&greedy, "check").await;
            assert!(["operation-timeout", "unavailable"].contains(&end.kind.as_str()), "{}", end.told);
        }
    }));
    let beside = tokio::select! {
        beside = times(&neighbour) => beside,
        _ = loops => unreachable!("the loops do not end"),
    };
    print(&format!("beside {LOOPS} endless loops of another connection"), &beside);
    assert_eq!(beside.len(), CALLS);
    house.stop().await;
}
