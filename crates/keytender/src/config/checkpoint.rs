//! Checkpoints of the log of acts, in a file outside of the database: whoever changes the database
//! would have to change this file too, and whoever keeps a copy of it elsewhere can prove that.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The variable that names another file.
pub const VARIABLE: &str = "KEYTENDER_CHECKPOINTS";
/// The file, beside the data.
const FILE: &str = "log-checkpoints.jsonl";

/// What the log was at a moment: one line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// When, in RFC 3339.
    pub at: String,
    /// How many acts it held.
    pub seq: i64,
    /// The proof of the last of them.
    pub mac: String,
}

/// The file, for data in `folder`.
pub fn path(folder: &Path) -> PathBuf {
    let named = std::env::var_os(VARIABLE).filter(|name| !name.is_empty());
    named.map_or_else(|| folder.join(FILE), PathBuf::from)
}

/// Adds a line.
///
/// # Errors
/// When the file cannot be written.
pub fn append(path: &Path, checkpoint: &Checkpoint) -> Result<(), Error> {
    let cannot = || Error::new(format!("cannot write the checkpoint `{}`", path.display()));
    let mut line = serde_json::to_string(checkpoint).map_err(|error| cannot().source(error))?;
    line.push('\n');
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(path)?;
        // One write: a line is there as a whole or not at all.
        file.write_all(line.as_bytes())?;
        file.sync_data()
    };
    write().map_err(|error| cannot().source(error))
}

/// Every line, the oldest first; none if there is no file. The last line may be cut.
///
/// # Errors
/// When the file cannot be read, or a line before the last is no checkpoint.
pub fn read(path: &Path) -> Result<Vec<Checkpoint>, Error> {
    let cannot = || Error::new(format!("cannot read the checkpoints `{}`", path.display()));
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.map_err(|error| cannot().source(error))?,
    };
    let lines: Result<Vec<String>, _> = BufReader::new(file).lines().collect();
    let lines = lines.map_err(|error| cannot().source(error))?;
    let mut checkpoints = Vec::with_capacity(lines.len());
    for (place, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(checkpoint) => checkpoints.push(checkpoint),
            Err(_) if place + 1 == lines.len() => {}
            Err(_) => return Err(cannot().source(format!("line {} is no checkpoint", place + 1))),
        }
    }
    Ok(checkpoints)
}
