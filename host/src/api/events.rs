//! A task's life as server-sent events (WHATWG HTML, 9.2): what a progress bar needs, without asking again and again.
//!
//! Each connection begins with the task as it is, so that a watcher who comes back has missed nothing that matters;
//! `Last-Event-ID` means nothing here. A watcher that reads slowly is told less often, and holds nobody up.

use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::body::At;
use super::context::AsCore;
use super::problem::Problem;
use super::tasks::{TaskPath, TaskView};
use crate::model::{Error, OrderCounts, Progress, Result, Task, TaskState};

/// How often a watcher is told that there is nothing new.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(events))
}

/// How far a task has come.
#[derive(Serialize)]
struct ProgressEvent {
    #[serde(flatten)]
    progress: Progress,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<OrderCounts>,
}

/// Watches a task, until it has ended, as server-sent events.
///
/// `progress` brings how far it has come, with `orders` for a fulfilment; `state` brings the whole task, at the begin and
/// whenever its state changes. The stream ends after a state that is final. It begins anew with each connection.
#[utoipa::path(get, path = "/v1/tasks/{id}/events", operation_id = "watch_task", tag = "tasks", params(TaskPath),
    responses((status = 200, description = "Events `progress` and `state`", content_type = "text/event-stream")))]
async fn events(_: AsCore, State(api): State<ApiState>, At { path, .. }: At<TaskPath>) -> Result<Response, Problem> {
    let seen = api.tasks.watch(path.id).await?;
    // Else a host that stops would wait for its watchers.
    let events = told(seen).take_until(api.stop.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// What a watcher is told of what was seen. An error ends the stream without a final state.
fn told(seen: impl Stream<Item = Result<Task>> + Send) -> impl Stream<Item = Result<Event>> + Send {
    let told = seen.scan(None, |before: &mut Option<TaskState>, seen| {
        let told = seen.and_then(|task| {
            let same = before.replace(task.state) == Some(task.state);
            told_of(task, same)
        });
        std::future::ready(Some(told))
    });
    told.flat_map(|told| match told {
        Ok(events) => stream::iter(events.into_iter().map(Ok).collect::<Vec<_>>()),
        Err(error) => {
            tracing::warn!(%error, detail = error.detail, "a task cannot be watched any more");
            stream::iter(vec![Err(error)])
        }
    })
}

fn told_of(task: Task, same_state: bool) -> Result<Vec<Event>> {
    let progress = ProgressEvent { progress: task.progress.clone(), orders: task.orders };
    let mut events = vec![event("progress", &progress)?];
    if !same_state {
        events.push(event("state", &TaskView::from(task))?);
    }
    Ok(events)
}

fn event(name: &str, data: &impl Serialize) -> Result<Event> {
    Event::default().event(name).json_data(data).map_err(|why| Error::internal(why.to_string()))
}
