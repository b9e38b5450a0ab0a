//! `import.csv.null`: rows per second of processor time, of all threads, from the file through the sandboxed CSV
//! connector into the host's own words, and dropped there. `import.csv.store`: the same through the whole import, staged,
//! compared and published, by a host in a process of its own. Both beside the native reader, in the same run.
//! `import.csv.rss`: MiB by which that host's peak memory grows from 10,000 rows to 1,000,000.

use std::time::Duration;

use hawser::clock::Clock;
use hawser::config::Config;
use hawser::model::{Caller, ClassName, Gate, ListRequest, RequestContext, RequestId, Role};
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::usage::Usage;

use super::users::{Served, Users};
use super::{Figure, MIB, RUNS, RUNS_OF_LONG, median, native};

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
/// How long the caller of the bare listing would wait.
const PATIENCE: Duration = Duration::from_mins(10);

/// Into nothing.
pub(super) async fn null() -> Figure {
    let users = Users::new(MANY);
    let house = House::start().await;
    let bed = users.connected(&house).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        theirs.push(rate(native::stream(&users.file())));
        ours.push(rate(listed(&house, &bed).await));
    }
    house.stop().await;
    Figure { name: "import.csv.null", value: median(ours), unit: "rows/CPU-s", baseline: Some(median(theirs)) }
}

/// Into the store.
pub(super) async fn store() -> Figure {
    let users = Users::new(MANY);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS_OF_LONG {
        theirs.push(rate(native::stream(&users.file())));
        ours.push(rate((imported(&users).await.0, MANY)));
    }
    Figure { name: "import.csv.store", value: median(ours), unit: "rows/CPU-s", baseline: Some(median(theirs)) }
}

/// Peak memory.
pub(super) async fn rss() -> Figure {
    let (few, many) = (Users::new(FEW), Users::new(MANY));
    let mut growth = Vec::new();
    for _ in 0..RUNS_OF_LONG {
        let peaks = [imported(&few).await.1, imported(&many).await.1];
        growth.push((peaks[1] as f64 - peaks[0] as f64) / MIB);
    }
    Figure { name: "import.csv.rss", value: median(growth), unit: "MiB", baseline: None }
}

fn rate((processor, rows): (Duration, usize)) -> f64 {
    rows as f64 / processor.as_secs_f64()
}

/// Reads all of them, page by page as an import would, and drops them.
async fn listed(house: &House, bed: &Bed) -> (Duration, usize) {
    let connections = house.connections();
    let ready = connections.ready(&bed.id.parse().unwrap()).await.unwrap();
    let class: ClassName = "account".parse().unwrap();
    let attributes = ready.class(&class).unwrap().attributes.iter().filter(|info| info.readable);
    let attributes = attributes.map(|info| info.name.parse().unwrap()).collect();
    let request = ListRequest { class, attributes, filter: None, container: None };
    let page_rows = Config::default().imports.page_rows;

    let begun = Usage::own().processor;
    let context = connections.context(&caller(), &ready);
    let mut listing = ready.component().open_listing(context, request, None).await.result.unwrap();
    let mut rows = 0;
    loop {
        let page = std::hint::black_box(listing.next(page_rows).await.result.unwrap());
        rows += page.rows.len();
        if page.complete {
            return (Usage::own().processor - begun, rows);
        }
    }
}

/// Somebody who asks, past the API.
pub(super) fn caller() -> RequestContext {
    RequestContext {
        caller: Caller { name: "bench".to_owned(), role: Role::Core },
        id: RequestId::fresh(),
        deadline: Clock::system().after(PATIENCE),
        idempotency_key: None,
        gate: Gate::default(),
    }
}

/// Imports all of them for the first time: the host's processor time for it, and its peak of memory.
async fn imported(users: &Users) -> (Duration, u64) {
    let served = Served::new(users).await;
    let begun = served.host.usage().processor;
    let task = served.bed.import_published().await;
    assert_eq!(task["counts"]["inserted"], users.count, "{task}");
    let used = served.host.usage();
    (used.processor - begun, used.peak)
}
