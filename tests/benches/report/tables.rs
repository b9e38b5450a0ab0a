//! `tables.stream`: rows per second of a host's processor time that it sends over its API, of 1,000,000 accounts and
//! 5,000,000 memberships: each as a table in CSV, in NDJSON and in Parquet, then mapped, as entities (with two unique
//! properties and some steps) and as associations. Beside the import of the same through the CSV connector, staged,
//! compared and published. `tables.stream.mapped`: the mapped ones alone. `tables.stream.rss`: MiB by which the peak
//! memory of a host that does nothing but send them grows from a tenth of the rows to all of them.
//!
//! What each answer took goes to standard error. `HAWSER_BENCH_ACCOUNTS` takes another number of accounts, for a look
//! while something is built.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::Duration;

use futures_util::StreamExt as _;
use hawser_tests::child::Host;
use hawser_tests::house::{House, Tokens};
use serde_json::{Value as Json, json};
use tokio::sync::OnceCell;

use super::users::Users;
use super::{Figure, MIB, RUNS_OF_LONG, median};

const ACCOUNTS: usize = 1_000_000;
const MEMBERSHIPS_OF_EACH: usize = 5;
const GROUP_MEMBERS: usize = 500;
/// How much smaller the data is that memory is compared with.
const SMALLER: usize = 10;
/// How often a task is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// The columns' names are a line of CSV, and the end one of a mapped stream.
const EXTRA: usize = 1;

static MEASURED: OnceCell<Vec<Measured>> = OnceCell::const_new();

/// What one run has shown.
struct Measured {
    imported: Spent,
    tables: Spent,
    mapped: Spent,
    /// Peaks of memory, in bytes: with a tenth of the rows, and with all.
    peaks: [u64; 2],
}

/// Rows, and a host's processor time for them.
#[derive(Clone, Copy, Default)]
struct Spent {
    rows: usize,
    processor: Duration,
}

/// Tables, and what is mapped of them.
pub(super) async fn stream() -> Figure {
    figure("tables.stream", |run| run.tables.and(run.mapped)).await
}

/// What is mapped.
pub(super) async fn mapped() -> Figure {
    figure("tables.stream.mapped", |run| run.mapped).await
}

/// Peak memory.
pub(super) async fn rss() -> Figure {
    let growth = measured().await.iter().map(|run| (run.peaks[1] as f64 - run.peaks[0] as f64) / MIB);
    Figure { name: "tables.stream.rss", value: median(growth.collect()), unit: "MiB", baseline: None }
}

async fn figure(name: &'static str, of: impl Fn(&Measured) -> Spent) -> Figure {
    let runs = measured().await;
    let value = median(runs.iter().map(|run| of(run).rate()).collect());
    let baseline = median(runs.iter().map(|run| run.imported.rate()).collect());
    Figure { name, value, unit: "rows/CPU-s", baseline: Some(baseline) }
}

/// Once for all figures, because it takes minutes.
async fn measured() -> &'static [Measured] {
    MEASURED
        .get_or_init(async || {
            let accounts = std::env::var("HAWSER_BENCH_ACCOUNTS").ok().map(|text| text.parse().expect("a number"));
            let accounts = accounts.unwrap_or(ACCOUNTS);
            let mut runs = Vec::new();
            for _ in 0..RUNS_OF_LONG {
                runs.push(run(accounts).await);
            }
            runs
        })
        .await
}

async fn run(accounts: usize) -> Measured {
    let smaller = Company::imported(accounts / SMALLER).await.1.sent().await;
    let (imported, company) = Company::imported(accounts).await;
    let whole = company.sent().await;
    Measured { imported, tables: whole.0, mapped: whole.1, peaks: [smaller.2, whole.2] }
}

/// Accounts, groups and memberships that were imported and mapped, and no host that runs.
struct Company {
    accounts: usize,
    data: std::sync::Arc<tempfile::TempDir>,
    tokens: Tokens,
    connection: String,
}

impl Company {
    /// With what the import took.
    async fn imported(accounts: usize) -> (Spent, Self) {
        let users = Users::new(accounts);
        let memberships = accounts * MEMBERSHIPS_OF_EACH;
        write_groups(&users, memberships / GROUP_MEMBERS);
        let house = House::start().await;
        let files = [("groups-file", "groups.csv"), ("group-name", "name"), ("memberships-file", "memberships.csv")];
        let options = files.map(|(option, value)| (option.to_owned(), value.into()));
        let bed = users.connected_with(&house, options.into_iter().collect()).await;
        for mapping in mappings(&bed.id) {
            bed.operator.post("/v1/mappings", &mapping).await.expect(201);
        }
        let (data, tokens) = house.stop().await;
        let host = Host::start(data.path(), &tokens, "").await;
        let before = host.usage().processor;
        let order = host.core().order(&bed.at("/imports")).await.expect(202);
        let task = settled(&host, order.header("location")).await;
        let rows = accounts + memberships;
        assert_eq!(task["state"], "succeeded", "{task}");
        let spent = Spent { rows, processor: host.usage().processor - before };
        (spent, Self { accounts, data, tokens, connection: bed.id })
    }

    /// Reads everything: what the tables took, what was mapped took, and the peak of memory.
    async fn sent(&self) -> (Spent, Spent, u64) {
        let host = Host::start(self.data.path(), &self.tokens, "").await;
        let (mut tables, mut mapped) = (Spent::default(), Spent::default());
        let memberships = self.accounts * MEMBERSHIPS_OF_EACH;
        for (suffix, rows) in [("account", self.accounts), ("group_members", memberships)] {
            let path = format!("/v1/connections/{}/tables/{suffix}/rows?format=", self.connection);
            for (format, lines) in [("csv", Some(rows + EXTRA)), ("ndjson", Some(rows)), ("parquet", None)] {
                let spent = self.read(&host, &format!("{path}{format}"), lines).await;
                tables = tables.and(Spent { rows, processor: spent });
            }
        }
        for (path, rows) in [("person/entities", self.accounts), ("member/associations", memberships)] {
            let spent = self.read(&host, &format!("/v1/mappings/{path}"), Some(rows + EXTRA)).await;
            mapped = mapped.and(Spent { rows, processor: spent });
        }
        (tables, mapped, host.usage().peak)
    }

    /// Reads an answer to its end, which has so many lines: the host's processor time.
    async fn read(&self, host: &Host, path: &str, lines: Option<usize>) -> Duration {
        let before = host.usage().processor;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client can be built");
        let request = client.get(format!("{}{path}", host.base())).bearer_auth(&self.tokens.core);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status).expect("an answer");
        let mut pieces = answer.bytes_stream();
        let mut counted = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.expect("the answer is whole");
            counted += piece.iter().filter(|byte| **byte == b'\n').count();
        }
        assert!(lines.is_none_or(|lines| lines == counted), "{path}: {counted} lines");
        let spent = host.usage().processor - before;
        eprintln!("{path}: {:.2} CPU-s", spent.as_secs_f64());
        spent
    }
}

impl Spent {
    fn and(self, other: Self) -> Self {
        Self { rows: self.rows + other.rows, processor: self.processor + other.processor }
    }

    fn rate(self) -> f64 {
        self.rows as f64 / self.processor.as_secs_f64()
    }
}

/// Waits until a task stops, however long that takes.
async fn settled(host: &Host, task: &str) -> Json {
    loop {
        let now = host.core().get(task).await.expect(200).json();
        if now["state"] != "queued" && now["state"] != "running" {
            return now;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Beside the users, so many groups of as many members each, in the order of the groups.
fn write_groups(users: &Users, groups: usize) {
    let file =
        |name: &str| BufWriter::new(File::create(users.file().with_file_name(name)).expect("a file can be made"));
    let (mut named, mut members) = (file("groups.csv"), file("memberships.csv"));
    writeln!(named, "id,name,description").expect("a file can be written");
    writeln!(members, "group,account").expect("a file can be written");
    for group in 0..groups {
        writeln!(named, "g{group:06},team-{group},Team number {group}").expect("a file can be written");
        for member in 0..GROUP_MEMBERS {
            let account = (group * GROUP_MEMBERS + member) % users.count;
            writeln!(members, "g{group:06},u{account:08}").expect("a file can be written");
        }
    }
}

/// People by a key that is made of the uid, teams by the uid as it is, and who is in which.
fn mappings(connection: &str) -> [Json; 3] {
    let column = |name: &str| json!({"from": {"column": name}});
    let person = json!({
        "kind": "entity", "id": "person", "title": "People", "key": "id", "unique": ["mail"],
        "sources": [{"table": format!("{connection}_account")}],
        "properties": {
            "id": {"from": {"column": ":uid", "then": ["upper"]}},
            "mail": {"from": {"column": "email", "then": ["trim", "lower"]}},
            "domain": {"from": {"column": "email", "then": [{"split": {"separator": "@", "index": -1}}]}},
            "name": {"from": {"concat": [{"column": "givenName"}, {"text": " "}, {"column": "familyName"}]}},
            "department": column("department"), "title": column("title"), "manager": column("manager"),
            "active": {"type": "boolean", "from": {"column": "active"}},
            "number": {"type": "integer", "from": {"column": "employeeNumber"}},
        },
    });
    let team = json!({
        "kind": "entity", "id": "team", "title": "Teams", "key": "id",
        "sources": [{"table": format!("{connection}_group")}], "properties": {"id": column(":uid")},
    });
    let member = json!({
        "kind": "association", "id": "member", "title": "Members", "table": format!("{connection}_group_members"),
        "left": {"entity": "team", "from": {"column": ":owner"}},
        "right": {"entity": "person", "from": {"column": ":value", "then": ["upper"]}},
    });
    [person, team, member]
}
