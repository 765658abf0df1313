//! The console: pages for people, at the same server as the API.
//!
//! Pages are made here and work without a script; forms are posted, and each carries a proof that it
//! came from a page of ours. What a page shows and does goes through the same use cases as the API, with
//! the same scopes.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};
use keytender_core::access::Scope;

use super::state::State;

mod asset;
mod chart;
mod codes;
mod cookie;
mod enter;
mod key;
mod key_words;
mod keys;
mod layout;
mod me;
mod overview;
mod refusal;
mod session;
mod sign_in;
mod visit;
mod words;

pub(super) use refusal::as_page;

/// The pages, and whether whoever asks may see them.
pub(super) fn router(state: &State) -> Router<State> {
    let guarded = Router::new()
        .route("/", page(Scope::KeysRead, get(overview::page)))
        .merge(keys_routes())
        .route("/me", get(me::page))
        .route("/me/password", post(me::set_password))
        .route("/me/codes", post(codes::begin))
        .route("/me/codes/confirm", post(codes::confirm))
        .route("/me/codes/off", post(codes::turn_off))
        .route("/me/sessions/end", post(me::sign_out_everywhere))
        .route("/sign-out", post(me::sign_out))
        .route_layer(from_fn(session::only_signed));
    let open = Router::new()
        .route("/sign-in", get(sign_in::page).post(sign_in::by_password))
        .route("/sign-in/code", post(codes::enter))
        .route("/enter/{secret}", get(enter::page).post(enter::enter));
    guarded
        .merge(open)
        .route_layer(from_fn_with_state(state.clone(), session::visit))
        .route("/assets/console.css", get(asset::style))
        .route("/assets/console.js", get(asset::script))
        .route("/favicon.svg", get(asset::icon))
}

/// The list of keys, and each key.
fn keys_routes() -> Router<State> {
    let acts = get(key::act::plan).post(key::act::run);
    Router::new()
        .route("/keys", page(Scope::KeysRead, get(keys::list)))
        .route("/keys.csv", page(Scope::KeysRead, get(keys::csv)))
        .route("/keys.json", page(Scope::KeysRead, get(keys::json)))
        // What is done to the chosen ones says which scope it needs.
        .route("/keys/chosen", page(Scope::KeysRead, post(keys::bulk::chosen)))
        .route("/keys/{key}", page(Scope::KeysRead, get(key::page)))
        .route("/keys/{key}/acts/{act}", page(Scope::KeysAct, acts))
        .route("/keys/{key}/{part}", page(Scope::KeysWrite, post(key::say::say)))
}

/// A page that needs a scope.
fn page(scope: Scope, route: MethodRouter<State>) -> MethodRouter<State> {
    route.route_layer(from_fn_with_state(scope, session::needs))
}
