//! The customers of an API of ours, as they are told of their keys: in its name, each of their own keys alone.
//!
//! What they are told follows the policy for keys that are issued, and what happened to a key that no rule tells:
//! that it is still used although its end has come near because another took its place, that it was used in
//! another region, that it was ended because it leaked.

use std::collections::{HashMap, HashSet};

use keytender_core::id::{AccountId, ApiId, KeyId};
use keytender_core::notice::{Brand, CustomersKey, Digest, Item, News, Series};
use keytender_core::policy::{Assessment, Finding, Policy};
use keytender_core::time::{Span, Time};
use serde_json::{Value, json};

use super::problem::{AHEAD, Happened, Problem};
use super::{Part, Recipient};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::notify::event;
use crate::app::notify::pages;
use crate::error::Error;
use crate::notify::mail::Sender;
use crate::notify::webhook::EventKind;
use crate::store::Store;
use crate::store::accounts::Account;
use crate::store::apis::{Api, Standing, Voice};
use crate::store::channels::{Channel, ChannelKind};
use crate::store::issued::Issued;
use crate::store::keys::HeldKey;
use crate::store::usage::{LastSeen, PlaceUse};

/// How long before the end of an overlap it is told that the old key is still used.
const OVERLAP_AHEAD: Span = Span::days(7);
/// For how long something that happened is told: longer than a weekend, over which mail waits.
const NEWS_FOR: Span = Span::days(7);
/// What the end of an overlap is called among what was told of a key.
const OVERLAP: &str = "overlap";
/// What a leak is called among what was told of a key: the rule of the policy for keys that are issued.
const EXPOSED: &str = "key-exposed";

/// What is known of the customers of an API.
pub(super) struct Customers {
    pub(super) api: Api,
    voice: Voice,
    brand: Brand,
    /// Who wants no hints.
    refusals: HashSet<String>,
    /// What happened to keys that no rule tells.
    pub(super) happened: HashMap<KeyId, Vec<Happened>>,
    /// The keys that were looked at.
    looked_at: HashSet<KeyId>,
    /// Of the keys that are looked at together, their accounts and what they are beside keys.
    accounts: HashMap<AccountId, Account>,
    issued: HashMap<KeyId, Issued>,
}

impl Customers {
    /// Of an API; `None` if there is none.
    pub(super) async fn of(inventory: &Inventory, id: ApiId) -> Result<Option<Self>, Error> {
        let store = &inventory.store;
        let Some(api) = store.find_api(&id.to_string()).await.map_err(cannot_read)? else {
            return Ok(None);
        };
        let standing = store.api_notices(id).await.map_err(cannot_read)?;
        let voice = standing.voice.clone();
        let brand = Brand {
            name: api.called().to_owned(),
            keys_page: voice.keys_page.clone(),
            support: api.settings.portal.support.clone(),
            no_hints: pages::no_hints(inventory).await?,
        };
        let refusals = store.hint_refusals(id).await.map_err(cannot_read)?;
        let happened = happened(store, id, &standing, inventory.now).await?;
        let (looked_at, accounts, issued) = (HashSet::new(), HashMap::new(), HashMap::new());
        Ok(Some(Self { api, voice, brand, refusals, happened, looked_at, accounts, issued }))
    }

    /// By which of all channels they are told: the API's own, and where it has no mail server the installation's.
    pub(super) fn channels(&self, all: Vec<Channel>) -> Vec<Channel> {
        let (own, others): (Vec<Channel>, Vec<Channel>) = all
            .into_iter()
            .filter(|one| one.of.is_none_or(|of| of.api_id == self.api.id))
            .partition(|one| one.of.is_some());
        let has_mail = own.iter().any(|one| one.kind == ChannelKind::Mail);
        let mail = others.into_iter().find(|one| one.kind == ChannelKind::Mail);
        own.into_iter().chain(mail.filter(|_| !has_mail)).collect()
    }

    /// Asks what is known of some keys.
    pub(super) async fn learn(&mut self, store: &Store, keys: &[HeldKey]) -> Result<(), Error> {
        let ids: Vec<KeyId> = keys.iter().map(|held| held.record.id).collect();
        let accounts: HashSet<AccountId> = keys.iter().map(|held| held.account_id).collect();
        let accounts: Vec<AccountId> = accounts.into_iter().collect();
        self.accounts = store.accounts_of(&accounts).await.map_err(cannot_read)?;
        let issued = store.find_issued(&ids).await.map_err(cannot_read)?;
        self.issued = issued.into_iter().map(|one| (one.key_id, one)).collect();
        self.looked_at.extend(ids);
        Ok(())
    }

    /// The keys to which something happened and that were not looked at yet.
    pub(super) fn not_looked_at(&self) -> Vec<KeyId> {
        self.happened.keys().filter(|id| !self.looked_at.contains(id)).copied().collect()
    }

    /// Whether the policy is not asked of a key: another works in its place, and its end is told by itself.
    pub(super) fn is_left_alone(&self, held: &HeldKey, now: Time) -> bool {
        let issued = self.issued.get(&held.record.id);
        let is_going = issued.is_some_and(|one| one.retires_at.is_some_and(|at| at > now));
        is_going && held.record.key.exposed != Some(true)
    }

    /// Whether somebody is told of a problem: hints are for those who want them.
    pub(super) fn is_welcome(&self, channel: &Channel, who: &str, problem: &Problem) -> bool {
        let is_hint = problem.series == Series::Monthly && channel.kind == ChannelKind::Mail;
        !(is_hint && self.refusals.contains(&who.to_lowercase()))
    }

    /// Who is told of a key: by mail its customer; by a webhook whoever runs it.
    pub(super) fn recipient(&self, channel: &Channel, held: &HeldKey) -> Option<Recipient> {
        let account = self.accounts.get(&held.account_id)?;
        let (name, address) = match channel.kind {
            ChannelKind::Mail => (name_of(account), account.contact.as_deref()?),
            _ => (channel.name.as_str(), channel.name.as_str()),
        };
        Some(Recipient {
            name: name.to_owned(),
            address: address.to_owned(),
            time_zone: "UTC".to_owned(),
            account: Some(account.id),
        })
    }

    /// A digest for a customer, without keys yet.
    pub(super) fn begin(&self, recipient: &Recipient) -> Digest {
        Digest::in_the_name_of(self.brand.clone(), &recipient.name)
    }

    /// In whose name mail goes.
    pub(super) fn sender(&self) -> Sender {
        let name = Some(self.brand.name.clone());
        Sender { from: self.voice.from.clone(), name, reply_to: self.voice.reply_to.clone() }
    }

    /// What a customer is told of a key: only what is to be told now.
    pub(super) fn item(
        &self,
        held: &HeldKey,
        problems: &[Problem],
        policy: &Policy,
        now: Time,
    ) -> Item {
        let key = &held.record.key;
        let mut assessment = Assessment::default();
        policy.assess(key, now, &mut assessment);
        let mut later = Assessment::default();
        policy.assess(key, now.plus(AHEAD), &mut later);
        let is_told = |index: usize| problems.iter().any(|one| one.rules.contains(&index));
        let mut findings: Vec<Finding<'_>> = Vec::new();
        for finding in policy.findings(&assessment).chain(policy.findings(&later)) {
            let is_new = !findings.iter().any(|known| known.index == finding.index);
            if is_new && is_told(finding.index) {
                findings.push(finding);
            }
        }
        let news = problems.iter().filter_map(|one| one.news.as_ref().map(|one| one.news.clone()));
        let news: Vec<News> = news.collect();
        let issued = self.issued.get(&held.record.id);
        let token = issued.map(|issued| event::token(&self.api, issued)).unwrap_or_default();
        let about = CustomersKey {
            brand: &self.brand,
            token: &token,
            news: &news,
            has_successor: issued.is_some_and(|one| one.replaced_by.is_some()),
            act_by: problems.iter().filter_map(|one| one.act_by).min(),
            is_hint: problems.iter().all(|one| one.series == Series::Monthly),
        };
        Item::of_customer(key, &findings, &about, now)
    }

    /// What an event is called in the log of what was told.
    pub(super) fn event_subject(&self, held: &HeldKey, kind: EventKind) -> String {
        let issued = self.issued.get(&held.record.id);
        let token = issued.map(|issued| event::token(&self.api, issued)).unwrap_or_default();
        event::subject(kind, &token, &held.account_name)
    }

    /// What a webhook is told of a part.
    pub(super) fn event(
        &self,
        part: &Part<'_>,
        kind: EventKind,
        policy: &Policy,
        now: Time,
    ) -> Option<Value> {
        let problem = part.problems.first()?;
        let issued = self.issued.get(&problem.item.key_id)?;
        let account = self.accounts.get(&part.held.account_id)?;
        let mut data = event::data(&self.api, account, &part.held.record, issued);
        let rules = problem.rules.iter().filter_map(|index| policy.rules().get(*index));
        data.extend([
            ("rules".to_owned(), rules.map(|rule| json!(rule.id)).collect()),
            ("severity".to_owned(), json!(part.item.severity().as_str())),
            ("stage".to_owned(), json!(&*problem.item.stage)),
            ("act_by".to_owned(), json!(part.item.act_by().filter(|at| *at != now))),
            ("reasons".to_owned(), json!(part.item.reasons())),
        ]);
        if let Some(Value::Object(more)) = problem.news.as_ref().map(|one| one.data.clone()) {
            data.extend(more);
        }
        Some(json!({"type": kind.as_str(), "data": data}))
    }
}

/// What a customer is called, without the API before it.
fn name_of(account: &Account) -> &str {
    account.name.split_once('/').map_or(account.name.as_str(), |(_, name)| name)
}

/// What happened to keys of an API that no rule tells.
async fn happened(
    store: &Store,
    api: ApiId,
    standing: &Standing,
    now: Time,
) -> Result<HashMap<KeyId, Vec<Happened>>, Error> {
    let mut happened: HashMap<KeyId, Vec<Happened>> = HashMap::new();
    // What happened before notices were started is told if it was lately.
    let since = now.minus(NEWS_FOR);
    let until = now.plus(OVERLAP_AHEAD);
    let overlaps = store.overlaps_in_use(api, now, until).await.map_err(cannot_read)?;
    let ids: Vec<KeyId> = overlaps.iter().map(|one| one.key_id).collect();
    let mut places = store.places_of_keys(&ids).await.map_err(cannot_read)?;
    let mut last = store.last_uses(&ids).await.map_err(cannot_read)?;
    for one in overlaps {
        let places = places.remove(&one.key_id).unwrap_or_default();
        let uses = uses_since(places, last.remove(&one.key_id), one.began_at);
        let words = uses.iter().map(Used::words).collect();
        happened.entry(one.key_id).or_default().push(Happened {
            problem: OVERLAP.to_owned(),
            at: one.ends_at,
            series: Series::Deadline { at: one.ends_at },
            kind: EventKind::OverlapEnding,
            news: News::OverlapEnds { at: one.ends_at, uses: words },
            data: json!({"uses": uses.iter().map(Used::data).collect::<Vec<_>>()}),
        });
    }
    let from = standing.started_at.map_or(since, |at| at.max(since));
    for one in store.new_regions(api, from).await.map_err(cannot_read)? {
        let service = Some(one.service).filter(|service| !service.is_empty());
        let used = Used { at: one.at, region: Some(one.region.clone()), service, address: None };
        happened.entry(one.key_id).or_default().push(Happened {
            problem: format!("region {}", one.region),
            at: one.at,
            series: Series::Discovery { first_notice_at: None },
            kind: EventKind::FirstUsedFromRegion,
            news: News::Elsewhere { at: one.at, place: used.words() },
            data: used.data(),
        });
    }
    for (key, at) in store.exposed_and_ended(api, since).await.map_err(cannot_read)? {
        happened.entry(key).or_default().push(Happened {
            problem: EXPOSED.to_owned(),
            at,
            series: Series::AtOnce,
            kind: EventKind::Exposed,
            news: News::ExposedAndEnded,
            data: json!({}),
        });
    }
    Ok(happened)
}

/// A use of a key, as far as it is known.
struct Used {
    at: Time,
    region: Option<String>,
    service: Option<String>,
    address: Option<String>,
}

impl Used {
    /// `eu-west-1, orders, from 203.0.113.20, at 2026-11-24T08:13:00Z`.
    fn words(&self) -> String {
        let address = self.address.as_ref().map(|address| format!("from {address}"));
        let parts = [self.region.clone(), self.service.clone(), address];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let at = self.at.to_seconds();
        if parts.is_empty() { format!("at {at}") } else { format!("{}, at {at}", parts.join(", ")) }
    }

    fn data(&self) -> Value {
        json!({"region": self.region, "service": self.service, "address": self.address,
               "at": self.at})
    }
}

/// Where a key was used since `since`, the latest first: of the latest use also from where.
fn uses_since(places: Vec<PlaceUse>, last: Option<LastSeen>, since: Time) -> Vec<Used> {
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    let lately = places.into_iter().filter(|place| place.last_at >= since.as_micros());
    let mut uses: Vec<Used> = lately
        .map(|place| Used {
            at: Time::from_micros(place.last_at),
            region: text(place.region),
            service: text(place.service),
            address: None,
        })
        .collect();
    let Some(last) = last.filter(|last| last.used.at >= since) else { return uses };
    let (at, address) = (last.used.at, last.address);
    match uses.first_mut() {
        // The address is of the last use of all, which may have had no place.
        Some(first) if first.at >= at => first.address = address,
        _ => uses.insert(0, Used { at, region: None, service: None, address }),
    }
    uses
}
