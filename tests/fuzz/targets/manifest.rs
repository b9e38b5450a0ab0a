//! A `connector.toml`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hawser::registry::fuzz::manifest(data));
