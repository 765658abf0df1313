//! What people say to a rotation by the forms of its page, and the new key for whoever puts it in place.

use axum::response::Response;
use keytender_core::rotation::Gate;
use maud::html;
use serde::Deserialize;

use super::{PATH, forms, one, place};
use crate::app::inventory::Inventory;
use crate::app::rotate;
use crate::app::view::{NewSecretView, SayRequest, SayWord};
use crate::error::{Error, Kind};
use crate::http::console::form::Wrong;
use crate::http::console::key_words::text;
use crate::http::console::visit::{Form, Visit};
use crate::http::console::{layout, made};
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// What is said.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Typed {
    say: SayWord,
    gate: Option<Gate>,
    destination: Option<String>,
    pub(super) because: Option<String>,
}

impl Typed {
    /// Whether it came from the form with these members.
    pub(super) fn is_of(&self, hidden: &[(&str, &str)]) -> bool {
        hidden.iter().all(|(name, value)| match *name {
            "gate" => self.gate.is_some_and(|gate| gate.as_str() == *value),
            "destination" => self.destination.as_deref() == Some(value),
            _ => serde_json::to_value(self.say).is_ok_and(|say| say == *value),
        })
    }
}

/// The press of a button, known again.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Press {
    once: Option<String>,
}

/// Tells a rotation what somebody says.
pub(in crate::http::console) async fn say(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    match tell(&inventory, &word, &typed).await {
        Ok(path) => {
            visit.state.node.wake();
            Ok(visit.done(&path, forms::heard(typed.say)))
        }
        Err(error) if error.of_kind() == Kind::NotFound => Err(error.into()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = one::show(&visit, &inventory, &word, Some((&typed, &wrong))).await?;
            Ok(wrong.on(page))
        }
    }
}

async fn tell(inventory: &Inventory, word: &str, typed: &Typed) -> Result<String, Error> {
    let Typed { say, gate, destination, because } = typed;
    let (destination, because) = (destination.clone(), because.clone());
    let said = SayRequest { say: *say, gate: *gate, destination, because }.say()?;
    let view = rotate::say(inventory, word, &said, typed.because.as_deref()).await?;
    Ok(place(&view))
}

/// Shows the new key to whoever puts it where it is used; the same press shows it once.
pub(in crate::http::console) async fn reveal(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(press): Form<Press>,
) -> Result<Response, Refusal> {
    let view = rotate::view(&inventory, &word).await?;
    let new = match reveal_once(&inventory, &view.rotation, press.once.as_deref()).await {
        Ok(new) => new,
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = one::show_wrong(&visit, &inventory, &word, &wrong).await?;
            return Ok(wrong.on(page));
        }
    };
    let by_hand: Vec<&str> =
        view.destinations.iter().filter(|one| one.by_hand).map(|one| one.name.as_str()).collect();
    let title = "The new key of a rotation";
    let content = html! {
        p { a href=(PATH) { "Rotations" } " › " a href=(place(&view)) { (text(&view.id)) } }
        h1 { (title) }
        p { "Put it where it is used now: " b { (text(&by_hand.join(", "))) } ". The log says that you saw it." }
        @if let Some(id) = &new.id { p { "Its id: " code data-copy { (text(id)) } } }
        (made::secret(&new.secret))
        p { "When it stands there, and whoever uses it uses this one, say so on the page of the rotation." }
        p { a.button.quiet href={ (place(&view)) "#say" } { "To the rotation" } }
    };
    Ok(layout::page(&visit, PATH, title, &content))
}

async fn reveal_once(
    inventory: &Inventory,
    word: &str,
    once: Option<&str>,
) -> Result<NewSecretView, Error> {
    made::refuse_again(inventory, once).await.map_err(|error| match error.of_kind() {
        Kind::Conflict => Error::new("this press has shown the key already")
            .kind(Kind::Conflict)
            .hint("press again if you need it again; the log counts each"),
        _ => error,
    })?;
    rotate::reveal(inventory, word).await
}
