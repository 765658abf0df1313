//! From two keys that work to one.

use super::super::quiet::{Evidence, UseSeen, Verdict, find, is_active, judge};
use super::super::{Block, Call, Gate, Leaving, News, Next, Seen, SeenKey, Stage, Standing, Way};
use super::Turn;
use crate::time::Span;

/// Why it is looked again.
const NOT_LISTED: &str = "the provider does not list the new key yet";
/// How long what was seen of a key may be acted upon.
const FRESH: Span = Span::from_micros(3_600_000_000);
/// How long between two looks at a key that is held disabled, or that waits for a person.
const HOLD_POLL: Span = Span::days(1);

impl Turn {
    /// Looks from time to time; at once for the first.
    pub(super) fn watch(&mut self) -> Option<Next> {
        // In place the old secret is dead already.
        if self.rotation.plan.way == Way::InPlace {
            return self.end();
        }
        self.look_every(self.rotation.plan.poll)
    }

    fn look_every(&self, pause: Span) -> Option<Next> {
        let due = self.rotation.observed_at.map(|at| at.plus(pause));
        Some(match due.filter(|due| *due > self.now) {
            Some(due) => Next::At(due),
            None => Next::Call(Call::Observe),
        })
    }

    pub(super) fn observed(&mut self, seen: Seen) -> Option<Next> {
        self.rotation.observed_at = Some(self.now);
        self.look_for_late(&seen.keys);
        match self.standing(&seen.keys) {
            None if self.is_unsettled() => return self.again(NOT_LISTED.to_owned()),
            None => return self.ended_by_others(),
            Some(Standing::Suspended) if self.rotation.stage != Stage::Disabled => {
                return self.disabled_by_others();
            }
            Some(Standing::Active) if self.rotation.stage == Stage::Disabled => {
                self.rotation.hold_from = None;
                return self.block(Block::EnabledAgain);
            }
            Some(_) => {}
        }
        if !is_active(self.rotation.staying_id(), &seen.keys) {
            return self.block(match self.rotation.leaving {
                Leaving::Old => Block::NewNotActive,
                Leaving::New => Block::StayingNotActive,
            });
        }
        if let Some(at) = self.misplaced(&seen) {
            return self.block(Block::Foreign { at });
        }
        match self.rotation.stage {
            Stage::Disabled => self.held(&seen),
            _ => self.judged(&seen),
        }
    }

    /// How the leaving key stands; `None` if it is gone.
    fn standing(&self, keys: &[SeenKey]) -> Option<Standing> {
        let id = self.rotation.leaving_id();
        let key = keys.iter().find(|key| Some(key.id.as_str()) == id)?;
        (key.standing != Standing::Ended).then_some(key.standing)
    }

    /// Whether the leaving key is so young that a list need not show it.
    fn is_unsettled(&self) -> bool {
        let plan = &self.rotation.plan;
        let settled = plan.able.propagation.plus(plan.timeout);
        let made = self.rotation.new.as_ref().filter(|_| self.rotation.leaving == Leaving::New);
        made.is_some_and(|new| self.now.since(new.made_at) <= settled)
    }

    /// The first destination where the staying secret does not stand.
    fn misplaced(&self, seen: &Seen) -> Option<usize> {
        let new = self.rotation.new.as_ref().map(|new| &new.print);
        let places = self.rotation.plan.destinations.iter().zip(&self.rotation.deliveries);
        places.zip(&seen.prints).position(|((destination, delivery), print)| {
            let (staying, leaving) = match self.rotation.leaving {
                Leaving::Old => (new, delivery.before.as_ref()),
                Leaving::New => (delivery.before.as_ref(), new),
            };
            let is_watched = delivery.is_touched && !destination.by_hand;
            // Once the other is disabled, only that one must not stand there.
            is_watched
                && match self.rotation.stage {
                    Stage::Disabled => print.is_some() && print.as_ref() == leaving,
                    _ => print.as_ref() != staying && !delivery.is_acknowledged,
                }
        })
    }

    fn judged(&mut self, seen: &Seen) -> Option<Next> {
        match judge(&self.rotation, seen, self.warned, self.now) {
            Verdict::Quiet(evidence) => {
                if self.rotation.stage == Stage::Overlap {
                    self.to(Stage::Quiet);
                }
                match self.gate(Gate::Disable) {
                    // Whether it is still quiet is looked at meanwhile.
                    Some(Next::Person) => return self.look_every(HOLD_POLL),
                    Some(wait) => return Some(wait),
                    None => {}
                }
                self.rotation.evidence = Some(evidence);
                self.let_go()
            }
            Verdict::Used { at, place } => {
                self.rotation.quiet_from = Some(at);
                if self.rotation.told_use < Some(at) {
                    self.rotation.told_use = Some(at);
                    self.news.push(News::StillUsed { at, place });
                }
                self.overlap_again();
                self.watch()
            }
            Verdict::NotBefore(at) => {
                self.overlap_again();
                let next = self.now.plus(self.rotation.plan.poll);
                Some(Next::At(next.min(at).max(self.now.plus(Span::from_micros(1_000_000)))))
            }
            Verdict::Unproven => {
                self.overlap_again();
                self.watch()
            }
            Verdict::Unknown(_) => {
                self.overlap_again();
                // Only a person can say; meanwhile it may come to be known.
                self.ask(Gate::Disable);
                self.look_every(HOLD_POLL)
            }
        }
    }

    fn overlap_again(&mut self) {
        if self.rotation.stage != Stage::Overlap {
            self.to(Stage::Overlap);
        }
    }

    /// The evidence must be fresh when it is acted upon.
    pub(super) fn dismiss(&mut self) -> Option<Next> {
        match self.gate(Gate::Disable) {
            Some(Next::Person) => self.look_every(HOLD_POLL),
            Some(wait) => Some(wait),
            None => Some(Next::Call(Call::Observe)),
        }
    }

    /// With the evidence written: disable it, or, where the provider cannot, delete it if somebody allows that.
    fn let_go(&mut self) -> Option<Next> {
        if self.rotation.plan.able.disable {
            self.to(Stage::DisableIntent);
            return self.disable();
        }
        // Keys that are made and deleted alone: nothing shows that a key is missed but its end.
        let allowed = self.rotation.approvals.contains_key(&Gate::Delete)
            || self.rotation.evidence == Some(Evidence::NeverDelivered);
        if !allowed {
            self.ask(Gate::Delete);
            return self.look_every(HOLD_POLL);
        }
        self.to(Stage::DeleteIntent);
        Some(Next::Call(Call::Look))
    }

    /// The new key was never in anybody's hands.
    pub(super) fn discard(&mut self) -> Option<Next> {
        self.rotation.evidence = Some(Evidence::NeverDelivered);
        self.let_go()
    }

    pub(super) fn disable(&mut self) -> Option<Next> {
        if self.rotation.disabled_at.is_some() {
            return Some(Next::Call(Call::Look));
        }
        if !self.is_fresh() {
            self.to(Stage::Quiet);
            return self.dismiss();
        }
        let id = self.rotation.leaving_id()?.to_owned();
        if self.rotation.leaving == Leaving::Old {
            self.rotation.is_disable_asked = true;
        }
        Some(Next::Call(Call::Disable { id }))
    }

    /// Whether what is known of the leaving key may be acted upon.
    fn is_fresh(&self) -> bool {
        let never = self.rotation.evidence == Some(Evidence::NeverDelivered);
        never || self.rotation.observed_at.is_some_and(|at| self.now.since(at) < FRESH)
    }

    pub(super) fn disabled(&mut self, id: &str) -> Option<Next> {
        if let Some(orphan) = self.rotation.orphans.iter_mut().find(|orphan| orphan.id == id) {
            orphan.is_disabled = true;
            return self.go();
        }
        self.rotation.disabled_at = Some(self.now);
        Some(Next::Call(Call::Look))
    }

    /// The list, wherever one was asked for.
    pub(super) fn looked(&mut self, keys: Vec<SeenKey>) -> Option<Next> {
        match self.rotation.stage {
            Stage::CreateIntent => self.reconciled(&keys),
            Stage::Created => self.listed(&keys),
            Stage::RollbackIntent => self.returned(&keys),
            Stage::DisableIntent => self.confirmed(&keys),
            Stage::DeleteIntent => self.delete(&keys),
            _ => self.go(),
        }
    }

    /// The list, after disabling was asked for.
    fn confirmed(&mut self, keys: &[SeenKey]) -> Option<Next> {
        match self.standing(keys) {
            None if self.is_unsettled() => self.again(NOT_LISTED.to_owned()),
            None => self.ended_by_others(),
            Some(Standing::Suspended) => self.begin_hold(),
            Some(_) => {
                let asked = self.rotation.disabled_at.unwrap_or(self.now);
                let settled = self.rotation.plan.able.propagation.plus(self.rotation.plan.timeout);
                if self.now.since(asked) > settled {
                    // It was lost, or is not true: ask again.
                    self.rotation.disabled_at = None;
                }
                self.again("the provider still shows it active".to_owned())
            }
        }
    }

    fn begin_hold(&mut self) -> Option<Next> {
        self.rotation.hold_from = Some(self.now);
        self.rotation.observed_at = Some(self.now);
        self.to(Stage::Disabled);
        self.hold()
    }

    pub(super) fn hold(&mut self) -> Option<Next> {
        let until = self.hold_until();
        match self.look_every(HOLD_POLL) {
            Some(Next::At(due)) => Some(Next::At(due.min(until.max(self.now)))),
            other => other,
        }
        .map(|next| match next {
            Next::At(due) if due <= self.now => Next::Call(Call::Observe),
            next => next,
        })
    }

    fn hold_until(&self) -> crate::time::Time {
        let from = self.rotation.hold_from.unwrap_or(self.now);
        match self.rotation.evidence {
            // Nobody can miss what nobody had.
            Some(Evidence::NeverDelivered) => from,
            _ => from.plus(self.rotation.plan.hold),
        }
    }

    fn held(&mut self, seen: &Seen) -> Option<Next> {
        let leaving = find(self.rotation.leaving_id(), seen);
        if let Some(UseSeen::At { at, place }) = leaving.map(|key| &key.last_use)
            && Some(*at) > self.rotation.hold_from
            && Some(*at) > self.rotation.told_use
        {
            self.rotation.told_use = Some(*at);
            self.news.push(News::StillUsed { at: *at, place: place.clone() });
        }
        if self.now < self.hold_until() {
            return self.hold();
        }
        if let Some(wait) = self.gate(Gate::Delete) {
            return match wait {
                Next::Person => self.look_every(HOLD_POLL),
                wait => Some(wait),
            };
        }
        self.to(Stage::DeleteIntent);
        Some(Next::Call(Call::Look))
    }

    /// The list, just before the leaving key is deleted.
    fn delete(&mut self, keys: &[SeenKey]) -> Option<Next> {
        let id = self.rotation.leaving_id()?.to_owned();
        match self.standing(keys) {
            None if !self.is_unsettled() => self.end(),
            Some(Standing::Active) if self.rotation.plan.able.disable => {
                self.rotation.hold_from = None;
                self.to(Stage::Disabled);
                self.block(Block::EnabledAgain)
            }
            Some(_) if self.rotation.hold_from.is_none() && !self.is_fresh() => {
                self.to(Stage::Quiet);
                self.dismiss()
            }
            None | Some(_) => Some(Next::Call(Call::Delete { id })),
        }
    }

    pub(super) fn deleted(&mut self, id: &str) -> Option<Next> {
        if let Some(orphan) = self.rotation.orphans.iter_mut().find(|orphan| orphan.id == id) {
            orphan.is_deleted = true;
            return self.go();
        }
        self.end()
    }

    fn end(&mut self) -> Option<Next> {
        self.to(match self.rotation.leaving {
            Leaving::Old => Stage::Done,
            Leaving::New => Stage::RolledBack,
        });
        self.sweep()
    }

    fn ended_by_others(&mut self) -> Option<Next> {
        if self.rotation.stage != Stage::DeleteIntent {
            self.news.push(News::ByOthers { what: "the leaving key was deleted".to_owned() });
        }
        self.end()
    }

    fn disabled_by_others(&mut self) -> Option<Next> {
        self.news.push(News::ByOthers { what: "the leaving key was disabled".to_owned() });
        if self.rotation.leaving == Leaving::Old {
            self.rotation.is_disable_asked = true;
        }
        self.begin_hold()
    }
}
