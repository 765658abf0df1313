//! From token to verdict.

use std::hint::black_box;
use std::sync::Arc;

use keytender_core::id::KeyId;
use keytender_core::token::{Token, TokenId};

use crate::app::{AppCell, Facts};
use crate::clock::Now;
use crate::details::Details;
use crate::lease::{Lease, Standing};
use crate::limit::Bucket;
use crate::share::Part;
use crate::slot::{Entry, Stand};
use crate::table::Table;
use crate::usage::Usage;
use crate::verdict::{Accepted, Left, Reason, Request, Verdict};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Says whether tokens are good. Any number of threads may share one.
#[derive(Debug)]
pub struct Verifier {
    table: Arc<Table>,
    lease: Lease,
    usage: Option<Arc<Usage>>,
}

impl Verifier {
    /// One that believes `table` for as long as `lease` says.
    pub const fn new(table: Arc<Table>, lease: Lease) -> Self {
        Self { table, lease, usage: None }
    }

    /// The same, which counts uses.
    #[must_use]
    pub fn with_usage(self, usage: Arc<Usage>) -> Self {
        Self { usage: Some(usage), ..self }
    }

    /// The keys.
    pub const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Where uses are counted, if they are.
    pub const fn usage(&self) -> Option<&Arc<Usage>> {
        self.usage.as_ref()
    }

    /// The lease.
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Says whether a token is good for a request, now. What is good is counted as a use, unless it is only a
    /// look.
    ///
    /// In the order of [`Reason`]: its form, its checksum, its secret, and only then its state, end, networks,
    /// scopes and limits. Nothing but memory is touched. Each token that is no mistyped one takes the same
    /// way up to its limits, whatever is wrong with it.
    pub fn verify(&self, token: &str, request: &Request<'_>, now: Now) -> Verdict {
        match self.judge(token, request, now) {
            Ok(accepted) => Verdict::Accepted(accepted),
            Err(reason) => Verdict::Refused(reason),
        }
    }

    fn judge(&self, token: &str, request: &Request<'_>, now: Now) -> Result<Accepted, Reason> {
        let token = Token::parse(token).map_err(|_| Reason::Malformed)?;
        let image = self.table.image();
        if let Some(usage) = &self.usage {
            usage.expect(token.id());
        }
        let found = image.find(token.id().to_bits());
        let is_right = found.is_some_and(|(entry, _)| token.verify(&entry.digest));
        let standing = self.lease.standing(now.monotonic);
        if standing == Standing::Ended {
            return Err(Reason::Unavailable);
        }
        let (entry, is_known) = found.ok_or(Reason::Unknown)?;
        let owner = self.table.app(entry.app, token.brand());
        let (app, facts, api, even) = owner.ok_or(Reason::Unknown)?;
        let details = image.details(entry.details);
        // All of it is looked at before any of it counts, also of a key that is not the token's: how long a refusal takes
        // does not tell which it is.
        let is_its = is_known & is_right & (entry.environment == token.environment());
        let looks = || [works(&entry, now), is_let(&facts), is_within(details, request)];
        if !looks().iter().fold(is_its & api.is_some(), |all, one| all & one.is_ok()) {
            let looked = black_box(looks().into_iter().collect::<Result<(), Reason>>());
            is_its.then_some(api).flatten().ok_or(Reason::Unknown)?;
            looked?;
        }
        let api = api.ok_or(Reason::Unknown)?;
        let left = self.take((entry.app, app, even), &facts, request, now)?;
        let activates = entry.state == Stand::Pending && !request.is_dry;
        self.count((entry.key, token.id()), activates, request, now);
        Ok(Accepted {
            key: entry.key,
            id: token.id(),
            account: facts.account,
            app: facts.app,
            api,
            environment: entry.environment,
            ends_at: entry.ends_at(),
            left,
            activates,
            is_stale: standing == Standing::Stale,
            details: details.map(Arc::clone),
        })
    }

    /// Takes a use of the limits of an app; looks at what is left where it is only a look.
    fn take(
        &self,
        (place, app, even): (u32, &AppCell, Part),
        facts: &Facts,
        request: &Request<'_>,
        now: Now,
    ) -> Result<Option<Left>, Reason> {
        let Some(limits) = app.limits.get() else { return Ok(None) };
        let nanos = now.nanos();
        let bucket = facts.rate.map(|rate| Bucket::new(rate, limits.rate.part(even)));
        if request.is_dry {
            return Ok(bucket.map(|bucket| bucket.look(&limits.rate, nanos)));
        }
        let quotas = &limits.quotas;
        quotas
            .take(request.cost, nanos / NANOS_PER_SECOND)
            .map_err(|retry_after_seconds| Reason::QuotaExceeded { retry_after_seconds })?;
        let Some(bucket) = bucket else { return Ok(None) };
        let taken = bucket.take(&limits.rate, request.cost, nanos);
        let left = taken.as_ref().map_or_else(|empty| empty.left, |left| *left);
        if (taken.is_err() || bucket.is_short(&left)) && even < Part::WHOLE && limits.rate.is_news()
        {
            self.table.note_short(place, facts.app);
        }
        taken.map(Some).map_err(|empty| {
            quotas.give_back(request.cost);
            Reason::RateLimited { retry_after_seconds: empty.retry_after_seconds, left: empty.left }
        })
    }

    fn count(&self, (key, id): (KeyId, TokenId), activates: bool, request: &Request<'_>, now: Now) {
        if let Some(usage) = self.usage.as_ref().filter(|_| !request.is_dry) {
            usage.record(key, id, request, now.time);
            if activates {
                usage.hurry();
            }
        }
    }
}

/// Whether the state and the end of a key let it be used.
fn works(entry: &Entry, now: Now) -> Result<(), Reason> {
    match entry.state {
        Stand::Pending | Stand::Active => {}
        Stand::Suspended => return Err(Reason::Suspended),
        Stand::Revoked => return Err(Reason::Revoked),
        Stand::Expired => return Err(Reason::Expired),
        Stand::Superseded => return Err(Reason::Superseded),
        Stand::Empty | Stand::Removed => return Err(Reason::Unknown),
    }
    match entry.ends_at() {
        Some(end) if end <= now.time && entry.ends_by_overlap => Err(Reason::Superseded),
        Some(end) if end <= now.time => Err(Reason::Expired),
        Some(_) | None => Ok(()),
    }
}

/// Whether its app and account do.
const fn is_let(facts: &Facts) -> Result<(), Reason> {
    match facts {
        Facts { is_suspended: true, .. } => Err(Reason::AppSuspended),
        Facts { is_account_suspended: true, .. } => Err(Reason::AccountSuspended),
        Facts { .. } => Ok(()),
    }
}

/// Whether its networks and scopes do.
fn is_within(details: Option<&Arc<Details>>, request: &Request<'_>) -> Result<(), Reason> {
    let is_there = details.is_none_or(|own| own.has_address(request.address));
    let may = details.map_or(request.scopes.is_empty(), |own| own.has_scopes(request.scopes));
    match (is_there, may) {
        (false, _) => Err(Reason::IpNotAllowed),
        (true, false) => Err(Reason::ScopeMissing),
        (true, true) => Ok(()),
    }
}
