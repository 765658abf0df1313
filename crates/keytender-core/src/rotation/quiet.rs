//! Whether anybody still uses the leaving key.
//!
//! Providers tell the last use alone, some of them hours late and by the day. A key is quiet only if all of this is
//! known to hold; what is unknown is never quiet.

use serde::{Deserialize, Serialize};

use super::plan::{Exactness, Gate, ROLLBACK_QUIET_FOR};
use super::{Leaving, Rotation, Seen, SeenKey, Standing};
use crate::time::{Span, Time};

/// How much history tells how seldom a key is used.
pub const HISTORY: Span = Span::days(95);

/// When a key was last used, as one look showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UseSeen {
    /// At this moment, by the provider's stamp.
    At {
        /// The stamp.
        at: Time,
        /// Region and service, where it tells.
        place: Option<String>,
    },
    /// Never.
    Never,
    /// Nobody can say, and why.
    Unknown(String),
}

/// The largest gap between two uses of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cadence {
    /// Known.
    Known(Span),
    /// It is watched since this moment, which is not long enough.
    Since(Time),
}

/// Why a key may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "because")]
pub enum Evidence {
    /// Nobody used it for as long as it takes.
    Quiet {
        /// From when on nobody did.
        from: Time,
        /// How long that had to be.
        waited: Span,
        /// Its last use.
        last_use: UseSeen,
    },
    /// Somebody allowed it.
    Approved {
        /// Who.
        by: String,
        /// Its last use.
        last_use: UseSeen,
    },
    /// Whoever uses any of the destinations uses the other key.
    Acknowledged {
        /// Its last use.
        last_use: UseSeen,
    },
    /// The deadline passed, and its owner was warned.
    Deadline {
        /// Its last use.
        last_use: UseSeen,
    },
    /// It leaked.
    Emergency,
    /// It never stood anywhere.
    NeverDelivered,
}

/// Whether a key is quiet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, and why.
    Quiet(Evidence),
    /// Not before this moment.
    NotBefore(Time),
    /// The staying key was not seen in use yet.
    Unproven,
    /// It is used.
    Used {
        /// When.
        at: Time,
        /// Region and service.
        place: Option<String>,
    },
    /// Nobody can say: a person must.
    Unknown(String),
}

/// Judges the leaving key by what was seen.
pub fn judge(rotation: &Rotation, seen: &Seen, warned: bool, now: Time) -> Verdict {
    let (Some(leaving), Some(cutover)) = (find(rotation.leaving_id(), seen), rotation.cutover_at)
    else {
        return Verdict::Unknown("it was not delivered".to_owned());
    };
    let last_use = leaving.last_use.clone();
    if let Some(evidence) = early(rotation, &last_use, warned, now) {
        return Verdict::Quiet(evidence);
    }
    let exact = match (&last_use, rotation.plan.able.last_use) {
        (UseSeen::Unknown(why), _) => return Verdict::Unknown(why.clone()),
        (_, None) => return Verdict::Unknown("the provider does not tell".to_owned()),
        (_, Some(exact)) => exact,
    };
    if let UseSeen::At { at, place } = &last_use
        && *at > rotation.quiet_from.unwrap_or(cutover)
    {
        return Verdict::Used { at: *at, place: place.clone() };
    }
    let staying = find(rotation.staying_id(), seen).map(|key| &key.last_use);
    // A stamp is never later than its use, so that our own try before the cutover proves nothing.
    if !matches!(staying, Some(UseSeen::At { at, .. }) if *at > cutover) {
        return Verdict::Unproven;
    }
    waited(rotation, last_use, seen.cadence, exact, now)
}

/// What makes it go before its time.
fn early(rotation: &Rotation, last_use: &UseSeen, warned: bool, now: Time) -> Option<Evidence> {
    let last_use = last_use.clone();
    if rotation.plan.is_emergency && rotation.leaving == Leaving::Old {
        return Some(Evidence::Emergency);
    }
    let used_at = match &last_use {
        UseSeen::At { at, .. } => Some(*at),
        UseSeen::Never | UseSeen::Unknown(_) => None,
    };
    let approval = rotation.approvals.get(&Gate::Disable);
    if let Some(approval) = approval {
        // Who allowed it knew of this use, or of none after the other key stood everywhere.
        let known = approval.despite.max(rotation.cutover_at);
        if used_at.is_none_or(|at| Some(at) <= known) {
            return Some(Evidence::Approved { by: approval.by.clone(), last_use });
        }
    }
    let is_unused = used_at <= rotation.quiet_from && !matches!(last_use, UseSeen::Unknown(_));
    let vouched = rotation.deliveries.iter().all(|delivery| delivery.is_acknowledged);
    if rotation.leaving == Leaving::Old && vouched && is_unused && !rotation.deliveries.is_empty() {
        return Some(Evidence::Acknowledged { last_use });
    }
    let is_late = rotation.plan.deadline.is_some_and(|deadline| now >= deadline);
    (is_late && warned && rotation.leaving == Leaving::Old)
        .then_some(Evidence::Deadline { last_use })
}

/// Whether it was quiet for long enough.
fn waited(
    rotation: &Rotation,
    last_use: UseSeen,
    cadence: Cadence,
    exact: Exactness,
    now: Time,
) -> Verdict {
    let cutover = rotation.cutover_at.unwrap_or(now);
    let mut from = rotation.quiet_from.unwrap_or(cutover);
    // A stamp by the day may stand for a use after the moment that it names.
    if let UseSeen::At { at, .. } = &last_use {
        from = from.max(at.plus(exact.granularity));
    }
    let unseen = exact.lag.plus(exact.granularity);
    let (wait, history) = match (rotation.leaving, cadence) {
        (Leaving::New, _) => (ROLLBACK_QUIET_FOR, None),
        (Leaving::Old, Cadence::Known(cadence)) => {
            (rotation.plan.quiet_for.max(cadence.doubled()), None)
        }
        (Leaving::Old, Cadence::Since(since)) => {
            (rotation.plan.quiet_for, Some(since.plus(HISTORY)))
        }
    };
    let wait = wait.plus(unseen);
    let until = history.map_or(from.plus(wait), |known| known.max(from.plus(wait)));
    match now >= until {
        true => Verdict::Quiet(Evidence::Quiet { from, waited: wait, last_use }),
        false => Verdict::NotBefore(until),
    }
}

/// The key of this id.
pub(super) fn find<'a>(id: Option<&str>, seen: &'a Seen) -> Option<&'a SeenKey> {
    seen.keys.iter().find(|key| Some(key.id.as_str()) == id)
}

/// Whether this key works.
pub(super) fn is_active(id: Option<&str>, keys: &[SeenKey]) -> bool {
    keys.iter().any(|key| Some(key.id.as_str()) == id && key.standing == Standing::Active)
}
