//! `keytender conform`: how well a provider lets the holders of its keys manage them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use keytender_core::conform::{Level, badge};
use keytender_core::text::printable;

use super::context::Context;
use super::grid::{Cell, Grid};
use super::words::{terminal_width, write_json};
use super::{DONE, Stop, providers};
use crate::app::conform;
use crate::app::view::{ConformCheckView, ConformKindView, ConformView, conform_level as level};
use crate::error::Error;

/// Grade how well a provider lets the holders of its keys manage them, K0 to K5
///
/// By its descriptor: what is said there and was not tried is a claim. The building blocks that are missing are
/// named, with what each would give whoever holds keys.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A descriptor in a file, or a provider on the shelf
    #[arg(value_name = "FILE|PROVIDER", required_unless_present = "all")]
    target: Option<String>,
    /// The table of every provider on the shelf
    #[arg(long, conflicts_with_all = ["target", "badge", "kind"])]
    all: bool,
    /// Only this kind of key
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write a badge with the level of the best kind of key, as SVG
    #[arg(long, value_name = "FILE")]
    badge: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<u8, Stop> {
    let Some(target) = &args.target else { return all(args.format, context) };
    let view = graded(target).map_err(Stop::could_not)?;
    let view = match &args.kind {
        Some(kind) => conform::only(view, kind).map_err(Stop::could_not)?,
        None => view,
    };
    match args.format {
        Format::Json => write_json(&view)?,
        Format::Text => write_view(&mut anstream::stdout(), &view)?,
    }
    if let Some(file) = &args.badge {
        write_badge(file, &view)?;
        context.talk.note(&format!("{}: the badge", file.display()));
    }
    Ok(DONE)
}

/// The grades of what a word means: a file that is there, else a provider.
fn graded(target: &str) -> Result<ConformView, Error> {
    let is_path = target.contains(['/', '.']) || Path::new(target).is_file();
    if !is_path {
        return conform::of_provider(target);
    }
    let text = providers::text(Path::new(target))?;
    conform::of_text(target, &text)
}

fn all(format: Format, context: &Context) -> Result<u8, Stop> {
    let views = conform::shelf().map_err(Stop::could_not)?;
    if format == Format::Json {
        write_json(&views)?;
        return Ok(DONE);
    }
    let mut grid = Grid::new(["PROVIDER", "KEYS", "LEVEL", "THE NEXT LEVEL LACKS"]);
    for view in &views {
        for (place, kind) in view.kinds.iter().enumerate() {
            let name = if place == 0 { view.provider.clone() } else { String::new() };
            grid.push([
                Cell::new([name]),
                Cell::new([kind.noun.clone()]),
                Cell::new([words(kind.level, kind.is_claimed)]),
                Cell::new([lacking(kind)]),
            ]);
        }
    }
    grid.write(&mut anstream::stdout(), terminal_width())?;
    context.talk.note("graded by their descriptors alone: nobody was asked");
    Ok(DONE)
}

/// A level in words.
fn words(number: Option<u8>, is_claimed: bool) -> String {
    let claimed = if is_claimed { " (claimed)" } else { "" };
    match level(number) {
        Some(level) => format!("{level} {}{claimed}", level.word()),
        None => "below K0".to_owned(),
    }
}

/// The checks on which the next level hangs, and that do not hold.
fn lacking(kind: &ConformKindView) -> String {
    let next = kind.level.map_or(0, |level| level + 1);
    let holds = |check: &&ConformCheckView| {
        check.level == next
            && check.need == "must"
            && matches!(check.verdict, "failed" | "not tried")
    };
    let names: Vec<_> = kind.checks.iter().filter(holds).map(|check| check.id).collect();
    if names.is_empty() { "–".to_owned() } else { names.join(", ") }
}

fn write_view(out: &mut impl Write, view: &ConformView) -> io::Result<()> {
    for (place, kind) in view.kinds.iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        let level = words(kind.level, kind.is_claimed);
        writeln!(out, "{} ({}), {}: {level}", view.name, view.provider, kind.noun)?;
        write_checks(out, kind)?;
        write_missing(out, kind)?;
    }
    Ok(())
}

fn write_checks(out: &mut impl Write, kind: &ConformKindView) -> io::Result<()> {
    for level in Level::ALL {
        writeln!(out, "\n{level} {}: {}", level.word(), level.gives())?;
        for check in kind.checks.iter().filter(|check| check.level == level.number()) {
            let should = if check.need == "should" { " (should)" } else { "" };
            let (verdict, reason) = (check.verdict, &check.reason);
            writeln!(out, "  {verdict:<9}  {:<16}  {reason}{should}", check.id)?;
        }
    }
    Ok(())
}

fn write_missing(out: &mut impl Write, kind: &ConformKindView) -> io::Result<()> {
    if kind.missing.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nMissing, and what it would give whoever holds such keys:")?;
    for block in &kind.missing {
        let level = level(Some(block.level)).map_or("", Level::as_str);
        writeln!(out, "  {} {} ({level}, {})", block.block, block.name, block.need)?;
        writeln!(out, "      {} {}", block.what, block.gives)?;
    }
    Ok(())
}

fn write_badge(file: &Path, view: &ConformView) -> Result<(), Stop> {
    let kind = view.kinds.iter().find(|kind| Some(&kind.id) == view.kind.as_ref());
    let name = kind.filter(|_| view.kinds.len() > 1).map(|kind| kind.noun.as_str());
    let svg = badge(level(view.level), view.is_claimed, name);
    fs::write(file, svg).map_err(|error| {
        let name = file.display().to_string();
        Stop::could_not(Error::new(format!("cannot write {}", printable(&name))).source(error))
    })
}
