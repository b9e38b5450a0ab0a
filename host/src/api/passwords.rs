//! Passwords: set, changed and checked on the target. They are read straight into secrets, are nowhere kept, and never
//! come back; answers have no body, so that nothing of them is remembered under an idempotency key.

use std::fmt;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{act, audited_call};
use super::body::{At, Body};
use super::connections::ConnectionPath;
use super::context::AsCore;
use super::objects::ObjectPath;
use super::problem::Problem;
use crate::model::secret::SECRET_BYTES_MAX;
use crate::model::{ClassName, Error, Result, Secret, Uid};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(set)).routes(routes!(authenticate))
}

/// A password on its way to the target.
struct Password(Secret);

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PasswordRequest {
    #[schema(value_type = String, format = Password)]
    new: Password,
    /// The old one, when the owner changes it; left out, an administrator sets it.
    #[schema(value_type = Option<String>, format = Password)]
    old: Option<Password>,
    /// The owner must choose another at the next login; only when an administrator sets it.
    #[serde(default)]
    must_change: bool,
}

/// Who claims to be whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthenticateRequest {
    #[schema(value_type = String)]
    class: ClassName,
    /// The name the person logs in with.
    name: String,
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// Whose name and password these are.
#[derive(Serialize, ToSchema)]
struct Authenticated {
    #[schema(value_type = String)]
    uid: Uid,
}

/// Sets or changes a password.
#[utoipa::path(put, path = "/v1/connections/{id}/objects/{class}/{uid}/password", operation_id = "set_password",
    tag = "passwords", params(ObjectPath), request_body = PasswordRequest, responses((status = 204)))]
async fn set(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ObjectPath>,
    Body(request): Body<PasswordRequest>,
) -> Result<StatusCode, Problem> {
    let (connections, Password(new)) = (&api.connections, request.new);
    let act = |action| act(&rc, action).on(&path.id).object(&path.class, &path.uid);
    match request.old {
        None => {
            let called =
                Box::pin(connections.set_password(&rc, &path.id, &path.class, &path.uid, new, request.must_change));
            audited_call(&api, act("password.set"), called).await?;
        }
        Some(_) if request.must_change => {
            let error = Error::invalid("mustChange is for an administrator's reset; leave it out beside old");
            return Err(error.blaming("mustChange").into());
        }
        Some(Password(old)) => {
            let called = Box::pin(connections.change_password(&rc, &path.id, &path.class, &path.uid, old, new));
            audited_call(&api, act("password.change"), called).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Checks a name and a password. A wrong one is the problem `invalid-credential` with status 422: the caller's own
/// token was fine.
#[utoipa::path(post, path = "/v1/connections/{id}/authenticate", operation_id = "authenticate", tag = "passwords",
    params(ConnectionPath), request_body = AuthenticateRequest, responses((status = 200, body = Authenticated)))]
async fn authenticate(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    Body(request): Body<AuthenticateRequest>,
) -> Result<Json<Authenticated>, Problem> {
    let AuthenticateRequest { class, name, password: Password(password) } = request;
    let entry = act(&rc, "password.authenticate").on(&path.id).class(&class).name(&name);
    let uid = audited_call(&api, entry, api.connections.authenticate(&rc, &path.id, &class, &name, password)).await?;
    Ok(Json(Authenticated { uid }))
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_string(PasswordVisitor)
    }
}

/// Errors of this visitor must not repeat what was given.
struct PasswordVisitor;

impl Visitor<'_> for PasswordVisitor {
    type Value = Password;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string of 1 to {SECRET_BYTES_MAX} bytes")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Password, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Password, E> {
        let length = text.len();
        let wrong = || E::custom(format!("a password takes 1 to {SECRET_BYTES_MAX} bytes; this one has {length}"));
        Secret::new(text.into_bytes()).map(Password).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        serde_json::from_str::<PasswordRequest>(text).err().unwrap().to_string()
    }

    #[test]
    fn an_empty_password_is_refused() {
        assert!(refused(r#"{"new": ""}"#).contains("1 to 16384 bytes"));
    }

    #[test]
    fn a_refusal_never_repeats_the_password() {
        let long = "hunter2".repeat(3000);
        assert!(!refused(&format!(r#"{{"new": "{long}"}}"#)).contains("hunter2"));
    }
}
