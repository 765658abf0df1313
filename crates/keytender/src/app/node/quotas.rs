//! How much the keys of an app have used together in a day or a month of the calendar, in UTC.

use std::collections::HashMap;

use keytender_core::id::AppId;
use keytender_core::time::Time;
use keytender_verify::feed::{App as FeedApp, Period as FeedPeriod, Quota as FeedQuota, Spent};

use super::Node;
use crate::store::apps::{Period, Quota};
use crate::store::usage::MICROS_PER_DAY;
use crate::store::verify::{KnownApp, Which};
use crate::store::{self, Store};

/// A period of the calendar: the day on which it begins, and when the next one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first_day: i64,
    pub(super) ends_at: Time,
}

/// The period that `now` is in.
pub(super) fn span(period: Period, now: Time) -> Span {
    let today = now.as_micros().div_euclid(MICROS_PER_DAY);
    match period {
        Period::Day => Span { first_day: today, ends_at: start_of(today + 1) },
        Period::Month => {
            let (day, length) = day_of_month(now);
            let first_day = today - (day - 1);
            Span { first_day, ends_at: start_of(first_day + length) }
        }
    }
}

fn start_of(day: i64) -> Time {
    Time::from_micros(day.saturating_mul(MICROS_PER_DAY))
}

/// Which day of its month `now` is, from 1, and how many days the month has.
fn day_of_month(now: Time) -> (i64, i64) {
    // A date is written as YYYY-MM-DD.
    let date = now.date();
    let mut parts = date.rsplit('-').map(|part| part.parse::<i64>().unwrap_or(1));
    let (day, month) = (parts.next().unwrap_or(1), parts.next().unwrap_or(1));
    let year = parts.next().unwrap_or(1970);
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (day, length)
}

/// What is used of the quotas of these apps.
pub(super) async fn spent(
    store: &Store,
    quotas: &HashMap<AppId, Quota>,
    now: Time,
) -> store::Result<Vec<Spent>> {
    let mut spent = Vec::with_capacity(quotas.len());
    for period in [Period::Day, Period::Month] {
        let apps: Vec<AppId> =
            quotas.iter().filter(|(_, quota)| quota.per == period).map(|(app, _)| *app).collect();
        if apps.is_empty() {
            continue;
        }
        let span = span(period, now);
        let used = store.uses_of_apps(&apps, span.first_day).await?;
        for app in apps {
            if let Some(quota) = quotas.get(&app) {
                let used = used.get(&app).copied().unwrap_or(0);
                spent.push(Spent { app, quota: of(*quota, used, span) });
            }
        }
    }
    Ok(spent)
}

/// What is used of the quotas of these apps, where they have some.
pub(super) async fn spent_by(
    store: &Store,
    apps: &[AppId],
    now: Time,
) -> store::Result<Vec<Spent>> {
    let found = store.known_apps(&Which::These(apps.to_vec())).await?;
    let limited =
        found.iter().filter_map(|known| Some((known.app.id, known.app.limits.quota?))).collect();
    spent(store, &limited, now).await
}

/// Apps in the words of verifiers, with what is used of their quotas.
pub(super) async fn apps(
    store: &Store,
    found: &[KnownApp],
    now: Time,
) -> store::Result<Vec<FeedApp>> {
    let limited =
        found.iter().filter_map(|known| Some((known.app.id, known.app.limits.quota?))).collect();
    let spent = spent(store, &limited, now).await?;
    let mut spent: HashMap<AppId, FeedQuota> =
        spent.into_iter().map(|one| (one.app, one.quota)).collect();
    Ok(found.iter().map(|one| super::known::app(one, spent.remove(&one.app.id))).collect())
}

/// A quota in the words of verifiers.
pub(super) fn of(quota: Quota, used: u64, span: Span) -> FeedQuota {
    let period = match quota.per {
        Period::Day => FeedPeriod::Day,
        Period::Month => FeedPeriod::Month,
    };
    FeedQuota { period, limit: quota.requests.into(), used, resets_at: span.ends_at }
}

impl Node {
    /// Lets the verifier know what all nodes together have used of quotas.
    pub(super) async fn settle(&self, now: Time) -> store::Result<()> {
        let quotas = self.quotas.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if !quotas.is_empty() {
            let spent = spent(&self.store, &quotas, now).await?;
            self.verifier.table().settle_quotas(&spent);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_its_first_and_ends_with_the_next() {
        for (now, first, end) in [
            ("2026-11-30T12:00:00Z", "2026-11-01", "2026-12-01"),
            ("2026-12-31T23:59:59Z", "2026-12-01", "2027-01-01"),
            ("2024-02-01T00:00:00Z", "2024-02-01", "2024-03-01"),
            ("2026-02-28T00:00:00Z", "2026-02-01", "2026-03-01"),
            ("2100-02-28T00:00:00Z", "2100-02-01", "2100-03-01"),
        ] {
            let span = span(Period::Month, Time::parse(now).unwrap());
            assert_eq!(
                (start_of(span.first_day).date(), span.ends_at.date()),
                (first.into(), end.into())
            );
        }
        let day = span(Period::Day, Time::parse("2026-11-30T23:59:59Z").unwrap());
        assert_eq!(day.ends_at.to_string(), "2026-12-01T00:00:00Z");
    }
}
