//! The one way to the API: a request of the mapping filled in, sent with who it comes from, and its answer judged.
//!
//! A token of a log-in is kept by the host; when the API refuses it with 401 nothing was done, so that the connector logs
//! in again and sends once more.

use crate::mapping::{Auth, Content, Login, Mapping, Oauth, Sketch, Source};
use crate::options::Options;
use crate::pointer::Pointer;
use crate::template::{RESERVED, Scope, Shape};
use crate::{Rest, failure, placements};
use hawser_sdk::credentials::{self, Credential};
use hawser_sdk::http::{self, Placement, Request, Response, TokenRequest};
use hawser_sdk::{Effect, Error, FailureKind, Result};
use percent_encoding::utf8_percent_encode;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Destinations and secured options, by their names in the manifest.
const API: &str = "api";
const TOKEN: &str = "token";
const SECRET: &str = "secret";
const CLIENT_SECRET: &str = "client-secret";

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) location: Option<String>,
    /// All lines of the header `Link`, as one.
    pub(crate) links: Vec<u8>,
    /// Null where there is none, or none that is JSON.
    pub(crate) body: Json,
}

/// What a request is sent with beside what the mapping says.
#[derive(Default)]
pub(crate) struct With<'a> {
    /// In place of the mapping's path and query: the next page's.
    pub(crate) link: Option<&'a str>,
    /// Further parameters of the query.
    pub(crate) query: Vec<(String, String)>,
    /// In place of the mapping's body.
    pub(crate) body: Option<Json>,
    pub(crate) secrets: Vec<(&'a Credential<'a>, Placement)>,
    pub(crate) captures: Vec<(&'a Source, String)>,
    pub(crate) sender: Sender,
    /// It changes nothing, although it is a POST.
    pub(crate) reads: bool,
}

/// Who a request comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sender {
    #[default]
    Connection,
    /// The connection, and a refusal is not its own but that of a password that was sent along: a new token, used once.
    Fresh,
    Nobody,
}

/// How long the host keeps a secret between a reading and the writing that places it.
const CAPTURE: Duration = Duration::from_secs(30);

pub(crate) struct Api<'a> {
    pub(crate) mapping: &'a Mapping,
    pub(crate) options: &'a Options,
    scope: Scope,
}

impl<'a> Api<'a> {
    /// # Errors
    /// `configuration` where the mapping and the options do not go together.
    pub(crate) fn new(rest: &'a Rest) -> Result<Self> {
        placements::check(&rest.mapping, &rest.options)?;
        Ok(Self { mapping: &rest.mapping, options: &rest.options, scope: rest.options.scope()? })
    }

    /// What every template can name.
    pub(crate) fn scope(&self) -> Scope {
        self.scope.clone()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// What the host says, and what the answer is if it is no success.
    pub(crate) fn send(&self, sketch: Sketch<'_>, scope: &Scope, with: &With<'_>) -> Result<Answer> {
        let filled = self.fill(sketch, scope, with)?;
        let response = match with.sender {
            Sender::Connection => self.as_connection(&filled, with)?,
            Sender::Fresh => self.dispatch(&filled, with, self.credential(true)?.1.as_ref())?,
            Sender::Nobody => self.dispatch(&filled, with, None)?,
        };
        let answer = filled.answer(&response);
        let reads = with.reads || sketch.request.method.is_safe();
        match failure::judge(&self.mapping.errors, &answer, !reads) {
            Some(error) => Err(error),
            // Whatever an API says to a change that it made, it was made.
            None if answer.body.is_null() && !response.body.is_empty() && reads => {
                Err(Error::connection_broken(format!("{} {}: the answer is no JSON", answer.method, answer.path)))
            }
            None => Ok(answer),
        }
    }

    fn as_connection(&self, filled: &Filled, with: &With<'_>) -> Result<Response> {
        let (kept, credential) = self.credential(false)?;
        let response = self.dispatch(filled, with, credential.as_ref())?;
        if response.status != 401 || !kept {
            return Ok(response);
        }
        let (_, credential) = self.credential(true)?;
        self.dispatch(filled, with, credential.as_ref())
    }

    /// Who requests come from, and whether that is a token the host kept from before.
    fn credential(&self, anew: bool) -> Result<(bool, Option<(Credential<'static>, Placement)>)> {
        Ok(match &self.mapping.auth {
            Auth::None => (false, None),
            Auth::Secret(place) => (false, Some((credentials::get(SECRET)?, place.placement(&self.scope)?))),
            Auth::Oauth(oauth) => (false, Some((self.token(oauth)?, Placement::Bearer))),
            Auth::Login(login) => {
                let name = self.session(login)?;
                let kept = if anew { None } else { credentials::captured(&name) };
                let (was_kept, token) = match kept {
                    Some(token) => (true, token),
                    None => (false, self.log_in(login, &name)?),
                };
                (was_kept, Some((token, login.place.placement(&self.scope)?)))
            }
        })
    }

    /// The name a token is kept under: another user's, or another place's, is another one.
    fn session(&self, login: &Login) -> Result<String> {
        let filled = self.fill(login.sketch(), &self.scope, &With::default())?;
        let mut hasher = DefaultHasher::new();
        (&filled.path, &filled.body, &self.options.user, &self.options.variables).hash(&mut hasher);
        Ok(format!("session-{:016x}", hasher.finish()))
    }

    fn log_in(&self, login: &Login, name: &str) -> Result<Credential<'static>> {
        let secret = credentials::get(SECRET)?;
        let mut filled = self.fill(login.sketch(), &self.scope, &With::default())?;
        filled.captures.push((
            http::Source::from(&login.token),
            name.to_owned(),
            Duration::from_secs(login.lifetime_s.into()),
        ));
        let placed = (secret, login.secret.placement(&self.scope)?);
        let response = self.dispatch(&filled, &With { reads: true, ..With::default() }, Some(&placed))?;
        let answer = filled.answer(&response);
        if let Some(error) = failure::judge(&self.mapping.errors, &answer, false) {
            let refused = (400..500).contains(&answer.status);
            let kind = if refused { FailureKind::ConnectionFailed } else { error.kind() };
            return Err(failure::renamed(&error, kind, format!("logging in: {error}")));
        }
        credentials::captured(name).ok_or_else(|| {
            Error::connection_failed("logging in: the answer has no token where the mapping says (auth.login.token)")
        })
    }

    fn token(&self, oauth: &Oauth) -> Result<Credential<'static>> {
        let path = self.options.token_path.as_deref();
        let path = path.ok_or_else(|| Error::configuration("the mapping says `oauth`; set the option `token-path`"))?;
        let parameters = texts(&oauth.parameters, &self.scope)?;
        http::token(&TokenRequest {
            destination: TOKEN,
            path,
            client_id: &oauth.client_id.render(&self.scope)?,
            client: &credentials::get(CLIENT_SECRET)?,
            authentication: oauth.authentication.into(),
            parameters: &parameters,
        })
    }

    fn fill(&self, sketch: Sketch<'_>, scope: &Scope, with: &With<'_>) -> Result<Filled> {
        let path = match with.link {
            Some(link) => link.to_owned(),
            None => {
                let mut query = texts(sketch.query, scope)?;
                query.extend(with.query.iter().cloned());
                let path = self.options.path(&sketch.request.path.render(scope)?);
                if query.is_empty() { path } else { format!("{path}?{}", encoded(&query)) }
            }
        };
        let body = match (&with.body, sketch.content) {
            (Some(json), _) => Body::Json(json.clone()),
            (None, Content::None) => Body::None,
            (None, Content::Json(shape)) => Body::Json(shape.render(scope)?.unwrap_or(Json::Null)),
            (None, Content::Form(fields)) => Body::Form(encoded(&texts(fields, scope)?)),
        };
        let captures = with.captures.iter().map(|(source, name)| (http::Source::from(*source), name.clone(), CAPTURE));
        Ok(Filled {
            method: sketch.request.method.as_str(),
            path,
            headers: texts(sketch.headers, scope)?,
            body,
            captures: captures.collect(),
        })
    }

    fn dispatch(
        &self,
        filled: &Filled,
        with: &With<'_>,
        credential: Option<&(Credential<'static>, Placement)>,
    ) -> Result<Response> {
        let secrets = with.secrets.iter().map(|(secret, placement)| (*secret, placement));
        let secrets: Vec<_> = secrets.chain(credential.map(|(secret, placement)| (secret, placement))).collect();
        let mut request = Request::new(API, filled.method, filled.path.as_str());
        for (name, value) in &filled.headers {
            request = request.header(name.as_str(), value.as_bytes());
        }
        request = unless_said(request, "Accept", "application/json");
        if let Some((kind, bytes)) = filled.body.bytes(secrets.iter().map(|(_, placement)| *placement)) {
            request = unless_said(request, "Content-Type", kind).body(bytes);
        }
        for (secret, placement) in secrets {
            request = request.secret(secret, placement.clone());
        }
        for (source, name, ttl) in &filled.captures {
            request = request.capture(source.clone(), name.as_str(), *ttl);
        }
        request.send().map_err(|error| if with.reads { unanswered(filled, error) } else { error })
    }
}

/// The host takes every POST for a change; of what only reads, nothing is open where no answer came.
fn unanswered(filled: &Filled, error: Error) -> Error {
    if error.kind() != FailureKind::OutcomeUnknown {
        return error.with_effect(Effect::None);
    }
    let message = format!("{} {}: the answer did not come, or not whole", filled.method, filled.bare_path());
    failure::renamed(&error, FailureKind::ConnectionBroken, message).with_effect(Effect::None)
}

/// Adds a header, unless the mapping has it.
fn unless_said<'a>(request: Request<'a>, name: &str, value: &str) -> Request<'a> {
    let said = request.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name));
    if said { request } else { request.header(name, value) }
}

/// A request whose templates are filled in.
struct Filled {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
    captures: Vec<(http::Source, String, Duration)>,
}

#[derive(Hash)]
enum Body {
    None,
    Json(Json),
    Form(String),
}

impl Body {
    /// Its type and its bytes. What is placed into JSON replaces what stands there, so that something has to.
    fn bytes<'a>(&self, placements: impl Iterator<Item = &'a Placement>) -> Option<(&'static str, Vec<u8>)> {
        match self {
            Self::None => None,
            Self::Form(form) => Some(("application/x-www-form-urlencoded", form.clone().into_bytes())),
            Self::Json(json) => {
                let mut json = json.clone();
                for placement in placements {
                    if let Placement::JsonPointer(pointer) = placement
                        && let Ok(pointer) = Pointer::try_from(pointer.clone())
                        && pointer.get(&json).is_none()
                    {
                        pointer.set(&mut json, Json::from(""));
                    }
                }
                Some(("application/json", json.to_string().into_bytes()))
            }
        }
    }
}

impl Filled {
    fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    fn answer(&self, response: &Response) -> Answer {
        let header = |name| response.header(name).map(str::to_owned);
        Answer {
            method: self.method,
            path: self.bare_path().to_owned(),
            status: response.status,
            etag: header("ETag"),
            location: header("Location"),
            links: lines(response, "Link").join(b", ".as_slice()),
            body: serde_json::from_slice(&response.body).unwrap_or(Json::Null),
        }
    }
}

/// A header may come in several lines, which say what one with commas says (RFC 9110, 5.3).
fn lines<'a>(response: &'a Response, name: &str) -> Vec<&'a [u8]> {
    let named = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| header.value.as_slice()).collect()
}

/// The texts that templates give; those without a value are left out, and a list gives one for each of its values.
fn texts(shapes: &BTreeMap<String, Shape>, scope: &Scope) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for (name, shape) in shapes {
        let values = match shape.render(scope)? {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(values)) => values,
            Some(value) => vec![value],
        };
        texts.extend(values.iter().map(|value| (name.clone(), text(value))));
    }
    Ok(texts)
}

fn text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

fn encoded(pairs: &[(String, String)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}
