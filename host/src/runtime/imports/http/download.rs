//! Answers that are read as they come. A secret may lie across two chunks, and its first half is not given out before the
//! second was seen: as much is held back as the longest form of a secret takes.

use wasmtime::component::Resource;

use super::{Admitted, Asked, admitted, end, learn, noted};
use crate::http::{self, limits::READ_BYTES_MAX};
use crate::model::DestinationName;
use crate::runtime::imports::Said;
use crate::runtime::state::State;

/// An answer in the middle of being read.
#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub struct Download {
    from: DestinationName,
    inner: http::Download,
    held: Held,
}

/// What was searched, and not given out yet.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    ended: bool,
}

impl Held {
    /// How much of it nothing that is still to come can turn into a secret of `reach` bytes.
    fn ready(&self, reach: usize) -> usize {
        if self.ended { self.bytes.len() } else { self.bytes.len().saturating_sub(reach) }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.bytes.split_off(count.min(self.bytes.len()));
        std::mem::replace(&mut self.bytes, rest)
    }
}

pub(in crate::runtime) async fn open(state: &mut State, asked: Asked) -> Said<Resource<Download>> {
    let Admitted { route, request, secrets, captures, end } = match admitted(state, asked).await? {
        Ok(admitted) => admitted,
        Err(failure) => return Ok(Err(failure)),
    };
    let (client, egress) = (state.share.web.clone(), state.egress());
    match http::open(&client, &egress, &route, request, secrets, captures, end).await {
        Err(failure) => Ok(Err(noted(state, failure))),
        Ok(mut inner) => {
            learn(state, &route, std::mem::take(&mut inner.captured), &inner.renewed);
            state.leaks.check_answer(&route.name, &inner.headers)?;
            let download = Download { from: route.name.clone(), inner, held: Held::default() };
            Ok(Ok(state.table.push(download)?))
        }
    }
}

pub(in crate::runtime) fn head<'a>(
    state: &'a State,
    download: &Resource<Download>,
) -> wasmtime::Result<&'a http::Download> {
    Ok(&state.table.get(download)?.inner)
}

/// The next bytes; none at the end.
pub(in crate::runtime) async fn read(state: &mut State, download: &Resource<Download>, max: u32) -> Said<Vec<u8>> {
    let (leaks, end) = (state.leaks.clone(), end(state, None));
    let max = usize::try_from(max).unwrap_or(READ_BYTES_MAX).clamp(1, READ_BYTES_MAX);
    let Download { from, inner, held } = state.table.get_mut(download)?;
    loop {
        let ready = held.ready(leaks.reach());
        if ready > 0 || held.ended {
            return Ok(Ok(held.take(ready.min(max))));
        }
        match inner.read(max, end).await {
            Err(failure) => return Ok(Err(failure)),
            Ok(piece) => {
                held.ended = piece.is_empty();
                held.bytes.extend_from_slice(&piece);
                leaks.check_answer(from, &held.bytes)?;
            }
        }
    }
}

pub(in crate::runtime) fn end_download(state: &mut State, download: Resource<Download>) -> wasmtime::Result<()> {
    drop(state.table.delete(download)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Secret;
    use crate::runtime::Credentials;
    use crate::runtime::leak::{Encounters, Leaks};

    proptest! {
        #[test]
        fn nothing_of_a_secret_is_given_out_however_its_answer_is_cut(
            cuts in prop::collection::vec(1..30usize, 1..40), max in 1..40usize, before in 0..300usize, form in 0..3usize,
        ) {
            let leaks = Leaks::new(&Credentials::default(), Encounters::default());
            leaks.watch("it".to_owned(), &Secret::new(b"s3cret-Token".to_vec()).unwrap());
            let secret = ["s3cret-Token", "czNjcmV0LVRva2Vu", "\\u0073\\u0033\\u0063ret-Token"][form];
            let text = format!("{}{secret}{}", "x".repeat(before), "y".repeat(300));
            let (mut held, mut given, mut rest) = (Held::default(), Vec::new(), text.as_bytes());
            let mut cuts = cuts.iter().cycle();
            let found = loop {
                let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                (rest, held.ended) = (after, piece.is_empty());
                held.bytes.extend_from_slice(piece);
                if leaks.find(&held.bytes).is_some() || held.ended {
                    break !held.ended;
                }
                given.extend(held.take(held.ready(leaks.reach()).min(max)));
            };
            prop_assert!(found);
            prop_assert!(given.iter().all(|byte| *byte == b'x'), "{}", String::from_utf8_lossy(&given));
        }
    }

    #[test]
    fn what_holds_no_secret_comes_whole() {
        let mut held = Held { bytes: b"0123456789".to_vec(), ended: false };
        assert_eq!((held.ready(4), held.ready(0), held.ready(20)), (6, 10, 0));
        assert_eq!(held.take(6), b"012345");
        held.ended = true;
        assert_eq!(held.ready(4), 4);
        assert_eq!(held.take(4), b"6789");
    }
}
