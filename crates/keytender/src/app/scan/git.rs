//! Keys in what git keeps: in every commit of a history, each where it came first; and in what the next commit would add.
//!
//! Git itself is asked, with arguments that hold no secret, without programs that a repository's own configuration names
//! (no external diff, no text conversion, no signature check, no monitor, nothing fetched). Only lines that were added are
//! looked at.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use keytender_core::time::Time;

use super::shape::Shapes;
use super::walk::{Positions, shown};
use super::{Finding, Found, Looked, Place, text};
use crate::error::Error;

/// The longest line that is read whole, in bytes: what is behind that is left out.
const MAX_LINE: u64 = 1 << 20;
/// How much of what one commit adds to one file is looked at, in bytes.
const MAX_ADDED: usize = 5 << 20;
/// What begins a commit in what git writes: no line of a diff begins so.
const COMMIT: &[u8] = b"\0commit ";
/// How much of what git says of a failure is read, in bytes.
const MAX_COMPLAINT: u64 = 8 * 1024;
/// Letters of a commit's id that are shown.
const SHORT_ID: usize = 12;

/// Looks through the history of the repository that a folder is in: each key once, at the first commit that has it.
///
/// # Errors
/// When it is in none, or git does not answer.
pub fn history(shapes: &Shapes, folder: &Path) -> Result<Found, Error> {
    let format = "--format=%x00commit %H %ct";
    let words = ["log", "--all", "--reverse", "--topo-order", "--patch", "--unified=0", format];
    let mut look = read(shapes, folder, &words)?;
    let mut first: BTreeMap<String, Finding> = BTreeMap::new();
    for found in look.findings.drain(..) {
        first.entry(found.fingerprint.clone()).or_insert(found);
    }
    look.findings = first.into_values().collect();
    look.findings
        .sort_by(|one, other| (one.stood_at, &one.place).cmp(&(other.stood_at, &other.place)));
    Ok(look)
}

/// Looks at the lines that the next commit in a folder would add.
///
/// # Errors
/// When it is in no repository, or git does not answer.
pub fn staged(shapes: &Shapes, folder: &Path) -> Result<Found, Error> {
    read(shapes, folder, &["diff", "--cached", "--patch", "--unified=0"])
}

/// A moment at which the line of a finding was there, as git knows: the time of the commit that it is from. `None` where
/// it is in no repository, or not committed.
pub fn line_since(found: &Finding) -> Option<Time> {
    let path = Path::new(&found.place.path);
    let (folder, file) = (path.parent()?, path.file_name()?);
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let lines = format!("-L{0},{0}", found.place.line);
    let output =
        git(folder).args(["blame", "--porcelain", &lines, "--"]).arg(file).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Lines that are not committed have a commit of noughts.
    let is_committed = output.status.success() && !text.starts_with("0000000");
    let seconds = text.lines().find_map(|line| line.strip_prefix("committer-time "))?;
    seconds.parse().ok().filter(|_| is_committed).map(Time::from_unix_seconds)
}

/// Git in a folder, asked for nothing but what it has.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args(["--no-pager", "-c", "core.quotePath=false", "-c", "core.fsmonitor=false"])
        .args(["-c", "log.showSignature=false", "-c", "diff.renames=false"])
        .envs([
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
        ])
        .stdin(Stdio::null());
    command
}

fn read(shapes: &Shapes, folder: &Path, words: &[&str]) -> Result<Found, Error> {
    let cannot =
        |why: String| Error::new(format!("cannot ask git about `{}`", shown(folder))).source(why);
    let mut child = git(folder)
        .args(words)
        .args(["--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--diff-filter=AM"])
        .args(["--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| cannot(error.to_string()))?;
    let complaint = complaint(&mut child);
    let mut look = Look::new(shapes);
    if let Some(out) = child.stdout.take() {
        look.read(BufReader::with_capacity(1 << 16, out))
            .map_err(|error| cannot(error.to_string()))?;
    }
    let status = child.wait().map_err(|error| cannot(error.to_string()))?;
    match status.success() {
        true => Ok(look.done()),
        false => Err(cannot(complaint.join().unwrap_or_default())
            .hint("name a folder within a git repository")),
    }
}

/// What git complains of, read beside its answer.
fn complaint(child: &mut Child) -> std::thread::JoinHandle<String> {
    let out = child.stderr.take();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let Some(mut out) = out else { return String::new() };
        // What is beyond that is read and dropped, or git would wait.
        _ = out.by_ref().take(MAX_COMPLAINT).read_to_end(&mut text);
        _ = std::io::copy(&mut out, &mut std::io::sink());
        keytender_core::text::printable(String::from_utf8_lossy(&text).trim()).into_owned()
    })
}

/// What is read of a diff.
struct Look<'s> {
    shapes: &'s Shapes,
    commit: Option<(String, Option<Time>)>,
    file: String,
    /// Whether the lines of a piece are read, and not what stands before the first.
    is_in_piece: bool,
    /// The added lines of one piece of a file, and the number of the first.
    added: Vec<u8>,
    first: u64,
    findings: Vec<Finding>,
    looked: Looked,
}

impl<'s> Look<'s> {
    fn new(shapes: &'s Shapes) -> Self {
        Self {
            shapes,
            commit: None,
            file: String::new(),
            is_in_piece: false,
            added: Vec::new(),
            first: 1,
            findings: Vec::new(),
            looked: Looked::default(),
        }
    }

    fn read(&mut self, mut out: impl BufRead) -> std::io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if out.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
                self.piece();
                return Ok(());
            }
            if !line.ends_with(b"\n") {
                skip_line(&mut out)?;
            }
            self.line(&line);
        }
    }

    fn line(&mut self, line: &[u8]) {
        if let Some(rest) = line.strip_prefix(COMMIT) {
            self.piece();
            self.is_in_piece = false;
            let text = String::from_utf8_lossy(rest);
            let mut words = text.split_whitespace();
            let id: String = words.next().unwrap_or_default().chars().take(SHORT_ID).collect();
            let at = words.next().and_then(|word| word.parse().ok()).map(Time::from_unix_seconds);
            self.commit = Some((id, at));
        } else if line.starts_with(b"diff --git ") {
            self.piece();
            self.file.clear();
            self.is_in_piece = false;
        } else if let (false, Some(name)) = (self.is_in_piece, line.strip_prefix(b"+++ ")) {
            let name = String::from_utf8_lossy(name);
            let name = name.trim_end_matches(['\n', '\t', '"']).trim_start_matches('"');
            self.file = name.strip_prefix("b/").unwrap_or(name).to_owned();
            self.looked.files += 1;
        } else if line.starts_with(b"@@ ") {
            self.piece();
            self.is_in_piece = true;
            self.first = first_line(line).unwrap_or(1);
        } else if let (true, Some(added)) = (self.is_in_piece, line.strip_prefix(b"+"))
            && self.added.len() + added.len() <= MAX_ADDED
        {
            self.added.extend_from_slice(added);
        }
    }

    /// Looks at the lines that were gathered.
    fn piece(&mut self) {
        let added = std::mem::take(&mut self.added);
        self.looked.bytes += u64::try_from(added.len()).unwrap_or(u64::MAX);
        let mut positions = Positions::new(&added);
        for spot in text::find(self.shapes, &self.file, &added) {
            let (line, column) = positions.of(spot.start);
            let commit = self.commit.as_ref();
            let place = Place {
                path: self.file.clone(),
                line: self.first.saturating_add(line).saturating_sub(1),
                column,
                commit: commit.map(|(id, _)| id.clone()),
            };
            let stood_at = commit.and_then(|(_, at)| *at);
            self.findings.push(Finding::of(spot, place, stood_at));
        }
    }

    fn done(self) -> Found {
        Found { findings: self.findings, looked: self.looked }
    }
}

/// The number of the first added line, of `@@ -1,2 +3,4 @@`.
fn first_line(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line.get(..line.len().min(100))?).ok()?;
    let (_, added) = text.split_once('+')?;
    added.split([',', ' ']).next()?.parse().ok()
}

/// Reads on to the end of a line that is too long.
fn skip_line(out: &mut impl BufRead) -> std::io::Result<()> {
    let mut rest = Vec::new();
    loop {
        rest.clear();
        let read = out.by_ref().take(MAX_LINE).read_until(b'\n', &mut rest)?;
        if read == 0 || rest.ends_with(b"\n") {
            return Ok(());
        }
    }
}
