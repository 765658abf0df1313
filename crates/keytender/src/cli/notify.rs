//! `keytender notify`: tells owners what is due.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::notice;
use keytender_core::text::printable;
use serde_json::json;

use super::context::{Context, confirm};
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width};
use super::{COULD_NOT, DONE, Stop, style};
use crate::app::inventory::Inventory;
use crate::app::notify::{self, Hours, Letter};
use crate::app::turn::Turn;
use crate::error::Error;

/// How many notices a preview shows in full.
const SHOWN_IN_FULL: usize = 3;

/// Tell owners what is due.
///
/// Each problem of a key is told once in each stage to each recipient. Mail goes out on weekdays
/// from 09:00 to 17:00, where the recipient is: run it every hour. Nothing goes out before somebody
/// has seen the preview (--dry-run) and started it (notify start).
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    /// Show whom notices would tell what, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not wait for working hours, nor for tomorrow after today's digest
    #[arg(long)]
    now: bool,
    /// Write the preview as JSON
    #[arg(long, requires = "dry_run")]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let notices go out from now on; the backlog goes as one digest an owner
    Start {
        /// Who hears of keys without an owner
        #[arg(long, value_name = "ADDRESS")]
        contact: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let no notices go out until they are started again
    Stop,
    /// Send a test mail to one address
    Test {
        /// The address
        address: String,
    },
    /// Say who hears of keys without an owner
    Contact {
        /// The address
        address: String,
    },
}

pub(super) fn run(args: &Args, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| match &args.command {
        Some(Command::Start { contact, yes }) => {
            start(contact.as_deref(), *yes, inventory, context).await
        }
        Some(Command::Stop) => {
            notify::set_started(inventory, false).await.map_err(Stop::could_not)?;
            context.talk.note("notices go out no more");
            Ok(DONE)
        }
        Some(Command::Test { address }) => {
            notify::test(inventory, address).await.map_err(Stop::could_not)?;
            context.talk.note("the mail server took the test");
            Ok(DONE)
        }
        Some(Command::Contact { address }) => {
            notify::set_contact(inventory, address).await.map_err(Stop::could_not)?;
            context.talk.note("changed the contact");
            Ok(DONE)
        }
        None if args.dry_run => preview(args, inventory).await,
        None => send(args, inventory, context).await,
    })
}

async fn letters(inventory: &Inventory, hours: Hours) -> Result<Vec<Letter>, Stop> {
    notify::letters(inventory, hours, &Turn::free()).await.map_err(Stop::could_not)
}

async fn start(
    contact: Option<&str>,
    yes: bool,
    inventory: &Inventory,
    context: &Context,
) -> Result<u8, Stop> {
    if let Some(contact) = contact {
        notify::set_contact(inventory, contact).await.map_err(Stop::could_not)?;
    }
    let letters = letters(inventory, Hours::Any).await?;
    let notices = count(u64::try_from(letters.len()).unwrap_or(0), "notice");
    let status = notify::status(inventory).await.map_err(Stop::could_not)?;
    if status.previewed_at.is_some() {
        confirm(&format!("Let notices go out from now on, {notices} of them at once?"), yes)?;
    }
    notify::set_started(inventory, true).await.map_err(Stop::could_not)?;
    context.talk.note("notices go out from now on: run keytender notify every hour");
    Ok(DONE)
}

async fn preview(args: &Args, inventory: &Inventory) -> Result<u8, Stop> {
    let letters = letters(inventory, Hours::Any).await?;
    notify::previewed(inventory).await.map_err(Stop::could_not)?;
    let now = inventory.now;
    if args.json {
        let list: Vec<_> = letters
            .iter()
            .map(|letter| {
                let items = letter.items.iter().map(|item| {
                    json!({"key": item.key_id.to_string(), "problem": item.problem,
                           "problem_at": item.problem_at, "stage": item.stage})
                });
                json!({"channel": letter.channel.name, "kind": letter.channel.kind.as_str(),
                       "recipient": letter.notice.recipient, "subject": letter.notice.subject,
                       "items": items.collect::<Vec<_>>(), "text": notice::text(&letter.digest, now)})
            })
            .collect();
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &json!({"version": 1, "notices": list}))
            .map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(DONE);
    }
    let mut out = anstream::stdout();
    if letters.is_empty() {
        let channels = inventory.store.list_channels().await.is_ok_and(|all| all.is_empty());
        match channels {
            true => writeln!(
                out,
                "No channel yet. Add one: keytender channels add mail --host HOST --from ADDRESS"
            )?,
            false => writeln!(out, "Nobody is to be told of anything new.")?,
        }
        return Ok(DONE);
    }
    let mut grid = Grid::new(["CHANNEL", "WHO", "KEYS", "SUBJECT"]);
    for letter in &letters {
        let shown = |text: &str| printable(text).into_owned();
        grid.push([
            Cell::new([shown(&letter.channel.name)]),
            Cell::new([shown(&letter.who), shown(&letter.notice.recipient)]),
            Cell::new([letter.digest.items().len().to_string()]),
            Cell::new([shown(&letter.notice.subject)]),
        ]);
    }
    grid.write(&mut out, terminal_width())?;
    let head = style::HEAD;
    for letter in letters.iter().take(SHOWN_IN_FULL) {
        let (to, subject) = (&letter.notice.recipient, &letter.notice.subject);
        writeln!(out, "\n{head}To {}: {}{head:#}\n", printable(to), printable(subject))?;
        writeln!(out, "{}", notice::text(&letter.digest, now))?;
    }
    let all = count(u64::try_from(letters.len()).unwrap_or(0), "notice");
    writeln!(out, "{all} would go out; nothing was sent. keytender notify start lets them.")?;
    Ok(DONE)
}

async fn send(args: &Args, inventory: &Inventory, context: &Context) -> Result<u8, Stop> {
    let hours = if args.now { Hours::Any } else { Hours::Working };
    let ran = notify::run(inventory, hours, &Turn::free()).await.map_err(Stop::could_not)?;
    let Some(delivered) = ran else {
        let error = Error::new("notices were not started: nothing was sent")
            .hint("keytender notify --dry-run shows what would go out; keytender notify start");
        return Err(Stop::could_not(error));
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{} sent", count(delivered.sent, "notice"))?;
    if delivered.delayed > 0 {
        let delayed = count(delivered.delayed, "notice");
        context.talk.warning(&format!("{delayed} will be tried again: keytender notices list"));
    }
    if delivered.dead > 0 {
        let dead = count(delivered.dead, "notice");
        let how = "keytender notices list --state dead";
        context.talk.warning(&format!("{dead} could not be delivered: {how}"));
        return Ok(COULD_NOT);
    }
    Ok(DONE)
}
