//! A CSV file and options for it, read by the connector natively.

#![no_main]

#[path = "../../../plugins/csv/tests/csv/input.rs"]
mod input;

libfuzzer_sys::fuzz_target!(|data: &[u8]| input::file(data));
