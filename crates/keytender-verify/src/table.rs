//! All keys of one or more APIs in memory: readers find one without a lock, while one writer changes them.
//!
//! Keys are in slots of 64 bytes, found by the public ids of their tokens: open addressing, so a search
//! looks at slots beside each other and follows no pointer. A slot changes as a whole
//! (`seqlock`). When the slots are nearly full, a larger image is made beside them and put in their
//! place; whoever is reading the old one finishes with it.

mod draft;
mod elsewhere;
mod error;
mod image;
mod loader;
mod shares;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};
use keytender_core::id::ApiId;
use keytender_core::token::Brand;

use crate::app::{ApiCell, AppCell, Facts, Limits};
use crate::feed::{Changes, Snapshot, Spent};
use crate::share::Part;
use crate::shelf::Shelf;

pub(crate) use self::elsewhere::{Candidate, Elsewhere};
pub use self::error::ApplyError;
pub(crate) use self::image::{Image, Spot};
pub use self::loader::Loader;

use self::shares::Noted;
use self::writer::Writer;

/// All keys of one or more APIs, as one feed tells of them.
pub struct Table {
    image: ArcSwap<Image>,
    apps: Shelf<AppCell>,
    apis: Shelf<ApiCell>,
    /// From 1.
    limits: Shelf<Limits>,
    elsewhere: ArcSwap<Elsewhere>,
    writer: Mutex<Writer>,
    /// Locked after the writer, if both are.
    noted: Mutex<Vec<Noted>>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// One without keys, which waits for a snapshot.
    pub fn new() -> Self {
        let writer = Writer::default();
        let image = ArcSwap::new(Arc::clone(writer.image()));
        let (apps, apis, limits, elsewhere, noted) = Default::default();
        Self { image, apps, apis, limits, elsewhere, writer: Mutex::new(writer), noted }
    }

    /// Takes a snapshot of one page in the place of all that was known.
    ///
    /// # Errors
    /// [`ApplyError`] if it cannot be taken; then nothing has changed.
    pub fn load(&self, snapshot: &Snapshot) -> Result<(), ApplyError> {
        let mut loader = self.loader(snapshot.keys.len());
        loader.add(snapshot)?;
        loader.finish()
    }

    /// Begins to take a snapshot page by page; about so many keys are expected. Nobody else can change the
    /// table meanwhile, and keys are read as they were.
    pub fn loader(&self, keys: usize) -> Loader<'_> {
        Loader::new(self, self.write(), keys)
    }

    /// Applies changes in their order; those that are known already are skipped.
    ///
    /// # Errors
    /// [`ApplyError`]. After a gap only a snapshot helps.
    pub fn apply(&self, changes: &Changes) -> Result<(), ApplyError> {
        let mut writer = self.write();
        let result = writer.apply(self, changes);
        self.publish(&mut writer);
        result
    }

    /// The number of the last change that is applied; none before the first snapshot.
    pub fn seq(&self) -> Option<u64> {
        self.write().seq
    }

    /// How many keys there are, whatever their state.
    pub fn len(&self) -> usize {
        self.write().len()
    }

    /// How many of them wait for their first use.
    pub fn pending(&self) -> usize {
        self.write().pending()
    }

    /// The memory that the slots of all keys take, in bytes; details, apps and what the writer knows come on top.
    pub fn slot_bytes(&self) -> usize {
        self.image().bytes()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is used of quotas from now on goes into the next batch. Call it before a batch of uses is made.
    pub fn mark_quotas(&self) {
        self.write().app_places().for_each(|place| {
            if let Some((_, limits)) = self.limits_at(place) {
                limits.quotas.mark();
            }
        });
    }

    /// What the server has counted of quotas, with the last batch.
    pub fn settle_quotas(&self, spent: &[Spent]) {
        let writer = self.write();
        for one in spent {
            let place = writer.app_place(one.app);
            if let Some((_, limits)) = place.and_then(|place| self.limits_at(place)) {
                limits.quotas.settle(&one.quota);
            }
        }
    }

    pub(crate) fn image(&self) -> Guard<Arc<Image>> {
        self.image.load()
    }

    /// How keys are recognised that were issued elsewhere.
    pub(crate) fn elsewhere(&self) -> Guard<Arc<Elsewhere>> {
        self.elsewhere.load()
    }

    /// What is said of the app at a place; its API, if `brand` is the API's; and what is held of its limit where
    /// nothing else is said.
    pub(crate) fn app(&self, place: u32, brand: Brand) -> Option<(Facts, Option<ApiId>, Part)> {
        let facts = self.apps.get(place)?.facts();
        let api = self.apis.get(facts.api)?;
        Some((facts, api.id_if(brand), api.even()))
    }

    /// The limits of an app that has some, or had.
    pub(crate) fn limits(&self, app: &Facts) -> Option<&Limits> {
        if app.limits == 0 { None } else { self.limits.get(app.limits) }
    }

    /// The same, of the app at a place.
    fn limits_at(&self, place: u32) -> Option<(Facts, &Limits)> {
        let facts = self.apps.get(place)?.facts();
        Some((facts, self.limits(&facts)?))
    }

    fn write(&self) -> MutexGuard<'_, Writer> {
        // A writer that panicked left no slot half changed for longer than its last store.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows readers what the writer has that is another.
    fn publish(&self, writer: &mut Writer) {
        if !Arc::ptr_eq(&self.image.load(), writer.image()) {
            self.image.store(Arc::clone(writer.image()));
        }
        if let Some(elsewhere) = writer.news_of_elsewhere() {
            self.elsewhere.store(Arc::new(elsewhere));
        }
    }
}

impl fmt::Debug for Table {
    /// Not its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}
