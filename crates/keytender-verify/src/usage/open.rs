//! Opening a file of uses, and putting it in order.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::error::UsageError;
use super::file::{BadHead, File, HEAD_BYTES, Head, piece_records, piece_start};
use super::lock::Lock;
use super::names::Names;
use super::outbox::Outbox;
use super::piece::{FULLEST_PERCENT, Pieces};
use super::record::{Content, Found, Record, WORDS};
use super::{Usage, word};

/// Records of a new file at least: 256 KiB.
const FIRST_RECORDS: u64 = 4_096;
/// Records that fill pages: what follows them can be mapped.
const RECORDS_OF_PAGE: u64 = 64;
/// A file that is put in order is at most so full, in percent, so that it does not soon grow again.
const FILL_PERCENT: u64 = 50;

/// An open file, and what was found in it.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub usage: Arc<Usage>,
    /// Records and names that were damaged and are dropped. Unless it is 0, the machine lost power or the disk is
    /// bad, and uses are counted under a new epoch.
    pub damaged: usize,
}

/// What is in a file.
struct Parts {
    file: File,
    epoch: u64,
    sequence: u64,
    pieces: Pieces,
    names: Names,
    damaged: usize,
    /// Records for which the first piece has room.
    records: u64,
    is_scattered: bool,
}

pub(super) fn open(
    path: &Path,
    node: &str,
    keys: usize,
    random: u64,
) -> Result<Opened, UsageError> {
    let failed = |act| move |source| UsageError::Io { act, path: path.to_owned(), source };
    let lock = Lock::take(path)?;
    let parts = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(handle) => read(handle, path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path, keys, random >> 1).map_err(failed("make"))?
        }
        Err(error) => return Err(failed("open")(error)),
    };
    let damaged = parts.damaged;
    let parts = if damaged > 0 || parts.is_scattered || is_small(parts.records, keys) {
        put_in_order(&parts, path, keys, random >> 1).map_err(failed("put in order"))?
    } else {
        parts
    };
    parts.pieces.look_through();
    let usage = Usage {
        node: node.to_owned(),
        epoch: parts.epoch,
        pieces: parts.pieces,
        names: parts.names,
        file: Mutex::new(parts.file),
        outbox: Mutex::new(Outbox::after(parts.sequence)),
        is_urgent: AtomicBool::new(false),
        _lock: lock,
    };
    Ok(Opened { usage: Arc::new(usage), damaged })
}

/// A new file, made beside its place: a file that is there is whole.
fn create(path: &Path, keys: usize, epoch: u64) -> io::Result<Parts> {
    let parts = empty(path, epoch, room_for(keys), 0)?;
    fs::rename(beside(path, ".new"), path)?;
    Ok(parts)
}

fn read(mut handle: fs::File, path: &Path) -> Result<Parts, UsageError> {
    let failed = |act| move |source| UsageError::Io { act, path: path.to_owned(), source };
    let len = handle.metadata().map_err(failed("look at"))?.len();
    let mut bytes = Vec::new();
    handle.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes).map_err(failed("read"))?;
    let head = Head::read(&bytes).map_err(|bad| match bad {
        BadHead::NotOne => UsageError::NotOne(path.to_owned()),
        BadHead::Damaged => UsageError::Damaged(path.to_owned()),
    })?;
    let pieces = usize::try_from(head.pieces).map_err(|_| UsageError::Damaged(path.to_owned()))?;
    let last = pieces.saturating_sub(1);
    let bytes = piece_records(head.first, last).saturating_mul(WORDS as u64 * 8);
    if len < piece_start(head.first, last).saturating_add(bytes) {
        return Err(UsageError::CutOff(path.to_owned()));
    }
    parts(handle, &head, pieces).map_err(failed("map"))
}

fn parts(handle: fs::File, head: &Head, count: usize) -> io::Result<Parts> {
    let file = File::map(handle, head.first)?;
    let pieces = Pieces::default();
    for piece in 0..count {
        pieces.push(file.piece(piece)?);
    }
    let (names, names_damaged) = Names::read(file.names()?);
    let damaged = pieces.all().filter(|(_, found)| *found == Found::Damage).count();
    Ok(Parts {
        epoch: head.epoch,
        sequence: head.sequence,
        damaged: damaged + names_damaged,
        records: head.first,
        is_scattered: count > 1,
        file,
        pieces,
        names,
    })
}

/// Writes everything into a new file of one piece, and puts that in the place of the old one.
///
/// If something was damaged, what is not acknowledged is counted under a new epoch: a key whose count was lost
/// begins at nought again, which must not look like an old count.
fn put_in_order(old: &Parts, path: &Path, keys: usize, new_epoch: u64) -> io::Result<Parts> {
    let contents = || {
        old.pieces.all().filter_map(|(_, found)| match found {
            Found::Record(content) => Some(content),
            Found::Nothing | Found::Damage => None,
        })
    };
    let records = room_for(contents().count().max(keys));
    let is_damaged = old.damaged > 0;
    let (epoch, sequence) = if is_damaged { (new_epoch, 0) } else { (old.epoch, old.sequence) };
    let mut new = empty(path, epoch, records, sequence)?;
    for content in contents() {
        let content = if is_damaged { begun_again(content) } else { content };
        if let Some(at) = new.pieces.add(&mut new.file, &content.name) {
            new.pieces.with(at, |record: &Record<'_>| record.put(&content));
        }
    }
    old.names.copy_to(&new.file.names()?);
    let (names, _) = Names::read(new.file.names()?);
    new.file.handle.sync_all()?;
    fs::rename(beside(path, ".new"), path)?;
    // What is taken is counted anew by whoever opens it.
    let pieces = Pieces::default();
    pieces.push(new.file.piece(0)?);
    Ok(Parts { names, pieces, ..new })
}

/// Whether a piece of so many records would be full before so many keys were used. Less room than a new file has is
/// no reason to write it anew at each start.
fn is_small(records: u64, keys: usize) -> bool {
    let keys = u128::try_from(keys).unwrap_or(u128::MAX >> 64);
    u128::from(records) * u128::from(FULLEST_PERCENT) < keys * 100
}

/// Records for so many keys.
fn room_for(keys: usize) -> u64 {
    let keys = u64::try_from(keys).unwrap_or(u64::MAX / 100).min(u64::MAX / 100);
    let records = (keys * 100).div_ceil(FILL_PERCENT);
    records.next_multiple_of(RECORDS_OF_PAGE).max(FIRST_RECORDS)
}

/// What is left to tell of a record.
fn begun_again(content: Content) -> Content {
    if content.name.place == 0 {
        let count = content.count.saturating_sub(content.acknowledged).min(word::MAX);
        return Content { count, acknowledged: 0, ..content };
    }
    content
}

/// An empty file beside its place.
fn empty(path: &Path, epoch: u64, records: u64, sequence: u64) -> io::Result<Parts> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    let handle = options.open(beside(path, ".new"))?;
    let file = File::create(handle, epoch, records, sequence)?;
    let pieces = Pieces::default();
    pieces.push(file.piece(0)?);
    let (names, _) = Names::read(file.names()?);
    Ok(Parts { file, epoch, sequence, pieces, names, damaged: 0, records, is_scattered: false })
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
