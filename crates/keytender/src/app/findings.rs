//! Findings: the rules that keys break or broke.

use keytender_core::id::KeyId;
use keytender_core::time::Time;

use super::inventory::{Inventory, cannot_read};
use super::view::FindingView;
use super::{evaluate, keys, paging};
use crate::error::Error;
use crate::store::findings::Filter;

/// Where a finding stands among the others: when it was found, in microseconds, the number of its key,
/// its rule.
pub type Place = (i64, i64, String);

/// Which findings.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Of the key that this word means.
    pub key: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Whether the key still breaks the rule.
    pub is_open: Option<bool>,
    /// Found at this moment or after it.
    pub since: Option<Time>,
}

/// At most `limit` of the findings of keys that are seen, the newest first, after a place; and the
/// place of the last if there are more.
///
/// # Errors
/// When there is no such key, or the database does not answer.
pub async fn list(
    inventory: &Inventory,
    asked: Asked,
    limit: u32,
    after: Option<&Place>,
) -> Result<(Vec<FindingView>, Option<Place>), Error> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let key = match &asked.key {
        Some(word) => Some(keys::get(inventory, word).await?.record.id),
        None => None,
    };
    let sight = inventory.sight;
    let filter = Filter {
        key,
        rule: asked.rule,
        is_open: asked.is_open,
        since: asked.since,
        side: sight.side,
        seen_by: sight.owner,
        account: sight.account,
    };
    let after =
        after.map(|(at, key, rule)| (Time::from_micros(*at), KeyId::from_i64(*key), rule.as_str()));
    let found = inventory.store.page_findings(&filter, after, limit.saturating_add(1)).await;
    let mut found = found.map_err(cannot_read)?;
    let next = paging::cut(&mut found, limit, |last| {
        (last.found_at.as_micros(), last.key_id.as_i64(), last.rule.clone())
    });
    Ok((found.iter().map(FindingView::of).collect(), next))
}
