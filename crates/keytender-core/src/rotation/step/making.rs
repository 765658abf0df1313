//! From the first look to a new key that works.

use std::collections::BTreeMap;

use super::super::quiet::{find, is_active};
use super::super::{
    Block, Call, Gate, NewKey, News, Next, Print, Seen, SeenKey, Stage, Standing, Way,
};
use super::Turn;
use crate::time::{Span, Time};

/// How much longer than the provider says it is waited for a new key to work.
const SLACK: Span = Span::from_micros(600_000_000);
/// How many keys are made at most before a person is asked.
const MAX_MAKINGS: usize = 3;

impl Turn {
    pub(super) fn start(&mut self) -> Option<Next> {
        if let Some(wait) = self.gate(Gate::Start) {
            return Some(wait);
        }
        self.to(Stage::Preflight);
        Some(Next::Call(Call::Preflight))
    }

    pub(super) fn preflighted(
        &mut self,
        seen: Seen,
        faults: BTreeMap<usize, String>,
    ) -> Option<Next> {
        self.look_for_late(&seen.keys);
        if let Some(call) = self.clear() {
            return Some(Next::Call(call));
        }
        let able = &self.rotation.plan.able;
        let old = find(Some(&self.rotation.plan.old.id), &seen).map(|old| old.standing);
        match old {
            None | Some(Standing::Ended) => return self.block(Block::OldMissing),
            Some(Standing::Suspended) if !self.rotation.plan.is_emergency => {
                return self.block(Block::OldNotActive);
            }
            Some(_) => {}
        }
        if let Some((at, because)) = faults.into_iter().next() {
            return self.block(Block::Destination { at, because });
        }
        let there = seen.keys.iter().filter(|key| key.standing != Standing::Ended);
        let there: Vec<String> = there.map(|key| key.id.clone()).collect();
        let is_full = able.slots.is_some_and(|slots| there.len() >= slots as usize);
        if is_full && self.rotation.plan.way == Way::CreateThenDelete {
            return self.block(Block::SlotsFull { ids: there });
        }
        self.rotation.snapshot = seen.keys.into_iter().map(|key| key.id).collect();
        for (delivery, print) in self.rotation.deliveries.iter_mut().zip(seen.prints) {
            delivery.before = print;
        }
        self.to(Stage::CreateIntent);
        self.make()
    }

    /// Makes a key, unless one was made perhaps, or one is to be cleared away.
    pub(super) fn make(&mut self) -> Option<Next> {
        if let Some(at) = self.rotation.look_at {
            return Some(if at > self.now { Next::At(at) } else { Next::Call(Call::Look) });
        }
        if let Some(call) = self.clear() {
            return Some(Next::Call(call));
        }
        if self.rotation.plan.way == Way::InPlace {
            return Some(Next::Call(Call::Rotate));
        }
        let marker = format!("keytender-{:016x}", self.chance);
        self.rotation.markers.push(marker.clone());
        Some(Next::Call(Call::Create { marker }))
    }

    /// A making's answer was lost: the list tells, once it shows what happened.
    pub(super) fn lost_making(&mut self) -> Option<Next> {
        self.sweep_for_long();
        if !self.rotation.plan.able.list {
            return self.block(Block::CannotTell);
        }
        let plan = &self.rotation.plan;
        let at = self.now.plus(plan.timeout).plus(plan.able.propagation);
        self.rotation.look_at = Some(at);
        Some(Next::At(at))
    }

    /// Keys that were not there before, and are not known by now.
    fn fresh(&self, keys: &[SeenKey]) -> Vec<SeenKey> {
        let rotation = &self.rotation;
        let new = rotation.new_id();
        let is_fresh = |key: &&SeenKey| {
            // What bears our mark came late, however often it was looked before.
            (!rotation.snapshot.contains(&key.id) || self.is_marked(key))
                && key.id != rotation.plan.old.id
                && new != Some(key.id.as_str())
                && !self.is_orphan(&key.id)
                && key.standing != Standing::Ended
        };
        keys.iter().filter(is_fresh).cloned().collect()
    }

    /// Whether the label proves that a call of ours made it.
    fn is_marked(&self, key: &SeenKey) -> bool {
        let label = key.label.as_deref().unwrap_or_default();
        self.rotation.plan.able.label
            && self.rotation.markers.iter().any(|marker| label.contains(marker.as_str()))
    }

    /// Takes what bears one of our marks for ours; what bears none, where there are labels, is others'. Where
    /// there are none nobody can tell: those are returned.
    pub(super) fn recognize(&mut self, keys: &[SeenKey]) -> Vec<String> {
        let fresh = self.fresh(keys);
        let (marked, other): (Vec<_>, Vec<_>) =
            fresh.into_iter().partition(|key| self.is_marked(key));
        for key in marked {
            self.adopt(key.id);
        }
        match self.rotation.plan.able.label {
            true => Vec::new(),
            false => other.into_iter().map(|key| key.id).collect(),
        }
    }

    /// The list, after a making's answer was lost.
    pub(super) fn reconciled(&mut self, keys: &[SeenKey]) -> Option<Next> {
        self.rotation.look_at = None;
        let doubtful = self.recognize(keys);
        if !doubtful.is_empty() {
            for id in &doubtful {
                self.doubt(id);
            }
            return self.block(Block::Ambiguous { ids: doubtful });
        }
        if self.rotation.markers.len() >= MAX_MAKINGS {
            let because = format!("the answers to {MAX_MAKINGS} calls were lost");
            return self.block(Block::Unreachable { because });
        }
        self.make()
    }

    pub(super) fn doubt(&mut self, id: &str) {
        if !self.rotation.doubtful.iter().any(|known| known == id) {
            self.rotation.doubtful.push(id.to_owned());
            self.news.push(News::Doubtful { id: id.to_owned() });
        }
    }

    pub(super) fn made(
        &mut self,
        id: String,
        expires_at: Option<Time>,
        print: Print,
    ) -> Option<Next> {
        let plan = &self.rotation.plan;
        let keeps = plan.way == Way::InPlace;
        let is_known = self.rotation.snapshot.contains(&id) || id == plan.old.id;
        // In place the key is as it was, or another takes its place.
        let is_wrong = is_known && !(keeps && id == plan.old.id);
        let known = (!is_wrong).then(|| id.clone());
        self.rotation.new = Some(NewKey { id: known, made_at: self.now, expires_at, print });
        self.to(Stage::Created);
        if is_wrong && !self.rotation.plan.able.list {
            return self.block(Block::WrongId { id });
        }
        self.verify()
    }

    /// Tries the new key, and finds it in the list.
    pub(super) fn verify(&mut self) -> Option<Next> {
        let able = &self.rotation.plan.able;
        if able.try_new && !self.rotation.is_tried {
            return Some(Next::Call(Call::Try));
        }
        if able.list {
            return Some(Next::Call(Call::Look));
        }
        if let Some(NewKey { id: None, .. }) = self.rotation.new {
            return self.block(Block::NewMissing);
        }
        self.verified()
    }

    fn verified(&mut self) -> Option<Next> {
        self.to(Stage::Verified);
        self.cut_over()
    }

    /// Until when it is normal that a new key does not work yet.
    fn is_young(&self) -> bool {
        let settled = self.rotation.plan.able.propagation.plus(SLACK);
        self.now.since(self.rotation.since) < settled
    }

    pub(super) fn tried(&mut self, is_good: bool) -> Option<Next> {
        if is_good {
            self.rotation.is_tried = true;
            return self.verify();
        }
        if self.is_young() {
            return self.again("it is not taken yet".to_owned());
        }
        match self.rotation.plan.way {
            Way::CreateThenDelete => {
                self.roll_back();
                self.bring_back()
            }
            Way::InPlace => self.block(Block::NewNotActive),
        }
    }

    /// The list, which must show the new key.
    pub(super) fn listed(&mut self, keys: &[SeenKey]) -> Option<Next> {
        self.identify(keys);
        if self.rotation.is_listed && is_active(self.rotation.new_id(), keys) {
            return self.verified();
        }
        if self.is_young() {
            return self.again("the provider does not list it yet".to_owned());
        }
        self.block(Block::NewMissing)
    }

    /// Finds the new key in the list. Where there are labels, a key without our mark is not ours, whatever the
    /// answer said.
    pub(super) fn identify(&mut self, keys: &[SeenKey]) {
        let named = keys.iter().find(|key| self.rotation.new_id() == Some(key.id.as_str()));
        let named = named.filter(|key| {
            !self.rotation.plan.able.label
                || self.rotation.plan.way == Way::InPlace
                || self.is_marked(key)
        });
        let id = named.map(|key| key.id.clone()).or_else(|| self.misnamed(keys));
        if let (Some(id), Some(new)) = (id, &mut self.rotation.new) {
            new.id = Some(id);
            self.rotation.is_listed = true;
        }
    }

    /// The one key that bears the mark of the last call, where the answer named another.
    fn misnamed(&self, keys: &[SeenKey]) -> Option<String> {
        let marker = self.rotation.markers.last()?;
        let fresh = self.fresh(keys);
        let mut marked = fresh.iter().filter(|key| {
            self.is_marked(key)
                && key.standing == Standing::Active
                && key.label.as_deref().is_some_and(|label| label.contains(marker.as_str()))
        });
        let first = marked.next()?;
        marked.next().is_none().then(|| first.id.clone())
    }
}
