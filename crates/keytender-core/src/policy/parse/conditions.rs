//! Reads the conditions of `when`, `match`, `any` and `not`.

use wildmatch::WildMatch;

use super::Wrong;
use super::table::{Value, unknown};
use crate::key::{PrincipalKind, State};
use crate::policy::condition::{Condition, LastUseWord};
use crate::time::Span;

/// How deeply `any` and `not` may stand in each other.
const MAX_DEPTH: usize = 8;

/// Every condition's name, as the guide lists them.
const NAMES: [&str; 22] = [
    "provider",
    "account",
    "principal",
    "principal_kind",
    "id",
    "slot",
    "label",
    "tag",
    "state",
    "age_over",
    "age_under",
    "idle_over",
    "suspended_for",
    "last_used",
    "expires_within",
    "expired",
    "second_active",
    "rotation_open",
    "has_owner",
    "exposed",
    "any",
    "not",
];

/// Reads a table of conditions, all of which must hold.
pub(super) fn conditions(value: &Value<'_>) -> Result<Vec<Condition>, Wrong> {
    group(value, 0)
}

fn group(value: &Value<'_>, depth: usize) -> Result<Vec<Condition>, Wrong> {
    if depth > MAX_DEPTH {
        return Err(value.wrong(format!("more than {MAX_DEPTH} conditions inside each other")));
    }
    let table = value.table()?;
    let mut conditions = Vec::new();
    for (name, at, value) in table.entries() {
        if name == "tag" {
            for (tag, _, value) in value.table()?.entries() {
                conditions.push(Condition::Tag(tag.to_owned(), patterns(&value)?));
            }
            continue;
        }
        let condition = condition(name, &value, depth)?;
        conditions
            .push(condition.ok_or_else(|| Wrong::new(at, unknown("condition", name, &NAMES)))?);
    }
    if conditions.is_empty() {
        return Err(value.wrong("at least one condition must stand here"));
    }
    // Cheap ones first: most keys fail on the state or on the kind of principal.
    conditions.sort_by_key(cost);
    Ok(conditions)
}

fn condition(name: &str, value: &Value<'_>, depth: usize) -> Result<Option<Condition>, Wrong> {
    Ok(Some(match name {
        "provider" => Condition::Provider(patterns(value)?),
        "account" => Condition::Account(patterns(value)?),
        "principal" => Condition::Principal(patterns(value)?),
        "id" => Condition::Id(patterns(value)?),
        "label" => Condition::Label(patterns(value)?),
        "principal_kind" => Condition::PrincipalKind(words(
            value,
            &PrincipalKind::ALL.map(|kind| (kind.as_str(), kind)),
        )?),
        "state" => {
            Condition::State(words(value, &State::ALL.map(|state| (state.as_str(), state)))?)
        }
        "slot" => Condition::Slot(slot(value)?),
        "age_over" => Condition::AgeOver(span(value)?),
        "age_under" => Condition::AgeUnder(span(value)?),
        "idle_over" => Condition::IdleOver(span(value)?),
        "suspended_for" => Condition::SuspendedFor(span(value)?),
        "expires_within" => Condition::ExpiresWithin(span(value)?),
        "second_active" => Condition::SecondActive(span(value)?),
        "last_used" => Condition::LastUsed(value.word(&[
            ("used", LastUseWord::Used),
            ("never", LastUseWord::Never),
            ("unknown", LastUseWord::Unknown),
        ])?),
        "expired" => Condition::Expired(value.boolean()?),
        "rotation_open" => Condition::RotationOpen(value.boolean()?),
        "has_owner" => Condition::HasOwner(value.boolean()?),
        "exposed" => Condition::Exposed(value.boolean()?),
        "any" => {
            let groups = value.list()?;
            if groups.is_empty() {
                return Err(value.wrong("an empty list matches nothing"));
            }
            let groups: Result<_, _> = groups.iter().map(|value| group(value, depth + 1)).collect();
            Condition::Any(groups?)
        }
        "not" => Condition::Not(group(value, depth + 1)?),
        _ => return Ok(None),
    }))
}

fn patterns(value: &Value<'_>) -> Result<Vec<WildMatch>, Wrong> {
    value.one_or_more()?.iter().map(|value| Ok(WildMatch::new(value.text()?))).collect()
}

fn words<T: Copy>(value: &Value<'_>, words: &[(&str, T)]) -> Result<Vec<T>, Wrong> {
    value.one_or_more()?.iter().map(|value| value.word(words)).collect()
}

fn slot(value: &Value<'_>) -> Result<u8, Wrong> {
    match value.integer()? {
        1 => Ok(1),
        2 => Ok(2),
        _ => Err(value.wrong("a slot is 1 or 2")),
    }
}

fn span(value: &Value<'_>) -> Result<Span, Wrong> {
    Span::parse(value.text()?).map_err(|error| value.wrong(error.to_string()))
}

const fn cost(condition: &Condition) -> u8 {
    match condition {
        Condition::State(_)
        | Condition::PrincipalKind(_)
        | Condition::Slot(_)
        | Condition::Exposed(_)
        | Condition::HasOwner(_)
        | Condition::RotationOpen(_) => 0,
        Condition::Any(_) | Condition::Not(_) => 3,
        Condition::Provider(_)
        | Condition::Account(_)
        | Condition::Principal(_)
        | Condition::Id(_)
        | Condition::Label(_)
        | Condition::Tag(..) => 2,
        _ => 1,
    }
}
