//! `keytender notices`: what was told, and how its delivery stands.

use std::io::{self, Write};

use clap::{Subcommand, ValueEnum};
use keytender_core::id::NoticeId;
use keytender_core::steps::ago;
use keytender_core::text::printable;

use super::context::Context;
use super::desk::Desk;
use super::grid::{Cell, Grid};
use super::words::terminal_width;
use super::{DONE, Stop};
use crate::app::notify::Asked;
use crate::app::view::{NoticeList, NoticeView};
use crate::clock;
use crate::error::Error;
use crate::store::notices::NoticeState;

mod of_api;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List notices, the newest first
    List {
        /// Only those in this state
        #[arg(long, value_enum)]
        state: Option<State>,
        /// Only those by this channel
        #[arg(long, value_name = "CHANNEL")]
        channel: Option<String>,
        /// Only those in the name of this API of yours
        #[arg(long, value_name = "API")]
        api: Option<String>,
        /// Only those of keys of this customer of your API
        #[arg(long, value_name = "API/CUSTOMER")]
        account: Option<String>,
        /// How many at most
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a notice as it went out
    Show {
        /// Its id
        notice: String,
    },
    /// Send a notice again that could not be delivered, or an event
    SendAgain {
        /// Its id
        notice: String,
    },
    /// Show what the customers of an API of yours would be told, and send nothing
    Preview(of_api::Preview),
    /// Let the customers of an API of yours be told of their keys from now on
    Start(of_api::Start),
    /// Tell the customers of an API of yours nothing until it is started again
    Stop(of_api::Which),
    /// Say in whose name the customers of an API of yours are written to
    Set(of_api::Set),
    /// Tell whether the customers of an API of yours are told, and in whose name
    Settings(of_api::Settings),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum State {
    /// To be delivered
    Waiting,
    /// Taken by its channel
    Sent,
    /// Given up
    Dead,
}

impl State {
    const fn of(self) -> NoticeState {
        match self {
            Self::Waiting => NoticeState::Waiting,
            Self::Sent => NoticeState::Sent,
            Self::Dead => NoticeState::Dead,
        }
    }
}

pub(super) fn run(command: &Command, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| match command {
        Command::List { state, channel, api, account, limit, json } => {
            let asked = Asked {
                state: state.map(State::of),
                channel: channel.as_deref(),
                api: api.as_deref(),
                account: account.as_deref(),
            };
            list(asked, *limit, *json, desk).await
        }
        Command::Preview(args) => of_api::preview(args, desk, context).await,
        Command::Start(args) => of_api::start(args, desk, context).await,
        Command::Stop(args) => of_api::stop(args, desk, context).await,
        Command::Set(args) => of_api::set(args, desk, context).await,
        Command::Settings(args) => of_api::settings(args, desk).await,
        Command::Show { notice } => {
            let notice = desk.get_notice(id(notice)?).await.map_err(Stop::could_not)?;
            show(&notice)
        }
        Command::SendAgain { notice } => {
            desk.send_notice_again(id(notice)?).await.map_err(Stop::could_not)?;
            context.talk.note("it waits again: keytender notify delivers it");
            Ok(DONE)
        }
    })
}

fn id(word: &str) -> Result<NoticeId, Stop> {
    word.parse().map_err(|error| {
        Stop::wrong_usage(Error::new(format!("`{}` is no notice", printable(word))).source(error))
    })
}

async fn list(asked: Asked<'_>, limit: u32, as_json: bool, desk: &Desk<'_>) -> Result<u8, Stop> {
    let notices = desk.list_notices(asked, limit).await.map_err(Stop::could_not)?;
    if as_json {
        let mut out = io::stdout().lock();
        let list = NoticeList { notices, next: None };
        serde_json::to_writer_pretty(&mut out, &list).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(DONE);
    }
    let mut out = anstream::stdout();
    if notices.is_empty() {
        writeln!(out, "No notices.")?;
        return Ok(DONE);
    }
    let now = clock::now();
    let mut grid = Grid::new(["NOTICE", "TO", "BY", "SUBJECT", "STATE"]);
    for one in &notices {
        let stands = match (one.state, one.sent_at) {
            (NoticeState::Sent, Some(at)) => format!("sent {}", ago(at, now)),
            (NoticeState::Waiting, _) if one.attempts > 0 => {
                format!("waiting until {}", one.send_at.to_seconds())
            }
            (state, _) => state.as_str().to_owned(),
        };
        let error = one.error.as_deref().map(|error| printable(error).into_owned());
        grid.push([
            Cell::new([one.id.clone()]),
            Cell::new([printable(&one.recipient).into_owned()]),
            Cell::new([printable(&one.channel).into_owned()]),
            Cell::new([printable(&one.subject).into_owned()]),
            Cell::new([stands, error.unwrap_or_default()]),
        ]);
    }
    grid.write(&mut out, terminal_width())?;
    Ok(DONE)
}

fn show(notice: &NoticeView) -> Result<u8, Stop> {
    let mut out = anstream::stdout();
    for (label, text) in [
        ("notice", notice.id.clone()),
        ("to", notice.recipient.clone()),
        ("by", notice.channel.clone()),
        ("subject", notice.subject.clone()),
        ("state", notice.state.as_str().to_owned()),
        ("attempts", notice.attempts.to_string()),
        ("written", notice.created_at.to_seconds().to_string()),
        ("sent", notice.sent_at.map_or_else(String::new, |at| at.to_seconds().to_string())),
        ("error", notice.error.clone().unwrap_or_default()),
    ] {
        if !text.is_empty() {
            writeln!(out, "{label:<9} {}", printable(&text))?;
        }
    }
    writeln!(out)?;
    match (&notice.text, &notice.content) {
        (Some(text), _) => {
            for line in text.lines() {
                writeln!(out, "{}", printable(line))?;
            }
        }
        (None, content) => {
            let content = content.as_ref().map(ToString::to_string).unwrap_or_default();
            writeln!(out, "{}", printable(&content))?;
        }
    }
    Ok(DONE)
}
