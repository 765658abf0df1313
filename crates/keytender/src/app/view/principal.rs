//! Principals, in JSON.

use std::collections::BTreeMap;

use keytender_core::key::PrincipalKind;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LastUseView;
use crate::store::principals::Seen;

/// Who keys act for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalView {
    /// Keytender's id.
    #[schema(example = "pri_0dj2c8xk3v9q4")]
    pub id: String,
    /// Who issues the keys.
    pub provider: String,
    /// The provider's id of the account, if it is known.
    pub account: Option<String>,
    /// What people call the account here.
    pub account_name: String,
    /// The name; `<root_account>` for the root of an AWS account.
    pub name: String,
    /// What kind of principal it is.
    pub kind: PrincipalKind,
    /// Whether it can sign in with a password; null if the provider does not say.
    pub has_password: Option<bool>,
    /// When the password was last used; null if there is none.
    pub password_last_used: Option<LastUseView>,
    /// Whether a second factor is asked for at sign-in; null if the provider does not say.
    pub mfa: Option<bool>,
    /// Whether it may do everything in its account: it is root, or AWS's policy AdministratorAccess
    /// applies to it, by itself or by a group. Null where that is not known.
    pub is_admin: Option<bool>,
    /// The provider's tags; null where they were not read.
    pub tags: Option<BTreeMap<String, String>>,
    /// The latest use of its password and of its keys that is known.
    pub last_active: Option<Time>,
    /// How many keys it has that are not destroyed.
    pub keys: u64,
    /// Since when it is known.
    pub first_seen_at: Time,
    /// The first listing that did not show it any more.
    pub gone_at: Option<Time>,
}

/// A page of principals.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PrincipalList {
    /// The principals; those of an account stand together, by name.
    pub principals: Vec<PrincipalView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl PrincipalView {
    /// The view of a principal.
    pub fn of(seen: &Seen) -> Self {
        let record = &seen.record;
        let principal = &record.principal;
        let password = principal.password_last_used.as_ref();
        let password_at = password.and_then(keytender_core::key::LastUse::used_at);
        Self {
            id: record.id.to_string(),
            provider: principal.provider.as_ref().to_owned(),
            account: Some(principal.account.as_ref().to_owned()).filter(|id| !id.is_empty()),
            account_name: seen.account_name.clone(),
            name: principal.name.as_ref().to_owned(),
            kind: principal.kind,
            has_password: principal.has_password,
            password_last_used: password.map(LastUseView::of),
            mfa: principal.mfa,
            is_admin: record.is_admin,
            tags: record.tags.as_ref().map(|(tags, _)| tags.clone()),
            last_active: password_at.max(seen.last_use_at),
            keys: seen.keys,
            first_seen_at: record.first_seen_at,
            gone_at: record.gone_at,
        }
    }
}
