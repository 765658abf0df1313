//! What is to be told now: to whom, by which channel, in which words.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use keytender_core::id::{AccountId, OwnerId};
use keytender_core::key::State;
use keytender_core::notice::{self, Digest, Item, Series};
use keytender_core::policy::Policy;
use keytender_core::time::{Span, Time};

use super::pages::Pages;
use super::{Hours, Status};
use crate::app::evaluate;
use crate::app::inventory::{Inventory, cannot_read};
use crate::error::Error;
use crate::store::accounts::Account;
use crate::store::channels::{Channel, ChannelKind};
use crate::store::keys::{Filter, HeldKey};
use crate::store::notices::{Notice, NoticeItem};
use crate::store::owners::Owner;
use problem::{AHEAD, Problem};
use siblings::Siblings;
use told::Told;

mod item;
mod letter;
mod problem;
mod siblings;
mod told;

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
struct Recipient {
    name: String,
    address: String,
    time_zone: String,
}

/// A key of which somebody is to be told now.
struct Tale<'k> {
    held: &'k HeldKey,
    recipient: Recipient,
    problems: Vec<Problem>,
}

/// A key in a letter, and what of it is told now.
struct Part {
    problems: Vec<Problem>,
    item: Item,
}

/// What is to be told now by every channel. Nothing is written.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn plan(
    inventory: &Inventory,
    status: &Status,
    hours: Hours,
) -> Result<Plan, Error> {
    let store = &inventory.store;
    let (_, policy) = evaluate::policy(store).await?;
    let owners = store.list_owners().await.map_err(cannot_read)?;
    let accounts = store.list_accounts().await.map_err(cannot_read)?;
    let observed = store.last_sightings().await.map_err(cannot_read)?;
    let pages = Pages::find(inventory).await?;
    let mut planner = Planner {
        now: inventory.now,
        hours,
        policy: &policy,
        owners: owners.iter().map(|owner| (owner.id, owner)).collect(),
        accounts: accounts.iter().map(|account| (account.id, account)).collect(),
        observed,
        contact: status.contact.as_deref(),
        pages: &pages,
        told: Told::of(store.told_items().await.map_err(cannot_read)?),
        siblings: Siblings::default(),
    };
    let keys = keys(inventory).await?;
    let channels = store.list_channels().await.map_err(cannot_read)?;
    let mut plan = Plan::default();
    let mut tales: Vec<(&Channel, Vec<Tale<'_>>)> = Vec::new();
    for channel in &channels {
        tales.push((channel, planner.tales(channel, &keys, &mut plan.unheard)));
    }
    let told = tales.iter().flat_map(|(_, tales)| tales).map(|tale| tale.held);
    planner.siblings = Siblings::of(store, told).await?;
    for (channel, tales) in tales {
        planner.letters(channel, tales, &mut plan)?;
    }
    Ok(plan)
}

/// The keys of which something may be to be told: they break a rule, or may soon.
async fn keys(inventory: &Inventory) -> Result<Vec<HeldKey>, Error> {
    let filter = Filter { finding_by: Some(inventory.now.plus(AHEAD)), ..Filter::default() };
    let filter = inventory.sight.narrow(filter);
    inventory.store.every_key(&filter).await.map_err(cannot_read)
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
    told: Told,
    siblings: Siblings,
}

impl Planner<'_> {
    /// The keys of which a channel is to tell, and what; those of which nobody would hear are counted.
    fn tales<'k>(
        &self,
        channel: &Channel,
        keys: &'k [HeldKey],
        unheard: &mut u64,
    ) -> Vec<Tale<'k>> {
        let mut tales = Vec::new();
        for held in keys.iter().filter(|held| held.record.key.state != State::Destroyed) {
            if held.is_kept(self.now) {
                continue;
            }
            let Some(recipient) = self.recipient(channel, held) else {
                *unheard += u64::from(held.standing.is_due);
                continue;
            };
            let problems = self.problems(channel, &recipient.address, held);
            if !problems.is_empty() {
                tales.push(Tale { held, recipient, problems });
            }
        }
        tales
    }

    /// What one channel is to deliver.
    fn letters(
        &self,
        channel: &Channel,
        tales: Vec<Tale<'_>>,
        plan: &mut Plan,
    ) -> Result<(), Error> {
        let mut found: BTreeMap<String, (Recipient, Vec<Part>)> = BTreeMap::new();
        for Tale { held, recipient, problems } in tales {
            let address = recipient.address.clone();
            let entry = found.entry(address).or_insert_with(|| (recipient, Vec::new()));
            let page = self.pages.page(channel.kind, &entry.0.address, held.record.id);
            entry.1.extend(self.parts(channel, held, problems, page.as_deref()));
        }
        for (recipient, mut parts) in found.into_values() {
            parts.sort_by_key(|part| Reverse(part.item.severity()));
            if !self.may_be_told(channel, &recipient, &parts)? {
                continue;
            }
            match channel.kind {
                ChannelKind::Webhook => {
                    for part in parts {
                        plan.letters.push(self.letter(channel, &recipient, vec![part])?);
                    }
                }
                _ => plan.letters.push(self.letter(channel, &recipient, parts)?),
            }
        }
        Ok(())
    }

    /// A key in a digest is told of once, with all that is wrong with it; a webhook is told of each
    /// problem apart.
    fn parts(
        &self,
        channel: &Channel,
        held: &HeldKey,
        problems: Vec<Problem>,
        page: Option<&str>,
    ) -> Vec<Part> {
        if channel.kind == ChannelKind::Webhook {
            let part = |problem: Problem| {
                let item = self.item(held, std::slice::from_ref(&problem), false, page);
                Part { problems: vec![problem], item }
            };
            return problems.into_iter().map(part).collect();
        }
        let item = self.item(held, &problems, true, page);
        vec![Part { problems, item }]
    }

    /// Who is told of a key: by mail its owner, else the account's contact, else the
    /// installation's; by other channels whoever reads them.
    fn recipient(&self, channel: &Channel, held: &HeldKey) -> Option<Recipient> {
        let owner = held.owner_id.and_then(|id| self.owners.get(&id));
        if channel.kind != ChannelKind::Mail {
            return Some(Recipient {
                name: channel.name.clone(),
                address: channel.name.clone(),
                time_zone: "UTC".to_owned(),
            });
        }
        if let Some(owner) = owner {
            return Some(Recipient {
                name: owner.name.clone(),
                address: owner.address.clone(),
                time_zone: owner.time_zone.clone(),
            });
        }
        let contact = self.accounts.get(&held.account_id).and_then(|one| one.hears());
        contact.or(self.contact).map(|address| Recipient {
            name: address.to_owned(),
            address: address.to_owned(),
            time_zone: "UTC".to_owned(),
        })
    }

    /// Whether the recipient hears of this now: at once, or in working hours and once a day.
    fn may_be_told(
        &self,
        channel: &Channel,
        recipient: &Recipient,
        parts: &[Part],
    ) -> Result<bool, Error> {
        let mut problems = parts.iter().flat_map(|part| &part.problems);
        if problems.any(|problem| problem.series == Series::AtOnce) {
            return Ok(true);
        }
        let slot = notice::send_at(self.now, &recipient.time_zone).map_err(|error| {
            Error::new(format!("`{}` has no known time zone", recipient.name))
                .source(error)
                .hint(format!("keytender owners set {} --time-zone Europe/Berlin", recipient.name))
        })?;
        if self.hours == Hours::Working && channel.kind == ChannelKind::Mail && slot > self.now {
            return Ok(false);
        }
        let apart = Span::parse(APART).unwrap_or_default();
        let is_free = self.told.is_quiet(channel.id, &recipient.address, self.now.minus(apart));
        Ok(is_free || self.hours == Hours::Any || channel.kind == ChannelKind::Webhook)
    }
}
