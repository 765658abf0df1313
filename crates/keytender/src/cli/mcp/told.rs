//! What the tools give, where no view of the API has the same shape; and the same in a few words.

use keytender_core::steps::{last_used, name};
use keytender_core::text::count;
use keytender_core::time::Time;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::view::{
    DestinationView, EventView, HeldRotationView, KeyList, KeyView, OutlineView,
};

/// A step towards what is to be done about a key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AdviceView {
    /// What to do, in a sentence.
    pub(super) text: String,
    /// The command line that does it.
    pub(super) command: Option<String>,
    /// The page to do it on, or to read.
    pub(super) link: Option<String>,
}

/// A key: what is known of it, what is wrong, what to do, what happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExplainedView {
    /// The moment of which this speaks.
    pub(super) as_of: Time,
    /// The key; what is wrong stands in its findings.
    pub(super) key: KeyView,
    /// What to do, in order; empty where nothing is due.
    pub(super) steps: Vec<AdviceView>,
    /// What happened and what was done, oldest first: the latest 50.
    pub(super) events: Vec<EventView>,
}

/// A page of rotations.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RotationPage {
    /// The newest first, without what happened in each.
    pub(super) rotations: Vec<HeldRotationView>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// Whether a destination could be written.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckedView {
    /// What it is called.
    pub(super) name: String,
    /// When it was tried.
    pub(super) checked_at: Option<Time>,
    /// What stands in the way, if something does.
    pub(super) fault: Option<String>,
}

/// The destinations of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckedList {
    /// The key.
    pub(super) key: String,
    /// Its destinations, by name.
    pub(super) destinations: Vec<CheckedView>,
}

impl CheckedView {
    pub(super) fn of(view: DestinationView) -> Self {
        Self { name: view.name, checked_at: view.checked_at, fault: view.fault }
    }
}

/// Keys, a line each.
pub(super) fn keys(list: &KeyList) -> String {
    let mut lines = vec![match list.total {
        0 => "Nothing is due among these keys.".to_owned(),
        total => format!("{} due; {} here.", count(total, "key"), list.keys.len()),
    }];
    lines.extend(list.keys.iter().map(|view| line(view, list.as_of)));
    if let Some(next) = &list.next {
        lines.push(format!("More: cursor {next}"));
    }
    lines.join("\n")
}

fn line(view: &KeyView, now: Time) -> String {
    let key = view.key();
    let why: Vec<&str> = view.findings.iter().map(|finding| finding.title.as_str()).collect();
    format!(
        "{} {} ({}) in {}, last used {}: {}; {}",
        view.severity.map_or("–", |severity| severity.as_str()),
        view.key,
        name(&key),
        view.account_name,
        last_used(&key, now),
        view.action.map_or("nothing to do", |action| action.as_str()),
        why.join(", "),
    )
}

/// A key in a few lines.
pub(super) fn explained(view: &ExplainedView) -> String {
    let mut lines = vec![line(&view.key, view.as_of)];
    lines.extend(view.key.findings.iter().map(|finding| format!("Why: {}", finding.message)));
    for (number, step) in (1..).zip(&view.steps) {
        lines.push(format!("{number}. {}", step.text));
        lines.extend(step.command.iter().chain(&step.link).map(|line| format!("   {line}")));
    }
    if view.steps.is_empty() {
        lines.push("Nothing is due.".to_owned());
    }
    lines.join("\n")
}

/// Rotations, a line each.
pub(super) fn rotations(page: &RotationPage) -> String {
    if page.rotations.is_empty() {
        return "No such rotation.".to_owned();
    }
    let mut lines: Vec<String> = page.rotations.iter().map(rotation).collect();
    lines.extend(page.next.iter().map(|next| format!("More: cursor {next}")));
    lines.join("\n")
}

/// How a rotation stands.
pub(super) fn rotation(view: &HeldRotationView) -> String {
    let next = match view.waits_for.as_str() {
        "call" => " It is under way: show_rotation tells how it goes on.",
        _ => "",
    };
    format!("{} of {} in {}: {}{next}", view.rotation, view.key, view.account, view.says)
}

/// A plan, a step a line.
pub(super) fn plan(plan: &OutlineView) -> String {
    let mut lines =
        vec![format!("Rotating {} in {} would be, if it is begun now:", plan.key, plan.account)];
    for (number, step) in (1..).zip(&plan.steps) {
        let when = step.not_before.map(|at| format!(", not before {}", at.to_seconds()));
        let gate = step.gate.map(|gate| format!(", after somebody approves `{}`", gate.as_str()));
        let end = if step.is_final { ", which cannot be undone" } else { "" };
        let (when, gate) = (when.unwrap_or_default(), gate.unwrap_or_default());
        lines.push(format!("{number}. {}{when}{gate}{end}", step.what));
    }
    lines.join("\n")
}

/// Destinations, a line each.
pub(super) fn checked(list: &CheckedList) -> String {
    if list.destinations.is_empty() {
        return format!("Nobody has told where {} is used.", list.key);
    }
    let line = |view: &CheckedView| match &view.fault {
        Some(fault) => format!("{}: {fault}", view.name),
        None => format!("{}: can be written", view.name),
    };
    let lines: Vec<String> = list.destinations.iter().map(line).collect();
    lines.join("\n")
}
