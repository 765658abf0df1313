//! `keytender keys show`: a key's whole story.

use std::io::{self, Write};

use keytender_core::key::LastUse;
use keytender_core::steps::{Context as StepContext, ago, last_used, last_used_where, name, steps};
use keytender_core::text::printable;
use keytender_core::time::Time;

use super::list::write_json;
use crate::app::view::{EventView, ImportedView, IssuedView, KeyView};
use crate::cli::context::Context;
use crate::cli::{DONE, Stop, style};

pub(super) fn run(word: &str, as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let (view, now) = desk.get_key(word).await.map_err(Stop::could_not)?;
        if as_json {
            write_json(now, 1, std::iter::once(view))?;
            return Ok(DONE);
        }
        let story = desk.timeline(&view.key).await.map_err(Stop::could_not)?;
        let owner = match &view.owner {
            Some(name) => Some(desk.name_and_address(name).await.map_err(Stop::could_not)?),
            None => None,
        };
        write(&view, owner, &story, now)?;
        Ok(DONE)
    })
}

fn write(view: &KeyView, owner: Option<String>, story: &[EventView], now: Time) -> io::Result<()> {
    let key = &view.key();
    let mut out = anstream::stdout();
    let head = style::HEAD;
    writeln!(out, "{head}{}{head:#}  {}", name(key), view.key)?;
    let places = view.found_in.iter().map(|place| ("stands in", Some(place.words())));
    for (label, text) in facts(view, owner, now).into_iter().chain(places).chain(issued(view)) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            writeln!(out, "  {label:<11} {}", printable(&text))?;
        }
    }
    if !view.is_gone() && !view.findings.is_empty() {
        writeln!(out, "\n{head}Why{head:#}")?;
        for finding in &view.findings {
            writeln!(out, "  {}", printable(&finding.message))?;
        }
    }
    if let Some(action) = view.action {
        writeln!(out, "\n{head}What to do: {}{head:#}", action.as_str())?;
        for (place, step) in steps(key, action, StepContext::default(), now).iter().enumerate() {
            writeln!(out, "  {}. {}", place + 1, step.text)?;
            for line in step.command.iter().chain(&step.link) {
                writeln!(out, "     {line}")?;
            }
        }
    }
    writeln!(out, "\n{head}Story{head:#}")?;
    for event in story {
        writeln!(out, "  {}  {}", event.at.to_seconds(), printable(&told(event)))?;
    }
    Ok(())
}

/// What is known of the key, a line each; those without a text are left out.
fn facts(view: &KeyView, owner: Option<String>, now: Time) -> [(&'static str, Option<String>); 13] {
    let key = &view.key();
    let account = view.account.as_deref().unwrap_or_default();
    let place = last_used_where(key).map_or_else(String::new, |place| format!(", {place}"));
    let why = match &key.last_used {
        LastUse::Unknown { why } => format!(": {why}"),
        _ => String::new(),
    };
    let tags = view.tags.iter().flatten().map(|(name, value)| format!("{name}={value}"));
    let by = view.keep_by.as_deref().unwrap_or_default();
    let reason = view.keep_reason.as_deref().unwrap_or_default();
    [
        ("account", Some(format!("{} {account} ({})", view.account_name, view.provider))),
        ("id", view.id.clone()),
        ("may do", view.principal_is_admin.unwrap_or_default().then(|| "everything".to_owned())),
        ("state", Some(state(view))),
        ("created", view.created_at.map(|at| format!("{at}, {}", ago(at, now)))),
        ("expires", view.expires_at.map(|at| at.to_string())),
        ("last used", Some(format!("{}{place}{why}", last_used(key, now)))),
        ("cadence", key.cadence.map(|gap| format!("used at least every {}", gap.in_words()))),
        ("used in", view.where_used.clone()),
        ("secret", view.secret_kept.then(|| "kept, sealed".to_owned())),
        ("owner", Some(owner.unwrap_or_else(|| "nobody".to_owned()))),
        ("tags", Some(tags.collect::<Vec<_>>().join(", "))),
        ("kept until", view.keep_until.map(|until| format!("{} by {by}: {reason}", until.date()))),
    ]
}

/// What is known of a key because we issued it.
fn issued(view: &KeyView) -> Vec<(&'static str, Option<String>)> {
    let Some(issued) = &view.issued else { return Vec::new() };
    let networks = match issued.networks.as_slice() {
        [] => "everywhere".to_owned(),
        networks => networks.join(" "),
    };
    let why = issued.revoked_why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    vec![
        ("app", Some(issued.app.clone())),
        ("elsewhere", issued.imported.as_ref().map(ImportedView::words)),
        ("scopes", Some(issued.scopes.join(" "))),
        ("from", Some(networks)),
        ("for", Some(issued.environment.clone())),
        ("replaces", issued.replaces.clone()),
        ("rotation", rotation(issued)),
        ("revoked", issued.revoked_at.map(|at| format!("{}{why}", at.date()))),
    ]
}

/// How the rotation stands that gives a key a successor.
fn rotation(issued: &IssuedView) -> Option<String> {
    let next = issued.replaced_by.as_ref()?;
    Some(match issued.retires_at {
        None => format!("replaced by {next} once that is used"),
        Some(at) => format!("replaced by {next}, works until {}", at.to_seconds()),
    })
}

/// One line of the story.
fn told(event: &EventView) -> String {
    let what = match (&event.rule, &event.region, &event.service) {
        (Some(rule), ..) => format!("{} {rule}", event.what),
        (None, Some(region), Some(service)) => format!("{}: {service} in {region}", event.what),
        (None, None, Some(service)) => format!("{}: {service}", event.what),
        (None, Some(region), None) => format!("{} in {region}", event.what),
        (None, None, None) => event.what.clone(),
    };
    let stage = event.stage.as_ref().map_or_else(String::new, |stage| format!(" ({stage})"));
    let by = event.by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
    let to = event.to.as_ref().map_or_else(String::new, |to| format!(" {to}"));
    let why = event.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    format!("{what}{to}{stage}{by}{why}")
}

fn state(view: &KeyView) -> String {
    let word = view.provider_state.as_deref().unwrap_or(view.state.as_str());
    let since = |what: &str, at: Option<Time>| {
        at.map_or_else(String::new, |at| format!("{what}{}", at.date()))
    };
    let mut text = format!("{word}{}", since(", seen so since ", view.suspended_since));
    text.push_str(&since(", not listed since ", view.missing_since));
    text.push_str(&since(", last seen ", view.last_seen_at));
    if view.exposed == Some(true) {
        text.push_str(", exposed");
    }
    text
}
