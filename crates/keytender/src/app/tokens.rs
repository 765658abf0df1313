//! Tokens: the keys that Keytender issues to those who use its own API.
//!
//! A token is a key of our own account and stands in the inventory beside all others, under the
//! same policy: an old one is due, and its user is told. What nobody needs to know again is its
//! secret: it is shown once, and only its digest is kept.

use std::borrow::Cow;

use keytender_core::access::{Grant, OF_CUSTOMERS, Scopes, Side};
use keytender_core::id::KeyId;
use keytender_core::inventory::{Event, KeyRecord};
use keytender_core::key::{Key, LastUse, State};
use keytender_core::secret::Secret;
use keytender_core::time::{Span, Time};
use keytender_core::token::{self, Brand, Digest, Environment, Token as Text};
use serde_json::json;
use zeroize::Zeroizing;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::view::TokenView;
use super::who::Who;
use super::{leaks, notify, users};
use crate::error::Error;
use crate::store::db::Tx;
use crate::store::keys::Told;
use crate::store::tokens::{Shown, Token};
use crate::store::users::User;
use crate::store::{self, Store};

/// What our tokens begin with.
pub(super) const BRAND: &str = "keytender";
/// How long a token works of which nobody says how long.
pub const DEFAULT_LIFE: Span = Span::days(90);
/// A use is written when the one that is written is older than this: a busy program does not make
/// the database busy. AWS's own stamps are four times as coarse as a quarter of this.
const USE_GRAIN: Span = Span::from_micros(60_000_000);

/// A token that somebody asks for.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it is for, in people's words.
    pub label: String,
    /// What it may do, of what its user may.
    pub scopes: Scopes,
    /// To keys of which side it is limited.
    pub side: Option<Side>,
    /// To which customer's account it is limited, by name or id: it is that customer's own.
    pub account: Option<String>,
    /// When it ends; `None`: never.
    pub expires_at: Option<Time>,
}

/// A new token: its key, and its text, which is not to be had again.
#[derive(Debug)]
pub struct Created {
    /// The key in the inventory.
    pub key_id: KeyId,
    /// What a program shows.
    pub text: Secret,
}

/// Makes a token for a user.
///
/// # Errors
/// When there is no such user, or the token would have ended already.
pub async fn create(inventory: &Inventory, user: &str, new: NewToken) -> Result<Created, Error> {
    let mut tx = inventory.begin().await?;
    let user = users::locked(&mut tx, user).await?;
    let created = create_in(inventory, &mut tx, &user, new).await?;
    commit(tx).await?;
    Ok(created)
}

/// The same, within a transaction.
pub(super) async fn create_in(
    inventory: &Inventory,
    tx: &mut Tx,
    user: &User,
    new: NewToken,
) -> Result<Created, Error> {
    if !super::owners::is_line(&new.label) {
        return Err(Error::new("a token needs a name, by which people know it: a short line"));
    }
    if new.expires_at.is_some_and(|at| at <= inventory.now) {
        return Err(Error::new(format!("`{}` would have ended already", new.label)));
    }
    let limit = match &new.account {
        Some(word) => Some(super::customers::get(inventory, word).await?),
        None => None,
    };
    if limit.is_some() && new.side == Some(Side::Held) {
        return Err(Error::new("a customer holds no keys here: its keys are issued"));
    }
    let scopes = match limit {
        Some(_) => new.scopes.and(OF_CUSTOMERS.into_iter().collect()),
        None => new.scopes,
    };
    let account = users::own_account(inventory, tx).await?;
    let token = make()?;
    let mut key = Key::new(account.provider.clone());
    key.label = Some(Cow::Owned(new.label.clone()));
    key.id = Some(Cow::Owned(token.id().to_string()));
    key.created_at = Some(inventory.now);
    key.expires_at = new.expires_at;
    key.last_used = LastUse::Never { since: inventory.now };
    let id = KeyId::from_random(store::random().map_err(cannot_write)?);
    let record = KeyRecord {
        principal_id: Some(user.principal_id),
        ..KeyRecord::new(id, key, inventory.now)
    };
    let records = std::slice::from_ref(&record);
    tx.write_keys(account.id, records).await.map_err(cannot_write)?;
    let found = [(&record, vec![Event::Found])];
    tx.write_key_versions(&found, inventory.now).await.map_err(cannot_write)?;
    notify::tell(tx, &account, false, &found, inventory.now).await.map_err(cannot_write)?;
    if let Some(owner) = users::answers_for(tx, user, inventory.now).await? {
        tx.tell_key(record.id, Told::Owner(Some(owner))).await.map_err(cannot_write)?;
    }
    let row = Token {
        key_id: record.id,
        user_id: user.id,
        token_id: token.id().to_string(),
        digest: token.digest().to_hex(),
        scopes,
        side: new.side,
        account_id: limit.as_ref().map(|account| account.id),
    };
    tx.insert_token(&row).await.map_err(cannot_write)?;
    let details = json!({"user": user.name, "label": new.label, "scopes": scopes.to_string(),
                         "side": new.side.map(Side::as_str), "expires_at": new.expires_at,
                         "account": limit.map(|account| account.name)});
    let act = Done {
        verb: "token.create",
        target_kind: "key",
        target_id: record.id.to_string(),
        why: None,
        details,
    };
    inventory.log(tx, act).await?;
    Ok(Created { key_id: record.id, text: token.to_secret() })
}

fn make() -> Result<Text, Error> {
    let brand = Brand::parse(BRAND).map_err(|error| Error::new("no brand").source(error))?;
    let mut bytes = Zeroizing::new([0_u8; token::RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Error::new("the system gives no random numbers").source(error.to_string())
    })?;
    Ok(Text::make(brand, Environment::Live, &bytes))
}

/// Who shows a token that works.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is, and what may be done with the token.
    pub who: Who,
    /// The token's key.
    pub key_id: KeyId,
    /// What stands in the token in clear.
    pub token_id: String,
}

/// Who shows this text; `None` for whatever does not work, and nobody is told why.
///
/// # Errors
/// When the database does not answer.
pub async fn verify(store: &Store, text: &str, now: Time) -> Result<Option<Caller>, Error> {
    // A text that is no token costs no look into the database.
    let Ok(token) = Text::parse(text) else { return Ok(None) };
    if token.brand().as_str() != BRAND {
        return Ok(None);
    }
    let found = store.find_token(&token.id().to_string()).await.map_err(cannot_read)?;
    let Some(shown) = found.filter(|shown| is_good(&token, shown, now)) else { return Ok(None) };
    let is_noted = |at: Time| now.since(at) < USE_GRAIN;
    if !shown.used_at.is_some_and(is_noted) {
        note_use(&store.of_tenant(shown.tenant), shown.token.key_id, now).await?;
    }
    let grant = Grant { role: shown.role, scopes: shown.token.scopes, side: shown.token.side };
    let who = Who::of(shown.tenant, shown.user, grant, shown.owner_id);
    let who = match (shown.token.account_id, shown.account) {
        (None, _) => who,
        (Some(id), Some(name)) => who.in_account(id, name),
        (Some(_), None) => return Ok(None),
    };
    Ok(Some(Caller { who, key_id: shown.token.key_id, token_id: shown.token.token_id }))
}

fn is_good(token: &Text, shown: &Shown, now: Time) -> bool {
    let is_whole = Digest::parse(&shown.token.digest).is_ok_and(|known| token.verify(&known));
    let has_ended = shown.expires_at.is_some_and(|at| at <= now);
    is_whole && shown.state == State::Active && !has_ended && shown.suspended_at.is_none()
}

async fn note_use(store: &Store, key: KeyId, now: Time) -> Result<(), Error> {
    let mut tx = store.db().begin().await.map_err(store::Failure::from).map_err(cannot_write)?;
    if tx.note_first_use(key, now).await.map_err(cannot_write)? {
        tell(&mut tx, key, Event::FirstUsed, now).await?;
    } else {
        tx.note_use(key, now).await.map_err(cannot_write)?;
    }
    commit(tx).await
}

/// Keeps what happened to a token, which is written already, and tells webhooks of it.
async fn tell(tx: &mut Tx, key: KeyId, event: Event, now: Time) -> Result<(), Error> {
    let Some(held) = tx.lock_key(key).await.map_err(cannot_write)? else { return Ok(()) };
    let accounts = tx.list_accounts().await.map_err(cannot_write)?;
    let happened = [(&held.record, vec![event])];
    tx.write_key_versions(&happened, now).await.map_err(cannot_write)?;
    if let Some(account) = accounts.iter().find(|account| account.id == held.account_id) {
        notify::tell(tx, account, false, &happened, now).await.map_err(cannot_write)?;
    }
    Ok(())
}

/// Every token that is not gone; of one user if a name is given.
///
/// # Errors
/// When the database does not answer.
pub async fn views(inventory: &Inventory, user: Option<&str>) -> Result<Vec<TokenView>, Error> {
    let users = inventory.store.list_users().await.map_err(cannot_read)?;
    let tokens = inventory.store.list_tokens().await.map_err(cannot_read)?;
    let limits = inventory.store.token_accounts().await.map_err(cannot_read)?;
    let mut listed = Vec::new();
    for token in tokens {
        let Some(user) = users
            .iter()
            .find(|one| one.id == token.user_id && user.is_none_or(|name| name == one.name))
        else {
            continue;
        };
        let id = token.key_id.to_string();
        let held = inventory.store.find_keys(&id).await.map_err(cannot_read)?.pop();
        if let Some(held) = held.filter(|held| held.record.key.state != State::Destroyed) {
            let account = token.account_id.and_then(|id| limits.get(&id));
            listed.push(TokenView::of(&token, user, &held, account.cloned()));
        }
    }
    Ok(listed)
}

/// Writes that a token was found in a place, and ends it; `None` if that place is known.
///
/// # Errors
/// When the database refuses.
pub(super) async fn leak(
    inventory: &Inventory,
    tx: &mut Tx,
    id: KeyId,
    seen: &leaks::Sighting<'_>,
) -> Result<Option<leaks::Done>, Error> {
    let Some(held) = tx.lock_key(id).await.map_err(cannot_write)? else { return Ok(None) };
    let now = inventory.now;
    let has_ended = leaks::has_ended(&held.record.key, now);
    let done = if has_ended { leaks::Done::Nothing } else { leaks::Done::Revoked };
    if !seen.write(inventory, tx, id, done).await? {
        return Ok(None);
    }
    if !has_ended {
        for told in [Told::State(State::Compromised), Told::Exposed(Some(now)), Told::Keep(None)] {
            tx.tell_key(id, told).await.map_err(cannot_write)?;
        }
        tell(tx, id, Event::Destroyed, now).await?;
    }
    Ok(Some(done))
}

/// Ends a token for good.
pub(super) async fn end(tx: &mut Tx, key: KeyId, now: Time) -> Result<(), Error> {
    let held = tx.lock_key(key).await.map_err(cannot_write)?;
    if held.is_none_or(|held| held.record.key.state == State::Destroyed) {
        return Ok(());
    }
    tx.tell_key(key, Told::State(State::Destroyed)).await.map_err(cannot_write)?;
    tell(tx, key, Event::Destroyed, now).await
}
