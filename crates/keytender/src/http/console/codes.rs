//! Codes from an app on a phone: turned on and off on one's own page, and asked after the password.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use keytender_core::secret::Secret;
use maud::{Markup, html};
use qrcode::{Color, QrCode};
use serde::Deserialize;

use super::sign_in::{place, sentence};
use super::visit::{Form, Visit, before_sign_in};
use super::words::moment;
use super::{cookie, layout};
use crate::app::codes::{self, NewCodes};
use crate::app::inventory::Inventory;
use crate::app::sign_in::Anew;
use crate::error::{Error, Kind};
use crate::http::problem::Refusal;
use crate::store::authenticators::{Authenticator, AuthenticatorKind};

/// The empty squares that a reader needs around the picture (ISO/IEC 18004, section 6.3.8).
const QUIET: usize = 4;

/// The password that is asked again before anything of one's sign-in changes.
#[derive(Deserialize)]
pub(super) struct Again {
    pub(super) current: Option<String>,
}

impl Again {
    pub(super) fn password(self) -> Secret {
        Secret::new(self.current.unwrap_or_default())
    }
}

/// The code, and what it belongs to.
#[derive(Deserialize)]
pub(super) struct Typed {
    ticket: String,
    code: String,
    next: Option<String>,
}

/// The section of one's own page.
pub(super) fn section(
    visit: &Visit,
    inventory: &Inventory,
    known: &[Authenticator],
    anew: Anew,
) -> Markup {
    let has_password = known.iter().any(|one| one.kind == AuthenticatorKind::Password);
    let on = known.iter().find(|one| one.kind == AuthenticatorKind::Totp);
    html! {
        h2 #codes { "Codes from a phone" }
        @if let Some(on) = on {
            p.dim { "On since " (moment(on.created_at, inventory.now)) ": after the password a code is asked." }
            form.stack method="post" action="/me/codes/off" {
                (visit.proof())
                (present(anew, "codes-off"))
                button.quiet type="submit" { "Turn the codes off" }
            }
        } @else if has_password {
            p { "Off. With them a password alone signs nobody in." }
            form.stack method="post" action="/me/codes" {
                (visit.proof())
                (present(anew, "codes-on"))
                button.quiet type="submit" { "Turn codes on" }
            }
        } @else {
            p.dim { "They are asked after a password: set one first." }
        }
    }
}

/// The field for the present password, where it is asked.
pub(super) fn present(anew: Anew, id: &str) -> Markup {
    html! {
        @if anew == Anew::Password {
            label for=(id) { "Present password" }
            input id=(id) name="current" type="password" autocomplete="current-password" required;
        }
    }
}

/// Makes new codes, and shows their secret.
pub(super) async fn begin(
    visit: Visit,
    inventory: Inventory,
    Form(again): Form<Again>,
) -> Result<Response, Refusal> {
    if let Some(too_many) = visit.count_proof(&visit.session()?.who.user).await? {
        return Ok(too_many);
    }
    let new = codes::begin(&inventory, visit.session()?, &again.password()).await?;
    Ok(new_page(&visit, &new, None))
}

fn new_page(visit: &Visit, new: &NewCodes, wrong: Option<&Error>) -> Response {
    let content = html! {
        h1 { "Turn codes on" }
        @if let Some(wrong) = wrong { (wrong_code(wrong)) }
        p { "Read this picture with an app for such codes, or type the secret into it. Then type the code that "
            "it shows." }
        (picture(new.address.expose()))
        dl.facts {
            dt { "Secret" } dd { code data-copy { (new.secret.expose()) } }
            dt { "Address" } dd { code data-copy { (new.address.expose()) } }
        }
        form.stack method="post" action="/me/codes/confirm" {
            (visit.proof())
            input type="hidden" name="ticket" value=(new.ticket.expose());
            (code_field())
            button type="submit" { "Turn on" }
        }
        p.dim { "The secret is shown only now. " a href="/me" { "Leave it off" } }
    };
    layout::page(visit, "/me", "Turn codes on", &content)
}

fn wrong_code(wrong: &Error) -> Markup {
    html! { p.wrong role="alert" { (sentence(wrong)) } }
}

fn code_field() -> Markup {
    html! {
        label for="code" { "Code" }
        input #code name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus
            maxlength="9" aria-describedby="about-code";
        small #about-code { "Six digits; a new one every half minute." }
    }
}

/// A picture of squares that a phone reads.
fn picture(text: &str) -> Markup {
    let Ok(code) = QrCode::new(text) else { return html! {} };
    let width = code.width();
    let colors = code.to_colors();
    let squares = colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark);
    let path: String = squares
        .filter_map(|(place, _)| {
            let (row, column) = (place.checked_div(width)?, place.checked_rem(width)?);
            Some(format!("M{} {}h1v1h-1z", column + QUIET, row + QUIET))
        })
        .collect();
    let side = width + 2 * QUIET;
    html! {
        svg.squares viewBox={ "0 0 " (side) " " (side) } role="img" aria-label="The address below, for a camera"
            shape-rendering="crispEdges" { path d=(path) {} }
    }
}

/// Turns new codes on.
pub(super) async fn confirm(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let session = visit.session()?;
    if let Some(too_many) = visit.count_proof(&session.who.user).await? {
        return Ok(too_many);
    }
    let ticket = Secret::new(typed.ticket);
    match codes::confirm(&inventory, session, &ticket, &typed.code).await {
        Ok(()) => Ok(visit.done("/me", "Codes are on. Other browsers were signed out.")),
        Err(error) if error.of_kind() == Kind::Forbidden => {
            let new = codes::find_new(&inventory, session, &ticket).await?;
            let mut response = new_page(&visit, &new, Some(&error));
            *response.status_mut() = StatusCode::FORBIDDEN;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

/// Turns codes off.
pub(super) async fn turn_off(
    visit: Visit,
    inventory: Inventory,
    Form(again): Form<Again>,
) -> Result<Response, Refusal> {
    if let Some(too_many) = visit.count_proof(&visit.session()?.who.user).await? {
        return Ok(too_many);
    }
    codes::turn_off(&inventory, visit.session()?, &again.password()).await?;
    Ok(visit.done("/me", "Codes are off: the password alone signs you in."))
}

/// Asks for the code, once the password was right.
pub(super) fn ask(
    visit: &Visit,
    ticket: &Secret,
    next: Option<&str>,
    wrong: Option<&Error>,
) -> Response {
    let content = html! {
        h1 { "Your code" }
        @if let Some(wrong) = wrong { (wrong_code(wrong)) }
        p { "Type the code that the app on your phone shows." }
        form.stack method="post" action="/sign-in/code" {
            (visit.proof())
            input type="hidden" name="ticket" value=(ticket.expose());
            @if let Some(next) = next { input type="hidden" name="next" value=(next); }
            (code_field())
            button type="submit" { "Sign in" }
        }
        p.dim { a href="/sign-in" { "Begin again" } }
    };
    layout::bare("Your code", &content)
}

/// Signs in by the code.
pub(super) async fn enter(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Refusal> {
    let inventory = before_sign_in(&visit);
    let ticket = Secret::new(typed.ticket);
    let next = typed.next.as_deref();
    let whose = codes::whose(&inventory, &ticket).await?;
    if let Some(too_many) = visit.count_proof(&whose).await? {
        return Ok(too_many);
    }
    match codes::enter(&inventory, &ticket, &typed.code, &visit.came).await {
        Ok(held) => {
            let mut response = Redirect::to(place(next)).into_response();
            cookie::keep(response.headers_mut(), &held, visit.state.is_https);
            Ok(response)
        }
        Err(error) if error.of_kind() == Kind::Forbidden => {
            let mut response = ask(&visit, &ticket, next, Some(&error));
            *response.status_mut() = StatusCode::FORBIDDEN;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}
