//! Keys of which only a salted hash is kept: tried off the way of all others, few at once, until they are used.
//!
//! To try one takes some tens of milliseconds of a processor, so nothing is tried for a stranger that is not worth it:
//! what leads to no hash costs none; the same wrong key is tried once; wrong keys that lead to one hash are tried a few
//! times a minute; a few hashes are computed at a time, a few wait, and who comes beyond is told to come again. Once a key
//! was right, its HMAC is kept instead.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use keytender_core::id::{ApiId, KeyId};
use keytender_core::imported::{Kept, Rule, Salted, is_key};
use keytender_core::secret::Secret;
use keytender_core::token::{Brand, Digest};
use keytender_verify::{Now, Reason, Request, Verdict};
use metrics::counter;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{AT_ONCE, Node};
use crate::app::issued::seal_name;
use crate::store;
use crate::store::imported::{KeptHash, Located};
use crate::store::verify::Which;

mod hash;
mod memory;

use memory::{Memory, Seen};

/// How many wait for a turn; who comes beyond is told to come again.
const WAITING: usize = 64;
/// How long one waits for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// One of so many processors may be busy with hashes; but one in any case.
const PROCESSORS: usize = 4;

/// Where salted hashes are, and what was tried lately.
#[derive(Debug)]
pub(super) struct SaltedKeys {
    known: RwLock<Known>,
    turns: Semaphore,
    waiting: AtomicUsize,
    memory: Mutex<Memory>,
}

/// What leads to which hash. The hashes stay in the database.
#[derive(Debug, Default)]
struct Known {
    keys: HashMap<KeyId, (ApiId, Rule, Box<str>)>,
    by_locator: HashMap<(ApiId, Rule, Box<str>), BTreeSet<KeyId>>,
    /// How many hashes of each rule an API has.
    rules: BTreeMap<ApiId, BTreeMap<Rule, usize>>,
}

/// Hashes that a key leads to.
struct Found {
    api: ApiId,
    brand: Brand,
    /// With what of the key is hashed.
    keys: Vec<(KeyId, Rule)>,
}

impl SaltedKeys {
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            known: RwLock::default(),
            turns: Semaphore::new((processors / PROCESSORS).max(1)),
            waiting: AtomicUsize::new(0),
            memory: Mutex::default(),
        }
    }

    /// Whether there is nothing to try.
    fn is_empty(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).keys.is_empty()
    }

    /// Takes these in the place of what is known of them, or of all.
    fn put(&self, these: Option<&[KeyId]>, located: &[Located]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match these {
            Some(keys) => keys.iter().for_each(|key| known.remove(*key)),
            None => *known = Known::default(),
        }
        for one in located {
            if let Ok(rule) = one.rule.parse() {
                known.insert(one, rule);
            }
        }
        drop(known);
        let mut memory = self.memory();
        if !located.is_empty() {
            // What was wrong may be right now.
            memory.forget_wrong();
        }
        match these {
            Some(keys) => memory.forget_right(&keys.iter().copied().collect()),
            None => *memory = Memory::default(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hashes that a key leads to, at the first of these APIs where it leads to some.
    fn find(&self, apis: &[(ApiId, Brand)], key: &str) -> Option<Found> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        apis.iter().find_map(|(api, brand)| {
            let rules = known.rules.get(api)?;
            let keys: Vec<(KeyId, Rule)> = rules
                .keys()
                .filter_map(|rule| {
                    rule.part().of(key)?;
                    let place = (*api, *rule, Box::from(rule.locator()?.of(key)?));
                    Some(known.by_locator.get(&place)?.iter().map(|id| (*id, *rule)))
                })
                .flatten()
                .collect();
            (!keys.is_empty()).then_some(Found { api: *api, brand: *brand, keys })
        })
    }
}

impl Known {
    fn insert(&mut self, one: &Located, rule: Rule) {
        let place = (one.api_id, rule, Box::from(one.locator.as_str()));
        self.keys.insert(one.key_id, place.clone());
        self.by_locator.entry(place).or_default().insert(one.key_id);
        *self.rules.entry(one.api_id).or_default().entry(rule).or_default() += 1;
    }

    fn remove(&mut self, key: KeyId) {
        let Some(place) = self.keys.remove(&key) else { return };
        if let Some(rules) = self.rules.get_mut(&place.0)
            && let Some(count) = rules.get_mut(&place.1)
        {
            *count -= 1;
            if *count == 0 {
                rules.remove(&place.1);
            }
        }
        if let Some(keys) = self.by_locator.get_mut(&place) {
            keys.remove(&key);
            if keys.is_empty() {
                self.by_locator.remove(&place);
            }
        }
    }
}

/// What became of a try.
enum Tried {
    /// It is the key of which this is kept.
    Right(KeyId, Digest),
    /// It is none of them.
    Wrong,
    /// They have been used meanwhile, and are kept otherwise.
    Gone,
    /// It could not be tried now.
    NotNow,
}

impl Node {
    /// Says whether a key is good for a request; also one of which only a salted hash is kept.
    pub async fn verify_any(&self, key: &str, request: &Request<'_>, now: Now) -> Verdict {
        let before = self.applied();
        let verdict = self.verify(key, request, now);
        if !matches!(verdict, Verdict::Refused(Reason::Malformed | Reason::Unknown)) {
            return verdict;
        }
        match Box::pin(self.verify_salted(key, request, now)).await {
            Some(verdict) => verdict,
            None if self.applied() == before => verdict,
            // It may be known by now in the way that is looked at first.
            None => self.verify(key, request, now),
        }
    }

    /// Says whether a key that is not known is one of which a salted hash is kept; none where nothing leads to one.
    async fn verify_salted(&self, key: &str, request: &Request<'_>, now: Now) -> Option<Verdict> {
        if self.salted.is_empty() || !is_key(key) {
            return None;
        }
        let found = self.salted.find(&self.apis_of(request.brand), key)?;
        // The same for who is right and who is wrong: how long it takes tells only whether it was tried before.
        let print = self.verifier.native(found.brand, key)?;
        let seen = self.salted.memory().look(&print, &found.keys, now.monotonic);
        let tried = match seen {
            Seen::Right(id, digest) => Tried::Right(id, digest),
            Seen::Wrong => Tried::Wrong,
            Seen::TooOften => Tried::NotNow,
            Seen::New => self.queue(&found, key, &print).await,
        };
        Some(match tried {
            Tried::Right(id, digest) => {
                self.keep_native(id, found.api, print);
                self.verifier.verify_by(&digest, found.brand, request, now)
            }
            Tried::Wrong => Verdict::Refused(Reason::Unknown),
            Tried::NotNow => Verdict::Refused(Reason::Unavailable),
            Tried::Gone => {
                // Another server has seen its first use.
                if let Err(error) = self.follow().await {
                    tracing::error!(cause = %error.report(), "changes of keys cannot be read");
                }
                self.verify(key, request, now)
            }
        })
    }

    /// Waits for a turn, if not too many do already.
    async fn queue(&self, found: &Found, key: &str, print: &Digest) -> Tried {
        let salted = &self.salted;
        if salted.waiting.fetch_add(1, Ordering::AcqRel) >= WAITING {
            salted.waiting.fetch_sub(1, Ordering::AcqRel);
            return counted("full", Tried::NotNow);
        }
        let _waiting = Waiting(&salted.waiting);
        let Ok(Ok(turn)) = timeout(PATIENCE, salted.turns.acquire()).await else {
            return counted("late", Tried::NotNow);
        };
        // Somebody before may have shown the same, or enough that was wrong.
        let now = self.clock.monotonic();
        let seen = salted.memory().look(print, &found.keys, now);
        let tried = match seen {
            Seen::Right(id, digest) => return Tried::Right(id, digest),
            Seen::Wrong => return Tried::Wrong,
            Seen::TooOften => return counted("often", Tried::NotNow),
            Seen::New => self.try_all(found, key).await,
        };
        drop(turn);
        let now = self.clock.monotonic();
        match tried {
            Tried::Right(id, digest) => {
                salted.memory().note_right(print, id, digest);
                counted("right", tried)
            }
            Tried::Wrong => {
                salted.memory().note_wrong(print, &found.keys, now);
                counted("wrong", tried)
            }
            Tried::Gone | Tried::NotNow => tried,
        }
    }

    /// Tries each hash that a key leads to.
    async fn try_all(&self, found: &Found, key: &str) -> Tried {
        let ids: Vec<KeyId> = found.keys.iter().map(|(id, _)| *id).collect();
        let kept = match self.store.kept_hashes(&ids).await {
            Ok(kept) if kept.is_empty() => return Tried::Gone,
            Ok(kept) => kept,
            Err(failure) => {
                tracing::error!(cause = %failure, "the hashes of keys cannot be read");
                return Tried::NotNow;
            }
        };
        for one in kept {
            let rule = found.keys.iter().find(|(id, _)| *id == one.key_id).map(|(_, rule)| *rule);
            let part = rule.and_then(|rule| rule.part().of(key)).map(Secret::new);
            let Some((part, (salted, digest))) = part.zip(self.opened(&one)) else { continue };
            let tried = tokio::task::spawn_blocking(move || hash::is_of(&salted, &part)).await;
            match tried {
                Ok(true) => return Tried::Right(one.key_id, digest),
                Ok(false) => {}
                Err(_) => return Tried::NotNow,
            }
        }
        Tried::Wrong
    }

    fn opened(&self, one: &KeptHash) -> Option<(Salted, Digest)> {
        let opened = self.sealer.open(&seal_name(one.key_id), &one.sealed);
        let opened = opened.inspect_err(
            |error| tracing::error!(key = %one.key_id, %error, "the hash of a key does not open"),
        );
        let Ok(Kept::Salted(salted)) = Kept::parse(None, opened.ok()?.expose()) else {
            return None;
        };
        Some((salted, Digest::parse(&one.digest).ok()?))
    }

    /// Reads where all salted hashes are.
    pub(super) async fn take_salted(&self) -> store::Result<()> {
        let mut all: Vec<Located> = Vec::new();
        loop {
            let after = all.last().map(|last| last.key_id);
            let found = self.store.located_keys(&Which::After(None, after, AT_ONCE)).await?;
            if found.is_empty() {
                self.salted.put(None, &all);
                return Ok(());
            }
            all.extend(found);
        }
    }

    /// Reads where those of some keys are that have changed.
    pub(super) async fn follow_salted(&self, keys: &[KeyId]) -> store::Result<()> {
        // Where no API has such keys, nobody asks for them.
        if keys.is_empty() || !self.has_imported() {
            return Ok(());
        }
        let found = self.store.located_keys(&Which::These(keys.to_vec())).await?;
        if !(found.is_empty() && self.salted.is_empty()) {
            self.salted.put(Some(keys), &found);
        }
        Ok(())
    }
}

/// Counts what became of those who waited.
fn counted(word: &'static str, tried: Tried) -> Tried {
    counter!("keytender_salted_hashes_total", "outcome" => word).increment(1);
    tried
}

/// One that waits; until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
