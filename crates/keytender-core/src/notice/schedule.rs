//! When somebody is told of a problem again.
//!
//! | series    | stages                                                                      |
//! |-----------|-----------------------------------------------------------------------------|
//! | deadline  | 30, 14, 7, 3, 1 days before, the day, 1 to 4 weeks after, then monthly      |
//! | discovery | at once, day 14, day 30, then monthly                                       |
//! | monthly   | each calendar month                                                         |
//! | at once   | once                                                                        |
//!
//! Days are UTC's days of the calendar. "Then monthly" is the same day of each following month, and
//! the stage is called after that month. Only the tightest stage reached is told: whoever was away
//! for a week gets one notice and not three.

use std::fmt;

use jiff::civil::{Date, date};
use jiff::{ToSpan, Unit};

use crate::time::{Span, Time};

/// Days before a deadline on which somebody is told, the earliest first.
pub const DAYS_BEFORE: [u8; 5] = [30, 14, 7, 3, 1];
/// How many weekly notices follow a deadline before they become monthly.
const WEEKS_AFTER: u8 = 4;
/// Days after the first notice on which somebody is told again, the last one first.
const DAYS_AFTER: [u8; 2] = [30, 14];
/// How long somebody has, where the problem itself has no deadline.
const DAYS_TO_ACT: u32 = 14;

/// What kind of problem it is, and so how often somebody hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// Something happens at a known moment: the key expires, or becomes too old.
    Deadline {
        /// When.
        at: Time,
    },
    /// Something is wrong already.
    Discovery {
        /// When its owner was first told; `None` if nobody was told yet.
        first_notice_at: Option<Time>,
    },
    /// Worth a line a month: reviews, and what is not serious.
    Monthly,
    /// Cannot wait for a morning: somebody else may have the key.
    AtOnce,
}

/// One occasion in a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// So many days, or fewer, are left.
    DaysBefore(u8),
    /// The day itself, and the week from it.
    OnTheDay,
    /// So many weeks have passed since.
    WeeksAfter(u8),
    /// When it was found.
    Discovery,
    /// So many days after the first notice.
    Day(u8),
    /// The notice of this month.
    Month {
        /// The year.
        year: i16,
        /// The month, 1 to 12.
        month: i8,
    },
    /// At once.
    AtOnce,
}

impl Stage {
    /// A stable name, part of what makes a notice unique: `deadline-14`, `deadline`,
    /// `after-week-2`, `discovery`, `day-14`, `month-2026-11`, `at-once`.
    pub fn as_key(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DaysBefore(days) => write!(f, "deadline-{days}"),
            Self::OnTheDay => f.write_str("deadline"),
            Self::WeeksAfter(weeks) => write!(f, "after-week-{weeks}"),
            Self::Discovery => f.write_str("discovery"),
            Self::Day(day) => write!(f, "day-{day}"),
            Self::Month { year, month } => write!(f, "month-{year:04}-{month:02}"),
            Self::AtOnce => f.write_str("at-once"),
        }
    }
}

/// The tightest stage that `series` has reached at `now`; `None` if it is too early for the first.
///
/// The same stage is given until the next one is reached: whoever keeps what was told tells each
/// (key, day of the problem, stage, recipient) once.
pub fn stage(series: Series, now: Time) -> Option<Stage> {
    match series {
        Series::Deadline { at } => deadline(day(at), day(now)),
        Series::Discovery { first_notice_at: None } => Some(Stage::Discovery),
        Series::Discovery { first_notice_at: Some(first) } => discovery(day(first), day(now)),
        Series::Monthly => Some(month(day(now))),
        Series::AtOnce => Some(Stage::AtOnce),
    }
}

/// Until when somebody should act: the deadline, or 14 days from the first notice, or at once.
/// `None` if nothing presses.
pub fn act_by(series: Series, now: Time) -> Option<Time> {
    match series {
        Series::Deadline { at } => Some(at),
        Series::Discovery { first_notice_at } => {
            Some(first_notice_at.unwrap_or(now).plus(Span::days(DAYS_TO_ACT)))
        }
        Series::Monthly => None,
        Series::AtOnce => Some(now),
    }
}

fn deadline(at: Date, today: Date) -> Option<Stage> {
    let left = days_between(today, at);
    if left > 0 {
        let reached = DAYS_BEFORE.iter().rev().find(|days| left <= i32::from(**days))?;
        return Some(Stage::DaysBefore(*reached));
    }
    let weeks = u8::try_from(-left / 7).unwrap_or(u8::MAX);
    match weeks {
        0 => Some(Stage::OnTheDay),
        1..WEEKS_AFTER => Some(Stage::WeeksAfter(weeks)),
        _ => {
            let last = at.saturating_add(i32::from(WEEKS_AFTER).weeks());
            Some(months_after(last, today).unwrap_or(Stage::WeeksAfter(WEEKS_AFTER)))
        }
    }
}

fn discovery(first: Date, today: Date) -> Option<Stage> {
    let passed = days_between(first, today);
    let Some(reached) = DAYS_AFTER.into_iter().find(|days| passed >= i32::from(*days)) else {
        return Some(Stage::Discovery);
    };
    let last = first.saturating_add(i32::from(reached).days());
    let months =
        if Some(&reached) == DAYS_AFTER.first() { months_after(last, today) } else { None };
    Some(months.unwrap_or(Stage::Day(reached)))
}

/// The stage of the last monthly return of the day `from` that is not after `today`; `None` before
/// the first.
fn months_after(from: Date, today: Date) -> Option<Stage> {
    let months =
        i32::from(today.year() - from.year()) * 12 + i32::from(today.month() - from.month());
    // The 31st returns on the last day of a shorter month.
    let returns = |months: i32| from.saturating_add(months.months());
    let whole = if returns(months) > today { months - 1 } else { months };
    (whole > 0).then(|| month(returns(whole)))
}

fn month(day: Date) -> Stage {
    Stage::Month { year: day.year(), month: day.month() }
}

fn days_between(from: Date, to: Date) -> i32 {
    from.until((Unit::Day, to)).map_or(0, |span| span.get_days())
}

/// The day of the calendar in UTC.
fn day(time: Time) -> Date {
    let stamp = jiff::Timestamp::from_microsecond(time.as_micros());
    stamp.map_or(date(9999, 12, 31), |stamp| jiff::tz::Offset::UTC.to_datetime(stamp).date())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn key(series: Series, now: &str) -> String {
        stage(series, time(now)).map_or_else(|| "-".to_owned(), Stage::as_key)
    }

    #[test]
    fn a_deadline_is_told_of_more_and_more_often_and_then_less() {
        let series = Series::Deadline { at: time("2026-12-31T15:00:00Z") };
        for (now, expected) in [
            ("2026-11-30T23:59:59Z", "-"),
            ("2026-12-01T00:00:00Z", "deadline-30"),
            ("2026-12-16", "deadline-30"),
            ("2026-12-17", "deadline-14"),
            ("2026-12-24", "deadline-7"),
            ("2026-12-27", "deadline-7"),
            ("2026-12-28", "deadline-3"),
            ("2026-12-30T23:59:59Z", "deadline-1"),
            ("2026-12-31T00:00:00Z", "deadline"),
            ("2027-01-06", "deadline"),
            ("2027-01-07", "after-week-1"),
            ("2027-01-14", "after-week-2"),
            ("2027-01-21", "after-week-3"),
            ("2027-01-28", "after-week-4"),
            ("2027-02-27", "after-week-4"),
            ("2027-02-28", "month-2027-02"),
            ("2027-03-27", "month-2027-02"),
            ("2027-03-28", "month-2027-03"),
            ("2028-01-01", "month-2027-12"),
        ] {
            assert_eq!(key(series, now), expected, "{now}");
        }
    }

    #[test]
    fn a_discovery_is_told_of_at_once_after_two_weeks_and_then_monthly() {
        assert_eq!(key(Series::Discovery { first_notice_at: None }, "2026-11-24"), "discovery");
        let series = Series::Discovery { first_notice_at: Some(time("2026-01-01T09:00:00Z")) };
        for (now, expected) in [
            ("2026-01-01T09:00:00Z", "discovery"),
            ("2026-01-14T23:59:59Z", "discovery"),
            ("2026-01-15", "day-14"),
            ("2026-01-30", "day-14"),
            ("2026-01-31", "day-30"),
            ("2026-02-27", "day-30"),
            ("2026-02-28", "month-2026-02"),
            ("2026-03-30", "month-2026-02"),
            ("2026-03-31", "month-2026-03"),
            ("2026-04-30", "month-2026-04"),
        ] {
            assert_eq!(key(series, now), expected, "{now}");
        }
    }

    #[test]
    fn what_is_not_serious_is_told_once_a_month_and_what_is_exposed_at_once() {
        assert_eq!(key(Series::Monthly, "2026-11-30T23:59:59Z"), "month-2026-11");
        assert_eq!(key(Series::Monthly, "2026-12-01"), "month-2026-12");
        assert_eq!(key(Series::AtOnce, "2026-12-01"), "at-once");
    }

    #[test]
    fn the_time_to_act_is_the_deadline_or_two_weeks() {
        let now = time("2026-11-24");
        let first_notice_at = Some(time("2026-11-20"));
        for (series, expected) in [
            (Series::Deadline { at: time("2026-12-31") }, Some("2026-12-31")),
            (Series::Discovery { first_notice_at: None }, Some("2026-12-08")),
            (Series::Discovery { first_notice_at }, Some("2026-12-04")),
            (Series::Monthly, None),
            (Series::AtOnce, Some("2026-11-24")),
        ] {
            assert_eq!(act_by(series, now), expected.map(time), "{series:?}");
        }
    }

    /// How far a stage is on; each is greater than those before it in its series.
    fn place(stage: Stage) -> i32 {
        match stage {
            Stage::AtOnce | Stage::Discovery => 0,
            Stage::DaysBefore(days) => -i32::from(days),
            Stage::OnTheDay => 0,
            Stage::WeeksAfter(weeks) => i32::from(weeks),
            Stage::Day(day) => i32::from(day),
            Stage::Month { year, month } => i32::from(year) * 12 + i32::from(month),
        }
    }

    /// The stages told by runs at these gaps in hours, each new one once.
    fn told(start: Time, gaps: &[u32], series: impl Fn(Option<Time>) -> Series) -> Vec<Stage> {
        let (mut now, mut first, mut told) = (start, None, Vec::<Stage>::new());
        for hours in gaps {
            if let Some(stage) = stage(series(first), now)
                && told.last() != Some(&stage)
            {
                first = first.or(Some(now));
                told.push(stage);
            }
            now = now.plus(Span::parse(&format!("{hours}h")).unwrap());
        }
        told
    }

    proptest! {
        #[test]
        fn each_stage_is_told_once_and_never_after_a_later_one(
            start in 0_i64..4_000_000_000,
            ahead_days in 0_u32..60,
            gaps in proptest::collection::vec(1_u32..800, 1..120),
            kind in 0..3,
        ) {
            let start = Time::from_unix_seconds(start);
            let at = start.plus(Span::days(ahead_days));
            let told = told(start, &gaps, |first_notice_at| match kind {
                0 => Series::Deadline { at },
                1 => Series::Discovery { first_notice_at },
                _ => Series::Monthly,
            });
            for pair in told.windows(2) {
                prop_assert!(place(pair[0]) < place(pair[1]), "{told:?}");
            }
        }

        #[test]
        fn daily_runs_tell_every_stage(start in 0_i64..4_000_000_000) {
            let start = Time::from_unix_seconds(start);
            let at = start.plus(Span::days(40));
            let told = told(start, &[24; 200], |_| Series::Deadline { at });
            let keys: Vec<String> = told.into_iter().map(Stage::as_key).collect();
            let expected = [
                "deadline-30", "deadline-14", "deadline-7", "deadline-3", "deadline-1", "deadline",
                "after-week-1", "after-week-2", "after-week-3", "after-week-4",
            ];
            prop_assert_eq!(&keys[..10], expected);
            prop_assert!(keys[10..].iter().all(|key| key.starts_with("month-")));
            prop_assert!((4..=5).contains(&keys[10..].len()), "{:?}", keys);
        }
    }
}
