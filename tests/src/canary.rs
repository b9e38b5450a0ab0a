//! Canaries: random secrets, and every spelling in which one could turn up somewhere.
//!
//! Written without the product's own search, so that both have to be wrong before a leak is missed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Random letters in each, of 36: enough that no two collide and none is there by chance.
const RANDOM_LETTERS: usize = 20;

/// Planted secrets by the name of the place they were planted in.
pub struct Canaries {
    planted: Vec<(String, String)>,
}

/// Where a secret was found.
#[derive(Debug)]
pub struct Leak {
    /// The place it was planted in.
    pub canary: String,
    pub spelling: &'static str,
    /// What surrounds it.
    pub near: String,
}

impl Canaries {
    /// None planted yet.
    #[allow(clippy::new_without_default, reason = "it reads better where it is used")]
    pub fn new() -> Self {
        Self { planted: Vec::new() }
    }

    /// A fresh secret for a place. It has characters that every encoding writes differently.
    pub fn plant(&mut self, place: &str) -> String {
        let letters: String = (0..RANDOM_LETTERS).map(|_| char::from(LETTERS[rand::random_range(0..36)])).collect();
        let secret = format!("{letters}/+\"?ü{}", self.planted.len());
        self.planted.push((place.to_owned(), secret.clone()));
        secret
    }

    /// A secret that somebody else made.
    pub fn planted_elsewhere(&mut self, place: &str, secret: &str) {
        self.planted.push((place.to_owned(), secret.to_owned()));
    }

    /// How many were planted.
    pub fn count(&self) -> usize {
        self.planted.len()
    }

    /// Everything that searches need, made once.
    pub fn search(&self) -> Search {
        let mut needles = Vec::new();
        let mut found = Vec::new();
        for (place, secret) in &self.planted {
            for (spelling, needle) in spellings(secret) {
                needles.push(needle);
                found.push((place.clone(), spelling));
            }
        }
        Search { automaton: AhoCorasick::new(needles).expect("the needles make an automaton"), found }
    }
}

const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Looks for all planted secrets at once.
pub struct Search {
    automaton: AhoCorasick,
    found: Vec<(String, &'static str)>,
}

impl Search {
    /// The first leak in these bytes.
    pub fn leak(&self, bytes: &[u8]) -> Option<Leak> {
        let hit = self.automaton.find(bytes)?;
        let (canary, spelling) = self.found[hit.pattern().as_usize()].clone();
        let near = &bytes[hit.start().saturating_sub(60)..bytes.len().min(hit.end() + 20)];
        Some(Leak { canary, spelling, near: String::from_utf8_lossy(near).into_owned() })
    }

    /// Every leak in the files of a folder, but for those whose path `allowed` says yes to.
    pub fn folder(&self, folder: &Path, allowed: &dyn Fn(&Path) -> bool) -> Vec<(PathBuf, Leak)> {
        let mut leaks = Vec::new();
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                leaks.extend(self.folder(&path, allowed));
            } else if !allowed(&path) {
                let bytes = fs::read(&path).expect("the file can be read");
                leaks.extend(self.leak(&bytes).map(|leak| (path, leak)));
            }
        }
        leaks
    }
}

/// Every way of writing a secret that a host, a guest or a library might fall into.
pub fn spellings(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let mut spellings: Vec<(&'static str, Vec<u8>)> = vec![
        ("plain", bytes.to_vec()),
        ("JSON", json(secret, false).into_bytes()),
        ("JSON, ASCII only", json(secret, true).into_bytes()),
        ("URL", percent(bytes, true).into_bytes()),
        ("URL, lower case", percent(bytes, true).to_lowercase().into_bytes()),
        ("URL, everything", percent(bytes, false).into_bytes()),
        ("hex", hex(bytes).into_bytes()),
        ("hex, upper case", hex(bytes).to_uppercase().into_bytes()),
        ("list of numbers", bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into_bytes()),
        ("UTF-16 LE", secret.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16 BE", secret.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("Rust's Debug", format!("{secret:?}").trim_matches('"').as_bytes().to_vec()),
    ];
    for offset in 0..3 {
        spellings.push(("base64", inside(&STANDARD_NO_PAD, bytes, offset)));
        spellings.push(("base64url", inside(&URL_SAFE_NO_PAD, bytes, offset)));
    }
    spellings
}

/// The characters that are the secret's alone when it stands `offset` bytes into something encoded.
fn inside(engine: &base64::engine::GeneralPurpose, bytes: &[u8], offset: usize) -> Vec<u8> {
    let padded: Vec<u8> = [vec![0; offset], bytes.to_vec()].concat();
    let encoded = engine.encode(&padded).into_bytes();
    encoded[(offset * 8).div_ceil(6)..padded.len() * 8 / 6].to_vec()
}

fn json(secret: &str, ascii: bool) -> String {
    let quoted = serde_json::Value::from(secret).to_string();
    let mut text = String::new();
    for c in quoted[1..quoted.len() - 1].chars() {
        if ascii && !c.is_ascii() {
            write!(text, "\\u{:04x}", u32::from(c)).expect("a string takes all");
        } else {
            text.push(c);
        }
    }
    text
}

fn percent(bytes: &[u8], keep_unreserved: bool) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if keep_unreserved && (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a string takes all");
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_spelling_and_at_every_offset() {
        let mut canaries = Canaries::new();
        let secret = canaries.plant("here");
        let search = canaries.search();
        for (spelling, bytes) in spellings(&secret) {
            let leak = search.leak(&[b"before ".as_slice(), &bytes, b" after"].concat());
            assert!(leak.is_some(), "{spelling}");
        }
        for before in ["", "a", "ab", "abc"] {
            let leak = search.leak(STANDARD_NO_PAD.encode(format!("{before}{secret}xyz")).as_bytes());
            assert_eq!(leak.map(|leak| leak.spelling), Some("base64"), "{before:?}");
        }
        assert!(search.leak(b"nothing to see").is_none());
    }
}
