//! Files that only their owner may read.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;

/// The bytes of a file that nobody but its owner may read.
pub(super) fn read_private(path: &Path, max_bytes: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let cannot = || Error::new(format!("cannot read `{}`", path.display()));
    let file = File::open(path).map_err(|error| cannot().source(error))?;
    check_mode(&file, path)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|error| cannot().source(error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max_bytes {
        return Err(cannot().source(format!("it is longer than {max_bytes} bytes")));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn check_mode(file: &File, path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let cannot = |error| Error::new(format!("cannot read `{}`", path.display())).source(error);
    let mode = file.metadata().map_err(|error: std::io::Error| cannot(error))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let name = path.display();
    Err(Error::new(format!("`{name}` may be read by others (mode {:03o})", mode & 0o777))
        .hint(format!("chmod 600 {name}")))
}

#[cfg(not(unix))]
fn check_mode(_file: &File, _path: &Path) -> Result<(), Error> {
    Ok(())
}

/// Writes a new file that nobody but its owner may read; one that is there stays as it is.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| Error::new(format!("cannot write `{}`", path.display())).source(error))
}
