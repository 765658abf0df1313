//! Sealing: what must be kept although it is secret, and proofs that rows are as they were written.
//!
//! Each record has a data key of its own, which encrypts it (AES-256-GCM) and is itself encrypted
//! by the master key. Both are bound to the record's id: a sealed text that is moved to another
//! record does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keytender_core::secret::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::config::master::MasterKey;

/// The form of sealed texts.
const VERSION: &str = "v1";
/// The length of a nonce of AES-GCM.
const NONCE_BYTES: usize = 12;
/// The length of a key of AES-256.
const KEY_BYTES: usize = 32;

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// It is no sealed text.
    #[error("this is no sealed text of a form that this program knows")]
    Form,
    /// It was sealed with another master key.
    #[error("it was sealed with another master key")]
    OtherKey,
    /// It was changed, or belongs to another record.
    #[error("it was changed, or belongs to another record")]
    Changed,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Seals and opens with one master key.
#[derive(Clone, Debug)]
pub struct Sealer {
    master: MasterKey,
    fingerprint: String,
}

impl Sealer {
    /// A sealer with this master key.
    pub fn new(master: MasterKey) -> Self {
        let fingerprint = master.fingerprint();
        Self { master, fingerprint }
    }

    /// Which master key it has.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Seals `secret` to the record `id`.
    ///
    /// # Errors
    /// [`SealError::Random`] when the system gives no random numbers.
    pub fn seal(&self, id: &str, secret: &Secret) -> Result<String, SealError> {
        let mut data_key = Zeroizing::new([0_u8; KEY_BYTES]);
        getrandom::fill(data_key.as_mut_slice()).map_err(|_| SealError::Random)?;
        let wrapped = encrypt(self.master.expose(), id, data_key.as_slice())?;
        let sealed = encrypt(&data_key, id, secret.expose().as_bytes())?;
        let (wrapped, sealed) = (URL_SAFE_NO_PAD.encode(wrapped), URL_SAFE_NO_PAD.encode(sealed));
        Ok(format!("{VERSION}.{}.{wrapped}.{sealed}", self.fingerprint))
    }

    /// Opens what was sealed to the record `id`.
    ///
    /// # Errors
    /// [`SealError`] when it was not sealed by this master key to this record, or was changed.
    pub fn open(&self, id: &str, sealed: &str) -> Result<Secret, SealError> {
        let mut parts = sealed.split('.');
        let (version, fingerprint, wrapped, sealed, rest) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
        if version != Some(VERSION) || rest.is_some() {
            return Err(SealError::Form);
        }
        if fingerprint != Some(&self.fingerprint) {
            return Err(SealError::OtherKey);
        }
        let decode = |part: Option<&str>| {
            URL_SAFE_NO_PAD.decode(part.ok_or(SealError::Form)?).map_err(|_| SealError::Form)
        };
        let data_key = decrypt(self.master.expose(), id, decode(wrapped)?)?;
        let data_key = <[u8; KEY_BYTES]>::try_from(data_key.as_slice()).map(Zeroizing::new);
        let text = decrypt(&*data_key.map_err(|_| SealError::Form)?, id, decode(sealed)?)?;
        std::str::from_utf8(&text).map(Secret::new).map_err(|_| SealError::Changed)
    }

    /// A proof of `bytes` in one use of the master key (HMAC-SHA256), as hexadecimal digits.
    pub fn prove(&self, purpose: &str, bytes: &[u8]) -> String {
        let master = hmac::Key::new(hmac::HMAC_SHA256, self.master.expose());
        let derived = hmac::sign(&master, format!("keytender {purpose} v1").as_bytes());
        let key = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        hmac::sign(&key, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn cipher(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| SealError::Form)
}

/// A fresh nonce and what is encrypted with it.
fn encrypt(key: &[u8; KEY_BYTES], id: &str, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0_u8; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|_| SealError::Random)?;
    let mut sealed = Zeroizing::new(bytes.to_vec());
    cipher(key)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(id.as_bytes()),
            &mut *sealed,
        )
        .map_err(|_| SealError::Form)?;
    Ok([nonce.as_slice(), sealed.as_slice()].concat())
}

fn decrypt(
    key: &[u8; KEY_BYTES],
    id: &str,
    bytes: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Form)?;
    let mut text = Zeroizing::new(sealed.to_vec());
    let length = cipher(key)?
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(id.as_bytes()),
            text.as_mut_slice(),
        )
        .map_err(|_| SealError::Changed)?
        .len();
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(MasterKey::new([byte; KEY_BYTES]))
    }

    #[test]
    fn what_was_sealed_opens_for_its_record_alone() {
        let sealed = sealer(1).seal("acc_1", &Secret::new("hunter2")).unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_eq!(sealer(1).open("acc_1", &sealed).unwrap().expose(), "hunter2");
        assert_eq!(sealer(1).open("acc_2", &sealed).unwrap_err(), SealError::Changed);
        assert_eq!(sealer(2).open("acc_1", &sealed).unwrap_err(), SealError::OtherKey);
        assert_eq!(sealer(1).open("acc_1", "plain text").unwrap_err(), SealError::Form);
    }

    #[test]
    fn no_letter_of_it_can_be_changed() {
        let sealed = sealer(1).seal("acc_1", &Secret::new("hunter2")).unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            if changed != sealed {
                assert!(sealer(1).open("acc_1", &changed).is_err(), "letter {place}");
            }
        }
        let cut: String = sealed.chars().take(sealed.len() - 4).collect();
        assert!(sealer(1).open("acc_1", &cut).is_err());
    }

    #[test]
    fn the_same_secret_is_never_sealed_to_the_same_text() {
        let secret = Secret::new("hunter2");
        assert_ne!(sealer(1).seal("a", &secret).unwrap(), sealer(1).seal("a", &secret).unwrap());
    }

    #[test]
    fn proofs_differ_by_purpose_and_by_key() {
        let proof = sealer(1).prove("log", b"row");
        assert_eq!(proof, sealer(1).prove("log", b"row"));
        assert_ne!(proof, sealer(1).prove("other", b"row"));
        assert_ne!(proof, sealer(2).prove("log", b"row"));
    }
}
