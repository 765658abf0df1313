//! The JSON of an audit: a contract, other programs read it.
//!
//! Keys are written as they come; principals wait in a file without a name, because the two lists
//! stand one after the other. So memory does not grow with the report.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use keytender_core::key::{Key, LastUse, Principal, PrincipalKind};
use keytender_core::policy::{Action, Assessment, Policy, Severity};
use keytender_core::time::Time;
use serde::Serialize;
use tempfile::SpooledTempFile;

use crate::app::audit::{Observation, Outcome, Sink};
use crate::cli::key_json::{KeyJson, RuleJson};

/// How many bytes of principals wait in memory before they go to a file.
const MAX_IN_MEMORY: usize = 1024 * 1024;

/// The version of the contract.
const VERSION: u32 = 1;

/// Writes the contract.
pub(super) struct Json<'p, W: Write> {
    out: W,
    policy: &'p Policy,
    as_of: Time,
    keys: u64,
    principals: u64,
    waiting: BufWriter<SpooledTempFile>,
    rules: Vec<RuleJson>,
}

impl<'p, W: Write> Json<'p, W> {
    pub(super) fn new(out: W, policy: &'p Policy, as_of: Time) -> io::Result<Self> {
        let waiting = BufWriter::new(SpooledTempFile::new(MAX_IN_MEMORY));
        let rules: Result<_, _> = policy.rules().iter().map(RuleJson::of).collect();
        Ok(Self { out, policy, as_of, keys: 0, principals: 0, waiting, rules: rules? })
    }

    fn begin(&mut self) -> io::Result<()> {
        let as_of = self.as_of;
        writeln!(self.out, "{{\"version\":{VERSION},\"as_of\":\"{as_of}\",\"keys\":[")
    }

    fn key(&mut self, key: &Key<'_>, assessment: &Assessment) -> io::Result<()> {
        if self.keys == 0 {
            self.begin()?;
        } else {
            self.out.write_all(b",\n")?;
        }
        self.keys += 1;
        serde_json::to_writer(
            &mut self.out,
            &KeyJson::of(key, assessment, self.policy, &self.rules, self.as_of),
        )
        .map_err(io::Error::from)
    }
}

impl<W: Write> Sink for Json<'_, W> {
    fn row(&mut self, observation: &Observation<'_>) -> io::Result<()> {
        for (key, assessment) in observation.keys() {
            self.key(key, assessment)?;
        }
        if let Some(principal) = &observation.row.principal {
            if self.principals > 0 {
                self.waiting.write_all(b",\n")?;
            }
            self.principals += 1;
            let last_active = principal.last_active(observation.row.keys());
            let principal = PrincipalJson::of(principal, last_active);
            serde_json::to_writer(&mut self.waiting, &principal)?;
        }
        Ok(())
    }

    fn finish(&mut self, outcome: &Outcome) -> io::Result<()> {
        if self.keys == 0 {
            self.begin()?;
        }
        self.out.write_all(b"\n],\"principals\":[\n")?;
        self.waiting.flush()?;
        self.waiting.seek(SeekFrom::Start(0))?;
        io::copy(self.waiting.get_mut(), &mut self.out)?;
        self.out.write_all(b"\n],\"sources\":")?;
        let sources: Vec<_> = outcome.sources.iter().map(SourceJson::of).collect();
        serde_json::to_writer(&mut self.out, &sources)?;
        self.out.write_all(b",\"summary\":")?;
        serde_json::to_writer(&mut self.out, &SummaryJson::of(outcome))?;
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum PasswordUseJson<'k> {
    Used { at: Time },
    Never { since: Time },
    Unknown { why: &'k str },
}

#[derive(Serialize)]
struct PrincipalJson<'k> {
    provider: &'k str,
    account: &'k str,
    principal: &'k str,
    principal_kind: PrincipalKind,
    has_password: Option<bool>,
    password_last_used: Option<PasswordUseJson<'k>>,
    mfa: Option<bool>,
    last_active: Option<Time>,
}

impl<'k> PrincipalJson<'k> {
    fn of(principal: &'k Principal<'_>, last_active: Option<Time>) -> Self {
        let password_last_used = principal.password_last_used.as_ref().map(|used| match used {
            LastUse::Used(used) => PasswordUseJson::Used { at: used.at },
            LastUse::Never { since } => PasswordUseJson::Never { since: *since },
            LastUse::Unknown { why } => PasswordUseJson::Unknown { why },
        });
        Self {
            provider: &principal.provider,
            account: &principal.account,
            principal: &principal.name,
            principal_kind: principal.kind,
            has_password: principal.has_password,
            password_last_used,
            mfa: principal.mfa,
            last_active,
        }
    }
}

#[derive(Serialize)]
struct SourceJson<'s> {
    name: &'s str,
    kind: &'s str,
    observed_at: Option<Time>,
    principals: u64,
    keys: u64,
    warnings: &'s [String],
}

impl<'s> SourceJson<'s> {
    fn of(source: &'s crate::app::audit::SourceReport) -> Self {
        Self {
            name: &source.name,
            kind: source.kind,
            observed_at: source.observed_at,
            principals: source.principals,
            keys: source.keys,
            warnings: &source.warnings,
        }
    }
}

#[derive(Serialize)]
struct SummaryJson {
    keys: u64,
    due: u64,
    to_review: u64,
    excepted: u64,
    by_action: serde_json::Map<String, serde_json::Value>,
    by_severity: serde_json::Map<String, serde_json::Value>,
}

impl SummaryJson {
    fn of(outcome: &Outcome) -> Self {
        let summary = &outcome.summary;
        let actions = Action::ALL.into_iter().map(Action::as_str).zip(summary.by_action).rev();
        let severities =
            Severity::ALL.into_iter().map(Severity::as_str).zip(summary.by_severity).rev();
        Self {
            keys: summary.keys,
            due: summary.due,
            to_review: summary.to_review,
            excepted: summary.excepted,
            by_action: actions.map(|(word, count)| (word.to_owned(), count.into())).collect(),
            by_severity: severities.map(|(word, count)| (word.to_owned(), count.into())).collect(),
        }
    }
}
