//! What was told, and how its delivery stands.

use std::collections::HashMap;

use keytender_core::id::{ChannelId, NoticeId};
use keytender_core::time::Time;
use serde_json::json;

use crate::app::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use crate::app::view::NoticeView;
use crate::app::{apis, channels, customers};
use crate::error::{Error, Kind};
use crate::store::channels::Channel;
use crate::store::notices::{Notice, NoticeState, Which};

/// Which notices somebody asks for; every part that is given must hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// In this state.
    pub state: Option<NoticeState>,
    /// By the channel of this name or id.
    pub channel: Option<&'a str>,
    /// In the name of the API of this name or id.
    pub api: Option<&'a str>,
    /// Of keys of the customer of this name or id.
    pub account: Option<&'a str>,
}

/// The notices that whoever asks sees, the newest first, from behind `after` on.
///
/// # Errors
/// When there is no such channel, API or customer, or the database does not answer.
pub async fn list(
    inventory: &Inventory,
    asked: Asked<'_>,
    limit: u32,
    after: Option<(Time, NoticeId)>,
) -> Result<Vec<NoticeView>, Error> {
    let Some(seen) = seen(inventory).await? else { return Ok(Vec::new()) };
    let mut which = Which { state: asked.state, ..seen };
    if let Some(word) = asked.channel {
        which.channel = Some(channels::get(inventory, word).await?.id);
    }
    if let Some(word) = asked.api {
        which.api = Some(apis::get(inventory, word).await?.id);
    }
    if let Some(word) = asked.account {
        which.account = Some(customers::get(inventory, word).await?.id);
    }
    let notices = inventory.store.list_notices(&which, limit, after).await.map_err(cannot_read)?;
    let channels = all_channels(inventory).await?;
    Ok(notices.iter().map(|notice| of(notice, &channels)).collect())
}

/// One notice with what it says.
///
/// # Errors
/// When there is none of this id, or it is not for whoever asks.
pub async fn view(inventory: &Inventory, id: NoticeId) -> Result<NoticeView, Error> {
    let notice = get(inventory, id).await?;
    Ok(of(&notice, &all_channels(inventory).await?).with_content(&notice))
}

/// One notice with what it says, for whoever had it sent just now.
///
/// # Errors
/// When there is none of this id.
pub(in crate::app) async fn delivered(
    inventory: &Inventory,
    id: NoticeId,
) -> Result<NoticeView, Error> {
    let which = Which { id: Some(id), ..Which::default() };
    let found = inventory.store.list_notices(&which, 1, None).await.map_err(cannot_read)?.pop();
    let notice = found.ok_or_else(|| Error::not_found(format!("there is no notice {id}")))?;
    Ok(of(&notice, &all_channels(inventory).await?).with_content(&notice))
}

/// Lets a dead notice wait again, from its first attempt on; and an event, which programs can take twice, also
/// if its receiver took it.
///
/// # Errors
/// When there is none of this id, or it is neither.
pub async fn send_again(inventory: &Inventory, id: NoticeId) -> Result<NoticeView, Error> {
    let found = get(inventory, id).await?;
    let mut tx = inventory.begin().await?;
    if !tx.revive_notice(found.id, inventory.now).await.map_err(cannot_write)? {
        return Err(Error::new(format!("{id} is {}", found.state.as_str()))
            .kind(Kind::Conflict)
            .hint("only a dead notice is sent again, or an event that a webhook took"));
    }
    let act = Done {
        verb: "notice.send-again",
        target_kind: "notice",
        target_id: found.id.to_string(),
        why: None,
        details: json!({}),
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    view(inventory, id).await
}

async fn get(inventory: &Inventory, id: NoticeId) -> Result<Notice, Error> {
    let found = match seen(inventory).await? {
        Some(seen) => {
            let which = Which { id: Some(id), ..seen };
            inventory.store.list_notices(&which, 1, None).await.map_err(cannot_read)?.pop()
        }
        None => None,
    };
    found.ok_or_else(|| {
        Error::not_found(format!("there is no notice {id}"))
            .hint("keytender notices list shows the notices")
    })
}

/// Which notices whoever asks sees: an owner those to their own address; `None`: none.
async fn seen(inventory: &Inventory) -> Result<Option<Which>, Error> {
    let which = Which { side: inventory.sight.side, ..Which::default() };
    if inventory.sight.is_customer() {
        return Ok(None);
    }
    let Some(owner) = inventory.sight.owner else { return Ok(Some(which)) };
    let owners = inventory.store.list_owners().await.map_err(cannot_read)?;
    let owner = owners.into_iter().find(|one| Some(one.id) == owner);
    Ok(owner.map(|owner| Which { recipient: Some(owner.address), ..which }))
}

async fn all_channels(inventory: &Inventory) -> Result<HashMap<ChannelId, Channel>, Error> {
    let channels = inventory.store.list_channels().await.map_err(cannot_read)?;
    Ok(channels.into_iter().map(|channel| (channel.id, channel)).collect())
}

fn of(notice: &Notice, channels: &HashMap<ChannelId, Channel>) -> NoticeView {
    NoticeView::of(notice, channels.get(&notice.channel_id))
}
