//! Why a file of uses cannot be used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a file of uses cannot be used.
#[derive(Debug, Error)]
pub enum UsageError {
    /// The system says no.
    #[error("could not {act} the file of uses `{}`", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program has it, or this one twice.
    #[error("the file of uses `{}` is in use: give each verifier a file of its own", .0.display())]
    InUse(PathBuf),
    /// It is something else.
    #[error("`{}` is not a file of uses: give another place", .0.display())]
    NotOne(PathBuf),
    /// It is one, but what it says of itself cannot be right.
    #[error(
        "the head of the file of uses `{}` is damaged: move it away and a new one is made; uses in it that were \
         not told to the server are lost",
        .0.display()
    )]
    Damaged(PathBuf),
    /// It is shorter than it says.
    #[error(
        "the file of uses `{}` was cut off: put it back whole, or move it away and a new one is made; uses in it \
         that were not told to the server are lost",
        .0.display()
    )]
    CutOff(PathBuf),
}
