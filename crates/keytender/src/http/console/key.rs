//! A key: what it is, what is wrong with it, what to do, and what happened to it.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::text::count;
use keytender_core::time::Time;
use maud::{Markup, html};

use self::held::Held;
use self::ours::Ours;
use self::say::{Part, Typed};
use super::exposures;
use super::form::Wrong;
use super::key_words::{self, kept_until, link, name, plain_name, severity, state, text};
use super::layout;
use super::visit::Visit;
use crate::app::inventory::Inventory;
use crate::app::keys;
use crate::app::view::KeyView;
use crate::error::{Error, Kind};
use crate::http::extract::Path;
use crate::http::problem::{self, Refusal};

pub(super) mod act;
mod facts;
pub(super) mod held;
mod ours;
pub(super) mod revoke;
pub(super) mod rotate;
pub(super) mod rotation;
pub(super) mod say;
mod story;
mod todo;
mod uses;

pub(super) use ours::{can_end, drawn};

/// What was refused of what somebody typed: it is said where it was typed, and nothing is lost.
struct Refused<'r> {
    part: Part,
    typed: &'r Typed,
    error: &'r Error,
}

/// Why what was asked of a key was not done: the rotation of one that we issued, or the destination that was to be
/// added.
#[derive(Clone, Copy)]
struct Failed<'f> {
    wrong: &'f Wrong,
    asked: Option<&'f rotation::Typed>,
    place: Option<&'f held::Typed>,
}

/// The key.
pub(super) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    render(&visit, &inventory, &word, None, None).await
}

/// The key, with why what was asked was not done.
async fn render_wrong(
    visit: &Visit,
    inventory: &Inventory,
    word: &str,
    error: Error,
    asked: Option<&rotation::Typed>,
    place: Option<&held::Typed>,
) -> Result<Response, Refusal> {
    if error.of_kind() == Kind::NotFound {
        return Err(error.into());
    }
    let wrong = Wrong::of(error)?;
    let failed = Failed { wrong: &wrong, asked, place };
    Ok(wrong.on(render(visit, inventory, word, None, Some(failed)).await?))
}

async fn render(
    visit: &Visit,
    inventory: &Inventory,
    word: &str,
    refused: Option<Refused<'_>>,
    failed: Option<Failed<'_>>,
) -> Result<Response, Refusal> {
    let view = keys::view(inventory, word).await?;
    let story = keys::timeline(inventory, &view.key).await?;
    let now = inventory.now;
    let say = say::Forms::read(visit, inventory, &view, refused.as_ref()).await?;
    let rules = facts::rules(visit, inventory).await?;
    let asked = failed.and_then(|failed| failed.asked);
    let ours = Ours::read(inventory, &view, asked).await?;
    let held = Held::read(inventory, &view).await?;
    let content = html! {
        @match &ours {
            Some(ours) => (ours.way()),
            None => p { a href="/keys" { "Keys" } },
        }
        @if let Some(failed) = failed { (failed.wrong) }
        (head(&view, now))
        @if let Some(ours) = &ours { (ours.stopped(now)) }
        @if let Some(held) = &held { (held.stands(&view)) }
        (wrong(&view, now))
        @if !view.is_gone() && !has_ended(&view) {
            (todo::section(visit, &view, (ours.as_ref(), held.as_ref()), &say, now)?)
        }
        @if let Some(held) = held.as_ref().filter(|_| !view.is_gone()) {
            (held.destinations(visit, &view, failed.as_ref(), now))
        }
        @if let Some(ours) = &ours {
            h2 #use { "When and where it was used" }
            (ours.used(now))
        }
        h2 { "What it is" }
        (facts::list(&view, now))
        @if !view.is_gone() { (say.knowledge()) }
        @if ours.is_none() {
            h2 { "When it was used" }
            (uses::section(&view, &story.events, now))
        }
        h2 #story { "Its story" }
        (story::list(&view, &story.events, &rules, now))
    };
    let title = plain_name(&view);
    let section = if ours.is_some() { super::apis::PATH } else { "/keys" };
    let mut response = layout::page(visit, section, &title, &content);
    if let Some(refused) = refused {
        *response.status_mut() = problem::status(refused.error.of_kind());
    }
    Ok(response)
}

/// What it is, in three lines.
fn head(view: &KeyView, now: Time) -> Markup {
    html! {
        h1 { (name(view)) }
        p.line {
            span.tag.(view.state.as_str()) { (text(state(view))) }
            @if view.exposed == Some(true) { " " a.tag.critical href=(exposures::PATH) { "Exposed" } }
            @if let Some(id) = &view.id { " " code data-copy { (key_words::plain(id)) } }
        }
        p {
            @if view.issued.is_some() { "Issued to " (text(&view.account_name)) }
            @else { (key_words::provider(view)) }
            @if view.issued.is_none() && view.account_name != view.provider { " account " (text(&view.account_name)) }
            " · " @match &view.owner {
                Some(owner) => { "owner " (text(owner)) }
                None => { "nobody answers for it" }
            }
            @if view.created_at.is_some() { " · " (key_words::age(view, now)) " old" }
        }
        p { "Last used: " (key_words::last_use(view, now)) }
        @if let Some(until) = kept_until(view, now) {
            p.note { "Kept as it is until " (until.date())
                @if let Some(by) = &view.keep_by { " by " (text(by)) }
                @if let Some(reason) = &view.keep_reason { ": " (text(reason)) } }
        }
    }
}

/// What is wrong with it.
fn wrong(view: &KeyView, now: Time) -> Markup {
    html! {
        @if view.is_gone() {
            p.note { "This key is gone: its provider does not show it any more. Its story stays." }
        } @else if view.findings.is_empty() && has_ended(view) {
            p.note {
                "It has ended, for good: verifiers refuse it."
                @if let Some(next) = view.issued.as_ref().and_then(|issued| issued.replaced_by.as_ref()) {
                    " It was replaced by " a href={ "/keys/" (next) } { "a new key" } "."
                }
            }
        } @else if view.findings.is_empty() {
            p.word { "Nothing is wrong with it." }
        } @else {
            h2 { "What is wrong" }
            ul.plain.rows.findings {
                @for finding in &view.findings { li {
                    p { (severity(finding.severity)) " " b { (text(&finding.message)) } }
                    @if let Some(since) = finding.since {
                        small { "Since " (since.date()) ", " (super::words::relative(since, now)) }
                    }
                    @if !finding.controls.is_empty() {
                        details {
                            summary { "Asked for by " (count(finding.controls.len(), "control")) }
                            small { @for (place, one) in finding.controls.iter().enumerate() {
                                @if place > 0 { ", " } (text(one)) } }
                        }
                    }
                    @if !finding.links.is_empty() {
                        small { "Read: " @for (place, one) in finding.links.iter().enumerate() {
                            @if place > 0 { ", " } (link(one)) } }
                    }
                } }
            }
        }
        @if !view.excepted.is_empty() {
            h3 { "May be so for now" }
            ul.plain.rows {
                @for one in &view.excepted { li {
                    (text(&one.rule)) " until " (one.until.date()) ": " (text(&one.reason))
                    @if let Some(by) = &one.approved_by { small { "said by " (text(by)) } }
                } }
            }
        }
    }
}

/// Whether it is a key that we issued and that was revoked or replaced.
const fn has_ended(view: &KeyView) -> bool {
    view.issued.is_some() && !can_end(view.state)
}

/// Whether somebody may change what is known of keys.
fn may_write(visit: &Visit) -> bool {
    visit.may(Scope::KeysWrite)
}

/// Whether somebody may act on keys at their providers.
fn may_act(visit: &Visit) -> bool {
    visit.may(Scope::KeysAct)
}

/// Whether it is an owner who followed a mailed link: they see what they may do, and no more.
fn is_by_link(visit: &Visit) -> bool {
    visit.signed.as_ref().is_some_and(crate::app::sessions::Signed::is_by_link)
}
