//! The one table of routes, and what stands around each request.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutBody;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{Problem, Refusal};
use super::state::State;
use super::{
    api, auth, console, door, etag, guides, health, idempotency, observe, openapi, published,
    verify,
};

/// The largest body, in bytes: a file of 100,000 keys to import has some 10 MiB.
pub(super) const MAX_BODY: usize = 32 * 1024 * 1024;
/// How long a request may take. Some ask a provider, which may throttle us.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(600);
/// How many requests are worked on at once; further ones wait their turn within their time.
const MAX_REQUESTS: usize = 512;

/// The longest pause within a body.
const BODY_PAUSE: Duration = Duration::from_secs(30);

/// The refusal of a body that is too large.
pub(super) fn too_large() -> Problem {
    let mebibytes = MAX_BODY / (1024 * 1024);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {mebibytes} MiB"))
}

/// What whoever shows a good token reaches. Each operation says which scope it needs.
pub(super) fn guarded() -> OpenApiRouter<State> {
    keys()
        .merge(rotations())
        .merge(issuing())
        .merge(apps())
        .merge(endings())
        .merge(places())
        .merge(used())
        .merge(notices())
        .merge(channels())
        .merge(rules())
        .merge(people())
        .merge(doings())
}

/// Where keys are held, and who answers for them.
fn places() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::accounts::list, api::accounts::add))
        .routes(routes!(api::accounts::get, api::accounts::set, api::accounts::remove))
        .routes(routes!(api::accounts::check))
        .routes(routes!(api::accounts::compare))
        .routes(routes!(api::accounts::syncs, api::accounts::sync))
        .routes(routes!(api::providers::list))
        .routes(routes!(api::providers::get))
        .routes(routes!(api::owners::list, api::owners::add))
        .routes(routes!(api::owners::get, api::owners::set, api::owners::remove))
        .routes(routes!(api::owners::claim, api::owners::disclaim))
}

/// The APIs that are used.
fn used() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::catalog::list))
        .routes(routes!(api::catalog::get))
        .routes(routes!(api::catalog::discover))
        .routes(routes!(api::catalog::indexes))
        .routes(routes!(api::catalog::remove))
        .routes(routes!(api::catalog::import))
        .routes(routes!(api::catalog::export))
        .routes(routes!(api::catalog::check))
}

/// Our own APIs, and the keys that we issue for them.
fn issuing() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::apis::list, api::apis::add))
        .routes(routes!(api::apis::get, api::apis::set, api::apis::remove))
        .routes(routes!(api::apis::customers, api::apis::add_customer))
        .routes(routes!(api::apis::leak_rules))
        .routes(routes!(api::apis::suspend, api::apis::resume))
        .routes(routes!(api::apis::link_portal))
        .routes(routes!(api::key_imports::import, api::key_imports::recognisers))
        .routes(routes!(api::key_imports::renew))
}

/// The apps of our customers, and the keys that are made for them.
fn apps() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::apps::list))
        .routes(routes!(api::apps::add))
        .routes(routes!(api::apps::get, api::apps::set, api::apps::remove))
        .routes(routes!(api::apps::create_key))
}

/// What becomes of keys that we issued, and who verifies them elsewhere.
fn endings() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::issued::rotate, api::issued::rotation, api::issued::cancel))
        .routes(routes!(api::issued::finish))
        .routes(routes!(api::issued::usage))
        .routes(routes!(verify::feed::snapshot))
        .routes(routes!(verify::feed::changes))
        .routes(routes!(verify::feed::lease, verify::feed::leave))
        .routes(routes!(verify::feed::usage))
        .routes(routes!(api::issued::revoke))
}

/// Who is told, how, and what was told.
fn notices() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::notices::list))
        .routes(routes!(api::notices::get))
        .routes(routes!(api::notices::send_again))
        .routes(routes!(api::notices::settings, api::notices::set))
        .routes(routes!(api::notices::preview))
        .routes(routes!(api::notices::api_settings, api::notices::set_api))
        .routes(routes!(api::notices::preview_api))
        .routes(routes!(api::notices::customer_settings, api::notices::set_customer))
        .routes(routes!(api::notices::run))
        .routes(routes!(api::notices::test))
}

/// By which ways they are told.
fn channels() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::channels::list, api::channels::add))
        .routes(routes!(api::channels::get, api::channels::subscribe, api::channels::remove))
        .routes(routes!(api::channels::test))
        .routes(routes!(api::channels::rotate, api::channels::end_rotation))
}

/// What keys are held against, and what comes of it.
fn rules() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::policy::get, api::policy::put, api::policy::remove))
        .routes(routes!(api::policy::check))
        .routes(routes!(api::reports::list, api::reports::make))
        .routes(routes!(api::reports::get_kept))
        .routes(routes!(api::reports::set_schedule))
        .routes(routes!(api::reports::get))
        .routes(routes!(api::reports::compare))
}

/// Who may ask all this.
fn people() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::me::get))
        .routes(routes!(api::users::list, api::users::add))
        .routes(routes!(api::users::get, api::users::set, api::users::remove))
        .routes(routes!(api::users::link))
        .routes(routes!(api::tokens::list))
        .routes(routes!(api::tokens::create))
        .routes(routes!(api::tokens::create_for_customer))
}

/// What was done, and what the server does.
fn doings() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::tasks::list))
        .routes(routes!(api::tasks::run))
        .routes(routes!(api::log::list))
        .routes(routes!(api::log::verify))
        .routes(routes!(health::metrics))
}

/// Keys, and what is known beside them.
fn keys() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::exposures::list))
        .routes(routes!(api::keys::list, api::keys::add))
        .routes(routes!(api::key_places::matches))
        .routes(routes!(api::key_places::keep))
        .routes(routes!(api::keys::get, api::keys::set, api::acts::delete))
        .routes(routes!(api::keys::timeline))
        .routes(routes!(api::acts::plan))
        .routes(routes!(api::acts::suspend, api::acts::resume))
        .routes(routes!(api::imports::import))
        .routes(routes!(api::principals::list))
        .routes(routes!(api::principals::get))
        .routes(routes!(api::findings::list))
        .routes(routes!(api::suggestions::list, api::suggestions::accept))
}

/// Held keys that are replaced by others.
fn rotations() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(api::rotations::list, api::rotations::start))
        .routes(routes!(api::rotations::get))
        .routes(routes!(api::rotations::say))
        .routes(routes!(api::rotations::plan))
        .routes(routes!(api::rotations::trial))
        .routes(routes!(api::rotations::reveal))
        .routes(routes!(api::destinations::list))
        .routes(routes!(api::destinations::add))
        .routes(routes!(api::destinations::remove))
        .routes(routes!(api::destinations::check))
}

/// What everybody reaches.
pub(super) fn open() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(openapi::page))
        .routes(routes!(openapi::problem))
        .routes(routes!(guides::all))
        .routes(routes!(guides::of_api))
        .route("/docs/style.css", axum::routing::get(openapi::style))
}

/// What the server publishes of itself.
pub(super) fn told() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(openapi::document))
        .routes(routes!(published::api_keys))
        .routes(routes!(published::api_keys_of))
        .routes(routes!(published::onboarding))
        .routes(routes!(published::onboarding_of))
        .routes(routes!(published::apis_json))
        .routes(routes!(published::api_catalog))
}

/// Everything that the server answers.
pub(super) fn router(state: State) -> Router {
    let guarded: Router<State> = guarded().into();
    let guarded = guarded
        .route_layer(from_fn(etag::not_modified))
        .route_layer(from_fn_with_state(state.clone(), idempotency::once))
        .route_layer(from_fn_with_state(state.clone(), auth::guard));
    let open: Router<State> = open().into();
    let told: Router<State> = told().into();
    let told = told.route_layer(from_fn(etag::not_modified));
    let around = ServiceBuilder::new()
        .layer(from_fn(console::as_page))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .layer(CatchPanicLayer::custom(|_| {
            Refusal::Failed("a handler panicked".to_owned()).into_response()
        }))
        .layer(from_fn(in_time))
        .layer(GlobalConcurrencyLimitLayer::new(MAX_REQUESTS));
    guarded
        .merge(open)
        .merge(told)
        .merge(console::router(&state))
        .method_not_allowed_fallback(async || Problem::new(StatusCode::METHOD_NOT_ALLOWED, ""))
        .fallback(async || Problem::not_found("there is nothing at this path"))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(around)
        // What is asked for each request of an API has nothing around it, and a flood before the door finds nothing.
        .merge(verify::router(&state))
        .merge(door::router())
        .with_state(state)
}

/// Refuses what would be too large, and ends what takes too long: a pause within a body, or all of it.
async fn in_time(request: Request, next: Next) -> Response {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > MAX_BODY) {
        return too_large().into_response();
    }
    let request = request.map(|body| Body::new(TimeoutBody::new(BODY_PAUSE, body)));
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "it took too long");
            ([(header::CONNECTION, "close")], problem).into_response()
        }
    }
}
