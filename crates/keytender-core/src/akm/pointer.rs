//! JSON Pointers (RFC 6901) into what a provider answers.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::place::{Place, Placed};

/// A place in an answer: `/data/0/id`; the empty one is the whole of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Pointer {
    text: String,
    place: Place,
}

impl Pointer {
    /// Reads a pointer that stands at `place`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str, place: Place) -> Result<Self, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!("`{text}` is no JSON Pointer: write /{text}"));
        }
        let mut tildes = text.split('~').skip(1);
        if tildes.any(|after| !after.starts_with(['0', '1'])) {
            return Err(format!("`{text}` is no JSON Pointer: write ~0 for ~ and ~1 for /"));
        }
        Ok(Self { text: text.to_owned(), place })
    }

    /// What stands there; `None` where nothing does, or null.
    pub fn find<'v>(&self, answer: &'v Value) -> Option<&'v Value> {
        answer.pointer(&self.text).filter(|value| !value.is_null())
    }

    /// The last of its names, as the provider writes it; empty for the whole.
    pub fn last_name(&self) -> String {
        let last = self.text.rsplit('/').next().unwrap_or_default();
        last.replace("~1", "/").replace("~0", "~")
    }

    /// Its names, in their order.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.text.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"))
    }

    /// Where it stands in the descriptor.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The pointer itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Placed::<String>::deserialize(deserializer)?;
        Self::parse(&text.value, text.place).map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Pointer {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pointer".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(/([^~]|~[01])*)?$",
            "description": "A JSON Pointer (RFC 6901) into the provider's answer, or into one key of it."
        })
    }
}
