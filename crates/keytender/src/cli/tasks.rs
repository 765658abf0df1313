//! `keytender tasks`: what a server does by itself.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::steps::ago;
use keytender_core::text::printable;

use super::context::Context;
use super::grid::{Cell, Grid};
use super::words::terminal_width;
use super::{DONE, Stop};
use crate::app::view::{TaskList, TaskView};
use crate::clock;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the tasks: when each ran, when it runs next, and why it failed
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask for a run as soon as can be, by the server that does the task
    Run {
        /// Its name, such as notify or sync:prod; sync is the sync of every account
        name: String,
    },
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    match command {
        Command::List { json } => list(json, context),
        Command::Run { name } => context.desk(async |desk| {
            desk.ask_for_run(&name).await.map_err(Stop::could_not)?;
            context.talk.note(&format!("asked for {name}; keytender tasks list shows how it went"));
            Ok(DONE)
        }),
    }
}

fn list(as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let tasks = desk.list_tasks().await.map_err(Stop::could_not)?;
        if as_json {
            let mut out = io::stdout().lock();
            let list = TaskList { tasks, next: None };
            serde_json::to_writer_pretty(&mut out, &list).map_err(io::Error::from)?;
            writeln!(out)?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        if tasks.is_empty() {
            writeln!(out, "No tasks yet: a server makes them. keytender serve")?;
            return Ok(DONE);
        }
        let now = clock::now();
        let mut grid = Grid::new(["TASK", "LAST RUN", "ENDED", "NEXT", "SERVER"]);
        for task in &tasks {
            let name = match &task.account {
                Some(account) => format!("sync:{}", printable(account)),
                None => task.name.clone(),
            };
            let error = task.error.as_deref().map(|text| printable(text).into_owned());
            grid.push([
                Cell::new([name]),
                Cell::new([task.started_at.map_or_else(|| "never".to_owned(), |at| ago(at, now))]),
                Cell::new([ended(task), error.unwrap_or_default()]),
                Cell::new([next(task, now)]),
                Cell::new([printable(task.holder.as_deref().unwrap_or("–")).into_owned()]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}

fn ended(task: &TaskView) -> String {
    match (&task.outcome, task.failures) {
        (None, _) => "–".to_owned(),
        (Some(word), failures @ 2..) => format!("{word}, {failures} times"),
        (Some(word), _) => word.clone(),
    }
}

fn next(task: &TaskView, now: keytender_core::time::Time) -> String {
    if task.is_asked {
        return "asked for".to_owned();
    }
    match task.next_at > now {
        true => format!("in {}", task.next_at.since(now).in_words()),
        false => "when there is something".to_owned(),
    }
}
