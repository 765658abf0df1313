//! One step of a rotation.

mod leaving;
mod making;
mod placing;
mod sweep;

use super::{
    Answer, Approval, Block, Call, Event, Fault, Gate, Leaving, News, Next, Orphan, Pending,
    Rotation, Stage, Step, Way, Wish, Word,
};
use crate::time::{Span, Time};

/// The first pause after a call that failed; each further one is twice as long.
const FIRST_PAUSE: Span = Span::from_micros(2_000_000);
/// The longest such pause.
const LONGEST_PAUSE: Span = Span::from_micros(3_600_000_000);
/// How long it is tried before a person is asked.
const PATIENCE: Span = Span::days(3);

/// What follows from an event. `chance` is random, never used before; `warned` says whether the owner of
/// the old key was told of the deadline in time.
pub fn step(rotation: &Rotation, event: Event, chance: u64, warned: bool, now: Time) -> Step {
    let mut turn = Turn { rotation: rotation.clone(), chance, warned, now, news: Vec::new() };
    let next = turn.take(event);
    let next = next.unwrap_or_else(|| turn.rest());
    if let Next::Call(call) = &next {
        turn.rotation.pending = Some(Pending { call: call.clone(), at: now });
    }
    Step { rotation: turn.rotation, next, news: turn.news }
}

/// When a worker may take a rotation whose last holder let its lease end: a call of that holder may be under way
/// for as long as calls take.
pub fn take_over(rotation: &Rotation, now: Time) -> Next {
    match &rotation.pending {
        Some(pending) => {
            let safe = pending.at.plus(rotation.plan.timeout.doubled());
            Next::At(safe.max(now))
        }
        None => Next::At(now),
    }
}

/// A step under way.
struct Turn {
    rotation: Rotation,
    chance: u64,
    warned: bool,
    now: Time,
    news: Vec<News>,
}

impl Turn {
    /// What follows; `None` where it is at rest until [`Turn::rest`] says.
    fn take(&mut self, event: Event) -> Option<Next> {
        match event {
            Event::Wake => match self.rotation.pending.take() {
                Some(pending) => {
                    self.failed(&pending.call, Fault::Lost, "its answer was not written".to_owned())
                }
                None => self.go(),
            },
            Event::Answered(answer) => {
                // Without a call there is no answer to one.
                let pending = self.rotation.pending.take()?;
                match answer {
                    Answer::Failed(fault, because) => self.failed(&pending.call, fault, because),
                    answer => {
                        self.rotation.failures = 0;
                        self.rotation.failing_since = None;
                        self.rotation.retry_at = None;
                        self.answered(&pending.call, answer)
                    }
                }
            }
            Event::Said(word, by) => {
                self.hear(word, by);
                None
            }
            Event::Stray { id } => {
                // An answer may name a key that was there before.
                if !self.rotation.snapshot.contains(&id) {
                    self.adopt(id);
                }
                None
            }
        }
    }

    /// What people say is kept, and done when no call is under way.
    fn hear(&mut self, word: Word, by: String) {
        let rotation = &mut self.rotation;
        match word {
            Word::Approve { gate, despite } => {
                rotation.asked.remove(&gate);
                rotation.approvals.insert(gate, Approval { by, at: self.now, despite });
                self.look_soon();
            }
            Word::Resume => {
                rotation.blocked = None;
                rotation.retry_at = None;
                rotation.failures = 0;
                rotation.failing_since = None;
                self.mended();
            }
            Word::RollBack if rotation.can_roll_back() => rotation.wish = Some(Wish::RollBack),
            Word::Abort if rotation.can_abort() => rotation.wish = Some(Wish::Abort),
            Word::Acknowledge { at } if rotation.can_acknowledge(at) => {
                let is_back = rotation.stage == Stage::RollbackIntent;
                if let Some(delivery) = rotation.deliveries.get_mut(at) {
                    delivery.is_restored |= is_back;
                    delivery.is_acknowledged |= !is_back;
                }
                self.look_soon();
            }
            Word::RollBack | Word::Abort | Word::Acknowledge { .. } => {}
        }
    }

    /// What was said may let it go on sooner.
    fn look_soon(&mut self) {
        if matches!(self.rotation.stage, Stage::Overlap | Stage::Quiet | Stage::Disabled) {
            self.rotation.observed_at = None;
        }
    }

    /// Goes on from where it stands, with no call under way.
    fn go(&mut self) -> Option<Next> {
        match self.rotation.wish.take() {
            Some(Wish::RollBack) if self.rotation.can_roll_back() => self.roll_back(),
            Some(Wish::Abort) if self.rotation.can_abort() => return self.abort(),
            _ => {}
        }
        if self.rotation.blocked.is_some() {
            return Some(Next::Person);
        }
        if let Some(at) = self.rotation.retry_at.filter(|at| *at > self.now) {
            return Some(Next::At(at));
        }
        if matches!(self.rotation.stage, Stage::Overlap | Stage::Disabled)
            && let Some(call) = self.clear()
        {
            return Some(Next::Call(call));
        }
        match self.rotation.stage {
            Stage::Planned => self.start(),
            Stage::Preflight => Some(Next::Call(Call::Preflight)),
            Stage::CreateIntent => self.make(),
            Stage::Created => self.verify(),
            Stage::Verified => self.cut_over(),
            Stage::Delivering => self.deliver(),
            Stage::Delivered => self.reload(),
            Stage::Overlap => self.watch(),
            Stage::Quiet => self.dismiss(),
            Stage::DisableIntent => self.disable(),
            Stage::Disabled => self.hold(),
            // Whoever let it work again meanwhile is not overruled.
            Stage::DeleteIntent => Some(Next::Call(Call::Look)),
            Stage::RollbackIntent => self.bring_back(),
            Stage::Done | Stage::RolledBack | Stage::Aborted => self.sweep(),
        }
    }

    fn answered(&mut self, call: &Call, answer: Answer) -> Option<Next> {
        if self.rotation.stage.is_ended() {
            return self.swept(call, answer);
        }
        match (call, answer) {
            (Call::Preflight, Answer::Preflighted(seen, faults)) => self.preflighted(seen, faults),
            (Call::Create { .. } | Call::Rotate, Answer::Made { id, expires_at, print }) => {
                self.made(id, expires_at, print)
            }
            (Call::Look, Answer::Looked(keys)) => self.looked(keys),
            (Call::Try, Answer::Tried(is_good)) => self.tried(is_good),
            (Call::Deliver { at } | Call::Restore { at }, Answer::Written) => self.written(*at),
            (Call::Deliver { at } | Call::Restore { at }, Answer::Foreign) => {
                self.block(Block::Foreign { at: *at })
            }
            (Call::Reload { at }, Answer::Did) => self.reloaded(*at),
            (Call::Observe, Answer::Observed(seen)) => self.observed(seen),
            (Call::Disable { id }, Answer::Did) => self.disabled(id),
            (Call::Enable { .. }, Answer::Did) => Some(Next::Call(Call::Look)),
            (Call::Delete { id }, Answer::Did) => self.deleted(id),
            // An answer to something else says nothing.
            (call, _) => self.failed(call, Fault::Lost, "it answered something else".to_owned()),
        }
    }

    /// A call did not do what was asked, or nobody knows.
    fn failed(&mut self, call: &Call, fault: Fault, because: String) -> Option<Next> {
        if self.rotation.stage.is_ended() {
            return self.sweep_later();
        }
        match (call, fault) {
            // What nobody needs holds up nothing but the making of another.
            (Call::Disable { id } | Call::Delete { id }, _)
                if self.is_orphan(id) && self.rotation.stage != Stage::CreateIntent =>
            {
                return self.sweep_later();
            }
            (Call::Create { .. }, Fault::Lost) => return self.lost_making(),
            (Call::Rotate, Fault::Lost) => return self.block(Block::SecretLost),
            (Call::Create { .. } | Call::Rotate, Fault::Full) => {
                let ids = self.rotation.snapshot.clone();
                return self.block(Block::SlotsFull { ids });
            }
            // The list tells whether it was done.
            (Call::Disable { id }, Fault::Lost) if !self.is_orphan(id) => {
                self.rotation.disabled_at = Some(self.now);
            }
            (Call::Deliver { at } | Call::Restore { at } | Call::Reload { at }, Fault::Refused) => {
                return self.block(Block::Destination { at: *at, because });
            }
            (_, Fault::Refused | Fault::Full) => return self.block(Block::Refused { because }),
            (_, Fault::Lost | Fault::Later) => {}
        }
        self.again(because)
    }

    /// Later again; a person is asked once it has failed for long.
    fn again(&mut self, because: String) -> Option<Next> {
        let since = *self.rotation.failing_since.get_or_insert(self.now);
        if self.now.since(since) > PATIENCE {
            return self.block(Block::Unreachable { because });
        }
        let doublings = self.rotation.failures.min(20);
        let pause = Span::from_micros(FIRST_PAUSE.as_micros() << doublings).min(LONGEST_PAUSE);
        self.rotation.failures = self.rotation.failures.saturating_add(1);
        let at = self.now.plus(pause);
        self.rotation.retry_at = Some(at);
        Some(Next::At(at))
    }

    fn to(&mut self, stage: Stage) {
        self.rotation.stage = stage;
        self.rotation.since = self.now;
        self.rotation.retry_at = None;
        self.news.push(News::Stage { stage });
    }

    fn block(&mut self, why: Block) -> Option<Next> {
        self.news.push(News::Blocked { why: why.clone() });
        self.rotation.blocked = Some(why);
        Some(Next::Person)
    }

    /// What is to be done if nothing happens; a call only if one is under way.
    fn rest(&self) -> Next {
        match &self.rotation.pending {
            Some(pending) => Next::At(pending.at.plus(self.rotation.plan.timeout.doubled())),
            None => Next::At(self.now),
        }
    }

    /// When somebody allows it, or the window opens; `None` if it may be done now.
    fn gate(&mut self, gate: Gate) -> Option<Next> {
        let approved = self.rotation.approvals.contains_key(&gate);
        let is_free = self.rotation.leaving == Leaving::New || self.rotation.plan.is_emergency;
        let needs = self.rotation.plan.has_gate(gate) && !(is_free && gate != Gate::Start);
        if needs && !approved {
            self.ask(gate);
            return Some(Next::Person);
        }
        let window = self.rotation.plan.window.as_ref().filter(|_| !is_free && gate != Gate::Start);
        let opens = window.map(|window| window.opens_at(self.now));
        match opens {
            None => None,
            Some(Some(at)) if at <= self.now => None,
            Some(Some(at)) => Some(Next::At(at)),
            Some(None) => Some(Next::Person),
        }
    }

    /// Asks people once.
    fn ask(&mut self, gate: Gate) {
        if self.rotation.asked.insert(gate) {
            self.news.push(News::Asks { gate });
        }
    }

    fn abort(&mut self) -> Option<Next> {
        self.rotation.blocked = None;
        self.to(Stage::Aborted);
        if self.rotation.look_at.take().is_some() {
            self.sweep_for_long();
        }
        self.sweep()
    }

    /// From here on the old key comes back.
    fn roll_back(&mut self) {
        self.rotation.blocked = None;
        self.rotation.failures = 0;
        self.rotation.failing_since = None;
        if self.rotation.look_at.take().is_some() {
            self.sweep_for_long();
        }
        self.to(Stage::RollbackIntent);
    }

    /// What a person mended is seen afresh.
    fn mended(&mut self) {
        let rotation = &mut self.rotation;
        rotation.observed_at = None;
        match rotation.stage {
            // What there is may have changed meanwhile.
            Stage::CreateIntent
                if rotation.look_at.is_none() && rotation.plan.way == Way::CreateThenDelete =>
            {
                self.to(Stage::Preflight);
            }
            Stage::Created => rotation.since = self.now,
            // It works again: the wait begins anew.
            Stage::Disabled if rotation.hold_from.is_none() => {
                rotation.quiet_from = Some(self.now);
                rotation.disabled_at = None;
                rotation.evidence = None;
                rotation.approvals.remove(&Gate::Disable);
                self.to(Stage::Overlap);
            }
            _ => {}
        }
    }

    fn is_orphan(&self, id: &str) -> bool {
        self.rotation.orphans.iter().any(|orphan| orphan.id == id)
    }

    /// A key of ours that nobody has the secret of, unless it is one that is known.
    fn adopt(&mut self, id: String) {
        let rotation = &self.rotation;
        let is_known = id == rotation.plan.old.id
            || rotation.new_id() == Some(id.as_str())
            || self.is_orphan(&id);
        if is_known {
            return;
        }
        self.rotation.sweep_until.get_or_insert(self.now.plus(super::SWEEP));
        self.rotation.doubtful.retain(|doubtful| *doubtful != id);
        self.news.push(News::Orphan { id: id.clone() });
        self.rotation.orphans.push(Orphan { id, is_disabled: false, is_deleted: false });
    }

    /// Whether anything that was delivered may be in somebody's hands.
    fn was_delivered(&self) -> bool {
        self.rotation.deliveries.iter().any(|delivery| delivery.is_touched)
    }
}
