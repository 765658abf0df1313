//! A verifier of keys within this process: all keys of our APIs in memory, kept current from the database.
//!
//! It takes a snapshot, follows the numbered changes, and holds a lease that says how far it has come: whoever
//! revokes a key can see in the database who refuses it already. No verification asks the database.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keytender_core::id::{ApiId, AppId, KeyId};
use keytender_core::time::{Span, Time};
use keytender_core::token::{Brand, TokenId};
use keytender_verify::feed::{Api as FeedApi, App as FeedApp, Changes, Snapshot, VERSION};
use keytender_verify::lease::Standing;
use keytender_verify::table::ApplyError;
use keytender_verify::{Clock, Lease, Now, OnPartition, Request, Table, Verdict, Verifier};
use tokio::sync::{Mutex, Notify};

use crate::error::Error;
use crate::store::apis::Api;
use crate::store::apps::Quota;
use crate::store::changes::{Change, Subject};
use crate::store::db::{Kind, Location};
use crate::store::seal::Sealer;
use crate::store::verify::{KnownApp, Verifier as Live, Which};
use crate::store::{self, Failure, Store};

pub mod feed;
mod keep;
mod known;
mod native;
mod quotas;
mod salted;
mod shares;
mod shown;
mod uses;

pub use keep::keep;

/// How long a lease is, by the database's clock.
pub const LEASE: Span = Span::from_micros(5_000_000);
/// How long a verifier that serves on goes on without one, in microseconds: [`SERVE_AT_MOST`] of the crate.
const SERVES: i64 = 600_000_000;
/// How long the node itself believes it, by its own clock, from before it asked: it stops first.
const BELIEVED: Duration = Duration::from_millis(4_500);
/// How long it is waited for that all verifiers have heard of a change: two leases.
const PROOF: Duration = Duration::from_secs(10);
/// How often it is looked whether they have.
const PROOF_LOOK: Duration = Duration::from_millis(20);
/// How many things are read at once.
const AT_ONCE: i64 = 10_000;

/// The verifier of a server.
#[derive(Debug)]
pub struct Node {
    name: String,
    store: Store,
    location: Location,
    clock: Clock,
    verifier: Verifier,
    /// Held while changes are read and applied; up to which number they are.
    following: Mutex<()>,
    applied: AtomicI64,
    /// Each API, and what its keys begin with, by its name.
    apis: RwLock<HashMap<String, (ApiId, Brand)>>,
    /// Keys whose first use is being written.
    activating: RwLock<HashSet<KeyId>>,
    /// Told when something may have changed.
    wake: Notify,
    /// Held while uses are told.
    telling: Mutex<()>,
    /// What keys show of their uses.
    shown: shown::Shown,
    /// The quotas of apps that have one.
    quotas: RwLock<HashMap<AppId, Quota>>,
    /// Opens what must be known to recognise keys that others issued.
    sealer: Sealer,
    /// Those of which only a salted hash is kept.
    salted: salted::SaltedKeys,
    /// Those of which something else is to be kept, and under which pepper.
    natives: native::Natives,
    pepper: AtomicI64,
}

impl Node {
    /// A node that knows nothing yet: [`Node::load`] and [`Node::renew`] come first. It counts uses in `folder`.
    ///
    /// # Errors
    /// When uses cannot be counted there.
    pub fn new(
        store: Store,
        location: Location,
        host: &str,
        on_partition: OnPartition,
        (folder, sealer): (&Path, Sealer),
    ) -> Result<Self, Error> {
        let usage = uses::open(folder)?;
        let verifier = Verifier::new(Arc::new(Table::new()), Lease::new(on_partition));
        // Two on one host have a file each. One that was killed is followed by the one that has its file then, and
        // nobody waits for it.
        let epoch = usage.epoch().cast_unsigned();
        Ok(Self {
            name: format!("{host}/{:08x}", epoch >> 32),
            store,
            location,
            clock: Clock::start(),
            verifier: verifier.with_usage(usage),
            following: Mutex::new(()),
            applied: AtomicI64::new(0),
            apis: RwLock::default(),
            activating: RwLock::default(),
            wake: Notify::new(),
            telling: Mutex::new(()),
            shown: shown::Shown::default(),
            quotas: RwLock::default(),
            sealer,
            salted: salted::SaltedKeys::new(),
            natives: native::Natives::default(),
            pepper: AtomicI64::new(0),
        })
    }

    /// What the keys of an API begin with.
    pub fn brand(&self, api: &str) -> Option<Brand> {
        let apis = self.apis.read().unwrap_or_else(PoisonError::into_inner);
        apis.get(api).map(|(_, brand)| *brand)
    }

    /// The API whose keys begin so, or all.
    fn apis_of(&self, brand: Option<Brand>) -> Vec<(ApiId, Brand)> {
        let apis = self.apis.read().unwrap_or_else(PoisonError::into_inner);
        let is_it = |one: &&(ApiId, Brand)| brand.is_none_or(|brand| brand == one.1);
        apis.values().filter(is_it).copied().collect()
    }

    /// Something may have changed: it is looked for at once.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Up to which number changes are applied.
    fn applied(&self) -> i64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Whether the database tells of changes.
    fn is_told(&self) -> bool {
        self.store.db().kind() == Kind::Postgres
    }

    async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Whether nobody writes the first use of a key already; from now on somebody does.
    pub fn begin_activation(&self, key: KeyId) -> bool {
        self.activating.write().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    /// The first use of a key is written, or could not be.
    pub fn end_activation(&self, key: KeyId) {
        self.activating.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    /// What the node is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many keys it knows.
    pub fn len(&self) -> usize {
        self.verifier.table().len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Both clocks, now.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Says whether a key is good for a request.
    fn verify(&self, token: &str, request: &Request<'_>, now: Now) -> Verdict {
        let verdict = self.verifier.verify(token, request, now);
        if let Verdict::Accepted(accepted) = &verdict
            && let Some(native) = &accepted.native
        {
            self.keep_native(accepted.key, accepted.api, **native);
        }
        verdict
    }

    /// Which key that was issued elsewhere is shown, by its public id; nothing is counted.
    pub fn find_elsewhere(&self, key: &str) -> Option<TokenId> {
        self.verifier.find_elsewhere(key)
    }

    /// A key may be verified soon: what that needs is at hand then.
    pub fn expect(&self, token: &str) {
        self.verifier.expect(token);
    }

    /// Takes all there is to know in the place of what was known.
    ///
    /// # Errors
    /// When the database does not answer, or there are too many keys.
    pub async fn load(&self) -> Result<(), Error> {
        let following = self.following.lock().await;
        let loaded = self.take().await;
        drop(following);
        loaded
    }

    async fn take(&self) -> Result<(), Error> {
        let head = self.store.change_head().await.map_err(cannot_follow)?;
        let mut pages = vec![self.first_page(head).await?];
        let mut after: Option<AppId> = None;
        loop {
            let found = self.store.known_apps(&Which::After(None, after, AT_ONCE)).await;
            let found = found.map_err(cannot_follow)?;
            let Some(last) = found.last() else { break };
            after = Some(last.app.id);
            let apps = self.apps(&found).await.map_err(cannot_follow)?;
            pages.push(Snapshot { apps, ..Snapshot::empty(number(head)) });
        }
        let mut after: Option<KeyId> = None;
        loop {
            let found = self.store.known_keys(&Which::After(None, after, AT_ONCE)).await;
            let found = found.map_err(cannot_follow)?;
            let Some(last) = found.last() else { break };
            after = Some(last.key_id);
            let keys = found.iter().filter_map(known::key).collect();
            pages.push(Snapshot { keys, ..Snapshot::empty(number(head)) });
        }
        let keys = pages.iter().map(|page| page.keys.len()).sum();
        {
            // Nobody waits in here: whoever loads holds the table's lock.
            let mut loader = self.verifier.table().loader(keys);
            for page in &pages {
                loader.add(page).map_err(cannot_apply)?;
            }
            loader.finish().map_err(cannot_apply)?;
        }
        self.applied.store(head, Ordering::Release);
        self.take_salted().await.map_err(cannot_follow)
    }

    async fn first_page(&self, head: i64) -> Result<Snapshot, Error> {
        let apis = self.known_apis(&self.apis().await.map_err(cannot_follow)?).await?;
        Ok(Snapshot { apis, ..Snapshot::empty(number(head)) })
    }

    /// Apps with what is used of their quotas, which are remembered.
    async fn apps(&self, found: &[KnownApp]) -> store::Result<Vec<FeedApp>> {
        {
            let mut quotas = self.quotas.write().unwrap_or_else(PoisonError::into_inner);
            for KnownApp { app, .. } in found {
                match app.limits.quota {
                    Some(quota) => _ = quotas.insert(app.id, quota),
                    None => _ = quotas.remove(&app.id),
                }
            }
        }
        quotas::apps(&self.store, found, self.clock.now().time).await
    }

    /// Every API; from now on they are known by their names.
    async fn apis(&self) -> store::Result<Vec<Api>> {
        let apis = self.store.list_apis().await?;
        let known = apis
            .iter()
            .filter_map(|api| Some((api.name.clone(), (api.id, Brand::parse(&api.brand).ok()?))));
        *self.apis.write().unwrap_or_else(PoisonError::into_inner) = known.collect();
        Ok(apis)
    }

    /// APIs, and how keys of them are recognised that others issued.
    async fn known_apis(&self, apis: &[Api]) -> Result<Vec<FeedApi>, Error> {
        let mut imported = self.imported().await?;
        Ok(apis.iter().filter_map(|api| known::api(api, imported.remove(&api.id))).collect())
    }

    /// Applies what has changed since; up to which number the node has come.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn follow(&self) -> Result<i64, Error> {
        let _following = self.following.lock().await;
        loop {
            let applied = self.applied();
            let changes =
                self.store.changes_after(applied, AT_ONCE).await.map_err(cannot_follow)?;
            let Some((first, last)) = changes.first().zip(changes.last()) else {
                return Ok(applied);
            };
            if first.seq != applied + 1 {
                self.take().await?;
                continue;
            }
            let told = self.told(applied, last.seq, &changes).await?;
            match self.verifier.table().apply(&told) {
                Ok(()) => {
                    self.applied.store(last.seq, Ordering::Release);
                    self.follow_salted(&keys_of(&changes)).await.map_err(cannot_follow)?;
                }
                Err(ApplyError::Gap { .. } | ApplyError::NoSnapshot) => self.take().await?,
                Err(error) => return Err(cannot_apply(error)),
            }
        }
    }

    /// What changed, as it is now.
    async fn told(&self, after: i64, through: i64, changes: &[Change]) -> Result<Changes, Error> {
        let apis = self.apis().await.map_err(cannot_follow)?;
        let apis = self.known_apis(&apis).await?;
        let changed = known::Changed::of(self, apis, changes).await.map_err(cannot_follow)?;
        Ok(Changes {
            version: VERSION,
            after: number(after),
            through: number(through),
            changes: changed.in_order(number(through)),
        })
    }

    /// Says in the database how far the node has come, and believes that for a while.
    ///
    /// # Errors
    /// When the database does not answer: the node goes on as long as it believes, and then as it was told.
    pub async fn renew(&self) -> Result<(), Error> {
        let before = self.clock.monotonic();
        let applied = self.applied();
        let goes_on = goes_on(self.verifier.lease().on_partition());
        let mut tx = self.store.db().begin().await.map_err(Failure::from).map_err(cannot_follow)?;
        tx.note_verifier(&self.name, None, applied, goes_on).await.map_err(cannot_follow)?;
        tx.commit().await.map_err(Failure::from).map_err(cannot_follow)?;
        // While it had no lease nobody waited for this node: what changed until it had one comes first.
        if !self.is_current() {
            self.follow().await?;
        }
        self.divide().await.map_err(cannot_follow)?;
        self.verifier.lease().grant(before.saturating_add(BELIEVED));
        Ok(())
    }

    /// Whether the node holds a lease.
    pub fn is_current(&self) -> bool {
        self.verifier.lease().standing(self.clock.monotonic()) == Standing::Current
    }

    /// Waits until every verifier of an API has said that it has applied the change of this number, or goes on no
    /// more: since when that is so, or who has not said it within ten seconds. Of whom nothing has been heard for
    /// as long as a lease is not waited for, but named.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn proof(&self, api: ApiId, seq: i64) -> Result<(Option<Time>, Vec<String>), Error> {
        let end = self.clock.monotonic().saturating_add(PROOF);
        self.renew().await?;
        loop {
            let behind = behind(&self.store, api, seq).await.map_err(cannot_follow)?;
            if behind.is_empty() {
                return Ok((Some(self.clock.now().time), Vec::new()));
            }
            let is_in_vain = behind.iter().all(|one| one.is_lost());
            if is_in_vain || self.clock.monotonic() >= end {
                return Ok((None, behind.into_iter().map(|one| one.node).collect()));
            }
            tokio::time::sleep(PROOF_LOOK).await;
        }
    }

    /// Says in the database that nobody need wait for the node any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn leave(&self) -> Result<(), Error> {
        let mut tx = self.store.db().begin().await.map_err(Failure::from).map_err(cannot_follow)?;
        tx.forget_verifier(&self.name).await.map_err(cannot_follow)?;
        tx.commit().await.map_err(Failure::from).map_err(cannot_follow)
    }
}

/// The keys that changes are of.
fn keys_of(changes: &[Change]) -> Vec<KeyId> {
    let key = |change: &Change| match change.subject {
        Subject::Key(id) => Some(id),
        Subject::App(_) | Subject::Account(_) => None,
    };
    changes.iter().filter_map(key).collect()
}

/// Those who verify keys of an API and have not said that they have applied the change of this number.
async fn behind(store: &Store, api: ApiId, seq: i64) -> store::Result<Vec<Live>> {
    let live = store.live_verifiers(Some(api)).await?;
    Ok(live.into_iter().filter(|one| one.applied_seq < seq).collect())
}

/// How long a verifier goes on that hears nothing more.
const fn goes_on(on_partition: OnPartition) -> Span {
    match on_partition {
        OnPartition::Serve => Span::from_micros(LEASE.as_micros() + SERVES),
        OnPartition::Refuse => LEASE,
    }
}

impl Live {
    /// Whether it has not been heard of since its lease has ended, and goes on without one.
    const fn is_lost(&self) -> bool {
        let left = self.left.as_micros();
        left > LEASE.as_micros() && left <= SERVES
    }
}

fn number(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

fn cannot_follow(failure: Failure) -> Error {
    failure.refuse("cannot read the keys to verify")
}

fn cannot_apply(error: ApplyError) -> Error {
    Error::new("cannot keep the keys to verify").source(error)
}
