#![no_main]
//! A server must run: `KEYTENDER_FUZZ` holds its address, a gateway's token and a key of the API `acme`, a space between
//! two. What the fuzzer learns is only what is answered: the server is another process.

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
