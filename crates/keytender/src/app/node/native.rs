//! What is kept of keys that others issued, from their first use on.
//!
//! It is written a moment after the use, for many keys at once. Whoever is killed in between has lost nothing: the key is
//! recognised as before, and its next use is its first.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keytender_core::id::{ApiId, KeyId};
use keytender_core::imported::Way;
use keytender_core::token::Digest;
use keytender_verify::feed::{FeedPepper, Imported};

use super::{Node, cannot_follow};
use crate::app::peppers::{self, Peppers};
use crate::error::Error;
use crate::store::Failure;
use crate::store::changes::Subject;
use crate::store::imported::Native;

/// How many keys are written in one transaction.
const AT_ONCE: usize = 500;
/// How many wait at most; others are written at a later use.
const WAITING: usize = 10_000;

/// Keys that were used, of which something else is to be kept.
#[derive(Debug, Default)]
pub(super) struct Natives(Mutex<HashMap<KeyId, (ApiId, Digest)>>);

impl Natives {
    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, (ApiId, Digest)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    /// Has this kept of a key from now on.
    pub(super) fn keep_native(&self, key: KeyId, api: ApiId, digest: Digest) {
        let mut waiting = self.natives.lock();
        if waiting.len() < WAITING && waiting.insert(key, (api, digest)).is_none() {
            drop(waiting);
            self.wake();
        }
    }

    /// Writes what is to be kept of keys that were used.
    ///
    /// # Errors
    /// When the database does not answer: then it is tried again.
    pub(super) async fn write_native(&self) -> Result<(), Error> {
        let pepper = self.pepper.load(Ordering::Acquire);
        let mut some: Vec<Native> = self
            .natives
            .lock()
            .iter()
            .take(AT_ONCE)
            .map(|(key, (api, digest))| Native {
                key_id: *key,
                api_id: *api,
                digest: digest.to_hex(),
                pepper,
            })
            .collect();
        if some.is_empty() {
            return Ok(());
        }
        // Of two who write the same keys, neither waits for the other.
        some.sort_unstable_by_key(|one| one.key_id);
        let changes: Vec<_> =
            some.iter().map(|one| (one.api_id, Subject::Key(one.key_id))).collect();
        let mut tx = self.store.db().begin().await.map_err(Failure::from).map_err(cannot_follow)?;
        tx.make_native(&some).await.map_err(cannot_follow)?;
        let now = self.clock.now().time;
        tx.note_changes(&changes, now).await.map_err(cannot_follow)?;
        tx.commit().await.map_err(Failure::from).map_err(cannot_follow)?;
        let mut waiting = self.natives.lock();
        some.iter().for_each(|one| _ = waiting.remove(&one.key_id));
        drop(waiting);
        self.wake();
        Ok(())
    }

    /// Whether an API has keys that others issued.
    pub(super) fn has_imported(&self) -> bool {
        self.pepper.load(Ordering::Acquire) > 0
    }

    /// How keys that others issued are recognised, of each API that has some.
    ///
    /// # Errors
    /// When the database does not answer, or something sealed does not open.
    pub(super) async fn imported(&self) -> Result<HashMap<ApiId, Imported>, Error> {
        let recognisers = self.store.list_recognisers(None).await.map_err(cannot_follow)?;
        if recognisers.is_empty() {
            return Ok(HashMap::new());
        }
        let peppers = peppers::open(&self.store, &self.sealer).await?;
        self.pepper.store(peppers.present().unwrap_or(0), Ordering::Release);
        let mut all: HashMap<ApiId, Imported> = HashMap::new();
        for one in recognisers {
            let imported = all.entry(one.api_id).or_insert_with(|| of_api(&peppers, one.api_id));
            match one.opened(&self.sealer)? {
                Some(way) if one.secret.is_some() => imported.keyed.push(way),
                Some(way) => imported.rules.push(way.rule().to_string()),
                None => {}
            }
        }
        Ok(all)
    }
}

fn of_api(peppers: &Peppers, api: ApiId) -> Imported {
    let peppers = peppers.of_api(api).into_iter().map(|(_, pepper)| FeedPepper(pepper)).collect();
    Imported { peppers, rules: Vec::new(), keyed: Vec::<Way>::new() }
}
