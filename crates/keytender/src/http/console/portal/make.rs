//! Making a key: the form, and the page that shows the key this once.

use axum::response::Response;
use keytender_core::time::{Span, Time};
use keytender_core::token::Environment;
use maud::{Markup, html};
use serde::Deserialize;

use super::list::{self, Vain, Which};
use super::session::{Guest, place};
use super::{PATH, layout};
use crate::app::inventory::Inventory;
use crate::app::issued::{self, Created, NewIssued};
use crate::app::view::AppView;
use crate::error::Error;
use crate::http::console::form::{Choice, Field, Wrong, boxes};
use crate::http::console::made;
use crate::http::console::visit::Form;
use crate::http::problem::Refusal;

/// How long a key may be said to work, in days, beside what its API says.
const LIVES: [(i64, &str); 3] = [(30, "30 days"), (90, "90 days"), (365, "a year")];

/// A key to make.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    label: String,
    #[serde(default)]
    app: String,
    environment: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    networks: Option<String>,
    life: Option<String>,
    once: Option<String>,
}

impl Typed {
    fn new_key(&self, now: Time) -> Result<NewIssued, Error> {
        let environment = Environment::parse(self.environment.as_deref().unwrap_or("live"));
        let environment = environment.ok_or_else(|| Error::new("a key is for live or for test"))?;
        let networks = self.networks.as_deref().unwrap_or_default().split([' ', ',', '\n']);
        let networks = networks.map(str::trim).filter(|one| !one.is_empty());
        Ok(NewIssued {
            label: self.label.trim().to_owned(),
            environment,
            scopes: self.scopes.clone(),
            networks: networks.map(str::to_owned).collect(),
            expires_at: life(self.life.as_deref(), now)?,
        })
    }
}

/// When a key ends of which this was chosen; `None`: as its API says.
///
/// # Errors
/// When it is no choice.
pub(super) fn life(chosen: Option<&str>, now: Time) -> Result<Option<Option<Time>>, Error> {
    let Some(chosen) = chosen else { return Ok(None) };
    let known = LIVES.iter().find(|(days, _)| chosen == days.to_string());
    match known.and_then(|(days, _)| u32::try_from(*days).ok()) {
        Some(days) => Ok(Some(Some(now.plus(Span::days(days))))),
        None => Err(Error::new("say how long the key works")),
    }
}

/// The choice of how long a key works: no longer than its API says.
pub(super) fn life_choice<'c>(
    form: &'c str,
    of_api: Option<Span>,
    chosen: Option<&'c str>,
) -> Choice<'c> {
    let usual = match of_api {
        Some(life) => life.in_words(),
        None => "until it is revoked".to_owned(),
    };
    let longest = of_api.map_or(i64::MAX, Span::whole_days);
    let shorter = LIVES.iter().filter(|(days, _)| *days < longest);
    let shorter = shorter.map(|(days, words)| (days.to_string(), (*words).to_owned()));
    let lives = std::iter::once((String::new(), usual)).chain(shorter);
    Choice::new(form, "life", "How long it works", lives).chosen(chosen)
}

/// The form; it stands open before the first key.
pub(super) fn form(
    guest: &Guest,
    apps: &[AppView],
    is_first: bool,
    vain: Option<(&Typed, &Wrong)>,
) -> Result<Markup, Refusal> {
    let [first, ..] = apps else { return Ok(html! {}) };
    let (typed, wrong) = vain.unzip();
    let text = |of: fn(&Typed) -> &Option<String>| typed.and_then(|typed| of(typed).as_deref());
    let app = typed.map(|typed| typed.app.as_str());
    let environments = [("live", "live: for real"), ("test", "test: for trying")];
    let lines = html! {
        (made::once_member()?)
        (Field::new("key", "label", "What it is for").value(typed.map(|typed| typed.label.as_str())).required()
            .about("So that you know it again, such as checkout server."))
        @if apps.len() > 1 {
            (Choice::new("key", "app", "For which app", apps.iter().map(|app| (app.id.clone(), app.name.clone())))
                .chosen(app))
        } @else { input type="hidden" name="app" value=(first.id); }
        (Choice::new("key", "environment", "For what", environments).chosen(text(|typed| &typed.environment)))
        (scopes(apps, typed))
        (Field::new("key", "networks", "From where").value(text(|typed| &typed.networks))
            .about("Addresses or networks such as 203.0.113.0/24, with spaces between. Empty: from everywhere."))
        (life_choice("key", guest.brand.api.key_life, text(|typed| &typed.life)))
    };
    Ok(html! {
        details.add.main open[is_first || wrong.is_some()] {
            summary { "Make a key" }
            form.stack method="post" action={ (PATH) "/keys" } {
                (guest.proof())
                @if let Some(wrong) = wrong { (wrong) }
                (lines)
                button type="submit" { "Make the key" }
            }
        }
    })
}

/// What it may do, where an app has more than one scope to choose from.
fn scopes(apps: &[AppView], typed: Option<&Typed>) -> Markup {
    let mut all: Vec<&String> = apps.iter().flat_map(|app| &app.scopes).collect();
    all.sort_unstable();
    all.dedup();
    html! {
        @if all.len() > 1 {
            (boxes("What it may do", &html! {
                @if apps.len() > 1 { "Of what its app may. " } "Without a tick: all that its app may."
            }, all.into_iter().map(String::as_str), typed.map(|typed| &typed.scopes)))
        }
    }
}

/// Makes a key, and shows it this once.
pub(super) async fn create(
    guest: Guest,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    match create_once(&inventory, &typed).await {
        Ok(created) => {
            guest.state.node.wake();
            let about = html! { p { "It works from now on." } };
            Ok(shown(&guest, &created, "Your new key", &about))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { key: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(list::show(&guest, &inventory, &Which::default(), vain).await?))
        }
    }
}

async fn create_once(inventory: &Inventory, typed: &Typed) -> Result<Created, Error> {
    let new = typed.new_key(inventory.now)?;
    made::refuse_again(inventory, typed.once.as_deref()).await?;
    issued::create(inventory, &typed.app, new).await
}

/// The page that shows a new key; `about` says what comes next.
pub(super) fn shown(guest: &Guest, created: &Created, title: &str, about: &Markup) -> Response {
    let content = html! {
        h1 { (title) }
        p { "Copy it now: " b { "it is shown this once" } ". Nobody can read it here again, not even we." }
        (made::secret(created.text.expose()))
        p { "Put it where your program reads its secrets, never into its code, and send it as "
            code { "Authorization: Bearer …" } "." }
        (about)
        p.row { a.button href=(place(&created.key_id.to_string())) { "I have it: to the key" }
            a.button.quiet href=(PATH) { "All keys" } }
    };
    layout::page(guest, title, &content)
}
