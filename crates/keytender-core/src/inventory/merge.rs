//! How what was seen is put together with what is known.

use super::{Event, KeyRecord, Listed, PrincipalRecord};
use crate::key::{Key, LastUse, State, Use};
use crate::time::Time;

/// A known principal, as it is now.
pub(super) fn principal(known: &PrincipalRecord, listed: &Listed) -> PrincipalRecord {
    let mut principal = listed.principal.clone();
    // What is not told this time stays as it was.
    principal.has_password = principal.has_password.or(known.principal.has_password);
    principal.mfa = principal.mfa.or(known.principal.mfa);
    principal.password_last_used =
        match (principal.password_last_used, &known.principal.password_last_used) {
            (Some(LastUse::Unknown { .. }), Some(known)) => Some(known.clone()),
            (Some(seen), Some(known)) => Some(last_use(known, &seen)),
            (seen, _) => seen,
        };
    let known_tags = known.tags.as_ref().map(|(tags, at)| (tags, *at));
    let tags = match (&listed.tags, known_tags) {
        (Some(tags), _) => Some((tags.clone(), listed.observed_at)),
        (None, known) => known.map(|(tags, at)| (tags.clone(), at)),
    };
    PrincipalRecord {
        id: known.id,
        principal,
        reference: listed.reference.clone().or_else(|| known.reference.clone()),
        tags,
        is_admin: listed.is_admin.or(known.is_admin),
        cells: listed.cells.clone().or_else(|| known.cells.clone()),
        first_seen_at: known.first_seen_at,
        gone_at: None,
    }
}

/// Whether more is new than when its password or keys were used.
pub(super) fn is_notable(before: &PrincipalRecord, after: &PrincipalRecord) -> bool {
    let facts = |record: &PrincipalRecord| {
        let one = &record.principal;
        let tags = record.tags.as_ref().map(|(tags, _)| tags.clone());
        (one.has_password, one.mfa, record.reference.clone(), tags, record.gone_at)
    };
    facts(before) != facts(after)
}

/// Which of a principal's known keys `key` is: by the provider's id, or, where one of the two has
/// none, by the moment of creation, if no other key shares it.
pub(super) fn matching(known: &[KeyRecord], key: &Key<'_>, listed: &[Key<'_>]) -> Option<usize> {
    if key.id.is_some()
        && let Some(place) = known
            .iter()
            .position(|record| record.key.id == key.id && record.key.key_type == key.key_type)
    {
        return Some(place);
    }
    let is_candidate = |record: &KeyRecord| {
        let has_one_id = record.key.id.is_none() || key.id.is_none();
        has_one_id && record.key.state != State::Destroyed
    };
    let born_with = |made: &Option<Time>| made.is_some() && *made == key.created_at;
    let twins = listed.iter().filter(|other| born_with(&other.created_at)).count();
    let mut same = known
        .iter()
        .enumerate()
        .filter(|(_, record)| is_candidate(record) && born_with(&record.key.created_at));
    match (same.next(), same.next(), twins) {
        (Some((place, _)), None, 1) => return Some(place),
        (None, ..) => {}
        // Twins without ids are told apart by their slots alone.
        _ => {
            return known.iter().position(|record| {
                is_candidate(record) && record.key.slot == key.slot && key.slot.is_some()
            });
        }
    }
    // Neither has an id: one secret took the other's place, or it is another key. A slot that was
    // filled anew is another key.
    None
}

/// A known key, as it is now.
pub(super) fn key(known: &KeyRecord, seen: &Key<'static>, at: Time) -> KeyRecord {
    let mut key = seen.clone();
    key.id = key.id.or_else(|| known.key.id.clone());
    key.slot = key.slot.or(known.key.slot);
    key.label = key.label.or_else(|| known.key.label.clone());
    key.created_at = key.created_at.or(known.key.created_at);
    key.expires_at = key.expires_at.or(known.key.expires_at);
    key.last_used = last_use(&known.key.last_used, &seen.last_used);
    key.principal_ref = key.principal_ref.or_else(|| known.key.principal_ref.clone());
    key.tags = key.tags.or_else(|| known.key.tags.clone());
    // Facts that a listing does not know of; of exposure some do.
    key.exposed = known.key.exposed.max(key.exposed);
    key.has_owner = known.key.has_owner;
    key.rotation_open = known.key.rotation_open;
    let suspended_seen_at = match key.state {
        State::Suspended => Some(known.suspended_seen_at.unwrap_or(at)),
        _ => None,
    };
    KeyRecord { key, suspended_seen_at, missing_since: None, last_seen_at: None, ..known.clone() }
}

/// The later knowledge of a last use: unknown never replaces known, and a stamp never goes back.
fn last_use(known: &LastUse<'static>, seen: &LastUse<'static>) -> LastUse<'static> {
    match (known, seen) {
        (LastUse::Used(before), LastUse::Used(now)) if now.at < before.at => known.clone(),
        (LastUse::Used(_), LastUse::Never { .. }) => known.clone(),
        (LastUse::Never { since }, LastUse::Never { since: now }) => {
            LastUse::Never { since: *since.min(now) }
        }
        (LastUse::Used(_) | LastUse::Never { .. }, LastUse::Unknown { .. }) => known.clone(),
        _ => seen.clone(),
    }
}

/// A use that was not the last one known.
pub(super) fn new_use(known: &KeyRecord, seen: &Key<'static>) -> Option<Use<'static>> {
    match &seen.last_used {
        LastUse::Used(used) if known.key.last_used.used_at() != Some(used.at) => Some(used.clone()),
        _ => None,
    }
}

/// Counts a use that is newer than all others, and the gap before it.
pub(super) fn count_use(record: &mut KeyRecord, known: &KeyRecord, used: &Use<'_>) {
    match known.key.last_used.used_at() {
        Some(before) if before >= used.at => {}
        before => {
            record.uses = record.uses.saturating_add(1);
            let gap = before.map(|before| used.at.since(before));
            record.largest_gap = record.largest_gap.max(gap);
        }
    }
}

/// What happened between the two.
pub(super) fn events(before: &KeyRecord, after: &KeyRecord, mut tell: impl FnMut(Event)) {
    let works = |record: &KeyRecord| record.key.state == State::Active;
    if before.missing_since.is_some() {
        tell(Event::Back);
    }
    match (works(before), works(after)) {
        (true, false) => tell(Event::Suspended),
        (false, true) => tell(Event::Resumed),
        _ => {}
    }
    if before.key.created_at.is_some() && before.key.created_at != after.key.created_at {
        tell(Event::Rotated);
    }
    let named = |key: &Key<'static>| (key.label.clone(), key.slot, key.expires_at);
    if named(&before.key) != named(&after.key) {
        tell(Event::Changed);
    }
    let never = matches!(before.key.last_used, LastUse::Never { .. });
    if never && after.key.last_used.used_at().is_some() {
        tell(Event::FirstUsed);
    }
}
