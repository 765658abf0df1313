//! What an answer of a provider says of keys, in our words. Only the fields that a descriptor names
//! are read: some lists hold live secrets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::key_type::{Absent, KeyType};
use super::operation::FieldName;
use super::place::Placed;
use super::pointer::Pointer;
use super::stamp::{TimeFormat, kind_of};
use crate::key::{LastUse, State, Use};
use crate::time::Time;

/// The most scopes of a key that are kept, and the most letters of a name.
const MAX_SCOPES: usize = 100;
const MAX_LETTERS: usize = 300;
/// How many bytes of a digest stand for an id that is the secret itself.
const FINGERPRINT_BYTES: usize = 12;
/// What stands before them.
const FINGERPRINT: &str = "sha256-";

/// Where a fact stands, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(untagged, rename_all_fields = "camelCase", deny_unknown_fields)
)]
pub enum Field {
    /// At a place, written as is usual there.
    At(Pointer),
    /// At a place, written so.
    As {
        /// The place.
        at: Pointer,
        /// How a time is written there.
        #[cfg_attr(feature = "schema", schemars(rename = "as"))]
        format: Option<TimeFormat>,
        /// Whether it is the secret itself: a digest of it is kept, never what stands there.
        #[cfg_attr(feature = "schema", schemars(default))]
        is_secret: bool,
    },
}

impl Field {
    /// The place.
    pub const fn at(&self) -> &Pointer {
        match self {
            Self::At(at) | Self::As { at, .. } => at,
        }
    }

    /// How a time is written there, if that is said.
    pub const fn format(&self) -> Option<TimeFormat> {
        match self {
            Self::At(_) => None,
            Self::As { format, .. } => *format,
        }
    }

    /// Whether the secret itself stands there.
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::As { is_secret: true, .. })
    }
}

/// A field as it is written: short or long.
enum Written {
    Short(String),
    Long(Long),
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Writing)
    }
}

/// Tells by its shape how a field is written, so that a fault in it is said as what it is.
struct Writing;

impl<'de> Visitor<'de> for Writing {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON Pointer, or {at, as, isSecret}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Written, E> {
        Ok(Written::Short(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Written, A::Error> {
        Long::deserialize(MapAccessDeserializer::new(members)).map(Written::Long)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Long {
    at: String,
    #[serde(rename = "as")]
    format: Option<TimeFormat>,
    #[serde(default)]
    is_secret: bool,
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Placed { value, place } = Placed::<Written>::deserialize(deserializer)?;
        let pointer = |text: &str| Pointer::parse(text, place).map_err(de::Error::custom);
        Ok(match value {
            Written::Short(text) => Self::At(pointer(&text)?),
            Written::Long(Long { at, format, is_secret }) => {
                Self::As { at: pointer(&at)?, format, is_secret }
            }
        })
    }
}

/// One way to tell the state of a key. Without `at` it always holds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateRule {
    /// The place that tells.
    pub at: Option<Pointer>,
    /// It holds if this stands there.
    pub is: Option<Value>,
    /// It holds if one of these words stands there, which says the state.
    #[serde(default)]
    pub words: BTreeMap<String, State>,
    /// It holds if a time stands there that is over.
    #[serde(default)]
    pub past: bool,
    /// The state, where `words` do not say it.
    pub then: Option<Placed<State>>,
}

/// What is known of uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedUse {
    /// It was used.
    Used(Use<'static>),
    /// It was never used since the provider records uses.
    Never,
    /// The provider does not tell, and why.
    Unknown(Cow<'static, str>),
}

/// A key as a provider shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Its public id; a digest where the id is the secret.
    pub id: String,
    /// The name that people gave it.
    pub name: Option<String>,
    /// A part of the secret that people recognize it by.
    pub hint: Option<String>,
    /// Who it acts for.
    pub owner: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Its state.
    pub state: State,
    /// The provider's word for it.
    pub provider_state: Option<String>,
    /// When its secret came to be or last changed.
    pub created_at: Option<Time>,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
    /// When it was last used.
    pub last_use: ListedUse,
    /// Since when the provider records uses.
    pub recorded_since: Option<Time>,
    /// When the provider saw it where a secret must not be.
    pub exposed_at: Option<Time>,
}

impl ListedKey {
    /// The last use, of a key that we know since `seen_since`.
    pub fn last_use(&self, seen_since: Time) -> LastUse<'static> {
        match &self.last_use {
            ListedUse::Used(used) => LastUse::Used(used.clone()),
            ListedUse::Never => {
                let since = self.created_at.unwrap_or(seen_since);
                let recorded = self.recorded_since.unwrap_or(since);
                LastUse::Never { since: since.max(recorded) }
            }
            ListedUse::Unknown(why) => LastUse::Unknown { why: why.clone() },
        }
    }
}

/// What could not be understood of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// Which fact.
    pub what: &'static str,
    /// What stands there instead: a kind of value, or the beginning of a text that is no time.
    pub found: String,
}

/// What is known of one entry: what was listed, with what was asked of it beside.
#[derive(Clone, Debug)]
pub struct Entry {
    listed: Value,
    told: BTreeMap<FieldName, (Value, Option<TimeFormat>)>,
}

impl Entry {
    /// An entry as it was listed.
    pub const fn new(listed: Value) -> Self {
        Self { listed, told: BTreeMap::new() }
    }

    /// The entry itself.
    pub const fn listed(&self) -> &Value {
        &self.listed
    }

    /// Adds what the same key shows by itself.
    pub fn add(&mut self, item: &Value) {
        match (&mut self.listed, item) {
            (Value::Object(listed), Value::Object(item)) => {
                listed.extend(item.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            (listed, item) => *listed = item.clone(),
        }
    }

    /// Adds facts that stand elsewhere in another answer.
    pub fn tell(&mut self, outputs: &BTreeMap<FieldName, Field>, answer: &Value) {
        for (name, field) in outputs {
            if let Some(value) = field.at().find(answer) {
                self.told.insert(*name, (value.clone(), field.format()));
            }
        }
    }
}

/// Reads facts of one entry.
struct Reader<'e> {
    kind: &'e KeyType,
    entry: &'e Entry,
    now: Time,
    odd: Vec<Odd>,
}

impl Reader<'_> {
    fn find(&self, name: FieldName) -> Option<(&Value, Option<TimeFormat>)> {
        if let Some((value, format)) = self.entry.told.get(&name) {
            return Some((value, *format));
        }
        let field = self.kind.fields.get(&name)?;
        Some((field.at().find(&self.entry.listed)?, field.format()))
    }

    fn text(&self, name: FieldName) -> Option<String> {
        text(self.find(name)?.0)
    }

    fn time(&mut self, name: FieldName, what: &'static str) -> Option<Time> {
        let (value, format) = self.find(name)?;
        match format.unwrap_or(self.kind.times).read(value, self.now) {
            Ok(time) => time,
            Err(found) => {
                self.odd.push(Odd { what, found });
                None
            }
        }
    }

    fn scopes(&self) -> Vec<String> {
        match self.find(FieldName::Scopes) {
            Some((Value::Array(list), _)) => {
                list.iter().take(MAX_SCOPES).filter_map(text).collect()
            }
            Some((Value::String(line), _)) => {
                line.split_whitespace().take(MAX_SCOPES).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    fn last_use(&mut self) -> ListedUse {
        if !self.kind.last_used.available {
            return ListedUse::Unknown("the provider does not record uses".into());
        }
        let odd = self.odd.len();
        match self.time(FieldName::LastUsedAt, "the time of the last use") {
            Some(at) => ListedUse::Used(Use {
                at,
                region: self.text(FieldName::LastUsedRegion).map(Cow::Owned),
                service: self.text(FieldName::LastUsedService).map(Cow::Owned),
            }),
            None if self.odd.len() > odd => {
                ListedUse::Unknown("the provider wrote no time that is understood".into())
            }
            None => match self.kind.last_used.absent {
                Absent::Never => ListedUse::Never,
                Absent::Unknown => ListedUse::Unknown("the provider does not tell".into()),
            },
        }
    }

    /// The state, and the provider's word for it. What no rule knows works, as far as we know.
    fn state(&mut self) -> (State, Option<String>) {
        for rule in &self.kind.state {
            let Some(at) = &rule.at else {
                return (rule.then.as_ref().map_or(State::Active, |then| then.value), None);
            };
            let Some(value) = at.find(&self.entry.listed) else { continue };
            let word = match value {
                Value::Bool(_) => Some(at.last_name()),
                value => text(value),
            };
            let then = rule.then.as_ref().map(|then| then.value);
            if !rule.words.is_empty() {
                let known = word.as_ref().and_then(|word| rule.words.get(word));
                match known {
                    Some(state) => return (*state, word),
                    None => self.odd.push(Odd {
                        what: "the word for its state",
                        found: word.unwrap_or_else(|| kind_of(value).to_owned()),
                    }),
                }
            } else if rule.past {
                let read = self.kind.times.read(value, self.now);
                if let (Ok(Some(at)), Some(state)) = (read, then)
                    && at <= self.now
                {
                    return (state, None);
                }
            } else if let Some(state) = then
                && rule.is.as_ref().is_none_or(|expected| expected == value)
            {
                return (state, word);
            }
        }
        (State::Active, None)
    }
}

impl KeyType {
    /// What one entry of a list says of a key, as of `now`, and what of it was not understood.
    ///
    /// # Errors
    /// When it has no id: without one it cannot be told from others.
    pub fn read(&self, entry: &Entry, now: Time) -> Result<(ListedKey, Vec<Odd>), Odd> {
        let mut reader = Reader { kind: self, entry, now, odd: Vec::new() };
        let id = reader.text(FieldName::Id).filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Odd { what: "its id", found: "nothing".to_owned() })?;
        let is_secret = self.fields.get(&FieldName::Id).is_some_and(Field::is_secret);
        let created_at = reader.time(FieldName::CreatedAt, "the time of its creation");
        let rotated_at = reader.time(FieldName::RotatedAt, "the time of its last rotation");
        let expires_at = reader.time(FieldName::ExpiresAt, "the time of its end");
        let exposed_at = reader.time(FieldName::ExposedAt, "the time of its exposure");
        let last_use = reader.last_use();
        let (state, provider_state) = reader.state();
        let since = self.last_used.since.as_ref();
        let key = ListedKey {
            id: if is_secret { fingerprint(&id) } else { id },
            name: reader.text(FieldName::Name),
            hint: reader.text(FieldName::Hint),
            owner: reader.text(FieldName::Owner),
            scopes: reader.scopes(),
            state,
            provider_state,
            created_at: created_at.max(rotated_at),
            expires_at,
            last_use,
            recorded_since: since.and_then(|since| Time::parse(&since.value).ok()),
            exposed_at,
        };
        Ok((key, reader.odd))
    }
}

/// A text, number or truth value, as a text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.chars().take(MAX_LETTERS).collect()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is_so) => Some(is_so.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What stands for an id that is the secret itself: the beginning of its SHA-256, in hex.
pub fn fingerprint(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    format!("{FINGERPRINT}{}", hex::encode(digest.get(..FINGERPRINT_BYTES).unwrap_or_default()))
}

/// Whether a text is what [`fingerprint()`] may have made.
pub fn is_fingerprint(text: &str) -> bool {
    let is_hex = |one: u8| one.is_ascii_digit() || (b'a'..=b'f').contains(&one);
    let digits = text.strip_prefix(FINGERPRINT);
    digits.is_some_and(|hex| hex.len() == 2 * FINGERPRINT_BYTES && hex.bytes().all(is_hex))
}
