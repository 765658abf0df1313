//! Keys of AWS, which are two texts: an id that says what it is, and a secret that looks like any other text of 40
//! letters. One is told by the other that stands near it, or by its name.

use keytender_core::secret::Secret;

use super::sample::is_sample;
use super::shape::AWS_IDS;
use super::text::{Evidence, Spot, begins, ends, value_after};

/// Letters of an id: `AKIA` and 16 more.
const ID_LETTERS: usize = 20;
/// Letters of a secret.
const SECRET_LETTERS: usize = 40;
/// How many bytes may lie between an id and its secret.
const MAX_BETWEEN: usize = 400;
/// The fewest different letters of a secret: of random ones fewer than one in a million has so few.
const MIN_LETTERS: usize = 20;

/// A key whose id begins at `start`: one without a secret beside it is no secret.
pub(super) fn by_id(text: &[u8], start: usize) -> Option<Spot> {
    let id = id_at(text, start)?;
    let end = start + ID_LETTERS;
    let after = text.get(end..text.len().min(end + MAX_BETWEEN))?;
    let before = text.get(start.saturating_sub(MAX_BETWEEN)..start)?;
    // The secret of another key is not this one's.
    let after = after.get(..next_id(after).unwrap_or(after.len()))?;
    let from = last_id(before).map_or(0, |place| place + ID_LETTERS);
    let secret = secrets(after).next().or_else(|| secrets(before.get(from..)?).last())?;
    Some(spot(start, end, Some(id), secret))
}

/// The secret half of a key whose name stands at `start` and ends at `end`, where no id is near it.
pub(super) fn by_name(text: &[u8], start: usize, end: usize) -> Option<Spot> {
    if !begins(text, start) {
        return None;
    }
    let near = text.get(start.saturating_sub(MAX_BETWEEN)..text.len().min(end + MAX_BETWEEN))?;
    let (at, value) = value_after(text, end)?;
    let is_alone = next_id(near).is_none();
    (is_alone && value.len() == SECRET_LETTERS && is_secret(value))
        .then(|| spot(at, at + SECRET_LETTERS, None, value))
}

fn spot(start: usize, end: usize, id: Option<&str>, secret: &str) -> Spot {
    let is_temporary = id.is_some_and(|id| id.starts_with("ASIA"));
    Spot {
        start,
        end,
        provider: "aws".to_owned(),
        key_type: None,
        noun: if is_temporary { "temporary access key" } else { "access key" }.to_owned(),
        id: id.map(str::to_owned),
        evidence: Evidence::Pattern,
        secret: Secret::new(secret),
    }
}

/// The id that begins at a place.
fn id_at(text: &[u8], start: usize) -> Option<&str> {
    let end = start + ID_LETTERS;
    let id = std::str::from_utf8(text.get(start..end)?).ok()?;
    let random = AWS_IDS.iter().find_map(|word| id.strip_prefix(word))?;
    let is_letter = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
    let is_id = random.bytes().all(is_letter) && begins(text, start) && ends(text, end);
    (is_id && !is_sample(random)).then_some(id)
}

fn next_id(text: &[u8]) -> Option<usize> {
    (0..text.len()).find(|start| is_begun(text, *start) && id_at(text, *start).is_some())
}

fn last_id(text: &[u8]) -> Option<usize> {
    (0..text.len()).rev().find(|start| is_begun(text, *start) && id_at(text, *start).is_some())
}

fn is_begun(text: &[u8], start: usize) -> bool {
    text.get(start..)
        .is_some_and(|rest| AWS_IDS.iter().any(|word| rest.starts_with(word.as_bytes())))
}

/// Every text of 40 letters that can be a secret.
fn secrets(text: &[u8]) -> impl DoubleEndedIterator<Item = &str> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    // A `=` before it is between a name and it; one after it is the end of another text.
    text.split(move |byte| !is_letter(byte))
        .filter(|run| run.len() == SECRET_LETTERS)
        .filter_map(|run| std::str::from_utf8(run).ok())
        .filter(|run| is_secret(run))
}

/// Whether 40 letters are a secret, and no hash or path.
fn is_secret(text: &str) -> bool {
    let mut distinct: Vec<u8> = text.bytes().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    distinct.len() >= MIN_LETTERS
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
        && !is_sample(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIAJV7QKX4MZ2TRN6WD";
    const SECRET: &str = "q7Zr3kQ8pLw0XvTn5JbYc1Hd7GfSaM2eUo/iK+x6";

    fn found(text: &str) -> Option<(Option<String>, String)> {
        let at = text.find("AKIA")?;
        let spot = by_id(text.as_bytes(), at)?;
        Some((spot.id.clone(), spot.secret.expose().to_owned()))
    }

    #[test]
    fn an_id_and_the_secret_near_it_are_one_key() {
        let whole = Some((Some(ID.to_owned()), SECRET.to_owned()));
        for text in [
            format!("aws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n"),
            format!("AWS_SECRET_ACCESS_KEY={SECRET}\nAWS_ACCESS_KEY_ID={ID}\n"),
            format!("{{\"AccessKeyId\":\"{ID}\",\"SecretAccessKey\":\"{SECRET}\"}}"),
        ] {
            assert_eq!(found(&text), whole, "{text}");
        }
    }

    #[test]
    fn an_id_alone_or_with_a_hash_is_no_key() {
        for text in [
            format!("id = {ID}"),
            format!("{ID} da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            format!("id = {ID}\nsecret = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            format!("AKIAIOSFODNN7EXAMPLE {SECRET}"),
        ] {
            assert_eq!(found(&text), None, "{text}");
        }
    }

    #[test]
    fn each_of_two_keys_has_its_own_secret() {
        let other = "AKIAZZ5QK4MX2TRN6W7D";
        let second = "Z7qr3kQ8pLw0XvTn5JbYc1Hd7GfSaM2eUo/iK+x9";
        let text = format!("[a]\n{ID}\n{SECRET}\n[b]\n{other}\n{second}\n");
        let at = text.find(other).unwrap();
        let spot = by_id(text.as_bytes(), at).unwrap();
        assert_eq!(spot.secret.expose(), second);
        assert_eq!(found(&text).unwrap().1, SECRET);
    }
}
