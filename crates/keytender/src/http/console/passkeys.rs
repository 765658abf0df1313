//! Passkeys: added and removed on one's own page, and a way to sign in. A browser reaches them only
//! by a script.

use axum::Json;
use axum::response::{IntoResponse, Redirect, Response};
use keytender_core::id::AuthenticatorId;
use maud::{Markup, html};
use serde::Deserialize;

use super::codes::{Again, present};
use super::cookie;
use super::sign_in::place;
use super::visit::{Form, Visit, before_sign_in};
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::passkeys::{self, Site};
use crate::app::sign_in::{self, Anew};
use crate::connect::openid::Provider;
use crate::http::extract::Path;
use crate::http::problem::{Problem, Refusal};
use crate::store::authenticators::{Authenticator, AuthenticatorKind};

/// What a browser made.
#[derive(Deserialize)]
pub(super) struct Made {
    label: Option<String>,
    answer: String,
}

/// What a browser answers.
#[derive(Deserialize)]
pub(super) struct Answered {
    answer: String,
    next: Option<String>,
}

/// Where passkeys work, if the page is not there.
enum Elsewhere {
    /// At this URL.
    At(String),
    /// Nowhere: the server is reached by an address.
    Nowhere,
}

fn site(visit: &Visit) -> Result<Site<'_>, Elsewhere> {
    let base = &visit.state.base;
    let name = base.name().ok_or(Elsewhere::Nowhere)?;
    if base.is_here() && !base.is_asked_by(&visit.browser.host) {
        return Err(Elsewhere::At(base.url().to_owned()));
    }
    Ok(Site { name, origin: base.origin() })
}

fn needed(visit: &Visit) -> Result<Site<'_>, Refusal> {
    site(visit).map_err(|elsewhere| {
        let problem = Problem::bad_request("passkeys belong to a name, and this page has none");
        Refusal::from(match elsewhere {
            Elsewhere::At(url) => problem.hint(format!("open {url} instead")),
            Elsewhere::Nowhere => problem.hint("start the server with --public-url https://NAME"),
        })
    })
}

fn elsewhere(place: &Elsewhere, path: &str) -> Markup {
    html! {
        @match place {
            Elsewhere::At(url) => p.dim { "Passkeys belong to a name rather than an address: open "
                a href={ (url) (path) } { (url) (path) } " to use them." },
            Elsewhere::Nowhere => p.dim { "Passkeys belong to a name rather than an address. The server has none: "
                code { "--public-url https://NAME" } " gives it one." },
        }
    }
}

/// The section of one's own page.
pub(super) fn section(
    visit: &Visit,
    inventory: &Inventory,
    known: &[Authenticator],
    anew: Anew,
) -> Markup {
    let own = known.iter().filter(|one| one.kind == AuthenticatorKind::Passkey);
    html! {
        h2 #passkeys { "Passkeys" }
        p { "A passkey signs you in by a fingerprint, a PIN or a security key; no password is needed beside it." }
        ul.plain.rows {
            @for one in own {
                li {
                    span { (one.label) }
                    small { "added " (moment(one.created_at, inventory.now)) ", "
                        @match one.used_at {
                            Some(at) => { "last used " (moment(at, inventory.now)) }
                            None => "not used yet",
                        }
                    }
                    (taking_away(visit, one, anew))
                }
            }
        }
        @match site(visit) {
            _ if anew == Anew::SignIn => {}
            Err(place) => (elsewhere(&place, "/me")),
            Ok(_) => {
                noscript { p.note { "To add a passkey, allow scripts for this page." } }
                form.stack method="post" action="/me/passkeys" data-passkey="create"
                    data-options="/me/passkeys/options" hidden {
                    (visit.proof())
                    input type="hidden" name="answer";
                    label for="passkey-label" { "What to call it" }
                    input #passkey-label name="label" maxlength="60" autocomplete="off" aria-describedby="about-label";
                    small #about-label { "Such as: laptop, or the blue security key." }
                    (present(anew, "passkey-present"))
                    button.quiet type="submit" { "Add a passkey" }
                }
            }
        }
    }
}

/// The form that takes a passkey, or an account elsewhere, away.
pub(super) fn taking_away(visit: &Visit, one: &Authenticator, anew: Anew) -> Markup {
    let place = match one.kind {
        AuthenticatorKind::Openid => "openid",
        _ => "passkeys",
    };
    html! {
        @if anew != Anew::SignIn {
            details { summary { "Remove" }
                form.stack method="post" action={ "/me/" (place) "/" (one.id) "/remove" } {
                    (visit.proof())
                    (present(anew, &format!("remove-{}", one.id)))
                    button.quiet type="submit" { "Remove " (one.label) }
                }
            }
        }
    }
}

/// The way in, on the page where people sign in.
pub(super) fn way(visit: &Visit, next: Option<&str>) -> Markup {
    html! {
        @match site(visit) {
            Err(Elsewhere::Nowhere) => {}
            Err(place) => (elsewhere(&place, "/sign-in")),
            Ok(_) => form.other method="post" action="/sign-in/passkey" data-passkey="get"
                data-options="/sign-in/passkey/options" hidden {
                (visit.proof())
                input type="hidden" name="answer";
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                button.quiet type="submit" { "Sign in with a passkey" }
            }
        }
    }
}

/// What the browser is to make a passkey from.
pub(super) async fn begin_adding(
    visit: Visit,
    inventory: Inventory,
    Form(again): Form<Again>,
) -> Result<Response, Refusal> {
    let session = visit.session()?;
    if let Some(too_many) = visit.count_proof(&session.who.user).await? {
        return Ok(too_many);
    }
    let site = needed(&visit)?;
    let options = passkeys::begin_adding(&inventory, session, &again.password(), site).await?;
    Ok(Json(options).into_response())
}

/// Adds a passkey.
pub(super) async fn add(
    visit: Visit,
    inventory: Inventory,
    Form(made): Form<Made>,
) -> Result<Response, Refusal> {
    let (session, label) = (visit.session()?, made.label.unwrap_or_default());
    passkeys::add(&inventory, session, needed(&visit)?, &label, &made.answer).await?;
    Ok(visit.done("/me", "The passkey is added: it signs you in from now on."))
}

/// Takes a passkey away.
pub(super) async fn remove(
    visit: Visit,
    inventory: Inventory,
    Path(id): Path<String>,
    Form(again): Form<Again>,
) -> Result<Response, Refusal> {
    let word = "The passkey is removed: it signs nobody in any more.";
    take_away(&visit, &inventory, (AuthenticatorKind::Passkey, &id), again, word).await
}

/// Takes a passkey, or an account elsewhere, away, and says so.
pub(super) async fn take_away(
    visit: &Visit,
    inventory: &Inventory,
    (kind, id): (AuthenticatorKind, &str),
    again: Again,
    word: &str,
) -> Result<Response, Refusal> {
    let session = visit.session()?;
    if let Some(too_many) = visit.count_proof(&session.who.user).await? {
        return Ok(too_many);
    }
    let missing = |_| Problem::not_found("there is no such way of yours to sign in");
    let id: AuthenticatorId = id.parse().map_err(missing)?;
    let issuer = visit.state.openid.as_ref().map(Provider::issuer);
    sign_in::remove(inventory, session, &again.password(), (kind, id), issuer).await?;
    Ok(visit.done("/me", word))
}

/// What the browser is to sign in from.
pub(super) async fn begin_entering(visit: Visit) -> Result<Response, Refusal> {
    if let Some(too_many) = visit.count_ceremony().await? {
        return Ok(too_many);
    }
    let options = passkeys::begin_entering(&before_sign_in(&visit), needed(&visit)?).await?;
    Ok(Json(options).into_response())
}

/// Signs in by a passkey.
pub(super) async fn enter(
    visit: Visit,
    Form(answered): Form<Answered>,
) -> Result<Response, Refusal> {
    let (inventory, site) = (before_sign_in(&visit), needed(&visit)?);
    let held = passkeys::enter(&inventory, site, &answered.answer, &visit.came).await?;
    let mut response = Redirect::to(place(answered.next.as_deref())).into_response();
    cookie::keep(response.headers_mut(), &held, visit.state.is_https);
    Ok(response)
}
