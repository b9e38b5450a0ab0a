//! What the fuzzers of `tests/fuzz` and the ordinary tests share. A room's `fuzz.rs` is the one door to its private
//! parsers: a function that takes what a stranger wrote and panics where a promise is broken. The first promise is kept
//! here: a refusal is short, and shows nothing that acts on a terminal. Whatever was found once is tried again by every
//! run of the tests.

use super::error::Error;
use super::text::acts;

/// The longest refusal, and the longest name of what it blames, in bytes.
const REFUSAL_BYTES_MAX: usize = 8 * 1024;

/// Holds a refusal to what it may say.
pub(crate) fn refused(error: &Error) {
    readable(&error.message);
    error.attributes.iter().for_each(|blamed| readable(blamed));
}

/// Holds a text to what people may be shown.
pub(crate) fn readable(text: &str) {
    assert!(text.len() <= REFUSAL_BYTES_MAX, "{} bytes: {text:?}", text.len());
    assert!(!text.contains(acts), "{text:?}");
}

/// Calls a door with its seeds, with what it was once broken by, and with beginnings of both.
#[cfg(test)]
pub(crate) fn replay(target: &str, door: fn(&[u8])) {
    let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz");
    let inputs: Vec<_> = ["seeds", "regressions"]
        .iter()
        .filter_map(|kind| std::fs::read_dir(fuzz.join(kind).join(target)).ok())
        .flatten()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert!(!inputs.is_empty(), "tests/fuzz/seeds/{target} is empty");
    for input in inputs {
        door(&input);
        (1..8).for_each(|eighths| door(&input[..input.len() * eighths / 8]));
    }
}
