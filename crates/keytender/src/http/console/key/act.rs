//! Acts on a key: what will happen, what it may break, and after a yes what came of it.

use axum::http::StatusCode;
use axum::response::Response;
use keytender_core::key::State;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::{facts, is_by_link};
use crate::app::acts::{self, Act, Asked, BY_HAND, HOLD, UNDO};
use crate::app::inventory::Inventory;
use crate::app::keys;
use crate::app::view::{KeyView, PlanView};
use crate::error::{Error, Kind};
use crate::http::console::key_words::{last_use, name, plain_name, provider, state, text};
use crate::http::console::layout;
use crate::http::console::visit::{Form, Visit};
use crate::http::extract::Path;
use crate::http::problem::{self, Problem, Refusal};

/// What is said to a look at a deletion, which needs a reason before its hold is over.
const A_LOOK: &str = "a look at what it would do";

/// What somebody agreed to.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Agreed {
    because: Option<String>,
    really: Option<String>,
}

/// Shows what an act would do, as the provider shows the key now. Nothing is changed.
pub(in crate::http::console) async fn plan(
    visit: Visit,
    inventory: Inventory,
    Path((word, act)): Path<(String, Act)>,
) -> Result<Response, Refusal> {
    check(&visit, act)?;
    let is_deletion = act == Act::Delete;
    let why = is_deletion.then(|| A_LOOK.to_owned());
    let asked = Asked { act, why, really: is_deletion };
    match acts::preview(&inventory, &word, &asked).await {
        Ok(plan) => {
            Ok(asking(&visit, &plan.key, act, Some(&plan), &Agreed::default(), None, inventory.now))
        }
        Err(error) => refused(&visit, &inventory, &word, act, &Agreed::default(), error).await,
    }
}

/// Does it.
pub(in crate::http::console) async fn run(
    visit: Visit,
    inventory: Inventory,
    Path((word, act)): Path<(String, Act)>,
    Form(agreed): Form<Agreed>,
) -> Result<Response, Refusal> {
    check(&visit, act)?;
    let really = agreed.really.is_some();
    let asked = Asked { act, why: agreed.because.clone(), really };
    match acts::run(&inventory, &word, &asked).await {
        Ok(id) => {
            let said = match act {
                Act::Disable => "It is disabled. If something needs it, enable it again.",
                Act::Enable => "It works again.",
                Act::Delete => "It is deleted, for good.",
            };
            Ok(visit.done(&format!("/keys/{id}"), said))
        }
        Err(error) => refused(&visit, &inventory, &word, act, &agreed, error).await,
    }
}

/// Whoever came by a mailed link does what can be undone.
fn check(visit: &Visit, act: Act) -> Result<(), Refusal> {
    match act == Act::Delete && is_by_link(visit) {
        true => {
            let why = "a mailed link lets you disable a key, not delete it";
            Err(Problem::new(StatusCode::FORBIDDEN, why).into())
        }
        false => Ok(()),
    }
}

/// The page of an act that was not done, with why; nothing that was typed is lost.
async fn refused(
    visit: &Visit,
    inventory: &Inventory,
    word: &str,
    act: Act,
    agreed: &Agreed,
    error: Error,
) -> Result<Response, Refusal> {
    if matches!(error.of_kind(), Kind::Internal | Kind::NotFound) {
        return Err(error.into());
    }
    let view = keys::view(inventory, word).await?;
    let mut response = asking(visit, &view, act, None, agreed, Some(&error), inventory.now);
    *response.status_mut() = problem::status(error.of_kind());
    Ok(response)
}

fn asking(
    visit: &Visit,
    view: &KeyView,
    act: Act,
    plan: Option<&PlanView>,
    agreed: &Agreed,
    wrong: Option<&Error>,
    now: Time,
) -> Response {
    let is_done = plan.is_some_and(|plan| plan.is_done) && act != Act::Delete;
    let content = html! {
        p { a href="/keys" { "Keys" } " › " a href=(address(view)) { (name(view)) } }
        h1 { (verb(act)) " " (name(view)) "?" }
        @if let Some(error) = wrong {
            div.wrong role="alert" {
                p { b { "It was not done: " } (text(&error.explanation())) "." }
                @if let Some(hint) = error.advice() { p { (text(hint)) } }
            }
        }
        @if is_done {
            p.word { "It is so already: " (provider(view)) " shows it as " (text(state(view))) "." }
            p { a.button.quiet href=(address(view)) { "Back to the key" } }
        } @else {
            (about(view, act, plan, now))
            (form(visit, view, act, agreed, now))
        }
        h2 { "The key" }
        (facts::list(view, now))
    };
    let title = format!("{} {}", verb(act), plain_name(view));
    layout::page(visit, "/keys", &title, &content)
}

fn address(view: &KeyView) -> String {
    format!("/keys/{}", view.key)
}

const fn verb(act: Act) -> &'static str {
    match act {
        Act::Disable => "Disable",
        Act::Enable => "Enable",
        Act::Delete => "Delete",
    }
}

/// What will happen, and what it may break.
fn about(view: &KeyView, act: Act, plan: Option<&PlanView>, now: Time) -> Markup {
    let notes = plan
        .iter()
        .flat_map(|plan| &plan.notes)
        .filter(|note| !note.starts_with(UNDO) && !note.starts_with(BY_HAND));
    let is_recorded = plan.is_some_and(|plan| !plan.provider_asked);
    html! {
        @if is_recorded {
            p { "Do it on the key page of " (provider(view)) " first: here it is recorded that it was done." }
        }
        p { (provider(view)) " " @match act {
            Act::Disable => { "refuses the key from then on. This can be undone: it can be enabled again." }
            Act::Enable => { "takes the key again from then on: whoever has its secret can use it." }
            Act::Delete => { "forgets the key. " b { "This cannot be undone." } }
        } }
        dl.facts {
            dt { "State now" } dd { (text(state(view)))
                @if plan.is_some_and(|plan| plan.provider_asked) { span.dim { ", as its provider shows it at this moment" } } }
            dt { "Last used" } dd { (last_use(view, now)) }
            @if let Some(days) = view.cadence_days { dt { "Usually" } dd { "used at least every " (days) " days" } }
            @if let Some(place) = &view.where_used { dt { "Used in" } dd { (text(place)) } }
        }
        @let notes: Vec<&String> = notes.collect();
        @if !notes.is_empty() {
            ul.notes { @for note in notes { li { (text(note)) } } }
        }
    }
}

fn form(visit: &Visit, view: &KeyView, act: Act, agreed: &Agreed, now: Time) -> Markup {
    let hold = if act == Act::Delete { hold(view, now) } else { None };
    let is_early = hold.is_some();
    html! {
        @if let Some(why) = &hold { p.note { (why) } }
        form.stack method="post" action=(format!("{}/acts/{}", address(view), act.as_str())) {
            (visit.proof())
            @if is_early {
                label.box { input type="checkbox" name="really" value="yes" required checked[agreed.really.is_some()];
                    "Delete it all the same: I know that nobody needs it" }
            }
            label for="because" { "Because" }
            input #because name="because" maxlength="500" value=[agreed.because.as_deref()]
                required[is_early] aria-describedby="about-because";
            small #about-because { "It stands in the log, with your name." }
            div.row {
                button type="submit" class=[(act != Act::Enable).then_some("danger")] { (verb(act)) " it" }
                a.button.quiet href=(address(view)) { "Change nothing" }
            }
        }
    }
}

/// Why a key is not deleted yet.
fn hold(view: &KeyView, now: Time) -> Option<String> {
    let days = HOLD.whole_days();
    let rule = format!(
        "a key is deleted after it was seen disabled for {days} days, so that a monthly job shows that it needs it"
    );
    match view.suspended_since.filter(|_| view.state == State::Suspended) {
        None => Some(format!("It is not disabled, and {rule}. Disable it first.")),
        Some(since) if now.since(since) < HOLD => {
            let (since, until) = (since.date(), since.plus(HOLD).date());
            Some(format!("It was first seen disabled on {since}, and {rule}: that is on {until}."))
        }
        Some(_) => None,
    }
}
