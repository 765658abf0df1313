//! `keytender policy`: the rules that keys are held against.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use keytender_core::policy::{DEFAULT, Policy};

use super::context::Context;
use super::words::count;
use super::{DONE, Stop};
use crate::clock;
use crate::error::Error;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the default policy, ready to be copied and changed
    Show {
        /// Print the one that the inventory is held against
        #[arg(long)]
        inventory: bool,
    },
    /// Check a policy file and say what is in it
    Check {
        /// The policy, in TOML
        file: PathBuf,
    },
    /// Hold the inventory against this policy from now on
    Use {
        /// The policy, in TOML, or the word default
        file: PathBuf,
    },
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    let mut out = io::stdout().lock();
    match command {
        Command::Show { inventory: false } => out.write_all(DEFAULT.as_bytes())?,
        Command::Show { inventory: true } => {
            let text =
                context.desk(async |desk| desk.policy_text().await.map_err(Stop::could_not))?;
            out.write_all(text.as_bytes())?;
        }
        Command::Use { file } => {
            drop(out);
            return use_policy(&file, context);
        }
        Command::Check { file } => {
            let policy = read(&file).map_err(Stop::could_not)?;
            writeln!(out, "{}: {}", file.display(), counts(&policy))?;
            for exception in policy.exceptions().iter().filter(|one| one.until <= clock::now()) {
                let rule = exception.rule.as_deref().unwrap_or("*");
                let until = exception.until.date();
                writeln!(out, "an exception from {rule} ended on {until}: {}", exception.reason)?;
            }
        }
    }
    Ok(DONE)
}

fn use_policy(file: &Path, context: &Context) -> Result<u8, Stop> {
    let text = match file.to_str() {
        Some("default") => None,
        _ => Some(read_text(file).map_err(Stop::could_not)?),
    };
    if text.is_some() {
        read(file).map_err(Stop::could_not)?;
    }
    context.desk(async |desk| {
        let evaluated = desk.use_policy(text.as_deref()).await;
        let evaluated = evaluated.map_err(Stop::could_not)?;
        let changed = count(evaluated.changed, "key");
        context
            .talk
            .note(&format!("from now on; {changed} of {} stand differently", evaluated.asked));
        Ok(DONE)
    })
}

fn counts(policy: &Policy) -> String {
    let rules = count(policy.rules().len(), "rule");
    format!("{rules}, {}", count(policy.exceptions().len(), "exception"))
}

fn read_text(file: &Path) -> Result<String, Error> {
    std::fs::read_to_string(file).map_err(|error| {
        Error::new(format!("cannot read the policy `{}`", file.display())).source(error)
    })
}

/// The policy in `file`.
pub(super) fn read(file: &Path) -> Result<Policy, Error> {
    let name = file.display();
    let text = read_text(file)?;
    Policy::parse(&text).map_err(|error| {
        Error::new(format!("{name}: {error}"))
            .hint("`keytender policy show` prints a policy that is right")
    })
}

/// The policy that is compiled in.
pub(super) fn default() -> Result<Policy, Error> {
    Policy::parse(DEFAULT).map_err(|error| Error::new("the default policy is broken").source(error))
}
