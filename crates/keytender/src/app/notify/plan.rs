//! What is to be told now: to whom, by which channel, in which words.

use std::collections::{HashMap, HashSet};

use keytender_core::id::{AccountId, ApiId, KeyId, OwnerId};
use keytender_core::key::State;
use keytender_core::notice::{self, Digest, Item};
use keytender_core::policy::{Policy, Severity};
use keytender_core::time::{Span, Time};

use super::pages::Pages;
use super::{Hours, Status};
use crate::app::evaluate;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::turn::Turn;
use crate::error::Error;
use crate::store::accounts::Account;
use crate::store::channels::{Channel, ChannelKind};
use crate::store::keys::{Filter, HeldKey};
use crate::store::notices::{Notice, NoticeItem, Reached};
use crate::store::owners::Owner;
use customers::Customers;
use gather::{Digests, Gathered};
pub(super) use outlet::Outlet;
use problem::{AHEAD, Problem};
use siblings::Siblings;
use told::Told;

mod customers;
mod gather;
mod item;
mod letter;
mod outlet;
mod problem;
mod siblings;
mod told;

/// How many keys are looked at together: what is told of them is all that is kept of them.
const KEYS_AT_ONCE: u32 = 2_000;
/// At most one digest a person and channel within this time: a working day apart.
const APART: &str = "16h";
/// The name of the problem that a key ends, before and after it did.
const EXPIRY: &str = "expiry";

/// A notice that is ready for the outbox.
pub struct Letter {
    /// By which channel.
    pub channel: Channel,
    /// To whom, for people: an owner's name or the channel's.
    pub who: String,
    /// The digest, for a preview.
    pub digest: Digest,
    /// What goes into the outbox.
    pub notice: Notice,
    /// What it tells.
    pub items: Vec<NoticeItem>,
}

/// What is to be told now.
#[derive(Default)]
pub struct Plan {
    /// What every channel is to deliver.
    pub letters: Vec<Letter>,
    /// How many keys have something wrong and nobody who would get a mail about it.
    pub unheard: u64,
}

/// Somebody who is told.
#[derive(Clone)]
struct Recipient {
    name: String,
    address: String,
    time_zone: String,
    /// Which customer of ours, of one.
    account: Option<AccountId>,
}

/// A key of which somebody is to be told now.
struct Tale<'k> {
    /// Which of the channels it is.
    place: usize,
    channel: &'k Channel,
    held: &'k HeldKey,
    recipient: Recipient,
    problems: Vec<Problem>,
}

/// A key in a letter, and what of it is told now.
struct Part<'k> {
    held: &'k HeldKey,
    problems: Vec<Problem>,
    item: Item,
}

/// Gives what is to be told now by every channel to `outlet`, page by page of keys; how many due keys
/// nobody would hear of.
///
/// # Errors
/// When the database does not do its part.
pub(super) async fn plan(
    inventory: &Inventory,
    status: &Status,
    hours: Hours,
    turn: &Turn,
    outlet: &mut Outlet<'_>,
) -> Result<u64, Error> {
    let store = &inventory.store;
    let (_, policy) = evaluate::policy(store).await?;
    let owners = store.list_owners().await.map_err(cannot_read)?;
    let accounts = store.list_accounts().await.map_err(cannot_read)?;
    let observed = store.last_sightings().await.map_err(cannot_read)?;
    let pages = Pages::find(inventory).await?;
    let mut channels = store.list_channels().await.map_err(cannot_read)?;
    channels.retain(|channel| channel.of.is_none());
    let apart = inventory.now.minus(Span::parse(APART).unwrap_or_default());
    let mut planner = Planner {
        now: inventory.now,
        hours,
        policy: &policy,
        owners: owners.iter().map(|owner| (owner.id, owner)).collect(),
        accounts: accounts.iter().map(|account| (account.id, account)).collect(),
        observed,
        contact: status.contact.as_deref(),
        pages: &pages,
        told: Told::default(),
        told_lately: store.told_since(apart).await.map_err(cannot_read)?,
        siblings: Siblings::default(),
        customers: None,
    };
    let filter = Filter { customers: Some(false), ..Filter::default() };
    planner.run(inventory, &channels, filter, turn, outlet).await
}

/// Gives what is to be told now to the customers of an API, and to whoever runs it, to `outlet`; how many due
/// keys no customer would hear of.
///
/// # Errors
/// When the database does not do its part.
pub(super) async fn plan_api(
    inventory: &Inventory,
    api: ApiId,
    hours: Hours,
    turn: &Turn,
    outlet: &mut Outlet<'_>,
) -> Result<u64, Error> {
    let store = &inventory.store;
    let policies = evaluate::policies(store).await?;
    let Some(customers) = Customers::of(inventory, api).await? else { return Ok(0) };
    let channels = customers.channels(store.list_channels().await.map_err(cannot_read)?);
    let apart = inventory.now.minus(Span::parse(APART).unwrap_or_default());
    let filter = Filter {
        customers: Some(true),
        provider: Some(customers.api.name.clone()),
        ..Filter::default()
    };
    let mut planner = Planner {
        now: inventory.now,
        hours,
        policy: policies.of(true),
        owners: HashMap::new(),
        accounts: HashMap::new(),
        observed: HashMap::new(),
        contact: None,
        pages: &Pages::default(),
        told: Told::default(),
        told_lately: store.told_since(apart).await.map_err(cannot_read)?,
        siblings: Siblings::default(),
        customers: Some(customers),
    };
    planner.run(inventory, &channels, filter, turn, outlet).await
}

struct Planner<'p> {
    now: Time,
    hours: Hours,
    policy: &'p Policy,
    owners: HashMap<OwnerId, &'p Owner>,
    accounts: HashMap<AccountId, &'p Account>,
    observed: HashMap<AccountId, Time>,
    contact: Option<&'p str>,
    pages: &'p Pages,
    /// What was told of the keys of the present page.
    told: Told,
    /// Whom a digest is under way to, or reached lately.
    told_lately: HashSet<Reached>,
    siblings: Siblings,
    /// What is known of the customers of an API, where these are told.
    customers: Option<Customers>,
}

impl Planner<'_> {
    /// Gives what is to be told by these channels of the keys that `filter` lets through to `outlet`.
    async fn run(
        &mut self,
        inventory: &Inventory,
        channels: &[Channel],
        filter: Filter,
        turn: &Turn,
        outlet: &mut Outlet<'_>,
    ) -> Result<u64, Error> {
        let (mut digests, mut unheard, mut after) = (Digests::default(), 0, None);
        // They break a rule, or may soon.
        let filter = Filter { finding_by: Some(inventory.now.plus(AHEAD)), ..filter };
        let filter = inventory.sight.narrow(filter);
        while !channels.is_empty() {
            let keys = inventory.store.keys_after(&filter, after, KEYS_AT_ONCE).await;
            let keys = keys.map_err(cannot_read)?;
            let Some(last) = keys.last() else { break };
            if turn.is_over() {
                return Ok(unheard);
            }
            after = Some(last.place());
            self.page(inventory, channels, &keys, &mut unheard, &mut digests, outlet).await?;
        }
        // What happened to keys that break no rule.
        let rest = self.customers.as_ref().map(Customers::not_looked_at).unwrap_or_default();
        if !channels.is_empty() && !turn.is_over() {
            for ids in rest.chunks(KEYS_AT_ONCE as usize) {
                let keys = inventory.store.keys_of_ids(ids).await.map_err(cannot_read)?;
                self.page(inventory, channels, &keys, &mut 0, &mut digests, outlet).await?;
            }
        }
        for (place, gathered) in digests.into_each() {
            let Some(channel) = channels.get(place) else { continue };
            if self.may_be_told(channel, &gathered)? {
                let (recipient, digest, items) = gathered.into_items();
                let letter = self.digest_letter(channel, &recipient, digest, items)?;
                outlet.take(inventory, place, Severity::Low, letter).await?;
            }
        }
        Ok(unheard)
    }

    /// Tells of some keys.
    async fn page(
        &mut self,
        inventory: &Inventory,
        channels: &[Channel],
        keys: &[HeldKey],
        unheard: &mut u64,
        digests: &mut Digests,
        outlet: &mut Outlet<'_>,
    ) -> Result<(), Error> {
        self.learn(inventory, keys).await?;
        let tales = self.tales(channels, keys, unheard);
        if self.customers.is_none() {
            let held = tales.iter().map(|tale| tale.held);
            self.siblings = Siblings::of(&inventory.store, held).await?;
        }
        for tale in tales {
            self.tell(inventory, tale, digests, outlet).await?;
        }
        Ok(())
    }

    /// Asks what was told of some keys before.
    async fn learn(&mut self, inventory: &Inventory, keys: &[HeldKey]) -> Result<(), Error> {
        let ids: Vec<KeyId> = keys.iter().map(|held| held.record.id).collect();
        if let Some(customers) = &mut self.customers {
            customers.learn(&inventory.store, keys).await?;
        }
        self.told = Told::of(inventory.store.told_items(&ids).await.map_err(cannot_read)?);
        Ok(())
    }

    /// The keys of which the channels are to tell, and what; those of which nobody would hear are
    /// counted.
    fn tales<'k>(
        &self,
        channels: &'k [Channel],
        keys: &'k [HeldKey],
        unheard: &mut u64,
    ) -> Vec<Tale<'k>> {
        let mut tales = Vec::new();
        for (place, channel) in channels.iter().enumerate() {
            for held in keys.iter().filter(|held| held.record.key.state != State::Destroyed) {
                if held.is_kept(self.now) || !self.hears_of(channel, held) {
                    continue;
                }
                let Some(recipient) = self.recipient(channel, held) else {
                    *unheard += u64::from(held.standing.is_due);
                    continue;
                };
                let mut problems = self.problems(channel, &recipient.address, held);
                if let Some(customers) = &self.customers {
                    problems.retain(|one| customers.is_welcome(channel, &recipient.address, one));
                }
                if !problems.is_empty() {
                    tales.push(Tale { place, channel, held, recipient, problems });
                }
            }
        }
        tales
    }

    /// Adds a key to somebody's digest, or gives its events to the outlet.
    async fn tell(
        &self,
        inventory: &Inventory,
        tale: Tale<'_>,
        digests: &mut Digests,
        outlet: &mut Outlet<'_>,
    ) -> Result<(), Error> {
        let Tale { place, channel, held, recipient, problems } = tale;
        let page = self.pages.page(channel.kind, &recipient.address, held.record.id);
        for part in self.parts(channel, held, problems, page.as_deref()) {
            if channel.kind == ChannelKind::Webhook {
                if !channel.wants(self.kind_of(&part).as_str()) {
                    continue;
                }
                let severity = part.item.severity();
                let letter = self.event_letter(channel, &recipient, part)?;
                outlet.take(inventory, place, severity, letter).await?;
            } else {
                digests.add(place, recipient.clone(), part, |recipient| self.begin(recipient));
            }
        }
        Ok(())
    }

    /// A key in a digest is told of once, with all that is wrong with it; a webhook is told of each
    /// problem apart.
    fn parts<'k>(
        &self,
        channel: &Channel,
        held: &'k HeldKey,
        problems: Vec<Problem>,
        page: Option<&str>,
    ) -> Vec<Part<'k>> {
        if channel.kind == ChannelKind::Webhook {
            let part = |problem: Problem| {
                let item = self.item(held, std::slice::from_ref(&problem), false, page);
                Part { held, problems: vec![problem], item }
            };
            return problems.into_iter().map(part).collect();
        }
        let item = self.item(held, &problems, true, page);
        vec![Part { held, problems, item }]
    }

    /// Who is told of a key: by mail its owner, else the account's contact, else the
    /// installation's; by other channels whoever reads them.
    fn recipient(&self, channel: &Channel, held: &HeldKey) -> Option<Recipient> {
        if let Some(customers) = &self.customers {
            return customers.recipient(channel, held);
        }
        let owner = held.owner_id.and_then(|id| self.owners.get(&id));
        if channel.kind != ChannelKind::Mail {
            return Some(Recipient {
                name: channel.name.clone(),
                address: channel.name.clone(),
                time_zone: "UTC".to_owned(),
                account: None,
            });
        }
        if let Some(owner) = owner {
            return Some(Recipient {
                name: owner.name.clone(),
                address: owner.address.clone(),
                time_zone: owner.time_zone.clone(),
                account: None,
            });
        }
        let contact = self.accounts.get(&held.account_id).and_then(|one| one.hears());
        contact.or(self.contact).map(|address| Recipient {
            name: address.to_owned(),
            address: address.to_owned(),
            time_zone: "UTC".to_owned(),
            account: None,
        })
    }

    /// Whether a channel is told of a key at all.
    fn hears_of(&self, channel: &Channel, held: &HeldKey) -> bool {
        let api = self.customers.as_ref().map(|customers| customers.api.id);
        channel.hears_of(api, held.account_id)
    }

    /// Whether the recipient of a digest hears of this now: at once, or in working hours and once a
    /// day.
    fn may_be_told(&self, channel: &Channel, gathered: &Gathered) -> Result<bool, Error> {
        if gathered.is_urgent {
            return Ok(true);
        }
        let recipient = &gathered.recipient;
        let slot = notice::send_at(self.now, &recipient.time_zone).map_err(|error| {
            Error::new(format!("`{}` has no known time zone", recipient.name))
                .source(error)
                .hint(format!("keytender owners set {} --time-zone Europe/Berlin", recipient.name))
        })?;
        if self.hours == Hours::Working && channel.kind == ChannelKind::Mail && slot > self.now {
            return Ok(false);
        }
        let whom = (channel.id, recipient.address.clone(), recipient.account);
        Ok(self.hours == Hours::Any || !self.told_lately.contains(&whom))
    }
}
