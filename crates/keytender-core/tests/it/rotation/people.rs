//! What people do: they allow, vouch, take back, and meddle.

use keytender_core::rotation::{Block, Event, Gate, Stage, Standing, Step, Word, step};
use keytender_core::time::{Span, Time};

use super::run::{HOUR, Run};
use super::world::Maker;

impl Run {
    /// Time passes until it goes on, and people may say something meanwhile.
    pub(super) fn wait(&mut self, at: Time) -> Event {
        self.world.pass(at);
        let meddling = self.meddling;
        if self.world.chance.percent(meddling) {
            self.meddle();
        }
        if self.world.chance.percent(1) {
            self.say();
        }
        let helpful = self.helpful / 10;
        if let Some(gate) = self.row.asked.first().copied()
            && self.world.chance.percent(helpful)
        {
            self.tell(Word::Approve { gate, despite: None });
        }
        Event::Wake
    }

    pub(super) fn say(&mut self) {
        let word = match self.world.chance.below(12) {
            0 => Word::RollBack,
            1 => Word::Abort,
            2 | 3 => Word::Acknowledge { at: 0 },
            _ => return,
        };
        self.tell(word);
    }

    fn tell(&mut self, word: Word) {
        let gates = [Gate::Disable, Gate::Delete];
        self.is_hurried |= match &word {
            Word::Approve { gate, .. } => gates.contains(gate),
            Word::Acknowledge { .. } => true,
            Word::Resume | Word::RollBack | Word::Abort => false,
        };
        if let Word::Acknowledge { at } = word
            && self.row.can_acknowledge(at)
            && self.row.plan.destinations.get(at).is_some_and(|one| one.by_hand)
        {
            let secret = match self.row.stage {
                Stage::Delivering => self.sealed,
                Stage::RollbackIntent => self.previous.get(at).copied().flatten(),
                _ => self.world.places.get(at).copied().flatten(),
            };
            *self.world.places.get_mut(at).unwrap() = secret;
        }
        let said = Event::Said(word, "someone".to_owned());
        let step = step(&self.row, said, 0, true, self.world.now);
        self.write(&step);
    }

    /// Somebody does by hand what they should not.
    fn meddle(&mut self) {
        self.is_disturbed = true;
        match self.world.chance.below(4) {
            0 => drop(self.world.make(Maker::Person, Some("mine".to_owned()))),
            1 => {
                let secret = self.world.chance.next();
                if let Some(place) = self.world.places.first_mut() {
                    *place = Some(secret);
                }
            }
            2 => self.world.set("key-1", Standing::Active),
            _ => self.world.set("key-1", Standing::Suspended),
        }
    }

    /// A person is needed: what a sensible one says; `None` if nobody comes.
    pub(super) fn ask(&mut self, step: &Step) -> Option<Event> {
        let helpful = self.helpful;
        if !self.world.chance.percent(helpful) {
            return None;
        }
        self.world.pass(self.world.now.plus(Span::from_micros(HOUR)));
        let row = &step.rotation;
        let word = match &row.blocked {
            Some(Block::SecretLost | Block::Unreachable { .. } | Block::EnabledAgain) => {
                Word::Resume
            }
            Some(Block::StayingNotActive) => {
                self.world.set("key-1", Standing::Active);
                Word::Resume
            }
            Some(Block::OldNotActive) => {
                self.world.set("key-1", Standing::Active);
                Word::Resume
            }
            Some(Block::Foreign { at }) => Word::Acknowledge { at: *at },
            Some(_) if row.can_abort() => Word::Abort,
            Some(_) if row.can_roll_back() => Word::RollBack,
            Some(_) => return None,
            None => match row.stage {
                Stage::Delivering | Stage::RollbackIntent => Word::Acknowledge { at: 0 },
                _ => Word::Approve { gate: row.asked.first().copied()?, despite: None },
            },
        };
        if word == Word::Resume {
            self.resumes += 1;
        }
        let foreign = matches!(&row.blocked, Some(Block::Foreign { .. }));
        self.tell(word);
        if foreign {
            self.tell(Word::Resume);
        }
        Some(Event::Wake)
    }
}
