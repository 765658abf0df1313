//! A key as a row of the database, in both directions.

use std::borrow::Cow;

use keytender_core::access::Side;
use keytender_core::id::{AccountId, KeyId, OwnerId, PrincipalId};
use keytender_core::inventory::KeyRecord;
use keytender_core::key::{Key, LastUse, SecondActive, State, Use};
use keytender_core::policy::{Action, Severity};
use keytender_core::time::{Span, Time};
use serde::Serialize;

use super::{HeldKey, Keep, Standing};
use crate::store::db::Cells;
use crate::store::{Failure, Result, principals};

/// The columns that a listing fills; a new key stands nowhere until the policy is asked.
pub(super) const COLUMNS: &[(&str, &str)] = &[
    ("id", "BIGINT"),
    ("account_id", "BIGINT"),
    ("principal_id", "BIGINT"),
    ("provider_id", "TEXT"),
    ("key_type", "TEXT"),
    ("within", "TEXT"),
    ("slot", "BIGINT"),
    ("label", "TEXT"),
    ("state", "TEXT"),
    ("provider_state", "TEXT"),
    ("created_at", "BIGINT"),
    ("expires_at", "BIGINT"),
    ("use_status", "TEXT"),
    ("use_at", "BIGINT"),
    ("use_region", "TEXT"),
    ("use_service", "TEXT"),
    ("use_why", "TEXT"),
    ("uses", "BIGINT"),
    ("largest_gap", "BIGINT"),
    ("suspended_seen_at", "BIGINT"),
    ("younger_at", "BIGINT"),
    ("first_seen_at", "BIGINT"),
    ("missing_since", "BIGINT"),
    ("last_seen_at", "BIGINT"),
    ("due", "BIGINT"),
    ("severity", "BIGINT"),
    ("rules", "TEXT"),
    ("evaluate_at", "BIGINT"),
];

/// Those that a later listing may change.
pub(super) const UPDATED: &[&str] = &[
    "principal_id",
    "provider_id",
    "key_type",
    "within",
    "slot",
    "label",
    "state",
    "provider_state",
    "created_at",
    "expires_at",
    "use_status",
    "use_at",
    "use_region",
    "use_service",
    "use_why",
    "uses",
    "largest_gap",
    "suspended_seen_at",
    "younger_at",
    "missing_since",
    "last_seen_at",
    "evaluate_at",
];

/// What [`held`] reads, of [`TABLES`].
pub(super) const FIELDS: &str = "k.id, k.principal_id, a.provider, a.external_id, p.name, \
    p.kind, p.reference, p.tags, k.provider_id, k.key_type, k.within, k.slot, k.label, k.state, \
    k.provider_state, \
    k.created_at, k.expires_at, k.use_status, k.use_at, k.use_region, k.use_service, k.use_why, \
    k.uses, k.largest_gap, k.suspended_seen_at, k.younger_at, k.first_seen_at, k.missing_since, \
    k.last_seen_at, k.exposed_at, k.account_id, a.name, k.where_used, k.sealed, k.owner_by_hand, \
    k.disowned, k.owner_id, k.keep_until, k.keep_reason, k.keep_by, k.due, k.action, k.severity, \
    k.rules, k.evaluate_at, a.side, a.api_id, p.is_admin, \
    k.rotating";

/// A key, its account and its principal.
pub(super) const TABLES: &str = "keys k JOIN accounts a ON a.id = k.account_id \
    LEFT JOIN principals p ON p.id = k.principal_id";

/// A younger key of which nobody knows when it was made.
const YOUNGER_UNKNOWN: i64 = 0;

/// A row, as it is written.
#[derive(Serialize)]
pub(super) struct Line<'r> {
    id: i64,
    account_id: i64,
    principal_id: Option<i64>,
    provider_id: Option<&'r str>,
    key_type: Option<&'r str>,
    within: Option<String>,
    slot: Option<u8>,
    label: Option<&'r str>,
    state: &'static str,
    provider_state: Option<&'r str>,
    created_at: Option<i64>,
    expires_at: Option<i64>,
    use_status: &'static str,
    use_at: Option<i64>,
    use_region: Option<&'r str>,
    use_service: Option<&'r str>,
    use_why: Option<&'r str>,
    uses: u32,
    largest_gap: Option<i64>,
    suspended_seen_at: Option<i64>,
    younger_at: Option<i64>,
    first_seen_at: i64,
    missing_since: Option<i64>,
    last_seen_at: Option<i64>,
    due: i64,
    severity: i64,
    rules: &'static str,
    evaluate_at: i64,
}

impl<'r> Line<'r> {
    pub(super) fn of(record: &'r KeyRecord, account: AccountId) -> Self {
        let key = &record.key;
        let micros = |time: Option<Time>| time.map(Time::as_micros);
        let used = match &key.last_used {
            LastUse::Used(used) => Some(used),
            LastUse::Never { .. } | LastUse::Unknown { .. } => None,
        };
        let (use_status, use_at, use_why) = match &key.last_used {
            LastUse::Used(used) => ("used", Some(used.at), None),
            LastUse::Never { since } => ("never", Some(*since), None),
            LastUse::Unknown { why } => ("unknown", None, Some(why.as_ref())),
        };
        Self {
            id: record.id.as_i64(),
            account_id: account.as_i64(),
            principal_id: record.principal_id.map(PrincipalId::as_i64),
            provider_id: key.id.as_deref(),
            key_type: key.key_type.as_deref(),
            within: (!key.within.is_empty()).then(|| key.within.join("\n")),
            slot: key.slot,
            label: key.label.as_deref(),
            state: key.state.as_str(),
            provider_state: key.provider_state.as_deref(),
            created_at: micros(key.created_at),
            expires_at: micros(key.expires_at),
            use_status,
            use_at: micros(use_at),
            use_region: used.and_then(|used| used.region.as_deref()),
            use_service: used.and_then(|used| used.service.as_deref()),
            use_why,
            uses: record.uses,
            largest_gap: record.largest_gap.map(Span::as_micros),
            suspended_seen_at: micros(record.suspended_seen_at),
            younger_at: match key.second_active {
                SecondActive::No => None,
                SecondActive::OlderThan(at) => Some(at.as_micros()),
                SecondActive::Unknown => Some(YOUNGER_UNKNOWN),
            },
            first_seen_at: record.first_seen_at.as_micros(),
            missing_since: micros(record.missing_since),
            last_seen_at: micros(record.last_seen_at),
            due: 0,
            severity: 0,
            rules: "",
            evaluate_at: 0,
        }
    }
}

/// Reads a row of [`FIELDS`].
pub(super) fn held(mut cells: Cells<'_>) -> Result<HeldKey> {
    let mut record = record(&mut cells)?;
    let exposed_at = cells.maybe_time()?;
    record.key.exposed = Some(exposed_at.is_some());
    record.derive();
    let account_id = AccountId::from_i64(cells.int()?);
    let account_name = cells.text()?;
    let where_used = cells.maybe_text()?;
    let sealed = cells.maybe_text()?;
    let owner_by_hand = cells.maybe_int()?.map(OwnerId::from_i64);
    let is_disowned = cells.truth()?;
    let owner_id = cells.maybe_int()?.map(OwnerId::from_i64);
    record.key.has_owner = Some(owner_id.is_some());
    let keep_until = cells.maybe_time()?;
    let (reason, by) = (cells.maybe_text()?, cells.maybe_text()?);
    let keep = keep_until.map(|until| Keep {
        until,
        reason: reason.unwrap_or_default(),
        by: by.unwrap_or_default(),
    });
    let is_due = cells.truth()?;
    let action = cells.maybe_text()?.map(|word| action(&word)).transpose()?;
    let severity = severity(cells.int()?);
    let rules = rules(&cells.text()?);
    let evaluate_at = cells.time()?;
    let side = cells.text()?;
    let side = Side::parse(&side).ok_or_else(|| Failure::Corrupt(format!("side `{side}`")))?;
    let is_customers = cells.maybe_int()?.is_some();
    let is_admin = cells.maybe_truth()?;
    record.key.rotation_open = cells.truth()?;
    Ok(HeldKey {
        record,
        is_admin,
        side,
        is_customers,
        account_id,
        account_name,
        where_used,
        sealed,
        owner_by_hand,
        is_disowned,
        owner_id,
        keep,
        standing: Standing { is_due, action, severity, rules, evaluate_at },
    })
}

fn record(cells: &mut Cells<'_>) -> Result<KeyRecord> {
    let id = KeyId::from_i64(cells.int()?);
    let principal_id = cells.maybe_int()?.map(PrincipalId::from_i64);
    let owned = |text: Option<String>| text.map(Cow::Owned);
    let mut key = Key::new(cells.text()?);
    key.account = owned(cells.maybe_text()?);
    key.principal = owned(cells.maybe_text()?);
    key.principal_kind = cells.maybe_text()?.map(|word| principals::kind(&word)).transpose()?;
    key.principal_ref = owned(cells.maybe_text()?);
    key.tags = principals::tags(cells.maybe_text()?)?;
    key.id = owned(cells.maybe_text()?);
    key.key_type = owned(cells.maybe_text()?);
    let within = cells.maybe_text()?.unwrap_or_default();
    key.within = within.lines().map(str::to_owned).collect();
    key.slot = cells.maybe_int()?.and_then(|slot| u8::try_from(slot).ok());
    key.label = owned(cells.maybe_text()?);
    key.state = state(&cells.text()?)?;
    key.provider_state = owned(cells.maybe_text()?);
    key.created_at = cells.maybe_time()?;
    key.expires_at = cells.maybe_time()?;
    key.last_used = last_use(cells)?;
    let uses = u32::try_from(cells.int()?).unwrap_or(u32::MAX);
    let largest_gap = cells.maybe_int()?.map(Span::from_micros);
    let suspended_seen_at = cells.maybe_time()?;
    key.second_active = second_active(cells.maybe_int()?);
    Ok(KeyRecord {
        id,
        principal_id,
        key,
        uses,
        largest_gap,
        suspended_seen_at,
        first_seen_at: cells.time()?,
        missing_since: cells.maybe_time()?,
        last_seen_at: cells.maybe_time()?,
    })
}

fn last_use(cells: &mut Cells<'_>) -> Result<LastUse<'static>> {
    let (status, at) = (cells.text()?, cells.maybe_time()?);
    let region = cells.maybe_text()?.map(Cow::Owned);
    let service = cells.maybe_text()?.map(Cow::Owned);
    let why = cells.maybe_text()?;
    Ok(match (status.as_str(), at) {
        ("used", Some(at)) => LastUse::Used(Use { at, region, service }),
        ("never", Some(since)) => LastUse::Never { since },
        _ => LastUse::Unknown { why: Cow::Owned(why.unwrap_or_default()) },
    })
}

/// What the moment at which a younger active key was made stands for.
pub(super) const fn second_active(younger_at: Option<i64>) -> SecondActive {
    match younger_at {
        None => SecondActive::No,
        Some(YOUNGER_UNKNOWN) => SecondActive::Unknown,
        Some(at) => SecondActive::OlderThan(Time::from_micros(at)),
    }
}

/// The broken rules, as they are kept: a space between two.
pub(super) fn rules(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Severities as numbers that grow with them; 0 is none.
pub(super) fn severity_number(severity: Option<Severity>) -> i64 {
    let place = Severity::ALL.iter().position(|known| Some(*known) == severity);
    place.and_then(|place| i64::try_from(place + 1).ok()).unwrap_or(0)
}

/// The severity that a number stands for.
pub(in crate::store) fn severity(number: i64) -> Option<Severity> {
    Severity::ALL.into_iter().find(|severity| severity_number(Some(*severity)) == number)
}

/// The action that a word stands for.
pub(in crate::store) fn action(word: &str) -> Result<Action> {
    Action::ALL
        .into_iter()
        .find(|action| action.as_str() == word)
        .ok_or_else(|| Failure::Corrupt(format!("action `{word}`")))
}

pub(in crate::store) fn state(word: &str) -> Result<State> {
    State::ALL
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or_else(|| Failure::Corrupt(format!("state `{word}`")))
}
