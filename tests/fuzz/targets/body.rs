//! A JSON body, for every resource that takes one.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hawser::api::fuzz::body(data));
