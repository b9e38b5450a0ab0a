//! What a connection's calls sealed or captured, kept for the next ones, session tokens above all: bounded in number and
//! time, in memory only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::leak::{Encounters, Met};
use super::limits::{KEPT_MAX, KEPT_MAX_AGE};
use crate::egress::rules::Route;
use crate::egress::target::Target;
use crate::model::{DestinationName, Secret};

/// What one connection keeps, by name, and what else its calls met.
#[derive(Default)]
pub(super) struct Kept {
    entries: HashMap<String, Entry>,
    met: Encounters,
    generation: Generation,
}

/// Counts how often everything was forgotten: what a call brings that began before is not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Generation(u64);

struct Entry {
    keeping: Keeping,
    expires: Timestamp,
}

/// A secret that is kept.
#[derive(Clone)]
pub(super) struct Keeping {
    pub(super) secret: Secret,
    /// The destination whose answer brought it; none where the guest sealed it.
    pub(super) captor: Option<Captor>,
}

/// A destination as it was when a secret was captured there: under its name, another place may stand later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Captor {
    name: DestinationName,
    target: Target,
}

impl Captor {
    pub(super) fn of(route: &Route) -> Self {
        Self { name: route.name.clone(), target: route.target.clone() }
    }
}

impl Kept {
    /// What is kept under that name, unless it expired.
    pub(super) fn get(&self, name: &str, now: Timestamp) -> Option<Keeping> {
        self.entries.get(name).filter(|entry| entry.expires > now).map(|entry| entry.keeping.clone())
    }

    /// Keeps a secret, in the place of what had its name; what expires first makes room.
    pub(super) fn put(&mut self, name: String, keeping: Keeping, ttl: Duration, now: Timestamp, since: Generation) {
        if since != self.generation {
            return;
        }
        self.entries.remove(&name);
        self.entries.retain(|_, entry| entry.expires > now);
        if self.entries.len() >= KEPT_MAX {
            self.forget_one();
        }
        let expires = now.saturating_add(ttl.min(KEPT_MAX_AGE)).unwrap_or(Timestamp::MAX);
        self.entries.insert(name, Entry { keeping, expires });
    }

    /// What calls met so far.
    pub(super) fn met(&self) -> (Encounters, Generation) {
        (self.met.clone(), self.generation)
    }

    /// What is searched for already.
    pub(super) fn known(&self, secret: &Secret) -> Option<Arc<Met>> {
        self.met.find(secret)
    }

    /// Notes what no call may give out from now on.
    pub(super) fn meet(&mut self, met: Arc<Met>, since: Generation) {
        if since == self.generation {
            self.met.note(met);
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.met.clear();
        self.generation.0 += 1;
    }

    fn forget_one(&mut self) {
        let first = self.entries.iter().min_by_key(|(_, entry)| entry.expires).map(|(name, _)| name.clone());
        if let Some(name) = first {
            self.entries.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn keep(kept: &mut Kept, name: &str, seconds: u64) {
        let secret = Secret::new(name.as_bytes().to_vec()).unwrap();
        kept.put(name.to_owned(), Keeping { secret, captor: None }, Duration::from_secs(seconds), NOW, kept.met().1);
    }

    #[test]
    fn nothing_outlives_its_time_or_a_day() {
        let mut kept = Kept::default();
        keep(&mut kept, "token", 5);
        keep(&mut kept, "forever", u64::MAX);
        assert_eq!(kept.get("token", NOW).unwrap().secret.expose(), b"token");
        assert!(kept.get("token", NOW + Duration::from_secs(5)).is_none());
        assert!(kept.get("forever", NOW + Duration::from_hours(23)).is_some());
        assert!(kept.get("forever", NOW + Duration::from_hours(24)).is_none());
    }

    #[test]
    fn what_expires_first_makes_room() {
        let mut kept = Kept::default();
        keep(&mut kept, "soon", 5);
        for n in 0..KEPT_MAX {
            keep(&mut kept, &format!("late-{n}"), 9);
        }
        assert!(kept.get("soon", NOW).is_none());
        assert!(kept.get("late-0", NOW).is_some());
    }
}
