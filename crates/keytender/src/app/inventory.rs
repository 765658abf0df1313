//! The inventory, opened by somebody at a moment: what every use case of it begins with.

use keytender_core::time::Time;
use serde_json::Value;

use crate::error::Error;
use crate::store::acts::{Actor, NewAct, Stage};
use crate::store::db::{Location, Tx};
use crate::store::{Failure, Store};

/// The inventory, and who asks it when.
#[derive(Debug)]
pub struct Inventory {
    /// Where everything is kept.
    pub store: Store,
    /// Which database that is.
    pub location: Location,
    /// Who asks.
    pub actor: Actor,
    /// The present moment.
    pub now: Time,
}

impl Inventory {
    /// Opens the inventory at `location`: a file, or `postgres://…`.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, or was made by a newer program.
    pub async fn open(location: &str, actor: Actor, now: Time) -> Result<Self, Error> {
        let location = Location::parse(location);
        let store = Store::open(&location)
            .await
            .map_err(|failure| failure.refuse(format!("cannot open the inventory `{location}`")))?;
        Ok(Self { store, location, actor, now })
    }

    /// Begins a transaction that will write.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn begin(&self) -> Result<Tx, Error> {
        self.store.db().begin().await.map_err(Failure::from).map_err(cannot_write)
    }

    /// Writes into the log, in the act's own transaction, that something was done.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn log(&self, tx: &mut Tx, act: Done<'_>) -> Result<(), Error> {
        tx.log(NewAct {
            at: self.now,
            actor: &self.actor,
            verb: act.verb,
            stage: Stage::Done,
            target_kind: act.target_kind,
            target_id: act.target_id,
            why: act.why,
            details: act.details,
        })
        .await
        .map_err(cannot_write)
    }
}

/// Something that was done.
#[derive(Debug)]
pub struct Done<'a> {
    /// What, such as `owner.add`.
    pub verb: &'a str,
    /// What kind of thing it was done to.
    pub target_kind: &'a str,
    /// Its id.
    pub target_id: String,
    /// Why, in the actor's words.
    pub why: Option<&'a str>,
    /// What else is worth keeping; never a secret.
    pub details: Value,
}

/// The refusal of a database that cannot be written.
pub fn cannot_write(failure: Failure) -> Error {
    failure.refuse("cannot write the inventory")
}

/// The refusal of a database that cannot be read.
pub fn cannot_read(failure: Failure) -> Error {
    failure.refuse("cannot read the inventory")
}

/// Commits, so that everything stays that `tx` did.
///
/// # Errors
/// When the database cannot; then nothing stays.
pub async fn commit(tx: Tx) -> Result<(), Error> {
    tx.commit().await.map_err(Failure::from).map_err(cannot_write)
}
