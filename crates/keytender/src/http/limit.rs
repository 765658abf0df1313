//! How often one caller may ask, and how often an address may show what is no token.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use keytender_core::id::KeyId;
use keytender_core::time::Span;

use super::problem::Problem;
use crate::app::tries;
use crate::error::Error;
use crate::store::Store;

/// How many requests a token may make at once after a pause.
const BURST: NonZeroU32 = NonZeroU32::new(600).unwrap();
/// How many a second in the long run, if nothing else was said.
pub const DEFAULT_PER_SECOND: u32 = 50;
/// How many texts that are no token an address may show at once: enough for a program that was
/// given a wrong one, and for many behind one address.
const BAD_BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// How many of them a second in the long run.
const BAD_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// The headers of the IETF's draft on rate limits.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

const MICROS_PER_SECOND: u64 = 1_000_000;

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// How many passwords may be tried for one name at once, and from one address.
const TRIES: NonZeroU32 = NonZeroU32::new(tries::AT_ONCE).unwrap();

/// Counts requests by token, bad tokens by address, and passwords by name and by address. What is counted
/// here is this node's: the database counts passwords for all, and is asked only if this node lets them
/// through.
#[derive(Debug)]
pub(super) struct Limiter {
    tokens: Option<Keyed<i64>>,
    addresses: Keyed<IpAddr>,
    tries: Keyed<String>,
    per_second: u32,
}

/// The headers that tell a caller how many requests are left.
#[derive(Clone, Debug)]
pub(super) struct Left(Vec<(HeaderName, HeaderValue)>);

impl Left {
    pub(super) fn write(self, headers: &mut HeaderMap) {
        headers.extend(self.0);
    }
}

impl Limiter {
    /// How many requests a second a token may make; 0: without a limit.
    pub(super) const fn per_second(&self) -> u32 {
        self.per_second
    }

    /// With so many requests a second for each token; 0: without a limit.
    pub(super) fn new(per_second: u32) -> Self {
        let tokens = NonZeroU32::new(per_second).map(|rate| {
            let quota = Quota::per_second(rate).allow_burst(BURST.max(rate));
            RateLimiter::dashmap(quota).with_middleware()
        });
        let quota = Quota::per_second(BAD_PER_SECOND).allow_burst(BAD_BURST);
        let addresses = RateLimiter::dashmap(quota).with_middleware();
        let quota = Quota::with_period(Duration::from_secs(u64::from(tries::SECONDS)));
        let quota = quota.unwrap_or_else(|| Quota::per_minute(TRIES)).allow_burst(TRIES);
        let tries = RateLimiter::dashmap(quota).with_middleware();
        Self { tokens, addresses, tries, per_second }
    }

    /// Counts a request of a token.
    ///
    /// # Errors
    /// The answer to send, when it is one too many.
    pub(super) fn count(&self, token: KeyId) -> Result<Left, Box<Response>> {
        let Some(limiter) = &self.tokens else { return Ok(Left(Vec::new())) };
        match limiter.check_key(&token.as_i64()) {
            Ok(state) => Ok(self.left(state.remaining_burst_capacity(), 0)),
            Err(wait) => {
                let seconds = wait.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
                let mut response = too_many(seconds);
                self.left(0, seconds).write(response.headers_mut());
                Err(Box::new(response))
            }
        }
    }

    fn left(&self, remaining: u32, seconds: u64) -> Left {
        let burst = BURST.get().max(self.per_second);
        let window = burst.div_ceil(self.per_second.max(1));
        let policy = format!("\"token\";q={burst};w={window}");
        let state = format!("\"token\";r={remaining};t={seconds}");
        let headers = [(POLICY, policy), (STATE, state)];
        let headers = headers
            .into_iter()
            .filter_map(|(name, text)| Some((name, HeaderValue::from_str(&text).ok()?)));
        Left(headers.collect())
    }

    /// Counts that an address showed what is no token.
    ///
    /// # Errors
    /// The answer to send, when it does so too often.
    pub(super) fn count_bad(&self, address: Option<IpAddr>) -> Result<(), Box<Response>> {
        // Without a limit for tokens there is none for what is no token.
        let Some(address) = address.filter(|_| self.tokens.is_some()) else { return Ok(()) };
        self.addresses.check_key(&address).map(drop).map_err(|wait| {
            Box::new(too_many(wait.wait_time_from(DefaultClock::default().now()).as_secs() + 1))
        })
    }

    /// Counts that a password is tried for `name` from `address`: whoever guesses must wait, whichever
    /// of the two they change. The answer to send, when it is tried too often.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn count_sign_in(
        &self,
        store: &Store,
        address: &str,
        name: &str,
    ) -> Result<Option<Response>, Error> {
        let from = from(address);
        if let Some(wait) = self.try_here(&from) {
            return Ok(Some(wait));
        }
        if let Some(wait) = tries::wait(store, &from).await? {
            return Ok(Some(wait_for(wait)));
        }
        self.count_try(store, format!("as {}", name.to_lowercase())).await
    }

    /// Counts that what was tried from `address` was wrong.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn count_wrong(&self, store: &Store, address: &str) -> Result<(), Error> {
        tries::note(store, &from(address)).await
    }

    /// Counts that somebody tries what only `name` knows, whose password or session they have. The answer
    /// to send, when it is tried too often.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn count_proof(
        &self,
        store: &Store,
        name: &str,
    ) -> Result<Option<Response>, Error> {
        self.count_try(store, format!("again as {}", name.to_lowercase())).await
    }

    /// Counts that somebody at `address` begins a sign-in that is kept until it ends. The answer to send,
    /// when they begin too often.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn count_ceremony(
        &self,
        store: &Store,
        address: &str,
    ) -> Result<Option<Response>, Error> {
        self.count_try(store, format!("begins from {address}")).await
    }

    async fn count_try(&self, store: &Store, who: String) -> Result<Option<Response>, Error> {
        match self.try_here(&who) {
            Some(wait) => Ok(Some(wait)),
            None => Ok(tries::count(store, &who).await?.map(wait_for)),
        }
    }

    fn try_here(&self, who: &String) -> Option<Response> {
        let wait = self.tries.check_key(who).err()?;
        Some(too_many(wait.wait_time_from(DefaultClock::default().now()).as_secs() + 1))
    }

    /// Forgets callers who have not asked for long.
    pub(super) fn forget(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.retain_recent();
        }
        self.addresses.retain_recent();
        self.tries.retain_recent();
    }
}

fn from(address: &str) -> String {
    format!("from {address}")
}

fn wait_for(wait: Span) -> Response {
    too_many(u64::try_from(wait.as_micros()).unwrap_or(0) / MICROS_PER_SECOND + 1)
}

fn too_many(seconds: u64) -> Response {
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, format!("wait {seconds} s"));
    ([(header::RETRY_AFTER, seconds)], problem).into_response()
}
