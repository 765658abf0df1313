//! Bringing the new key where it is used, and the old one back.

use super::super::quiet::is_active;
use super::super::{Call, Gate, Leaving, Next, SeenKey, Stage};
use super::Turn;

impl Turn {
    /// From here on others may notice.
    pub(super) fn cut_over(&mut self) -> Option<Next> {
        if let Some(wait) = self.gate(Gate::Deliver) {
            return Some(wait);
        }
        self.to(Stage::Delivering);
        self.deliver()
    }

    pub(super) fn deliver(&mut self) -> Option<Next> {
        let places = self.rotation.plan.destinations.iter().zip(&self.rotation.deliveries);
        let next = places.enumerate().find_map(|(at, (destination, delivery))| {
            (!delivery.is_written && !delivery.is_acknowledged).then_some((at, destination.by_hand))
        });
        match next {
            // Whoever fills it has the secret from here on.
            Some((at, true)) => {
                self.touch(at);
                Some(Next::Person)
            }
            Some((at, false)) => {
                self.touch(at);
                Some(Next::Call(Call::Deliver { at }))
            }
            None => {
                self.to(Stage::Delivered);
                self.reload()
            }
        }
    }

    fn touch(&mut self, at: usize) {
        if let Some(delivery) = self.rotation.deliveries.get_mut(at) {
            delivery.is_touched = true;
        }
    }

    pub(super) fn written(&mut self, at: usize) -> Option<Next> {
        let is_restored = self.rotation.stage == Stage::RollbackIntent;
        if let Some(delivery) = self.rotation.deliveries.get_mut(at) {
            match is_restored {
                true => delivery.is_restored = true,
                false => delivery.is_written = true,
            }
            delivery.is_reloaded = false;
        }
        self.go()
    }

    /// The place of a destination whose users are to be told.
    fn to_reload(&self) -> Option<usize> {
        let places = self.rotation.plan.destinations.iter().zip(&self.rotation.deliveries);
        places
            .enumerate()
            .find(|(_, (destination, delivery))| {
                destination.has_reload && delivery.is_touched && !delivery.is_reloaded
            })
            .map(|(at, _)| at)
    }

    pub(super) fn reload(&mut self) -> Option<Next> {
        if let Some(at) = self.to_reload() {
            return Some(Next::Call(Call::Reload { at }));
        }
        self.settle();
        self.watch()
    }

    /// The staying key stands everywhere: from now on the other one is watched.
    fn settle(&mut self) {
        self.rotation.cutover_at = Some(self.now);
        self.rotation.quiet_from = Some(self.now);
        self.rotation.observed_at = None;
        self.rotation.told_use = None;
        self.rotation.evidence = None;
        self.to(Stage::Overlap);
    }

    pub(super) fn reloaded(&mut self, at: usize) -> Option<Next> {
        if let Some(delivery) = self.rotation.deliveries.get_mut(at) {
            delivery.is_reloaded = true;
        }
        self.go()
    }

    /// Lets the old key work again, puts it back, tells its users, and only then turns to the new one.
    pub(super) fn bring_back(&mut self) -> Option<Next> {
        if self.rotation.is_disable_asked {
            let id = self.rotation.plan.old.id.clone();
            return Some(Next::Call(Call::Enable { id }));
        }
        let to_restore = self.rotation.deliveries.iter().zip(&self.rotation.plan.destinations);
        let to_restore = to_restore.enumerate().find_map(|(at, (delivery, destination))| {
            (delivery.is_touched && !delivery.is_restored).then_some((at, destination.by_hand))
        });
        match to_restore {
            // A person put it there, and puts the old one back.
            Some((_, true)) => return Some(Next::Person),
            Some((at, false)) => return Some(Next::Call(Call::Restore { at })),
            None => {}
        }
        if let Some(at) = self.to_reload() {
            return Some(Next::Call(Call::Reload { at }));
        }
        let able = &self.rotation.plan.able;
        if able.label && able.list && !self.rotation.is_listed && self.rotation.new_id().is_some() {
            return Some(Next::Call(Call::Look));
        }
        self.rotation.leaving = Leaving::New;
        self.rotation.hold_from = None;
        self.rotation.disabled_at = None;
        self.rotation.approvals.remove(&Gate::Disable);
        if self.rotation.new_id().is_none() {
            // If there is one all the same, the sweep finds it.
            if self.rotation.new.is_some() {
                self.sweep_for_long();
            }
            self.to(Stage::RolledBack);
            return self.sweep();
        }
        match self.was_delivered() {
            true => {
                self.settle();
                self.watch()
            }
            false => self.discard(),
        }
    }

    /// The list, after the old key was let work again, or before the new one goes that it never showed.
    pub(super) fn returned(&mut self, keys: &[SeenKey]) -> Option<Next> {
        if !self.rotation.is_disable_asked {
            self.identify(keys);
            if let Some(new) = self.rotation.new.as_mut().filter(|_| !self.rotation.is_listed) {
                new.id = None;
            }
            return self.bring_back();
        }
        if is_active(Some(&self.rotation.plan.old.id), keys) {
            self.rotation.is_disable_asked = false;
            return self.bring_back();
        }
        self.again("the old key does not work again yet".to_owned())
    }
}
