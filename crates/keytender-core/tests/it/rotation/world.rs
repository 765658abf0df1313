//! The provider, the destinations, and those who use the keys.

use std::collections::BTreeMap;

use keytender_core::rotation::{Cadence, Fault, Seen, SeenKey, Standing, UseSeen};
use keytender_core::time::{Span, Time};

/// Numbers from a seed: `SplitMix64`, by Steele, Lea and Flood.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True so often in a hundred.
    pub(super) const fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn within(&mut self, span: Span) -> Span {
        let micros = u64::try_from(span.as_micros()).unwrap();
        Span::from_micros(i64::try_from(self.below(micros + 1)).unwrap())
    }
}

/// Who made a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Before,
    Rotation,
    Person,
}

/// A key as it is in truth.
#[derive(Clone, Debug)]
pub(super) struct TrueKey {
    pub(super) secret: u64,
    pub(super) label: Option<String>,
    pub(super) maker: Maker,
    /// Since when it stands how.
    pub(super) standings: Vec<(Time, Standing)>,
    pub(super) uses: Vec<Time>,
}

impl TrueKey {
    pub(super) fn standing_at(&self, at: Time) -> Option<Standing> {
        let before = self.standings.iter().rev().find(|(since, _)| *since <= at);
        before.map(|(_, standing)| *standing)
    }
}

/// Who uses a secret, and how often.
#[derive(Clone, Debug)]
pub(super) struct User {
    /// The destination that it reads; `None` if it has the old secret from elsewhere.
    pub(super) place: Option<usize>,
    pub(super) secret: Option<u64>,
    pub(super) every: Span,
    pub(super) next_at: Time,
    /// Whether it reads its destination only when it is told.
    pub(super) waits_for_reload: bool,
    pub(super) failures: u64,
}

pub(super) struct World {
    pub(super) now: Time,
    pub(super) chance: Chance,
    pub(super) keys: BTreeMap<String, TrueKey>,
    pub(super) places: Vec<Option<u64>>,
    pub(super) users: Vec<User>,
    /// Makings that the provider does later, with their marks.
    pub(super) late: Vec<(Time, String)>,
    pub(super) has_labels: bool,
    pub(super) tells_use: bool,
    pub(super) lag: Span,
    pub(super) granularity: Span,
    pub(super) propagation: Span,
    pub(super) watched_since: Time,
    pub(super) slots: Option<u32>,
    made: u64,
}

pub(super) struct Nature {
    pub(super) has_labels: bool,
    pub(super) tells_use: bool,
    pub(super) slots: Option<u32>,
    pub(super) lag: Span,
    pub(super) granularity: Span,
    pub(super) propagation: Span,
    pub(super) watched: Span,
}

impl World {
    pub(super) fn new(chance: Chance, now: Time, nature: &Nature) -> Self {
        Self {
            now,
            chance,
            keys: BTreeMap::new(),
            places: Vec::new(),
            users: Vec::new(),
            late: Vec::new(),
            has_labels: nature.has_labels,
            tells_use: nature.tells_use,
            lag: nature.lag,
            granularity: nature.granularity,
            propagation: nature.propagation,
            watched_since: now.minus(nature.watched),
            slots: nature.slots,
            made: 0,
        }
    }

    /// Makes a key; `None` if there is no room.
    pub(super) fn make(&mut self, maker: Maker, label: Option<String>) -> Option<(String, u64)> {
        let there =
            self.keys.values().filter(|key| key.standing_at(self.now) != Some(Standing::Ended));
        if self.slots.is_some_and(|slots| there.count() >= slots as usize) {
            return None;
        }
        self.made += 1;
        let (id, secret) = (format!("key-{}", self.made), self.chance.next());
        let standings = vec![(self.now, Standing::Active)];
        let label = label.filter(|_| self.has_labels);
        let key = TrueKey { secret, label, maker, standings, uses: Vec::new() };
        self.keys.insert(id.clone(), key);
        Some((id, secret))
    }

    pub(super) fn set(&mut self, id: &str, standing: Standing) {
        let now = self.now;
        let Some(key) = self.keys.get_mut(id) else { return };
        let is_ended = key.standing_at(now) == Some(Standing::Ended);
        if !is_ended && key.standing_at(now) != Some(standing) {
            key.standings.push((now, standing));
        }
    }

    pub(super) fn key_of(&self, secret: u64) -> Option<(&String, &TrueKey)> {
        self.keys.iter().find(|(_, key)| key.secret == secret)
    }

    /// Time passes: keys are used, and what was late happens.
    pub(super) fn pass(&mut self, until: Time) {
        while let Some(place) = self.late.iter().position(|(at, _)| *at <= until) {
            let (at, marker) = self.late.remove(place);
            let now = self.now;
            self.now = at.max(now);
            self.make(Maker::Rotation, Some(marker));
            self.now = now;
        }
        for user in &mut self.users {
            while user.next_at <= until {
                let at = user.next_at;
                user.next_at = at.plus(user.every);
                if !user.waits_for_reload
                    && let Some(place) = user.place
                {
                    user.secret = self.places.get(place).copied().flatten();
                }
                let key = self.keys.values_mut().find(|key| Some(key.secret) == user.secret);
                match key.filter(|key| key.standing_at(at) == Some(Standing::Active)) {
                    Some(key) => key.uses.push(at),
                    None => user.failures += 1,
                }
            }
        }
        self.now = self.now.max(until);
    }

    pub(super) fn reload(&mut self, place: usize) {
        for user in &mut self.users {
            if user.place == Some(place) {
                user.secret = self.places.get(place).copied().flatten();
            }
        }
    }

    /// The list, as old as the provider's lists may be.
    pub(super) fn list(&mut self) -> Vec<SeenKey> {
        let then = self.now.minus(self.chance.within(self.propagation));
        let known = self.now.minus(self.chance.within(self.lag));
        let (tells, exact) = (self.tells_use, self.granularity.as_micros().max(1));
        let seen = |(id, key): (&String, &TrueKey)| {
            let standing = key.standing_at(then).filter(|standing| *standing != Standing::Ended)?;
            let last = key.uses.iter().rev().find(|at| **at <= known);
            let last_use = match last {
                _ if !tells => UseSeen::Unknown("it does not tell".to_owned()),
                None => UseSeen::Never,
                Some(at) => {
                    let at = Time::from_micros(at.as_micros().div_euclid(exact) * exact);
                    UseSeen::At { at, place: Some("eu-1 storage".to_owned()) }
                }
            };
            Some(SeenKey { id: id.clone(), label: key.label.clone(), standing, last_use })
        };
        self.keys.iter().filter_map(seen).collect()
    }

    /// The list, the destinations, and how seldom the key of this id is used.
    pub(super) fn see(&mut self, leaving: &str) -> Seen {
        let keys = self.list();
        let prints = self.places.iter().map(|secret| secret.map(print)).collect();
        let cadence = self.cadence(leaving);
        Seen { keys, prints, cadence }
    }

    fn cadence(&self, id: &str) -> Cadence {
        let since = self.watched_since;
        if self.now.since(since) < Span::days(95) {
            return Cadence::Since(since);
        }
        let uses = self.keys.get(id).map(|key| key.uses.as_slice()).unwrap_or_default();
        let uses = uses.iter().filter(|at| **at >= since && at.plus(self.lag) <= self.now);
        let stamps: Vec<Time> = std::iter::once(since).chain(uses.copied()).collect();
        let gaps = stamps.windows(2).filter_map(|pair| match pair {
            [earlier, later] => Some(later.since(*earlier)),
            _ => None,
        });
        Cadence::Known(gaps.max().unwrap_or_default())
    }

    /// What goes wrong with a call, if anything: whether it acts, and what is answered.
    pub(super) const fn fault(&mut self, percent: u64) -> Option<(Acts, Fault)> {
        if !self.chance.percent(percent) {
            return None;
        }
        Some(match self.chance.below(5) {
            0 => (Acts::Not, Fault::Later),
            1 | 2 => (Acts::Not, Fault::Lost),
            3 => (Acts::Late, Fault::Lost),
            _ => (Acts::Now, Fault::Lost),
        })
    }
}

/// Whether a call does what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acts {
    Now,
    Late,
    Not,
}

pub(super) fn print(secret: u64) -> String {
    format!("print-{secret:x}")
}
