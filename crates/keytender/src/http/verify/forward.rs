//! `/v1/forward-auth`: what gateways ask before they let a request through.
//!
//! The request is the one that the gateway got, without its body: nginx `auth_request`, the forward auth of
//! Caddy and Traefik, `ext_authz` of Envoy. The key is in `Authorization` or `X-Api-Key`, never in the
//! URL. What the route is about stands in the query, which only the gateway writes.

use std::borrow::Cow;
use std::net::IpAddr;

use axum::extract::State as Extract;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keytender_verify::{Reason, Request as Asked, Verdict};
use serde::Deserialize;

use super::answer;
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;

/// How a key is announced in `Authorization`.
const SCHEMES: [&str; 2] = ["bearer", "api-key"];
/// Where it is.
pub(super) const PATH: &str = "/v1/forward-auth";
/// The key, where it is no bearer token.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Where gateways say who asked them, the first that is there.
const ADDRESSES: [HeaderName; 2] =
    [HeaderName::from_static("x-real-ip"), HeaderName::from_static("x-forwarded-for")];
/// Where a gateway says in which region and by which service the request is served.
const REGION: HeaderName = HeaderName::from_static("keytender-region");
const SERVICE: HeaderName = HeaderName::from_static("keytender-service");
/// The longest name of a region or service, and of a kind of program.
const MAX_WORD: usize = 64;

/// What the route says of the request.
#[derive(Debug, Default, utoipa::IntoParams, Deserialize)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it documents the query, which is read word by word")]
pub(in crate::http) struct Route {
    /// The name of your API: keys of others are unknown.
    #[param(example = "acme")]
    api: String,
    /// What the key must be allowed to do; may be given several times.
    scope: Option<String>,
    /// The service that serves the request; the header `Keytender-Service` says the same.
    service: Option<String>,
    /// The region in which it is served; the header `Keytender-Region` says the same.
    region: Option<String>,
    /// What was asked for, appended by the gateway: it is not looked at, nor is anything behind it.
    path: Option<String>,
    /// The status for a key that was used too often: `429` if nothing is said. nginx knows `401` and `403` only.
    limit_status: Option<u16>,
}

/// What was read of the query.
#[derive(Debug, Default)]
struct Said<'q> {
    api: Option<Cow<'q, str>>,
    scopes: Vec<Cow<'q, str>>,
    service: Option<Cow<'q, str>>,
    region: Option<Cow<'q, str>>,
    limit_status: Option<StatusCode>,
}

impl<'q> Said<'q> {
    fn read(query: &'q str) -> Result<Self, Refusal> {
        let mut said = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                // Behind it stands what was asked for, with a query of its own.
                "path" => break,
                "scope" => said.scopes.push(value),
                "api" => first(&mut said.api, value),
                "service" => first(&mut said.service, value),
                "region" => first(&mut said.region, value),
                "limit_status" if said.limit_status.is_none() => {
                    said.limit_status = Some(limit_status(&value)?);
                }
                // Gateways append what was asked for: what is not ours is not ours to judge.
                _ => {}
            }
        }
        Ok(said)
    }
}

/// What stands first is the gateway's word: a caller's own query comes behind it, if at all.
fn first<'q>(place: &mut Option<Cow<'q, str>>, value: Cow<'q, str>) {
    place.get_or_insert(value);
}

fn limit_status(value: &str) -> Result<StatusCode, Refusal> {
    match value {
        "401" => Ok(StatusCode::UNAUTHORIZED),
        "403" => Ok(StatusCode::FORBIDDEN),
        "429" => Ok(StatusCode::TOO_MANY_REQUESTS),
        _ => Err(Problem::bad_request("`limit_status` is 401, 403 or 429").into()),
    }
}

/// Ask whether a request may pass
///
/// For gateways: it is asked with the headers of the request that came in. A good key is answered by 200 and
/// headers that tell whose it is; the gateway hands them on to the API. The gateway shows its own token in
/// `Keytender-Token`; on the Unix socket it needs none.
#[utoipa::path(get, path = "/v1/forward-auth", tag = "verification", params(Route),
    responses((status = 200, description = "It may pass", headers(
                ("Keytender-Account" = String, description = "The customer's account"),
                ("Keytender-App" = String, description = "The app"),
                ("Keytender-Key" = String, description = "The key"),
                ("Keytender-Environment" = String, description = "`live` or `test`"),
                ("Keytender-Scopes" = String, description = "What the key may do, a space between two"),
                ("Keytender-Key-Expires" = String, description = "When the key ends, if that is within 30 days"),
                ("Keytender-Key-Replaced-By" = String, description = "The key that takes its place"))),
              (status = 407, body = Problem, description = "The gateway shows no good token",
               content_type = "application/problem+json")),
    security(("gateway" = [])))]
pub(in crate::http) async fn get(Extract(state): Extract<State>, parts: Parts) -> Response {
    match ask(&state, &parts).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn ask(state: &State, parts: &Parts) -> Result<Response, Refusal> {
    let said = Said::read(parts.uri.query().unwrap_or_default())?;
    let brand = said.api.as_deref().and_then(|api| state.node.brand(api));
    let Some(brand) = brand else {
        let problem = Problem::bad_request("`api` names none of your APIs");
        return Err(problem.hint("such as /v1/forward-auth?api=acme").into());
    };
    let headers = &parts.headers;
    let now = state.node.now();
    let Some(key) = key(headers) else {
        return Ok(answer::refused(Reason::Malformed, false, None));
    };
    let scopes: Vec<&str> = said.scopes.iter().map(AsRef::as_ref).collect();
    let asked = Asked {
        brand: Some(brand),
        scopes: &scopes,
        address: client(headers),
        region: word(said.region.as_deref().or_else(|| text(headers, &REGION))),
        service: word(said.service.as_deref().or_else(|| text(headers, &SERVICE))),
        agent: agent(headers),
        ..Asked::default()
    };
    Ok(match super::verify(state, key, &asked, now).await {
        Verdict::Accepted(accepted) => answer::accepted(&accepted, now.time),
        Verdict::Refused(reason) => answer::refused(reason, true, said.limit_status),
    })
}

/// The key that whoever asked the gateway shows. Of two, the API might take the other one: that is none.
pub(super) fn key(headers: &HeaderMap) -> Option<&str> {
    match headers.contains_key(API_KEY) {
        true => Some(alone(headers, &API_KEY)?.trim()),
        false => shown(alone(headers, &header::AUTHORIZATION)?),
    }
}

/// The key in `Authorization`: a bearer's, or as other issuers have it.
fn shown(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let is_known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    is_known.then_some(key.trim_matches(' '))
}

/// What a header says that is there once.
fn alone<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    line.to_str().ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())
}

/// Who asked the gateway: only a gateway that is let in says so, and of a chain the nearest.
fn client(headers: &HeaderMap) -> Option<IpAddr> {
    let shown = ADDRESSES.iter().find_map(|name| headers.get_all(name).iter().next_back());
    let last = shown?.to_str().ok()?.rsplit(',').next()?;
    last.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// A name that is kept: short, and of plain letters.
pub(super) fn word(text: Option<&str>) -> Option<&str> {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "-_.:/".contains(one);
    text.filter(|text| !text.is_empty() && text.len() <= MAX_WORD && text.chars().all(is_plain))
}

/// What kind of program asked: the first word of its `User-Agent`, without the version.
pub(super) fn agent(headers: &HeaderMap) -> Option<&str> {
    let first = text(headers, &header::USER_AGENT)?.split([' ', '/']).next();
    word(first)
}
