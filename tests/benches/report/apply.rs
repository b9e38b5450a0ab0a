//! `apply.first`: seconds from the request to the answer when a declaration of 1,000 connections, with their permissions, is
//! applied to an empty host. `apply.unchanged`: the same for the plan of that declaration once it was applied.

use std::time::Instant;

use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

use super::{Figure, RUNS, median};

/// Connections of the declaration.
const CONNECTIONS: usize = 1_000;

/// To an empty host.
pub(super) async fn first() -> Figure {
    let mut seconds = Vec::new();
    for _ in 0..RUNS {
        let (house, people) = (House::start().await, People::new(1, 0));
        seconds.push(sent(&house, "apply", &order(&people), CONNECTIONS + 1).await);
        house.stop().await;
    }
    Figure { name: "apply.first", value: median(seconds), unit: "s", baseline: None }
}

/// The plan, when nothing changed.
pub(super) async fn unchanged() -> Figure {
    let (house, people) = (House::start().await, People::new(1, 0));
    let order = order(&people);
    sent(&house, "apply", &order, CONNECTIONS + 1).await;
    let mut seconds = Vec::new();
    for _ in 0..RUNS {
        seconds.push(sent(&house, "plan", &order, 0).await);
    }
    house.stop().await;
    Figure { name: "apply.unchanged", value: median(seconds), unit: "s", baseline: None }
}

/// How long it takes until the answer, which has to be so many steps.
async fn sent(house: &House, path: &str, order: &Json, steps: usize) -> f64 {
    let begun = Instant::now();
    let answer = house.operator().post(&format!("/v1/configuration/{path}"), order).await.expect(200);
    let took = begun.elapsed().as_secs_f64();
    assert_eq!(answer.json()["steps"].as_array().map(Vec::len), Some(steps));
    took
}

fn order(people: &People) -> Json {
    let mut connection = people.connection("x", "hr");
    let fields = connection.as_object_mut().expect("a connection is an object");
    fields.remove("id");
    fields.insert("permissions".to_owned(), json!(["directory:data:read-write"]));
    let connections: serde_json::Map<String, Json> =
        (0..CONNECTIONS).map(|number| (format!("people-{number}"), connection.clone())).collect();
    let declaration = json!({"systems": {"hr": {"title": "HR records"}}, "connections": connections});
    json!({"declaration": declaration, "approve": true})
}
