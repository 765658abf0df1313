//! The inventory, opened by somebody at a moment: what every use case of it begins with.

use keytender_core::access::Side;
use keytender_core::id::{AccountId, OwnerId};
use keytender_core::time::Time;
use serde_json::Value;

use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::acts::{Actor, NewAct, Stage};
use crate::store::db::{Location, Tx};
use crate::store::keys::{Filter, HeldKey};
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
    /// What whoever asks sees of it.
    pub sight: Sight,
}

/// Which keys somebody sees; without a limit, all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Only this owner's; `None` within: nobody's, so none.
    pub owner: Option<Option<OwnerId>>,
    /// Only those on this side.
    pub side: Option<Side>,
    /// Only those in this account: whoever asks is that customer of an API of ours.
    pub account: Option<AccountId>,
}

impl Sight {
    /// Whether a key is among them.
    pub fn covers(&self, key: &HeldKey) -> bool {
        self.owner.is_none_or(|owner| owner.is_some() && owner == key.owner_id)
            && self.side.is_none_or(|side| side == key.side)
            && self.is_in(key.account_id)
    }

    /// Whether an account is within the limit to one, if there is such a limit.
    pub fn is_in(&self, account: AccountId) -> bool {
        self.account.is_none_or(|own| own == account)
    }

    /// Whether whoever asks is a customer of an API of ours, and no user.
    pub const fn is_customer(&self) -> bool {
        self.account.is_some()
    }

    /// Refuses a customer what only users do.
    ///
    /// # Errors
    /// When whoever asks is one.
    pub fn refuse_customer(&self) -> Result<(), Error> {
        match self.is_customer() {
            true => Err(Error::new("a customer's own token may not do this").kind(Kind::Forbidden)),
            false => Ok(()),
        }
    }

    /// Whether an account is among what is seen: whose keys they see, they are told key by key.
    pub fn covers_account(&self, account: &Account) -> bool {
        self.owner.is_none()
            && self.side.is_none_or(|side| side == account.kind.side())
            && self.is_in(account.id)
    }

    /// Narrows `filter` to what is seen.
    #[must_use]
    pub fn narrow(&self, mut filter: Filter) -> Filter {
        filter.seen_by = self.owner;
        match (self.side, filter.side) {
            // What is asked for is on the other side: nothing is seen.
            (Some(seen), Some(asked)) if seen != asked => filter.seen_by = Some(None),
            (seen, asked) => filter.side = asked.or(seen),
        }
        match (self.account, filter.account) {
            // The same of another account.
            (Some(seen), Some(asked)) if seen != asked => filter.seen_by = Some(None),
            (seen, asked) => filter.account = asked.or(seen),
        }
        filter
    }
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
        Ok(Self { store, location, actor, now, sight: Sight::default() })
    }

    /// The inventory as this program itself asks it, when nobody else did.
    pub fn of_node(store: Store, location: Location, now: Time) -> Self {
        let actor = Actor { name: "keytender".to_owned(), origin: "this server".to_owned() };
        Self { store, location, actor, now, sight: Sight::default() }
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
