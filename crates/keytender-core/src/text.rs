//! Other people's text, made safe to print.
//!
//! User names and labels come from files and providers; they may hold escape sequences, line
//! ends or characters that reorder what a reader sees. Every text that reaches a terminal goes
//! through [`printable`].

use std::borrow::Cow;

/// The same text with control and reordering characters written out, as `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unsafe(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        // Zero width, line and paragraph separators, and the marks that change the direction of
        // text (Unicode Technical Report 36, section 2.1); tags, by which letters can be hidden.
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A number of things: `1 key`, `3 keys`.
pub fn count(number: impl TryInto<u64>, what: &str) -> String {
    let count = number.try_into().unwrap_or(u64::MAX);
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(count))
}

/// A whole number with commas: `1,000,000`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\u{a}c");
        assert_eq!(printable("\u{202e}gnp.exe"), "\\u{202e}gnp.exe");
        assert_eq!(printable("a\u{e0069}"), "a\\u{e0069}");
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        assert!(matches!(printable("Zoë <root_account>"), Cow::Borrowed(_)));
    }
}
