//! `keytender destinations`: where the secrets of held keys are used.

use std::io::Write;

use clap::Subcommand;
use keytender_core::text::printable;

use super::context::Context;
use super::grid::{Cell, Grid};
use super::words::{terminal_width, write_json};
use super::{COULD_NOT, DONE, Stop, style};
use crate::app::rotate::places::{of_words, reload_of_words};
use crate::app::view::{DestinationList, DestinationView, NewDestinationRequest};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List destinations
    List {
        /// Of this key; of all if none is named
        key: Option<String>,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a place where a key's secret is used
    Add(Add),
    /// Prove that destinations could be written, without changing them
    Check {
        /// Of this key; of all if none is named
        key: Option<String>,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a destination from a key; what stands there stays
    Remove {
        /// Keytender's id, the provider's id, or the name of a key
        key: String,
        /// The destination's name
        name: String,
    },
}

/// Add a place where a key's secret is used.
///
/// The secret is not asked for: a rotation reads it there, and replaces it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keytender destinations add AKIA… shop env path=/srv/shop/.env id=AWS_ACCESS_KEY_ID secret=AWS_SECRET_ACCESS_KEY
  keytender destinations add AKIA… laptop aws-credentials path=/home/ann/.aws/credentials profile=prod
  keytender destinations add billing settings yaml path=/etc/billing.yaml secret=/stripe/key --reload systemd:billing.service
  keytender destinations add billing vault vault url=https://vault.example.com:8200 path=shop/billing secret=key token=env:VAULT_TOKEN
  keytender destinations add billing partner by-hand note=\"the form of our partner\"")]
pub(super) struct Add {
    /// Keytender's id, the provider's id, or the name of a key
    key: String,
    /// What you call the destination
    name: String,
    /// env, aws-credentials, file, json, yaml, toml, keyring, vault, kubernetes, aws-secretsmanager,
    /// aws-ssm, github-actions, gitlab-variable, command, by-hand
    kind: String,
    /// What it needs, such as path=/srv/shop/.env; a value may be JSON
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// How whoever uses it is told to read it again: systemd:UNIT, command:PROGRAM ARG…, https://… or
    /// rollout:NAMESPACE/deployment/NAME
    #[arg(long, value_name = "HOW")]
    reload: Option<String>,
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::List { key, json } => context.desk(async |desk| {
            let found = desk.list_destinations(key.as_deref()).await.map_err(Stop::could_not)?;
            show(found, json, "No destinations yet: keytender destinations add --help")
        }),
        Command::Add(args) => add(&args, context),
        Command::Check { key, json } => context.desk(async |desk| {
            let found = desk.check_destinations(key.as_deref()).await.map_err(Stop::could_not)?;
            let is_bad = found.iter().any(|one| one.fault.is_some());
            show(found, json, "No destinations to check.")?;
            Ok(if is_bad { COULD_NOT } else { DONE })
        }),
        Command::Remove { key, name } => context.desk(async |desk| {
            desk.remove_destination(&key, &name).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("removed {}; what stands there stays", printable(&name)));
            Ok(DONE)
        }),
    }
}

fn add(args: &Add, context: &Context) -> Result<u8, Stop> {
    let reload = args.reload.as_deref().map(reload_of_words).transpose();
    let new = NewDestinationRequest {
        name: args.name.clone(),
        spec: of_words(&args.kind, &args.fields).map_err(Stop::wrong_usage)?,
        reload: reload.map_err(Stop::wrong_usage)?,
    };
    context.desk(async |desk| {
        let added = desk.add_destination(&args.key, &new).await.map_err(Stop::could_not)?;
        context.talk.note(&format!(
            "added; prove that it can be written: keytender destinations check {}",
            added.key
        ));
        Ok(DONE)
    })
}

fn show(found: Vec<DestinationView>, as_json: bool, none: &str) -> Result<u8, Stop> {
    if as_json {
        write_json(&DestinationList { destinations: found })?;
        return Ok(DONE);
    }
    let mut out = anstream::stdout();
    if found.is_empty() {
        writeln!(out, "{none}")?;
        return Ok(DONE);
    }
    let mut grid = Grid::new(["KEY", "NAME", "WHERE", "CHECKED"]);
    for one in &found {
        let (checked, look) = match (&one.fault, one.checked_at) {
            (Some(fault), _) => (printable(fault).into_owned(), style::WARNING),
            (None, Some(at)) => (format!("good on {}", at.date()), anstyle::Style::new()),
            (None, None) => ("never".to_owned(), anstyle::Style::new()),
        };
        grid.push([
            Cell::new([one.key.clone()]),
            Cell::new([printable(&one.name).into_owned()]),
            Cell::new([wherein(one)]),
            Cell::new([checked]).styled(look),
        ]);
    }
    grid.write(&mut out, terminal_width())?;
    Ok(DONE)
}

/// Its kind and its fields, as they were given.
fn wherein(one: &DestinationView) -> String {
    let fields = one.spec.as_object().into_iter().flatten();
    let kind = one.spec.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default();
    let words = fields.filter(|(name, _)| *name != "kind").map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={value}")
    });
    let words: Vec<String> = std::iter::once(kind.to_owned()).chain(words).collect();
    printable(&words.join(" ")).into_owned()
}
