//! Checksums within keys: the few ways in which providers make them, by name. A key that does not pass is mistyped or
//! made up, so whoever finds keys in text tells them from look-alikes.

use serde::Deserialize;

use crate::token::{crc32, crc32_in_letters};

/// How the checksum of a key is made. All are of CRC-32 as in zlib (CRC-32/ISO-HDLC, RFC 1952 section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// The last 6 letters, in base 62 (`0`–`9`, `A`–`Z`, `a`–`z`), are of all letters before them.
    Crc32Base62,
    /// The last 6 letters, in base 62, are of what stands between the first `_` and them.
    Crc32Base62AfterPrefix,
    /// The last 8 letters, in small hexadecimal, are of what stands between the first `_` and them.
    Crc32HexAfterPrefix,
    /// The last 8 letters, in small hexadecimal with the lowest byte first, are of what stands before the last `_`.
    Crc32HexLittleEndian,
}

impl Checksum {
    /// Whether `text` ends in the checksum of what stands before it.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::Crc32Base62 => is_base62(text),
            Self::Crc32Base62AfterPrefix => {
                text.split_once('_').is_some_and(|(_, rest)| is_base62(rest))
            }
            Self::Crc32HexAfterPrefix => {
                let rest = text.split_once('_').map(|(_, rest)| rest.as_bytes());
                let cut = rest.and_then(|rest| rest.split_last_chunk::<8>());
                cut.is_some_and(|(before, last)| {
                    hex::encode(crc32(before).to_be_bytes()).as_bytes() == last
                })
            }
            Self::Crc32HexLittleEndian => text.rsplit_once('_').is_some_and(|(before, last)| {
                hex::encode(crc32(before.as_bytes()).to_le_bytes()) == last
            }),
        }
    }
}

fn is_base62(text: &str) -> bool {
    let cut = text.as_bytes().split_last_chunk();
    cut.is_some_and(|(before, last)| crc32_in_letters(before) == *last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each made by Python: `zlib.crc32`, written with `divmod` or `int.to_bytes`.
    const WHOLE: [(Checksum, &str); 4] = [
        (Checksum::Crc32Base62, "acme_live_7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUV2zoHDC"),
        (Checksum::Crc32Base62AfterPrefix, "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"),
        (Checksum::Crc32HexAfterPrefix, "cfut_Zr3kQ8pLw0XvTn5JbYc1Hd7GfSaM2eUo4iKqVx6R7f0c105d"),
        (Checksum::Crc32HexLittleEndian, "glsa_Zr3kQ8pLw0XvTn5JbYc1Hd7GfSaM2eUo_1954fc45"),
    ];

    #[test]
    fn a_key_with_its_checksum_passes_and_one_with_another_letter_does_not() {
        for (kind, text) in WHOLE {
            assert!(kind.fits(text), "{text}");
            for (place, letter) in text.char_indices().filter(|(place, _)| *place > 4) {
                let mut other = text.to_owned();
                let to = if letter == '0' { "1" } else { "0" };
                other.replace_range(place..place + letter.len_utf8(), to);
                let is_before_the_prefix_ends = letter == '_' && kind != Checksum::Crc32Base62;
                assert!(is_before_the_prefix_ends || !kind.fits(&other), "{other}");
            }
        }
    }

    #[test]
    fn a_text_that_is_too_short_has_no_checksum() {
        for (kind, _) in WHOLE {
            for text in ["", "_", "a", "é", "12345", "a_"] {
                assert!(!kind.fits(text), "{text}");
            }
        }
    }
}
