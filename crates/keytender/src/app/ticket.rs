//! Random texts that open something for whoever shows them. Only their digest is kept.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keytender_core::secret::Secret;
use zeroize::Zeroizing;

use crate::error::{Error, Kind};

/// As many as nobody can try.
const BYTES: usize = 32;

/// A new one: 43 letters that may stand in a cookie and in a URL.
///
/// # Errors
/// When the system gives no random numbers.
pub fn make() -> Result<Secret, Error> {
    let mut bytes = Zeroizing::new([0_u8; BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        let error = error.to_string();
        Error::new("the system gives no random numbers").kind(Kind::Internal).source(error)
    })?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

/// What is kept of one: its SHA-256, in hexadecimal.
pub fn digest_of(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
