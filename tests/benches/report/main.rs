//! The bench report: `cargo bench -p hawser-tests --bench report -- [PREFIX]...` prints, for each figure whose name begins
//! with a PREFIX, one line of five columns: `name value unit baseline ratio`.
//!
//! Value and baseline are medians, measured in the same run and under the product's own allocator; `-` stands where there
//! is no baseline. Figures are measured from outside, through the API of a whole host or the operations it is made of.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench stops at the first surprise, and prints"
)]

mod api;
mod apply;
mod bare;
mod call;
mod http;
mod import;
mod ldap;
mod load;
mod memory;
mod native;
mod scim;
mod service;
mod tables;
mod users;

use std::pin::Pin;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Runs of each figure; the median counts.
const RUNS: usize = 5;
/// Runs of those that take more than ten seconds each.
const RUNS_OF_LONG: usize = 3;
const MIB: f64 = 1024.0 * 1024.0;

/// One line of the report.
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    baseline: Option<f64>,
}

type Measuring = Pin<Box<dyn Future<Output = Figure>>>;
/// A figure's name, and what measures it.
type Entry = (&'static str, fn() -> Measuring);

/// All figures, in the order in which they are printed.
fn figures() -> Vec<Entry> {
    vec![
        ("call.fresh", || Box::pin(call::fresh())),
        ("call.kill", || Box::pin(call::kill())),
        ("import.csv.null", || Box::pin(import::null())),
        ("import.csv.store", || Box::pin(import::store())),
        ("import.csv.rss", || Box::pin(import::rss())),
        ("tables.stream", || Box::pin(tables::stream())),
        ("tables.stream.mapped", || Box::pin(tables::mapped())),
        ("tables.stream.rss", || Box::pin(tables::rss())),
        ("ldap.import", || Box::pin(ldap::rate())),
        ("ldap.import.cpu", || Box::pin(ldap::processor())),
        ("ldap.import.rss", || Box::pin(ldap::rss())),
        ("http.send", || Box::pin(http::send())),
        ("http.send.h2", || Box::pin(http::send_http2())),
        ("http.refused", || Box::pin(http::refused())),
        ("scim.import", || Box::pin(scim::rate())),
        ("scim.import.rss", || Box::pin(scim::rss())),
        ("load.cached", || Box::pin(load::cached())),
        ("load.ordered", || Box::pin(load::ordered())),
        ("load.cold", || Box::pin(load::cold())),
        ("api.create.p50", || Box::pin(api::latency())),
        ("api.create.rate", || Box::pin(api::rate())),
        ("apply.first", || Box::pin(apply::first())),
        ("apply.unchanged", || Box::pin(apply::unchanged())),
        ("memory.connection", || Box::pin(memory::connection())),
    ]
}

fn main() {
    // Cargo adds an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some((service::COMMAND, how)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return service::serve(how);
    }
    hawser_tests::guests::build_well();
    let chosen = |name: &str| arguments.is_empty() || arguments.iter().any(|prefix| name.starts_with(prefix));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    for (_, measure) in figures().into_iter().filter(|(name, _)| chosen(name)) {
        print(&runtime.block_on(measure()));
    }
}

fn print(figure: &Figure) {
    let or_dash = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let ratio = figure.baseline.map(|baseline| figure.value / baseline);
    let (baseline, ratio) = (or_dash(figure.baseline), or_dash(ratio));
    println!("{} {:.3} {} {baseline} {ratio}", figure.name, figure.value, figure.unit);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
