//! Digests as they grow, page by page of keys: what is named whole, the rest in sums.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use keytender_core::id::AccountId;
use keytender_core::notice::{Digest, Series};
use keytender_core::policy::Severity;

use super::{Part, Recipient};
use crate::store::notices::NoticeItem;

/// What one recipient is to be told by one channel.
pub(super) struct Gathered {
    pub(super) recipient: Recipient,
    pub(super) digest: Digest,
    /// Whether something of it cannot wait.
    pub(super) is_urgent: bool,
    items: Vec<(Severity, NoticeItem)>,
}

impl Gathered {
    /// What it tells, the most serious first.
    pub(super) fn into_items(self) -> (Recipient, Digest, Vec<NoticeItem>) {
        let mut items = self.items;
        items.sort_by_key(|(severity, _)| Reverse(*severity));
        (self.recipient, self.digest, items.into_iter().map(|(_, item)| item).collect())
    }
}

/// All digests, by the places of their channels, the addresses, and the customers of ours that they are for.
#[derive(Default)]
pub(super) struct Digests {
    digests: BTreeMap<(usize, String, Option<AccountId>), Gathered>,
    /// Each word once: there are many items and few words.
    words: HashSet<Arc<str>>,
}

impl Digests {
    pub(super) fn add(
        &mut self,
        channel: usize,
        recipient: Recipient,
        part: Part<'_>,
        begin: impl FnOnce(&Recipient) -> Digest,
    ) {
        let severity = part.item.severity();
        let is_urgent = part.problems.iter().any(|problem| problem.series == Series::AtOnce);
        let mut items = Vec::with_capacity(part.problems.len());
        for problem in part.problems {
            let mut item = problem.item;
            item.problem = self.word(item.problem);
            item.stage = self.word(item.stage);
            items.push((severity, item));
        }
        let place = (channel, recipient.address.clone(), recipient.account);
        let gathered = self.digests.entry(place).or_insert_with(|| {
            let digest = begin(&recipient);
            Gathered { recipient, digest, is_urgent: false, items: Vec::new() }
        });
        gathered.digest.add(part.item);
        gathered.is_urgent |= is_urgent;
        gathered.items.extend(items);
    }

    fn word(&mut self, word: Arc<str>) -> Arc<str> {
        if let Some(known) = self.words.get(&word) {
            return Arc::clone(known);
        }
        self.words.insert(Arc::clone(&word));
        word
    }

    /// Each of them, with the place of its channel.
    pub(super) fn into_each(self) -> impl Iterator<Item = (usize, Gathered)> {
        self.digests.into_iter().map(|((channel, ..), gathered)| (channel, gathered))
    }
}
