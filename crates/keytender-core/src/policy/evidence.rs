//! The figures behind a finding, in words: what was measured, and what the limit is.

use std::fmt::{self, Display, Formatter, Write};

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

impl Message<'_> {
    /// Writes it into `out`; the same as [`Display`], without the formatting machinery.
    ///
    /// # Errors
    /// When `out` cannot be written to; a text always can.
    pub fn write(&self, out: &mut impl Write) -> fmt::Result {
        out.write_str(&self.rule.title)?;
        write_all(&self.rule.when, self.key, self.now, ": ", out).map(|_| ())
    }
}

impl Display for Message<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

/// Writes what `key` shows for each condition that measures something, with `before` before the
/// first; whether there was one.
fn write_all(
    conditions: &[Condition],
    key: &Key<'_>,
    now: Time,
    before: &str,
    out: &mut impl Write,
) -> Result<bool, fmt::Error> {
    let mut has_any = false;
    for condition in conditions {
        let before = if has_any { ", " } else { before };
        has_any |= write_one(condition, key, now, before, out)?;
    }
    Ok(has_any)
}

fn write_one(
    condition: &Condition,
    key: &Key<'_>,
    now: Time,
    before: &str,
    out: &mut impl Write,
) -> Result<bool, fmt::Error> {
    match condition {
        Condition::AgeOver(limit) => match key.age(now) {
            Some(age) => {
                if key.created_at.is_none() {
                    write!(out, "{before}at least ")?;
                    write_measure(out, "", &Days(age), *limit)?;
                } else {
                    write_measure(out, before, &Days(age), *limit)?;
                }
            }
            None => return Ok(false),
        },
        Condition::IdleOver(limit) => match Idle::of(key, now) {
            Some(idle) => write_measure(out, before, &idle, idle_limit(*limit, key))?,
            None => return Ok(false),
        },
        Condition::SuspendedFor(limit) => match (key.suspended_since, Idle::of(key, now)) {
            (Some(since), _) => {
                write!(out, "{before}disabled for ")?;
                write_measure(out, "", &Days(now.since(since)), *limit)?;
            }
            (None, Some(idle)) => {
                write!(out, "{before}disabled and ")?;
                write_measure(out, "", &idle, *limit)?;
            }
            (None, None) => return Ok(false),
        },
        Condition::ExpiresWithin(_) | Condition::Expired(true) => match key.expires_at {
            Some(end) => write!(out, "{before}it ends on {}", end.date())?,
            None => return Ok(false),
        },
        Condition::SecondActive(_) => match key.second_active {
            SecondActive::OlderThan(younger) => {
                write!(out, "{before}a younger active key exists since {}", younger.date())?;
            }
            SecondActive::No | SecondActive::Unknown => return Ok(false),
        },
        Condition::Any(groups) => {
            for group in groups {
                if write_all(group, key, now, before, out)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// What was measured and its limit, piece by piece: the two that nearly every due key has.
fn write_measure(
    out: &mut impl Write,
    before: &str,
    measured: &impl Measure,
    limit: Span,
) -> fmt::Result {
    out.write_str(before)?;
    measured.write(out)?;
    out.write_str(" (limit ")?;
    Days(limit).write(out)?;
    out.write_str(")")
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

/// Something measured, written as words.
trait Measure {
    fn write(&self, out: &mut impl Write) -> fmt::Result;
}

impl Measure for Idle<'_> {
    fn write(&self, out: &mut impl Write) -> fmt::Result {
        let days = Days(self.span);
        match &self.key.last_used {
            LastUse::Used(used) if self.key.created_at.is_some_and(|made| made > used.at) => {
                out.write_str("not used in the ")?;
                days.write(out)?;
                out.write_str(" since it was changed")
            }
            LastUse::Never { since } if self.key.created_at != Some(*since) => {
                write!(out, "not used since {} (", since.date())?;
                days.write(out)?;
                out.write_str(")")
            }
            LastUse::Never { .. } => {
                out.write_str("never used in ")?;
                days.write(out)
            }
            LastUse::Used(_) | LastUse::Unknown { .. } => {
                out.write_str("not used for ")?;
                days.write(out)
            }
        }
    }
}

/// A length of time in whole days, or in words below one.
struct Days(Span);

impl Measure for Days {
    fn write(&self, out: &mut impl Write) -> fmt::Result {
        match self.0.whole_days() {
            0 => out.write_str(&self.0.in_words()),
            1 => out.write_str("1 day"),
            days => {
                out.write_str(itoa::Buffer::new().format(days))?;
                out.write_str(" days")
            }
        }
    }
}
