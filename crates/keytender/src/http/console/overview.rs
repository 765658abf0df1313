//! The overview: how many keys there are, how many are due and why, and which matter most.

use std::collections::HashMap;

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::steps;
use keytender_core::text::{printable, thousands};
use keytender_core::time::Span;
use maud::{Markup, html};

use super::chart::{self, Bar};
use super::layout;
use super::visit::Visit;
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::overview::{Overview, Sums, overview};
use crate::app::view::{KeyQuery, KeyView};
use crate::app::{evaluate, keys};
use crate::http::problem::Refusal;

/// How many keys are shown that matter most.
const TOP: u32 = 10;
/// How many providers have a bar of their own.
const MAX_PROVIDERS: usize = 12;

/// The overview.
pub(super) async fn page(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    let overview = overview(&inventory).await?;
    let query = KeyQuery { due: Some(true), ..KeyQuery::default() };
    let top = keys::list(&inventory, &query, TOP, None).await?.keys;
    let (_, policy) = evaluate::policy(&inventory.store).await?;
    let titles = policy.rules().iter().map(|rule| (rule.id.clone(), rule.title.clone())).collect();
    let content = html! {
        h1 { "Overview" }
        @if overview.sums.keys == 0 { (empty(&visit)) }
        @else {
            (tiles(&overview.sums))
            (most_serious(&top, overview.sums.due, inventory.now))
            div.pictures { (pictures(&overview, &titles)) }
        }
    };
    Ok(layout::page(&visit, "/", "Overview", &content))
}

/// What to do where there is no key yet.
fn empty(visit: &Visit) -> Markup {
    html! {
        p { "No keys yet." }
        @if visit.may(Scope::AccountsWrite) {
            ul {
                li { "An AWS account: " code data-copy { "keytender accounts add aws prod --profile prod" } }
                li { "A list of keys of any provider: " code data-copy { "keytender keys import keys.csv" } }
                li { "To look around first, with made-up keys: " code data-copy { "keytender serve --demo" } }
            }
        }
    }
}

fn tiles(sums: &Sums) -> Markup {
    let tiles = [
        ("Keys", sums.keys, "/keys"),
        ("Due", sums.due, "/keys?due=true"),
        ("To remove", sums.to_remove, "/keys?action=remove"),
        ("To rotate", sums.to_rotate, "/keys?action=rotate"),
        ("To review", sums.to_review, "/keys?action=review"),
        ("Never used", sums.never_used, "/keys?last_used=never"),
    ];
    html! {
        ul.tiles.plain {
            @for (name, count, link) in tiles {
                li { a href=(link) { span.name { (name) } " " b { (thousands(count)) } } }
            }
        }
    }
}

fn most_serious(top: &[KeyView], due: u64, now: keytender_core::time::Time) -> Markup {
    html! {
        h2 { "What matters most" }
        @if top.is_empty() { p { "Nothing is due." } }
        @else {
            table.cards {
                thead { tr {
                    th scope="col" { "Severity" } th scope="col" { "Key" } th scope="col" { "Age" }
                    th scope="col" { "Last used" } th scope="col" { "Why" } th scope="col" { "Do" }
                } }
                tbody { @for view in top { (line(view, now)) } }
            }
            @if due > u64::from(TOP) {
                p { a href="/keys?due=true" { "All " (thousands(due)) " that are due" } }
            }
        }
    }
}

fn line(view: &KeyView, now: keytender_core::time::Time) -> Markup {
    let key = view.key();
    let severity = view.severity.map_or("", |severity| severity.as_str());
    html! {
        tr {
            td { span class=(format!("severity {severity}")) { (severity) } }
            td {
                a.key href=(format!("/keys/{}", view.key)) { (printable(&steps::name(&key))) }
                small { (place(view)) }
                @if let Some(owner) = &view.owner { small { (printable(owner)) } }
            }
            td data-label="Age" {
                @match key.age(now) { Some(age) => (age.in_words()), None => "not known" }
            }
            td data-label="Last used" {
                (steps::last_used(&key, now))
                @if let Some(place) = steps::last_used_where(&key) { small { (place) } }
            }
            td data-label="Why" {
                @for (place, finding) in view.findings.iter().enumerate() {
                    @if place > 0 { ", " } (finding.title)
                }
                @if let Some(at) = view.expires_at { small { "expires " (moment(at, now)) } }
            }
            td data-label="Do" { (view.action.map_or("", |action| action.as_str())) }
        }
    }
}

/// The provider and the account, once if they are called the same.
fn place(view: &KeyView) -> String {
    let provider = steps::provider(&view.provider);
    match view.account_name == view.provider {
        true => provider,
        false => format!("{provider}, {}", printable(&view.account_name)),
    }
}

fn pictures(overview: &Overview, titles: &HashMap<String, String>) -> Markup {
    let why: Vec<Bar> = overview
        .sums
        .rules
        .iter()
        .map(|(rule, count)| {
            let title = titles.get(rule).unwrap_or(rule);
            Bar::new(title, *count).link(format!("/keys?rule={rule}"))
        })
        .collect();
    let named = overview.sums.providers.iter().take(MAX_PROVIDERS);
    let mut providers: Vec<Bar> = named
        .map(|(provider, count, due)| {
            let place: String = form_urlencoded::byte_serialize(provider.as_bytes()).collect();
            Bar::new(steps::provider(provider), *count)
                .part(*due)
                .link(format!("/keys?provider={place}"))
        })
        .collect();
    let others = overview.sums.providers.iter().skip(MAX_PROVIDERS);
    let (more, due) = others.fold((0, 0), |(all, due), one| (all + one.1, due + one.2));
    providers.extend((more > 0).then(|| Bar::new("others", more).part(due)));
    let plain = |bars: &[(&'static str, u64)]| -> Vec<Bar> {
        bars.iter().map(|(name, count)| Bar::new(*name, *count)).collect()
    };
    html! {
        (chart::curve("Keys due, the last year", &overview.due_weeks, overview.first_week, Span::days(7)))
        (chart::calendar("Keys that end, the next 13 weeks", "key", &overview.expiries, overview.first_day))
        (chart::bars("Why keys are due or to be reviewed", &why))
        (chart::bars("Providers", &providers))
        (chart::bars("Age", &plain(&overview.sums.ages)))
        (chart::bars("Last used", &plain(&overview.sums.idles)))
    }
}
