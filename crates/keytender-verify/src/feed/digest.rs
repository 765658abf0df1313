//! The digest of a key's secret, as the feed writes it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keytender_core::token::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The SHA-256 of the secret of a token: base64url without padding, 43 letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDigest(pub Digest);

impl Serialize for KeyDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for KeyDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes = bytes.ok_or("not a digest: expected 43 letters of base64url");
        Ok(Self(Digest::from_bytes(bytes.map_err(serde::de::Error::custom)?)))
    }
}
