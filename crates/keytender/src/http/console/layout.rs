//! What stands around every page: head, navigation, and the word that the page before left.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use keytender_core::access::Scope;
use keytender_core::text::printable;
use maud::{DOCTYPE, Markup, html};

use super::visit::Visit;
use super::{apis, asset, catalog, cookie, exposures, rotations};

/// A page shows what is ours, runs our one script, and posts forms to us.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

/// The sections: where each is, what it is called, and what whoever sees it may do.
const SECTIONS: [(&str, &str, Scope); 15] = [
    ("/", "Overview", Scope::KeysRead),
    ("/keys", "Keys", Scope::KeysRead),
    (exposures::PATH, "Exposed keys", Scope::KeysRead),
    (rotations::PATH, "Rotations", Scope::KeysRead),
    (apis::PATH, "Keys you issue", Scope::ApisRead),
    ("/accounts", "Accounts", Scope::AccountsRead),
    (catalog::PATH, "APIs you use", Scope::AccountsRead),
    ("/owners", "Owners", Scope::OwnersRead),
    ("/notices", "Notices", Scope::NoticesRead),
    ("/policy", "Policy", Scope::PolicyRead),
    ("/reports", "Reports", Scope::ReportsRead),
    ("/tasks", "Tasks", Scope::TasksRead),
    ("/log", "Log", Scope::LogRead),
    ("/users", "Users", Scope::UsersRead),
    ("/settings", "Settings", Scope::MetricsRead),
];

/// A page within the frame of the console. `section` is the path of the section that it belongs to.
pub(super) fn page(visit: &Visit, section: &str, title: &str, content: &Markup) -> Response {
    let body = html! {
        a.skip href="#content" { "To the content" }
        header.top {
            a.brand href="/" { "Keytender" }
            details.menu {
                summary { "Menu" }
                (navigation(visit, section))
            }
        }
        @if visit.state.is_demo {
            aside.demo aria-label="About this server" { "Demonstration: everything here is made up, and gone when the server ends." }
        }
        div.frame {
            div.side { (navigation(visit, section)) }
            main #content tabindex="-1" {
                @if let Some(word) = &visit.word { p.word role="status" { (word) } }
                (content)
            }
        }
    };
    let mut response = respond(title, &body);
    if visit.word.is_some() {
        cookie::take_word(response.headers_mut(), visit.state.is_https);
    }
    response
}

/// A page without navigation: for whoever is not signed in, and for refusals.
pub(super) fn bare(title: &str, content: &Markup) -> Response {
    let body = html! {
        main.bare #content {
            a.brand href="/" { "Keytender" }
            (content)
        }
    };
    respond(title, &body)
}

fn navigation(visit: &Visit, section: &str) -> Markup {
    let is_offered = |path: &str| path != apis::PATH || visit.is_issuing;
    let sections = SECTIONS.iter().filter(|(path, _, scope)| visit.may(*scope) && is_offered(path));
    html! {
        nav aria-label="Sections" {
            ul {
                @for (path, name, _) in sections {
                    li { a href=(path) aria-current=[(*path == section).then_some("page")] { (name) } }
                }
            }
            @if let Some(signed) = &visit.signed {
                form.sign-out method="post" action="/sign-out" {
                    (visit.proof())
                    a href="/me" aria-current=[(section == "/me").then_some("page")] {
                        (printable(&signed.who.user))
                    }
                    button.quiet type="submit" { "Sign out" }
                }
            }
        }
    }
}

fn respond(title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Keytender" }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(asset::style_url());
                script src=(asset::script_url()) defer {}
            }
            body { (body) }
        }
    };
    let mut response = page.into_string().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}
