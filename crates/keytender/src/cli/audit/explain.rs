//! `--explain`: for each due key why it is due and what to do, as a colleague would write it.

use std::io::{self, Write};

use keytender_core::key::Key;
use keytender_core::policy::{Action, Assessment, Policy};
use keytender_core::steps::{Context, Step, last_used, last_used_where, name, steps};
use keytender_core::text::printable;
use keytender_core::time::Time;

use crate::cli::style;

/// The width that is written where there is no terminal.
const DEFAULT_WIDTH: usize = 100;
/// Lines longer than this are hard to read.
const MAX_WIDTH: usize = 100;

/// The reason and the steps of one key.
pub(super) struct Explanation {
    title: String,
    facts: String,
    reasons: Vec<String>,
    steps: Vec<Step>,
    links: Vec<String>,
}

impl Explanation {
    pub(super) fn of(
        key: &Key<'_>,
        other: Option<&Key<'_>>,
        profile: Option<&str>,
        assessment: &Assessment,
        policy: &Policy,
        now: Time,
    ) -> Self {
        let action = assessment.action().unwrap_or(Action::Review);
        let account = match &key.account {
            Some(account) => format!(" of {} {}", printable(&key.provider), printable(account)),
            None => String::new(),
        };
        let findings: Vec<_> = policy.findings(assessment).collect();
        // The advice of the strongest finding holds for the key; a weaker one may contradict it.
        let strongest = findings.iter().filter(|finding| finding.rule.action == action);
        let mut links: Vec<String> = Vec::new();
        for link in strongest.flat_map(|finding| &finding.rule.links) {
            if !links.contains(link) {
                links.push(link.clone());
            }
        }
        let reasons = findings.iter().map(|finding| {
            let message = finding.rule.message(key, now).to_string();
            let help = if finding.rule.action == action { &finding.rule.help } else { "" };
            printable(format!("{message}. {help}").trim()).into_owned()
        });
        Self {
            title: format!("{}{account}: {}", name(key), action.as_str()),
            facts: facts(key, now),
            reasons: reasons.collect(),
            steps: steps(key, action, Context { profile, other }, now),
            links,
        }
    }

    pub(super) fn write(
        &self,
        out: &mut dyn Write,
        place: usize,
        width: Option<usize>,
    ) -> io::Result<()> {
        let width = width.unwrap_or(DEFAULT_WIDTH).min(MAX_WIDTH);
        let (head, dim, command) = (style::HEAD, style::DIM, style::COMMAND);
        writeln!(out, "{head}{place}. {}{head:#}", self.title)?;
        write_wrapped(out, "   ", &self.facts, width)?;
        for reason in &self.reasons {
            write_wrapped(out, "   - ", reason, width)?;
        }
        for (place, step) in self.steps.iter().enumerate() {
            write_wrapped(out, &format!("   {}) ", place + 1), &step.text, width)?;
            // Commands and addresses stay whole, so that they can be copied.
            if let Some(line) = &step.command {
                writeln!(out, "      {command}{line}{command:#}")?;
            }
            if let Some(link) = &step.link {
                writeln!(out, "      {dim}{link}{dim:#}")?;
            }
        }
        for link in &self.links {
            writeln!(out, "   Read: {dim}{}{dim:#}", printable(link))?;
        }
        writeln!(out)
    }
}

/// What is known of the key, in a sentence.
pub(super) fn facts(key: &Key<'_>, now: Time) -> String {
    let id = key.id.as_deref().map(|id| format!("{}, ", printable(id))).unwrap_or_default();
    let state = match &key.provider_state {
        Some(word) => printable(word).into_owned(),
        None => key.state.as_str().to_owned(),
    };
    let created = match (key.created_at, key.age(now)) {
        (Some(created), Some(age)) => {
            format!("created {} ({} ago)", created.date(), age.in_words())
        }
        _ => "creation unknown".to_owned(),
    };
    let place = last_used_where(key).map(|place| format!(", {place}")).unwrap_or_default();
    format!("{id}{state}, {created}, last used: {}{place}.", last_used(key, now))
}

fn write_wrapped(out: &mut dyn Write, before: &str, text: &str, width: usize) -> io::Result<()> {
    let indent = " ".repeat(before.chars().count());
    let options = textwrap::Options::new(width).initial_indent(before).subsequent_indent(&indent);
    for line in textwrap::wrap(text, options) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
