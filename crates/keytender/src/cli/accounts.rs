//! `keytender accounts`: where keys are held.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::steps::ago;
use keytender_core::text::printable;
use keytender_core::time::Time;
use serde::Serialize;

use super::channels::source;
use super::context::{Context, confirm};
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width};
use super::{COULD_NOT, DONE, Stop};
use crate::app::accounts::{self, NewAccount};
use crate::app::channels::SecretSource;
use crate::app::inventory::cannot_read;
use crate::error::Error;
use crate::store::accounts::{Access, Account, AccountKind};
use crate::store::keys::{Filter, Order, Page};
use crate::store::syncs::Sync;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add an account
    Add(Add),
    /// List the accounts and when each was last looked at
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Say who Keytender is at an account, and what it can and cannot do there
    Check {
        /// The account
        name: String,
    },
    /// Forget an account and its keys
    Remove {
        /// The account
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Add an account.
///
/// An account of `aws` is asked for its keys at each sync, with the credentials that AWS's own
/// tools would use. Keytender keeps a reference to them, never a secret. Keys of any other provider
/// are told by hand: keytender keys add.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The provider: aws, or any other name
    provider: String,
    /// What you call the account, such as prod
    name: String,
    /// The profile of AWS's configuration that reaches it
    #[arg(long)]
    profile: Option<String>,
    /// Where an access key for it is: env:NAME, file:PATH, keyring:SERVICE/USER, command:PROGRAM,
    /// or - for standard input, to be kept sealed
    #[arg(long, value_name = "PLACE", conflicts_with = "profile")]
    credential: Option<String>,
    /// A role to assume with these credentials, by its ARN
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// What the role's owner asks for beside
    #[arg(long, value_name = "ID", requires = "role")]
    external_id: Option<String>,
    /// A mail address for its keys without an owner
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Add(args) => add(args, context),
        Command::List { json } => list(json, context),
        Command::Check { name } => check(&name, context),
        Command::Remove { name, yes } => remove(&name, yes, context),
    }
}

fn add(args: Add, context: &Context) -> Result<u8, Stop> {
    let is_live = args.provider == "aws";
    let is_reached = args.profile.is_some() || args.role.is_some() || args.credential.is_some();
    if !is_live && is_reached {
        let error = Error::new(format!("{} is not asked: it needs no credentials", args.provider));
        return Err(Stop::wrong_usage(error));
    }
    let (credential, secret) = match args.credential.as_deref().map(source).transpose()? {
        Some(SecretSource::Reference(place)) => (Some(place.to_string()), None),
        Some(SecretSource::Keep(secret)) => (None, Some(secret)),
        Some(SecretSource::None | SecretSource::Make) | None => (None, None),
    };
    let new = NewAccount {
        provider: args.provider,
        name: args.name,
        kind: if is_live { AccountKind::Live } else { AccountKind::Manual },
        access: Access {
            profile: args.profile,
            role: args.role,
            external_id: args.external_id,
            credential,
        },
        contact: args.contact,
        secret,
    };
    context.with(async |inventory| {
        let account = accounts::add(inventory, new).await.map_err(Stop::could_not)?;
        let next = match account.kind {
            AccountKind::Manual => {
                format!("keytender keys add {} NAME --account {}", account.provider, account.name)
            }
            _ => format!("keytender sync {}", account.name),
        };
        context.talk.note(&format!("added {}; next: {next}", account.name));
        Ok(DONE)
    })
}

#[derive(Serialize)]
struct AccountJson<'a> {
    id: String,
    name: &'a str,
    provider: &'a str,
    kind: &'a str,
    account: Option<&'a str>,
    alias: Option<&'a str>,
    contact: Option<&'a str>,
    access: &'a Access,
    created_at: Time,
    keys: u64,
    due: u64,
    last_sync: Option<SyncJson<'a>>,
}

#[derive(Serialize)]
struct SyncJson<'a> {
    started_at: Time,
    observed_at: Option<Time>,
    keys: u64,
    changes: u64,
    error: Option<&'a str>,
    warnings: &'a [String],
}

/// An account, how many keys it has, and how many are due.
type Counted = (Account, u64, u64);

fn list(json: bool, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        let read = |failure| Stop::could_not(cannot_read(failure));
        let accounts = inventory.store.list_accounts().await.map_err(read)?;
        let syncs = inventory.store.last_syncs().await.map_err(read)?;
        let mut counted = Vec::new();
        for account in accounts {
            let page = Page { order: Order::Age, limit: 0, offset: 0 };
            let all = Filter { account: Some(account.id), ..Filter::default() };
            let due = Filter { is_due: true, ..all.clone() };
            let (_, keys) = inventory.store.list_keys(&all, &page).await.map_err(read)?;
            let (_, due) = inventory.store.list_keys(&due, &page).await.map_err(read)?;
            counted.push((account, keys, due));
        }
        let sync_of = |account: &Account| syncs.iter().find(|sync| sync.account_id == account.id);
        if json {
            write_json(&counted, sync_of)?;
        } else {
            write_table(&counted, sync_of, inventory.now)?;
        }
        Ok(DONE)
    })
}

fn write_json<'s>(
    accounts: &'s [Counted],
    sync_of: impl Fn(&Account) -> Option<&'s Sync>,
) -> io::Result<()> {
    let accounts: Vec<_> = accounts
        .iter()
        .map(|(account, keys, due)| AccountJson {
            id: account.id.to_string(),
            name: &account.name,
            provider: &account.provider,
            kind: account.kind.as_str(),
            account: account.external_id.as_deref(),
            alias: account.alias.as_deref(),
            contact: account.contact.as_deref(),
            access: &account.access,
            created_at: account.created_at,
            keys: *keys,
            due: *due,
            last_sync: sync_of(account).map(|sync| SyncJson {
                started_at: sync.started_at,
                observed_at: sync.observed_at,
                keys: sync.keys,
                changes: sync.changes,
                error: sync.error.as_deref(),
                warnings: &sync.warnings,
            }),
        })
        .collect();
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &serde_json::json!({"accounts": accounts}))?;
    writeln!(out)
}

fn write_table<'s>(
    accounts: &[Counted],
    sync_of: impl Fn(&Account) -> Option<&'s Sync>,
    now: Time,
) -> io::Result<()> {
    let mut out = anstream::stdout();
    if accounts.is_empty() {
        return writeln!(
            out,
            "No accounts yet. Add one: keytender accounts add aws NAME --profile PROFILE"
        );
    }
    let mut grid = Grid::new(["ACCOUNT", "PROVIDER", "ID", "KEYS", "DUE", "LAST SYNC"]);
    for (account, keys, due) in accounts {
        let id = account.external_id.as_deref().unwrap_or_default();
        let alias = account.alias.as_deref().unwrap_or_default();
        grid.push([
            Cell::new([printable(&account.name).into_owned()]),
            Cell::new([printable(&account.provider).into_owned()]),
            Cell::new([printable(id).into_owned(), printable(alias).into_owned()]),
            Cell::new([keys.to_string()]),
            Cell::new([due.to_string()]),
            Cell::new([looked(account, sync_of(account), now)]),
        ]);
    }
    grid.write(&mut out, terminal_width())
}

/// When an account was last looked at, and whether that went well.
fn looked(account: &Account, sync: Option<&Sync>, now: Time) -> String {
    match sync {
        _ if account.kind == AccountKind::Manual => "told by hand".to_owned(),
        None => "never".to_owned(),
        Some(Sync { error: Some(error), started_at, .. }) => {
            let first = error.lines().next().unwrap_or_default();
            format!("failed {}: {}", ago(*started_at, now), printable(first))
        }
        Some(sync) => ago(sync.started_at, now),
    }
}

fn check(name: &str, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        let mut account = [accounts::get(inventory, name).await.map_err(Stop::could_not)?];
        accounts::unlock(inventory, &mut account).await.map_err(Stop::could_not)?;
        let [account] = account;
        let checked = accounts::check(&account).await.map_err(Stop::could_not)?;
        let mut out = anstream::stdout();
        if let Some(who) = &checked.who {
            writeln!(out, "{}: {}", printable(name), printable(who))?;
        }
        let mut grid = Grid::new(["PERMISSION", "", "FOR"]);
        for ability in &checked.abilities {
            let word = match ability.is_there {
                Some(true) => "yes",
                Some(false) => "missing",
                None => "not tried",
            };
            grid.push([
                Cell::new([ability.permission.to_owned()]),
                Cell::new([word.to_owned()]),
                Cell::new([ability.purpose.to_owned()]),
            ]);
        }
        if !grid.is_empty() {
            grid.write(&mut out, terminal_width())?;
        }
        writeln!(out, "{}", checked.sentence)?;
        let is_missing =
            checked.abilities.iter().any(|one| one.is_needed && one.is_there == Some(false));
        Ok(if is_missing { COULD_NOT } else { DONE })
    })
}

fn remove(name: &str, yes: bool, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        let account = accounts::get(inventory, name).await.map_err(Stop::could_not)?;
        let all = Filter { account: Some(account.id), ..Filter::default() };
        let page = Page { order: Order::Age, limit: 0, offset: 0 };
        let keys = inventory.store.list_keys(&all, &page).await;
        let (_, keys) = keys.map_err(|failure| Stop::could_not(cannot_read(failure)))?;
        let question = format!(
            "Forget the account {name} and what is known of its {}? Nothing happens at {}.",
            count(keys, "key"),
            account.provider
        );
        confirm(&question, yes)?;
        accounts::remove(inventory, name).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("forgot {name} and {}", count(keys, "key")));
        Ok(DONE)
    })
}
