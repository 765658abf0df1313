//! How often the door is opened: to one address, and to all together.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::http::problem::Problem;

/// How many requests at once, and how many a second in the long run.
type Pace = (NonZeroU32, NonZeroU32);

/// What one address may do: a person, or a program that found many keys.
const ONE: Pace = (NonZeroU32::new(20).unwrap(), NonZeroU32::new(1).unwrap());
/// What all of them may do together: 2,000 keys a second in the long run. What verifiers notice of a flood are the
/// batches that are taken, so it is little.
const ALL: Pace = (NonZeroU32::new(40).unwrap(), NonZeroU32::new(2).unwrap());
/// The same for partners, whose addresses are few.
const ONE_PARTNER: Pace = (NonZeroU32::new(60).unwrap(), NonZeroU32::new(10).unwrap());
const ALL_PARTNERS: Pace = (NonZeroU32::new(120).unwrap(), NonZeroU32::new(20).unwrap());
/// How many bodies are read at once.
const READERS: usize = 16;
/// How long whoever asks too often waits for the answer that says so: a connection asks no more often than that.
const PATIENCE: Duration = Duration::from_secs(2);

/// The limits of one way in.
#[derive(Debug)]
pub(super) struct Limits {
    each: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock, NoOpMiddleware>,
    all: DefaultDirectRateLimiter,
    readers: Semaphore,
}

impl Limits {
    pub(super) fn of_anybody() -> Self {
        Self::new(ONE, ALL)
    }

    pub(super) fn of_partners() -> Self {
        Self::new(ONE_PARTNER, ALL_PARTNERS)
    }

    fn new(each: Pace, all: Pace) -> Self {
        let quota = |(burst, rate): Pace| Quota::per_second(rate).allow_burst(burst);
        Self {
            each: RateLimiter::dashmap(quota(each)),
            all: RateLimiter::direct(quota(all)),
            readers: Semaphore::new(READERS),
        }
    }

    /// Counts a request from an address.
    ///
    /// # Errors
    /// The answer to send, when it is one too many; it comes after a while.
    pub(super) async fn admit(&self, from: Option<IpAddr>) -> Result<(), Box<Response>> {
        let now = DefaultClock::default().now();
        let from = from.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let wait = self.each.check_key(&network(from)).and_then(|()| self.all.check());
        let Err(wait) = wait else { return Ok(()) };
        let seconds = wait.wait_time_from(now).as_secs() + 1;
        tokio::time::sleep(PATIENCE).await;
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, format!("wait {seconds} s"));
        Err(Box::new(([(header::RETRY_AFTER, seconds)], problem).into_response()))
    }

    /// The right to read a body, while few others do.
    pub(super) fn reader(&self) -> Option<SemaphorePermit<'_>> {
        self.readers.try_acquire().ok()
    }

    /// Forgets who has not asked for long.
    pub(super) fn forget(&self) {
        self.each.retain_recent();
    }
}

/// Who is counted together: of IPv6, whoever has an address has 2^64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}
