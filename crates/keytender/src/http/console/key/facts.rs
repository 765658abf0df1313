//! What is known of a key, a line each.

use keytender_core::access::{Scope, Side};
use keytender_core::time::{Span, Time};
use maud::{Markup, html};

use crate::app::evaluate;
use crate::app::inventory::Inventory;
use crate::app::view::{KeyView, RuleView};
use crate::http::console::key_words::{last_use, provider, state, text};
use crate::http::console::visit::Visit;
use crate::http::console::words::moment;
use crate::http::problem::Refusal;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The rules of the policy, for whoever may see them: a story names them.
pub(super) async fn rules(visit: &Visit, inventory: &Inventory) -> Result<Vec<RuleView>, Refusal> {
    match visit.may(Scope::PolicyRead) {
        true => Ok(evaluate::policy_view(inventory).await?.rules),
        false => Ok(Vec::new()),
    }
}

/// The facts.
pub(super) fn list(view: &KeyView, now: Time) -> Markup {
    let tags: Vec<String> =
        view.tags.iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
    html! {
        dl.facts {
            (row("Keytender's id", &html! { code { (view.key) } }))
            @if let Some(id) = &view.id { (row(id_of(view), &html! { code { (text(id)) } })) }
            @if let Some(label) = &view.label { (row("Name", &text(label))) }
            (row("Provider", &html! { (provider(view)) }))
            (row("Account", &account(view)))
            @if let Some(principal) = &view.principal { (row("Acts for", &principal_of(view, principal))) }
            (row("State", &state_of(view)))
            (row("Made", &time(view.created_at, now, "unknown")))
            (row("Ends", &time(view.expires_at, now, no_end(view))))
            (row("Last used", &last_use(view, now)))
            (row("Used", &cadence(view)))
            @if let Some(place) = &view.where_used { (row("Where it is used", &text(place))) }
            @if !view.found_in.is_empty() { (row("Stands in", &files(view, now))) }
            (row("Owner", &html! { @match &view.owner {
                Some(owner) => (text(owner)), None => span.dim { "nobody" } } }))
            @if !tags.is_empty() { (row("Tags", &text(&tags.join(", ")))) }
            @if let Some(issued) = &view.issued { (super::ours::facts(issued, now)) }
            @if view.side == Side::Issued { (row("Side", &html! { "issued here" })) }
            @if view.secret_kept { (row("Secret", &html! { "kept here, sealed" })) }
            (row("Known since", &moment(view.first_seen_at, now)))
        }
    }
}

/// The files in which scans found it.
fn files(view: &KeyView, now: Time) -> Markup {
    html! {
        ul.plain { @for file in &view.found_in { li {
            code { (text(&file.path)) ":" (file.line) } " on " (text(&file.host))
            " " small { "found " (moment(file.found_at, now)) }
        } } }
    }
}

/// What is said of a key whose end is not known: of one that we issued we know that it has none.
const fn no_end(view: &KeyView) -> &'static str {
    if view.issued.is_some() { "never" } else { "no end is known" }
}

/// What the id of a key is called.
const fn id_of(view: &KeyView) -> &'static str {
    if view.issued.is_some() { "Public id" } else { "Id at the provider" }
}

fn row(label: &str, content: &Markup) -> Markup {
    html! { dt { (label) } dd { (content) } }
}

fn account(view: &KeyView) -> Markup {
    html! {
        (text(&view.account_name))
        @if let Some(id) = view.account.as_deref().filter(|id| !view.account_name.contains(*id)) {
            " " span.dim { (text(id)) }
        }
    }
}

fn principal_of(view: &KeyView, principal: &str) -> Markup {
    html! {
        @match view.principal_kind {
            Some(kind) if kind.as_str() == "root" => "the root of the account",
            Some(kind) => { (kind.as_str()) " " (text(principal)) }
            None => (text(principal)),
        }
        @if let Some(full) = &view.principal_ref { small { (text(full)) } }
    }
}

fn state_of(view: &KeyView) -> Markup {
    html! {
        (text(state(view)))
        @if let Some(since) = view.suspended_since { ", seen so since " (since.date()) }
        @if let Some(since) = view.missing_since {
            ", not listed by its account since " (since.date())
        }
        @if let Some(last) = view.last_seen_at { ", last seen " (last.date()) }
    }
}

fn time(at: Option<Time>, now: Time, unknown: &str) -> Markup {
    html! {
        @match at {
            Some(at) => { (at.date()) ", " (moment(at, now)) }
            None => span.dim { (unknown) },
        }
    }
}

/// How often it is used.
fn cadence(view: &KeyView) -> Markup {
    let gap =
        view.cadence_seconds.map(|one| Span::from_micros(one.saturating_mul(MICROS_PER_SECOND)));
    html! {
        @match gap {
            Some(gap) => { "at least every " (gap.in_words()) }
            None => span.dim { "too few uses are known to say how often" },
        }
    }
}
