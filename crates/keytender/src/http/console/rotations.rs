//! Rotations of held keys: those under way, the ones that wait for a person first, and those that have ended.

use axum::response::Response;
use keytender_core::rotation::{Stage, Stands};
use keytender_core::text::printable;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::key_words::text;
use super::layout;
use super::listed::{Listed, more};
use super::visit::Visit;
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::rotate;
use crate::app::view::HeldRotationView;
use crate::http::extract::Query;
use crate::http::problem::Refusal;

mod forms;
pub(super) mod one;
pub(super) mod say;

pub(super) const PATH: &str = "/rotations";
/// How many are looked through; of more, the newest are shown.
const MOST: u32 = 1_000;
/// What asks for those that have ended.
const ENDED: &str = "yes";

/// Which rotations.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    ended: Option<String>,
    q: Option<String>,
    after: Option<String>,
}

/// Shows them.
pub(super) async fn page(
    visit: Visit,
    inventory: Inventory,
    Query(Which { ended, q, after }): Query<Which>,
) -> Result<Response, Refusal> {
    let has_ended = ended.as_deref() == Some(ENDED);
    let listed = Listed::of(q, after);
    let mut all = rotate::list(&inventory, None, Some(!has_ended), false, MOST).await?;
    let waiting = all.iter().filter(|one| needs_person(one)).count();
    all.retain(|one| {
        let new = one.new_id.as_deref().unwrap_or_default();
        listed.finds(&[&one.id, new, &one.account, &one.started_by])
    });
    let (shown, next) = listed.page(all, order)?;
    let asked = [("ended", ended.as_deref().unwrap_or_default()), ("q", listed.wanted())];
    let content = html! {
        h1 { "Rotations" }
        p.dim { "Keys you hold that are replaced by others, step by step. Each begins on the page of its key." }
        @match waiting {
            _ if has_ended => {}
            0 => {}
            1 => p.note { "1 waits for a person." },
            count => p.note { (count) " wait for a person." }
        }
        nav.choices aria-label="Which" {
            a href=(PATH) aria-current=[(!has_ended).then_some("true")] { "Under way" }
            a href={ (PATH) "?ended=" (ENDED) } aria-current=[has_ended.then_some("true")] { "Ended" }
        }
        (listed.search_among(PATH, "Key, account or who began it", &asked))
        @if shown.is_empty() {
            p { @if has_ended { "None has ended." } @else { "No key is being replaced." } }
        } @else { (table(&shown, inventory.now)) }
        (more(PATH, &asked, next.as_deref()))
    };
    Ok(layout::page(&visit, PATH, "Rotations", &content))
}

/// By what they are ordered: those that wait for a person first, then the newest.
fn order(one: &HeldRotationView) -> String {
    let age = i64::MAX - one.started_at.as_micros();
    format!("{} {age:020} {}", u8::from(!needs_person(one)), one.rotation)
}

/// A table of rotations.
fn table(shown: &[HeldRotationView], now: Time) -> Markup {
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "Key" } th scope="col" { "Account" } th scope="col" { "Stage" }
                th scope="col" { "Next" } th scope="col" { "Begun" }
            } }
            tbody { @for one in shown { tr {
                th scope="row" {
                    a.key href=(place(one)) { (text(&one.id)) }
                    @if one.new_id.as_deref() != Some(&one.id) {
                        small { "→ " @match &one.new_id {
                            Some(id) => (text(id)),
                            None if one.stage.is_ended() => "no new key",
                            None => "a new key",
                        } }
                    }
                }
                td data-label="Account" { (text(&one.account)) }
                td data-label="Stage" { (stage(one)) " " (mark(one)) }
                td data-label="Next" { (next(one, now)) }
                td data-label="Begun" { (moment(one.started_at, now)) small { "by " (text(&one.started_by)) } }
            } } }
        }
    }
}

/// Where a rotation is shown.
pub(super) fn place(view: &HeldRotationView) -> String {
    format!("{PATH}/{}", view.rotation)
}

/// Whether nothing goes on, or it would go on sooner, if somebody says something.
pub(super) fn needs_person(view: &HeldRotationView) -> bool {
    !view.stage.is_ended() && (view.waits_for == "person" || !view.asks.is_empty())
}

/// A word that marks one that waits for a person.
pub(super) fn mark(view: &HeldRotationView) -> Markup {
    html! {
        @if view.is_blocked { span.tag.critical { "Blocked" } }
        @else if needs_person(view) { span.tag.medium { "Needs a person" } }
    }
}

/// A sentence of the core, in which names and words to type stand between backticks.
pub(super) fn spoken(said: &str) -> Markup {
    html! {
        @for (place, part) in said.split('`').enumerate() {
            @if place % 2 == 1 { code { (text(part)) } } @else { (printable(part)) }
        }
    }
}

/// A stage in plain words.
pub(super) fn stage(view: &HeldRotationView) -> &'static str {
    match view.stage {
        Stage::Planned => "Planned",
        Stage::Preflight => "Looking what there is",
        Stage::CreateIntent => "Making the new key",
        Stage::Created => "Trying the new key",
        Stage::Verified => "The new key works",
        Stage::Delivering => "Bringing it where it is used",
        Stage::Delivered => "The new key is in place",
        Stage::Overlap => "Both keys work",
        Stage::Quiet => "The key that goes is quiet",
        Stage::DisableIntent => "Disabling the key that goes",
        Stage::Disabled => "Disabled and held",
        Stage::DeleteIntent => "Deleting the key that goes",
        Stage::Done => "Done",
        Stage::RollbackIntent => "Going back",
        Stage::RolledBack => "Rolled back",
        Stage::Aborted => "Given up",
    }
}

/// What comes next, and when.
fn next(view: &HeldRotationView, now: Time) -> Markup {
    let ahead = view.progress.iter().find(|one| one.stands == Stands::Ahead);
    html! {
        @if view.stage.is_ended() { "–" }
        @else if view.is_blocked { "What blocks it is mended" }
        @else if let Some(gate) = view.asks.first() { "Somebody approves " b { (gate.as_str()) } }
        @else if view.waits_for == "person" { "Somebody puts the new key in place" }
        @else if let Some(step) = ahead {
            (step.what)
            @if let Some(at) = step.not_before.filter(|at| *at > now) { small { "not before " (at.date()) ", " (moment(at, now)) } }
        } @else { "The last step" }
    }
}
