//! `keytender apis`: our own APIs, whose keys we issue.

use std::io::{self, Write};

use clap::{Subcommand, ValueEnum};
use keytender_core::text::{count, printable};
use keytender_core::time::Span;

use super::context::{Context, confirm};
use super::grid::{Cell, Grid};
use super::words::{terminal_width, write_json};
use super::{DONE, Stop, parse_span, style};
use crate::app::apis::{ApiChange, NewApi};
use crate::app::leaks::rules;
use crate::app::view::{ApiList, ApiView, RecognisersView};
use crate::error::Error;
use crate::store::apis::{ApiSettings, OnLeak};

mod create;
mod import;
mod own;
mod portal;

/// The word that takes back what was said.
const NOTHING: &str = "none";
/// The word for a key without an end.
const NEVER: &str = "never";
/// The word for what this program would take itself.
const DEFAULT: &str = "default";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add an API with a first key, and print how to protect it: nginx, Caddy, axum, curl
    Create(create::Create),
    /// Add an API of yours; its customers, their apps and keys come next
    Add(Add),
    /// List your APIs
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell how the keys of an API are issued
    Show {
        /// The API
        name: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Change how the keys of an API are issued from now on
    Set(Set),
    Import(import::Import),
    /// Make a new pepper: what is kept of keys that others issued changes at their next use
    RenewPepper {
        /// Why, for the log
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
    },
    /// Print the rules by which scanners find keys of an API that leaked
    LeakRules {
        /// The API
        name: String,
        /// For which scanner
        #[arg(long, value_enum, default_value_t = Format::Recipe)]
        format: Format,
    },
    /// Remove an API that has no customers
    Remove {
        /// The API
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Add an API of yours; its customers, their apps and keys come next.
///
/// It is a provider like any other: its keys stand in every list, report and search.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Its name: small letters, digits and -
    name: String,
    /// What each of its keys begins with, 2 to 10 of a-z and 0-9; the letters of its name if not given
    #[arg(long, value_name = "WORD")]
    brand: Option<String>,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// How long a key works of which nobody says how long, such as 365d; for ever if not given
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    key_life: Option<Span>,
    /// How long both keys of a rotation work of which nobody says how long; 8d if not given
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    overlap: Option<Span>,
    /// What is done about a key that was found where a secret must not be; suspend if not given
    #[arg(long, value_enum)]
    on_leak: Option<Leak>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Leak {
    /// It does not work until somebody lets it
    Suspend,
    /// It ends for good
    Revoke,
    /// It works on
    Mark,
}

impl From<Leak> for OnLeak {
    fn from(leak: Leak) -> Self {
        match leak {
            Leak::Suspend => Self::Suspend,
            Leak::Revoke => Self::Revoke,
            Leak::Mark => Self::Mark,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Pattern, checksum and examples, as JSON
    Recipe,
    /// A configuration of Gitleaks
    Gitleaks,
    /// A custom detector of TruffleHog
    Trufflehog,
    /// A rule of Kingfisher, which checks the checksum
    Kingfisher,
    /// A plug-in of detect-secrets, which checks the checksum
    DetectSecrets,
    /// What GitHub asks for: for a custom pattern, or to become a scanning partner
    Github,
}

impl From<Format> for rules::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Recipe => Self::Recipe,
            Format::Gitleaks => Self::Gitleaks,
            Format::Trufflehog => Self::Trufflehog,
            Format::Kingfisher => Self::Kingfisher,
            Format::DetectSecrets => Self::DetectSecrets,
            Format::Github => Self::Github,
        }
    }
}

/// Change how the keys of an API are issued from now on; those that are there stay as they are.
#[derive(Debug, clap::Args)]
pub(super) struct Set {
    /// The API
    name: String,
    /// What people call it; `none` takes it away
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// How long a key works of which nobody says how long; `never`: it has no end
    #[arg(long, value_name = "SPAN")]
    key_life: Option<String>,
    /// How long both keys of a rotation work of which nobody says how long; `default`: 8d
    #[arg(long, value_name = "SPAN")]
    overlap: Option<String>,
    #[command(flatten)]
    portal: portal::Options,
    #[command(flatten)]
    own: own::Own,
    /// What is done about a key that was found where a secret must not be
    #[arg(long, value_enum)]
    on_leak: Option<Leak>,
    /// By which name secret scanners know its keys, such as acme_api_key; `none` takes it away
    #[arg(long, value_name = "WORD")]
    scanning_type: Option<String>,
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Create(args) => create::run(&args, context),
        Command::Add(args) => add(args, context),
        Command::List { json } => list(json, context),
        Command::Show { name, json } => show(&name, json, context),
        Command::Set(args) => set(args, context),
        Command::Import(args) => import::run(&args, context),
        Command::RenewPepper { because } => context.desk(async |desk| {
            let version = desk.renew_pepper(because.as_deref()).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("pepper {version} is the present one"));
            Ok(DONE)
        }),
        Command::LeakRules { name, format } => context.desk(async |desk| {
            let text = desk.leak_rules(&name, format.into()).await.map_err(Stop::could_not)?;
            write!(anstream::stdout(), "{text}")?;
            Ok(DONE)
        }),
        Command::Remove { name, yes } => context.desk(async |desk| {
            confirm(&format!("Remove the API {name}?"), yes)?;
            desk.remove_api(&name).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("removed {name}"));
            Ok(DONE)
        }),
    }
}

fn add(args: Add, context: &Context) -> Result<u8, Stop> {
    let settings = ApiSettings {
        title: args.title,
        key_life: args.key_life,
        overlap: args.overlap,
        on_leak: args.on_leak.map(OnLeak::from),
        ..ApiSettings::default()
    };
    let new = NewApi { name: args.name, brand: args.brand, settings };
    context.desk(async |desk| {
        let api = desk.add_api(new).await.map_err(Stop::could_not)?;
        context.talk.note(&format!(
            "added {}, whose keys begin with {}_live_; next: keytender accounts add {} CUSTOMER",
            api.name, api.brand, api.name
        ));
        Ok(DONE)
    })
}

fn life(api: &ApiView) -> String {
    api.key_life.map_or_else(|| "no end".to_owned(), |life| life.to_string())
}

fn list(as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let apis = desk.list_apis().await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&ApiList { apis, next: None })?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        if apis.is_empty() {
            writeln!(out, "No APIs of yours yet. Add one: keytender apis add NAME")?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["API", "KEYS BEGIN WITH", "KEYS LAST", "OVERLAP", "SINCE"]);
        for api in &apis {
            let title = printable(api.title.as_deref().unwrap_or_default()).into_owned();
            grid.push([
                Cell::new([api.name.clone(), title]),
                Cell::new([format!("{}_", api.brand)]),
                Cell::new([life(api)]),
                Cell::new([api.overlap.to_string()]),
                Cell::new([api.created_at.date()]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}

fn show(name: &str, as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let api = desk.get_api(name).await.map_err(Stop::could_not)?;
        match as_json {
            true => write_json(&api)?,
            false => write(&api, &desk.recognisers(name).await.map_err(Stop::could_not)?)?,
        }
        Ok(DONE)
    })
}

fn write(api: &ApiView, imported: &RecognisersView) -> io::Result<()> {
    let mut out = anstream::stdout();
    let head = style::HEAD;
    writeln!(out, "{head}{}{head:#}  {}", api.name, api.id)?;
    if let Some(title) = &api.title {
        writeln!(out, "  title        {}", printable(title))?;
    }
    writeln!(out, "  keys         {}_live_…, {}_test_… for trying", api.brand, api.brand)?;
    writeln!(out, "  keys last    {}", life(api))?;
    writeln!(out, "  overlap      {}", api.overlap)?;
    for (place, one) in imported.recognisers.iter().enumerate() {
        let name = if place == 0 { "imported" } else { "" };
        writeln!(out, "  {name:<13}{}: {}", one.rule, count(one.keys, "key"))?;
    }
    portal::write(&mut out, &api.portal)?;
    own::write(&mut out, api.own_apps.as_ref())?;
    writeln!(out, "  on a leak    {}", api.on_leak.as_str())?;
    if let Some(word) = &api.scanning_type {
        writeln!(out, "  scanned for  {word}")?;
    }
    writeln!(out, "  since        {}", api.created_at)
}

/// What an option says: `word` for nothing of one's own, or a length of time.
fn span(option: &str, text: Option<String>, word: &str) -> Result<Option<Option<Span>>, Stop> {
    match text {
        None => Ok(None),
        Some(text) if text == word => Ok(Some(None)),
        Some(text) => parse_span(&text).map(Some).map(Some).map_err(|error| {
            Stop::wrong_usage(Error::new(format!("{option}: {error}, or `{word}`")))
        }),
    }
}

fn set(args: Set, context: &Context) -> Result<u8, Stop> {
    let change = ApiChange {
        title: args.title.map(|title| Some(title).filter(|title| title != NOTHING)),
        key_life: span("--key-life", args.key_life, NEVER)?,
        overlap: span("--overlap", args.overlap, DEFAULT)?,
        portal: args.portal.change()?,
        on_leak: args.on_leak.map(OnLeak::from).map(Some),
        scanning_type: args.scanning_type.map(|word| Some(word).filter(|word| word != NOTHING)),
        own_apps: args.own.change()?,
    };
    if change == ApiChange::default() {
        let error = Error::new("there is nothing to change").hint("such as --key-life 365d");
        return Err(Stop::wrong_usage(error));
    }
    context.desk(async |desk| {
        let api = desk.set_api(&args.name, change).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("changed {}", api.name));
        Ok(DONE)
    })
}
