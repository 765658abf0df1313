//! Each rule of the format: its refusal beside its success. Known answers were computed with
//! Python's `zlib`, `hashlib` and integers.

use super::*;

/// A token that nobody issued; its checksum by hand.
const TOKEN: &str = "acme_live_7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUV2zoHDC";

fn brand(text: &str) -> Brand {
    Brand::parse(text).unwrap()
}

fn refusal(text: &str) -> Option<BadToken> {
    Token::parse(text).err()
}

/// The text with its checksum set right, so that only what stands before it is judged.
fn sealed(before: &str) -> String {
    let letters = checksum::of(before.as_bytes());
    format!("{before}{}", std::str::from_utf8(&letters).unwrap())
}

#[test]
fn a_token_is_read_part_by_part() {
    let token = Token::parse(TOKEN).unwrap();
    assert_eq!(token.brand(), brand("acme"));
    assert_eq!(token.environment(), Environment::Live);
    assert_eq!(token.id().as_str(), "7Hk2mQ9xTz4B");
    // sha256sum of 0123456789ABCDEFGHIJKLMNOPQRSTUV
    let hex = "41ba696bc2822924f7cba0ce211bfddfe653ceb3c981255a1775bebf110bf42d";
    assert_eq!(token.digest().to_hex(), hex);
    assert_eq!(token.to_secret().expose(), TOKEN);
}

#[test]
fn a_token_made_of_known_bytes_is_known() {
    let counted = std::array::from_fn(|place| u8::try_from(place).unwrap());
    for (bytes, text, digest) in [
        (
            [0; RANDOM_BYTES],
            "acme_live_000000000000_000000000000000000000000000000002YwDQV",
            "84e0c0eafaa95a34c293f278ac52e45ce537bab5e752a00e6959a13ae103b65a",
        ),
        (
            [0xff; RANDOM_BYTES],
            "acme_live_dSrwuqMMiME3_KSM0CqPAhM7nU6QjpMjmK2kGZ25O4GGV1L3iwS",
            "8f02792147374e42fdbbf1553b1192e30a6dfeff6334ffc1ba9efe06b6568562",
        ),
        (
            counted,
            "acme_live_KaHnGgOvQKAR_Ejn3LLQqpK6ecTcBkgc6pbkW41d1tlmh2lVrUl",
            "ddc2d793e32969479480cff29e276ece75bc41c22959b006ff973e7865ecf9aa",
        ),
    ] {
        let token = Token::make(brand("acme"), Environment::Live, &bytes);
        assert_eq!(token.to_secret().expose(), text);
        assert_eq!(token.digest().to_hex(), digest);
    }
}

#[test]
fn a_token_is_verified_by_its_own_digest_only() {
    let token = Token::parse(TOKEN).unwrap();
    let stored = Digest::parse(&token.digest().to_hex()).unwrap();
    assert!(token.verify(&stored));
    let same_id = sealed("acme_live_7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUv");
    assert!(!Token::parse(&same_id).unwrap().verify(&stored));
}

#[test]
fn a_token_shows_its_id_and_never_its_secret() {
    let token = Token::parse(TOKEN).unwrap();
    let shown = format!("{token:?} {token:#?} {:?} {:?}", token.to_secret(), token.digest());
    assert!(shown.contains("7Hk2mQ9xTz4B"));
    for hidden in ["0123", "RSTUV", "2zoHDC", "41ba", "48, 49"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[test]
fn shortest_and_longest_are_tokens_and_what_lies_beyond_is_not() {
    let shortest = "k2_test_000000000000_000000000000000000000000000000003Kwl8V";
    let longest = "abcdefghij_live_zzzzzzzzzzzz_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz0ADBcC";
    assert_eq!((shortest.len(), longest.len()), (*LENGTHS.start(), *LENGTHS.end()));
    assert_eq!(refusal(shortest), None);
    assert_eq!(refusal(longest), None);
    let rest = "_live_7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUV";
    assert_eq!(refusal(&sealed(&format!("k{rest}"))), Some(BadToken::Length));
    assert_eq!(refusal(&sealed(&format!("abcdefghijk{rest}"))), Some(BadToken::Length));
    assert_eq!(refusal(""), Some(BadToken::Length));
    assert_eq!(refusal(&"a_".repeat(1 << 20)), Some(BadToken::Length));
}

#[test]
fn a_prefix_is_brand_and_environment() {
    let rest = "7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUV";
    for prefix in ["acme_live_", "acme_test_", "42_live_"] {
        assert_eq!(refusal(&sealed(&format!("{prefix}{rest}"))), None, "{prefix}");
    }
    for prefix in [
        "Acme_live_",
        "acme_prod_",
        "acme-live_",
        "acme_live-",
        "ac_e_test_",
        "_acme_test_",
        "acmelive_",
    ] {
        let text = sealed(&format!("{prefix}{rest}"));
        assert_eq!(refusal(&text), Some(BadToken::Prefix), "{text}");
    }
    let dashed = rest.replace('_', "-");
    assert_eq!(refusal(&sealed(&format!("acme_live_{dashed}"))), Some(BadToken::Prefix));
}

#[test]
fn id_and_secret_are_letters_of_base_62() {
    for (id, secret) in [
        ("7Hk2mQ9xTz4_", "0123456789ABCDEFGHIJKLMNOPQRSTUV"),
        ("7Hk2mQ9xTz4B", "0123456789ABCDEF_HIJKLMNOPQRSTUV"),
        ("7Hk2mQ9xTz4B", "0123456789ABCDEF+HIJKLMNOPQRSTUV"),
        // Two bytes, so that the length is right.
        ("7Hk2mQ9xTz4B", "0123456789ABCDEFéIJKLMNOPQRSTUV"),
        ("7Hk2mQ9xTzé", "0123456789ABCDEFGHIJKLMNOPQRSTUV"),
    ] {
        let text = sealed(&format!("acme_live_{id}_{secret}"));
        assert_eq!(refusal(&text), Some(BadToken::Letters), "{text}");
    }
    assert_eq!(refusal(&TOKEN.replace("HDC", "HD-")), Some(BadToken::Letters));
}

#[test]
fn what_surrounds_a_token_is_not_forgiven() {
    for text in [format!(" {TOKEN}"), format!("{TOKEN}\n"), format!("\"{TOKEN}\"")] {
        assert!(refusal(&text).is_some(), "{text}");
    }
    // One letter lost at either end.
    assert_eq!(refusal(TOKEN.strip_prefix('a').unwrap()), Some(BadToken::Checksum));
    assert!(refusal(TOKEN.strip_suffix('C').unwrap()).is_some());
}

/// Every place of a token changed into every letter of ASCII.
#[test]
fn a_single_changed_letter_is_refused_at_every_place() {
    let mut refused_by_checksum = 0;
    for place in 0..TOKEN.len() {
        for letter in (0..128_u8).filter(|letter| *letter != TOKEN.as_bytes()[place]) {
            let mut bytes = TOKEN.as_bytes().to_vec();
            bytes[place] = letter;
            let expected = match place {
                0..4 if letter.is_ascii_lowercase() || letter.is_ascii_digit() => {
                    BadToken::Checksum
                }
                // Brand, environment, and the three separators.
                0..10 | 22 => BadToken::Prefix,
                _ if letter.is_ascii_alphanumeric() => BadToken::Checksum,
                _ => BadToken::Letters,
            };
            let text = std::str::from_utf8(&bytes).unwrap();
            assert_eq!(refusal(text), Some(expected), "{text}");
            refused_by_checksum += usize::from(expected == BadToken::Checksum);
        }
    }
    // Whatever still has the form of a token: 4 letters of a brand, 12 + 32 + 6 of base 62.
    assert_eq!(refused_by_checksum, 4 * 35 + 50 * 61);
}

#[test]
fn live_and_test_are_not_taken_for_each_other() {
    assert_eq!(refusal(&TOKEN.replace("live", "test")), Some(BadToken::Checksum));
}

#[test]
fn letters_exchanged_are_refused() {
    for distance in 1..=3 {
        for place in 23..TOKEN.len() - distance {
            let mut bytes = TOKEN.as_bytes().to_vec();
            bytes.swap(place, place + distance);
            let text = std::str::from_utf8(&bytes).unwrap();
            assert_eq!(refusal(text), (text != TOKEN).then_some(BadToken::Checksum), "{text}");
        }
    }
}

/// Numbers without a pattern, the same in every run (splitmix64, by Steele, Lea and Flood).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn token(&mut self) -> Token {
        let mut bytes = [0; RANDOM_BYTES];
        bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.next().to_be_bytes()));
        Token::make(brand("acme"), Environment::Live, &bytes)
    }
}

/// A modulo of single bytes would give the first eight letters a quarter more than the others.
#[test]
fn no_letter_is_likelier_than_another() {
    let mut numbers = Numbers(1);
    let mut counts = std::collections::BTreeMap::<u8, u32>::new();
    let tokens = 10_000;
    for _ in 0..tokens {
        let token = numbers.token();
        let letters = token.secret.iter().chain(token.id.as_str().as_bytes());
        letters.for_each(|letter| *counts.entry(*letter).or_default() += 1);
    }
    assert_eq!(counts.len(), 62);
    let expected = tokens * 44 / 62;
    for (letter, count) in counts {
        // Six standard deviations of a count: √(440,000 × 1/62 × 61/62) = 84.
        let letter = char::from(letter);
        assert!(count.abs_diff(expected) < 6 * 84, "{letter}: {count} of {expected}");
    }
}

/// Half of them have the form of a token, and only their checksum is random: one in 57,000,000,000
/// would pass. The others are any letters of ASCII.
#[test]
fn a_hundred_thousand_random_texts_are_no_tokens() {
    let mut numbers = Numbers(2);
    for _ in 0..50_000 {
        let mut letters = [0; checksum::LETTERS];
        letters::reduce(&mut numbers.next().to_be_bytes(), &mut letters);
        let token = numbers.token().to_secret();
        let (before, _) = token.expose().split_at(token.expose().len() - checksum::LETTERS);
        let text = format!("{before}{}", std::str::from_utf8(&letters).unwrap());
        assert_eq!(refusal(&text), Some(BadToken::Checksum), "{text}");
    }
    for _ in 0..50_000 {
        let length = LENGTHS.start() + usize::try_from(numbers.next() % 9).unwrap();
        let letter = |_| char::from(u8::try_from(numbers.next() % 128).unwrap());
        let text: String = (0..length).map(letter).collect();
        assert!(refusal(&text).is_some(), "{text:?}");
    }
}

#[test]
fn the_pattern_of_a_brand_is_published() {
    assert_eq!(pattern(brand("acme")), "acme_(?:live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}");
}
