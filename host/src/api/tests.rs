//! The layers around the handlers, on a real store and trail; what needs a connector is tested from outside.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, ETAG, HOST, IF_MATCH, LOCATION};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value as Json, json};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::*;
use crate::config::{Config, EgressConfig};
use crate::model::FailureKind;
use crate::runtime::{CallLimits, Runtime, RuntimeLimits};
use crate::secrets::Vault;
use crate::tables::Places;

struct Room {
    state: ApiState,
    tokens: FirstTokens,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Room {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let store = Store::open(&folder.path().join("store.db"), clock.clone()).await.unwrap();
        let audit = Audit::open(&folder.path().join("audit.db"), clock.clone()).await.unwrap();
        let runtime =
            Runtime::new(RuntimeLimits::default(), Egress::new(EgressConfig::default()), clock.clone()).unwrap();
        let compile = Config::default().compile;
        let registry =
            Registry::open(folder.path(), runtime.clone(), store.clone(), clock.clone(), compile).await.unwrap();
        let ceiling = CallLimits::default();
        let vault = Vault::open(folder.path(), None, &store).await.unwrap();
        let connections = Connections::new(store.clone(), vault, registry.clone(), runtime, clock.clone(), ceiling);
        let imports = Config::default().imports;
        let tables = Tables::new(store.clone(), connections.clone());
        let mappings = Mappings::new(store.clone(), Arc::new(tables.clone()), folder.path().to_owned());
        let outputs = (tables.clone(), Places::default());
        let tasks = Tasks::new(
            store.clone(),
            connections.clone(),
            mappings.clone(),
            outputs,
            audit.clone(),
            clock.clone(),
            imports,
        );
        let tokens = ensure_tokens(&store).await.unwrap().unwrap();
        let running = TaskTracker::new();
        let stop = CancellationToken::new();
        let request_timeout = Duration::from_secs(60);
        let hosts = [].into();
        let egress = Egress::new(EgressConfig::default());
        let declared = Declared::new(
            store.clone(),
            connections.clone(),
            mappings.clone(),
            registry.clone(),
            tasks.clone(),
            clock.clone(),
        );
        let rooms = Rooms {
            connections,
            tables,
            mappings,
            tasks,
            declared,
            registry,
            store,
            audit,
            egress,
            clock,
            request_timeout,
            hosts,
            running,
            stop,
        };
        let state = ApiState::new(rooms);
        Self { state, tokens, _folder: folder }
    }

    /// A request of the operator's: `METHOD /path`, more headers, and a body unless it is null.
    async fn ask(&self, line: &str, headers: &[(&str, &str)], body: Json) -> Answer {
        let token = format!("Bearer {}", self.tokens.operator);
        let mut all = vec![("host", "localhost"), ("content-type", "application/json"), ("authorization", &token)];
        all.retain(|(name, _)| headers.iter().all(|(other, _)| other != name));
        all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        send(router(self.state.clone()), line, &all, body).await
    }

    async fn audited(&self) -> Vec<String> {
        let records = self.state.audit.list(&crate::audit::AuditFilter::default(), None, 100).await.unwrap();
        records.into_iter().map(|record| record.action).collect()
    }
}

async fn send(router: Router, line: &str, headers: &[(&str, &str)], body: String) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

impl Answer {
    fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    #[track_caller]
    fn is_problem(&self, status: u16, kind: &str) -> Json {
        let json = self.json();
        assert_eq!(
            (self.status.as_u16(), json["type"].as_str().unwrap()),
            (status, &*format!("urn:hawser:problem:{kind}"))
        );
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.headers["x-request-id"], *json["requestId"].as_str().unwrap());
        json
    }
}

fn erp() -> Json {
    json!({"id": "ERP", "title": "Payroll"})
}

#[tokio::test]
async fn a_route_nobody_knows_and_a_method_a_route_does_not_know_are_problems() {
    let room = Room::new().await;
    room.ask("GET /v1/robots", &[], Json::Null).await.is_problem(404, "not-found");
    let answer = room.ask("PATCH /v1/systems/erp", &[], Json::Null).await;
    answer.is_problem(405, "method-not-allowed");
    let allow = answer.headers[ALLOW].to_str().unwrap();
    assert!(["GET", "PUT", "DELETE"].iter().all(|method| allow.contains(method)), "{allow}");
}

#[tokio::test]
async fn every_part_of_a_request_that_is_wrong_is_named_and_nothing_is_audited() {
    let room = Room::new().await;
    let blamed = async |line: &str, headers: &[(&str, &str)], body: Json| {
        room.ask(line, headers, body).await.is_problem(400, "invalid-request")["attributes"][0].clone()
    };
    assert_eq!(blamed("GET /v1/systems?limt=1", &[], Json::Null).await, "limt");
    assert_eq!(blamed("GET /v1/systems/erp?colour=red", &[], Json::Null).await, "colour");
    assert_eq!(blamed("POST /v1/systems?colour=red", &[], erp()).await, "colour");
    assert_eq!(blamed("GET /v1/systems?cursor=!", &[], Json::Null).await, "cursor");
    assert_eq!(blamed("POST /v1/systems", &[], json!({"id": "ERP", "tilte": "x"})).await, "tilte");
    assert_eq!(blamed("POST /v1/systems", &[], json!({"id": "E_P", "title": "x"})).await, "id");
    assert_eq!(blamed("POST /v1/systems", &[], json!({"id": "ERP", "title": ""})).await, "title");
    assert_eq!(blamed("PUT /v1/systems/a", &[], json!({"id": "b", "title": "x"})).await, "id");
    assert_eq!(blamed("PUT /v1/systems/a", &[("if-match", "5")], json!({"title": "x"})).await, "If-Match");
    assert_eq!(blamed("GET /v1/systems", &[("x-request-id", "a b")], Json::Null).await, "x-request-id");
    room.ask("GET /v1/systems/a_b", &[], Json::Null).await.is_problem(400, "invalid-request");
    let text = [("content-type", "text/plain")];
    room.ask("POST /v1/systems", &text, erp()).await.is_problem(415, "unsupported-media-type");
    let long = json!({"id": "ERP", "title": "x".repeat(body::BODY_BYTES_MAX)});
    room.ask("POST /v1/systems", &[], long).await.is_problem(413, "too-large");
    assert_eq!(room.audited().await, [""; 0]);
}

#[tokio::test]
async fn who_may_not_is_told_so_before_anything_else_is_looked_at() {
    let room = Room::new().await;
    let core = format!("Bearer {}", room.tokens.core);
    let as_core = [("authorization", core.as_str())];
    room.ask("POST /v1/systems?colour=red", &as_core, Json::Null).await.is_problem(403, "forbidden");
    room.ask("GET /v1/systems", &as_core, Json::Null).await;
    let nobody = [(AUTHORIZATION.as_str(), "")];
    room.ask("GET /v1/systems", &nobody, Json::Null).await.is_problem(401, "unauthenticated");
    assert_eq!(room.ask("GET /health/ready", &nobody, Json::Null).await.status, 200);
    let foreign = [(HOST.as_str(), "evil.example")];
    room.ask("GET /health/live", &foreign, Json::Null).await.is_problem(421, "misdirected-request");
}

#[tokio::test]
async fn a_system_is_created_read_replaced_and_deleted_under_its_revision() {
    let room = Room::new().await;
    let created = room.ask("POST /v1/systems", &[], erp()).await;
    assert_eq!((created.status.as_u16(), created.headers[LOCATION].to_str().unwrap()), (201, "/v1/systems/ERP"));
    let shown = room.ask("GET /v1/systems/erp", &[], Json::Null).await;
    assert_eq!((&shown.headers[ETAG], shown.json()["title"].as_str()), (&created.headers[ETAG], Some("Payroll")));
    let condition = [(IF_MATCH.as_str(), shown.headers[ETAG].to_str().unwrap())];
    let replaced = room.ask("PUT /v1/systems/erp", &condition, json!({"title": "Wages"})).await;
    assert_eq!((replaced.status.as_u16(), replaced.json()["title"].as_str()), (200, Some("Wages")));
    room.ask("DELETE /v1/systems/erp", &condition, Json::Null).await.is_problem(412, "stale");
    assert_eq!(room.ask("DELETE /v1/systems/erp", &[], Json::Null).await.status, 204);
    room.ask("GET /v1/systems/erp", &[], Json::Null).await.is_problem(404, "not-found");
    let actions = ["system.create", "system.replace", "system.delete", "system.delete"];
    assert_eq!(room.audited().await, actions);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_without_gaps() {
    let room = Room::new().await;
    for id in ["a", "b", "c"] {
        room.ask("POST /v1/systems", &[], json!({"id": id, "title": id})).await;
    }
    let first = room.ask("GET /v1/systems?limit=2", &[], Json::Null).await.json();
    let next = first["next"].as_str().unwrap();
    let second = room.ask(&format!("GET /v1/systems?limit=2&cursor={next}"), &[], Json::Null).await.json();
    let ids: Vec<&Json> = [&first, &second].into_iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    assert_eq!(ids.iter().map(|system| system["id"].as_str().unwrap()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(second.get("next").is_none());
}

#[tokio::test]
async fn a_repeated_change_repeats_its_answer_and_a_failure_that_did_nothing_may_be_tried_again() {
    let room = Room::new().await;
    let key = [("idempotency-key", "k-1")];
    room.ask("DELETE /v1/systems/erp", &key, Json::Null).await.is_problem(404, "not-found");
    let first = room.ask("POST /v1/systems", &key, erp()).await;
    let second = room.ask("POST /v1/systems", &key, erp()).await;
    assert_eq!((first.status.as_u16(), first.headers.get("idempotency-replayed")), (201, None));
    assert_eq!((second.status, &second.text), (first.status, &first.text));
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!((&second.headers[LOCATION], &second.headers[ETAG]), (&first.headers[LOCATION], &first.headers[ETAG]));
    let other = room.ask("POST /v1/systems", &key, json!({"id": "CRM", "title": "x"})).await;
    other.is_problem(422, "conflict");
    room.ask("GET /v1/systems/crm", &[], Json::Null).await.is_problem(404, "not-found");
}

#[tokio::test]
async fn what_cannot_be_audited_is_not_started() {
    let room = Room::new().await;
    room.state.audit.close().await;
    room.ask("POST /v1/systems", &[], erp()).await.is_problem(503, "unavailable");
    room.ask("GET /v1/systems/erp", &[], Json::Null).await.is_problem(404, "not-found");
}

#[tokio::test]
async fn a_change_goes_on_to_its_end_although_its_caller_hangs_up() {
    let room = Room::new().await;
    let (begun, go, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (seen, may, done) = (Arc::clone(&begun), Arc::clone(&go), Arc::clone(&ended));
    let handler = async move || {
        seen.notify_one();
        may.notified().await;
        done.store(true, Ordering::Relaxed);
    };
    let router =
        Router::new().route("/", post(handler)).layer(from_fn_with_state(room.state.clone(), idempotency::once));
    tokio::select! {
        _ = send(router, "POST /", &[], String::new()) => panic!("it cannot have ended"),
        () = begun.notified() => {}
    }
    go.notify_one();
    room.state.running.close();
    room.state.running.wait().await;
    assert!(ended.load(Ordering::Relaxed));
}

#[tokio::test]
async fn an_operation_that_panics_is_a_problem_and_has_an_outcome_that_says_so() {
    let room = Room::new().await;
    let rc = crate::model::RequestContext {
        caller: crate::model::Caller { name: "core".into(), role: crate::model::Role::Core },
        id: "r-1".parse().unwrap(),
        deadline: room.state.clock.now(),
        idempotency_key: None,
        gate: crate::model::Gate::default(),
    };
    let entry = audited::act(&rc, "object.create");
    let broken = async || -> crate::model::Result<()> { panic!("a host function broke") };
    let error = audited::audited(&room.state, entry, broken()).await.unwrap_err();
    assert_eq!(error.effect, crate::model::Effect::Unknown);
    let records = room.state.audit.list(&crate::audit::AuditFilter::default(), None, 9).await.unwrap();
    let outcome = &records[0].outcome.as_ref().unwrap().outcome;
    assert_eq!(outcome.status, crate::audit::OutcomeStatus::OutcomeUnknown);
}

#[tokio::test]
async fn a_panic_in_a_handler_is_a_500_with_the_requests_id() {
    let broken = Router::new()
        .route("/", get(async || -> StatusCode { panic!("broken") }))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(context::identify));
    let answer = send(broken, "GET /", &[("x-request-id", "r-7")], String::new()).await;
    assert_eq!(answer.is_problem(500, "internal")["requestId"], "r-7");
    assert!(!answer.text.contains("broken"), "{}", answer.text);
}

#[test]
fn the_kinds_a_caller_meets_all_have_a_status_of_their_class() {
    for (kind, status) in [
        (FailureKind::UnknownUid, 404),
        (FailureKind::AlreadyExists, 409),
        (FailureKind::PreconditionFailed, 412),
        (FailureKind::SchemaViolation, 422),
        (FailureKind::NotPermitted, 403),
        (FailureKind::Unsupported, 501),
        (FailureKind::OutcomeUnknown, 504),
    ] {
        assert_eq!(Problem::from(Error::failure(kind, "x")).status(), status, "{}", kind.as_str());
    }
}
