//! Answers that hold the token they were asked with.

use std::io::Read as _;

use hawser_sdk::Result;
use hawser_sdk::credentials::Credential;
use hawser_sdk::http::{Placement, Request};

/// How much it reads at once, in bytes: less than a token has.
const PIECE_BYTES: usize = 5;

/// What it saw of an answer in that form; `split` and `split-base64` are read in pieces.
pub(crate) fn echoed(token: &Credential<'_>, form: &str) -> Result<String> {
    let request = Request::new("api", "GET", format!("/v2/echo/{form}")).secret(token, Placement::Bearer);
    if !form.starts_with("split") {
        let answer = request.send()?;
        return Ok(format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body)));
    }
    let (mut download, mut seen, mut piece) = (request.open()?, String::new(), [0; PIECE_BYTES]);
    loop {
        let count = download.read(&mut piece)?;
        if count == 0 {
            return Ok(seen);
        }
        seen.push_str(&String::from_utf8_lossy(piece.get(..count).unwrap_or_default()));
    }
}
