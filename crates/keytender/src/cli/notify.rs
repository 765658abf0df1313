//! `keytender notify`: tells owners what is due.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::text::printable;

use super::context::{Context, confirm};
use super::desk::Desk;
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width};
use super::{COULD_NOT, DONE, Stop, style};
use crate::app::notify::Change;
use crate::app::view::{PreviewNoticeView, PreviewView};

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
    context.desk(async |desk| match &args.command {
        Some(Command::Start { contact, yes }) => {
            start(contact.as_deref(), *yes, desk, context).await
        }
        Some(Command::Stop) => {
            let change = Change { started: Some(false), contact: None };
            desk.set_notices(&change).await.map_err(Stop::could_not)?;
            context.talk.note("notices go out no more");
            Ok(DONE)
        }
        Some(Command::Test { address }) => {
            desk.test_notices(address).await.map_err(Stop::could_not)?;
            context.talk.note("the mail server took the test");
            Ok(DONE)
        }
        Some(Command::Contact { address }) => {
            set_contact(address, desk).await?;
            context.talk.note("changed the contact");
            Ok(DONE)
        }
        None if args.dry_run => preview(args, desk, context).await,
        None => send(args, desk, context).await,
    })
}

/// A word about keys of which nobody would hear.
fn warn_unheard(unheard: u64, context: &Context) {
    if unheard > 0 {
        context.talk.warning(&format!(
            "no mail is sent about {}, without an owner or a contact: keytender notify \
             contact ADDRESS",
            count(unheard, "due key")
        ));
    }
}

/// A name and an address, which may be the same.
fn who(name: &str, address: &str) -> Vec<String> {
    let mut both = vec![printable(name).into_owned(), printable(address).into_owned()];
    both.dedup();
    both
}

async fn set_contact(address: &str, desk: &Desk<'_>) -> Result<(), Stop> {
    let change = Change { started: None, contact: Some(Some(address.to_owned())) };
    desk.set_notices(&change).await.map_err(Stop::could_not)
}

async fn start(
    contact: Option<&str>,
    yes: bool,
    desk: &Desk<'_>,
    context: &Context,
) -> Result<u8, Stop> {
    if let Some(contact) = contact {
        set_contact(contact, desk).await?;
    }
    let settings = desk.notice_settings().await.map_err(Stop::could_not)?;
    // Before somebody has seen it, it is refused and there is nothing to ask.
    if settings.previewed_at.is_some() {
        let preview = desk.preview_notices().await.map_err(Stop::could_not)?;
        warn_unheard(preview.unheard, context);
        let notices = count(preview.notices.len(), "notice");
        confirm(&format!("Let notices go out from now on, {notices} of them at once?"), yes)?;
    }
    let change = Change { started: Some(true), contact: None };
    desk.set_notices(&change).await.map_err(Stop::could_not)?;
    context.talk.note("notices go out from now on: run keytender notify every hour");
    Ok(DONE)
}

async fn preview(args: &Args, desk: &Desk<'_>, context: &Context) -> Result<u8, Stop> {
    let preview = desk.preview_notices().await.map_err(Stop::could_not)?;
    warn_unheard(preview.unheard, context);
    let end = "mail on weekdays from 09:00 to 17:00 of its reader; nothing was sent. keytender notify start lets \
               them.";
    show(&preview, args.json, end)
}

/// Prints a preview; `end` says when what would go out does, and what lets it.
pub(super) fn show(preview: &PreviewView, as_json: bool, end: &str) -> Result<u8, Stop> {
    if as_json {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, preview).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(DONE);
    }
    let notices = &preview.notices;
    let mut out = anstream::stdout();
    if notices.is_empty() {
        match preview.has_channel {
            false => writeln!(
                out,
                "No channel yet. Add one: keytender channels add mail --host HOST --from ADDRESS"
            )?,
            true => writeln!(out, "Nobody is to be told of anything new.")?,
        }
        return Ok(DONE);
    }
    let mut grid = Grid::new(["CHANNEL", "WHO", "KEYS", "SUBJECT"]);
    for one in notices {
        let shown = |text: &str| printable(text).into_owned();
        grid.push([
            Cell::new([shown(&one.channel)]),
            Cell::new(who(&one.who, &one.recipient)),
            Cell::new([one.keys.to_string()]),
            Cell::new([shown(&one.subject)]),
        ]);
    }
    grid.write(&mut out, terminal_width())?;
    let head = style::HEAD;
    for PreviewNoticeView { recipient, subject, text, .. } in notices.iter().take(SHOWN_IN_FULL) {
        writeln!(out, "\n{head}To {}: {}{head:#}\n", printable(recipient), printable(subject))?;
        let lines: Vec<_> = text.split('\n').map(printable).collect();
        writeln!(out, "{}", lines.join("\n"))?;
    }
    let all = count(notices.len(), "notice");
    writeln!(out, "{all} would go out, {end}")?;
    Ok(DONE)
}

async fn send(args: &Args, desk: &Desk<'_>, context: &Context) -> Result<u8, Stop> {
    let delivered = desk.run_notices(args.now).await.map_err(Stop::could_not)?;
    warn_unheard(delivered.unheard, context);
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
