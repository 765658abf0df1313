//! When a policy may say something else of a key although nothing is learned of it: time passes.

use super::Policy;
use super::condition::{Condition, idle_limit};
use crate::key::{Key, SecondActive};
use crate::time::Time;

impl Policy {
    /// The first moment after `now` at which the outcome of a rule for `key` may differ from its
    /// outcome at `now`; `None` if it never will. Between the two nothing changes, so a million
    /// keys need not be asked again each day.
    pub fn next_change(&self, key: &Key<'_>, now: Time) -> Option<Time> {
        let mut next = Next { now, at: None };
        for rule in self.rules.iter().filter(|rule| rule.states.has(key.state)) {
            next.among(&rule.checks, key);
        }
        for exception in &self.exceptions {
            next.offer(exception.until);
            next.among(&exception.matches, key);
        }
        next.at
    }
}

/// The earliest offered moment after `now`.
struct Next {
    now: Time,
    at: Option<Time>,
}

impl Next {
    /// Something changes at `at`.
    fn offer(&mut self, at: Time) {
        if at > self.now {
            self.at = Some(self.at.map_or(at, |known| known.min(at)));
        }
    }

    /// Something changes right after `at`.
    fn offer_after(&mut self, at: Time) {
        self.offer(Time::from_micros(at.as_micros().saturating_add(1)));
    }

    fn among(&mut self, conditions: &[Condition], key: &Key<'_>) {
        for condition in conditions {
            self.of(condition, key);
        }
    }

    fn of(&mut self, condition: &Condition, key: &Key<'_>) {
        match condition {
            Condition::AgeOver(limit) => {
                if let Some(created) = key.born_at() {
                    self.offer_after(created.plus(*limit));
                }
            }
            Condition::AgeUnder(limit) => {
                if let Some(created) = key.born_at() {
                    self.offer(created.plus(*limit));
                }
            }
            Condition::IdleOver(limit) => {
                if let Some(from) = key.idle_from() {
                    self.offer_after(from.plus(idle_limit(*limit, key)));
                }
            }
            Condition::SuspendedFor(limit) => {
                if let Some(from) = key.suspended_since.or_else(|| key.idle_from()) {
                    self.offer_after(from.plus(*limit));
                }
            }
            Condition::ExpiresWithin(limit) => {
                if let Some(end) = key.expires_at {
                    self.offer(end.minus(*limit));
                    self.offer(end);
                }
            }
            Condition::Expired(_) => {
                if let Some(end) = key.expires_at {
                    self.offer(end);
                }
            }
            Condition::SecondActive(limit) => {
                if let SecondActive::OlderThan(younger) = key.second_active {
                    self.offer_after(younger.plus(*limit));
                }
            }
            Condition::Any(groups) => groups.iter().for_each(|group| self.among(group, key)),
            Condition::Not(group) => self.among(group, key),
            _ => {}
        }
    }
}
