//! Refreshing a connection's schema, as a task.

use super::Tasks;
use super::worker::End;
use crate::model::{RequestContext, Result, Task, TaskState};
use crate::runtime::Used;

pub(super) async fn run(tasks: &Tasks, task: &Task, rc: &RequestContext, used: &mut Used) -> Result<End> {
    let called = tasks.connections.refresh_schema(rc, &task.connection).await;
    used.merge(called.used);
    called.result?;
    tasks.store.finish_task(task.id, TaskState::Succeeded, None, None).await?;
    Ok(End::Succeeded)
}
