//! The SARIF 2.1.0 of an audit: each finding a result, each rule of the policy a rule, so that code
//! scanning can show keys beside code.
//!
//! What an exception allows is a suppressed result with the reason as its justification.

use std::io::{self, Write};

use keytender_core::key::Key;
use keytender_core::policy::{Exception, Policy, Rule};
use keytender_core::steps::name;
use keytender_core::text::printable;
use keytender_core::time::Time;
use serde_json::{Value, json};

use crate::app::audit::{Observation, Outcome, Sink, Source};
use crate::cli::sarif;

/// Writes a log of one run.
pub(super) struct Sarif<'p, W: Write> {
    out: W,
    policy: &'p Policy,
    as_of: Time,
    results: u64,
    is_begun: bool,
}

impl<'p, W: Write> Sarif<'p, W> {
    pub(super) const fn new(out: W, policy: &'p Policy, as_of: Time) -> Self {
        Self { out, policy, as_of, results: 0, is_begun: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.is_begun {
            return Ok(());
        }
        self.is_begun = true;
        let rules: Vec<Value> = self.policy.rules().iter().map(rule_json).collect();
        sarif::begin(&mut self.out, &rules)
    }

    fn result(
        &mut self,
        observation: &Observation<'_>,
        key: &Key<'_>,
        rule: &Rule,
        exception: Option<&Exception>,
    ) -> io::Result<()> {
        let index = self.policy.rules().iter().position(|known| known.id == rule.id);
        let whose = name(key);
        let text = format!("{whose}: {}. {}", rule.message(key, self.as_of), rule.help);
        let mut result = json!({
            "ruleId": rule.id,
            "ruleIndex": index,
            "level": sarif::level(rule.severity),
            "message": { "text": printable(text.trim()) },
            "locations": [location(observation, key)],
            // The same finding of the same key, however the file changes around it.
            "partialFingerprints": { "keytender/v1": format!("{}:{}", rule.id, place(key)) },
        });
        if let (Some(exception), Some(result)) = (exception, result.as_object_mut()) {
            let suppression = json!({
                "kind": "external",
                "status": "accepted",
                "justification": exception.reason,
            });
            result.insert("suppressions".to_owned(), json!([suppression]));
        }
        sarif::result(&mut self.out, self.results, &result)?;
        self.results += 1;
        Ok(())
    }
}

impl<W: Write> Sink for Sarif<'_, W> {
    fn row(&mut self, observation: &Observation<'_>) -> io::Result<()> {
        self.begin()?;
        let policy = self.policy;
        for (key, assessment) in observation.keys() {
            for finding in policy.findings(assessment) {
                self.result(observation, key, finding.rule, None)?;
            }
            for (rule, exception) in policy.excepted(assessment) {
                self.result(observation, key, rule, Some(exception))?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.begin()?;
        let notes: Vec<Value> = outcome
            .sources
            .iter()
            .flat_map(|source| source.warnings.iter().map(move |text| (source, text)))
            .map(|(source, text)| sarif::note("warning", &format!("{}: {text}", source.name)))
            .chain(outcome.failures.iter().map(|failure| sarif::note("error", &failure.report())))
            .collect();
        sarif::end(&mut self.out, outcome.failures.is_empty(), &notes)
    }
}

fn rule_json(rule: &Rule) -> Value {
    let mut json = json!({
        "id": rule.id,
        "name": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": format!("{}. {}", rule.title, rule.help) },
        "help": { "text": rule.help },
        "defaultConfiguration": { "level": sarif::level(rule.severity) },
        "properties": {
            "tags": rule.controls,
            "action": rule.action.as_str(),
            "security-severity": sarif::score(rule.severity),
        },
    });
    if let (Some(link), Some(json)) = (rule.links.first(), json.as_object_mut()) {
        json.insert("helpUri".to_owned(), Value::from(link.as_str()));
    }
    json
}

/// A report on disk has lines; a live account has none.
fn location(observation: &Observation<'_>, key: &Key<'_>) -> Value {
    let logical = json!([{
        "name": name(key),
        "fullyQualifiedName": place(key),
        "kind": "resource",
    }]);
    match (observation.source, observation.line) {
        (Source::File(path), Some(line)) => json!({
            "physicalLocation": {
                "artifactLocation": { "uri": sarif::uri(&path.display().to_string()) },
                "region": { "startLine": line },
            },
            "logicalLocations": logical,
        }),
        _ => json!({ "logicalLocations": logical }),
    }
}

/// The key within everything that is audited: provider, account, principal, and id or slot.
fn place(key: &Key<'_>) -> String {
    let slot = key.slot.map(|slot| slot.to_string());
    // The slot stays when the id becomes known, so that a fingerprint does.
    let last = slot.or_else(|| key.id.as_deref().map(str::to_owned));
    let parts = [
        Some(key.provider.as_ref()),
        key.account.as_deref(),
        key.principal.as_deref(),
        key.label.as_deref(),
        last.as_deref(),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().map(printable).collect();
    parts.join("/")
}
