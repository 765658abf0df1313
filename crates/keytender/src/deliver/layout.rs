//! How a file is written: where a part of a key stands in its text, and the same text with another
//! part there. No file is touched here.

use std::fmt;
use std::ops::Range;

use keytender_core::secret::Secret;
use zeroize::Zeroizing;

use super::env::Variables;
use super::pointer::{Pointer, Pointers};
use super::profile::Profile;
use super::{Held, env, json, profile, toml, yaml};
use crate::error::Error;

/// What may be in a file.
#[derive(Clone)]
pub(super) enum Layout {
    Env(Variables),
    Profile(Profile),
    Whole,
    Json(Pointers),
    Yaml(Pointers),
    Toml(Pointers),
}

/// A part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Id,
    Secret,
}

/// Why a text cannot be read or changed, and where. It never repeats a value.
#[derive(Debug)]
pub(super) struct Fault {
    line: Option<usize>,
    why: String,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { line: None, why: why.into(), hint: None }
    }

    /// At a line, counted from one.
    pub(super) fn line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// In the line of `text` that the byte `offset` is in.
    pub(super) fn at(self, text: &str, offset: usize) -> Self {
        self.line(line_of(text, offset))
    }

    /// The refusal of the thing that is called `name`.
    pub(super) fn of(self, name: &str) -> Error {
        let error = Error::new(format!("{name} is not understood"));
        let error = match self.hint.clone() {
            Some(hint) => error.hint(hint),
            None => error,
        };
        error.source(self)
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for Fault {}

/// The line, counted from one, that the byte `offset` is in.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// `text` with `new` in the place of `range`.
pub(super) fn splice(text: &str, range: &Range<usize>, new: &str) -> Result<Secret, Fault> {
    let cut = || Fault::new("a value stands where no text is");
    let before = text.get(..range.start).ok_or_else(cut)?;
    let after = text.get(range.end..).ok_or_else(cut)?;
    // Of the right size from the start: a text that grows leaves copies behind.
    let mut whole = Zeroizing::new(String::with_capacity(before.len() + new.len() + after.len()));
    whole.push_str(before);
    whole.push_str(new);
    whole.push_str(after);
    Ok(Secret::new(std::mem::take(&mut *whole)))
}

/// The line end that a text uses: that of its first line.
pub(super) fn line_end(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

impl Layout {
    /// What a text holds; `None` if it has no place for it, or nothing is there.
    pub(super) fn held(&self, text: &str) -> Result<Option<Held>, Fault> {
        let id = self.get(text, Part::Id)?.filter(|part| !part.is_empty());
        let secret = self.get(text, Part::Secret)?.filter(|part| !part.is_empty());
        Ok(Held::of(id, secret))
    }

    /// The same text with these parts in it. The answer was read again, and holds them.
    pub(super) fn with(&self, text: &str, new: &Held) -> Result<Secret, Fault> {
        let mut whole = Secret::new(text);
        for (part, value) in [(Part::Id, &new.id), (Part::Secret, &new.secret)] {
            if let Some(value) = value {
                whole = self.put(whole.expose(), part, value.expose())?;
            }
        }
        match self.held(whole.expose())? {
            Some(held) if held.is_same(new) => Ok(whole),
            _ => Err(Fault::new("the new secret cannot be written so that it is read again")
                .hint("keep it in a file of its own")),
        }
    }

    /// Whether it has a place for what is public of a key.
    pub(super) const fn has_id(&self) -> bool {
        match self {
            Self::Env(variables) => variables.id.is_some(),
            Self::Profile(_) => true,
            Self::Json(at) | Self::Yaml(at) | Self::Toml(at) => at.id.is_some(),
            Self::Whole => false,
        }
    }

    fn get(&self, text: &str, part: Part) -> Result<Option<Secret>, Fault> {
        match self {
            Self::Env(variables) => match variables.name(part) {
                Some(name) => env::get(text, name),
                None => Ok(None),
            },
            Self::Profile(profile) => profile::get(text, &profile.profile, part),
            Self::Whole => Ok((part == Part::Secret).then(|| Secret::new(without_end(text)))),
            Self::Json(at) => pointed(at, part, |at| json::get(text, at)),
            Self::Yaml(at) => pointed(at, part, |at| yaml::get(text, at)),
            Self::Toml(at) => pointed(at, part, |at| toml::get(text, at)),
        }
    }

    fn put(&self, text: &str, part: Part, value: &str) -> Result<Secret, Fault> {
        let none = || Fault::new("there is no place for the id");
        match self {
            Self::Env(variables) => env::put(text, variables.name(part).ok_or_else(none)?, value),
            Self::Profile(profile) => profile::put(text, &profile.profile, part, value),
            Self::Whole => splice(text, &(0..without_end(text).len()), value),
            Self::Json(at) => json::put(text, at.of(part).ok_or_else(none)?, value),
            Self::Yaml(at) => yaml::put(text, at.of(part).ok_or_else(none)?, value),
            Self::Toml(at) => toml::put(text, at.of(part).ok_or_else(none)?, value),
        }
    }
}

fn pointed(
    at: &Pointers,
    part: Part,
    get: impl FnOnce(&Pointer) -> Result<Option<Secret>, Fault>,
) -> Result<Option<Secret>, Fault> {
    at.of(part).map_or(Ok(None), get)
}

/// A text without the line end that editors put after it.
fn without_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
