//! The rotation of a key that we issued: how it stands, who still uses the old key, and what can be done.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::key::State;
use keytender_core::policy::Action;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::ours::Ours;
use super::render_wrong;
use crate::app::inventory::Inventory;
use crate::app::issued::{self, Activation, Created, NewRotation};
use crate::app::view::{KeyView, RotationStage, RotationView};
use crate::error::Error;
use crate::http::console::apps::make::{life, life_choice};
use crate::http::console::form::{Choice, Field, Reasoned};
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::console::{apis, made, places};
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// From when on the new key works.
const ACTIVATIONS: [(&str, &str); 2] = [
    ("on_first_use", "the new key is used: whoever is late loses nothing"),
    ("immediately", "now: the new key works at once"),
];

/// A rotation to begin.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Typed {
    overlap: Option<String>,
    activation: Option<String>,
    life: Option<String>,
    because: Option<String>,
    once: Option<String>,
}

/// Why something is done.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Reason {
    because: Option<String>,
}

impl Typed {
    fn new_rotation(&self, now: Time) -> Result<NewRotation, Error> {
        Ok(NewRotation {
            overlap: apis::span("the overlap", self.overlap.as_deref())?,
            activation: match self.activation.as_deref() {
                Some("immediately") => Activation::Immediately,
                _ => Activation::OnFirstUse,
            },
            expires_at: life(self.life.as_deref(), now)?,
            why: self.because.clone(),
        })
    }
}

/// The box of the rotation on a key's page.
pub(super) fn section(
    visit: &Visit,
    view: &KeyView,
    ours: &Ours<'_>,
    now: Time,
) -> Result<Markup, Refusal> {
    let open = ours.rotation.as_ref().filter(|one| one.stage != RotationStage::Done);
    let can_rotate = view.state == State::Active && visit.may(Scope::KeysIssue);
    if open.is_none() && !can_rotate && ours.rotation.is_none() {
        return Ok(html! {});
    }
    Ok(html! {
        section.way #rotation {
            h3 { @if open.is_some() { "Rotation" } @else { "Rotate" } }
            @match (open, &ours.rotation) {
                (Some(rotation), _) => (stands(visit, view, rotation, now)),
                (None, Some(rotation)) => (done(view, rotation)),
                (None, None) => {
                    p { "A new key takes its place. Both work for a while, and nothing stops working." }
                }
            }
            @if open.is_none() && can_rotate { (form(view, visit, ours)?) }
        }
    })
}

/// A rotation that is over.
fn done(view: &KeyView, rotation: &RotationView) -> Markup {
    html! {
        @if rotation.before == view.key {
            p { "It was replaced by " (link(&rotation.after, "a new key")) "." }
        } @else {
            p { "It took the place of " (link(&rotation.before, "an old key")) "." }
        }
    }
}

fn link(key: &str, said: &str) -> Markup {
    html! { a href={ "/keys/" (key) } { (said) } }
}

/// A rotation that goes on.
fn stands(visit: &Visit, view: &KeyView, rotation: &RotationView, now: Time) -> Markup {
    html! {
        (standing(&view.key, rotation, |key| format!("/keys/{key}"), now))
        @if rotation.stage != RotationStage::Pending {
            p { "Who still uses the old key:" }
            div.note { (places::still(rotation, now)) }
        }
        @if visit.may(Scope::KeysIssue) {
            @if rotation.stage == RotationStage::Overlap {
                (act(visit, view, "finish", "Finish it…", "The old key stops now.", "Finish it"))
            }
            (act(visit, view, "cancel", "Cancel it…",
                "The old key works on as it did, and the new one ends for good.", "Cancel the rotation"))
        }
    }
}

/// Which of its two keys one is, and until when both work; `place` says where the page of a key is.
pub(in crate::http::console) fn standing(
    key: &str,
    rotation: &RotationView,
    place: impl Fn(&str) -> String,
    now: Time,
) -> Markup {
    let is_old = rotation.before == key;
    let link = |key: &str, words: &str| html! { a href=(place(key)) { (words) } };
    html! {
        p {
            @if is_old { "This is the old key; " (link(&rotation.after, "the new one")) }
            @else { "This is the new key; " (link(&rotation.before, "the old one")) }
            @match rotation.stage {
                RotationStage::Pending if is_old => " waits for its first use.",
                RotationStage::Pending => " works on until this one is used.",
                _ => " works too.",
            }
        }
        @match (rotation.stage, rotation.overlap, rotation.overlap_ends_at) {
            (RotationStage::Pending, Some(overlap), _) => {
                p { "From the first use of the new key on, both work for " (overlap.in_words()) "." }
            }
            (RotationStage::Overlap | RotationStage::Done, _, Some(at)) => {
                p { "The old key stops " b { (moment(at, now)) } ", on " (at.date()) "." }
            }
            _ => {}
        }
    }
}

/// A form for what is done to a rotation, behind a word that opens it.
fn act(visit: &Visit, view: &KeyView, act: &str, title: &str, what: &str, button: &str) -> Markup {
    let action = format!("/keys/{}/rotations/{act}", view.key);
    let (is_danger, hidden, refused) = (true, &[][..], None);
    Reasoned { form: act, action: &action, title, what, button, is_danger, hidden, refused }
        .show(visit)
}

fn form(view: &KeyView, visit: &Visit, ours: &Ours<'_>) -> Result<Markup, Refusal> {
    let about = format!("Such as 2w. Empty: {}.", ours.api.overlap.in_words());
    let text = |of: fn(&Typed) -> &Option<String>| ours.asked.and_then(|one| of(one).as_deref());
    let is_open = ours.asked.is_some() || view.action == Some(Action::Rotate);
    Ok(html! {
        details open[is_open] {
            summary { "Rotate it" }
            form.stack method="post" action={ "/keys/" (view.key) "/rotations" } {
                (visit.proof())
                (made::once_member()?)
                (Field::new("rotate", "overlap", "How long both work").value(text(|one| &one.overlap)).about(&about))
                (Choice::new("rotate", "activation", "Counted from when", ACTIVATIONS)
                    .chosen(text(|one| &one.activation)))
                (life_choice("rotate", ours.api.key_life, text(|one| &one.life)))
                (Field::new("rotate", "because", "Because").value(text(|one| &one.because)))
                button type="submit" { "Make the new key" }
            }
        }
    })
}

/// Begins a rotation, and shows the new key this once.
pub(in crate::http::console) async fn rotate(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    match rotate_once(&inventory, &word, &typed).await {
        Ok(created) => {
            visit.state.node.wake();
            let about = html! {
                p { @if typed.activation.as_deref() == Some("immediately") {
                    "It works from now on, and the overlap has begun: put it in the place of the old one."
                } @else {
                    "Put it in the place of the old one. Its first use begins the overlap; until then the old one \
                     works as it did."
                } }
            };
            Ok(made::page(&visit, &created, "The new key of a rotation", &about))
        }
        Err(error) => render_wrong(&visit, &inventory, &word, error, Some(&typed), None).await,
    }
}

async fn rotate_once(inventory: &Inventory, word: &str, typed: &Typed) -> Result<Created, Error> {
    let new = typed.new_rotation(inventory.now)?;
    made::refuse_again(inventory, typed.once.as_deref()).await?;
    issued::rotate(inventory, word, new).await
}

/// Takes a rotation back.
pub(in crate::http::console) async fn cancel(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(reason): Form<Reason>,
) -> Result<Response, Refusal> {
    match issued::cancel(&inventory, &word, reason.because.as_deref()).await {
        Ok(()) => {
            done_with(&visit, &word, "The rotation is cancelled: the old key works on.").await
        }
        Err(error) => render_wrong(&visit, &inventory, &word, error, None, None).await,
    }
}

/// Ends the overlap now.
pub(in crate::http::console) async fn finish(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(reason): Form<Reason>,
) -> Result<Response, Refusal> {
    match issued::finish(&inventory, &word, reason.because.as_deref()).await {
        Ok(()) => {
            done_with(&visit, &word, "The rotation is finished: only the new key works.").await
        }
        Err(error) => render_wrong(&visit, &inventory, &word, error, None, None).await,
    }
}

/// This server knows of it before it says so.
async fn done_with(visit: &Visit, word: &str, said: &str) -> Result<Response, Refusal> {
    visit.state.node.follow().await?;
    Ok(visit.done(&format!("/keys/{word}"), said))
}
