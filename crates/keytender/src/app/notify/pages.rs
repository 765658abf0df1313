//! Links to the console in notices: who gets which, and what makes an owner's work once.
//!
//! A user signs in and sees the page of the key. An owner who is no user enters by a link that only
//! the mail holds: what is kept has a gap where its secret stands, which is filled when the mail is
//! handed over. The secret is a proof of the notice's id and its recipient, so that nothing of it is
//! kept at all.

use std::borrow::Cow;
use std::collections::HashSet;

use keytender_core::id::{KeyId, NoticeId};

use crate::app::inventory::{Inventory, cannot_read};
use crate::app::{links, secrets};
use crate::error::Error;
use crate::store::channels::ChannelKind;
use crate::store::notices::Notice;
use crate::store::seal::Sealer;

/// Where links of owners lead.
const PLACE: &str = "/mail/";
/// What stands for the secret in what is kept.
const GAP: &str = "ONE-TIME-LINK";
/// For what the proof is made.
const PURPOSE: &str = "mailed link";

/// Where notices link to.
pub(super) struct Pages {
    console: Option<String>,
    users: HashSet<String>,
    owners: HashSet<String>,
}

impl Pages {
    /// Of this inventory: none, as long as no server says where others reach it.
    pub(super) async fn find(inventory: &Inventory) -> Result<Self, Error> {
        let console = links::public_url(inventory).await?;
        let (mut users, mut owners) = (HashSet::new(), HashSet::new());
        if console.is_some() {
            let all = inventory.store.list_users().await.map_err(cannot_read)?;
            let all = all.into_iter().filter(|user| user.suspended_at.is_none());
            users.extend(all.filter_map(|user| user.address).map(|text| text.to_lowercase()));
            let all = inventory.store.list_owners().await.map_err(cannot_read)?;
            owners.extend(all.into_iter().map(|owner| owner.address));
        }
        Ok(Self { console, users, owners })
    }

    /// The page of a key for whoever reads a channel, or for this address.
    pub(super) fn page(&self, kind: ChannelKind, address: &str, key: KeyId) -> Option<String> {
        let console = self.console.as_deref()?;
        let is_user = self.users.contains(&address.to_lowercase());
        let enters_by_link = kind == ChannelKind::Mail && !is_user && self.owners.contains(address);
        Some(match enters_by_link {
            true => format!("{console}{PLACE}{GAP}/{key}"),
            false => format!("{console}/keys/{key}"),
        })
    }
}

/// The link of an owner to a key in a notice that is still to be handed over.
pub(crate) fn with_gap(console: &str, key: KeyId) -> String {
    format!("{console}{PLACE}{GAP}/{key}")
}

/// The notice as it is handed over: the gaps of its links filled.
pub(super) async fn filled<'n>(
    inventory: &Inventory,
    notice: &'n Notice,
) -> Result<Cow<'n, Notice>, Error> {
    let gap = format!("{PLACE}{GAP}/");
    if !notice.content.contains(&gap) {
        return Ok(Cow::Borrowed(notice));
    }
    let sealer = secrets::sealer(inventory, false).await?;
    let secret = secret(&sealer, notice.id, &notice.recipient);
    let content = notice.content.replace(&gap, &format!("{PLACE}{secret}/"));
    Ok(Cow::Owned(Notice { content, ..notice.clone() }))
}

/// What stands in the links of a notice to this recipient.
pub(crate) fn secret(sealer: &Sealer, notice: NoticeId, recipient: &str) -> String {
    let proof = sealer.prove(PURPOSE, format!("{notice} {recipient}").as_bytes());
    format!("{notice}.{proof}")
}
