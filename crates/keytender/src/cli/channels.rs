//! `keytender channels`: the ways by which notices go out.

use std::io::{self, Read, Write};

use clap::Subcommand;
use keytender_core::secret::Secret;
use keytender_core::text::printable;

use super::context::{Context, confirm};
use super::desk::NewChannel;
use super::grid::{Cell, Grid};
use super::words::terminal_width;
use super::{DONE, Stop};
use crate::app::channels::{SecretSource, Whose};
use crate::app::view::{ChannelList, ChannelView};
use crate::error::Error;
use crate::store::channels::{ChannelKind, Settings};
use crate::store::notices::NoticeState;

/// The word for every event.
const ALL: &str = "all";
/// No secret is longer.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a mail server, a webhook or a chat
    #[command(subcommand)]
    Add(Add),
    /// List the channels
    List {
        #[command(flatten)]
        whose: Of,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Say which events a webhook is told of from now on
    Set {
        /// The webhook
        name: String,
        /// The events, a comma between two, such as key.exposed,key.revoked; `all` for every one
        #[arg(long, value_name = "EVENTS", value_delimiter = ',', required = true)]
        events: Vec<String>,
    },
    /// Send a webhook a signed test event, and say what it answered
    Test {
        /// The webhook
        name: String,
    },
    /// Give a webhook another signing secret; both sign for 24 hours
    Rotate {
        /// The webhook
        name: String,
        /// Where the new secret (whsec_…) is; without it one is made and shown once
        #[arg(long, value_name = "PLACE")]
        secret: Option<String>,
    },
    /// Forget the old signing secret of a webhook before its 24 hours are over
    EndRotation {
        /// The webhook
        name: String,
    },
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

/// Whose channel it is: this installation's, if nothing is said.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Of {
    /// Of this API of yours: for what is told in its name
    #[arg(long, value_name = "API")]
    api: Option<String>,
    /// Of this customer of your API: told of their keys alone
    #[arg(long, value_name = "API/CUSTOMER")]
    account: Option<String>,
}

impl Of {
    fn whose(self) -> Whose {
        Whose { api: self.api, account: self.account }
    }
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
    /// Of this API of yours: mail to its customers goes by it
    #[arg(long, value_name = "API")]
    api: Option<String>,
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
    /// The events it is told of, a comma between two; all, if none is named
    #[arg(long, value_name = "EVENTS", value_delimiter = ',')]
    events: Vec<String>,
    #[command(flatten)]
    whose: Of,
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
        Command::List { whose, json } => list(&whose.whose(), json, context),
        Command::Set { name, events } => subscribe(&name, events, context),
        Command::Test { name } => test(&name, context),
        Command::Rotate { name, secret } => rotate(&name, secret.as_deref(), context),
        Command::EndRotation { name } => context.desk(async |desk| {
            desk.end_rotation(&name).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("the old signing secret of {name} signs nothing any more"));
            Ok(DONE)
        }),
        Command::Remove { name, yes } => context.desk(async |desk| {
            confirm(&format!("Remove the channel {name}, and what waits for it?"), yes)?;
            desk.remove_channel(&name).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("removed {name}"));
            Ok(DONE)
        }),
    }
}

fn add(args: Add, context: &Context) -> Result<u8, Stop> {
    let (name, kind, settings, secret, whose) = match args {
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
            let whose = Whose { api: mail.api, account: None };
            (mail.name, ChannelKind::Mail, settings, secret, whose)
        }
        Add::Webhook(hook) => {
            let settings = Settings {
                url: Some(hook.url),
                roots: hook.ca.map(absolute),
                allow_private: hook.allow_private,
                events: hook.events,
                ..Settings::default()
            };
            let secret = hook.secret.as_deref();
            let secret = secret.map_or(Ok(SecretSource::Make), source)?;
            (hook.name, ChannelKind::Webhook, settings, secret, hook.whose.whose())
        }
        Add::Slack(chat) => self::chat(chat, ChannelKind::Slack)?,
        Add::Teams(chat) => self::chat(chat, ChannelKind::Teams)?,
    };
    context.desk(async |desk| {
        let next = match (&whose.api, &whose.account) {
            (None, None) => "keytender notify --dry-run".to_owned(),
            _ if kind == ChannelKind::Webhook => "keytender channels test with its name".to_owned(),
            _ => "keytender notices preview --api with its API".to_owned(),
        };
        let new = NewChannel { name, kind, settings, secret, whose };
        let added = desk.add_channel(new).await.map_err(Stop::could_not)?;
        show_secret(&added, context)?;
        context.talk.note(&format!("added {}; next: {next}", added.name));
        Ok(DONE)
    })
}

fn rotate(name: &str, secret: Option<&str>, context: &Context) -> Result<u8, Stop> {
    let secret = secret.map_or(Ok(SecretSource::Make), source)?;
    context.desk(async |desk| {
        let channel = desk.rotate_channel(name, secret).await.map_err(Stop::could_not)?;
        show_secret(&channel, context)?;
        if let Some(until) = channel.old_secret_until {
            let until = until.to_seconds();
            let name = &channel.name;
            context.talk.note(&format!(
                "both secrets of {name} sign until {until}; give the new one to its receiver, then: \
                 keytender channels end-rotation {name}"
            ));
        }
        Ok(DONE)
    })
}

fn subscribe(name: &str, events: Vec<String>, context: &Context) -> Result<u8, Stop> {
    let events = if events == [ALL] { Vec::new() } else { events };
    context.desk(async |desk| {
        let channel = desk.subscribe_channel(name, events).await.map_err(Stop::could_not)?;
        let events = match channel.events.is_empty() {
            true => "every event".to_owned(),
            false => channel.events.join(", "),
        };
        context.talk.note(&format!("{} is told of {events}", channel.name));
        Ok(DONE)
    })
}

fn test(name: &str, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let notice = desk.test_channel(name).await.map_err(Stop::could_not)?;
        if notice.state == NoticeState::Sent {
            context.talk.note(&format!("{} took the test, {}", notice.channel, notice.id));
            return Ok(DONE);
        }
        let why = notice.error.unwrap_or_else(|| "nobody knows why".to_owned());
        Err(Stop::could_not(
            Error::new(format!("{} did not take the test", notice.channel))
                .source(why)
                .hint(format!("keytender notices show {}", notice.id)),
        ))
    })
}

/// Prints a secret that was made, this once.
fn show_secret(channel: &ChannelView, context: &Context) -> Result<(), Stop> {
    if let Some(secret) = &channel.signing_secret {
        let mut out = io::stdout().lock();
        writeln!(out, "{secret}")?;
        context.talk.note("the line above is the signing secret; it is not shown again");
    }
    Ok(())
}

type New = (String, ChannelKind, Settings, SecretSource, Whose);

fn chat(chat: Chat, kind: ChannelKind) -> Result<New, Stop> {
    let settings = Settings {
        roots: chat.ca.map(absolute),
        allow_private: chat.allow_private,
        ..Settings::default()
    };
    Ok((chat.name, kind, settings, source(&chat.url)?, Whose::default()))
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

fn list(whose: &Whose, as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let channels = desk.list_channels(whose).await.map_err(Stop::could_not)?;
        if as_json {
            let mut out = io::stdout().lock();
            let list = ChannelList { channels, next: None };
            serde_json::to_writer_pretty(&mut out, &list).map_err(io::Error::from)?;
            writeln!(out)?;
            return Ok(DONE);
        }
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
                Cell::new([
                    channel.kind.as_str().to_owned(),
                    printable(&channel.events.join(", ")).into_owned(),
                ]),
                Cell::new([printable(&place(channel)).into_owned()]),
                Cell::new([secret(channel)]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}

fn place(channel: &ChannelView) -> String {
    match (&channel.host, &channel.url) {
        (Some(host), _) => match channel.port {
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

fn secret(channel: &ChannelView) -> String {
    let secret = match (&channel.secret_place, channel.is_secret_kept) {
        (Some(place), _) => printable(place).into_owned(),
        (None, true) => "kept sealed".to_owned(),
        (None, false) => "none".to_owned(),
    };
    match channel.old_secret_until {
        Some(until) => format!("{secret}; the old one until {}", until.to_seconds()),
        None => secret,
    }
}
