//! Texts in YAML, replaced in their own place. Blocks, aliases and tagged values are refused: what
//! else depends on them cannot be seen from their place.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle};
use keytender_core::secret::Secret;
use zeroize::Zeroizing;

use super::layout::{Fault, splice};
use super::pointer::{self, Pointer};

/// The text that a pointer leads to; `None` if it leads nowhere, or to null.
pub(super) fn get(text: &str, at: &Pointer) -> Result<Option<Secret>, Fault> {
    Ok(find(text, at)?.filter(|found| !found.is_null).map(|found| found.value))
}

/// The same text with another value there.
pub(super) fn put(text: &str, at: &Pointer, value: &str) -> Result<Secret, Fault> {
    let found = find(text, at)?.filter(|found| !found.range.is_empty());
    let Some(found) = found else {
        return Err(Fault::new(format!("there is no `{}`", at.as_str()))
            .hint("add it with \"\" as its value; only values are replaced"));
    };
    splice(text, &found.range, &written(value, found.style))
}

/// In the style that it had, if the value can be written so.
fn written(value: &str, style: ScalarStyle) -> Zeroizing<String> {
    let is_line = !value.chars().any(is_special);
    let quoted = match style {
        ScalarStyle::Plain if is_plain(value) => value.to_owned(),
        ScalarStyle::Plain | ScalarStyle::SingleQuoted if is_line => {
            format!("'{}'", value.replace('\'', "''"))
        }
        _ => double_quoted(value),
    };
    Zeroizing::new(quoted)
}

/// Whether a character cannot stand in quotes as itself (YAML 1.2.2, section 5.1, and line ends).
fn is_special(one: char) -> bool {
    one.is_control()
        || matches!(one, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn double_quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() * 10 + 2);
    text.push('"');
    for one in value.chars() {
        match one {
            '"' | '\\' => text.extend(['\\', one]),
            '\n' => text.push_str("\\n"),
            one if is_special(one) => text.push_str(&format!("\\u{:04X}", u32::from(one))),
            one => text.push(one),
        }
    }
    text.push('"');
    text
}

/// Whether a text can stand without quotes and is a text in YAML 1.1 and 1.2 alike.
fn is_plain(value: &str) -> bool {
    value.starts_with(|one: char| one.is_ascii_alphabetic())
        && value.chars().all(|one| one.is_ascii_alphanumeric() || "_-./+=".contains(one))
        && !is_word(value)
}

/// A word that means something else than itself in YAML 1.1 or 1.2.
fn is_word(value: &str) -> bool {
    ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether a text without quotes may be a number or a date to somebody.
fn may_be_number(value: &str) -> bool {
    value.starts_with(|one: char| one.is_ascii_digit() || "+-.".contains(one))
        && value.chars().all(|one| one.is_ascii_hexdigit() || "+-._:xXoOnN TZ".contains(one))
}

struct Found {
    value: Secret,
    range: Range<usize>,
    style: ScalarStyle,
    is_null: bool,
}

/// A list or an object that is open.
struct Frame {
    is_map: bool,
    wants_key: bool,
    index: usize,
    /// Whether the pointer leads into it.
    is_on_way: bool,
    /// Whether the pointer leads into the value of the last key.
    is_key_on_way: bool,
}

impl Frame {
    const fn new(is_map: bool, is_on_way: bool) -> Self {
        Self { is_map, wants_key: is_map, index: 0, is_on_way, is_key_on_way: false }
    }

    /// Whether the pointer leads to what comes now; `key` is what it is, should it be a key.
    fn next(&mut self, step: Option<&String>, key: Option<&str>) -> bool {
        if self.is_map && self.wants_key {
            self.wants_key = false;
            self.is_key_on_way = self.is_on_way && key.is_some() && step.map(String::as_str) == key;
            return false;
        }
        if self.is_map {
            self.wants_key = true;
            return self.is_key_on_way;
        }
        let here = self.index;
        self.index += 1;
        self.is_on_way && step.and_then(|step| pointer::index(step)) == Some(here)
    }
}

fn find(text: &str, at: &Pointer) -> Result<Option<Found>, Fault> {
    let steps = at.steps();
    let mut frames: Vec<Frame> = Vec::new();
    let mut found: Option<Found> = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event
            .map_err(|error| Fault::new("this is no YAML").line(error.marker().line().max(1)))?;
        let key = match &event {
            Event::Scalar(value, ..) => Some(value.as_ref()),
            Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(..) => None,
            Event::SequenceEnd | Event::MappingEnd => {
                _ = frames.pop();
                continue;
            }
            _ => continue,
        };
        let depth = frames.len();
        let is_here = match frames.last_mut() {
            Some(frame) => frame.next(steps.get(depth - 1), key),
            None => true,
        };
        let line = span.start.line();
        let refuse = |why: &str, hint: &str| {
            Err(Fault::new(format!("`{}` {why}", at.as_str())).line(line).hint(hint))
        };
        if is_here && matches!(event, Event::Alias(..)) {
            return refuse("is an alias of another value", "write the value itself there");
        }
        if is_here && depth == steps.len() {
            if found.is_some() {
                return refuse("is there twice", "remove one of them");
            }
            let range = span.byte_range().map(|range| without_space(text, range));
            found = Some(scalar(&event, range).map_err(|why| {
                Fault::new(format!("`{}` {why}", at.as_str()))
                    .line(line)
                    .hint("write it as a text in quotes, on one line")
            })?);
        }
        match event {
            Event::SequenceStart(..) => frames.push(Frame::new(false, is_here)),
            Event::MappingStart(..) => frames.push(Frame::new(true, is_here)),
            _ => {}
        }
    }
    Ok(found)
}

/// A place without the space at its end: a text without quotes has none, whatever its span says.
fn without_space(text: &str, range: Range<usize>) -> Range<usize> {
    let length = text.get(range.clone()).map_or(range.len(), |part| part.trim_end().len());
    range.start..range.start + length
}

/// The text of an event, if it is one that can be replaced.
fn scalar(event: &Event<'_>, range: Option<Range<usize>>) -> Result<Found, &'static str> {
    let Event::Scalar(value, style, anchor, tag) = event else { return Err("is no text") };
    let Some(range) = range else { return Err("has no place") };
    if *anchor != 0 {
        return Err("is used elsewhere too, by its anchor");
    }
    if tag.is_some() {
        return Err("has a tag");
    }
    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
        return Err("is a block");
    }
    let is_plain = *style == ScalarStyle::Plain;
    let is_null = is_plain && (matches!(value.as_ref(), "" | "~") || is_null(value));
    if is_plain && !is_null && (is_word(value) || may_be_number(value)) {
        return Err("is no text");
    }
    Ok(Found { value: Secret::new(value.as_ref()), range, style: *style, is_null })
}

fn is_null(value: &str) -> bool {
    value.eq_ignore_ascii_case("null")
}
