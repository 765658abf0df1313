//! From token to verdict.

use std::sync::Arc;

use keytender_core::id::KeyId;
use keytender_core::imported::{is_key, place};
use keytender_core::token::{Brand, Digest, Token, TokenId};

use crate::app::Facts;
use crate::clock::Now;
use crate::details::Details;
use crate::lease::{Lease, Standing};
use crate::limit::Bucket;
use crate::share::Part;
use crate::slot::{Entry, Stand};
use crate::table::{Candidate, Image, Spot, Table};
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

/// Whose key is shown, once it is known which it is.
struct Shown {
    brand: Brand,
    id: TokenId,
    native: Option<Box<Digest>>,
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

    /// A token may be verified soon: memory is asked for what that needs, and nobody waits for it. It pays where there is
    /// something else to do before, such as other tokens of a list.
    pub fn expect(&self, token: &str) {
        if let Some(bits) = Token::bits_of_id(token) {
            self.expect_id(&self.table.image(), bits);
        }
    }

    fn expect_id(&self, image: &Image, bits: u128) -> Option<Spot> {
        if let Some(usage) = &self.usage {
            usage.expect(bits);
        }
        image.expect(bits)
    }

    /// Says whether a token is good for a request, now. What is good is counted as a use, unless it is only a
    /// look.
    ///
    /// In the order of [`Reason`]: its form, its checksum, its secret, and only then its state, end, networks,
    /// scopes and limits. Nothing but memory is touched. Each token that is no mistyped one takes the same
    /// way up to its limits, whatever is wrong with it. What is no token is tried as a key that was issued elsewhere,
    /// where an API has some; those of which only a salted hash is known are not found here.
    pub fn verify(&self, token: &str, request: &Request<'_>, now: Now) -> Verdict {
        match self.judge(token, request, now) {
            Ok(accepted) => Verdict::Accepted(accepted),
            Err(reason) => Verdict::Refused(reason),
        }
    }

    /// As [`verify`](Self::verify), for whoever has found out by other means which key it is that was issued elsewhere:
    /// `digest` is what is kept of it, `brand` that of its API.
    pub fn verify_by(
        &self,
        digest: &Digest,
        brand: Brand,
        request: &Request<'_>,
        now: Now,
    ) -> Verdict {
        let candidate = Candidate { brand, digest: *digest, native: None };
        let found = self.standing(now).and_then(|standing| {
            let image = self.table.image();
            let found = self.seek(&image, candidate, standing, request, now);
            found.unwrap_or(Err(Reason::Unknown))
        });
        found.map_or_else(Verdict::Refused, Verdict::Accepted)
    }

    /// What is to be kept of a key that was issued elsewhere, of the API with this brand; none if it has no such keys.
    pub fn native(&self, brand: Brand, key: &str) -> Option<Digest> {
        self.table.elsewhere().native(brand, key)
    }

    /// Which key that was issued elsewhere is shown, by its public id, whatever has become of it; nothing is counted.
    /// Those of which only a salted hash is known are not found here.
    pub fn find_elsewhere(&self, key: &str) -> Option<TokenId> {
        let elsewhere = self.table.elsewhere();
        if elsewhere.is_empty() || !is_key(key) {
            return None;
        }
        let image = self.table.image();
        let mut candidates = elsewhere.candidates(None, key);
        candidates.find_map(|candidate| found_elsewhere(&image, &candidate)).map(|(_, id)| id)
    }

    fn judge(&self, text: &str, request: &Request<'_>, now: Now) -> Result<Accepted, Reason> {
        let Some(bits) = Token::bits_of_id(text) else { return self.recognise(text, request, now) };
        // While the token is read, and its digest made, memory comes along with what will be needed.
        let image = self.table.image();
        let spot = self.expect_id(&image, bits);
        let Ok(token) = Token::parse(text) else { return self.recognise(text, request, now) };
        let digest = token.digest();
        let found = spot.and_then(|spot| image.find(bits, &spot));
        let is_right = found.is_some_and(|(entry, _)| digest == entry.digest);
        let standing = self.standing(now)?;
        let (entry, is_known) = found.ok_or(Reason::Unknown)?;
        let is_its = is_known & is_right & (entry.environment == token.environment());
        let shown = Shown { brand: token.brand(), id: token.id(), native: None };
        self.admit(&image, (entry, is_its, standing), shown, request, now)
    }

    fn standing(&self, now: Now) -> Result<Standing, Reason> {
        match self.lease.standing(now.monotonic) {
            Standing::Ended => Err(Reason::Unavailable),
            standing => Ok(standing),
        }
    }

    /// What is no token may be a key that was issued elsewhere.
    #[cold]
    fn recognise(&self, key: &str, request: &Request<'_>, now: Now) -> Result<Accepted, Reason> {
        let elsewhere = self.table.elsewhere();
        if !elsewhere.is_known() {
            return Err(Reason::Unavailable);
        }
        if elsewhere.is_empty() || !is_key(key) {
            return Err(Reason::Malformed);
        }
        let standing = self.standing(now)?;
        let image = self.table.image();
        let mut candidates = elsewhere.candidates(request.brand, key);
        let found =
            candidates.find_map(|candidate| self.seek(&image, candidate, standing, request, now));
        found.unwrap_or(Err(Reason::Unknown))
    }

    /// What is said of the key of which this is kept, if there is one.
    fn seek(
        &self,
        image: &Image,
        candidate: Candidate,
        standing: Standing,
        request: &Request<'_>,
        now: Now,
    ) -> Option<Result<Accepted, Reason>> {
        let (entry, id) = found_elsewhere(image, &candidate)?;
        let native = candidate.native.map(Box::new);
        let shown = Shown { brand: candidate.brand, id, native };
        Some(self.admit(image, (entry, true, standing), shown, request, now))
    }

    fn admit(
        &self,
        image: &Image,
        (entry, is_its, standing): (Entry, bool, Standing),
        shown: Shown,
        request: &Request<'_>,
        now: Now,
    ) -> Result<Accepted, Reason> {
        let owner = self.table.app(entry.app, shown.brand);
        let (facts, api, even) = owner.ok_or(Reason::Unknown)?;
        let details = image.details(entry.details);
        let is_its = is_its & request.brand.is_none_or(|brand| brand == shown.brand);
        let wrong = wrong_with(&entry, now) | wrong_around(&facts, details, request);
        let wrong = wrong | bit(!is_its | api.is_none(), UNKNOWN);
        if let Some(reason) = first_reason(wrong) {
            return Err(reason);
        }
        let api = api.ok_or(Reason::Unknown)?;
        let left = self.take((entry.app, even), &facts, request, now)?;
        let activates = entry.state == Stand::Pending && !request.is_dry;
        self.count((entry.key, shown.id), activates, request, now);
        Ok(Accepted {
            key: entry.key,
            id: shown.id,
            account: facts.account,
            app: facts.app,
            api,
            environment: entry.environment,
            ends_at: entry.ends_at(),
            left,
            activates,
            is_stale: standing == Standing::Stale,
            details: details.map(Arc::clone),
            native: shown.native,
        })
    }

    /// Takes a use of the limits of an app; looks at what is left where it is only a look.
    fn take(
        &self,
        (place, even): (u32, Part),
        facts: &Facts,
        request: &Request<'_>,
        now: Now,
    ) -> Result<Option<Left>, Reason> {
        let Some(limits) = self.table.limits(facts) else { return Ok(None) };
        let nanos = now.nanos();
        let bucket = limits.said().map(|rate| Bucket::new(rate, limits.rate.part(even)));
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

/// Reasons by their bits in what is wrong, of which the lowest counts. Those of states have the bits of their states.
///
/// All of it is looked at, also of a key that is not the token's, and nothing branches on what is found: neither what was
/// refused nor which key stood in the place of an unknown one is told by the time that it took.
const REASONS: [Reason; 14] = [
    Reason::Unknown,
    // Pending and active: nothing is wrong.
    Reason::Unknown,
    Reason::Unknown,
    Reason::Suspended,
    Reason::Revoked,
    Reason::Expired,
    Reason::Superseded,
    Reason::Unknown,
    Reason::Superseded,
    Reason::Expired,
    Reason::AppSuspended,
    Reason::AccountSuspended,
    Reason::IpNotAllowed,
    Reason::ScopeMissing,
];
const UNKNOWN: u32 = 0;
/// The states in which a key works.
const WORKING: u32 = (1 << Stand::Pending as u32) | (1 << Stand::Active as u32);
const OVERLAP_ENDED: u32 = 8;
const ENDED: u32 = 9;
const APP_SUSPENDED: u32 = 10;
const ACCOUNT_SUSPENDED: u32 = 11;
const ADDRESS: u32 = 12;
const SCOPE: u32 = 13;

/// What is wrong with the state and the end of a key.
fn wrong_with(entry: &Entry, now: Now) -> u32 {
    let has_ended = entry.has_ended(now.time);
    ((1 << entry.state as u32) & !WORKING)
        | bit(has_ended & entry.ends_by_overlap, OVERLAP_ENDED)
        | bit(has_ended & !entry.ends_by_overlap, ENDED)
}

/// What is wrong with its app, its account, its networks and its scopes.
fn wrong_around(facts: &Facts, details: Option<&Arc<Details>>, request: &Request<'_>) -> u32 {
    let is_there = details.is_none_or(|own| own.has_address(request.address));
    let may = details.map_or(request.scopes.is_empty(), |own| own.has_scopes(request.scopes));
    bit(facts.is_suspended, APP_SUSPENDED)
        | bit(facts.is_account_suspended, ACCOUNT_SUSPENDED)
        | bit(!is_there, ADDRESS)
        | bit(!may, SCOPE)
}

/// The key of which this is kept, and its public id, if there is one.
fn found_elsewhere(image: &Image, candidate: &Candidate) -> Option<(Entry, TokenId)> {
    let place = place(&candidate.digest);
    let spot = image.expect(place)?;
    let (entry, is_known) = image.find(place, &spot)?;
    let id = image.details(entry.details)?.id?;
    (is_known & (entry.digest == candidate.digest)).then_some((entry, id))
}

const fn bit(is_wrong: bool, place: u32) -> u32 {
    (is_wrong as u32) << place
}

fn first_reason(wrong: u32) -> Option<Reason> {
    REASONS.get(wrong.trailing_zeros() as usize).copied()
}
