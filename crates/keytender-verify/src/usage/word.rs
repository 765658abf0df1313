//! Numbers that tell whether they are whole: 48 bits, and 16 that follow from them.

/// The largest number.
pub(super) const MAX: u64 = (1 << 48) - 1;

/// Spreads the bits of a number: the last steps of SplitMix64 (Steele, Lea, Flood: "Fast splittable
/// pseudorandom number generators", 2014). It finds accidents, not attacks: whoever writes to the file can do
/// anything.
pub(super) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Writes a number; larger ones are written as [`MAX`]. `salt` is the record's own, and differs from word to
/// word, so that a word in a wrong place is not whole there. No number is written as 0, which is what was
/// never written, but 0.
pub(super) const fn write(number: u64, salt: u64) -> u64 {
    let number = if number > MAX { MAX } else { number };
    if number == 0 { 0 } else { (number << 16) | (mix(number ^ salt) >> 48) }
}

/// The number in a word, whether it is whole or not.
pub(super) const fn number(word: u64) -> u64 {
    word >> 16
}

/// The number in a word, if it is whole.
pub(super) fn read(word: u64, salt: u64) -> Option<u64> {
    (write(number(word), salt) == word).then_some(number(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_back_and_a_changed_one_is_not() {
        for value in [0, 1, 255, 256, 1 << 20, MAX] {
            let word = write(value, 7);
            assert_eq!(read(word, 7), Some(value));
            assert!(value == 0 || read(word, 8).is_none());
            assert!((0..64).all(|bit| read(word ^ (1 << bit), 7).is_none()), "{value}");
        }
        assert_eq!(read(write(u64::MAX, 7), 7), Some(MAX));
    }
}
