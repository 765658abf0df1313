//! What happens to a rotation, what people say, and what they are told.

use serde::{Deserialize, Serialize};

use super::{Answer, Call, Gate, Stage};
use crate::time::Time;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A worker has it in hand: time has passed, somebody said something, or a worker before this one died.
    Wake,
    /// The call that was pending answered.
    Answered(Answer),
    /// Somebody said something.
    Said(Word, String),
    /// A worker that had lost its right learned that its call made this key.
    Stray {
        /// The id of the key.
        id: String,
    },
}

/// What people say to a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say")]
pub enum Word {
    /// A gate may be passed.
    Approve {
        /// Which.
        gate: Gate,
        /// The last use of the leaving key that they know of and do not mind.
        despite: Option<Time>,
    },
    /// What blocked it is mended.
    Resume,
    /// The old key is to come back.
    RollBack,
    /// It is not to go on, and nothing was changed yet.
    Abort,
    /// The staying key stands there, and whoever uses it uses that one: of a destination that is filled by hand, of
    /// one where something else stood, or of any, to cut the wait short.
    Acknowledge {
        /// Which.
        at: usize,
    },
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This call, at once, after the step was written.
    Call(Call),
    /// Nothing before this moment.
    At(Time),
    /// A person is needed; the clock stops.
    Person,
    /// It has ended: the secrets that were kept for it are to be forgotten.
    Ended,
}

/// What people are told beside the stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "news")]
pub enum News {
    /// It stands in another stage.
    Stage {
        /// The new one.
        stage: Stage,
    },
    /// A person is needed.
    Blocked {
        /// Why.
        why: Block,
    },
    /// The leaving key was used after it should not have been.
    StillUsed {
        /// When.
        at: Time,
        /// Region and service, where the provider tells.
        place: Option<String>,
    },
    /// A key that nobody has the secret of, made by a call of ours.
    Orphan {
        /// Its id at the provider.
        id: String,
    },
    /// Somebody must allow it, or say that it may go on.
    Asks {
        /// What.
        gate: Gate,
    },
    /// A key that appeared while a call of ours was lost: perhaps ours, perhaps not. It is not touched.
    Doubtful {
        /// Its id at the provider.
        id: String,
    },
    /// Somebody else did a step of it.
    ByOthers {
        /// What, in words.
        what: String,
    },
}

/// Why a person is needed, with what they can do in [`said`](super::said).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum Block {
    /// The provider shows no old key.
    OldMissing,
    /// The old key does not work already.
    OldNotActive,
    /// There is no room for another key.
    SlotsFull {
        /// Those that are there.
        ids: Vec<String>,
    },
    /// A destination cannot be read or written.
    Destination {
        /// Which.
        at: usize,
        /// Why.
        because: String,
    },
    /// Something else stands at a destination.
    Foreign {
        /// Which.
        at: usize,
    },
    /// The provider refuses, or nobody may ask it.
    Refused {
        /// Why.
        because: String,
    },
    /// It was tried for long, and does not work.
    Unreachable {
        /// Why.
        because: String,
    },
    /// A making's answer was lost, and these keys appeared: one may be ours.
    Ambiguous {
        /// Their ids.
        ids: Vec<String>,
    },
    /// A making's answer was lost, and the provider lists no keys.
    CannotTell,
    /// The provider changed the secret perhaps, and its answer was lost.
    SecretLost,
    /// The provider answered with a key that was there before.
    WrongId {
        /// The id.
        id: String,
    },
    /// The provider does not list the new key.
    NewMissing,
    /// The new key does not work any more.
    NewNotActive,
    /// The key that stays does not work, so the other cannot go.
    StayingNotActive,
    /// Somebody let the leaving key work again.
    EnabledAgain,
}
