//! A layer that lets only good keys through to a service of HTTP.
//!
//! The token is read from `Authorization`, as `Bearer` or `Api-Key`, or else from `X-Api-Key`. Whoever shows a good one finds
//! [`Accepted`] in the extensions of the request. Everyone else gets a problem (RFC 9457): a stranger always the same
//! 401, the holder of a key that may not be used the reason.
//!
//! ```
//! use axum::{Extension, Router, routing::get};
//! use keytender_verify::{Accepted, Clock, Verifier, tower::KeyLayer};
//!
//! async fn hello(Extension(key): Extension<Accepted>) -> String {
//!     format!("hello, {}", key.app)
//! }
//!
//! fn router(verifier: std::sync::Arc<Verifier>, clock: Clock) -> Router {
//!     Router::new().route("/", get(hello)).layer(KeyLayer::new(verifier, clock).scopes(["read"]))
//! }
//! ```

mod answer;
mod service;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::Extensions;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use keytender_core::time::Span;
use tower_layer::Layer;

pub use self::service::{KeyFuture, KeyService};

use crate::clock::Clock;
use crate::verdict::{Accepted, Request, Verdict};
use crate::verifier::Verifier;

/// Answers name the end of a key from so long before it on: as long as a default notice of an end.
const TOLD_BEFORE: Span = Span::days(30);
/// How a key is announced in `Authorization`.
const SCHEMES: [&str; 2] = ["bearer", "api-key"];
/// Where a token may be, besides `Authorization`.
const API_KEY: &str = "x-api-key";
/// Where the types of problems are explained, unless the API says where; as a server of Keytender has it.
const PROBLEMS: &str = "/problems/";

/// Finds the address that a request comes from, in what the server noted of it. Never believe a header that
/// anyone can send.
type AddressOf = dyn Fn(&HeaderMap, &Extensions) -> Option<IpAddr> + Send + Sync;

/// Lets only good keys through.
#[derive(Clone)]
pub struct KeyLayer {
    inner: Arc<Settings>,
}

#[derive(Clone)]
struct Settings {
    verifier: Arc<Verifier>,
    clock: Clock,
    scopes: Vec<Box<str>>,
    region: Option<Box<str>>,
    service: Option<Box<str>>,
    problems: Box<str>,
    address: Option<Arc<AddressOf>>,
}

impl KeyLayer {
    /// Of a verifier, and the clock that its follower has.
    pub fn new(verifier: Arc<Verifier>, clock: Clock) -> Self {
        let (scopes, region, service, address) = (Vec::new(), None, None, None);
        let problems = PROBLEMS.into();
        Self {
            inner: Arc::new(Settings {
                verifier,
                clock,
                scopes,
                region,
                service,
                problems,
                address,
            }),
        }
    }

    /// What a key must be allowed to do: all of these.
    #[must_use]
    pub fn scopes<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        let scopes = scopes.into_iter().map(Box::from).collect();
        self.with(|settings| settings.scopes = scopes)
    }

    /// In which region, and as which service, requests are served: told with the uses of keys.
    #[must_use]
    pub fn place(self, region: Option<&str>, service: Option<&str>) -> Self {
        self.with(|settings| {
            settings.region = region.map(Box::from);
            settings.service = service.map(Box::from);
        })
    }

    /// What the types of problems begin with, such as `https://acme.example/problems/`; the word of the reason
    /// follows. `/problems/` if nothing is said.
    #[must_use]
    pub fn problems(self, types: &str) -> Self {
        self.with(|settings| settings.problems = types.into())
    }

    /// How to find the address that a request comes from. Without it, keys that may be used from some networks
    /// only are refused. With axum, `ConnectInfo` in the extensions has it.
    #[must_use]
    pub fn address_of(
        self,
        address: impl Fn(&HeaderMap, &Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.address = Some(Arc::new(address)))
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::clone(&self.inner);
        change(&mut settings);
        Self { inner: Arc::new(settings) }
    }
}

impl<S> Layer<S> for KeyLayer {
    type Service = KeyService<S>;

    fn layer(&self, inner: S) -> KeyService<S> {
        KeyService::new(inner, Arc::clone(&self.inner))
    }
}

impl fmt::Debug for KeyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLayer").field("scopes", &self.inner.scopes).finish_non_exhaustive()
    }
}

impl Settings {
    /// The verdict on a request; none if it shows no token.
    fn judge(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<Verdict> {
        let token = token(headers)?;
        let scopes: Vec<&str> = self.scopes.iter().map(AsRef::as_ref).collect();
        let request = Request {
            scopes: &scopes,
            address: self.address.as_ref().and_then(|address| address(headers, extensions)),
            region: self.region.as_deref(),
            service: self.service.as_deref(),
            agent: agent(headers),
            ..Request::default()
        };
        Some(self.verifier.verify(token, &request, self.clock.now()))
    }

    /// Whether the end of a key is so near that its answers name it.
    fn is_near_end(&self, accepted: &Accepted) -> bool {
        accepted.ends_at.is_some_and(|end| end <= self.clock.now().time.plus(TOLD_BEFORE))
    }
}

/// The token that a request shows. Never anything of a URL, and none where two are shown in one header.
fn token(headers: &HeaderMap) -> Option<&str> {
    if headers.contains_key(AUTHORIZATION) {
        let (scheme, token) = alone(headers, &AUTHORIZATION)?.split_once(' ')?;
        let is_known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
        return is_known.then_some(token.trim());
    }
    alone(headers, &HeaderName::from_static(API_KEY)).map(str::trim)
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

/// The first word of `User-Agent`, up to its version: `curl` of `curl/8.5.0`.
fn agent(headers: &HeaderMap) -> Option<&str> {
    let whole = headers.get(http::header::USER_AGENT)?.to_str().ok()?;
    whole.split(['/', ' ']).next().filter(|word| !word.is_empty())
}
