//! The table of keys: who, whose, how old, when last used, why and what to do.

use keytender_core::access::Scope;
use keytender_core::time::Time;
use maud::{Markup, html};

use super::PATH;
use super::asked::{Asked, SORT};
use crate::app::view::{KeySort, KeyView};
use crate::http::console::key_words::{
    action, age, kept_until, last_use, name, plain_name, state, text,
};
use crate::http::console::visit::Visit;

/// The table, within the form by which keys are chosen.
pub(super) fn table(visit: &Visit, asked: &Asked, keys: &[KeyView], now: Time) -> Markup {
    let chooses = visit.may(Scope::KeysWrite) || visit.may(Scope::KeysAct);
    html! {
        form method="post" action="/keys/chosen" {
            (visit.proof())
            @if chooses { (bar(visit)) }
            table.cards.keys {
                caption.unseen { "Keys" }
                thead { tr {
                    @if chooses { th.tick scope="col" { span.unseen { "Chosen" } } }
                    (head(asked, "Key", "wide", Some(KeySort::Name)))
                    (head(asked, "Owner", "", None))
                    (head(asked, "Account", "", None))
                    (head(asked, "Age", "slim", Some(KeySort::Age)))
                    (head(asked, "Last use", "", Some(KeySort::LastUsed)))
                    (head(asked, "Why", "", None))
                    (head(asked, "What to do", "slim", Some(KeySort::Severity)))
                } }
                tbody { @for view in keys { (row(view, chooses, now)) } }
            }
        }
    }
}

/// What can be done to those that are chosen.
fn bar(visit: &Visit) -> Markup {
    html! {
        div.bar {
            label.box data-scripted hidden {
                input type="checkbox" data-all; "All on this page" }
            span.dim data-chosen { "With the keys that you tick:" }
            @if visit.may(Scope::KeysWrite) {
                @if visit.may(Scope::OwnersRead) {
                    button.quiet type="submit" name="what" value="owner" { "Owner…" }
                }
                button.quiet type="submit" name="what" value="keep" { "Keep until…" }
            }
            @if visit.may(Scope::KeysAct) {
                button.quiet type="submit" name="what" value="disable" { "Disable…" }
            }
        }
    }
}

/// A column; by its name the list is put in its order.
fn head(asked: &Asked, label: &str, width: &str, sort: Option<KeySort>) -> Markup {
    let Some(sort) = sort else { return html! { th.(width) scope="col" { (label) } } };
    let word = match sort {
        KeySort::Severity => None,
        KeySort::Age => Some("age"),
        KeySort::LastUsed => Some("last-used"),
        KeySort::Expires => Some("expires"),
        KeySort::Name => Some("name"),
    };
    let is_sorted = asked.sort() == sort;
    // The oldest, and what is due, come first.
    let order = match sort {
        KeySort::Name | KeySort::Expires | KeySort::LastUsed => "ascending",
        KeySort::Age | KeySort::Severity => "descending",
    };
    html! {
        th.(width) scope="col" aria-sort=[is_sorted.then_some(order)] {
            a href=(asked.href(PATH, &[(SORT, word)])) title=(format!("In the order of: {label}")) { (label) }
        }
    }
}

fn row(view: &KeyView, chooses: bool, now: Time) -> Markup {
    let label = format!("Choose {} {}", plain_name(view), view.id.as_deref().unwrap_or_default());
    html! {
        tr {
            @if chooses {
                td.tick { input type="checkbox" name="key" value=(view.key) aria-label=(label.trim_end()); }
            }
            th scope="row" {
                a.key.clamp href=(format!("/keys/{}", view.key)) { (name(view)) }
                @if let Some(id) = &view.id { small.code.clamp { (text(id)) } }
                @if view.issued.as_ref().is_some_and(|issued| issued.environment == "test") {
                    small { span.tag { "test" } }
                }
                @if view.state.as_str() != "active" { small { span.tag { (text(state(view))) } } }
            }
            td data-label="Owner" {
                @match &view.owner {
                    Some(owner) => span.clamp { (text(owner)) },
                    None => span.dim { "nobody" },
                }
            }
            td data-label="Account" {
                span.clamp { (text(&view.account_name)) }
                @if let Some(id) = view.account.as_deref().filter(|id| !view.account_name.contains(*id)) {
                    small.clamp { (text(id)) }
                }
            }
            td.nowrap data-label="Age" { (age(view, now)) }
            td data-label="Last use" { (last_use(view, now)) }
            td data-label="Why" { (why(view, now)) }
            td data-label="What to do" {
                @match view.action {
                    Some(what) => span.severity.(view.severity.map(|one| one.as_str()).unwrap_or("low")) {
                        (action(what))
                    },
                    None => span.dim { "nothing" },
                }
                @if let Some(severity) = view.severity { small { (severity.as_str()) } }
            }
        }
    }
}

fn why(view: &KeyView, now: Time) -> Markup {
    let keep = kept_until(view, now);
    html! {
        @if let Some(until) = keep {
            span.clamp { "Kept until " (until.date()) ": "
                (text(view.keep_reason.as_deref().unwrap_or_default())) " " }
        }
        @for (place, finding) in view.findings.iter().enumerate() {
            @if place > 0 { ", " }
            span title=(finding.message) { (text(title(&finding.title, &finding.rule))) }
        }
        @if view.findings.is_empty() && keep.is_none() { span.dim { "fine" } }
    }
}

fn title<'t>(title: &'t str, rule: &'t str) -> &'t str {
    if title.is_empty() { rule } else { title }
}
