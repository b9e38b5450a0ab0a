//! `load.cached`: milliseconds from letting an installed release serve, its code in the cache, to the first answer of a
//! connector through it: the signature, the code's seal, placing and linking it, the connection made ready anew, the call.
//! `load.ordered`: the same from the request that orders it, with the two rows of the audit trail on the disk.
//! `load.cold`: from the upload, with verifying and compiling.

use std::time::Instant;

use hawser::model::Permissions;
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::vendor::{Vendor, built, with_section};

use super::{Figure, RUNS, median};

/// Rounds thrown away: the first touches pages nobody has touched before.
const WARM_UP: usize = 2;

/// A host with a trusted vendor, and the CSV connector connected.
struct Ground {
    house: House,
    vendor: Vendor,
    bed: Bed,
}

impl Ground {
    async fn new() -> Self {
        let house = House::with(|config| {
            config.connectors.clear();
            config.allow_unsigned = false;
        })
        .await;
        let vendor = Vendor::new();
        vendor.be_trusted(&house.operator(), "hawser").await.expect(201);
        install(&house, &vendor, 0).await;
        let bed = Bed::bare(&house, People::new(5, 1)).await;
        bed.connect(&bed.connection()).await;
        Self { house, vendor, bed }
    }

    /// Lets one of the installed releases serve, over the API or by the registry alone.
    async fn activate(&self, patch: usize, over_api: bool) {
        if over_api {
            let path = format!("/v1/connectors/hawser/csv/releases/0.1.{patch}/activate");
            self.house.operator().order(&path).await.expect(200);
            return;
        }
        let (connector, version) = ("hawser/csv".parse().unwrap(), format!("0.1.{patch}").parse().unwrap());
        self.house.registry().activate(&connector, &version, &Permissions::new(), "bench").await.unwrap();
    }

    async fn answer(&self) {
        self.bed.core.get(&self.bed.account("u1")).await.expect(200);
    }
}

/// Installs a release whose component was never seen before, under that patch version.
async fn install(house: &House, vendor: &Vendor, patch: usize) {
    let (manifest, component) = built("hawser-csv");
    let manifest = manifest.replacen("version = \"0.1.0\"", &format!("version = \"0.1.{patch}\""), 1);
    let release = vendor.sign(&manifest, &with_section(&component, &patch.to_be_bytes()));
    release.install(&house.operator()).await.expect(201);
}

/// The code is in the cache.
pub(super) async fn cached() -> Figure {
    Figure { name: "load.cached", value: activated(false).await, unit: "ms", baseline: None }
}

/// The same, ordered over the API.
pub(super) async fn ordered() -> Figure {
    Figure { name: "load.ordered", value: activated(true).await, unit: "ms", baseline: None }
}

async fn activated(over_api: bool) -> f64 {
    let ground = Ground::new().await;
    install(&ground.house, &ground.vendor, 1).await;
    let mut millis = Vec::new();
    for round in 0..WARM_UP + RUNS {
        let begun = Instant::now();
        ground.activate(round % 2, over_api).await;
        ground.answer().await;
        millis.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    ground.house.stop().await;
    median(millis.split_off(WARM_UP))
}

/// The component is uploaded, verified and compiled first.
pub(super) async fn cold() -> Figure {
    let ground = Ground::new().await;
    let mut millis = Vec::new();
    for round in 1..=RUNS {
        let begun = Instant::now();
        install(&ground.house, &ground.vendor, round).await;
        ground.answer().await;
        millis.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    ground.house.stop().await;
    Figure { name: "load.cold", value: median(millis), unit: "ms", baseline: None }
}
