//! The trail's tests, on real files.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tempfile::TempDir;

use super::*;
use crate::model::{Effect, Error, ErrorKind, FailureKind, RequestId, Role};

/// How long a writer waits for a file that somebody else has locked.
const PATIENCE: Duration = Duration::from_millis(50);

struct Trail {
    folder: TempDir,
    clock: Clock,
    audit: Audit,
}

impl Trail {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_second(1_800_000_000).unwrap());
        let audit = Audit::open_waiting(&folder.path().join("audit.db"), clock.clone(), PATIENCE).await.unwrap();
        Self { folder, clock, audit }
    }

    async fn reopen(&mut self) {
        self.audit.close().await;
        self.audit = Audit::open(&self.folder.path().join("audit.db"), self.clock.clone()).await.unwrap();
    }

    /// Three operations, each with its outcome: rows 1 to 6.
    async fn three(&self) {
        for name in ["ann", "bob", "eve"] {
            let begun = self.audit.begin(&entry(name)).await.unwrap();
            begun.finish(&Outcome::succeeded()).await.unwrap();
        }
    }

    async fn tamper(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.intruder().await).await.unwrap();
    }

    /// Somebody else with the file in his hands.
    async fn intruder(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.folder.path().join("audit.db")).connect().await.unwrap()
    }

    /// Keeps the file from being written until it is closed.
    async fn lock(&self) -> SqliteConnection {
        let mut intruder = self.intruder().await;
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut intruder).await.unwrap();
        intruder
    }

    async fn records(&self, filter: AuditFilter) -> Vec<AuditRecord> {
        self.audit.list(&filter, None, 100).await.unwrap()
    }
}

fn entry(name: &str) -> Entry {
    Entry {
        connection: Some("HR".parse().unwrap()),
        class: Some("account".into()),
        name: Some(name.into()),
        attributes: vec!["mail".into(), "password".into()],
        parameters: [("group".to_owned(), serde_json::json!("staff"))].into(),
        ..Entry::new("core", Role::Core, RequestId::fresh(), "object.create")
    }
}

#[tokio::test]
async fn an_operation_is_listed_with_its_outcome_as_it_was_told() {
    let trail = Trail::new().await;
    let told = entry("ann");
    let begun = trail.audit.begin(&told).await.unwrap();
    let id = begun.id().unwrap();
    assert_eq!(trail.records(AuditFilter::default()).await[0].outcome, None);
    trail.clock.advance(Duration::from_secs(2));
    let outcome = Outcome {
        uid: Some("7".into()),
        directories: vec!["data read-write".into()],
        credentials: vec!["new-password".into()],
        ..Outcome::succeeded()
    };
    begun.finish(&outcome).await.unwrap();
    let record = trail.records(AuditFilter::default()).await.remove(0);
    assert_eq!((record.id, record.who.as_str(), record.role.as_str()), (id, "core", "core"));
    assert_eq!((record.request_id.as_str(), record.action.as_str()), (told.request_id.as_str(), "object.create"));
    assert_eq!((record.connection, record.class, record.name), (told.connection, told.class, told.name));
    assert_eq!((record.attributes, record.parameters), (told.attributes, told.parameters));
    let expected = RecordedOutcome { at: trail.clock.now(), outcome };
    assert_eq!(record.outcome, Some(expected));
}

/// What a whole chain of so many rows verifies as.
async fn sound(trail: &Trail, rows: i64) -> Verified {
    let head: Vec<u8> =
        sqlx::query_scalar("SELECT hash FROM head").fetch_one(trail.audit.database.reader()).await.unwrap();
    Verified::Sound { rows, head: head.try_into().unwrap() }
}

#[tokio::test]
async fn rows_that_cannot_be_written_are_errors_of_their_own_operations_and_of_no_other() {
    let trail = Trail::new().await;
    let before = trail.audit.begin(&entry("before")).await.unwrap();
    let lock = trail.lock().await;
    let (ann, bob) = (entry("ann"), entry("bob"));
    let (one, other) = tokio::join!(trail.audit.begin(&ann), trail.audit.begin(&bob));
    assert_eq!(one.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(other.unwrap_err().kind, ErrorKind::Unavailable);
    lock.close().await.unwrap();
    before.finish(&Outcome::succeeded()).await.unwrap();
    assert_eq!(trail.audit.begin(&entry("after")).await.unwrap().id(), Some(AuditId(3)));
    assert_eq!(trail.audit.verify().await.unwrap(), sound(&trail, 3).await);
}

#[tokio::test]
async fn a_chain_that_ends_elsewhere_than_was_thought_costs_one_operation_and_not_all_that_follow() {
    let trail = Trail::new().await;
    let path = trail.folder.path().join("audit.db");
    let other = Audit::open(&path, Clock::system()).await.unwrap();
    let _first = other.begin(&entry("by a commit that was reported as failed")).await.unwrap();
    assert!(trail.audit.begin(&entry("ann")).await.is_err());
    assert_eq!(trail.audit.begin(&entry("bob")).await.unwrap().id(), Some(AuditId(2)));
    assert_eq!(trail.audit.verify().await.unwrap(), sound(&trail, 2).await);
}

#[tokio::test]
async fn a_gate_stays_shut_if_the_begin_row_cannot_be_written_and_then_there_is_no_outcome_either() {
    let trail = Trail::new().await;
    let (lock, gate) = (trail.lock().await, Gate::default());
    let begun = trail.audit.announce(&entry("ann"), &gate).await.unwrap();
    assert_eq!(gate.pass().await.unwrap_err().kind, ErrorKind::Unavailable);
    lock.close().await.unwrap();
    assert_eq!((begun.id(), gate.is_open()), (None, false));
    assert!(begun.finish(&Outcome::succeeded()).await.unwrap_err().is(FailureKind::Conflict));
    assert_eq!(trail.records(AuditFilter::default()).await, []);
    assert_eq!(trail.audit.verify().await.unwrap(), Verified::Sound { rows: 0, head: [0; 32] });
}

#[tokio::test]
async fn whoever_passed_the_gate_finds_the_begin_row_in_the_file() {
    let trail = Trail::new().await;
    let gate = Gate::default();
    let begun = trail.audit.announce(&entry("ann"), &gate).await.unwrap();
    assert!(!gate.is_open());
    gate.pass().await.unwrap();
    assert_eq!(trail.records(AuditFilter::default()).await[0].name.as_deref(), Some("ann"));
    begun.finish(&Outcome::succeeded()).await.unwrap();
}

#[tokio::test]
async fn a_begin_row_comes_before_its_outcome_although_nobody_waited_for_it() {
    let trail = Trail::new().await;
    let gate = Gate::default();
    let begun = trail.audit.announce(&entry("ann"), &gate).await.unwrap();
    begun.finish(&Outcome::succeeded()).await.unwrap();
    let record = trail.records(AuditFilter::default()).await.remove(0);
    assert_eq!((record.id, record.outcome.is_some(), gate.pass().await), (AuditId(1), true, Ok(())));
    assert_eq!(trail.audit.verify().await.unwrap(), sound(&trail, 2).await);
}

#[tokio::test]
async fn a_begin_row_that_nobody_waits_for_is_written_all_the_same() {
    let trail = Trail::new().await;
    let begun = trail.audit.announce(&entry("ann"), &Gate::default()).await.unwrap();
    while trail.records(AuditFilter::default()).await.is_empty() {
        tokio::task::yield_now().await;
    }
    begun.finish(&Outcome::succeeded()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_make_one_sound_chain_with_each_ones_own_outcome() {
    const CALLERS: i64 = 300;
    let trail = Trail::new().await;
    let operations = (0..CALLERS).map(|number| {
        let audit = trail.audit.clone();
        tokio::spawn(async move {
            let begun = audit.begin(&entry(&format!("person {number}"))).await.unwrap();
            let id = begun.id();
            let outcome = Outcome { uid: Some(format!("uid {number}")), ..Outcome::succeeded() };
            begun.finish(&outcome).await.unwrap();
            id.unwrap()
        })
    });
    let mut ids = BTreeSet::new();
    for operation in operations.collect::<Vec<_>>() {
        assert!(ids.insert(operation.await.unwrap()));
    }
    assert_eq!(trail.audit.verify().await.unwrap(), sound(&trail, CALLERS * 2).await);
    let records = trail.audit.list(&AuditFilter::default(), None, 1000).await.unwrap();
    assert_eq!(records.iter().map(|record| record.id).collect::<BTreeSet<_>>(), ids);
    for record in records {
        let uid = record.outcome.unwrap().outcome.uid.unwrap();
        assert_eq!(record.name.unwrap().replace("person", "uid"), uid);
    }
}

#[tokio::test]
async fn nothing_begins_in_a_trail_that_is_closed_and_what_was_handed_over_before_is_written() {
    let mut trail = Trail::new().await;
    let begun = trail.audit.announce(&entry("ann"), &Gate::default()).await.unwrap();
    trail.audit.close().await;
    assert_eq!(trail.audit.begin(&entry("bob")).await.unwrap_err().kind, ErrorKind::Unavailable);
    drop(begun);
    trail.reopen().await;
    assert_eq!(trail.records(AuditFilter::default()).await[0].name.as_deref(), Some("ann"));
}

#[tokio::test]
async fn the_trail_of_an_older_host_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.db");
    let old = Database::open(WHAT, &path, &MIGRATIONS[..1], Durability::Every, PATIENCE).await.unwrap();
    let mut writer = old.writer().await.unwrap();
    let row = Row { who: "core".into(), detail: "{}".into(), ..Row::default() };
    let end = chain::end(&mut writer).await.unwrap().then(&row);
    chain::append(&mut writer, &[(row, end)]).await.unwrap();
    sqlx::raw_sql("INSERT INTO head SELECT 1, seq, hash FROM entry").execute(&mut *writer).await.unwrap();
    drop(writer);
    old.close().await;
    let audit = Audit::open(&path, Clock::system()).await.unwrap();
    let Verified::Sound { rows, .. } = audit.verify().await.unwrap() else { panic!("the chain broke") };
    assert_eq!(rows, 2, "the row that was there, and the outcome it lacked");
}

#[tokio::test]
async fn an_operation_that_a_stop_cut_short_has_an_unknown_outcome() {
    let mut trail = Trail::new().await;
    trail.three().await;
    let cut = trail.audit.begin(&entry("cut")).await.unwrap().id();
    trail.reopen().await;
    let records = trail.records(AuditFilter::default()).await;
    let statuses: Vec<_> = records.iter().map(|r| r.outcome.as_ref().unwrap().outcome.status).collect();
    use OutcomeStatus::{OutcomeUnknown, Succeeded};
    assert_eq!(statuses, [Succeeded, Succeeded, Succeeded, OutcomeUnknown]);
    assert_eq!(Some(records[3].id), cut);
    trail.reopen().await;
    assert_eq!(trail.audit.verify().await.unwrap(), sound(&trail, 8).await);
}

#[tokio::test]
async fn a_failure_is_told_apart_from_an_unknown_outcome() {
    let refused = Outcome::failed(&Error::failure(FailureKind::AlreadyExists, "there"));
    assert_eq!((refused.status, refused.effect.as_deref()), (OutcomeStatus::Failed, Some("none")));
    assert_eq!(refused.error.as_deref(), Some("already-exists"));
    let lost = Error::failure(FailureKind::OutcomeUnknown, "no answer").with_effect(Effect::Unknown);
    assert_eq!(Outcome::failed(&lost).status, OutcomeStatus::OutcomeUnknown);
    let trapped = Error::new(ErrorKind::GuestTrap, "trap").with_effect(Effect::Unknown);
    assert_eq!(Outcome::failed(&trapped).status, OutcomeStatus::OutcomeUnknown);
}

#[tokio::test]
async fn tampering_shows_at_the_first_row_it_touched() {
    for (row, what, sql) in [
        (3, "changed detail", "UPDATE entry SET detail = REPLACE(detail, 'bob', 'rob') WHERE seq = 3"),
        (2, "changed outcome", "UPDATE entry SET detail = REPLACE(detail, 'succeeded', 'failed') WHERE seq = 2"),
        (5, "changed column", "UPDATE entry SET connection = 'other' WHERE seq = 5"),
        (4, "changed time", "UPDATE entry SET at = at + 1 WHERE seq = 4"),
        (4, "outcome of another", "UPDATE entry SET begun = 1 WHERE seq = 4"),
        (3, "moved text", "UPDATE entry SET who = who || role, role = '' WHERE seq = 3"),
        (2, "removed", "DELETE FROM entry WHERE seq = 2"),
        (1, "removed first", "DELETE FROM entry WHERE seq = 1"),
        (6, "removed last", "DELETE FROM entry WHERE seq = 6"),
        (1, "removed all", "DELETE FROM entry"),
        (
            2,
            "closed the gap",
            "DELETE FROM entry WHERE seq = 2; UPDATE entry SET seq = seq - 1 WHERE seq = 3;
             UPDATE entry SET seq = seq - 1 WHERE seq = 4; UPDATE entry SET seq = seq - 1 WHERE seq = 5;
             UPDATE entry SET seq = seq - 1 WHERE seq = 6",
        ),
        (
            1,
            "reordered",
            "UPDATE entry SET seq = 100 WHERE seq = 1; UPDATE entry SET seq = 1 WHERE seq = 3;
             UPDATE entry SET seq = 3 WHERE seq = 100",
        ),
        (
            7,
            "added",
            "INSERT INTO entry SELECT 7, 0, at, who, role, request, action, connection, detail, hash FROM entry
             WHERE seq = 5",
        ),
    ] {
        let trail = Trail::new().await;
        trail.three().await;
        assert_eq!(trail.audit.verify().await.unwrap(), sound(&trail, 6).await);
        trail.tamper(sql).await;
        match trail.audit.verify().await.unwrap() {
            Verified::Broken(broken) => assert_eq!(broken.row, row, "{what}: {broken:?}"),
            Verified::Sound { .. } => panic!("{what} went unnoticed"),
        }
    }
}

#[tokio::test]
async fn an_empty_trail_is_sound() {
    let trail = Trail::new().await;
    assert_eq!(trail.audit.verify().await.unwrap(), Verified::Sound { rows: 0, head: [0; 32] });
}

#[tokio::test]
async fn a_chain_longer_than_a_batch_verifies() {
    let trail = Trail::new().await;
    for _ in 0..600 {
        let begun = trail.audit.begin(&entry("ann")).await.unwrap();
        begun.finish(&Outcome::succeeded()).await.unwrap();
    }
    assert_eq!(trail.audit.verify().await.unwrap(), sound(&trail, 1200).await);
    trail.tamper("UPDATE entry SET at = at + 1 WHERE seq = 1001").await;
    let Verified::Broken(broken) = trail.audit.verify().await.unwrap() else { panic!("unnoticed") };
    assert_eq!(broken.row, 1001);
}

#[tokio::test]
async fn lists_are_filtered_and_go_on_after_the_last() {
    let trail = Trail::new().await;
    trail.three().await;
    let other = Entry { who: "admin".into(), connection: None, action: "connection.create".into(), ..entry("x") };
    let own = trail.audit.begin(&other).await.unwrap().id().unwrap();
    let ids = |records: Vec<AuditRecord>| -> Vec<i64> { records.into_iter().map(|record| record.id.0).collect() };
    let none = AuditFilter::default();
    assert_eq!(ids(trail.records(none.clone()).await), [1, 3, 5, 7]);
    assert_eq!(ids(trail.audit.list(&none, Some(AuditId(3)), 1).await.unwrap()), [5]);
    let of_hr = AuditFilter { connection: Some("hr".parse().unwrap()), ..none.clone() };
    assert_eq!(ids(trail.records(of_hr).await), [1, 3, 5]);
    for filter in [
        AuditFilter { who: Some("admin".into()), ..none.clone() },
        AuditFilter { action: Some("connection.create".into()), ..none.clone() },
        AuditFilter { request_id: Some(other.request_id.to_string()), ..none },
    ] {
        assert_eq!(ids(trail.records(filter).await), [own.0]);
    }
}
