//! How times, numbers and keys are said on pages.

use keytender_core::steps::ago;
use keytender_core::time::Time;
use maud::{Markup, html};

/// A moment, for people: how long ago or ahead, and on pointing at it when exactly.
pub(super) fn moment(at: Time, now: Time) -> Markup {
    html! { time datetime=(at) title=(at) { (relative(at, now)) } }
}

/// How long ago a moment was, or when it will be.
pub(super) fn relative(at: Time, now: Time) -> String {
    match at > now {
        true => format!("in {}", at.since(now).in_words()),
        false => ago(at, now),
    }
}
