//! Texts in TOML, replaced in their own place: by span rather than by an editor of documents, which
//! would turn all line ends into its own.

use std::ops::Range;

use keytender_core::secret::Secret;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::layout::{Fault, splice};
use super::pointer::{self, Pointer};

/// The text that a pointer leads to; `None` if it leads nowhere.
pub(super) fn get(text: &str, at: &Pointer) -> Result<Option<Secret>, Fault> {
    Ok(find(text, at)?.map(|(value, _)| value))
}

/// The same text with another value there.
pub(super) fn put(text: &str, at: &Pointer, value: &str) -> Result<Secret, Fault> {
    let Some((_, range)) = find(text, at)? else {
        return Err(Fault::new(format!("there is no `{}`", at.as_str()))
            .hint("add it with an empty text as its value; only values are replaced"));
    };
    let is_literal = text.get(range.clone()).is_some_and(|old| old.starts_with('\''));
    splice(text, &range, &quoted(value, is_literal))
}

/// In single quotes if it was and may be; else in double ones.
fn quoted(value: &str, is_literal: bool) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 6 + 2));
    if is_literal && !value.contains(|one: char| one == '\'' || one.is_control()) {
        text.push('\'');
        text.push_str(value);
        text.push('\'');
        return text;
    }
    text.push('"');
    for one in value.chars() {
        match one {
            '"' | '\\' => text.extend(['\\', one]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            one if one.is_control() => text.push_str(&format!("\\u{:04X}", u32::from(one))),
            one => text.push(one),
        }
    }
    text.push('"');
    text
}

fn find(text: &str, at: &Pointer) -> Result<Option<(Secret, Range<usize>)>, Fault> {
    let table = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        Fault::new("this is no TOML").at(text, start)
    })?;
    let steps = at.steps();
    let Some((first, rest)) = steps.split_first() else { return Ok(None) };
    let Some(mut value) = member(table.get_ref(), first) else { return Ok(None) };
    for step in rest {
        let next = match value.get_ref() {
            DeValue::Table(table) => member(table, step),
            DeValue::Array(items) => pointer::index(step).and_then(|index| items.get(index)),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return Ok(None),
        }
    }
    match value.get_ref() {
        DeValue::String(found) => Ok(Some((Secret::new(found.as_ref()), value.span()))),
        _ => Err(Fault::new(format!("`{}` is no text", at.as_str())).at(text, value.span().start)),
    }
}

fn member<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<&'t Spanned<DeValue<'i>>> {
    table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(_, value)| value)
}
