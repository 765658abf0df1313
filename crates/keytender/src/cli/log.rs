//! `keytender log`: who did what, when, from where and why.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::text::printable;

use super::context::Context;
use super::desk::Desk;
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width};
use super::{COULD_NOT, DONE, Stop};
use crate::app::view::ActList;

/// Show the log of acts: who did what, when, from where and why.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    /// Only what was done to this key, or to what has this id
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// How many at most, the newest
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: u32,
    /// Write JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prove that the log is whole and as it was written
    Verify,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| match &args.command {
        Some(Command::Verify) => verify(desk).await,
        None => list(args, desk).await,
    })
}

async fn verify(desk: &Desk<'_>) -> Result<u8, Stop> {
    let verified = desk.verify_log().await.map_err(Stop::could_not)?;
    let mut out = anstream::stdout();
    let number = |number: i64| count(u64::try_from(number).unwrap_or(0), "act");
    let place = &verified.checkpoints;
    if let Some(broken) = &verified.broken {
        writeln!(out, "The log is NOT whole: {}.", printable(broken))?;
        let whole = number(verified.acts);
        writeln!(out, "The chain holds for the first {whole}; checkpoints: {}", printable(place))?;
        return Ok(COULD_NOT);
    }
    writeln!(out, "The log is whole: {}, none changed, none missing.", number(verified.acts))?;
    match verified.proved_at {
        Some(at) => writeln!(
            out,
            "{} proved by a checkpoint outside of the database, of {}: {}",
            number(verified.proved),
            at.to_seconds(),
            printable(place)
        )?,
        None => {
            writeln!(out, "No checkpoint outside of the database proves it: {}", printable(place))?;
        }
    }
    Ok(DONE)
}

async fn list(args: &Args, desk: &Desk<'_>) -> Result<u8, Stop> {
    let acts = desk.list_acts(args.target.as_deref(), args.limit).await;
    let acts = acts.map_err(Stop::could_not)?;
    if args.json {
        let mut out = io::stdout().lock();
        let list = ActList { acts, next: None };
        serde_json::to_writer_pretty(&mut out, &list).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(DONE);
    }
    let mut out = anstream::stdout();
    if acts.is_empty() {
        writeln!(out, "Nothing was done yet.")?;
        return Ok(DONE);
    }
    let mut grid = Grid::new(["WHEN", "WHO", "WHAT", "TO", "WHY"]);
    for act in &acts {
        let stage = match act.stage.as_str() {
            "done" => String::new(),
            stage => stage.to_owned(),
        };
        grid.push([
            Cell::new([act.at.to_seconds().to_string()]),
            Cell::new([printable(&act.actor).into_owned(), printable(&act.origin).into_owned()]),
            Cell::new([act.verb.clone(), stage]),
            Cell::new([format!("{} {}", act.target_kind, printable(&act.target))]),
            Cell::new([printable(act.why.as_deref().unwrap_or_default()).into_owned()]),
        ]);
    }
    grid.write(&mut out, terminal_width())?;
    Ok(DONE)
}
