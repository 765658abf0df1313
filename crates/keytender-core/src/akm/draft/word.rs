//! Names in descriptions, whichever way they are written: `api_keys`, `apiKeys`, `API-Key`.

/// The words of a name, small and, the last one, in the singular.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_new = true;
    let mut was_small = false;
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() {
            is_new = true;
            continue;
        }
        is_new |= was_small && letter.is_ascii_uppercase();
        was_small = !letter.is_ascii_uppercase();
        match words.last_mut().filter(|_| !is_new) {
            Some(word) => word.push(letter.to_ascii_lowercase()),
            None => words.push(letter.to_ascii_lowercase().to_string()),
        }
        is_new = false;
    }
    if let Some(last) = words.last_mut() {
        *last = singular(last);
    }
    words
}

fn singular(word: &str) -> String {
    if let Some(base) = word.strip_suffix("ies") {
        return format!("{base}y");
    }
    let is_plural = word.len() > 3 && !word.ends_with("ss") && !word.ends_with("us");
    word.strip_suffix('s').filter(|_| is_plural).unwrap_or(word).to_owned()
}

/// A name without what stands between its words.
pub(super) fn flat(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|one| one.to_ascii_lowercase()).collect()
}

/// A name for a template, made of another.
pub(super) fn camel(name: &str) -> String {
    let mut out = String::new();
    let mut is_new = false;
    for letter in name.chars() {
        match (letter.is_ascii_alphanumeric(), out.is_empty()) {
            (true, true) if letter.is_ascii_digit() => {}
            (true, true) => out.push(letter.to_ascii_lowercase()),
            (true, false) if is_new => out.push(letter.to_ascii_uppercase()),
            (true, false) => out.push(letter),
            (false, _) => {}
        }
        is_new = !letter.is_ascii_alphanumeric();
    }
    out.truncate(40);
    if out.is_empty() { "value".to_owned() } else { out }
}

/// An id, made of words: small letters, digits and `-`.
pub(super) fn id(words: &[String]) -> String {
    let mut id = words.join("-");
    id.truncate(50);
    if id.is_empty() { "key".to_owned() } else { id }
}

/// A text as a name in a JSON Pointer (RFC 6901).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
