//! One schedule: a worker that dies, people who meddle, and what must hold at every step.

use std::collections::BTreeMap;

use keytender_core::rotation::{
    Answer, Call, Event, Fault, News, Next, Rotation, Stage, Standing, Step, step, table, take_over,
};
use keytender_core::time::{Span, Time};

use super::setup::{nature, plan_for, populate};
use super::world::{Acts, Chance, Maker, World, print};

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
/// No schedule lasts longer.
const HORIZON: Span = Span::days(400);
const MAX_STEPS: usize = 20_000;

/// How a schedule ended.
#[derive(Debug)]
pub(super) enum End {
    Ended(Stage),
    Blocked(String),
    Waits(Stage),
}

pub(super) struct Run {
    pub(super) schedule: u64,
    pub(super) world: World,
    pub(super) row: Rotation,
    /// The new secret, as it is kept.
    pub(super) sealed: Option<u64>,
    /// What stood at the destinations, as it is kept.
    pub(super) previous: Vec<Option<u64>>,
    pub(super) began_at: Time,
    faults: u64,
    deaths: u64,
    pub(super) meddling: u64,
    pub(super) helpful: u64,
    pub(super) refuses: Option<&'static str>,
    wrong_ids: bool,
    pub(super) is_disturbed: bool,
    pub(super) is_hurried: bool,
    rotate_calls: u64,
    pub(super) resumes: u64,
    steps: u64,
    pub(super) passed: Vec<Stage>,
    pub(super) is_told: bool,
}

pub(super) fn pick<T: Copy>(chance: &mut Chance, from: &[T]) -> T {
    let place = usize::try_from(chance.below(from.len() as u64)).unwrap();
    *from.get(place).unwrap()
}

impl Run {
    pub(super) fn new(schedule: u64) -> Self {
        let mut chance = Chance::new(schedule.wrapping_mul(0x0001_0000_0001));
        let began_at = Time::parse("2026-03-02T10:00:00Z").unwrap();
        let nature = nature(&mut chance);
        let plan = plan_for(&mut chance, &nature, began_at);
        let places = plan.destinations.len() as u64;
        let faults = pick(&mut chance, &[0, 5, 15, 40]);
        let deaths = pick(&mut chance, &[0, 5, 20, 40]);
        let meddling = pick(&mut chance, &[0, 0, 2]);
        let helpful = pick(&mut chance, &[10, 60, 100]);
        let refuses = pick(
            &mut chance,
            &[None, None, None, None, None, Some("create"), Some("disable"), Some("try")],
        );
        let wrong_ids = chance.percent(4);
        let mut world = World::new(chance, began_at, &nature);
        let mut run = Self {
            schedule,
            row: Rotation::new(plan, began_at),
            sealed: None,
            previous: Vec::new(),
            began_at,
            faults,
            deaths,
            meddling,
            helpful,
            refuses,
            wrong_ids,
            is_disturbed: false,
            is_hurried: false,
            rotate_calls: 0,
            resumes: 0,
            steps: 0,
            passed: Vec::new(),
            is_told: false,
            world: {
                populate(&mut world, places, nature.watched);
                world
            },
        };
        for (user, destination) in run.world.users.iter_mut().zip(&run.row.plan.destinations) {
            user.waits_for_reload = destination.has_reload;
        }
        run
    }

    /// Runs it; what must hold is held against the truth after each step.
    pub(super) fn finished(&mut self) -> End {
        let mut event = Event::Wake;
        for _ in 0..MAX_STEPS {
            let step = self.decide(event);
            // It dies before the step is written: nothing of it has happened.
            if self.dies() {
                if self.row.new.is_none() {
                    self.sealed = None;
                }
                event = self.next_worker();
                continue;
            }
            self.write(&step);
            self.check(&step.next);
            event = match step.next {
                Next::Call(call) => match self.make_call(&call) {
                    Some(answer) => Event::Answered(answer),
                    None => self.next_worker(),
                },
                Next::At(at) => self.wait(at),
                Next::Person => match self.ask(&step) {
                    Some(event) => event,
                    None => return self.finish(true),
                },
                Next::Ended => return self.finish(false),
            };
            if self.world.now.since(self.began_at) > HORIZON {
                return self.finish(true);
            }
        }
        panic!("schedule {} does not come to rest: {:#?}", self.schedule, self.row);
    }

    fn decide(&mut self, event: Event) -> Step {
        if let Event::Answered(Answer::Made { .. }) = &event {
            assert!(self.sealed.is_some(), "schedule {}: a secret was not kept", self.schedule);
        }
        let chance = self.world.chance.next();
        step(&self.row, event, chance, true, self.world.now)
    }

    fn dies(&mut self) -> bool {
        let deaths = self.deaths;
        self.is_stormy() && self.world.chance.percent(deaths)
    }

    /// Whether faults are made: on one day in three, and no more in the end, when every provider is well again.
    fn is_stormy(&self) -> bool {
        let day = self.world.now.since(self.began_at).whole_days();
        day % 3 == 0 && day < 200
    }

    /// The next worker, once no call of the one before can be under way.
    fn next_worker(&mut self) -> Event {
        let at = match take_over(&self.row, self.world.now) {
            Next::At(at) => at,
            other => panic!("{other:?}"),
        };
        self.world.pass(at);
        Event::Wake
    }

    pub(super) fn write(&mut self, step: &Step) {
        let mut before = self.row.stage;
        for news in &step.news {
            if let News::Stage { stage } = news {
                let row = table::row(before).unwrap();
                assert!(
                    row.next.contains(stage),
                    "schedule {}: {before:?} to {stage:?} is not in the table",
                    self.schedule
                );
                before = *stage;
                self.passed.push(*stage);
            }
        }
        assert_eq!(before, step.rotation.stage, "schedule {}", self.schedule);
        if self.is_told {
            eprintln!(
                "{} {:?} {:?} {:?}",
                self.world.now, step.rotation.stage, step.next, step.news
            );
        }
        self.row = step.rotation.clone();
        self.steps += 1;
        if self.steps.is_multiple_of(16) {
            // What is kept in the database comes back as it was.
            let text = serde_json::to_string(&step.rotation).unwrap();
            self.row = serde_json::from_str(&text).unwrap();
            assert_eq!(self.row, step.rotation);
        }
    }

    /// Makes a call as it was written. `None` if the worker dies before its answer is.
    fn make_call(&mut self, call: &Call) -> Option<Answer> {
        if self.dies() {
            return None;
        }
        let timeout = self.row.plan.timeout;
        let pause = self.world.chance.within(timeout);
        self.world.pass(self.world.now.plus(pause));
        if self.world.chance.percent(3) {
            self.say();
        }
        let answer = self.outcome(call);
        let pause = self.world.chance.within(timeout);
        self.world.pass(self.world.now.plus(pause));
        if !self.dies() {
            return Some(answer);
        }
        // Another one has it by now; what this one learned of a key that it made is still told.
        if let Answer::Made { id, .. } = answer
            && call != &Call::Rotate
            && self.world.chance.percent(50)
        {
            let now = self.world.now;
            let step = step(&self.row, Event::Stray { id }, 0, true, now);
            self.write(&step);
        }
        // The secret was in its memory alone.
        if matches!(call, Call::Create { .. } | Call::Rotate) && self.row.new.is_none() {
            self.sealed = None;
        }
        None
    }

    fn outcome(&mut self, call: &Call) -> Answer {
        let refused = match call {
            Call::Create { .. } | Call::Rotate => self.refuses == Some("create"),
            Call::Disable { .. } => self.refuses == Some("disable"),
            Call::Try if self.refuses == Some("try") => return Answer::Tried(false),
            _ => false,
        };
        if refused {
            return Answer::Failed(Fault::Refused, "not allowed".to_owned());
        }
        let faults = if self.is_stormy() { self.faults } else { 0 };
        match self.world.fault(faults) {
            None => self.act(call),
            Some((acts, fault)) => {
                match acts {
                    Acts::Now => drop(self.act(call)),
                    Acts::Late => {
                        if let Call::Create { marker } = call {
                            let within = Span::from_micros(pick(
                                &mut self.world.chance,
                                &[10 * SECOND, 10 * SECOND, 4 * 24 * HOUR],
                            ));
                            let at = self.world.now.plus(self.world.chance.within(within));
                            self.world.late.push((at, marker.clone()));
                        }
                    }
                    Acts::Not => {}
                }
                if matches!(call, Call::Create { .. } | Call::Rotate) {
                    self.sealed = None;
                }
                Answer::Failed(fault, "the wire is cut".to_owned())
            }
        }
    }

    fn act(&mut self, call: &Call) -> Answer {
        let schedule = self.schedule;
        match call {
            Call::Preflight => {
                let leaving = self.row.plan.old.id.clone();
                let seen = self.world.see(&leaving);
                self.previous = self.world.places.clone();
                Answer::Preflighted(seen, BTreeMap::new())
            }
            Call::Create { marker } => {
                let label = Some(format!("{marker} by keytender"));
                let Some((id, secret)) = self.world.make(Maker::Rotation, label) else {
                    return Answer::Failed(Fault::Full, "no room".to_owned());
                };
                self.sealed = Some(secret);
                let id = match self.wrong_ids {
                    true => pick(&mut self.world.chance, &["key-1", "key-77"]).to_owned(),
                    false => id,
                };
                Answer::Made { id, expires_at: None, print: print(secret) }
            }
            Call::Rotate => {
                self.rotate_calls += 1;
                assert!(
                    self.rotate_calls <= self.resumes + 1,
                    "schedule {schedule}: the secret was changed again, and nobody wanted that"
                );
                let secret = self.world.chance.next();
                self.world.keys.get_mut("key-1").unwrap().secret = secret;
                self.sealed = Some(secret);
                Answer::Made { id: "key-1".to_owned(), expires_at: None, print: print(secret) }
            }
            Call::Look => Answer::Looked(self.world.list()),
            Call::Try => {
                let key = self.sealed.and_then(|secret| self.world.key_of(secret));
                let then = self.world.now.minus(self.world.propagation);
                Answer::Tried(key.is_some_and(|(_, key)| {
                    key.standing_at(then).is_some()
                        && key.standing_at(self.world.now) == Some(Standing::Active)
                }))
            }
            Call::Deliver { at } => {
                self.put(*at, self.sealed, self.previous.get(*at).copied().flatten())
            }
            Call::Restore { at } => {
                self.put(*at, self.previous.get(*at).copied().flatten(), self.sealed)
            }
            Call::Reload { at } => {
                self.world.reload(*at);
                Answer::Did
            }
            Call::Observe => {
                let leaving = self.row.leaving_id().unwrap_or_default().to_owned();
                Answer::Observed(self.world.see(&leaving))
            }
            Call::Disable { id } => {
                self.may_disable(id);
                self.world.set(id, Standing::Suspended);
                Answer::Did
            }
            Call::Enable { id } => {
                assert_eq!(*id, self.row.plan.old.id, "schedule {schedule}");
                self.world.set(id, Standing::Active);
                Answer::Did
            }
            Call::Delete { id } => {
                self.may_delete(id);
                self.world.set(id, Standing::Ended);
                Answer::Did
            }
        }
    }

    fn put(&mut self, at: usize, secret: Option<u64>, other: Option<u64>) -> Answer {
        let place = self.world.places.get_mut(at).unwrap();
        if *place != secret && *place != other {
            return Answer::Foreign;
        }
        *place = secret;
        Answer::Written
    }

    fn finish(&mut self, is_cut: bool) -> End {
        let (row, schedule) = (&self.row, self.schedule);
        if !is_cut {
            assert!(row.stage.is_ended(), "schedule {schedule}: {:?} is no end", row.stage);
            self.is_clean();
        }
        self.nobody_failed();
        match &row.blocked {
            _ if row.stage.is_ended() => End::Ended(row.stage),
            Some(why) => End::Blocked(format!("{why:?}")),
            None => End::Waits(row.stage),
        }
    }
}
