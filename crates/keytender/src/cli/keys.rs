//! `keytender keys`: the keys of the inventory.

use std::path::PathBuf;

use clap::Subcommand;
use keytender_core::time::Time;

use super::context::Context;
use super::words::count;
use super::{DONE, Stop, parse_time};
use crate::app::acts::Act;
use crate::app::import;
use crate::app::view::{KeepRequest, KeyChange, NewKeyRequest};
use crate::clock;
use crate::error::Error;

mod act;
mod issue;
mod list;
mod show;

/// The word that takes back what was said.
const NOTHING: &str = "none";

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
    /// Make a key of an API of yours and print it, this once
    Create(issue::Create),
    /// Give a key of an API of yours a successor and print it, this once
    Rotate(issue::Rotate),
    /// How a key's rotation stands; cancel or finish it
    #[command(subcommand)]
    Rotation(issue::Rotation),
    /// End a key of an API of yours, for good
    Revoke(issue::Revoke),
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
        Command::Create(args) => issue::create(args, context),
        Command::Rotate(args) => issue::rotate(args, context),
        Command::Rotation(command) => issue::rotation(command, context),
        Command::Revoke(args) => issue::revoke(args, context),
    }
}

fn add(args: Add, context: &Context) -> Result<u8, Stop> {
    let new = NewKeyRequest {
        provider: args.provider,
        name: args.name,
        account: args.account,
        id: args.id,
        created_at: args.facts.created,
        expires_at: args.facts.expires,
        last_used_at: args.facts.used,
        where_used: args.facts.place,
        owner: args.owner,
    };
    context.desk(async |desk| {
        let id = desk.add_key(&new).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("added {id}; its story: keytender keys show {id}"));
        Ok(DONE)
    })
}

fn import(args: &Import, context: &Context) -> Result<u8, Stop> {
    if let Some(as_of) = args.as_of.filter(|as_of| *as_of > clock::now()) {
        let error = Error::new(format!("{as_of} is later than now"));
        return Err(Stop::wrong_usage(error));
    }
    let content = import::read(&args.file).map_err(Stop::could_not)?;
    let name = args.file.display().to_string();
    let import = import::Import {
        name: &name,
        account: args.account.as_deref(),
        observed_at: args.as_of,
        keeps_secrets: args.keep_secrets,
    };
    context.desk(async |desk| {
        let imported = desk.import(&content, import).await.map_err(Stop::could_not)?;
        for warning in &imported.warnings {
            context.talk.warning(&format!("{name}: {warning}"));
        }
        let known = match imported.known {
            0 => String::new(),
            known => format!("; {} known already", count(known, "key")),
        };
        let into = match imported.accounts.is_empty() {
            true => "no account".to_owned(),
            false => imported.accounts.join(", "),
        };
        context.talk.note(&format!("{} added to {into}{known}", count(imported.added, "key")));
        Ok(DONE)
    })
}

fn set(args: &Set, context: &Context) -> Result<u8, Stop> {
    let change = change(args)?;
    if change.is_empty() {
        let error = Error::new("there is nothing to say of the key");
        let hint = "such as --owner NAME, or --keep-until DATE --because TEXT";
        return Err(Stop::wrong_usage(error.hint(hint)));
    }
    context.desk(async |desk| {
        let (view, _) = desk.get_key(&args.key).await.map_err(Stop::could_not)?;
        desk.set_key(&view.key, &change).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("changed {}", view.key));
        Ok(DONE)
    })
}

fn change(args: &Set) -> Result<KeyChange, Stop> {
    let keep = match args.keep_until.as_deref() {
        None => None,
        Some(NOTHING) => Some(None),
        Some(text) => Some(Some(keep(text, args)?)),
    };
    Ok(KeyChange {
        owner: args.owner.clone().map(|name| Some(name).filter(|name| name != NOTHING)),
        label: args.name.clone(),
        created_at: args.facts.created.map(Some),
        expires_at: args.facts.expires.map(Some),
        last_used_at: args.facts.used,
        where_used: args
            .facts
            .place
            .clone()
            .map(|place| Some(place).filter(|place| !place.is_empty())),
        keep,
        exposed: args.exposed.as_deref().map(|word| word == "yes"),
        because: args.because.clone(),
    })
}

fn keep(text: &str, args: &Set) -> Result<KeepRequest, Stop> {
    let until = parse_time(text).map_err(|error| Stop::wrong_usage(Error::new(error)))?;
    let reason = args.because.clone().unwrap_or_default();
    if reason.trim().is_empty() {
        let error = Error::new("say why: an auditor will ask").hint("--because TEXT");
        return Err(Stop::wrong_usage(error));
    }
    Ok(KeepRequest { until, reason })
}
