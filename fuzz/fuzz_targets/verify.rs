#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../verify.rs"]
mod verify;

fuzz_target!(|bytes: &[u8]| verify::verify(bytes));
