//! `keytender keys`: the keys of the inventory.

use std::path::PathBuf;

use clap::Subcommand;
use keytender_core::time::Time;

use super::context::Context;
use super::words::count;
use super::{DONE, Stop, parse_time};
use crate::app::acts::Act;
use crate::app::inventory::Inventory;
use crate::app::keys::NewKey;
use crate::app::{accounts, evaluate, import, keys, owners};
use crate::error::Error;
use crate::store::keys::{HeldKey, Keep, Told};

mod act;
mod list;
mod show;

pub(super) use list::Listed;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List keys: what is due first
    List(list::Args),
    /// Tell a key's whole story
    Show {
        /// Keytender's id, the provider's id, or the name of a key
        key: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a key of a provider that cannot be asked
    Add(Add),
    /// Bring keys in from a file: an AWS credential report, a CSV list, a FIDO CXF export
    Import(Import),
    /// Say what you know of a key: its owner, where it is used, until when it stays
    Set(Set),
    /// Stop a key from working; this can be undone
    Disable(act::Args),
    /// Let a disabled key work again
    Enable(act::Args),
    /// Delete a key that was seen disabled for 30 days
    Delete(act::DeleteArgs),
}

/// Add a key of a provider that cannot be asked.
///
/// No secret is asked for and none is kept.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The provider, such as stripe
    provider: String,
    /// What you call the key
    name: String,
    /// The account it is in; the provider's name if none is given
    #[arg(long)]
    account: Option<String>,
    /// Its public id, never the secret
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    facts: Facts,
    /// Who answers for it
    #[arg(long)]
    owner: Option<String>,
}

/// What people know of a key.
#[derive(Debug, clap::Args)]
struct Facts {
    /// When its secret came to be
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    created: Option<Time>,
    /// When it ends
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires: Option<Time>,
    /// When it was last used
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    used: Option<Time>,
    /// Where it is used, such as "the .env of shop"
    #[arg(long = "where", value_name = "TEXT")]
    place: Option<String>,
}

/// Bring keys in from a file. Secrets are not read.
///
/// A CSV list has the columns provider,name,created and, if known, expires,last_used,owner. A FIDO
/// CXF export is what password managers such as 1Password and Bitwarden write; its items of type
/// api-key are taken. The same file twice adds nothing the second time.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The file
    file: PathBuf,
    /// The account they are in; one named after each provider if none is given
    #[arg(long)]
    account: Option<String>,
    /// Keep the secrets of a CXF export, sealed; without this they are not read
    #[arg(long)]
    keep_secrets: bool,
    /// When a credential report was made; now if not given
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    as_of: Option<Time>,
}

/// Say what you know of a key.
#[derive(Debug, clap::Args)]
pub(super) struct Set {
    /// Keytender's id, the provider's id, or the name of a key
    key: String,
    /// Who answers for it; `none` takes it back
    #[arg(long)]
    owner: Option<String>,
    /// Another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    facts: Facts,
    /// Keep it as it is until this day: nothing is due before; `none` takes it back
    #[arg(long, value_name = "TIME", requires = "because")]
    keep_until: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// It was found where a secret must not be; `no` takes it back
    #[arg(long, value_name = "yes|no", value_parser = ["yes", "no"])]
    exposed: Option<String>,
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::List(args) => list::run(&args, context),
        Command::Show { key, json } => show::run(&key, json, context),
        Command::Add(args) => add(args, context),
        Command::Import(args) => import(&args, context),
        Command::Set(args) => set(&args, context),
        Command::Disable(args) => act::run(Act::Disable, args, false, context),
        Command::Enable(args) => act::run(Act::Enable, args, false, context),
        Command::Delete(args) => act::delete(args, context),
    }
}

fn add(args: Add, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        let account_name = args.account.as_deref().unwrap_or(&args.provider);
        let owner = match &args.owner {
            Some(name) => Some(owners::get(inventory, name).await.map_err(Stop::could_not)?.id),
            None => None,
        };
        let new = NewKey {
            label: args.name,
            id: args.id,
            created_at: args.facts.created,
            expires_at: args.facts.expires,
            last_used: args.facts.used,
            where_used: args.facts.place,
            owner,
            secret: None,
        };
        let account = accounts::manual(inventory, &args.provider, account_name).await;
        let account = account.map_err(Stop::could_not)?;
        let ids = keys::add(inventory, &account, &[new]).await.map_err(Stop::could_not)?;
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        for id in ids {
            context.talk.note(&format!("added {id}; its story: keytender keys show {id}"));
        }
        Ok(DONE)
    })
}

fn import(args: &Import, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        let observed_at = args.as_of.unwrap_or(inventory.now);
        if observed_at > inventory.now {
            let error = Error::new(format!("{observed_at} is later than now"));
            return Err(Stop::wrong_usage(error));
        }
        let account = args.account.as_deref();
        let imported =
            import::run(inventory, &args.file, account, observed_at, args.keep_secrets).await;
        let imported = imported.map_err(Stop::could_not)?;
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        for warning in &imported.warnings {
            context.talk.warning(&format!("{}: {warning}", args.file.display()));
        }
        let accounts: Vec<&str> = imported.accounts.iter().map(String::as_str).collect();
        let known = match imported.known {
            0 => String::new(),
            known => format!("; {} known already", count(known, "key")),
        };
        let into = if accounts.is_empty() { "no account".to_owned() } else { accounts.join(", ") };
        context.talk.note(&format!("{} added to {into}{known}", count(imported.added, "key")));
        Ok(DONE)
    })
}

fn set(args: &Set, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        let held = keys::get(inventory, &args.key).await.map_err(Stop::could_not)?;
        let told = told(args, inventory, &held).await?;
        if told.is_empty() {
            let error = Error::new("there is nothing to say of the key");
            let hint = "such as --owner NAME, or --keep-until DATE --because TEXT";
            return Err(Stop::wrong_usage(error.hint(hint)));
        }
        keys::tell(inventory, &held, told, args.because.as_deref())
            .await
            .map_err(Stop::could_not)?;
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("changed {}", held.record.id));
        Ok(DONE)
    })
}

async fn told(args: &Set, inventory: &Inventory, held: &HeldKey) -> Result<Vec<Told>, Stop> {
    let mut told = Vec::new();
    match args.owner.as_deref() {
        Some("none") => told.push(Told::Owner(None)),
        Some(name) => {
            let owner = owners::get(inventory, name).await.map_err(Stop::could_not)?;
            told.push(Told::Owner(Some(owner.id)));
        }
        None => {}
    }
    if let Some(place) = &args.facts.place {
        told.push(Told::WhereUsed(Some(place.clone()).filter(|place| !place.is_empty())));
    }
    let provided = [
        args.name.clone().map(|name| Told::Label(Some(name))),
        args.facts.created.map(|at| Told::Created(Some(at))),
        args.facts.expires.map(|at| Told::Expires(Some(at))),
        args.facts.used.map(|at| Told::Used(at.min(inventory.now))),
    ];
    let provided: Vec<Told> = provided.into_iter().flatten().collect();
    if !provided.is_empty() && held.record.principal_id.is_some() {
        let error = Error::new(format!(
            "`{}` tells name, creation, end and use of this key itself",
            held.account_name
        ));
        return Err(Stop::could_not(error.hint("what it says at the next sync would win anyway")));
    }
    told.extend(provided);
    match args.exposed.as_deref() {
        Some("yes") => {
            // Whoever kept it did not know that.
            if held.is_kept(inventory.now) {
                told.push(Told::Keep(None));
            }
            told.push(Told::Exposed(Some(inventory.now)));
        }
        Some(_) => told.push(Told::Exposed(None)),
        None => {}
    }
    match args.keep_until.as_deref() {
        Some("none") => told.push(Told::Keep(None)),
        Some(text) => told.push(Told::Keep(Some(keep(text, args, inventory)?))),
        None => {}
    }
    Ok(told)
}

fn keep(text: &str, args: &Set, inventory: &Inventory) -> Result<Keep, Stop> {
    let until = parse_time(text).map_err(|error| Stop::wrong_usage(Error::new(error)))?;
    let reason = args.because.clone().unwrap_or_default();
    if until <= inventory.now {
        return Err(Stop::wrong_usage(Error::new(format!("{until} is past"))));
    }
    if reason.trim().is_empty() {
        let error = Error::new("say why: an auditor will ask").hint("--because TEXT");
        return Err(Stop::wrong_usage(error));
    }
    Ok(Keep { until, reason, by: inventory.actor.name.clone() })
}
