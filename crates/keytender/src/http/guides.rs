//! `/guides`: how a key is replaced, how it is kept well, and what to do when it leaked, for whoever holds keys of
//! your APIs: in an API's own name, with what holds for its keys.

use axum::extract::{Path, State as Extract};
use axum::response::Response;
use maud::{Markup, html};

use super::openapi::{bare, page_response};
use super::problem::{Problem, Refusal};
use super::published::nothing_issued;
use super::state::State;
use crate::app::publish::{API_KEYS, GUIDES, Guide, OfApi, PORTAL};
use crate::store::apis::OnLeak;

/// Read how keys are kept, on a page
///
/// How keys of your APIs are replaced, kept well, and what to do when one leaked, for whoever holds them.
#[utoipa::path(get, path = "/guides", tag = "server",
    responses((status = 200, body = String, description = "A page", content_type = "text/html"),
              (status = 404, body = Problem, description = "No keys of an API are issued here",
               content_type = "application/problem+json")),
    security(()))]
pub(super) async fn all(Extract(state): Extract<State>) -> Result<Response, Refusal> {
    let documents = state.published.now(&state).await?;
    let guide = documents.guide.as_ref().ok_or_else(nothing_issued)?;
    Ok(page_response(page(guide)))
}

/// Read how keys of one API are kept, on a page
#[utoipa::path(get, path = "/guides/{api}", tag = "server",
    params(("api" = String, Path, description = "The name")),
    responses((status = 200, body = String, description = "A page", content_type = "text/html")),
    security(()))]
pub(super) async fn of_api(
    Extract(state): Extract<State>,
    Path(api): Path<String>,
) -> Result<Response, Refusal> {
    let documents = state.published.now(&state).await?;
    let guide = documents.guide_of_api.get(&api);
    let guide = guide.ok_or_else(|| Problem::not_found("there is no such API"))?;
    Ok(page_response(page(guide)))
}

fn page(guide: &Guide) -> Markup {
    let title = format!("Keys of {}", guide.title);
    bare(
        &title,
        &html! {
            h1 { (title) }
            p { "How a key is replaced, how it is kept well, and what to do when it leaked." }
            nav aria-label="On this page" {
                a href="#replace" { "Replace a key" } " " a href="#keep" { "Keep it well" } " "
                a href="#leaked" { "It leaked" }
            }
            @match &guide.api {
                Some(api) => (facts(api)),
                None => section {
                    h2 { "Of each API" }
                    ul { @for (name, title) in &guide.apis { li { a href={ (GUIDES) "/" (name) } { (title) } } } }
                }
            }
            (words(guide))
            section id="replace" { h2 { "How a key is replaced" } (replaced(guide)) }
            section id="keep" { h2 { "How a key is kept well" } (kept(guide)) }
            section id="leaked" { h2 { "What to do when a key leaked" } (leaked(guide)) }
        },
    )
}

/// What holds for keys of an API.
fn facts(api: &OfApi) -> Markup {
    let brand = &api.brand;
    html! {
        dl {
            dt { "A key begins with" }
            dd { code { (brand) "_live_" } ", or " code { (brand) "_test_" } " for trying" }
            dt { "It is shown in" }
            dd { "the header " code { "Authorization: Bearer KEY" } }
            dt { "It works for" }
            dd {
                @match api.key_life {
                    Some(life) => { (life.in_words()) ", unless another end was asked for when it was made" }
                    None => "as long as you let it, unless an end was asked for when it was made",
                }
            }
            dt { "Replaced, both work for" } dd { (api.overlap.in_words()) }
            dt { "Your keys are at" }
            dd {
                a href=(api.keys_page) { (api.keys_page) }
                @if api.is_portal { ", once your account has opened it for you" }
            }
            @if let Some(docs) = &api.docs { dt { "Documentation" } dd { a href=(docs) { (docs) } } }
            @if let Some(support) = &api.support { dt { "Whom to ask" } dd { (asked(support)) } }
        }
    }
}

/// Whom customers ask, as a link.
fn asked(support: &str) -> Markup {
    let link = match support.starts_with("http") {
        true => support.to_owned(),
        false => format!("mailto:{support}"),
    };
    html! { a href=(link) { (support) } }
}

/// What stands for what in the calls of the page.
fn words(guide: &Guide) -> Markup {
    let api = guide.api.as_ref();
    let begin = api.map_or("…", |api| api.brand.as_str());
    let giver = api.map_or("whoever runs the API", |_| guide.title.as_str());
    let descriptor =
        api.map_or_else(|| API_KEYS.to_owned(), |api| format!("{API_KEYS}/{}", api.name));
    html! {
        p {
            "In the calls below " code { "KEY" } " is the twelve letters behind " code { (begin) "_live_" }
            " in a key: they name it and are no secret. " code { "TOKEN" } " is a token that manages your keys and is \
            no key itself; " (giver) " gives it to you. All that can be done by calls a program reads in the "
            a href=(descriptor) { "descriptor" } ", and you on the page of " a href="/docs" { "the calls" } "."
        }
    }
}

/// A call, as it is typed in.
fn call(guide: &Guide, method: &str, path: &str, body: Option<&str>) -> Markup {
    let base = &guide.base;
    let how = match (method, body) {
        ("GET", _) | ("POST", Some(_)) => String::new(),
        _ => format!("-X {method} "),
    };
    let what = body.map_or_else(String::new, |body| {
        format!(" \\\n  -H \"Content-Type: application/json\" -d '{body}'")
    });
    html! {
        pre tabindex="0" { code { "curl " (how) (base) (path) " \\\n  -H \"Authorization: Bearer $TOKEN\"" (what) } }
    }
}

fn replaced(guide: &Guide) -> Markup {
    let overlap = guide.api.as_ref().map(|api| api.overlap.in_words());
    let overlap = overlap.unwrap_or_else(|| "as long as the API says".to_owned());
    html! {
        p {
            "Nothing stands still: the new key and the old one both work, for " (overlap)
            " from the first use of the new one. If you never use it, the old one works on."
        }
        h3 { "By calls" }
        ol {
            li {
                "Ask for a new key, which may do what the old one may. It is in the answer as " code { "secret" }
                ", this once:"
                (call(guide, "POST", "/v1/keys/KEY/rotations", Some("{}")))
            }
            li { "Put it where the old one is, and have your program use it: a restart, or a reload." }
            li {
                "Look who still uses the old one. " code { "still_used" } " says where, and from which address:"
                (call(guide, "GET", "/v1/keys/KEY/rotations", None))
            }
            li {
                "When nobody does, end the old one now, or let it end by itself:"
                (call(guide, "POST", "/v1/keys/KEY/rotations/completion", Some("{}")))
            }
        }
        p {
            "Something went wrong? Before the new key is used, this takes it back:"
        }
        (call(guide, "DELETE", "/v1/keys/KEY/rotations", None))
        h3 { "On a page" }
        @match guide.api.as_ref().filter(|api| !api.is_portal) {
            Some(api) => p {
                "Open " a href=(api.keys_page) { "your keys" } ", choose the key, and ask for a new one in its place."
            },
            None => (replaced_on_key_page(guide)),
        }
    }
}

/// How it goes on the key page of this server.
fn replaced_on_key_page(guide: &Guide) -> Markup {
    let account = guide.api.as_ref().map_or("the API", |_| guide.title.as_str());
    html! {
        ol {
            li { "Open " a href=(PORTAL) { "your keys" } ": your account at " (account) " has a link that opens them." }
            li { "Choose the key, then " b { "Rotate it" } " and " b { "Make the new key" } ". It is shown once." }
            li { "Put it where the old one is. The page says who still uses that." }
            li { b { "Finish it" } " when nobody does, or let the old one end by itself." }
        }
    }
}

fn kept(guide: &Guide) -> Markup {
    let is_told = guide.api.as_ref().is_some_and(|api| api.is_told);
    let test = guide.api.as_ref().map(|api| format!("{}_test_", api.brand));
    html! {
        ul {
            li { "Keep it in a store of secrets, or in the environment of the one program that needs it: in no code, no \
                repository, no ticket, no chat and no address of a page." }
            li { "One key for each program and place. Then each is replaced alone, and you know what a use of it means." }
            li { "Give it no more scopes than it needs, and say from which networks it may be used, where you know them." }
            li { "Give a key that is needed for a while an end." }
            @if let Some(test) = &test {
                li { "Try things out with a key that begins with " code { (test) } "." }
            }
            li { "Replace it once a year, and when somebody leaves who knew it." }
            li {
                "Look now and then when each was used last, and from where; end what nobody uses:"
                (call(guide, "GET", "/v1/keys?side=issued", None))
            }
            @if is_told {
                li { "You are written to before a key ends, when one is over a year old, and when nobody has used it for \
                    half a year. See to it that the address is right." }
            }
        }
    }
}

fn leaked(guide: &Guide) -> Markup {
    let api = guide.api.as_ref();
    html! {
        p { "Whoever saw it may use it. Be fast; what you are not sure of counts as leaked." }
        ol {
            li {
                "Stop it. It ends for good, everywhere:"
                (call(guide, "POST", "/v1/keys/KEY/revocation", Some(r#"{"compromised": true}"#)))
                "If what uses it must not stand still, replace it first, as above, and then stop it."
            }
            li { "Make a new key, and put it where the old one was." }
            li {
                "Look what was done with it: how often it was used, when, where and from which address."
                (call(guide, "GET", "/v1/keys/KEY/usage", None))
            }
            li { "Take it away where it was found. From a repository it is never quite gone: the key must end, \
                whatever you delete." }
            @if let Some(support) = api.and_then(|api| api.support.as_ref()) {
                li { "Tell " (guide.title) " if it was misused: " (asked(support)) "." }
            }
        }
        h3 { "Somebody else's key" }
        p {
            "Whoever finds a key can report it, without an account. "
            @match api.map(|api| api.on_leak) {
                Some(OnLeak::Suspend) => "It is suspended at once, until its owner has seen to it.",
                Some(OnLeak::Revoke) => "It ends at once, for good.",
                Some(OnLeak::Mark) => "It is marked as leaked, and its owner has to end it.",
                None => "What is done about it, its API says.",
            }
            " The answer says nothing about the key."
        }
        pre tabindex="0" { code {
            "curl " (guide.base) "/v1/exposures \\\n  -H \"Content-Type: application/json\" \\\n  -d '{\"credentials\": [\"the whole key\"]}'"
        } }
    }
}
