//! Rotations of held keys and their destinations, in JSON.

use std::fmt;

use keytender_core::rotation::{
    Delivery, Destination, Gate, Mark, Plan, Stage, Stands, Way, outline, progress, said,
};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::rotate::Say;
use crate::error::Error;
use crate::store::keys::HeldKey;
use crate::store::rotations::{Happened, Kept};

/// A rotation that somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRotationRequest {
    /// Keytender's id, the provider's id, or a label.
    pub key: String,
    /// Who gets the new key, `user:NAME`, where that is another one: the way from a root key to a scoped identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether somebody else may have the key: the old one is disabled as soon as the new one stands everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<bool>,
    /// What somebody must approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<Vec<Gate>>,
    /// When it is done what others may notice, `mon-fri 02:00-05:00 Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// For how many days the old key must not be used; 35 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_days: Option<u32>,
    /// For how many days it is held disabled; 30 where nothing is said, and 90 where the provider tells no last use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_days: Option<u32>,
    /// When the old key goes although it is used, if its owner was told a week before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
    /// Whether a person puts the new key where it is used, beside the destinations that are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<bool>,
    /// Why, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub because: Option<String>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepView {
    /// What is done.
    pub what: String,
    /// Not before; at once where there is none.
    pub not_before: Option<Time>,
    /// How it is undone, if it changes something that can be.
    pub undo: Option<String>,
    /// Whether it cannot be undone.
    pub is_final: bool,
    /// Who is asked before.
    pub gate: Option<Gate>,
}

/// What a rotation would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutlineView {
    /// The key.
    pub key: String,
    /// Its id at the provider.
    pub id: Option<String>,
    /// The account.
    pub account: String,
    /// Who gets the new key, where that is another one.
    pub to: Option<String>,
    /// How the key comes to have a successor.
    pub way: Way,
    /// Each step, in order.
    pub steps: Vec<StepView>,
}

impl OutlineView {
    pub(in crate::app) fn new(held: &HeldKey, plan: &Plan, to: Option<&str>, now: Time) -> Self {
        let step = |line: keytender_core::rotation::Line| StepView {
            what: line.what,
            not_before: line.not_before,
            undo: line.undo,
            is_final: line.is_final,
            gate: line.gate,
        };
        Self {
            key: held.record.id.to_string(),
            id: Some(plan.old.id.clone()),
            account: held.account_name.clone(),
            to: to.map(str::to_owned),
            way: plan.way,
            steps: outline(plan, now).into_iter().map(step).collect(),
        }
    }
}

/// How one destination of a rotation stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// Its name.
    pub name: String,
    /// Whether a person fills it.
    pub by_hand: bool,
    /// Whether the new secret was written there and not taken back.
    pub is_written: bool,
    /// Whether whoever uses it was told.
    pub is_reloaded: bool,
    /// Whether somebody vouched for it.
    pub is_acknowledged: bool,
    /// Whether somebody can vouch for it now.
    pub can_acknowledge: bool,
}

/// How far a rotation has come: one of its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressView {
    /// What is done.
    pub what: String,
    /// Whether it is done, the rotation is in it, or it is still to come.
    pub stands: Stands,
    /// Not before, as far as that is known of a step to come.
    pub not_before: Option<Time>,
}

impl ProgressView {
    fn new(mark: Mark) -> Self {
        let Mark { what, stands, not_before } = mark;
        Self { what: what.to_owned(), stands, not_before }
    }
}

/// Something that happened in a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HappenedView {
    /// When.
    pub at: Time,
    /// What kind of thing: `stage`, `call`, `failed`, `said`, `blocked`, `still-used`, `asks`, `orphan` …
    pub kind: String,
    /// What, for people.
    pub words: String,
}

/// A rotation of a held key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldRotationView {
    /// Its id.
    pub rotation: String,
    /// The key that is replaced.
    pub key: String,
    /// Its id at the provider.
    pub id: String,
    /// The key that replaces it, once it is known.
    pub new_key: Option<String>,
    /// That one's id at the provider.
    pub new_id: Option<String>,
    /// The account.
    pub account: String,
    /// Who gets the new key, where that is another one.
    pub to: Option<String>,
    /// How the key comes to have a successor.
    pub way: Way,
    /// Where it stands.
    pub stage: Stage,
    /// Since when.
    pub since: Time,
    /// What it waits for: `call`, `time`, `person`, `nothing`.
    pub waits_for: String,
    /// When it goes on, if it waits for a moment.
    pub next_at: Option<Time>,
    /// Where it stands, what happens next, and what a person can do.
    pub says: String,
    /// Whether it is blocked.
    pub is_blocked: bool,
    /// Whether the old key can still be brought back.
    pub can_roll_back: bool,
    /// Whether it can be given up without a trace.
    pub can_abort: bool,
    /// What it waits for somebody to approve.
    pub asks: Vec<Gate>,
    /// Its steps, in order; none of one that was given up.
    pub progress: Vec<ProgressView>,
    /// Its destinations.
    pub destinations: Vec<DeliveryView>,
    /// Since when.
    pub started_at: Time,
    /// Who began it.
    pub started_by: String,
    /// Why.
    pub reason: Option<String>,
    /// What happened, in order; empty in lists.
    pub events: Vec<HappenedView>,
}

impl HeldRotationView {
    pub(in crate::app) fn new(
        row: &Kept,
        held: &HeldKey,
        new: Option<&HeldKey>,
        events: Vec<Happened>,
    ) -> Self {
        let state = &row.state;
        let places = state.plan.destinations.iter().zip(&state.deliveries);
        let delivery = |(at, (place, one)): (usize, (&Destination, &Delivery))| DeliveryView {
            name: place.name.clone(),
            by_hand: place.by_hand,
            is_written: one.is_written && !one.is_restored,
            is_reloaded: one.is_reloaded,
            is_acknowledged: one.is_acknowledged,
            can_acknowledge: state.can_acknowledge(at),
        };
        Self {
            rotation: row.id.to_string(),
            key: row.key_id.to_string(),
            id: state.plan.old.id.clone(),
            new_key: row.new_key_id.map(|id| id.to_string()),
            new_id: new
                .and_then(|new| new.record.key.id.as_deref().map(str::to_owned))
                .or_else(|| state.new_id().map(str::to_owned)),
            account: held.account_name.clone(),
            to: row.target.clone(),
            way: state.plan.way,
            stage: state.stage,
            since: state.since,
            waits_for: row.waits.as_str().to_owned(),
            next_at: row.next_at,
            says: said(state, &row.next()),
            is_blocked: state.blocked.is_some(),
            can_roll_back: state.can_roll_back(),
            can_abort: state.can_abort(),
            asks: state.asks().collect(),
            progress: progress(state).into_iter().map(ProgressView::new).collect(),
            destinations: places.enumerate().map(delivery).collect(),
            started_at: row.started_at,
            started_by: row.started_by.clone(),
            reason: row.reason.clone(),
            events: events.into_iter().map(happened).collect(),
        }
    }
}

fn happened(event: Happened) -> HappenedView {
    HappenedView { at: event.at, kind: event.kind, words: event.words }
}

/// The new key of a rotation, for whoever puts it where it is used by hand.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewSecretView {
    /// Its id at the provider.
    pub id: Option<String>,
    /// Its secret.
    pub secret: String,
}

impl fmt::Debug for NewSecretView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecretView").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A page of rotations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldRotationList {
    /// The newest first.
    pub rotations: Vec<HeldRotationView>,
}

/// A destination that somebody tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDestinationRequest {
    /// What it is called: one of a name for each key.
    #[schema(max_length = 100)]
    pub name: String,
    /// How to get there: `kind` and its fields, as the guide's page on destinations says.
    #[schema(value_type = Object)]
    pub spec: serde_json::Value,
    /// How whoever uses it is told to read it again: `{"kind": "systemd", "unit": …}`,
    /// `{"kind": "command", "run": […]}` or `{"kind": "webhook", "url": …}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub reload: Option<serde_json::Value>,
}

/// A place where the secret of a held key is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DestinationView {
    /// Its id.
    pub destination: String,
    /// The key that is used there.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// How to get there.
    #[schema(value_type = Object)]
    pub spec: serde_json::Value,
    /// How whoever uses it is told to read it again.
    #[schema(value_type = Option<Object>)]
    pub reload: Option<serde_json::Value>,
    /// When it was last tried.
    pub checked_at: Option<Time>,
    /// What stood in the way then.
    pub fault: Option<String>,
}

/// Destinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DestinationList {
    /// By key and name.
    pub destinations: Vec<DestinationView>,
}

/// What somebody says to a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SayWord {
    /// A step may be done: see `gate`.
    Approve,
    /// What blocked it is mended.
    Resume,
    /// The old key is to come back.
    Rollback,
    /// It is not to go on; nothing was changed yet.
    Abort,
    /// The new key stands at a destination, and whoever uses it uses that one: see `destination`.
    Acknowledge,
}

/// What somebody says to a rotation, and about what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SayRequest {
    /// What.
    pub say: SayWord,
    /// The step that is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The destination that is vouched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Why, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub because: Option<String>,
}

impl SayRequest {
    /// What is said.
    ///
    /// # Errors
    /// When it is not said of which step, or of which destination.
    pub fn say(&self) -> Result<Say, Error> {
        Ok(match self.say {
            SayWord::Approve => Say::Approve(self.gate.ok_or_else(|| {
                Error::new("it is not said what is approved")
                    .hint("start, deliver, disable or delete")
            })?),
            SayWord::Resume => Say::Resume,
            SayWord::Rollback => Say::RollBack,
            SayWord::Abort => Say::Abort,
            SayWord::Acknowledge => {
                Say::Acknowledge(self.destination.clone().ok_or_else(|| {
                    Error::new("it is not said which destination")
                        .hint("name it as the rotation does")
                })?)
            }
        })
    }
}

/// A key that the policy would rotate by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WouldView {
    /// The key.
    pub key: String,
    /// Its id at the provider.
    pub id: Option<String>,
    /// The account.
    pub account: String,
    /// The rule that it breaks.
    pub rule: String,
    /// Since when it would be rotated.
    pub since: Time,
    /// Why it cannot be, and what to do.
    pub fault: Option<String>,
}

/// What the policy rotates by itself, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrialView {
    /// The rules whose keys rotate by themselves.
    pub rules: Vec<String>,
    /// Whether it is only said what would be done.
    pub is_dry: bool,
    /// From when on it is done: a week after these rules were first in the policy; null if the policy says that
    /// it is a dry run.
    pub begins_at: Option<Time>,
    /// How many rotate by themselves at a time, at most.
    pub at_most: u32,
    /// The keys that wait for it, or that cannot be rotated.
    pub would: Vec<WouldView>,
}
