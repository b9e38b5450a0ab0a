//! Refreshes of many schemas: in parallel, in places of their own, of which targets that do not answer hold half at most.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hawser_tests::bed::{Bed, items, pages};
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

const CONNECTIONS: usize = 500;
const SILENT: usize = 24;
/// The places of the host under test.
const PLACES: u32 = 8;

/// A server that takes every connection and never says a word.
struct Silence {
    port: u16,
    most: Arc<AtomicUsize>,
}

impl Silence {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, most): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
        let counts = (Arc::clone(&open), Arc::clone(&most));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (open, most) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut heard = [0; 1024];
                    while stream.read(&mut heard).await.is_ok_and(|length| length > 0) {}
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, most }
    }
}

/// A connection of the directory connector to a server that says nothing.
fn silent(bed: &Bed, silence: &Silence) -> Json {
    json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/ldap", "version": "^0.1", "title": "Silence",
        "options": {"host": "127.0.0.1", "port": silence.port, "bind-dn": "cn=nobody"},
        "securedOptions": {"bind-password": {"value": "nobody listens"}},
    })
}

/// All refreshes of the host's connections, when none waits or runs any more.
async fn settled(bed: &Bed) -> Vec<Json> {
    loop {
        let tasks = pages(&bed.core, "/v1/tasks?", 1000).await;
        let busy = |task: &Json| ["queued", "running"].contains(&task["state"].as_str().unwrap());
        if !tasks.iter().any(busy) {
            return tasks;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_schemas_are_refreshed_and_silent_targets_hold_half_of_the_places_at_most() {
    let house = House::with(|config| {
        config.egress.loopback = true;
        config.guests.call = Duration::from_secs(3);
        config.imports.refreshes = PLACES;
    })
    .await;
    let silence = Silence::new().await;
    let first = Bed::bare(&house, People::new(1, 0)).await;
    for number in 0..CONNECTIONS {
        let id = format!("c{number}");
        let bed = Bed {
            people: People::new(0, 0),
            id,
            system: first.system.clone(),
            operator: house.operator(),
            core: house.core(),
        };
        if number % (CONNECTIONS / SILENT) == 0 && number / (CONNECTIONS / SILENT) < SILENT {
            bed.create(&silent(&bed, &silence)).await;
            bed.approve(&["network:ldaps:loopback"]).await;
        } else {
            bed.create(&first.people.connection(&bed.id, &bed.system)).await;
        }
    }
    // Each connection was refreshed by itself, as soon as something was approved and before anybody knew who is silent.
    settled(&first).await;

    let order = first.operator.order(&format!("/v1/systems/{}/schema/refresh", first.system)).await.expect(202);
    let ordered = items(&order);
    assert_eq!(ordered.len(), CONNECTIONS);
    let ids: Vec<&str> = ordered.iter().map(|one| one["task"].as_str().unwrap_or_else(|| panic!("{one}"))).collect();
    let tasks = settled(&first).await;
    let by_id: BTreeMap<&str, &Json> = tasks.iter().map(|task| (task["id"].as_str().unwrap(), task)).collect();
    let (good, bad): (Vec<&Json>, Vec<&Json>) =
        ids.iter().map(|id| by_id[id]).partition(|task| task["state"] == "succeeded");
    assert_eq!((good.len(), bad.len()), (CONNECTIONS - SILENT, SILENT));
    assert!(bad.iter().all(|task| task["error"]["kind"] == "operation-timeout"), "{bad:?}");

    let most = silence.most.load(Ordering::SeqCst);
    assert!((1..=PLACES as usize / 2).contains(&most), "{most} of {PLACES} places were held by silent targets");
    let last = |tasks: &[&Json]| tasks.iter().map(|task| task["finished"].as_str().unwrap().to_owned()).max();
    assert!(last(&good) < last(&bad), "who answers does not wait for those who do not");
}

#[tokio::test]
async fn what_waits_for_a_silent_target_is_broken_off_when_somebody_cancels_it_and_keeps_no_order_waiting() {
    let house = House::with(|config| {
        config.egress.loopback = true;
        config.guests.call = Duration::from_secs(600);
        config.guests.page = Duration::from_secs(600);
        config.imports.workers = 1;
        config.imports.refreshes = 2;
    })
    .await;
    let silence = Silence::new().await;
    let people = Bed::bare(&house, People::new(2, 0)).await;
    people.create(&people.people.connection(&people.id, &people.system)).await;
    let deaf = Bed { id: "deaf".into(), people: People::new(0, 0), system: people.system.clone(), ..people };
    deaf.create(&silent(&deaf, &silence)).await;
    deaf.approve(&["network:ldaps:loopback"]).await;
    let waiting = items(&deaf.core.get("/v1/tasks?connection=deaf").await.expect(200));
    let refresh = format!("/v1/tasks/{}", waiting[0]["id"].as_str().unwrap());
    deaf.when(&refresh, |task| task["state"] == "running").await;
    let order = deaf.core.order(&deaf.at("/imports")).await.expect(202);
    let import = order.header("location").to_owned();
    deaf.when(&import, |task| task["state"] == "running").await;

    let orders = json!({"orders": [{"type": "deleted", "class": "account", "uid": "u1"}]});
    let fulfilment = deaf.core.post(&format!("/v1/connections/{}/fulfilments", people.id), &orders).await.expect(202);
    assert_eq!(deaf.settled(fulfilment.header("location")).await["state"], "succeeded");
    assert_eq!(deaf.core.get(&import).await.expect(200).json()["state"], "running", "it is still waiting");

    deaf.core.order(&format!("{refresh}/cancel")).await.expect(200);
    assert_eq!(deaf.settled(&refresh).await["state"], "cancelled");
    deaf.core.order(&format!("{import}/cancel")).await.expect(200);
}

#[tokio::test]
async fn a_connection_is_refreshed_by_itself_once_something_it_asks_for_is_approved() {
    let bed = Bed::bare(House::shared().await, People::new(2, 1)).await;
    bed.operator.post("/v1/connections", &bed.connection()).await.expect(201);
    let nothing = bed.core.get(&format!("/v1/tasks?connection={}", bed.id)).await.expect(200);
    assert_eq!(items(&nothing), Vec::<Json>::new(), "before, it could only fail");
    bed.approve_all().await;
    let tasks = items(&bed.core.get(&format!("/v1/tasks?connection={}", bed.id)).await.expect(200));
    let kinds: Vec<&Json> = tasks.iter().map(|task| &task["kind"]).collect();
    assert_eq!(kinds, ["refresh-schema"]);
    let task = bed.settled(&format!("/v1/tasks/{}", tasks[0]["id"].as_str().unwrap())).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let schema = bed.core.get(&bed.at("/schema")).await.expect(200).json();
    assert_eq!((&schema["snapshot"], &schema["current"]), (&json!(1), &json!(true)), "{schema}");
}

#[tokio::test]
async fn a_system_is_refreshed_as_a_whole_but_for_connections_that_cannot_be() {
    let house = House::shared().await;
    let bed = Bed::new(2, 1).await;
    let schemaless = json!({"id": "no-schema", "system": bed.system, "connector": "hawser/clerk", "title": "No schema",
        "directories": {"data": {"path": bed.people.path(), "access": "read-only"}}});
    bed.operator.post("/v1/connections", &schemaless).await.expect(201);
    let disabled = Bed {
        people: People::new(1, 0),
        id: "off-1".into(),
        system: bed.system.clone(),
        operator: house.operator(),
        core: house.core(),
    };
    disabled.create(&disabled.connection()).await;
    disabled
        .operator
        .request(reqwest::Method::PATCH, &disabled.at("/switches"))
        .json(&json!({"enabled": false}))
        .send()
        .await
        .expect(200);

    let order = bed.operator.order(&format!("/v1/systems/{}/schema/refresh", bed.system)).await.expect(202);
    let by_id: BTreeMap<String, Json> =
        items(&order).into_iter().map(|one| (one["connection"].as_str().unwrap().to_owned(), one)).collect();
    assert_eq!(by_id.len(), 3, "{by_id:?}");
    assert_eq!(by_id["no-schema"]["problem"]["detail"], "There is no schema for this connection");
    assert!(by_id["off-1"]["problem"]["detail"].to_string().contains("`enabled`"), "{by_id:?}");
    let task = bed.settled(&format!("/v1/tasks/{}", by_id[&bed.id]["task"].as_str().unwrap())).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    bed.operator.order("/v1/systems/nobody/schema/refresh").await.problem(404, "not-found").names("nobody");
}
