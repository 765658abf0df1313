//! Links that work once. To look at one changes nothing: programs that check mails follow links.

use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use super::visit::{Visit, before_sign_in};
use super::{cookie, layout};
use crate::app::links;
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// Says whom the link signs in, and asks.
pub(super) async fn page(visit: Visit, Path(secret): Path<String>) -> Result<Response, Refusal> {
    let name = links::whose(&before_sign_in(&visit), &secret).await?;
    let content = html! {
        h1 { "Welcome" }
        p { "This link signs you in as " b { (name) } ". It works once." }
        form.stack method="post" {
            (visit.proof())
            button type="submit" { "Sign in" }
        }
    };
    Ok(layout::bare("Welcome", &content))
}

/// Signs in, and goes to where a password is set.
pub(super) async fn enter(visit: Visit, Path(secret): Path<String>) -> Result<Response, Refusal> {
    let held = links::enter(&before_sign_in(&visit), &secret, &visit.came).await?;
    let mut response = Redirect::to("/me").into_response();
    cookie::keep(response.headers_mut(), &held, visit.state.is_https);
    Ok(response)
}
