//! A rotation: where it stands and what comes next, its steps drawn, its keys, its destinations and its story.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::rotation::{Stands, Way};
use keytender_core::time::{Span, Time};
use maud::{Markup, html};

use super::forms::{self, Vain};
use super::{PATH, mark, spoken, stage};
use crate::app::inventory::Inventory;
use crate::app::rotate;
use crate::app::view::{DeliveryView, HappenedView, HeldRotationView};
use crate::http::console::form::{Wrong, capital};
use crate::http::console::key_words::text;
use crate::http::console::layout;
use crate::http::console::visit::Visit;
use crate::http::console::words::moment;
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// What goes on within this time is watched by the page.
const SOON: Span = Span::from_micros(60_000_000);
/// How often the page looks again, in seconds.
const EVERY_SECONDS: &str = "2";

/// Shows it.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &word, None).await
}

/// Shows it, with what was said in vain.
pub(super) async fn show(
    visit: &Visit,
    inventory: &Inventory,
    word: &str,
    vain: Vain<'_>,
) -> Result<Response, Refusal> {
    render(visit, inventory, word, vain, vain.map(|(_, wrong)| wrong)).await
}

/// Shows it, with why something else was not done.
pub(super) async fn show_wrong(
    visit: &Visit,
    inventory: &Inventory,
    word: &str,
    wrong: &Wrong,
) -> Result<Response, Refusal> {
    render(visit, inventory, word, None, Some(wrong)).await
}

async fn render(
    visit: &Visit,
    inventory: &Inventory,
    word: &str,
    vain: Vain<'_>,
    wrong: Option<&Wrong>,
) -> Result<Response, Refusal> {
    let view = rotate::view(inventory, word).await?;
    let now = inventory.now;
    let every = is_moving(&view, now).then_some(EVERY_SECONDS);
    let content = html! {
        p { a href=(PATH) { "Rotations" } }
        h1 { "Rotation of " (text(&view.id)) }
        @if let Some(wrong) = wrong { (wrong) }
        div #mark data-part { p.line { span.tag { (stage(&view)) } " " (mark(&view)) } }
        p.note #says role="status" data-part { (spoken(&view.says)) }
        @if every.is_some() { noscript { p.dim { "Load the page again to see how it goes on." } } }
        div #steps data-part data-live=[every] { (progress(&view, now)) }
        div #words data-part { (forms::all(visit, &view, vain)?) }
        h2 { "The keys" }
        div #keys data-part { (facts(visit, &view, now)) }
        h2 { "Where the key is used" }
        div #places data-part { (places(&view)) }
        h2 #story { "Its story" }
        div #events data-part { (story(&view.events)) }
    };
    Ok(layout::page(visit, PATH, &format!("Rotation of {}", view.id), &content))
}

/// Whether something happens while somebody looks.
fn is_moving(view: &HeldRotationView, now: Time) -> bool {
    match view.waits_for.as_str() {
        "call" => true,
        "time" => view.next_at.is_none_or(|at| at <= now.plus(SOON)),
        _ => false,
    }
}

/// The steps, drawn: a mark that is filled, a ring or empty, and the same in words.
fn progress(view: &HeldRotationView, now: Time) -> Markup {
    html! {
        @if !view.progress.is_empty() {
            ol.progress aria-label="Its steps" {
                @for step in &view.progress {
                    @let (class, word) = match step.stands {
                        Stands::Done => ("done", "Done"),
                        Stands::Here if view.is_blocked => ("here blocked", "Blocked"),
                        Stands::Here => ("here", "Now"),
                        Stands::Ahead => ("ahead", "To come"),
                    };
                    li class=(class) aria-current=[(step.stands == Stands::Here).then_some("step")] {
                        span { (step.what) }
                        small {
                            (word)
                            @if step.stands == Stands::Here && view.waits_for == "time" && !view.is_blocked {
                                @if let Some(at) = view.next_at.filter(|at| *at > now) { "; looks again " (moment(at, now)) }
                            }
                            @if let Some(at) = step.not_before.filter(|at| *at > now) { ", not before " (at.date()) ", " (moment(at, now)) }
                        }
                    }
                }
            }
        }
    }
}

fn facts(visit: &Visit, view: &HeldRotationView, now: Time) -> Markup {
    let key = |id: &str, said: &str| html! { a href={ "/keys/" (id) } { (text(said)) } };
    html! {
        dl.facts {
            @if view.way == Way::InPlace {
                dt { "The key" } dd { (key(&view.key, &view.id)) small { "Its provider changes the secret of the same key: there is no overlap and no way back." } }
            } @else {
                dt { "Old key" } dd { (key(&view.key, &view.id)) }
                dt { "New key" } dd {
                    @match (&view.new_key, &view.new_id) {
                        (Some(new), said) => (key(new, said.as_deref().unwrap_or(new))),
                        (None, Some(said)) => (text(said)),
                        (None, None) => span.dim { @if view.stage.is_ended() { "none was made" } @else { "not made yet" } },
                    }
                }
            }
            @if let Some(to) = &view.to { dt { "Goes to" } dd { "user " (text(to)) } }
            dt { "Account" } dd {
                @if visit.may(Scope::AccountsRead) { a href={ "/accounts/" (view.account) } { (text(&view.account)) } }
                @else { (text(&view.account)) }
            }
            dt { "Begun" } dd { (moment(view.started_at, now)) " by " (text(&view.started_by))
                @if let Some(reason) = &view.reason { ": " (text(reason)) } }
            dt { "In this stage" } dd { "since " (view.since.date()) ", " (moment(view.since, now)) }
            dt { "Id" } dd { code { (view.rotation) } }
        }
    }
}

fn places(view: &HeldRotationView) -> Markup {
    html! {
        table.cards {
            thead { tr { th scope="col" { "Destination" } th scope="col" { "Filled" } th scope="col" { "How it stands" } } }
            tbody { @for one in &view.destinations { tr {
                th scope="row" { (text(&one.name)) }
                td data-label="Filled" { @if one.by_hand { "by hand" } @else { "by Keytender" } }
                td data-label="How it stands" { (stands(one)) }
            } } }
        }
    }
}

const fn stands(one: &DeliveryView) -> &'static str {
    match (one.is_acknowledged, one.is_written, one.is_reloaded, one.by_hand) {
        (true, ..) => "Somebody vouched for it",
        (false, true, true, _) => "Has the new key, and whoever uses it was told",
        (false, true, false, _) => "Has the new key",
        (false, false, _, true) => "Waits for a person",
        (false, false, _, false) => "Has the old key",
    }
}

/// What happened, the newest first; what programs alone want to know is left out, and what happened again and again
/// is told once.
fn story(events: &[HappenedView]) -> Markup {
    let told: Vec<&HappenedView> = events.iter().filter(|event| event.kind != "stage").collect();
    let lines: Vec<&[&HappenedView]> = told.chunk_by(|one, next| one.words == next.words).collect();
    html! {
        ol.plain.rows.story {
            @for line in lines.iter().rev() { @if let ([first, ..], [.., last]) = (line, line) { li {
                small { time datetime=(last.at) { (last.at.to_seconds()) } }
                span.(if is_trouble(last) { "high" } else { "" }) { (spoken(&told_as(last))) }
                @if line.len() > 1 { small { (line.len()) " times since " (first.at.date()) } }
            } } }
        }
    }
}

/// A sentence; who said something is called as they are.
fn told_as(event: &HappenedView) -> String {
    match event.kind == "said" {
        true => event.words.clone(),
        false => capital(&event.words),
    }
}

fn is_trouble(event: &HappenedView) -> bool {
    matches!(event.kind.as_str(), "failed" | "blocked" | "still-used" | "orphan" | "doubtful")
}
