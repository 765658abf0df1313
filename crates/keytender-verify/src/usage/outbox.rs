//! What is told to the server, and not forgotten before it says that it has it.

use std::collections::HashMap;
use std::sync::Arc;

use keytender_core::id::KeyId;
use keytender_core::time::Time;

use super::Usage;
use super::piece::Position;
use super::record::{Content, Found, Name};
use crate::feed::{Batch, Place, Row, VERSION};

/// The batch that waits for its receipt.
pub(super) struct Outbox {
    waiting: Option<Waiting>,
    /// Of the last batch.
    sequence: u64,
}

/// A batch, and how far each record was told in it.
struct Waiting {
    batch: Arc<Batch>,
    reached: Vec<(Position, u64)>,
}

impl Outbox {
    /// One whose last batch had this number.
    pub(super) const fn after(sequence: u64) -> Self {
        Self { waiting: None, sequence }
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    pub(super) fn batch(&mut self, usage: &Usage, rows: usize) -> Option<Arc<Batch>> {
        if let Some(waiting) = &self.waiting {
            return Some(Arc::clone(&waiting.batch));
        }
        let contents = collect(usage, rows);
        if contents.is_empty() {
            return None;
        }
        self.sequence += 1;
        usage.file().set_sequence(self.sequence);
        let batch = Arc::new(Batch {
            version: VERSION,
            node: usage.node.clone(),
            epoch: usage.epoch(),
            sequence: self.sequence,
            rows: told(usage, contents.iter().map(|(_, content)| content)),
        });
        let reached = contents.into_iter().map(|(at, content)| (at, reached(&content))).collect();
        self.waiting = Some(Waiting { batch: Arc::clone(&batch), reached });
        Some(batch)
    }

    pub(super) fn acknowledge(&mut self, usage: &Usage, sequence: u64) -> bool {
        let is_it = |waiting: &mut Waiting| waiting.batch.sequence == sequence;
        let Some(waiting) = self.waiting.take_if(is_it) else { return false };
        for (at, number) in waiting.reached {
            usage.pieces.with(at, |record| record.acknowledge(number));
        }
        true
    }
}

/// What has changed; of each place also the key, which says how often.
fn collect(usage: &Usage, rows: usize) -> Vec<(Position, Content)> {
    let mut contents = Vec::new();
    usage.pieces.take_marks(|at| {
        if let Some(Found::Record(content)) = usage.pieces.with(at, |record| record.read())
            && content.is_new()
        {
            contents.push((at, content));
        }
        contents.len() < rows
    });
    contents
}

/// One row a key, in the order in which keys are met.
fn told<'a>(usage: &Usage, contents: impl Iterator<Item = &'a Content> + Clone) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut places: HashMap<u64, usize> = HashMap::new();
    for content in contents {
        let Name { key, home, .. } = content.name;
        let at = *places.entry(key).or_insert(rows.len());
        if at == rows.len() {
            rows.extend(row(usage, key, home));
        }
        if let (Some(row), true) = (rows.get_mut(at), content.name.place != 0) {
            row.places.push(place(usage, content));
        }
    }
    rows
}

/// What is known of a key, also where only a place of it is new.
fn row(usage: &Usage, key: u64, home: u32) -> Option<Row> {
    let found = usage.pieces.find(&Name { key, place: 0, home })?;
    let Found::Record(content) = usage.pieces.with(found, |record| record.read())? else {
        return None;
    };
    Some(Row {
        key: KeyId::from_i64(key.cast_signed()),
        count: content.count,
        last_used_at: Time::from_unix_seconds(content.second.into()),
        address: content.address,
        agent: usage.names.text(content.agent).map(|text| text.as_ref().to_owned()),
        places: Vec::new(),
    })
}

fn place(usage: &Usage, content: &Content) -> Place {
    let text = |number: u32| {
        let number = u16::try_from(number & 0xffff).unwrap_or(0);
        usage.names.text(number).map(|text| text.as_ref().to_owned())
    };
    Place {
        region: text(content.name.place >> 16),
        service: text(content.name.place),
        last_used_at: Time::from_unix_seconds(content.second.into()),
    }
}

const fn reached(content: &Content) -> u64 {
    if content.name.place == 0 { content.count } else { content.second as u64 }
}
