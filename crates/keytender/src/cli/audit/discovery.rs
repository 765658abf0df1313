//! `keytender audit` without a source: what is on this machine, and the next command to type.

use std::io::{self, Write};
use std::path::PathBuf;

use keytender_core::text::printable;

use super::shell_word;
use crate::app::audit::discover::{Found, Places};
use crate::cli::style::{COMMAND, HEAD};
use crate::cli::words::count;

/// How many names of one kind are written out.
const MAX_NAMED: usize = 8;

/// Looks around and says what is there.
pub(super) fn run() -> io::Result<()> {
    let places = Places {
        home: std::env::home_dir(),
        folder: PathBuf::from("."),
        variable: |name: &str| std::env::var_os(name),
    };
    write(&places.look(), &mut anstream::stdout())
}

fn write(found: &Found, out: &mut dyn Write) -> io::Result<()> {
    let lines = lines(found);
    if lines.is_empty() {
        writeln!(
            out,
            "Nothing to audit was found here: no AWS profile, no GitHub login, no .env file, no report."
        )?;
    } else {
        writeln!(out, "{HEAD}Found here, without asking anybody:{HEAD:#}")?;
        for (what, names) in lines {
            writeln!(out, "  {what:<14}  {}", names)?;
        }
    }
    writeln!(out, "\n{HEAD}Next:{HEAD:#}")?;
    let next = next(found);
    let width = next.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    for (command, what) in next {
        writeln!(out, "  {COMMAND}{command:width$}{COMMAND:#}  {what}")?;
    }
    Ok(())
}

/// What was found, a line a kind.
fn lines(found: &Found) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(variable) = found.aws_variable {
        lines.push(("AWS", format!("credentials in the environment ({variable})")));
    }
    if !found.aws_profiles.is_empty() {
        lines.push(("AWS profiles", named(&found.aws_profiles)));
    }
    if !found.github_hosts.is_empty() {
        lines.push(("GitHub login", named(&found.github_hosts)));
    }
    for (path, keys) in found.env_files.iter().take(MAX_NAMED) {
        let path = path.display().to_string();
        let keys = count(*keys as u64, "setting");
        lines.push((".env file", format!("{}, {keys} named like a key", printable(&path))));
    }
    let reports: Vec<String> =
        found.reports.iter().map(|path| path.display().to_string()).collect();
    if !reports.is_empty() {
        lines.push(("reports", named(&reports)));
    }
    lines
}

/// The commands that make most of what was found.
fn next(found: &Found) -> Vec<(String, &'static str)> {
    let mut next = Vec::new();
    if let Some(report) = found.reports.first() {
        let report = shell_word(&report.display().to_string());
        next.push((format!("keytender audit {report}"), "what is due in this report"));
    }
    let profiles: Vec<String> = found
        .aws_profiles
        .iter()
        .take(MAX_NAMED)
        .map(|profile| shell_word(&format!("aws:{profile}")))
        .collect();
    match (found.aws_variable, profiles.is_empty()) {
        (_, false) => {
            next.push((format!("keytender audit {}", profiles.join(" ")), "what is due there"));
        }
        (Some(_), true) => next.push(("keytender audit aws".to_owned(), "what is due there")),
        (None, true) => {}
    }
    if next.is_empty() {
        let what = "a report: IAM console, Credential report, Download";
        next.push(("keytender audit credential-report.csv".to_owned(), what));
    }
    if !found.env_files.is_empty() || !found.github_hosts.is_empty() || next.len() == 1 {
        let what = "keys of any provider, a line each: provider,name,created,expires,last_used";
        next.push(("keytender audit keys.csv".to_owned(), what));
    }
    next
}

fn named(names: &[String]) -> String {
    let mut text: Vec<_> =
        names.iter().take(MAX_NAMED).map(|name| printable(name).into_owned()).collect();
    if names.len() > MAX_NAMED {
        text.push(format!("and {} more", names.len() - MAX_NAMED));
    }
    text.join(", ")
}
