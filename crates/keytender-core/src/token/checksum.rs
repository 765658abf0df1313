//! The last six letters of a token; the recipe stands at the head of [`token`](super).

use crc::{CRC_32_ISO_HDLC, Crc, Table};

use super::letters;

/// The largest CRC-32 is `4gfFC3`: six letters hold them all.
pub(super) const LETTERS: usize = 6;

/// The CRC of zlib, gzip and PNG, 16 bytes at a time: a verifier takes it of every token.
static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// The checksum of what stands before it.
pub(crate) fn of(before: &[u8]) -> [u8; LETTERS] {
    let mut text = [0; LETTERS];
    letters::write(crc32(before), &mut text);
    text
}

/// The number that is written in letters.
pub(crate) fn crc32(before: &[u8]) -> u32 {
    CRC.checksum(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each by Python: `zlib.crc32`, written with `divmod`.
    #[test]
    fn checksums_are_those_of_zlib() {
        // 0xCBF43926, the check value that catalogues of CRCs give.
        assert_eq!(&of(b"123456789"), b"3jZRME");
        assert_eq!(&of(b""), b"000000");
        assert_eq!(&of(b"acme_live_7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUV"), b"2zoHDC");
        assert_eq!(&of(b"k2_test_000000000000_00000000000000000000000000000000"), b"3Kwl8V");
        let largest = b"abcdefghij_live_zzzzzzzzzzzz_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";
        assert_eq!(&of(largest), b"0ADBcC");
    }

    #[test]
    fn a_small_checksum_has_noughts_in_front() {
        let before = b"acme_live_7Hk2mQ9xTz4B_000000000000000000000000000000N2";
        assert_eq!(&of(before), b"00wkaH");
    }
}
