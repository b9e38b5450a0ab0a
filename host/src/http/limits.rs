//! Every bound of HTTP, with its unit.

use std::time::Duration;

/// Headers of a request, as a guest gives them.
pub const REQUEST_HEADERS_MAX: usize = 64;
/// Path, query and headers of a request, in bytes.
pub const REQUEST_HEAD_BYTES_MAX: usize = 32 << 10;
/// The body of a request, in bytes.
pub const REQUEST_BODY_BYTES_MAX: usize = 8 << 20;
/// Secrets written into one request.
pub const PLACEMENTS_MAX: usize = 8;
/// Secrets taken out of one answer.
pub const CAPTURES_MAX: usize = 8;

/// Headers of an answer.
pub const ANSWER_HEADERS_MAX: usize = 100;
/// The head of an answer, in bytes; with HTTP/2 as RFC 9113, 6.5.2 counts them.
pub const ANSWER_HEAD_BYTES_MAX: usize = 64 << 10;
/// The body of an answer that is held as a whole, decompressed, in bytes.
pub const ANSWER_BODY_BYTES_MAX: usize = 16 << 20;
/// A JSON body that a secret is taken out of or written into, in bytes: read, it takes a hundred times the memory.
pub const JSON_BYTES_MAX: usize = 1 << 20;
/// A download, decompressed, in bytes.
pub const DOWNLOAD_BYTES_MAX: u64 = 16 << 30;
/// Downloads of one client at once. With HTTP/2 each may fill its window while nobody reads it, and the others of the
/// connection have to get through what is left of the common one.
pub const DOWNLOADS_MAX: usize = 3;
/// What is read of a download at once, in bytes.
pub const READ_BYTES_MAX: usize = 1 << 20;
/// What is decompressed at once, in bytes.
pub(super) const INFLATE_BYTES: usize = 64 << 10;

/// The longest wait for the head of an answer.
pub const FIRST_BYTE_TIME_MAX: Duration = Duration::from_mins(1);
/// The longest wait for the next bytes of a body.
pub const BETWEEN_BYTES_TIME_MAX: Duration = Duration::from_secs(30);
/// Taken from a call's time, so that the connector still gets to say what did not answer.
pub const ANSWER_MARGIN: Duration = Duration::from_millis(250);

/// Connections of one client, busy ones included.
pub const CONNECTIONS_MAX: usize = 16;
/// How long a connection waits in the pool for its next use.
pub const IDLE_MAX: Duration = Duration::from_mins(1);
/// How long a connection is used at most; behind a balancer, its next one may be another server.
pub const LIFE_MAX: Duration = Duration::from_mins(15);
/// Destinations a client remembers something of.
pub(super) const LINES_MAX: usize = 64;

/// What a server may send ahead on one stream of HTTP/2, in bytes.
pub(super) const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// What it may send ahead on all of them, in bytes.
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// What is held back for a server that does not read, in bytes a stream.
pub(super) const SEND_BUFFER_BYTES: usize = 256 << 10;
/// Streams that were reset and are remembered; a server that resets more of them is not spoken to any more.
pub(super) const RESET_STREAMS_MAX: usize = 32;
/// How often a server is asked whether it is still there while it owes an answer (HTTP/2).
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long it may take to say so.
pub(super) const PING_TIME_MAX: Duration = Duration::from_secs(10);

/// The shortest wait after 429 or 503, whatever the server says; doubled each time.
pub const WAIT_MIN: Duration = Duration::from_millis(100);
/// How often one request is sent again after 429 or 503.
pub const WAITS_MAX: u32 = 8;
/// How long others wait because of one answer; then the server is asked again.
pub const PAUSE_MAX: Duration = Duration::from_mins(5);
/// The longest `Retry-After` that is believed.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// Refusals a client gets at once.
pub const REFUSALS_BURST: u32 = 10;
/// Each further one takes as long.
pub const REFUSAL_INTERVAL: Duration = Duration::from_millis(100);

/// Tokens of one client.
pub const TOKENS_MAX: usize = 32;
/// Parameters of a request for a token.
pub const TOKEN_PARAMETERS_MAX: usize = 16;
/// The answer to a request for a token, in bytes.
pub(super) const TOKEN_ANSWER_BYTES_MAX: usize = 64 << 10;
/// How often a token is replaced at once because a server refused it.
pub const RENEWALS_BURST: u32 = 3;
/// How long it takes for one more.
pub const RENEWAL_INTERVAL: Duration = Duration::from_secs(30);
/// How long a token is used whose server does not say how long it holds.
pub(super) const TOKEN_LIFE_DEFAULT: Duration = Duration::from_mins(5);
/// How long a token is used at most.
pub(super) const TOKEN_LIFE_MAX: Duration = Duration::from_hours(24);
/// A token is given up that long before it ends, but not before a half of its life.
pub(super) const TOKEN_MARGIN: Duration = Duration::from_secs(30);
/// How long an assertion holds (RFC 7523, 3).
pub(super) const ASSERTION_LIFE: Duration = Duration::from_mins(1);
