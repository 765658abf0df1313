//! Another policy: typed, checked, and only then used.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::policy::{DEFAULT, Policy};
use maud::{Markup, html};
use serde::Deserialize;

use super::PATH;
use crate::app::evaluate::{self, Evaluated};
use crate::app::inventory::Inventory;
use crate::app::policy;
use crate::app::ticket::digest_of;
use crate::app::view::{PolicyCheckView, PolicyView};
use crate::error::{Error, Kind};
use crate::http::console::form::{Question, Wrong, ask};
use crate::http::console::layout;
use crate::http::console::listed::with_query;
use crate::http::console::visit::{Form, Visit};
use crate::http::problem::Refusal;

/// A policy that is typed.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Typed {
    #[serde(default)]
    text: String,
    /// The digest of the policy that it is to replace.
    present: Option<String>,
    /// The digest of the text that was checked.
    checked: Option<String>,
}

impl Typed {
    /// The text, with ends of lines as they are in files: browsers send two letters for each.
    fn text(&self) -> String {
        self.text.replace("\r\n", "\n")
    }
}

/// What is to be said of a text.
enum Said<'s> {
    Nothing,
    Wrong(&'s Wrong),
    Checked(&'s PolicyCheckView),
}

/// Shows the present policy, to be changed.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
) -> Result<Response, Refusal> {
    let now = evaluate::policy_view(&inventory).await?;
    let present = digest_of(&now.text);
    Ok(show(&visit, &now.text, &present, &Said::Nothing))
}

/// Checks a policy: what is wrong with it, or what it would find. Nothing is changed.
pub(in crate::http::console) async fn check(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let text = typed.text();
    let present = match &typed.present {
        Some(present) => present.clone(),
        None => digest_of(&evaluate::policy_view(&inventory).await?.text),
    };
    evaluate::run(&inventory.store, inventory.now).await?;
    match policy::check(&inventory, &text).await {
        Ok(found) => Ok(show(&visit, &text, &present, &Said::Checked(&found))),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.on(show(&visit, &text, &present, &Said::Wrong(&wrong))))
        }
    }
}

/// Uses a policy that was checked.
pub(in crate::http::console) async fn put(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let text = typed.text();
    let present = typed.present.clone().unwrap_or_default();
    let used =
        match typed.checked.as_deref() == Some(digest_of(&text).as_str()) {
            true => {
                let is_present =
                    |now: &PolicyView| match digest_of(&now.text) == present {
                        true => Ok(()),
                        false => Err(Error::new("somebody else has changed the policy since")
                            .kind(Kind::Stale)),
                    };
                evaluate::use_policy(&inventory, Some(&text), is_present).await
            }
            false => Err(Error::new("this text was not checked")
                .hint("check it, and see what it would find")),
        };
    match used {
        Ok(evaluated) => Ok(visit.done(PATH, &word(evaluated))),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            // Whoever is told that the policy has changed may replace the present one, once checked again.
            let present = digest_of(&evaluate::policy_view(&inventory).await?.text);
            Ok(wrong.on(show(&visit, &text, &present, &Said::Wrong(&wrong))))
        }
    }
}

fn word(evaluated: Evaluated) -> String {
    match evaluated.changed {
        1 => "The policy is used. 1 key stands differently.".to_owned(),
        changed => format!("The policy is used. {changed} keys stand differently."),
    }
}

fn show(visit: &Visit, text: &str, present: &str, said: &Said<'_>) -> Response {
    // The place of the first mistake, for the script.
    let mistake = match said {
        Said::Wrong(_) => Policy::parse(text).err(),
        _ => None,
    };
    let checked = matches!(said, Said::Checked(_)).then(|| digest_of(text));
    let content = html! {
        p { a href=(PATH) { "Policy" } }
        h1 { "Another policy" }
        @match said {
            Said::Nothing => p.dim { "Nothing changes until it is checked and used." },
            Said::Wrong(wrong) => div #mistake { (wrong) },
            Said::Checked(found) => (found_by(found)),
        }
        form method="post" action={ (PATH) "/check" } {
            (visit.proof())
            input type="hidden" name="present" value=(present);
            @if let Some(checked) = &checked { input type="hidden" name="checked" value=(checked); }
            div.row {
                @if checked.is_some() && visit.may(Scope::PolicyWrite) {
                    button type="submit" formaction={ (PATH) "/use" } { "Use it" }
                }
                button class=[checked.as_ref().map(|_| "quiet")] type="submit" { "Check" }
                a.button.quiet href=(PATH) { "Leave it as it is" }
            }
            label for="text" { "The policy, in TOML" }
            textarea #text name="text" rows="30" spellcheck="false" autocapitalize="off" wrap="off"
                aria-invalid=[mistake.as_ref().map(|_| "true")]
                aria-describedby=[mistake.as_ref().map(|_| "mistake")]
                data-line=[mistake.as_ref().map(|one| one.line)]
                data-column=[mistake.as_ref().map(|one| one.column)] { "\n" (text) }
        }
    };
    layout::page(visit, PATH, "Another policy", &content)
}

fn found_by(found: &PolicyCheckView) -> Markup {
    html! {
        p.word role="status" { (sum(found)) }
        @if !found.ended.is_empty() {
            ul { @for one in &found.ended {
                li { "An exception has ended on " (one.until.date())
                    @if let Some(rule) = &one.rule { " (" code { (rule) } ")" } ": " (one.reason) }
            } }
        }
        @if !found.by_rule.is_empty() {
            table {
                caption { "Keys that break each rule" }
                thead { tr {
                    th scope="col" { "Rule" } th.number scope="col" { "Would" } th.number scope="col" { "Now" }
                } }
                tbody { @for one in &found.by_rule { tr {
                    th scope="row" { code { (one.rule) } }
                    td.number { (one.would_be) }
                    td.number {
                        @if one.now == 0 { "0" }
                        @else { a href=(with_query("/keys", &[("rule", &one.rule)], None)) { (one.now) } }
                    }
                } } }
            }
        }
    }
}

fn sum(found: &PolicyCheckView) -> String {
    let keys = |count: u64| match count {
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    let change = match (found.more, found.fewer) {
        (0, 0) => "the same as now".to_owned(),
        (more, 0) => format!("{more} more than now"),
        (0, fewer) => format!("{fewer} fewer than now"),
        (more, fewer) => format!("{more} more and {fewer} fewer than now"),
    };
    let rules = match found.rules {
        1 => "1 rule".to_owned(),
        count => format!("{count} rules"),
    };
    format!("It is right, with {rules}. It would flag {}: {change}.", keys(found.would_be_due))
}

/// Asks before the default policy is used again.
pub(in crate::http::console) async fn ask_default(
    visit: Visit,
    inventory: Inventory,
) -> Result<Response, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let found = policy::check(&inventory, DEFAULT).await?;
    let question = Question {
        section: PATH,
        title: "Back to the default policy?",
        action: "/policy/default",
        button: "Use the default policy",
        back: PATH,
    };
    let what = html! {
        p { "Your own text is not kept here beside it; the log has it." }
        p { (sum(&found)) }
    };
    Ok(ask(&visit, &question, &what, &html! {}))
}

/// Uses the default policy again.
pub(in crate::http::console) async fn set_default(
    visit: Visit,
    inventory: Inventory,
) -> Result<Response, Refusal> {
    let evaluated = evaluate::use_policy(&inventory, None, |_| Ok(())).await?;
    Ok(visit.done(PATH, &word(evaluated)))
}
