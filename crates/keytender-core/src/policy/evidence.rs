//! The figures behind a finding, in words: what was measured, and what the limit is.

use std::fmt::{self, Display, Formatter};

use super::Rule;
use super::condition::{Condition, idle_limit};
use crate::key::{Key, LastUse, SecondActive};
use crate::time::{Span, Time};

/// What is wrong with a key, for people: the rule's title and the figures. Written where it is
/// needed, without a copy: an audit writes millions.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    pub(super) rule: &'m Rule,
    pub(super) key: &'m Key<'m>,
    pub(super) now: Time,
}

impl Display for Message<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule.title)?;
        write_all(&self.rule.when, self.key, self.now, ": ", f).map(|_| ())
    }
}

/// Writes what `key` shows for each condition that measures something, with `before` before the
/// first; whether there was one.
fn write_all(
    conditions: &[Condition],
    key: &Key<'_>,
    now: Time,
    before: &str,
    f: &mut Formatter<'_>,
) -> Result<bool, fmt::Error> {
    let mut has_any = false;
    for condition in conditions {
        let before = if has_any { ", " } else { before };
        has_any |= write_one(condition, key, now, before, f)?;
    }
    Ok(has_any)
}

fn write_one(
    condition: &Condition,
    key: &Key<'_>,
    now: Time,
    before: &str,
    f: &mut Formatter<'_>,
) -> Result<bool, fmt::Error> {
    match condition {
        Condition::AgeOver(limit) => match key.age(now) {
            Some(age) => write!(f, "{before}{} old, the limit is {}", Days(age), Days(*limit))?,
            None => return Ok(false),
        },
        Condition::IdleOver(limit) => match Idle::of(key, now) {
            Some(idle) => {
                write!(f, "{before}{idle}, the limit is {}", Days(idle_limit(*limit, key)))?;
            }
            None => return Ok(false),
        },
        Condition::SuspendedFor(limit) => match (key.suspended_since, Idle::of(key, now)) {
            (Some(since), _) => {
                let disabled = Days(now.since(since));
                write!(f, "{before}disabled for {disabled}, the limit is {}", Days(*limit))?;
            }
            (None, Some(idle)) => {
                write!(f, "{before}disabled and {idle}, the limit is {}", Days(*limit))?;
            }
            (None, None) => return Ok(false),
        },
        Condition::ExpiresWithin(_) | Condition::Expired(true) => match key.expires_at {
            Some(end) => write!(f, "{before}it ends on {}", end.date())?,
            None => return Ok(false),
        },
        Condition::SecondActive(_) => match key.second_active {
            SecondActive::OlderThan(younger) => {
                write!(f, "{before}a younger active key exists since {}", younger.date())?;
            }
            SecondActive::No | SecondActive::Unknown => return Ok(false),
        },
        Condition::Any(groups) => {
            for group in groups {
                if write_all(group, key, now, before, f)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// How long a key lies idle, and since what.
struct Idle<'k> {
    span: Span,
    key: &'k Key<'k>,
}

impl<'k> Idle<'k> {
    fn of(key: &'k Key<'_>, now: Time) -> Option<Self> {
        Some(Self { span: now.since(key.idle_from()?), key })
    }
}

impl Display for Idle<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let days = Days(self.span);
        match &self.key.last_used {
            LastUse::Used(used) if self.key.created_at.is_some_and(|made| made > used.at) => {
                write!(f, "not used in the {days} since it was changed")
            }
            LastUse::Never { since } if self.key.created_at != Some(*since) => {
                write!(f, "not used since {} ({days})", since.date())
            }
            LastUse::Never { .. } => write!(f, "never used in {days}"),
            LastUse::Used(_) | LastUse::Unknown { .. } => write!(f, "not used for {days}"),
        }
    }
}

/// A length of time in whole days, or in words below one.
struct Days(Span);

impl Display for Days {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.whole_days() {
            0 => f.write_str(&self.0.in_words()),
            1 => f.write_str("1 day"),
            days => write!(f, "{days} days"),
        }
    }
}
