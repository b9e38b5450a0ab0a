//! A filter over people.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hawser::model::filter::fuzz::filter(data));
