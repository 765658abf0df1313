//! Notices: who is told what by which channel, once; and the delivery of what is to be told.
//!
//! A notice is first written into the outbox, in one transaction with what it tells, so that each
//! problem of a key is told once in each stage to each recipient. Then it is delivered: leased,
//! tried again with growing pauses, and dead after the last. An attempt that ends without an answer
//! is made again with the same message id, by which receivers drop repeats: nobody can know whether
//! the first arrived.

use keytender_core::time::Time;
use serde_json::json;

use super::evaluate;
use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::turn::Turn;
use crate::error::Error;

mod deliver;
mod plan;

pub use deliver::{Delivered, test};
pub use plan::Letter;

/// The setting that says since when notices go out.
const STARTED: &str = "notices_started_at";
/// The setting that says when somebody last saw what would go out.
const PREVIEWED: &str = "notices_previewed_at";
/// The setting that holds the address for keys of which nobody else answers.
const CONTACT: &str = "contact";

/// When mail may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// On weekdays from 09:00 to 17:00, where the recipient is.
    Working,
    /// At any time.
    Any,
}

/// Whether notices go out, and who hears of keys without an owner.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Since when.
    pub started_at: Option<Time>,
    /// When somebody last saw a preview.
    pub previewed_at: Option<Time>,
    /// The installation's contact.
    pub contact: Option<String>,
}

/// Whether notices go out.
///
/// # Errors
/// When the database does not answer.
pub async fn status(inventory: &Inventory) -> Result<Status, Error> {
    let store = &inventory.store;
    let time = |text: Option<String>| text.and_then(|text| Time::parse(&text).ok());
    Ok(Status {
        started_at: time(store.find_setting(STARTED).await.map_err(cannot_read)?),
        previewed_at: time(store.find_setting(PREVIEWED).await.map_err(cannot_read)?),
        contact: store.find_setting(CONTACT).await.map_err(cannot_read)?,
    })
}

/// What is to be told now, as the inventory stands now. Nothing is written into the outbox.
///
/// # Errors
/// When the database does not do its part.
pub async fn letters(
    inventory: &Inventory,
    hours: Hours,
    turn: &Turn,
) -> Result<Vec<Letter>, Error> {
    evaluate::run_in(&inventory.store, inventory.now, turn).await?;
    plan::plan(inventory, &status(inventory).await?, hours).await
}

/// Tells what is to be told now: puts it into the outbox, and delivers what waits there. `None` if
/// notices were not started.
///
/// # Errors
/// When the database does not do its part; what channels refuse is counted.
pub async fn run(
    inventory: &Inventory,
    hours: Hours,
    turn: &Turn,
) -> Result<Option<Delivered>, Error> {
    if status(inventory).await?.started_at.is_none() {
        return Ok(None);
    }
    for letter in letters(inventory, hours, turn).await? {
        if turn.is_over() {
            break;
        }
        let mut tx = inventory.begin().await?;
        let is_new = tx.insert_notice(&letter.notice, &letter.items).await;
        // Somebody else was quicker: theirs is sent.
        if is_new.map_err(cannot_write)? {
            turn.commit(tx).await.map_err(cannot_write)?;
        }
    }
    deliver::deliver(inventory, turn).await.map(Some)
}

/// Remembers that somebody saw what would go out.
///
/// # Errors
/// When the database refuses.
pub async fn previewed(inventory: &Inventory) -> Result<(), Error> {
    let now = inventory.now.to_string();
    inventory.store.put_setting(PREVIEWED, &now).await.map_err(cannot_write)
}

/// Sets who hears of keys without an owner.
///
/// # Errors
/// When it is no address.
pub async fn set_contact(inventory: &Inventory, address: &str) -> Result<(), Error> {
    if !keytender_core::owner::is_address(address) {
        return Err(Error::new("the contact is no mail address"));
    }
    inventory.store.put_setting(CONTACT, address).await.map_err(cannot_write)
}

/// Lets notices go out from now on, or no more.
///
/// # Errors
/// When nobody has seen a preview, or there is no channel.
pub async fn set_started(inventory: &Inventory, starts: bool) -> Result<(), Error> {
    let status = status(inventory).await?;
    if starts {
        if status.previewed_at.is_none() {
            return Err(Error::new("nobody has seen yet whom notices would go to")
                .hint("see it first: keytender notify --dry-run"));
        }
        let channels = inventory.store.list_channels().await.map_err(cannot_read)?;
        if channels.is_empty() {
            return Err(Error::new("there is no way for notices to go out")
                .hint("add one: keytender channels add mail --host HOST --from ADDRESS"));
        }
    }
    let value = if starts { inventory.now.to_string() } else { String::new() };
    inventory.store.put_setting(STARTED, &value).await.map_err(cannot_write)?;
    let mut tx = inventory.begin().await?;
    let act = Done {
        verb: if starts { "notices.start" } else { "notices.stop" },
        target_kind: "installation",
        target_id: "notices".to_owned(),
        why: None,
        details: json!({}),
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await
}
