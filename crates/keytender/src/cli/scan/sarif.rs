//! The SARIF 2.1.0 of a scan: each key at a place a result, each kind of key a rule.

use std::collections::BTreeMap;
use std::io::{self, Write};

use keytender_core::policy::Severity;
use keytender_core::text::printable;
use serde_json::{Value, json};

use crate::app::view::{FoundKeyView, ScanView};
use crate::cli::sarif;

/// Writes the log.
pub(super) fn write(out: &mut impl Write, view: &ScanView) -> io::Result<()> {
    let mut kinds: BTreeMap<String, &FoundKeyView> = BTreeMap::new();
    for found in &view.findings {
        kinds.entry(rule_id(found)).or_insert(found);
    }
    let rules: Vec<Value> = kinds.iter().map(|(id, found)| rule(id, found)).collect();
    sarif::begin(out, &rules)?;
    for (before, found) in (0..).zip(&view.findings) {
        let id = rule_id(found);
        let index = kinds.keys().position(|known| *known == id);
        sarif::result(out, before, &result(&id, index, found))?;
    }
    let notes: Vec<Value> =
        view.looked.warnings.iter().map(|text| sarif::note("warning", text)).collect();
    sarif::end(out, view.looked.unread == 0, &notes)
}

/// The provider and the kind of key.
fn rule_id(found: &FoundKeyView) -> String {
    match &found.key_type {
        Some(kind) => format!("{}/{kind}", printable(&found.provider)),
        None => printable(&found.provider).into_owned(),
    }
}

fn rule(id: &str, found: &FoundKeyView) -> Value {
    let what = format!("{} of {}", printable(&found.name), printable(&found.provider));
    let help =
        "Take it out of the file, and replace it where others may have read it: keytender rotate";
    json!({
        "id": id,
        "name": id,
        "shortDescription": { "text": format!("A key in a file: {what}") },
        "fullDescription": { "text": format!("A key in a file: {what}. {help}") },
        "help": { "text": help },
        "defaultConfiguration": { "level": sarif::level(Severity::High) },
        "properties": { "security-severity": sarif::score(Severity::High) },
    })
}

fn result(id: &str, index: Option<usize>, found: &FoundKeyView) -> Value {
    let whose = match &found.id {
        Some(id) => format!(" {}", printable(id)),
        None => String::new(),
    };
    let since = match &found.commit {
        Some(commit) => format!(", since commit {}", printable(commit)),
        None => String::new(),
    };
    let (name, provider) = (printable(&found.name), printable(&found.provider));
    json!({
        "ruleId": id,
        "ruleIndex": index,
        "level": sarif::level(found.severity),
        "message": { "text": format!("{name} of {provider}{whose} ({}){since}", found.fingerprint) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": sarif::uri(&found.path) },
                "region": { "startLine": found.line, "startColumn": found.column },
            },
        }],
        // The same key in the same file, wherever in it.
        "partialFingerprints": { "keytender/v1": format!("{}:{}", found.fingerprint, found.path) },
    })
}
