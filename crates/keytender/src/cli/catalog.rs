//! `keytender catalog`: the APIs that are used, beside the keys that are held there.

use std::fs::File;
use std::io::{self, Read, Write};

use clap::Subcommand;
use futures_util::stream::{self, StreamExt};
use keytender_core::apis_json::MAX_BYTES;
use keytender_core::text::printable;

use super::context::{Context, block_on, confirm};
use super::grid::{Cell, Grid};
use super::words::{count, terminal_width, write_json};
use super::{COULD_NOT, DONE, Stop};
use crate::app::catalog::{self, Export};
use crate::app::view::{
    CatalogCheckView, CatalogDetailView, CatalogDiscoveryRequest, CatalogEntryView,
    CatalogImportRequest, CatalogIndexView, CatalogLookView, CatalogSummaryView, RemarkView,
};
use crate::error::Error;

/// At the addresses of how many is looked at once.
const AT_ONCE: usize = 8;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Import an index of APIs that you use: an apis.json or apis.yml
    Import(Import),
    /// List who runs the APIs that you use, and the keys that you hold there
    List(List),
    /// Show the APIs of one of them, what leads to its keys, and your accounts there
    Show {
        /// A provider, a domain or a name
        name: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at the addresses of those who run them for what they publish of their keys
    Discover(Discover),
    /// Write the APIs that you use as an index of APIs.json 0.23, without anything secret
    Export {
        /// What the index is called
        #[arg(long)]
        name: Option<String>,
        /// Where it will be
        #[arg(long)]
        url: Option<String>,
        /// Who keeps it
        #[arg(long, value_name = "NAME")]
        maintainer: Option<String>,
    },
    /// Check an index against APIs.json 0.23, with the place of each fault and what to do
    Check {
        /// A file or a URL
        #[arg(value_name = "FILE|URL")]
        place: String,
        /// Let a URL lead to an address that is not public
        #[arg(long)]
        allow_private: bool,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget an index and its APIs
    Remove {
        /// Its id, where it came from, or its name
        index: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// What is imported, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// A file or a URL
    #[arg(value_name = "FILE|URL")]
    place: String,
    /// Leave out the indexes that it includes
    #[arg(long)]
    no_include: bool,
    /// Let a URL lead to an address that is not public
    #[arg(long)]
    allow_private: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// At whose addresses is looked.
#[derive(Debug, clap::Args)]
pub(super) struct Discover {
    /// Providers, domains or names
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Let an address be one that is not public
    #[arg(long)]
    allow_private: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Which are listed.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only those of which no key is recorded
    #[arg(long, conflicts_with = "indexes")]
    without_keys: bool,
    /// The indexes that were imported, with what was odd in them
    #[arg(long)]
    indexes: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Import(args) => import(args, context),
        Command::Discover(args) => discover(&args, context),
        Command::List(args) if args.indexes => indexes(args.json, context),
        Command::List(args) => list(&args, context),
        Command::Show { name, json } => context.desk(async |desk| {
            let detail = desk.get_catalog(&name).await.map_err(Stop::could_not)?;
            match json {
                true => write_json(&detail)?,
                false => write_detail(&mut anstream::stdout(), &detail)?,
            }
            Ok(DONE)
        }),
        Command::Export { name, url, maintainer } => context.desk(async |desk| {
            let given = Export {
                name: name.as_deref(),
                url: url.as_deref(),
                maintainer: maintainer.as_deref(),
            };
            let text = desk.export_catalog(given).await.map_err(Stop::could_not)?;
            io::stdout().lock().write_all(&text)?;
            if url.is_none() {
                context.talk.note("it says that it is at localhost; --url says where it will be");
            }
            Ok(DONE)
        }),
        Command::Check { place, allow_private, json } => check(&place, allow_private, json),
        Command::Remove { index, yes } => {
            confirm(&format!("Forget the index {index} and its APIs?"), yes)?;
            context.desk(async |desk| {
                desk.remove_catalog(&index).await.map_err(Stop::could_not)?;
                context.talk.note(&format!("forgot {index}"));
                Ok(DONE)
            })
        }
    }
}

/// Whether a word is an address rather than a file.
fn is_address(place: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| place.starts_with(scheme))
}

/// The text of a file, no more of it than an index may have.
fn read(place: &str) -> Result<String, Error> {
    let cannot = || Error::new(format!("cannot read `{place}`"));
    let file = File::open(place).map_err(|error| cannot().source(error))?;
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| cannot().source(error))?;
    if bytes.len() > MAX_BYTES {
        return Err(cannot().source(format!("it is longer than {MAX_BYTES} bytes")));
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn import(args: Import, context: &Context) -> Result<u8, Stop> {
    let mut request = CatalogImportRequest {
        no_include: args.no_include,
        allow_private: args.allow_private,
        ..CatalogImportRequest::default()
    };
    if is_address(&args.place) {
        request.url = Some(args.place.clone());
    } else {
        request.document = Some(read(&args.place).map_err(Stop::could_not)?);
        request.source = Some(args.place.clone());
    }
    context.desk(async |desk| {
        let done = desk.import_catalog(&request).await.map_err(Stop::could_not)?;
        for warning in &done.index.warnings {
            let line = warning.line();
            let advice = &warning.hint;
            context.talk.warning(&format!("{}: {line}; {advice}", args.place));
        }
        if args.json {
            write_json(&done)?;
            return Ok(DONE);
        }
        let index = &done.index;
        let word = if done.replaced { "imported again" } else { "imported" };
        let with = match index.included.len() {
            0 => String::new(),
            number => format!(", with {} that it includes", indexes_in_words(number)),
        };
        context.talk.note(&format!(
            "{word} {}: {}{with}",
            printable(&index.name),
            count(index.apis, "API")
        ));
        write_entries(&done.entries, &done.summary)?;
        Ok(DONE)
    })
}

fn indexes_in_words(number: usize) -> String {
    match number {
        1 => "1 index".to_owned(),
        number => format!("{number} indexes"),
    }
}

fn list(args: &List, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let (mut entries, summary) = desk.list_catalog().await.map_err(Stop::could_not)?;
        if entries.is_empty() && !args.json {
            context.talk.note("no API is known yet: keytender catalog import FILE|URL");
            return Ok(DONE);
        }
        entries.retain(|entry| !args.without_keys || entry.keys == 0);
        match args.json {
            true => write_json(&serde_json::json!({"summary": summary, "entries": entries}))?,
            false => write_entries(&entries, &summary)?,
        }
        Ok(DONE)
    })
}

fn write_entries(entries: &[CatalogEntryView], summary: &CatalogSummaryView) -> io::Result<()> {
    let mut grid = Grid::new(["RUN BY", "APIS", "KEYS", "DUE", "MANAGED BY", "KEYS ARE AT"]);
    for entry in entries {
        let number = |number: u64| Cell::new([number.to_string()]);
        let name = match &entry.domain {
            Some(domain) if *domain != entry.name => format!("{} ({domain})", entry.name),
            _ => entry.name.clone(),
        };
        grid.push([
            Cell::new([printable(&name).into_owned()]),
            number(entry.apis),
            number(entry.keys),
            number(entry.due),
            Cell::new([entry.how.words().to_owned()]),
            Cell::new([printable(entry.keys_at.as_deref().unwrap_or("–")).into_owned()]),
        ]);
    }
    let mut out = anstream::stdout();
    if !grid.is_empty() {
        grid.write(&mut out, terminal_width())?;
    }
    writeln!(out, "{}", printable(&summary.sentence))
}

fn write_detail(out: &mut impl Write, detail: &CatalogDetailView) -> io::Result<()> {
    let entry = &detail.entry;
    let domain = entry.domain.as_deref().filter(|domain| *domain != entry.name);
    let domain = domain.map(|domain| format!("  {domain}")).unwrap_or_default();
    writeln!(out, "{}{}", printable(&entry.name), printable(&domain))?;
    writeln!(out, "{}", printable(&entry.sentence))?;
    writeln!(out, "Its keys are managed: {}", entry.how.words())?;
    if let Some(page) = &entry.keys_at {
        writeln!(out, "Its keys are at {}", printable(page))?;
    }
    detail.looks.iter().try_for_each(|look| write_look(out, look))?;
    for account in &detail.accounts {
        let (name, keys) = (printable(&account.name), count(account.keys, "key"));
        writeln!(out, "Account {name}: {keys}, {} due", account.due)?;
    }
    for api in &detail.apis {
        writeln!(out, "\n{}", printable(&api.name))?;
        if !api.description.is_empty() {
            writeln!(out, "  {}", printable(&api.description))?;
        }
        let urls = [("calls", &api.base_url), ("page", &api.human_url)];
        for (word, url) in urls.iter().filter_map(|(word, url)| Some((word, url.as_ref()?))) {
            writeln!(out, "  {word}: {}", printable(url))?;
        }
        for lead in &api.leads {
            writeln!(out, "  {}: {}", lead.lead.as_str(), printable(&lead.url))?;
        }
    }
    Ok(())
}

fn write_look(out: &mut impl Write, look: &CatalogLookView) -> io::Result<()> {
    writeln!(out, "{}, as of {}:", printable(&look.origin), look.looked_at.to_seconds())?;
    for place in look.found() {
        let what = printable(&place.what);
        match place.lead {
            Some(lead) => writeln!(out, "  {}: {}, {what}", lead.as_str(), printable(&place.url))?,
            None => writeln!(out, "  {}, {what}", printable(&place.url))?,
        }
    }
    if let Some(sentence) = look.missing() {
        writeln!(out, "  {}", printable(&sentence))?;
    }
    match look.command() {
        Some(command) => writeln!(out, "  Add an account there: {}", printable(&command)),
        None => Ok(()),
    }
}

fn discover(args: &Discover, context: &Context) -> Result<u8, Stop> {
    let request = CatalogDiscoveryRequest { allow_private: args.allow_private };
    context.desk(async |desk| {
        let mut names = args.names.clone();
        if args.all {
            let (entries, _) = desk.list_catalog().await.map_err(Stop::could_not)?;
            names.extend(entries.into_iter().map(|entry| entry.id));
            let whose = count(names.len(), "provider");
            let question = format!(
                "Ask the addresses of {whose}, by https and without a credential, for what they publish?"
            );
            confirm(&question, args.yes)?;
        }
        let looks = names.iter().map(async |name| (name, desk.discover_catalog(name, &request).await));
        let mut looks = stream::iter(looks).buffered(AT_ONCE);
        let (mut all, mut failed) = (Vec::new(), 0_usize);
        while let Some((name, found)) = looks.next().await {
            match found {
                Ok(detail) if args.json => all.push(detail),
                Ok(detail) => write_found(&detail)?,
                // Of many, each is looked at for itself.
                Err(error) if names.len() > 1 => {
                    failed += 1;
                    context.talk.warning(&format!("{}: {error}", printable(name)));
                }
                Err(error) => return Err(Stop::could_not(error)),
            }
        }
        if args.json {
            write_json(&serde_json::json!({"entries": all}))?;
        }
        Ok(if failed > 0 { COULD_NOT } else { DONE })
    })
}

fn write_found(detail: &CatalogDetailView) -> io::Result<()> {
    let entry = &detail.entry;
    let mut out = anstream::stdout();
    writeln!(out, "{}: {}", printable(&entry.name), entry.how.words())?;
    detail.looks.iter().try_for_each(|look| write_look(&mut out, look))
}

fn indexes(as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let indexes = desk.list_catalog_indexes().await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&serde_json::json!({"indexes": indexes}))?;
            return Ok(DONE);
        }
        if indexes.is_empty() {
            context.talk.note("no index was imported yet: keytender catalog import FILE|URL");
        }
        let mut out = anstream::stdout();
        for index in &indexes {
            write_index(&mut out, index)?;
        }
        Ok(DONE)
    })
}

fn write_index(out: &mut impl Write, index: &CatalogIndexView) -> io::Result<()> {
    let version = index.version.as_deref().unwrap_or("of no version");
    writeln!(
        out,
        "{}  {}  {}, {}, imported {}",
        index.id,
        printable(&index.name),
        printable(version),
        count(index.apis, "API"),
        index.imported_at.to_seconds()
    )?;
    writeln!(out, "  from {}", printable(&index.source))?;
    for included in &index.included {
        writeln!(out, "  with {}", printable(included))?;
    }
    index.warnings.iter().try_for_each(|warning| write_remark(out, "odd", warning))
}

fn write_remark(out: &mut impl Write, word: &str, remark: &RemarkView) -> io::Result<()> {
    writeln!(out, "  {word}: {}", printable(&remark.line()))?;
    writeln!(out, "    {}", printable(&remark.hint))
}

fn check(place: &str, allow_private: bool, as_json: bool) -> Result<u8, Stop> {
    let text = match is_address(place) {
        true => block_on(catalog::text_at(place, allow_private))?,
        false => read(place),
    };
    let checked = catalog::check(&text.map_err(Stop::could_not)?).map_err(Stop::could_not)?;
    match as_json {
        true => write_json(&checked)?,
        false => write_checked(place, &checked)?,
    }
    Ok(if checked.valid { DONE } else { COULD_NOT })
}

fn write_checked(place: &str, checked: &CatalogCheckView) -> io::Result<()> {
    let mut out = anstream::stdout();
    let place = printable(place);
    match checked.valid {
        true => writeln!(out, "{place} is a valid index of APIs.json 0.23")?,
        false => writeln!(
            out,
            "{place} is no valid index of APIs.json 0.23: {}",
            count(checked.faults.len(), "fault")
        )?,
    }
    checked.faults.iter().try_for_each(|fault| write_remark(&mut out, "fault", fault))?;
    checked.notes.iter().try_for_each(|note| write_remark(&mut out, "note", note))?;
    match checked.more {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}
