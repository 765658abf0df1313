//! The rotation of a customer's key: the form, how it stands, and who still uses the old key.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::key::State as KeyState;
use keytender_core::policy::Action;
use keytender_core::text::count;
use keytender_core::time::{Span, Time};
use maud::{Markup, html};
use serde::Deserialize;

use super::key::{Read, show_wrong};
use super::make::{life, life_choice, shown};
use super::session::{Guest, place};
use crate::app::inventory::Inventory;
use crate::app::issued::{self, Activation, Created, NewRotation};
use crate::app::view::{RotationStage, RotationView};
use crate::error::Error;
use crate::http::console::form::Choice;
use crate::http::console::key::rotation::standing;
use crate::http::console::visit::Form;
use crate::http::console::{made, places};
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// How long both keys may work, in days.
const OVERLAPS: [i64; 4] = [1, 7, 14, 30];

/// A rotation to begin.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    overlap: Option<String>,
    activation: Option<String>,
    life: Option<String>,
    once: Option<String>,
}

impl Typed {
    fn new_rotation(&self, now: Time) -> Result<NewRotation, Error> {
        let days = |text: &str| {
            let known = OVERLAPS.iter().find(|days| days.to_string() == text);
            known.and_then(|days| u32::try_from(*days).ok()).map(Span::days)
        };
        let overlap = match self.overlap.as_deref() {
            None => None,
            Some(text) => Some(days(text).ok_or_else(|| Error::new("say how long both work"))?),
        };
        Ok(NewRotation {
            overlap,
            activation: match self.activation.as_deref() {
                Some("immediately") => Activation::Immediately,
                _ => Activation::OnFirstUse,
            },
            expires_at: life(self.life.as_deref(), now)?,
            why: None,
        })
    }
}

/// The box of the rotation on a key's page.
pub(super) fn section(
    guest: &Guest,
    read: &Read,
    asked: Option<&Typed>,
    now: Time,
) -> Result<Markup, Refusal> {
    let open = read.rotation.as_ref().filter(|one| one.stage != RotationStage::Done);
    let can_rotate = read.view.state == KeyState::Active && guest.may(Scope::KeysIssue);
    Ok(html! {
        @if open.is_some() || can_rotate {
            section.way #rotation {
                h3 { @if open.is_some() { "Rotation" } @else { "Rotate" } }
                @match open {
                    Some(rotation) => (stands(guest, read, rotation, now)),
                    None => {
                        p { "You get a new key in its place. Both work for a while, so that nothing stops, and you \
                            see who still uses the old one." }
                        (form(guest, read, asked)?)
                    }
                }
            }
        }
    })
}

/// A rotation that goes on.
fn stands(guest: &Guest, read: &Read, rotation: &RotationView, now: Time) -> Markup {
    let key = &read.view.key;
    html! {
        (standing(key, rotation, place, now))
        @if rotation.stage != RotationStage::Pending {
            p { b { "Who still uses the old key?" } }
            div.note { (places::still(rotation, now)) }
        }
        @if guest.may(Scope::KeysIssue) {
            p.row {
                @if rotation.stage == RotationStage::Overlap {
                    a.button.quiet href={ (place(key)) "/rotations/finish" } { "Finish it…" }
                }
                a.button.quiet href={ (place(key)) "/rotations/cancel" } { "Cancel it…" }
            }
        }
    }
}

fn form(guest: &Guest, read: &Read, asked: Option<&Typed>) -> Result<Markup, Refusal> {
    let text = |of: fn(&Typed) -> &Option<String>| asked.and_then(|one| of(one).as_deref());
    let usual = (String::new(), guest.brand.api.overlap.in_words());
    let days = |days: &i64| (days.to_string(), count(days.unsigned_abs(), "day"));
    let overlaps = std::iter::once(usual).chain(OVERLAPS.iter().map(days));
    let activations = [
        ("on_first_use", "the new key is used first: whoever is late loses nothing"),
        ("immediately", "now"),
    ];
    let is_open = asked.is_some() || read.view.action == Some(Action::Rotate);
    Ok(html! {
        details open[is_open] {
            summary { "Rotate it" }
            form.stack method="post" action={ (place(&read.view.key)) "/rotations" } {
                (guest.proof())
                (made::once_member()?)
                (Choice::new("rotate", "overlap", "How long both work", overlaps).chosen(text(|one| &one.overlap)))
                (Choice::new("rotate", "activation", "Counted from when", activations)
                    .chosen(text(|one| &one.activation)))
                (life_choice("rotate", guest.brand.api.key_life, text(|one| &one.life)))
                button type="submit" { "Make the new key" }
            }
        }
    })
}

/// Begins a rotation, and shows the new key this once.
pub(super) async fn rotate(
    guest: Guest,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    match rotate_once(&inventory, &word, &typed).await {
        Ok(created) => {
            guest.state.node.wake();
            let about = html! {
                p { @if typed.activation.as_deref() == Some("immediately") {
                    "It works from now on, and the time of the old one has begun to run: put the new one in its place."
                } @else {
                    "Put it in the place of the old one. Its first use begins the time in which both work; until then \
                     the old one works as it did."
                } }
            };
            Ok(shown(&guest, &created, "The new key", &about))
        }
        Err(error) => show_wrong(&guest, &inventory, &word, error, Some(&typed)).await,
    }
}

async fn rotate_once(inventory: &Inventory, word: &str, typed: &Typed) -> Result<Created, Error> {
    let new = typed.new_rotation(inventory.now)?;
    made::refuse_again(inventory, typed.once.as_deref()).await?;
    issued::rotate(inventory, word, new).await
}
