//! `keytender keys list`: keys by filters that read like questions.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use keytender_core::access::Side;
use keytender_core::key::State;
use keytender_core::policy::{Action, Severity};
use keytender_core::steps::{last_used, last_used_where, name};
use keytender_core::text::printable;
use keytender_core::time::{Span, Time};

use crate::app::report::KeyWriter;
use crate::app::view::{KeyList, KeyQuery, KeySort, KeyView, UseStatus};
use crate::cli::context::Context;
use crate::cli::grid::{Cell, Grid};
use crate::cli::words::{count, terminal_width, thousands};
use crate::cli::{DONE, Stop, parse_span, style};
use crate::error::Error;

/// List keys: what is due first.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Only those about which something must be done
    #[arg(long)]
    due: bool,
    /// Only those that break this rule
    #[arg(long)]
    rule: Option<String>,
    /// Only those with this action
    #[arg(long, value_enum)]
    action: Option<ActionWord>,
    /// Only those not used for so long, such as 90d
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    unused_for: Option<Span>,
    /// Only those older than this, such as 365d
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    older_than: Option<Span>,
    /// Only those that end within this time, such as 30d
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    expires_within: Option<Span>,
    /// Only those whose last use is of this kind; `never`: those without any
    #[arg(long, value_enum)]
    last_used: Option<UseWord>,
    /// Only those that somebody keeps as they are until a day
    #[arg(long)]
    kept: bool,
    /// Only those that were found where a secret must not be
    #[arg(long)]
    exposed: bool,
    /// Only this owner's; `none`: those without an owner
    #[arg(long)]
    owner: Option<String>,
    /// Only this provider's
    #[arg(long)]
    provider: Option<String>,
    /// Only those in this account
    #[arg(long)]
    account: Option<String>,
    /// Only those of this app
    #[arg(long)]
    app: Option<String>,
    /// Only those in this state; destroyed ones are shown only if asked for
    #[arg(long, value_enum)]
    state: Option<StateWord>,
    /// Only keys that we hold, or that we issued
    #[arg(long, value_enum)]
    side: Option<SideWord>,
    /// Only those with this in their name, id, principal or account
    #[arg(long)]
    text: Option<String>,
    /// The order
    #[arg(long, value_enum, default_value_t = Sort::Severity)]
    sort: Sort,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: u32,
    /// After how many
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    offset: u64,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ActionWord {
    Remove,
    Rotate,
    Review,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateWord {
    PreActivation,
    Active,
    Suspended,
    Deactivated,
    Compromised,
    Destroyed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UseWord {
    Used,
    Never,
    Unknown,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SideWord {
    Held,
    Issued,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    /// What is due first, the most serious first, the oldest first
    Severity,
    /// The oldest first
    Age,
    /// The longest idle first
    LastUsed,
    /// Those that end soonest first
    Expires,
    /// By account, principal and name
    Name,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<u8, Stop> {
    if args.limit == 0 {
        return Err(Stop::wrong_usage(Error::new("--limit is at least 1")));
    }
    context.desk(async |desk| {
        let list = desk.list_keys(query(args)).await.map_err(Stop::could_not)?;
        match args.json {
            true => write_json(list.as_of, list.total, list.keys.into_iter())?,
            false => write_table(&list, args)?,
        }
        Ok(DONE)
    })
}

fn query(args: &Args) -> KeyQuery {
    KeyQuery {
        due: args.due.then_some(true),
        rule: args.rule.clone(),
        action: args.action.map(|word| match word {
            ActionWord::Remove => Action::Remove,
            ActionWord::Rotate => Action::Rotate,
            ActionWord::Review => Action::Review,
        }),
        last_used: args.last_used.map(|word| match word {
            UseWord::Used => UseStatus::Used,
            UseWord::Never => UseStatus::Never,
            UseWord::Unknown => UseStatus::Unknown,
        }),
        kept: args.kept.then_some(true),
        exposed: args.exposed.then_some(true),
        unused_for: args.unused_for,
        older_than: args.older_than,
        expires_within: args.expires_within,
        owner: args.owner.clone(),
        provider: args.provider.clone(),
        account: args.account.clone(),
        app: args.app.clone(),
        state: args.state.map(|word| match word {
            StateWord::PreActivation => State::PreActivation,
            StateWord::Active => State::Active,
            StateWord::Suspended => State::Suspended,
            StateWord::Deactivated => State::Deactivated,
            StateWord::Compromised => State::Compromised,
            StateWord::Destroyed => State::Destroyed,
        }),
        text: args.text.clone(),
        side: args.side.map(|word| match word {
            SideWord::Held => Side::Held,
            SideWord::Issued => Side::Issued,
        }),
        named: None,
        sort: Some(match args.sort {
            Sort::Severity => KeySort::Severity,
            Sort::Age => KeySort::Age,
            Sort::LastUsed => KeySort::LastUsed,
            Sort::Expires => KeySort::Expires,
            Sort::Name => KeySort::Name,
        }),
        limit: Some(args.limit),
        after: None,
        offset: Some(args.offset).filter(|offset| *offset > 0),
    }
}

/// Writes the list as JSON, a key a line.
pub(super) fn write_json(
    as_of: Time,
    total: u64,
    keys: impl Iterator<Item = KeyView>,
) -> io::Result<()> {
    let mut writer = KeyWriter::begin(BufWriter::new(io::stdout().lock()), as_of, total)?;
    for key in keys {
        writer.write(&key)?;
    }
    writer.end()
}

fn write_table(list: &KeyList, args: &Args) -> io::Result<()> {
    let mut out = BufWriter::new(anstream::stdout());
    if list.keys.is_empty() {
        writeln!(out, "{}", nothing(args, is_filtered(args), list.total))?;
        return out.flush();
    }
    let head = ["SEVERITY", "KEY", "AGE", "LAST USED", "OWNER", "WHY", "DO"];
    let mut grid = Grid::new(head);
    for view in &list.keys {
        grid.push(row(view, list.as_of));
    }
    grid.write(&mut out, terminal_width())?;
    let shown = u64::try_from(list.keys.len()).unwrap_or(0);
    let from = args.offset.saturating_add(1);
    let to = args.offset.saturating_add(shown);
    if shown == list.total {
        writeln!(out, "\n{}", count(list.total, "key"))?;
    } else {
        let more = if to < list.total { format!("; more: --offset {to}") } else { String::new() };
        let total = count(list.total, "key");
        let range = match from == to {
            true => format!("key {}", thousands(from)),
            false => format!("{} to {}", thousands(from), thousands(to)),
        };
        writeln!(out, "\n{range} of {total}{more}")?;
    }
    out.flush()
}

fn row(view: &KeyView, now: Time) -> [Cell; 7] {
    let key = &view.key();
    let look = view.severity.map(style::severity).unwrap_or_default();
    let line = |text: &str| printable(text).into_owned();
    let age = key.age(now).map_or_else(|| "unknown".to_owned(), |age| age.in_words());
    let id = view.id.as_deref().map_or_else(|| view.key.clone(), line);
    [
        Cell::new([view.severity.map_or("–", Severity::as_str).to_owned()]).styled(look),
        Cell::new([name(key), id, line(&view.account_name)]),
        Cell::new([age]),
        Cell::new([last_used(key, now), last_used_where(key).unwrap_or_default()]),
        Cell::new([view.owner.as_deref().map_or_else(|| "–".to_owned(), line)]),
        Cell::new(why(view, now)),
        Cell::new([view.action.map_or("–", Action::as_str).to_owned()]).styled(look),
    ]
}

/// The titles of the broken rules, and what stands in their way.
fn why(view: &KeyView, now: Time) -> Vec<String> {
    let findings = view.findings.iter().filter(|_| !view.is_gone());
    let mut why: Vec<String> =
        findings.map(|finding| printable(&finding.title).into_owned()).collect();
    if let Some(until) = view.keep_until.filter(|until| now < *until) {
        let reason = printable(view.keep_reason.as_deref().unwrap_or_default()).into_owned();
        why.insert(0, format!("kept until {}: {reason}", until.date()));
    }
    if let Some(end) = view.expires_at {
        let verb = if end <= now { "ended" } else { "ends" };
        why.push(format!("{verb} {}", end.date()));
    }
    if view.is_gone() {
        why.push("gone".to_owned());
    } else if let Some(since) = view.missing_since {
        why.push(format!("not listed since {}", since.date()));
    }
    why
}

/// Whether anything narrows the list.
fn is_filtered(args: &Args) -> bool {
    let all = KeyQuery { sort: None, limit: None, offset: None, ..query(args) };
    all != KeyQuery::default()
}

fn nothing(args: &Args, is_filtered: bool, total: u64) -> String {
    match (total, args.due) {
        (0, true) => "Nothing is due among these keys.".to_owned(),
        (0, false) if is_filtered => "No key is so.".to_owned(),
        (0, false) => {
            "No keys yet: keytender accounts add and keytender sync bring them in.".to_owned()
        }
        _ => format!("There are {} only.", count(total, "such key")),
    }
}
