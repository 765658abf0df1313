//! Colours that somebody chose for pages: whether what is drawn in one can be read.

use std::fmt;

/// A colour of the sRGB space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Red, green and blue, each from 0 to 255.
    parts: [u8; 3],
}

/// The contrast between text and what is behind it that everybody can read (WCAG 2.2, 1.4.3).
pub const READABLE: f64 = 4.5;
/// In how many steps a colour becomes white.
const STEPS: u16 = 64;

impl Colour {
    /// A colour of its parts, each from 0 to 255.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { parts: [red, green, blue] }
    }

    /// Reads `#2f5fb3`, in either case; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|one| one.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self::new(red, green, blue))
    }

    /// The contrast to another colour, from 1 to 21 (WCAG 2.2, contrast ratio).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// The first colour on the way to white whose contrast to `behind` is [`READABLE`]; white, if none has.
    #[must_use]
    pub fn lighter_on(self, behind: Self) -> Self {
        let mixed = |step: u16| {
            let part = |part: u8| {
                let part = u16::from(part);
                u8::try_from(part + (255 - part) * step / STEPS).unwrap_or(u8::MAX)
            };
            Self { parts: self.parts.map(part) }
        };
        let mut lighter = (0..=STEPS).map(mixed);
        lighter.find(|one| one.contrast(behind) >= READABLE).unwrap_or(Self::new(255, 255, 255))
    }

    /// The relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.parts.map(linear);
        0.0722f64.mul_add(blue, 0.2126f64.mul_add(red, 0.7152 * green))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.parts;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Colour = Colour::new(255, 255, 255);
    const BLACK: Colour = Colour::new(0, 0, 0);

    #[test]
    fn a_colour_is_six_digits() {
        assert_eq!(Colour::parse("#2F5fb3").unwrap().to_string(), "#2f5fb3");
        for wrong in
            ["2f5fb3", "#fff", "#2f5fb", "#2f5fb3ff", "#2f5fbg", "red", "", "#+f5fb3", "#é5fb"]
        {
            assert_eq!(Colour::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn contrasts_are_those_that_are_published() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
        assert!((WHITE.contrast(WHITE) - 1.0).abs() < 1e-9);
        // The lightest grey that is readable on white, and the one after it.
        let grey = |part| Colour::new(part, part, part);
        assert!(grey(0x76).contrast(WHITE) >= READABLE);
        assert!(grey(0x77).contrast(WHITE) < READABLE);
    }

    #[test]
    fn a_dark_colour_becomes_as_light_as_it_must() {
        let night = Colour::new(0x1e, 0x22, 0x27);
        for text in ["#000000", "#2f5fb3", "#7a0000", "#00ff00", "#ffffff"] {
            let colour = Colour::parse(text).unwrap();
            let lighter = colour.lighter_on(night);
            assert!(lighter.contrast(night) >= READABLE, "{text} {lighter}");
            assert_eq!(lighter.lighter_on(night), lighter);
        }
        let bright = Colour::parse("#00ff00").unwrap();
        assert_eq!(bright.lighter_on(night), bright, "what can be read stays as it is");
    }
}
