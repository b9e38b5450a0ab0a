//! A `release.json`, or what a trusted publisher signed.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hawser::registry::fuzz::statement(data));
