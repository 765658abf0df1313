//! Where something was found, as somebody told it: made safe to keep and to show.

use keytender_core::time::Time;
use reqwest::Url;

use super::{Report, Teller};
use crate::store::exposures::Place;

/// The longest URL that is kept, in bytes.
const MAX_URL: usize = 500;
/// The longest word for a kind of place: shorter than the secret of a key.
const MAX_SOURCE: usize = 32;

/// The place of a report about `credential`. It holds neither the credential nor what often is a secret: a user, a
/// password, a query.
pub(super) fn of(report: &Report, credential: &str, teller: &Teller, now: Time) -> Place {
    let secret = credential.rsplit('_').next().unwrap_or(credential);
    let url = report.url.as_deref().and_then(plain);
    let url = url.filter(|url| !url.contains(secret)).unwrap_or_default();
    let source = report.source.as_deref().map(str::trim).filter(|word| is_word(word));
    Place {
        source: source.unwrap_or_default().to_owned(),
        url,
        told_by: teller.name.clone(),
        found_at: now,
        done: String::new(),
    }
}

/// A URL of the web, without what may be a secret in it.
fn plain(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    if !url.fragment().is_some_and(is_line) {
        url.set_fragment(None);
    }
    let text = url.to_string();
    (text.len() <= MAX_URL).then_some(text)
}

/// Whether a fragment names lines of a file, as in `L12-L20`.
fn is_line(fragment: &str) -> bool {
    !fragment.is_empty()
        && fragment.len() <= MAX_SOURCE
        && fragment.chars().all(|one| one.is_ascii_digit() || one == 'L' || one == '-')
}

fn is_word(text: &str) -> bool {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "_-. ".contains(one);
    !text.is_empty() && text.len() <= MAX_SOURCE && text.chars().all(is_plain)
}

/// A place in words.
pub(super) fn words(place: &Place) -> String {
    let kind = if place.source.is_empty() { "somewhere" } else { place.source.as_str() };
    match place.url.is_empty() {
        true => format!("found: {kind}"),
        false => format!("found: {kind}, {}", place.url),
    }
}

#[cfg(test)]
mod tests {
    use keytender_core::secret::Secret;

    use super::*;

    const KEY: &str = "acme_live_7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUV2zoHDC";

    fn place(url: &str, source: &str) -> (String, String) {
        let report = Report {
            credential: Secret::new(KEY),
            url: Some(url.to_owned()),
            source: Some(source.to_owned()),
        };
        let teller = Teller { name: "anybody".to_owned(), origin: String::new() };
        let place = of(&report, KEY, &teller, Time::from_micros(0));
        (place.url, place.source)
    }

    #[test]
    fn a_place_is_kept_without_what_may_be_a_secret() {
        for (told, kept) in [
            ("https://code.example/a/b.txt#L3-L9", "https://code.example/a/b.txt#L3-L9"),
            ("https://ann:word@code.example/a?token=x#y", "https://code.example/a"),
            ("javascript:alert(1)", ""),
            ("not a url", ""),
            (&format!("https://code.example/{KEY}"), ""),
            (&format!("https://code.example/{}", "a".repeat(MAX_URL)), ""),
            (&format!("https://code.example/x#{KEY}"), "https://code.example/x"),
        ] {
            assert_eq!(place(told, "commit"), (kept.to_owned(), "commit".to_owned()), "{told}");
        }
        for word in [KEY, "<b>", "", &"a".repeat(33), "a\nb"] {
            assert_eq!(place("", word).1, "", "{word}");
        }
        assert_eq!(place("", "pull_request_title").1, "pull_request_title");
    }

    #[test]
    fn a_place_is_said_in_words() {
        let mut place = Place {
            source: "commit".to_owned(),
            url: "https://code.example/a".to_owned(),
            told_by: "github".to_owned(),
            found_at: Time::from_micros(0),
            done: String::new(),
        };
        assert_eq!(words(&place), "found: commit, https://code.example/a");
        place.url.clear();
        assert_eq!(words(&place), "found: commit");
        place.source.clear();
        assert_eq!(words(&place), "found: somewhere");
    }
}
