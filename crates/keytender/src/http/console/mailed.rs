//! Links in notices: an owner who is no user enters by one. To look at one changes nothing.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use super::visit::{Visit, before_sign_in};
use super::{cookie, layout};
use crate::app::mailed::{self, Mailed, Standing};
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// The parts of the path: the link's secret, and the key.
type Parts = Path<(String, String)>;

/// Says what the link opens, and asks; or why it does not, and offers another.
pub(super) async fn page(visit: Visit, Path((secret, key)): Parts) -> Result<Response, Refusal> {
    let inventory = before_sign_in(&visit);
    let mailed = mailed::look(&inventory, &visit.state.sealer, &secret, &key).await?;
    if is_inside(&visit, &mailed) {
        return Ok(to_key(&mailed));
    }
    if mailed.standing != Standing::Good {
        return Ok(offer(&visit, &mailed, &secret));
    }
    let content = html! {
        h1 { "Your keys" }
        p { "This link opens the keys of " b { (mailed.owner.name) } " for an hour: see what is wrong with them, "
            "disable them, keep them until a day, or say that they are not yours." }
        form.stack method="post" {
            (visit.proof())
            button type="submit" { "Open the keys" }
        }
        p.dim { "It works once." }
    };
    Ok(layout::bare("Your keys", &content))
}

/// Whether whoever looks is in already: a user, or this owner.
fn is_inside(visit: &Visit, mailed: &Mailed) -> bool {
    let owner = visit.signed.as_ref().map(|signed| signed.session.owner_id);
    owner.is_some_and(|owner| owner.is_none_or(|id| id == mailed.owner.id))
}

fn to_key(mailed: &Mailed) -> Response {
    Redirect::to(&format!("/keys/{}", mailed.key)).into_response()
}

fn offer(visit: &Visit, mailed: &Mailed, secret: &str) -> Response {
    let why = match mailed.standing {
        Standing::TooOld => "This link is too old.",
        _ => "This link was used: it works once.",
    };
    let content = html! {
        h1 { "Your keys" }
        p { (why) " A new one can go to the address that it went to." }
        form.stack method="post" action={ "/mail/" (secret) "/" (mailed.key) "/again" } {
            (visit.proof())
            button type="submit" { "Mail a new link" }
        }
        p.dim { "If you are a user here, " a href={ "/sign-in?next=/keys/" (mailed.key) } { "sign in" } "." }
    };
    let mut response = layout::bare("Your keys", &content);
    *response.status_mut() = StatusCode::GONE;
    response
}

/// Lets the owner in.
pub(super) async fn enter(visit: Visit, Path((secret, key)): Parts) -> Result<Response, Refusal> {
    let inventory = before_sign_in(&visit);
    let sealer = &visit.state.sealer;
    let (mailed, held) = mailed::enter(&inventory, sealer, &secret, &key, &visit.came).await?;
    let mut response = to_key(&mailed);
    cookie::keep(response.headers_mut(), &held, visit.state.is_https);
    Ok(response)
}

/// Mails another link.
pub(super) async fn again(visit: Visit, Path((secret, key)): Parts) -> Result<Response, Refusal> {
    if let Some(too_many) = visit.count_sign_in(&secret).await? {
        return Ok(too_many);
    }
    let inventory = before_sign_in(&visit);
    mailed::again(&inventory, &visit.state.sealer, &secret, &key).await?;
    let content = html! {
        h1 { "A new link is on its way" }
        p { "It goes to the address that the old one went to, within a minute or two." }
    };
    Ok(layout::bare("A new link is on its way", &content))
}
