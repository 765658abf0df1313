//! `keytender scan`: keys in files, where they stand and whose they are.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use keytender_core::text::printable;

use super::audit::FailOn;
use super::context::Context;
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width, thousands};
use super::{COULD_NOT, DONE, FAIL_ON, Stop, style};
use crate::app::scan::{self, Found, Limits, Shapes};
use crate::app::view::{FoundKeyView, ScanView};
use crate::clock;
use crate::error::Error;

mod sarif;

/// Bytes of a mebibyte.
const MIB: u64 = 1024 * 1024;
/// How many files that cannot be read are named on a terminal.
const MAX_WARNINGS_PRINTED: usize = 10;

/// Keys in files: where they stand, and whose they are.
///
/// A PATH is a file or a folder. Ignore files are respected, but for files that are for credentials, such as `.env`.
/// What is printed of a key is its place, what is public of it and a fingerprint, never the key.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files and folders
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// How to write what was found
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Exit with 3 if a key this severe, or more, was found
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<FailOn>,
    /// Look at what ignore files leave out too
    #[arg(long)]
    no_ignore: bool,
    /// Leave out files larger than this, in MiB
    #[arg(long, value_name = "MIB", default_value_t = scan::MAX_FILE_BYTES / MIB, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people at a terminal
    Table,
    /// For programs
    Json,
    /// For code scanning and other consumers of SARIF 2.1.0
    Sarif,
}

pub(super) fn run(args: Args, context: &Context) -> Result<u8, Stop> {
    let shapes = Shapes::of_shelf().map_err(Stop::could_not)?;
    let limits = Limits { respects_ignore: !args.no_ignore, max_bytes: args.max_size * MIB };
    let found = scan::files(&shapes, &args.paths, limits).map_err(Stop::could_not)?;
    let Found { findings, looked } = &found;
    let keys = findings.iter().map(FoundKeyView::of).collect();
    let view = ScanView::of(clock::now(), looked, keys);
    write(args.format, &view)?;
    tell(&view, context);
    Ok(code(&args, &view))
}

fn write(format: Format, view: &ScanView) -> Result<(), Stop> {
    match format {
        Format::Table => table(&mut anstream::stdout(), view)?,
        Format::Json => {
            let mut out = BufWriter::new(io::stdout().lock());
            serde_json::to_writer_pretty(&mut out, view).map_err(io::Error::from)?;
            writeln!(out)?;
            out.flush()?;
        }
        Format::Sarif => sarif::write(&mut BufWriter::new(io::stdout().lock()), view)?,
    }
    Ok(())
}

fn table(out: &mut dyn Write, view: &ScanView) -> io::Result<()> {
    let mut grid = Grid::new(["WHERE", "WHAT", "FINGERPRINT"]);
    for found in &view.findings {
        let id = found.id.as_deref().map(printable);
        let place = format!("{}:{}:{}", found.path, found.line, found.column);
        let what = format!("{} {}", found.provider, found.name);
        let commit =
            found.commit.as_ref().map(|commit| format!("since commit {}", printable(commit)));
        grid.push([
            Cell::new([printable(&place).into_owned()].into_iter().chain(commit)),
            Cell::new([printable(&what).into_owned()].into_iter().chain(id.map(Into::into))),
            Cell::new([found.fingerprint.clone()]).styled(style::DIM),
        ]);
    }
    if !grid.is_empty() {
        grid.write(out, terminal_width())?;
        writeln!(out)?;
    }
    writeln!(out, "{}", sentence(view))
}

/// What was found, in a sentence.
fn sentence(view: &ScanView) -> String {
    let looked = &view.looked;
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let found = match (view.summary.keys, view.summary.places) {
        (0, _) => "No keys".to_owned(),
        (keys, places) if keys == places => count(number(keys), "key"),
        (keys, places) => {
            format!("{} at {}", count(number(keys), "key"), count(number(places), "place"))
        }
    };
    let mut text = format!("{found} in {}", count(looked.files, "file"));
    for (left, why) in [(looked.too_large, "too large"), (looked.no_text, "no text")] {
        if left > 0 {
            text.push_str(&format!("; {} {why}", thousands(left)));
        }
    }
    text.push('.');
    text
}

fn tell(view: &ScanView, context: &Context) {
    for warning in view.looked.warnings.iter().take(MAX_WARNINGS_PRINTED) {
        context.talk.warning(warning);
    }
    let printed =
        u64::try_from(view.looked.warnings.len().min(MAX_WARNINGS_PRINTED)).unwrap_or(u64::MAX);
    let more = view.looked.unread.saturating_sub(printed);
    if more > 0 {
        context.talk.warning(&format!("{more} more could not be read"));
    }
    if view.looked.files == 0 && view.looked.unread > 0 {
        context.talk.error(&Error::new("nothing could be read"));
    }
}

fn code(args: &Args, view: &ScanView) -> u8 {
    let worst = view.findings.iter().map(|found| found.severity).max();
    let limit = args.fail_on.map(FailOn::severity);
    if view.looked.files == 0 && view.looked.unread > 0 {
        COULD_NOT
    } else if limit.is_some() && worst >= limit {
        FAIL_ON
    } else {
        DONE
    }
}
