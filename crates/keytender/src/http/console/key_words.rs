//! How keys are said on pages: their names, states, last uses, and what is to be done.

use keytender_core::policy::{Action, Severity};
use keytender_core::steps;
use keytender_core::text::printable;
use keytender_core::time::Time;
use maud::{Markup, html};

use super::words::moment;
use crate::app::view::{KeyView, LastUseView};

/// The name of a key, apart from the text around it: names may be written from right to left.
pub(super) fn name(view: &KeyView) -> Markup {
    html! { bdi { (steps::name(&view.key())) } }
}

/// The same as plain text, for titles and labels.
pub(super) fn plain_name(view: &KeyView) -> String {
    steps::name(&view.key())
}

/// Somebody else's text.
pub(super) fn text(text: &str) -> Markup {
    html! { bdi { (printable(text)) } }
}

/// The same as a text alone, where it is to be copied.
pub(super) fn plain(text: &str) -> String {
    printable(text).into_owned()
}

/// Who issued a key, as they write themselves.
pub(super) fn provider(view: &KeyView) -> String {
    steps::provider(&view.provider)
}

/// The state, in the provider's own word if it has one.
pub(super) fn state(view: &KeyView) -> &str {
    let own = match view.state.as_str() {
        "active" => "Active",
        "suspended" => "Disabled",
        "destroyed" => "Gone",
        "compromised" => "Compromised",
        "deactivated" => "Ended",
        _ => "Not active yet",
    };
    view.provider_state.as_deref().unwrap_or(own)
}

/// Until when a key stays as it is, if that day has not come.
pub(super) fn kept_until(view: &KeyView, now: Time) -> Option<Time> {
    view.keep_until.filter(|until| *until > now)
}

/// How old a key is.
pub(super) fn age(view: &KeyView, now: Time) -> Markup {
    html! {
        @match view.created_at {
            Some(at) => time datetime=(at) title=(at) { (now.since(at).in_words()) },
            None => span.dim { "unknown" },
        }
    }
}

/// When a key was last used, by which service and in which region.
pub(super) fn last_use(view: &KeyView, now: Time) -> Markup {
    html! {
        @match &view.last_used {
            LastUseView::Used { at, .. } => {
                (moment(*at, now))
                @if let Some(place) = steps::last_used_where(&view.key()) { " " small { (text(&place)) } }
            }
            LastUseView::Never { since } => {
                "never"
                @if view.created_at != Some(*since) { " " small { "since " (since.date()) } }
            }
            LastUseView::Unknown { why } => { "unknown " small { (text(why)) } },
        }
    }
}

/// What is to be done about a key.
pub(super) const fn action(action: Action) -> &'static str {
    match action {
        Action::Remove => "Remove",
        Action::Rotate => "Rotate",
        Action::Review => "Review",
    }
}

/// The same of many, as a filter says it.
pub(super) const fn to_do(action: Action) -> &'static str {
    match action {
        Action::Remove => "To remove",
        Action::Rotate => "To rotate",
        Action::Review => "To review",
    }
}

/// How serious something is; by a word, and by a colour that carries nothing alone.
pub(super) fn severity(severity: Severity) -> Markup {
    html! { span.severity.(severity.as_str()) { (severity.as_str()) } }
}

/// A page elsewhere. Its address may come from a policy: only what a browser opens as a page is a link.
pub(super) fn link(address: &str) -> Markup {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    html! {
        @match rest {
            Some(rest) => a href=(address) rel="noreferrer" { (rest.split(['?', '#']).next().unwrap_or(rest)) },
            None => code { (address) },
        }
    }
}
