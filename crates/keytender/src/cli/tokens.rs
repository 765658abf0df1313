//! `keytender tokens`: with what programs use the API of a server.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::access::{Scopes, Side};
use keytender_core::key::State;
use keytender_core::steps::ago;
use keytender_core::text::printable;
use keytender_core::time::Time;

use super::context::Context;
use super::grid::{Cell, Grid};
use super::words::{terminal_width, write_json};
use super::{DONE, Stop, parse_time};
use crate::app::tokens::{DEFAULT_LIFE, NewToken};
use crate::app::view::TokenList;
use crate::clock;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token for a user and print it, this once
    Create(Create),
    /// List the tokens that are not gone
    List {
        /// Only this user's
        user: Option<String>,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
}

/// Make a token for a user and print it, this once.
///
/// It stands in the inventory as a key: keytender keys disable, enable and delete act on it.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// Whose it is
    user: String,
    /// What it is for
    #[arg(long, default_value = "made on the command line")]
    name: String,
    /// What it may do, of what its user may, such as "keys:read reports:read"; all of it if not given
    #[arg(long, value_name = "WORDS", value_parser = scopes, default_value = "all", hide_default_value = true)]
    scopes: Scopes,
    /// Only for keys on this side: held or issued
    #[arg(long, value_parser = side)]
    side: Option<Side>,
    /// Only for this customer of an API, such as acme/globex: it is that customer's own token
    #[arg(long, value_name = "API/NAME")]
    account: Option<String>,
    /// When it ends, or `never`; in 90 days if not given
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

fn scopes(words: &str) -> Result<Scopes, String> {
    match words {
        "all" => Ok(Scopes::ALL),
        words => Scopes::parse(words).map_err(|error| error.to_string()),
    }
}

fn side(word: &str) -> Result<Side, String> {
    Side::parse(word).ok_or_else(|| "known are held, issued".to_owned())
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::Create(args) => create(args, context),
        Command::List { user, json } => list(user.as_deref(), json, context),
    }
}

fn create(args: Create, context: &Context) -> Result<u8, Stop> {
    let expires_at = match args.expires.as_deref() {
        None => Some(clock::now().plus(DEFAULT_LIFE)),
        Some("never") => None,
        Some(text) => Some(parse_time(text).map_err(|error| {
            Stop::wrong_usage(crate::error::Error::new(format!("--expires: {error}")))
        })?),
    };
    context.desk(async |desk| {
        let new = NewToken {
            label: args.name,
            scopes: args.scopes,
            side: args.side,
            account: args.account,
            expires_at,
        };
        let made = desk.create_token(&args.user, new);
        let (key, text) = made.await.map_err(Stop::could_not)?;
        let end = expires_at
            .map_or_else(|| "never ends".to_owned(), |at| format!("ends on {}", at.date()));
        context.talk.note(&format!("made {key}, which {end}; this is shown once:"));
        let mut out = io::stdout().lock();
        writeln!(out, "{}", text.expose())?;
        Ok(DONE)
    })
}

fn list(user: Option<&str>, as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let tokens = desk.list_tokens(user).await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&TokenList { tokens, next: None })?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        if tokens.is_empty() {
            writeln!(out, "No tokens. Make one: keytender tokens create USER")?;
            return Ok(DONE);
        }
        let now = clock::now();
        let mut grid = Grid::new(["TOKEN", "USER", "FOR", "MAY", "LAST USED", "ENDS"]);
        for token in &tokens {
            let state = match token.state {
                State::Active => String::new(),
                state => state.as_str().to_owned(),
            };
            let limit = match (&token.account, token.side) {
                (Some(account), _) => format!("{account} only"),
                (None, Some(side)) => format!("{} keys only", side.as_str()),
                (None, None) => String::new(),
            };
            let may = match token.scopes.len() == Scopes::ALL.iter().count() {
                true => "all that the user may".to_owned(),
                false => token.scopes.iter().copied().collect::<Scopes>().to_string(),
            };
            let when =
                |at: Option<Time>, none: &str| at.map_or_else(|| none.to_owned(), |at| at.date());
            grid.push([
                Cell::new([token.key.clone(), token.id.clone()]),
                Cell::new([printable(&token.user).into_owned()]),
                Cell::new([printable(token.label.as_deref().unwrap_or_default()).into_owned()]),
                Cell::new([may, limit]),
                Cell::new([token
                    .last_used_at
                    .map_or_else(|| "never".to_owned(), |at| ago(at, now))]),
                Cell::new([when(token.expires_at, "never"), state]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}
