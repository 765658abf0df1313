//! Keys in one text: where a literal stands, the pattern is tried, and what only looks like a key is left out.

use std::sync::LazyLock;

use keytender_core::akm::fingerprint;
use keytender_core::secret::Secret;
use keytender_core::token::Token;
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::sample::{has_chance, is_published, is_sample};
use super::shape::{Anchor, Shape, Shapes};
use super::{aws, files};

/// How many bytes of a text are tried from where a key begins.
const MAX_KEY: usize = 2_048;
/// How many bytes after a name its value may stand.
const MAX_VALUE: usize = 640;
/// The longest word of a name in a program.
const MAX_WORD: usize = 14;
/// What somebody writes on a line whose key is none, or may stand there.
const ALLOWED: &[u8] = b"keytender:allow";

/// By what a key was told from other text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The name of the variable that it is in.
    Name,
    /// The file that it stands in, which is for credentials.
    File,
    /// Its pattern.
    Pattern,
    /// Its pattern, and its checksum is right.
    Checksum,
}

impl Evidence {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::File => "file",
            Self::Pattern => "pattern",
            Self::Checksum => "checksum",
        }
    }
}

/// A key in a text.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// Whose it is: a provider of the shelf, or the host that it is for.
    pub(super) provider: String,
    /// The kind, if that is known.
    pub(super) key_type: Option<String>,
    /// What the provider calls one.
    pub(super) noun: String,
    /// What is public of it.
    pub(super) id: Option<String>,
    /// By what it was told.
    pub(super) evidence: Evidence,
    /// The key itself.
    pub(super) secret: Secret,
}

impl Spot {
    /// What stands for the secret where it is shown and kept.
    pub(super) fn fingerprint(&self) -> String {
        fingerprint(self.secret.expose())
    }
}

/// Every key in a text, in the order in which they stand. `name` is the path of its file, which says how it is written.
pub(super) fn find(shapes: &Shapes, name: &str, text: &[u8]) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (start, end, anchor) in shapes.anchors(text) {
        let spot = match anchor {
            Anchor::Pattern { shape, fewest, most } => {
                let shape = shapes.get(shape);
                shape.and_then(|shape| by_pattern(shape, text, start, (fewest, most)))
            }
            Anchor::Name { shape } => {
                shapes.get(shape).and_then(|shape| by_name(shape, text, start, end))
            }
            Anchor::AwsId => aws::by_id(text, start),
            Anchor::AwsSecret => aws::by_name(text, start, end),
            Anchor::Google => files::google(text, end),
        };
        spots.extend(spot);
    }
    spots.extend(files::find(shapes, name, text));
    spots.retain(|spot| !is_allowed(text, spot.start) && !is_published(spot.secret.expose()));
    apart(spots)
}

/// Of spots that overlap, the one that is told best; of the same, the longer one.
fn apart(mut spots: Vec<Spot>) -> Vec<Spot> {
    let rank = |spot: &Spot| (spot.evidence, spot.end - spot.start, spot.id.is_some());
    spots.sort_by_key(|spot| spot.start);
    let mut kept: Vec<Spot> = Vec::with_capacity(spots.len());
    for spot in spots {
        match kept.last_mut() {
            Some(last) if spot.start < last.end => {
                if rank(&spot) > rank(last) {
                    *last = spot;
                }
            }
            _ => kept.push(spot),
        }
    }
    kept
}

/// A key by its pattern, of which a literal stands at `at`.
fn by_pattern(shape: &Shape, text: &[u8], at: usize, before: (usize, usize)) -> Option<Spot> {
    let (fewest, most) = before;
    let last = at.checked_sub(fewest)?;
    let first = at.saturating_sub(most);
    let pattern = shape.pattern.as_ref()?;
    (first..=last).find_map(|start| {
        // A checksum tells a key wherever it stands.
        if shape.checksum.is_none() && !begins(text, start) {
            return None;
        }
        let window = text.get(start..text.len().min(start + MAX_KEY))?;
        let found = pattern.find(window)?;
        let end = start + found.end();
        let key = std::str::from_utf8(found.as_bytes()).ok()?;
        let has_checksum = shape.checksum.map(|checksum| checksum.fits(key));
        let is_key = match has_checksum {
            Some(fits) => fits,
            None => end > at && ends(text, end),
        };
        if !is_key || is_sample(key.get(shape.fixed..)?) {
            return None;
        }
        let token = has_checksum.and_then(|_| Token::parse(key).ok());
        Some(Spot {
            start,
            end,
            provider: shape.provider.clone(),
            key_type: shape.key_type.clone(),
            noun: shape.noun.clone(),
            id: token.map(|token| public_part(&token)),
            evidence: if has_checksum.is_some() { Evidence::Checksum } else { Evidence::Pattern },
            secret: Secret::new(key),
        })
    })
}

/// All of a token of ours that stands before its last `_`: it is no secret, and the inventory knows the key by it.
fn public_part(token: &Token) -> String {
    format!("{}_{}_{}", token.brand(), token.environment().as_str(), token.id())
}

/// Whether a key may begin here: nothing stands before it that it would be a part of.
pub(super) fn begins(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(3)..start).unwrap_or_default();
    match before {
        [] => true,
        // The end of a line, or a tab, as programs write it in a text.
        [.., b'\\', b'n' | b'r' | b't'] => true,
        // A letter of a URL.
        [b'%', one, two] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() => true,
        [.., last] => !is_part(*last),
    }
}

/// Whether a key may end here.
pub(super) fn ends(text: &[u8], end: usize) -> bool {
    match text.get(end..) {
        None | Some([]) => true,
        Some([b'-', next, ..]) => !next.is_ascii_alphanumeric(),
        Some([next, ..]) => !is_part(*next),
    }
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte >= 0x80
}

/// What may stand between a name and its value: `NAME=value`, `NAME: value`, `"NAME": "value"`, `NAME => value`,
/// `ENV NAME value`, or the entry of a list with `name` and `value`.
static VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let between = r#"(?:["']?\s{0,4}\]?\s{0,4}(?:=>|[:?+]?=|:)\s{0,4}|["']?,?\s{1,24}["']?value["']?\s{0,4}[:=]\s{0,4}|[ \t]{1,4})"#;
    let whole = format!(r#"\A{between}(["']?)([0-9A-Za-z_./+=~:@|!%*-]{{16,512}})"#);
    RegexBuilder::new(&whole).unicode(false).build().ok()
});

/// A key by the name of its variable, which stands at `start` and ends at `end`.
fn by_name(shape: &Shape, text: &[u8], start: usize, end: usize) -> Option<Spot> {
    let is_begun = start
        .checked_sub(1)
        .and_then(|before| text.get(before))
        .is_none_or(|before| !before.is_ascii_alphanumeric() && *before != b'_');
    if !is_begun {
        return None;
    }
    let (start, value) = value_after(text, end)?;
    if !is_secret(value) {
        return None;
    }
    Some(Spot {
        start,
        end: start + value.len(),
        provider: shape.provider.clone(),
        key_type: shape.key_type.clone(),
        noun: shape.noun.clone(),
        id: None,
        evidence: Evidence::Name,
        secret: Secret::new(value),
    })
}

/// The value of a name that ends at `end`, and where it begins.
pub(super) fn value_after(text: &[u8], end: usize) -> Option<(usize, &str)> {
    let window = text.get(end..text.len().min(end + MAX_VALUE))?;
    let found = VALUE.as_ref()?.captures(window)?;
    let (quote, value) = (found.get(1)?.as_bytes(), found.get(2)?);
    let next = window.get(value.end());
    let is_ended = match quote.first() {
        Some(quote) => next == Some(quote),
        None => {
            next.is_none_or(|next| next.is_ascii_whitespace() || b",;#\"'`)}]&\\<".contains(next))
        }
    };
    let text = std::str::from_utf8(value.as_bytes()).ok()?;
    is_ended.then_some((end + value.start(), text))
}

/// Whether the value of a variable is a secret, and not a path, a name in a program, or an example.
pub(super) fn is_secret(value: &str) -> bool {
    let is_path = value.contains("://") || value.starts_with(['/', '.', '~', '%', '@']);
    let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
    let has_letter = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_mixed = value.bytes().any(|byte| byte.is_ascii_lowercase())
        && value.bytes().any(|byte| byte.is_ascii_uppercase())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // Names in programs and in documents are words, some with a number behind them.
    let is_word = |word: &str| {
        let rest = word.trim_start_matches(|one: char| one.is_ascii_alphabetic());
        word.len() <= MAX_WORD && rest.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut words = value.split(['-', '_', '.', '/', ':', '=', '+']);
    let is_name = words.clone().count() > 1 && words.all(is_word);
    !is_path
        && has_letter
        && (has_digit || (is_mixed && value.len() >= 24))
        && !is_name
        && !value.starts_with("sha256:")
        && has_chance(value)
        && !is_sample(value)
}

/// Whether somebody wrote on the line that its key may stand there. A line of a minified file is long, and nobody wrote on
/// it: only what is near is looked at.
fn is_allowed(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(MAX_KEY)..at).unwrap_or_default();
    let after = text.get(at..text.len().min(at + MAX_KEY)).unwrap_or_default();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    let end = after.iter().position(|byte| *byte == b'\n').unwrap_or(after.len());
    let has = |part: Option<&[u8]>| {
        part.is_some_and(|part| part.windows(ALLOWED.len()).any(|window| window == ALLOWED))
    };
    has(before.get(start..)) || has(after.get(..end))
}
