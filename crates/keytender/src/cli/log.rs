//! `keytender log`: who did what, when, from where and why.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::text::printable;
use serde_json::json;

use super::context::Context;
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width};
use super::{COULD_NOT, DONE, Stop};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::{keys, log};
use crate::store::acts::Act;

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
    context.with(async |inventory| match &args.command {
        Some(Command::Verify) => verify(inventory).await,
        None => list(args, inventory).await,
    })
}

async fn verify(inventory: &Inventory) -> Result<u8, Stop> {
    log::seal(inventory).await.map_err(Stop::could_not)?;
    let verified = log::verify(inventory).await.map_err(Stop::could_not)?;
    let mut out = anstream::stdout();
    let number = |number: i64| count(u64::try_from(number).unwrap_or(0), "act");
    let place = verified.checkpoints.display().to_string();
    if let Some(broken) = &verified.broken {
        writeln!(out, "The log is NOT whole: {}.", printable(broken))?;
        let whole = number(verified.acts);
        writeln!(out, "The chain holds for the first {whole}; checkpoints: {}", printable(&place))?;
        return Ok(COULD_NOT);
    }
    writeln!(out, "The log is whole: {}, none changed, none missing.", number(verified.acts))?;
    match verified.proved_at {
        Some(at) => writeln!(
            out,
            "{} proved by a checkpoint outside of the database, of {}: {}",
            number(verified.proved),
            at.to_seconds(),
            printable(&place)
        )?,
        None => {
            writeln!(out, "No checkpoint outside of the database proves it: {}", printable(&place))?
        }
    }
    Ok(DONE)
}

async fn list(args: &Args, inventory: &Inventory) -> Result<u8, Stop> {
    let target = match &args.target {
        // A word that means a key stands for its id.
        Some(word) => Some(match keys::get(inventory, word).await {
            Ok(held) => held.record.id.to_string(),
            Err(_) => word.clone(),
        }),
        None => None,
    };
    let acts = inventory.store.list_acts(target.as_deref(), args.limit.into()).await;
    let acts = acts.map_err(|failure| Stop::could_not(cannot_read(failure)))?;
    if args.json {
        write_json(&acts)?;
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
            Cell::new([format!("{} {}", act.target_kind, printable(&act.target_id))]),
            Cell::new([printable(act.why.as_deref().unwrap_or_default()).into_owned()]),
        ]);
    }
    grid.write(&mut out, terminal_width())?;
    Ok(DONE)
}

fn write_json(acts: &[Act]) -> io::Result<()> {
    let list: Vec<_> = acts
        .iter()
        .map(|act| {
            let details: serde_json::Value = serde_json::from_str(&act.details).unwrap_or_default();
            json!({"id": act.id.to_string(), "at": act.at, "actor": act.actor,
                   "origin": act.origin, "verb": act.verb, "stage": act.stage,
                   "target_kind": act.target_kind, "target": act.target_id, "why": act.why,
                   "details": details})
        })
        .collect();
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &json!({"acts": list}))?;
    writeln!(out)
}
