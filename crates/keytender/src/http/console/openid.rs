//! Signing in at an OpenID provider: there and back.

use axum::response::{IntoResponse, Redirect, Response};
use keytender_core::secret::Secret;
use maud::{Markup, html};
use serde::Deserialize;

use super::codes::Again;
use super::cookie;
use super::passkeys::{take_away, taking_away};
use super::sign_in::place;
use super::visit::{Form, Visit, before_sign_in};
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::openid::{self, Brought};
use crate::app::sign_in::Anew;
use crate::connect::openid::Provider;
use crate::http::extract::{Path, Query};
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;
use crate::store::authenticators::{Authenticator, AuthenticatorKind};

/// Where the provider sends people back to.
const BACK: &str = "/sign-in/openid/back";

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    next: Option<String>,
}

/// What somebody brings back.
#[derive(Deserialize)]
pub(super) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// The way there, on the page where people sign in. A link and not a form: browsers let a form of
/// ours lead to no other site.
pub(super) fn way(state: &State, next: Option<&str>) -> Markup {
    let query = next.map(|next| {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        format!("?next={next}")
    });
    html! {
        @if let Some(provider) = &state.openid {
            p.other { a.button.quiet href={ "/sign-in/openid" (query.unwrap_or_default()) } {
                "Sign in with " (provider.host())
            } }
        }
    }
}

/// The section of one's own page, where it has anything to say.
pub(super) fn section(
    visit: &Visit,
    inventory: &Inventory,
    known: &[Authenticator],
    anew: Anew,
) -> Markup {
    let provider = visit.state.openid.as_ref();
    let own: Vec<_> = known.iter().filter(|one| one.issuer().is_some()).collect();
    html! {
        @if provider.is_some() || !own.is_empty() {
            h2 #elsewhere { "Elsewhere" }
            @if let Some(provider) = provider {
                p { "Whoever signs in with " (provider.host()) " the first time, and has your mail address there, "
                    "is you; from then on it is that account, whatever its address." }
            }
            ul.plain.rows {
                @for one in own {
                    li {
                        span { (one.label) " " span.dim { (one.issuer().unwrap_or_default()) } }
                        small { "yours since " (one.created_at.date())
                            @if let Some(at) = one.used_at { ", last used " (moment(at, inventory.now)) }
                            @if provider.map(Provider::issuer) != one.issuer() {
                                "; nobody signs in there any more"
                            }
                        }
                        (taking_away(visit, one, anew))
                    }
                }
            }
        }
    }
}

/// Takes an account away.
pub(super) async fn remove(
    visit: Visit,
    inventory: Inventory,
    Path(id): Path<String>,
    Form(again): Form<Again>,
) -> Result<Response, Refusal> {
    let word =
        "The account is removed. Whoever has your mail address there the next time is you again.";
    take_away(&visit, &inventory, (AuthenticatorKind::Openid, &id), again, word).await
}

/// Sends somebody to the provider.
pub(super) async fn begin(visit: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Refusal> {
    let next = place(wanted.next.as_deref());
    if visit.signed.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let provider = provider(&visit)?;
    let base = &visit.state.base;
    // The provider leads back to one place only, which must find this browser's cookie.
    if base.is_here() && !base.is_asked_by(&visit.browser.host) {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let there = format!("{}/sign-in/openid?next={next}", base.origin());
        return Ok(Redirect::to(&there).into_response());
    }
    if let Some(too_many) = visit.count_ceremony().await? {
        return Ok(too_many);
    }
    let back = format!("{}{BACK}", base.origin());
    let inventory = before_sign_in(&visit);
    let next = Some(next.to_owned());
    let sealer = &visit.state.sealer;
    let url = openid::begin(&inventory, provider, sealer, visit.browser.held.expose(), next, &back)
        .await?;
    Ok(Redirect::to(&url).into_response())
}

/// Takes somebody in who comes back.
pub(super) async fn back(visit: Visit, Query(answer): Query<Answer>) -> Result<Response, Refusal> {
    let provider = provider(&visit)?;
    let brought = Brought {
        state: answer.state.unwrap_or_default(),
        code: answer.code.map(Secret::new),
        error: answer.error,
        issuer: answer.iss,
    };
    let back = format!("{}{BACK}", visit.state.base.origin());
    let (inventory, sealer) = (before_sign_in(&visit), &visit.state.sealer);
    let held = visit.browser.held.expose();
    let entered =
        openid::enter(&inventory, provider, sealer, held, brought, &back, &visit.came).await;
    let (held, next) = entered?;
    let mut response = Redirect::to(place(next.as_deref())).into_response();
    cookie::keep(response.headers_mut(), &held, visit.state.is_https);
    Ok(response)
}

fn provider(visit: &Visit) -> Result<&Provider, Refusal> {
    let missing = || Problem::not_found("nobody signs in elsewhere here").into();
    visit.state.openid.as_ref().ok_or_else(missing)
}
