//! Each form beside what is wrong with one. The hashes were made with Python: `hashlib`, Django 5.2, and passlib's form by
//! its documentation.

use proptest::prelude::*;

use super::*;

/// `sha256` of `a key that others issued`.
const HEX: &str = "f6f04e2a0e7877ce5a27de7759d55aa9c94815f0096143b80021dedcead29c83";
const BASE64: &str = "9vBOKg54d85aJ953WdVaqclIFfAJYUO4ACHe3OrSnIM=";
const BASE64_URL: &str = "9vBOKg54d85aJ953WdVaqclIFfAJYUO4ACHe3OrSnIM";
const SHA512: &str = "09608509c5c5a7bd15d6a0f753f4dc613dc02cfddf9e2050a5591b10140505854ed63261696a12679efeae55f884f12b3c150ed9c9790972272844e3cfef4934";
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
const ARGON2: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b7dWRWJTmaaJObGRdescudvJCs";
const DJANGO: &str = "pbkdf2_sha256$1000$somesalt1234$yrqNEfAo5WmDMQLgB3/iay5OiVuUrDNPNyZl28+4iHs=";
const PASSLIB: &str =
    "$pbkdf2-sha256$1000$c29tZXNhbHQxMjM0$yrqNEfAo5WmDMQLgB3/iay5OiVuUrDNPNyZl28.4iHs";
const PHC: &str =
    "$pbkdf2-sha256$i=1000,l=32$c29tZXNhbHQxMjM0$yrqNEfAo5WmDMQLgB3/iay5OiVuUrDNPNyZl28+4iHs";

fn read(text: &str) -> Result<Kept, BadHash> {
    Kept::parse(None, text)
}

#[test]
fn a_digest_is_one_in_whatever_letters_it_is_written() {
    let bytes = hex::decode(HEX).unwrap();
    let upper = HEX.to_uppercase();
    let unpadded = BASE64.trim_end_matches('=');
    for text in [HEX, &upper, BASE64, BASE64_URL, unpadded] {
        for hashing in [Hashing::Sha256, Hashing::HmacSha256] {
            let kept = Kept::parse(Some(hashing), text);
            assert_eq!(kept, Ok(Kept::Digest(hashing, bytes.clone())), "{text}");
        }
        let named = format!("sha256:{text}");
        assert_eq!(read(&named), Kept::parse(Some(Hashing::Sha256), &named));
        assert_eq!(read(text), Err(BadHash::Unnamed));
        let as_long = Kept::parse(Some(Hashing::Sha512), text);
        assert_eq!(as_long, Err(BadHash::Digest(Hashing::Sha512)), "{text}");
    }
    let django = format!("sha512$${SHA512}");
    assert_eq!(read(&django), Kept::parse(Some(Hashing::Sha512), SHA512));
    assert_eq!(read(&django).unwrap().hashing(), Hashing::Sha512);
}

#[test]
fn salted_hashes_say_themselves_what_they_are() {
    for (text, hashing) in [
        (BCRYPT, Hashing::Bcrypt),
        (ARGON2, Hashing::Argon2),
        (DJANGO, Hashing::Pbkdf2),
        (PASSLIB, Hashing::Pbkdf2),
        (PHC, Hashing::Pbkdf2),
    ] {
        let kept = read(text).unwrap();
        assert_eq!(kept.hashing(), hashing);
        assert_eq!(Kept::parse(Some(hashing), text), Ok(kept.clone()));
        let other = Kept::parse(Some(Hashing::Sha256), text);
        assert_eq!(other, Err(BadHash::Other(Hashing::Sha256)), "{text}");
        let Kept::Salted(salted) = &kept else { panic!("{text} has a salt") };
        assert_eq!(read(&salted.to_text()), Ok(kept.clone()));
        assert!(!format!("{kept:?} {salted:?}").contains('$'));
    }
    assert_eq!(read(&format!("bcrypt${BCRYPT}")), read(BCRYPT));
    assert_eq!(read(&format!("argon2{ARGON2}")), read(ARGON2));
    assert_eq!(read(PASSLIB), read(PHC), "the same in two forms");
}

#[test]
fn what_cannot_be_verified_is_refused_with_its_reason() {
    use Hashing::{Argon2, Bcrypt, Pbkdf2, Sha256, Sha512};
    let long = "a".repeat(10_000);
    for (text, why) in [
        ("", BadHash::Unnamed),
        ("hunter2", BadHash::Unnamed),
        ("sha256:xyz", BadHash::Digest(Sha256)),
        (&format!("sha256:{long}"), BadHash::Digest(Sha256)),
        (&format!("sha512:{HEX}"), BadHash::Digest(Sha512)),
        (&format!("sha512$salt${SHA512}"), BadHash::SaltedDigest(Sha512)),
        (&format!("sha512${SHA512}"), BadHash::Damaged(Sha512)),
        (&format!("bcrypt_sha256${BCRYPT}"), BadHash::Prehashed),
        (&BCRYPT.replace("$2a$", "$2x$"), BadHash::Damaged(Bcrypt)),
        (&BCRYPT.replace("$05$", "$5$"), BadHash::Damaged(Bcrypt)),
        (&BCRYPT.replace("$05$", "$16$"), BadHash::TooCostly(Bcrypt)),
        (&BCRYPT.replace("OeW", "O"), BadHash::Damaged(Bcrypt)),
        (&BCRYPT.replace("OeW", "Oe!"), BadHash::Damaged(Bcrypt)),
        (&ARGON2.replace("argon2id", "argon2x"), BadHash::Damaged(Argon2)),
        (&ARGON2.replace("m=19456", "m=4"), BadHash::Damaged(Argon2)),
        (&ARGON2.replace("t=2", "t=0"), BadHash::Damaged(Argon2)),
        (&ARGON2.replace("m=19456", "m=4194304"), BadHash::TooCostly(Argon2)),
        (&ARGON2.replace("t=2", "t=1000"), BadHash::TooCostly(Argon2)),
        (&ARGON2.replace("p=1", "p=17"), BadHash::TooCostly(Argon2)),
        (&ARGON2.replace("c29tZXNhbHQ", ""), BadHash::Damaged(Argon2)),
        (&DJANGO.replace("sha256", "sha1"), BadHash::Function),
        (&DJANGO.replace("$1000$", "$0$"), BadHash::Damaged(Pbkdf2)),
        (&DJANGO.replace("$1000$", "$-1$"), BadHash::Damaged(Pbkdf2)),
        (&DJANGO.replace("$1000$", "$2000001$"), BadHash::TooCostly(Pbkdf2)),
        (&PHC.replace("l=32", "l=31"), BadHash::Damaged(Pbkdf2)),
        (&PHC.replace("sha256", "md5"), BadHash::Function),
    ] {
        assert_eq!(read(text), Err(why), "{text}");
    }
    let bare = Kept::parse(Some(Bcrypt), HEX);
    assert_eq!(bare, Err(BadHash::Other(Bcrypt)));
}

proptest! {
    /// Whatever stands there, it is read or refused; and what was read is the same when it is written again.
    #[test]
    fn any_text_is_a_hash_or_none(text in "(\\$(2b|argon2id|pbkdf2-sha256)|pbkdf2_sha256|sha256|bcrypt)[$:=,a-zA-Z0-9./+]{0,80}") {
        if let Ok(Kept::Salted(salted)) = read(&text) {
            prop_assert_eq!(read(&salted.to_text()), Ok(Kept::Salted(salted)));
        }
    }

    #[test]
    fn every_digest_is_read_from_each_of_its_texts(bytes in prop::array::uniform32(any::<u8>())) {
        let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let standard = base64::engine::general_purpose::STANDARD.encode(bytes);
        for text in [hex::encode(bytes), url, standard] {
            let kept = Kept::parse(Some(Hashing::Sha256), &text);
            prop_assert_eq!(kept, Ok(Kept::Digest(Hashing::Sha256, bytes.to_vec())));
        }
    }

    /// One letter changed anywhere is another hash, or none: never the same.
    #[test]
    fn no_letter_is_without_meaning(place in 0_usize..200, letter in "[a-zA-Z0-9]") {
        for text in [BCRYPT, ARGON2, PHC] {
            let place = place % text.len();
            let changed: String = text
                .chars()
                .enumerate()
                .map(|(at, one)| if at == place { letter.chars().next().unwrap() } else { one })
                .collect();
            if changed != text {
                prop_assert_ne!(read(&changed).ok(), read(text).ok(), "{}", changed);
            }
        }
    }
}
