//! A snapshot, taken page by page beside the keys that are read meanwhile.

use std::collections::HashSet;
use std::sync::MutexGuard;

use keytender_core::id::AppId;

use super::draft::Draft;
use super::writer::Writer;
use super::{ApplyError, Table};
use crate::feed::{Snapshot, VERSION};

/// A snapshot that is being taken. Unless it is finished, the keys stay as they were.
#[derive(Debug)]
pub struct Loader<'a> {
    table: &'a Table,
    writer: MutexGuard<'a, Writer>,
    draft: Draft,
    apps: HashSet<AppId>,
    seq: Option<u64>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(table: &'a Table, writer: MutexGuard<'a, Writer>, keys: usize) -> Self {
        Self { table, writer, draft: Draft::with_room(keys), apps: HashSet::new(), seq: None }
    }

    /// Adds the next page. APIs and apps are as it says at once, keys when it is finished.
    ///
    /// # Errors
    /// [`ApplyError`] for another version, or if there are too many.
    pub fn add(&mut self, page: &Snapshot) -> Result<(), ApplyError> {
        if page.version != VERSION {
            return Err(ApplyError::Version(page.version));
        }
        // The first page is the oldest: what follows it comes again as changes.
        self.seq.get_or_insert(page.seq);
        for api in &page.apis {
            self.writer.put_api(self.table, api)?;
        }
        for app in &page.apps {
            self.writer.put_app(self.table, app)?;
            self.apps.insert(app.app);
        }
        for key in &page.keys {
            let app = self.writer.place_of_app(self.table, key.app)?;
            self.draft.put(key, app)?;
        }
        Ok(())
    }

    /// Puts it in the place of what was known. Apps that are not in it are forgotten.
    ///
    /// # Errors
    /// [`ApplyError::NoSnapshot`] if no page was added.
    pub fn finish(mut self) -> Result<(), ApplyError> {
        let seq = self.seq.ok_or(ApplyError::NoSnapshot)?;
        self.writer.seq = Some(seq);
        self.writer.draft = std::mem::take(&mut self.draft);
        self.writer.note_snapshot();
        self.table.publish(&mut self.writer);
        let gone: Vec<_> = self.writer.apps().filter(|app| !self.apps.contains(app)).collect();
        gone.into_iter().try_for_each(|app| self.writer.remove_app(self.table, app))
    }
}
