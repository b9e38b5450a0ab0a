//! The trail's tests, on real files.

use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::model::{Effect, ErrorKind, RequestId, Role};

struct Trail {
    folder: TempDir,
    clock: Clock,
    audit: Audit,
}

impl Trail {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_second(1_800_000_000).unwrap());
        let audit = Audit::open(&folder.path().join("audit.db"), clock.clone()).await.unwrap();
        Self { folder, clock, audit }
    }

    async fn reopen(&mut self) {
        self.audit.close().await;
        self.audit = Audit::open(&self.folder.path().join("audit.db"), self.clock.clone()).await.unwrap();
    }

    /// Three operations, each with its outcome: rows 1 to 6.
    async fn three(&self) {
        for name in ["ann", "bob", "eve"] {
            let id = self.audit.begin(&entry(name)).await.unwrap();
            self.audit.finish(id, &Outcome::succeeded()).await.unwrap();
        }
    }

    async fn tamper(&self, sql: &'static str) {
        let mut tx = self.audit.database.write().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
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
    let id = trail.audit.begin(&told).await.unwrap();
    assert_eq!(trail.records(AuditFilter::default()).await[0].outcome, None);
    trail.clock.advance(Duration::from_secs(2));
    let outcome = Outcome {
        uid: Some("7".into()),
        directories: vec!["data read-write".into()],
        credentials: vec!["new-password".into()],
        ..Outcome::succeeded()
    };
    trail.audit.finish(id, &outcome).await.unwrap();
    let record = trail.records(AuditFilter::default()).await.remove(0);
    assert_eq!((record.id, record.who.as_str(), record.role.as_str()), (id, "core", "core"));
    assert_eq!((record.request_id.as_str(), record.action.as_str()), (told.request_id.as_str(), "object.create"));
    assert_eq!((record.connection, record.class, record.name), (told.connection, told.class, told.name));
    assert_eq!((record.attributes, record.parameters), (told.attributes, told.parameters));
    let expected = RecordedOutcome { at: trail.clock.now(), outcome };
    assert_eq!(record.outcome, Some(expected));
}

#[tokio::test]
async fn an_operation_has_one_outcome_and_one_that_never_began_has_none() {
    let trail = Trail::new().await;
    let id = trail.audit.begin(&entry("ann")).await.unwrap();
    trail.audit.finish(id, &Outcome::succeeded()).await.unwrap();
    for wrong in [id, AuditId(2), AuditId(99)] {
        let error = trail.audit.finish(wrong, &Outcome::succeeded()).await.unwrap_err();
        assert!(error.is(FailureKind::Conflict), "{wrong:?}: {error}");
    }
    assert_eq!(trail.audit.verify().await.unwrap(), sound(&trail, 2).await);
}

/// What a whole chain of so many rows verifies as.
async fn sound(trail: &Trail, rows: i64) -> Verified {
    let head: Vec<u8> =
        sqlx::query_scalar("SELECT hash FROM head").fetch_one(trail.audit.database.reader()).await.unwrap();
    Verified::Sound { rows, head: head.try_into().unwrap() }
}

#[tokio::test]
async fn a_begin_row_that_cannot_be_written_is_an_error() {
    let trail = Trail::new().await;
    let path = trail.folder.path().join("audit.db");
    let audit = Audit::open_waiting(&path, trail.clock.clone(), Duration::from_millis(50)).await.unwrap();
    let lock = trail.audit.database.write().await.unwrap();
    assert_eq!(audit.begin(&entry("ann")).await.unwrap_err().kind, ErrorKind::Unavailable);
    drop(lock);
    assert_eq!(audit.begin(&entry("ann")).await.unwrap(), AuditId(1));
}

#[tokio::test]
async fn an_operation_that_a_stop_cut_short_has_an_unknown_outcome() {
    let mut trail = Trail::new().await;
    trail.three().await;
    let cut = trail.audit.begin(&entry("cut")).await.unwrap();
    trail.reopen().await;
    let records = trail.records(AuditFilter::default()).await;
    let statuses: Vec<_> = records.iter().map(|r| r.outcome.as_ref().unwrap().outcome.status).collect();
    use OutcomeStatus::{OutcomeUnknown, Succeeded};
    assert_eq!(statuses, [Succeeded, Succeeded, Succeeded, OutcomeUnknown]);
    assert_eq!(records[3].id, cut);
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
        let id = trail.audit.begin(&entry("ann")).await.unwrap();
        trail.audit.finish(id, &Outcome::succeeded()).await.unwrap();
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
    let own = trail.audit.begin(&other).await.unwrap();
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
