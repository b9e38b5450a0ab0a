//! What a guest says, into the host's log: its log lines, its stdout and its stderr, under the target `guest`.
//!
//! Everything a guest says is quoted as Rust quotes a string, which leaves no newline, escape sequence, control or
//! bidirectional character that could forge a line or a field; it is cut to a length, and limited in number of lines.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::context::CallContext;
use super::leak::Leaks;
use super::limits::{LOG_FIELDS_MAX, LOG_LINES_MAX, LOG_TEXT_BYTES_MAX, QUOTE_BYTES_MAX};
use crate::model::text::cut;

/// A panic in Rust says where and then what.
const LAST_WORDS_LINES: usize = 2;
/// What Rust's runtime adds below a panic, to nobody's use here.
const PANIC_HINT: &str = "note: run with `RUST_BACKTRACE";

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// The log of one call. Clones write to the same log.
#[derive(Clone)]
pub(super) struct GuestLog(Arc<Shared>);

struct Shared {
    connector: String,
    connection: String,
    request: String,
    leaks: Leaks,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: u32,
    dropped: u64,
    /// The last lines of stderr.
    last_words: VecDeque<String>,
}

impl GuestLog {
    pub(super) fn new(context: &CallContext, leaks: Leaks) -> Self {
        Self(Arc::new(Shared {
            connector: format!("{}@{}", context.connector, context.version),
            connection: context.connection.to_string(),
            request: context.request.to_string(),
            leaks,
            state: Mutex::default(),
        }))
    }

    /// Writes one line, or counts it as dropped. One that holds a secret is not written; another one says so.
    pub(super) fn write(&self, level: Level, text: &str, fields: &[(String, String)]) {
        if !self.admit() {
            return;
        }
        match self.leak(text, fields) {
            None => self.emit(level, cut(text, LOG_TEXT_BYTES_MAX), &joined(fields)),
            Some(what) => self.emit(Level::Error, &withheld(&what), ""),
        }
    }

    /// A line of the guest's stderr; the last ones explain a trap.
    pub(super) fn stderr(&self, line: &str) {
        match self.leak(line, &[]) {
            None => self.remember(line),
            Some(what) => self.remember(&withheld(&what)),
        }
        self.write(Level::Warn, line, &[]);
    }

    /// The last lines of stderr, quoted, if there were any.
    pub(super) fn last_words(&self) -> Option<String> {
        let lines = &self.state().last_words;
        (!lines.is_empty()).then(|| format!("{:?}", lines.iter().map(String::as_str).collect::<Vec<_>>().join(" ")))
    }

    /// Lines beyond the limit so far.
    pub(super) fn dropped(&self) -> u64 {
        self.state().dropped
    }

    /// Begins a new page: the lines are counted anew.
    pub(super) fn begin(&self) {
        *self.state() = State::default();
    }

    fn leak(&self, text: &str, fields: &[(String, String)]) -> Option<String> {
        let fields = fields.iter().flat_map(|(name, value)| [name.as_str(), value]);
        std::iter::once(text).chain(fields).find_map(|text| self.0.leaks.find(text.as_bytes()))
    }

    fn remember(&self, line: &str) {
        if line.starts_with(PANIC_HINT) {
            return;
        }
        let mut state = self.state();
        if state.last_words.len() == LAST_WORDS_LINES {
            state.last_words.pop_front();
        }
        state.last_words.push_back(cut(line, QUOTE_BYTES_MAX).to_owned());
    }

    fn admit(&self) -> bool {
        let mut state = self.state();
        if state.lines < LOG_LINES_MAX {
            state.lines += 1;
            return true;
        }
        state.dropped += 1;
        false
    }

    fn emit(&self, level: Level, text: &str, fields: &str) {
        let Shared { connector, connection, request, .. } = &*self.0;
        macro_rules! emit {
            ($level:ident) => {
                tracing::event!(
                    target: "guest", tracing::Level::$level,
                    %connector, %connection, %request, text = ?text, %fields
                )
            };
        }
        match level {
            Level::Trace => emit!(TRACE),
            Level::Debug => emit!(DEBUG),
            Level::Info => emit!(INFO),
            Level::Warn => emit!(WARN),
            Level::Error => emit!(ERROR),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn withheld(what: &str) -> String {
    format!("a line was withheld: it contains {what}; tell the connector's vendor")
}

/// `"name"="value"`, both quoted, so that a value cannot pretend to be a field.
fn joined(fields: &[(String, String)]) -> String {
    let quoted = |(name, value): &(String, String)| {
        format!("{:?}={:?}", cut(name, QUOTE_BYTES_MAX), cut(value, LOG_TEXT_BYTES_MAX))
    };
    fields.iter().take(LOG_FIELDS_MAX).map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_forge_a_line_or_a_field_is_quoted() {
        let fields = joined(&[("a".into(), "x\" request=\"other\n\u{1b}[31m\u{202e}".into())]);
        assert_eq!(fields, r#""a"="x\" request=\"other\n\u{1b}[31m\u{202e}""#);
    }
}
