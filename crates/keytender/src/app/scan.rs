//! Keys in files: where they stand and whose they are, without an inventory. What a key is shown by is its place, what
//! is public of it, and a fingerprint of its secret; the secret itself stays in memory and is shown nowhere.

use std::path::PathBuf;

use keytender_core::secret::Secret;
use keytender_core::time::Time;

use crate::error::Error;

pub mod again;
mod aws;
mod files;
pub mod git;
pub mod known;
pub mod live;
mod place;
mod sample;
mod shape;
mod text;
mod walk;

pub use shape::{Shapes, patterned};
pub use text::Evidence;
pub use walk::Limits;

use text::Spot;
use walk::Walk;

/// The largest file that is read, where nobody says, in bytes: keys are written by people and small programs.
pub const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;

/// A key that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Whose it is: a provider of the shelf, `aws`, or the host that it is for.
    pub provider: String,
    /// The kind of key, by its name in the provider's descriptor; `None` where the text does not tell.
    pub key_type: Option<String>,
    /// What the provider calls one.
    pub noun: String,
    /// What is public of it.
    pub id: Option<String>,
    /// What stands for its secret.
    pub fingerprint: String,
    /// By what it was told from other text.
    pub evidence: Evidence,
    /// Where it stands.
    pub place: Place,
    /// A moment at which it stood there: it is at least as old.
    pub stood_at: Option<Time>,
    /// The key itself: never to be shown.
    pub secret: Secret,
}

impl Finding {
    fn of(spot: Spot, place: Place, stood_at: Option<Time>) -> Self {
        let fingerprint = spot.fingerprint();
        let Spot { provider, key_type, noun, id, evidence, secret, .. } = spot;
        Self { provider, key_type, noun, id, fingerprint, evidence, place, stood_at, secret }
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was named.
    pub path: String,
    /// The line, from 1 on.
    pub line: u64,
    /// The letter in the line, from 1 on.
    pub column: u64,
    /// The commit that brought it, in a history.
    pub commit: Option<String>,
}

/// What was looked at.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// How many files were read.
    pub files: u64,
    /// How many bytes they have together.
    pub bytes: u64,
    /// How many were too large.
    pub too_large: u64,
    /// How many are no text.
    pub no_text: u64,
    /// How many could not be read.
    pub unread: u64,
    /// Which these are, and why: the first of them.
    pub named: Vec<String>,
}

/// What a scan found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The keys, in the order of their places.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub looked: Looked,
}

impl Found {
    /// Adds what another look found.
    pub fn add(&mut self, other: Self) {
        let Looked { files, bytes, too_large, no_text, unread, named } = other.looked;
        self.findings.extend(other.findings);
        self.looked.files += files;
        self.looked.bytes += bytes;
        self.looked.too_large += too_large;
        self.looked.no_text += no_text;
        self.looked.unread += unread;
        self.looked.named.extend(named);
    }
}

/// Looks for keys in files, and in all that is in folders.
///
/// # Errors
/// When one of them is not there.
pub fn files(shapes: &Shapes, paths: &[PathBuf], limits: Limits) -> Result<Found, Error> {
    for path in paths {
        std::fs::metadata(path).map_err(|error| {
            Error::new(format!("cannot look at `{}`", walk::shown(path))).source(error)
        })?;
    }
    let walk = Walk::new(shapes, limits);
    for path in paths {
        walk.go(path);
    }
    let (findings, looked) = walk.done();
    Ok(Found { findings, looked })
}
