//! `keytender providers`: whose keys Keytender knows how to manage.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use keytender_core::akm::draft::{Given, MAX_DESCRIPTION_BYTES};
use keytender_core::akm::{MAX_BYTES, OperationName};
use keytender_core::text::printable;

use super::context::Context;
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width};
use super::{COULD_NOT, DONE, Stop};
use crate::app::providers;
use crate::app::view::{KeyTypeView, OperationView, ProviderList, ProviderView};
use crate::error::Error;

mod discovered;

pub(super) use discovered::say_descriptor;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the providers, and what can be done with their keys
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is known of a provider: its kinds of keys, permissions, gaps, sources
    Show {
        /// The provider
        provider: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at an address for what a provider says of its keys, in every place that standards name
    Discover {
        /// A domain, such as example.com, or the URL of a document
        address: String,
        /// Reach it in a private network too
        #[arg(long)]
        allow_private: bool,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Check descriptors, with the place of everything that is wrong
    Check {
        /// Descriptors, in YAML or JSON
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Write a first descriptor from a provider's OpenAPI description
    ///
    /// What the description does not decide is marked: `# decide:`. No act of a draft is done before you
    /// allow it.
    Draft {
        /// The description: OpenAPI 3, in JSON or YAML
        #[arg(value_name = "OPENAPI-FILE")]
        file: PathBuf,
        /// The base of its paths, where the description has another
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// The provider's name on the shelf
        #[arg(long)]
        id: Option<String>,
    },
}

pub(super) fn run(command: &Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::List { json } => list(*json, context),
        Command::Show { provider, json } => show(provider, *json),
        Command::Discover { address, allow_private, json } => {
            discovered::discover(address, *allow_private, *json)
        }
        Command::Check { files } => check(files, context),
        Command::Draft { file, server, id } => {
            let given = Given { id: id.as_deref(), server: server.as_deref() };
            draft(file, given, context)
        }
    }
}

fn list(as_json: bool, context: &Context) -> Result<u8, Stop> {
    let providers = providers::list().map_err(Stop::could_not)?;
    if as_json {
        return write_json(&ProviderList { providers, next: None });
    }
    let mut grid = Grid::new([
        "PROVIDER", "KEYS", "LIST", "LAST USE", "CREATE", "DISABLE", "ROTATE", "DELETE",
    ]);
    for provider in &providers {
        for (place, kind) in provider.key_types.iter().enumerate() {
            let name = if place == 0 { provider.id.clone() } else { String::new() };
            let mark = |name| Cell::new([mark(kind, name).to_owned()]);
            let used = if kind.last_used { "yes" } else { "–" };
            grid.push([
                Cell::new([name]),
                Cell::new([printable(&kind.noun).into_owned()]),
                mark(OperationName::List),
                Cell::new([used.to_owned()]),
                mark(OperationName::Create),
                mark(OperationName::Suspend),
                mark(OperationName::Rotate),
                mark(OperationName::Delete),
            ]);
        }
    }
    grid.write(&mut anstream::stdout(), terminal_width())?;
    let kinds: usize = providers.iter().map(|provider| provider.key_types.len()).sum();
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    context.talk.note(&format!(
        "{}, {}; yes: by a call, page: by hand on the provider's page, unsure: not before you allow it",
        count(number(providers.len()), "provider"),
        count(number(kinds), "kind") + " of keys",
    ));
    Ok(DONE)
}

/// How an operation is done, in a word.
fn mark(kind: &KeyTypeView, name: OperationName) -> &'static str {
    match kind.operations.get(name.as_str()) {
        Some(OperationView::Call) => "yes",
        Some(other) => other.as_str(),
        None => "–",
    }
}

fn show(id: &str, as_json: bool) -> Result<u8, Stop> {
    let provider = providers::get(id).map_err(Stop::could_not)?;
    if as_json {
        return write_json(&provider);
    }
    write_provider(&mut anstream::stdout(), &provider)?;
    Ok(DONE)
}

fn write_provider(out: &mut impl Write, provider: &ProviderView) -> io::Result<()> {
    writeln!(out, "{} ({})  {}", provider.name, provider.id, provider.url)?;
    for kind in &provider.key_types {
        write_kind(out, kind)?;
    }
    for method in &provider.authentication {
        writeln!(out, "\nCredential `{}`: {}", method.id, method.scheme)?;
        if !method.parts.is_empty() {
            writeln!(out, "  consists of {}", method.parts.join(", "))?;
        }
        for (operation, words) in &method.permissions {
            writeln!(out, "  {operation} needs {}", words.join(", "))?;
        }
        if let Some(bootstrap) = &method.bootstrap {
            writeln!(out, "  {bootstrap}")?;
        }
    }
    if !provider.variables.is_empty() {
        writeln!(out, "\nAn account says:")?;
    }
    for (name, variable) in &provider.variables {
        let default = variable.default.as_ref().map(|text| format!(", {text} by default"));
        writeln!(out, "  {name}: {}{}", variable.help, default.unwrap_or_default())?;
    }
    let lists = [("Cannot be done, or is not known", &provider.gaps)];
    for (title, lines) in lists.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        writeln!(out, "\n{title}:")?;
        lines.iter().try_for_each(|line| writeln!(out, "  - {line}"))?;
    }
    if !provider.links.is_empty() {
        writeln!(out, "\nPages:")?;
    }
    provider.links.iter().try_for_each(|(name, link)| writeln!(out, "  {name}: {link}"))?;
    writeln!(out, "\nSources{}:", updated(provider))?;
    provider
        .sources
        .iter()
        .try_for_each(|source| writeln!(out, "  - {}: {}", source.name, source.supports))
}

fn updated(provider: &ProviderView) -> String {
    provider.updated.as_ref().map_or_else(String::new, |day| format!(", as of {day}"))
}

fn write_kind(out: &mut impl Write, kind: &KeyTypeView) -> io::Result<()> {
    let within = kind.within.as_ref().map(|within| format!(", of each {within}"));
    writeln!(out, "\n{} ({}){}", kind.noun, kind.id, within.unwrap_or_default())?;
    for name in OperationName::ALL {
        if let Some(how) = kind.operations.get(name.as_str()) {
            writeln!(out, "  {:<14} {}", name.as_str(), how.as_str())?;
        }
    }
    let told = |is_told: bool| if is_told { "told" } else { "not told" };
    writeln!(out, "  last use       {}", told(kind.last_used))?;
    writeln!(out, "  creation       {}", told(kind.created_at))?;
    writeln!(out, "  replaced by    {}", kind.rotation)
}

fn check(files: &[PathBuf], context: &Context) -> Result<u8, Stop> {
    let mut code = DONE;
    for file in files {
        let name = file.display().to_string();
        match text(file).and_then(|text| providers::check(&name, &text)) {
            Ok((provider, warnings)) => {
                warnings.iter().for_each(|warning| context.talk.note(&printable(warning)));
                let kinds = u64::try_from(provider.key_types.len()).unwrap_or(u64::MAX);
                let kinds = count(kinds, "kind");
                let mut out = anstream::stdout();
                writeln!(out, "{name}: {} with {kinds} of keys", printable(&provider.name))?;
            }
            Err(error) => {
                context.talk.error(&error);
                code = COULD_NOT;
            }
        }
    }
    Ok(code)
}

/// The text of a descriptor.
pub(super) fn text(file: &Path) -> Result<String, Error> {
    read_text(file, MAX_BYTES)
        .map_err(|error| Error::new(format!("cannot read {}", file.display())).source(error))
}

/// The text of a descriptor that is right.
pub(super) fn read(file: &Path) -> Result<String, Stop> {
    let text = text(file).map_err(Stop::could_not)?;
    providers::check(&file.display().to_string(), &text).map_err(Stop::could_not)?;
    Ok(text)
}

fn draft(file: &Path, given: Given<'_>, context: &Context) -> Result<u8, Stop> {
    let name = file.display().to_string();
    let text = read_text(file, MAX_DESCRIPTION_BYTES)
        .map_err(|error| Error::new(format!("cannot read {name}")).source(error))
        .map_err(Stop::could_not)?;
    let draft = providers::draft(&name, &text, given).map_err(Stop::could_not)?;
    write!(anstream::stdout(), "{}", draft.text)?;
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let kinds = count(number(draft.kinds), "kind");
    context.talk.note(&format!(
        "{kinds} of keys found; {} to decide, each marked in the draft",
        count(number(draft.doubts), "thing"),
    ));
    Ok(DONE)
}

/// The text of a file; no more of a longer one than shows that it is too long.
fn read_text(file: &Path, max_bytes: usize) -> io::Result<String> {
    let most = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(most).read_to_end(&mut bytes)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

fn write_json(value: &impl serde::Serialize) -> Result<u8, Stop> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(DONE)
}
