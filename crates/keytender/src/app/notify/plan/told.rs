//! What was told before, and how far a series is with whom.
//!
//! A letter in the outbox was not told yet: as long as it waits, no further letter of the same key
//! and problem is written to the same recipient by the same channel. When its channel has taken it,
//! the series begins, or goes on. A letter that nobody took in the end holds nothing up: its own
//! stage is over, and the next one is told in its time.

use std::collections::{HashMap, HashSet};

use keytender_core::id::{ChannelId, KeyId};
use keytender_core::time::Time;

use crate::store::notices::{NoticeItem, NoticeState, ToldItem};

/// One problem of a key, as one recipient hears of it by one channel.
pub(super) type Thread = (ChannelId, String, KeyId, String);

/// What was told before.
#[derive(Default)]
pub(super) struct Told {
    accepted: HashMap<(Thread, i64), Time>,
    begun: HashMap<(Thread, i64), Time>,
    stages: HashSet<(Thread, i64, String)>,
    waiting: HashSet<Thread>,
}

impl Told {
    pub(super) fn of(items: Vec<ToldItem>) -> Self {
        let mut told = Self::default();
        for one in items {
            told.add(one);
        }
        told
    }

    fn add(&mut self, one: ToldItem) {
        let NoticeItem { key_id, problem, problem_at, stage } = one.item;
        let at = problem_at.as_micros();
        let thread = (one.channel_id, one.recipient, key_id, problem.to_string());
        match (one.state, one.sent_at) {
            (NoticeState::Waiting, _) => _ = self.waiting.insert(thread.clone()),
            (NoticeState::Sent, Some(taken)) => {
                earliest(&mut self.accepted, (thread.clone(), at), taken);
                earliest(&mut self.begun, (thread.clone(), at), taken);
            }
            (NoticeState::Sent | NoticeState::Dead, _) => {
                earliest(&mut self.begun, (thread.clone(), at), one.written_at);
            }
        }
        self.stages.insert((thread, at, stage.to_string()));
    }

    /// Whether a letter of this problem is still under way.
    pub(super) fn is_waiting(&self, thread: &Thread) -> bool {
        self.waiting.contains(thread)
    }

    /// Whether anything was written of this problem, whatever its moment and its stage.
    pub(super) fn knows(&self, thread: &Thread) -> bool {
        self.stages.iter().any(|(known, ..)| known == thread)
    }

    /// When the channel took the first letter of this problem: from then on somebody knows of it.
    pub(super) fn accepted_at(&self, thread: &Thread, problem_at: Time) -> Option<Time> {
        self.accepted.get(&(thread.clone(), problem_at.as_micros())).copied()
    }

    /// When the series began: when the channel took its first letter, or the first one that nobody
    /// took in the end was written.
    pub(super) fn begun_at(&self, thread: &Thread, problem_at: Time) -> Option<Time> {
        self.begun.get(&(thread.clone(), problem_at.as_micros())).copied()
    }

    /// Whether a letter of this stage was written, whatever became of it.
    pub(super) fn has_stage(&self, thread: &Thread, problem_at: Time, stage: &str) -> bool {
        self.stages.contains(&(thread.clone(), problem_at.as_micros(), stage.to_owned()))
    }
}

fn earliest<K: std::hash::Hash + Eq>(known: &mut HashMap<K, Time>, key: K, at: Time) {
    let first = known.entry(key).or_insert(at);
    *first = at.min(*first);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn told(state: NoticeState, written: &str, taken: Option<&str>) -> ToldItem {
        let item = NoticeItem {
            key_id: KeyId::from_i64(1),
            problem: "key-unused".into(),
            problem_at: time("2026-01-01"),
            stage: format!("stage of {written}").into(),
        };
        ToldItem {
            item,
            recipient: "ann@example.com".to_owned(),
            channel_id: ChannelId::from_i64(1),
            state,
            written_at: time(written),
            sent_at: taken.map(time),
        }
    }

    fn thread() -> Thread {
        let problem = "key-unused".to_owned();
        (ChannelId::from_i64(1), "ann@example.com".to_owned(), KeyId::from_i64(1), problem)
    }

    #[test]
    fn a_letter_under_way_was_not_told_and_holds_its_series_up() {
        let told = Told::of(vec![told(NoticeState::Waiting, "2026-01-02", None)]);
        let (thread, at) = (thread(), time("2026-01-01"));
        assert!(told.is_waiting(&thread) && told.has_stage(&thread, at, "stage of 2026-01-02"));
        assert_eq!((told.accepted_at(&thread, at), told.begun_at(&thread, at)), (None, None));
    }

    #[test]
    fn a_series_begins_when_a_letter_was_taken_and_not_when_it_was_written() {
        let told = Told::of(vec![
            told(NoticeState::Sent, "2026-01-02", Some("2026-01-05")),
            told(NoticeState::Sent, "2026-01-19", Some("2026-01-19")),
        ]);
        let (thread, at) = (thread(), time("2026-01-01"));
        let first = Some(time("2026-01-05"));
        assert_eq!((told.accepted_at(&thread, at), told.begun_at(&thread, at)), (first, first));
        assert!(!told.is_waiting(&thread));
    }

    #[test]
    fn a_dead_letter_told_nobody_and_lets_its_series_go_on() {
        let told = Told::of(vec![told(NoticeState::Dead, "2026-01-02", None)]);
        let (thread, at) = (thread(), time("2026-01-01"));
        assert!(!told.is_waiting(&thread));
        let begun = Some(time("2026-01-02"));
        assert_eq!((told.accepted_at(&thread, at), told.begun_at(&thread, at)), (None, begun));
    }
}
