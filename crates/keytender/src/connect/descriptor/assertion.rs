//! Signed assertions (RFC 7519, RFC 7523): what a private key shows to get a token. Only signing is
//! needed, in one way: RS256, which every provider takes that we know of.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use keytender_core::secret::Secret;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// The forms of private keys that providers hand out: PKCS #8 and, at GitHub, PKCS #1 (RFC 7468).
const PKCS8: &str = "PRIVATE KEY";
const PKCS1: &str = "RSA PRIVATE KEY";

/// The assertion of `claims`, signed with a private key in PEM.
///
/// # Errors
/// What is wrong with the key, without a word of it.
pub(super) fn sign(
    pem: &str,
    key_id: Option<&str>,
    claims: &Map<String, Value>,
) -> Result<Secret, &'static str> {
    let key = read(pem)?;
    let mut header = json!({"alg": "RS256", "typ": "JWT"});
    if let (Some(key_id), Some(header)) = (key_id, header.as_object_mut()) {
        header.insert("kid".to_owned(), key_id.into());
    }
    let part = |value: String| URL_SAFE_NO_PAD.encode(value);
    let signed =
        format!("{}.{}", part(header.to_string()), part(Value::from(claims.clone()).to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| "the private key does not sign")?;
    Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn read(pem: &str) -> Result<RsaKeyPair, &'static str> {
    // In files of settings and in environments line ends are often written as \n.
    let pem = Zeroizing::new(pem.replace("\\n", "\n"));
    let bad = |_| "the private key is no RSA key of 2048 bits or more";
    match (inside(&pem, PKCS8), inside(&pem, PKCS1)) {
        (Some(der), _) => RsaKeyPair::from_pkcs8(&der).map_err(bad),
        (None, Some(der)) => RsaKeyPair::from_der(&der).map_err(bad),
        (None, None) => Err("the private key is not in PEM: -----BEGIN PRIVATE KEY-----"),
    }
}

/// The bytes between the lines that begin and end `what`.
fn inside(pem: &str, what: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, behind) = pem.split_once(&format!("-----BEGIN {what}-----"))?;
    let (text, _) = behind.split_once(&format!("-----END {what}-----"))?;
    let text: Zeroizing<String> = Zeroizing::new(text.split_whitespace().collect());
    STANDARD.decode(text.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused_without_a_word_of_it() {
        for pem in [
            "hunter2",
            "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==",
        ] {
            let why = sign(pem, None, &Map::new()).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
