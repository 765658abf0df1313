//! `keytender notices`: what was told, and how its delivery stands.

use std::io::{self, Write};

use clap::{Subcommand, ValueEnum};
use keytender_core::id::NoticeId;
use keytender_core::steps::ago;
use keytender_core::text::printable;
use serde_json::json;

use super::context::Context;
use super::grid::{Cell, Grid};
use super::words::terminal_width;
use super::{DONE, Stop};
use crate::app::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use crate::error::Error;
use crate::store::notices::{Notice, NoticeState};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List notices, the newest first
    List {
        /// Only those in this state
        #[arg(long, value_enum)]
        state: Option<State>,
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
    /// Send a notice again that could not be delivered
    SendAgain {
        /// Its id
        notice: String,
    },
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

pub(super) fn run(command: &Command, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| match command {
        Command::List { state, limit, json } => list(*state, *limit, *json, inventory).await,
        Command::Show { notice } => show(&get(inventory, notice).await?, inventory).await,
        Command::SendAgain { notice } => {
            let found = get(inventory, notice).await?;
            let mut tx = inventory.begin().await.map_err(Stop::could_not)?;
            let revived = tx.revive_notice(found.id, inventory.now).await;
            if !revived.map_err(|failure| Stop::could_not(cannot_write(failure)))? {
                let error = Error::new(format!("{notice} is {}", found.state.as_str()));
                return Err(Stop::could_not(error.hint("only a dead notice is sent again")));
            }
            let act = Done {
                verb: "notice.send-again",
                target_kind: "notice",
                target_id: found.id.to_string(),
                why: None,
                details: json!({}),
            };
            inventory.log(&mut tx, act).await.map_err(Stop::could_not)?;
            commit(tx).await.map_err(Stop::could_not)?;
            context.talk.note("it waits again: keytender notify delivers it");
            Ok(DONE)
        }
    })
}

async fn get(inventory: &Inventory, word: &str) -> Result<Notice, Stop> {
    let id: NoticeId = word.parse().map_err(|error| {
        Stop::wrong_usage(Error::new(format!("`{}` is no notice", printable(word))).source(error))
    })?;
    let found = inventory.store.find_notice(id).await;
    let found = found.map_err(|failure| Stop::could_not(cannot_read(failure)))?;
    found.ok_or_else(|| {
        let error = Error::new(format!("there is no notice {id}"));
        Stop::could_not(error.hint("keytender notices list shows the notices"))
    })
}

async fn list(
    state: Option<State>,
    limit: u32,
    as_json: bool,
    inventory: &Inventory,
) -> Result<u8, Stop> {
    let state = state.map(|state| match state {
        State::Waiting => NoticeState::Waiting,
        State::Sent => NoticeState::Sent,
        State::Dead => NoticeState::Dead,
    });
    let read = |failure| Stop::could_not(cannot_read(failure));
    let notices = inventory.store.list_notices(state, limit.into()).await.map_err(read)?;
    let channels = inventory.store.list_channels().await.map_err(read)?;
    let channel = |notice: &Notice| {
        let found = channels.iter().find(|channel| channel.id == notice.channel_id);
        found.map(|channel| channel.name.clone()).unwrap_or_default()
    };
    if as_json {
        let list: Vec<_> = notices
            .iter()
            .map(|one| {
                json!({"id": one.id.to_string(), "channel": channel(one),
                       "recipient": one.recipient, "subject": one.subject,
                       "state": one.state.as_str(), "created_at": one.created_at,
                       "send_at": one.send_at, "sent_at": one.sent_at,
                       "attempts": one.attempts, "error": one.error})
            })
            .collect();
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &json!({"notices": list}))
            .map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(DONE);
    }
    let mut out = anstream::stdout();
    if notices.is_empty() {
        writeln!(out, "No notices.")?;
        return Ok(DONE);
    }
    let mut grid = Grid::new(["NOTICE", "TO", "BY", "SUBJECT", "STATE"]);
    for one in &notices {
        let stands = match (one.state, one.sent_at) {
            (NoticeState::Sent, Some(at)) => format!("sent {}", ago(at, inventory.now)),
            (NoticeState::Waiting, _) if one.attempts > 0 => {
                format!("waiting until {}", one.send_at.to_seconds())
            }
            (state, _) => state.as_str().to_owned(),
        };
        let error = one.error.as_deref().map(|error| printable(error).into_owned());
        grid.push([
            Cell::new([one.id.to_string()]),
            Cell::new([printable(&one.recipient).into_owned()]),
            Cell::new([printable(&channel(one)).into_owned()]),
            Cell::new([printable(&one.subject).into_owned()]),
            Cell::new([stands, error.unwrap_or_default()]),
        ]);
    }
    grid.write(&mut out, terminal_width())?;
    Ok(DONE)
}

async fn show(notice: &Notice, inventory: &Inventory) -> Result<u8, Stop> {
    let mut out = anstream::stdout();
    let channels = inventory.store.list_channels().await;
    let channels = channels.map_err(|failure| Stop::could_not(cannot_read(failure)))?;
    let channel = channels.iter().find(|channel| channel.id == notice.channel_id);
    let name = channel.map(|channel| channel.name.as_str()).unwrap_or_default();
    for (label, text) in [
        ("notice", notice.id.to_string()),
        ("to", notice.recipient.clone()),
        ("by", name.to_owned()),
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
    let content: serde_json::Value = serde_json::from_str(&notice.content).unwrap_or_default();
    writeln!(out)?;
    match content.get("text").and_then(serde_json::Value::as_str) {
        Some(text) => {
            for line in text.lines() {
                writeln!(out, "{}", printable(line))?;
            }
        }
        None => writeln!(out, "{}", printable(&content.to_string()))?,
    }
    Ok(DONE)
}
