//! The page of an audit: one file that a manager can read and an auditor can keep.
//!
//! It asks nothing of the network, and a policy in its head forbids it to. Every text goes through
//! the templates' escaping.

use std::cmp::Reverse;
use std::io::{self, Write};

use keytender_core::key::Key;
use keytender_core::policy::{Action, Assessment, Policy, Population, Severity};
use keytender_core::steps::{last_used, last_used_where, name};
use keytender_core::text::printable;
use keytender_core::time::Time;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::controls::{Control, Controls};
use super::histogram::{Ages, Idleness};
use super::table;
use crate::app::audit::{Observation, Outcome, Sink, SourceReport};
use crate::cli::words::{count, thousands};

const STYLE: &str = include_str!("html.css");
/// No script, no picture, no request: only the style in the page itself.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// How many due keys the page lists, the most serious first; the CSV lists them all.
const MAX_LISTED: usize = 2_000;
/// What no source of this kind tells, and what the rules do not ask for.
const NOT_LOOKED_AT: [&str; 5] = [
    "X.509 signing certificates of users",
    "service-specific credentials (CodeCommit, Amazon Keyspaces, Bedrock, CloudWatch)",
    "passwords and second factors: the controls on unused credentials are counted for keys only",
    "keys made after a report was made, and temporary credentials of roles",
    "what a key is allowed to do",
];

/// Keeps counts and the keys that it lists, and writes the page at the end.
pub(super) struct Html<'p, W: Write> {
    out: W,
    policy: &'p Policy,
    as_of: Time,
    ages: Ages,
    idleness: Idleness,
    controls: Controls,
    due: Listed,
    excepted: Listed,
}

/// Keys for a list, the most serious kept.
#[derive(Default)]
struct Listed {
    keys: Vec<Line>,
}

struct Line {
    rank: (Option<Severity>, Option<Action>, i64),
    key: String,
    id: String,
    account: String,
    age: String,
    last_used: String,
    reasons: Vec<String>,
    help: String,
}

impl Listed {
    fn push(&mut self, line: Line) {
        self.keys.push(line);
        if self.keys.len() >= 2 * MAX_LISTED {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.keys.sort_by_key(|line| Reverse(line.rank));
        self.keys.truncate(MAX_LISTED);
    }
}

impl<'p, W: Write> Html<'p, W> {
    pub(super) fn new(out: W, policy: &'p Policy, as_of: Time) -> Self {
        Self {
            out,
            policy,
            as_of,
            ages: Ages::new(),
            idleness: Idleness::new(),
            controls: Controls::of(policy),
            due: Listed::default(),
            excepted: Listed::default(),
        }
    }

    fn line(&self, key: &Key<'_>, assessment: &Assessment, reasons: Vec<String>) -> Line {
        let age = key.age(self.as_of);
        let place = last_used_where(key).map(|place| format!(", {place}")).unwrap_or_default();
        let helps = self.policy.findings(assessment);
        let help = helps
            .filter(|finding| Some(finding.rule.action) == assessment.action())
            .map(|finding| finding.rule.help.clone())
            .next();
        let days = age.map_or(-1, |age| age.whole_days());
        Line {
            rank: (assessment.severity(), assessment.action(), days),
            key: name(key),
            id: key.id.as_deref().map(printable).unwrap_or_default().into_owned(),
            account: key.account.as_deref().map(printable).unwrap_or_default().into_owned(),
            age: age.map_or_else(|| "not known".to_owned(), |age| age.in_words()),
            last_used: format!("{}{place}", last_used(key, self.as_of)),
            reasons,
            help: help.unwrap_or_default(),
        }
    }

    fn page(&self, outcome: &Outcome) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(CONTENT_POLICY);
                    title { "API keys due on " (self.as_of.date()) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        h1 { "API keys due on " (self.as_of.date()) }
                        p { (table::sentence(&outcome.summary)) }
                        (tiles(outcome))
                        div.pictures { (self.ages.0.draw()) (self.idleness.0.draw()) }
                        (self.due_keys(outcome))
                        (self.excepted_keys())
                        (self.controls_table(outcome))
                        (sources(outcome))
                        (self.rules())
                    }
                    footer.dim {
                        p { "Made by Keytender " (env!("CARGO_PKG_VERSION")) ", ages counted to " (self.as_of.to_string()) "." }
                    }
                }
            }
        }
    }

    fn due_keys(&self, outcome: &Outcome) -> Markup {
        let more = outcome.summary.due.saturating_sub(self.due.keys.len() as u64);
        html! {
            @if !self.due.keys.is_empty() {
                h2 { "What is due" }
                table.cards {
                    thead { tr {
                        th scope="col" { "Severity" } th scope="col" { "Key" } th scope="col" { "Age" }
                        th scope="col" { "Last used" } th scope="col" { "Why" } th scope="col" { "What to do" }
                    } }
                    tbody { @for line in &self.due.keys { (due_line(line)) } }
                }
                @if more > 0 {
                    p { "and " (count(more, "more key")) ", less serious: the CSV has them all." }
                }
            }
        }
    }

    fn excepted_keys(&self) -> Markup {
        html! {
            @if !self.excepted.keys.is_empty() {
                h2 { "Excepted" }
                table.cards {
                    thead { tr {
                        th scope="col" { "Key" } th scope="col" { "Age" } th scope="col" { "Last used" }
                        th scope="col" { "What is allowed, until when and why" }
                    } }
                    tbody { @for line in &self.excepted.keys { tr {
                        (key_cell(line))
                        td data-label="Age" { (line.age) }
                        td data-label="Last used" { (line.last_used) }
                        td { ul.plain { @for reason in &line.reasons { li { (reason) } } } }
                    } } }
                }
            }
        }
    }

    fn controls_table(&self, outcome: &Outcome) -> Markup {
        let observed = observed(&outcome.sources);
        html! {
            @if !self.controls.all.is_empty() {
                h2 { "Controls" }
                p.dim {
                    "Each control is counted over the keys or principals that it speaks of. What is not "
                    "known is not assessable, and never counted as passed."
                }
                table.cards {
                    thead { tr {
                        th scope="col" { "Control (versions)" } th scope="col" { "Counted over" }
                        th.number scope="col" { "Population" } th.number scope="col" { "Passed" }
                        th.number scope="col" { "Failed" } th.number scope="col" { "Excepted" }
                        th.number scope="col" { "Not assessable" } th scope="col" { "Observed at" }
                    } }
                    tbody { @for control in &self.controls.all { (control_line(control, &observed)) } }
                }
                h2 { "Not looked at" }
                ul { @for what in NOT_LOOKED_AT { li { (what) } } }
            }
        }
    }

    fn rules(&self) -> Markup {
        html! {
            h2 { "Rules" }
            table.cards {
                thead { tr {
                    th scope="col" { "Rule" } th scope="col" { "Severity" } th scope="col" { "Action" }
                    th scope="col" { "What to do" }
                } }
                tbody { @for rule in self.policy.rules() { tr {
                    td { span.key { (rule.title) } br; small { (rule.id) } }
                    td data-label="Severity" { (rule.severity.as_str()) }
                    td data-label="Action" { (rule.action.as_str()) }
                    td {
                        (rule.help)
                        @for link in rule.links.iter().filter(|link| link.starts_with("https://")) {
                            br; a href=(link) rel="noreferrer" { (link) }
                        }
                    }
                } } }
            }
        }
    }
}

impl<W: Write> Sink for Html<'_, W> {
    fn row(&mut self, observation: &Observation<'_>) -> io::Result<()> {
        self.controls.add(observation, self.policy, self.as_of);
        for (key, assessment) in observation.keys() {
            self.ages.add(key, self.as_of);
            self.idleness.add(key, self.as_of);
            if assessment.is_due() {
                let findings = self.policy.findings(assessment);
                let reasons =
                    findings.map(|finding| finding.rule.message(key, self.as_of).to_string());
                let line = self.line(key, assessment, reasons.collect());
                self.due.push(line);
            }
            if assessment.is_excepted() {
                let excepted = self.policy.excepted(assessment).map(|(rule, exception)| {
                    let by = exception.approved_by.as_deref();
                    let by = by.map(|name| format!(" (approved by {name})")).unwrap_or_default();
                    let until = exception.until.date();
                    format!("{}, until {until}: {}{by}", rule.title, exception.reason)
                });
                let line = self.line(key, assessment, excepted.collect());
                self.excepted.push(line);
            }
        }
        Ok(())
    }

    fn finish(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.due.cut();
        self.excepted.cut();
        let page = self.page(outcome).into_string();
        self.out.write_all(page.as_bytes())?;
        self.out.flush()
    }
}

fn tiles(outcome: &Outcome) -> Markup {
    let summary = &outcome.summary;
    let [review, rotate, remove] = summary.by_action;
    let tiles = [
        ("Keys", summary.keys),
        ("Due", summary.due),
        ("To remove", remove),
        ("To rotate", rotate),
        ("To review", review),
        ("Excepted", summary.excepted),
    ];
    html! {
        dl.tiles { @for (what, count) in tiles { div { dt { (what) } dd { (thousands(count)) } } } }
    }
}

fn key_cell(line: &Line) -> Markup {
    html! {
        td {
            span.key { (line.key) }
            @if !line.id.is_empty() { br; small { (line.id) } }
            @if !line.account.is_empty() { br; small { (line.account) } }
        }
    }
}

fn due_line(line: &Line) -> Markup {
    let (severity, action, _) = line.rank;
    let severity = severity.map(Severity::as_str).unwrap_or_default();
    html! {
        tr {
            td { span class=(format!("severity {severity}")) { (severity) } }
            (key_cell(line))
            td.nowrap data-label="Age" { (line.age) }
            td data-label="Last used" { (line.last_used) }
            td { ul.plain { @for reason in &line.reasons { li { (reason) } } } }
            td { b { (action.map(Action::as_str).unwrap_or_default()) } br; (line.help) }
        }
    }
}

fn control_line(control: &Control, observed: &str) -> Markup {
    let counts = &control.counts;
    let over = match control.population {
        Population::Keys => "keys",
        Population::Principals => "principals",
    };
    html! {
        tr {
            td.control {
                span.key { (control.standard) } br;
                @for (number, versions) in &control.numbers {
                    b { (number) }
                    @if versions.iter().any(|version| !version.is_empty()) { " (" (versions.join(", ")) ") " }
                }
                br; small { (control.titles) }
            }
            td data-label="Counted over" { (over) }
            td.number data-label="Population" { (thousands(counts.population)) }
            td.number data-label="Passed" { (thousands(counts.passed)) }
            td.number.failed[counts.failed > 0] data-label="Failed" { (thousands(counts.failed)) }
            td.number data-label="Excepted" { (thousands(counts.excepted)) }
            td.number data-label="Not assessable" { (thousands(counts.not_assessable)) }
            td data-label="Observed at" { (observed) }
        }
    }
}

fn sources(outcome: &Outcome) -> Markup {
    html! {
        h2 { "Sources" }
        table.cards {
            thead { tr {
                th scope="col" { "Source" } th scope="col" { "Kind" } th.number scope="col" { "Principals" }
                th.number scope="col" { "Keys" } th scope="col" { "Observed at" }
            } }
            tbody { @for source in &outcome.sources { tr {
                td {
                    span.key { (printable(&source.name)) }
                    @for warning in &source.warnings { br; small { (printable(warning)) } }
                }
                td data-label="Kind" { (source.kind) }
                td.number data-label="Principals" { (thousands(source.principals)) }
                td.number data-label="Keys" { (thousands(source.keys)) }
                td data-label="Observed at" { (observed(std::slice::from_ref(source))) }
            } } }
        }
        @for failure in &outcome.failures {
            p.failed { "Not read: " (printable(&failure.report())) }
        }
    }
}

/// When the sources were observed: the first and the last moment.
fn observed(sources: &[SourceReport]) -> String {
    let times = || sources.iter().filter_map(|source| source.observed_at);
    match (times().min(), times().max()) {
        (Some(first), Some(last)) if first == last => first.to_string(),
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => "not stated by the file".to_owned(),
    }
}
