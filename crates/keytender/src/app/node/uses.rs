//! What was used here, counted in a file and told to the database.

use std::path::Path;
use std::sync::Arc;

use keytender_core::id::KeyId;
use keytender_core::time::{Span, Time};
use keytender_verify::Usage;
use keytender_verify::feed::{Batch, Place, Row};
use keytender_verify::usage::UsageError;

use super::shown::Shown;
use super::{Node, cannot_follow};
use crate::app::inventory::Inventory;
use crate::app::{issued, notify};
use crate::clock;
use crate::error::Error;
use crate::store::usage::{PlaceUse, Usage as Counted};
use crate::store::{self, Failure, Store};

/// What stands for the server in the sums that verifiers tell: the epoch of a file tells them apart.
const SERVER: &str = "server";
/// How many servers of one inventory may count on one machine.
const MAX_FILES: u32 = 64;
/// How many keys are told of at once, and in one second: to write the use of a key costs as much as to verify some ten.
const ROWS_AT_ONCE: usize = 10_000;

/// Opens a file for counting in `folder`, the first that no other program has.
///
/// # Errors
/// When there is none, or what is there is damaged.
pub(super) fn open(folder: &Path) -> Result<Arc<Usage>, Error> {
    let random = store::random().map_err(cannot_follow)?;
    for number in 1..=MAX_FILES {
        let path = folder.join(format!("usage-{number}"));
        match Usage::open(&path, SERVER, 0, random) {
            Ok(opened) => {
                if opened.damaged > 0 {
                    let (path, damaged) = (path.display(), opened.damaged);
                    tracing::error!(%path, damaged, "records of uses were damaged and are dropped");
                }
                return Ok(opened.usage);
            }
            Err(UsageError::InUse(_)) => {}
            Err(error) => return Err(Error::new("cannot count uses of keys").source(error)),
        }
    }
    let folder = folder.display();
    Err(Error::new(format!("{MAX_FILES} servers count uses in `{folder}` already")))
}

/// Writes a batch into the database. The same batch again changes nothing. What a key shows of itself is written where it
/// is news to `shown`, or in any case without one.
///
/// # Errors
/// When the database refuses.
pub(super) async fn write(
    store: &Store,
    batch: &Batch,
    shown: Option<&Shown>,
) -> store::Result<()> {
    let mut used: Vec<Counted> = batch.rows.iter().map(counted).collect();
    // Of two who write the same keys, neither waits for the other.
    used.sort_unstable_by_key(|one| one.key_id);
    let mut places: Vec<PlaceUse> = batch.rows.iter().flat_map(places).collect();
    places.sort_unstable_by_key(|one| one.key_id);
    let mut tx = store.db().begin().await?;
    let is_news = |one: &Counted, place: Option<&PlaceUse>| {
        shown.is_none_or(|shown| shown.is_news(one, place))
    };
    let first = tx.write_usage(&batch.node, batch.epoch, &used, &places, is_news).await?;
    notify::first_used(&mut tx, &first, clock::now()).await?;
    tx.commit().await.map_err(Failure::from)
}

/// When a key was used for the first time: uses are told to a second, and no overlap begins before its use.
pub(super) fn first_use(row: &Row, now: Time) -> Time {
    row.last_used_at.plus(Span::from_micros(1_000_000)).min(now)
}

fn counted(row: &Row) -> Counted {
    Counted {
        key_id: row.key.as_i64(),
        uses: i64::try_from(row.count).unwrap_or(i64::MAX),
        last_at: row.last_used_at.as_micros(),
        address: row.address.map(|address| address.to_string()),
        agent: row.agent.clone(),
    }
}

fn places(row: &Row) -> impl Iterator<Item = PlaceUse> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    row.places.iter().map(move |place: &Place| PlaceUse {
        key_id: row.key.as_i64(),
        region: text(&place.region),
        service: text(&place.service),
        last_at: place.last_used_at.as_micros(),
    })
}

impl Node {
    /// Tells the database what was used here since it was told last, of so many keys at most; whether of no more.
    ///
    /// # Errors
    /// When the database does not answer: nothing is forgotten, and it is told the next time.
    pub async fn tell(&self, now: Time) -> Result<bool, Error> {
        let Some(usage) = self.verifier.usage() else { return Ok(true) };
        let _telling = self.telling.lock().await;
        // What is used while it is told waits for the next time: else a busy key is told without a pause.
        loop {
            let is_late = usage.is_waiting();
            // A batch that is told again says nothing of what was used since it was made.
            if !is_late {
                self.verifier.table().mark_quotas();
            }
            let Some(batch) = usage.batch(ROWS_AT_ONCE) else { return Ok(true) };
            let written = write(&self.store, &batch, Some(&self.shown)).await;
            written.inspect_err(|_| self.shown.forget()).map_err(cannot_follow)?;
            self.activate(&batch, now).await?;
            usage.acknowledge(batch.sequence);
            self.settle(now).await.map_err(cannot_follow)?;
            if !is_late {
                return Ok(batch.rows.len() < ROWS_AT_ONCE);
            }
        }
    }

    /// Activates keys that were used and wait for it: whoever let the first use pass may have been killed before
    /// that was written.
    async fn activate(&self, batch: &Batch, now: Time) -> Result<(), Error> {
        let table = self.verifier.table();
        if table.seq().is_some() && table.pending() == 0 {
            return Ok(());
        }
        let used: Vec<KeyId> = batch.rows.iter().map(|row| row.key).collect();
        let pending = self.store.pending_of(&used).await.map_err(cannot_follow)?;
        if pending.is_empty() {
            return Ok(());
        }
        let inventory = Inventory::of_node(self.store.clone(), self.location.clone(), now);
        for row in batch.rows.iter().filter(|row| pending.contains(&row.key)) {
            // Also where somebody is about to: what is acknowledged must not depend on who may be killed.
            issued::activate(&inventory, row.key, first_use(row, now)).await?;
        }
        self.wake();
        Ok(())
    }

    /// Whether uses are to be told at once: a key became active by its first.
    pub(super) fn is_urgent(&self) -> bool {
        self.verifier.usage().is_some_and(|usage| usage.is_urgent())
    }
}
