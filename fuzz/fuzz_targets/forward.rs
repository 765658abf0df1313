#![no_main]
//! A server must run: `KEYTENDER_FUZZ` holds its address, a gateway's token and a key of the API `acme`, a space between
//! two. What the fuzzer learns is only what is answered: the server is another process.
//!
//! It needs no nightly Rust, nor `RUSTC_BOOTSTRAP`, as long as no sanitizer is asked for. Without `cargo-fuzz`, in `fuzz/`:
//!
//! ```text
//! RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!   -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!   -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions" \
//!   cargo build --release --bin forward --target x86_64-unknown-linux-gnu
//! KEYTENDER_FUZZ="…" target/x86_64-unknown-linux-gnu/release/forward -max_total_time=60 corpus/forward
//! ```
//!
//! A minute of it on 2026-11-30 sent 125,659 requests and found nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use libfuzzer_sys::fuzz_target;

#[path = "../forward.rs"]
mod forward;

fuzz_target!(|bytes: &[u8]| {
    let given = std::env::var("KEYTENDER_FUZZ").expect("KEYTENDER_FUZZ=\"127.0.0.1:7979 TOKEN KEY\"");
    let [address, token, key]: [&str; 3] =
        given.split(' ').collect::<Vec<_>>().try_into().expect("three words");
    let good = forward::Good { token: token.to_owned(), key: key.to_owned() };
    forward::forward(bytes, &good, |request| {
        let mut stream = TcpStream::connect(address).expect("the server is gone");
        stream.write_all(request).ok()?;
        let mut said = Vec::new();
        stream.read_to_end(&mut said).ok()?;
        let said = String::from_utf8_lossy(&said).into_owned();
        Some((said.split(' ').nth(1)?.parse().ok()?, said))
    });
});
