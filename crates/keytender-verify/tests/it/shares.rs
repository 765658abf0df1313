//! One limit at several verifiers: however they are asked, all together give out no more than it, and nobody starves.

use std::collections::BTreeMap;

use keytender_verify::feed::{App, Need, Rate, Share, Snapshot};
use keytender_verify::share::{Book, Part, Wish, part};
use keytender_verify::{Now, Request, Verifier};
use proptest::prelude::*;

use crate::sample::{NOW, app, key, snapshot, text, token, verifier};

/// How often verifiers are asked and speak, in milliseconds.
const STEP: u64 = 100;
/// How often one speaks to the server.
const EVERY: u64 = 1_000;

fn moment(milliseconds: u64) -> Now {
    let monotonic = std::time::Duration::from_millis(10_000 + milliseconds);
    let micros = NOW * 1_000_000 + i64::try_from(milliseconds * 1_000).unwrap();
    Now { time: keytender_core::time::Time::from_micros(micros), monotonic }
}

/// Verifiers of one app, and the server's book.
struct World {
    names: Vec<String>,
    verifiers: Vec<Verifier>,
    book: Book,
    /// What was let pass in each step.
    passed: Vec<u64>,
    per_verifier: BTreeMap<usize, u64>,
}

impl World {
    fn new(count: usize, rate: Rate) -> Self {
        let all =
            Snapshot { apps: vec![App { rate: Some(rate), ..app(1) }], ..snapshot(vec![key(1)]) };
        let verifiers = (0..count).map(|_| {
            let verifier = verifier(vec![]);
            verifier.table().load(&all).unwrap();
            verifier.table().set_verifiers(|_| u32::try_from(count).unwrap());
            verifier
        });
        Self {
            names: (0..count).map(|number| format!("node-{number}")).collect(),
            verifiers: verifiers.collect(),
            book: Book::default(),
            passed: Vec::new(),
            per_verifier: BTreeMap::new(),
        }
    }

    /// One of them speaks to the server, whose answer may be lost.
    fn speak(&mut self, number: usize, now: Now, is_lost: bool) {
        let table = self.verifiers[number].table();
        let said = table.needs(now).first().copied();
        if said.is_none() && self.book == Book::default() {
            return;
        }
        let wish = said.map(|Need { wanted, held, freed, .. }| (Wish { wanted, held }, freed));
        let live = self.names.iter().map(String::as_str);
        let (part, more) = self.book.settle(&self.names[number], live, wish);
        if !is_lost {
            table.share(&[Share { app: app(1).app, part, more }], now);
        }
    }

    /// Each is asked so often in a second, for so many seconds.
    fn run(&mut self, seconds: u64, asked: &[u64], is_lost: &mut dyn FnMut() -> bool) {
        for step in 0..seconds * 1_000 / STEP {
            let now = moment(u64::try_from(self.passed.len()).unwrap() * STEP);
            let mut passed = 0;
            for (number, asked) in asked.iter().enumerate() {
                let part = |step| asked * step * STEP / 1_000;
                for _ in part(step)..part(step + 1) {
                    let request = Request::default();
                    let said = self.verifiers[number].verify(&text(&token(1)), &request, now);
                    let is_good = u64::from(said.into_result().is_ok());
                    passed += is_good;
                    *self.per_verifier.entry(number).or_default() += is_good;
                }
            }
            let count = u64::try_from(self.verifiers.len()).unwrap();
            for number in 0..self.verifiers.len() {
                // Each at another moment of the second.
                let turn = u64::try_from(number).unwrap() * EVERY / count / STEP;
                if step % (EVERY / STEP) == turn {
                    self.speak(number, now, is_lost());
                }
            }
            self.passed.push(passed);
        }
    }

    /// In no stretch of time more was let pass than `burst + rate × time` and a use for each.
    #[track_caller]
    fn check(&self, rate: Rate) {
        let burst = u64::from(rate.burst.unwrap_or(rate.limit).max(1));
        let slack = u64::try_from(self.verifiers.len()).unwrap();
        for start in 0..self.passed.len() {
            let mut sum = 0;
            for (length, passed) in self.passed[start..].iter().enumerate() {
                sum += passed;
                let window = u64::from(rate.window_seconds) * 1_000;
                let time = u64::try_from(length).unwrap() * STEP;
                let most = burst + (u64::from(rate.limit) * time).div_ceil(window) + slack;
                assert!(sum <= most, "{sum} of {most} from step {start} on, {length} steps long");
            }
        }
    }

    fn sum(&self) -> u64 {
        self.passed.iter().sum()
    }
}

fn never() -> bool {
    false
}

#[test]
fn load_that_moves_from_one_verifier_to_another_gets_the_whole_limit_within_seconds() {
    let rate = Rate { limit: 600, window_seconds: 60, burst: Some(20) };
    let mut world = World::new(3, rate);
    for asked in [[30, 0, 0], [0, 30, 0], [10, 10, 10], [0, 0, 30]] {
        world.run(4, &asked, &mut never);
        let before = world.sum();
        world.run(20, &asked, &mut never);
        let passed = world.sum() - before;
        assert!((185..=221).contains(&passed), "{passed} of 200 where {asked:?}");
    }
    world.check(rate);
    // When nobody asks any more, nothing is written of it.
    world.run(20, &[0, 0, 0], &mut never);
    assert_eq!(world.book, Book::default());
    assert!(world.verifiers.iter().all(|one| one.table().needs(moment(0)).is_empty()));
}

#[test]
fn a_burst_at_one_verifier_is_not_lost_at_the_others() {
    // So slow that nothing comes back while it is tried.
    let rate = Rate { limit: 100, window_seconds: 86_400, burst: None };
    let mut world = World::new(2, rate);
    world.run(8, &[50, 0], &mut never);
    assert!((94..=100).contains(&world.sum()), "{}", world.sum());
    world.run(8, &[0, 50], &mut never);
    assert!(world.sum() <= 102, "{}", world.sum());
    world.check(rate);
}

#[test]
fn who_asks_little_is_not_pressed_aside() {
    let rate = Rate { limit: 100, window_seconds: 1, burst: Some(10) };
    let mut world = World::new(3, rate);
    world.run(5, &[1_000, 10, 0], &mut never);
    let before = world.per_verifier[&1];
    world.run(20, &[1_000, 10, 0], &mut never);
    let passed = world.per_verifier[&1] - before;
    assert!(passed >= 190, "{passed} of 200");
    world.check(rate);
}

#[test]
fn the_part_of_one_that_died_goes_to_the_others() {
    let rate = Rate { limit: 100, window_seconds: 1, burst: Some(10) };
    let mut world = World::new(2, rate);
    world.run(6, &[0, 1_000], &mut never);
    world.names.pop();
    world.verifiers.pop();
    world.verifiers[0].table().set_verifiers(|_| 1);
    world.run(2, &[1_000], &mut never);
    let before = world.sum();
    world.run(10, &[1_000], &mut never);
    assert!((990..=1_010).contains(&(world.sum() - before)), "{}", world.sum() - before);
}

#[test]
fn a_verifier_that_is_alone_notes_nothing() {
    let rate = Rate { limit: 1, window_seconds: 60, burst: None };
    let mut world = World::new(1, rate);
    world.run(3, &[100], &mut never);
    assert!(world.verifiers[0].table().needs(moment(0)).is_empty());
    assert_eq!(world.sum(), 1);
}

fn wishes() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::vec((0_u32..=1_000_000, 0_u32..=1_000_000), 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn together_they_give_out_no_more_than_the_limit(
        count in 1_usize..5,
        limit in 1_u32..300,
        window_seconds in prop::sample::select(vec![1_u32, 10, 60, 3_600]),
        burst in prop::option::of(1_u32..50),
        loads in prop::collection::vec(prop::collection::vec(0_u64..60, 4), 1..5),
        lost in prop::collection::vec(prop::bool::weighted(0.2), 200),
    ) {
        let rate = Rate { limit, window_seconds, burst };
        let mut world = World::new(count, rate);
        let mut lost = lost.into_iter().cycle();
        for load in loads {
            world.run(6, &load[..count], &mut || lost.next().unwrap_or_default());
        }
        world.check(rate);
    }
}

proptest! {
    #[test]
    fn parts_are_no_more_than_the_whole_and_nobody_with_a_demand_starves(asked in wishes()) {
        let even = Part::even(u32::try_from(asked.len()).unwrap());
        let name = |number: usize| format!("node-{number}");
        let names: Vec<String> = (0..asked.len()).map(name).collect();
        let mut held = vec![even; asked.len()];
        let mut book = Book::default();
        // They ask for something else in the middle.
        for round in 0..12 {
            for (number, (first, then)) in asked.iter().enumerate() {
                let wanted = Part::new(if round < 4 { *first } else { *then });
                let said = Wish { wanted, held: held[number] };
                let live = names.iter().map(String::as_str);
                held[number] = book.settle(&names[number], live, Some((said, Part::NONE))).0;
                let of = |name| book.wishes.get(name).map_or(even, |wish| wish.held);
                let sum: u32 = names.iter().map(|name| of(name).millionths()).sum();
                prop_assert!(sum <= Part::WHOLE.millionths(), "{sum}");
                prop_assert!(names.iter().zip(&held).all(|(name, held)| *held <= of(name)));
            }
        }
        for (number, (_, then)) in asked.iter().enumerate() {
            let least = Part::new(*then).min(even).millionths();
            prop_assert!(held[number].millionths() + 1 >= least, "{held:?} of {asked:?}");
        }
        let sum: u32 = held.iter().map(|held| held.millionths()).sum();
        let lost = u32::try_from(asked.len() * 2).unwrap();
        prop_assert!(sum + lost >= Part::WHOLE.millionths(), "{sum}: nothing is left over");
    }

    #[test]
    fn what_is_held_by_others_is_never_given(own in 0_u32..=1_000_000, others in wishes()) {
        let wish = |(wanted, held)| Wish { wanted: Part::new(wanted), held: Part::new(held) };
        let others: Vec<Wish> = others.into_iter().map(wish).collect();
        let held: u32 = others.iter().map(|other| other.held.millionths()).sum();
        let new = part(wish((own, 0)), &others);
        prop_assert!(new.millionths() <= Part::WHOLE.millionths().saturating_sub(held));
    }
}
