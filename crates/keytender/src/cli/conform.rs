//! `keytender conform`: how well a provider lets the holders of its keys manage them.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use keytender_core::conform::{Level, Outcome, badge};
use keytender_core::text::printable;
use keytender_core::time::Span;

use super::accounts::setting;
use super::channels::source;
use super::context::{Context, block_on, confirm};
use super::grid::{Cell, Grid};
use super::serve::stop_signal;
use super::words::{terminal_width, write_json};
use super::{COULD_NOT, DONE, Stop, parse_span, providers};
use crate::app::channels::SecretSource;
use crate::app::conform::live::{Asked, Probe};
use crate::app::conform::{self, Found};
use crate::app::view::{ConformCheckView, ConformKindView, ConformView, conform_level as level};
use crate::error::Error;

/// Grade how well a provider lets the holders of its keys manage them, K0 to K5
///
/// By its descriptor: what is said there and was not tried is a claim. The building blocks that are missing are
/// named, with what each would give whoever holds keys. With --live it is tried, on keys that are made for it
/// and ended again, once you agreed to the plan.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An address such as https://example.com, a descriptor in a file, or a provider on the shelf
    #[arg(value_name = "URL|FILE|PROVIDER", required_unless_present = "all")]
    target: Option<String>,
    /// The table of every provider on the shelf
    #[arg(long, conflicts_with_all = ["target", "badge", "kind", "live"])]
    all: bool,
    /// Only this kind of key
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write a badge with the level of the best kind of key, as SVG
    #[arg(long, value_name = "FILE")]
    badge: Option<PathBuf>,
    /// Try what the document says, on keys that are made for it and ended again
    #[arg(long, requires = "credential")]
    live: bool,
    #[command(flatten)]
    how: How,
}

/// How a provider is tried.
#[derive(Debug, clap::Args)]
struct How {
    /// Where the credential is that manages keys: env:NAME, file:PATH, keyring:SERVICE/USER, command:PROGRAM, or -
    /// for standard input
    #[arg(long, value_name = "PLACE", requires = "live")]
    credential: Option<String>,
    /// What the provider asks for beside: its host, an organization
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting, requires = "live")]
    variables: Vec<(String, String)>,
    /// In which account, project or app keys are made, where none can be made for it
    #[arg(long, value_name = "RESOURCE=ID", value_parser = setting, requires = "live")]
    within: Vec<(String, String)>,
    /// What the keys that are made may do, with spaces between
    #[arg(long, value_name = "SCOPES", requires = "live")]
    scopes: Option<String>,
    /// What else the provider wants to be told of a new key
    #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = setting, requires = "live")]
    args: Vec<(String, String)>,
    /// What stands before the provider, such as a gateway
    #[arg(long, value_name = "URL", requires = "live")]
    endpoint: Option<String>,
    /// Reach it in a private network too
    #[arg(long)]
    allow_private: bool,
    /// The longest that one check waits
    #[arg(long, value_name = "SPAN", value_parser = parse_span, default_value = "3m", requires = "live")]
    wait: Span,
    /// Where events are listened for
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", requires = "live")]
    listen: SocketAddr,
    /// The URL by which the provider reaches that place
    #[arg(long, value_name = "URL", requires = "live")]
    events_url: Option<String>,
    /// Agree to the plan without being asked
    #[arg(long, requires = "live")]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<u8, Stop> {
    let Some(target) = &args.target else { return all(args.format, context) };
    let found = find(target, &args.how)?;
    let (view, code) = match args.live {
        true => probed(found, args, context)?,
        false => (conform::graded(&found.descriptor), DONE),
    };
    let view = match args.kind.as_ref().filter(|_| !args.live) {
        Some(kind) => conform::only(view, kind).map_err(Stop::could_not)?,
        None => view,
    };
    if let Some(file) = &args.badge {
        write_badge(file, &view)?;
        context.talk.note(&format!("{}: the badge", file.display()));
    }
    match args.format {
        Format::Json => write_json(&view)?,
        Format::Text => write_view(&mut anstream::stdout(), &view)?,
    }
    Ok(code)
}

/// What a word means: an address, a file that is there, else a provider.
fn find(target: &str, how: &How) -> Result<Found, Stop> {
    if target.contains("://") {
        let variables = how.variables.iter().cloned().collect();
        let found = conform::at_address(target, &variables, how.allow_private);
        return block_on(found)?.map_err(Stop::could_not);
    }
    let is_path = target.contains(['/', '.']) || Path::new(target).is_file();
    if !is_path {
        return conform::on_shelf(target).map_err(Stop::could_not);
    }
    let text = providers::text(Path::new(target)).map_err(Stop::could_not)?;
    conform::read(target, &text).map_err(Stop::could_not)
}

/// Tries a provider, once somebody agreed to the plan; could not, if something is left of what was made.
fn probed(found: Found, args: &Args, context: &Context) -> Result<(ConformView, u8), Stop> {
    let how = &args.how;
    let Some(place) = &how.credential else {
        return Err(Stop::wrong_usage(Error::new("--live needs --credential PLACE")));
    };
    let secret = match source(place)? {
        SecretSource::Keep(secret) => secret,
        SecretSource::Reference(place) => place.resolve().map_err(Stop::could_not)?,
        SecretSource::None | SecretSource::Make => {
            return Err(Stop::wrong_usage(Error::new("there is no credential")));
        }
    };
    let seconds = u64::try_from(how.wait.as_micros() / 1_000_000).unwrap_or_default();
    let scopes = how.scopes.as_deref().unwrap_or_default();
    let probe = Probe::new(Asked {
        descriptor: found.descriptor,
        kind: args.kind.clone(),
        variables: how.variables.iter().cloned().collect(),
        endpoint: how.endpoint.clone().or(found.endpoint),
        hosts: found.hosts,
        allow_private: how.allow_private,
        secret,
        within: how.within.iter().cloned().collect(),
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        args: how.args.iter().cloned().collect(),
        wait: Duration::from_secs(seconds),
        listen: how.listen,
        events_url: how.events_url.clone(),
    });
    let probe = probe.map_err(Stop::could_not)?;
    let mut err = anstream::stderr();
    writeln!(err, "The plan:")?;
    probe.plan().iter().try_for_each(|line| writeln!(err, "  - {}", printable(line)))?;
    confirm("Go on?", how.yes)?;
    let say = |outcome: &Outcome| {
        let reason = printable(&outcome.reason).into_owned();
        context.talk.note(&format!(
            "{:<9}  {:<16}  {reason}",
            outcome.verdict.as_str(),
            outcome.check.id
        ));
    };
    let done = block_on(async {
        let stop = stop_signal().map_err(|error| {
            Stop::could_not(Error::new("cannot wait for the signal to stop").source(error))
        })?;
        Ok::<_, Stop>(probe.run(&say, stop).await)
    })??;
    for left in &done.left {
        context.talk.warning(&format!("could not take away {}", printable(left)));
    }
    if done.is_stopped {
        context.talk.warning("it was stopped: what was not tried does not count");
    }
    let code = if done.left.is_empty() && !done.is_stopped { DONE } else { COULD_NOT };
    Ok((done.view, code))
}

fn all(format: Format, context: &Context) -> Result<u8, Stop> {
    let views = conform::shelf().map_err(Stop::could_not)?;
    if format == Format::Json {
        write_json(&views)?;
        return Ok(DONE);
    }
    let mut grid = Grid::new(["PROVIDER", "KEYS", "LEVEL", "THE NEXT LEVEL LACKS"]);
    for view in &views {
        for (place, kind) in view.kinds.iter().enumerate() {
            let name = if place == 0 { view.provider.clone() } else { String::new() };
            grid.push([
                Cell::new([name]),
                Cell::new([kind.noun.clone()]),
                Cell::new([words(kind.level, kind.is_claimed)]),
                Cell::new([lacking(kind)]),
            ]);
        }
    }
    grid.write(&mut anstream::stdout(), terminal_width())?;
    context.talk.note("graded by their descriptors alone: nobody was asked");
    Ok(DONE)
}

/// A level in words.
fn words(number: Option<u8>, is_claimed: bool) -> String {
    let claimed = if is_claimed { " (claimed)" } else { "" };
    match level(number) {
        Some(level) => format!("{level} {}{claimed}", level.word()),
        None => "below K0".to_owned(),
    }
}

/// The checks on which the next level hangs, and that do not hold.
fn lacking(kind: &ConformKindView) -> String {
    let next = kind.level.map_or(0, |level| level + 1);
    let holds = |check: &&ConformCheckView| {
        check.level == next
            && check.need == "must"
            && matches!(check.verdict, "failed" | "not tried")
    };
    let names: Vec<_> = kind.checks.iter().filter(holds).map(|check| check.id).collect();
    if names.is_empty() { "–".to_owned() } else { names.join(", ") }
}

fn write_view(out: &mut impl Write, view: &ConformView) -> io::Result<()> {
    for (place, kind) in view.kinds.iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        let level = words(kind.level, kind.is_claimed);
        writeln!(out, "{} ({}), {}: {level}", view.name, view.provider, kind.noun)?;
        write_checks(out, kind)?;
        write_missing(out, kind)?;
    }
    Ok(())
}

fn write_checks(out: &mut impl Write, kind: &ConformKindView) -> io::Result<()> {
    for level in Level::ALL {
        writeln!(out, "\n{level} {}: {}", level.word(), level.gives())?;
        for check in kind.checks.iter().filter(|check| check.level == level.number()) {
            let should = if check.need == "should" { " (should)" } else { "" };
            let (verdict, reason) = (check.verdict, &check.reason);
            writeln!(out, "  {verdict:<9}  {:<16}  {reason}{should}", check.id)?;
        }
    }
    Ok(())
}

fn write_missing(out: &mut impl Write, kind: &ConformKindView) -> io::Result<()> {
    if kind.missing.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nMissing, and what it would give whoever holds such keys:")?;
    for block in &kind.missing {
        let level = level(Some(block.level)).map_or("", Level::as_str);
        writeln!(out, "  {} {} ({level}, {})", block.block, block.name, block.need)?;
        writeln!(out, "      {} {}", block.what, block.gives)?;
    }
    Ok(())
}

fn write_badge(file: &Path, view: &ConformView) -> Result<(), Stop> {
    let kind = view.kinds.iter().find(|kind| Some(&kind.id) == view.kind.as_ref());
    let name = kind.filter(|_| view.kinds.len() > 1).map(|kind| kind.noun.as_str());
    let svg = badge(level(view.level), view.is_claimed, name);
    fs::write(file, svg).map_err(|error| {
        let name = file.display().to_string();
        Stop::could_not(Error::new(format!("cannot write {}", printable(&name))).source(error))
    })
}
