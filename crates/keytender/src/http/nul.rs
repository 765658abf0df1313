//! The letter NUL, which PostgreSQL keeps in no text. What holds one is refused where it comes in.

/// Whether a text of JSON holds it: by its escape, since JSON takes it in no other way.
pub(super) fn is_in_json(text: &[u8]) -> bool {
    let mut is_escape = false;
    for (place, byte) in text.iter().enumerate() {
        if is_escape && text.get(place..).is_some_and(|rest| rest.starts_with(b"u0000")) {
            return true;
        }
        is_escape = *byte == b'\\' && !is_escape;
    }
    false
}

/// Whether a part of a URL holds it.
pub(super) fn is_in_url(text: &str) -> bool {
    text.contains("%00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_escape_is_one() {
        for text in [r#"{"a":"\u0000"}"#, r#"["b\\\u0000"]"#, r#"["\n\u0000"]"#] {
            assert!(is_in_json(text.as_bytes()), "{text}");
        }
        for text in [r#"["\\u0000"]"#, r#"["u0000"]"#, r#"["\u0001"]"#, r#"["\\\\u0000"]"#, "\\"] {
            assert!(!is_in_json(text.as_bytes()), "{text}");
        }
        assert!(is_in_url("text=a%00b") && !is_in_url("text=a%20b"));
    }
}
