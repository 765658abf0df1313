//! One's own page: how one signs in, and where one is signed in.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use keytender_core::secret::Secret;
use maud::{Markup, html};
use serde::Deserialize;

use super::visit::{Form, Visit};
use super::words::moment;
use super::{codes, cookie, layout, openid, passkeys};
use crate::app::inventory::Inventory;
use crate::app::sessions;
use crate::app::sign_in::{self, Anew};
use crate::http::problem::{Problem, Refusal};
use crate::store::authenticators::AuthenticatorKind;

/// What is typed in.
#[derive(Deserialize)]
pub(super) struct Typed {
    current: Option<String>,
    new: String,
}

/// Shows how one signs in.
pub(super) async fn page(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    let session = visit.session()?;
    let name = session.who.user.clone();
    if session.is_by_link() {
        let content = html! {
            h1 { (name) }
            p { "You came by a link from a mail. It lets you see the keys that you answer for, disable them, "
                "keep them until a day, or say that they are not yours." }
        };
        return Ok(layout::page(&visit, "/me", &name, &content));
    }
    let known = sign_in::authenticators(&inventory, &name).await?;
    let password = known.iter().find(|one| one.kind == AuthenticatorKind::Password);
    let anew = sign_in::anew(&known, session, inventory.now);
    let content = html! {
        h1 { (name) }
        p.dim { "Role: " (session.who.grant.role.as_str()) }
        @if anew == Anew::SignIn { (sign_in_again(&visit)) }
        h2 { "Password" }
        @match password {
            Some(password) => p.dim {
                "Set " (moment(password.created_at, inventory.now)) ", "
                @match password.used_at {
                    Some(at) => { "last used " (moment(at, inventory.now)) }
                    None => "not used yet",
                }
            },
            None if known.is_empty() => p { "Set one, so that you can come back." },
            None => p.dim { "None is set: you have another way in." },
        }
        @if anew != Anew::SignIn { (password_form(&visit, anew)) }
        (codes::section(&visit, &inventory, &known, anew))
        (passkeys::section(&visit, &inventory, &known, anew))
        (openid::section(&visit, &inventory, &known, anew))
        h2 { "Where you are signed in" }
        @match sign_in::last_before(&inventory, session).await? {
            Some(last) => p.dim { "Last sign-in before this one: " (moment(last.at, inventory.now))
                @if let Some(how) = &last.why { " by " (how) } ", " (last.origin) "." },
            None => p.dim { "This is the first sign-in." },
        }
        (sessions_list(&visit, &inventory, &name).await?)
    };
    Ok(layout::page(&visit, "/me", &name, &content))
}

/// What is said to whoever signed in too long ago to change anything, and has no password to type.
fn sign_in_again(visit: &Visit) -> Markup {
    html! {
        form.note method="post" action="/sign-out" {
            (visit.proof())
            input type="hidden" name="next" value="/me";
            p { "To change how you sign in, sign in again: it was more than ten minutes ago." }
            button.quiet type="submit" { "Sign in again" }
        }
    }
}

fn password_form(visit: &Visit, anew: Anew) -> Markup {
    html! {
        form.stack method="post" action="/me/password" {
            (visit.proof())
            (codes::present(anew, "current"))
            label for="new" { "New password" }
            input #new name="new" type="password" autocomplete="new-password" minlength="15" required
                aria-describedby="about-new";
            small #about-new { "At least 15 letters: a sentence of a few words is easy to keep." }
            button type="submit" { "Set the password" }
        }
    }
}

async fn sessions_list(
    visit: &Visit,
    inventory: &Inventory,
    name: &str,
) -> Result<Markup, Refusal> {
    let own = visit.session()?.session.id;
    let all = sessions::list(inventory, name).await?;
    Ok(html! {
        ul.plain.rows {
            @for one in &all {
                li {
                    span {
                        span title=(one.agent) { (browser(&one.agent)) } @if one.id == own { " " b { "this browser" } }
                    }
                    small { "by " (one.how) ", from " (one.address) ", " (moment(one.created_at, inventory.now))
                        "; last seen " (moment(one.used_at, inventory.now)) }
                }
            }
        }
        @if all.len() > 1 {
            form method="post" action="/me/sessions/end" {
                (visit.proof())
                button.quiet type="submit" { "Sign out everywhere else" }
            }
        }
    })
}

/// What a browser is, by what it calls itself; many call themselves others too.
pub(super) fn browser(agent: &str) -> String {
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
    };
    let name = known(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = known(&[
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iPadOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "A browser".to_owned(),
    }
}

/// Sets the password.
pub(super) async fn set_password(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    if let Some(too_many) = visit.count_proof(&visit.session()?.who.user).await? {
        return Ok(too_many);
    }
    let current = Secret::new(typed.current.unwrap_or_default());
    let new = Secret::new(typed.new);
    sign_in::set_password(&inventory, visit.session()?, &current, &new).await?;
    Ok(visit.done("/me", "The password is set. Other browsers were signed out."))
}

/// Ends all other sessions.
pub(super) async fn sign_out_everywhere(
    visit: Visit,
    inventory: Inventory,
) -> Result<Response, Refusal> {
    let session = visit.session()?;
    if session.is_by_link() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "a link opens one browser only").into());
    }
    sessions::end_all(&inventory, &session.who.user, Some(session.session.id)).await?;
    Ok(visit.done("/me", "All other browsers were signed out."))
}

/// Where to go after the next sign-in.
#[derive(Deserialize)]
pub(super) struct Wanted {
    next: Option<String>,
}

/// Ends the session.
pub(super) async fn sign_out(
    visit: Visit,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Refusal> {
    let session = visit.session()?;
    let store = visit.state.store.of_tenant(session.who.tenant);
    sessions::end(&store, session.session.id).await?;
    let next = wanted.next.map(|next| {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        format!("?next={next}")
    });
    let there = format!("/sign-in{}", next.unwrap_or_default());
    let mut response = Redirect::to(&there).into_response();
    cookie::forget(response.headers_mut(), visit.state.is_https);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_by_what_they_call_themselves() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1 Safari/5";
        for (agent, name) in [
            (chrome, "Chrome on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/5 Chrome/1 Safari/5 Edg/1",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10) AppleWebKit/6 Version/1 Safari/6",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 1 like Mac OS X) Version/1 Safari/6",
                "Safari on iOS",
            ),
            ("Mozilla/5.0 (Android 1; Mobile; rv:1) Gecko/1 Firefox/1", "Firefox on Android"),
            ("curl/8", "A browser"),
            ("", "A browser"),
        ] {
            assert_eq!(browser(agent), name, "{agent}");
        }
    }
}
