//! Base 62: letters that no shell, URL, CSV or mail changes.

/// Digits, capitals, small letters: the order of ASCII, so that letters sort as their numbers do.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether a byte is a letter of base 62.
pub(super) const fn is_letter(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// The places of eight letters of base 62 among them, 6 bits each, the first letter's on top. Without a branch:
/// letters are random, and a processor that guesses which range one is in is wrong most of the time. Of what is no
/// letter it says anything.
pub(super) const fn sextets(letters: [u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_be_bytes(letters);
    let is_letter = (word >> 6) & ONES;
    let is_lower = is_letter & (word >> 5);
    let bytes = word.wrapping_sub((b'0' as u64) * ONES + 7 * is_letter + 6 * is_lower);
    let pairs = (bytes & 0x003f_003f_003f_003f) | ((bytes & 0x3f00_3f00_3f00_3f00) >> 2);
    let fours = (pairs & 0x0000_0fff_0000_0fff) | ((pairs & 0x0fff_0000_0fff_0000) >> 4);
    (fours & 0x00ff_ffff) | ((fours >> 32) << 24)
}

/// Writes `number`, the most significant letter first.
pub(super) fn write(mut number: u32, letters: &mut [u8]) {
    for letter in letters.iter_mut().rev() {
        *letter = ALPHABET.get((number % 62) as usize).copied().unwrap_or(b'0');
        number /= 62;
    }
}

/// Writes `number`, big end first, modulo 62^(length of `letters`) into `letters`, the most
/// significant first. What is left in `number` is the quotient.
///
/// Long division by 62, once a letter. Which steps are made does not depend on the number.
pub(super) fn reduce(number: &mut [u8], letters: &mut [u8]) {
    for letter in letters.iter_mut().rev() {
        let mut rest = 0_u16;
        for digit in number.iter_mut() {
            // Below 62 × 256, so the quotient is below 256.
            let dividend = rest * 256 + u16::from(*digit);
            *digit = u8::try_from(dividend / 62).unwrap_or(u8::MAX);
            rest = dividend % 62;
        }
        *letter = ALPHABET.get(usize::from(rest)).copied().unwrap_or(b'0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced<const LETTERS: usize>(number: u64) -> [u8; LETTERS] {
        let mut letters = [0; LETTERS];
        reduce(&mut number.to_be_bytes(), &mut letters);
        letters
    }

    #[test]
    fn numbers_are_written_from_their_largest_letter() {
        assert_eq!(&reduced::<3>(0), b"000");
        assert_eq!(&reduced::<3>(61), b"00z");
        assert_eq!(&reduced::<3>(62), b"010");
        assert_eq!(&reduced::<3>(10 * 62 * 62 + 35 * 62 + 36), b"AZa");
        // Python: 2**64 - 1 is LygHa16AHYF in this alphabet.
        assert_eq!(&reduced::<11>(u64::MAX), b"LygHa16AHYF");
    }

    #[test]
    fn a_short_number_is_written_like_a_long_one() {
        for number in [0, 1, 61, 62, 0xCBF4_3926, u32::MAX] {
            let mut letters = [0; 6];
            write(number, &mut letters);
            assert_eq!(letters, reduced::<6>(number.into()));
        }
    }

    #[test]
    fn a_letter_knows_its_place() {
        for (place, letter) in (0_u64..).zip(ALPHABET) {
            for at in 0..8 {
                let mut letters = [b'0'; 8];
                letters[at] = *letter;
                assert_eq!(sextets(letters), place << (6 * (7 - at)));
            }
        }
        let mixed = [35_u64, 61, 0, 9, 10, 36, 61, 1];
        assert_eq!(sextets(*b"Zz09Aaz1"), mixed.iter().fold(0, |all, one| (all << 6) | one));
    }

    #[test]
    fn what_is_too_large_is_cut_from_above() {
        assert_eq!(&reduced::<2>(62 * 62 * 7 + 62 + 1), b"11");
    }

    #[test]
    fn only_letters_and_digits_of_ascii_are_letters() {
        assert_eq!((0..=u8::MAX).filter(is_letter).count(), ALPHABET.len());
        assert!(ALPHABET.iter().all(is_letter));
        assert!(ALPHABET.is_sorted());
    }
}
