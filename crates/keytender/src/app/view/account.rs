//! Accounts, in JSON.

use std::collections::{BTreeMap, BTreeSet};

use keytender_core::access::Side;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::accounts::Checked;
use crate::store::accounts::{Access, Account, AccountKind};
use crate::store::syncs::Sync;

/// How an account is reached: names and places, never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessView {
    /// A profile of AWS's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Where the credential is, on the machine of the inventory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "env:PROD_KEY")]
    pub credential: Option<String>,
    /// A role to assume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What the role's owner asks for beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// What its descriptor asks for beside the credential, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// What takes the place of scheme, host and port of each of the descriptor's URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whether addresses that are not public may be reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// Whether it is asked by a descriptor that was given with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descriptor_given: bool,
    /// Whether such a descriptor may change something at the provider.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_writes: bool,
    /// The hosts that are reached, and no others.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<String>,
    /// Whether a credential is kept here for it, sealed.
    #[serde(default)]
    pub secret_kept: bool,
}

impl AccessView {
    fn of(access: &Access, secret_kept: bool) -> Self {
        let access = access.clone();
        Self {
            profile: access.profile,
            credential: access.credential,
            role: access.role,
            external_id: access.external_id,
            variables: access.variables,
            endpoint: access.endpoint,
            allow_private: access.allow_private,
            descriptor_given: access.descriptor.is_some(),
            allow_writes: access.allow_writes,
            hosts: access.hosts,
            secret_kept,
        }
    }
}

/// The last look at an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastSyncView {
    /// When it began.
    pub started_at: Time,
    /// When what it saw was so; null if it saw nothing.
    pub observed_at: Option<Time>,
    /// How many keys it saw.
    pub keys: u64,
    /// How many records it changed.
    pub changes: u64,
    /// Why it saw nothing.
    pub error: Option<String>,
    /// What was odd.
    pub warnings: Vec<String>,
}

/// Where keys are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// The id.
    #[schema(example = "acc_0dj2c8xk3v9q4")]
    pub id: String,
    /// What people call it here.
    pub name: String,
    /// Who runs the API that its keys are for.
    #[schema(example = "aws")]
    pub provider: String,
    /// What it is to us: `live` and `organization` are asked for their keys, of `manual` ones they are
    /// told by hand or by a file, and `own` is this installation's, whose keys are its tokens.
    pub kind: AccountKind,
    /// On which side its keys are.
    pub side: Side,
    /// The id of the organization through which it was found.
    pub parent: Option<String>,
    /// The name of that organization.
    pub organization: Option<String>,
    /// The provider's id of it, once known.
    pub account: Option<String>,
    /// The provider's name for it.
    pub alias: Option<String>,
    /// The mail address for its keys without an owner, as somebody told it here.
    pub contact: Option<String>,
    /// The mail address that the provider itself writes to about its security.
    pub security_contact: Option<String>,
    /// How it is reached.
    pub access: AccessView,
    /// Since when it is known.
    pub created_at: Time,
    /// How many keys it has that are not destroyed.
    pub keys: u64,
    /// How many of them are due.
    pub due: u64,
    /// The last look at it.
    pub last_sync: Option<LastSyncView>,
}

impl AccountView {
    /// The view of one of `accounts`, with so many keys, of which so many are due.
    pub fn of(
        account: &Account,
        accounts: &[Account],
        (keys, due): (u64, u64),
        sync: Option<&Sync>,
    ) -> Self {
        let parent = accounts.iter().find(|one| Some(one.id) == account.parent_id);
        Self {
            id: account.id.to_string(),
            name: account.name.clone(),
            provider: account.provider.clone(),
            kind: account.kind,
            side: account.kind.side(),
            parent: account.parent_id.map(|id| id.to_string()),
            organization: parent.map(|one| one.name.clone()),
            account: account.external_id.clone(),
            alias: account.alias.clone(),
            contact: account.contact.clone(),
            security_contact: account.security_contact.clone(),
            access: AccessView::of(&account.access, account.sealed.is_some()),
            created_at: account.created_at,
            keys,
            due,
            last_sync: sync.map(|sync| LastSyncView {
                started_at: sync.started_at,
                observed_at: sync.observed_at,
                keys: sync.keys,
                changes: sync.changes,
                error: sync.error.clone(),
                warnings: sync.warnings.clone(),
            }),
        }
    }
}

/// A page of accounts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccountList {
    /// The accounts, by name.
    pub accounts: Vec<AccountView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Something that Keytender may be allowed to do at an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AbilityView {
    /// The permission, in the provider's word.
    #[schema(example = "iam:ListUsers")]
    pub permission: String,
    /// What it is for.
    pub purpose: String,
    /// Whether a sync is impossible without it.
    pub needed: bool,
    /// Whether it is there; null where it cannot be tried without changing something.
    pub there: Option<bool>,
}

/// Who Keytender is at an account, and what it can do there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckView {
    /// Who.
    pub who: Option<String>,
    /// What it can do.
    pub abilities: Vec<AbilityView>,
    /// What follows.
    pub sentence: String,
}

impl CheckView {
    /// The view of what was found.
    pub fn of(checked: Checked) -> Self {
        let abilities = checked.abilities.into_iter().map(|ability| AbilityView {
            permission: ability.permission.into_owned(),
            purpose: ability.purpose.into_owned(),
            needed: ability.is_needed,
            there: ability.is_there,
        });
        let abilities = abilities.collect();
        Self { who: checked.who, abilities, sentence: checked.sentence }
    }
}
