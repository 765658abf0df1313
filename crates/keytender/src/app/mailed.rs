//! Links in notices, by which an owner who is no user enters, once, and sees the keys they answer for.
//!
//! What stands in a link is a proof of the notice and its recipient; nothing of it is kept but that it
//! was used. A link that does not work any more can be replaced: the new one goes where the old one
//! went, whoever asks.

use keytender_core::id::{KeyId, NoticeId};
use keytender_core::time::Span;
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::notify::{self, pages};
use super::sessions::{self, Came, How};
use super::{links, ticket};
use crate::error::{Error, Kind};
use crate::store::keys::Filter;
use crate::store::notices::Notice;
use crate::store::owners::Owner;
use crate::store::seal::Sealer;
use crate::store::{self, Failure};

/// The word in the database for a link that was used.
const USED: &str = "mailed-used";
/// The word in the database for a link that was mailed again.
const AGAIN: &str = "mailed-again";
/// How long a link works, from when its mail was taken.
const LIFE: Span = Span::days(14);
/// How long the use of a link is remembered: until it would be too old anyway.
const MEMORY: Span = Span::days(60);
/// One new link within this time, to each address.
const PAUSE: Span = Span::from_micros(5 * 60 * 1_000_000);
/// The task that hands mails over.
const NOTIFY: &str = "notify";

/// Whether a link still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Good,
    /// It was used.
    Used,
    /// It is too old.
    TooOld,
}

/// A link that is ours.
#[derive(Debug)]
pub struct Mailed {
    /// Whose keys it opens.
    pub owner: Owner,
    /// The key that it leads to.
    pub key: KeyId,
    /// Whether it still works.
    pub standing: Standing,
    notice: Notice,
}

/// What a link is, without using it up: programs that check mails follow links.
///
/// # Errors
/// When it is not ours, or nobody of its address answers for keys any more.
pub async fn look(
    inventory: &Inventory,
    sealer: &Sealer,
    secret: &str,
    key: &str,
) -> Result<Mailed, Error> {
    let key: KeyId = key.parse().map_err(|_| unknown())?;
    let proof = |id, recipient: &str| pages::secret(sealer, id, recipient);
    let notice = pages::notice_of(inventory, secret, proof).await?.ok_or_else(unknown)?;
    let owner = owner(inventory, &notice.recipient, key).await?;
    let digest = ticket::digest_of(secret);
    let used = inventory.store.find_one_time(USED, &digest, inventory.now).await;
    let standing = match used.map_err(cannot_read)? {
        Some(_) => Standing::Used,
        None if is_old(inventory, &notice) => Standing::TooOld,
        None => Standing::Good,
    };
    Ok(Mailed { owner, key, standing, notice })
}

fn is_old(inventory: &Inventory, notice: &Notice) -> bool {
    inventory.now.since(notice.sent_at.unwrap_or(notice.created_at)) > LIFE
}

/// Who enters: of those with this address whoever answers for the key, else the first.
async fn owner(inventory: &Inventory, address: &str, key: KeyId) -> Result<Owner, Error> {
    let mut owners = inventory.store.list_owners().await.map_err(cannot_read)?;
    owners.retain(|owner| owner.address == address);
    let found = inventory.store.find_keys_among(&key.to_string(), Filter::default()).await;
    let held = found.map_err(cannot_read)?.into_iter().next().and_then(|held| held.owner_id);
    let place = owners.iter().position(|owner| Some(owner.id) == held).unwrap_or(0);
    match owners.into_iter().nth(place) {
        Some(owner) => Ok(owner),
        None => Err(Error::not_found("nobody with this address answers for keys any more")),
    }
}

/// Lets the owner of a link in, and uses it up; what their cookie is to hold.
///
/// # Errors
/// When it does not work any more.
pub async fn enter(
    inventory: &Inventory,
    sealer: &Sealer,
    secret: &str,
    key: &str,
    came: &Came,
) -> Result<(Mailed, keytender_core::secret::Secret), Error> {
    let mailed = look(inventory, sealer, secret, key).await?;
    if mailed.standing != Standing::Good {
        return Err(used_up());
    }
    let mut tx = inventory.begin().await?;
    let digest = ticket::digest_of(secret);
    let put = tx.put_one_time(USED, &digest, "", inventory.now.plus(MEMORY)).await;
    put.map_err(|failure| match failure {
        Failure::Exists => used_up(),
        failure => cannot_write(failure),
    })?;
    let now = inventory.now;
    let held = sessions::open_for_owner(&mut tx, &mailed.owner, came, now).await?;
    let done = Done {
        verb: "owner.sign-in",
        target_kind: "owner",
        target_id: mailed.owner.id.to_string(),
        why: Some(How::Link.as_str()),
        details: json!({"name": mailed.owner.name, "notice": mailed.notice.id.to_string()}),
    };
    inventory.log(&mut tx, done).await?;
    commit(tx).await?;
    Ok((mailed, held))
}

/// Mails a new link to the address that this one went to.
///
/// # Errors
/// When the link is not ours, one was just mailed, or no mail goes out.
pub async fn again(
    inventory: &Inventory,
    sealer: &Sealer,
    secret: &str,
    key: &str,
) -> Result<(), Error> {
    let mailed = look(inventory, sealer, secret, key).await?;
    let console = links::public_url(inventory).await?;
    let is_started = notify::status(inventory).await?.started_at.is_some();
    let Some(console) = console.filter(|_| is_started) else {
        return Err(Error::new("no mail goes out at the moment").kind(Kind::Conflict));
    };
    let notice = letter(inventory, &mailed, &pages::with_gap(&console, mailed.key))?;
    let mut tx = inventory.begin().await?;
    let turn = inventory.now.as_micros().div_euclid(PAUSE.as_micros());
    let digest = ticket::digest_of(&format!("{turn} {}", notice.recipient));
    let put = tx.put_one_time(AGAIN, &digest, "", inventory.now.plus(PAUSE)).await;
    put.map_err(|failure| match failure {
        Failure::Exists => Error::new("a new link was mailed just now")
            .kind(Kind::Conflict)
            .hint("it may take a minute to arrive"),
        failure => cannot_write(failure),
    })?;
    tx.insert_notice(&notice, &[]).await.map_err(cannot_write)?;
    commit(tx).await?;
    inventory.store.ask_for_runs(NOTIFY).await.map(drop).map_err(cannot_write)
}

fn letter(inventory: &Inventory, mailed: &Mailed, link: &str) -> Result<Notice, Error> {
    let text = format!(
        "Somebody asked for a new link to the keys that you answer for. It works once:\n\n{link}\n\n\
         If it was not you, nothing is to be done.\n"
    );
    let html = format!(
        "<p>Somebody asked for a new link to the keys that you answer for. It works once:</p>\
         <p><a href=\"{link}\">Open your keys</a></p>\
         <p>If it was not you, nothing is to be done.</p>"
    );
    let content = json!({
        "to_name": mailed.owner.name,
        "text": text,
        "html": html,
        "keys": [mailed.key.to_string()],
    });
    Ok(Notice::new(
        NoticeId::from_random(store::random().map_err(cannot_write)?),
        mailed.notice.channel_id,
        mailed.notice.recipient.clone(),
        "A new link to your keys".to_owned(),
        content.to_string(),
        inventory.now,
    ))
}

fn unknown() -> Error {
    Error::not_found("this link does not work").hint("see whether all of it was copied")
}

fn used_up() -> Error {
    Error::new("this link does not work any more: it was used, or it is too old")
        .kind(Kind::Conflict)
        .hint("open it again: its page mails you a new one")
}
