//! Policies before they are used: what is in one, and what it would find.

use std::collections::BTreeMap;

use keytender_core::policy::{Assessment, Policy};

use super::evaluate;
use super::inventory::{Inventory, cannot_read};
use super::view::{EndedView, PolicyCheckView, RuleCountView};
use crate::error::Error;
use crate::store::keys::{Filter, Order, Page, Standing};

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
    let found = find(inventory, &policy).await?;
    Ok(PolicyCheckView {
        rules: count(policy.rules().len()),
        exceptions: count(policy.exceptions().len()),
        ended: ended.collect(),
        would_be_due: found.would_be_due,
        due: found.due,
        more: found.more,
        fewer: found.fewer,
        by_rule: found.by_rule(),
    })
}

/// What a policy finds, beside what the present one does.
#[derive(Debug, Default)]
struct Found {
    would_be_due: u64,
    due: u64,
    more: u64,
    fewer: u64,
    /// By rule: how many would break it, and how many do.
    rules: BTreeMap<String, (u64, u64)>,
}

impl Found {
    fn add(&mut self, would_be: &Standing, is: &Standing) {
        self.would_be_due += u64::from(would_be.is_due);
        self.due += u64::from(is.is_due);
        self.more += u64::from(would_be.is_due && !is.is_due);
        self.fewer += u64::from(is.is_due && !would_be.is_due);
        for rule in &would_be.rules {
            self.count(rule).0 += 1;
        }
        for rule in &is.rules {
            self.count(rule).1 += 1;
        }
    }

    fn count(&mut self, rule: &str) -> &mut (u64, u64) {
        self.rules.entry(rule.to_owned()).or_default()
    }

    fn by_rule(self) -> Vec<RuleCountView> {
        let view = |(rule, (would_be, now))| RuleCountView { rule, would_be, now };
        self.rules.into_iter().map(view).collect()
    }
}

/// Holds every key against `policy`, page by page; nothing is written.
async fn find(inventory: &Inventory, policy: &Policy) -> Result<Found, Error> {
    let filter = Filter { customers: Some(false), ..Filter::default() };
    let filter = inventory.sight.narrow(filter);
    let order = Order::Age;
    let mut found = Found::default();
    let mut after = None;
    let mut assessment = Assessment::default();
    loop {
        let page = Page { order, limit: PAGE, offset: 0, after };
        let keys = inventory.store.page_of_keys(&filter, &page).await.map_err(cannot_read)?;
        for held in &keys {
            let standing = evaluate::standing(
                &held.record.key,
                held.keep_until(),
                policy,
                inventory.now,
                &mut assessment,
            );
            found.add(&standing, &held.standing);
        }
        match keys.last() {
            Some(last) if keys.len() == PAGE as usize => after = Some(order.place(last)),
            _ => return Ok(found),
        }
    }
}
