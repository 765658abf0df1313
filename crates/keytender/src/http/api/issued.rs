//! What is done to keys of our own APIs: rotated, revoked.

use axum::extract::State as Extract;
use axum::http::StatusCode;
use keytender_core::time::{Span, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::{Reason, Why};
use super::apps::{NewKey, new_key};
use crate::app::inventory::Inventory;
use crate::app::issued::{self, Activation, NewRotation};
use crate::app::view::{NewKeyView, RevocationView, RotationView, UsageView};
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Path, Query};
use crate::http::problem::Refusal;
use crate::http::state::State;

/// How a key is rotated.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RotationBody {
    /// How long both keys work, from the activation of the new one; as its API says if it is absent.
    overlap: Option<Span>,
    /// What activates the new key.
    #[serde(default)]
    activation: Activation,
    /// When the new key ends; as its API says if nothing is said, never if it is null.
    #[serde(default, with = "crate::app::view::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Time>)]
    expires_at: Option<Option<Time>>,
    /// Why, for the log.
    #[schema(max_length = 500)]
    because: Option<String>,
}

/// How a key is ended.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RevocationBody {
    /// Whether somebody else may know it.
    #[serde(default)]
    compromised: bool,
    /// Until when the answer waits; for this server alone if nothing is said.
    #[serde(default)]
    wait: Wait,
    /// Why.
    #[schema(max_length = 500)]
    because: Option<String>,
}

/// Until when the answer to a revocation waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum Wait {
    /// Until the server that was asked refuses the key.
    #[default]
    Here,
    /// Until every verifier that is alive refuses it, or its lease has ended; ten seconds at most.
    Enforced,
}

/// Rotate a key
///
/// Makes a successor with the same rights; its secret is in this answer and nowhere else. Both work during
/// the overlap, which begins with the first use of the new one, or at once. A second rotation cancels one
/// that was not activated.
#[utoipa::path(post, path = "/v1/keys/{key}/rotations", tag = "apis", request_body = RotationBody,
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label")),
    responses((status = 201, body = NewKeyView, description = "The new key",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["keys:issue"]), ("customer_token" = ["keys:issue"])))]
pub(in crate::http) async fn rotate(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(asked): Body<RotationBody>,
) -> Result<NewKey, Refusal> {
    let new = NewRotation {
        overlap: asked.overlap,
        activation: asked.activation,
        expires_at: asked.expires_at,
        why: asked.because,
    };
    Ok(new_key(&issued::rotate(&inventory, &word, new).await?))
}

/// Read a key's rotation
///
/// The two keys, and how far it has come: whichever of the two is named.
#[utoipa::path(get, path = "/v1/keys/{key}/rotations", tag = "apis",
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label")),
    responses((status = 200, body = RotationView, description = "The rotation")),
    security(("token" = ["keys:read"]), ("customer_token" = ["keys:read"])))]
pub(in crate::http) async fn rotation(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<RotationView>, Refusal> {
    Ok(Tagged(issued::rotation_view(&inventory, &word).await?))
}

/// Cancel a key's rotation
///
/// The key before works on as it did, the one after ends.
#[utoipa::path(delete, path = "/v1/keys/{key}/rotations", tag = "apis",
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label"), Why),
    responses((status = 204, description = "It is cancelled")),
    security(("token" = ["keys:issue"]), ("customer_token" = ["keys:issue"])))]
pub(in crate::http) async fn cancel(
    inventory: Inventory,
    Path(word): Path<String>,
    Query(why): Query<Why>,
) -> Result<StatusCode, Refusal> {
    issued::cancel(&inventory, &word, why.because.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Finish a key's rotation
///
/// Ends the overlap now: only the key after works from here on.
#[utoipa::path(post, path = "/v1/keys/{key}/rotations/completion", tag = "apis", request_body = Reason,
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label")),
    responses((status = 200, body = RotationView, description = "The rotation as it is now")),
    security(("token" = ["keys:issue"]), ("customer_token" = ["keys:issue"])))]
pub(in crate::http) async fn finish(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(reason): Body<Reason>,
) -> Result<Tagged<RotationView>, Refusal> {
    issued::finish(&inventory, &word, reason.because.as_deref()).await?;
    rotation(inventory, Path(word)).await
}

/// Read how a key is used
///
/// How often, when, where and by what: as verifiers have counted it, to about a second.
#[utoipa::path(get, path = "/v1/keys/{key}/usage", tag = "apis",
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label")),
    responses((status = 200, body = UsageView, description = "How it is used")),
    security(("token" = ["keys:read"]), ("customer_token" = ["keys:read"])))]
pub(in crate::http) async fn usage(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<UsageView>, Refusal> {
    Ok(Tagged(issued::usage(&inventory, &word).await?))
}

/// Revoke a key
///
/// It ends for good; one that has ended already stays as it is. The server that answers refuses the key
/// already; with `wait` so does every other verifier that is alive, and `enforced_at` says since when.
#[utoipa::path(post, path = "/v1/keys/{key}/revocation", tag = "apis", request_body = RevocationBody,
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label")),
    responses((status = 200, body = RevocationView, description = "What became of it")),
    security(("token" = ["keys:issue"]), ("customer_token" = ["keys:issue"])))]
pub(in crate::http) async fn revoke(
    Extract(state): Extract<State>,
    inventory: Inventory,
    Path(word): Path<String>,
    Body(asked): Body<RevocationBody>,
) -> Result<axum::Json<RevocationView>, Refusal> {
    let because = asked.because.as_deref();
    let done = issued::revoke(&inventory, &word, asked.compromised, because).await?;
    state.node.follow().await?;
    let (enforced_at, not_proven) = match asked.wait {
        Wait::Here => (None, Vec::new()),
        Wait::Enforced => {
            state.node.wake();
            state.node.proof(done.api_id, done.seq).await?
        }
    };
    Ok(axum::Json(RevocationView { key: done.key_id.to_string(), enforced_at, not_proven }))
}
