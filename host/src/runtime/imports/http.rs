//! Web services for guests. The protocol is in the room `http`; here a guest's words are held against its context: which
//! destination, which request, and which secret may be written into it.
//!
//! What an answer brings is searched before the guest has it: for the connection's secrets, for those of the call, and for
//! whatever was captured or fetched meanwhile.

mod download;
mod request;
mod secrets;

#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub use download::Download;
pub(in crate::runtime) use download::{end_download, head, open, read};

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::Resource;

use super::Said;
use super::credentials::{Credential, Origin, denied};
use crate::egress::heard;
use crate::egress::rules::Route;
use crate::http::limits::ANSWER_MARGIN;
use crate::http::{self, Authentication, Capture, Captured, Placed, Placement, Request, Response, TokenRequest};
use crate::model::{CredentialUse, Failure, FailureKind, OptionName, Protocol, Secret, UrlPath};
use crate::runtime::kept::{Captor, Keeping};
use crate::runtime::state::State;
use request::{malformed, read_request};
use secrets::placed;

/// A request as a guest asks for it.
pub(in crate::runtime) struct Asked {
    pub(in crate::runtime) destination: String,
    pub(in crate::runtime) method: String,
    pub(in crate::runtime) path: String,
    pub(in crate::runtime) headers: Vec<(String, Vec<u8>)>,
    pub(in crate::runtime) body: Option<Vec<u8>>,
    pub(in crate::runtime) secrets: Vec<(Resource<Credential>, Placement)>,
    pub(in crate::runtime) captures: Vec<Capture>,
    pub(in crate::runtime) timeout: Option<Duration>,
}

/// A token as a guest asks for it.
pub(in crate::runtime) struct AskedToken {
    pub(in crate::runtime) destination: String,
    pub(in crate::runtime) path: String,
    pub(in crate::runtime) client_id: String,
    pub(in crate::runtime) client: Resource<Credential>,
    pub(in crate::runtime) authentication: Authentication,
    pub(in crate::runtime) parameters: Vec<(String, String)>,
}

/// A request that may be sent.
struct Admitted {
    route: Arc<Route>,
    request: Request,
    secrets: Vec<Placed>,
    captures: Vec<Capture>,
    end: Instant,
}

pub(in crate::runtime) async fn send(state: &mut State, asked: Asked) -> Said<Response> {
    let Admitted { route, request, secrets, captures, end } = match admitted(state, asked).await? {
        Ok(admitted) => admitted,
        Err(failure) => return Ok(Err(failure)),
    };
    let (client, egress) = (state.share.web.clone(), state.egress());
    match http::send(&client, &egress, &route, request, secrets, captures, end).await {
        Err(failure) => Ok(Err(noted(state, failure))),
        Ok(mut answer) => {
            learn(state, &route, std::mem::take(&mut answer.captured), &answer.renewed);
            state.leaks.check_answer(&route.name, &answer)?;
            Ok(Ok(answer))
        }
    }
}

pub(in crate::runtime) async fn token(state: &mut State, asked: AskedToken) -> Said<Resource<Credential>> {
    let (route, slot, client) = match admitted_token(state, &asked)? {
        Ok(admitted) => admitted,
        Err(failure) => return refused(state, failure).await,
    };
    note(state, &route, [slot.to_string()]).await?;
    warm(state, &slot).await?;
    let AskedToken { path, client_id, authentication, parameters, .. } = asked;
    let request = TokenRequest { path, client_id, client, authentication, parameters };
    let (web, egress, end) = (state.share.web.clone(), state.egress(), end(state, None));
    match http::token(&web, &egress, &route, request, end).await {
        Err(failure) => Ok(Err(noted(state, failure))),
        Ok(token) => {
            let secret = token.secret().clone();
            state.meet(|| format!("the token of {:?}", slot.as_str()), &secret);
            Ok(Ok(state.table.push(Credential { origin: Origin::Token(slot, token), secret })?))
        }
    }
}

/// Opens connections to where the token will go, while it is fetched. What goes wrong there is told when it is sent.
async fn warm(state: &mut State, slot: &OptionName) -> wasmtime::Result<()> {
    let web = Arc::clone(&state.context.web);
    let routes = web.goes_to(slot).into_iter().filter_map(|name| route(state, name.as_str()).ok());
    for route in routes.collect::<Vec<_>>() {
        note(state, &route, []).await?;
        let (client, egress, end) = (state.share.web.clone(), state.egress(), end(state, None));
        tokio::spawn(async move { client.warm(&egress, &route, end).await });
    }
    Ok(())
}

/// A request, if all of it may be; what it uses is noted.
async fn admitted(state: &mut State, asked: Asked) -> Said<Admitted> {
    let Asked { destination, method, path, headers, body, secrets, captures, timeout } = asked;
    let judged = route(state, &destination).and_then(|route| {
        let (request, path) = read_request(&method, path, headers, body)?;
        request::check_captures(&captures)?;
        Ok((route, request, path))
    });
    let (route, request, path) = match judged {
        Ok(judged) => judged,
        Err(failure) => return refused(state, failure).await,
    };
    let (secrets, slots) = match placed(state, &route, &method, &path, secrets)? {
        Ok(placed) => placed,
        Err(failure) => return refused(state, failure).await,
    };
    note(state, &route, slots).await?;
    Ok(Ok(Admitted { route, request, secrets, captures, end: end(state, timeout) }))
}

/// Where a token comes from, and the secret to ask for it with, if it may be.
fn admitted_token(state: &State, asked: &AskedToken) -> Said<(Arc<Route>, OptionName, Secret)> {
    let Credential { origin, secret } = state.table.get(&asked.client)?;
    let Origin::Secured(slot, CredentialUse::Token) = origin else {
        return Ok(Err(denied("a token is fetched with a secured option whose use is `token`, and with nothing else")));
    };
    Ok(route(state, &asked.destination).and_then(|route| {
        let path = UrlPath::parse(&asked.path).map_err(|why| malformed(&why.to_string()))?;
        state.context.web.admit_fetching(slot.as_str(), &route.name, &path)?;
        Ok((route, slot.clone(), secret.clone()))
    }))
}

/// The web service of that name.
fn route(state: &State, destination: &str) -> Result<Arc<Route>, Failure> {
    let route = super::route(&state.context, destination)?;
    if !matches!(route.target.protocol, Protocol::Https | Protocol::Http) {
        return Err(Failure::new(FailureKind::Unsupported, format!("{} is no web service", route.target)));
    }
    route.protects(route.target.protocol.is_tls()).map_err(heard)?;
    Ok(route)
}

/// Notes what is about to be used.
async fn note(state: &mut State, route: &Route, slots: impl IntoIterator<Item = String>) -> wasmtime::Result<()> {
    let slots: Vec<String> = slots.into_iter().chain(route.client.as_ref().map(ToString::to_string)).collect();
    state
        .uses(|used| {
            // A call's destination is the same each time, and to write it out takes longer than to look.
            if !used.destinations.iter().any(|(name, _)| *name == route.name) {
                used.destinations.insert((route.name.clone(), route.target.to_string()));
            }
            used.credentials.extend(slots);
        })
        .await?;
    Ok(())
}

/// A refusal, which comes later the more of them there were: nobody finds out in a loop what is open.
async fn refused<T>(state: &mut State, failure: Failure) -> Said<T> {
    if matches!(failure.kind, FailureKind::NotPermitted | FailureKind::CredentialDenied) {
        state.refused();
        let web = state.share.web.clone();
        web.refused(end(state, None)).await;
    }
    Ok(Err(failure))
}

/// A failure on its way to the guest; where the gate refused, the client made it slow already.
fn noted(state: &mut State, failure: Failure) -> Failure {
    if matches!(failure.kind, FailureKind::NotPermitted | FailureKind::EgressDenied) {
        state.refused();
    }
    failure
}

/// What an answer brought is nobody's to give out from now on; what was captured is kept for its destination.
fn learn(state: &State, route: &Route, captured: Vec<Captured>, renewed: &[Secret]) {
    for secret in renewed {
        state.meet(|| "a token of the connection".to_owned(), secret);
    }
    for Captured { name, secret, ttl } in captured {
        state.meet(|| format!("the captured secret {name:?}"), &secret);
        state.keep(name, Keeping { secret, captor: Some(Captor::of(route)) }, ttl);
    }
}

/// When an answer is waited for no longer: a little before the guest is stopped, who then says what did not answer.
fn end(state: &State, timeout: Option<Duration>) -> Instant {
    let end = state.end.checked_sub(ANSWER_MARGIN).unwrap_or(state.end);
    timeout.map_or(end, |timeout| end.min(Instant::now() + timeout))
}
