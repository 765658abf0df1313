//! Tokens for a server of Keytender: where the first one is written, and where one is found.

use std::path::{Path, PathBuf};

use keytender_core::secret::Secret;
use zeroize::Zeroizing;

use super::credential::Reference;
use super::file;
use crate::error::Error;

/// The variable that names the server.
pub const SERVER: &str = "KEYTENDER_SERVER";
/// The variable that holds a token.
const VARIABLE: &str = "KEYTENDER_TOKEN";
/// The variable that says where it is.
const FROM: &str = "KEYTENDER_TOKEN_FROM";
/// The file of the first administrator's token.
const FILE: &str = "administrator.token";

/// The server of `KEYTENDER_SERVER`, if it names one.
pub fn server() -> Option<String> {
    std::env::var(SERVER).ok().filter(|text| !text.is_empty())
}

/// The token of `KEYTENDER_TOKEN`, or in the place that `KEYTENDER_TOKEN_FROM` names.
///
/// # Errors
/// When there is none.
pub fn find() -> Result<Secret, Error> {
    if let Some(text) = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()) {
        return Ok(Secret::new(text.trim()));
    }
    if let Some(place) = std::env::var(FROM).ok().filter(|text| !text.is_empty()) {
        let secret = place.parse::<Reference>()?.resolve()?;
        return Ok(Secret::new(secret.expose().trim()));
    }
    Err(Error::new(format!("{SERVER} names a server, and nothing a token for it")).hint(format!(
        "{FROM}=file:PATH, or {VARIABLE}; keytender tokens create makes one on the server's machine"
    )))
}

/// The file of the first administrator's token in `folder`.
pub fn first(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Writes a token into a new file that nobody but its owner may read.
///
/// # Errors
/// When the file is there, or cannot be written.
pub fn write(path: &Path, token: &Secret) -> Result<(), Error> {
    let line = Zeroizing::new(format!("{}\n", token.expose()));
    file::write_private(path, line.as_bytes())
}
