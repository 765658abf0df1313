//! Links to the console in notices: who gets which, and what makes an owner's work once.
//!
//! A user signs in and sees the page of the key. An owner who is no user enters by a link that only
//! the mail holds: what is kept has a gap where its secret stands, which is filled when the mail is
//! handed over. The secret is a proof of the notice's id and its recipient, so that nothing of it is
//! kept at all.

use std::borrow::Cow;
use std::collections::HashSet;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use keytender_core::id::{KeyId, NoticeId};

use crate::app::inventory::{Inventory, cannot_read};
use crate::app::{links, secrets};
use crate::error::Error;
use crate::store::channels::ChannelKind;
use crate::store::notices::{Notice, Which};
use crate::store::seal::Sealer;

/// Where links of owners lead.
const PLACE: &str = "/mail/";
/// What stands for the secret in what is kept.
const GAP: &str = "ONE-TIME-LINK";
/// For what the proof is made.
const PURPOSE: &str = "mailed link";
/// Where whoever wants no more hints says so.
const NO_HINTS: &str = "/no-hints/";
/// For what that link's proof is made.
const OF_HINTS: &str = "no hints";

/// Where notices link to.
#[derive(Default)]
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
    let (gap, of_hints) = (format!("{PLACE}{GAP}/"), format!("{NO_HINTS}{GAP}"));
    if !notice.content.contains(&gap) && !notice.content.contains(&of_hints) {
        return Ok(Cow::Borrowed(notice));
    }
    let sealer = secrets::sealer(inventory, false).await?;
    let secret = secret(&sealer, notice.id, &notice.recipient);
    let hints = hints_secret(&sealer, notice.id, &notice.recipient);
    let content = notice.content.replace(&gap, &format!("{PLACE}{secret}/"));
    let content = content.replace(&of_hints, &format!("{NO_HINTS}{hints}"));
    Ok(Cow::Owned(Notice { content, ..notice.clone() }))
}

/// What stands in the links of a notice to this recipient.
pub(crate) fn secret(sealer: &Sealer, notice: NoticeId, recipient: &str) -> String {
    proven(sealer, PURPOSE, notice, recipient)
}

/// What stands in the link by which this recipient of a notice ends hints.
pub(in crate::app) fn hints_secret(sealer: &Sealer, notice: NoticeId, recipient: &str) -> String {
    proven(sealer, OF_HINTS, notice, recipient)
}

/// The notice in which the link with this secret was mailed, if `proof` made the secret of it.
///
/// # Errors
/// When the database does not answer.
pub(in crate::app) async fn notice_of(
    inventory: &Inventory,
    secret: &str,
    proof: impl FnOnce(NoticeId, &str) -> String,
) -> Result<Option<Notice>, Error> {
    let Some(id) = secret.split('.').next().and_then(|id| id.parse::<NoticeId>().ok()) else {
        return Ok(None);
    };
    let which = Which { id: Some(id), ..Which::default() };
    let found = inventory.store.list_notices(&which, 1, None).await.map_err(cannot_read)?;
    let is_ours = |notice: &Notice| {
        let expected = proof(notice.id, &notice.recipient);
        verify_slices_are_equal(expected.as_bytes(), secret.as_bytes()).is_ok()
    };
    Ok(found.into_iter().next().filter(is_ours))
}

fn proven(sealer: &Sealer, purpose: &str, notice: NoticeId, recipient: &str) -> String {
    let proof = sealer.prove(purpose, format!("{notice} {recipient}").as_bytes());
    format!("{notice}.{proof}")
}

/// The link by which whoever is told of hints ends them, in a notice that is still to be handed over. One click
/// ends them only by TLS (RFC 8058, section 3.1).
pub(super) async fn no_hints(inventory: &Inventory) -> Result<Option<String>, Error> {
    let console = links::public_url(inventory).await?;
    let console = console.filter(|console| console.starts_with("https://"));
    Ok(console.map(|console| format!("{console}{NO_HINTS}{GAP}")))
}
