//! Whether the customers of an API of ours are told of their keys, and in whose name.

use keytender_core::owner::is_address;
use serde_json::json;

use super::{Hours, letters_of_api, shown};
use crate::app::apis;
use crate::app::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use crate::app::turn::Turn;
use crate::app::view::{ApiNoticesView, PreviewView};
use crate::error::{Error, Kind};
use crate::store::apis::{Api, Standing, Voice};
use crate::store::channels::ChannelKind;

/// The longest URL.
const MAX_URL: usize = 2_048;

/// What is to change; what is absent stays, and `None` within is taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Whether notices go out from now on.
    pub started: Option<bool>,
    /// The address that mail comes from.
    pub from: Option<Option<String>>,
    /// The address that answers go to.
    pub reply_to: Option<Option<String>>,
    /// The page on which customers see to their keys.
    pub keys_page: Option<Option<String>>,
}

impl Change {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn voice(&self, now: &Voice) -> Voice {
        let value = |change: &Option<Option<String>>, now: &Option<String>| {
            change.clone().unwrap_or_else(|| now.clone()).filter(|text| !text.is_empty())
        };
        Voice {
            from: value(&self.from, &now.from),
            reply_to: value(&self.reply_to, &now.reply_to),
            keys_page: value(&self.keys_page, &now.keys_page),
        }
    }
}

/// How the notices of an API stand.
///
/// # Errors
/// When there is no such API, or whoever asks sees none.
pub async fn settings(inventory: &Inventory, api: &str) -> Result<ApiNoticesView, Error> {
    let api = apis::get(inventory, api).await?;
    let standing = inventory.store.api_notices(api.id).await.map_err(cannot_read)?;
    Ok(ApiNoticesView::of(&api, &standing))
}

/// Changes it. `allows` gets the settings as they are now, and may refuse.
///
/// # Errors
/// When there is no such API, an address or a page is none, or notices are to be started and nobody has seen a
/// preview, or there is no channel.
pub async fn change(
    inventory: &Inventory,
    api: &str,
    change: &Change,
    allows: impl FnOnce(&ApiNoticesView) -> Result<(), Error>,
) -> Result<ApiNoticesView, Error> {
    let id = apis::get(inventory, api).await?.id;
    let mut tx = inventory.begin().await?;
    let gone = || Error::not_found(format!("there is no API `{api}`"));
    let api = tx.lock_api(&id.to_string()).await.map_err(cannot_read)?.ok_or_else(gone)?;
    let before = inventory.store.api_notices(id).await.map_err(cannot_read)?;
    allows(&ApiNoticesView::of(&api, &before))?;
    let voice = change.voice(&before.voice);
    check(&voice)?;
    let mut verbs = Vec::new();
    if voice != before.voice {
        verbs.push("api.notices.set");
    }
    let started_at = match change.started {
        None => before.started_at,
        Some(false) => None,
        Some(true) => {
            may_start(inventory, &api, &before).await?;
            Some(before.started_at.unwrap_or(inventory.now))
        }
    };
    if let Some(starts) = change.started {
        verbs.push(if starts { "api.notices.start" } else { "api.notices.stop" });
    }
    let after = Standing { started_at, voice, ..before };
    tx.put_api_notices(id, &after).await.map_err(cannot_write)?;
    for verb in verbs {
        let act = Done {
            verb,
            target_kind: "api",
            target_id: id.to_string(),
            why: None,
            details: json!({"name": api.name, "voice": after.voice}),
        };
        inventory.log(&mut tx, act).await?;
    }
    commit(tx).await?;
    Ok(ApiNoticesView::of(&api, &after))
}

fn check(voice: &Voice) -> Result<(), Error> {
    for (what, address) in [("comes from", &voice.from), ("is answered at", &voice.reply_to)] {
        if address.as_ref().is_some_and(|address| !is_address(address)) {
            return Err(Error::new(format!("what mail {what} is no mail address"))
                .hint("such as keys@acme.example"));
        }
    }
    let is_page = |text: &String| text.starts_with("https://") && text.len() <= MAX_URL;
    let is_plain = |text: &String| !text.chars().any(|one| one.is_control() || one.is_whitespace());
    if voice.keys_page.as_ref().is_some_and(|page| !is_page(page) || !is_plain(page)) {
        return Err(Error::new("the page of keys is no URL")
            .hint("such as https://acme.example/settings/keys"));
    }
    Ok(())
}

/// Refuses to let out what nobody has seen, or what has no way out.
async fn may_start(inventory: &Inventory, api: &Api, now: &Standing) -> Result<(), Error> {
    if now.previewed_at.is_none() {
        return Err(Error::new(format!(
            "nobody has seen yet what the customers of `{}` would be told",
            api.name
        ))
        .kind(Kind::Conflict)
        .hint(format!("see it first: keytender notices preview --api {}", api.name)));
    }
    if !has_channel(inventory, api).await? {
        return Err(Error::new("there is no way for notices to go out")
            .kind(Kind::Conflict)
            .hint("add one: keytender channels add mail --host HOST --from ADDRESS"));
    }
    Ok(())
}

async fn has_channel(inventory: &Inventory, api: &Api) -> Result<bool, Error> {
    let channels = inventory.store.list_channels().await.map_err(cannot_read)?;
    Ok(channels.iter().any(|channel| match channel.of {
        None => channel.kind == ChannelKind::Mail,
        Some(of) => of.api_id == api.id,
    }))
}

/// Shows what the customers of an API would be told, at any hour, and remembers that somebody saw it.
///
/// # Errors
/// When there is no such API, or the database does not do its part.
pub async fn preview(inventory: &Inventory, api: &str) -> Result<PreviewView, Error> {
    let api = apis::get(inventory, api).await?;
    let plan = letters_of_api(inventory, api.id, Hours::Any, &Turn::free()).await?;
    let has_channel = has_channel(inventory, &api).await?;
    // Without a channel there was nothing to see.
    if has_channel {
        let mut tx = inventory.begin().await?;
        tx.lock_api(&api.id.to_string()).await.map_err(cannot_read)?;
        let standing = inventory.store.api_notices(api.id).await.map_err(cannot_read)?;
        let standing = Standing { previewed_at: Some(inventory.now), ..standing };
        tx.put_api_notices(api.id, &standing).await.map_err(cannot_write)?;
        commit(tx).await?;
    }
    Ok(shown(&plan, has_channel, inventory.now))
}
