//! The API's own description (OpenAPI 3.1), collected from the handlers; what holds for every endpoint is added here.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, ResponseBuilder, Type};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::body::At;
use super::problem::{PROBLEM_JSON, ProblemDocument, ProblemObject};

/// The version of the API, which is also the first segment of its paths.
const VERSION: &str = "1";

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(document))
}

/// What the collected handlers are added to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Hawser",
        description = "A host for sandboxed identity connectors. Every list is paged by cursors, every error is a \
                       problem (RFC 9457), every change takes an Idempotency-Key, and unknown keys are refused.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemDocument<'static>, ProblemObject<'static>)),
    tags(
        (name = "connectors", description = "The loaded connectors and what they declare"),
        (name = "publishers", description = "Whose signatures are trusted"),
        (name = "releases", description = "Signed releases: installed, activated, rolled back"),
        (name = "systems", description = "Target applications under management"),
        (name = "connections", description = "Connectors, configured for systems"),
        (name = "schema", description = "What a target looks like"),
        (name = "objects", description = "Live objects of a target"),
        (name = "passwords", description = "Setting, changing and checking passwords"),
        (name = "entitlements", description = "Granting and revoking"),
        (name = "tasks", description = "Imports and other work that outlives a request"),
        (name = "schedules", description = "Tasks that the host orders by itself"),
        (name = "published", description = "What imports found, and what changed"),
        (name = "tables", description = "The same as tables: CSV, Parquet, NDJSON"),
        (name = "mappings", description = "Which rows are entities, how they belong together, and what targets are told"),
        (name = "audit", description = "Who did what"),
        (name = "tokens", description = "Who may call"),
        (name = "health", description = "For supervisors"),
    )
)]
pub(super) struct Base;

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "health", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
async fn document(_: At) -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(|| super::openapi().to_json().unwrap_or_default());
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str())
}

/// Adds what the layers around the handlers do: tokens, ids, idempotency, problems.
pub(super) struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        VERSION.clone_into(&mut api.info.version);
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description = Some("A token of the role that the operation names, `core` or `operator`.".to_owned());
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(http));
        for item in api.paths.paths.values_mut() {
            let changes = [&mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
            for operation in changes.into_iter().flatten() {
                parameter(operation, "Idempotency-Key", "Makes repeating the request repeat its answer.");
                complete(operation);
            }
            if let Some(operation) = item.get.as_mut() {
                complete(operation);
            }
        }
    }
}

fn complete(operation: &mut Operation) {
    parameter(operation, "X-Request-Id", "Names the request in the log and the audit trail; the answer repeats it.");
    operation.security.get_or_insert_with(|| vec![SecurityRequirement::new("token", ["core"])]);
    let id = ObjectBuilder::new().schema_type(Type::String);
    let problem = ResponseBuilder::new()
        .description("A problem; `type` and `status` say which")
        .content(PROBLEM_JSON, ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build())
        .header("X-Request-Id", HeaderBuilder::new().schema(Some(id)).build())
        .build();
    operation.responses.responses.insert("default".to_owned(), problem.into());
}

fn parameter(operation: &mut Operation, name: &str, description: &str) {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .schema(Some(text))
        .build();
    operation.parameters.get_or_insert_default().push(parameter.into());
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value as Json;

    fn document() -> Json {
        serde_json::to_value(super::super::openapi()).unwrap()
    }

    fn operations(document: &Json) -> Vec<(String, String, Json)> {
        let paths = document["paths"].as_object().unwrap();
        let of = |(path, item): (&String, &Json)| -> Vec<_> {
            let methods = item.as_object().unwrap().iter();
            methods.map(|(method, operation)| (path.clone(), method.clone(), operation.clone())).collect()
        };
        paths.iter().flat_map(of).collect()
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_a_summary_a_problem_and_says_who_may() {
        let document = document();
        let mut seen = HashSet::new();
        for (path, method, operation) in operations(&document) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(seen.insert(id.to_owned()), "{id} is there twice");
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(operation["responses"]["default"].is_object(), "{method} {path}");
            assert!(operation["security"].is_array(), "{method} {path}");
            assert!(path.starts_with("/v1/") || operation["security"][0] == serde_json::json!({}), "{method} {path}");
        }
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        assert_eq!(document["openapi"], "3.1.0");
    }
}
