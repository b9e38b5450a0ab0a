//! Guests that do not come back, because they compute, wait, recurse or break: each ends at its deadline or its limit, in
//! every operation.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hawser_tests::bed::Bed;
use hawser_tests::house::House;

use super::{End, KINDS, READS, WRITES, assert_served_elsewhere, provoke, served_beside, stubborn};

/// The deadline in the guest's manifest, and what a busy machine may add to it.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

/// Provokes that mood in all of these operations at once, beside a neighbour.
async fn provoked(mood: &str, places: &[&str], neighbour: &Bed) -> Vec<(String, End)> {
    let house = House::shared().await;
    let beds = join_all(places.iter().map(async |place| (*place, stubborn(house, mood, place).await))).await;
    let begun = Instant::now();
    let all = join_all(beds.iter().map(async |(place, bed)| ((*place).to_owned(), provoke(bed, place).await)));
    let (ends, served) = served_beside(neighbour, all).await;
    assert!(begun.elapsed() < ENDED_WITHIN, "{mood} went on for {:?}", begun.elapsed());
    assert!(served > 0, "nobody was served beside {mood}");
    for (place, bed) in &beds {
        assert_served_elsewhere(bed, place).await;
    }
    ends
}

#[tokio::test]
async fn an_endless_loop_is_stopped_at_its_deadline_in_every_operation_while_a_neighbour_is_served() {
    let neighbour = Bed::new(1, 0).await;
    for (place, end) in provoked("loop", &[&READS[..], &WRITES].concat(), &neighbour).await {
        let limit = if ["page", "edges"].contains(&place.as_str()) { "page-ms" } else { "call-ms" };
        assert!(end.told.to_string().contains(limit), "{place}: {}", end.told);
        if WRITES.contains(&place.as_str()) {
            assert_eq!((end.kind.as_str(), &end.told["effect"]), ("outcome-unknown", &"unknown".into()), "{place}");
        } else {
            assert_eq!(end.kind, "operation-timeout", "{place}: {}", end.told);
        }
    }
}

#[tokio::test]
async fn who_copies_waits_or_asks_for_ever_is_stopped_at_the_deadline_while_a_neighbour_is_served() {
    let neighbour = Bed::new(1, 0).await;
    for mood in ["copy", "sleep", "wait"] {
        for (place, end) in provoked(mood, &KINDS, &neighbour).await {
            assert!(
                ["operation-timeout", "outcome-unknown"].contains(&end.kind.as_str()),
                "{mood}, {place}: {}",
                end.told
            );
            assert!(end.told["detail"].as_str().unwrap().contains("deadline"), "{mood}, {place}: {}", end.told);
        }
    }
}

#[tokio::test]
async fn who_hashes_for_ever_is_stopped_at_the_deadline_while_a_neighbour_is_served() {
    let neighbour = Bed::new(1, 0).await;
    for (place, end) in provoked("hash", &["password", "authenticate"], &neighbour).await {
        let expected = if place == "password" { "outcome-unknown" } else { "operation-timeout" };
        assert_eq!(end.kind, expected, "{}", end.told);
    }
}

#[tokio::test]
async fn who_breaks_or_goes_beyond_a_limit_ends_alone_and_the_next_call_starts_afresh() {
    let neighbour = Bed::new(1, 0).await;
    let moods = [
        ("panic", "guest-trap", "mule"),
        ("trap", "guest-trap", "broke"),
        ("exit", "guest-trap", "broke"),
        ("deep", "guest-limit", "stack"),
        ("hoard", "guest-limit", "64 MiB of memory"),
        ("handles", "guest-limit", "1000 handles"),
        ("shout", "guest-limit", "handed over"),
    ];
    for (mood, kind, word) in moods {
        for (place, end) in provoked(mood, &KINDS, &neighbour).await {
            let expected = if WRITES.contains(&place.as_str()) { "outcome-unknown" } else { kind };
            assert_eq!(end.kind, expected, "{mood}, {place}: {}", end.told);
            let detail = end.told["detail"].as_str().unwrap();
            assert!(detail.contains(word), "{mood}, {place}: {detail}");
            assert!(!detail.contains(['\u{1b}', '\n']), "{mood}, {place}: {detail:?}");
        }
    }
}

#[tokio::test]
async fn who_waits_does_not_hold_up_the_calls_of_its_own_connection() {
    let bed = stubborn(House::shared().await, "sleep", "suggest").await;
    let (sleeping, served) = served_while(&bed).await;
    assert_eq!(sleeping.kind, "operation-timeout", "{}", sleeping.told);
    assert!(served > 0, "the connection's other calls waited for one that sleeps");
}

/// Sleeps in `suggest`, and counts the checks that are answered meanwhile.
async fn served_while(bed: &Bed) -> (End, usize) {
    let mut served = 0;
    let checks = async {
        loop {
            assert_eq!(provoke(bed, "check").await.kind, "ok");
            served += 1;
        }
    };
    let sleeping = tokio::select! {
        sleeping = provoke(bed, "suggest") => sleeping,
        () = checks => unreachable!("the checks do not end"),
    };
    (sleeping, served)
}

#[tokio::test]
async fn a_connector_in_a_good_mood_is_fine_in_every_operation() {
    let bed = stubborn(House::shared().await, "fine", "check").await;
    for place in [&READS[..], &WRITES].concat() {
        let end = provoke(&bed, place).await;
        assert_eq!(end.kind, "ok", "{place}: {}", end.told);
    }
}
