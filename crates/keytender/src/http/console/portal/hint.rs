//! What a customer may want to do about a key, in plain words.

use keytender_core::key::State;
use keytender_core::time::Time;
use maud::{Markup, html};

use crate::app::view::{KeyFindingView, KeyView};
use crate::http::console::key_words::{plain, text};
use crate::http::console::words::relative;

/// What a key is called by whoever made it; its public id, if nobody said.
pub(super) fn name(view: &KeyView) -> String {
    let named = view.label.as_deref().or(view.id.as_deref()).unwrap_or(&view.key);
    plain(named)
}

/// What is to know about a key, the most urgent first, each in a sentence.
pub(super) fn sentences(view: &KeyView, now: Time) -> Vec<(&'static str, String)> {
    if matches!(view.state, State::Deactivated | State::Compromised | State::Destroyed) {
        return Vec::new();
    }
    let mut said: Vec<_> =
        view.findings.iter().map(|one| (one.severity.as_str(), sentence(one, view, now))).collect();
    if let Some(at) = view.issued.as_ref().and_then(|issued| issued.retires_at) {
        let when = relative(at, now);
        said.push(("high", format!("It stops {when}: a new key takes its place.")));
    }
    said
}

/// A rule that a key breaks, as a customer reads it.
fn sentence(finding: &KeyFindingView, view: &KeyView, now: Time) -> String {
    match finding.rule.as_str() {
        "key-exposed" => "Somebody else may know it: rotate it now, and revoke it.".to_owned(),
        "key-expiring" => match view.expires_at {
            Some(at) => {
                format!("It ends {}: rotate it before, and nothing stops.", relative(at, now))
            }
            None => "It ends soon: rotate it before, and nothing stops.".to_owned(),
        },
        "key-over-a-year" => {
            "It is over a year old: rotate it, so that what leaked unseen is worth nothing."
                .to_owned()
        }
        "key-unused" => {
            "Nothing has used it for half a year: revoke it, if nothing needs it.".to_owned()
        }
        _ => finding.message.clone(),
    }
}

/// The same in a list: one line, in a cell.
pub(super) fn short(view: &KeyView, now: Time) -> Markup {
    html! {
        @for (severity, sentence) in sentences(view, now).iter().take(2) {
            small { span.severity.(severity) aria-hidden="true" { "● " } (text(sentence)) }
        }
    }
}

/// The same on a key's page.
pub(super) fn all(view: &KeyView, now: Time) -> Markup {
    let said = sentences(view, now);
    html! {
        @if !said.is_empty() {
            ul.plain.rows.hints {
                @for (severity, sentence) in &said {
                    li { span.severity.(severity) aria-hidden="true" { "● " } (text(sentence)) }
                }
            }
        }
    }
}
