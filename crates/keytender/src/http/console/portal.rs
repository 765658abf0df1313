//! The key page of an API's customers: what a customer sees and does by itself, in the API's own brand.
//!
//! It shares the parts of the console's pages and nothing of its sessions: a link of the provider opens it, for one
//! customer, and the inventory that its pages ask holds nothing else.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use keytender_core::access::Scope;

use super::page;
use crate::http::state::State;

mod apps;
mod cookie;
mod enter;
mod hint;
mod key;
mod layout;
mod list;
mod make;
mod rotation;
mod session;
mod stop;

/// Where the page is.
pub(super) const PATH: &str = "/portal";

/// The pages, and whether whoever asks may see them.
pub(super) fn router(state: &State) -> Router<State> {
    let write = |route| page(Scope::KeysWrite, route);
    let act = |route| page(Scope::KeysAct, route);
    let issue = |route| page(Scope::KeysIssue, route);
    let revoke = get(stop::ask_revoke).post(stop::revoke);
    let finish = get(stop::ask_finish).post(stop::finish);
    let cancel = get(stop::ask_cancel).post(stop::cancel);
    let within = Router::new()
        .route("/portal", page(Scope::KeysRead, get(list::page)))
        .route("/portal/apps", page(Scope::AppsWrite, post(apps::add)))
        .route("/portal/keys", issue(post(make::create)))
        .route("/portal/keys/{key}", page(Scope::KeysRead, get(key::page)))
        .route("/portal/keys/{key}/name", write(post(key::rename)))
        .route("/portal/keys/{key}/suspension", act(post(key::suspend)))
        .route("/portal/keys/{key}/rotations", issue(post(rotation::rotate)))
        .route("/portal/keys/{key}/rotations/finish", issue(finish))
        .route("/portal/keys/{key}/rotations/cancel", issue(cancel))
        .route("/portal/keys/{key}/revocation", issue(revoke))
        .route("/portal/report", page(Scope::ReportsRead, get(list::report)))
        .route("/portal/logo", page(Scope::KeysRead, get(enter::logo)))
        .route("/portal/leave", page(Scope::KeysRead, post(enter::leave)))
        .route("/portal/{*rest}", page(Scope::KeysRead, get(enter::nothing)))
        .route_layer(from_fn_with_state(state.clone(), session::visit));
    within.route("/portal/enter/{secret}", get(enter::enter))
}
