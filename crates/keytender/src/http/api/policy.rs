//! `/v1/policy`: the rules that keys are held against.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::evaluate::{self, Evaluated};
use crate::app::inventory::Inventory;
use crate::app::policy;
use crate::app::view::{PolicyCheckView, PolicyView};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::extract::Body;
use crate::http::problem::Refusal;

/// A policy, as its text.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PolicyText {
    /// The policy, in TOML.
    #[schema(max_length = 1_000_000)]
    text: String,
}

/// Read the policy
#[utoipa::path(get, path = "/v1/policy", tag = "policy",
    responses((status = 200, body = PolicyView, description = "The policy")),
    security(("token" = ["policy:read"])))]
pub(in crate::http) async fn get(inventory: Inventory) -> Result<Tagged<PolicyView>, Refusal> {
    Ok(Tagged(evaluate::policy_view(&inventory).await?))
}

/// Use another policy
///
/// Every key is held against it at once; the answer says how many stand differently.
#[utoipa::path(put, path = "/v1/policy", tag = "policy", request_body = PolicyText,
    params(("If-Match" = Option<String>, Header, description = "The ETag of the policy that it replaces")),
    responses((status = 200, body = Evaluated, description = "What it changed")),
    security(("token" = ["policy:write"])))]
pub(in crate::http) async fn put(
    inventory: Inventory,
    version: IfMatch,
    Body(policy): Body<PolicyText>,
) -> Result<Tagged<Evaluated>, Refusal> {
    let allows = |now: &PolicyView| version.check(now);
    Ok(Tagged(evaluate::use_policy(&inventory, Some(&policy.text), allows).await?))
}

/// Use the default policy again
#[utoipa::path(delete, path = "/v1/policy", tag = "policy",
    params(("If-Match" = Option<String>, Header, description = "The ETag of the policy that it replaces")),
    responses((status = 200, body = Evaluated, description = "What it changed")),
    security(("token" = ["policy:write"])))]
pub(in crate::http) async fn remove(
    inventory: Inventory,
    version: IfMatch,
) -> Result<Tagged<Evaluated>, Refusal> {
    let allows = |now: &PolicyView| version.check(now);
    Ok(Tagged(evaluate::use_policy(&inventory, None, allows).await?))
}

/// Check a policy without using it
///
/// The answer says what is in it, and how many keys would be due. A mistake is told with its line and
/// column.
#[utoipa::path(post, path = "/v1/policy-checks", tag = "policy", request_body = PolicyText,
    responses((status = 200, body = PolicyCheckView, description = "What is in it")),
    security(("token" = ["policy:read"])))]
pub(in crate::http) async fn check(
    inventory: Inventory,
    Body(policy): Body<PolicyText>,
) -> Result<Tagged<PolicyCheckView>, Refusal> {
    Ok(Tagged(policy::check(&inventory, &policy.text).await?))
}
