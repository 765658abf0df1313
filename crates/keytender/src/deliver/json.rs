//! Texts in JSON, replaced in their own place.

use std::fmt;
use std::ops::Range;

use keytender_core::secret::Secret;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::layout::{Fault, splice};
use super::pointer::{self, Pointer};

/// The text that a pointer leads to; `None` if it leads nowhere, or to null.
pub(super) fn get(text: &str, at: &Pointer) -> Result<Option<Secret>, Fault> {
    let Some(value) = find(text, at)? else { return Ok(None) };
    if value.get() == "null" {
        return Ok(None);
    }
    // What serde would say of something else may repeat it.
    let is_text = value.get().starts_with('"');
    let parsed: Option<String> = is_text.then(|| serde_json::from_str(value.get()).ok()).flatten();
    parsed.map(|text| Some(Secret::new(text))).ok_or_else(|| {
        Fault::new(format!("`{}` is no text", at.as_str())).at(text, place(text, value).start)
    })
}

/// The same text with another value there.
pub(super) fn put(text: &str, at: &Pointer, value: &str) -> Result<Secret, Fault> {
    let Some(found) = find(text, at)? else {
        return Err(Fault::new(format!("there is no `{}`", at.as_str()))
            .hint("add it with an empty text as its value; only values are replaced"));
    };
    let written = serde_json::to_string(value).map(Zeroizing::new);
    let written = written.map_err(|_| Fault::new("the new secret cannot be written as JSON"))?;
    splice(text, &place(text, found), &written)
}

/// Where a part of `text` stands in it.
fn place(text: &str, part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + part.get().len()
}

fn find<'t>(text: &'t str, at: &Pointer) -> Result<Option<&'t RawValue>, Fault> {
    let whole: Result<&RawValue, _> = serde_json::from_str(text);
    let mut value =
        whole.map_err(|error| Fault::new("this is no JSON").line(error.line().max(1)))?;
    for step in at.steps() {
        let unread = || Fault::new("this is no JSON").at(text, place(text, value).start);
        let next = match value.get().as_bytes().first() {
            Some(b'{') => {
                let members: Members<'_> =
                    serde_json::from_str(value.get()).map_err(|_| unread())?;
                let mut named = members.0.into_iter().filter(|(name, _)| *name == step);
                let next = named.next();
                if let Some((_, twice)) = named.next() {
                    return Err(Fault::new(format!("`{}` is there twice", at.as_str()))
                        .at(text, place(text, twice).start)
                        .hint("remove one of them"));
                }
                next.map(|(_, value)| value)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> =
                    serde_json::from_str(value.get()).map_err(|_| unread())?;
                pointer::index(&step).and_then(|index| items.get(index).copied())
            }
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

/// The members of an object in their order, repeated names among them.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
