//! Rotation: one key replaced by another without a gap, and without ever losing one.
//!
//! [`step`] is all of it: given what is known of a rotation, what happened and the moment, it says what is known
//! now and what to do next. It makes no calls. Whoever runs it writes each [`Step`] down *before* the call that
//! it asks for, and what the call answered in the same transaction as the secret that it told. A call
//! whose answer was not written is [`Rotation::pending`], and the next wake treats it as lost.
//!
//! The stages, what is written before their calls, and what follows a lost answer, stand in [`table`].
//!
//! What it never does:
//! - disable or delete a key without the evidence of [`quiet`], an approval, the deadline or an emergency;
//! - delete a key that was not seen disabled through its hold, where the provider can disable;
//! - repeat a call that makes a key before the provider's list was read;
//! - touch a key that it did not make, but for the one that is replaced.

mod call;
mod event;
mod outline;
pub mod plan;
mod progress;
pub mod quiet;
mod step;
pub mod table;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::time::{Span, Time};

pub use call::{Answer, Call, Fault, Print, Seen, SeenKey, Standing};
pub use event::{Block, Event, News, Next, Word};
pub use outline::{Line, outline};
pub use plan::{Able, Destination, Gate, OldKey, Plan, Way, Window};
pub use progress::{Mark, Stands, progress};
pub use quiet::{Cadence, UseSeen};
pub use step::{step, take_over};
pub use words::said;

/// For how long it is looked for keys whose making was never answered.
pub const SWEEP: Span = Span::days(7);

/// Where a rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Planned; nothing was asked yet.
    Planned,
    /// What there is at the provider and at the destinations is read.
    Preflight,
    /// A key is about to be made, or perhaps was.
    CreateIntent,
    /// The new key is there, its secret kept sealed.
    Created,
    /// The new key works.
    Verified,
    /// The new key is brought where it is used.
    Delivering,
    /// It stands everywhere; who uses it is told to read it.
    Delivered,
    /// Both work, and it is watched whether the leaving one is still used.
    Overlap,
    /// The leaving key is quiet.
    Quiet,
    /// The leaving key is about to be disabled.
    DisableIntent,
    /// The leaving key is disabled, and held.
    Disabled,
    /// The leaving key is about to be deleted.
    DeleteIntent,
    /// The old key is gone, the new one in use.
    Done,
    /// The old key is brought back.
    RollbackIntent,
    /// The old key is in use, the new one gone.
    RolledBack,
    /// Given up before anything was changed.
    Aborted,
}

impl Stage {
    /// Each, in order.
    pub const ALL: [Self; 16] = [
        Self::Planned,
        Self::Preflight,
        Self::CreateIntent,
        Self::Created,
        Self::Verified,
        Self::Delivering,
        Self::Delivered,
        Self::Overlap,
        Self::Quiet,
        Self::DisableIntent,
        Self::Disabled,
        Self::DeleteIntent,
        Self::Done,
        Self::RollbackIntent,
        Self::RolledBack,
        Self::Aborted,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Preflight => "preflight",
            Self::CreateIntent => "create-intent",
            Self::Created => "created",
            Self::Verified => "verified",
            Self::Delivering => "delivering",
            Self::Delivered => "delivered",
            Self::Overlap => "overlap",
            Self::Quiet => "quiet",
            Self::DisableIntent => "disable-intent",
            Self::Disabled => "disabled",
            Self::DeleteIntent => "delete-intent",
            Self::Done => "done",
            Self::RollbackIntent => "rollback-intent",
            Self::RolledBack => "rolled-back",
            Self::Aborted => "aborted",
        }
    }

    /// Whether nothing more is done to the two keys.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Done | Self::RolledBack | Self::Aborted)
    }
}

/// A key that a call of ours made, and that nobody has the secret of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// Its id at the provider.
    pub id: String,
    /// Whether it was disabled.
    pub is_disabled: bool,
    /// Whether it was deleted.
    pub is_deleted: bool,
}

/// What was done at one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What stood there before; `None` if nothing did.
    pub before: Option<Print>,
    /// Whether a write was asked for, so that the new secret may stand there.
    pub is_touched: bool,
    /// Whether the new secret stood there.
    pub is_written: bool,
    /// Whether the staying secret is known to whoever uses it: the hooks ran.
    pub is_reloaded: bool,
    /// Whether the old secret was put back.
    pub is_restored: bool,
    /// Whether somebody vouched for it.
    pub is_acknowledged: bool,
}

/// The new key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Its id at the provider; `None` where the answer named a key that was there before.
    pub id: Option<String>,
    /// When it was made.
    pub made_at: Time,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
    /// What each destination will give back once it holds it.
    pub print: Print,
}

/// A call that was written before it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The call.
    pub call: Call,
    /// When.
    pub at: Time,
}

/// Who allowed what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who, in words.
    pub by: String,
    /// When.
    pub at: Time,
    /// The last use of the leaving key that they knew of.
    pub despite: Option<Time>,
}

/// Which of the two keys goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leaving {
    /// The old one: the rotation goes on.
    #[default]
    Old,
    /// The new one: it is rolled back.
    New,
}

/// Something that people want, done when no call is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// The old key is to come back.
    RollBack,
    /// It is not to go on.
    Abort,
}

/// All that is known of one rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// What was settled before.
    pub plan: Plan,
    /// Where it stands.
    pub stage: Stage,
    /// Since when.
    pub since: Time,
    /// The call whose answer is not written yet.
    pub pending: Option<Pending>,
    /// Why a person is needed.
    pub blocked: Option<Block>,
    /// What people want.
    pub wish: Option<Wish>,
    /// How often the present call failed in a row, and since when.
    pub failures: u32,
    /// Since when it fails.
    pub failing_since: Option<Time>,
    /// Nothing is tried before.
    pub retry_at: Option<Time>,
    /// The ids that were there before a key was made.
    pub snapshot: Vec<String>,
    /// What went into the labels of all keys whose making was asked for.
    pub markers: Vec<String>,
    /// A making's answer was lost: the list is read at this moment.
    pub look_at: Option<Time>,
    /// The new key.
    pub new: Option<NewKey>,
    /// Whether it was taken.
    pub is_tried: bool,
    /// Whether the list showed it, with our mark where there are labels.
    pub is_listed: bool,
    /// One a destination.
    pub deliveries: Vec<Delivery>,
    /// Which key goes.
    pub leaving: Leaving,
    /// When the staying key stood everywhere.
    pub cutover_at: Option<Time>,
    /// From when on the leaving key must not be used.
    pub quiet_from: Option<Time>,
    /// When it was last looked at.
    pub observed_at: Option<Time>,
    /// Why the leaving key may go.
    pub evidence: Option<quiet::Evidence>,
    /// Whether disabling the old key was ever asked for.
    pub is_disable_asked: bool,
    /// When disabling was answered, or lost.
    pub disabled_at: Option<Time>,
    /// Since when the leaving key was seen disabled.
    pub hold_from: Option<Time>,
    /// The last use that people were told of.
    pub told_use: Option<Time>,
    /// Who allowed what.
    pub approvals: BTreeMap<Gate, Approval>,
    /// What people were asked to allow.
    pub asked: BTreeSet<Gate>,
    /// Keys of ours that nobody has the secret of.
    pub orphans: Vec<Orphan>,
    /// Keys that may be ours, and were told of.
    pub doubtful: Vec<String>,
    /// Until when it is looked for more of them, and when next.
    pub sweep_until: Option<Time>,
}

impl Rotation {
    /// A rotation as planned; nothing was asked yet.
    pub fn new(plan: Plan, now: Time) -> Self {
        let deliveries = plan.destinations.iter().map(|_| Delivery::default()).collect();
        Self {
            plan,
            stage: Stage::Planned,
            since: now,
            pending: None,
            blocked: None,
            wish: None,
            failures: 0,
            failing_since: None,
            retry_at: None,
            snapshot: Vec::new(),
            markers: Vec::new(),
            look_at: None,
            new: None,
            is_tried: false,
            is_listed: false,
            deliveries,
            leaving: Leaving::Old,
            cutover_at: None,
            quiet_from: None,
            observed_at: None,
            evidence: None,
            is_disable_asked: false,
            disabled_at: None,
            hold_from: None,
            told_use: None,
            approvals: BTreeMap::new(),
            asked: BTreeSet::new(),
            orphans: Vec::new(),
            doubtful: Vec::new(),
            sweep_until: None,
        }
    }

    /// The id of the key that goes; `None` if it is the new one and there is none.
    pub fn leaving_id(&self) -> Option<&str> {
        match self.leaving {
            Leaving::Old => Some(&self.plan.old.id),
            Leaving::New => self.new_id(),
        }
    }

    /// The id of the new key, as far as it is known.
    pub fn new_id(&self) -> Option<&str> {
        self.new.as_ref()?.id.as_deref()
    }

    /// The id of the key that stays.
    pub fn staying_id(&self) -> Option<&str> {
        match self.leaving {
            Leaving::Old => self.new_id(),
            Leaving::New => Some(&self.plan.old.id),
        }
    }

    /// Whether a person must fill a destination that has the old key.
    pub fn is_filled_by_hand(&self) -> bool {
        let places = self.plan.destinations.iter().zip(&self.deliveries);
        places.into_iter().any(|(place, one)| place.by_hand && !one.is_acknowledged)
    }

    /// Whether people may still have the old key back.
    pub fn can_roll_back(&self) -> bool {
        let is_too_late = matches!(self.stage, Stage::DeleteIntent | Stage::RollbackIntent);
        let is_too_early = matches!(self.stage, Stage::Planned | Stage::Preflight);
        self.plan.way == Way::CreateThenDelete
            && self.leaving == Leaving::Old
            && !(self.stage.is_ended() || is_too_late || is_too_early)
    }

    /// Whether people may vouch for a destination: one that they fill, one that was written, or one where
    /// something else stood.
    pub fn can_acknowledge(&self, at: usize) -> bool {
        let place = self.plan.destinations.get(at).zip(self.deliveries.get(at));
        let is_foreign = self.blocked == Some(Block::Foreign { at });
        let is_back = self.stage == Stage::RollbackIntent;
        place.is_some_and(|(destination, delivery)| {
            let is_written = delivery.is_written && !is_back;
            delivery.is_touched && (destination.by_hand || is_foreign || is_written)
        })
    }

    /// What it waits for somebody to allow, of all that was asked: what it has passed is not asked any more.
    pub fn asks(&self) -> impl Iterator<Item = Gate> {
        self.asked.iter().copied().filter(|gate| match gate {
            Gate::Start => self.stage == Stage::Planned,
            Gate::Deliver => self.stage == Stage::Verified,
            Gate::Disable => matches!(self.stage, Stage::Overlap | Stage::Quiet),
            Gate::Delete => {
                matches!(self.stage, Stage::Overlap | Stage::Quiet | Stage::Disabled)
            }
        })
    }

    /// Whether it can be given up without a trace: nothing was changed, as far as anybody knows.
    pub fn can_abort(&self) -> bool {
        self.new.is_none()
            && matches!(self.stage, Stage::Planned | Stage::Preflight | Stage::CreateIntent)
    }
}

/// What is known after an event, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// To be written before anything is done.
    pub rotation: Rotation,
    /// What to do then.
    pub next: Next,
    /// What people are told.
    pub news: Vec<News>,
}
