//! A profile in a file of AWS credentials, as botocore and the SDKs read it.

use std::ops::Range;

use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::file::FilePath;
use super::layout::{Fault, Part, line_end, splice};

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The file.
    pub path: FilePath,
    /// The name between the brackets.
    pub profile: String,
}

const TOKEN: &str = "aws_session_token";

/// A line `name = value`.
struct Setting {
    name: String,
    /// The value.
    range: Range<usize>,
    /// The next line's begin.
    end: usize,
    is_continued: bool,
}

/// The lines of a profile.
struct Section {
    /// Where the line after its heading begins.
    start: usize,
    settings: Vec<Setting>,
}

const fn name(part: Part) -> &'static str {
    match part {
        Part::Id => "aws_access_key_id",
        Part::Secret => "aws_secret_access_key",
    }
}

pub(super) fn get(text: &str, profile: &str, part: Part) -> Result<Option<Secret>, Fault> {
    let Some(section) = section(text, profile)? else { return Ok(None) };
    if let Some(token) = section.settings.iter().find(|one| one.name == TOKEN) {
        return Err(Fault::new(format!("`{profile}` holds temporary credentials ({TOKEN})"))
            .at(text, token.range.start)
            .hint("name a profile with a key of its own, or remove the token"));
    }
    let Some(found) = setting(text, &section, part)? else { return Ok(None) };
    Ok(text.get(found.range.clone()).map(Secret::new))
}

pub(super) fn put(text: &str, profile: &str, part: Part, new: &str) -> Result<Secret, Fault> {
    if new.contains(|one: char| one.is_whitespace() || one.is_control())
        || new.starts_with(['#', ';'])
    {
        return Err(Fault::new("the new key has a character that no AWS key has"));
    }
    let end = line_end(text);
    let line = |before: &str| Zeroizing::new(format!("{before}{} = {new}", name(part)));
    let Some(section) = section(text, profile)? else {
        if profile.is_empty()
            || profile.contains(|one: char| one.is_control() || "[]".contains(one))
        {
            return Err(Fault::new("no profile can have this name"));
        }
        let (before, after) = match (text.is_empty(), text.ends_with('\n')) {
            (true, _) => (String::new(), end),
            (false, true) => (end.to_owned(), end),
            (false, false) => (end.repeat(2), ""),
        };
        let line = line(&format!("{before}[{profile}]{end}"));
        let line = Zeroizing::new(format!("{}{after}", *line));
        return splice(text, &(text.len()..text.len()), &line);
    };
    if let Some(found) = setting(text, &section, part)? {
        return splice(text, &found.range, new);
    }
    let at = section.settings.last().map_or(section.start, |last| last.end);
    let is_whole = text.get(..at).is_none_or(|before| before.ends_with('\n'));
    let line = line(if is_whole { "" } else { end });
    let line = Zeroizing::new(format!("{}{}", *line, if is_whole { end } else { "" }));
    splice(text, &(at..at), &line)
}

fn setting<'s>(text: &str, section: &'s Section, part: Part) -> Result<Option<&'s Setting>, Fault> {
    let mut named = section.settings.iter().filter(|one| one.name == name(part));
    let found = named.next();
    let refuse = |one: &Setting, why: &str| {
        Fault::new(format!("`{}` {why}", name(part))).at(text, one.range.start)
    };
    if let Some(twice) = named.next() {
        return Err(refuse(twice, "is there twice").hint("remove one of them"));
    }
    match found {
        Some(found) if found.is_continued => {
            Err(refuse(found, "goes on in the next line").hint("write it in one line"))
        }
        found => Ok(found),
    }
}

/// The section of this name. Lines that are indented more than the setting before them continue it,
/// as they do for Python's configparser, which botocore reads the file with.
fn section(text: &str, profile: &str) -> Result<Option<Section>, Fault> {
    let mut found: Option<Section> = None;
    let mut is_here = false;
    let mut indent = None;
    let mut at = 0;
    for whole in text.split_inclusive('\n') {
        let start = at;
        at += whole.len();
        let line = whole.trim_end();
        let inner = line.trim_start();
        let depth = line.len() - inner.len();
        if inner.is_empty() || inner.starts_with(['#', ';']) {
            continue;
        }
        if indent.is_some_and(|indent| depth > indent) {
            if let Some(last) = here(&mut found, is_here).and_then(|one| one.settings.last_mut()) {
                (last.is_continued, last.end) = (true, at);
            }
            continue;
        }
        if let Some((heading, _)) = inner.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            is_here = heading == profile;
            indent = None;
            if is_here && found.is_some() {
                return Err(Fault::new(format!("[{profile}] is there twice"))
                    .at(text, start)
                    .hint("make one profile of them"));
            }
            if is_here {
                found = Some(Section { start: at, settings: Vec::new() });
            }
            continue;
        }
        indent = Some(depth);
        let Some(cut) = inner.find(['=', ':']) else {
            return Err(Fault::new("this is neither a profile nor a setting").at(text, start));
        };
        if let Some(section) = here(&mut found, is_here) {
            let (name, value) = inner.split_at(cut);
            let value = value.get(1..).unwrap_or_default();
            let begin = start + line.len() - value.trim_start().len();
            section.settings.push(Setting {
                name: name.trim_end().to_lowercase(),
                range: begin..start + line.len(),
                end: at,
                is_continued: false,
            });
        }
    }
    Ok(found)
}

fn here(found: &mut Option<Section>, is_here: bool) -> Option<&mut Section> {
    found.as_mut().filter(|_| is_here)
}
