//! The command line: one definition gives parser, help and completions.
//!
//! What a command found goes to stdout, what there is to say about it to stderr. Exit codes: 0
//! done, 1 could not, 2 wrong usage, 3 as `--fail-on` asked.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::Error;
use context::Context;

mod accounts;
mod apis;
mod apps;
mod audit;
mod catalog;
mod channels;
mod conform;
mod context;
mod desk;
mod destinations;
mod grid;
mod key_json;
mod keys;
mod log;
mod mcp;
mod notices;
mod notify;
mod owners;
mod policy;
mod providers;
mod report;
mod rotations;
mod sarif;
mod scan;
mod serve;
mod style;
mod sync;
mod tasks;
mod tokens;
mod users;
mod words;

/// Something is as asked.
const DONE: u8 = 0;
/// Something could not be done.
const COULD_NOT: u8 = 1;
/// The command line was not understood.
const WRONG_USAGE: u8 = 2;
/// A key as severe as `--fail-on` names is due.
const FAIL_ON: u8 = 3;

/// The help of the program itself: its commands in groups, on one screen of 24 lines.
const HELP: &str = "\
{about}

{usage-heading} {usage}; of one command: keytender audit --help
See:
  audit, scan           What is due, from reports and accounts; keys in files
  keys, catalog         The keys of the inventory; the APIs that you use
  log, report           Who did what and why; every key as a credential report
Keep up:
  sync, destinations    Look at accounts anew; where held secrets are used
  rotate, rotations     Replace a held key, step by step; how that goes
  notify, notices       Tell owners what is due; what they were told
  serve, tasks, mcp     Do it all by itself, over HTTP; for coding agents
Set up:
  accounts, owners      Where keys are held; who answers for which keys
  providers, conform    Whose keys can be managed, and how well
  channels, policy      How notices go out; what keys are held against
  apis, api, apps       Your own APIs and what customers build: keys you issue
  users, tokens         Who may use a server, and with what
  completions           Print the completions for a shell
Options:
{options}
";

/// Keytender tends API keys: which are due, why, and what to do about each
#[derive(Debug, Parser)]
#[command(
    name = "keytender",
    version,
    help_template = HELP,
    disable_help_subcommand = true,
    propagate_version = true,
    max_term_width = 100
)]
struct Cli {
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// The inventory: a file, or postgres://…
    #[arg(long, global = true, value_name = "DATABASE")]
    database: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What is due, from credential reports, CSV files, AWS accounts
    Audit(audit::Args),
    /// Keys in files: where they stand, and whose they are
    Scan(scan::Args),
    /// The keys of the inventory
    #[command(subcommand)]
    Keys(keys::Command),
    /// Replace a held key: show the plan, then take it as far as it goes
    Rotate(rotations::Rotate),
    /// Held keys that are being replaced: how each stands, and what you say to it
    #[command(subcommand)]
    Rotations(rotations::Command),
    /// Where the secrets of held keys are used: there rotations write
    #[command(subcommand)]
    Destinations(destinations::Command),
    /// Who did what, when, from where and why
    Log(log::Args),
    /// Every key as a credential report, now or at a moment
    Report(report::Args),
    /// Bring the inventory up to date with its accounts
    Sync(sync::Args),
    /// Tell owners what is due
    Notify(notify::Args),
    /// What was told, and how its delivery stands
    #[command(subcommand)]
    Notices(notices::Command),
    /// Mail servers, webhooks and chats by which notices go out
    #[command(subcommand)]
    Channels(channels::Command),
    /// Where keys are held
    #[command(subcommand)]
    Accounts(accounts::Command),
    /// Your own APIs, whose keys you issue
    #[command(subcommand, visible_alias = "api")]
    Apis(apis::Command),
    /// What the customers of your APIs build: who their keys act for
    #[command(subcommand)]
    Apps(apps::Command),
    /// Whose keys Keytender knows how to manage
    #[command(subcommand)]
    Providers(providers::Command),
    /// How well a provider lets the holders of its keys manage them, K0 to K5
    Conform(conform::Args),
    /// The APIs that you use, and where their keys are
    #[command(subcommand)]
    Catalog(catalog::Command),
    /// Who answers for which keys
    #[command(subcommand)]
    Owners(owners::Command),
    /// Show the rules that keys are held against, or check your own
    #[command(subcommand)]
    Policy(policy::Command),
    /// Watch, tell and answer over HTTP until it is stopped
    Serve(serve::Args),
    /// What a server does by itself
    #[command(subcommand)]
    Tasks(tasks::Command),
    /// Answer coding agents, within what you allow
    Mcp(mcp::Args),
    /// Who may use the API of a server
    #[command(subcommand)]
    Users(users::Command),
    /// With what programs use the API of a server
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program with the words of its command line.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes: clap knows where each goes and how it ends.
            return match error.print() {
                Ok(()) => u8::try_from(error.exit_code()).unwrap_or(COULD_NOT).into(),
                Err(_) => COULD_NOT.into(),
            };
        }
    };
    let talk = Talk { is_quiet: cli.quiet };
    let context = Context { talk, database: cli.database };
    let done = match cli.command {
        Command::Keys(command) => keys::run(command, &context),
        Command::Rotate(args) => rotations::rotate(args, &context),
        Command::Rotations(command) => rotations::run(command, &context),
        Command::Destinations(command) => destinations::run(command, &context),
        Command::Log(args) => log::run(&args, &context),
        Command::Report(args) => report::run(&args, &context),
        Command::Notify(args) => notify::run(&args, &context),
        Command::Notices(command) => notices::run(&command, &context),
        Command::Channels(command) => channels::run(command, &context),
        Command::Sync(args) => sync::run(&args, &context),
        Command::Accounts(command) => accounts::run(command, &context),
        Command::Apis(command) => apis::run(command, &context),
        Command::Apps(command) => apps::run(command, &context),
        Command::Providers(command) => providers::run(&command, &context),
        Command::Conform(args) => conform::run(&args, &context),
        Command::Catalog(command) => catalog::run(command, &context),
        Command::Owners(command) => owners::run(command, &context),
        Command::Audit(args) => audit::run(args, talk),
        Command::Scan(args) => scan::run(args, &context),
        Command::Policy(command) => policy::run(command, &context),
        Command::Serve(args) => serve::run(args, &context),
        Command::Tasks(command) => tasks::run(command, &context),
        Command::Mcp(args) => mcp::run(args, &context),
        Command::Users(command) => users::run(command, &context),
        Command::Tokens(command) => tokens::run(command, &context),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "keytender", &mut script);
            io::stdout().write_all(&script).map(|()| DONE).map_err(Stop::from)
        }
    };
    match done {
        Ok(code) => code.into(),
        Err(Stop::ReaderGone) => DONE.into(),
        Err(Stop::CannotWrite(error)) => {
            talk.error(&Error::new("cannot write the output").source(error));
            COULD_NOT.into()
        }
        Err(Stop::Refused(code, error)) => {
            talk.error(&error);
            code.into()
        }
    }
}

/// Why a command stopped before its end.
#[derive(Debug)]
enum Stop {
    /// Whoever read the output has seen enough: `keytender audit … | head`.
    ReaderGone,
    /// The output cannot be written.
    CannotWrite(io::Error),
    /// It cannot be done.
    Refused(u8, Error),
}

impl Stop {
    const fn could_not(error: Error) -> Self {
        Self::Refused(COULD_NOT, error)
    }

    const fn wrong_usage(error: Error) -> Self {
        Self::Refused(WRONG_USAGE, error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::CannotWrite(error),
        }
    }
}

/// What is said on stderr. Where that is closed there is nobody to tell.
#[derive(Clone, Copy, Debug)]
struct Talk {
    is_quiet: bool,
}

impl Talk {
    fn error(self, error: &Error) {
        let style = style::ERROR;
        let report = lines_printable(&error.report());
        _ = writeln!(anstream::stderr(), "{style}error{style:#}: {report}");
    }

    fn warning(self, text: &str) {
        if !self.is_quiet {
            let style = style::WARNING;
            let text = lines_printable(text);
            _ = writeln!(anstream::stderr(), "{style}warning{style:#}: {text}");
        }
    }

    fn note(self, text: &str) {
        if !self.is_quiet {
            _ = writeln!(anstream::stderr(), "{}", lines_printable(text));
        }
    }
}

/// A moment on the command line.
fn parse_time(text: &str) -> Result<keytender_core::time::Time, String> {
    keytender_core::time::Time::parse(text).map_err(|error| error.to_string())
}

/// A length of time on the command line.
fn parse_span(text: &str) -> Result<keytender_core::time::Span, String> {
    keytender_core::time::Span::parse(text).map_err(|error| error.to_string())
}

/// Every line made safe to print; the line ends stay.
fn lines_printable(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(keytender_core::text::printable).collect();
    lines.join("\n")
}
