//! Forgets what is old and says nothing any more.

use keytender_core::time::Span;

use super::inventory::{Inventory, cannot_read, cannot_write};
use super::report;
use super::turn::Turn;
use crate::error::Error;

/// How long the answer to a request can be asked for again.
const ANSWERS_AGE: Span = Span::days(1);
/// How long a look at an account is remembered that changed nothing.
const SYNCS_AGE: Span = Span::days(90);

/// How long whoever comes too late to a key page is told so.
const PORTAL_AGE: Span = Span::days(1);
/// How long a change of a key is remembered for verifiers that were away: a longer time costs them a snapshot.
const CHANGES_AGE: Span = Span::days(7);

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Answers to requests.
    pub answers: u64,
    /// Sessions that ended, what worked once and was not used in time, and who may try again.
    pub sessions: u64,
    /// Looks at accounts.
    pub syncs: u64,
    /// Signing secrets that were exchanged and sign nothing any more.
    pub secrets: u64,
    /// Changes of keys that verifiers have heard of.
    pub changes: u64,
    /// Credential reports.
    pub reports: u64,
    /// Tasks of rotations that have ended.
    pub rotations: u64,
}

/// Forgets what is old, as long as it is our turn. Whoever does so twice does nothing the second
/// time.
///
/// # Errors
/// When the database does not do its part.
pub async fn run(inventory: &Inventory, turn: &Turn) -> Result<Swept, Error> {
    let Inventory { store, now, .. } = inventory;
    let answers = store.sweep_answers(now.minus(ANSWERS_AGE)).await.map_err(cannot_write)?;
    let sessions = store.sweep_sessions(*now).await.map_err(cannot_write)?;
    let portal = store.sweep_portal(now.minus(PORTAL_AGE)).await.map_err(cannot_write)?;
    let sessions = sessions + portal;
    let secrets = store.forget_old_secrets(*now).await.map_err(cannot_write)?;
    let changes = store.sweep_changes(now.minus(CHANGES_AGE)).await.map_err(cannot_write)?;
    let reports = report::sweep(inventory).await?;
    let rotations = store.sweep_rotations().await.map_err(cannot_write)?;
    let mut swept = Swept { answers, sessions, syncs: 0, secrets, changes, reports, rotations };
    for account in store.list_accounts().await.map_err(cannot_read)? {
        if turn.is_over() {
            break;
        }
        let count = store.sweep_syncs(account.id, now.minus(SYNCS_AGE)).await;
        swept.syncs += count.map_err(cannot_write)?;
    }
    Ok(swept)
}
