//! Policies before they are used: what is in one, and what it would find.

use keytender_core::policy::{Assessment, Policy};

use super::evaluate;
use super::inventory::{Inventory, cannot_read};
use super::view::{EndedView, PolicyCheckView};
use crate::error::Error;
use crate::store::keys::{Filter, Order, Page};

/// How many keys are read at once.
const PAGE: u32 = 10_000;

/// Says what is in a policy, and how many keys of the inventory would be due under it.
///
/// # Errors
/// When the text is no policy: with line and column.
pub async fn check(inventory: &Inventory, text: &str) -> Result<PolicyCheckView, Error> {
    let policy = Policy::parse(text).map_err(|error| {
        Error::new(format!("this is no policy: {error}"))
            .hint("keytender policy show prints one that is right")
    })?;
    let now = inventory.now;
    let ended = policy.exceptions().iter().filter(|one| one.until <= now).map(|one| EndedView {
        rule: one.rule.clone(),
        until: one.until,
        reason: one.reason.clone(),
    });
    let count = |number: usize| u64::try_from(number).unwrap_or(0);
    let (would_be_due, due) = due(inventory, &policy).await?;
    Ok(PolicyCheckView {
        rules: count(policy.rules().len()),
        exceptions: count(policy.exceptions().len()),
        ended: ended.collect(),
        would_be_due,
        due,
    })
}

/// How many keys would be due under `policy`, and how many are.
async fn due(inventory: &Inventory, policy: &Policy) -> Result<(u64, u64), Error> {
    let filter = inventory.sight.narrow(Filter::default());
    let order = Order::Age;
    let (mut would_be, mut are) = (0, 0);
    let mut after = None;
    let mut assessment = Assessment::default();
    loop {
        let page = Page { order, limit: PAGE, offset: 0, after };
        let keys = inventory.store.page_of_keys(&filter, &page).await.map_err(cannot_read)?;
        for held in &keys {
            let standing = evaluate::standing(held, policy, inventory.now, &mut assessment);
            would_be += u64::from(standing.is_due);
            are += u64::from(held.standing.is_due);
        }
        match keys.last() {
            Some(last) if keys.len() == PAGE as usize => after = Some(order.place(last)),
            _ => return Ok((would_be, are)),
        }
    }
}
