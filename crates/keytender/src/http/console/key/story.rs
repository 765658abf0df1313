//! What happened to a key and what was done to it, the newest first.

use keytender_core::time::Time;
use maud::{Markup, html};

use crate::app::view::{EventView, KeyView, RuleView};
use crate::http::console::key_words::text;
use crate::http::console::words::relative;

/// As many uses in a row are told one by one; more are told together, and can be opened.
const MAX_IN_A_ROW: usize = 3;
/// The stage of an act that somebody is about to try.
const INTENT: &str = "intent";

/// A line of the story: one event, or uses in a row.
enum Line<'e> {
    One(&'e EventView),
    Uses(Vec<&'e EventView>),
}

/// The story.
pub(super) fn list(view: &KeyView, events: &[EventView], rules: &[RuleView], now: Time) -> Markup {
    let made = view.created_at.map(|at| EventView::happened(at, "made"));
    let mut all: Vec<&EventView> = events.iter().filter(|one| !is_over(one, events)).collect();
    all.splice(0..0, &made);
    // What happened in one moment stays in its order.
    all.reverse();
    all.sort_by_key(|event| std::cmp::Reverse(event.at));
    html! {
        ol.plain.rows.story {
            @for line in lines(all) { li {
                @match line {
                    Line::One(event) => { (when(event.at, now)) (sentence(event, rules)) }
                    Line::Uses(uses) => (together(&uses, now)),
                }
            } }
        }
    }
}

/// Whether an event only says that something would be tried, of which another says what came of it.
fn is_over(event: &EventView, events: &[EventView]) -> bool {
    let is_outcome = |other: &EventView| {
        other.what == event.what && other.at >= event.at && other.stage.as_deref() != Some(INTENT)
    };
    event.stage.as_deref() == Some(INTENT) && events.iter().any(is_outcome)
}

/// Puts uses in a row together.
fn lines(events: Vec<&EventView>) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut uses: Vec<&EventView> = Vec::new();
    let flush = |uses: &mut Vec<_>, lines: &mut Vec<_>| match uses.len() {
        few if few <= MAX_IN_A_ROW => lines.extend(uses.drain(..).map(Line::One)),
        _ => lines.push(Line::Uses(std::mem::take(uses))),
    };
    for event in events {
        if event.what == "used" {
            uses.push(event);
            continue;
        }
        flush(&mut uses, &mut lines);
        lines.push(Line::One(event));
    }
    flush(&mut uses, &mut lines);
    lines
}

fn when(at: Time, now: Time) -> Markup {
    html! { small { time datetime=(at) title=(at) { (at.date()) ", " (relative(at, now)) } } }
}

fn together(uses: &[&EventView], now: Time) -> Markup {
    html! {
        @if let (Some(last), Some(first)) = (uses.first(), uses.last()) {
            (when(last.at, now))
            details {
                summary { "Used " (uses.len()) " times since " (first.at.date()) }
                ul { @for one in uses { li { (one.at.to_seconds()) (place(one)) } } }
            }
        }
    }
}

/// Where it was used.
fn place(event: &EventView) -> Markup {
    html! {
        @if let Some(service) = &event.service { ": " (text(service)) }
        @if let Some(region) = &event.region { " in " (text(region)) }
    }
}

/// One event in a sentence.
fn sentence(event: &EventView, rules: &[RuleView]) -> Markup {
    let rule = event
        .rule
        .as_deref()
        .map(|id| rules.iter().find(|rule| rule.id == id).map_or(id, |rule| rule.title.as_str()));
    let ends = match event.stage.as_deref() {
        Some(INTENT) => " (tried; nobody knows what came of it)",
        Some(_) => " (failed)",
        None => "",
    };
    html! {
        span {
            @match rule {
                Some(rule) if event.what == "breaks" => { "Found: " (text(rule)) }
                Some(rule) => { "Solved: " (text(rule)) }
                None => { (said(&event.what)) (place(event)) }
            }
            @if let Some(to) = &event.to { " " b { (text(to)) } }
            (ends)
            @if let Some(by) = &event.by { " by " b { (text(by)) } }
            @if let Some(why) = &event.why { ": " (text(why)) }
        }
    }
}

/// What happened, in words for people.
fn said(what: &str) -> String {
    let words: Vec<&str> = what.split(' ').map(word).collect();
    words.join(", ")
}

fn word(what: &str) -> &str {
    match what {
        "made" => "Made",
        "found" => "First seen here",
        "used" => "Used",
        "suspended" => "Seen disabled",
        "resumed" => "Seen enabled",
        "rotated" => "Its secret changed",
        "changed" => "Changed at the provider",
        "first-used" => "Used for the first time",
        "missing" => "Not in its account's listing",
        "back" => "In its account's listing again",
        "destroyed" => "Gone",
        "exposed" => "Found where a secret must not be",
        "told" => "Told",
        "key.add" => "Added",
        "key.set" => "Written what is known",
        "key.keep" => "Kept as it is, or not any more",
        "key.disown" => "Said not to be theirs",
        "key.disable" => "Disabled",
        "key.enable" => "Enabled",
        "key.delete" => "Deleted",
        "key.create" => "Made here",
        "key.rotate" => "Rotated: a new key was made",
        "key.rotation.cancel" => "Its rotation was cancelled",
        "key.rotation.finish" => "Its rotation was finished",
        "key.revoke" => "Revoked",
        "key.leak" => "Told to be found in public",
        "rotation.start" => "Its rotation began",
        "rotation.approve" => "A step of its rotation was approved",
        "rotation.resume" => "Its rotation was let go on",
        "rotation.rollback" => "Its rotation was rolled back",
        "rotation.abort" => "Its rotation was given up",
        "rotation.acknowledge" => "A destination was vouched for",
        "rotation.reveal" => "Its successor was shown to somebody",
        "rotation.create" => "Its successor was made",
        "rotation.rotate" => "Its provider was asked for another secret",
        "rotation.deliver" => "Its successor was written to a destination",
        "rotation.restore" => "It was put back to a destination",
        "rotation.reload" => "Whoever uses it was told",
        "rotation.disable" => "A key of its rotation was disabled",
        "rotation.enable" => "A key of its rotation was enabled",
        "rotation.delete" => "A key of its rotation was deleted",
        "destination.add" => "A destination was added",
        "destination.remove" => "A destination was removed",
        other => other,
    }
}
