//! How the key page of an API's customers looks, and a look at it.

use axum::response::{IntoResponse, Redirect, Response};
use keytender_core::access::Scope;
use maud::{Markup, html};
use serde::Deserialize;

use super::one::{Vain, Which, show};
use super::place;
use crate::app::apis::{self, ApiChange};
use crate::app::inventory::Inventory;
use crate::app::view::{ApiView, PortalChange};
use crate::app::{customers, portal};
use crate::error::Error;
use crate::http::console::form::{Field, Wrong, folded};
use crate::http::console::visit::{Form, Visit};
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// What is typed in of a key page.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::http::console) struct Typed {
    accent: Option<String>,
    support: Option<String>,
    docs: Option<String>,
    guide: Option<String>,
    return_hosts: Option<String>,
    frame_hosts: Option<String>,
    /// A picture in base64; nothing leaves the present one.
    logo: Option<String>,
    no_logo: Option<String>,
}

impl Typed {
    fn of(api: &ApiView) -> Self {
        let portal = api.portal.clone();
        let words = |hosts: Vec<String>| Some(hosts.join(" "));
        Self {
            accent: portal.accent,
            support: portal.support,
            docs: portal.docs,
            guide: portal.guide,
            return_hosts: words(portal.return_hosts),
            frame_hosts: words(portal.frame_hosts),
            logo: None,
            no_logo: None,
        }
    }

    fn change(&self) -> PortalChange {
        let hosts = |text: &Option<String>| {
            let words = text.as_deref().unwrap_or_default().split_whitespace();
            Some(words.map(str::to_owned).collect())
        };
        PortalChange {
            accent: Some(self.accent.clone()),
            support: Some(self.support.clone()),
            docs: Some(self.docs.clone()),
            guide: Some(self.guide.clone()),
            return_hosts: hosts(&self.return_hosts),
            frame_hosts: hosts(&self.frame_hosts),
            logo: match (&self.no_logo, &self.logo) {
                (Some(_), _) => Some(None),
                (None, Some(data)) => Some(Some(data.split_whitespace().collect())),
                (None, None) => None,
            },
        }
    }
}

/// The part of an API's page about the key page of its customers.
pub(super) fn part(visit: &Visit, api: &ApiView, vain: Option<(&Typed, &Wrong)>) -> Markup {
    html! {
        h2 #portal { "The key page of its customers" }
        p { "A page on which a customer makes, rotates and revokes its own keys, and sees who uses them. Your back end \
            asks for a link to it and sends the customer’s browser there." }
        (facts(api))
        @if visit.may(Scope::ApisWrite) { (form(visit, api, vain)) }
        @if visit.may(Scope::AccountsAdmit) {
            form method="post" action={ (place(api)) "/portal/preview" } {
                (visit.proof())
                button.quiet type="submit" { "Preview the key page" }
            }
        }
    }
}

fn facts(api: &ApiView) -> Markup {
    let portal = &api.portal;
    let said = |text: &Option<String>| {
        html! {
            @match text { Some(text) => (text), None => span.dim { "not said" } }
        }
    };
    let hosts = |hosts: &[String], none: &str| {
        html! {
            @if hosts.is_empty() { span.dim { (none) } } @else { (hosts.join(" ")) }
        }
    };
    html! {
        dl.facts {
            dt { "Accent" } dd {
                @if let Some(accent) = &portal.accent {
                    svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect width="10" height="10" rx="2" fill=(accent) {} }
                    " "
                }
                (said(&portal.accent))
            }
            dt { "Logo" } dd { @if portal.logo.is_some() { "given" } @else { span.dim { "none" } } }
            dt { "Support" } dd { (said(&portal.support)) }
            dt { "Documentation" } dd { (said(&portal.docs)) }
            dt { "Guide to keys" } dd {
                @match &portal.guide {
                    Some(guide) => (guide),
                    None => a href={ "/guides/" (api.name) } { "the page of this server" },
                }
            }
            dt { "Leads back to" } dd { (hosts(&portal.return_hosts, "nowhere")) }
            dt { "In frames of" } dd { (hosts(&portal.frame_hosts, "nobody")) }
        }
    }
}

fn form(visit: &Visit, api: &ApiView, vain: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = vain.unzip();
    let now = Typed::of(api);
    let typed = typed.unwrap_or(&now);
    let field = |name, label| Field::new("portal", name, label);
    let lines = html! {
        (field("accent", "Accent").value(typed.accent.as_deref())
            .about("The colour of links and buttons, such as #2f5fb3: dark enough to be read. For the dark it is made lighter."))
        (field("support", "Whom customers ask").value(typed.support.as_deref())
            .about("A mail address, or an address of the web."))
        (field("docs", "Documentation").value(typed.docs.as_deref()).kind("url")
            .about("Where customers read how your API is used."))
        (field("guide", "Guide to keys").value(typed.guide.as_deref()).kind("url")
            .about("Where customers read how a key is replaced and kept well. Empty: on the page of this server."))
        (field("return_hosts", "Leads back to").value(typed.return_hosts.as_deref())
            .about("Hosts such as app.acme.example, with spaces between: a link asks where to go back to, and to no other."))
        (field("frame_hosts", "In frames of").value(typed.frame_hosts.as_deref())
            .about("Hosts whose pages may hold it in a frame. Empty: nobody's."))
        label for="portal-logo" { "Logo" }
        textarea.small #portal-logo name="logo" rows="3" aria-describedby="portal-logo-about" data-picture {
            (typed.logo.as_deref().unwrap_or_default())
        }
        small #portal-logo-about { "A PNG, JPEG, GIF or WebP of at most 32 KiB, in base64; with a script, choose a file. \
            Empty: it stays as it is. " code { "keytender apis set " (api.name) " --logo FILE" } " does the same." }
        @if api.portal.logo.is_some() {
            label.box { input type="checkbox" name="no_logo" value="yes"; "Without a logo" }
        }
    };
    folded(visit, "Change how it looks", "Change", &format!("{}/portal", place(api)), wrong, &lines)
}

/// Changes how the key page looks.
pub(in crate::http::console) async fn change(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let change = ApiChange { portal: typed.change(), ..ApiChange::default() };
    match apis::set(&inventory, &word, |_, now| change.apply(now)).await {
        Ok(api) => {
            Ok(visit.done(&format!("{}#portal", place(&api)), "The key page looks so from now on."))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { portal: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &word, &Which::default(), vain).await?))
        }
    }
}

/// Opens the key page of the first customer, so that nothing can be changed there.
pub(in crate::http::console) async fn preview(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let first = customers::list(&inventory, &word, None, 1).await?.pop();
    let Some(first) = first else {
        let error = Error::new("the key page is a customer's, and there is no customer yet")
            .hint("add one below: it may be yourself");
        let wrong = Wrong::of(error)?;
        let now = Typed::of(&ApiView::of(&apis::get(&inventory, &word).await?));
        let vain = Vain { portal: Some((&now, &wrong)), ..Vain::default() };
        return Ok(wrong.on(show(&visit, &inventory, &word, &Which::default(), vain).await?));
    };
    let path = portal::path_for_staff(&inventory, &first.id, true).await?;
    Ok(Redirect::to(&path).into_response())
}
