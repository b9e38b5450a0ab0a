//! A request from beginning to end: judged, its tokens fetched, its secrets written, sent, and what its answer brings of
//! secrets taken out.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::capture::{self, Capture, Captured};
use super::client::Client;
use super::download::Download;
use super::exchange::{Answer, Exchange};
use super::failure::{broken, reads, too_much, unanswered, unsupported};
use super::limits::{ANSWER_BODY_BYTES_MAX, CAPTURES_MAX, PLACEMENTS_MAX, TOKEN_ANSWER_BYTES_MAX};
use super::placement::{Material, Placed, Placement};
use super::request::Request;
use super::rules;
use crate::egress::Egress;
use crate::egress::rules::Route;
use crate::model::{Failure, Secret};

/// An answer as a whole.
#[derive(Clone)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What was taken out of it.
    pub captured: Vec<Captured>,
    /// Tokens that were fetched for this request; no answer may hold one.
    pub renewed: Vec<Secret>,
}

/// Sends a request, and waits for all of its answer.
///
/// # Errors
/// As [`open`]; `quota-exceeded` for an answer that is too large to be held.
pub async fn send(
    client: &Client,
    egress: &Egress,
    route: &Arc<Route>,
    request: Request,
    secrets: Vec<Placed>,
    captures: Vec<Capture>,
    end: Instant,
) -> Result<Response, Failure> {
    let begun = begin(client, egress, route, &request, secrets, &captures, end).await?;
    let mut body = begun.answer.body.collect(ANSWER_BODY_BYTES_MAX, end).await?;
    let Answer { status, mut headers, .. } = begun.answer;
    let captured = capture::taken(status, &mut headers, &mut body, &captures)
        .map_err(|why| unanswered(!reads(&request.method), broken(&route.target, why)))?;
    Ok(Response { status, headers, body, captured, renewed: begun.renewed })
}

/// Sends a request; its answer is read as it comes, and only its headers can bring secrets.
///
/// # Errors
/// `unsupported`, `credential-denied` and `quota-exceeded` for a request that is not sent like that; `not-permitted`,
/// `egress-denied` and `connection-failed` as the gate; `connection-broken`, `operation-timeout`, `outcome-unknown`,
/// `rate-limited` and `target-maintenance` as the exchange.
pub async fn open(
    client: &Client,
    egress: &Egress,
    route: &Arc<Route>,
    request: Request,
    secrets: Vec<Placed>,
    captures: Vec<Capture>,
    end: Instant,
) -> Result<Download, Failure> {
    if captures.iter().any(|capture| capture::pointer(&capture.source).is_some()) {
        return Err(unsupported("of an answer that is read as it comes, only headers and cookies are captured"));
    }
    let turn = client.download(&*client.line(route)?, end).await?;
    let Begun { answer, renewed } = begin(client, egress, route, &request, secrets, &captures, end).await?;
    let Answer { status, mut headers, body } = answer;
    let captured = capture::of_head(&mut headers, &captures);
    Ok(Download { status, headers, captured, renewed, body, _turn: turn })
}

struct Begun {
    answer: Answer,
    renewed: Vec<Secret>,
}

async fn begin(
    client: &Client,
    egress: &Egress,
    route: &Arc<Route>,
    request: &Request,
    secrets: Vec<Placed>,
    captures: &[Capture],
    end: Instant,
) -> Result<Begun, Failure> {
    rules::check(request)?;
    capture::check(captures)?;
    count(&secrets, captures)?;
    let begun = async {
        let line = client.line(route)?;
        let exchange = Exchange { client, egress, line, request, writes: !reads(&request.method), end };
        let (written, renewed) = resolved(&exchange, &secrets).await?;
        let answer = exchange.answer(&written).await?;
        if answer.status != StatusCode::UNAUTHORIZED || !given_up(&secrets, &written, end).await {
            return Ok(Begun { answer, renewed });
        }
        answer.body.discard(TOKEN_ANSWER_BYTES_MAX, end).await;
        let (written, again) = resolved(&exchange, &secrets).await?;
        Ok(Begun { answer: exchange.answer(&written).await?, renewed: [renewed, again].concat() })
    };
    match begun.await {
        Ok(begun) => Ok(begun),
        Err(failure) => Err(client.heard(failure, end).await),
    }
}

/// What is written, the tokens as they are now; and those of them that are others than their handles'.
async fn resolved<'a>(
    exchange: &Exchange<'_>,
    secrets: &'a [Placed],
) -> Result<(Vec<(&'a Placement, Secret)>, Vec<Secret>), Failure> {
    let (mut written, mut renewed) = (Vec::with_capacity(secrets.len()), Vec::new());
    for Placed { placement, secret } in secrets {
        let secret = match secret {
            Material::Secret(secret) => secret.clone(),
            Material::Token(token) => {
                let now = token.now(exchange.client, exchange.egress, exchange.end).await?;
                if !token.is(&now) {
                    renewed.push(now.clone());
                }
                now
            }
        };
        written.push((placement, secret));
    }
    Ok((written, renewed))
}

/// Gives up the token that was refused. Was it one? Where another secret is in the request, it may be that one; and a wrong
/// password that is sent twice counts twice.
async fn given_up(secrets: &[Placed], written: &[(&Placement, Secret)], end: Instant) -> bool {
    match (secrets, written) {
        ([Placed { secret: Material::Token(token), .. }], [(_, secret)]) => token.give_up(secret, end).await,
        _ => false,
    }
}

fn count(secrets: &[Placed], captures: &[Capture]) -> Result<(), Failure> {
    if secrets.len() > PLACEMENTS_MAX {
        return Err(too_much(&format!("the request has {} secrets", secrets.len()), PLACEMENTS_MAX));
    }
    if captures.len() > CAPTURES_MAX {
        return Err(too_much(&format!("the request captures {} secrets", captures.len()), CAPTURES_MAX));
    }
    Ok(())
}
