//! Every bound of LDAP, with its unit.

use std::time::Duration;

/// The largest message taken from a server, in bytes: a group of a hundred thousand members fits.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// The largest request, in bytes.
pub const REQUEST_BYTES_MAX: usize = 8 << 20;
/// The longest filter, in bytes.
pub const FILTER_BYTES_MAX: usize = 64 << 10;
/// How deeply a filter may be nested.
pub const FILTER_DEPTH_MAX: usize = 64;
/// Controls of one message.
pub const CONTROLS_MAX: usize = 16;
/// Attributes of one entry; Active Directory's schema has a thousand and a half.
pub const ATTRIBUTES_MAX: usize = 10_000;
/// Places that one answer refers to.
pub const REFERRALS_MAX: usize = 1_000;
/// Entries asked for at once.
pub const PAGE_ENTRIES_MAX: u32 = 10_000;
/// What is handed to a guest at once stops growing here, in bytes of memory: entries, referrals, what is said between them.
/// With what one more message says, it is the most that a search holds.
pub const ENTRIES_BYTES_MAX: usize = 4 << 20;
/// Longest words of a server in an error, in bytes.
pub const DIAGNOSTIC_BYTES_MAX: usize = 1024;

/// Connections of one connection's pool, busy ones included.
pub const SESSIONS_MAX: usize = 16;
/// How long a connection waits in the pool for its next use.
pub const IDLE_MAX: Duration = Duration::from_mins(1);
/// How long a connection is used at most; behind a balancer, its next one may be another server.
pub const LIFE_MAX: Duration = Duration::from_mins(15);
/// Taken from a call's time, so that the connector still gets to say what did not answer.
pub const ANSWER_MARGIN: Duration = Duration::from_millis(250);
