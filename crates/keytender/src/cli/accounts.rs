//! `keytender accounts`: where keys are held.

use std::collections::HashMap;
use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::id::AccountId;
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
/// tools would use. Keytender keeps a reference to them, never a secret. With --organization it is
/// asked for its members too, and each is entered by the role; new ones are added at each sync.
/// Keys of any other provider are told by hand: keytender keys add.
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
    /// The account speaks for an organization of AWS: watch its members too
    #[arg(long)]
    organization: bool,
    /// A role to assume with these credentials, by its ARN; with --organization the name of the
    /// role in each member, such as OrganizationAccountAccessRole
    #[arg(long)]
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
    let is_reached = args.profile.is_some()
        || args.role.is_some()
        || args.credential.is_some()
        || args.organization;
    if !is_live && is_reached {
        let error = Error::new(format!("{} is not asked: it needs no credentials", args.provider));
        return Err(Stop::wrong_usage(error));
    }
    check_role(&args).map_err(Stop::wrong_usage)?;
    let (credential, secret) = match args.credential.as_deref().map(source).transpose()? {
        Some(SecretSource::Reference(place)) => (Some(place.to_string()), None),
        Some(SecretSource::Keep(secret)) => (None, Some(secret)),
        Some(SecretSource::None | SecretSource::Make) | None => (None, None),
    };
    let new = NewAccount {
        provider: args.provider,
        name: args.name,
        kind: match (is_live, args.organization) {
            (true, true) => AccountKind::Organization,
            (true, false) => AccountKind::Live,
            (false, _) => AccountKind::Manual,
        },
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

/// A role is an ARN, or in an organization the name that it has in every member.
fn check_role(args: &Add) -> Result<(), Error> {
    let role = args.role.as_deref();
    let is_arn = role.is_some_and(|role| role.starts_with("arn:"));
    let is_name = |role: &str| {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "+=,.@-_/".contains(one);
        role.chars().all(is_plain) && !role.is_empty() && !role.starts_with('/')
    };
    let refusal = match (args.organization, role) {
        (true, None) => Error::new("an organization needs a role by which its members are entered")
            .hint("--role OrganizationAccountAccessRole is there in members that were made by it"),
        (true, Some(role)) if is_arn => {
            let name = role.split_once('/').map_or("NAME", |(_, name)| name);
            Error::new("each member has a role of its own: --organization takes its name, no ARN")
                .hint(format!("--role {name}"))
        }
        (true, Some(role)) if !is_name(role) => Error::new("this is no name of a role")
            .hint("letters, digits, and + = , . @ - _, with a path before it where it has one"),
        (false, Some(_)) if !is_arn => Error::new("the role of an account is given by its ARN")
            .hint("such as arn:aws:iam::123456789012:role/auditor; --organization takes a name"),
        _ => return Ok(()),
    };
    Err(refusal)
}

#[derive(Serialize)]
struct AccountJson<'a> {
    id: String,
    name: &'a str,
    provider: &'a str,
    kind: &'a str,
    organization: Option<&'a str>,
    account: Option<&'a str>,
    alias: Option<&'a str>,
    contact: Option<&'a str>,
    security_contact: Option<&'a str>,
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

/// The organization through which an account was found.
fn parent<'a>(account: &Account, accounts: &'a [Counted]) -> Option<&'a Account> {
    let id = account.parent_id?;
    accounts.iter().map(|(one, ..)| one).find(|one| one.id == id)
}

/// How many members each organization has.
fn sizes(accounts: &[Counted]) -> HashMap<AccountId, u64> {
    let mut sizes = HashMap::new();
    for id in accounts.iter().filter_map(|(account, ..)| account.parent_id) {
        *sizes.entry(id).or_default() += 1;
    }
    sizes
}

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
        // Members stand below their organization.
        let names: HashMap<AccountId, String> =
            counted.iter().map(|(account, ..)| (account.id, account.name.clone())).collect();
        counted.sort_by_cached_key(|(account, ..)| {
            let above = account.parent_id.and_then(|id| names.get(&id));
            (above.unwrap_or(&account.name).clone(), above.is_some(), account.name.clone())
        });
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
            organization: parent(account, accounts).map(|one| one.name.as_str()),
            account: account.external_id.as_deref(),
            alias: account.alias.as_deref(),
            contact: account.contact.as_deref(),
            security_contact: account.security_contact.as_deref(),
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
    let sizes = sizes(accounts);
    for (account, keys, due) in accounts {
        let indent = if account.parent_id.is_some() { "  " } else { "" };
        let members = match account.kind {
            AccountKind::Organization => {
                count(sizes.get(&account.id).copied().unwrap_or(0), "member")
            }
            AccountKind::Live | AccountKind::Manual => String::new(),
        };
        let id = account.external_id.as_deref().unwrap_or_default();
        let alias = account.alias.as_deref().unwrap_or_default();
        grid.push([
            Cell::new([format!("{indent}{}", printable(&account.name)), members]),
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
                Cell::new([printable(&ability.purpose).into_owned()]),
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
        let members = accounts::members::list(inventory, &account).await;
        let members = members.map_err(Stop::could_not)?;
        let mut keys = 0;
        for one in members.iter().chain([&account]) {
            let all = Filter { account: Some(one.id), ..Filter::default() };
            let page = Page { order: Order::Age, limit: 0, offset: 0 };
            let found = inventory.store.list_keys(&all, &page).await;
            keys += found.map_err(|failure| Stop::could_not(cannot_read(failure)))?.1;
        }
        let keys = count(keys, "key");
        let size = u64::try_from(members.len()).unwrap_or(u64::MAX);
        let members = match account.kind {
            AccountKind::Organization => format!(", its {}", count(size, "member")),
            AccountKind::Live | AccountKind::Manual => String::new(),
        };
        let comes_back = match account.parent_id {
            Some(_) => " The next sync of its organization adds it again if it is still a member.",
            None => "",
        };
        let question = format!(
            "Forget the account {name}{members} and what is known of {} {keys}? Nothing happens at \
             {}.{comes_back}",
            if size > 0 { "their" } else { "its" },
            account.provider
        );
        confirm(&question, yes)?;
        accounts::remove(inventory, name).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("forgot {name}{members} and {keys}"));
        Ok(DONE)
    })
}
