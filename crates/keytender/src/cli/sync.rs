//! `keytender sync`: brings the inventory up to date with its accounts.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};

use indicatif::ProgressBar;
use keytender_core::inventory::Event;
use keytender_core::text::printable;

use super::context::Context;
use super::words::{count, thousands};
use super::{COULD_NOT, DONE, Stop};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::sync::{Outcome, Report};
use crate::app::{accounts, evaluate, sync};
use crate::store::accounts::{Account, AccountKind};

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
    context.with(async |inventory| {
        let mut accounts = named(args, inventory).await?;
        accounts::unlock(inventory, &mut accounts).await.map_err(Stop::could_not)?;
        if accounts.is_empty() {
            context.talk.note("no account to ask; add one: keytender accounts add aws NAME");
            return Ok(DONE);
        }
        let spinner = match !context.talk.is_quiet && io::stderr().is_terminal() {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        let progress = |account: &str, what: &str| {
            spinner.set_message(format!("{}: {what}", printable(account)));
            spinner.tick();
        };
        let outcomes = sync::run(inventory, accounts, &progress).await;
        spinner.finish_and_clear();
        let evaluated = evaluate::run(&inventory.store, inventory.now).await;
        evaluated.map_err(Stop::could_not)?;
        tell(&outcomes, context)
    })
}

async fn named(args: &Args, inventory: &Inventory) -> Result<Vec<Account>, Stop> {
    if args.accounts.is_empty() {
        let all = inventory.store.list_accounts().await;
        let mut all = all.map_err(|failure| Stop::could_not(cannot_read(failure)))?;
        all.retain(|account| account.kind != AccountKind::Manual);
        return Ok(all);
    }
    let mut accounts = Vec::new();
    for name in &args.accounts {
        accounts.push(accounts::get(inventory, name).await.map_err(Stop::could_not)?);
    }
    Ok(accounts)
}

fn tell(outcomes: &[Outcome], context: &Context) -> Result<u8, Stop> {
    let mut out = io::stdout().lock();
    let mut code = DONE;
    for outcome in outcomes {
        let name = printable(&outcome.account.name);
        if !outcome.added.is_empty() {
            let added = u64::try_from(outcome.added.len()).unwrap_or(u64::MAX);
            let names = outcome.added.join(", ");
            writeln!(out, "{name}: {} added: {}", count(added, "member"), printable(&names))?;
        }
        match &outcome.result {
            Ok(report) => writeln!(out, "{name}: {}", sentence(report))?,
            Err(error) => {
                context.talk.error(error);
                code = COULD_NOT;
            }
        }
    }
    warn(outcomes, context);
    Ok(code)
}

/// Each warning once, with the accounts that it is about: the members of an organization are
/// likely to lack the same permission.
fn warn(outcomes: &[Outcome], context: &Context) {
    let mut warnings: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for Outcome { account, result, .. } in outcomes {
        for warning in result.iter().flat_map(|report| &report.warnings) {
            let place = *places.entry(warning).or_insert(warnings.len());
            match warnings.get_mut(place) {
                Some((_, names)) => names.push(&account.name),
                None => warnings.push((warning, vec![&account.name])),
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

fn sentence(report: &Report) -> String {
    let happened: Vec<String> = EVENTS
        .iter()
        .filter_map(|(event, word)| {
            let times = report.events.get(event).filter(|times| **times > 0)?;
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
