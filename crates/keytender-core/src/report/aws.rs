//! The credential report of an AWS account.
//!
//! What its bytes are is stated by AWS ("Generate credential reports for your AWS account", IAM
//! user guide) and was checked against live reports. Columns are found by name; the report has no
//! key ids, so a key is known by its slot, 1 or 2.

use std::borrow::Cow;

use super::Row;
use super::cell::{self, Fault, Names, Problem, Shown};
use super::record::Record;
use crate::key::{Key, LastUse, Principal, PrincipalKind, State, Use, mark_second_active};
use crate::time::Time;

/// The name of the root user's row.
pub const ROOT: &str = "<root_account>";

/// AWS records the last use of access keys since 2015-04-22: no recorded use of an older key
/// means "not since then".
pub const KEY_USE_RECORDED_SINCE: Time = Time::from_unix_seconds(1_429_660_800);

/// AWS records the last use of passwords since 2014-10-20.
pub const PASSWORD_USE_RECORDED_SINCE: Time = Time::from_unix_seconds(1_413_763_200);

const REPORT: &str = "an AWS credential report";
const DATE: &str = "a date such as 2026-11-24T09:30:00Z, or N/A";
const FLAG: &str = "true or false";

/// Every column of the report that has a meaning here or is known and passed over.
pub(super) const KNOWN: [&str; 23] = [
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
    "additional_credentials_info",
];

/// Where the columns stand.
#[derive(Debug)]
pub struct Columns {
    width: usize,
    user: usize,
    arn: usize,
    created: Option<usize>,
    password_enabled: Option<usize>,
    password_last_used: Option<usize>,
    mfa: Option<usize>,
    keys: [KeyColumns; 2],
    unknown: Vec<String>,
}

#[derive(Debug)]
struct KeyColumns {
    slot: u8,
    active: usize,
    rotated: usize,
    used_at: usize,
    used_region: Option<usize>,
    used_service: Option<usize>,
}

impl Columns {
    /// Finds the columns by the names of a header.
    pub(super) fn find(header: &Record<'_>, names: &[String]) -> Result<Self, Fault> {
        let columns = Names::new(header, names, REPORT);
        Ok(Self {
            width: names.len(),
            user: columns.required("user")?,
            arn: columns.required("arn")?,
            created: columns.optional("user_creation_time")?,
            password_enabled: columns.optional("password_enabled")?,
            password_last_used: columns.optional("password_last_used")?,
            mfa: columns.optional("mfa_active")?,
            keys: [
                KeyColumns {
                    slot: 1,
                    active: columns.required("access_key_1_active")?,
                    rotated: columns.required("access_key_1_last_rotated")?,
                    used_at: columns.required("access_key_1_last_used_date")?,
                    used_region: columns.optional("access_key_1_last_used_region")?,
                    used_service: columns.optional("access_key_1_last_used_service")?,
                },
                KeyColumns {
                    slot: 2,
                    active: columns.required("access_key_2_active")?,
                    rotated: columns.required("access_key_2_last_rotated")?,
                    used_at: columns.required("access_key_2_last_used_date")?,
                    used_region: columns.optional("access_key_2_last_used_region")?,
                    used_service: columns.optional("access_key_2_last_used_service")?,
                },
            ],
            unknown: columns.unknown(&KNOWN),
        })
    }

    /// The names of columns that the report is not known to have.
    pub(super) fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Reads one record.
    pub(super) fn row<'a>(&self, record: &Record<'a>) -> Result<Row<'a>, Fault> {
        cell::check_width(record, self.width)?;
        let principal = self.principal(record)?;
        let arn = record.field(self.arn).unwrap_or_default();
        let [one, two] = &self.keys;
        let mut keys = [one.key(record, &principal, arn)?, two.key(record, &principal, arn)?];
        mark_second_active(&mut keys);
        Ok(Row { principal: Some(principal), keys })
    }

    fn principal<'a>(&self, record: &Record<'a>) -> Result<Principal<'a>, Fault> {
        let name = record.field(self.user).unwrap_or_default();
        if name.is_empty() {
            return Err(record.fault(self.user, Problem::Empty { name: "user" }));
        }
        let arn = record.field(self.arn).unwrap_or_default();
        let (account, kind) =
            account_of(arn).ok_or_else(|| record.fault(self.arn, Problem::BadArn))?;
        let has_password = self.has_password(record)?;
        Ok(Principal {
            provider: Cow::Borrowed("aws"),
            account: Cow::Borrowed(account),
            name: Cow::Borrowed(name),
            kind,
            has_password,
            password_last_used: self.password_last_used(record, has_password)?,
            mfa: self.mfa.map_or(Ok(None), |index| flag(record, index, "mfa_active"))?,
        })
    }

    /// Old reports say `not_supported` for root, of which nothing follows.
    fn has_password(&self, record: &Record<'_>) -> Result<Option<bool>, Fault> {
        self.password_enabled.map_or(Ok(None), |index| flag(record, index, "password_enabled"))
    }

    fn password_last_used<'a>(
        &self,
        record: &Record<'a>,
        has_password: Option<bool>,
    ) -> Result<Option<LastUse<'a>>, Fault> {
        let Some(index) = self.password_last_used else {
            return Ok(Some(LastUse::unknown("the report has no column password_last_used")));
        };
        match record.field(index).unwrap_or_default() {
            "no_information" => {
                let created = self.created_at(record)?;
                let since = created.map_or(PASSWORD_USE_RECORDED_SINCE, |created| {
                    created.max(PASSWORD_USE_RECORDED_SINCE)
                });
                Ok(Some(LastUse::Never { since }))
            }
            "N/A" | "" if has_password == Some(true) => {
                Ok(Some(LastUse::unknown("the report gives no last use of the password")))
            }
            "N/A" | "" => Ok(None),
            "not_supported" if has_password == Some(false) => Ok(None),
            "not_supported" => Ok(Some(LastUse::unknown("the report does not support it"))),
            _ => {
                let expected = "a date such as 2026-11-24T09:30:00Z, no_information or N/A";
                let at = cell::date(record, index, "password_last_used", expected)?;
                Ok(Some(LastUse::at(at)))
            }
        }
    }

    fn created_at(&self, record: &Record<'_>) -> Result<Option<Time>, Fault> {
        self.created.map_or(Ok(None), |index| optional_date(record, index, "user_creation_time"))
    }
}

impl KeyColumns {
    /// `false` beside a date is an inactive key that exists; `false` beside `N/A` is no key.
    fn key<'a>(
        &self,
        record: &Record<'a>,
        principal: &Principal<'a>,
        arn: &'a str,
    ) -> Result<Option<Key<'a>>, Fault> {
        let [active_name, rotated_name, used_name] = self.names();
        let active = flag(record, self.active, active_name)?;
        let created_at = optional_date(record, self.rotated, rotated_name)?;
        let is_active = match (active, created_at) {
            (Some(true), _) => true,
            (Some(false), Some(_)) => false,
            (Some(false), None) => return Ok(None),
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                let problem = Problem::BadWord { name: active_name, expected: FLAG };
                return Err(record.fault(self.active, problem));
            }
        };
        let (state, word) = match is_active {
            true => (State::Active, "Active"),
            false => (State::Suspended, "Inactive"),
        };
        Ok(Some(Key {
            account: Some(principal.account.clone()),
            principal: Some(principal.name.clone()),
            principal_kind: Some(principal.kind),
            principal_ref: Some(Cow::Borrowed(arn)),
            slot: Some(self.slot),
            state,
            provider_state: Some(Cow::Borrowed(word)),
            created_at,
            last_used: self.last_used(record, created_at, used_name)?,
            ..Key::new("aws")
        }))
    }

    fn last_used<'a>(
        &self,
        record: &Record<'a>,
        created_at: Option<Time>,
        name: &'static str,
    ) -> Result<LastUse<'a>, Fault> {
        match record.field(self.used_at).unwrap_or_default() {
            "N/A" | "" => {
                let since = created_at.unwrap_or(KEY_USE_RECORDED_SINCE);
                Ok(LastUse::Never { since: since.max(KEY_USE_RECORDED_SINCE) })
            }
            "no_information" | "not_supported" => {
                Ok(LastUse::unknown("the report gives no last use of this key"))
            }
            _ => Ok(LastUse::Used(Use {
                at: cell::date(record, self.used_at, name, DATE)?,
                region: self.used_region.and_then(|index| place(record, index)),
                service: self.used_service.and_then(|index| place(record, index)),
            })),
        }
    }

    const fn names(&self) -> [&'static str; 3] {
        match self.slot {
            1 => {
                ["access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date"]
            }
            _ => {
                ["access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date"]
            }
        }
    }
}

/// The account and the kind of principal that an ARN names: `arn:aws:iam::123456789012:root`.
fn account_of(arn: &str) -> Option<(&str, PrincipalKind)> {
    let (partition, rest) = part(arn.strip_prefix("arn:")?)?;
    let (account, resource) = part(rest.strip_prefix("iam::")?)?;
    let kind = match resource {
        "root" => PrincipalKind::Root,
        _ if resource.starts_with("user/") => PrincipalKind::User,
        _ => return None,
    };
    let is_account = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && !partition.is_empty()).then_some((account, kind))
}

/// What stands before the next colon, and what after it.
fn part(text: &str) -> Option<(&str, &str)> {
    let colon = text.bytes().position(|byte| byte == b':')?;
    Some((text.get(..colon)?, text.get(colon + 1..)?))
}

/// AWS writes `true` and `false`, its documentation `TRUE` and `FALSE`; `None` for the words that
/// say nothing.
fn flag(record: &Record<'_>, index: usize, name: &'static str) -> Result<Option<bool>, Fault> {
    match record.field(index).unwrap_or_default() {
        "true" | "TRUE" | "True" => Ok(Some(true)),
        "false" | "FALSE" | "False" => Ok(Some(false)),
        "N/A" | "not_supported" => Ok(None),
        _ => Err(record.fault(index, Problem::BadWord { name, expected: FLAG })),
    }
}

fn optional_date(
    record: &Record<'_>,
    index: usize,
    name: &'static str,
) -> Result<Option<Time>, Fault> {
    match record.field(index).unwrap_or_default() {
        "N/A" | "not_supported" => Ok(None),
        cell => match Time::parse(cell) {
            Ok(time) => Ok(Some(time)),
            Err(_) => {
                let shown = Shown::date(cell);
                Err(record.fault(index, Problem::BadDate { name, shown, expected: DATE }))
            }
        },
    }
}

/// A region or service; `N/A` beside a date is a global service, `not_supported` an old report.
fn place<'a>(record: &Record<'a>, index: usize) -> Option<Cow<'a, str>> {
    match record.field(index)? {
        "" | "N/A" | "not_supported" => None,
        name => Some(Cow::Borrowed(name)),
    }
}
