//! The CSV of an audit: one row a key, safe to open in a spreadsheet.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use keytender_core::key::{Key, PrincipalKind};
use keytender_core::policy::{Action, Assessment, Policy, Severity};
use keytender_core::time::Time;

use crate::app::audit::{Observation, Outcome, Sink};
use crate::app::csv_row::{Row, last_use};

const HEADER: [&str; 24] = [
    "provider",
    "account",
    "principal",
    "principal_kind",
    "id",
    "slot",
    "label",
    "state",
    "provider_state",
    "created_at",
    "expires_at",
    "age_days",
    "last_used_status",
    "last_used_at",
    "last_used_region",
    "last_used_service",
    "never_used_since",
    "due",
    "action",
    "severity",
    "findings",
    "messages",
    "excepted",
    "source",
];

/// Writes one row a key: the due ones, or all.
pub(super) struct Csv<'p, W: Write> {
    out: W,
    policy: &'p Policy,
    as_of: Time,
    shows_all: bool,
    is_begun: bool,
    row: Row,
    /// A cell that is put together; kept between rows.
    cell: String,
}

impl<'p, W: Write> Csv<'p, W> {
    pub(super) fn new(out: W, policy: &'p Policy, as_of: Time, shows_all: bool) -> Self {
        let row = Row::default();
        Self { out, policy, as_of, shows_all, is_begun: false, row, cell: String::new() }
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.is_begun {
            return Ok(());
        }
        self.is_begun = true;
        HEADER.iter().for_each(|name| self.row.word(name));
        self.row.write(&mut self.out)
    }

    fn key(&mut self, source: &str, key: &Key<'_>, assessment: &Assessment) -> io::Result<()> {
        let row = &mut self.row;
        row.text(&key.provider);
        row.optional(key.account.as_deref());
        row.optional(key.principal.as_deref());
        row.word(key.principal_kind.map(PrincipalKind::as_str).unwrap_or_default());
        row.optional(key.id.as_deref());
        row.number(key.slot.map(i64::from));
        row.optional(key.label.as_deref());
        row.word(key.state.as_str());
        row.optional(key.provider_state.as_deref());
        row.time(key.created_at);
        row.time(key.expires_at);
        row.number(key.age(self.as_of).map(|age| age.whole_days()));
        last_use(row, &key.last_used);
        row.word(if assessment.is_due() { "true" } else { "false" });
        row.word(assessment.action().map(Action::as_str).unwrap_or_default());
        row.word(assessment.severity().map(Severity::as_str).unwrap_or_default());
        let (policy, as_of) = (self.policy, self.as_of);
        let findings = || policy.findings(assessment).map(|finding| finding.rule);
        self.row.words(findings().map(|rule| rule.id.as_str()));
        self.joined("; ", findings(), |cell, rule| rule.message(key, as_of).write(cell));
        self.joined("; ", policy.excepted(assessment), |cell, (rule, exception)| {
            write!(cell, "{} until {}", rule.id, exception.until)
        });
        self.row.text(source);
        self.row.write(&mut self.out)
    }

    /// One cell of several parts.
    fn joined<T>(
        &mut self,
        separator: &str,
        parts: impl Iterator<Item = T>,
        write: impl Fn(&mut String, T) -> fmt::Result,
    ) {
        self.cell.clear();
        for part in parts {
            if !self.cell.is_empty() {
                self.cell.push_str(separator);
            }
            // Writing to a text cannot fail.
            _ = write(&mut self.cell, part);
        }
        self.row.text(&self.cell);
    }
}

impl<W: Write> Sink for Csv<'_, W> {
    fn row(&mut self, observation: &Observation<'_>) -> io::Result<()> {
        self.begin()?;
        for (key, assessment) in observation.keys() {
            if self.shows_all || assessment.is_due() {
                self.key(observation.source_name, key, assessment)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, _outcome: &Outcome) -> io::Result<()> {
        self.begin()?;
        self.out.flush()
    }
}
