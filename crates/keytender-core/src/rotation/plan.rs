//! What is settled before a rotation begins: it leaves no choices.

use jiff::ToSpan;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::time::{Span, Time};

/// How long the leaving key must not be used before it goes, at the least: a monthly job shows itself.
pub const QUIET_FOR: Span = Span::days(35);
/// How long a key is held disabled before it is deleted.
pub const HOLD: Span = Span::days(30);
/// The same where the provider tells no last use.
pub const BLIND_HOLD: Span = Span::days(90);
/// How long a key that was delivered and taken back must not be used before it goes.
pub const ROLLBACK_QUIET_FOR: Span = Span::days(2);
/// A window opens within a week, or never.
const MAX_WINDOW_DAYS: usize = 8;

/// How a key comes to have a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A second key is made, and the first one goes once nobody uses it.
    CreateThenDelete,
    /// The provider changes the secret, and the old one ends in the same call: there is no overlap and no way
    /// back.
    InPlace,
}

/// The key that is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldKey {
    /// Its id at the provider.
    pub id: String,
}

/// What the provider can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Able {
    /// Whether it lists keys.
    pub list: bool,
    /// Whether a key has a label that the maker chooses.
    pub label: bool,
    /// Whether a key can be stopped and let work again.
    pub disable: bool,
    /// Whether keys can be tried by a cheap call.
    pub try_new: bool,
    /// How many keys the principal may have.
    pub slots: Option<u32>,
    /// Whether it tells last uses, and how exact and how late.
    pub last_use: Option<Exactness>,
    /// How long it takes until what was done holds and is listed everywhere.
    pub propagation: Span,
}

/// How exact a last use is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exactness {
    /// A stamp stands for uses up to so much later.
    pub granularity: Span,
    /// A use is told so much later at the latest.
    pub lag: Span,
}

/// Where the secret is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Its name, for people.
    pub name: String,
    /// Whether a person puts the secret there.
    pub by_hand: bool,
    /// Whether whoever uses it is told to read it again.
    pub has_reload: bool,
}

/// A step that somebody must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Before anything is made.
    Start,
    /// Before the new key is brought where it is used.
    Deliver,
    /// Before the leaving key is disabled; given early, it cuts the wait short.
    Disable,
    /// Before the leaving key is deleted.
    Delete,
}

impl Gate {
    /// Each, in order.
    pub const ALL: [Self; 4] = [Self::Start, Self::Deliver, Self::Disable, Self::Delete];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Deliver => "deliver",
            Self::Disable => "disable",
            Self::Delete => "delete",
        }
    }
}

/// When what others may notice is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The days of the week, 1 for Monday to 7 for Sunday.
    pub days: Vec<i8>,
    /// From which minute of the day.
    pub from_minute: u16,
    /// Before which minute of the day.
    pub to_minute: u16,
    /// Where: an IANA name, `Europe/Berlin`.
    pub zone: String,
}

/// The words for the days of the week, from Monday on.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Window {
    /// The window of `mon-fri 02:00-05:00 Europe/Berlin`: days, hours, and where; every day and UTC where these are
    /// not given.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, hours, zone) = match words.as_slice() {
            [hours] => ("mon-sun", *hours, "UTC"),
            [first, second] if first.contains(':') => ("mon-sun", *first, *second),
            [days, hours] => (*days, *hours, "UTC"),
            [days, hours, zone] => (*days, *hours, *zone),
            _ => return Err("write it as `mon-fri 02:00-05:00 Europe/Berlin`".to_owned()),
        };
        let (from, to) = hours
            .split_once('-')
            .ok_or_else(|| format!("`{hours}` are no hours: write 02:00-05:00"))?;
        let window = Self {
            days: days_of(days)?,
            from_minute: minute(from)?,
            to_minute: minute(to)?,
            zone: zone.to_owned(),
        };
        if window.from_minute >= window.to_minute {
            return Err(format!("`{hours}` is empty: a window begins and ends on one day"));
        }
        match TimeZone::get(zone) {
            Ok(_) => Ok(window),
            Err(_) => Err(format!("there is no time zone `{zone}`")),
        }
    }

    /// The first moment at or after `now` at which it is open; `None` if there is none within a week, or no
    /// such zone.
    pub fn opens_at(&self, now: Time) -> Option<Time> {
        let zone = TimeZone::get(&self.zone).ok()?;
        let stamp = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?;
        let today = zone.to_datetime(stamp).date();
        let at = |date: jiff::civil::Date, minute: u16| {
            let civil = date.at(0, 0, 0, 0).checked_add(i64::from(minute).minutes()).ok()?;
            let stamp = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
            Some(Time::from_micros(stamp.as_microsecond()))
        };
        let days = std::iter::successors(Some(today), |day| day.checked_add(1.day()).ok());
        days.take(MAX_WINDOW_DAYS)
            .filter(|day| self.days.contains(&Weekday::to_monday_one_offset(day.weekday())))
            .filter_map(|day| Some((at(day, self.from_minute)?, at(day, self.to_minute)?)))
            .find(|(from, to)| from < to && now < *to)
            .map(|(from, _)| from.max(now))
    }
}

fn days_of(text: &str) -> Result<Vec<i8>, String> {
    let number = |word: &str| {
        let found = DAYS.iter().position(|day| word.eq_ignore_ascii_case(day));
        let number = found.and_then(|at| i8::try_from(at).ok()).map(|at| at + 1);
        number.ok_or_else(|| format!("`{word}` is no day: write one of {}", DAYS.join(", ")))
    };
    let mut days = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                // From Friday to Monday is four days.
                let count = (last - first).rem_euclid(7) + 1;
                days.extend((0..count).map(|more| (first - 1 + more) % 7 + 1));
            }
            None => days.push(number(part)?),
        }
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn minute(text: &str) -> Result<u16, String> {
    let bad = || format!("`{text}` is no time of the day: write 02:00");
    let (hour, minute) = text.split_once(':').ok_or_else(bad)?;
    let (hour, minute): (u16, u16) =
        (hour.parse().map_err(|_| bad())?, minute.parse().map_err(|_| bad())?);
    let is_good = minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
    is_good.then_some(hour * 60 + minute).ok_or_else(bad)
}

/// What is settled before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How the key comes to have a successor.
    pub way: Way,
    /// The key that is replaced.
    pub old: OldKey,
    /// What the provider can do.
    pub able: Able,
    /// Where the secret is used.
    pub destinations: Vec<Destination>,
    /// What somebody must allow.
    pub gates: Vec<Gate>,
    /// When it is done what others may notice; at any time where there is none.
    pub window: Option<Window>,
    /// How long the leaving key must not be used.
    pub quiet_for: Span,
    /// How long it is held disabled.
    pub hold: Span,
    /// How long between two looks while both work.
    pub poll: Span,
    /// When the old key goes although it is used, if its owner was warned.
    pub deadline: Option<Time>,
    /// Whether the key leaked: it is disabled as soon as the new one stands everywhere.
    pub is_emergency: bool,
    /// No call takes longer than this, nor is one begun later than this after it was written.
    pub timeout: Span,
}

impl Plan {
    /// Whether somebody must allow it.
    pub fn has_gate(&self, gate: Gate) -> bool {
        self.gates.contains(&gate)
    }
}

#[cfg(test)]
impl Plan {
    /// A key like those of AWS, used at one place, with nobody to ask.
    pub(super) fn sample() -> Self {
        let last_use = Some(Exactness { granularity: Span::default(), lag: Span::days(1) });
        Self {
            way: Way::CreateThenDelete,
            old: OldKey { id: "AKIAOLD".to_owned() },
            able: Able {
                list: true,
                label: false,
                disable: true,
                try_new: true,
                slots: Some(2),
                last_use,
                propagation: Span::default(),
            },
            destinations: vec![Destination {
                name: "shop".to_owned(),
                by_hand: false,
                has_reload: false,
            }],
            gates: Vec::new(),
            window: None,
            quiet_for: QUIET_FOR,
            hold: HOLD,
            poll: Span::days(1),
            deadline: None,
            is_emergency: false,
            timeout: Span::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(days: &[i8], from_minute: u16, to_minute: u16) -> Window {
        Window { days: days.to_vec(), from_minute, to_minute, zone: "Europe/Berlin".to_owned() }
    }

    #[test]
    fn a_window_opens_at_its_hour_where_its_people_are() {
        let nights = window(&[1, 2, 3, 4, 5], 22 * 60, 24 * 60);
        for (now, opens) in [
            // A Tuesday; Berlin is an hour ahead.
            ("2026-11-24T12:00:00Z", "2026-11-24T21:00:00Z"),
            ("2026-11-24T22:30:00Z", "2026-11-24T22:30:00Z"),
            ("2026-11-24T23:00:00Z", "2026-11-25T21:00:00Z"),
            // Friday night is over: Monday.
            ("2026-11-27T23:00:00Z", "2026-11-30T21:00:00Z"),
        ] {
            let opens_at = nights.opens_at(Time::parse(now).unwrap());
            assert_eq!(opens_at, Some(Time::parse(opens).unwrap()), "{now}");
        }
    }

    #[test]
    fn a_window_is_read_as_people_write_it() {
        let nights = Window::parse("mon-fri 22:00-24:00 Europe/Berlin").unwrap();
        assert_eq!(nights, window(&[1, 2, 3, 4, 5], 22 * 60, 24 * 60));
        let over = Window::parse("fri-mon,wed 02:00-05:00").unwrap();
        assert_eq!((over.days, over.zone.as_str()), (vec![1, 3, 5, 6, 7], "UTC"));
        assert_eq!(Window::parse("02:00-05:00 UTC").unwrap().days.len(), 7);
        for bad in
            ["", "02:00", "05:00-02:00", "02:60-03:00", "day 02:00-03:00", "02:00-03:00 Mars"]
        {
            assert!(Window::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_window_that_never_opens_says_so() {
        let now = Time::parse("2026-11-24").unwrap();
        assert_eq!(window(&[], 0, 60).opens_at(now), None);
        assert_eq!(window(&[1, 7], 60, 60).opens_at(now), None);
        let nowhere = Window { zone: "Europe/Atlantis".to_owned(), ..window(&[1], 0, 60) };
        assert_eq!(nowhere.opens_at(now), None);
    }
}
