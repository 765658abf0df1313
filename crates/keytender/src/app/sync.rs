//! Brings the inventory up to date with its accounts.
//!
//! An account is asked, what it shows is held against what is known, and the difference is written
//! in one transaction: killed at any moment, the next sync ends in the same state. Without a
//! difference nothing is written but that the account was looked at.

use std::collections::{BTreeSet, HashMap, HashSet};

use keytender_core::id::{KeyId, SyncId};
use keytender_core::inventory::{self, Changes, Event, Known, Listing};
use keytender_core::time::Time;

use super::turn::Turn;
use crate::clock;
use crate::error::Error;
use crate::store::accounts::{Account, AccountKind};
use crate::store::syncs::Sync;
use crate::store::{self, Failure, Store};

#[cfg(feature = "aws")]
mod aws;

/// The tags of a principal are read again after a day: they cost a call for each.
#[cfg(feature = "aws")]
const TAGS_AGE: keytender_core::time::Span = keytender_core::time::Span::days(1);

/// What an account showed.
pub struct Seen {
    /// Its principals and keys.
    pub listing: Listing,
    /// When the credential report was made.
    pub reported_at: Option<Time>,
    /// The columns of the credential report.
    pub header: Option<Vec<String>>,
    /// The provider's id of the account.
    pub external_id: Option<String>,
    /// The provider's name for the account.
    pub alias: Option<String>,
    /// What was odd.
    pub warnings: Vec<String>,
}

/// What became of one account.
#[derive(Debug)]
pub struct Outcome {
    /// The account.
    pub account: Account,
    /// The look at it, or why there was none.
    pub result: Result<Report, Error>,
}

/// What a look at an account came to.
#[derive(Debug)]
pub struct Report {
    /// How many keys it has.
    pub keys: u64,
    /// What happened to keys since the last look.
    pub events: HashMap<Event, u64>,
    /// How many records were written.
    pub changes: u64,
    /// What was odd.
    pub warnings: Vec<String>,
}

/// Says how far it is: the account, and what is being done.
pub type Progress<'p> = dyn Fn(&str, &str) + std::marker::Sync + 'p;

/// Brings `accounts` up to date, one after the other; those that are told by hand have nothing to
/// ask.
pub async fn run(
    store: &Store,
    accounts: Vec<Account>,
    now: Time,
    progress: &Progress<'_>,
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for account in accounts {
        if account.kind == AccountKind::Manual {
            continue;
        }
        let result = one(store, &account, now, progress, &Turn::free()).await;
        outcomes.push(Outcome { account, result });
    }
    outcomes
}

/// Brings one account up to date, and remembers it if that fails.
///
/// # Errors
/// When the account does not answer, or shows what it cannot be, or cannot be written.
pub async fn one(
    store: &Store,
    account: &Account,
    now: Time,
    progress: &Progress<'_>,
    turn: &Turn,
) -> Result<Report, Error> {
    let result = look(store, account, now, progress, turn).await;
    if let Err(error) = &result {
        // That it failed is worth remembering; if even that fails, people hear of the first.
        _ = remember_failure(store, account, now, error, turn).await;
    }
    result
}

async fn look(
    store: &Store,
    account: &Account,
    now: Time,
    progress: &Progress<'_>,
    turn: &Turn,
) -> Result<Report, Error> {
    let seen = observe(store, account, now, progress).await?;
    if let (Some(known), Some(found)) = (&account.external_id, &seen.external_id)
        && known != found
    {
        let name = &account.name;
        return Err(Error::new(format!(
            "`{name}` is {} account {known}, and its credentials now reach {found}: nothing was \
             written",
            account.provider
        ))
        .hint("give it its own credentials again, or add the other account under another name"));
    }
    apply(store, account, seen, now, turn)
        .await
        .map_err(|failure| failure.refuse(format!("cannot write what `{}` shows", account.name)))
}

#[cfg(feature = "aws")]
async fn observe(
    store: &Store,
    account: &Account,
    now: Time,
    progress: &Progress<'_>,
) -> Result<Seen, Error> {
    if account.provider != "aws" {
        return Err(cannot_ask(account));
    }
    let principals = store.list_principals(account.id).await;
    let principals = principals.map_err(|failure| {
        failure.refuse(format!("cannot read what is known of `{}`", account.name))
    })?;
    let is_fresh = |at: Time| now.since(at) < TAGS_AGE;
    let tagged: HashSet<String> = principals
        .iter()
        .filter(|record| record.tags.as_ref().is_some_and(|(_, at)| is_fresh(*at)))
        .map(|record| record.principal.name.to_string())
        .collect();
    aws::observe(account, &tagged, now, progress).await
}

#[cfg(not(feature = "aws"))]
async fn observe(
    _store: &Store,
    account: &Account,
    _now: Time,
    _progress: &Progress<'_>,
) -> Result<Seen, Error> {
    Err(cannot_ask(account))
}

fn cannot_ask(account: &Account) -> Error {
    let message = format!("cannot ask `{}`: no connector for `{}`", account.name, account.provider);
    Error::new(message).hint("keys of other providers are told by hand: keytender keys add")
}

/// Writes what `seen` changes, in one transaction.
///
/// # Errors
/// When the database refuses; then nothing is written.
pub async fn apply(
    store: &Store,
    account: &Account,
    seen: Seen,
    now: Time,
    turn: &Turn,
) -> Result<Report, Failure> {
    let mut tx = store.db().begin().await?;
    // Of two looks at one account the later waits for the earlier.
    tx.lock(account.id.as_i64()).await?;
    let sightings = tx.sightings(account.id).await?;
    let observed_at = seen.listing.observed_at;
    let keys = seen.listing.principals.iter().map(|listed| listed.keys.len()).sum::<usize>();
    let is_old = sightings.first().is_some_and(|newest| newest.observed_at >= observed_at);
    let known = Known {
        principals: tx.list_principals(account.id).await?,
        keys: tx.keys_of(account.id).await?.into_iter().map(|held| held.record).collect(),
        sightings,
    };
    let unseen = seen.listing.unseen.clone();
    let mut bits = Bits::new(&seen.listing, known.keys.len())?;
    let changes = match is_old {
        true => Changes::default(),
        false => inventory::plan(known, seen.listing, || bits.next()),
    };
    tx.write_principals(account.id, &changes.principals).await?;
    tx.write_keys(account.id, &changes.keys).await?;
    tx.write_uses(&changes.uses, observed_at).await?;
    let events = by_key(&changes);
    let versions: Vec<_> = changes
        .keys
        .iter()
        .filter_map(|record| Some((record, events.get(&record.id)?.clone())))
        .collect();
    tx.write_key_versions(&versions, observed_at).await?;
    let notable: HashSet<_> = changes.notable.iter().collect();
    let principals: Vec<_> =
        changes.principals.iter().filter(|record| notable.contains(&record.id)).collect();
    tx.write_principal_versions(&principals, observed_at).await?;
    let (id, alias) = (seen.external_id.as_deref(), seen.alias.as_deref());
    tx.learn_account(account, id, alias, seen.header.as_deref()).await?;
    let count = changes.principals.len() + changes.keys.len();
    let sync = Sync {
        id: SyncId::from_random(store::random()?),
        account_id: account.id,
        started_at: now,
        finished_at: clock::now(),
        observed_at: (!is_old).then_some(observed_at),
        reported_at: seen.reported_at,
        unseen,
        keys: u64::try_from(keys).unwrap_or(0),
        changes: u64::try_from(count).unwrap_or(0),
        error: None,
        warnings: seen.warnings,
    };
    tx.insert_sync(&sync).await?;
    turn.commit(tx).await?;
    let mut sums = HashMap::new();
    for (_, event) in &changes.events {
        *sums.entry(*event).or_default() += 1;
    }
    Ok(Report { keys: sync.keys, events: sums, changes: sync.changes, warnings: sync.warnings })
}

fn by_key(changes: &Changes) -> HashMap<KeyId, Vec<Event>> {
    let mut events: HashMap<KeyId, Vec<Event>> = HashMap::new();
    for (id, event) in &changes.events {
        events.entry(*id).or_default().push(*event);
    }
    events
}

/// Random bits for new ids, fetched before the planning, which cannot fail.
struct Bits(Vec<u64>);

impl Bits {
    fn new(listing: &Listing, known: usize) -> Result<Self, Failure> {
        let keys: usize = listing.principals.iter().map(|listed| listed.keys.len() + 1).sum();
        let wanted = keys.saturating_add(known).saturating_add(1);
        (0..wanted).map(|_| store::random()).collect::<Result<_, _>>().map(Self)
    }

    fn next(&mut self) -> u64 {
        self.0.pop().unwrap_or_default()
    }
}

async fn remember_failure(
    store: &Store,
    account: &Account,
    now: Time,
    error: &Error,
    turn: &Turn,
) -> Result<(), Failure> {
    let sync = Sync {
        id: SyncId::from_random(store::random()?),
        account_id: account.id,
        started_at: now,
        finished_at: clock::now(),
        observed_at: None,
        reported_at: None,
        unseen: BTreeSet::new(),
        keys: 0,
        changes: 0,
        error: Some(error.report()),
        warnings: Vec::new(),
    };
    let mut tx = store.db().begin().await?;
    tx.insert_sync(&sync).await?;
    turn.commit(tx).await
}
