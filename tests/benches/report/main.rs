//! The bench report: `cargo bench -p hawser-tests --bench report -- [PREFIX]` prints, for each figure whose name begins
//! with PREFIX, one line of five columns: `name value unit baseline ratio`.
//!
//! Value and baseline are medians, measured in the same run and under the product's own allocator; `-` stands where there
//! is no baseline. Every figure is measured from outside, through the API of a whole host.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise, and prints"
)]

mod api;
mod load;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Runs of each figure; the median counts.
const RUNS: usize = 5;

/// One line of the report.
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    baseline: Option<f64>,
}

fn main() {
    // Cargo adds an argument of its own.
    let prefix = std::env::args().skip(1).find(|argument| argument != "--bench").unwrap_or_default();
    let wanted = |name: &str| name.starts_with(&prefix);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    if wanted("load.cached") {
        print(&runtime.block_on(load::cached()));
    }
    if wanted("load.ordered") {
        print(&runtime.block_on(load::ordered()));
    }
    if wanted("load.cold") {
        print(&runtime.block_on(load::cold()));
    }
    if wanted("api.create.p50") {
        print(&runtime.block_on(api::latency()));
    }
    if wanted("api.create.rate") {
        print(&runtime.block_on(api::rate()));
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
