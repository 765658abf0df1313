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
mod layout;
mod mailed;
mod me;
mod openid;
mod overview;
mod passkeys;
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
        .route("/me", get(me::page))
        .route("/me/password", post(me::set_password))
        .route("/me/codes", post(codes::begin))
        .route("/me/codes/confirm", post(codes::confirm))
        .route("/me/codes/off", post(codes::turn_off))
        .route("/me/passkeys", post(passkeys::add))
        .route("/me/passkeys/options", post(passkeys::begin_adding))
        .route("/me/passkeys/{id}/remove", post(passkeys::remove))
        .route("/me/sessions/end", post(me::sign_out_everywhere))
        .route("/sign-out", post(me::sign_out))
        .route_layer(from_fn(session::only_signed));
    let open = Router::new()
        .route("/sign-in", get(sign_in::page).post(sign_in::by_password))
        .route("/sign-in/passkey", post(passkeys::enter))
        .route("/sign-in/passkey/options", post(passkeys::begin_entering))
        .route("/sign-in/openid", get(openid::begin))
        .route("/sign-in/openid/back", get(openid::back))
        .route("/sign-in/code", post(codes::enter))
        .route("/mail/{secret}/{key}", get(mailed::page).post(mailed::enter))
        .route("/mail/{secret}/{key}/again", post(mailed::again))
        .route("/enter/{secret}", get(enter::page).post(enter::enter));
    guarded
        .merge(open)
        .route_layer(from_fn_with_state(state.clone(), session::visit))
        .route("/assets/console.css", get(asset::style))
        .route("/assets/console.js", get(asset::script))
        .route("/favicon.svg", get(asset::icon))
}

/// A page that needs a scope.
fn page(scope: Scope, route: MethodRouter<State>) -> MethodRouter<State> {
    route.route_layer(from_fn_with_state(scope, session::needs))
}
