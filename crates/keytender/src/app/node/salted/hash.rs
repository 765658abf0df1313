//! Whether a key is the one of a salted hash. It takes as long as its issuer wanted.

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use keytender_core::imported::Salted;
use keytender_core::secret::Secret;

/// Whether what was hashed is `part`.
pub(super) fn is_of(salted: &Salted, part: &Secret) -> bool {
    let bytes = part.expose().as_bytes();
    match salted {
        Salted::Bcrypt(text) => bcrypt::verify(bytes, text).unwrap_or(false),
        Salted::Argon2(text) => PasswordHash::new(text)
            .is_ok_and(|hash| Argon2::default().verify_password(bytes, &hash).is_ok()),
        Salted::Pbkdf2 { is_sha512, iterations, salt, hash } => {
            let algorithm = if *is_sha512 { PBKDF2_HMAC_SHA512 } else { PBKDF2_HMAC_SHA256 };
            let Ok(iterations) = (*iterations).try_into() else { return false };
            pbkdf2::verify(algorithm, iterations, salt, bytes, hash).is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use keytender_core::imported::Kept;

    use super::*;

    fn is(text: &str, part: &str) -> bool {
        let Ok(Kept::Salted(salted)) = Kept::parse(None, text) else { panic!("{text}") };
        is_of(&salted, &Secret::new(part))
    }

    /// bcrypt: a vector of crypt_blowfish, by Solar Designer. Argon2id: one of the reference implementation's, for
    /// `password` and `somesalt`. PBKDF2: `hashlib` of Python, in the forms of Django, passlib
    /// and PHC.
    #[test]
    fn a_key_is_tried_as_its_issuer_would() {
        for (hash, part) in [
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
            (
                "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                "password",
            ),
            DJANGO,
            PASSLIB,
            SHA512,
        ] {
            assert!(is(hash, part), "{hash}");
            assert!(!is(hash, &format!("{part}x")), "{hash}");
            assert!(!is(hash, "x"), "{hash}");
        }
    }

    const DJANGO: (&str, &str) = (
        "pbkdf2_sha256$1000$somesalt1234$yrqNEfAo5WmDMQLgB3/iay5OiVuUrDNPNyZl28+4iHs=",
        "a key that others issued",
    );
    const PASSLIB: (&str, &str) = (
        "$pbkdf2-sha256$1000$c29tZXNhbHQxMjM0$yrqNEfAo5WmDMQLgB3/iay5OiVuUrDNPNyZl28.4iHs",
        "a key that others issued",
    );
    const SHA512: (&str, &str) = (
        "$pbkdf2-sha512$i=1000,l=64$c29tZXNhbHQxMjM0$pvjH/rxM7d3bot37+nDqQ582UAHPPP5iNNdkUGjCXBIrxgjuo7izn3X9mfFIjU3wfdn0lq1A2JFfsMZNe0ownw",
        "a key that others issued",
    );
}
