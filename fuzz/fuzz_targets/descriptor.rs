#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../harness.rs"]
#[allow(dead_code, reason = "each target runs its part of it")]
mod harness;

fuzz_target!(|bytes: &[u8]| harness::descriptor(bytes));
