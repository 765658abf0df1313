//! What only looks like a key: examples of documentation, placeholders, texts with too little chance in them. To call
//! one of these a key is worse than a warning too many, for people stop reading.

use keytender_core::akm::fingerprint;

/// Words that stand in examples and placeholders, in small letters. Five letters at least: in a random key of 40 letters
/// one of these stands by chance once in 700,000.
const WORDS: [&str; 24] = [
    "123456",
    "abcdef",
    "cafebabe",
    "change_me",
    "changeme",
    "deadbeef",
    "dummy",
    "example",
    "foobar",
    "insert",
    "notreal",
    "password",
    "placeholder",
    "redacted",
    "replace",
    "sample",
    "secret",
    "testing",
    "token",
    "xxxxx",
    "your-",
    "your_",
    "yourapi",
    "yourkey",
];

/// Fingerprints of keys that stand in a provider's own documentation.
const PUBLISHED: [&str; 1] = [
    // Resend's reference of API keys.
    "sha256-921ca1848ee98ea48562fd1c",
];

/// The longest run of letters that are the same, or each the next of the last, in a random text of 16 letters to choose
/// from: a longer one stands in one of 100,000.
const MAX_RUN: usize = 6;
/// The least chance in a text of 16 letters to choose from, in bits a letter: of random ones of 32 letters less than one
/// in a million has so little.
const MIN_BITS_HEX: f64 = 2.6;
/// The same of more letters.
const MIN_BITS: f64 = 2.9;
/// The longest piece of which a text may be made by repetition.
const MAX_PERIOD: usize = 10;

/// Whether the part of a key that should be random is not: an example, a placeholder.
pub(super) fn is_sample(random: &str) -> bool {
    let small = random.to_ascii_lowercase();
    WORDS.iter().any(|word| small.contains(word))
        || longest_run(random.as_bytes()) > MAX_RUN
        || is_repeated(random.as_bytes())
        || !has_chance(random)
}

/// Whether a whole key stands in a provider's documentation.
pub(super) fn is_published(key: &str) -> bool {
    PUBLISHED.contains(&fingerprint(key).as_str())
}

/// Whether a text has as much chance in it as random ones have.
pub(super) fn has_chance(text: &str) -> bool {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    bits(text.as_bytes()) >= if is_hex { MIN_BITS_HEX } else { MIN_BITS }
}

/// Shannon's entropy of the letters of a text, in bits a letter.
fn bits(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX).max(1));
    let share = |count: &u32| {
        let share = f64::from(*count) / length;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(share).sum()
}

/// The longest run of letters that are the same, or each one more or one less than the last.
fn longest_run(text: &[u8]) -> usize {
    let mut longest = 1;
    for step in [-1_i16, 0, 1] {
        let mut run = 1;
        for (last, next) in text.iter().zip(text.iter().skip(1)) {
            let is_next = i16::from(*next) - i16::from(*last) == step;
            run = if is_next { run + 1 } else { 1 };
            longest = longest.max(run);
        }
    }
    longest
}

fn is_repeated(text: &[u8]) -> bool {
    let is_of =
        |period: usize| text.iter().zip(text.iter().skip(period)).all(|(one, two)| one == two);
    (1..=MAX_PERIOD).any(|period| text.len() >= 2 * period && is_of(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_are_no_samples() {
        for text in [
            "q7Zr3kQ8pLw0XvTn5JbYc1Hd7GfSaM2e",
            "9f86d081884c7d659a2feaa0c55ad015",
            "JV7QKX4MZ2TRN6WD",
            "kT9mV2xQ7rLp4WnB8sYc",
        ] {
            assert!(!is_sample(text), "{text}");
        }
    }

    #[test]
    fn examples_and_placeholders_are_samples() {
        for text in [
            "IOSFODNN7EXAMPLE",
            "xxxxxxxxxxxxxxxxxxxx",
            "your_token_goes_here_1",
            "00000000000000000000000000000000",
            "abcdefghijklmnopqrstuvwxyz012345",
            "0123456789abcdef0123456789abcdef",
            "a1B2c3a1B2c3a1B2c3a1B2c3",
            "zyxwvutsrqponmlk",
            "aaaabbbbccccddddaaaa",
        ] {
            assert!(is_sample(text), "{text}");
        }
    }
}
