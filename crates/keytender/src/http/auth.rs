//! Who asks, and whether they may.
//!
//! Which scope an operation needs is said once, in its own description (`security(("token" = […]))`);
//! the guard is made from the document. An operation that says nothing is refused to everybody.

use std::collections::HashMap;
use std::net::IpAddr;

use axum::extract::{MatchedPath, Request, State as Extract};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use keytender_core::access::Scope;
use keytender_core::id::KeyId;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation};

use super::address;
use super::problem::{Problem, Refusal};
use super::state::State;
use crate::app::tokens;
use crate::app::who::Who;
use crate::clock;

/// The name of the security scheme in the document.
pub(super) const SCHEME: &str = "token";
/// The name of the security scheme of customers' own tokens: they reach only what says so.
pub(super) const CUSTOMER_SCHEME: &str = "customer_token";

/// Whoever asks, once they were let in.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Who it is, and what they may do.
    pub(super) who: Who,
    /// From where and by what, for the log of acts.
    pub(super) origin: String,
    /// The key of the token that was shown; of a browser, none.
    pub(super) key_id: Option<KeyId>,
}

/// What each operation needs, by method and path.
#[derive(Debug, Default)]
pub(super) struct Guard(HashMap<(Method, String), Needs>);

/// What an operation needs.
#[derive(Debug)]
struct Needs {
    /// All of these; none: any good token.
    scopes: Vec<Scope>,
    /// Of a customer's own token these; `None`: it is none for customers.
    of_customers: Option<Vec<Scope>>,
}

impl Guard {
    /// From the document. What it does not say, or in unknown words, lets nobody in.
    pub(super) fn of(document: &OpenApi) -> Self {
        let mut guard = Self::default();
        for (path, item) in &document.paths.paths {
            let operations = [
                (HttpMethod::Get, Method::GET, &item.get),
                (HttpMethod::Post, Method::POST, &item.post),
                (HttpMethod::Put, Method::PUT, &item.put),
                (HttpMethod::Patch, Method::PATCH, &item.patch),
                (HttpMethod::Delete, Method::DELETE, &item.delete),
            ];
            for (_, method, operation) in operations {
                let Some(operation) = operation else { continue };
                if let Some(scopes) = scopes(operation, SCHEME) {
                    let of_customers = self::scopes(operation, CUSTOMER_SCHEME);
                    guard.0.insert((method, path.clone()), Needs { scopes, of_customers });
                }
            }
        }
        guard
    }

    fn needs(&self, method: &Method, path: &str) -> Option<&Needs> {
        // HEAD is answered as GET is.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.get(&(method.clone(), path.to_owned()))
    }
}

/// The scopes that an operation says it needs of whom a scheme knows; an empty list: any good token.
fn scopes(operation: &Operation, scheme: &str) -> Option<Vec<Scope>> {
    let written = serde_json::to_value(operation.security.as_ref()?).ok()?;
    let words = written.as_array()?.iter().find_map(|one| one.get(scheme))?.as_array()?;
    words.iter().map(|word| Scope::parse(word.as_str()?)).collect()
}

/// Lets in whoever shows a good token that may do what is asked.
pub(super) async fn guard(
    Extract(state): Extract<State>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let address = address::of(&parts, &state.proxies);
    let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let text = shown.and_then(bearer);
    let who = match text {
        Some(text) => tokens::verify(&state.store, text, clock::now()).await,
        None => Ok(None),
    };
    let who = match who {
        Ok(Some(who)) => who,
        Ok(None) => {
            // Whoever shows nothing costs nothing.
            let shown = text.map_or(Ok(()), |_| state.limiter.count_bad(address));
            return shown.map_or_else(|too_many| *too_many, |()| unauthorized(text.is_some()));
        }
        Err(error) => return Refusal::from(error).into_response(),
    };
    let left = match state.limiter.count(who.key_id) {
        Ok(left) => left,
        Err(too_many) => return *too_many,
    };
    let mut response = match may(&state.guard, &parts.method, path.as_str(), &who.who) {
        Err(refusal) => refusal.into_response(),
        Ok(()) => {
            let from = place(address);
            let origin = format!("API from {from}, token {}", who.token_id);
            let caller = Caller { who: who.who.clone(), origin, key_id: Some(who.key_id) };
            parts.extensions.insert(caller);
            let changes = !parts.method.is_safe();
            let answered = next.run(Request::from_parts(parts, body)).await;
            if changes && answered.status().is_success() {
                state.node.wake();
            }
            answered
        }
    };
    left.write(response.headers_mut());
    response.extensions_mut().insert(Named(who.who.user));
    response
}

/// Whose request it was, for the log.
#[derive(Clone, Debug)]
pub(super) struct Named(pub(super) String);

fn may(guard: &Guard, method: &Method, path: &str, who: &Who) -> Result<(), Refusal> {
    let Some(needed) = guard.needs(method, path) else {
        return Err(Problem::new(StatusCode::FORBIDDEN, "nobody may do this").into());
    };
    let scopes = match (who.sight.is_customer(), &needed.of_customers) {
        (false, _) => &needed.scopes,
        (true, Some(scopes)) => scopes,
        (true, None) => {
            let detail = "a customer's own token may not do this";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail).into());
        }
    };
    scopes.iter().try_for_each(|scope| has(who, *scope))
}

/// Refuses whoever has not a scope.
pub(super) fn has(who: &Who, scope: Scope) -> Result<(), Refusal> {
    let word = scope.as_str();
    if !who.grant.role.scopes().contains(scope) {
        let role = who.grant.role.as_str();
        let detail = format!("the role {role} has no scope `{word}`");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail).into());
    }
    if !who.grant.allows(scope) {
        let detail = format!("this token has no scope `{word}`");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail).into());
    }
    Ok(())
}

/// An address in words.
pub(super) fn place(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), |one| one.to_string())
}

/// The token in an `Authorization` header (RFC 6750); the word before it in any case (RFC 9110).
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (word, token) = value.split_once(' ')?;
    word.eq_ignore_ascii_case("bearer").then_some(token.trim_matches(' '))
}

/// The one answer to everybody who shows no good token (RFC 6750, section 3).
pub(super) fn unauthorized(has_shown: bool) -> Response {
    let challenge = match has_shown {
        true => "Bearer realm=\"keytender\", error=\"invalid_token\"",
        false => "Bearer realm=\"keytender\"",
    };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "");
    ([(header::WWW_AUTHENTICATE, challenge)], problem).into_response()
}
