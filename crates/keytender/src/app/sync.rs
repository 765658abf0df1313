//! Brings the inventory up to date with its accounts.
//!
//! An organization is asked first who its members are; then each account is asked, what it shows is held against what is known, and the difference is written
//! in one transaction: killed at any moment, the next sync ends in the same state. Without a
//! difference nothing is written but that the account was looked at.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::stream::{self, StreamExt};
use keytender_core::id::{AccountId, KeyId, SyncId};
use keytender_core::inventory::{self, Changes, Event, Known, Listing};
use keytender_core::time::Time;

use super::accounts::is_described;
use super::inventory::Inventory;
use super::notify;
use super::turn::Turn;
use crate::clock;
use crate::error::Error;
use crate::store::accounts::{Account, AccountKind, Learned};
use crate::store::keys::Told;
use crate::store::syncs::Sync;
use crate::store::{self, Failure, Store};

#[cfg(feature = "aws")]
mod administrators;
#[cfg(feature = "aws")]
mod aws;
pub(super) mod described;
mod looks;
#[cfg(feature = "aws")]
mod organization;

pub use looks::looks;

/// How many accounts are asked at the same time. Each has limits of its own; what they share, STS
/// and the database, bears more.
const MAX_ACCOUNTS_AT_ONCE: usize = 4;
/// The tags of a principal are read again after a day: they cost a call for each.
#[cfg(feature = "aws")]
const TAGS_AGE: keytender_core::time::Span = keytender_core::time::Span::days(1);

/// What an account showed.
pub struct Seen {
    /// Its principals and keys.
    pub listing: Listing,
    /// When the credential report was made.
    pub reported_at: Option<Time>,
    /// The account itself.
    pub learned: Learned,
    /// What was odd.
    pub warnings: Vec<String>,
}

/// What became of one account.
#[derive(Debug)]
pub struct Outcome {
    /// The account.
    pub account: Account,
    /// The accounts that were found through it, and added.
    pub added: Vec<String>,
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

/// An account that is to be asked, and what its organization said before.
struct Look {
    account: Account,
    said: Said,
}

/// What an organization says of itself when it names its members.
#[derive(Default)]
struct Said {
    /// The provider's id of the account that asked.
    external_id: Option<String>,
    /// The members that were added.
    added: Vec<String>,
    /// What was odd.
    warnings: Vec<String>,
    /// Why it did not name them.
    failure: Option<Error>,
}

impl From<Account> for Look {
    fn from(account: Account) -> Self {
        Self { account, said: Said::default() }
    }
}

/// Brings `accounts` up to date, a few at a time, and with an organization its members; those that
/// are told by hand have nothing to ask.
pub async fn run(
    inventory: &Inventory,
    mut accounts: Vec<Account>,
    progress: &Progress<'_>,
) -> Vec<Outcome> {
    accounts.retain(|account| account.kind.is_asked());
    let places: HashMap<AccountId, usize> =
        accounts.iter().enumerate().map(|(place, account)| (account.id, place)).collect();
    let (organizations, mut others): (Vec<_>, Vec<_>) =
        accounts.into_iter().partition(|account| account.kind == AccountKind::Organization);
    let ids: HashSet<AccountId> = organizations.iter().map(|account| account.id).collect();
    let organization_of = |account: &Account| account.parent_id.filter(|id| ids.contains(id));
    // They are asked with their organization, which knows who still belongs to it.
    others.retain(|account| organization_of(account).is_none());
    // First, for it shows which member somebody added by hand.
    let mut outcomes = look(inventory, others.into_iter().map(Look::from), progress).await;
    for organization in organizations {
        let (first, members) = with_members(inventory, organization, progress).await;
        let looks = std::iter::once(first).chain(members.into_iter().map(Look::from));
        outcomes.append(&mut look(inventory, looks, progress).await);
    }
    outcomes.sort_by_key(|Outcome { account, .. }| {
        places.get(&organization_of(account).unwrap_or(account.id)).copied()
    });
    outcomes
}

#[cfg(feature = "aws")]
async fn with_members(
    inventory: &Inventory,
    mut organization: Account,
    progress: &Progress<'_>,
) -> (Look, Vec<Account>) {
    let (said, members) = organization::ask(inventory, &mut organization, progress).await;
    (Look { account: organization, said }, members)
}

#[cfg(not(feature = "aws"))]
async fn with_members(
    _inventory: &Inventory,
    organization: Account,
    _progress: &Progress<'_>,
) -> (Look, Vec<Account>) {
    (Look::from(organization), Vec::new())
}

/// Looks at each account, a few at a time; the outcomes stand in the order of the accounts.
async fn look(
    inventory: &Inventory,
    looks: impl IntoIterator<Item = Look>,
    progress: &Progress<'_>,
) -> Vec<Outcome> {
    stream::iter(looks)
        .map(|look| outcome(inventory, look, progress))
        .buffered(MAX_ACCOUNTS_AT_ONCE)
        .collect()
        .await
}

async fn outcome(inventory: &Inventory, look: Look, progress: &Progress<'_>) -> Outcome {
    let Look { account, mut said } = look;
    let added = std::mem::take(&mut said.added);
    let result = remembered(inventory, &account, said, progress, &Turn::free()).await;
    Outcome { account, added, result }
}

/// Brings one account up to date, and remembers it if that fails. An organization is asked for its
/// members before; those that are new are added, and all are brought up to date in their own turn.
///
/// # Errors
/// When the account does not answer, or shows what it cannot be, or cannot be written.
pub async fn one(
    inventory: &Inventory,
    account: Account,
    progress: &Progress<'_>,
    turn: &Turn,
) -> Result<Report, Error> {
    let look = match account.kind {
        AccountKind::Organization => with_members(inventory, account, progress).await.0,
        _ => Look::from(account),
    };
    remembered(inventory, &look.account, look.said, progress, turn).await
}

async fn remembered(
    inventory: &Inventory,
    account: &Account,
    mut said: Said,
    progress: &Progress<'_>,
    turn: &Turn,
) -> Result<Report, Error> {
    let (store, now) = (&inventory.store, inventory.now);
    let result = match said.failure.take() {
        Some(error) => Err(error),
        None => compare(store, account, said, now, progress, turn).await,
    };
    if let Err(error) = &result {
        // That it failed is worth remembering; if even that fails, people hear of the first.
        _ = remember_failure(store, account, now, error, turn).await;
    }
    result
}

async fn compare(
    store: &Store,
    account: &Account,
    said: Said,
    now: Time,
    progress: &Progress<'_>,
    turn: &Turn,
) -> Result<Report, Error> {
    let mut seen = observe(store, account, now, progress).await?;
    seen.warnings.splice(0..0, said.warnings);
    let found = seen.learned.external_id.take().or(said.external_id);
    if let Some(found) = &found {
        check_same(account, found)?;
    }
    seen.learned.external_id.clone_from(&found);
    match (apply(store, account, seen, now, turn).await, found) {
        (Ok(report), _) => Ok(report),
        (Err(Failure::Exists), Some(found)) => Err(known_already(store, account, &found).await),
        (Err(failure), _) => Err(cannot_write(account, failure)),
    }
}

/// Refuses credentials that reach another account than before.
fn check_same(account: &Account, found: &str) -> Result<(), Error> {
    let Some(known) = account.external_id.as_deref().filter(|known| *known != found) else {
        return Ok(());
    };
    let (name, provider) = (&account.name, &account.provider);
    Err(Error::new(format!(
        "`{name}` is {provider} account {known}, and its credentials now reach {found}: nothing was \
         written"
    ))
    .hint("give it its own credentials again, or add the other account under another name"))
}

/// The refusal of an account that is in the inventory under another name.
async fn known_already(store: &Store, account: &Account, found: &str) -> Error {
    let accounts = store.list_accounts().await.unwrap_or_default();
    let is_it = |other: &&Account| {
        other.id != account.id
            && other.provider == account.provider
            && other.external_id.as_deref() == Some(found)
    };
    match accounts.iter().find(is_it) {
        Some(other) => Error::new(format!(
            "`{}` is {} account {found}, which is known as `{}`: nothing was written",
            account.name, account.provider, other.name
        ))
        .hint(format!("remove one of the two: keytender accounts remove {}", account.name)),
        None => cannot_write(account, Failure::Exists),
    }
}

fn cannot_write(account: &Account, failure: Failure) -> Error {
    failure.refuse(format!("cannot write what `{}` shows", account.name))
}

async fn observe(
    store: &Store,
    account: &Account,
    now: Time,
    progress: &Progress<'_>,
) -> Result<Seen, Error> {
    match is_described(&account.provider, account.kind) {
        true => described::observe(account, now, progress).await,
        false => observe_aws(store, account, now, progress).await,
    }
}

#[cfg(feature = "aws")]
async fn observe_aws(
    store: &Store,
    account: &Account,
    now: Time,
    progress: &Progress<'_>,
) -> Result<Seen, Error> {
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
async fn observe_aws(
    _store: &Store,
    account: &Account,
    _now: Time,
    _progress: &Progress<'_>,
) -> Result<Seen, Error> {
    Err(cannot_ask(account))
}

#[cfg(not(feature = "aws"))]
fn cannot_ask(account: &Account) -> Error {
    let message = format!("cannot ask `{}`: no connector for `{}`", account.name, account.provider);
    Error::new(message).hint("this program was built without AWS's connector")
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
    let is_first = sightings.is_empty();
    let is_old = sightings.first().is_some_and(|newest| newest.observed_at >= observed_at);
    let known = Known {
        principals: tx.list_principals(account.id).await?,
        keys: tx.keys_of(account.id).await?.into_iter().map(|held| held.record).collect(),
        sightings,
    };
    let exposed: HashSet<_> =
        known.keys.iter().filter(|one| one.key.exposed == Some(true)).map(|one| one.id).collect();
    let unseen = seen.listing.unseen.clone();
    let mut bits = Bits::new(&seen.listing, known.keys.len())?;
    let changes = match is_old {
        true => Changes::default(),
        false => inventory::plan(known, seen.listing, || bits.next()),
    };
    tx.write_principals(account.id, &changes.principals).await?;
    tx.write_keys(account.id, &changes.keys).await?;
    // Where a provider itself says that a key leaked.
    for record in &changes.keys {
        if record.key.exposed == Some(true) && !exposed.contains(&record.id) {
            tx.tell_key(record.id, Told::Exposed(Some(observed_at))).await?;
        }
    }
    tx.write_uses(&changes.uses, observed_at).await?;
    let events = by_key(&changes);
    let versions: Vec<_> = changes
        .keys
        .iter()
        .filter_map(|record| Some((record, events.get(&record.id)?.clone())))
        .collect();
    tx.write_key_versions(&versions, observed_at).await?;
    notify::tell(&mut tx, account, is_first, &versions, observed_at).await?;
    let notable: HashSet<_> = changes.notable.iter().collect();
    let principals: Vec<_> =
        changes.principals.iter().filter(|record| notable.contains(&record.id)).collect();
    tx.write_principal_versions(&principals, observed_at).await?;
    tx.learn_account(account, &seen.learned).await?;
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
