//! Users of this installation, and apps of our APIs' customers, in the form that AWS gives its report: what AWS
//! alone says of a user is known of ours, from how they sign in.

use keytender_core::inventory::PrincipalRecord;
use keytender_core::time::Time;

use crate::store::sign_ins::SignIns;

const ABSENT: &str = "N/A";
const NEVER: &str = "no_information";

fn truth(is_so: bool) -> String {
    if is_so { "true" } else { "false" }.to_owned()
}

fn time(at: Option<Time>) -> String {
    at.map_or_else(|| ABSENT.to_owned(), |at| at.to_seconds().to_string())
}

/// The record of an app of a customer, likewise: nobody signs in as one.
pub(super) fn app_cells(columns: &[String], record: &PrincipalRecord) -> Vec<String> {
    let cell = |name: &String| match name.as_str() {
        "user" => record.principal.name.to_string(),
        "user_creation_time" => time(Some(record.first_seen_at)),
        "password_enabled" | "mfa_active" | "cert_1_active" | "cert_2_active" => truth(false),
        _ => ABSENT.to_owned(),
    };
    columns.iter().map(cell).collect()
}

/// The record of a user, as it was at a moment, by the names of columns. What stands in the columns of
/// access keys is for the keys to say.
pub(super) fn cells(
    columns: &[String],
    record: &PrincipalRecord,
    signs_in: &SignIns,
    at: Time,
) -> Vec<String> {
    // One that was replaced since is not remembered.
    let password_at = signs_in.password_at.filter(|set_at| *set_at <= at);
    let used_at = signs_in.password_used_at.filter(|used_at| *used_at <= at);
    let cell = |name: &String| match name.as_str() {
        "user" => record.principal.name.to_string(),
        "user_creation_time" => time(Some(record.first_seen_at)),
        "password_enabled" => truth(password_at.is_some()),
        "password_last_used" => match (password_at, used_at) {
            (_, Some(used_at)) => time(Some(used_at)),
            (Some(_), None) => NEVER.to_owned(),
            (None, None) => ABSENT.to_owned(),
        },
        "password_last_changed" => time(password_at),
        "mfa_active" => truth(signs_in.has_second_factor),
        "cert_1_active" | "cert_2_active" => truth(false),
        _ => ABSENT.to_owned(),
    };
    columns.iter().map(cell).collect()
}
