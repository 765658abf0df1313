//! Tokens from outside: what is made is read, what is made up is not.

use keytender_core::token::{
    BadToken, Brand, Digest, Environment, LENGTHS, RANDOM_BYTES, Token, TokenId, pattern,
};
use proptest::prelude::*;
use regex_lite::Regex;

use crate::harness;

/// Tokens of any brand and any random bytes.
fn tokens() -> impl Strategy<Value = Token> {
    let environment = prop::sample::select(Environment::ALL.to_vec());
    let bytes = prop::collection::vec(any::<u8>(), RANDOM_BYTES);
    ("[a-z0-9]{2,10}", environment, bytes).prop_map(|(brand, environment, bytes)| {
        let brand = Brand::parse(&brand).unwrap();
        Token::make(brand, environment, &bytes.try_into().unwrap())
    })
}

/// The letters before the checksum.
fn secret_of(text: &str) -> &str {
    &text[text.len() - (32 + 6)..text.len() - 6]
}

proptest! {
    #[test]
    fn a_token_that_was_made_is_read_back(token in tokens()) {
        let text = token.to_secret();
        let read = Token::parse(text.expose()).unwrap();
        let again = read.to_secret();
        prop_assert_eq!(again.expose(), text.expose());
        prop_assert_eq!(
            (read.brand(), read.environment(), read.id()),
            (token.brand(), token.environment(), token.id())
        );
        prop_assert_eq!(TokenId::parse(token.id().as_str()), Some(token.id()));
        let stored = Digest::parse(&token.digest().to_hex()).unwrap();
        prop_assert!(read.verify(&stored));
        prop_assert!(LENGTHS.contains(&text.expose().len()));
    }

    #[test]
    fn a_token_is_not_verified_by_the_digest_of_another(one in tokens(), other in tokens()) {
        let (text, other_text) = (one.to_secret(), other.to_secret());
        prop_assume!(secret_of(text.expose()) != secret_of(other_text.expose()));
        prop_assert!(!one.verify(&other.digest()));
    }

    /// `place` counts among the letters that may be any of base 62.
    #[test]
    fn a_changed_letter_does_not_pass_the_checksum(
        token in tokens(),
        place in 0_usize..12 + 32 + 6,
        letter in "[0-9A-Za-z]",
    ) {
        let text = token.to_secret();
        let start = text.expose().len() - (12 + 1 + 32 + 6);
        let place = start + place + usize::from(place >= 12);
        let mut changed = text.expose().to_owned();
        changed.replace_range(place..=place, &letter);
        let expected = (changed != text.expose()).then_some(BadToken::Checksum);
        prop_assert_eq!(Token::parse(&changed).err(), expected);
    }

    #[test]
    fn a_token_is_found_by_its_brands_pattern_and_by_no_others(
        token in tokens(),
        other in "[a-z0-9]{2,10}",
        before in "[^a-z0-9]{0,9}",
        after in "\\PC{0,9}",
    ) {
        let text = token.to_secret();
        let whole = Regex::new(&format!("^(?:{})$", pattern(token.brand()))).unwrap();
        prop_assert!(whole.is_match(text.expose()));
        let leaked = format!("{before}{}{after}", text.expose());
        let part = Regex::new(&pattern(token.brand())).unwrap();
        prop_assert_eq!(part.find(&leaked).map(|found| found.as_str()), Some(text.expose()));
        let other = Brand::parse(&other).unwrap();
        prop_assume!(other != token.brand());
        let whole = Regex::new(&format!("^(?:{})$", pattern(other))).unwrap();
        prop_assert!(!whole.is_match(text.expose()));
    }

    #[test]
    fn any_bytes_as_a_token_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        harness::token(&bytes);
    }

    #[test]
    fn changed_tokens_never_panic(
        token in tokens(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = token.to_secret().expose().as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        harness::token(&bytes);
    }

    /// By chance, one in 57,000,000,000 passes the checksum.
    #[test]
    fn what_only_looks_like_a_token_is_refused(
        text in "[a-z0-9]{2,10}_(live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}",
    ) {
        prop_assert_eq!(Token::parse(&text).err(), Some(BadToken::Checksum));
    }

    #[test]
    fn random_text_is_no_token(text in "[ -~]{55,70}") {
        prop_assert!(Token::parse(&text).is_err());
    }
}
