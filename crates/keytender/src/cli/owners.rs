//! `keytender owners`: who answers for which keys.

use std::io::Write;

use clap::Subcommand;
use keytender_core::owner::ClaimKind;
use keytender_core::steps;
use keytender_core::text::printable;

use super::context::{Context, confirm};
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width, write_json};
use super::{DONE, FAIL_ON, Stop};
use crate::app::owners;
use crate::app::view::{ClaimView, KeyQuery, KeySort, OwnerList};
use crate::error::Error;

/// How many keys of a list are printed.
const MAX_PRINTED: u32 = 50;

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
    fn claim(&self) -> Result<ClaimView, Stop> {
        if let Some(tag) = &self.tag {
            let Some((name, pattern)) = tag.split_once('=') else {
                let error =
                    Error::new("a tag is claimed as NAME=PATTERN").hint("such as team=data");
                return Err(Stop::wrong_usage(error));
            };
            let (tag, pattern) = (Some(name.to_owned()), pattern.to_owned());
            return Ok(ClaimView { by: ClaimKind::Tag, tag, pattern });
        }
        let by = [
            (ClaimKind::Principal, &self.principal),
            (ClaimKind::Account, &self.account),
            (ClaimKind::Provider, &self.provider),
        ];
        let found = by
            .into_iter()
            .find_map(|(by, text)| Some(ClaimView { by, tag: None, pattern: text.clone()? }));
        found.ok_or_else(|| Stop::wrong_usage(Error::new("say by what")))
    }
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Add { name, address, time_zone } => context.desk(async |desk| {
            let added = desk.add_owner(&name, &address, &time_zone).await;
            added.map_err(Stop::could_not)?;
            context.talk.note(&format!(
                "added {name}; next: keytender owners claim {name} --principal PATTERN"
            ));
            Ok(DONE)
        }),
        Command::Set { name, address, time_zone } => context.desk(async |desk| {
            let set = desk.set_owner(&name, address.as_deref(), time_zone.as_deref()).await;
            set.map_err(Stop::could_not)?;
            context.talk.note(&format!("changed {name}"));
            Ok(DONE)
        }),
        Command::Claim(args) => claim(&args, context),
        Command::List { json } => list(json, context),
        Command::Check => check(context),
        Command::Suggest { accept } => suggest(accept, context),
        Command::Remove { name, yes } => context.desk(async |desk| {
            let question = format!("Remove the owner {name}? Their keys have none then.");
            confirm(&question, yes)?;
            desk.remove_owner(&name).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("removed {name}"));
            Ok(DONE)
        }),
    }
}

fn claim(args: &Claim, context: &Context) -> Result<u8, Stop> {
    let claim = args.by.claim()?;
    context.desk(async |desk| {
        let owner = desk.claim(&args.name, &claim, args.remove).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("{} answers for {}", args.name, count(owner.keys, "key")));
        Ok(DONE)
    })
}

/// A claim, as the command line takes it.
fn words(claim: &ClaimView) -> String {
    match (&claim.tag, claim.by) {
        (Some(tag), _) => format!("tag {tag}={}", claim.pattern),
        (None, kind) => format!("{} {}", kind.as_str(), claim.pattern),
    }
}

fn list(as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let owners = desk.list_owners().await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&OwnerList { owners, next: None })?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        let mut grid = Grid::new(["OWNER", "ADDRESS", "ANSWERS FOR", "KEYS", "DUE"]);
        for owner in &owners {
            let claims = owner.claims.iter().map(words);
            grid.push([
                Cell::new([printable(&owner.name).into_owned()]),
                Cell::new([printable(&owner.address).into_owned()]),
                Cell::new(claims.map(|one| printable(&one).into_owned())),
                Cell::new([owner.keys.to_string()]),
                Cell::new([owner.due.to_string()]),
            ]);
        }
        if !grid.is_empty() {
            grid.write(&mut out, terminal_width())?;
        }
        let nobodys = desk.count_ownerless().await.map_err(Stop::could_not)?;
        if nobodys > 0 {
            writeln!(out, "{} without an owner: keytender owners check", count(nobodys, "key"))?;
        }
        Ok(DONE)
    })
}

fn check(context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let query = KeyQuery {
            owner: Some("none".to_owned()),
            sort: Some(KeySort::Name),
            limit: Some(MAX_PRINTED),
            ..KeyQuery::default()
        };
        let list = desk.list_keys(query).await.map_err(Stop::could_not)?;
        let mut out = anstream::stdout();
        if list.total == 0 {
            writeln!(out, "Every key has an owner.")?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["KEY", "ACCOUNT", "ID"]);
        for view in &list.keys {
            let id = view.id.as_deref().unwrap_or_default();
            grid.push([
                Cell::new([steps::name(&view.key())]),
                Cell::new([printable(&view.account_name).into_owned()]),
                Cell::new([view.key.clone(), printable(id).into_owned()]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        let all = count(list.total, "key");
        writeln!(out, "\n{all} without an owner; keytender owners suggest proposes some.")?;
        Ok(FAIL_ON)
    })
}

fn suggest(accept: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let suggestions = desk.owner_suggestions().await.map_err(Stop::could_not)?;
        let mut out = anstream::stdout();
        if suggestions.is_empty() {
            writeln!(out, "No tag and no name is a mail address: nobody to propose.")?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["ADDRESS", "OWNER", "SAYS", "KEYS"]);
        for one in &suggestions {
            let mut names = one.examples.clone();
            let named = u64::try_from(names.len()).unwrap_or(0);
            let more = one.keys.saturating_sub(named);
            if more > 0 {
                names.push(format!("and {more} more"));
            }
            grid.push([
                Cell::new([printable(&one.address).into_owned()]),
                Cell::new([one.owner.clone().unwrap_or_else(|| "new".to_owned())]),
                Cell::new([printable(&one.by).into_owned()]),
                Cell::new(names.iter().map(|name| printable(name).into_owned())),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        if accept {
            let assigned = desk.accept_suggestions().await.map_err(Stop::could_not)?;
            writeln!(out, "\n{} assigned.", count(assigned, "key"))?;
        } else {
            writeln!(out, "\nkeytender owners suggest --accept adds and assigns them.")?;
        }
        Ok(DONE)
    })
}
