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

mod accounts;
mod apis;
mod apps;
mod asset;
mod catalog;
mod chart;
mod codes;
mod cookie;
mod customers;
mod enter;
mod exposures;
mod form;
mod hints;
mod key;
mod key_words;
mod keys;
mod layout;
mod listed;
mod log;
mod made;
mod mailed;
mod me;
mod notices;
mod openid;
mod overview;
mod owners;
mod passkeys;
mod places;
mod policy;
mod portal;
mod refusal;
mod reports;
mod rotations;
mod session;
mod settings;
mod sign_in;
mod tasks;
mod users;
mod visit;
mod words;

pub(super) use refusal::as_page;

/// The pages, and whether whoever asks may see them.
pub(super) fn router(state: &State) -> Router<State> {
    let guarded = Router::new()
        .route("/", page(Scope::KeysRead, get(overview::page)))
        .merge(keys_routes())
        .merge(rotating())
        .route("/me", get(me::page))
        .route("/me/password", post(me::set_password))
        .route("/me/codes", post(codes::begin))
        .route("/me/codes/confirm", post(codes::confirm))
        .route("/me/codes/off", post(codes::turn_off))
        .route("/me/passkeys", post(passkeys::add))
        .route("/me/passkeys/options", post(passkeys::begin_adding))
        .route("/me/passkeys/{id}/remove", post(passkeys::remove))
        .route("/me/openid/{id}/remove", post(openid::remove))
        .route("/me/sessions/end", post(me::sign_out_everywhere))
        .route("/sign-out", post(me::sign_out))
        .merge(issuing())
        .merge(places())
        .merge(used())
        .merge(told())
        .merge(rules())
        .merge(doings())
        .merge(people())
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
        .merge(portal::router(state))
        .route("/no-hints/{secret}", get(hints::page).post(hints::refuse))
        .route("/no-hints/{secret}/again", post(hints::want))
        .route("/assets/console.css", get(asset::style))
        .route("/assets/console.js", get(asset::script))
        .route("/favicon.svg", get(asset::icon))
}

/// The list of keys, and each key.
fn keys_routes() -> Router<State> {
    let acts = get(key::act::plan).post(key::act::run);
    Router::new()
        .route("/keys", page(Scope::KeysRead, get(keys::list)))
        .route(
            "/exposures",
            page(Scope::KeysRead, get(exposures::page))
                .merge(page(Scope::KeysWrite, post(exposures::say))),
        )
        .route("/keys.csv", page(Scope::KeysRead, get(keys::csv)))
        .route("/keys.json", page(Scope::KeysRead, get(keys::json)))
        // What is done to the chosen ones says which scope it needs.
        .route("/keys/chosen", page(Scope::KeysRead, post(keys::bulk::chosen)))
        .route("/keys/{key}", page(Scope::KeysRead, get(key::page)))
        .route("/keys/{key}/acts/{act}", page(Scope::KeysAct, acts))
        .route("/keys/{key}/{part}", page(Scope::KeysWrite, post(key::say::say)))
}

/// The pages of how held keys are replaced, and of where they are used.
fn rotating() -> Router<State> {
    let act = |route| page(Scope::KeysAct, route);
    let place = |route| page(Scope::DestinationsWrite, route);
    Router::new()
        .route("/rotations", page(Scope::KeysRead, get(rotations::page)))
        .route("/rotations/{rotation}", page(Scope::KeysRead, get(rotations::one::page)))
        .route("/rotations/{rotation}/words", act(post(rotations::say::say)))
        .route("/rotations/{rotation}/secret", place(post(rotations::say::reveal)))
        .route("/keys/{key}/rotate", act(get(key::rotate::plan).post(key::rotate::choose)))
        .route("/keys/{key}/destinations", place(post(key::held::add)))
        .route("/keys/{key}/destinations/check", act(post(key::held::check)))
        .route("/keys/{key}/destinations/remove", place(post(key::held::remove)))
}

/// The pages of the keys that we issue.
fn issuing() -> Router<State> {
    let add = |route| page(Scope::AccountsWrite, route);
    let tend = |route| page(Scope::AppsWrite, route);
    let issue = |route| page(Scope::KeysIssue, route);
    let write = |route| page(Scope::ApisWrite, route);
    let admit = |route| page(Scope::AccountsAdmit, route);
    let revoke = get(key::revoke::ask_first).post(key::revoke::revoke);
    Router::new()
        .route("/apis", page(Scope::ApisRead, get(apis::list)).merge(write(post(apis::add))))
        .route(
            "/apis/{api}",
            page(Scope::ApisRead, get(apis::one::page)).merge(write(post(apis::one::change))),
        )
        .merge(told_in_the_name_of_apis())
        .route("/apis/{api}/accounts", add(post(apis::one::add_customer)))
        .route("/apis/{api}/portal", write(post(apis::portal::change)))
        .route("/apis/{api}/own-apps", write(post(apis::own::change)))
        .route("/apis/{api}/portal/preview", admit(post(apis::portal::preview)))
        .route("/accounts/{account}/portal", admit(post(customers::open_portal)))
        .route("/apis/{api}/remove", write(get(apis::one::ask_remove).post(apis::one::remove)))
        .route("/accounts/{account}/suspension", add(post(customers::suspend)))
        .route("/accounts/{account}/apps", tend(post(customers::add_app)))
        .route(
            "/apps/{app}",
            page(Scope::AppsRead, get(apps::one::page)).merge(tend(post(apps::one::change))),
        )
        .route("/apps/{app}/suspension", tend(post(apps::one::suspend)))
        .route("/apps/{app}/keys", issue(post(apps::make::create)))
        .route("/keys/{key}/rotations", issue(post(key::rotation::rotate)))
        .route("/keys/{key}/rotations/cancel", issue(post(key::rotation::cancel)))
        .route("/keys/{key}/rotations/finish", issue(post(key::rotation::finish)))
        .route("/keys/{key}/revocation", issue(revoke))
}

/// The pages of what the customers of our APIs are told.
fn told_in_the_name_of_apis() -> Router<State> {
    let write = |route| page(Scope::NoticesWrite, route);
    let see = get(apis::notices::page);
    Router::new()
        .route(
            "/apis/{api}/notices",
            page(Scope::ApisRead, page(Scope::NoticesRead, see))
                .merge(write(post(apis::notices::set))),
        )
        .route("/apis/{api}/notices/preview", write(post(apis::notices::preview)))
        .route("/apis/{api}/notices/start", write(post(apis::notices::start)))
        .route(
            "/apis/{api}/notices/stop",
            write(get(apis::notices::ask_stop).post(apis::notices::stop)),
        )
}

/// The pages of where keys are held, and of who answers for them.
fn places() -> Router<State> {
    let write = |route| page(Scope::AccountsWrite, route);
    let look = |route| page(Scope::AccountsSync, route);
    let own = |route| page(Scope::OwnersWrite, route);
    let remove = get(accounts::one::ask_remove).post(accounts::one::remove);
    let accept = get(owners::ask_accept).post(owners::accept);
    Router::new()
        .route(
            "/accounts",
            page(Scope::AccountsRead, get(accounts::list)).merge(write(post(accounts::add))),
        )
        .route("/accounts/{account}", page(Scope::AccountsRead, get(accounts::one::page)))
        .route("/accounts/{account}/contact", write(post(accounts::one::set_contact)))
        .route("/accounts/{account}/remove", write(remove))
        .route("/accounts/{account}/look", look(post(accounts::look::now)))
        .route("/accounts/{account}/check", look(post(accounts::look::check)))
        .route("/owners", page(Scope::OwnersRead, get(owners::list)).merge(own(post(owners::add))))
        .route("/owners/suggestions", own(page(Scope::KeysWrite, accept)))
        .route(
            "/owners/{owner}",
            page(Scope::OwnersRead, get(owners::one::page)).merge(own(post(owners::one::change))),
        )
        .route("/owners/{owner}/claims", own(post(owners::one::claim)))
        .route("/owners/{owner}/claims/remove", own(post(owners::one::disclaim)))
        .route(
            "/owners/{owner}/remove",
            own(get(owners::one::ask_remove).post(owners::one::remove)),
        )
}

/// The pages of the APIs that are used.
fn used() -> Router<State> {
    let read = |route| page(Scope::AccountsRead, route);
    let write = |route| page(Scope::AccountsWrite, route);
    let remove = get(catalog::ask_remove).post(catalog::remove);
    Router::new()
        .route("/catalog", read(get(catalog::list)).merge(write(post(catalog::import))))
        .route("/catalog/apis.json", read(get(catalog::export)))
        .route("/catalog/{entry}", read(get(catalog::page)))
        .route("/catalog/{entry}/discoveries", write(post(catalog::discover)))
        .route("/catalog/indexes/{index}/remove", write(remove))
}

/// The pages of who is told what, and by which ways.
fn told() -> Router<State> {
    let write = |route| page(Scope::NoticesWrite, route);
    let ways = |route| page(Scope::ChannelsWrite, route);
    let remove = get(notices::channels::ask_remove).post(notices::channels::remove);
    Router::new()
        .route("/notices", page(Scope::NoticesRead, get(notices::page)))
        .route("/notices/{notice}", page(Scope::NoticesRead, get(notices::one::page)))
        .route("/notices/{notice}/again", write(post(notices::one::again)))
        .route("/notices/contact", write(post(notices::set_contact)))
        .route("/notices/test", write(post(notices::test)))
        .route("/notices/run", write(post(notices::run)))
        .route("/notices/preview", write(post(notices::preview::page)))
        .route("/notices/start", write(post(notices::preview::start)))
        .route("/notices/stop", write(get(notices::preview::ask_stop).post(notices::preview::stop)))
        .route("/notices/channels", ways(post(notices::channels::add)))
        .route("/notices/channels/new", ways(get(notices::channels::new)))
        .route(
            "/notices/channels/{channel}",
            page(Scope::ChannelsRead, get(notices::channel::page)),
        )
        .route("/notices/channels/{channel}/events", ways(post(notices::channel::subscribe)))
        .route("/notices/channels/{channel}/test", ways(post(notices::channel::test)))
        .route("/notices/channels/{channel}/rotation", ways(post(notices::channel::rotate)))
        .route(
            "/notices/channels/{channel}/rotation/end",
            ways(post(notices::channel::end_rotation)),
        )
        .route("/notices/channels/{channel}/remove", ways(remove))
}

/// The pages of what keys are held against.
fn rules() -> Router<State> {
    let read = |route| page(Scope::PolicyRead, route);
    let write = |route| page(Scope::PolicyWrite, route);
    let default = get(policy::edit::ask_default).post(policy::edit::set_default);
    Router::new()
        .route("/policy", read(get(policy::page)))
        .route("/policy/edit", read(get(policy::edit::page)))
        .route("/policy/check", read(post(policy::edit::check)))
        .route("/policy/use", write(post(policy::edit::put)))
        .route("/policy/default", write(default))
}

/// The pages of what was found and done, and of what the server does.
fn doings() -> Router<State> {
    let report = |route| page(Scope::ReportsRead, route);
    Router::new()
        .route("/reports", report(get(reports::page)))
        .route("/reports/kept", page(Scope::TasksRun, post(reports::make)))
        .route("/reports/kept/{report}", report(get(reports::kept)))
        .route("/reports/schedule", page(Scope::PolicyWrite, post(reports::set_schedule)))
        .route("/reports/file", report(get(reports::download)))
        .route("/reports/changes", report(get(reports::changes)))
        .route("/tasks", page(Scope::TasksRead, get(tasks::page)))
        .route("/tasks/run", page(Scope::TasksRun, post(tasks::run)))
        .route("/log", page(Scope::LogRead, get(log::page)))
        .route("/log/verify", page(Scope::LogRead, post(log::verify)))
        .route("/settings", page(Scope::MetricsRead, get(settings::page)))
}

/// The pages of those who may use this installation.
fn people() -> Router<State> {
    let write = |route| page(Scope::UsersWrite, route);
    let revoke = get(users::tokens::ask_revoke).post(users::tokens::revoke);
    Router::new()
        .route("/users", page(Scope::UsersRead, get(users::list)).merge(write(post(users::add))))
        .route(
            "/users/{user}",
            page(Scope::UsersRead, get(users::one::page)).merge(write(post(users::one::change))),
        )
        .route("/users/{user}/suspension", write(post(users::one::suspend)))
        .route("/users/{user}/links", write(post(users::one::link)))
        .route("/users/{user}/sessions/end", write(post(users::one::sign_out)))
        .route("/users/{user}/remove", write(get(users::one::ask_remove).post(users::one::remove)))
        .route("/users/{user}/tokens", write(post(users::tokens::create)))
        .route(
            "/users/{user}/tokens/{key}/revoke",
            page(Scope::UsersRead, page(Scope::KeysAct, revoke)),
        )
}

/// A page that needs a scope.
fn page(scope: Scope, route: MethodRouter<State>) -> MethodRouter<State> {
    route.route_layer(from_fn_with_state(scope, session::needs))
}
