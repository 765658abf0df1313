//! One app in 32 bytes: whose it is, and whether it may be used. A key's slot names its place. How much it may be used
//! stands apart, for those that have a limit.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use keytender_core::id::{AccountId, ApiId, AppId};
use keytender_core::token::Brand;

use crate::feed::{self, Rate};
use crate::limit::Limit;
use crate::quota::Quotas;
use crate::seqlock::Cell;
use crate::share::Part;

const SUSPENDED: u64 = 1 << 1;
const ACCOUNT_SUSPENDED: u64 = 1 << 2;
/// From here on the head has the place of the API.
const API_SHIFT: u32 = 8;
/// Of the head of limits: there is a rate.
const LIMITED: u64 = 1;

/// An app, as all threads see it. Most verifications wait for memory to bring one: so it is small.
#[derive(Debug, Default)]
#[repr(align(32))]
pub(crate) struct AppCell {
    /// App, account, the place of its limits.
    words: [AtomicU64; 3],
    head: AtomicU64,
}

/// The limits of an app, and what is left of them: what changes with each use is not beside what all threads read.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) rate: Limit,
    pub(crate) quotas: Quotas,
    /// Rate, burst.
    words: [AtomicU64; 2],
    head: AtomicU64,
}

/// What is said of an app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) app: AppId,
    pub(crate) account: AccountId,
    pub(crate) api: u32,
    pub(crate) is_suspended: bool,
    pub(crate) is_account_suspended: bool,
    /// Where its limits are; 0 if it never had one.
    pub(crate) limits: u32,
}

impl AppCell {
    /// As of now.
    pub(crate) fn facts(&self) -> Facts {
        let (head, [app, account, limits]) = Cell::new(&self.head, &self.words).read();
        Facts {
            app: AppId::from_i64(app.cast_signed()),
            account: AccountId::from_i64(account.cast_signed()),
            api: lower(head >> API_SHIFT),
            is_suspended: head & SUSPENDED != 0,
            is_account_suspended: head & ACCOUNT_SUSPENDED != 0,
            limits: lower(limits),
        }
    }

    /// From now on. Only the writer does this.
    pub(crate) fn put(&self, facts: Facts) {
        let flag = |is_set: bool, flag: u64| if is_set { flag } else { 0 };
        let head = (u64::from(facts.api) << API_SHIFT)
            | flag(facts.is_suspended, SUSPENDED)
            | flag(facts.is_account_suspended, ACCOUNT_SUSPENDED);
        let [app, account] = [facts.app.as_i64(), facts.account.as_i64()].map(i64::cast_unsigned);
        Cell::new(&self.head, &self.words).write(head, [app, account, facts.limits.into()]);
    }
}

impl Limits {
    /// How often the app may be used, if that is limited.
    pub(crate) fn said(&self) -> Option<Rate> {
        let (head, [rate, burst]) = Cell::new(&self.head, &self.words).read();
        let said =
            Rate { limit: upper(rate), window_seconds: lower(rate), burst: Some(lower(burst)) };
        (head & LIMITED != 0).then_some(said)
    }

    /// From now on. Only the writer does this.
    pub(crate) fn put(&self, rate: Option<Rate>, quotas: &[feed::Quota]) {
        self.quotas.put(quotas);
        let (head, words) = rate.map_or((0, [0, 0]), |rate| {
            let packed = (u64::from(rate.limit) << 32) | u64::from(rate.window_seconds);
            (LIMITED, [packed, u64::from(rate.burst.unwrap_or(rate.limit))])
        });
        Cell::new(&self.head, &self.words).write(head, words);
    }
}

/// An API, as all threads see it.
#[derive(Debug, Default)]
pub(crate) struct ApiCell {
    /// Its id, and the letters of its brand.
    words: [AtomicU64; 3],
    head: AtomicU64,
    /// How many verifiers give out the limits of its apps; 0 is 1.
    verifiers: AtomicU32,
}

impl ApiCell {
    /// The part of a limit that this verifier holds where nothing else is said.
    pub(crate) fn even(&self) -> Part {
        Part::even(self.verifiers.load(Ordering::Relaxed))
    }

    /// From now on so many give out the limits of its apps.
    pub(crate) fn put_verifiers(&self, verifiers: u32) {
        self.verifiers.store(verifiers, Ordering::Relaxed);
    }

    /// Its id, if its tokens begin with `brand`.
    pub(crate) fn id_if(&self, brand: Brand) -> Option<ApiId> {
        let (_, [id, first, rest]) = Cell::new(&self.head, &self.words).read();
        ([first, rest] == letters(brand)).then(|| ApiId::from_i64(id.cast_signed()))
    }

    /// From now on. Only the writer does this.
    pub(crate) fn put(&self, api: &feed::Api) {
        let [first, rest] = letters(api.brand);
        Cell::new(&self.head, &self.words)
            .write(0, [api.api.as_i64().cast_unsigned(), first, rest]);
    }
}

/// A brand in two numbers. None is of noughts only.
fn letters(brand: Brand) -> [u64; 2] {
    let number =
        |bytes: &[u8]| bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
    let bytes = brand.as_str().as_bytes();
    let (first, rest) = bytes.split_at_checked(8).unwrap_or((bytes, &[]));
    [number(first), number(rest)]
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn lower(word: u64) -> u32 {
    word as u32
}

const fn upper(word: u64) -> u32 {
    lower(word >> 32)
}
