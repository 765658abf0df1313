//! The page where people sign in.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use keytender_core::secret::Secret;
use maud::html;
use serde::Deserialize;

use super::visit::{Form, Visit, before_sign_in};
use super::{codes, cookie, layout, openid, passkeys};
use crate::app::sign_in::{self, Entered};
use crate::error::{Error, Kind};
use crate::http::problem::Refusal;

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    next: Option<String>,
}

/// What is typed in.
#[derive(Deserialize)]
pub(super) struct Typed {
    name: String,
    password: String,
    next: Option<String>,
}

/// Asks for name and password.
pub(super) async fn page(visit: Visit, Query(wanted): Query<Wanted>) -> Response {
    if visit.signed.is_some() {
        return Redirect::to(place(wanted.next.as_deref())).into_response();
    }
    form(&visit, "", wanted.next.as_deref(), None)
}

fn form(visit: &Visit, name: &str, next: Option<&str>, wrong: Option<&str>) -> Response {
    let content = html! {
        h1 { "Sign in" }
        @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
        form.stack method="post" action="/sign-in" {
            (visit.proof())
            @if let Some(next) = next { input type="hidden" name="next" value=(next); }
            label for="name" { "Name" }
            input #name name="name" value=(name) autocomplete="username" required autofocus[name.is_empty()];
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password" required
                autofocus[!name.is_empty()];
            button type="submit" { "Sign in" }
        }
        (passkeys::way(visit, next))
        (openid::way(&visit.state, next))
        p.dim { "No way in any more? Whoever runs this server makes a link that works once: "
            code { "keytender users link NAME" } }
    };
    layout::bare("Sign in", &content)
}

/// Signs in by a password.
pub(super) async fn by_password(
    visit: Visit,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    if let Some(too_many) = visit.count_sign_in(&typed.name).await? {
        return Ok(too_many);
    }
    let inventory = before_sign_in(&visit);
    let password = Secret::new(typed.password);
    let next = typed.next.as_deref();
    match sign_in::by_password(&inventory, &typed.name, &password, &visit.came).await {
        Ok(Entered::In(held)) => {
            let mut response = Redirect::to(place(next)).into_response();
            cookie::keep(response.headers_mut(), &held, visit.state.is_https);
            Ok(response)
        }
        Ok(Entered::AsksCode(ticket)) => Ok(codes::ask(&visit, &ticket, next, None)),
        Err(error) if error.of_kind() == Kind::Forbidden => {
            visit.count_wrong().await?;
            let mut response = form(&visit, &typed.name, next, Some(&sentence(&error)));
            *response.status_mut() = StatusCode::FORBIDDEN;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

/// A refusal as a sentence of a page.
pub(super) fn sentence(error: &Error) -> String {
    let text = error.explanation();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let advice = error.advice().map(|advice| format!(": {advice}")).unwrap_or_default();
    format!("{first}{}{advice}.", letters.as_str())
}

/// A place of ours, and no other: what stands in a link may be anybody's.
pub(super) fn place(next: Option<&str>) -> &str {
    let is_ours = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(is_ours).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for other in [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "\\\\evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/ /evil.example",
            "/\n/evil.example",
            "",
        ] {
            assert_eq!(place(Some(other)), "/", "{other:?}");
        }
        assert_eq!(place(Some("/keys?due=true&sort=age")), "/keys?due=true&sort=age");
        assert_eq!(place(None), "/");
    }
}
