//! How keys of an API are recognised that were issued elsewhere.

use keytender_core::imported::{Pepper, Rule, Way};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How keys of an API are recognised that were issued elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The peppers of this API, the present one first.
    pub peppers: Vec<FeedPepper>,
    /// Rules of unsalted hashes that need no secret. Those that are not understood are passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Ways that need a secret of the issuer's: they stay within the server.
    #[serde(skip)]
    pub keyed: Vec<Way>,
}

impl Imported {
    /// Every way in which an unsalted hash is made.
    pub(crate) fn ways(&self) -> impl Iterator<Item = Way> {
        let plain = self.rules.iter().filter_map(|rule| Way::new(rule.parse::<Rule>().ok()?, None));
        plain.chain(self.keyed.iter().cloned())
    }
}

/// A pepper, as the feed writes it: 64 digits of 0-9 and a-f.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPepper(pub Pepper);

impl Serialize for FeedPepper {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_hex())
    }
}

impl<'de> Deserialize<'de> for FeedPepper {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Pepper::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}
