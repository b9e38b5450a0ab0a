//! A release on its way in: `multipart/form-data` (RFC 7578) with the parts `statement`, `component` and, if it is not to
//! serve at once, `activate`. Read whole and within its bounds before anybody looks into it.

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use utoipa::ToSchema;

use super::body::{self, Bounds};
use super::problem::Problem;
use crate::model::{Error, Result};
use crate::registry::Upload;

/// A release, as a form.
#[derive(ToSchema)]
#[schema(as = ReleaseUpload)]
#[allow(dead_code, reason = "the description of what is read part by part")]
pub(super) struct UploadForm {
    /// The bytes of release.json, which `hawser sign` wrote.
    #[schema(value_type = String, format = Binary)]
    statement: Vec<u8>,
    /// The bytes of component.wasm.
    #[schema(value_type = String, format = Binary)]
    component: Vec<u8>,
    /// Let it serve at once if that takes nobody's approval; true unless said otherwise.
    activate: Option<bool>,
}

/// The release of a request's body.
pub(super) struct Uploaded(pub(super) Upload);

impl<S: Send + Sync> FromRequest<S> for Uploaded {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let whole = body::read(body, Bounds::RELEASE).await?;
        let request = Request::from_parts(parts, whole.into());
        let form = Multipart::from_request(request, state).await.map_err(|_| not_a_form())?;
        Ok(Self(upload(form).await?))
    }
}

async fn upload(mut form: Multipart) -> Result<Upload> {
    let (mut statement, mut component, mut activate) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "statement" => once(&mut statement, &name, bytes(field).await?)?,
            "component" => once(&mut component, &name, bytes(field).await?)?,
            "activate" => once(&mut activate, &name, yes_or_no(&bytes(field).await?)?)?,
            _ => return Err(wrong(&name, "is no part of a release; its parts are statement, component and activate")),
        }
    }
    Ok(Upload {
        statement: statement.ok_or_else(|| wrong("statement", "is missing; it is the file release.json"))?,
        component: component.ok_or_else(|| wrong("component", "is missing; it is the file component.wasm"))?,
        activate: activate.unwrap_or(true),
    })
}

async fn bytes(field: Field<'_>) -> Result<Vec<u8>> {
    Ok(field.bytes().await.map_err(broken)?.into())
}

fn once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<()> {
    if slot.replace(value).is_some() { Err(wrong(name, "is there twice")) } else { Ok(()) }
}

fn yes_or_no(text: &[u8]) -> Result<bool> {
    match text {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(wrong("activate", "is true or false")),
    }
}

fn wrong(part: &str, why: &str) -> Error {
    Error::invalid(format!("the part {part:?} {why}")).blaming(part)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn broken(why: MultipartError) -> Error {
    Error::invalid(format!("the form is not right: {why}"))
}

fn not_a_form() -> Problem {
    Problem::unsupported("the body must be a form; send it with Content-Type: multipart/form-data")
}
