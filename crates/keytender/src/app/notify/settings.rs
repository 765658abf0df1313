//! Whether notices go out, and who hears of keys without an owner.

use keytender_core::owner::is_address;
use serde_json::json;

use super::{CONTACT, STARTED, status};
use crate::app::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use crate::app::view::NoticeSettingsView;
use crate::error::{Error, Kind};
use crate::store::Failure;

/// The advisory lock that two meet at who change the settings at once: the later sees what the
/// earlier did.
const LOCK: i64 = 0x6b65_7974_6e6f;

/// What is to change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Whether notices go out from now on.
    pub started: Option<bool>,
    /// Who hears of keys without an owner; `None` within: nobody.
    pub contact: Option<Option<String>>,
}

/// How it stands.
///
/// # Errors
/// When the database does not answer.
pub async fn settings(inventory: &Inventory) -> Result<NoticeSettingsView, Error> {
    let status = status(inventory).await?;
    Ok(NoticeSettingsView {
        started: status.started_at.is_some(),
        started_at: status.started_at,
        previewed_at: status.previewed_at,
        contact: status.contact,
    })
}

/// Changes it. `allows` gets the settings as they are now, and may refuse.
///
/// # Errors
/// When the contact is no address; when notices are to be started and nobody has seen a preview, or
/// there is no channel.
pub async fn change(
    inventory: &Inventory,
    change: &Change,
    allows: impl FnOnce(&NoticeSettingsView) -> Result<(), Error>,
) -> Result<NoticeSettingsView, Error> {
    if change.contact.as_ref().and_then(Option::as_ref).is_some_and(|text| !is_address(text)) {
        return Err(Error::new("the contact is no mail address"));
    }
    let mut tx = inventory.begin().await?;
    tx.lock(LOCK).await.map_err(Failure::from).map_err(cannot_write)?;
    let now = settings(inventory).await?;
    allows(&now)?;
    let mut verbs = Vec::new();
    if let Some(contact) = &change.contact {
        let text = contact.as_deref().unwrap_or_default();
        tx.put_setting(CONTACT, text).await.map_err(cannot_write)?;
        verbs.push("notices.contact");
    }
    if let Some(starts) = change.started {
        if starts {
            may_start(inventory, &now).await?;
        }
        let since = now.started_at.unwrap_or(inventory.now);
        let value = if starts { since.to_string() } else { String::new() };
        tx.put_setting(STARTED, &value).await.map_err(cannot_write)?;
        verbs.push(if starts { "notices.start" } else { "notices.stop" });
    }
    for verb in verbs {
        let act = Done {
            verb,
            target_kind: "installation",
            target_id: "notices".to_owned(),
            why: None,
            details: json!({}),
        };
        inventory.log(&mut tx, act).await?;
    }
    commit(tx).await?;
    settings(inventory).await
}

/// Refuses to let out what nobody has seen, or what has no way out.
async fn may_start(inventory: &Inventory, now: &NoticeSettingsView) -> Result<(), Error> {
    if now.previewed_at.is_none() {
        return Err(Error::new("nobody has seen yet whom notices would go to")
            .kind(Kind::Conflict)
            .hint("see it first: keytender notify --dry-run"));
    }
    let channels = inventory.store.list_channels().await.map_err(cannot_read)?;
    if channels.iter().all(|channel| channel.of.is_some()) {
        return Err(Error::new("there is no way for notices to go out")
            .kind(Kind::Conflict)
            .hint("add one: keytender channels add mail --host HOST --from ADDRESS"));
    }
    Ok(())
}
