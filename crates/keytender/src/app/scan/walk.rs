//! A look at every file of a tree, on all processors: what an ignore file leaves out is left out, links are not
//! followed, and what is too large or no text is counted and not read.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ignore::{DirEntry, WalkBuilder, WalkState};
use keytender_core::time::Time;

use super::files::is_for_credentials;
use super::shape::Shapes;
use super::{Finding, Looked, Place, text};
use crate::clock;

/// How much of a file is looked at for a byte that no text has.
const BEGINNING: usize = 8 * 1024;
/// How many files that cannot be read are named.
const MAX_NAMED: usize = 100;

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Whether ignore files are respected.
    pub respects_ignore: bool,
    /// Files larger than this are not read, in bytes.
    pub max_bytes: u64,
}

/// What is found by all threads together.
pub(super) struct Walk<'s> {
    shapes: &'s Shapes,
    limits: Limits,
    findings: Mutex<Vec<Finding>>,
    files: AtomicU64,
    bytes: AtomicU64,
    too_large: AtomicU64,
    no_text: AtomicU64,
    unread: Mutex<(u64, Vec<String>)>,
}

impl<'s> Walk<'s> {
    pub(super) fn new(shapes: &'s Shapes, limits: Limits) -> Self {
        Self {
            shapes,
            limits,
            findings: Mutex::default(),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            too_large: AtomicU64::new(0),
            no_text: AtomicU64::new(0),
            unread: Mutex::default(),
        }
    }

    /// Looks at a file, or at all that is in a folder.
    pub(super) fn go(&self, root: &Path) {
        let ignores = self.limits.respects_ignore;
        let mut builder = WalkBuilder::new(root);
        builder
            .standard_filters(ignores)
            // Most credentials are in hidden files.
            .hidden(false)
            .require_git(false)
            .follow_links(false)
            .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
        builder.build_parallel().run(|| {
            let mut buffer = Vec::new();
            Box::new(move |entry| {
                match entry {
                    Ok(entry) => self.entry(&entry, &mut buffer),
                    Err(error) => self.could_not(error.to_string()),
                }
                WalkState::Continue
            })
        });
    }

    fn entry(&self, entry: &DirEntry, buffer: &mut Vec<u8>) {
        let Some(kind) = entry.file_type() else { return };
        if kind.is_dir() {
            self.credentials_in(entry.path(), buffer);
        } else if kind.is_file() {
            // Those of folders were read with the folder.
            let is_read = entry.depth() > 0 && is_named_for_credentials(entry.path());
            if !is_read {
                self.file(entry.path(), buffer);
            }
        } else if entry.depth() == 0 && entry.path().is_file() {
            // Somebody named the link itself.
            self.file(entry.path(), buffer);
        }
    }

    /// The files of a folder that are for credentials, also those that an ignore file leaves out.
    fn credentials_in(&self, folder: &Path, buffer: &mut Vec<u8>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_named_for_credentials(&path) && is_file() {
                self.file(&path, buffer);
            } else if entry.file_name() == ".git" {
                let config = path.join("config");
                if fs::symlink_metadata(&config).is_ok_and(|known| known.is_file()) {
                    self.file(&config, buffer);
                }
            }
        }
    }

    /// Looks at one file.
    pub(super) fn file(&self, path: &Path, buffer: &mut Vec<u8>) {
        match self.read(path, buffer) {
            Ok(Some(modified_at)) => {
                let name = shown(path);
                self.text(&name, &absolute(path), buffer, modified_at);
            }
            Ok(None) => {}
            Err(error) => self.could_not(format!("{}: {error}", shown(path))),
        }
    }

    /// Reads a file whole, and says when it was last changed; nothing if it is too large or no text.
    fn read(&self, path: &Path, buffer: &mut Vec<u8>) -> std::io::Result<Option<Option<Time>>> {
        let file = File::open(path)?;
        let known = file.metadata()?;
        if known.len() > self.limits.max_bytes {
            self.too_large.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        }
        buffer.clear();
        // A file may grow meanwhile.
        file.take(self.limits.max_bytes).read_to_end(buffer)?;
        if buffer.iter().take(BEGINNING).any(|byte| *byte == 0) {
            self.no_text.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        }
        Ok(Some(known.modified().ok().and_then(clock::of_system)))
    }

    /// Looks at a text of a file: `name` is how it is called, `path` where it is.
    pub(super) fn text(&self, name: &str, path: &str, text: &[u8], modified_at: Option<Time>) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(u64::try_from(text.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let spots = text::find(self.shapes, path, text);
        if spots.is_empty() {
            return;
        }
        let mut positions = Positions::new(text);
        let found = spots.into_iter().map(|spot| {
            let (line, column) = positions.of(spot.start);
            let place = Place { path: name.to_owned(), line, column, commit: None };
            Finding::of(spot, place, modified_at)
        });
        if let Ok(mut findings) = self.findings.lock() {
            findings.extend(found);
        }
    }

    pub(super) fn could_not(&self, why: String) {
        if let Ok(mut unread) = self.unread.lock() {
            unread.0 += 1;
            if unread.1.len() < MAX_NAMED {
                unread.1.push(why);
            }
        }
    }

    /// All that was found, in the order of paths.
    pub(super) fn done(self) -> (Vec<Finding>, Looked) {
        let mut findings = self.findings.into_inner().unwrap_or_default();
        findings.sort_by(|one, other| one.place.cmp(&other.place));
        findings.dedup_by(|one, other| one.place == other.place);
        let (unread, named) = self.unread.into_inner().unwrap_or_default();
        let looked = Looked {
            files: self.files.into_inner(),
            bytes: self.bytes.into_inner(),
            too_large: self.too_large.into_inner(),
            no_text: self.no_text.into_inner(),
            unread,
            named,
        };
        (findings, looked)
    }
}

fn is_named_for_credentials(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(is_for_credentials)
}

/// A path as people read it.
pub(super) fn shown(path: &Path) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    path.display().to_string()
}

/// Where a path is, whatever folder is current; links in it are left as they are.
pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)).display().to_string()
}

/// Lines and columns of the bytes of a text, asked for from its beginning to its end.
pub(super) struct Positions<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
    column: u64,
}

impl<'t> Positions<'t> {
    pub(super) const fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, line: 1, column: 1 }
    }

    /// The line and the column of a byte that stands no earlier than the last, from 1 on; the column in letters.
    pub(super) fn of(&mut self, at: usize) -> (u64, u64) {
        for byte in self.text.get(self.at..at).unwrap_or_default() {
            if *byte == b'\n' {
                self.line += 1;
                self.column = 1;
            } else if (*byte & 0xc0) != 0x80 {
                self.column += 1;
            }
        }
        self.at = self.at.max(at);
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_letters_from_one_on() {
        let text = "one\nzwö = key\n".as_bytes();
        let mut positions = Positions::new(text);
        assert_eq!([0, 4, 11, 11].map(|at| positions.of(at)), [(1, 1), (2, 1), (2, 7), (2, 7)]);
    }
}
