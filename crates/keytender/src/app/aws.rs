//! What the use cases share that ask AWS accounts: calls beside each other, and what to do about a
//! failure.

use std::future::Future;

use futures_util::stream::{self, StreamExt};
use keytender_core::secret::Secret;
use keytender_core::time::{Span, Time};
use serde::Deserialize;

use super::warnings::Warnings;
use crate::config::credential::Reference;
use crate::connect::aws::{CredentialReport, Credentials, Failure, Iam, Reason};
use crate::error::Error;
use crate::store::accounts::{Account, AccountKind};

/// How many calls one account gets at the same time: IAM throttles an account at some 20 a second.
const MAX_CALLS_AT_ONCE: usize = 8;
/// AWS keeps a report for 4 hours; a stamp older than a day is wrong.
const MAX_REPORT_AGE: Span = Span::days(1);

/// The service as an account is reached. The role of an organization is one of its members'.
///
/// # Errors
/// When its credentials cannot be found.
pub(super) async fn open(account: &Account) -> Result<Iam, Error> {
    let key = key(account)?;
    let key = key.as_ref().map(|(id, secret)| (id.as_str(), secret));
    let is_organization = account.kind == AccountKind::Organization;
    let role = account.access.role.as_deref().filter(|_| !is_organization);
    Ok(Iam::open(&credentials(account, key, role)).await)
}

/// The service as another access key reaches it, where the account's own calls go.
pub(super) async fn open_as(account: &Account, id: &str, secret: &Secret) -> Iam {
    Iam::open(&credentials(account, Some((id, secret)), None)).await
}

/// The service before any role is assumed.
///
/// # Errors
/// When its credentials cannot be found.
pub(super) async fn open_itself(account: &Account) -> Result<Iam, Error> {
    let key = key(account)?;
    let key = key.as_ref().map(|(id, secret)| (id.as_str(), secret));
    Ok(Iam::open(&credentials(account, key, None)).await)
}

fn credentials<'a>(
    account: &'a Account,
    key: Option<(&'a str, &'a Secret)>,
    role: Option<&'a str>,
) -> Credentials<'a> {
    let access = &account.access;
    Credentials {
        profile: access.profile.as_deref(),
        key,
        role,
        external_id: access.external_id.as_deref(),
        // AWS's SDK does not look whether an address is public.
        endpoint: access.endpoint.as_deref().filter(|_| access.allow_private),
    }
}

/// The members of what `credential_process` programs of AWS's configuration write.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Process {
    access_key_id: String,
    secret_access_key: String,
}

/// The text of an account's access key, where it has one of its own.
///
/// # Errors
/// When its place cannot be read.
pub(super) fn secret(account: &Account) -> Result<Option<Secret>, Error> {
    match (&account.secret, &account.access.credential) {
        (Some(secret), _) => Ok(Some(secret.clone())),
        (None, Some(place)) => place.parse::<Reference>()?.resolve().map(Some),
        (None, None) => Ok(None),
    }
}

/// The access key of an account, where it has one of its own.
///
/// # Errors
/// When its place holds none.
pub(super) fn key(account: &Account) -> Result<Option<(String, Secret)>, Error> {
    let Some(secret) = secret(account)? else {
        return Ok(None);
    };
    let text = secret.expose();
    if let Ok(process) = serde_json::from_str::<Process>(text) {
        return Ok(Some((process.access_key_id, Secret::new(process.secret_access_key))));
    }
    let mut words = text.split(|one: char| one.is_whitespace() || one == ':' || one == ',');
    let mut words = words.by_ref().filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next()) {
        (Some(id), Some(secret), None) => Ok(Some((id.to_owned(), Secret::new(secret)))),
        _ => Err(Error::new(format!("the credential of `{}` is no access key", account.name))
            .hint(
                "it is the key's id, a space and its secret; or JSON with AccessKeyId and \
                   SecretAccessKey, as credential_process programs write it",
            )),
    }
}

/// When the report was made, if what it says of that can be true.
pub(super) fn reported_at(
    report: Option<&CredentialReport>,
    now: Time,
    warnings: &mut Warnings,
) -> Option<Time> {
    let made = report?.generated_at?;
    if now.since(made) > MAX_REPORT_AGE {
        warnings.note(format!(
            "the report says that it was made at {made}, which cannot be: AWS keeps one for 4 hours"
        ));
        return None;
    }
    Some(made)
}

/// Makes a call for each of `items`, a few at a time, and says how many are done.
pub(super) async fn each<T, R, F>(
    items: Vec<T>,
    call: impl Fn(T) -> F,
    mut done: impl FnMut(usize),
) -> Vec<R>
where
    F: Future<Output = R>,
{
    let mut results = Vec::with_capacity(items.len());
    let mut calls = stream::iter(items).map(call).buffer_unordered(MAX_CALLS_AT_ONCE);
    while let Some(result) = calls.next().await {
        results.push(result);
        done(results.len());
    }
    results
}

/// What to do about a failure at an account; `None` if nobody can say.
pub(super) fn account_hint(failure: &Failure, account: &Account) -> Option<String> {
    let access = &account.access;
    let Some(role) = access.role.as_ref().filter(|_| failure.is_shut_out()) else {
        return hint(failure, access.profile.as_deref());
    };
    let external_id = if access.external_id.is_some() { " with this external id" } else { "" };
    let mut hint = format!(
        "see that the role {role} exists, that its trust policy lets in whoever asks{external_id}, \
         and that these credentials may sts:AssumeRole it"
    );
    if account.parent_id.is_some() {
        hint.push_str(&format!(
            "; where the role has another name: keytender accounts remove {name}, and \
             keytender accounts add aws {name} --role ARN",
            name = account.name
        ));
    }
    Some(hint)
}

/// What to do about a failure; `None` if nobody can say.
pub(super) fn hint(failure: &Failure, profile: Option<&str>) -> Option<String> {
    Some(match &failure.reason {
        _ if failure.is_shut_out() => "see that the role exists, that its trust policy lets in \
                                       whoever asks, and that these credentials may \
                                       sts:AssumeRole it"
            .to_owned(),
        Reason::NoCredentials => match profile {
            Some(profile) => format!(
                "see that the profile `{profile}` exists, and sign in: aws sso login --profile {profile}"
            ),
            None => {
                "name a profile (aws:PROFILE), or set AWS_PROFILE or AWS_ACCESS_KEY_ID".to_owned()
            }
        },
        Reason::BadCredentials { .. } => {
            "sign in again, or see whether the key was disabled".to_owned()
        }
        Reason::Denied => "an auditor needs iam:GenerateCredentialReport, \
                           iam:GetCredentialReport and iam:ListAccessKeys (all in AWS's managed \
                           policy SecurityAudit)"
            .to_owned(),
        Reason::Throttled | Reason::ReportTooSlow => "try again later".to_owned(),
        Reason::Unreachable | Reason::TimedOut => {
            "see whether the network, a proxy or AWS_ENDPOINT_URL is in the way".to_owned()
        }
        Reason::NotFound | Reason::EndlessList | Reason::Other { .. } => return None,
    })
}
