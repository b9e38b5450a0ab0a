//! A request: method and path on one line, and what goes with it.

use super::Shapes;
use crate::template::{Path, Shape};
use serde::Deserialize;

/// `PUT /users/{{ name }}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: Path,
}

impl TryFrom<String> for Request {
    type Error = String;

    fn try_from(line: String) -> Result<Self, String> {
        let (method, path) =
            line.split_once(' ').ok_or_else(|| format!("`{line}` is no request; write `GET /users`"))?;
        Ok(Self { method: Method::parse(method)?, path: Path::parse(path.trim())? })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    const ALL: [Self; 6] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    fn parse(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|method| method.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is no method; it can be GET, HEAD, POST, PUT, PATCH or DELETE"))
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Does it change nothing?
    pub(crate) fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// What is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Content {
    #[default]
    None,
    Json(Shape),
    Form(Shapes),
}

/// All of a request, wherever in the mapping it stands.
#[derive(Clone, Copy)]
pub(crate) struct Sketch<'a> {
    pub(crate) request: &'a Request,
    pub(crate) query: &'a Shapes,
    pub(crate) headers: &'a Shapes,
    pub(crate) content: &'a Content,
}

impl Sketch<'_> {
    /// The names its templates use, with what is asked of them: `principal.uid`.
    pub(crate) fn names(&self) -> Vec<String> {
        let headers = self.headers.values().flat_map(Shape::names);
        self.address().into_iter().chain(headers).chain(self.content()).collect()
    }

    /// Those of path and query, which say what the request is about.
    pub(crate) fn address(&self) -> Vec<String> {
        self.request.path.names().into_iter().chain(self.query.values().flat_map(Shape::names)).collect()
    }

    fn content(&self) -> Vec<String> {
        match self.content {
            Content::None => Vec::new(),
            Content::Json(shape) => shape.names(),
            Content::Form(fields) => fields.values().flat_map(Shape::names).collect(),
        }
    }
}
