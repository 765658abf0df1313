//! `keytender channels`: the ways by which notices go out.

use std::io::{self, Read, Write};

use clap::Subcommand;
use keytender_core::secret::Secret;
use keytender_core::text::printable;

use super::context::{Context, confirm};
use super::grid::{Cell, Grid};
use super::words::terminal_width;
use super::{DONE, Stop};
use crate::app::channels::{self, SecretSource};
use crate::app::inventory::cannot_read;
use crate::error::Error;
use crate::store::channels::{Channel, ChannelKind, Settings};

/// No secret is longer.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a mail server, a webhook or a chat
    #[command(subcommand)]
    Add(Add),
    /// List the channels
    List,
    /// Remove a channel, with what waits for it
    Remove {
        /// The channel
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Add a channel. A secret is never a word of the command line: it stays where it is (env:NAME,
/// file:PATH, keyring:SERVICE/USER, command:PROGRAM), or is read from standard input (-) and kept
/// sealed.
#[derive(Debug, Subcommand)]
pub(super) enum Add {
    /// A mail server that takes mail from programs (SMTP)
    Mail(Mail),
    /// A receiver of signed events (Standard Webhooks)
    Webhook(Webhook),
    /// A channel of Slack, or of what understands its messages
    Slack(Chat),
    /// A channel of Microsoft Teams
    Teams(Chat),
}

#[derive(Debug, clap::Args)]
pub(super) struct Mail {
    /// What to call it
    #[arg(default_value = "mail")]
    name: String,
    /// The server's name, which its certificate must carry
    #[arg(long)]
    host: String,
    /// The server's port; 587, or 465 for implicit TLS
    #[arg(long)]
    port: Option<u16>,
    /// How the connection is made secret; none only to this machine
    #[arg(long, value_parser = ["starttls", "implicit", "none"], default_value = "starttls")]
    tls: String,
    /// A file of further certificates to trust (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<String>,
    /// How many seconds one answer of the server may take
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=300))]
    timeout: Option<u32>,
    /// The address that mail comes from, and that answers go to
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    /// The user name at the server
    #[arg(long, requires = "password")]
    user: Option<String>,
    /// Where the password is: env:NAME, file:PATH, keyring:…, command:…, or - for standard input
    #[arg(long, value_name = "PLACE", requires = "user")]
    password: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Webhook {
    /// What to call it
    name: String,
    /// Where events are posted
    #[arg(long)]
    url: String,
    /// Where the signing secret (whsec_…) is; without it one is made and shown once
    #[arg(long, value_name = "PLACE")]
    secret: Option<String>,
    /// A file of further certificates to trust (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<String>,
    /// It is in a private network
    #[arg(long)]
    allow_private: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Chat {
    /// What to call it
    name: String,
    /// Where the URL of its incoming webhook is, which is a secret: env:NAME, file:PATH … or -
    #[arg(long, value_name = "PLACE")]
    url: String,
    /// A file of further certificates to trust (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<String>,
    /// It is in a private network
    #[arg(long)]
    allow_private: bool,
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Add(args) => add(args, context),
        Command::List => list(context),
        Command::Remove { name, yes } => context.with(async |inventory| {
            confirm(&format!("Remove the channel {name}, and what waits for it?"), yes)?;
            channels::remove(inventory, &name).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("removed {name}"));
            Ok(DONE)
        }),
    }
}

fn add(args: Add, context: &Context) -> Result<u8, Stop> {
    let (name, kind, settings, secret) = match args {
        Add::Mail(mail) => {
            let settings = Settings {
                host: Some(mail.host),
                port: mail.port,
                tls: Some(mail.tls),
                roots: mail.ca.map(absolute),
                username: mail.user,
                timeout_seconds: mail.timeout,
                from: Some(mail.from),
                ..Settings::default()
            };
            let password = mail.password.as_deref();
            let secret = password.map_or(Ok(SecretSource::None), source)?;
            (mail.name, ChannelKind::Mail, settings, secret)
        }
        Add::Webhook(hook) => {
            let settings = Settings {
                url: Some(hook.url),
                roots: hook.ca.map(absolute),
                allow_private: hook.allow_private,
                ..Settings::default()
            };
            let secret = hook.secret.as_deref();
            let secret = secret.map_or(Ok(SecretSource::Make), source)?;
            (hook.name, ChannelKind::Webhook, settings, secret)
        }
        Add::Slack(chat) => self::chat(chat, ChannelKind::Slack)?,
        Add::Teams(chat) => self::chat(chat, ChannelKind::Teams)?,
    };
    context.with(async |inventory| {
        let made = channels::add(inventory, &name, kind, settings, secret).await;
        let made = made.map_err(Stop::could_not)?;
        if let Some(secret) = made {
            let mut out = io::stdout().lock();
            writeln!(out, "{}", secret.expose())?;
            context.talk.note("the line above is the signing secret; it is not shown again");
        }
        context.talk.note(&format!("added {name}; next: keytender notify --dry-run"));
        Ok(DONE)
    })
}

type New = (String, ChannelKind, Settings, SecretSource);

fn chat(chat: Chat, kind: ChannelKind) -> Result<New, Stop> {
    let settings = Settings {
        roots: chat.ca.map(absolute),
        allow_private: chat.allow_private,
        ..Settings::default()
    };
    Ok((chat.name, kind, settings, source(&chat.url)?))
}

/// Where a secret comes from: a place that is referenced, or standard input.
pub(super) fn source(place: &str) -> Result<SecretSource, Stop> {
    if place != "-" {
        return place.parse().map(SecretSource::Reference).map_err(Stop::wrong_usage);
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    io::stdin().lock().take(MAX_SECRET_BYTES).read_to_string(&mut text)?;
    let secret = text.trim_end_matches(['\n', '\r']);
    if secret.is_empty() {
        return Err(Stop::could_not(Error::new("standard input holds no secret")));
    }
    Ok(SecretSource::Keep(Secret::new(secret)))
}

fn list(context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        let channels = inventory.store.list_channels().await;
        let channels = channels.map_err(|failure| Stop::could_not(cannot_read(failure)))?;
        let mut out = anstream::stdout();
        if channels.is_empty() {
            writeln!(
                out,
                "No channels yet. Add one: keytender channels add mail --host HOST --from ADDRESS"
            )?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["CHANNEL", "KIND", "WHERE", "SECRET"]);
        for channel in &channels {
            grid.push([
                Cell::new([printable(&channel.name).into_owned()]),
                Cell::new([channel.kind.as_str().to_owned()]),
                Cell::new([printable(&place(channel)).into_owned()]),
                Cell::new([secret(channel)]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}

fn place(channel: &Channel) -> String {
    let settings = &channel.settings;
    match (&settings.host, &settings.url) {
        (Some(host), _) => match settings.port {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        },
        (None, Some(url)) => url.clone(),
        (None, None) => String::new(),
    }
}

/// The same file from wherever the program is started next: cron has another working folder.
fn absolute(file: String) -> String {
    std::path::absolute(&file).map_or(file, |path| path.display().to_string())
}

fn secret(channel: &Channel) -> String {
    match (&channel.settings.secret, &channel.sealed) {
        (Some(reference), _) => printable(reference).into_owned(),
        (None, Some(_)) => "kept sealed".to_owned(),
        (None, None) => "none".to_owned(),
    }
}
