//! The wide form of the credential report: CSV, one row a key, safe in spreadsheets.

use std::collections::HashMap;
use std::io::{self, Write};

use keytender_core::id::OwnerId;
use keytender_core::key::PrincipalKind;
use keytender_core::policy::{Action, Severity};
use keytender_core::time::Time;

use crate::app::csv_row::{Row, last_use};
use crate::store::keys::HeldKey;

/// The columns of the wide form.
const COLUMNS: [&str; 32] = [
    "key",
    "provider",
    "account",
    "account_name",
    "principal",
    "principal_kind",
    "id",
    "slot",
    "label",
    "state",
    "provider_state",
    "created_at",
    "expires_at",
    "age_days",
    "last_used_status",
    "last_used_at",
    "last_used_region",
    "last_used_service",
    "never_used_since",
    "cadence_days",
    "suspended_since",
    "owner",
    "where_used",
    "due",
    "action",
    "severity",
    "rules",
    "keep_until",
    "keep_reason",
    "first_seen_at",
    "missing_since",
    "last_seen_at",
];

/// Names of owners by their ids.
pub(super) type OwnerNames = HashMap<OwnerId, String>;

/// Writes the line of column names.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn write_head(out: &mut impl Write) -> io::Result<()> {
    let mut row = Row::default();
    COLUMNS.iter().for_each(|column| row.word(column));
    row.write(out)
}

/// Writes a row for each key, as it is at `now`.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn write_keys(
    out: &mut impl Write,
    keys: &[HeldKey],
    owners: &OwnerNames,
    now: Time,
) -> io::Result<()> {
    let mut row = Row::default();
    for held in keys {
        let owner = held.owner_id.and_then(|id| owners.get(&id)).map(String::as_str);
        wide(&mut row, held, owner, now);
        row.write(out)?;
    }
    Ok(())
}

fn wide(row: &mut Row, held: &HeldKey, owner: Option<&str>, now: Time) {
    let (record, key) = (&held.record, &held.record.key);
    row.word(&record.id.to_string());
    row.text(&key.provider);
    row.optional(key.account.as_deref());
    row.text(&held.account_name);
    row.optional(key.principal.as_deref());
    row.word(key.principal_kind.map(PrincipalKind::as_str).unwrap_or_default());
    row.optional(key.id.as_deref());
    row.number(key.slot.map(i64::from));
    row.optional(key.label.as_deref());
    row.word(key.state.as_str());
    row.optional(key.provider_state.as_deref());
    row.time(key.created_at);
    row.time(key.expires_at);
    row.number(key.age(now).map(|age| age.whole_days()));
    last_use(row, &key.last_used);
    row.number(key.cadence.map(|gap| gap.whole_days()));
    row.time(record.suspended_seen_at);
    row.optional(owner);
    row.optional(held.where_used.as_deref());
    row.word(if held.standing.is_due { "true" } else { "false" });
    row.word(held.standing.action.map(Action::as_str).unwrap_or_default());
    row.word(held.standing.severity.map(Severity::as_str).unwrap_or_default());
    row.words(held.standing.rules.iter().map(String::as_str));
    row.time(held.keep.as_ref().map(|keep| keep.until));
    row.optional(held.keep.as_ref().map(|keep| keep.reason.as_str()));
    row.time(Some(record.first_seen_at));
    row.time(record.missing_since);
    row.time(record.last_seen_at);
}
