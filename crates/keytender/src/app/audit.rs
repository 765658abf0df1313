//! The audit: which keys of some sources are due, and why.
//!
//! Sources are read one after the other and handed on row by row to a [`Sink`]; only what the
//! sink keeps is kept. A source that cannot be read is reported at the end and hides no other.

use std::collections::HashMap;
use std::io;

use keytender_core::key::Key;
use keytender_core::policy::{Action, Assessment, Policy, Severity};
use keytender_core::report::Row;
use keytender_core::time::Time;

use super::warnings::Warnings;
use crate::error::Error;

mod described;
pub mod discover;
mod file;
#[cfg(feature = "aws")]
mod live;
mod source;

pub use source::Source;

/// How an audit is made.
#[derive(Clone, Copy, Debug)]
pub struct Options<'o> {
    /// What keys are held against.
    pub policy: &'o Policy,
    /// The moment that ages are counted to.
    pub as_of: Time,
    /// The present moment, for what is seen live.
    pub now: Time,
    /// How much is asked of a live account.
    pub depth: Depth,
    /// Whether progress may be drawn on the terminal.
    pub shows_progress: bool,
}

/// How much is asked of a live account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Its credential report alone: ages and last uses, but no ids.
    ReportOnly,
    /// The report, and the ids of due keys.
    DueIds,
    /// Every user's keys as they are now, for those that are newer than the report.
    Fresh,
}

/// One row of a source and what the policy says of its keys.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'r> {
    /// The source.
    pub source: &'r Source,
    /// The source, as the user named it.
    pub source_name: &'r str,
    /// The line in the file that it was read from.
    pub line: Option<u64>,
    /// The principal and its keys.
    pub row: &'r Row<'r>,
    /// What the policy says of each of them, in the same places.
    pub assessments: &'r [Assessment; 2],
}

impl<'r> Observation<'r> {
    /// The keys with what the policy says of them.
    pub fn keys(&self) -> impl Iterator<Item = (&'r Key<'r>, &'r Assessment)> + use<'r> {
        let keys = self.row.keys.iter().zip(self.assessments);
        keys.filter_map(|(key, assessment)| Some((key.as_ref()?, assessment)))
    }

    /// The principal's other key.
    pub fn other(&self, key: &Key<'_>) -> Option<&'r Key<'r>> {
        self.row.keys().find(|other| other.slot != key.slot || other.id != key.id)
    }
}

/// Where the rows of an audit go: one for each format.
pub trait Sink {
    /// Takes the next row.
    ///
    /// # Errors
    /// When it cannot be written.
    fn row(&mut self, observation: &Observation<'_>) -> io::Result<()>;

    /// Takes the sums, after the last row.
    ///
    /// # Errors
    /// When they cannot be written.
    fn finish(&mut self, outcome: &Outcome) -> io::Result<()>;
}

/// What an audit came to.
#[derive(Debug)]
pub struct Outcome {
    /// The moment that ages were counted to.
    pub as_of: Time,
    /// What was read, in the order in which it was named.
    pub sources: Vec<SourceReport>,
    /// How many keys, and how many of them are due.
    pub summary: Summary,
    /// The sources that could not be read.
    pub failures: Vec<Error>,
}

/// What was read of one source.
#[derive(Debug)]
pub struct SourceReport {
    /// As the user named it.
    pub name: String,
    /// What kind of source it is, in the word of the wire.
    pub kind: &'static str,
    /// When its keys were seen, if that is known.
    pub observed_at: Option<Time>,
    /// How many principals it holds.
    pub principals: u64,
    /// How many keys it holds.
    pub keys: u64,
    /// What was odd about it.
    pub warnings: Vec<String>,
    /// Whether a line of it could not be read.
    pub is_damaged: bool,
}

/// Counts of keys.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// All keys.
    pub keys: u64,
    /// Those whose action is to remove or to rotate.
    pub due: u64,
    /// Those that should be looked at.
    pub to_review: u64,
    /// Those that an exception allows to break a rule.
    pub excepted: u64,
    /// By action, weakest first.
    pub by_action: [u64; Action::ALL.len()],
    /// The due ones by severity, least first.
    pub by_severity: [u64; Severity::ALL.len()],
}

impl Summary {
    /// Counts a key.
    pub fn add(&mut self, assessment: &Assessment) {
        self.keys += 1;
        self.excepted += u64::from(assessment.is_excepted());
        if let Some(action) = assessment.action() {
            tick(&mut self.by_action, Action::ALL.iter().position(|known| *known == action));
        }
        if !assessment.is_due() {
            self.to_review += u64::from(assessment.action().is_some());
            return;
        }
        self.due += 1;
        if let Some(severity) = assessment.severity() {
            let place = Severity::ALL.iter().position(|known| *known == severity);
            tick(&mut self.by_severity, place);
        }
    }

    /// The most serious severity that a due key has.
    pub fn worst(&self) -> Option<Severity> {
        let counted = Severity::ALL.into_iter().zip(self.by_severity);
        counted.filter(|(_, count)| *count > 0).map(|(severity, _)| severity).max()
    }
}

fn tick(counts: &mut [u64], place: Option<usize>) {
    if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
        *count += 1;
    }
}

/// Audits `sources` in their order and hands every row to `sink`.
///
/// # Errors
/// Only when the sink cannot write; what cannot be read stands in [`Outcome::failures`].
pub fn run(sources: &[Source], options: &Options<'_>, sink: &mut dyn Sink) -> io::Result<Outcome> {
    let mut live = observe_live(sources, options);
    live.extend(described::observe(sources, options));
    let mut audit = Audit {
        options,
        sink,
        assessments: [Assessment::default(), Assessment::default()],
        summary: Summary::default(),
    };
    let mut reports = Vec::new();
    let mut failures = Vec::new();
    for source in sources {
        let read = match live.remove(source) {
            Some(Ok(seen)) => audit.live(source, seen)?,
            Some(Err(error)) => Err(error),
            None => file::read(source, &mut audit)?,
        };
        match read {
            Ok(report) => reports.push(report),
            Err(error) => failures.push(error),
        }
    }
    let Audit { summary, sink, .. } = audit;
    let outcome = Outcome { as_of: options.as_of, sources: reports, summary, failures };
    sink.finish(&outcome)?;
    Ok(outcome)
}

/// What a live account showed, before the policy is applied.
struct Seen {
    kind: &'static str,
    observed_at: Option<Time>,
    rows: Vec<Row<'static>>,
    warnings: Warnings,
}

/// An audit under way.
struct Audit<'a> {
    options: &'a Options<'a>,
    sink: &'a mut dyn Sink,
    assessments: [Assessment; 2],
    summary: Summary,
}

impl Audit<'_> {
    /// Holds a row against the policy, counts it and hands it on.
    fn row(
        &mut self,
        source: &Source,
        line: Option<u64>,
        row: &mut Row<'_>,
        counts: &mut Counts,
    ) -> io::Result<()> {
        counts.add(row, self.options.as_of);
        for (key, assessment) in row.keys.iter().zip(&mut self.assessments) {
            if let Some(key) = key {
                self.options.policy.assess(key, self.options.as_of, assessment);
                self.summary.add(assessment);
            }
        }
        self.sink.row(&Observation {
            source,
            source_name: &counts.name,
            line,
            row,
            assessments: &self.assessments,
        })
    }

    fn live(&mut self, source: &Source, seen: Seen) -> io::Result<Result<SourceReport, Error>> {
        let mut counts = Counts::of(source);
        for mut row in seen.rows {
            self.row(source, None, &mut row, &mut counts)?;
        }
        Ok(Ok(counts.report(seen.kind, seen.observed_at, seen.warnings, self.options.as_of)))
    }
}

/// Counts of one source.
struct Counts {
    name: String,
    principals: u64,
    keys: u64,
    later_stamps: u64,
}

impl Counts {
    fn of(source: &Source) -> Self {
        Self { name: source.to_string(), principals: 0, keys: 0, later_stamps: 0 }
    }

    /// Counts a row, and sets stamps of the future to now.
    fn add(&mut self, row: &mut Row<'_>, as_of: Time) {
        if let Some(principal) = &mut row.principal {
            self.principals += 1;
            self.later_stamps += u64::from(principal.clamp_to(as_of));
        }
        for key in row.keys_mut() {
            self.keys += 1;
            self.later_stamps += u64::from(key.clamp_to(as_of));
        }
    }

    fn report(
        self,
        kind: &'static str,
        observed_at: Option<Time>,
        mut warnings: Warnings,
        as_of: Time,
    ) -> SourceReport {
        if self.later_stamps > 0 {
            let what = match self.later_stamps {
                1 => format!("1 stamp lies after {as_of} and counts as now"),
                count => format!("{count} stamps lie after {as_of} and count as now"),
            };
            warnings.note(what);
        }
        SourceReport {
            name: self.name,
            kind,
            observed_at,
            principals: self.principals,
            keys: self.keys,
            is_damaged: warnings.has_faults(),
            warnings: warnings.into_lines(),
        }
    }
}

/// Asks the live accounts among `sources`, all at the same time.
#[cfg(feature = "aws")]
fn observe_live<'s>(
    sources: &'s [Source],
    options: &Options<'_>,
) -> HashMap<&'s Source, Result<Seen, Error>> {
    live::observe(sources, options)
}

#[cfg(not(feature = "aws"))]
fn observe_live<'s>(
    sources: &'s [Source],
    _options: &Options<'_>,
) -> HashMap<&'s Source, Result<Seen, Error>> {
    let live = sources.iter().filter(|source| matches!(source, Source::Aws { .. }));
    live.map(|source| {
        let error =
            Error::new(format!("cannot audit `{source}`: this program was built without AWS"))
                .hint("build it with the feature `aws`, which is on by default");
        (source, Err(error))
    })
    .collect()
}
