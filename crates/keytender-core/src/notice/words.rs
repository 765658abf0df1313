//! The small words of notices.

use crate::key::{Key, PrincipalKind};
use crate::steps;
use crate::text::printable;
use crate::time::Time;

/// How much of a name or a label is shown: enough to know it by, too little to fill a mail.
const MAX_LETTERS: usize = 120;
/// How much of a name fits a subject.
pub(super) const MAX_SUBJECT_LETTERS: usize = 40;

/// Other people's text, made safe to print and not too long.
pub(super) fn shown(text: &str) -> String {
    shortened(text, MAX_LETTERS)
}

/// Other people's text, made safe to print, of at most `max` letters.
pub(super) fn shortened(text: &str, max: usize) -> String {
    let safe = printable(text);
    if safe.chars().count() <= max {
        return safe.into_owned();
    }
    let mut cut: String = safe.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// A provider's name as it writes it itself.
pub(super) fn provider(id: &str) -> String {
    shown(&steps::provider(id))
}

/// Whether a page is worth reading about a provider's keys: AWS's pages are about AWS's.
pub(super) fn is_about(link: &str, provider: &str) -> bool {
    provider == "aws" || !link.starts_with("https://docs.aws.amazon.com/")
}

/// The page on which a provider says how to treat keys.
pub(super) fn best_practice(provider: &str) -> Option<&'static str> {
    match provider {
        "aws" => Some("https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"),
        "github" => Some(
            "https://docs.github.com/en/rest/authentication/keeping-your-api-credentials-secure",
        ),
        _ => None,
    }
}

/// What such a key is called: `root access key`, `access key`, `key`.
pub(super) fn noun(key: &Key<'_>) -> &'static str {
    match (key.provider.as_ref(), key.principal_kind) {
        ("aws", Some(PrincipalKind::Root)) => "root access key",
        (_, Some(PrincipalKind::Root)) => "root key",
        ("aws", _) => "access key",
        _ => "key",
    }
}

/// `act by 2026-12-07`, or `overdue since` that day.
pub(super) fn deadline(act_by: Time, now: Time) -> String {
    let day = act_by.date();
    if day < now.date() { format!("overdue since {day}") } else { format!("act by {day}") }
}

/// `1 key`, `2 keys`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
