//! `keytender sync`: brings the inventory up to date with its accounts.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};

use indicatif::ProgressBar;
use keytender_core::inventory::Event;
use keytender_core::text::printable;

use super::context::Context;
use super::words::{count, thousands};
use super::{COULD_NOT, DONE, Stop};
use crate::app::view::SyncedView;
use crate::error::Error;

/// How many accounts are named that have the same warning.
const MAX_NAMED: usize = 5;

/// What happened to keys, in the order in which people are told.
const EVENTS: [(Event, &str); 9] = [
    (Event::Found, "found"),
    (Event::Rotated, "rotated"),
    (Event::Suspended, "disabled"),
    (Event::Resumed, "enabled"),
    (Event::FirstUsed, "used for the first time"),
    (Event::Changed, "changed"),
    (Event::Missing, "missing"),
    (Event::Back, "back"),
    (Event::Destroyed, "gone"),
];

/// Bring the inventory up to date with its accounts.
///
/// A key that is missing from a listing is called gone only after a second, newer one. With an
/// organization its members are brought up to date, and new ones added.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The accounts; all of them if none is named
    #[arg(value_name = "ACCOUNT")]
    accounts: Vec<String>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let spinner = match !context.talk.is_quiet && io::stderr().is_terminal() {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        let progress = |account: &str, what: &str| {
            spinner.set_message(format!("{}: {what}", printable(account)));
            spinner.tick();
        };
        let looks = desk.sync(&args.accounts, &progress).await;
        spinner.finish_and_clear();
        match looks.map_err(Stop::could_not)? {
            Some(looks) => tell(&looks, context),
            None => {
                context.talk.note("no account to ask; add one: keytender accounts add aws NAME");
                Ok(DONE)
            }
        }
    })
}

fn tell(looks: &[SyncedView], context: &Context) -> Result<u8, Stop> {
    let mut out = io::stdout().lock();
    let mut code = DONE;
    for look in looks {
        let name = printable(&look.account);
        if !look.added.is_empty() {
            let added = u64::try_from(look.added.len()).unwrap_or(u64::MAX);
            let names = look.added.join(", ");
            writeln!(out, "{name}: {} added: {}", count(added, "member"), printable(&names))?;
        }
        match &look.error {
            None => writeln!(out, "{name}: {}", sentence(look))?,
            Some(error) => {
                context.talk.error(&Error::new(error));
                code = COULD_NOT;
            }
        }
    }
    warn(looks, context);
    Ok(code)
}

/// Each warning once, with the accounts that it is about: the members of an organization are
/// likely to lack the same permission.
fn warn(looks: &[SyncedView], context: &Context) {
    let mut warnings: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for look in looks {
        for warning in &look.warnings {
            let place = *places.entry(warning).or_insert(warnings.len());
            match warnings.get_mut(place) {
                Some((_, names)) => names.push(&look.account),
                None => warnings.push((warning, vec![&look.account])),
            }
        }
    }
    for (warning, names) in warnings {
        let rest = names.len().saturating_sub(MAX_NAMED);
        let named = names.get(..MAX_NAMED).unwrap_or(&names).join(", ");
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        context.talk.warning(&format!("{named}{more}: {warning}"));
    }
}

fn sentence(report: &SyncedView) -> String {
    let happened: Vec<String> = EVENTS
        .iter()
        .filter_map(|(event, word)| {
            let times = report.events.get(event.as_str()).filter(|times| **times > 0)?;
            Some(format!("{} {word}", thousands(*times)))
        })
        .collect();
    let keys = count(report.keys, "key");
    match (happened.is_empty(), report.changes) {
        (false, _) => format!("{keys}; {}", happened.join(", ")),
        (true, 0) => format!("{keys}, nothing new"),
        (true, changes) => format!("{keys}, {} brought up to date", count(changes, "record")),
    }
}
