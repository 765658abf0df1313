//! What happened to keys, told to webhooks as events.
//!
//! They are written into the outbox in the transaction that writes what happened: with it they are
//! there, once, or not at all. Mail and chats are not told of them. Where no webhook is to be told,
//! nothing is written.

use std::collections::{BTreeMap, HashMap};

use keytender_core::id::{AccountId, KeyId, NoticeId};
use keytender_core::inventory::{Event, KeyRecord};
use keytender_core::notice::{About, Item};
use keytender_core::time::Time;
use serde_json::json;

use super::{STARTED, event, facts};
use crate::notify::webhook::EventKind;
use crate::store::accounts::{Account, AccountKind};
use crate::store::apis::Api;
use crate::store::channels::{Channel, ChannelKind};
use crate::store::db::Tx;
use crate::store::issued::Issued;
use crate::store::keys::HeldKey;
use crate::store::notices::{Notice, NoticeItem, ONCE};
use crate::store::{self, Failure};

/// Tells webhooks what happened to keys of `account` at `at`: each record is the key as it is now. Of
/// keys that are found at the first look at an account, `is_first_look`, nothing is told: they are not
/// new but were not known.
///
/// # Errors
/// When the database refuses.
pub(in crate::app) async fn tell(
    tx: &mut Tx,
    account: &Account,
    is_first_look: bool,
    happened: &[(&KeyRecord, Vec<Event>)],
    at: Time,
) -> Result<(), Failure> {
    let told = |event: &Event| kind(*event, account.kind, is_first_look);
    let happened: Vec<(&KeyRecord, EventKind)> = happened
        .iter()
        .flat_map(|(record, events)| events.iter().filter_map(told).map(|kind| (*record, kind)))
        .collect();
    tell_events(tx, account, &happened, at).await
}

/// Tells webhooks of events of keys of `account` at `at`.
///
/// # Errors
/// When the database refuses.
pub(in crate::app) async fn tell_events(
    tx: &mut Tx,
    account: &Account,
    happened: &[(&KeyRecord, EventKind)],
    at: Time,
) -> Result<(), Failure> {
    if happened.is_empty() {
        return Ok(());
    }
    let kind = ChannelKind::Webhook;
    let channels = tx.listeners(kind, STARTED, account.api_id, account.id).await?;
    if channels.is_empty() {
        return Ok(());
    }
    let ids: Vec<KeyId> = happened.iter().map(|(record, _)| record.id).collect();
    let owners = tx.owners_of(&ids).await?;
    let customers = Customers::of(tx, account, &channels, &ids).await?;
    let mut events = Vec::new();
    for (record, kind) in happened {
        let owner = owners.get(&record.id).map(String::as_str);
        let ours = words(record, account, owner, *kind, at);
        let theirs = customers.as_ref().and_then(|one| one.words(record, account, *kind));
        for channel in channels.iter().filter(|channel| channel.wants(kind.as_str())) {
            let Some((subject, content)) = (match channel.of {
                None => Some(&ours),
                // What customers are told of keys that leaked is planned.
                Some(_) if *kind == EventKind::Exposed => None,
                Some(_) => theirs.as_ref(),
            }) else {
                continue;
            };
            let notice = Notice {
                api_id: channel.of.map(|of| of.api_id),
                account_id: channel.of.map(|_| account.id),
                ..Notice::new(
                    NoticeId::from_random(store::random()?),
                    channel.id,
                    channel.name.clone(),
                    subject.clone(),
                    content.clone(),
                    at,
                )
            };
            let item = NoticeItem {
                key_id: record.id,
                problem: kind.as_str().into(),
                problem_at: at,
                stage: ONCE.into(),
            };
            events.push((notice, item));
        }
    }
    tx.insert_events(&events).await
}

/// Tells webhooks that keys of our APIs were used for the first time, which was noted at `at`.
///
/// # Errors
/// When the database refuses.
pub(in crate::app) async fn first_used(
    tx: &mut Tx,
    keys: &[KeyId],
    at: Time,
) -> Result<(), Failure> {
    if keys.is_empty() || !tx.has_channel(ChannelKind::Webhook).await? {
        return Ok(());
    }
    let mut of_each: BTreeMap<AccountId, Vec<HeldKey>> = BTreeMap::new();
    for held in tx.keys_of_ids(keys).await? {
        of_each.entry(held.account_id).or_default().push(held);
    }
    let ids: Vec<AccountId> = of_each.keys().copied().collect();
    let accounts = tx.accounts_of(&ids).await?;
    for (id, keys) in of_each {
        let Some(account) = accounts.get(&id) else { continue };
        let used = keys.iter().map(|held| (&held.record, EventKind::FirstUsed));
        tell_events(tx, account, &used.collect::<Vec<_>>(), at).await?;
    }
    Ok(())
}

/// What channels of an API are told of keys of its customers.
struct Customers {
    api: Api,
    issued: HashMap<KeyId, Issued>,
}

impl Customers {
    /// `None` if no channel of an API is told.
    async fn of(
        tx: &mut Tx,
        account: &Account,
        channels: &[Channel],
        keys: &[KeyId],
    ) -> Result<Option<Self>, Failure> {
        let Some(api) = account.api_id.filter(|_| channels.iter().any(|one| one.of.is_some()))
        else {
            return Ok(None);
        };
        let Some(api) = tx.find_api(api).await? else { return Ok(None) };
        let issued = tx.find_issued(keys).await?;
        let issued = issued.into_iter().map(|one| (one.key_id, one)).collect();
        Ok(Some(Self { api, issued }))
    }

    fn words(
        &self,
        record: &KeyRecord,
        account: &Account,
        kind: EventKind,
    ) -> Option<(String, String)> {
        let issued = self.issued.get(&record.id)?;
        let data = event::data(&self.api, account, record, issued);
        let content = json!({"type": kind.as_str(), "data": data}).to_string();
        let token = event::token(&self.api, issued);
        Some((event::subject(kind, &token, &account.name), content))
    }
}

/// What a webhook is told of an event of the inventory, if anything.
const fn kind(event: Event, account: AccountKind, is_first_look: bool) -> Option<EventKind> {
    match event {
        Event::Found if is_first_look => None,
        Event::Found => Some(EventKind::Created),
        Event::Rotated => Some(EventKind::Rotated),
        Event::Suspended => Some(EventKind::Suspended),
        Event::Resumed => Some(EventKind::Resumed),
        Event::FirstUsed => Some(EventKind::FirstUsed),
        // What we issued we ended ourselves; of other keys we see that they are gone.
        Event::Destroyed if matches!(account, AccountKind::Own | AccountKind::Customer) => {
            Some(EventKind::Revoked)
        }
        Event::Destroyed => Some(EventKind::Deleted),
        // Of keys that are not our customers' the policy tells.
        Event::Exposed if matches!(account, AccountKind::Customer) => Some(EventKind::Exposed),
        Event::Changed | Event::Missing | Event::Back | Event::Exposed => None,
    }
}

/// The subject and the content of an event.
fn words(
    record: &KeyRecord,
    account: &Account,
    owner: Option<&str>,
    kind: EventKind,
    at: Time,
) -> (String, String) {
    let about = About {
        own_id: Some(record.id),
        // People may have told a secret as the id of a key of an unknown provider.
        id_is_secret: record.key.provider != "aws",
        account_alias: account.alias.as_deref().or(Some(&account.name)),
        owner,
        observed_at: Some(at),
        ..About::default()
    };
    let item = Item::new(&record.key, &[], &about, at);
    let mut facts = facts(&item, at);
    // Who answers for a key that was only just found is not known yet.
    if kind == EventKind::Created {
        facts.remove("owner");
    }
    let data = json!({"key": record.id.to_string(), "facts": facts});
    let content = json!({"type": kind.as_str(), "data": data}).to_string();
    (format!("{}: {}", kind.as_str(), item.title()), content)
}
