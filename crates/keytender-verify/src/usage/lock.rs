//! The right to a file of uses.

use std::fs::{self, OpenOptions, TryLockError};
use std::path::Path;

use super::error::UsageError;
use super::open::beside;

/// A lock on a file beside the one that is meant, since that may be replaced. The system gives it back when the
/// program ends, however it does.
pub(super) struct Lock(fs::File);

impl Lock {
    /// Takes it, if nobody has it.
    pub(super) fn take(path: &Path) -> Result<Self, UsageError> {
        let failed = |source| UsageError::Io { act: "lock", path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let handle = options.open(beside(path, ".lock")).map_err(failed)?;
        match handle.try_lock() {
            Ok(()) => Ok(Self(handle)),
            Err(TryLockError::WouldBlock) => Err(UsageError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // By closing alone it would be held on by a process that is just being started. If this fails, the next one
        // who opens the file is told that it is in use.
        let _ = self.0.unlock();
    }
}
