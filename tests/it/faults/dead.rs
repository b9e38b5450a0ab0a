//! The store of a host that was killed, looked into before anybody repairs it: a copy, so that what the next host finds
//! is what the dead one left.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::tell;

/// A copy of the store's files.
pub(super) struct DeadStore {
    database: SqliteConnection,
    _folder: TempDir,
}

/// Where the newest run was when its host died.
const WHERE_IT_WAS: &str = "SELECT COALESCE('the run was ' || r.state || ': ' || SUM(rp.held) || ' records, '
    || SUM(rp.complete) || ' of ' || COUNT(*) || ' parts complete, '
    || (SELECT COUNT(*) FROM change c WHERE c.run = r.number) || ' changes', 'there was no run')
    FROM run r JOIN run_part rp ON rp.run = r.number WHERE r.number = (SELECT MAX(number) FROM run)";

/// A part of a run: run, class, attribute, whether it is complete, whether it has a checkpoint, the rows that this
/// counts, and those that are there.
type PartRow = (i64, String, String, bool, bool, i64, i64);

impl DeadStore {
    pub(super) async fn of(data: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["hawser.db", "hawser.db-wal"] {
            if data.join(name).exists() {
                std::fs::copy(data.join(name), folder.path().join(name)).unwrap();
            }
        }
        let options = SqliteConnectOptions::new().filename(folder.path().join("hawser.db"));
        Self { database: options.connect().await.unwrap(), _folder: folder }
    }

    /// No checkpoint is ahead of its rows, no row ahead of its checkpoint, and what is visible is one whole run. `order`
    /// is that of the accounts in their file.
    pub(super) async fn check(mut self, order: &[String]) {
        assert_eq!(self.text("PRAGMA integrity_check").await, "ok");
        tell(&self.text(WHERE_IT_WAS).await);
        self.check_parts(order).await;
        self.none(
            "a run counts other set-aside records than it has",
            "SELECT COUNT(*) FROM run r WHERE r.state IN ('staging', 'compared', 'published')
             AND r.rejected <> (SELECT COUNT(*) FROM set_aside s WHERE s.run = r.number)",
        )
        .await;
        self.none(
            "a task has two runs under way",
            "SELECT COUNT(*) FROM (SELECT task FROM run WHERE state IN ('staging', 'compared') GROUP BY task
             HAVING COUNT(*) > 1)",
        )
        .await;
        self.none(
            "a run, its task and its connection disagree about what is published",
            "SELECT COUNT(*) FROM run r JOIN task t ON t.id = r.task JOIN connection c ON c.number = r.connection
             WHERE (r.state = 'published') <> (c.published_run IS r.number)
                OR (r.state IN ('published', 'superseded')) <> (t.state = 'succeeded')",
        )
        .await;
        self.none(
            "a run to be seen has other changes than it counts",
            "SELECT COUNT(*) FROM run r WHERE r.state IN ('compared', 'published')
             AND r.changes <> (SELECT COUNT(*) FROM change c WHERE c.run = r.number AND c.seq BETWEEN 1 AND r.changes)",
        )
        .await;
        self.none(
            "the position of the last change is not that of the last published run",
            "SELECT COUNT(*) FROM connection c JOIN run r ON r.number = c.published_run
             WHERE c.last_position <> r.first_position + r.changes",
        )
        .await;
        self.database.close().await.unwrap();
    }

    async fn check_parts(&mut self, order: &[String]) {
        let parts: Vec<PartRow> = sqlx::query_as(
            "SELECT r.number, p.class, p.attribute, rp.complete, rp.checkpoint IS NOT NULL, rp.held,
                (SELECT COUNT(*) FROM object_row o WHERE o.run = rp.run AND o.part = rp.part)
                + (SELECT COUNT(*) FROM link_row l WHERE l.run = rp.run AND l.part = rp.part)
             FROM run r JOIN run_part rp ON rp.run = r.number JOIN part p ON p.number = rp.part
             WHERE r.state IN ('staging', 'compared', 'published')",
        )
        .fetch_all(&mut self.database)
        .await
        .unwrap();
        for (run, class, attribute, complete, has_checkpoint, held, there) in parts {
            assert_eq!(there, held, "rows of {class}.{attribute} in the run {run}, and what its checkpoint counts");
            assert!(held == 0 || complete || has_checkpoint, "{class}.{attribute} has rows and no checkpoint");
            if class == "account" && attribute.is_empty() && !complete {
                self.check_prefix(run, &order[..usize::try_from(held).unwrap()]).await;
            }
        }
    }

    /// What was staged of a file is its beginning, without a gap.
    async fn check_prefix(&mut self, run: i64, expected: &[String]) {
        let mut staged: Vec<String> = sqlx::query_scalar(
            "SELECT o.uid FROM object_row o JOIN part p ON p.number = o.part WHERE o.run = $1 AND p.class = 'account'",
        )
        .bind(run)
        .fetch_all(&mut self.database)
        .await
        .unwrap();
        let mut expected = expected.to_vec();
        staged.sort_unstable();
        expected.sort_unstable();
        assert!(staged == expected, "the accounts that the run {run} has staged are not the first ones of the file");
    }

    async fn none(&mut self, what: &str, count: &'static str) {
        let found: i64 = sqlx::query_scalar(count).fetch_one(&mut self.database).await.unwrap();
        assert_eq!(found, 0, "{what}");
    }

    async fn text(&mut self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&mut self.database).await.unwrap()
    }
}
