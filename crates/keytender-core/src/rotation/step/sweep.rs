//! Keys that calls of ours made, and whose secrets nobody has.

use super::super::{Answer, Call, Next, SWEEP, SeenKey};
use super::Turn;
use crate::time::Span;

/// How long between two looks for late keys.
const SWEEP_POLL: Span = Span::from_micros(6 * 3_600_000_000);

impl Turn {
    /// Late keys are looked for from now on.
    pub(super) fn sweep_for_long(&mut self) {
        self.rotation.sweep_until = Some(self.now.plus(SWEEP));
    }

    /// Takes late keys of ours for what they are, while they are looked for.
    pub(super) fn look_for_late(&mut self, keys: &[SeenKey]) {
        if self.rotation.sweep_until.is_some() {
            for id in self.recognize(keys) {
                self.doubt(&id);
            }
        }
    }

    /// What clears the next key of ours away.
    pub(super) fn clear(&self) -> Option<Call> {
        let orphan = self.rotation.orphans.iter().find(|orphan| !orphan.is_deleted)?;
        let id = orphan.id.clone();
        Some(match self.rotation.plan.able.disable && !orphan.is_disabled {
            true => Call::Disable { id },
            false => Call::Delete { id },
        })
    }

    /// After the end: clears away, and looks for late ones.
    pub(super) fn sweep(&mut self) -> Option<Next> {
        if let Some(call) = self.clear() {
            return Some(Next::Call(call));
        }
        let Some(until) = self.rotation.sweep_until else { return Some(Next::Ended) };
        let due = self.rotation.observed_at.map(|at| at.plus(SWEEP_POLL));
        let settled = self.rotation.since.plus(self.rotation.plan.timeout);
        let due = due.unwrap_or(settled).max(settled);
        match due > self.now {
            true => Some(Next::At(due)),
            false if self.rotation.observed_at.is_some_and(|at| at >= until) => Some(Next::Ended),
            false => Some(Next::Call(Call::Look)),
        }
    }

    pub(super) fn swept(&mut self, call: &Call, answer: Answer) -> Option<Next> {
        match (call, answer) {
            (Call::Look, Answer::Looked(keys)) => {
                self.rotation.observed_at = Some(self.now);
                self.look_for_late(&keys);
            }
            (Call::Disable { id }, Answer::Did) => {
                self.orphan(id, |orphan| orphan.is_disabled = true);
            }
            (Call::Delete { id }, Answer::Did) => {
                self.orphan(id, |orphan| orphan.is_deleted = true);
            }
            _ => return self.sweep_later(),
        }
        self.sweep()
    }

    fn orphan(&mut self, id: &str, change: impl FnOnce(&mut super::Orphan)) {
        if let Some(orphan) = self.rotation.orphans.iter_mut().find(|orphan| orphan.id == id) {
            change(orphan);
        }
    }

    /// A call failed after the end: later again, and after the end for a week more.
    pub(super) fn sweep_later(&mut self) -> Option<Next> {
        let is_ended = self.rotation.stage.is_ended();
        let until = self.rotation.sweep_until.unwrap_or(self.now).max(self.rotation.since);
        if is_ended && self.now > until.plus(SWEEP) {
            return Some(Next::Ended);
        }
        let at = self.now.plus(SWEEP_POLL);
        self.rotation.retry_at = Some(at);
        Some(Next::At(at))
    }
}
