//! `keytender accounts`: where keys are held.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use keytender_core::steps::ago;
use keytender_core::text::printable;
use keytender_core::time::Time;

use super::channels::source;
use super::context::{Context, confirm};
use super::grid::{Cell, Grid};
use super::providers;
use super::words::{count, terminal_width};
use super::{COULD_NOT, DONE, Stop};
use crate::app::accounts::{self, NewAccount};
use crate::app::channels::SecretSource;
use crate::app::customers::NewCustomer;
use crate::app::discover::Address;
use crate::app::view::{AccountList, AccountView, LastSyncView};
use crate::clock;
use crate::error::Error;
use crate::store::accounts::{Access, AccountKind};

mod customers;
mod found;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add an account
    Add(Add),
    /// List the accounts and when each was last looked at; or the customers of an API of yours
    List {
        /// The customers of this API
        #[arg(long)]
        api: Option<String>,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Say who Keytender is at an account, and what it can and cannot do there
    Check {
        /// The account
        name: String,
    },
    /// Change who hears of an account's keys without an owner, or the credential that reaches it
    Set {
        /// The account
        name: String,
        /// The mail address; `none` takes it away
        #[arg(long, value_name = "ADDRESS", required_unless_present = "credential")]
        contact: Option<String>,
        /// Where another credential is, as when an account is added; - for standard input, to be kept sealed
        #[arg(long, value_name = "PLACE")]
        credential: Option<String>,
    },
    /// Show how the document at a provider's address has changed, and run the account by it from now on
    Approve {
        /// The account
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Stop all keys of a customer of an API of yours; this can be undone
    Suspend(customers::Suspend),
    /// Let the keys of a suspended customer work again
    Resume(customers::Suspend),
    /// Make a link that opens the key page of a customer of an API of yours, once
    Portal(customers::Portal),
    /// Forget an account and its keys; those of a customer stop
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
/// Each of `keytender providers list` is asked with --credential. Keys of any other provider, and
/// of any without a credential, are told by hand: keytender keys add. An account of an API of yours
/// is a customer, called API/NAME: its keys are made here.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The provider: aws, one of keytender providers list, an API of yours, the address of one that publishes a
    /// descriptor (https://example.com), or any other name
    provider: String,
    /// What you call the account, such as prod; of an address its host if nothing is said
    name: Option<String>,
    /// The profile of AWS's configuration that reaches it
    #[arg(long)]
    profile: Option<String>,
    /// Where its credential is (of aws an access key): env:NAME, file:PATH, keyring:SERVICE/USER, command:PROGRAM,
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
    /// What the role's owner asks for beside; or your own id of a customer
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// What the provider asks for beside: its host, an organization; keytender providers show says
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    variables: Vec<(String, String)>,
    /// A descriptor of the provider, where it is none of keytender providers list; it only reads
    #[arg(long, value_name = "FILE")]
    descriptor: Option<PathBuf>,
    /// Let this descriptor, or the one at the address, make, disable and delete keys too
    #[arg(long)]
    allow_writes: bool,
    /// Let calls of the descriptor at the address go to this host of another site too
    #[arg(long = "allow-host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Do not ask before an address is trusted
    #[arg(long)]
    yes: bool,
    /// What stands before the provider, such as a gateway: takes the place of its scheme, host and port
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Reach it in a private network too
    #[arg(long)]
    allow_private: bool,
    /// A mail address for its keys without an owner
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
}

/// A name and what it stands for.
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE, such as host=gitlab.example.com".to_owned()),
    }
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Add(args) => add(args, context),
        Command::List { api: Some(api), json } => customers::list(&api, json, context),
        Command::List { api: None, json } => list(json, context),
        Command::Suspend(args) => customers::suspend(&args, true, context),
        Command::Resume(args) => customers::suspend(&args, false, context),
        Command::Portal(args) => customers::portal(args, context),
        Command::Check { name } => check(&name, context),
        Command::Approve { name, yes } => found::approve(&name, yes, context),
        Command::Set { name, contact, credential } => {
            set(&name, contact.as_deref(), credential.as_deref(), context)
        }
        Command::Remove { name, yes } => remove(&name, yes, context),
    }
}

impl Add {
    /// Whether nothing is said of how it is reached: a customer is not.
    const fn is_unreached(&self) -> bool {
        self.profile.is_none()
            && self.credential.is_none()
            && !self.organization
            && self.role.is_none()
            && self.variables.is_empty()
            && self.descriptor.is_none()
            && self.endpoint.is_none()
            && !self.allow_private
    }

    /// Where the provider is, if that is what was said: a URL, or a name with a dot of which a credential is given.
    fn address(&self) -> Result<Option<Address>, Stop> {
        let is_url = self.provider.contains("://");
        let is_domain =
            self.provider.contains('.') && self.credential.is_some() && self.descriptor.is_none();
        match is_url || is_domain {
            true => Address::parse(&self.provider).map(Some).map_err(Stop::wrong_usage),
            false => Ok(None),
        }
    }

    /// What the account is called.
    fn named(&self) -> Result<String, Stop> {
        self.name.clone().ok_or_else(|| {
            Stop::wrong_usage(
                Error::new("an account needs a name")
                    .hint(format!("such as: keytender accounts add {} prod", self.provider)),
            )
        })
    }

    /// The customer that is meant if the provider is an API of ours.
    fn customer(&self) -> Option<NewCustomer> {
        self.is_unreached().then(|| NewCustomer {
            name: self.name.clone().unwrap_or_default(),
            external_id: self.external_id.clone(),
            contact: self.contact.clone(),
        })
    }
}

fn add(args: Add, context: &Context) -> Result<u8, Stop> {
    if let Some(address) = args.address()? {
        return found::add(&address, args, context);
    }
    if args.allow_writes && args.descriptor.is_none() {
        let error = Error::new("--allow-writes goes with --descriptor, or with an address");
        return Err(Stop::wrong_usage(error));
    }
    let name = args.named()?;
    let customer = args.customer().map(|customer| (args.provider.clone(), customer));
    let needs_role = args.external_id.is_some() && args.role.is_none();
    let descriptor = args.descriptor.as_deref().map(providers::read).transpose()?;
    let kind = match descriptor.is_some() && args.provider != "aws" {
        true => AccountKind::Live,
        false => accounts::kind_of(&args.provider, args.organization, args.credential.is_some())
            .map_err(Stop::wrong_usage)?,
    };
    let new = NewAccount {
        provider: args.provider,
        name,
        kind,
        access: Access {
            profile: args.profile,
            role: args.role,
            external_id: args.external_id,
            variables: args.variables.into_iter().collect(),
            endpoint: args.endpoint,
            allow_private: args.allow_private,
            allow_writes: args.allow_writes,
            descriptor,
            ..Access::default()
        },
        contact: args.contact,
        secret: None,
    };
    accounts::check_reach(&new).map_err(Stop::wrong_usage)?;
    let secret = args.credential.as_deref().map_or(Ok(SecretSource::None), source)?;
    let next = match kind {
        AccountKind::Manual => {
            format!("keytender keys add {} NAME --account {}", new.provider, new.name)
        }
        _ => format!("keytender sync {}", new.name),
    };
    let added = format!("added {}; next: {next}", new.name);
    context.desk(async |desk| {
        if let Some((api, customer)) = customer
            && desk.has_api(&api).await.map_err(Stop::could_not)?
        {
            return customers::add(desk, &api, customer, context).await;
        }
        if needs_role {
            let error = Error::new("--external-id goes with --role, or with a customer of an API");
            return Err(Stop::wrong_usage(error));
        }
        desk.add_account(new, secret).await.map_err(Stop::could_not)?;
        context.talk.note(&added);
        Ok(DONE)
    })
}

fn set(
    name: &str,
    contact: Option<&str>,
    credential: Option<&str>,
    context: &Context,
) -> Result<u8, Stop> {
    let secret = credential.map(source).transpose()?;
    context.desk(async |desk| {
        if let Some(secret) = secret {
            desk.set_account_credential(name, secret).await.map_err(Stop::could_not)?;
        }
        if let Some(contact) = contact {
            let contact = Some(contact).filter(|word| *word != "none");
            desk.set_account_contact(name, contact).await.map_err(Stop::could_not)?;
        }
        context.talk.note(&format!("changed {name}"));
        Ok(DONE)
    })
}

/// How many members each organization has, by its id.
fn sizes(accounts: &[AccountView]) -> HashMap<&str, u64> {
    let mut sizes = HashMap::new();
    for id in accounts.iter().filter_map(|account| account.parent.as_deref()) {
        *sizes.entry(id).or_default() += 1;
    }
    sizes
}

fn list(as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let mut accounts = desk.list_accounts().await.map_err(Stop::could_not)?;
        // Members stand below their organization.
        accounts.sort_by_cached_key(|account| {
            let above = account.organization.as_ref();
            (above.unwrap_or(&account.name).clone(), above.is_some(), account.name.clone())
        });
        if as_json {
            let list = AccountList { accounts, next: None };
            let mut out = io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &list).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            write_table(&accounts, clock::now())?;
        }
        Ok(DONE)
    })
}

fn write_table(accounts: &[AccountView], now: Time) -> io::Result<()> {
    let mut out = anstream::stdout();
    if accounts.is_empty() {
        return writeln!(
            out,
            "No accounts yet. Add one: keytender accounts add aws NAME --profile PROFILE"
        );
    }
    let mut grid = Grid::new(["ACCOUNT", "PROVIDER", "ID", "KEYS", "DUE", "LAST SYNC"]);
    let sizes = sizes(accounts);
    for account in accounts {
        let indent = if account.parent.is_some() { "  " } else { "" };
        let members = match account.kind {
            AccountKind::Organization => {
                count(sizes.get(account.id.as_str()).copied().unwrap_or(0), "member")
            }
            _ => String::new(),
        };
        let id = account.account.as_deref().unwrap_or_default();
        let alias = account.alias.as_deref().unwrap_or_default();
        grid.push([
            Cell::new([format!("{indent}{}", printable(&account.name)), members]),
            Cell::new([printable(&account.provider).into_owned()]),
            Cell::new([printable(id).into_owned(), printable(alias).into_owned()]),
            Cell::new([account.keys.to_string()]),
            Cell::new([account.due.to_string()]),
            Cell::new([looked(account, now)]),
        ]);
    }
    grid.write(&mut out, terminal_width())
}

/// When an account was last looked at, and whether that went well.
fn looked(account: &AccountView, now: Time) -> String {
    match &account.last_sync {
        _ if account.kind == AccountKind::Own => "our own tokens".to_owned(),
        None if account.kind == AccountKind::Manual => "told by hand".to_owned(),
        None => "never".to_owned(),
        Some(LastSyncView { error: Some(error), started_at, .. }) => {
            let first = error.lines().next().unwrap_or_default();
            format!("failed {}: {}", ago(*started_at, now), printable(first))
        }
        Some(sync) => ago(sync.started_at, now),
    }
}

fn check(name: &str, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let checked = desk.check_account(name).await.map_err(Stop::could_not)?;
        let mut out = anstream::stdout();
        if let Some(who) = &checked.who {
            writeln!(out, "{}: {}", printable(name), printable(who))?;
        }
        let mut grid = Grid::new(["PERMISSION", "", "FOR"]);
        for ability in &checked.abilities {
            let word = match ability.there {
                Some(true) => "yes",
                Some(false) => "missing",
                None => "not tried",
            };
            grid.push([
                Cell::new([printable(&ability.permission).into_owned()]),
                Cell::new([word.to_owned()]),
                Cell::new([printable(&ability.purpose).into_owned()]),
            ]);
        }
        if !grid.is_empty() {
            grid.write(&mut out, terminal_width())?;
        }
        writeln!(out, "{}", printable(&checked.sentence))?;
        let is_missing = checked.abilities.iter().any(|one| one.needed && one.there == Some(false));
        Ok(if is_missing { COULD_NOT } else { DONE })
    })
}

fn remove(name: &str, yes: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let account = desk.get_account(name).await.map_err(Stop::could_not)?;
        let mut members = Vec::new();
        if account.kind == AccountKind::Organization {
            members = desk.list_accounts().await.map_err(Stop::could_not)?;
            members.retain(|one| one.parent.as_ref() == Some(&account.id));
        }
        let keys = members.iter().map(|one| one.keys).sum::<u64>() + account.keys;
        let keys = count(keys, "key");
        let size = u64::try_from(members.len()).unwrap_or(u64::MAX);
        let members = match account.kind {
            AccountKind::Organization => format!(", its {}", count(size, "member")),
            _ => String::new(),
        };
        let comes_back = match account.parent {
            Some(_) => " The next sync of its organization adds it again if it is still a member.",
            None => "",
        };
        if account.kind == AccountKind::Customer {
            return customers::remove(desk, &account, yes, context).await;
        }
        let question = format!(
            "Forget the account {name}{members} and what is known of {} {keys}? Nothing happens at \
             {}.{comes_back}",
            if size > 0 { "their" } else { "its" },
            account.provider
        );
        confirm(&question, yes)?;
        desk.remove_account(name).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("forgot {name}{members} and {keys}"));
        Ok(DONE)
    })
}
