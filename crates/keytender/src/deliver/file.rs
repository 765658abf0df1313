//! Files, replaced as a whole: the new text is written beside the file, `.NAME.keytender-new`, and the
//! two change places, so that whoever reads it, and whoever kills us, finds the old text or the new.
//! What came out is looked at before it goes: what somebody's editor saved meanwhile is put back.
//!
//! `.NAME.keytender` is the lock of those of us who write. One that was left behind by a killed process
//! is taken over.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use keytender_core::secret::Secret;
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::layout::{Fault, Layout};
use super::place::{MAX_CHANGES, changed};
use super::{Held, LOCK_TIMEOUT, Stands, Written};
use crate::error::{Error, Kind};

/// No file of settings is larger.
const MAX_BYTES: u64 = 1024 * 1024;
/// Between two tries to get the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Who may read a file that was not there before.
const NEW_MODE: u32 = 0o600;

/// The path of a file, from the root on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PathBuf", into = "PathBuf")]
pub struct FilePath(PathBuf);

impl TryFrom<PathBuf> for FilePath {
    type Error = &'static str;

    fn try_from(path: PathBuf) -> Result<Self, Self::Error> {
        match path.is_absolute() && path.file_name().is_some() {
            true => Ok(Self(path)),
            false => Err("not the whole path of a file: write it from / on"),
        }
    }
}

impl From<FilePath> for PathBuf {
    fn from(path: FilePath) -> Self {
        path.0
    }
}

/// What stands in the file.
pub(super) async fn read(path: FilePath, layout: Layout) -> Result<Option<Held>, Error> {
    blocking(move || {
        let target = target(&path.0)?;
        let Some(old) = open(&target)? else { return Ok(None) };
        layout.held(old.text.expose()).map_err(|fault| unread(&target, fault))
    })
    .await
}

/// Writes `wanted` if `expected` stands there.
pub(super) async fn write(
    path: FilePath,
    layout: Layout,
    expected: Option<Held>,
    wanted: Held,
) -> Result<Written, Error> {
    let target = blocking(move || target(&path.0)).await?;
    let beside = claim(&target).await?;
    blocking(move || replace(&target, beside, &layout, expected.as_ref(), &wanted)).await
}

/// Proves that the file could be replaced.
pub(super) async fn check(path: FilePath, layout: Layout) -> Result<(), Error> {
    let target = blocking(move || target(&path.0)).await?;
    let beside = claim(&target).await?;
    blocking(move || {
        let old = open(&target)?;
        let text = old.as_ref().map_or("", |old| old.text.expose());
        _ = layout.held(text).map_err(|fault| unread(&target, fault))?;
        // A value of no meaning, which is written nowhere: whether there is a place for one.
        let probe = || Some(Secret::new("keytender"));
        let trial = Held { id: probe().filter(|_| layout.has_id()), secret: probe() };
        _ = layout.with(text, &trial).map_err(|fault| unread(&target, fault))?;
        beside.fill(&Secret::new(""), old.as_ref()).map_err(|error| unwritten(&target, error))?;
        Ok(())
    })
    .await
}

/// Runs what waits for a disk where waiting harms nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| {
        Error::new("the work on a file did not end").kind(Kind::Internal).source(error)
    })?
}

fn replace(
    target: &Path,
    beside: Beside,
    layout: &Layout,
    expected: Option<&Held>,
    wanted: &Held,
) -> Result<Written, Error> {
    for _ in 0..MAX_CHANGES {
        let old = open(target)?;
        let text = old.as_ref().map_or("", |old| old.text.expose());
        let held = layout.held(text).map_err(|fault| unread(target, fault))?;
        match Stands::of(held.as_ref(), expected, wanted) {
            Stands::Wanted => return Ok(Written::Already),
            Stands::Expected => {}
            Stands::Foreign => return Ok(Written::Foreign),
        }
        let new = layout.with(text, wanted).map_err(|fault| unread(target, fault))?;
        let ours = beside.fill(&new, old.as_ref()).map_err(|error| unwritten(target, error))?;
        // Somebody's editor may have saved it in between.
        if !is_unchanged(old.as_ref(), open(target)?.as_ref())
            || !beside.put(target, &ours, old.as_ref())?
        {
            continue;
        }
        let Some(again) = open(target)? else { return Err(not_given_back(target)) };
        // Who waited for us may have replaced ours by now: our turn it was. A later look finds theirs.
        if id_of(&again.metadata) != id_of(&ours) {
            return Ok(Written::Now);
        }
        return match layout.held(again.text.expose()).map_err(|fault| unread(target, fault))? {
            Some(held) if held.is_same(wanted) => Ok(Written::Now),
            _ => Err(not_given_back(target)),
        };
    }
    Err(changed(&format!("`{}`", target.display())))
}

fn not_given_back(target: &Path) -> Error {
    Error::new(format!("`{}` does not give back what was written to it", target.display()))
        .kind(Kind::Conflict)
}

fn is_unchanged(one: Option<&Old>, other: Option<&Old>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            let known = |old: &Old| {
                let of = &old.metadata;
                (id_of(of), of.mode(), of.uid(), of.gid())
            };
            known(one) == known(other) && one.text.expose() == other.text.expose()
        }
        _ => false,
    }
}

/// Tells a file from all others that are there.
fn id_of(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// A file as it was found.
struct Old {
    text: Secret,
    metadata: Metadata,
}

/// The file that a path leads to, links followed. It need not be there; its folder must.
fn target(path: &Path) -> Result<PathBuf, Error> {
    let cannot = |error: io::Error| {
        Error::new(format!("cannot find `{}`", path.display()))
            .source(error)
            .hint("its folder must be there, and so must be what a link leads to")
    };
    match path.symlink_metadata() {
        Ok(_) => path.canonicalize().map_err(cannot),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(path).canonicalize().map_err(cannot)?;
            Ok(folder.join(path.file_name().unwrap_or_default()))
        }
        Err(error) => Err(cannot(error)),
    }
}

/// Reads a file that is ours to trust; `None` if there is none.
fn open(path: &Path) -> Result<Option<Old>, Error> {
    let name = path.display();
    let cannot = |error| Error::new(format!("cannot read `{name}`")).source(error);
    let mut options = OpenOptions::new();
    // A pipe or a device must not make us wait.
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
    };
    let metadata = file.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err(Error::new(format!("`{name}` is no file")));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err(Error::new(format!("`{name}` may be written by everybody"))
            .hint(format!("chmod o-w {name}")));
    }
    if metadata.nlink() > 1 {
        return Err(Error::new(format!("`{name}` has another name too (a hard link)"))
            .hint("the other would keep the old secret: make it a symbolic link"));
    }
    // Room for all of it at once: what grows leaves copies behind.
    let room = usize::try_from(metadata.len().min(MAX_BYTES)).unwrap_or_default() + 64;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    (&file).take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(Error::new(format!("`{name}` is longer than {MAX_BYTES} bytes")));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(Old { text: Secret::new(text), metadata })),
        Err(error) => {
            let lines = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n');
            let fault = Fault::new("this is no text in UTF-8").line(lines.count() + 1);
            Err(unread(path, fault))
        }
    }
}

fn unread(path: &Path, fault: Fault) -> Error {
    fault.of(&format!("`{}`", path.display()))
}

fn unwritten(path: &Path, error: io::Error) -> Error {
    let folder = path.parent().unwrap_or(path).display();
    Error::new(format!("cannot replace `{}`", path.display())).source(error).hint(format!(
        "this user must be allowed to write in `{folder}`, and to give files there the same owner and group"
    ))
}

/// The files beside the target, with the lock held.
struct Beside {
    /// Keeps the lock while it is open.
    _lock: File,
    lock: PathBuf,
    new: PathBuf,
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Where they cannot be removed, the next of us takes them over.
        _ = std::fs::remove_file(&self.new);
        _ = std::fs::remove_file(&self.lock);
    }
}

/// Waits for the lock.
async fn claim(target: &Path) -> Result<Beside, Error> {
    let tries = async {
        loop {
            let owned = target.to_owned();
            if let Some(beside) = blocking(move || Beside::claim(&owned)).await? {
                return Ok(beside);
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    };
    tokio::time::timeout(LOCK_TIMEOUT, tries).await.unwrap_or_else(|_| {
        Err(Error::new(format!("another process is writing `{}`", target.display()))
            .kind(Kind::Conflict)
            .hint("try again when it is done"))
    })
}

impl Beside {
    /// The lock, made if it is not there; `None` while somebody else has it.
    fn claim(target: &Path) -> Result<Option<Self>, Error> {
        check_folder(target.parent().unwrap_or(target))?;
        let named = |end: &str| {
            let mut name = std::ffi::OsString::from(".");
            name.push(target.file_name().unwrap_or_default());
            name.push(end);
            target.with_file_name(name)
        };
        let path = named(".keytender");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(NEW_MODE);
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
        let file = options.open(&path).map_err(|error| unwritten(target, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(unwritten(target, error)),
        }
        let ours = file.metadata().map_err(|error| unwritten(target, error))?;
        // Whoever had it before us removed it.
        let there = path.symlink_metadata().ok();
        if there.is_none_or(|there| id_of(&there) != id_of(&ours)) {
            return Ok(None);
        }
        let me = rustix::process::geteuid().as_raw();
        if !ours.is_file() || ours.nlink() != 1 || (ours.uid() != me && me != 0) {
            return Err(Error::new(format!("`{}` is not ours", path.display()))
                .hint("see what it is, and remove it"));
        }
        Ok(Some(Self { _lock: file, lock: path, new: named(".keytender-new") }))
    }

    /// Writes a text into a new file, with owner, group and mode of the one that it is to replace.
    fn fill(&self, text: &Secret, old: Option<&Old>) -> io::Result<Metadata> {
        match std::fs::remove_file(&self.new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(NEW_MODE).open(&self.new)?;
        // Whatever was masked from the mode: for us alone, until it is written.
        file.set_permissions(PermissionsExt::from_mode(NEW_MODE))?;
        file.write_all(text.expose().as_bytes())?;
        if let Some(Old { metadata: old, .. }) = old {
            let own = file.metadata()?;
            let uid = (own.uid() != old.uid()).then(|| old.uid());
            let gid = (own.gid() != old.gid()).then(|| old.gid());
            if uid.is_some() || gid.is_some() {
                fchown(&file, uid, gid)?;
            }
            file.set_permissions(PermissionsExt::from_mode(old.mode() & 0o7777))?;
        }
        file.sync_all()?;
        file.metadata()
    }

    /// Puts `ours` where `old` is. Whether it stays there: whatever is newer than what we read stays.
    fn put(&self, target: &Path, ours: &Metadata, old: Option<&Old>) -> Result<bool, Error> {
        let cannot = |error: Errno| unwritten(target, error.into());
        let change = |flags| renameat_with(CWD, &self.new, CWD, target, flags);
        let stays = match old {
            None => match change(RenameFlags::NOREPLACE) {
                Ok(()) => true,
                Err(Errno::EXIST) => false,
                Err(error) => return self.replace(target, error),
            },
            Some(old) => {
                if let Err(error) = change(RenameFlags::EXCHANGE) {
                    return match error {
                        Errno::NOENT => Ok(false),
                        error => self.replace(target, error),
                    };
                }
                let out = open(&self.new);
                let is_old = out.is_ok_and(|out| is_unchanged(Some(old), out.as_ref()));
                if !is_old {
                    self.put_back(target, ours).map_err(cannot)?;
                }
                is_old
            }
        };
        let folder = File::open(target.parent().unwrap_or(target));
        folder.and_then(|folder| folder.sync_all()).map_err(|error| unwritten(target, error))?;
        Ok(stays)
    }

    /// What came out is newer than what we read: it goes back, and so does whatever is newer still.
    fn put_back(&self, target: &Path, ours: &Metadata) -> rustix::io::Result<()> {
        let id_of = |path: &Path| rustix::fs::stat(path).map(|found| (found.st_dev, found.st_ino));
        let (mut within, mut out) = ((ours.dev(), ours.ino()), id_of(&self.new)?);
        loop {
            match renameat_with(CWD, &self.new, CWD, target, RenameFlags::EXCHANGE) {
                // Somebody has removed it since: that is the newest.
                Err(Errno::NOENT) => return Ok(()),
                done => done?,
            }
            let came = id_of(&self.new)?;
            if came == within {
                return Ok(());
            }
            (within, out) = (out, came);
        }
    }

    /// Renames where a file system can do no more. What is saved in that moment is lost.
    fn replace(&self, target: &Path, error: Errno) -> Result<bool, Error> {
        if !matches!(error, Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) {
            return Err(unwritten(target, error.into()));
        }
        std::fs::rename(&self.new, target).map_err(|error| unwritten(target, error))?;
        Ok(true)
    }
}

/// Whoever may write in a folder may put another file in the place of ours.
fn check_folder(folder: &Path) -> Result<(), Error> {
    let name = folder.display();
    let metadata = folder
        .metadata()
        .map_err(|error| Error::new(format!("cannot find `{name}`")).source(error))?;
    if metadata.mode() & 0o1002 == 0o002 {
        return Err(Error::new(format!("everybody may write in `{name}`"))
            .hint(format!("chmod o-w {name}")));
    }
    Ok(())
}
