//! Conditions on a key, and their three-valued truth.

use wildmatch::WildMatch;

use super::Population;
use crate::key::{Key, LastUse, PrincipalKind, SecondActive, State};
use crate::time::{Span, Time};

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds, since then; `None` is "since ever".
    True(Option<Time>),
    /// It does not hold.
    False,
    /// Not enough is known.
    Unknown,
}

impl Truth {
    const fn of(holds: bool) -> Self {
        if holds { Self::True(None) } else { Self::False }
    }
}

/// The three kinds of last use, as a condition names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastUseWord {
    /// It was used.
    Used,
    /// It was never used.
    Never,
    /// Nobody knows.
    Unknown,
}

/// One condition on a key. Texts are patterns with `*` and `?`; of several one must match.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The provider's id.
    Provider(Vec<WildMatch>),
    /// The account's id.
    Account(Vec<WildMatch>),
    /// The principal's name.
    Principal(Vec<WildMatch>),
    /// What kind of principal.
    PrincipalKind(Vec<PrincipalKind>),
    /// The key's public id.
    Id(Vec<WildMatch>),
    /// The key's place in a report without ids.
    Slot(u8),
    /// The key's label.
    Label(Vec<WildMatch>),
    /// A tag and its value.
    Tag(String, Vec<WildMatch>),
    /// The key's state.
    State(Vec<State>),
    /// The secret is older than this.
    AgeOver(Span),
    /// The secret is younger than this.
    AgeUnder(Span),
    /// It lies idle for longer than this, and than twice its cadence if that is known.
    IdleOver(Span),
    /// It is suspended for longer than this, by our own record; without one, it lies idle so long.
    SuspendedFor(Span),
    /// It was used, was never used, or nobody knows.
    LastUsed(LastUseWord),
    /// It ends within this time from now.
    ExpiresWithin(Span),
    /// Whether its end is past.
    Expired(bool),
    /// It is active, and so is a younger key of its principal that is older than this.
    SecondActive(Span),
    /// Whether a rotation or hold of ours concerns it.
    RotationOpen(bool),
    /// Whether somebody answers for it.
    HasOwner(bool),
    /// Whether it was found where a secret must not be.
    Exposed(bool),
    /// One of these groups holds.
    Any(Vec<Vec<Condition>>),
    /// This group does not hold.
    Not(Vec<Condition>),
}

impl Condition {
    /// Whether this holds for `key` at `now`.
    pub fn holds(&self, key: &Key<'_>, now: Time) -> Truth {
        match self {
            Self::Provider(patterns) => Truth::of(matches(patterns, &key.provider)),
            Self::Account(patterns) => optional(patterns, key.account.as_deref()),
            Self::Principal(patterns) => optional(patterns, key.principal.as_deref()),
            Self::Id(patterns) => optional(patterns, key.id.as_deref()),
            Self::Label(patterns) => optional(patterns, key.label.as_deref()),
            Self::PrincipalKind(kinds) => known(key.principal_kind, |kind| kinds.contains(&kind)),
            Self::Slot(slot) => known(key.slot, |known| known == *slot),
            Self::State(states) => Truth::of(states.contains(&key.state)),
            Self::Tag(name, patterns) => match &key.tags {
                Some(tags) => {
                    Truth::of(tags.get(name).is_some_and(|value| matches(patterns, value)))
                }
                None => Truth::Unknown,
            },
            Self::AgeOver(limit) => past(key.born_at(), *limit, now),
            Self::AgeUnder(limit) => known(key.born_at(), |created| now.since(created) < *limit),
            Self::IdleOver(limit) => past(key.idle_from(), idle_limit(*limit, key), now),
            Self::SuspendedFor(limit) => suspended_for(*limit, key, now),
            Self::LastUsed(word) => last_used(*word, &key.last_used),
            Self::ExpiresWithin(limit) => expires_within(*limit, key.expires_at, now),
            Self::Expired(wanted) => expired(*wanted, key.expires_at, now),
            Self::SecondActive(limit) => match key.second_active {
                SecondActive::No => Truth::False,
                SecondActive::OlderThan(younger) => past(Some(younger), *limit, now),
                SecondActive::Unknown => Truth::Unknown,
            },
            Self::RotationOpen(wanted) => Truth::of(key.rotation_open == *wanted),
            Self::Exposed(wanted) => known(key.exposed, |exposed| exposed == *wanted),
            Self::HasOwner(wanted) => known(key.has_owner, |has| has == *wanted),
            Self::Any(groups) => any(groups, key, now),
            Self::Not(group) => match all(group, key, now) {
                Truth::True(_) => Truth::False,
                Truth::False => Truth::True(None),
                Truth::Unknown => Truth::Unknown,
            },
        }
    }

    /// Whether this says which keys (or, of `population` principals, which principals) a rule is
    /// about, rather than what is wrong with them.
    pub(super) const fn is_scope(&self, population: Population) -> bool {
        match self {
            Self::Provider(_) | Self::Account(_) | Self::Principal(_) | Self::PrincipalKind(_) => {
                true
            }
            Self::Id(_) | Self::Slot(_) | Self::Label(_) | Self::Tag(..) | Self::State(_) => {
                matches!(population, Population::Keys)
            }
            _ => false,
        }
    }
}

/// Whether every condition holds; since the last of them does.
pub(super) fn all<'c>(
    conditions: impl IntoIterator<Item = &'c Condition>,
    key: &Key<'_>,
    now: Time,
) -> Truth {
    let mut since = None;
    let mut is_unknown = false;
    for condition in conditions {
        match condition.holds(key, now) {
            Truth::False => return Truth::False,
            Truth::Unknown => is_unknown = true,
            Truth::True(from) => since = since.max(from),
        }
    }
    if is_unknown { Truth::Unknown } else { Truth::True(since) }
}

/// Whether one group holds; since the first of those that do.
fn any(groups: &[Vec<Condition>], key: &Key<'_>, now: Time) -> Truth {
    let mut truth = Truth::False;
    for group in groups {
        truth = match (truth, all(group, key, now)) {
            (Truth::True(first), Truth::True(second)) => Truth::True(first.min(second)),
            (Truth::True(first), _) => Truth::True(first),
            (_, Truth::True(second)) => Truth::True(second),
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            (Truth::False, Truth::False) => Truth::False,
        };
    }
    truth
}

/// How long a key may lie idle: a job that runs once a quarter is not unused in between.
pub(super) fn idle_limit(limit: Span, key: &Key<'_>) -> Span {
    key.cadence.map_or(limit, |cadence| limit.max(cadence.doubled()))
}

fn matches(patterns: &[WildMatch], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

fn optional(patterns: &[WildMatch], text: Option<&str>) -> Truth {
    known(text, |text| matches(patterns, text))
}

fn known<T>(fact: Option<T>, holds: impl FnOnce(T) -> bool) -> Truth {
    fact.map_or(Truth::Unknown, |fact| Truth::of(holds(fact)))
}

/// Whether more than `limit` has passed from `from`.
fn past(from: Option<Time>, limit: Span, now: Time) -> Truth {
    match from.map(|from| from.plus(limit)) {
        Some(due) if due < now => Truth::True(Some(due)),
        Some(_) => Truth::False,
        None => Truth::Unknown,
    }
}

fn suspended_for(limit: Span, key: &Key<'_>, now: Time) -> Truth {
    if key.state != State::Suspended {
        return Truth::False;
    }
    past(key.suspended_since.or_else(|| key.idle_from()), limit, now)
}

fn last_used(word: LastUseWord, last_used: &LastUse<'_>) -> Truth {
    match (word, last_used) {
        (LastUseWord::Unknown, known) => Truth::of(matches!(known, LastUse::Unknown { .. })),
        (_, LastUse::Unknown { .. }) => Truth::Unknown,
        (LastUseWord::Used, known) => Truth::of(matches!(known, LastUse::Used(_))),
        (LastUseWord::Never, known) => Truth::of(matches!(known, LastUse::Never { .. })),
    }
}

/// A key without an end never ends.
fn expires_within(limit: Span, expires_at: Option<Time>, now: Time) -> Truth {
    match expires_at {
        Some(end) if end > now && end.since(now) <= limit => Truth::True(Some(end.minus(limit))),
        _ => Truth::False,
    }
}

fn expired(wanted: bool, expires_at: Option<Time>, now: Time) -> Truth {
    match expires_at.filter(|end| *end <= now) {
        Some(end) if wanted => Truth::True(Some(end)),
        past => Truth::of(past.is_some() == wanted),
    }
}
