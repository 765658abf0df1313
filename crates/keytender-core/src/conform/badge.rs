//! A badge: a level on a small picture, which stands by itself: no script, no style, no font from elsewhere.

use std::fmt::Write;

use super::Level;

/// What stands on the left.
const LABEL: &str = "API keys";
const LABEL_COLOUR: &str = "#3b4049";
/// The height, and what is on both sides of a text.
const HEIGHT: usize = 20;
const MARGIN: usize = 8;
/// About the width of one letter of the usual fonts of such pictures at 11 pixels.
const LETTER: usize = 7;

/// The colour behind a level: each carries white text.
pub(super) const fn colour(level: Option<Level>) -> &'static str {
    match level {
        None => "#8b1a1a",
        Some(Level::K0) => "#8a4b08",
        Some(Level::K1) => "#735c00",
        Some(Level::K2) => "#4d6600",
        Some(Level::K3) => "#1f6b3a",
        Some(Level::K4) => "#0b6660",
        Some(Level::K5) => "#0b57a4",
    }
}

/// The badge of a level, as SVG. A claim that nobody tried says so; where a provider has several kinds of key
/// the badge names the one that it is about.
pub fn badge(level: Option<Level>, is_claimed: bool, kind: Option<&str>) -> String {
    let level_word = level.map_or("none", Level::as_str);
    let word = level.map_or("below K0", Level::word);
    let mut right = level.map_or_else(|| word.to_owned(), |_| format!("{level_word} {word}"));
    if is_claimed {
        right.push_str(", claimed");
    }
    let left = kind.map_or_else(|| LABEL.to_owned(), |kind| format!("{LABEL}: {kind}"));
    let width = |text: &str| text.chars().count() * LETTER + 2 * MARGIN;
    let (left_width, right_width) = (width(&left), width(&right));
    let whole = left_width + right_width;
    let (left, right) = (escaped(&left), escaped(&right));
    let mut svg = String::new();
    // Writing to a text does not fail.
    _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"{HEIGHT}\" role=\"img\" \
         aria-label=\"{left}: {right}\">\n\
         <title>{left}: {right}</title>\n\
         <clipPath id=\"edge\"><rect width=\"{whole}\" height=\"{HEIGHT}\" rx=\"3\"/></clipPath>\n\
         <g clip-path=\"url(#edge)\">\n\
         <rect width=\"{left_width}\" height=\"{HEIGHT}\" fill=\"{LABEL_COLOUR}\"/>\n\
         <rect x=\"{left_width}\" width=\"{right_width}\" height=\"{HEIGHT}\" fill=\"{}\"/>\n\
         </g>\n\
         <g fill=\"#ffffff\" text-anchor=\"middle\" font-size=\"11\" \
         font-family=\"Verdana, 'DejaVu Sans', sans-serif\">\n\
         <text x=\"{}\" y=\"14\">{left}</text>\n\
         <text x=\"{}\" y=\"14\">{right}</text>\n\
         </g>\n\
         </svg>\n",
        colour(level),
        left_width / 2,
        left_width + right_width / 2,
    );
    svg
}

/// A text that may stand in XML.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for one in text.chars().filter(|one| !one.is_control()) {
        match one {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            one => safe.push(one),
        }
    }
    safe
}
