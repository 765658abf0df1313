//! Where letters go as they are made: to somebody who looks at them, or into the outbox.

use std::cmp::Reverse;

use keytender_core::policy::Severity;

use super::Letter;
use crate::app::inventory::{Inventory, cannot_write};
use crate::app::turn::Turn;
use crate::error::Error;

/// Where letters go.
pub(in crate::app::notify) enum Outlet<'o> {
    /// They are kept for a preview, each with its channel's place and how serious it is.
    Shown(Vec<(usize, Severity, Letter)>),
    /// Each is put into the outbox at once, as long as it is our turn.
    Outbox(&'o Turn),
}

impl Outlet<'_> {
    pub(super) async fn take(
        &mut self,
        inventory: &Inventory,
        place: usize,
        severity: Severity,
        letter: Letter,
    ) -> Result<(), Error> {
        match self {
            Self::Shown(letters) => letters.push((place, severity, letter)),
            Self::Outbox(turn) if turn.is_over() => {}
            Self::Outbox(turn) => {
                let mut tx = inventory.begin().await?;
                let is_new = tx.insert_notice(&letter.notice, &letter.items).await;
                // Somebody else was quicker: theirs is sent.
                if is_new.map_err(cannot_write)? {
                    turn.commit(tx).await.map_err(cannot_write)?;
                }
            }
        }
        Ok(())
    }

    /// What was kept, channel by channel, the most serious events of a webhook first.
    pub(in crate::app::notify) fn into_letters(self) -> Vec<Letter> {
        let Self::Shown(mut letters) = self else { return Vec::new() };
        letters.sort_by_key(|(place, severity, _)| (*place, Reverse(*severity)));
        letters.into_iter().map(|(.., letter)| letter).collect()
    }
}
