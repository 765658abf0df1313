//! The master key: 256 bits that seal what is kept, and never stand in the database.
//!
//! It is `KEYTENDER_MASTER_KEY` (base64), or what the reference in `KEYTENDER_MASTER_KEY_FROM`
//! gives, or a file of its own beside the data, which is made at the first need.

use std::path::Path;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::credential::Reference;
use super::{command, file};
use crate::error::Error;

/// The variable that holds the key.
const VARIABLE: &str = "KEYTENDER_MASTER_KEY";
/// The variable that says where it is.
const FROM: &str = "KEYTENDER_MASTER_KEY_FROM";
/// The file, beside the data.
const FILE: &str = "master.key";
/// Its length in bytes: AES-256.
const LENGTH: usize = 32;
/// How many bytes of its digest name it: enough to tell two keys apart.
const FINGERPRINT_BYTES: usize = 8;

/// The master key.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; LENGTH]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.fingerprint())
    }
}

impl MasterKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for ciphers alone.
    pub(crate) fn expose(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// What tells it from other keys without saying anything of it.
    pub fn fingerprint(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"keytender master key fingerprint\0");
        context.update(self.0.as_slice());
        let digest = context.finish();
        digest.as_ref().iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The key in the environment, or in its file in `folder`; with `may_make` a new file is made
    /// where there is none.
    ///
    /// # Errors
    /// When there is none, or it cannot be read, or is no key.
    pub fn find(folder: &Path, may_make: bool) -> Result<Self, Error> {
        if let Some(text) = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()) {
            return parse(text.as_bytes(), VARIABLE);
        }
        if let Some(text) = std::env::var(FROM).ok().filter(|text| !text.is_empty()) {
            let secret = text.parse::<Reference>()?.resolve()?;
            return parse(secret.expose().as_bytes(), FROM);
        }
        let path = folder.join(FILE);
        if path.exists() {
            let bytes = file::read_private(&path, command::MAX_BYTES)?;
            return parse(&bytes, &path.display().to_string());
        }
        if may_make { make(&path) } else { Err(missing(&path)) }
    }
}

fn missing(path: &Path) -> Error {
    Error::new(format!(
        "the master key of this inventory is missing: there is no `{}`",
        path.display()
    ))
    .hint(format!("put the file back, or set {VARIABLE} or {FROM}: what is sealed needs it"))
}

fn make(path: &Path) -> Result<MasterKey, Error> {
    let mut bytes = Zeroizing::new([0_u8; LENGTH]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Error::new("the system gives no random numbers").source(error.to_string())
    })?;
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(bytes.as_slice())));
    match file::write_private(path, text.as_bytes()) {
        Ok(()) => Ok(MasterKey(bytes)),
        // Another program may have made it at the same moment.
        Err(error) => match file::read_private(path, command::MAX_BYTES) {
            Ok(bytes) => parse(&bytes, &path.display().to_string()),
            Err(_) => Err(error),
        },
    }
}

fn parse(text: &[u8], place: &str) -> Result<MasterKey, Error> {
    let bytes = STANDARD.decode(text.trim_ascii()).map(Zeroizing::new);
    let key = bytes.ok().and_then(|bytes| <[u8; LENGTH]>::try_from(bytes.as_slice()).ok());
    key.map(MasterKey::new).ok_or_else(|| {
        Error::new(format!("`{place}` holds no master key"))
            .hint("it is the base64 of 32 random bytes: openssl rand -base64 32")
    })
}
