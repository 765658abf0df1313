//! `/v1/accounts`: where keys are held, and bringing the inventory up to date with them.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use keytender_core::id::SyncId;
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::owners::{Made, Paging, made};
use crate::app::accounts::{self, NewAccount};
use crate::app::channels::SecretSource;
use crate::app::inventory::Inventory;
use crate::app::sync;
use crate::app::view::{AccountList, AccountView, CheckView, SyncList, SyncView, SyncedView};
use crate::error::Error;
use crate::http::etag::{IfMatch, Tagged};
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;
use crate::store::accounts::Access;

/// An account to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewAccountBody {
    /// Who runs the API that its keys are for. `aws` is asked for its keys, and so is each of
    /// `/v1/providers` with a `secret`; of any other they are told by hand.
    #[schema(min_length = 1, max_length = 100, example = "aws")]
    provider: String,
    /// What to call it here: letters, digits, and - _ . @
    #[schema(min_length = 1, max_length = 100, example = "prod")]
    name: String,
    /// Whether it speaks for an organization of AWS whose members are watched too.
    #[serde(default)]
    organization: bool,
    /// A profile of AWS's configuration on the server's machine.
    #[schema(min_length = 1, max_length = 2048)]
    profile: Option<String>,
    /// A role to assume, by its ARN; of an organization the name that it has in each member.
    #[schema(
        min_length = 1,
        max_length = 2048,
        example = "arn:aws:iam::123456789012:role/auditor"
    )]
    role: Option<String>,
    /// What the role's owner asks for beside.
    #[schema(min_length = 1, max_length = 2048)]
    external_id: Option<String>,
    /// A mail address for its keys without an owner.
    #[schema(max_length = 254, example = "security@example.com")]
    contact: Option<String>,
    /// What the provider asks for beside the credential, by name: a host, an organization.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// A credential that reaches it. Of AWS an access key: its id, a space and its secret; or JSON with
    /// `AccessKeyId` and `SecretAccessKey`. Of others as the provider's `authentication` says: one text,
    /// or its parts with a space between two. It is kept sealed, and nobody gets it back.
    #[serde(default, deserialize_with = "crate::app::view::write_only::deserialize")]
    #[schema(value_type = Option<String>, write_only, max_length = 4096)]
    secret: Option<Secret>,
}

/// What is to change of an account; what is absent stays, what is null is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AccountChange {
    /// Another mail address for its keys without an owner.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<String>, max_length = 254)]
    contact: Option<Option<String>>,
    /// Another credential that reaches it, in the place of the one before; as when an account is added.
    #[serde(default, deserialize_with = "crate::app::view::write_only::deserialize")]
    #[schema(value_type = Option<String>, write_only, max_length = 4096)]
    secret: Option<Secret>,
}

/// What came of a comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ComparisonView {
    /// Whether both are the same.
    is_same: bool,
}

/// A credential that is to be compared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Credential {
    /// The whole of it.
    #[serde(deserialize_with = "crate::app::view::write_only::deserialize")]
    #[schema(value_type = String, write_only, max_length = 4096)]
    secret: Option<Secret>,
}

/// List accounts
///
/// By name, with how many keys each has and how the last look at it went.
#[utoipa::path(get, path = "/v1/accounts", tag = "accounts", params(Paging),
    responses((status = 200, body = AccountList, description = "A page of accounts")),
    security(("token" = ["accounts:read"]), ("customer_token" = ["accounts:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(paging): Query<Paging>,
) -> Result<Tagged<AccountList>, Refusal> {
    let all = accounts::list(&inventory).await?;
    let (accounts, next) =
        page::slice(all, paging.limit, paging.after.as_deref(), |one| one.name.clone())?;
    Ok(Tagged(AccountList { accounts, next }))
}

/// Add an account
///
/// Nothing is asked of it yet. Without `profile` and `secret` it is reached with the credentials that
/// AWS's own tools would use on the server's machine.
#[utoipa::path(post, path = "/v1/accounts", tag = "accounts", request_body = NewAccountBody,
    responses((status = 201, body = AccountView, description = "The account",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn add(
    inventory: Inventory,
    Body(new): Body<NewAccountBody>,
) -> Result<Made<AccountView>, Refusal> {
    let new = NewAccount {
        kind: accounts::kind_of(&new.provider, new.organization, new.secret.is_some())?,
        provider: new.provider,
        name: new.name,
        access: Access {
            profile: new.profile,
            credential: None,
            role: new.role,
            external_id: new.external_id,
            variables: new.variables,
            ..Access::default()
        },
        contact: new.contact,
        secret: new.secret,
    };
    let account = accounts::add(&inventory, new).await?;
    let id = account.id.to_string();
    Ok(made(format!("/v1/accounts/{id}"), accounts::view(&inventory, &id).await?))
}

/// Read an account
#[utoipa::path(get, path = "/v1/accounts/{account}", tag = "accounts",
    params(("account" = String, Path, description = "The id or the name")),
    responses((status = 200, body = AccountView, description = "The account")),
    security(("token" = ["accounts:read"]), ("customer_token" = ["accounts:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<AccountView>, Refusal> {
    Ok(Tagged(accounts::view(&inventory, &word).await?))
}

/// Change an account
#[utoipa::path(patch, path = "/v1/accounts/{account}", tag = "accounts",
    request_body = AccountChange,
    params(("account" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = AccountView, description = "The account as it is now")),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn set(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
    Body(change): Body<AccountChange>,
) -> Result<Tagged<AccountView>, Refusal> {
    version.check(&accounts::view(&inventory, &word).await?)?;
    let is_first = change.secret.is_none();
    if let Some(secret) = change.secret {
        let allows = |now: &AccountView| version.check(now);
        let secret = SecretSource::Keep(secret);
        accounts::set_credential(&inventory, &word, secret, allows).await?;
    }
    if let Some(contact) = change.contact {
        // What was changed just now is another version.
        let allows = |now: &AccountView| if is_first { version.check(now) } else { Ok(()) };
        accounts::set_contact(&inventory, &word, contact.as_deref(), allows).await?;
    }
    Ok(Tagged(accounts::view(&inventory, &word).await?))
}

/// Compare a credential
///
/// Whether it is the one that is kept for the account: for whoever replaced it, and could not read it back otherwise.
#[utoipa::path(post, path = "/v1/accounts/{account}/credential-comparisons", tag = "accounts",
    request_body = Credential,
    params(("account" = String, Path, description = "The id or the name")),
    responses((status = 200, body = ComparisonView, description = "Whether it is the same")),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn compare(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(credential): Body<Credential>,
) -> Result<axum::Json<ComparisonView>, Refusal> {
    let secret = credential.secret.unwrap_or_else(|| Secret::new(""));
    let is_same = accounts::is_credential(&inventory, &word, &secret).await?;
    Ok(axum::Json(ComparisonView { is_same }))
}

/// Forget an account
///
/// With what is known of its keys; with an organization go the members that were found through it.
/// Nothing happens at the provider, and the log keeps that they were there.
#[utoipa::path(delete, path = "/v1/accounts/{account}", tag = "accounts",
    params(("account" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 204, description = "It is gone")),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn remove(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
) -> Result<StatusCode, Refusal> {
    accounts::remove(&inventory, &word, |now| version.check(now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Check what can be done at an account
///
/// Asks it who we are there, and tries each permission that changes nothing.
#[utoipa::path(post, path = "/v1/accounts/{account}/checks", tag = "accounts",
    params(("account" = String, Path, description = "The id or the name")),
    responses((status = 200, body = CheckView, description = "What was found"),
              (status = 502, body = crate::http::problem::Problem,
               description = "The provider does not answer, or not to us",
               content_type = "application/problem+json")),
    security(("token" = ["accounts:sync"])))]
pub(in crate::http) async fn check(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<axum::Json<CheckView>, Refusal> {
    Ok(axum::Json(accounts::check_seen(&inventory, &word).await?))
}

/// List the looks at an account
///
/// The newest first.
#[utoipa::path(get, path = "/v1/accounts/{account}/syncs", tag = "accounts",
    params(("account" = String, Path, description = "The id or the name"), Paging),
    responses((status = 200, body = SyncList, description = "A page of looks")),
    security(("token" = ["accounts:read"])))]
pub(in crate::http) async fn syncs(
    inventory: Inventory,
    Path(word): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Tagged<SyncList>, Refusal> {
    let limit = page::limit(paging.limit)?;
    let after: Option<(Time, String)> = paging.after.as_deref().map(page::place).transpose()?;
    let after = match after {
        Some((at, id)) => Some((at, id.parse::<SyncId>().map_err(|_| page::bad_cursor())?)),
        None => None,
    };
    let place = |one: &SyncView| (one.started_at, one.id.clone());
    let read = async |limit| accounts::syncs(&inventory, &word, limit, after).await;
    let (syncs, next) = page::keyset(limit, place, read).await?;
    Ok(Tagged(SyncList { syncs, next }))
}

/// Look at an account now
///
/// Brings what is known of its keys up to date, and with an organization its members. A look that
/// fails is remembered and answered too: `error` says why.
#[utoipa::path(post, path = "/v1/accounts/{account}/syncs", tag = "accounts",
    params(("account" = String, Path, description = "The id or the name")),
    responses((status = 200, body = SyncedView, description = "What it came to")),
    security(("token" = ["accounts:sync"])))]
pub(in crate::http) async fn sync(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<axum::Json<SyncedView>, Refusal> {
    let looks = sync::looks(&inventory, std::slice::from_ref(&word), &|_, _| {}).await?;
    let mut looks = looks.unwrap_or_default().into_iter();
    let Some(first) = looks.next() else {
        return Err(Error::new(format!("`{word}` is not asked for its keys"))
            .hint("they are told by hand: keytender keys add")
            .into());
    };
    Ok(axum::Json(SyncedView { members: looks.collect(), ..first }))
}
