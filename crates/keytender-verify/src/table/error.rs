//! Why changes are not applied.

use thiserror::Error;

use crate::feed::VERSION;

/// Why a snapshot or changes are not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// They are written in another way.
    #[error("the feed has version {0}, and this verifier reads version {VERSION}: update it")]
    Version(u32),
    /// Changes came before any snapshot.
    #[error("changes can only be applied to a snapshot: ask for one")]
    NoSnapshot,
    /// Changes are missing.
    #[error("changes after {applied} are missing, the next are after {after}: ask for a snapshot")]
    Gap {
        /// The last that is applied.
        applied: u64,
        /// What was given begins after this one.
        after: u64,
    },
    /// Changes are not in the order of their numbers, or not within what they are said to be.
    #[error("change {0} is out of order")]
    Disordered(u64),
    /// There are more keys, apps or details than can be told apart.
    #[error("too many: a table holds 2^27 keys with details of their own")]
    Full,
}
