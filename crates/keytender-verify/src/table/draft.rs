//! An image and what its writer must know of it.

use std::collections::HashMap;
use std::sync::Arc;

use keytender_core::id::KeyId;
use keytender_core::token::TokenId;

use super::ApplyError;
use super::image::{Image, Search};
use crate::details::{Details, Interned};
use crate::feed::Key;
use crate::slot::{Entry, MAX_DETAILS, Stand, cell};

/// How full the slots may be, in percent, before there are more. A key then takes 65 / 0.88 = 74 bytes.
const FULLEST_PERCENT: usize = 88;
/// How full they are afterwards: 83 bytes a key.
const FILL_PERCENT: usize = 78;
/// Details that no key has any more are let go when there are so many more than keys.
const SPARE_DETAILS: usize = 1_024;

/// An image under its writer's hand.
#[derive(Debug, Default)]
pub(super) struct Draft {
    image: Arc<Image>,
    interned: Interned,
    /// Slots that are not empty.
    used: usize,
    /// Keys that are not forgotten.
    live: usize,
    /// Those of them that wait for their first use.
    pending: usize,
    /// Where keys are that were issued elsewhere: what is kept of one changes with its first use, and its place with it.
    elsewhere: HashMap<TokenId, u128>,
}

impl Draft {
    /// One with room for so many keys.
    pub(super) fn with_room(keys: usize) -> Self {
        let slots = keys.saturating_mul(100).div_ceil(FILL_PERCENT);
        Self { image: Arc::new(Image::with_slots(slots)), ..Self::default() }
    }

    pub(super) const fn image(&self) -> &Arc<Image> {
        &self.image
    }

    pub(super) const fn len(&self) -> usize {
        self.live
    }

    pub(super) const fn pending(&self) -> usize {
        self.pending
    }

    /// Puts a key, whose app is at a place, in the place of what is known of it.
    pub(super) fn put(&mut self, key: &Key, app: u32) -> Result<(), ApplyError> {
        self.make_room()?;
        let details = self.interned.details(key);
        let details = details.map_or(Ok(0), |details| self.place(&details, key.key))?;
        let entry = Entry::new(key, app, details);
        self.put_entry(&entry)?;
        // The new place first: in between, both are right.
        if key.is_imported
            && let Some(before) = self.elsewhere.insert(key.id, entry.id)
            && before != entry.id
        {
            self.forget(before);
        }
        Ok(())
    }

    /// Forgets the key of a public id.
    pub(super) fn remove(&mut self, id: TokenId) {
        let place = self.elsewhere.remove(&id).unwrap_or_else(|| id.to_bits());
        self.forget(place);
    }

    /// Forgets what is at a place. Its slot stays taken until there are other slots: searches go on behind it.
    fn forget(&mut self, id: u128) {
        if let Search::Found(slot) = self.image.search(id) {
            let (head, words) = cell(slot).read();
            let mut entry = Entry::unpack(head, words);
            if entry.state != Stand::Removed {
                self.pending -= usize::from(entry.state == Stand::Pending);
                entry.state = Stand::Removed;
                let (head, words) = entry.pack();
                cell(slot).write(head, words);
                self.live -= 1;
            }
        }
    }

    fn put_entry(&mut self, entry: &Entry) -> Result<(), ApplyError> {
        let (head, words) = entry.pack();
        match self.image.search(entry.id) {
            Search::Found(slot) => {
                let before = Stand::of_head(cell(slot).head());
                self.live += usize::from(before == Stand::Removed);
                self.pending -= usize::from(before == Stand::Pending);
                cell(slot).write(head, words);
            }
            Search::Free(place) => {
                self.image.fill(&place, head, words).ok_or(ApplyError::Full)?;
                self.used += 1;
                self.live += 1;
            }
            Search::Full => return Err(ApplyError::Full),
        }
        self.pending += usize::from(entry.state == Stand::Pending);
        Ok(())
    }

    fn place(&mut self, details: &Arc<Details>, key: KeyId) -> Result<u32, ApplyError> {
        let (place, new) = self.interned.place(details, key);
        if let Some(new) = new {
            let put = self.image.put_details(place, new);
            put.filter(|()| place <= MAX_DETAILS).ok_or(ApplyError::Full)?;
        }
        Ok(place)
    }

    /// Makes another image if one more key does not fit well, or if much in this one is of no use.
    fn make_room(&mut self) -> Result<(), ApplyError> {
        let is_full = (self.used + 1) * 100 > self.image.len() * FULLEST_PERCENT;
        if !is_full && self.interned.len() <= self.live * 2 + SPARE_DETAILS {
            return Ok(());
        }
        let mut other = Self::with_room(self.live + 1);
        other.elsewhere = std::mem::take(&mut self.elsewhere);
        for mut entry in self.image.entries() {
            if let Some(details) = self.image.details(entry.details) {
                entry.details = other.place(details, entry.key)?;
            }
            other.put_entry(&entry)?;
        }
        *self = other;
        Ok(())
    }
}
