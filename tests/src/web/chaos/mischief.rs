//! What the proxy can do to a request instead of forwarding it and giving back the answer.

use std::time::Duration;

use super::wire::Reply;

/// A misbehaviour. Unless it says otherwise, the request is forwarded first: the server has done what was asked.
#[derive(Clone, Debug)]
pub enum Mischief {
    /// Forwards it only after that long.
    Latency(Duration),
    /// Gives that answer, and forwards nothing.
    Answer(Reply),
    /// Resets the connection when the request was read, and forwards nothing.
    Reset,
    /// Resets the connection when half of the answer's body was sent.
    ResetInBody,
    /// Gives half of the body as if it were all.
    Truncated,
    /// Forwards the first request, and gives the answer to it again to all that follow.
    SamePage,
    /// Says 500.
    FaultAfter,
    /// Says nothing; the connection stays.
    Silence,
    /// Sends the body one byte at a time, that long after each other.
    Drip(Duration),
    /// Gives a gzip that inflates to so many zeros, 158 of a byte, and does not end; forwards nothing.
    GzipBomb(u64),
    /// Sends a Content-Length that is so much too large, and closes after the body; or so much too small, and goes on, so
    /// that the rest stands before the next answer.
    ContentLength(i64),
    /// Sends those headers too, as they stand.
    Headers(Vec<(String, String)>),
}

impl Mischief {
    /// 429, with a `Retry-After` (seconds or a date) if there is one.
    pub fn too_many(retry_after: Option<&str>) -> Self {
        Self::Answer(Reply::status(429, retry_after))
    }

    /// 503, with a `Retry-After` (seconds or a date) if there is one.
    pub fn maintenance(retry_after: Option<&str>) -> Self {
        Self::Answer(Reply::status(503, retry_after))
    }

    /// That status with that body, of that type.
    pub fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self::Answer(Reply { status, headers, body: body.into() })
    }

    /// Whether the server never hears of the request.
    pub(super) fn holds_back(&self) -> bool {
        matches!(self, Self::Answer(_) | Self::Reset | Self::GzipBomb(_))
    }
}

impl Reply {
    fn status(status: u16, retry_after: Option<&str>) -> Self {
        let headers = retry_after.map(|when| ("retry-after".to_owned(), when.to_owned()));
        Self { status, headers: headers.into_iter().collect(), body: Vec::new() }
    }
}

/// Zeros that one period of [`bomb`] inflates to: 8 matches of 258 bytes each.
pub(super) const BOMB_PERIOD_ZEROS: u64 = 8 * 258;
/// Bytes that come before the first period: gzip's header, the block's, the first zero.
const BOMB_HEAD: usize = 12;
const BOMB_PERIOD: usize = 13;

/// The beginning of a gzip of zeros, and what is to be repeated after it for [`BOMB_PERIOD_ZEROS`] more.
///
/// One block of RFC 1951 with fixed codes: a zero, and then matches of the greatest length at the least distance, of 13
/// bits each, so that it repeats every 13 bytes.
pub(super) fn bomb() -> (Vec<u8>, Vec<u8>) {
    let block = "110".to_owned() + "00110000" + &"1100010100000".repeat(16);
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let bytes = block.as_bytes().chunks_exact(8).map(|bits| {
        let bit = |(at, bit): (usize, &u8)| u8::from(*bit == b'1') << at;
        bits.iter().enumerate().map(bit).fold(0, |byte, bit| byte | bit)
    });
    let mut head: Vec<u8> = gzip.into_iter().chain(bytes).collect();
    let mut period = head.split_off(BOMB_HEAD);
    period.truncate(BOMB_PERIOD);
    (head, period)
}
