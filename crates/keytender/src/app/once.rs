//! Forms that are done once: whoever loads the page again that answered one does nothing a second time.

use keytender_core::time::Span;

use super::inventory::{Inventory, cannot_write, commit};
use super::ticket;
use crate::error::Error;
use crate::store::Failure;

/// What is kept of a form.
const KIND: &str = "form";
/// How long a form is remembered that was sent: longer than anybody stays signed in.
const KEPT: Span = Span::days(90);

/// A word for a form, which is sent with it.
///
/// # Errors
/// When the system gives no random numbers.
pub fn word() -> Result<String, Error> {
    Ok(ticket::make()?.expose().to_owned())
}

/// Whether the form of this word was not sent before; from now on it was.
///
/// # Errors
/// When the database refuses.
pub async fn is_first(inventory: &Inventory, word: &str) -> Result<bool, Error> {
    let mut tx = inventory.begin().await?;
    let ends_at = inventory.now.plus(KEPT);
    match tx.put_one_time(KIND, &ticket::digest_of(word), "", ends_at).await {
        Ok(()) => commit(tx).await.map(|()| true),
        Err(Failure::Exists) => Ok(false),
        Err(failure) => Err(cannot_write(failure)),
    }
}
