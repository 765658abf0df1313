//! Whether a kind of key can be told from what only looks like one: by its pattern and its checksum.

use thiserror::Error;

use crate::akm::Format;

/// How many look-alikes are tried.
pub const LOOK_ALIKES: usize = 100_000;
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why a kind of key is not recognised.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unrecognised {
    /// There is no pattern, or no checksum.
    #[error("`format` has no {0}")]
    Unsaid(&'static str),
    /// The pattern is none.
    #[error("the pattern cannot be read as a regular expression")]
    Pattern,
    /// A real key is not known by the pattern or the checksum.
    #[error("a real key does not match the {0}")]
    Real(&'static str),
    /// Look-alikes are taken for keys.
    #[error("{0} of 100,000 look-alikes are taken for keys")]
    LookAlikes(usize),
}

/// Whether pattern and checksum take a real key, and none of 100,000 texts of its shape whose letters are drawn
/// by `random`: anything from 0 to 255.
///
/// # Errors
/// Why not. No error holds a part of the key.
pub fn recognise(
    format: Option<&Format>,
    key: &str,
    mut random: impl FnMut() -> u8,
) -> Result<(), Unrecognised> {
    let is_said = |format: &&Format| format.pattern.is_some();
    let format = format.filter(is_said).ok_or(Unrecognised::Unsaid("pattern"))?;
    let checksum = format.checksum.ok_or(Unrecognised::Unsaid("checksum"))?;
    let pattern = format.pattern().ok_or(Unrecognised::Pattern)?;
    if !pattern.is_match(key) {
        return Err(Unrecognised::Real("pattern"));
    }
    if !checksum.fits(key) {
        return Err(Unrecognised::Real("checksum"));
    }
    let prefix = format.prefix.as_deref().filter(|prefix| key.starts_with(prefix));
    let kept = prefix.map_or(0, str::len);
    let mut letter = || loop {
        // 248 is the largest multiple of 62 below 256: each letter is as likely.
        let drawn = usize::from(random());
        if let Some(letter) = LETTERS.get(drawn % LETTERS.len()).filter(|_| drawn < 248) {
            return char::from(*letter);
        }
    };
    let taken = (0..LOOK_ALIKES).filter(|_| {
        let alike: String = key
            .char_indices()
            .map(|(at, one)| if at >= kept && one.is_ascii_alphanumeric() { letter() } else { one })
            .collect();
        alike != key && pattern.is_match(&alike) && checksum.fits(&alike)
    });
    match taken.count() {
        0 => Ok(()),
        count => Err(Unrecognised::LookAlikes(count)),
    }
}
