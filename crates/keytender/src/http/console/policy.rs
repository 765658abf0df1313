//! The policy: its rules and exceptions, as people read them.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::policy::{Condition, Exception, Policy, Severity};
use maud::{Markup, html};

use super::form::capital;
use super::layout;
use super::listed::with_query;
use super::visit::Visit;
use super::words::moment;
use crate::app::evaluate;
use crate::app::inventory::Inventory;
use crate::app::view::{PolicyView, RuleView};
use crate::http::problem::Refusal;

pub(super) mod edit;

const PATH: &str = "/policy";

/// Shows the policy.
pub(super) async fn page(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    let policy = evaluate::policy_view(&inventory).await?;
    let exceptions = Policy::parse(&policy.text).map(|known| known.exceptions().to_vec());
    let exceptions = exceptions.unwrap_or_default();
    let may_write = visit.may(Scope::PolicyWrite);
    let content = html! {
        h1 { "Policy" }
        p.dim { "What keys are held against. What is due, why, and what to do follows from these rules." }
        p { @if policy.is_default { "It is the default one." } @else { "It is one of your own." } }
        div.row {
            a.button href={ (PATH) "/edit" } { @if may_write { "Edit" } @else { "Try another" } }
            @if may_write && !policy.is_default { a.button.quiet href={ (PATH) "/default" } { "Back to the default…" } }
        }
        h2 { "Rules" }
        (rules(&policy))
        h2 { "Exceptions" }
        (excepted(&exceptions, &inventory))
        h2 { "As a text" }
        details.add { summary { "Show it" } pre tabindex="0" { (policy.text) } }
    };
    Ok(layout::page(&visit, PATH, "Policy", &content))
}

fn rules(policy: &PolicyView) -> Markup {
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "Rule" } th scope="col" { "When a key is" } th scope="col" { "Severity" }
                th scope="col" { "What to do" } th scope="col" { "Controls" }
            } }
            tbody { @for rule in &policy.rules { (row(rule)) } }
        }
    }
}

fn row(rule: &RuleView) -> Markup {
    html! {
        tr {
            th scope="row" {
                a.key href=(with_query("/keys", &[("rule", &rule.id)], None)) { (rule.title) }
                br; small { code { (rule.id) } }
            }
            td data-label="When a key is" { (rule.when) small { (rule.help) } }
            td data-label="Severity" { (severity(rule.severity)) }
            td data-label="What to do" { (rule.action.as_str()) }
            td data-label="Controls" { (controls(rule)) }
        }
    }
}

fn controls(rule: &RuleView) -> Markup {
    let count = rule.controls.len();
    html! {
        @if count > 0 {
            details {
                summary { @if count == 1 { "1 control" } @else { (count) " controls" } }
                @for control in &rule.controls { small { (control) } }
            }
        } @else { "–" }
    }
}

fn severity(severity: Severity) -> Markup {
    let word = severity.as_str();
    html! { span.severity.(word) { (word) } }
}

fn excepted(exceptions: &[Exception], inventory: &Inventory) -> Markup {
    let now = inventory.now;
    html! {
        @if exceptions.is_empty() { p { "None." } } @else {
            table.cards {
                thead { tr {
                    th scope="col" { "Which keys" } th scope="col" { "Rule" } th scope="col" { "Until" }
                    th scope="col" { "Why" } th scope="col" { "Approved by" }
                } }
                tbody { @for one in exceptions { tr {
                    th scope="row" { (capital(&which(&one.matches))) }
                    td data-label="Rule" { (one.rule.as_deref().unwrap_or("all")) }
                    td data-label="Until" {
                        @if one.until <= now { b { "ended " } } (moment(one.until, now))
                        small { (one.until.date()) }
                    }
                    td data-label="Why" { (one.reason) }
                    td data-label="Approved by" { (one.approved_by.as_deref().unwrap_or("–")) }
                } } }
            }
        }
    }
}

fn which(matches: &[Condition]) -> String {
    let words: Vec<String> = matches.iter().map(Condition::to_string).collect();
    match words.is_empty() {
        true => "every key".to_owned(),
        false => words.join(" and "),
    }
}
