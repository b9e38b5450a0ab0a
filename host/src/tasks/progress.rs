//! Watching a task: what it looks like now, and again whenever that has changed, until it has ended.
//!
//! A watcher looks at the store twice a second. That costs the task nothing, however slowly its watcher reads, and what
//! happened in between is told by its sum.

use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::OwnedSemaphorePermit;

use super::Tasks;
use crate::model::{Error, ErrorKind, Result, Task, TaskId};

/// The most tasks that are watched at the same time.
pub(super) const WATCHERS_MAX: usize = 64;
/// How often a watcher looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A task being watched.
struct Watching {
    tasks: Tasks,
    id: TaskId,
    seen: Option<Task>,
    _place: OwnedSemaphorePermit,
}

impl Tasks {
    /// The task as it is, then as it is after each change, and at last as it has ended. An error ends it too.
    ///
    /// # Errors
    /// `not-found`; `unavailable` if too many tasks are being watched.
    pub async fn watch(&self, id: TaskId) -> Result<impl Stream<Item = Result<Task>> + Send + use<>> {
        let place = self.watchers.clone().try_acquire_owned().map_err(|_| {
            let message = format!("{WATCHERS_MAX} tasks are being watched already; ask for the task itself, or later");
            Error::new(ErrorKind::Unavailable, message)
        })?;
        self.get(id).await?;
        let watching = Watching { tasks: self.clone(), id, seen: None, _place: place };
        Ok(unfold(Some(watching), |watching| async move {
            let mut watching = watching?;
            let found = watching.next().await;
            let goes_on = found.as_ref().is_ok_and(|task| !task.state.is_final());
            Some((found, goes_on.then_some(watching)))
        }))
    }
}

impl Watching {
    /// The task once it looks different.
    async fn next(&mut self) -> Result<Task> {
        loop {
            if self.seen.is_some() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            let task = self.tasks.store.task(self.id).await?;
            if self.seen.as_ref() != Some(&task) {
                self.seen = Some(task.clone());
                return Ok(task);
            }
        }
    }
}
