//! The credential report: how one comes to be, and its bytes.

use jiff::Timestamp;

use super::account::Account;
use super::user::{KEYS_PER_USER, Key, Password, Principal, Root, User};
use super::xml::{Failure, iso};

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,\
password_last_changed,password_next_rotation,mfa_active,\
access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
access_key_1_last_used_region,access_key_1_last_used_service,\
access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
access_key_2_last_used_region,access_key_2_last_used_service,\
cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

const NONE: &str = "N/A";
const NOT_SUPPORTED: &str = "not_supported";
const NO_INFORMATION: &str = "no_information";

/// The one report that AWS keeps of an account.
///
/// | state | GenerateCredentialReport | GetCredentialReport |
/// |---|---|---|
/// | NeverAsked | STARTED, then Underway | 410 ReportNotPresent |
/// | Underway | INPROGRESS, one poll fewer; at none COMPLETE, then Ready | 404 ReportInProgress, one poll fewer; at none Ready |
/// | Ready | COMPLETE | the report as it was made |
/// | Expired | STARTED, then Underway | 410 ReportExpired |
///
/// A report that is ready does not follow later changes, as at AWS for four hours: a test that
/// wants a new one sets `NeverAsked` or `Expired`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    NeverAsked,
    Underway { polls_left: u32 },
    Ready { content: String, generated_at: Timestamp },
    Expired,
}

impl Report {
    /// A finished report of the account as it now stands.
    pub(super) fn of(account: &Account) -> Self {
        Self::Ready { content: content(account), generated_at: account.report_generated_at }
    }
}

/// Asks for a report and answers its state: `STARTED`, `INPROGRESS` or `COMPLETE`.
pub(super) fn generate(account: &mut Account) -> &'static str {
    match account.report {
        Report::NeverAsked | Report::Expired => {
            account.report = Report::Underway { polls_left: account.behaviour.report_polls };
            "STARTED"
        }
        Report::Underway { .. } => match advance(account) {
            true => "COMPLETE",
            false => "INPROGRESS",
        },
        Report::Ready { .. } => "COMPLETE",
    }
}

/// The report and when it was made.
pub(super) fn get(account: &mut Account) -> Result<(String, Timestamp), Failure> {
    match &account.report {
        Report::Ready { content, generated_at } => Ok((content.clone(), *generated_at)),
        Report::Underway { .. } => {
            advance(account);
            Err(Failure::new(404, "ReportInProgress", "The report is still being generated."))
        }
        Report::NeverAsked => {
            Err(Failure::new(410, "ReportNotPresent", "No report exists. Generate one first."))
        }
        Report::Expired => {
            Err(Failure::new(410, "ReportExpired", "The report has expired. Generate a new one."))
        }
    }
}

/// Counts a poll of a report that is underway; true if the report is ready now.
fn advance(account: &mut Account) -> bool {
    if let Report::Underway { polls_left } = &mut account.report
        && *polls_left > 0
    {
        *polls_left -= 1;
        return false;
    }
    account.report = Report::of(account);
    true
}

/// The bytes of a report: root first, LF between the lines, nothing after the last, no quotes.
fn content(account: &Account) -> String {
    let root = account.root.iter().map(|root| root_row(account, root));
    let users = account.sorted_users().into_iter().map(|user| user_row(account, user));
    let lines: Vec<String> = [HEADER.to_owned()].into_iter().chain(root).chain(users).collect();
    lines.join("\n")
}

fn root_row(account: &Account, root: &Root) -> String {
    let enabled = root.password_enabled.map_or(NOT_SUPPORTED.to_owned(), |on| on.to_string());
    let changed = match root.password_enabled {
        None => NOT_SUPPORTED.to_owned(),
        Some(true) => iso(root.created),
        Some(false) => NONE.to_owned(),
    };
    let last_used = match (root.password_enabled, root.password_last_used) {
        (Some(false), _) => NONE.to_owned(),
        (_, used) => used.map_or(NO_INFORMATION.to_owned(), iso),
    };
    let arn = account.arn(&Principal::Root);
    let password = [enabled, last_used, changed, NOT_SUPPORTED.to_owned()];
    row("<root_account>", &arn, root.created, &password, root.mfa, &root.keys)
}

fn user_row(account: &Account, user: &User) -> String {
    let arn = account.arn(&Principal::User(user.name.clone()));
    row(&user.name, &arn, user.created, &password(user.password.as_ref()), user.mfa, &user.keys)
}

/// password_enabled, password_last_used, password_last_changed, password_next_rotation.
fn password(password: Option<&Password>) -> [String; 4] {
    match password {
        None => ["false", NONE, NONE, NONE].map(str::to_owned),
        Some(password) => [
            "true".to_owned(),
            password.last_used.map_or(NO_INFORMATION.to_owned(), iso),
            iso(password.changed),
            password.next_rotation.map_or(NONE.to_owned(), iso),
        ],
    }
}

fn row(
    name: &str,
    arn: &str,
    created: Timestamp,
    password: &[String; 4],
    mfa: bool,
    keys: &[Key],
) -> String {
    assert!(!name.contains([',', '"', '\n']), "the report cannot hold the name {name:?} unquoted");
    let mut fields = vec![name.to_owned(), arn.to_owned(), iso(created)];
    fields.extend_from_slice(password);
    fields.push(mfa.to_string());
    let mut visible = keys.iter().filter(|key| !key.hidden_from_report);
    for _ in 0..KEYS_PER_USER {
        fields.extend(slot(visible.next()));
    }
    fields.extend(["false", NONE, "false", NONE].map(str::to_owned));
    fields.join(",")
}

/// active, last_rotated, last_used_date, last_used_region, last_used_service.
fn slot(key: Option<&Key>) -> [String; 5] {
    let none = || NONE.to_owned();
    let Some(key) = key else {
        return ["false", NONE, NONE, NONE, NONE].map(str::to_owned);
    };
    let [date, region, service] = match &key.last_used {
        None => [none(), none(), none()],
        Some(used) => [
            iso(used.at),
            used.region.clone().unwrap_or_else(none),
            used.service.clone().unwrap_or_else(none),
        ],
    };
    [key.active.to_string(), iso(key.created), date, region, service]
}
