//! What must hold, held against the truth.

use keytender_core::rotation::quiet::Evidence;
use keytender_core::rotation::{Gate, Leaving, Next, Stage, Standing, Way, plan, said};
use keytender_core::time::Span;

use super::run::{HOUR, Run};
use super::world::Maker;

impl Run {
    /// Whether the key is nobody's but this rotation's.
    fn is_ours(&self, id: &str) -> bool {
        let key = self.world.keys.get(id);
        id == self.row.plan.old.id || key.is_none_or(|key| key.maker == Maker::Rotation)
    }

    fn is_orphan(&self, id: &str) -> bool {
        self.row.orphans.iter().any(|orphan| orphan.id == id)
    }

    /// No destination may hold what is about to end, and there must be evidence.
    pub(super) fn may_disable(&self, id: &str) {
        let (row, schedule) = (&self.row, self.schedule);
        assert!(self.is_ours(id), "schedule {schedule}: {id} is not ours");
        if self.is_orphan(id) {
            let secret = self.world.keys.get(id).map(|key| key.secret);
            let is_kept = !row.stage.is_ended();
            assert_ne!(
                secret.filter(|_| is_kept),
                self.sealed.or(Some(0)),
                "schedule {schedule}: {id} has a known secret"
            );
            return;
        }
        assert_eq!(row.stage, Stage::DisableIntent, "schedule {schedule}");
        assert_eq!(row.leaving_id(), Some(id), "schedule {schedule}");
        self.is_nowhere(id);
        self.has_evidence(id);
    }

    /// No destination holds it, unless somebody put it back.
    fn is_nowhere(&self, id: &str) {
        let Some(key) = self.world.keys.get(id) else { return };
        let destinations = self.row.plan.destinations.iter().zip(&self.row.deliveries);
        for (place, (destination, delivery)) in self.world.places.iter().zip(destinations) {
            let is_minded = !destination.by_hand && !delivery.is_acknowledged && !self.is_disturbed;
            assert!(
                *place != Some(key.secret) || !is_minded,
                "schedule {}: {id} stands at {} and is to end",
                self.schedule,
                destination.name
            );
        }
    }

    fn has_evidence(&self, id: &str) {
        let (row, schedule) = (&self.row, self.schedule);
        let evidence = row.evidence.as_ref();
        let evidence =
            evidence.unwrap_or_else(|| panic!("schedule {schedule}: {id} without evidence"));
        let observed = row.observed_at.unwrap_or(self.began_at);
        match evidence {
            Evidence::Quiet { from, waited, .. } => {
                assert!(Some(*from) >= row.cutover_at, "schedule {schedule}");
                let least = if row.leaving == Leaving::Old {
                    plan::QUIET_FOR
                } else {
                    plan::ROLLBACK_QUIET_FOR
                };
                assert!(
                    *waited >= least && observed.since(*from) >= *waited,
                    "schedule {schedule}"
                );
                assert!(
                    self.world.now.since(observed) < Span::from_micros(2 * HOUR),
                    "schedule {schedule}: stale"
                );
                // What nobody could see yet is all that may have happened.
                let seen_until = observed.minus(self.world.lag.plus(self.world.granularity));
                let key = self.world.keys.get(id).unwrap();
                let hidden = key.uses.iter().find(|at| **at > *from && **at <= seen_until);
                assert_eq!(hidden, None, "schedule {schedule}: {id} is used since {from}");
            }
            Evidence::Approved { .. } => {
                assert!(row.approvals.contains_key(&Gate::Disable), "schedule {schedule}");
            }
            Evidence::Acknowledged { .. } => {
                assert!(
                    row.deliveries.iter().all(|one| one.is_acknowledged),
                    "schedule {schedule}"
                );
            }
            Evidence::Deadline { .. } => assert!(Some(self.world.now) >= row.plan.deadline),
            Evidence::Emergency => assert!(row.plan.is_emergency, "schedule {schedule}"),
            Evidence::NeverDelivered => {
                let touched = row.deliveries.iter().any(|one| one.is_touched);
                assert!(row.leaving == Leaving::New && !touched, "schedule {schedule}");
            }
        }
    }

    pub(super) fn may_delete(&self, id: &str) {
        let (row, schedule, now) = (&self.row, self.schedule, self.world.now);
        assert!(self.is_ours(id), "schedule {schedule}: {id} is not ours");
        if self.is_orphan(id) {
            return;
        }
        assert_eq!(row.stage, Stage::DeleteIntent, "schedule {schedule}");
        assert_eq!(row.leaving_id(), Some(id), "schedule {schedule}");
        self.is_nowhere(id);
        if !row.plan.able.disable && row.hold_from.is_none() {
            self.has_evidence(id);
            let never = row.evidence == Some(Evidence::NeverDelivered);
            assert!(never || row.approvals.contains_key(&Gate::Delete), "schedule {schedule}");
            return;
        }
        let Some(key) = self.world.keys.get(id) else { return };
        if self.is_disturbed {
            return;
        }
        let (since, standing) = key.standings.last().unwrap();
        if *standing == Standing::Ended {
            return;
        }
        assert_eq!(
            *standing,
            Standing::Suspended,
            "schedule {schedule}: {id} works, and is deleted"
        );
        let hold = if row.evidence == Some(Evidence::NeverDelivered) {
            Span::default()
        } else {
            row.plan.hold
        };
        assert!(now.since(*since) >= hold, "schedule {schedule}: {id} was held too shortly");
    }

    /// What must hold whenever something was written.
    pub(super) fn check(&self, next: &Next) {
        let (row, schedule) = (&self.row, self.schedule);
        if row.new.is_some() && !row.stage.is_ended() {
            assert!(self.sealed.is_some(), "schedule {schedule}: the secret is lost");
        }
        assert_eq!(row.pending.is_some(), matches!(next, Next::Call(_)), "schedule {schedule}");
        assert!(row.blocked.is_none() || *next == Next::Person, "schedule {schedule}");
        let is_calm = !self.is_disturbed && row.plan.way == Way::CreateThenDelete;
        if is_calm {
            let works = |secret: u64| {
                let key = self.world.key_of(secret);
                key.is_some_and(|(_, key)| {
                    key.standing_at(self.world.now) == Some(Standing::Active)
                })
            };
            let dead = self.world.places.iter().flatten().find(|secret| !works(**secret));
            assert_eq!(dead, None, "schedule {schedule}: a destination holds a dead key");
        }
        let words = said(row, next);
        assert!(words.ends_with('.') && words.len() < 400, "{words}");
    }

    /// No key is left that is provably ours, and one of the two works.
    pub(super) fn is_clean(&self) {
        let (row, schedule) = (&self.row, self.schedule);
        for (id, key) in &self.world.keys {
            let ends = row.new_id() == Some(id.as_str()) && row.stage == Stage::Done;
            let is_live = key.standing_at(self.world.now) != Some(Standing::Ended);
            let is_late = self.world.late.iter().any(|(_, marker)| {
                key.label.as_deref().is_some_and(|label| label.contains(marker.as_str()))
            });
            let is_provable =
                key.label.is_some() && row.plan.able.list && self.refuses != Some("disable");
            if key.maker == Maker::Rotation && is_live && !ends && is_provable && !is_late {
                panic!("schedule {schedule}: {id} is left over: {key:?} {row:#?}");
            }
            if key.maker == Maker::Person {
                assert_eq!(key.standings.len(), 1, "schedule {schedule}: {id} is somebody's");
            }
        }
    }

    /// Where nobody meddled, hurried or vouched, whoever reads its destination never failed, nor did whoever uses
    /// the old key regularly from elsewhere.
    pub(super) fn nobody_failed(&self) {
        let row = &self.row;
        let is_hurried = row.plan.is_emergency
            || row.plan.deadline.is_some()
            || self.is_hurried
            || row.plan.destinations.iter().any(|one| one.by_hand);
        if self.is_disturbed || is_hurried || row.plan.way == Way::InPlace {
            return;
        }
        for user in &self.world.users {
            assert_eq!(user.failures, 0, "schedule {}: {user:?} failed", self.schedule);
        }
    }
}
