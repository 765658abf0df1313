//! `keytender owners`: who answers for which keys.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::owner::ClaimKind;
use keytender_core::steps;
use keytender_core::text::printable;
use serde_json::json;

use super::context::{Context, confirm};
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width};
use super::{DONE, FAIL_ON, Stop};
use crate::app::inventory::cannot_read;
use crate::app::{evaluate, owners};
use crate::error::Error;
use crate::store::owners::{Owner, OwnerClaim};

/// How many keys of a list are printed.
const MAX_PRINTED: usize = 50;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a person or team with a mail address
    Add {
        /// A short name, such as platform
        name: String,
        /// Where notices go
        #[arg(long)]
        address: String,
        /// Where it is 09:00 for them, such as Europe/Berlin
        #[arg(long, value_name = "ZONE", default_value = owners::DEFAULT_TIME_ZONE)]
        time_zone: String,
    },
    /// Change an owner's address or time zone
    Set {
        /// The owner
        name: String,
        /// Where notices go
        #[arg(long)]
        address: Option<String>,
        /// Where it is 09:00 for them
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<String>,
    },
    /// Say which keys an owner answers for: the narrowest claim wins
    Claim(Claim),
    /// List the owners, their claims and keys
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// List the keys that nobody answers for; exit with 3 if there are any
    Check,
    /// Propose owners for such keys, from tags and names that are mail addresses
    Suggest {
        /// Add and assign what is proposed
        #[arg(long)]
        accept: bool,
    },
    /// Remove an owner; their keys have none then
    Remove {
        /// The owner
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Which keys an owner answers for. Patterns know * and ?.
#[derive(Debug, clap::Args)]
pub(super) struct Claim {
    /// The owner
    name: String,
    #[command(flatten)]
    by: By,
    /// Take the claim back
    #[arg(long)]
    remove: bool,
}

/// By what keys are claimed.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct By {
    /// Keys whose principal carries this tag: NAME=PATTERN
    #[arg(long, value_name = "NAME=PATTERN")]
    tag: Option<String>,
    /// Keys of principals named so
    #[arg(long, value_name = "PATTERN")]
    principal: Option<String>,
    /// Keys in accounts of this id or name
    #[arg(long, value_name = "PATTERN")]
    account: Option<String>,
    /// Keys of providers named so
    #[arg(long, value_name = "PATTERN")]
    provider: Option<String>,
}

impl By {
    /// By what, the tag's name, and the pattern.
    fn what(&self) -> Result<(ClaimKind, &str, &str), Stop> {
        if let Some(tag) = &self.tag {
            let Some((name, pattern)) = tag.split_once('=') else {
                let error =
                    Error::new("a tag is claimed as NAME=PATTERN").hint("such as team=data");
                return Err(Stop::wrong_usage(error));
            };
            return Ok((ClaimKind::Tag, name, pattern));
        }
        let by = [
            (ClaimKind::Principal, &self.principal),
            (ClaimKind::Account, &self.account),
            (ClaimKind::Provider, &self.provider),
        ];
        let found = by.into_iter().find_map(|(kind, text)| Some((kind, "", text.as_deref()?)));
        found.ok_or_else(|| Stop::wrong_usage(Error::new("say by what")))
    }
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Add { name, address, time_zone } => context.with(async |inventory| {
            let added = owners::add(inventory, &name, &address, &time_zone).await;
            added.map_err(Stop::could_not)?;
            context.talk.note(&format!(
                "added {name}; next: keytender owners claim {name} --principal PATTERN"
            ));
            Ok(DONE)
        }),
        Command::Set { name, address, time_zone } => context.with(async |inventory| {
            let set = owners::set(inventory, &name, address.as_deref(), time_zone.as_deref()).await;
            set.map_err(Stop::could_not)?;
            context.talk.note(&format!("changed {name}"));
            Ok(DONE)
        }),
        Command::Claim(args) => claim(&args, context),
        Command::List { json } => list(json, context),
        Command::Check => check(context),
        Command::Suggest { accept } => suggest(accept, context),
        Command::Remove { name, yes } => context.with(async |inventory| {
            let question = format!("Remove the owner {name}? Their keys have none then.");
            confirm(&question, yes)?;
            owners::remove(inventory, &name).await.map_err(Stop::could_not)?;
            evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("removed {name}"));
            Ok(DONE)
        }),
    }
}

fn claim(args: &Claim, context: &Context) -> Result<u8, Stop> {
    let (kind, tag, pattern) = args.by.what()?;
    context.with(async |inventory| {
        owners::claim(inventory, &args.name, kind, tag, pattern, args.remove)
            .await
            .map_err(Stop::could_not)?;
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        let counts = inventory.store.count_by_owner().await;
        let counts = counts.map_err(|failure| Stop::could_not(cannot_read(failure)))?;
        let owner = owners::get(inventory, &args.name).await.map_err(Stop::could_not)?;
        let keys = counts.iter().find(|(id, ..)| *id == Some(owner.id)).map_or(0, |row| row.1);
        context.talk.note(&format!("{} answers for {}", args.name, count(keys, "key")));
        Ok(DONE)
    })
}

/// A claim, as the command line takes it.
fn words(claim: &OwnerClaim) -> String {
    match claim.kind {
        ClaimKind::Tag => format!("tag {}={}", claim.name, claim.pattern),
        kind => format!("{} {}", kind.as_str(), claim.pattern),
    }
}

fn list(as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        let read = |failure| Stop::could_not(cannot_read(failure));
        let owners = inventory.store.list_owners().await.map_err(read)?;
        let claims = inventory.store.list_claims().await.map_err(read)?;
        let counts = inventory.store.count_by_owner().await.map_err(read)?;
        let count_of = |owner: &Owner| {
            counts
                .iter()
                .find(|(id, ..)| *id == Some(owner.id))
                .map_or((0, 0), |row| (row.1, row.2))
        };
        let claims_of = |owner: &Owner| -> Vec<String> {
            claims.iter().filter(|claim| claim.owner_id == owner.id).map(words).collect()
        };
        if as_json {
            let list: Vec<_> = owners
                .iter()
                .map(|owner| {
                    let (keys, due) = count_of(owner);
                    json!({"id": owner.id.to_string(), "name": owner.name,
                           "address": owner.address, "time_zone": owner.time_zone,
                           "claims": claims_of(owner), "keys": keys, "due": due})
                })
                .collect();
            let mut out = io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &json!({"owners": list}))
                .map_err(io::Error::from)?;
            writeln!(out)?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        let mut grid = Grid::new(["OWNER", "ADDRESS", "ANSWERS FOR", "KEYS", "DUE"]);
        for owner in &owners {
            let (keys, due) = count_of(owner);
            grid.push([
                Cell::new([printable(&owner.name).into_owned()]),
                Cell::new([printable(&owner.address).into_owned()]),
                Cell::new(claims_of(owner).iter().map(|one| printable(one).into_owned())),
                Cell::new([keys.to_string()]),
                Cell::new([due.to_string()]),
            ]);
        }
        if !grid.is_empty() {
            grid.write(&mut out, terminal_width())?;
        }
        let nobodys = counts.iter().find(|(id, ..)| id.is_none()).map_or(0, |row| row.1);
        if nobodys > 0 {
            writeln!(out, "{} without an owner: keytender owners check", count(nobodys, "key"))?;
        }
        Ok(DONE)
    })
}

fn check(context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        let keys = owners::ownerless(inventory).await.map_err(Stop::could_not)?;
        let mut out = anstream::stdout();
        if keys.is_empty() {
            writeln!(out, "Every key has an owner.")?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["KEY", "ACCOUNT", "ID"]);
        for held in keys.iter().take(MAX_PRINTED) {
            let id = held.record.key.id.as_deref().unwrap_or_default();
            grid.push([
                Cell::new([steps::name(&held.record.key)]),
                Cell::new([printable(&held.account_name).into_owned()]),
                Cell::new([held.record.id.to_string(), printable(id).into_owned()]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        let all = count(u64::try_from(keys.len()).unwrap_or(0), "key");
        writeln!(out, "\n{all} without an owner; keytender owners suggest proposes some.")?;
        Ok(FAIL_ON)
    })
}

fn suggest(accept: bool, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        let suggestions = owners::suggest(inventory).await.map_err(Stop::could_not)?;
        let mut out = anstream::stdout();
        if suggestions.is_empty() {
            writeln!(out, "No tag and no name is a mail address: nobody to propose.")?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["ADDRESS", "OWNER", "SAYS", "KEYS"]);
        for one in &suggestions {
            let names = one.keys.iter().take(3).map(|held| steps::name(&held.record.key));
            let mut names: Vec<String> = names.collect();
            let more = one.keys.len().saturating_sub(names.len());
            if more > 0 {
                names.push(format!("and {more} more"));
            }
            grid.push([
                Cell::new([printable(&one.address).into_owned()]),
                Cell::new([one.owner.clone().unwrap_or_else(|| "new".to_owned())]),
                Cell::new([one.by.to_owned()]),
                Cell::new(names),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        if accept {
            let assigned =
                owners::accept(inventory, &suggestions).await.map_err(Stop::could_not)?;
            evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
            writeln!(out, "\n{} assigned.", count(assigned, "key"))?;
        } else {
            writeln!(out, "\nkeytender owners suggest --accept adds and assigns them.")?;
        }
        Ok(DONE)
    })
}
