//! Whether keys of our own APIs are good: asked one by one by gateways, in batches by programs, and by
//! whoever holds a key of it itself.
//!
//! These routes stand apart: nothing of them asks the database, but for the first use of a key of which only a salted hash
//! is kept; and no line of the log is written for each.
//! Strangers get one answer, whatever is wrong with what they show; who holds a key that was right once is
//! told what became of it.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use keytender_verify::{Now, Request as Asked, Verdict};
use metrics::{Counter, counter};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::State;
use crate::app::inventory::Inventory;
use crate::app::node::Node;

/// How many keys were good: looked up once, for most are.
static ACCEPTED: LazyLock<Counter> = LazyLock::new(|| verdicts("accepted"));

pub(super) mod answer;
pub(super) mod batch;
pub(super) mod feed;
pub(super) mod forward;
pub(super) mod gateway;
pub(super) mod own;

/// The operations, for the document.
pub(super) fn documented() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(forward::get))
        .routes(routes!(batch::verify))
        .routes(routes!(own::get))
        .routes(routes!(own::r#use))
}

/// What is answered to whoever shows a token with the scope `keys:verify`, and to holders of keys.
pub(super) fn router(state: &State) -> Router<State> {
    let gateways = Router::new()
        .route(forward::PATH, any(forward::get))
        // Envoy appends the path that is asked for.
        .route("/v1/forward-auth/{*path}", any(forward::get))
        .route(batch::PATH, axum::routing::post(batch::verify))
        .route_layer(from_fn_with_state(state.clone(), gateway::guard));
    let own = Router::new()
        .route(own::PATH, axum::routing::get(own::get))
        .route(own::USES, axum::routing::post(own::r#use));
    gateways.merge(own)
}

/// What is answered on a Unix socket: whoever may open it may ask.
pub(super) fn local_router(state: State) -> Router {
    Router::new()
        .route(forward::PATH, any(forward::get))
        .route("/v1/forward-auth/{*path}", any(forward::get))
        .route(batch::PATH, axum::routing::post(batch::verify))
        .route(own::PATH, axum::routing::get(own::get))
        .route(own::USES, axum::routing::post(own::r#use))
        .with_state(state)
}

/// Says whether a key is good for a request; counts it, and has a pending key activated.
async fn verify(state: &State, token: &str, asked: &Asked<'_>, now: Now) -> Verdict {
    let verdict = state.node.verify_any(token, asked, now).await;
    match &verdict {
        Verdict::Accepted(_) => ACCEPTED.increment(1),
        Verdict::Refused(reason) => verdicts(reason.as_str()).increment(1),
    }
    if let Verdict::Accepted(accepted) = &verdict
        && accepted.activates
    {
        activate(state, accepted.key, now);
    }
    verdict
}

fn verdicts(word: &'static str) -> Counter {
    counter!("keytender_verifications_total", "verdict" => word)
}

/// Has a pending key activated in the database, once at a time.
fn activate(state: &State, key: keytender_core::id::KeyId, now: Now) {
    let node: Arc<Node> = Arc::clone(&state.node);
    if !node.begin_activation(key) {
        return;
    }
    let inventory = Inventory::of_node(state.store.clone(), state.location.clone(), now.time);
    tokio::spawn(async move {
        let done = crate::app::issued::activate(&inventory, key, now.time).await;
        if let Err(error) = done {
            tracing::error!(cause = %error.report(), "a key that is in use is not activated yet");
        } else if let Err(error) = node.follow().await {
            tracing::error!(cause = %error.report(), "changes of keys cannot be read");
        }
        node.end_activation(key);
    });
}
