//! Writes the credential report of an AWS account, byte for byte as AWS does.
//!
//! Where AWS's own record of a principal is known, its cells are kept as they are, except those
//! that are not true any more: a key may have been made, disabled or deleted since. Without a
//! record, what AWS alone knows is `N/A`.

use std::borrow::Cow;

use super::aws::{KNOWN, ROOT};
use crate::key::{Key, LastUse, Principal, PrincipalKind, State};
use crate::time::Time;

/// How many columns a report has today: those of 2026, without `additional_credentials_info`.
const COLUMNS: usize = 22;
const ABSENT: &str = "N/A";

/// A principal whose record is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// The principal.
    pub principal: &'s Principal<'s>,
    /// Its ARN.
    pub arn: Option<&'s str>,
    /// Its record in AWS's last report, cell by cell.
    pub cells: Option<&'s [String]>,
    /// Its keys that exist.
    pub keys: &'s [&'s Key<'s>],
}

/// The columns of a report of which nobody knows another header.
pub fn columns() -> Vec<String> {
    KNOWN.iter().take(COLUMNS).map(|name| (*name).to_owned()).collect()
}

/// Writes a report of `subjects`: root first, the others without regard to case, a line feed
/// between two lines and none at the end.
pub fn report(columns: &[String], mut subjects: Vec<Subject<'_>>) -> String {
    subjects.sort_by_cached_key(|subject| {
        let name = subject.principal.name.as_ref();
        (name != ROOT, name.to_lowercase(), name.to_owned())
    });
    let mut text = columns.join(",");
    for subject in &subjects {
        text.push('\n');
        let cells: Vec<Cow<'_, str>> =
            columns.iter().enumerate().map(|(place, name)| subject.cell(name, place)).collect();
        let cells: Vec<Cow<'_, str>> = cells.iter().map(|cell| quoted(cell)).collect();
        text.push_str(&cells.join(","));
    }
    text
}

/// AWS quotes nothing; only a name with a comma, which IAM allows, cannot do without.
fn quoted(cell: &str) -> Cow<'_, str> {
    if cell.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", cell.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(cell)
    }
}

impl<'s> Subject<'s> {
    fn cell(&self, name: &str, place: usize) -> Cow<'s, str> {
        let raw = self.cells.and_then(|cells| cells.get(place)).map(String::as_str);
        let slot = match name.strip_prefix("access_key_") {
            Some(rest) if rest.starts_with('1') => Some((1, rest.get(2..).unwrap_or_default())),
            Some(rest) if rest.starts_with('2') => Some((2, rest.get(2..).unwrap_or_default())),
            _ => None,
        };
        match slot {
            Some((slot, what)) => self.key_cell(slot, what, raw),
            None => raw.map_or_else(|| self.own_cell(name), Cow::Borrowed),
        }
    }

    /// The key of a slot: the one that is known to be there, else one without a place.
    fn key(&self, slot: u8) -> Option<&'s Key<'s>> {
        let placed = self.keys.iter().find(|key| key.slot == Some(slot));
        let is_taken = |slot: u8| self.keys.iter().any(|key| key.slot == Some(slot));
        let free = (1..slot).filter(|earlier| !is_taken(*earlier)).count();
        let homeless = || self.keys.iter().filter(|key| key.slot.is_none()).nth(free);
        placed.or_else(homeless).copied()
    }

    fn key_cell(&self, slot: u8, what: &str, raw: Option<&'s str>) -> Cow<'s, str> {
        let key = self.key(slot).filter(|key| key.state != State::Destroyed);
        let used = key.and_then(|key| match &key.last_used {
            LastUse::Used(used) => Some(used),
            LastUse::Never { .. } | LastUse::Unknown { .. } => None,
        });
        match what {
            "active" => {
                let is_active = key.is_some_and(|key| key.state == State::Active);
                let word = if is_active { "true" } else { "false" };
                keep(raw, |raw| raw.eq_ignore_ascii_case(word), || Cow::Borrowed(word))
            }
            "last_rotated" => self.date_cell(raw, key.and_then(|key| key.created_at)),
            "last_used_date" => self.date_cell(raw, used.map(|used| used.at)),
            "last_used_region" => place_cell(raw, used.and_then(|used| used.region.as_deref())),
            "last_used_service" => place_cell(raw, used.and_then(|used| used.service.as_deref())),
            _ => raw.map_or(Cow::Borrowed(ABSENT), Cow::Borrowed),
        }
    }

    /// What AWS would write of the principal itself, as far as it is known.
    fn own_cell(&self, name: &str) -> Cow<'s, str> {
        let principal = self.principal;
        let flag = |flag: bool| if flag { "true" } else { "false" };
        match name {
            "user" => Cow::Owned(principal.name.to_string()),
            "arn" => Cow::Borrowed(self.arn.unwrap_or(ABSENT)),
            "password_enabled" => {
                Cow::Borrowed(principal.has_password.map_or("not_supported", flag))
            }
            "password_last_used" => match &principal.password_last_used {
                Some(LastUse::Used(used)) => Cow::Owned(self.date(used.at)),
                Some(LastUse::Never { .. }) => Cow::Borrowed("no_information"),
                Some(LastUse::Unknown { .. }) | None => Cow::Borrowed(ABSENT),
            },
            "password_next_rotation" if principal.kind == PrincipalKind::Root => {
                Cow::Borrowed("not_supported")
            }
            "mfa_active" => Cow::Borrowed(principal.mfa.map_or("not_supported", flag)),
            "cert_1_active" | "cert_2_active" => Cow::Borrowed("false"),
            _ => Cow::Borrowed(ABSENT),
        }
    }

    fn date_cell(&self, raw: Option<&'s str>, at: Option<Time>) -> Cow<'s, str> {
        keep(
            raw,
            |raw| Time::parse(raw).ok() == at,
            || at.map_or(Cow::Borrowed(ABSENT), |at| Cow::Owned(self.date(at))),
        )
    }

    /// A date as this record writes them: AWS has written `Z` and, earlier, `+00:00`.
    fn date(&self, at: Time) -> String {
        let has_offset = self.cells.is_some_and(|cells| {
            cells.iter().any(|cell| cell.ends_with("+00:00") && Time::parse(cell).is_ok())
        });
        let text = at.to_string();
        if has_offset { text.replace('Z', "+00:00") } else { text }
    }
}

fn place_cell<'s>(raw: Option<&'s str>, place: Option<&'s str>) -> Cow<'s, str> {
    let says_nothing = |raw: &str| matches!(raw, "" | ABSENT | "not_supported");
    keep(
        raw,
        |raw| place.map_or_else(|| says_nothing(raw), |place| place == raw),
        || Cow::Borrowed(place.unwrap_or(ABSENT)),
    )
}

/// AWS's own cell where it is still true, else another.
fn keep<'s>(
    raw: Option<&'s str>,
    is_true: impl FnOnce(&str) -> bool,
    other: impl FnOnce() -> Cow<'s, str>,
) -> Cow<'s, str> {
    match raw {
        Some(raw) if is_true(raw) => Cow::Borrowed(raw),
        _ => other(),
    }
}
