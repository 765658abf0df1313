//! `keytender scan`: keys in files, where they stand and whose they are.

use std::collections::HashMap;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::ProgressBar;
use keytender_core::text::{count, printable};

use super::audit::FailOn;
use super::context::{Context, confirm};
use super::desk::Desk;
use super::{COULD_NOT, DONE, FAIL_ON, Stop};
use crate::app::scan::live::{Answer, Question, Ways};
use crate::app::scan::{self, Finding, Found, Limits, Shapes, again, git, live};
use crate::app::view::{AnswerView, FoundKeyView, KeyPlacesRequest, KnownKeyView, ScanView};
use crate::clock;
use crate::config::actor;
use crate::error::{Error, Kind};

mod sarif;
mod table;

/// Bytes of a mebibyte.
const MIB: u64 = 1024 * 1024;
/// How many files that cannot be read are named on a terminal.
const MAX_WARNINGS_PRINTED: usize = 10;
/// How large a list of paths may be, in bytes.
const MAX_LIST: u64 = 64 * MIB;
/// How often a terminal sees that the program is at work.
const TICK: Duration = Duration::from_millis(100);

/// Keys in files: where they stand, and whose they are.
///
/// A PATH is a file or a folder. Ignore files are respected, but for files that are for credentials, such as `.env`.
/// What is printed of a key is its place, what is public of it and a fingerprint, never the key. Where there is an
/// inventory, the keys that it knows are named, and it keeps where they stand.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files and folders; with --history and --staged folders within git repositories
    #[arg(value_name = "PATH", required_unless_present_any = ["files_from", "history", "staged"])]
    paths: Vec<PathBuf>,
    /// Read more paths from this file, a line each or with NUL between them; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["history", "staged"])]
    files_from: Option<PathBuf>,
    /// Look through all commits of git, and tell each key once, at the first that has it
    #[arg(long, conflicts_with = "staged")]
    history: bool,
    /// Look at what the next commit would add: for a pre-commit hook
    #[arg(long)]
    staged: bool,
    /// How to write what was found
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Exit with 3 if a key this severe, or more, was found
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<FailOn>,
    /// Look at what ignore files leave out too
    #[arg(long)]
    no_ignore: bool,
    /// Leave out files larger than this, in MiB
    #[arg(long, value_name = "MIB", default_value_t = scan::MAX_FILE_BYTES / MIB, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_size: u64,
    /// Ask no inventory, and tell it nothing
    #[arg(long)]
    no_inventory: bool,
    /// Add the keys that the inventory does not know, as keys that you hold; their secrets are not kept
    #[arg(long, conflicts_with_all = ["no_inventory", "history", "staged"])]
    add: bool,
    /// Ask each provider, with the key itself, whose it is and whether it works; what is asked is shown before
    #[arg(long)]
    live: bool,
    /// With --live: ask without being asked
    #[arg(long, requires = "live")]
    yes: bool,
    /// With --live: what takes the place of a provider's address
    #[arg(long, value_name = "PROVIDER=URL", requires = "live", value_parser = super::accounts::setting)]
    endpoint: Vec<(String, String)>,
    /// With --live: what a provider asks for beside, such as gitlab.host=gitlab.example.com
    #[arg(long = "set", value_name = "PROVIDER.NAME=VALUE", requires = "live", value_parser = super::accounts::setting)]
    variables: Vec<(String, String)>,
    /// With --live: reach providers in a private network too
    #[arg(long, requires = "live")]
    allow_private: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people at a terminal
    Table,
    /// For programs
    Json,
    /// For code scanning and other consumers of SARIF 2.1.0
    Sarif,
}

pub(super) fn run(args: Args, context: &Context) -> Result<u8, Stop> {
    let shapes = Shapes::of_shelf().map_err(Stop::could_not)?;
    let paths = paths(&args)?;
    let found = look(&args, &shapes, &paths, context)?;
    let answers = match args.live {
        true => context.alone(async || ask(&args, &found.findings, context).await)?,
        false => HashMap::new(),
    };
    let told = Told {
        args: &args,
        shapes: &shapes,
        paths: &paths,
        findings: &found.findings,
        answers: &answers,
        context,
    };
    let keys = match (args.no_inventory, args.add || context.is_there()) {
        (true, _) => None,
        (false, true) => context.desk(async |desk| told.to(desk).await)?,
        // What only looks makes no inventory.
        (false, false) => context.look(async |inventory| match inventory {
            Some(inventory) => told.to(&Desk::Here(inventory)).await,
            None => Ok(None),
        })?,
    };
    let view = view(&args, &found, &answers, keys);
    write(&args, &view)?;
    tell(&view, context);
    Ok(code(&args, &view))
}

/// The files and folders that were named, and those of a list.
fn paths(args: &Args) -> Result<Vec<PathBuf>, Stop> {
    let mut paths = args.paths.clone();
    if let Some(file) = &args.files_from {
        let mut text = Vec::new();
        let is_input = file.as_os_str() == "-";
        let read = match is_input {
            true => io::stdin().lock().take(MAX_LIST).read_to_end(&mut text),
            false => {
                std::fs::File::open(file).and_then(|one| one.take(MAX_LIST).read_to_end(&mut text))
            }
        };
        read.map_err(|error| {
            let name = if is_input {
                "standard input".to_owned()
            } else {
                format!("`{}`", file.display())
            };
            Stop::could_not(
                Error::new(format!("cannot read the list of paths in {name}")).source(error),
            )
        })?;
        let text = String::from_utf8(text).map_err(|error| {
            Stop::could_not(Error::new("the list of paths is no UTF-8").source(error))
        })?;
        let between = if text.contains('\0') { '\0' } else { '\n' };
        paths.extend(text.split(between).filter(|path| !path.is_empty()).map(PathBuf::from));
    }
    if paths.is_empty() && (args.history || args.staged) {
        paths.push(PathBuf::from("."));
    }
    Ok(paths)
}

fn look(args: &Args, shapes: &Shapes, paths: &[PathBuf], context: &Context) -> Result<Found, Stop> {
    let spinner = match !context.talk.is_quiet && io::stderr().is_terminal() {
        true => ProgressBar::new_spinner().with_message("looking for keys"),
        false => ProgressBar::hidden(),
    };
    spinner.enable_steady_tick(TICK);
    let limits = Limits { respects_ignore: !args.no_ignore, max_bytes: args.max_size * MIB };
    let found = match (args.history, args.staged) {
        (true, _) => all(paths, |path| git::history(shapes, path)),
        (_, true) => all(paths, |path| git::staged(shapes, path)),
        _ => scan::files(shapes, paths, limits),
    };
    spinner.finish_and_clear();
    found.map_err(Stop::could_not)
}

/// What several folders have together.
fn all(
    paths: &[PathBuf],
    look: impl Fn(&std::path::Path) -> Result<Found, Error>,
) -> Result<Found, Error> {
    let mut whole = Found::default();
    for path in paths {
        whole.add(look(path)?);
    }
    Ok(whole)
}

/// What was found, with what the inventory and the providers say of it.
fn view(
    args: &Args,
    found: &Found,
    answers: &HashMap<String, Answer>,
    keys: Option<Vec<Option<KnownKeyView>>>,
) -> ScanView {
    let is_shared = args.history || args.staged;
    let has_inventory = keys.is_some();
    let keys = keys.unwrap_or_default().into_iter().chain(std::iter::repeat(None));
    let views = found.findings.iter().zip(keys).map(|(one, key)| {
        FoundKeyView::of(one, is_shared, key, answers.get(&one.fingerprint).map(AnswerView::of))
    });
    ScanView::of(clock::now(), &found.looked, has_inventory, views.collect())
}

/// What an inventory is told.
struct Told<'a> {
    args: &'a Args,
    shapes: &'a Shapes,
    paths: &'a [PathBuf],
    findings: &'a [Finding],
    answers: &'a HashMap<String, Answer>,
    context: &'a Context,
}

impl Told<'_> {
    /// The keys of the inventory that were found, after what was to be added and kept is; `None` where it could not be
    /// asked.
    async fn to(&self, desk: &Desk<'_>) -> Result<Option<Vec<Option<KnownKeyView>>>, Stop> {
        match self.keys(desk).await {
            Ok(keys) => Ok(Some(keys)),
            // What was found is worth telling all the same.
            Err(error) if matches!(desk, Desk::There(_)) && !self.args.add => {
                let why = error.explanation();
                self.context.talk.warning(&format!("the inventory was not asked: {why}"));
                Ok(None)
            }
            Err(error) => Err(Stop::could_not(error)),
        }
    }

    async fn keys(&self, desk: &Desk<'_>) -> Result<Vec<Option<KnownKeyView>>, Error> {
        let Self { args, context, .. } = self;
        let told = |(print, answer): (&String, &Answer)| Some((print.clone(), answer.id.clone()?));
        let ids = self.answers.iter().filter_map(told).collect();
        // Git is asked only where it matters how old a key is.
        let since = |found: &Finding| match args.add {
            true => git::line_since(found).into_iter().chain(found.stood_at).min(),
            false => found.stood_at,
        };
        let keys = again::told(self.findings, &ids, since);
        if args.history || args.staged {
            return desk.match_keys(keys).await;
        }
        let host = actor::host();
        let request = KeyPlacesRequest {
            host: host.clone(),
            looked_at: again::whole(self.paths),
            keys,
            gone: Vec::new(),
            add: args.add,
        };
        let kept = match desk.keep_places(&request).await {
            Err(error) if error.of_kind() == Kind::Forbidden && !args.add => {
                context.talk.note("where keys stand is not kept: this token may not (keys:write)");
                return desk.match_keys(request.keys).await;
            }
            kept => kept?,
        };
        if args.add {
            context.talk.note(&format!("{} added", count(kept.added, "key")));
        }
        if !kept.unconfirmed.is_empty() {
            let seen = again::look(self.shapes, &host, kept.unconfirmed);
            let forgotten = desk.keep_places(&seen).await?.forgotten;
            if forgotten > 0 {
                let places = count(forgotten, "place");
                context.talk.note(&format!("{places} forgotten: no key stands there any more"));
            }
        }
        Ok(kept.keys)
    }
}

/// Shows what would be asked about the keys, and asks it once somebody agreed.
async fn ask(
    args: &Args,
    findings: &[Finding],
    context: &Context,
) -> Result<HashMap<String, Answer>, Stop> {
    let (questions, mute) =
        live::plan(findings, &ways(args)?, clock::now()).map_err(Stop::could_not)?;
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    if mute > 0 {
        let keys = count(mute, "key");
        context.talk.note(&format!("{keys} of which no provider can be asked whose they are"));
    }
    if questions.is_empty() {
        return Ok(HashMap::new());
    }
    // Whoever agrees must see what to, also with --quiet.
    let mut calls: Vec<(String, u64)> = Vec::new();
    for Question { call, provider, .. } in &questions {
        let text = format!("{provider}: {call}");
        match calls.iter_mut().find(|(known, _)| *known == text) {
            Some((_, times)) => *times += 1,
            None => calls.push((text, 1)),
        }
    }
    if !args.yes {
        let mut err = io::stderr().lock();
        for (text, times) in &calls {
            writeln!(err, "  {}, with {}", printable(text), count(*times, "key"))?;
        }
    }
    let keys = count(questions.len(), "key");
    confirm(&format!("Send {keys} to these providers, each to its own?"), args.yes)?;
    let bar = match !context.talk.is_quiet && io::stderr().is_terminal() {
        true => ProgressBar::new(number(questions.len())),
        false => ProgressBar::hidden(),
    };
    let answers = live::ask(&questions, &|before| bar.set_position(number(before))).await;
    bar.finish_and_clear();
    Ok(answers)
}

/// How providers are reached, in the words of the command line.
fn ways(args: &Args) -> Result<Ways, Stop> {
    let mut ways = Ways { allow_private: args.allow_private, ..Ways::default() };
    ways.endpoints.extend(args.endpoint.iter().cloned());
    for (name, value) in &args.variables {
        let Some((provider, name)) = name.split_once('.') else {
            let error = Error::new(format!("`{name}` says no provider"));
            return Err(Stop::wrong_usage(
                error.hint("such as --set gitlab.host=gitlab.example.com"),
            ));
        };
        let of_provider = ways.variables.entry(provider.to_owned()).or_default();
        of_provider.insert(name.to_owned(), value.clone());
    }
    Ok(ways)
}

fn write(args: &Args, view: &ScanView) -> Result<(), Stop> {
    match args.format {
        Format::Table => table::write(&mut anstream::stdout(), view)?,
        Format::Json => {
            let mut out = BufWriter::new(io::stdout().lock());
            serde_json::to_writer_pretty(&mut out, view).map_err(io::Error::from)?;
            writeln!(out)?;
            out.flush()?;
        }
        Format::Sarif => sarif::write(&mut BufWriter::new(io::stdout().lock()), view)?,
    }
    Ok(())
}

fn tell(view: &ScanView, context: &Context) {
    for warning in view.looked.warnings.iter().take(MAX_WARNINGS_PRINTED) {
        context.talk.warning(warning);
    }
    let printed =
        u64::try_from(view.looked.warnings.len().min(MAX_WARNINGS_PRINTED)).unwrap_or(u64::MAX);
    let more = view.looked.unread.saturating_sub(printed);
    if more > 0 {
        context.talk.warning(&format!("{more} more could not be read"));
    }
    if view.looked.files == 0 && view.looked.unread > 0 {
        context.talk.error(&Error::new("nothing could be read"));
    }
}

fn code(args: &Args, view: &ScanView) -> u8 {
    let worst = view.findings.iter().map(|found| found.severity).max();
    let limit = args.fail_on.map(FailOn::severity);
    if view.looked.files == 0 && view.looked.unread > 0 {
        COULD_NOT
    } else if limit.is_some() && worst >= limit {
        FAIL_ON
    } else {
        DONE
    }
}
