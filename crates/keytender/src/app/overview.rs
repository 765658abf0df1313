//! What there is to see at one glance: how many keys, how many due and why, and what is ahead.

use std::collections::{BTreeMap, HashMap};

use keytender_core::policy::Action;
use keytender_core::time::{Span, Time};

use super::evaluate;
use super::inventory::{Inventory, cannot_read};
use crate::error::Error;
use crate::store::overview::{Group, Seen};

/// The ages at which keys are told apart, in days.
const AGES: [u32; 6] = [30, 90, 180, 365, 730, 1_461];
/// What they are called, and those beyond the last.
const AGE_NAMES: [&str; 7] = [
    "up to 30 days",
    "30 to 90 days",
    "3 to 6 months",
    "6 to 12 months",
    "1 to 2 years",
    "2 to 4 years",
    "over 4 years",
];
/// The times since the last use at which keys are told apart, in days.
const IDLES: [u32; 5] = [1, 7, 45, 90, 365];
/// What they are called, and those beyond the last.
const IDLE_NAMES: [&str; 6] = [
    "within a day",
    "within a week",
    "within 45 days",
    "45 to 90 days ago",
    "3 to 12 months ago",
    "over a year ago",
];
/// How far back it is told how many keys were due: a year of weeks.
const WEEKS: u32 = 52;
/// How far ahead ends are told, in days: a quarter.
const DAYS_AHEAD: u32 = 91;

/// What there is to see.
#[derive(Clone, Debug)]
pub struct Overview {
    /// How many keys there are, of each kind.
    pub sums: Sums,
    /// How many keys were due at the end of each week, the oldest first.
    pub due_weeks: Vec<u64>,
    /// The end of the first of these weeks.
    pub first_week: Time,
    /// How many keys end on each day from today on.
    pub expiries: Vec<u64>,
    /// The first of these days.
    pub first_day: Time,
}

/// How many keys there are, of each kind.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// How many keys there are.
    pub keys: u64,
    /// About how many something must be done.
    pub due: u64,
    /// How many of them are to be removed.
    pub to_remove: u64,
    /// How many of them are to be rotated.
    pub to_rotate: u64,
    /// About how many somebody should think.
    pub to_review: u64,
    /// How many were never used.
    pub never_used: u64,
    /// How many keys break each rule, most first.
    pub rules: Vec<(String, u64)>,
    /// How many keys there are at each provider, and how many of them are due; most first.
    pub providers: Vec<(String, u64, u64)>,
    /// How many keys are of which age.
    pub ages: Vec<(&'static str, u64)>,
    /// How many keys were last used when.
    pub idles: Vec<(&'static str, u64)>,
}

/// What whoever asks sees at one glance.
///
/// # Errors
/// When the database does not answer.
pub async fn overview(inventory: &Inventory) -> Result<Overview, Error> {
    inventory.sight.refuse_customer()?;
    let (store, now) = (&inventory.store, inventory.now);
    evaluate::run(store, now).await?;
    let seen = Seen { owner: inventory.sight.owner, side: inventory.sight.side };
    let (ages, idles) = (AGES.map(Span::days), IDLES.map(Span::days));
    let (day, week) = (Span::days(1), Span::days(7));
    let start = now.minus(Span::days(7 * WEEKS));
    let first_day =
        Time::from_micros(now.as_micros() - now.as_micros().rem_euclid(day.as_micros()));
    // Beside each other: the pictures are seen once the slowest is there.
    let (groups, ages, idles, steps, ends, accounts, customers) = tokio::try_join!(
        store.group_keys(seen),
        store.count_ages(seen, now, &ages),
        store.count_idles(seen, now, &idles),
        store.due_steps(seen, start, week),
        store.expiry_steps(seen, first_day, day, DAYS_AHEAD),
        store.list_accounts(),
        store.apis_of_customers(),
    )
    .map_err(cannot_read)?;
    let accounts = accounts.into_iter().map(|one| (one.id, one.provider)).chain(customers);
    let accounts = accounts.map(|(id, provider)| (id.as_i64(), provider)).collect();
    let sums = sums(&groups, &ages, &idles, &accounts);
    let mut expiries = vec![0; steps_of(DAYS_AHEAD)];
    for (place, count) in ends {
        if let Some(day) = expiries.get_mut(place) {
            *day += count;
        }
    }
    Ok(Overview {
        due_weeks: due_weeks(&steps, sums.due),
        first_week: start.plus(week),
        expiries,
        first_day,
        sums,
    })
}

fn steps_of(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn sums(groups: &[Group], ages: &[u64], idles: &[u64], accounts: &HashMap<i64, String>) -> Sums {
    let mut sums = Sums::default();
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    let mut providers: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for group in groups {
        let count = group.count;
        let due = if group.is_due { count } else { 0 };
        sums.keys += count;
        sums.due += due;
        match group.action {
            Some(Action::Remove) => sums.to_remove += due,
            Some(Action::Rotate) => sums.to_rotate += due,
            Some(Action::Review) => sums.to_review += count,
            None => {}
        }
        for rule in &group.rules {
            *rules.entry(rule).or_default() += count;
        }
        let provider = accounts.get(&group.account_id.as_i64()).map_or("", String::as_str);
        let entry = providers.entry(provider).or_default();
        *entry = (entry.0 + count, entry.1 + due);
        sums.never_used += if group.is_unused { count } else { 0 };
    }
    sums.rules = rules.into_iter().map(|(rule, count)| (rule.to_owned(), count)).collect();
    sums.rules.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let providers = providers.into_iter();
    sums.providers = providers.map(|(name, (all, due))| (name.to_owned(), all, due)).collect();
    sums.providers.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    sums.ages = AGE_NAMES.into_iter().zip(ages.iter().copied()).collect();
    sums.ages.extend(rest(sums.keys, &sums.ages));
    sums.idles = IDLE_NAMES.into_iter().zip(idles.iter().copied()).collect();
    sums.idles.push(("never", sums.never_used));
    sums.idles.extend(rest(sums.keys, &sums.idles));
    sums
}

/// The keys that are in no bar.
fn rest(keys: u64, bars: &[(&'static str, u64)]) -> Option<(&'static str, u64)> {
    let known: u64 = bars.iter().map(|(_, count)| count).sum();
    keys.checked_sub(known).filter(|rest| *rest > 0).map(|rest| ("not known", rest))
}

/// How many keys were due at the end of each week. The last week is today: what is kept or excepted is
/// not due, and so it is counted as keys are.
fn due_weeks(steps: &[(usize, Option<usize>, u64)], today: u64) -> Vec<u64> {
    let all = steps_of(WEEKS);
    let mut weeks = vec![0_u64; all];
    for (first, last, count) in steps {
        let end = last.unwrap_or(all).min(all);
        for week in weeks.iter_mut().take(end).skip(*first) {
            *week += count;
        }
    }
    if let Some(last) = weeks.last_mut() {
        *last = today;
    }
    weeks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_due_from_its_first_rule_to_the_end_of_its_last() {
        let weeks = due_weeks(&[(0, Some(2), 3), (50, None, 5)], 6);
        assert_eq!(weeks.len(), 52);
        assert_eq!((weeks[0], weeks[1], weeks[2]), (3, 3, 0));
        assert_eq!((weeks[49], weeks[50], weeks[51]), (0, 5, 6));
    }

    #[test]
    fn every_key_is_counted_once_in_each_picture() {
        let group = |is_unused, action, count| Group {
            account_id: keytender_core::id::AccountId::from_i64(1),
            is_due: action != Some(Action::Review),
            action,
            rules: vec!["key-age".to_owned()],
            is_unused,
            count,
        };
        let groups = [
            group(false, Some(Action::Rotate), 2),
            group(true, Some(Action::Remove), 3),
            group(false, Some(Action::Review), 4),
        ];
        let accounts = HashMap::from([(1, "aws".to_owned())]);
        let found = sums(&groups, &[2, 0, 0, 0, 0, 0, 3], &[2, 0, 0, 0, 0, 0], &accounts);
        assert_eq!(found.ages.last(), Some(&("not known", 4)));
        assert_eq!(found.idles[6..], [("never", 3), ("not known", 4)]);
        assert_eq!((found.keys, found.due), (9, 5));
        assert_eq!((found.to_rotate, found.to_remove, found.to_review), (2, 3, 4));
        let sum = |bars: &[(&str, u64)]| bars.iter().map(|(_, count)| count).sum::<u64>();
        assert_eq!((sum(&found.ages), sum(&found.idles)), (9, 9));
        assert_eq!(found.providers, [("aws".to_owned(), 9, 5)]);
        assert_eq!(found.rules, [("key-age".to_owned(), 9)]);
    }
}
