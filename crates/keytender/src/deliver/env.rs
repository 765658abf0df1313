//! Variables of a file that shells, systemd and readers of `.env` read alike.
//!
//! These readers differ. So a value is read only if all of them agree on it, and written only in a way
//! in which they do: without quotes, in single ones or in double ones.

use std::ops::Range;

use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::file::FilePath;
use super::layout::{Fault, Part, line_end, splice};

/// Variables of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variables {
    /// The file.
    pub path: FilePath,
    /// The variable of the secret.
    pub secret: Name,
    /// The variable of the id, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Name>,
}

impl Variables {
    pub(super) const fn name(&self, part: Part) -> Option<&Name> {
        match part {
            Part::Id => self.id.as_ref(),
            Part::Secret => Some(&self.secret),
        }
    }
}

/// The name of a variable: letters, digits and `_`, no digit first (POSIX, section 3.231).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match !text.starts_with(|one: char| one.is_ascii_digit()) && is_name(&text) {
            true => Ok(Self(text)),
            false => Err("not the name of a variable: write letters, digits and _"),
        }
    }
}

impl Name {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// An assignment in a text.
struct Assignment<'t> {
    name: &'t str,
    is_exported: bool,
    quotes: Quotes,
    /// The value with its quotes.
    range: Range<usize>,
    /// The value without them, as it is written.
    raw: &'t str,
    /// What follows it in its line.
    rest: &'t str,
    is_closed: bool,
}

/// The value of a variable; `None` if there is none.
pub(super) fn get(text: &str, name: &Name) -> Result<Option<Secret>, Fault> {
    find(text, name)?.map(|found| value(text, &found)).transpose()
}

/// The same text with another value of the variable, or with the variable at its end.
pub(super) fn put(text: &str, name: &Name, new: &str) -> Result<Secret, Fault> {
    let Some(found) = find(text, name)? else {
        let end = line_end(text);
        let is_exported = assignments(text).last().is_some_and(|last| last.is_exported);
        let word = if is_exported { "export " } else { "" };
        let value = written(new, Quotes::None)?;
        // A text whose last line has no end keeps it so.
        let (before, after) = match text.is_empty() || text.ends_with('\n') {
            true => ("", end),
            false => (end, ""),
        };
        let line = Zeroizing::new(format!("{before}{word}{}={}{after}", name.0, *value));
        return splice(text, &(text.len()..text.len()), &line);
    };
    // What cannot be read without doubt is not replaced either.
    _ = value(text, &found)?;
    splice(text, &found.range, &written(new, found.quotes)?)
}

fn find<'t>(text: &'t str, name: &Name) -> Result<Option<Assignment<'t>>, Fault> {
    let mut named = assignments(text).into_iter().filter(|one| one.name == name.0);
    let found = named.next();
    match named.next() {
        Some(twice) => Err(Fault::new(format!("`{}` is set a second time", name.0))
            .at(text, twice.range.start)
            .hint("remove one of them: readers differ in which of them counts")),
        None => Ok(found),
    }
}

/// What an assignment says, if all readers agree on it.
fn value(text: &str, found: &Assignment<'_>) -> Result<Secret, Fault> {
    let doubt = |why: &str| {
        Fault::new(format!("the value of `{}` {why}", found.name))
            .at(text, found.range.start)
            .hint("write it in single quotes, alone in its line")
    };
    if !found.is_closed {
        return Err(doubt("has a quote that never closes"));
    }
    let rest = found.rest.trim_start();
    if !(rest.is_empty() || rest.len() < found.rest.len() && rest.starts_with('#')) {
        return Err(doubt("is followed by something else"));
    }
    let raw = found.raw;
    let is_unclear = match found.quotes {
        Quotes::None => raw.starts_with('~') || raw.contains(is_special),
        Quotes::Single => raw.contains("\\\\") || raw.ends_with('\\') || raw.contains("${"),
        Quotes::Double => raw.contains(['$', '`']),
    };
    if is_unclear {
        return Err(doubt("means one thing to a shell and another to other readers"));
    }
    if found.quotes != Quotes::Double {
        return Ok(Secret::new(raw));
    }
    let mut plain = Zeroizing::new(String::with_capacity(raw.len()));
    let mut characters = raw.chars();
    while let Some(one) = characters.next() {
        match one {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | '"')) => plain.push(escaped),
                _ => return Err(doubt("has a `\\` that readers take differently")),
            },
            one => plain.push(one),
        }
    }
    Ok(Secret::new(plain.as_str()))
}

/// Whether a shell or another reader takes a character for something else than itself.
fn is_special(one: char) -> bool {
    one.is_whitespace() || one.is_control() || "'\"\\$`;&|<>()*?[".contains(one)
}

/// A value as all readers read it, in these quotes if it can be.
fn written(value: &str, quotes: Quotes) -> Result<Zeroizing<String>, Fault> {
    [quotes, Quotes::None, Quotes::Single, Quotes::Double]
        .into_iter()
        .find_map(|quotes| quoted(value, quotes))
        .map(Zeroizing::new)
        .ok_or_else(|| {
            Fault::new("the new secret cannot be written so that shells and readers of .env agree")
                .hint("keep it in a file of its own")
        })
}

fn quoted(value: &str, quotes: Quotes) -> Option<String> {
    // A line end may stand in quotes; other control characters are changed by some reader.
    if value.contains(|one: char| one.is_control() && one != '\n' && one != '\t')
        || value.contains("${")
    {
        return None;
    }
    match quotes {
        Quotes::None => {
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+=:@%,".contains(&byte);
            value.bytes().all(is_safe).then(|| value.to_owned())
        }
        Quotes::Single => {
            let is_unsafe = value.contains('\'') || value.contains("\\\\") || value.ends_with('\\');
            (!is_unsafe).then(|| format!("'{value}'"))
        }
        Quotes::Double => (!value.contains(['$', '`']))
            .then(|| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))),
    }
}

/// All assignments in their order. Lines that are none are passed over.
fn assignments(text: &str) -> Vec<Assignment<'_>> {
    let mut found = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while at < text.len() {
        let line = line_at(text, at);
        match assignment(text, at) {
            Some(one) => {
                at = one.range.end + one.rest.len();
                found.push(one);
            }
            None => at += line.len(),
        }
        // Over the end of the line.
        at += text.get(at..).map_or(0, |rest| rest.find('\n').map_or(rest.len(), |end| end + 1));
    }
    found
}

/// The rest of the line from `at` on, without its end.
fn line_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    match line.len() < rest.len() {
        true => line.strip_suffix('\r').unwrap_or(line),
        false => line,
    }
}

/// The assignment in the line that begins at `at`.
fn assignment(text: &str, at: usize) -> Option<Assignment<'_>> {
    let line = line_at(text, at);
    let (left, right) = line.split_once('=')?;
    let words: Vec<&str> = left.split_ascii_whitespace().collect();
    let (name, is_exported) = match words.as_slice() {
        [name] => (*name, false),
        ["export", name] => (*name, true),
        _ => return None,
    };
    if !is_name(name) {
        return None;
    }
    let start = at + line.len() - right.trim_start().len();
    let rest = text.get(start..)?;
    let (quotes, quote) = match rest.chars().next() {
        Some('\'') => (Quotes::Single, '\''),
        Some('"') => (Quotes::Double, '"'),
        _ => {
            let raw = without_comment(line_at(text, start));
            let range = start..start + raw.len();
            let rest = line_at(text, range.end);
            return Some(Assignment {
                name,
                is_exported,
                quotes: Quotes::None,
                range,
                raw,
                rest,
                is_closed: true,
            });
        }
    };
    let inner = rest.get(1..)?;
    let close = closing(inner, quote);
    let raw = inner.get(..close.unwrap_or(inner.len()))?;
    let end = start + 1 + raw.len() + usize::from(close.is_some());
    Some(Assignment {
        name,
        is_exported,
        quotes,
        range: start..end,
        raw,
        rest: if close.is_some() { line_at(text, end) } else { "" },
        is_closed: close.is_some(),
    })
}

/// Where the quote closes; in double quotes `\` keeps the next character from doing so.
fn closing(inner: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    inner.char_indices().find_map(|(at, one)| {
        if is_escaped {
            is_escaped = false;
            return None;
        }
        is_escaped = quote == '"' && one == '\\';
        (one == quote).then_some(at)
    })
}

/// A value without quotes, up to a comment after it and without the space before that.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    let comment = line.char_indices().find_map(|(at, one)| {
        let begins = one == '#' && before.is_whitespace();
        before = one;
        begins.then_some(at)
    });
    line.get(..comment.unwrap_or(line.len())).unwrap_or(line).trim_end()
}
