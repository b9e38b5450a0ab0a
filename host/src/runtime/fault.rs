//! What a guest's end means to the caller: a trap, a limit, a deadline, or a failure in the contract's words.

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use super::boundary;
use super::component::Component;
use super::limits::{HANDLES_MAX, QUOTE_BYTES_MAX, WASM_STACK_BYTES};
use super::operation::Operation;
use super::state::State;
use crate::model::text::shown;
use crate::model::{DestinationName, Effect, Error, ErrorKind, Failure, FailureKind};

/// Longest message of a connector that is passed on, in bytes.
const MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// Attributes a failure may blame.
const BLAMED_MAX: usize = 100;

/// The connector does not implement the operation.
pub(super) fn unsupported(component: &Component, operation: Operation) -> Error {
    let missing = operation.needs.as_str();
    let offered = component.interfaces().exports.join(", ");
    let message = format!("{} needs the interface {missing:?}, which this connector does not export", operation.name);
    Error::failure(FailureKind::Unsupported, message).with_detail(format!("it exports {offered}"))
}

/// A failure the connector reported, with its words made fit to be passed on.
pub(super) fn said(failure: Failure) -> Error {
    let mut error = Error::from(failure);
    error.message = message(&error.message);
    error.code = error.code.map(|code| shown(&code, QUOTE_BYTES_MAX));
    error.object = boundary::left_behind(error.object);
    error.attributes.truncate(BLAMED_MAX);
    for attribute in &mut error.attributes {
        *attribute = shown(attribute, QUOTE_BYTES_MAX);
    }
    error
}

/// A guest's words for people.
pub(super) fn message(text: &str) -> String {
    shown(text, MESSAGE_BYTES_MAX)
}

/// A secret stands in what the guest gave out.
pub(super) fn leaked(what: &str) -> Error {
    let message = format!("the connector's answer contains {what}; it was withheld: tell the connector's vendor");
    Error::failure(FailureKind::CredentialDenied, message)
}

/// A secret stands in what a web service or a directory answered.
pub(super) fn answered(from: &DestinationName, what: &str) -> Error {
    let message = format!(
        "the answer of the destination {:?} contains {what}; it was withheld from the connector: a service that gives \
         secrets back cannot be used, unless it is a web service and the connector captures them",
        from.as_str()
    );
    Error::failure(FailureKind::CredentialDenied, message)
}

/// A call that broke off: of a write nobody knows how far it came.
pub(super) fn in_call(error: Error, operation: Operation) -> Error {
    if !operation.writes {
        return error;
    }
    if error.is(FailureKind::CredentialDenied) {
        return error.with_effect(Effect::Unknown);
    }
    let message =
        format!("{}; whether the target was changed is not known: read the object before you try again", error.message);
    Error { kind: ErrorKind::Failure(FailureKind::OutcomeUnknown), message, effect: Effect::Unknown, ..error }
}

/// The deadline passed.
pub(super) fn timeout(operation: Operation) -> Error {
    let raise = if operation.page { "page-ms" } else { "call-ms" };
    let message = format!(
        "{} did not end before its deadline and was stopped; {raise} in the connector's manifest, the host's ceiling \
         and the caller's patience set it",
        operation.name
    );
    Error::failure(FailureKind::OperationTimeout, message)
}

/// Why a guest's run ended with an error of the engine or of a host function.
pub(super) fn classify(end: &wasmtime::Error, state: &State, operation: Operation) -> Error {
    if let Some(error) = end.downcast_ref::<Error>() {
        return error.clone();
    }
    let trap = end.downcast_ref::<Trap>().copied();
    if trap == Some(Trap::Interrupt) {
        return timeout(operation);
    }
    match limit(end, trap, state) {
        Some(limit) => {
            let message = format!("the connector was stopped in {} at a limit: {limit}", operation.name);
            Error::new(ErrorKind::GuestLimit, message).with_detail(format!("{end:#}"))
        }
        None => broke(end, state, operation),
    }
}

/// Which limit ended the run, its value and how to raise it.
fn limit(end: &wasmtime::Error, trap: Option<Trap>, state: &State) -> Option<String> {
    let cause = end.root_cause().to_string();
    if state.limiter.refused || cause.contains("exceeds memory limits") {
        let mib = state.context.limits.memory_bytes >> 20;
        return Some(format!("{mib} MiB of memory (memory-mib in its manifest, up to the host's ceiling)"));
    }
    if trap == Some(Trap::StackOverflow) {
        return Some(format!("{} KiB of stack (fixed: it recursed too deeply)", WASM_STACK_BYTES >> 10));
    }
    let handles = matches!(end.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full));
    if handles || cause.contains("handle limit exceeded") {
        return Some(format!("{HANDLES_MAX} handles at once (fixed: it must drop what it no longer needs)"));
    }
    cause.contains("fuel allocated for hostcalls").then(|| {
        "the amount of data handed over in one call (fixed: 32 MiB where rows are answered, 8 MiB elsewhere; hand over \
         smaller pages or chunks)"
            .to_owned()
    })
}

fn broke(end: &wasmtime::Error, state: &State, operation: Operation) -> Error {
    let cause = shown(&end.root_cause().to_string(), QUOTE_BYTES_MAX);
    let words = state.log.last_words().map(|words| format!("; its last words: {words}")).unwrap_or_default();
    let message = format!("the connector broke in {}: {cause}{words}", operation.name);
    Error::new(ErrorKind::GuestTrap, message).with_detail(format!("{end:#}"))
}
