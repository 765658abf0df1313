//! The tokens of a user: with what their programs use the API.

use axum::response::Response;
use keytender_core::access::{Scope, Scopes};
use keytender_core::key::State;
use keytender_core::time::{Span, Time};
use maud::{Markup, html};
use serde::Deserialize;

use super::{PATH, place, when};
use crate::app::acts::{self, Act, Asked};
use crate::app::inventory::Inventory;
use crate::app::tokens::{self, NewToken};
use crate::app::users;
use crate::app::view::{TokenView, UserView};
use crate::error::Error;
use crate::http::console::form::{Choice, Field, Question, Wrong, ask, boxes, folded};
use crate::http::console::layout;
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::extract::Path;
use crate::http::problem::{Problem, Refusal};

/// How long a token may be said to work: the word of the form, and what people read.
const LIVES: [(&str, &str); 5] = [
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    ("365", "a year"),
    ("never", "for good: it will be due like any other old key"),
];
/// What is chosen of which nobody says otherwise: what the API does too.
const USUAL_LIFE: &str = "90";

/// A token to make.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Typed {
    #[serde(default)]
    label: String,
    life: String,
    #[serde(default)]
    scopes: Vec<String>,
}

impl Typed {
    fn new_token(&self, now: Time) -> Result<NewToken, Error> {
        let scopes = match self.scopes.is_empty() {
            true => Scopes::ALL,
            false => Scopes::parse(&self.scopes.join(" "))
                .map_err(|error| Error::new(error.to_string()))?,
        };
        let known = LIVES.iter().find(|(word, _)| *word == self.life);
        let (word, _) = known.ok_or_else(|| Error::new("say how long the token works"))?;
        let expires_at = word.parse().ok().map(|days| now.plus(Span::days(days)));
        Ok(NewToken { label: self.label.clone(), scopes, side: None, account: None, expires_at })
    }
}

/// Why a token is revoked.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Reason {
    because: Option<String>,
}

/// The part of a user's page that shows the tokens.
pub(super) async fn part(
    visit: &Visit,
    inventory: &Inventory,
    user: &UserView,
    typed: Option<(&Typed, &Wrong)>,
) -> Result<Markup, Refusal> {
    let mut all = tokens::views(inventory, Some(&user.name)).await?;
    all.sort_by(|one, other| other.created_at.cmp(&one.created_at).then(one.key.cmp(&other.key)));
    Ok(html! {
        @if all.is_empty() { p { "None: no program asks in their name." } }
        @else { (table(visit, inventory, user, &all)) }
        @if visit.may(Scope::UsersWrite) { (make_form(visit, user, typed)) }
    })
}

fn table(visit: &Visit, inventory: &Inventory, user: &UserView, all: &[TokenView]) -> Markup {
    let all_scopes = Scopes::ALL.iter().count();
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "Token" } th scope="col" { "May" } th scope="col" { "Made" }
                th scope="col" { "Last used" } th scope="col" { "Ends" }
                @if visit.may(Scope::KeysAct) { th scope="col" { span.unseen { "What to do" } } }
            } }
            tbody { @for one in all { tr {
                th scope="row" {
                    a.key href={ "/keys/" (one.key) } { (one.label.as_deref().unwrap_or("without a name")) }
                    br; small { code { (one.id) } @if one.state != State::Active { " · " (one.state.as_str()) } }
                }
                td data-label="May" {
                    @if one.scopes.len() == all_scopes { "all that the user may" }
                    @else { (one.scopes.iter().copied().collect::<Scopes>()) }
                    @if let Some(side) = one.side { small { "only keys " (side.as_str()) } }
                    @if let Some(account) = &one.account { small { "only " (account) ", as its own" } }
                }
                td data-label="Made" { @if let Some(at) = one.created_at { (moment(at, inventory.now)) } }
                td data-label="Last used" { (when(one.last_used_at, inventory)) }
                td data-label="Ends" {
                    @match one.expires_at { Some(at) => (moment(at, inventory.now)), None => "never" }
                }
                @if visit.may(Scope::KeysAct) {
                    td { a href={ (place(user)) "/tokens/" (one.key) "/revoke" }
                        aria-label={ "Revoke " (one.label.as_deref().unwrap_or(&one.id)) } { "Revoke…" } }
                }
            } } }
        }
    }
}

fn make_form(visit: &Visit, user: &UserView, typed: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let label = typed.map(|typed| typed.label.as_str());
    let life = typed.map_or(USUAL_LIFE, |typed| typed.life.as_str());
    let lines = html! {
        (Field::new("token", "label", "What it is for").value(label).required().about("Such as: nightly report"))
        (Choice::new("token", "life", "How long it works", LIVES).chosen(Some(life)))
        (boxes("What it may do", &html! { "Without a tick: all that " (user.name) " may." },
            user.role.scopes().iter().map(Scope::as_str), typed.map(|typed| &typed.scopes)))
    };
    folded(visit, "Make a token", "Make it", &format!("{}/tokens", place(user)), wrong, &lines)
}

/// Makes a token, and shows it this once.
pub(in crate::http::console) async fn create(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let user = users::view(&inventory, &word).await?;
    let created = match typed.new_token(inventory.now) {
        Ok(new) => tokens::create(&inventory, &user.id, new).await,
        Err(error) => Err(error),
    };
    let created = match created {
        Ok(created) => created,
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let content = html! {
                p { a href=(place(&user)) { (user.name) } }
                h1 { "Tokens of " (user.name) }
                (part(&visit, &inventory, &user, Some((&typed, &wrong))).await?)
            };
            return Ok(wrong.on(layout::page(&visit, PATH, "Tokens", &content)));
        }
    };
    let content = html! {
        h1 { "A token for " (user.name) }
        p { "Whoever shows it may do what it may. It is shown this once: put it where the program finds it." }
        p { code.secret data-copy { (created.text.expose()) } }
        p { "As a header: " code { "Authorization: Bearer …" } ", or in " code { "KEYTENDER_TOKEN" } "." }
        p { a href={ (place(&user)) "#tokens" } { "Back to " (user.name) } }
    };
    Ok(layout::page(&visit, PATH, "A new token", &content))
}

async fn token_of(inventory: &Inventory, user: &UserView, key: &str) -> Result<TokenView, Refusal> {
    let all = tokens::views(inventory, Some(&user.name)).await?;
    let found = all.into_iter().find(|one| one.key == key);
    found.ok_or_else(|| Problem::not_found("there is no such token").into())
}

/// Asks before a token is revoked.
pub(in crate::http::console) async fn ask_revoke(
    visit: Visit,
    inventory: Inventory,
    Path((word, key)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let user = users::view(&inventory, &word).await?;
    let token = token_of(&inventory, &user, &key).await?;
    let name = token.label.as_deref().unwrap_or(&token.id);
    let (title, back) = (format!("Revoke {name}?"), place(&user));
    let action = format!("{back}/tokens/{key}/revoke");
    let question = Question {
        section: PATH,
        title: &title,
        action: &action,
        button: "Revoke it",
        back: &back,
    };
    let what = html! {
        p { "Programs that use this token of " b { (user.name) } " stop working at once, and it cannot be taken \
             back. It was last used: " (when(token.last_used_at, &inventory)) "." }
    };
    let lines = html! { (Field::new("revoke", "because", "Why, for the log").required()) };
    Ok(ask(&visit, &question, &what, &lines))
}

/// Revokes a token.
pub(in crate::http::console) async fn revoke(
    visit: Visit,
    inventory: Inventory,
    Path((word, key)): Path<(String, String)>,
    Form(reason): Form<Reason>,
) -> Result<Response, Refusal> {
    let user = users::view(&inventory, &word).await?;
    let token = token_of(&inventory, &user, &key).await?;
    let asked = Asked { act: Act::Delete, why: reason.because, really: true };
    acts::run(&inventory, &token.key, &asked).await?;
    Ok(visit.done(&place(&user), "The token is revoked."))
}
