//! `keytender providers discover`: what was found where, and what it means.

use std::io::{self, Write};

use keytender_core::text::printable;

use super::write_json;
use crate::app::discover::{self, Address};
use crate::app::view::{DescriptorFoundView, DiscoveryView};
use crate::cli::context::wait;
use crate::cli::{COULD_NOT, DONE, Stop, Talk};

pub(super) fn discover(address: &str, allow_private: bool, as_json: bool) -> Result<u8, Stop> {
    let address = Address::parse(address).map_err(Stop::wrong_usage)?;
    let found = wait(discover::discover(&address, allow_private))?.map_err(Stop::could_not)?;
    let code = if found.view.places.iter().any(|place| place.is_found) { DONE } else { COULD_NOT };
    match as_json {
        true => write_json(&found.view).map(|_| code),
        false => {
            write(&mut anstream::stdout(), &found.view)?;
            Ok(code)
        }
    }
}

fn write(out: &mut impl Write, view: &DiscoveryView) -> io::Result<()> {
    for place in &view.places {
        let mark = if place.is_found { "found" } else { "-" };
        writeln!(out, "{mark:<6} {}\n       {}", printable(&place.url), place.what)?;
    }
    if let Some(found) = &view.descriptor {
        writeln!(out)?;
        lines(found).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    let lists =
        [("Descriptors of single APIs", &view.more_descriptors), ("OpenAPI", &view.openapi)];
    for (title, urls) in lists.into_iter().filter(|(_, urls)| !urls.is_empty()) {
        writeln!(out, "\n{title}:")?;
        urls.iter().try_for_each(|url| writeln!(out, "  {}", printable(url)))?;
    }
    if !view.pages.is_empty() {
        writeln!(out, "\nPages:")?;
    }
    for (kind, urls) in &view.pages {
        urls.iter().try_for_each(|url| writeln!(out, "  {kind}: {url}"))?;
    }
    writeln!(out)?;
    view.means.iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// What a descriptor would do, in lines.
fn lines(found: &DescriptorFoundView) -> Vec<String> {
    let provider = &found.provider;
    let mut lines =
        vec![format!("{} says at {}", printable(&provider.name), printable(&found.url))];
    for kind in &provider.key_types {
        let operations: Vec<&str> = kind.operations.keys().map(String::as_str).collect();
        lines.push(format!("  {}: {}", printable(&kind.noun), operations.join(", ")));
    }
    lines.push(format!("  hosts: {}", found.hosts.join(", ")));
    if !found.foreign_hosts.is_empty() {
        let hosts = found.foreign_hosts.join(", ");
        lines.push(format!("  hosts of other sites, to which no call goes: {hosts}"));
    }
    lines.push(format!("  SHA-256: {}", found.digest));
    lines.extend(found.warnings.iter().map(|warning| format!("  odd: {}", printable(warning))));
    lines
}

/// Says what a descriptor would do to whoever is asked whether it may.
pub(in crate::cli) fn say_descriptor(found: &DescriptorFoundView, talk: &Talk) {
    lines(found).iter().for_each(|line| talk.note(line));
}
