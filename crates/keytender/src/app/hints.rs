//! Who wants no more hints about keys of an API: said by a link in a mail, with one click (RFC 8058).
//!
//! What stands in a link is a proof of the notice and its recipient, as in the links of owners; nothing of it is
//! kept. What leaked or is about to end is told all the same.

use keytender_core::id::ApiId;
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::notify::pages;
use crate::error::Error;
use crate::store::seal::Sealer;

/// Whoever a link was mailed to.
#[derive(Clone, Debug)]
pub struct Reader {
    /// What people call the API in whose name the mail was.
    pub brand: String,
    /// Whether they want no hints.
    pub refuses: bool,
    api: ApiId,
    address: String,
}

/// Whom a link was mailed to. To look changes nothing: programs that check mails follow links.
///
/// # Errors
/// When it is not ours, or the API is gone.
pub async fn look(inventory: &Inventory, sealer: &Sealer, secret: &str) -> Result<Reader, Error> {
    let proof = |id, recipient: &str| pages::hints_secret(sealer, id, recipient);
    let notice = pages::notice_of(inventory, secret, proof).await?.ok_or_else(unknown)?;
    let id = notice.api_id.ok_or_else(unknown)?;
    let api = inventory.store.find_api(&id.to_string()).await.map_err(cannot_read)?;
    let api = api.ok_or_else(unknown)?;
    let address = notice.recipient.to_lowercase();
    let refusals = inventory.store.hint_refusals(id).await.map_err(cannot_read)?;
    let (brand, refuses) = (api.called().to_owned(), refusals.contains(&address));
    Ok(Reader { brand, refuses, api: id, address })
}

/// Says that whoever a link was mailed to wants no more hints, or wants them again.
///
/// # Errors
/// When the link is not ours.
pub async fn say(
    inventory: &Inventory,
    sealer: &Sealer,
    secret: &str,
    refuses: bool,
) -> Result<Reader, Error> {
    let reader = look(inventory, sealer, secret).await?;
    let mut tx = inventory.begin().await?;
    let since = refuses.then_some(inventory.now);
    tx.refuse_hints(reader.api, &reader.address, since).await.map_err(cannot_write)?;
    let act = Done {
        verb: if refuses { "hints.refuse" } else { "hints.want" },
        target_kind: "api",
        target_id: reader.api.to_string(),
        why: None,
        details: json!({}),
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    Ok(Reader { refuses, ..reader })
}

fn unknown() -> Error {
    Error::not_found("this link does not work").hint("see whether all of it was copied")
}
