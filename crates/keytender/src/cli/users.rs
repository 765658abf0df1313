//! `keytender users`: who may use the API of a server.

use std::io::Write;

use clap::Subcommand;
use keytender_core::access::Role;
use keytender_core::text::printable;

use super::context::{Context, confirm};
use super::desk::UserChange;
use super::grid::{Cell, Grid};
use super::words::{terminal_width, write_json};
use super::{DONE, Stop};
use crate::app::users::UserFacts;
use crate::app::view::UserList;
use crate::error::Error;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a user
    Add {
        /// The name: letters, digits, and - _ . @ +
        name: String,
        /// What they may do: administrator, operator, auditor or owner
        #[arg(long, value_parser = role)]
        role: Role,
        /// A mail address, to which notices about their tokens go
        #[arg(long)]
        address: Option<String>,
        /// Whose keys they see, if their role is owner
        #[arg(long)]
        owner: Option<String>,
    },
    /// List the users
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Change what a user may do
    Set {
        /// The user
        name: String,
        /// What they may do from now on
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        /// Another mail address; `none` takes it away
        #[arg(long)]
        address: Option<String>,
        /// Whose keys they see; `none` takes it away
        #[arg(long)]
        owner: Option<String>,
        /// Whether none of their tokens works
        #[arg(long, value_name = "yes|no", value_parser = ["yes", "no"])]
        suspended: Option<String>,
    },
    /// Make a link by which a user signs in to the console, once, and print it
    Link {
        /// The user
        name: String,
    },
    /// Remove a user; their tokens end at once
    Remove {
        /// The user
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.into_iter().map(Role::as_str).collect();
        format!("known are {}", known.join(", "))
    })
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Add { name, role, address, owner } => context.desk(async |desk| {
            let facts = UserFacts { role, address, owner, is_suspended: false };
            desk.add_user(&name, &facts).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("added {name}; next: keytender tokens create {name}"));
            Ok(DONE)
        }),
        Command::List { json } => list(json, context),
        Command::Set { name, role, address, owner, suspended } => context.desk(async |desk| {
            let given =
                |text: Option<String>| text.map(|text| Some(text).filter(|one| one != "none"));
            let change = UserChange {
                role,
                address: given(address),
                owner: given(owner),
                suspended: suspended.map(|word| word == "yes"),
            };
            if change == UserChange::default() {
                let error = Error::new("there is nothing to change of the user");
                return Err(Stop::wrong_usage(error.hint("such as --role auditor")));
            }
            desk.set_user(&name, change).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("changed {name}"));
            Ok(DONE)
        }),
        Command::Link { name } => context.desk(async |desk| {
            let link = desk.link_user(&name).await.map_err(Stop::could_not)?;
            let end = link.ends_at.to_seconds();
            context.talk.note(&format!("signs {name} in once, until {end}; this is shown once:"));
            writeln!(anstream::stdout(), "{}", link.url)?;
            Ok(DONE)
        }),
        Command::Remove { name, yes } => context.desk(async |desk| {
            confirm(&format!("Remove the user {name}? Their tokens end at once."), yes)?;
            desk.remove_user(&name).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("removed {name}"));
            Ok(DONE)
        }),
    }
}

fn list(as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let users = desk.list_users().await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&UserList { users, next: None })?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        if users.is_empty() {
            writeln!(
                out,
                "No users yet: keytender serve makes the first, or keytender users add."
            )?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["USER", "ROLE", "ADDRESS", "SEES", "STATE"]);
        for user in &users {
            let sees = match (&user.owner, user.role) {
                (Some(owner), Role::Owner) => format!("keys of {owner}"),
                (None, Role::Owner) => "nothing".to_owned(),
                _ => "every key".to_owned(),
            };
            let state = match user.suspended_at {
                Some(at) => format!("suspended {}", at.date()),
                None => "active".to_owned(),
            };
            grid.push([
                Cell::new([printable(&user.name).into_owned()]),
                Cell::new([user.role.as_str().to_owned()]),
                Cell::new([printable(user.address.as_deref().unwrap_or("–")).into_owned()]),
                Cell::new([printable(&sees).into_owned()]),
                Cell::new([state]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}
