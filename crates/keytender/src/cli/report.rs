//! `keytender report`: the credential report of everything.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use keytender_core::text::printable;
use keytender_core::time::Time;

use super::context::Context;
use super::desk::{Desk, WhichReport};
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width};
use super::{DONE, Stop, parse_time};
use crate::app::report::{Form, Schedule};
use crate::app::view::{DifferenceList, KeptReports};
use crate::clock;
use crate::error::Error;

/// Write the credential report: every key, or what changed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Wide)]
    format: Format,
    /// Only this account; the form `aws` needs one
    #[arg(long)]
    account: Option<String>,
    /// As it was at this moment
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "compare")]
    at: Option<Time>,
    /// What changed from the first of two moments to the second
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], value_parser = parse_time)]
    compare: Option<Vec<Time>>,
    #[command(flatten)]
    kept: Kept,
}

/// Reports that are kept.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Kept {
    /// From now on the server makes a report so often and keeps it; the newest 31 stay
    #[arg(long, value_enum, value_name = "off|daily|weekly")]
    schedule: Option<ScheduleWord>,
    /// List the reports that are kept
    #[arg(long)]
    list: bool,
    /// Make one now and keep it
    #[arg(long)]
    keep: bool,
    /// Write the one of this id, as it was made
    #[arg(long, value_name = "REPORT")]
    kept: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScheduleWord {
    /// Never
    Off,
    /// Each day
    Daily,
    /// Each week
    Weekly,
}

impl Kept {
    const fn is_asked(&self) -> bool {
        self.schedule.is_some() || self.list || self.keep || self.kept.is_some()
    }

    async fn run(&self, desk: &Desk<'_>, format: Format) -> Result<u8, Stop> {
        let mut out = BufWriter::new(io::stdout());
        if let Some(word) = self.schedule {
            let schedule = match word {
                ScheduleWord::Off => Schedule::Off,
                ScheduleWord::Daily => Schedule::Daily,
                ScheduleWord::Weekly => Schedule::Weekly,
            };
            desk.set_report_schedule(schedule).await.map_err(Stop::could_not)?;
            writeln!(out, "credential reports: {}", schedule.as_str())?;
        } else if self.keep {
            let made = desk.keep_report().await.map_err(Stop::could_not)?;
            writeln!(out, "{}", made.id)?;
        } else if let Some(report) = &self.kept {
            out.write_all(&desk.kept_report(report).await.map_err(Stop::could_not)?)?;
        } else {
            let found = desk.kept_reports().await.map_err(Stop::could_not)?;
            if format == Format::Json {
                serde_json::to_writer_pretty(&mut out, &found).map_err(io::Error::from)?;
                writeln!(out)?;
            } else {
                list(&found)?;
            }
        }
        out.flush()?;
        Ok(DONE)
    }
}

fn list(found: &KeptReports) -> Result<(), Stop> {
    let mut out = anstream::stdout();
    let mut grid = Grid::new(["REPORT", "MADE", "BY", "BYTES", "SHA-256"]);
    for one in &found.reports {
        let by = if one.scheduled { "the schedule".into() } else { printable(&one.made_by) };
        grid.push([
            Cell::new([one.id.clone()]),
            Cell::new([one.made_at.to_string()]),
            Cell::new([by.into_owned()]),
            Cell::new([one.bytes.to_string()]),
            Cell::new([one.sha256.clone()]),
        ]);
    }
    if !grid.is_empty() {
        grid.write(&mut out, terminal_width())?;
    }
    let kept = count(found.reports.len(), "report");
    writeln!(out, "{kept} kept; made by itself: {}", found.schedule.as_str())?;
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// CSV, one row a key
    Wide,
    /// CSV, byte for byte as AWS writes the credential report of an account
    Aws,
    /// For programs
    Json,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<u8, Stop> {
    check(args)?;
    let account = args.account.as_deref();
    context.desk(async |desk| {
        if args.kept.is_asked() {
            return args.kept.run(desk, args.format).await;
        }
        if let Some([from, to]) = args.compare.as_deref() {
            let found = desk.compare(account, *from, *to).await.map_err(Stop::could_not)?;
            differences(&found, args.format)?;
            return Ok(DONE);
        }
        let format = match args.format {
            Format::Wide => Form::Wide,
            Format::Aws => Form::Aws,
            Format::Json => Form::Json,
        };
        let which = WhichReport { format, account, at: args.at };
        let mut out = BufWriter::new(io::stdout());
        desk.report(which, &mut out).await.map_err(Stop::could_not)?;
        out.flush()?;
        Ok(DONE)
    })
}

fn check(args: &Args) -> Result<(), Stop> {
    let refuse = |text: &str| Err(Stop::wrong_usage(Error::new(text.to_owned())));
    let moments = args.compare.iter().flatten().chain(&args.at);
    let now = clock::now();
    if moments.into_iter().any(|at| *at > now) {
        return refuse("nobody knows the future: the moment is later than now");
    }
    match args.compare.as_deref() {
        Some([from, to]) if from >= to => refuse("the first moment is the earlier one"),
        Some(_) if args.format == Format::Aws => {
            refuse("what changed has no form of AWS's: use --format wide or json")
        }
        None if args.format == Format::Aws && args.account.is_none() => {
            let error = Error::new("AWS's report is one of an account");
            Err(Stop::wrong_usage(error.hint("name it: --account NAME")))
        }
        _ => Ok(()),
    }
}

fn differences(found: &DifferenceList, format: Format) -> Result<(), Stop> {
    if format == Format::Json {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, found).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    let mut out = anstream::stdout();
    let mut grid = Grid::new(["KEY", "ACCOUNT", "WHAT", "BEFORE", "AFTER"]);
    for one in &found.keys {
        for change in &one.changes {
            grid.push([
                Cell::new([one.name.clone(), printable(&one.id).into_owned()]),
                Cell::new([printable(&one.account_name).into_owned()]),
                Cell::new([change.what.clone()]),
                Cell::new([printable(&change.before).into_owned()]),
                Cell::new([printable(&change.after).into_owned()]),
            ]);
        }
    }
    if !grid.is_empty() {
        grid.write(&mut out, terminal_width())?;
    }
    writeln!(out, "{} changed", count(found.keys.len(), "key"))?;
    Ok(())
}
