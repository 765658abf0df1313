//! `keytender audit`: which keys are due, in the format that was asked for.

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use keytender_core::policy::{Policy, Severity};
use keytender_core::time::Time;

use super::{COULD_NOT, DONE, FAIL_ON, Stop, Talk, parse_time, policy};
use crate::app::audit::{self, Depth, Options, Outcome, Sink, Source};
use crate::clock;
use crate::error::Error;
use crate::store::accounts::Access;

mod controls;
mod csv;
mod discovery;
mod explain;
mod histogram;
mod html;
mod json;
mod sarif;
pub(super) mod table;

/// How many warnings of one source are printed; the JSON format has all that are kept.
const MAX_WARNINGS_PRINTED: usize = 10;

/// What is due, from credential reports, CSV files or AWS accounts.
///
/// A SOURCE is an AWS credential report, a CSV file (provider,name,created and, if known,
/// expires,last_used,owner), `-` for one of them on standard input, `aws` or `aws:PROFILE`, or any of
/// `keytender providers list`, such as `gitlab` or `github:ORG`, with --credential.
/// Without a SOURCE it says what it found on this machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files, `-`, `aws`, `aws:PROFILE`, or a provider such as `github:ORG`
    #[arg(value_name = "SOURCE")]
    sources: Vec<OsString>,
    /// How to write what was found
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Hold keys against this policy instead of the default one
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Count ages up to this moment instead of now, such as 2026-11-24 or 2026-11-24T09:30:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    as_of: Option<Time>,
    /// Exit with 3 if a key this severe, or more, is due
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<FailOn>,
    /// Write keys that are not due too (table and csv; json always does)
    #[arg(long)]
    all: bool,
    /// Say for each due key why it is due and what to do, step by step
    #[arg(long)]
    explain: bool,
    /// Say for each principal when it was last active
    #[arg(long)]
    principals: bool,
    /// Exit with 1 if a line of a report cannot be read
    #[arg(long)]
    strict: bool,
    /// List every user's keys, for those made since AWS's report (it may be 4 hours old)
    #[arg(long)]
    fresh: bool,
    /// Ask an AWS account for its credential report only: two calls, no key ids
    #[arg(long, conflicts_with = "fresh")]
    report_only: bool,
    /// Where the credential for a provider other than aws is: env:NAME, file:PATH,
    /// keyring:SERVICE/USER or command:PROGRAM
    #[arg(long, value_name = "PLACE")]
    credential: Option<String>,
    /// What the provider asks for beside: its host, an organization
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = super::accounts::setting)]
    variables: Vec<(String, String)>,
    /// What stands before the provider, such as a gateway: takes the place of its scheme, host and port
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Reach the provider in a private network too
    #[arg(long)]
    allow_private: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people at a terminal
    Table,
    /// For programs: every key and principal
    Json,
    /// For spreadsheets: one row a key
    Csv,
    /// One page for a browser or a printer
    Html,
    /// For code scanning and other consumers of SARIF 2.1.0
    Sarif,
}

/// How severe a key must be to be no success.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FailOn {
    Low,
    Medium,
    High,
    Critical,
}

impl FailOn {
    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

pub(super) fn run(args: Args, talk: Talk) -> Result<u8, Stop> {
    check(&args)?;
    if args.sources.is_empty() {
        discovery::run()?;
        return Ok(DONE);
    }
    let policy = match &args.policy {
        Some(file) => policy::read(file),
        None => policy::default(),
    };
    let policy = policy.map_err(Stop::could_not)?;
    let sources = parse_sources(&args)?;
    let now = clock::now();
    let options = Options {
        policy: &policy,
        as_of: args.as_of.unwrap_or(now),
        now,
        depth: match (args.fresh, args.report_only) {
            (true, _) => Depth::Fresh,
            (false, true) => Depth::ReportOnly,
            (false, false) => Depth::DueIds,
        },
        shows_progress: !talk.is_quiet && io::stderr().is_terminal(),
    };
    let outcome = match args.format {
        Format::Table => {
            let out = anstream::AutoStream::auto(io::stdout());
            let table = table::Table::new(BufWriter::new(out), &args, &policy, options.as_of);
            audit(&sources, &options, table)
        }
        format => {
            let out = BufWriter::with_capacity(256 * 1024, io::stdout().lock());
            plain(format, out, &args, &policy, &sources, &options)
        }
    }?;
    tell(&outcome, talk);
    Ok(code(&args, &outcome))
}

/// Audits into one of the formats that other programs read.
fn plain(
    format: Format,
    out: impl Write,
    args: &Args,
    policy: &Policy,
    sources: &[Source],
    options: &Options<'_>,
) -> io::Result<Outcome> {
    let as_of = options.as_of;
    match format {
        Format::Csv => audit(sources, options, csv::Csv::new(out, policy, as_of, args.all)),
        Format::Html => audit(sources, options, html::Html::new(out, policy, as_of)),
        Format::Sarif => audit(sources, options, sarif::Sarif::new(out, policy, as_of)),
        Format::Json | Format::Table => {
            audit(sources, options, json::Json::new(out, policy, as_of)?)
        }
    }
}

fn audit(sources: &[Source], options: &Options<'_>, mut sink: impl Sink) -> io::Result<Outcome> {
    audit::run(sources, options, &mut sink)
}

/// Refuses what cannot mean anything together.
fn check(args: &Args) -> Result<(), Stop> {
    let refuse = |message: &str, hint: &str| Err(Stop::wrong_usage(Error::new(message).hint(hint)));
    if args.format != Format::Table && (args.explain || args.principals) {
        return refuse(
            "--explain and --principals belong to the table",
            "json has the principals; html has the reasons of every due key",
        );
    }
    let asks_for_keys = args.format != Format::Table || args.fail_on.is_some() || args.strict;
    if args.sources.is_empty() && asks_for_keys {
        return refuse("there is nothing to audit", "name a SOURCE: keytender audit --help");
    }
    Ok(())
}

fn parse_sources(args: &Args) -> Result<Vec<Source>, Stop> {
    let access = Access {
        credential: args.credential.clone(),
        variables: args.variables.iter().cloned().collect(),
        endpoint: args.endpoint.clone(),
        allow_private: args.allow_private,
        ..Access::default()
    };
    let mut sources = Vec::new();
    for name in &args.sources {
        let source = Source::parse(name.clone(), &access).map_err(Stop::could_not)?;
        if sources.contains(&source) {
            let message = format!("`{source}` is named twice");
            return Err(Stop::wrong_usage(Error::new(message).hint("name each source once")));
        }
        sources.push(source);
    }
    Ok(sources)
}

/// Says what was odd and what could not be read.
fn tell(outcome: &Outcome, talk: Talk) {
    for source in &outcome.sources {
        for warning in source.warnings.iter().take(MAX_WARNINGS_PRINTED) {
            talk.warning(&format!("{}: {warning}", source.name));
        }
        let more = source.warnings.len().saturating_sub(MAX_WARNINGS_PRINTED);
        if more > 0 {
            talk.warning(&format!("{}: {more} more (all are in --format json)", source.name));
        }
    }
    for failure in &outcome.failures {
        talk.error(failure);
    }
    if !outcome.failures.is_empty() && !outcome.sources.is_empty() {
        talk.note(&format!(
            "{} of {} sources could not be read; what is said above is of the others",
            outcome.failures.len(),
            outcome.failures.len() + outcome.sources.len()
        ));
    }
}

fn code(args: &Args, outcome: &Outcome) -> u8 {
    let is_damaged = outcome.sources.iter().any(|source| source.is_damaged);
    let limit = args.fail_on.map(FailOn::severity);
    if !outcome.failures.is_empty() || (args.strict && is_damaged) {
        COULD_NOT
    } else if limit.is_some() && outcome.summary.worst() >= limit {
        FAIL_ON
    } else {
        DONE
    }
}

/// A word as a shell must be given it.
fn shell_word(word: &str) -> String {
    let word = keytender_core::text::printable(word);
    shlex::try_quote(&word).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
}
