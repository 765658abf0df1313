//! How often keys were used, and when, where and by what they were last used.
//!
//! Counts are kept in a file that is mapped into memory. A use is a few stores to memory, and these belong to
//! the system as soon as they are made: whatever kills the program, no use is lost that [`Usage::record`] came
//! back from. A file that was opened goes on counting where it stood.
//!
//! ```text
//! header   4 KiB     magic, epoch, sizes, the last sequence
//! names    256 KiB   of programs, regions and services: 4,095 at most
//! records  64 B each one a key, and one a key and place; further pieces follow, each as large as all before it
//! ```
//!
//! Every number in a record carries 16 bits that tell whether it is whole, and every record tells which key it
//! is of. After the machine lost power, what is damaged is reported and dropped, and the rest lives. Its uses
//! are then counted under a new epoch, for a count that fell back would hide what follows it.
//!
//! What is new is taken as a [`Batch`]. Nothing is forgotten before its receipt came: a batch that was not
//! acknowledged is given out again as it was, and after a restart everything in it is part of another.
//!
//! # Limits
//! Without space for more records, keys that were never used before are counted in memory, and
//! [`Health::unsaved`] says so. A program, region or service beyond the 4,095th, or with more than 56 bytes, is
//! not told. Regions and services are the API's own words: a key has a record for each pair that is named.

mod error;
mod file;
mod lock;
mod names;
mod open;
mod outbox;
mod piece;
mod record;
mod word;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keytender_core::id::KeyId;
use keytender_core::time::Time;
use keytender_core::token::TokenId;

use crate::feed::Batch;
use crate::verdict::Request;

pub use self::error::UsageError;
pub use self::open::Opened;

use self::file::File;
use self::lock::Lock;
use self::names::Names;
use self::outbox::Outbox;
use self::piece::Pieces;
use self::record::{Name, Record, Use};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// How often keys were used, in a file.
pub struct Usage {
    node: String,
    epoch: u64,
    pieces: Pieces,
    names: Names,
    /// Also whoever adds a record or a name.
    file: Mutex<File>,
    outbox: Mutex<Outbox>,
    is_urgent: AtomicBool,
    /// Held as long as the file is open.
    _lock: Lock,
}

/// How well uses are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Keys and places whose uses are only in memory, because the file could not grow.
    pub unsaved: usize,
    /// Whether there was a name too many or too long.
    pub is_name_lost: bool,
}

impl Usage {
    /// Opens the file at `path`, or makes it. `node` is the name under which uses are told; about so many `keys` are
    /// expected, and more make the file grow; `random` are random bits, for the epoch of a new file.
    ///
    /// # Errors
    /// [`UsageError`] if the file cannot be had, is another program's, or is no file of uses.
    pub fn open(path: &Path, node: &str, keys: usize, random: u64) -> Result<Opened, UsageError> {
        open::open(path, node, keys, random)
    }

    /// Counts a use of a key, whose tokens have this public id. Whether it is the first that is known here.
    pub fn record(&self, key: KeyId, id: TokenId, request: &Request<'_>, time: Time) -> bool {
        let second = time.as_micros().div_euclid(MICROS_PER_SECOND).clamp(0, u32::MAX.into());
        let second = u32::try_from(second).unwrap_or(u32::MAX);
        let agent = self.name(request.agent);
        let this = Use { second, agent, address: request.address };
        let count =
            self.with_record(&Name::new(key, id, 0), |record| record.count(&this)).unwrap_or(0);
        let place = record::place(self.name(request.region), self.name(request.service));
        if place != 0 {
            self.with_record(&Name::new(key, id, place), |record| record.note(second));
        }
        count == 1
    }

    /// A use of a key may be counted soon, whose tokens have this public id: what that needs is at hand then.
    pub(crate) fn expect(&self, id: u128) {
        self.pieces.expect(record::home(id));
    }

    /// What is new: the batch that was not acknowledged yet, as it was, or another of about `rows` keys. None if
    /// nothing is new.
    pub fn batch(&self, rows: usize) -> Option<Arc<Batch>> {
        self.outbox().batch(self, rows)
    }

    /// Whether a batch was given out and not acknowledged.
    pub fn is_waiting(&self) -> bool {
        self.outbox().is_waiting()
    }

    /// The server has the batch of this number; whether it is the one that waits.
    pub fn acknowledge(&self, sequence: u64) -> bool {
        self.outbox().acknowledge(self, sequence)
    }

    /// Uses are to be told at once: a key became active by its first.
    pub fn hurry(&self) {
        self.is_urgent.store(true, Ordering::Release);
    }

    /// Whether they are, since this was asked last.
    pub fn is_urgent(&self) -> bool {
        self.is_urgent.swap(false, Ordering::AcqRel)
    }

    /// How often a key was used since the epoch of the file began.
    pub fn count(&self, key: KeyId, id: TokenId) -> u64 {
        let found = self.pieces.find(&Name::new(key, id, 0));
        found.map_or(0, |place| self.pieces.with(place, |record| record.counted()).unwrap_or(0))
    }

    /// The epoch of the file.
    pub fn epoch(&self) -> i64 {
        self.epoch.cast_signed()
    }

    /// How well uses are kept.
    pub fn health(&self) -> Health {
        Health { unsaved: self.pieces.unsaved(), is_name_lost: self.names.is_one_lost() }
    }

    /// Looks a record up, or makes it, and marks it as changed.
    fn with_record<T>(&self, name: &Name, act: impl Fn(&Record<'_>) -> T) -> Option<T> {
        let found = self.pieces.find(name);
        let found = found.or_else(|| self.pieces.add(&mut self.file(), name))?;
        let result = self.pieces.with(found, act);
        self.pieces.mark(found);
        result
    }

    fn name(&self, text: Option<&str>) -> u16 {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return 0 };
        self.names.find(text).unwrap_or_else(|| self.names.add(&self.file(), text))
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").field("node", &self.node).finish_non_exhaustive()
    }
}
