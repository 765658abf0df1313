//! What stands around every page of a customer: the API's name and picture, who it is open for, the way back.

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keytender_core::text::printable;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::PATH;
use super::session::Guest;
use crate::app::portal::Brand;
use crate::app::publish::GUIDES;
use crate::http::console::asset;
use crate::http::console::form::capital;
use crate::http::observe::MayBeFramed;
use crate::http::problem::Problem;

/// What a page may load of which nobody knows whose it is.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'none'",
);

/// What customers call the API.
pub(super) fn title(brand: &Brand) -> &str {
    brand.api.title.as_deref().unwrap_or(&brand.api.name)
}

/// A page of a customer.
pub(super) fn page(guest: &Guest, heading: &str, content: &Markup) -> Response {
    let brand = &guest.brand;
    let asked = &guest.opened.asked;
    let body = html! {
        a.skip href="#content" { "To the content" }
        header.top {
            a.brand href=(PATH) { (mark(brand)) }
            @if let Some(url) = &asked.return_url {
                // Out of a frame, if it is in one.
                a href=(url) rel="noreferrer" target="_top" { "Back to " (printable(host(url))) }
            }
        }
        @if guest.state.is_demo {
            aside.demo aria-label="About this server" { "Demonstration: everything here is made up, and gone when the server ends." }
        }
        @if let Some(staff) = &asked.staff {
            aside.demo aria-label="Who looks" {
                (printable(staff)) " looks at this page as the customer: the log says so."
                @if asked.is_read_only { " Nothing can be changed." }
            }
        }
        main.portal #content tabindex="-1" {
            @if let Some(word) = guest.word { p.word role="status" { (word) } }
            (content)
        }
        (foot(guest))
    };
    respond(Some(brand), heading, &body)
}

/// The picture of the brand, or its name.
fn mark(brand: &Brand) -> Markup {
    html! {
        @if brand.logo.is_some() { img.logo src={ (PATH) "/logo" } alt=""; " " }
        span { (title(brand)) }
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn foot(guest: &Guest) -> Markup {
    let opened = &guest.opened;
    html! {
        footer.foot {
            p {
                "Keys of " b { (printable(&opened.customer)) }
                @if let Some(person) = &opened.asked.person { " · open for " (printable(person)) }
                @if let Some(docs) = &guest.brand.api.portal.docs {
                    " · " a href=(docs) rel="noreferrer" target="_blank" { "Documentation" }
                }
                @if guest.brand.api.portal.support.is_some() { " · " (support(&guest.brand, "Support")) }
            }
            form method="post" action={ (PATH) "/leave" } {
                (guest.proof())
                button.quiet type="submit" { "Close this page" }
            }
        }
    }
}

/// How to reach whom customers ask.
pub(super) fn support(brand: &Brand, words: &str) -> Markup {
    html! {
        @match &brand.api.portal.support {
            Some(place) if place.starts_with("http") => {
                a href=(place) rel="noreferrer" target="_blank" { (words) }
            }
            Some(place) => a href={ "mailto:" (place) } { (words) },
            None => (words),
        }
    }
}

/// What was refused, as a page of the brand.
pub(super) fn refused(guest: &Guest, problem: &Problem) -> Response {
    let hint = problem.advice().filter(|hint| !hint.contains("keytender ") && !hint.contains("--"));
    let content = html! {
        h1 { (problem.title()) }
        // What was not found is what somebody typed: it is not repeated.
        @if let Some(detail) = problem.detail().filter(|_| problem.status() != StatusCode::NOT_FOUND) {
            p { (capital(detail)) "." }
        }
        @if let Some(hint) = hint { p.dim { (capital(hint)) "." } }
        p { a href=(PATH) { "To your keys" } }
    };
    page(guest, problem.title(), &content)
}

/// After somebody closed the page.
pub(super) fn closed(guest: &Guest) -> Response {
    let brand = &guest.brand;
    let content = html! {
        main.bare #content {
            p.brand { span { (title(brand)) } }
            h1 { "This page is closed" }
            @match &guest.opened.asked.return_url {
                Some(url) => p { a href=(url) rel="noreferrer" target="_top" { "Back to " (printable(host(url))) } },
                None => p { "Go back to where you came from." },
            }
        }
    };
    respond(Some(brand), "This page is closed", &content)
}

/// The page that was open, or whose link was used, or too old.
pub(super) fn over(brand: &Brand) -> Response {
    let content = html! {
        main.bare #content {
            p.brand { span { (title(brand)) } }
            h1 { "Open this page again" }
            p { "For your safety it closes by itself, and the link to it works once and for a few minutes." }
            p { "Go back to where you came from, and open your keys from there." }
            @if brand.api.portal.support.is_some() { p.dim { "It does not help? " (support(brand, "Ask us")) "." } }
        }
    };
    let mut response = branded(brand, respond(Some(brand), "Open this page again", &content));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}

/// For a browser of which nothing is known.
pub(super) fn unknown() -> Response {
    let body = html! {
        main.bare #content {
            h1 { "Open this page from where your account is" }
            p { "Your keys are here, and whoever runs the API opens this page for you: sign in at your account there, and \
                go to your API keys. A link that works once leads you back." }
            p.dim {
                "A program lists and replaces them by calls, with a token that you get there too: "
                a href=(GUIDES) { "how keys are replaced and kept well" } "."
            }
        }
    };
    let mut response = respond(None, "Your keys", &body);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}

/// The colours of a brand, as a style.
fn style(brand: &Brand) -> Option<String> {
    let (light, dark) = brand.accents.as_ref()?;
    Some(format!(
        ":root{{--accent:{light};--on-accent:#fff}}\
         @media(prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:#10151c}}}}"
    ))
}

/// What a page may load and who may hold it in a frame; the one style that stands in it is known by its digest.
fn policy(brand: &Brand) -> String {
    let own = style(brand).map(|style| {
        let digest = STANDARD.encode(digest(&SHA256, style.as_bytes()).as_ref());
        format!(" 'sha256-{digest}'")
    });
    format!(
        "default-src 'none'; style-src 'self'{}; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; frame-ancestors {}; base-uri 'none'",
        own.unwrap_or_default(),
        brand.frame_ancestors
    )
}

/// Says of an answer what the brand lets it do.
pub(super) fn branded(brand: &Brand, mut response: Response) -> Response {
    if let Ok(policy) = HeaderValue::from_str(&policy(brand)) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        if brand.frame_ancestors != "'none'" {
            response.extensions_mut().insert(MayBeFramed);
        }
    }
    response
}

fn respond(brand: Option<&Brand>, heading: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (heading) @if let Some(brand) = brand { " · " (title(brand)) } }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(asset::style_url());
                // Digits alone: it was read as colours.
                @if let Some(style) = brand.and_then(style) { style { (PreEscaped(style)) } }
                script src=(asset::script_url()) defer {}
            }
            body { (body) }
        }
    };
    let mut response = page.into_string().into_response();
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
