//! A secret that is read and never written: a member of a body that nobody gets back.

use keytender_core::secret::Secret;
use serde::{Deserialize, Deserializer};

/// Reads the text of a secret, if there is one.
///
/// # Errors
/// When it is neither null nor a text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(Secret::new))
}
