//! `keytender notices preview|start|stop|set|settings --api API`: what the customers of an API of yours are told
//! of their keys, and in whose name.

use std::io::Write;

use keytender_core::text::printable;

use crate::app::notify::of_api::Change;
use crate::cli::context::{Context, confirm};
use crate::cli::desk::Desk;
use crate::cli::words::{count, write_json};
use crate::cli::{DONE, Stop, notify};
use crate::error::Error;

/// The word that takes back what was said.
const NOTHING: &str = "none";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Which {
    /// The API
    #[arg(long, value_name = "API")]
    api: String,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Preview {
    #[command(flatten)]
    of: Which,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Start {
    #[command(flatten)]
    of: Which,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Settings {
    #[command(flatten)]
    of: Which,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Set {
    #[command(flatten)]
    of: Which,
    /// The address that mail comes from; `none`: the mail server's own
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// The address that answers go to; `none`: the one that mail comes from
    #[arg(long, value_name = "ADDRESS")]
    reply_to: Option<String>,
    /// The page on which customers see to their keys; `none` takes it away
    #[arg(long, value_name = "URL")]
    keys_page: Option<String>,
}

pub(super) async fn preview(
    args: &Preview,
    desk: &Desk<'_>,
    context: &Context,
) -> Result<u8, Stop> {
    let api = &args.of.api;
    let preview = desk.preview_api(api).await.map_err(Stop::could_not)?;
    warn_unheard(preview.unheard, context);
    let end = format!(
        "mail on weekdays from 09:00 to 17:00 UTC; nothing was sent. keytender notices start --api {} lets them.",
        printable(api)
    );
    notify::show(&preview, args.json, &end)
}

/// A word about keys of which no customer would hear.
fn warn_unheard(unheard: u64, context: &Context) {
    if unheard > 0 {
        let keys = count(unheard, "due key");
        context
            .talk
            .warning(&format!("no mail is sent about {keys}: their customers have no contact"));
    }
}

pub(super) async fn start(args: &Start, desk: &Desk<'_>, context: &Context) -> Result<u8, Stop> {
    let api = &args.of.api;
    let settings = desk.api_notices(api).await.map_err(Stop::could_not)?;
    // Before somebody has seen it, it is refused and there is nothing to ask.
    if settings.previewed_at.is_some() {
        let preview = desk.preview_api(api).await.map_err(Stop::could_not)?;
        warn_unheard(preview.unheard, context);
        let notices = count(preview.notices.len(), "notice");
        let asked = format!(
            "Let the customers of {} be told from now on, {notices} at once?",
            settings.api
        );
        confirm(&asked, args.yes)?;
    }
    let change = Change { started: Some(true), ..Change::default() };
    desk.set_api_notices(api, &change).await.map_err(Stop::could_not)?;
    context.talk.note(&format!("the customers of {} are told from now on", settings.api));
    Ok(DONE)
}

pub(super) async fn stop(args: &Which, desk: &Desk<'_>, context: &Context) -> Result<u8, Stop> {
    let change = Change { started: Some(false), ..Change::default() };
    let settings = desk.set_api_notices(&args.api, &change).await.map_err(Stop::could_not)?;
    context.talk.note(&format!("the customers of {} are told nothing more", settings.api));
    Ok(DONE)
}

pub(super) async fn set(args: &Set, desk: &Desk<'_>, context: &Context) -> Result<u8, Stop> {
    let said = |text: &Option<String>| {
        text.as_ref().map(|text| Some(text.clone()).filter(|text| text != NOTHING))
    };
    let change = Change {
        started: None,
        from: said(&args.from),
        reply_to: said(&args.reply_to),
        keys_page: said(&args.keys_page),
    };
    if change.is_empty() {
        let error =
            Error::new("there is nothing to change").hint("such as --from keys@acme.example");
        return Err(Stop::wrong_usage(error));
    }
    let settings = desk.set_api_notices(&args.of.api, &change).await.map_err(Stop::could_not)?;
    context.talk.note(&format!("changed how the customers of {} are told", settings.api));
    Ok(DONE)
}

pub(super) async fn settings(args: &Settings, desk: &Desk<'_>) -> Result<u8, Stop> {
    let settings = desk.api_notices(&args.of.api).await.map_err(Stop::could_not)?;
    if args.json {
        write_json(&settings)?;
        return Ok(DONE);
    }
    let mut out = anstream::stdout();
    let since = settings.started_at.map(|at| format!("since {}", at.to_seconds()));
    let seen = settings.previewed_at.map(|at| at.to_seconds().to_string());
    for (label, text) in [
        ("told", Some(since.unwrap_or_else(|| "no: nothing goes out".to_owned()))),
        ("preview", Some(seen.unwrap_or_else(|| "nobody has seen it yet".to_owned()))),
        ("name", Some(settings.name)),
        ("from", settings.from),
        ("answers", settings.reply_to),
        ("keys", settings.keys_page),
        ("help", settings.support),
    ] {
        if let Some(text) = text {
            writeln!(out, "{label:<8} {}", printable(&text))?;
        }
    }
    Ok(DONE)
}
