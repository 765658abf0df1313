//! What came of an act on several keys. Whatever fails midway, somebody learns for each key whether it was
//! done, and why not.

use axum::http::StatusCode;
use axum::response::Response;
use keytender_core::text::count;
use keytender_core::time::Time;
use maud::{Markup, html};

use super::{Chosen, PATH, What};
use crate::app::acts::{self, Act, Asked};
use crate::app::inventory::Inventory;
use crate::app::keys;
use crate::app::view::{KeyChange, KeyView};
use crate::error::{Error, Kind};
use crate::http::console::key_words::{name, state, text};
use crate::http::console::layout;
use crate::http::console::visit::Visit;
use crate::http::problem::{Cause, Refusal};

/// What came of one key.
enum Outcome {
    Done,
    /// Why not, and what to do.
    Refused(String, Option<String>),
    /// This server or its database failed: whether it was done is not known.
    Failed,
    /// One before it failed.
    NotTried,
}

/// A key, and what came of it.
struct One {
    view: KeyView,
    outcome: Outcome,
}

/// What came of all of them.
pub(super) struct Came {
    each: Vec<One>,
    /// Why this server failed, for its log.
    cause: Option<String>,
}

/// Does it to one key after the other, to its end even if the browser goes away. After a failure of ours
/// none is tried any more.
pub(super) async fn apply(
    visit: &Visit,
    inventory: Inventory,
    chosen: &Chosen,
    change: Option<KeyChange>,
    views: Vec<KeyView>,
) -> Result<Came, Refusal> {
    let why = chosen.because.clone();
    let is_by_link = visit.session()?.is_by_link();
    let work = async move {
        let mut came = Came { each: Vec::with_capacity(views.len()), cause: None };
        for view in views {
            let outcome = match came.cause {
                Some(_) => Outcome::NotTried,
                None => match one(&inventory, &view, change.as_ref(), why.as_deref()).await {
                    Ok(()) => Outcome::Done,
                    Err(error) if error.of_kind() == Kind::Internal => {
                        came.cause = Some(error.report());
                        Outcome::Failed
                    }
                    Err(error) => {
                        let hint = error.advice().filter(|_| !is_by_link).map(str::to_owned);
                        Outcome::Refused(error.explanation(), hint)
                    }
                },
            };
            let view = match outcome {
                Outcome::NotTried => view,
                _ => keys::view(&inventory, &view.key).await.unwrap_or(view),
            };
            came.each.push(One { view, outcome });
        }
        came
    };
    let came = tokio::spawn(work).await;
    came.map_err(|_| Refusal::Failed("a change of several keys did not end".to_owned()))
}

async fn one(
    inventory: &Inventory,
    view: &KeyView,
    change: Option<&KeyChange>,
    why: Option<&str>,
) -> Result<(), Error> {
    match change {
        Some(change) => keys::set(inventory, &view.key, change, |_| Ok(())).await.map(drop),
        None => {
            let asked = Asked { act: Act::Disable, why: why.map(str::to_owned), really: false };
            acts::run(inventory, &view.key, &asked).await.map(drop)
        }
    }
}

/// The page that says what came of each key.
pub(super) fn told(visit: &Visit, what: What, came: &Came) -> Response {
    let done = came.each.iter().filter(|one| matches!(one.outcome, Outcome::Done)).count();
    let number = |count: usize| u64::try_from(count).unwrap_or(0);
    let not_done = number(came.each.len() - done);
    let content = html! {
        p { a href=(PATH) { "Keys" } }
        h1 { (what.title()) }
        p.word role="status" { (count(number(done), "key")) " done." }
        @if not_done > 0 {
            p.wrong role="alert" {
                (count(not_done, "key")) " not done: it stands at each why."
                @if came.cause.is_some() { " This server failed on the way; its log says how." }
            }
        }
        ul.plain.rows { @for one in &came.each { li {
            a.key href=(format!("/keys/{}", one.view.key)) { (name(&one.view)) } " "
            span.code { (text(one.view.id.as_deref().unwrap_or_default())) } " "
            (said(what, one))
        } } }
        p { a.button.quiet href=(PATH) { "To the list" } }
    };
    let mut response = layout::page(visit, PATH, what.title(), &content);
    if let Some(cause) = &came.cause {
        *response.status_mut() = StatusCode::MULTI_STATUS;
        response.extensions_mut().insert(Cause(cause.clone()));
    }
    response
}

fn said(what: What, one: &One) -> Markup {
    html! {
        @match &one.outcome {
            Outcome::Done => span { "done: " (after(what, &one.view)) },
            Outcome::Refused(why, hint) => {
                b.critical { "not done: " } (text(why)) "."
                @if let Some(hint) = hint { small { (text(hint)) } }
            }
            Outcome::Failed => {
                b.critical { "failed: " } "this server failed in the midst of it, and cannot say whether it was done. "
                "Look at the key, and try again."
            }
            Outcome::NotTried => { b.critical { "not tried: " } "the one before it failed." }
        }
    }
}

/// How a key is now.
fn after(what: What, view: &KeyView) -> Markup {
    html! {
        @match what {
            What::Owner => {
                "the owner is " (text(view.owner.as_deref().unwrap_or("nobody")))
            }
            What::Keep => {
                "kept until " (view.keep_until.map(Time::date).unwrap_or_default())
            }
            What::Disable => { "it is " (state(view)) },
        }
    }
}
