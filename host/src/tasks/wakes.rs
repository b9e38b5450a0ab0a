//! Waking those who work on tasks, each kind of task by itself: whoever is woken for work that is not his sleeps on, and the
//! work waits.

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::model::TaskKind;
use crate::store::Claim;

/// Where workers wait.
#[derive(Default)]
pub(super) struct Wakes {
    imports: Notify,
    fulfilments: Notify,
    writings: Notify,
    refreshes: Notify,
}

impl Wakes {
    /// Wakes one who works on tasks of a kind, or the next who would wait.
    pub(super) fn wake(&self, kind: TaskKind) {
        match kind {
            TaskKind::Import => self.imports.notify_one(),
            TaskKind::Fulfil => self.fulfilments.notify_one(),
            TaskKind::WriteTables => self.writings.notify_one(),
            TaskKind::RefreshSchema => {
                // All of them, as not each may take each task.
                self.refreshes.notify_waiters();
                self.refreshes.notify_one();
            }
        }
    }

    /// Waits for a task that may be claimed so.
    pub(super) fn woken(&self, claim: Claim) -> Notified<'_> {
        match claim {
            Claim::Imports => self.imports.notified(),
            Claim::Fulfilments => self.fulfilments.notified(),
            Claim::Writings => self.writings.notified(),
            Claim::Refreshes | Claim::HopefulRefreshes | Claim::QuickRefreshes => self.refreshes.notified(),
        }
    }
}
