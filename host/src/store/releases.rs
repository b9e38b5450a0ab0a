//! Releases that were installed: the row is the last step of an installation, so what has none is not there.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::fault::{fault, unreadable};
use super::numbers::{count, instant, limit, maybe_instant, parsed, stored_u64};
use crate::model::{ConnectorName, Digest, Error, FailureKind, KeyId, Result};

/// What a release does on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseState {
    /// Nothing; it can be activated at any time.
    Installed,
    /// It asks for more than the one that runs, and nobody has approved that yet.
    Parked,
    /// It serves its line of versions.
    Active,
}

impl ReleaseState {
    /// The spelling in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Parked => "parked",
            Self::Active => "active",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Installed, Self::Parked, Self::Active].into_iter().find(|state| state.as_str() == name)
    }
}

/// A release that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledRelease {
    pub connector: ConnectorName,
    pub version: semver::Version,
    /// The envelope, in the content-addressed storage.
    pub statement: Digest,
    /// The component there.
    pub component: Digest,
    pub key: KeyId,
    pub counter: u64,
    pub issued: Timestamp,
    pub expires: Timestamp,
    pub state: ReleaseState,
    pub installed: Timestamp,
    pub installed_by: String,
    /// When it was last activated; none: it never was.
    pub activated: Option<Timestamp>,
    pub activated_by: Option<String>,
}

impl Store {
    /// Records an installed release, as of now, whatever its times say; one that is `active` takes the place of those of `replaced`, in the
    /// same transaction. `conflict` if that version or that statement is installed already.
    pub async fn insert_release(
        &self,
        release: &InstalledRelease,
        replaced: &[semver::Version],
    ) -> Result<InstalledRelease> {
        let mut tx = self.database.write().await?;
        let done = sqlx::query(
            "INSERT INTO release (connector, version, statement, component, key_id, counter, issued, expires, state,
                                  installed, installed_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        )
        .bind(release.connector.as_str())
        .bind(release.version.to_string())
        .bind(&release.statement.as_bytes()[..])
        .bind(&release.component.as_bytes()[..])
        .bind(release.key.to_string())
        .bind(stored_u64(release.counter))
        .bind(release.issued.as_microsecond())
        .bind(release.expires.as_microsecond())
        .bind(ReleaseState::Installed.as_str())
        .bind(self.now())
        .bind(&release.installed_by)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        if done.rows_affected() == 0 {
            let message = format!("{} {} is installed already", release.connector, release.version);
            return Err(Error::failure(FailureKind::Conflict, message));
        }
        self.set_states(&mut tx, release, release.state, &release.installed_by, replaced).await?;
        tx.commit().await.map_err(fault)?;
        self.installed_release(&release.connector, &release.version).await
    }

    /// Puts an installed release into a state; one that becomes `active` takes the place of those of `replaced`.
    pub async fn set_release_state(
        &self,
        release: &InstalledRelease,
        state: ReleaseState,
        by: &str,
        replaced: &[semver::Version],
    ) -> Result<InstalledRelease> {
        let mut tx = self.database.write().await?;
        self.set_states(&mut tx, release, state, by, replaced).await?;
        tx.commit().await.map_err(fault)?;
        self.installed_release(&release.connector, &release.version).await
    }

    async fn set_states(
        &self,
        tx: &mut sqlx::SqliteConnection,
        release: &InstalledRelease,
        state: ReleaseState,
        by: &str,
        replaced: &[semver::Version],
    ) -> Result<()> {
        let activated = (state == ReleaseState::Active).then(|| (self.now(), by));
        sqlx::query(
            "UPDATE release SET state = $3, activated = COALESCE($4, activated),
                                activated_by = COALESCE($5, activated_by)
             WHERE connector = $1 AND version = $2",
        )
        .bind(release.connector.as_str())
        .bind(release.version.to_string())
        .bind(state.as_str())
        .bind(activated.map(|(at, _)| at))
        .bind(activated.map(|(_, by)| by))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        for version in replaced {
            sqlx::query("UPDATE release SET state = $3 WHERE connector = $1 AND version = $2")
                .bind(release.connector.as_str())
                .bind(version.to_string())
                .bind(ReleaseState::Installed.as_str())
                .execute(&mut *tx)
                .await
                .map_err(fault)?;
        }
        Ok(())
    }

    /// One installed release. `not-found` if there is none.
    pub async fn installed_release(
        &self,
        connector: &ConnectorName,
        version: &semver::Version,
    ) -> Result<InstalledRelease> {
        let found = sqlx::query("SELECT * FROM release WHERE connector = $1 AND version = $2")
            .bind(connector.as_str())
            .bind(version.to_string())
            .fetch_optional(self.database.reader())
            .await
            .map_err(fault)?;
        let missing = || Error::not_found(format!("{connector} {version} is not installed"));
        release(&found.ok_or_else(missing)?)
    }

    /// The installed releases of a connector.
    pub async fn releases_of(&self, connector: &ConnectorName) -> Result<Vec<InstalledRelease>> {
        let rows = sqlx::query("SELECT * FROM release WHERE connector = $1 ORDER BY version")
            .bind(connector.as_str())
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        rows.iter().map(release).collect()
    }

    /// Installed releases after that connector and version, in the order of their texts.
    pub async fn installed_releases(&self, after: Option<(&str, &str)>, at_most: u32) -> Result<Vec<InstalledRelease>> {
        let (connector, version) = after.unwrap_or_default();
        let rows = sqlx::query(
            "SELECT * FROM release WHERE (connector, version) > ($1, $2) ORDER BY connector, version LIMIT $3",
        )
        .bind(connector)
        .bind(version)
        .bind(limit(at_most))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        rows.iter().map(release).collect()
    }

    /// Every active release.
    pub async fn active_releases(&self) -> Result<Vec<InstalledRelease>> {
        let rows = sqlx::query("SELECT * FROM release WHERE state = $1 ORDER BY connector, version")
            .bind(ReleaseState::Active.as_str())
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        rows.iter().map(release).collect()
    }

    /// Is there a release of that statement?
    pub async fn has_statement(&self, statement: &Digest) -> Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM release WHERE statement = $1)")
            .bind(&statement.as_bytes()[..])
            .fetch_one(self.database.reader())
            .await
            .map_err(fault)
    }

    /// Everything the content-addressed storage holds for installed releases.
    pub async fn release_contents(&self) -> Result<Vec<Digest>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT statement FROM release UNION SELECT component FROM release")
                .fetch_all(self.database.reader())
                .await
                .map_err(fault)?;
        rows.into_iter().map(digest).collect()
    }
}

fn release(row: &SqliteRow) -> Result<InstalledRelease> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(fault);
    let time = |column: &str| row.try_get::<i64, _>(column).map_err(fault).and_then(instant);
    let hash = |column: &str| row.try_get::<Vec<u8>, _>(column).map_err(fault).and_then(digest);
    let state = text("state")?;
    Ok(InstalledRelease {
        connector: parsed("connector name", &text("connector")?)?,
        version: parsed("version", &text("version")?)?,
        statement: hash("statement")?,
        component: hash("component")?,
        key: parsed("key id", &text("key_id")?)?,
        counter: row.try_get("counter").map_err(fault).map(count)?,
        issued: time("issued")?,
        expires: time("expires")?,
        state: ReleaseState::named(&state).ok_or_else(|| unreadable("state of a release", &state))?,
        installed: time("installed")?,
        installed_by: text("installed_by")?,
        activated: row.try_get("activated").map_err(fault).and_then(maybe_instant)?,
        activated_by: row.try_get("activated_by").map_err(fault)?,
    })
}

fn digest(bytes: Vec<u8>) -> Result<Digest> {
    let bytes: Result<[u8; 32], _> = bytes.try_into();
    bytes.map(Digest::from).map_err(|_| unreadable("digest", &"it has not 32 bytes"))
}
