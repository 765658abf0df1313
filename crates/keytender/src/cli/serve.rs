//! `keytender serve`: watches, tells and answers over HTTP until it is stopped.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ValueEnum, value_parser};
use ipnet::IpNet;
use keytender_core::time::Span;
use tokio::signal::unix::{SignalKind, signal};

use super::context::Context;
use super::{DONE, Stop, Talk};
use crate::app::inventory::Inventory;
use crate::config::actor;
use crate::config::credential::Reference;
use crate::connect::openid::Provider;
use crate::connect::scanning::Partner;
use crate::error::Error;
use crate::http::serve::{self, DEFAULT_PER_SECOND, OnPartition, Options, Started};
use crate::task::{Intervals, Timing};

mod demo;

/// Where it listens if nothing else is said: for this machine alone.
const LISTEN: &str = "127.0.0.1:7979";

/// The shortest time between two looks at an account.
const SHORTEST_SYNC: Duration = Duration::from_secs(60);

/// Watch, tell and answer over HTTP until it is stopped.
///
/// Accounts are synced, keys held against the policy, and notices delivered by themselves. The first
/// start makes an administrator and writes their token into a file that only you may read.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = LISTEN)]
    listen: SocketAddr,
    /// The server's certificate chain, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// The URL by which others reach it, if a proxy stands before it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// An OpenID provider where people sign in, such as https://id.example.com
    #[arg(
        long,
        value_name = "URL",
        requires = "oidc_client_id",
        requires = "oidc_client_secret_from"
    )]
    oidc_issuer: Option<String>,
    /// What the provider calls this server
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// The place of the secret that the provider gave: env:NAME, file:PATH, command:PROGRAM …
    #[arg(long, value_name = "PLACE", requires = "oidc_issuer")]
    oidc_client_secret_from: Option<Reference>,
    /// Proxies whose word on who asks is believed, such as 10.0.0.0/8
    #[arg(long, value_name = "NETWORK")]
    trusted_proxy: Vec<IpNet>,
    /// How many requests a second one token may make; 0: without a limit
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_PER_SECOND)]
    rate_limit: u32,
    /// How often each account is asked for its keys, such as 1h
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = parse_span)]
    sync_every: Span,
    /// How many seconds a node that died keeps what it was doing from others
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u16).range(3..=3600))]
    lease: u16,
    /// A Unix socket on which whoever may open it verifies keys of your APIs, without a token
    #[arg(long, value_name = "PATH")]
    verify_socket: Option<PathBuf>,
    /// What is done about keys of your APIs when the database cannot be reached
    #[arg(long, value_enum, default_value = "serve")]
    on_partition: Partition,
    /// Who scans what is public for keys of yours and signs what it tells: github, or the URL of its public keys
    #[arg(long, value_name = "NAME|URL")]
    scanning_partner: Option<String>,
    /// Serve an estate that is made up, in a database that is gone afterwards
    #[arg(long)]
    demo: bool,
    /// The form of the log on stderr; for people on a terminal, else for programs
    #[arg(long, value_enum)]
    log: Option<LogForm>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Partition {
    /// They are verified as they were last known, for ten minutes
    Serve,
    /// They are refused after five seconds
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogForm {
    /// A line for people
    Text,
    /// A line of JSON
    Json,
    /// Nothing
    None,
}

pub(super) fn run(args: Args, context: &Context) -> Result<u8, Stop> {
    check(&args)?;
    if !args.demo {
        return serve(args, context, async |_| Ok(()));
    }
    let database = demo::Database::new(context)?;
    let context = Context { database: Some(database.location()), ..context.clone() };
    serve(args, &context, demo::show)
}

/// Serves the inventory once `prepare` is done with it.
fn serve(
    args: Args,
    context: &Context,
    prepare: impl AsyncFnOnce(&Inventory) -> Result<(), Stop>,
) -> Result<u8, Stop> {
    write_log(args.log);
    let openid = provider(&args).map_err(Stop::could_not)?;
    let partner = args.scanning_partner.as_deref().map(Partner::new).transpose();
    let options = Options {
        partner: partner.map_err(Stop::wrong_usage)?,
        is_demo: args.demo,
        verify_socket: args.verify_socket.clone(),
        on_partition: match args.on_partition {
            Partition::Serve => OnPartition::Serve,
            Partition::Refuse => OnPartition::Refuse,
        },
        openid,
        listen: args.listen,
        is_https: args.tls_key.is_some()
            || args.public_url.as_ref().is_some_and(|url| url.starts_with("https://")),
        tls: args.tls_certificate.zip(args.tls_key),
        public_url: args.public_url.clone(),
        proxies: args.trusted_proxy,
        per_second: args.rate_limit,
        node: actor::host(),
        intervals: Intervals { sync: duration(args.sync_every), ..Intervals::default() },
        timing: Timing::with_lease(Duration::from_secs(args.lease.into())),
    };
    let (is_tls, is_demo) = (options.tls.is_some(), options.is_demo);
    let public = args.public_url;
    context.serve(async |inventory| {
        let stop = stop_signal().map_err(|error| {
            Stop::could_not(Error::new("cannot wait for the signal to stop").source(error))
        })?;
        prepare(inventory).await?;
        let say = |started: Started| {
            say(&started, (is_tls, is_demo), public.as_deref(), context.talk);
        };
        serve::run(inventory, options, say, stop).await.map_err(Stop::could_not)?;
        Ok(DONE)
    })
}

/// Where people may prove who they are instead.
fn provider(args: &Args) -> Result<Option<Provider>, Error> {
    let (Some(issuer), Some(id), Some(place)) =
        (&args.oidc_issuer, &args.oidc_client_id, &args.oidc_client_secret_from)
    else {
        return Ok(None);
    };
    Provider::new(issuer, id, place.resolve()?).map(Some)
}

fn parse_span(text: &str) -> Result<Span, String> {
    match Span::parse(text) {
        Ok(span) if duration(span) >= SHORTEST_SYNC => Ok(span),
        Ok(_) => Err("an account is asked every minute at most".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_micros(u64::try_from(span.as_micros()).unwrap_or(0))
}

fn check(args: &Args) -> Result<(), Stop> {
    if let Some(url) = &args.public_url
        && !url.starts_with("https://")
        && !url.starts_with("http://")
    {
        let error = Error::new("--public-url begins with https:// or http://");
        return Err(Stop::wrong_usage(error));
    }
    let is_safe = args.listen.ip().is_loopback()
        || args.tls_key.is_some()
        || args.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    if !is_safe {
        let error = Error::new(format!(
            "on {} others would see tokens on their way: nothing encrypts them",
            args.listen
        ));
        return Err(Stop::wrong_usage(error.hint(
            "--tls-certificate and --tls-key; or, behind a proxy that does it, --public-url https://…",
        )));
    }
    Ok(())
}

/// What people are told on stderr once it listens.
fn say(started: &Started, (is_tls, is_demo): (bool, bool), public: Option<&str>, talk: Talk) {
    let scheme = if is_tls { "https" } else { "http" };
    let here = format!("{scheme}://{}", started.address);
    let there = public.unwrap_or(&here).trim_end_matches('/');
    talk.note(&format!("listening on {here}; the API: {there}/docs"));
    if let Some(path) = &started.token_file {
        let path = path.display();
        talk.note(&format!("the first administrator's token is in {path}; use it with:"));
        talk.note(&format!("  export KEYTENDER_SERVER={here} KEYTENDER_TOKEN_FROM=file:{path}"));
    }
    if is_demo {
        talk.note(demo::NOTE);
    }
    if let Some(secret) = &started.link {
        talk.note("open the console as the first administrator; this link works once:");
        talk.note(&format!("  {there}/enter/{}", secret.expose()));
    }
}

/// Ready when somebody asks this program to end.
pub(super) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn write_log(form: Option<LogForm>) {
    let is_terminal = io::stderr().is_terminal();
    let form = form.unwrap_or(if is_terminal { LogForm::Text } else { LogForm::Json });
    let subscriber = tracing_subscriber::fmt().with_writer(|| Lines(io::stderr()));
    match form {
        LogForm::Text => subscriber.with_ansi(false).with_target(false).init(),
        LogForm::Json => subscriber.json().flatten_event(true).with_target(false).init(),
        LogForm::None => {}
    }
}

/// Lines on stderr; where that is closed there is nobody to tell.
struct Lines(io::Stderr);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        _ = self.0.flush();
        Ok(())
    }
}
