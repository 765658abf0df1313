//! `keytender report`: the credential report of everything.

use std::collections::HashMap;
use std::io::{self, BufWriter, StdoutLock, Write};

use clap::ValueEnum;
use keytender_core::id::OwnerId;
use keytender_core::key::PrincipalKind;
use keytender_core::policy::{Action, Severity};
use keytender_core::steps::name;
use keytender_core::text::printable;
use keytender_core::time::Time;
use serde_json::json;

use super::context::Context;
use super::csv_row::{Row, last_use};
use super::grid::{Cell, Grid};
use super::keys::Listed;
use super::words::{count, terminal_width};
use super::{DONE, Stop, parse_time};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::report::Difference;
use crate::app::{accounts, evaluate, report};
use crate::error::Error;
use crate::store::accounts::Account;
use crate::store::keys::HeldKey;
use crate::store::owners::Owner;

/// The columns of the wide form.
const COLUMNS: [&str; 32] = [
    "key",
    "provider",
    "account",
    "account_name",
    "principal",
    "principal_kind",
    "id",
    "slot",
    "label",
    "state",
    "provider_state",
    "created_at",
    "expires_at",
    "age_days",
    "last_used_status",
    "last_used_at",
    "last_used_region",
    "last_used_service",
    "never_used_since",
    "cadence_days",
    "suspended_since",
    "owner",
    "where_used",
    "due",
    "action",
    "severity",
    "rules",
    "keep_until",
    "keep_reason",
    "first_seen_at",
    "missing_since",
    "last_seen_at",
];

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
    context.with(async |inventory| {
        let account = account(args, inventory).await?;
        check(args, inventory)?;
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        match (args.compare.as_deref(), args.format, &account) {
            (Some([from, to]), ..) => {
                let id = account.as_ref().map(|account| account.id);
                let found = report::compare(inventory, id, *from, *to).await;
                differences(&found.map_err(Stop::could_not)?, args.format)?;
            }
            (_, Format::Aws, Some(account)) => {
                let text = report::aws(inventory, account, args.at).await;
                io::stdout().lock().write_all(text.map_err(Stop::could_not)?.as_bytes())?;
            }
            (None, Format::Wide, account) if args.at.is_none() => {
                wide_by_account(inventory, account.clone()).await?;
            }
            (_, format, account) => {
                let id = account.as_ref().map(|account| account.id);
                let keys = report::keys(inventory, id, args.at).await.map_err(Stop::could_not)?;
                every_key(inventory, &keys, format, args.at).await?;
            }
        }
        Ok(DONE)
    })
}

async fn account(args: &Args, inventory: &Inventory) -> Result<Option<Account>, Stop> {
    let account = match &args.account {
        Some(name) => Some(accounts::get(inventory, name).await.map_err(Stop::could_not)?),
        None => None,
    };
    match (args.format, &account) {
        (Format::Aws, None) => {
            let error = Error::new("AWS's report is one of an account");
            Err(Stop::wrong_usage(error.hint("name it: --account NAME")))
        }
        (Format::Aws, Some(account)) if account.provider != "aws" => {
            let error = Error::new(format!("`{}` is no account of AWS", account.name));
            Err(Stop::wrong_usage(error.hint("--format wide holds every provider's keys")))
        }
        _ => Ok(account),
    }
}

fn check(args: &Args, inventory: &Inventory) -> Result<(), Stop> {
    let refuse = |text: &str| Err(Stop::wrong_usage(Error::new(text.to_owned())));
    let moments = args.compare.iter().flatten().chain(&args.at);
    if moments.into_iter().any(|at| *at > inventory.now) {
        return refuse("nobody knows the future: the moment is later than now");
    }
    match args.compare.as_deref() {
        Some([from, to]) if from >= to => refuse("the first moment is the earlier one"),
        Some(_) if args.format == Format::Aws => {
            refuse("what changed has no form of AWS's: use --format wide or json")
        }
        _ => Ok(()),
    }
}

/// Writes account after account, so that no more than the keys of one are in memory.
async fn wide_by_account(inventory: &Inventory, account: Option<Account>) -> Result<(), Stop> {
    let accounts = match account {
        Some(account) => vec![account],
        None => {
            let all = inventory.store.list_accounts().await;
            let mut all = all.map_err(|failure| Stop::could_not(cannot_read(failure)))?;
            all.sort_by(|one, other| one.name.cmp(&other.name));
            all
        }
    };
    let owners = owners(inventory).await?;
    let mut out = Wide::new()?;
    for account in accounts {
        let keys = report::keys(inventory, Some(account.id), None).await;
        for held in &keys.map_err(Stop::could_not)? {
            out.write(held, &owners, inventory.now)?;
        }
    }
    Ok(out.end()?)
}

async fn owners(inventory: &Inventory) -> Result<HashMap<OwnerId, Owner>, Stop> {
    let owners = inventory.store.list_owners().await;
    let owners = owners.map_err(|failure| Stop::could_not(cannot_read(failure)))?;
    Ok(owners.into_iter().map(|owner| (owner.id, owner)).collect())
}

async fn every_key(
    inventory: &Inventory,
    keys: &[HeldKey],
    format: Format,
    at: Option<Time>,
) -> Result<(), Stop> {
    let owners = owners(inventory).await?;
    let now = at.unwrap_or(inventory.now);
    if format == Format::Json {
        let (_, policy) = evaluate::policy(&inventory.store).await.map_err(Stop::could_not)?;
        let total = u64::try_from(keys.len()).unwrap_or(0);
        Listed { keys, total, owners: &owners, policy: &policy, now }.write_json()?;
        return Ok(());
    }
    let mut out = Wide::new()?;
    for held in keys {
        out.write(held, &owners, now)?;
    }
    Ok(out.end()?)
}

/// The wide form on its way out.
struct Wide {
    out: BufWriter<StdoutLock<'static>>,
    row: Row,
}

impl Wide {
    fn new() -> io::Result<Self> {
        let mut wide = Self { out: BufWriter::new(io::stdout().lock()), row: Row::default() };
        COLUMNS.iter().for_each(|column| wide.row.word(column));
        wide.row.write(&mut wide.out)?;
        Ok(wide)
    }

    fn write(
        &mut self,
        held: &HeldKey,
        owners: &HashMap<OwnerId, Owner>,
        now: Time,
    ) -> io::Result<()> {
        let owner = held.owner_id.and_then(|id| owners.get(&id)).map(|owner| owner.name.as_str());
        wide(&mut self.row, held, owner, now);
        self.row.write(&mut self.out)
    }

    fn end(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn wide(row: &mut Row, held: &HeldKey, owner: Option<&str>, now: Time) {
    let (record, key) = (&held.record, &held.record.key);
    row.word(&record.id.to_string());
    row.text(&key.provider);
    row.optional(key.account.as_deref());
    row.text(&held.account_name);
    row.optional(key.principal.as_deref());
    row.word(key.principal_kind.map(PrincipalKind::as_str).unwrap_or_default());
    row.optional(key.id.as_deref());
    row.number(key.slot.map(i64::from));
    row.optional(key.label.as_deref());
    row.word(key.state.as_str());
    row.optional(key.provider_state.as_deref());
    row.time(key.created_at);
    row.time(key.expires_at);
    row.number(key.age(now).map(|age| age.whole_days()));
    last_use(row, &key.last_used);
    row.number(key.cadence.map(|gap| gap.whole_days()));
    row.time(record.suspended_seen_at);
    row.optional(owner);
    row.optional(held.where_used.as_deref());
    row.word(if held.standing.is_due { "true" } else { "false" });
    row.word(held.standing.action.map(Action::as_str).unwrap_or_default());
    row.word(held.standing.severity.map(Severity::as_str).unwrap_or_default());
    row.words(held.standing.rules.iter().map(String::as_str));
    row.time(held.keep.as_ref().map(|keep| keep.until));
    row.optional(held.keep.as_ref().map(|keep| keep.reason.as_str()));
    row.time(Some(record.first_seen_at));
    row.time(record.missing_since);
    row.time(record.last_seen_at);
}

fn differences(found: &[Difference], format: Format) -> Result<(), Stop> {
    let id = |held: &HeldKey| held.record.key.id.as_deref().unwrap_or_default().to_owned();
    if format == Format::Json {
        let keys: Vec<_> = found
            .iter()
            .map(|one| {
                let changes = one.changes.iter().map(|change| {
                    json!({"what": change.what, "before": change.before, "after": change.after})
                });
                json!({"key": one.key.record.id.to_string(), "id": id(&one.key),
                       "account_name": one.key.account_name, "name": name(&one.key.record.key),
                       "changes": changes.collect::<Vec<_>>()})
            })
            .collect();
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &json!({"version": 1, "keys": keys}))
            .map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    let mut out = anstream::stdout();
    let mut grid = Grid::new(["KEY", "ACCOUNT", "WHAT", "BEFORE", "AFTER"]);
    for one in found {
        for change in &one.changes {
            grid.push([
                Cell::new([name(&one.key.record.key), printable(&id(&one.key)).into_owned()]),
                Cell::new([printable(&one.key.account_name).into_owned()]),
                Cell::new([change.what.to_owned()]),
                Cell::new([printable(&change.before).into_owned()]),
                Cell::new([printable(&change.after).into_owned()]),
            ]);
        }
    }
    if !grid.is_empty() {
        grid.write(&mut out, terminal_width())?;
    }
    writeln!(out, "{} changed", count(u64::try_from(found.len()).unwrap_or(0), "key"))?;
    Ok(())
}
