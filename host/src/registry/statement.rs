//! What a publisher signs of a release: an in-toto Statement v1 (<https://in-toto.io/Statement/v1>), so that existing
//! supply-chain tools can read it. Its subject is the component, by the SHA-256 of all its bytes; its predicate is the
//! manifest itself, who publishes it, its number in the row of releases, and from when until when it may be installed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::limits::{CLOCK_SKEW_MAX, COUNTER_MAX};
use super::verify::refused;
use super::{COMPONENT_FILE, Manifest, canonical};
use crate::model::{Digest, KeyId, PublisherName, Result};
use crate::runtime::limits::COMPONENT_BYTES_MAX;

/// A statement whose signature was checked. Nothing makes one but the checks of `verify.rs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub manifest: Manifest,
    /// Higher than that of every release of the connector before it.
    pub counter: u64,
    pub issued: Timestamp,
    /// From here on it is not installed any more; what is installed goes on.
    pub expires: Timestamp,
    /// Who signed it.
    pub key: KeyId,
    /// The SHA-256 of the component.
    pub component: Digest,
    /// The SHA-256 of the envelope it came in.
    pub digest: Digest,
}

/// A statement as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(rename = "_type")]
    r#type: StatementType,
    subject: Vec<Subject>,
    predicate_type: PredicateType,
    pub(super) predicate: Predicate,
}

#[derive(Serialize, Deserialize)]
enum StatementType {
    #[serde(rename = "https://in-toto.io/Statement/v1")]
    V1,
}

#[derive(Serialize, Deserialize)]
enum PredicateType {
    #[serde(rename = "https://hawser.dev/release/v1")]
    ReleaseV1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: Digests,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digests {
    sha256: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Predicate {
    /// The text of connector.toml.
    pub(super) manifest: String,
    pub(super) publisher: PublisherName,
    pub(super) counter: u64,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
}

impl Statement {
    /// Is this the component it speaks of, all of it?
    ///
    /// # Errors
    /// `release-refused` if it is another one, or larger than a host reads.
    pub fn matches(&self, component: &[u8]) -> Result<()> {
        check_length(component)?;
        let found = Digest::of(component);
        if found == self.component {
            return Ok(());
        }
        let message = format!(
            "{COMPONENT_FILE} is not the one that was signed: its SHA-256 is {found}, the statement says {}; fetch the \
             release again, and if it stays so, tell the publisher",
            self.component
        );
        Err(refused(message))
    }

    /// May it be installed now? What was once accepted can be activated again without asking this.
    ///
    /// # Errors
    /// `release-refused` if it has expired, was issued in the future, or is not newer than `newest_counter`, the
    /// highest counter ever installed of its connector.
    pub fn check_installable(&self, now: Timestamp, newest_counter: Option<u64>) -> Result<()> {
        let name = format!("{} {}", self.manifest.connector, self.manifest.version);
        if now >= self.expires {
            let message = format!("{name} expired at {}; ask the publisher for a newer release", self.expires);
            return Err(refused(message));
        }
        if self.issued > now.saturating_add(CLOCK_SKEW_MAX).unwrap_or(Timestamp::MAX) {
            let message =
                format!("{name} was issued in the future, at {}; check the clocks of both sides", self.issued);
            return Err(refused(message));
        }
        match newest_counter {
            Some(newest) if self.counter <= newest => Err(refused(format!(
                "{name} is no newer release: its counter is {}, and {newest} was installed before; to go back to an \
                 older release, activate the one that is installed",
                self.counter
            ))),
            _ => Ok(()),
        }
    }
}

impl Document {
    pub(super) fn new(component: &[u8], predicate: Predicate) -> Result<Self> {
        check_length(component)?;
        let subject = Subject { name: COMPONENT_FILE.to_owned(), digest: Digests { sha256: Digest::of(component) } };
        Ok(Self {
            r#type: StatementType::V1,
            subject: vec![subject],
            predicate_type: PredicateType::ReleaseV1,
            predicate,
        })
    }

    pub(super) fn parse(payload: &[u8]) -> Result<Self> {
        canonical::read("the signed statement", payload)
    }

    pub(super) fn write(&self) -> Result<Vec<u8>> {
        canonical::write(self)
    }

    /// The digest of its one subject, the component.
    pub(super) fn component(&self) -> Result<Digest> {
        match self.subject.as_slice() {
            [subject] if subject.name == COMPONENT_FILE => Ok(subject.digest.sha256),
            _ => Err(refused(format!("the signed statement must have one subject, {COMPONENT_FILE}"))),
        }
    }
}

impl Predicate {
    /// Is it within what any host takes?
    pub(super) fn check(&self) -> Result<()> {
        if self.counter > COUNTER_MAX {
            return Err(refused(format!("the counter is {}; it can be at most {COUNTER_MAX}", self.counter)));
        }
        if self.expires <= self.issued {
            return Err(refused(format!("it expires at {}, before it was issued", self.expires)));
        }
        Ok(())
    }
}

fn check_length(component: &[u8]) -> Result<()> {
    if component.len() <= COMPONENT_BYTES_MAX {
        return Ok(());
    }
    Err(refused(format!("{COMPONENT_FILE} has {} bytes; {COMPONENT_BYTES_MAX} are allowed", component.len())))
}
