//! `keytender policy`: the rules that keys are held against.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use keytender_core::policy::{DEFAULT, Policy};

use super::{DONE, Stop, Talk};
use crate::clock;
use crate::error::Error;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the default policy, ready to be copied and changed
    Show,
    /// Check a policy file and say what is in it
    Check {
        /// The policy, in TOML
        file: PathBuf,
    },
}

pub(super) fn run(command: Command, _talk: Talk) -> Result<u8, Stop> {
    let mut out = io::stdout().lock();
    match command {
        Command::Show => out.write_all(DEFAULT.as_bytes())?,
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

fn counts(policy: &Policy) -> String {
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let rules = count(policy.rules().len(), "rule");
    format!("{rules}, {}", count(policy.exceptions().len(), "exception"))
}

/// The policy in `file`.
pub(super) fn read(file: &Path) -> Result<Policy, Error> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Error::new(format!("cannot read the policy `{name}`")).source(error))?;
    Policy::parse(&text).map_err(|error| {
        Error::new(format!("{name}: {error}"))
            .hint("`keytender policy show` prints a policy that is right")
    })
}

/// The policy that is compiled in.
pub(super) fn default() -> Result<Policy, Error> {
    Policy::parse(DEFAULT).map_err(|error| Error::new("the default policy is broken").source(error))
}
