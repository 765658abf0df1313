//! Making a key for an app: the form, and the page that shows the key once.

use axum::response::Response;
use keytender_core::time::{Span, Time};
use keytender_core::token::Environment;
use maud::{Markup, html};
use serde::Deserialize;

use super::one::{self, From, Vain};
use super::{place, words};
use crate::app::apps;
use crate::app::inventory::Inventory;
use crate::app::issued::{self, Created, NewIssued};
use crate::app::view::AppView;
use crate::error::Error;
use crate::http::console::form::{Choice, Field, Wrong, boxes, folded};
use crate::http::console::made;
use crate::http::console::visit::{Form, Visit};
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// For what a key may be.
const ENVIRONMENTS: [(&str, &str); 2] = [("live", "live: for real"), ("test", "test: for trying")];
/// How long a key may be said to work, beside what its API says.
const LIVES: [(&str, &str); 4] =
    [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("never", "until it is revoked")];
/// The word for what its API says.
const AS_SAID: &str = "api";

/// A key to make.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Typed {
    #[serde(default)]
    label: String,
    environment: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    networks: Option<String>,
    life: Option<String>,
    once: Option<String>,
}

impl Typed {
    fn new_key(&self, now: Time) -> Result<NewIssued, Error> {
        let environment = self.environment.as_deref().unwrap_or("live");
        let environment = Environment::parse(environment)
            .ok_or_else(|| Error::new("a key is for live or for test"))?;
        Ok(NewIssued {
            label: self.label.clone(),
            environment,
            scopes: words(Some(&self.scopes.join(" "))),
            networks: words(self.networks.as_deref()),
            expires_at: life(self.life.as_deref(), now)?,
        })
    }
}

/// When a key ends of which this was chosen; `None`: as its API says.
///
/// # Errors
/// When it is no choice.
pub(in crate::http::console) fn life(
    chosen: Option<&str>,
    now: Time,
) -> Result<Option<Option<Time>>, Error> {
    match chosen {
        None | Some(AS_SAID) => Ok(None),
        Some("never") => Ok(Some(None)),
        Some(days) => match days.parse() {
            Ok(days) => Ok(Some(Some(now.plus(Span::days(days))))),
            Err(_) => Err(Error::new("say how long the key works")),
        },
    }
}

/// The choice of how long a key works.
pub(in crate::http::console) fn life_choice<'c>(
    form: &'c str,
    of_api: Option<Span>,
    chosen: Option<&'c str>,
) -> Choice<'c> {
    let said = match of_api {
        Some(life) => format!("{}, as the API says", life.in_words()),
        None => "until it is revoked, as the API says".to_owned(),
    };
    let lives = LIVES.iter().map(|(word, said)| ((*word).to_owned(), (*said).to_owned()));
    let lives = std::iter::once((AS_SAID.to_owned(), said)).chain(lives);
    Choice::new(form, "life", "How long it works", lives).chosen(chosen)
}

/// The form.
pub(super) fn form(
    visit: &Visit,
    app: &AppView,
    life: Option<Span>,
    typed: Option<(&Typed, &Wrong)>,
) -> Result<Markup, Refusal> {
    let (typed, wrong) = typed.unzip();
    let text = |of: fn(&Typed) -> &Option<String>| typed.and_then(|typed| of(typed).as_deref());
    let lines = html! {
        (made::once_member()?)
        (Field::new("key", "label", "What it is for").value(typed.map(|typed| typed.label.as_str())).required()
            .about("Such as checkout."))
        (Choice::new("key", "environment", "Environment", ENVIRONMENTS)
            .chosen(text(|typed| &typed.environment)))
        (scopes(app, typed))
        (Field::new("key", "networks", "From where").value(text(|typed| &typed.networks))
            .about("Networks such as 203.0.113.0/24, with spaces between. Empty: from everywhere."))
        (life_choice("key", life, text(|typed| &typed.life)))
    };
    Ok(folded(visit, "Make a key", "Make it", &format!("{}/keys", place(app)), wrong, &lines))
}

/// What it may do: of an app that has scopes, some of these.
fn scopes(app: &AppView, typed: Option<&Typed>) -> Markup {
    let line = typed.map(|typed| typed.scopes.join(" "));
    html! {
        @if app.scopes.is_empty() {
            (Field::new("key", "scopes", "What it may do").value(line.as_deref())
                .about("Words of your API, such as orders:read orders:write."))
        } @else {
            (boxes("What it may do", &html! { "Without a tick: all that the app may." },
                app.scopes.iter().map(String::as_str), typed.map(|typed| &typed.scopes)))
        }
    }
}

/// Makes a key, and shows it this once.
pub(in crate::http::console) async fn create(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    match create_once(&inventory, &word, &typed).await {
        Ok(created) => {
            visit.state.node.wake();
            let app = apps::view(&inventory, &word).await?;
            let about = html! {
                p { "It is for " b { (app.name) } " of " (app.account_name) ", and it works from now on." }
                p { a href={ (place(&app)) "#keys" } { "All keys of " (app.name) } }
            };
            Ok(made::page(&visit, &created, "A new key", &about))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { key: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(one::show(&visit, &inventory, &word, &From::default(), vain).await?))
        }
    }
}

async fn create_once(inventory: &Inventory, word: &str, typed: &Typed) -> Result<Created, Error> {
    let new = typed.new_key(inventory.now)?;
    made::refuse_again(inventory, typed.once.as_deref()).await?;
    issued::create(inventory, word, new).await
}
