//! The HTTP edge: one resource per file, with its wire types, handlers and routes together.
//!
//! A handler says who may ask, what is asked, and what the answer is. What holds for all of them are layers, from the
//! outside in:
//!
//! | layer | does |
//! |---|---|
//! | `context::identify` | names the request, writes problems out under that name |
//! | catch-panic | a panicking request is a 500 and nothing more |
//! | trace | method, route, status and time; no address, header or body |
//! | `hosts::guard` | refuses requests for other hosts |
//! | `auth::authenticate` (only `/v1`) | finds the caller, makes the request's context |
//! | `idempotency::once` (only `/v1`) | a change runs to its end, and once per key |
//!
//! Invariant: HTTP types stop here; nothing below knows axum. The edge audits, the rooms below never do.

#![allow(unused_qualifications, reason = "utoipa's macros qualify the parameter types they are given")]

mod answer;
mod audit;
mod audited;
mod auth;
mod body;
mod changes;
mod configuration;
mod connections;
mod connectors;
mod context;
mod entitlements;
mod etag;
mod events;
mod explain;
mod fulfilments;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod health;
mod hosts;
mod idempotency;
mod mappings;
mod ndjson;
mod objects;
mod openapi;
mod page;
mod passwords;
mod path;
mod permissions;
mod problem;
mod published;
mod publishers;
mod releases;
mod schedules;
mod schema;
mod secrets;
mod secured;
mod switches;
mod systems;
mod tables;
mod tasks;
#[cfg(test)]
mod tests;
mod tokens;
mod upload;

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::TraceLayer;
use utoipa::{Modify as _, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

pub use auth::{FirstTokens, ensure_tokens};

use crate::audit::Audit;
use crate::clock::Clock;
use crate::connections::Connections;
use crate::declared::Declared;
use crate::egress::Egress;
use crate::mappings::Mappings;
use crate::model::{Error, Result};
use crate::registry::Registry;
use crate::store::Store;
use crate::tables::Tables;
use crate::tasks::{Tasks, persist};
use problem::Problem;

/// What the handlers work with. Cheap to clone, which happens several times a request.
#[derive(Clone)]
pub struct ApiState(Arc<Rooms>);

/// The rooms behind the edge.
pub struct Rooms {
    pub connections: Connections,
    pub tables: Tables,
    pub mappings: Mappings,
    pub tasks: Tasks,
    pub declared: Declared,
    pub registry: Registry,
    pub store: Store,
    pub audit: Audit,
    pub egress: Egress,
    pub clock: Clock,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// Names under which this server may be called, besides those of loopback.
    pub hosts: Arc<[String]>,
    /// Where changes run; to be waited for before the databases close.
    pub running: TaskTracker,
    /// The host is asked to stop.
    pub stop: CancellationToken,
}

impl ApiState {
    /// Over these rooms.
    pub fn new(rooms: Rooms) -> Self {
        Self(Arc::new(rooms))
    }

    /// Goes on, behind the caller's back, with writing down `what` has happened already, until it is written or the host
    /// stops.
    fn persist<W>(&self, what: &'static str, write: impl Fn() -> W + Send + Sync + 'static)
    where
        W: Future<Output = Result<()>> + Send,
    {
        let stop = self.stop.clone();
        self.running.spawn(async move {
            if let Err(error) = persist(&stop, what, write).await {
                tracing::error!(what, %error, "was never written down");
            }
        });
    }
}

impl Deref for ApiState {
    type Target = Rooms;

    fn deref(&self) -> &Rooms {
        &self.0
    }
}

/// The whole API as a service.
pub fn router(state: ApiState) -> axum::Router {
    let guarded = v1()
        .layer(from_fn_with_state(state.clone(), idempotency::once))
        .layer(from_fn_with_state(state.clone(), auth::authenticate));
    let (router, _) = open().merge(guarded).split_for_parts();
    router
        .fallback(async || Problem::from(Error::not_found("there is no such resource; see GET /openapi.json")))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), hosts::guard))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(context::identify))
        .with_state(state)
}

/// The description of the API (OpenAPI 3.1), as `GET /openapi.json` answers it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let router = OpenApiRouter::with_openapi(openapi::Base::openapi()).merge(open()).merge(v1());
    let mut document = router.into_openapi();
    openapi::Everywhere.modify(&mut document);
    document
}

/// What anybody may ask.
fn open() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().merge(health::routes()).merge(openapi::routes())
}

/// What takes a token.
fn v1() -> OpenApiRouter<ApiState> {
    let resources = [
        connectors::routes(),
        releases::routes(),
        publishers::routes(),
        systems::routes(),
        connections::routes(),
        permissions::routes(),
        switches::routes(),
        explain::routes(),
        secured::routes(),
        secrets::routes(),
        schema::routes(),
        objects::routes(),
        passwords::routes(),
        entitlements::routes(),
        tasks::routes(),
        fulfilments::routes(),
        events::routes(),
        schedules::routes(),
        published::routes(),
        tables::routes(),
        changes::routes(),
        mappings::routes(),
        audit::routes(),
        configuration::routes(),
        tokens::routes(),
    ];
    resources.into_iter().fold(OpenApiRouter::new(), OpenApiRouter::merge)
}

fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    tracing::info_span!("request", id = %context::id_of(request), method = %request.method(), route)
}

#[allow(clippy::needless_pass_by_value, reason = "the signature tower-http calls")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Problem::from(Error::internal(format!("a request panicked: {text}"))).into_response()
}
