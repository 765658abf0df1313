//! A user: what they may do, how they sign in, and their tokens.

use axum::response::Response;
use keytender_core::access::Scope;
use maud::{Markup, html};
use serde::Deserialize;

use super::{PATH, Typed, lines, place, sees, state, tokens, when};
use crate::app::inventory::Inventory;
use crate::app::users::{self, UserFacts};
use crate::app::view::UserView;
use crate::app::{links, sessions};
use crate::http::console::form::{Wrong, folded, removal};
use crate::http::console::layout;
use crate::http::console::me::browser;
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// Whether a user is to be suspended.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Suspension {
    is: bool,
}

/// Shows a user.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let user = users::view(&inventory, &word).await?;
    show(&visit, &inventory, &user, None).await
}

/// Shows a user, with what was typed in vain.
pub(super) async fn show(
    visit: &Visit,
    inventory: &Inventory,
    user: &UserView,
    typed: Option<(&Typed, &Wrong)>,
) -> Result<Response, Refusal> {
    let content = html! {
        p { a href=(PATH) { "Users" } }
        h1 { (user.name) }
        (facts(user, inventory))
        @if visit.may(Scope::UsersWrite) { (change_form(visit, inventory, user, typed).await?) }
        h2 { "Signing in" }
        (signing_in(visit, inventory, user).await?)
        h2 #tokens { "Tokens" }
        (tokens::part(visit, inventory, user, None).await?)
        @if visit.may(Scope::UsersWrite) { (ends(visit, user)) }
    };
    Ok(layout::page(visit, PATH, &user.name, &content))
}

fn facts(user: &UserView, inventory: &Inventory) -> Markup {
    html! {
        dl.facts {
            dt { "Role" } dd { (user.role.as_str()) }
            dt { "Sees" } dd { (sees(user)) }
            dt { "State" } dd { (state(user, inventory)) }
            dt { "Mail address" } dd { (user.address.as_deref().unwrap_or("none")) }
            dt { "Last sign-in" } dd { (when(user.last_sign_in_at, inventory)) }
            dt { "Password" } dd {
                @if user.has_password { "last used: " (when(user.password_last_used_at, inventory)) }
                @else { "none" }
            }
            dt { "Second factor" } dd { @if user.has_second_factor { "yes" } @else { "no" } }
            dt { "Known since" } dd { (moment(user.created_at, inventory.now)) }
            dt { "Id" } dd { code { (user.id) } }
        }
    }
}

async fn change_form(
    visit: &Visit,
    inventory: &Inventory,
    user: &UserView,
    typed: Option<(&Typed, &Wrong)>,
) -> Result<Markup, Refusal> {
    let (typed, wrong) = typed.unzip();
    let now = Typed {
        name: user.name.clone(),
        role: user.role,
        address: user.address.clone(),
        owner: user.owner.clone(),
    };
    let lines = lines(inventory, "change", Some(typed.unwrap_or(&now))).await?;
    Ok(folded(visit, "Change", "Change", &place(user), wrong, &lines))
}

async fn signing_in(
    visit: &Visit,
    inventory: &Inventory,
    user: &UserView,
) -> Result<Markup, Refusal> {
    let open = sessions::list(inventory, &user.id).await?;
    let may_change = visit.may(Scope::UsersWrite);
    let path = place(user);
    Ok(html! {
        @if open.is_empty() { p { "Signed in nowhere." } }
        ul.plain.rows {
            @for one in &open {
                li {
                    @if one.agent.is_empty() { "A program without a name" } @else { span title=(one.agent) { (browser(&one.agent)) } }
                    small { "by " (one.how) ", from " (one.address) ", " (moment(one.created_at, inventory.now))
                        "; last seen " (moment(one.used_at, inventory.now)) }
                }
            }
        }
        @if may_change {
            div.row {
                @if user.suspended_at.is_none() {
                    form method="post" action={ (path) "/links" } {
                        (visit.proof())
                        button type="submit" { "Make a link that signs them in" }
                    }
                }
                @if !open.is_empty() {
                    form method="post" action={ (path) "/sessions/end" } {
                        (visit.proof())
                        button.quiet type="submit" { "Sign them out everywhere" }
                    }
                }
            }
            p.dim { "A link works once, within a day. It is how somebody without a password comes in, and how \
                     one who lost theirs comes back." }
        }
    })
}

fn ends(visit: &Visit, user: &UserView) -> Markup {
    let path = place(user);
    let is_suspended = user.suspended_at.is_some();
    html! {
        h2 { "Suspend or remove" }
        p {
            @if is_suspended { "Suspended: no token of theirs works, and they cannot sign in." }
            @else { "To suspend somebody stops their tokens and signs them out until it is taken back. To remove \
                     them ends their tokens for good." }
        }
        div.row {
            form method="post" action={ (path) "/suspension" } {
                (visit.proof())
                input type="hidden" name="is" value=(if is_suspended { "false" } else { "true" });
                button.quiet type="submit" { @if is_suspended { "Let them in again" } @else { "Suspend" } }
            }
            a.button.quiet href={ (path) "/remove" } { "Remove…" }
        }
    }
}

/// Changes what a user may do.
pub(in crate::http::console) async fn change(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let changed = users::set(&inventory, &word, |now| Ok(typed.facts(now.suspended_at.is_some())));
    match changed.await {
        Ok(user) => Ok(visit.done(&format!("{PATH}/{}", user.id), "Changed.")),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let user = users::view(&inventory, &word).await?;
            Ok(wrong.on(show(&visit, &inventory, &user, Some((&typed, &wrong))).await?))
        }
    }
}

/// Suspends a user, or takes it back.
pub(in crate::http::console) async fn suspend(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(suspension): Form<Suspension>,
) -> Result<Response, Refusal> {
    let user = users::set(&inventory, &word, |now| {
        Ok(UserFacts {
            role: now.role,
            address: now.address.clone(),
            owner: now.owner.clone(),
            is_suspended: suspension.is,
        })
    })
    .await?;
    let word = if suspension.is { "is suspended" } else { "may come in again" };
    Ok(visit.done(&format!("{PATH}/{}", user.id), &format!("{} {word}.", user.name)))
}

/// Ends every session of a user; whoever does it to themselves stays here.
pub(in crate::http::console) async fn sign_out(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let user = users::view(&inventory, &word).await?;
    let session = visit.session()?;
    let kept = (session.who.user == user.name).then_some(session.session.id);
    sessions::end_all(&inventory, &user.id, kept).await?;
    let word = match kept {
        Some(_) => "You are signed out everywhere else.".to_owned(),
        None => format!("{} is signed out everywhere.", user.name),
    };
    Ok(visit.done(&place(&user), &word))
}

/// Makes a link that signs a user in, and shows it this once.
pub(in crate::http::console) async fn link(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let user = users::view(&inventory, &word).await?;
    let link = links::make_whole(&inventory, &user.id).await?;
    let content = html! {
        h1 { "A link for " (user.name) }
        p { "It signs " b { (user.name) } " in once, and ends " (moment(link.ends_at, inventory.now))
            ". Whoever has it comes in: give it to nobody else. It is shown this once." }
        p { code.secret data-copy { (link.url) } }
        p { a href=(place(&user)) { "Back to " (user.name) } }
    };
    Ok(layout::page(&visit, PATH, &format!("A link for {}", user.name), &content))
}

/// Asks before a user is removed.
pub(in crate::http::console) async fn ask_remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let user = users::view(&inventory, &word).await?;
    let count = crate::app::tokens::views(&inventory, Some(&user.name)).await?.len();
    let title = format!("Remove {}?", user.name);
    let what = html! {
        p {
            @match count {
                0 => "They have no tokens.",
                1 => "Their token ends at once and for good: the program that uses it stops working.",
                _ => { "Their " (count) " tokens end at once and for good: programs that use them stop working." }
            }
            " They are signed out everywhere, and their password is forgotten. The log keeps what they did."
        }
    };
    Ok(removal(&visit, (PATH, &place(&user)), &title, "Remove the user", &what))
}

/// Removes a user.
pub(in crate::http::console) async fn remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let user = users::view(&inventory, &word).await?;
    users::remove(&inventory, &user.id, |_| Ok(())).await?;
    Ok(visit.done(PATH, &format!("{} was removed.", user.name)))
}
