//! A host that is killed in the middle of an installation has the release or does not have it, and installing it again
//! is all it takes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use hawser_tests::child::Host;
use hawser_tests::client::Answer;
use hawser_tests::house::Tokens;
use hawser_tests::vendor::{Release, Vendor, built, with_section};
use tokio::task::JoinHandle;

use super::{at, renamed, until, with_csv};

/// Installations cut off at moments spread evenly over the time one takes.
const MOMENTS: u32 = 20;
/// The lines of the log that say where an installation is.
const STEPS: [&str; 5] = ["step=\"keep\"", "compiling", "step=\"link\"", "step=\"record\"", "a release serves"];
const SETTINGS: &str = "[log]\nfilter = \"hawser=debug\"\n";

/// Releases of the CSV connector, each with a component that was never compiled before.
struct Series {
    vendor: Vendor,
    manifest: String,
    component: Vec<u8>,
    next: u32,
}

impl Series {
    fn next(&mut self) -> (String, Release) {
        self.next += 1;
        let version = format!("0.1.{}", self.next);
        let component = with_section(&self.component, &self.next.to_be_bytes());
        let release = self.vendor.sign(&renamed(&self.manifest, &version, ""), &component);
        (version, release)
    }
}

async fn start(data: &Path, tokens: &Tokens, log: &Path) -> Host {
    Host::logging(data, tokens, SETTINGS, log).await
}

/// Begins an installation that gets no answer.
fn begin(release: &Release, host: &Host) -> JoinHandle<Answer> {
    let (release, operator) = (release.clone(), host.operator());
    tokio::spawn(async move { release.install(&operator).await })
}

/// Absent, or there whole: listed and serving. Then it can be installed, again or at last.
async fn check(host: &Host, version: &str, release: &Release, when: &str) {
    let shown = host.operator().get(&at(version, "")).await;
    let is_there = shown.status != 404;
    if is_there {
        let shown = shown.expect(200).json();
        assert_eq!((shown["state"].as_str(), shown.get("failure")), (Some("active"), None), "{when}: {shown}");
    }
    let again = release.install(&host.operator()).await;
    assert_eq!(again.status, if is_there { 200 } else { 201 }, "{when}: {}", again.text);
    let now = host.operator().get("/v1/connectors/hawser/csv").await.expect(200).json();
    assert_eq!((&now["version"], &now["development"]), (&version.into(), &false.into()), "{when}: {now}");
}

#[tokio::test]
async fn a_host_killed_at_any_moment_of_an_installation_has_the_release_or_does_not_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let (house, vendor) = with_csv(folder.path()).await;
    let (data, tokens) = house.stop().await;
    let (manifest, component) = tokio::task::spawn_blocking(|| built("hawser-csv")).await.unwrap();
    let mut series = Series { vendor, manifest, component, next: 0 };
    let log = folder.path().join("log");
    let mut host = start(data.path(), &tokens, &log).await;
    let (_, whole) = series.next();
    let begun = Instant::now();
    whole.install(&host.operator()).await.expect(201);
    let takes = begun.elapsed();
    for moment in 0..MOMENTS {
        let (version, release) = series.next();
        let installing = begin(&release, &host);
        tokio::time::sleep(takes * moment / MOMENTS).await;
        host.kill();
        drop(installing.await);
        host = start(data.path(), &tokens, &log).await;
        check(&host, &version, &release, &format!("killed at {moment}/{MOMENTS}")).await;
    }
    for step in STEPS {
        let (version, release) = series.next();
        let since = fs::metadata(&log).unwrap().len();
        let installing = begin(&release, &host);
        until(async || said(&log, since).contains(step)).await;
        host.kill();
        drop(installing.await);
        host = start(data.path(), &tokens, &log).await;
        check(&host, &version, &release, &format!("killed at {step}")).await;
    }
    assert_eq!(host.operator().get("/v1/audit/verify").await.expect(200).json()["intact"], true);
}

fn said(log: &Path, since: u64) -> String {
    let bytes = fs::read(log).unwrap();
    let text = String::from_utf8_lossy(&bytes[usize::try_from(since).unwrap()..]).into_owned();
    // Colours stand between a field's name and its value.
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}
