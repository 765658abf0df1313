//! What happens in a rotation, for people.

use keytender_core::rotation::{Call, Fault, News, Next, said};
use keytender_core::time::Time;

use crate::error::Error;
use crate::store::rotations::{Happened, Kept};

/// The word for a kind of news.
const fn kind(news: &News) -> &'static str {
    match news {
        News::Stage { .. } => "stage",
        News::Blocked { .. } => "blocked",
        News::StillUsed { .. } => "still-used",
        News::Orphan { .. } => "orphan",
        News::Asks { .. } => "asks",
        News::Doubtful { .. } => "doubtful",
        News::ByOthers { .. } => "by-others",
    }
}

/// News in a sentence.
pub(super) fn news(row: &Kept, news: &News) -> String {
    match news {
        News::Stage { stage } => stage.as_str().to_owned(),
        News::Blocked { .. } => said(&row.state, &row.next()),
        News::StillUsed { at, place } => {
            let place = place.as_deref().map(|place| format!(" ({place})")).unwrap_or_default();
            format!("the key that is to go was used at {}{place}", at.to_seconds())
        }
        News::Orphan { id } => {
            format!("{id} was made by a call whose answer was lost: it is disabled and deleted")
        }
        News::Asks { gate } => format!("it waits until somebody approves `{}`", gate.as_str()),
        News::Doubtful { id } => format!(
            "{id} appeared while a call of ours was lost: it may be ours or somebody's, and is not touched"
        ),
        News::ByOthers { what } => format!("{what} by somebody else"),
    }
}

/// What happened in a step that has led to this row, and what is about to be done.
pub(in crate::app) fn happened(row: &Kept, news: &[News], next: &Next, at: Time) -> Vec<Happened> {
    let line = |kind: &str, words: String| Happened { at, kind: kind.to_owned(), words };
    let mut lines: Vec<Happened> =
        news.iter().map(|one| line(kind(one), self::news(row, one))).collect();
    if let Next::Call(call) = next {
        lines.push(line("call", self::call(row, call)));
    }
    lines
}

/// What a call is about: a key, or a destination.
pub(super) fn subject(row: &Kept, call: &Call) -> Option<String> {
    match call {
        Call::Deliver { at } | Call::Restore { at } | Call::Reload { at } => {
            row.state.plan.destinations.get(*at).map(|place| place.name.clone())
        }
        Call::Disable { id } | Call::Enable { id } | Call::Delete { id } => Some(id.clone()),
        Call::Create { marker } => Some(marker.clone()),
        Call::Rotate => Some(row.state.plan.old.id.clone()),
        Call::Preflight | Call::Look | Call::Try | Call::Observe => None,
    }
}

/// A call in a few words.
fn call(row: &Kept, call: &Call) -> String {
    let of = subject(row, call).unwrap_or_default();
    match call {
        Call::Preflight => "reading the provider and the destinations".to_owned(),
        Call::Create { .. } => format!("making a key, marked {of} where labels are kept"),
        Call::Rotate => format!("having the secret of {of} changed"),
        Call::Look => "listing the keys".to_owned(),
        Call::Try => "trying the new key".to_owned(),
        Call::Deliver { .. } => format!("writing the new key to `{of}`"),
        Call::Restore { .. } => format!("putting the old key back to `{of}`"),
        Call::Reload { .. } => format!("telling whoever uses `{of}`"),
        Call::Observe => "looking whether it is still used".to_owned(),
        Call::Disable { .. } => format!("disabling {of}"),
        Call::Enable { .. } => format!("enabling {of}"),
        Call::Delete { .. } => format!("deleting {of}"),
    }
}

/// A call that failed, in a sentence.
pub(super) fn failed(fault: Fault, because: &str) -> String {
    match fault {
        Fault::Refused => format!("refused: {because}"),
        Fault::Full => format!("no room for another key: {because}"),
        Fault::Later => format!("not now, it is tried again: {because}"),
        Fault::Lost => format!("nobody knows whether it was done: {because}"),
    }
}

/// A refusal on one line, with what to do.
pub(super) fn on_a_line(error: &Error) -> String {
    error.report().replace("\nhint: ", "; ")
}

/// The verb in the log of what people said: of `approve disable` it is `rotation.approve`.
pub(super) fn said_verb(words: &str) -> String {
    format!("rotation.{}", words.split_whitespace().next().unwrap_or("say"))
}

/// What somebody said, in a sentence.
pub(in crate::app) fn said_line(by: &str, words: &str, why: Option<&str>) -> String {
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    format!("{by} said `{words}`{why}")
}
