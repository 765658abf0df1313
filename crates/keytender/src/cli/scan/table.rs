//! The table of a scan: where each key stands, what it is, and what the inventory and its provider know of it.

use std::io::{self, Write};

use keytender_core::text::{count, printable};

use crate::app::view::{FoundKeyView, KnownKeyView, ScanView};
use crate::cli::grid::{Cell, Grid};
use crate::cli::style;
use crate::cli::words::{terminal_width, thousands};

/// Writes the rows, and a sentence about all of them.
pub(super) fn write(out: &mut dyn Write, view: &ScanView) -> io::Result<()> {
    let mut grid = Grid::new(["WHERE", "WHAT", "FINGERPRINT", "WHOSE"]);
    for found in &view.findings {
        let style = style::severity(found.severity);
        grid.push([
            Cell::new(place(found)),
            Cell::new(what(found)).styled(style),
            Cell::new([found.fingerprint.clone()]).styled(style::DIM),
            Cell::new(whose(found, view.has_inventory)),
        ]);
    }
    if !grid.is_empty() {
        grid.write(out, terminal_width())?;
        writeln!(out)?;
    }
    writeln!(out, "{}", sentence(view))
}

fn place(found: &FoundKeyView) -> Vec<String> {
    let place = format!("{}:{}:{}", found.path, found.line, found.column);
    let commit = found.commit.as_ref().map(|commit| format!("since commit {commit}"));
    [place].into_iter().chain(commit).map(|text| printable(&text).into_owned()).collect()
}

fn what(found: &FoundKeyView) -> Vec<String> {
    let what = format!("{} {}", found.provider, found.name);
    [what].into_iter().chain(found.id.clone()).map(|text| printable(&text).into_owned()).collect()
}

fn whose(found: &FoundKeyView, has_inventory: bool) -> Vec<String> {
    let mut lines = match (&found.key, has_inventory) {
        (Some(key), _) => known(key),
        (None, true) => vec!["not in the inventory".to_owned()],
        (None, false) => Vec::new(),
    };
    if let Some(live) = &found.live {
        lines.push(match live.works {
            Some(true) => format!("works: {}", live.says),
            Some(false) => "does not work".to_owned(),
            None => format!("not known whether it works: {}", live.says),
        });
    }
    lines.iter().map(|line| printable(line).into_owned()).collect()
}

fn known(key: &KnownKeyView) -> Vec<String> {
    let age = key.age.as_ref().map_or_else(String::new, |age| format!("{age} old, "));
    let owner = key.owner.as_deref().unwrap_or("nobody");
    let due = key.action.filter(|_| key.due).map(|action| format!("due: {}", action.as_str()));
    [format!("{} in {}", key.name, key.account_name), format!("{age}owner {owner}")]
        .into_iter()
        .chain(due)
        .collect()
}

/// What was found, in a sentence.
fn sentence(view: &ScanView) -> String {
    let looked = &view.looked;
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let found = match (view.summary.keys, view.summary.places) {
        (0, _) => "No keys".to_owned(),
        (keys, places) if keys == places => count(number(keys), "key"),
        (keys, places) => {
            format!("{} at {}", count(number(keys), "key"), count(number(places), "place"))
        }
    };
    let mut text = format!("{found} in {}", count(looked.files, "file"));
    if view.has_inventory && view.summary.keys > 0 {
        text.push_str(&format!(", {} of the inventory", thousands(number(view.summary.known))));
    }
    for (left, why) in [(looked.too_large, "too large"), (looked.no_text, "no text")] {
        if left > 0 {
            text.push_str(&format!("; {} {why}", thousands(left)));
        }
    }
    text.push('.');
    text
}
