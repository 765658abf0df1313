//! Who may ask about keys: whoever shows a token with the scope `keys:verify`.
//!
//! Tokens that were good are believed for a few seconds, so that a verification asks no database; a token that
//! is revoked works here for so long at most. While the database does not answer they are believed for as long as
//! keys are, whose verifier knows what is to be done then.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::extract::{Request, State as Extract};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use keytender_core::access::{Scope, Side};
use keytender_core::token::{Digest, Token};
use keytender_verify::lease::SERVE_AT_MOST;
use tokio::time::timeout;

use super::forward;
use crate::app::tokens::{self, Caller};
use crate::clock;
use crate::error::{Error, Kind};
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;
use crate::http::{address, auth};

/// Where a gateway shows its own token: `Authorization` holds the key of whoever asked it.
pub(in crate::http) const HEADER: HeaderName = HeaderName::from_static("keytender-token");
/// How long a token is believed that was good.
const BELIEVED: Duration = Duration::from_secs(5);
/// How long the database may take to say whether a token is good.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many tokens are remembered.
const MAX_KNOWN: usize = 10_000;

/// When tokens were good, by the digest of their secret.
#[derive(Debug, Default)]
pub(in crate::http) struct Gateways(RwLock<HashMap<[u8; 32], Duration>>);

impl Gateways {
    /// Whether a token was good within this time.
    fn knows(&self, digest: &Digest, now: Duration, within: Duration) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&digest.to_bytes()).is_some_and(|at| now < at.saturating_add(within))
    }

    /// A token that was good is so no more.
    fn forget(&self, digest: &Digest) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&digest.to_bytes());
    }

    fn remember(&self, digest: &Digest, now: Duration) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.retain(|_, at| now < at.saturating_add(SERVE_AT_MOST));
        }
        if known.len() < MAX_KNOWN {
            known.insert(digest.to_bytes(), now);
        }
    }
}

/// Lets in whoever shows a token that may ask about keys.
pub(in crate::http) async fn guard(
    Extract(state): Extract<State>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    // While the gateway's own token is looked at, memory comes along with the key.
    if let Some(key) = forward::key(&parts.headers).filter(|_| is_forwarded(&parts)) {
        state.node.expect(key);
    }
    // To ask the database is much to set up, and seldom needed: it stands apart.
    if !is_believed(&state, &parts)
        && let Err(refused) = Box::pin(check(&state, &parts)).await
    {
        return *refused;
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Whether the token that is shown was good a moment ago; while the database does not answer, a while ago.
fn is_believed(state: &State, request: &Parts) -> bool {
    let within = if state.node.is_current() { BELIEVED } else { SERVE_AT_MOST };
    let token = shown(&request.headers, is_forwarded(request)).map(Token::parse);
    let now = state.node.now().monotonic;
    token.is_some_and(|token| {
        token.is_ok_and(|token| state.gateways.knows(&token.digest(), now, within))
    })
}

fn is_forwarded(request: &Parts) -> bool {
    request.uri.path().starts_with(forward::PATH)
}

async fn check(state: &State, request: &Parts) -> Result<(), Box<Response>> {
    let is_forwarded = is_forwarded(request);
    let shown = shown(&request.headers, is_forwarded);
    let Some(text) = shown else { return Err(refuse(is_forwarded, false)) };
    let Ok(token) = Token::parse(text) else {
        return Err(refuse_bad(state, request, is_forwarded));
    };
    let (digest, now) = (token.digest(), state.node.now().monotonic);
    let asked = timeout(PATIENCE, tokens::verify(&state.store, text, clock::now())).await;
    let slow = || Error::new("the database did not answer in time").kind(Kind::Internal);
    let caller = match asked.unwrap_or_else(|_| Err(slow())) {
        Ok(caller) => caller,
        Err(_) if state.gateways.knows(&digest, now, SERVE_AT_MOST) => return Ok(()),
        Err(error) => return Err(Box::new(Refusal::from(error).into_response())),
    };
    let Some(caller) = caller else {
        state.gateways.forget(&digest);
        return Err(refuse_bad(state, request, is_forwarded));
    };
    if let Err(response) = may_ask(&caller) {
        state.gateways.forget(&digest);
        return Err(if is_forwarded { refuse(true, true) } else { response });
    }
    state.gateways.remember(&digest, now);
    Ok(())
}

/// Whether a token that is good may ask about keys that are issued.
fn may_ask(caller: &Caller) -> Result<(), Box<Response>> {
    auth::has(&caller.who, Scope::KeysVerify)
        .map_err(|refusal| Box::new(refusal.into_response()))?;
    if caller.who.grant.side == Some(Side::Held) {
        let problem =
            Problem::new(StatusCode::FORBIDDEN, "this token is limited to keys that are held");
        return Err(Box::new(problem.into_response()));
    }
    Ok(())
}

/// The gateway's own token. A program that forwards nothing shows it as everywhere else.
fn shown(headers: &HeaderMap, is_forwarded: bool) -> Option<&str> {
    let own = headers.get(&HEADER).and_then(|value| value.to_str().ok());
    match (own, is_forwarded) {
        (Some(text), _) => Some(text.trim()),
        (None, true) => None,
        (None, false) => auth::bearer(headers.get(header::AUTHORIZATION)?.to_str().ok()?),
    }
}

/// Counts that an address showed what is no token.
fn refuse_bad(state: &State, request: &Parts, is_forwarded: bool) -> Box<Response> {
    let address = address::of(request, &state.proxies);
    match state.limiter.count_bad(address) {
        Ok(()) => refuse(is_forwarded, true),
        Err(too_many) => too_many,
    }
}

/// A gateway that may not ask is told so in a way that it does not take for an answer about a key.
fn refuse(is_forwarded: bool, has_shown: bool) -> Box<Response> {
    if !is_forwarded {
        return Box::new(auth::unauthorized(has_shown));
    }
    let problem = Problem::new(
        StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        "the gateway shows no good token with the scope `keys:verify`",
    );
    let hint =
        "send it in the header Keytender-Token: keytender tokens create USER --scopes keys:verify";
    Box::new(problem.hint(hint).into_response())
}
