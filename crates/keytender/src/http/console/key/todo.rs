//! What to do about a key: rotate it, disable it, or keep it until a day.

use keytender_core::key::State;
use keytender_core::policy::Action;
use keytender_core::steps::{Context, Step, steps};
use keytender_core::time::Time;
use maud::{Markup, html};

use super::held::Held;
use super::ours::Ours;
use super::say::Forms;
use super::{is_by_link, may_act, may_write};
use crate::app::acts::{Act, HOLD};
use crate::app::view::KeyView;
use crate::http::console::key_words::{action, link};
use crate::http::console::rotations;
use crate::http::console::visit::Visit;
use crate::http::problem::Refusal;

/// What is advised first, then everything that may be done.
pub(super) fn section(
    visit: &Visit,
    view: &KeyView,
    (ours, held): (Option<&Ours<'_>>, Option<&Held>),
    say: &Forms<'_>,
    now: Time,
) -> Result<Markup, Refusal> {
    let is_issued = view.issued.is_some();
    Ok(html! {
        h2 #todo { "What to do" }
        @match view.action {
            Some(what) if is_issued => p { b { (action(what)) ". " } (advice_of_issued(what)) },
            Some(what) => p { b { (action(what)) ". " } (advice(what)) },
            None => p.dim { "Nothing is asked of anybody." },
        }
        div.ways {
            @if let Some(ours) = ours { (ours.ways(visit, view, now)?) }
            @if is_issued { (suspend(visit, view)) }
            @else {
                (rotate(visit, view, held, now))
                (stop(visit, view, now))
            }
            @if may_write(visit) { (say.keep()) (say.disown()) }
        }
    })
}

const fn advice_of_issued(what: Action) -> &'static str {
    match what {
        Action::Remove => "Tell whoever uses it, and revoke it.",
        Action::Rotate => {
            "Give whoever uses it a new key: both work for a while, and the old one stops by itself."
        }
        Action::Review => "Only its user knows whether it is still needed: nothing is due.",
    }
}

/// How a key that we issued is stopped for a while.
fn suspend(visit: &Visit, view: &KeyView) -> Markup {
    let act = match view.state {
        State::Active => Act::Disable,
        State::Suspended => Act::Enable,
        _ => return html! {},
    };
    html! {
        @if may_act(visit) {
            section.way {
                @if act == Act::Disable {
                    h3 { "Suspend" }
                    p { "Verifiers refuse it until it is resumed. You see first what it may break." }
                    p { (button(view, act, "Suspend…")) }
                } @else {
                    h3 { "Resume" }
                    p { "It is suspended: verifiers refuse it." }
                    p { (button(view, act, "Resume…")) }
                }
            }
        }
    }
}

const fn advice(what: Action) -> &'static str {
    match what {
        Action::Remove => "Disable it, wait whether anybody misses it, then delete it.",
        Action::Rotate => "Put a new key in its place, then disable and delete this one.",
        Action::Review => "Look at it when there is time: nothing is due.",
    }
}

/// How a key is replaced. A key that nobody uses is not replaced.
fn rotate(visit: &Visit, view: &KeyView, held: Option<&Held>, now: Time) -> Markup {
    let running = held.and_then(Held::running);
    if running.is_none() && (view.state != State::Active || view.action == Some(Action::Remove)) {
        return html! {};
    }
    let may = may_act(visit) && !is_by_link(visit);
    html! {
        section.way {
            h3 { "Rotate" }
            @if let Some(running) = running {
                p { "A rotation goes on: " (rotations::stage(running)) "." }
                p { a.button.quiet href=(rotations::place(running)) { "To the rotation" } }
            } @else {
                p { "A new key takes its place, and nothing stops working." }
                @if may { p { a.button.quiet href={ "/keys/" (view.key) "/rotate" } { "Rotate…" } } p.dim { "You see first what would be done." } }
                details open[view.action == Some(Action::Rotate) && !may] {
                    summary { @if may { "By hand, at the provider" } @else { "The steps" } }
                    (list(&steps(&view.key(), Action::Rotate, Context::default(), now)))
                }
            }
        }
    }
}

/// How a key is disabled, enabled and deleted.
fn stop(visit: &Visit, view: &KeyView, now: Time) -> Markup {
    let is_active = view.state == State::Active;
    let by_hand = match view.action {
        Some(Action::Review) | None => Action::Remove,
        Some(other) => other,
    };
    let by_hand = steps(&view.key(), by_hand, Context::default(), now);
    html! {
        section.way {
            h3 { @if is_active { "Disable" } @else { "Enable, or delete" } }
            @if is_active {
                p { "It stops working at once. This can be undone." }
            } @else {
                p { "It does not work. " (hold(view, now)) }
            }
            @if may_act(visit) {
                p.row {
                    @if is_active { (button(view, Act::Disable, "Disable…")) }
                    @if view.state == State::Suspended { (button(view, Act::Enable, "Enable…")) }
                    @if view.state == State::Suspended && !is_by_link(visit) {
                        (button(view, Act::Delete, "Delete…"))
                    }
                }
                p.dim { "You see first what it may break." }
            }
            @if view.action != Some(Action::Rotate) {
                details { summary { "By hand, at the provider" } (list(&by_hand)) }
            }
        }
    }
}

/// From when on a disabled key may be deleted.
fn hold(view: &KeyView, now: Time) -> Markup {
    let ends = view.suspended_since.map(|since| since.plus(HOLD));
    html! {
        @match ends {
            Some(ends) if ends > now => { "It may be deleted from " (ends.date()) " on: by then a monthly job has shown whether it needs the key." }
            Some(_) => { "Nobody missed it for " (HOLD.whole_days()) " days: it may be deleted." }
            None => {}
        }
    }
}

fn button(view: &KeyView, act: Act, label: &str) -> Markup {
    html! { a.button.quiet href=(format!("/keys/{}/acts/{}", view.key, act.as_str())) { (label) } }
}

/// Steps: sentences, command lines to copy, pages.
pub(super) fn list(steps: &[Step]) -> Markup {
    html! {
        ol.steps {
            @for step in steps { li {
                p { (step.text) }
                @if let Some(command) = &step.command { p { code data-copy { (command) } } }
                @if let Some(address) = &step.link { p { (link(address)) } }
            } }
        }
    }
}
