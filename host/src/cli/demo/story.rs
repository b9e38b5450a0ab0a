//! The teller of the demo: sends each request over HTTP, shows it with its answer, and stops at the first answer that
//! is not what the step expected.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tokio::task::block_in_place;

use super::super::client::{Call, Client, Reply};
use super::super::fault::Fault;
use super::people::Company;
use super::show;
use super::target::{Target, Terms};
use crate::clock::Clock;

/// The system of the demo.
pub(super) const SYSTEM: &str = "company-directory";
/// The connection of the demo.
pub(super) const CONNECTION: &str = "people";
/// Its path.
pub(super) const PATH: &str = "/v1/connections/people";

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    Operator,
    Core,
}

/// Those the story is about, by the uids that the target gave them.
#[derive(Default)]
pub(super) struct Cast {
    pub(super) joiner: String,
    pub(super) mover: String,
    pub(super) leaver: String,
    pub(super) old_group: String,
    pub(super) new_group: String,
}

/// The story as far as it has been told.
pub(super) struct Story {
    pub(super) company: Company,
    pub(super) target: Arc<dyn Target>,
    pub(super) cast: Cast,
    operator: Client,
    core: Client,
    clock: Clock,
    steps: u32,
}

impl Story {
    pub(super) fn new(company: Company, target: Arc<dyn Target>, operator: Client, core: Client, clock: Clock) -> Self {
        Self { company, target, cast: Cast::default(), operator, core, clock, steps: 0 }
    }

    /// How things are called in the target.
    pub(super) fn terms(&self) -> &'static Terms {
        self.target.terms()
    }

    /// A connection to the target: what all have, and the rest as the target says.
    pub(super) fn connection(&self, id: &str, title: &str, rest: Map<String, Json>) -> Json {
        let connector = format!("hawser/{}", self.terms().connector);
        let common = [("id", id), ("system", SYSTEM), ("connector", &connector), ("version", "^0.1"), ("title", title)];
        let common = common.map(|(name, value)| (name.to_owned(), Json::from(value)));
        Json::Object(common.into_iter().chain(rest).collect())
    }

    /// Does something to the target, or looks at it, past the host.
    pub(super) fn outside<T>(&self, act: impl FnOnce(&dyn Target) -> T) -> T {
        block_in_place(|| act(&*self.target))
    }

    /// A step begins.
    pub(super) fn step(&mut self, title: &str) -> Result<(), Fault> {
        self.steps += 1;
        show::step(self.steps, title)
    }

    /// Steps told so far.
    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    /// The client of that caller.
    pub(super) fn client(&self, who: Who) -> &Client {
        match who {
            Who::Operator => &self.operator,
            Who::Core => &self.core,
        }
    }

    /// Sends the request, shows it and its answer's status, and insists on the status.
    pub(super) async fn ask(&self, who: Who, call: Call, expected: u16) -> Result<Reply, Fault> {
        show::request(&call)?;
        let sent = self.clock.now();
        let reply = self.client(who).send(&call).await?;
        let millis = self.clock.now().as_millisecond() - sent.as_millisecond();
        let as_expected = reply.status.as_u16() == expected;
        show::status(reply.status, millis, as_expected)?;
        if as_expected {
            return Ok(reply);
        }
        let answer = if reply.status.is_success() { reply.body.to_string() } else { reply.problem().text() };
        Err(Fault::failed(format!(
            "expected {expected} from {} {}, and got {}: {answer}",
            call.method, call.path, reply.status
        )))
    }
}

impl Story {
    /// Sends what must be refused, insists that it is, and for this reason, and shows the reason.
    pub(super) async fn refused(&self, who: Who, call: Call, expected: u16, reason: &str) -> Result<(), Fault> {
        let reply = self.ask(who, call, expected).await?;
        let why = reply.problem().text();
        show::detail(&format!("refused: {why}"))?;
        insist(why.contains(reason), || format!("it to be refused because of {reason:?}"))
    }
}

/// Insists on a value in an answer.
pub(super) fn expect(body: &Json, pointer: &str, expected: impl Into<Json>) -> Result<(), Fault> {
    let (found, expected) = (body.pointer(pointer).unwrap_or(&Json::Null), expected.into());
    insist(*found == expected, || format!("{pointer} to be {expected}, and it is {found}"))
}

/// Insists on what a step promised.
pub(super) fn insist(kept: bool, expected: impl FnOnce() -> String) -> Result<(), Fault> {
    if kept { Ok(()) } else { Err(Fault::failed(format!("expected {}", expected()))) }
}

/// The list at a pointer of an answer.
pub(super) fn items<'a>(body: &'a Json, pointer: &str) -> &'a [Json] {
    body.pointer(pointer).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_is_missing_or_another_ends_the_story() {
        assert!(expect(&json!({}), "/outcome", "granted").unwrap_err().message.contains("it is null"));
        let fault = expect(&json!({"outcome": "pending"}), "/outcome", "granted").unwrap_err();
        assert_eq!(fault.message, "expected /outcome to be \"granted\", and it is \"pending\"");
        assert!(expect(&json!({"n": 1}), "/n", 1).is_ok());
    }
}
