//! `keytender keys list`: keys by filters that read like questions.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use keytender_core::id::OwnerId;
use keytender_core::key::State;
use keytender_core::policy::{Action, Assessment, Policy};
use keytender_core::steps::{last_used, last_used_where, name};
use keytender_core::text::printable;
use keytender_core::time::{Span, Time};
use serde::Serialize;

use crate::app::inventory::{Inventory, cannot_read};
use crate::app::{accounts, evaluate, owners};
use crate::cli::context::Context;
use crate::cli::grid::{Cell, Grid};
use crate::cli::key_json::{KeyJson, RuleJson};
use crate::cli::words::{count, terminal_width, thousands};
use crate::cli::{DONE, Stop, style};
use crate::error::Error;
use crate::store::keys::{Filter, HeldKey, Order, Page};
use crate::store::owners::Owner;

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
    /// Only this owner's; `none`: those without an owner
    #[arg(long)]
    owner: Option<String>,
    /// Only this provider's
    #[arg(long)]
    provider: Option<String>,
    /// Only those in this account
    #[arg(long)]
    account: Option<String>,
    /// Only those in this state; destroyed ones are shown only if asked for
    #[arg(long, value_enum)]
    state: Option<StateWord>,
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

fn parse_span(text: &str) -> Result<Span, String> {
    Span::parse(text).map_err(|error| error.to_string())
}

pub(super) fn run(args: &Args, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        let filter = filter(args, inventory).await?;
        let order = match args.sort {
            Sort::Severity => Order::Severity,
            Sort::Age => Order::Age,
            Sort::LastUsed => Order::LastUsed,
            Sort::Expires => Order::Expires,
            Sort::Name => Order::Name,
        };
        let page = Page { order, limit: args.limit, offset: args.offset };
        let read = |failure| Stop::could_not(cannot_read(failure));
        let (keys, total) = inventory.store.list_keys(&filter, &page).await.map_err(read)?;
        let owners = inventory.store.list_owners().await.map_err(read)?;
        let owners: HashMap<OwnerId, Owner> =
            owners.into_iter().map(|owner| (owner.id, owner)).collect();
        let (_, policy) = evaluate::policy(&inventory.store).await.map_err(Stop::could_not)?;
        let listed =
            Listed { keys: &keys, total, owners: &owners, policy: &policy, now: inventory.now };
        match args.json {
            true => listed.write_json()?,
            false => listed.write_table(args, filter != Filter::default())?,
        }
        Ok(DONE)
    })
}

async fn filter(args: &Args, inventory: &Inventory) -> Result<Filter, Stop> {
    let account = match &args.account {
        Some(name) => Some(accounts::get(inventory, name).await.map_err(Stop::could_not)?.id),
        None => None,
    };
    let owner = match args.owner.as_deref() {
        Some("none") => Some(None),
        Some(name) => Some(Some(owners::get(inventory, name).await.map_err(Stop::could_not)?.id)),
        None => None,
    };
    if args.limit == 0 {
        return Err(Stop::wrong_usage(Error::new("--limit is at least 1")));
    }
    let now = inventory.now;
    Ok(Filter {
        is_due: args.due,
        finding_by: None,
        action: args.action.map(|word| match word {
            ActionWord::Remove => Action::Remove,
            ActionWord::Rotate => Action::Rotate,
            ActionWord::Review => Action::Review,
        }),
        rule: args.rule.clone(),
        provider: args.provider.clone(),
        account,
        owner,
        state: args.state.map(|word| match word {
            StateWord::PreActivation => State::PreActivation,
            StateWord::Active => State::Active,
            StateWord::Suspended => State::Suspended,
            StateWord::Deactivated => State::Deactivated,
            StateWord::Compromised => State::Compromised,
            StateWord::Destroyed => State::Destroyed,
        }),
        idle_since: args.unused_for.map(|span| now.minus(span)),
        created_before: args.older_than.map(|span| now.minus(span)),
        expires_by: args.expires_within.map(|span| now.plus(span)),
        text: args.text.clone(),
    })
}

/// Keys, ready to be written.
pub(in crate::cli) struct Listed<'l> {
    pub(in crate::cli) keys: &'l [HeldKey],
    pub(in crate::cli) total: u64,
    pub(in crate::cli) owners: &'l HashMap<OwnerId, Owner>,
    pub(in crate::cli) policy: &'l Policy,
    pub(in crate::cli) now: Time,
}

/// A key of the inventory in JSON: what an audit says of it, and what is remembered.
#[derive(Serialize)]
struct HeldJson<'k> {
    key: String,
    account_name: &'k str,
    owner: Option<&'k str>,
    where_used: Option<&'k str>,
    keep_until: Option<Time>,
    keep_reason: Option<&'k str>,
    cadence_days: Option<i64>,
    suspended_since: Option<Time>,
    exposed: Option<bool>,
    first_seen_at: Time,
    missing_since: Option<Time>,
    last_seen_at: Option<Time>,
    #[serde(flatten)]
    facts: KeyJson<'k>,
}

impl Listed<'_> {
    pub(in crate::cli) fn write_json(&self) -> io::Result<()> {
        let rules: Result<Vec<RuleJson>, _> =
            self.policy.rules().iter().map(RuleJson::of).collect();
        let rules = rules?;
        let mut out = BufWriter::new(io::stdout().lock());
        let (as_of, total) = (self.now, self.total);
        write!(out, "{{\"version\":1,\"as_of\":\"{as_of}\",\"total\":{total},\"keys\":[")?;
        let mut assessment = Assessment::default();
        for (place, held) in self.keys.iter().enumerate() {
            out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
            let record = &held.record;
            self.policy.assess(&record.key, self.now, &mut assessment);
            let mut facts = KeyJson::of(&record.key, &assessment, self.policy, &rules, self.now);
            facts.due = held.standing.is_due;
            facts.action = held.standing.action;
            facts.severity = held.standing.severity;
            let json = HeldJson {
                key: record.id.to_string(),
                account_name: &held.account_name,
                owner: held
                    .owner_id
                    .and_then(|id| self.owners.get(&id))
                    .map(|one| one.name.as_str()),
                where_used: held.where_used.as_deref(),
                keep_until: held.keep.as_ref().map(|keep| keep.until),
                keep_reason: held.keep.as_ref().map(|keep| keep.reason.as_str()),
                cadence_days: record.key.cadence.map(Span::whole_days),
                suspended_since: record.suspended_seen_at,
                exposed: record.key.exposed,
                first_seen_at: record.first_seen_at,
                missing_since: record.missing_since,
                last_seen_at: record.last_seen_at,
                facts,
            };
            serde_json::to_writer(&mut out, &json)?;
        }
        out.write_all(b"\n]}\n")?;
        out.flush()
    }

    fn write_table(&self, args: &Args, is_filtered: bool) -> io::Result<()> {
        let mut out = BufWriter::new(anstream::stdout());
        if self.keys.is_empty() {
            writeln!(out, "{}", nothing(args, is_filtered, self.total))?;
            return out.flush();
        }
        let head = ["SEVERITY", "KEY", "AGE", "LAST USED", "OWNER", "WHY", "DO"];
        let mut grid = Grid::new(head);
        for held in self.keys {
            grid.push(self.row(held));
        }
        grid.write(&mut out, terminal_width())?;
        let shown = u64::try_from(self.keys.len()).unwrap_or(0);
        let from = args.offset.saturating_add(1);
        let to = args.offset.saturating_add(shown);
        let range = match from == to {
            true => format!("key {}", thousands(from)),
            false => format!("{} to {}", thousands(from), thousands(to)),
        };
        if shown == self.total {
            writeln!(out, "\n{}", count(self.total, "key"))?;
        } else {
            let more =
                if to < self.total { format!("; more: --offset {to}") } else { String::new() };
            let total = count(self.total, "key");
            writeln!(out, "\n{range} of {total}{more}")?;
        }
        out.flush()
    }

    fn row(&self, held: &HeldKey) -> [Cell; 7] {
        let key = &held.record.key;
        let standing = &held.standing;
        let look = standing.severity.map(style::severity).unwrap_or_default();
        let line = |text: &str| printable(text).into_owned();
        let owner = held.owner_id.and_then(|id| self.owners.get(&id));
        let age = key.age(self.now).map_or_else(|| "unknown".to_owned(), |age| age.in_words());
        let id = key.id.as_deref().map_or_else(|| held.record.id.to_string(), line);
        [
            Cell::new([standing.severity.map_or("–", |one| one.as_str()).to_owned()]).styled(look),
            Cell::new([name(key), id, line(&held.account_name)]),
            Cell::new([age]),
            Cell::new([last_used(key, self.now), last_used_where(key).unwrap_or_default()]),
            Cell::new([owner.map_or_else(|| "–".to_owned(), |owner| line(&owner.name))]),
            Cell::new(self.why(held)),
            Cell::new([standing.action.map_or("–", Action::as_str).to_owned()]).styled(look),
        ]
    }

    /// The titles of the broken rules, and what stands in their way.
    fn why(&self, held: &HeldKey) -> Vec<String> {
        let titles = held.standing.rules.iter().map(|id| {
            let rule = self.policy.rules().iter().find(|rule| rule.id == *id);
            printable(rule.map_or(id, |rule| &rule.title)).into_owned()
        });
        let mut why: Vec<String> = titles.collect();
        if let Some(keep) = held.keep.as_ref().filter(|keep| self.now < keep.until) {
            why.insert(0, format!("kept until {}: {}", keep.until.date(), printable(&keep.reason)));
        }
        if let Some(end) = held.record.key.expires_at {
            let verb = if end <= self.now { "ended" } else { "ends" };
            why.push(format!("{verb} {}", end.date()));
        }
        if held.record.key.state == State::Destroyed {
            why.push("gone".to_owned());
        } else if let Some(since) = held.record.missing_since {
            why.push(format!("not listed since {}", since.date()));
        }
        why
    }
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
