//! The filters of the list: links that are ready, a form, and chips that say what is on.

use keytender_core::access::Side;
use keytender_core::key::State;
use keytender_core::policy::Action;
use keytender_core::steps;
use keytender_core::time::Span;
use maud::{Markup, html};

use super::PATH;
use super::asked::{Asked, state, with_query};
use super::choices::Choices;
use crate::http::console::key_words;

/// Filters that people want again and again.
const READY: [(&str, &str); 6] = [
    ("All", ""),
    ("Due", "due=true"),
    ("Never used", "last_used=never"),
    ("Ending in 30 days", "expires_within=30d"),
    ("Without an owner", "owner=none"),
    ("Disabled", "state=suspended"),
];
/// Fewer names than this are offered in a list; more are typed, with proposals.
const MAX_LISTED: usize = 60;
/// More names than this are not proposed: whoever has so many types what they look for.
const MAX_PROPOSED: usize = 1_000;

/// The links that are ready.
pub(super) fn ready(asked: &Asked) -> Markup {
    let now = asked.href("", &[("sort", None)]);
    let here = now.trim_start_matches('?');
    html! {
        nav.ready aria-label="Ready filters" {
            ul {
                @for (name, query) in READY {
                    li { a href=(with_query(PATH, query)) aria-current=[(here == query).then_some("page")] { (name) } }
                }
            }
        }
    }
}

/// The chips: what is on, each with the way to the list without it.
pub(super) fn chips(asked: &Asked, choices: &Choices) -> Markup {
    let chips = asked.chips(&choices.rules);
    html! {
        @if !chips.is_empty() {
            ul.chips aria-label="Filters that are on" {
                @for (said, without) in &chips {
                    li { a href=(without) aria-label=(format!("Without the filter {said}")) {
                        bdi { (said) } span aria-hidden="true" { " ×" } } }
                }
                @if chips.len() > 1 { li { a.all href=(PATH) { "Without any" } } }
            }
        }
    }
}

/// The form. Without a script it is sent by its button; with one too, because a keyboard goes through
/// the words of a list one by one.
pub(super) fn form(asked: &Asked, choices: &Choices) -> Markup {
    let hidden = |name: &&str| !matches!(*name, "text" | "due");
    let is_open = asked.filters().any(|(name, _)| hidden(&name));
    html! {
        form.filters method="get" action=(PATH) role="search" {
            div.row {
                label.grows { "Search"
                    input type="search" name="text" value=[asked.value("text")]
                        placeholder="A part of a name, id, user or account" maxlength="500"; }
                label.box { input type="checkbox" name="due" value="true"
                    checked[asked.value("due") == Some("true")]; "Only due" }
                button type="submit" { "Show" }
            }
            details open[is_open] {
                summary { "More filters and order" }
                div.fields {
                    (rules(asked, choices))
                    (places(asked, choices))
                    (times(asked))
                    (order(asked))
                }
            }
        }
    }
}

fn rules(asked: &Asked, choices: &Choices) -> Markup {
    let actions =
        Action::ALL.map(|one| (one.as_str().to_owned(), key_words::to_do(one).to_owned()));
    let rules = choices.rules.iter().map(|rule| (rule.id.clone(), rule.title.clone()));
    html! {
        (choice(asked, "action", "What to do", actions.to_vec()))
        (choice(asked, "rule", "Why", rules.collect()))
    }
}

fn places(asked: &Asked, choices: &Choices) -> Markup {
    let providers = choices.providers.iter().map(|one| (one.clone(), steps::provider(one)));
    let states = State::ALL.map(|one| (one.as_str().to_owned(), state(one.as_str()).to_owned()));
    let sides = [Side::Held, Side::Issued].map(|side| {
        let said = if side == Side::Held { "Keys you hold" } else { "Keys you issue" };
        (side.as_str().to_owned(), said.to_owned())
    });
    html! {
        @if choices.providers.len() > 1 {
            (choice(asked, "provider", "Provider", providers.collect()))
        }
        (named(asked, "account", "Account", &choices.accounts, None))
        (named(asked, "owner", "Owner", &choices.owners, Some(("none", "Nobody"))))
        (choice(asked, "state", "State", states.to_vec()))
        @if choices.has_issued { (choice(asked, "side", "Whose API", sides.to_vec())) }
    }
}

fn times(asked: &Asked) -> Markup {
    let spans = |days: &[u32]| -> Vec<(String, String)> {
        let spans = days.iter().map(|days| Span::days(*days));
        spans.map(|span| (span.to_string(), span.in_words())).collect()
    };
    let uses = [("never", "Never"), ("used", "At some time"), ("unknown", "Unknown")];
    let uses = uses.map(|(word, said)| (word.to_owned(), said.to_owned()));
    let kept = vec![("true".to_owned(), "Kept until a day".to_owned())];
    let exposed = vec![("true".to_owned(), "Exposed".to_owned())];
    html! {
        (choice(asked, "last_used", "Used", uses.to_vec()))
        (choice(asked, "unused_for", "Not used for", spans(&[30, 45, 90, 180, 365])))
        (choice(asked, "older_than", "Older than", spans(&[30, 90, 180, 365, 1_096])))
        (choice(asked, "expires_within", "Ends within", spans(&[7, 30, 90])))
        (choice(asked, "kept", "Kept", kept))
        (choice(asked, "exposed", "Exposed", exposed))
    }
}

fn order(asked: &Asked) -> Markup {
    let orders = [
        ("age", "The oldest first"),
        ("last-used", "The longest idle first"),
        ("expires", "What ends soonest first"),
        ("name", "By account and name"),
    ];
    let orders = orders.map(|(word, said)| (word.to_owned(), said.to_owned()));
    select(asked, "sort", "Order", "What is due first", orders.to_vec())
}

/// One of a few words, or any.
fn choice(asked: &Asked, name: &str, label: &str, options: Vec<(String, String)>) -> Markup {
    select(asked, name, label, "Any", options)
}

fn select(
    asked: &Asked,
    name: &str,
    label: &str,
    none: &str,
    mut options: Vec<(String, String)>,
) -> Markup {
    let now = asked.value(name);
    // A link may ask what the list does not offer.
    if let Some(other) = now.filter(|now| options.iter().all(|(word, _)| word != now)) {
        options.push((other.to_owned(), other.to_owned()));
    }
    html! {
        label { (label)
            select name=(name) {
                option value="" { (none) }
                @for (word, said) in &options {
                    option value=(word) selected[now == Some(word)] { (said) }
                }
            }
        }
    }
}

/// One of the names that there are: from a list if they are few, else typed.
fn named(
    asked: &Asked,
    name: &str,
    label: &str,
    names: &[String],
    first: Option<(&str, &str)>,
) -> Markup {
    let first = first.map(|(word, said)| (word.to_owned(), said.to_owned()));
    if names.len() <= MAX_LISTED {
        let names = names.iter().map(|one| (one.clone(), one.clone()));
        return choice(asked, name, label, first.into_iter().chain(names).collect());
    }
    let list = format!("names-of-{name}");
    html! {
        label { (label)
            input name=(name) value=[asked.value(name)] list=(list) autocomplete="off" maxlength="500";
        }
        datalist id=(list) {
            @if let Some((word, said)) = &first { option value=(word) { (said) } }
            @for one in names.iter().take(MAX_PROPOSED) { option value=(one) {} }
        }
    }
}
