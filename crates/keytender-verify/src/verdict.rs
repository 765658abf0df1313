//! What is asked about a token, and what is answered.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use keytender_core::id::{AccountId, ApiId, AppId, KeyId};
use keytender_core::time::Time;
use keytender_core::token::{Brand, Digest, Environment, TokenId};

use crate::details::Details;

/// What a token is shown for. [`Default`] asks for nothing and costs one use.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What tokens of the API begin with: keys of others are unknown. Without it, keys of every API that the verifier knows
    /// are good.
    pub brand: Option<Brand>,
    /// What the key must be allowed to do: all of these.
    pub scopes: &'a [&'a str],
    /// Where the request comes from, if that is known for sure.
    pub address: Option<IpAddr>,
    /// The region in which it is served.
    pub region: Option<&'a str>,
    /// The service that serves it.
    pub service: Option<&'a str>,
    /// The kind of program that asks, such as `curl`; a few words that many share, never a whole header.
    pub agent: Option<&'a str>,
    /// How many uses it counts as, for limits and quotas. A use is counted as one all the same.
    pub cost: u32,
    /// Whether it is only a look at oneself: not a use, not counted, and open to a key that is still
    /// pending.
    pub is_dry: bool,
}

impl Default for Request<'_> {
    fn default() -> Self {
        let (brand, address, region, service, agent) = (None, None, None, None, None);
        Self { brand, scopes: &[], address, region, service, agent, cost: 1, is_dry: false }
    }
}

/// Whether a token is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Accepted(Accepted),
    /// It is not.
    Refused(Reason),
}

impl Verdict {
    /// The key, if it is good.
    ///
    /// # Errors
    /// The reason, if it is not.
    pub fn into_result(self) -> Result<Accepted, Reason> {
        match self {
            Self::Accepted(accepted) => Ok(accepted),
            Self::Refused(reason) => Err(reason),
        }
    }
}

/// A key that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The key.
    pub key: KeyId,
    /// The public id: it stands in a token, but not in a key that was issued elsewhere.
    pub id: TokenId,
    /// The customer.
    pub account: AccountId,
    /// What the key belongs to.
    pub app: AppId,
    /// The API.
    pub api: ApiId,
    /// Which of its environments.
    pub environment: Environment,
    /// When the key ends, to the second.
    pub ends_at: Option<Time>,
    /// What is left of the app's limit.
    pub left: Option<Left>,
    /// Whether this use makes a pending key active, which the server must be told at once. It is said of every
    /// use until the server has told it back.
    pub activates: bool,
    /// Whether the verifier has not heard from the server for longer than its lease: the key was good then.
    pub is_stale: bool,
    /// What only some keys have.
    pub details: Option<Arc<Details>>,
    /// What the server is to keep of a key that was issued elsewhere, if it keeps something else: it was never used here.
    pub native: Option<Box<Digest>>,
}

impl Accepted {
    /// What the key may be used for, sorted.
    pub fn scopes(&self) -> &[Box<str>] {
        self.details.as_ref().map_or(&[], |details| &details.scopes)
    }

    /// Its name.
    pub fn label(&self) -> Option<&str> {
        self.details.as_ref()?.label.as_deref()
    }

    /// The key that took its place.
    pub fn replaced_by(&self) -> Option<KeyId> {
        self.details.as_ref()?.replaced_by
    }
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// So many uses in a window.
    pub limit: u32,
    /// The length of the window, in seconds.
    pub window_seconds: u32,
    /// So many uses are possible at once.
    pub remaining: u64,
    /// Seconds until as many as ever are possible.
    pub reset_seconds: u64,
}

/// Why a token is not good, in the order in which it is looked at.
///
/// What comes after [`Unknown`](Self::Unknown) is said only of tokens whose secret is right, so only their
/// holders learn it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is no token, or mistyped.
    Malformed,
    /// Nobody was given it, its secret is wrong, or its key or app is forgotten.
    Unknown,
    /// The verifier does not know enough to say: it never heard from the server, or not for too long.
    Unavailable,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
    /// Another key took its place, and the overlap is over.
    Superseded,
    /// It is suspended.
    Suspended,
    /// Its app is suspended.
    AppSuspended,
    /// Its account is suspended.
    AccountSuspended,
    /// It may not be used from there.
    IpNotAllowed,
    /// It may not be used for that.
    ScopeMissing,
    /// It was used too often.
    RateLimited {
        /// In so many seconds it may be used again, if nobody else does.
        retry_after_seconds: u64,
        /// What is left of the app's limit.
        left: Left,
    },
    /// It was used too much.
    QuotaExceeded {
        /// In so many seconds the quota begins again.
        retry_after_seconds: u64,
    },
}

impl Reason {
    /// The word for it, as the API of the server has it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Unavailable => "unavailable",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Suspended => "suspended",
            Self::AppSuspended => "app_suspended",
            Self::AccountSuspended => "account_suspended",
            Self::IpNotAllowed => "ip_not_allowed",
            Self::ScopeMissing => "scope_missing",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaExceeded { .. } => "quota_exceeded",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Reason {}
