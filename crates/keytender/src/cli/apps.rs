//! `keytender apps`: what the customers of our APIs build, and how much its keys may do.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::text::{printable, thousands};
use keytender_core::time::Span;

use super::accounts::setting;
use super::context::{Context, confirm};
use super::grid::{Cell, Grid};
use super::words::{terminal_width, write_json};
use super::{DONE, Stop, style};
use crate::app::apps::{AppChange, NewApp};
use crate::app::view::{AppList, AppView};
use crate::error::Error;
use crate::store::apps::{Limits, Period, Quota, Rate};

/// The word that takes back what was said.
const NOTHING: &str = "none";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add an app to a customer and print its id
    Add(Add),
    /// List the apps of an API
    List {
        /// The API
        api: String,
        /// Only this customer's
        #[arg(long)]
        account: Option<String>,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell what an app's keys may do, and how much of it
    Show {
        /// The id of the app
        app: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Change what an app's keys may do, or how much of it
    Set(Set),
    /// Stop all keys of an app; this can be undone
    Suspend(Suspend),
    /// Let the keys of a suspended app work again
    Resume(Suspend),
    /// End an app and all its keys, for good
    Remove {
        /// The id of the app
        app: String,
        /// Why, for the log
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Add an app to a customer and print its id.
///
/// An app is what a customer builds, or a person or service of theirs. All its keys share its limits.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The customer, such as acme/globex
    account: String,
    /// What you call the app
    name: String,
    /// What its keys may do at most, in your API's words, such as "orders:read orders:write"
    #[arg(long, value_name = "WORDS")]
    scopes: Option<String>,
    /// How fast its keys may ask together, such as 100/60s
    #[arg(long, value_name = "COUNT/SPAN", value_parser = rate)]
    rate: Option<Rate>,
    /// How many requests at once; as many as --rate says if not given
    #[arg(long, value_name = "COUNT", requires = "rate")]
    burst: Option<u32>,
    /// How much its keys may ask together, such as 10000/day or 1000000/month
    #[arg(long, value_name = "COUNT/PERIOD", value_parser = quota)]
    quota: Option<Quota>,
    /// What you say of it; can be given several times
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = setting)]
    labels: Vec<(String, String)>,
}

/// Change what an app's keys may do, or how much of it.
#[derive(Debug, clap::Args)]
pub(super) struct Set {
    /// The id of the app
    app: String,
    /// What its keys may do at most; `none`: whatever each key says
    #[arg(long, value_name = "WORDS")]
    scopes: Option<String>,
    /// How fast its keys may ask together, such as 100/60s; `none` takes the limit away
    #[arg(long, value_name = "COUNT/SPAN")]
    rate: Option<String>,
    /// How many requests at once; as many as --rate says if not given
    #[arg(long, value_name = "COUNT", requires = "rate")]
    burst: Option<u32>,
    /// How much its keys may ask together, such as 10000/day; `none` takes the limit away
    #[arg(long, value_name = "COUNT/PERIOD")]
    quota: Option<String>,
    /// What you say of it, in place of all that was said; can be given several times
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = setting)]
    labels: Vec<(String, String)>,
}

/// Stop all keys of an app, or let them work again.
#[derive(Debug, clap::Args)]
pub(super) struct Suspend {
    /// The id of the app
    app: String,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
}

pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let wrong = || "write COUNT/SPAN, such as 100/60s".to_owned();
    let (count, span) = text.split_once('/').ok_or_else(wrong)?;
    let requests = count.parse().map_err(|_| wrong())?;
    let span = Span::parse(span).map_err(|_| wrong())?;
    let seconds = u32::try_from(span.as_micros() / 1_000_000).map_err(|_| wrong())?;
    Ok(Rate { requests, seconds, burst: None })
}

pub(super) fn quota(text: &str) -> Result<Quota, String> {
    let wrong = || "write COUNT/day or COUNT/month, such as 10000/day".to_owned();
    let (count, period) = text.split_once('/').ok_or_else(wrong)?;
    let per = match period {
        "day" => Period::Day,
        "month" => Period::Month,
        _ => return Err(wrong()),
    };
    Ok(Quota { requests: count.parse().map_err(|_| wrong())?, per })
}

/// The words of an option, a space between two.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Add(args) => add(args, context),
        Command::List { api, account, json } => list(&api, account.as_deref(), json, context),
        Command::Show { app, json } => show(&app, json, context),
        Command::Set(args) => set(args, context),
        Command::Suspend(args) => suspend(args, true, context),
        Command::Resume(args) => suspend(args, false, context),
        Command::Remove { app, because, yes } => context.desk(async |desk| {
            let name = desk.get_app(&app).await.map_err(Stop::could_not)?.name;
            let name = printable(&name).into_owned();
            confirm(&format!("End the app {name} and each of its keys, for good?"), yes)?;
            desk.remove_app(&app, because.as_deref()).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("ended {name} and its keys"));
            Ok(DONE)
        }),
    }
}

fn add(args: Add, context: &Context) -> Result<u8, Stop> {
    let rate = args.rate.map(|rate| Rate { burst: args.burst, ..rate });
    let new = NewApp {
        name: args.name,
        scopes: args.scopes.as_deref().map(words).unwrap_or_default(),
        limits: Limits { rate, quota: args.quota },
        labels: args.labels.into_iter().collect(),
    };
    context.desk(async |desk| {
        let app = desk.add_app(&args.account, new).await.map_err(Stop::could_not)?;
        context.talk.note(&format!(
            "added {} of {}; next: keytender keys create --app {}",
            app.name, app.account_name, app.id
        ));
        writeln!(io::stdout().lock(), "{}", app.id)?;
        Ok(DONE)
    })
}

pub(super) fn pace(rate: Option<Rate>) -> String {
    rate.map_or_else(String::new, |rate| {
        let burst = rate
            .burst
            .map_or_else(String::new, |burst| format!(", {} at once", thousands(u64::from(burst))));
        format!("{}/{}s{burst}", thousands(u64::from(rate.requests)), rate.seconds)
    })
}

pub(super) fn amount(quota: Option<Quota>) -> String {
    quota.map_or_else(String::new, |quota| {
        let per = match quota.per {
            Period::Day => "day",
            Period::Month => "month",
        };
        format!("{}/{per}", thousands(u64::from(quota.requests)))
    })
}

/// What keys may do.
fn may(scopes: &[String]) -> String {
    match scopes {
        [] => "whatever each key says".to_owned(),
        scopes => scopes.join(" "),
    }
}

fn labels(app: &AppView) -> String {
    let labels = app.labels.iter().map(|(name, value)| format!("{name}={value}"));
    labels.collect::<Vec<_>>().join(", ")
}

fn suspended(app: &AppView) -> String {
    app.suspended_at.map_or_else(String::new, |at| format!("suspended since {}", at.date()))
}

fn list(api: &str, account: Option<&str>, as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let apps = desk.list_apps(api, account).await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&AppList { apps, next: None })?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        if apps.is_empty() {
            writeln!(out, "No apps. Add one: keytender apps add {api}/CUSTOMER NAME")?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["APP", "CUSTOMER", "KEYS MAY", "LIMITS", "SINCE"]);
        for app in &apps {
            grid.push([
                Cell::new([printable(&app.name).into_owned(), app.id.clone()]),
                Cell::new([printable(&app.account_name).into_owned()]),
                Cell::new([may(&app.scopes)]),
                Cell::new([pace(app.rate), amount(app.quota)]),
                Cell::new([app.created_at.date(), suspended(app)]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}

fn show(word: &str, as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let app = desk.get_app(word).await.map_err(Stop::could_not)?;
        match as_json {
            true => write_json(&app)?,
            false => write(&app)?,
        }
        Ok(DONE)
    })
}

fn write(app: &AppView) -> io::Result<()> {
    let mut out = anstream::stdout();
    let head = style::HEAD;
    writeln!(out, "{head}{}{head:#}  {}", printable(&app.name), app.id)?;
    let facts = [
        ("customer", format!("{} ({})", app.account_name, app.account)),
        ("keys may", may(&app.scopes)),
        ("rate", pace(app.rate)),
        ("quota", amount(app.quota)),
        ("labels", labels(app)),
        ("state", suspended(app)),
        ("since", app.created_at.to_string()),
    ];
    for (label, text) in facts.into_iter().filter(|(_, text)| !text.is_empty()) {
        writeln!(out, "  {label:<11} {}", printable(&text))?;
    }
    Ok(())
}

/// What an option says: `none`, or something that `parse` understands.
fn limit<T>(
    option: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<Option<T>>, Stop> {
    match text {
        None => Ok(None),
        Some(NOTHING) => Ok(Some(None)),
        Some(text) => parse(text).map(Some).map(Some).map_err(|error| {
            Stop::wrong_usage(Error::new(format!("{option}: {error}; `{NOTHING}` takes it away")))
        }),
    }
}

fn set(args: Set, context: &Context) -> Result<u8, Stop> {
    let scopes = match args.scopes.as_deref() {
        Some(NOTHING) => Some(Vec::new()),
        other => other.map(words),
    };
    let rate = limit("--rate", args.rate.as_deref(), rate)?;
    let rate = rate.map(|rate| rate.map(|rate| Rate { burst: args.burst, ..rate }));
    let quota = limit("--quota", args.quota.as_deref(), quota)?;
    let labels = (!args.labels.is_empty()).then(|| args.labels.into_iter().collect());
    if scopes.is_none() && rate.is_none() && quota.is_none() && labels.is_none() {
        let error = Error::new("there is nothing to change").hint("such as --rate 100/60s");
        return Err(Stop::wrong_usage(error));
    }
    let change = AppChange { scopes, rate, quota, labels, ..AppChange::default() };
    context.desk(async |desk| {
        let app = desk.set_app(&args.app, change).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("changed {}", app.name));
        Ok(DONE)
    })
}

fn suspend(args: Suspend, is_suspended: bool, context: &Context) -> Result<u8, Stop> {
    let change =
        AppChange { is_suspended: Some(is_suspended), why: args.because, ..AppChange::default() };
    context.desk(async |desk| {
        let app = desk.set_app(&args.app, change).await.map_err(Stop::could_not)?;
        context.talk.note(&match is_suspended {
            true => format!("suspended {}: none of its keys works", app.name),
            false => format!("resumed {}: its keys work again", app.name),
        });
        Ok(DONE)
    })
}
