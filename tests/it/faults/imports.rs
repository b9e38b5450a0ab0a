//! Imports of a host that is killed: they end as those of a host that nobody touched.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hawser_tests::bed::{Bed, pages};
use hawser_tests::child::Host;
use hawser_tests::client::Client;
use hawser_tests::house::{House, Tokens};
use hawser_tests::people::People;
use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::company::{ACCOUNTS, founded, grow, order};
use super::dead::DeadStore;
use super::{assert_intact, at, chance, tell};

/// Small pages, so that there is a middle to be killed in.
const PAGE_ROWS: u32 = 8;
/// Kills of each of two imports, at moments that chance chooses: while it reads, and while it compares and publishes.
const KILLS_READING: u64 = 18;
const KILLS_CONCLUDING: u32 = 7;
const LOOK: Duration = Duration::from_millis(3);

/// Everything that an import leaves behind for others to see.
#[derive(Debug, PartialEq)]
struct Seen {
    state: Json,
    counts: Json,
    rejected: Vec<Json>,
    objects: Vec<Json>,
    links: Vec<Json>,
    feed: Vec<Json>,
}

impl Seen {
    async fn of(bed: &Bed, task: &Json, feed: &[Json]) -> Self {
        let rejected = format!("/v1/tasks/{}/rejected?", task["id"].as_str().unwrap());
        let mut objects = bed.published("account").await;
        objects.extend(bed.published("group").await);
        Self {
            state: task["state"].clone(),
            counts: task["counts"].clone(),
            rejected: pages(&bed.core, &rejected, 1000).await,
            objects,
            links: bed.core.get(&bed.at("/published/group/links/members")).await.expect(200).lines(),
            feed: feed.to_vec(),
        }
    }

    /// Where it differs, without a million lines.
    fn assert_is(&self, uncut: &Self, which: &str) {
        assert_eq!((&self.state, &self.counts), (&uncut.state, &uncut.counts), "{which}");
        for (what, cut, uncut) in [
            ("set aside", &self.rejected, &uncut.rejected),
            ("published", &self.objects, &uncut.objects),
            ("links", &self.links, &uncut.links),
            ("changes", &self.feed, &uncut.feed),
        ] {
            let first = cut.iter().zip(uncut).find(|(cut, uncut)| cut != uncut);
            assert_eq!(first, None, "{which}: the first of what is {what} that differs");
            assert_eq!(cut.len(), uncut.len(), "{which}: {what}");
        }
    }
}

/// Somebody who follows the changes, whatever happens to the host.
#[derive(Default)]
struct Follower {
    feed: Vec<Json>,
    position: i64,
}

impl Follower {
    /// Reads what there is; false if the host gave no whole answer.
    async fn read(&mut self, core: &Client, changes: &str) -> bool {
        let asked = core.request(Method::GET, &format!("{changes}?after={}&limit=1000", self.position));
        let Ok(answer) = asked.attempt().await else { return false };
        for change in answer.expect(200).lines() {
            let position = change["position"].as_i64().unwrap();
            assert!(position > self.position, "{position} comes after {}: {change}", self.position);
            self.position = position;
            self.feed.push(change);
        }
        true
    }

    /// Reads to the end.
    async fn catch_up(&mut self, core: &Client, changes: &str) {
        let mut before = -1;
        while self.position > before {
            before = self.position;
            assert!(self.read(core, changes).await);
        }
    }

    /// Reads until the host dies.
    fn follow(mut self, core: Client, changes: String) -> JoinHandle<Self> {
        tokio::spawn(async move {
            while self.read(&core, &changes).await {
                tokio::time::sleep(LOOK).await;
            }
            self
        })
    }
}

/// A host that is killed again and again.
struct Victim {
    data: Arc<TempDir>,
    tokens: Tokens,
    bed: Bed,
    follower: Follower,
    chance: StdRng,
    /// The longest time a start has taken.
    startup: Duration,
}

impl Victim {
    /// Runs an import through all its kills to its end. `records` is how many objects and links it stages.
    async fn import(&mut self, which: &str, records: u64) -> Seen {
        let order = order(&self.bed.people);
        let host = self.start().await;
        let ordered = self.bed.core.order(&self.bed.at("/imports")).await.expect(202);
        let task = ordered.header("location").to_owned();
        host.kill();
        for kill in 1..=KILLS_READING {
            tell(&format!("{which}: kill {kill} while it reads"));
            self.kill_reading(&task, records * kill / KILLS_READING).await;
            DeadStore::of(self.data.path()).await.check(&order).await;
        }
        for kill in 0..KILLS_CONCLUDING {
            tell(&format!("{which}: kill {kill} while it compares and publishes"));
            self.kill_concluding(kill).await;
            DeadStore::of(self.data.path()).await.check(&order).await;
        }
        self.finish(&task).await
    }

    async fn start(&mut self) -> Host {
        let begun = Instant::now();
        let host = Host::start(self.data.path(), &self.tokens, &settings()).await;
        self.startup = self.startup.max(begun.elapsed());
        at(&mut self.bed, &host);
        host
    }

    /// Kills at a moment soon after so many records are staged.
    async fn kill_reading(&mut self, task: &str, records: u64) {
        let host = self.start().await;
        let follower = std::mem::take(&mut self.follower).follow(host.core(), self.bed.at("/changes"));
        self.bed.when(task, |task| task["state"] == "succeeded" || staged(task) >= records).await;
        tokio::time::sleep(Duration::from_micros(self.chance.random_range(0..5_000))).await;
        host.kill();
        self.follower = follower.await.unwrap();
    }

    /// Kills at a moment between the start of the process and some time after it answers: an import that has read
    /// everything is compared and published then. The first kills come earlier than the last.
    async fn kill_concluding(&mut self, kill: u32) {
        let step = self.startup * 2 / KILLS_CONCLUDING;
        let life = step * kill + step.mul_f64(self.chance.random());
        let host = Host::launch(self.data.path(), &self.tokens, &settings()).await;
        tokio::time::sleep(life).await;
        host.kill();
    }

    async fn finish(&mut self, task: &str) -> Seen {
        let host = self.start().await;
        let done = self.bed.settled(task).await;
        let changes = self.bed.at("/changes");
        self.follower.catch_up(&self.bed.core, &changes).await;
        let seen = Seen::of(&self.bed, &done, &self.follower.feed).await;
        assert_intact(&self.bed.operator).await;
        let trail = self.bed.audit().await;
        let open: Vec<&Json> = trail.iter().filter(|entry| entry["outcome"]["status"].is_null()).collect();
        assert_eq!(open, Vec::<&Json>::new(), "what began has no answer");
        host.kill();
        seen
    }
}

fn settings() -> String {
    format!("[imports]\npage-rows = {PAGE_ROWS}\n")
}

/// How many records a task has staged.
fn staged(task: &Json) -> u64 {
    ["rows", "links"].iter().filter_map(|kind| task["progress"][kind].as_u64()).sum()
}

/// Runs the same two imports where nobody disturbs them; how many records each stages, and what is seen afterwards.
async fn undisturbed(house: &House) -> [(u64, Seen); 2] {
    let bed = Bed::bare(house, founded()).await;
    bed.connect(&bed.connection()).await;
    let mut follower = Follower::default();
    let first = import(&bed, &mut follower).await;
    grow(&bed.people);
    [first, import(&bed, &mut follower).await]
}

async fn import(bed: &Bed, follower: &mut Follower) -> (u64, Seen) {
    let task = bed.import_published().await;
    follower.catch_up(&bed.core, &bed.at("/changes")).await;
    (staged(&task), Seen::of(bed, &task, &follower.feed).await)
}

#[tokio::test]
async fn two_imports_killed_fifty_times_end_like_two_that_nobody_touched() {
    let chance = chance();
    let house = House::with(|config| config.imports.page_rows = PAGE_ROWS).await;
    let [(first, uncut_first), (second, uncut_second)] = undisturbed(&house).await;
    let counts = &uncut_second.counts;
    for kind in ["inserted", "updated", "deleted", "unchanged", "linksAdded", "linksRemoved", "rejected"] {
        assert!(counts[kind].as_u64() > Some(0), "the second import tries no {kind}: {counts}");
    }
    let bed = Bed::bare(&house, founded()).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;
    let startup = Duration::ZERO;
    let mut victim = Victim { data, tokens, bed, follower: Follower::default(), chance, startup };
    victim.import("first import", first).await.assert_is(&uncut_first, "first import");
    grow(&victim.bed.people);
    victim.import("second import", second).await.assert_is(&uncut_second, "second import");
}

#[tokio::test]
async fn a_file_that_changed_while_the_host_was_dead_is_read_again_from_the_start() {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(ACCOUNTS, 0)).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;

    let host = Host::start(data.path(), &tokens, &settings()).await;
    at(&mut bed, &host);
    let task = bed.core.order(&bed.at("/imports")).await.expect(202).header("location").to_owned();
    bed.when(&task, |task| task["progress"]["rows"].as_u64() >= Some(500)).await;
    host.kill();
    bed.people.replace("accounts.csv", "Engineer 7,", "Director,");
    let host = Host::start(data.path(), &tokens, "").await;
    at(&mut bed, &host);
    let done = bed.settled(&task).await;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!((&done["counts"]["inserted"], &done["counts"]["rejected"]), (&json!(ACCOUNTS), &json!(0)), "{done}");
    let changed = bed.core.get(&bed.at("/published/account/u7")).await.expect(200).json();
    assert_eq!(changed["attributes"]["title"], json!(["Director"]), "{changed}");
}
