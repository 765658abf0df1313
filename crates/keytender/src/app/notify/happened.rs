//! What happened to keys, told to webhooks as events.
//!
//! They are written into the outbox in the transaction that writes what happened: with it they are
//! there, once, or not at all. Mail and chats are not told of them. Where no webhook is to be told,
//! nothing is written.

use keytender_core::id::{KeyId, NoticeId};
use keytender_core::inventory::{Event, KeyRecord};
use keytender_core::notice::{About, Item};
use keytender_core::time::Time;
use serde_json::json;

use super::{STARTED, facts};
use crate::notify::webhook::EventKind;
use crate::store::accounts::{Account, AccountKind};
use crate::store::channels::ChannelKind;
use crate::store::db::Tx;
use crate::store::notices::{Notice, NoticeItem, NoticeState, ONCE};
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
    if happened.is_empty() {
        return Ok(());
    }
    let channels = tx.channels_while(ChannelKind::Webhook, STARTED).await?;
    if channels.is_empty() {
        return Ok(());
    }
    let ids: Vec<KeyId> = happened.iter().map(|(record, _)| record.id).collect();
    let owners = tx.owners_of(&ids).await?;
    let mut events = Vec::new();
    for (record, kind) in happened {
        let owner = owners.get(&record.id).map(String::as_str);
        let (subject, content) = words(record, account, owner, kind, at);
        for (channel_id, name) in &channels {
            let notice = Notice {
                id: NoticeId::from_random(store::random()?),
                channel_id: *channel_id,
                recipient: name.clone(),
                subject: subject.clone(),
                content: content.clone(),
                state: NoticeState::Waiting,
                created_at: at,
                send_at: at,
                attempts: 0,
                sent_at: None,
                error: None,
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
        Event::Destroyed if matches!(account, AccountKind::Own) => Some(EventKind::Revoked),
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
