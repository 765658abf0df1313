//! Keys of our own APIs: made, ended, and given what they may do.
//!
//! A key is one of the inventory and stands there under the policy for keys that are issued. Its secret is
//! shown once, in the answer that makes it; only its digest is kept. Whatever a verifier must know of is
//! numbered in the transaction that changes it.

use std::borrow::Cow;

use ipnet::IpNet;
use keytender_core::id::{KeyId, PrincipalId};
use keytender_core::inventory::{Event, KeyRecord};
use keytender_core::key::{Key, LastUse, State};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use keytender_core::token::{self, Brand, Environment, Token};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::{apis, apps, notify};
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::apis::Api;
use crate::store::apps::App;
use crate::store::changes::Subject;
use crate::store::db::Tx;
use crate::store::issued::Issued;
use crate::store::keys::{HeldKey, Told};
use crate::store::{self, Failure};

mod import;
mod leak;
mod overlaps;
mod revoke;
mod rotate;
mod used;

pub use import::{KeyImport, import, recognisers, seal_name};
pub(super) use leak::leak;
pub use overlaps::{Overlap, overlaps};
pub(super) use revoke::end_of_app;
pub use revoke::{Revocation, revoke};
pub(super) use rotate::check_overlap;
pub use rotate::{
    Activation, DEFAULT_OVERLAP, MAX_OVERLAP, NewRotation, Rotation, activate, cancel, finish,
    retire, rotate, rotation,
};
pub use used::{rotation_view, usage};

/// The most networks of a key.
const MAX_NETWORKS: usize = 64;

/// A key that somebody asks for.
#[derive(Clone, Debug)]
pub struct NewIssued {
    /// What it is for, in people's words.
    pub label: String,
    /// For real or for trying.
    pub environment: Environment,
    /// What it may do; of an app with scopes, some of these, or all if there is none.
    pub scopes: Vec<String>,
    /// From where it may be used, in CIDR notation; empty: from everywhere.
    pub networks: Vec<String>,
    /// When it ends: `None` as its API says, `Some(None)` never.
    pub expires_at: Option<Option<Time>>,
}

/// A new key, and its text, which is not to be had again.
#[derive(Debug)]
pub struct Created {
    /// The key in the inventory.
    pub key_id: KeyId,
    /// What a program shows.
    pub text: Secret,
}

/// Makes a key for an app.
///
/// # Errors
/// When there is no such app, or the key cannot be.
pub async fn create(inventory: &Inventory, app: &str, new: NewIssued) -> Result<Created, Error> {
    let app = apps::get(inventory, app).await?;
    let place = Place::of(inventory, &app).await?;
    let mut tx = inventory.begin().await?;
    // Whoever suspends or changes the app meanwhile waits.
    let app = tx.lock_app(app.id).await.map_err(cannot_write)?;
    let app = app.filter(|app| app.ended_at.is_none());
    let app = app.ok_or_else(|| Error::not_found("the app is gone"))?;
    let scopes = scopes_of(inventory, &app, new.scopes)?;
    let networks = networks_of(&new.networks)?;
    let expires_at = place.end(inventory, &new.label, new.expires_at)?;
    let draft = Draft {
        label: new.label,
        environment: new.environment,
        scopes,
        networks,
        expires_at,
        state: State::Active,
        replaces: None,
    };
    let (issued, text) = insert(inventory, &mut tx, &place, &app, draft).await?;
    let key_id = issued.key_id;
    log(inventory, &mut tx, "key.create", key_id, None, facts(&issued)).await?;
    changed(&mut tx, &[&issued], inventory.now).await?;
    commit(tx).await?;
    Ok(Created { key_id, text })
}

/// Where a key is issued.
struct Place {
    api: Api,
    account: Account,
}

impl Place {
    async fn of(inventory: &Inventory, app: &App) -> Result<Self, Error> {
        let api = apis::get(inventory, &app.api_id.to_string()).await?;
        let account = super::accounts::get(inventory, &app.account_id.to_string()).await?;
        Ok(Self { api, account })
    }

    /// When a key ends for which `asked` was asked. The life that its API says is the longest that a customer
    /// may give one.
    fn end(
        &self,
        inventory: &Inventory,
        label: &str,
        asked: Option<Option<Time>>,
    ) -> Result<Option<Time>, Error> {
        let now = inventory.now;
        let usual = self.api.settings.key_life.map(|life| now.plus(life));
        let end = asked.unwrap_or(usual);
        if let Some(last) = usual.filter(|last| end.is_none_or(|end| end > *last))
            && inventory.sight.is_customer()
        {
            let why = format!("a key of this API ends on {} at the latest", last.date());
            return Err(Error::new(why).hint("say nothing of its end, or an earlier one"));
        }
        match end.is_some_and(|at| at <= now) {
            true => Err(Error::new(format!("`{label}` would have ended already"))),
            false => Ok(end),
        }
    }
}

/// What a new key is, once it is known to be right.
struct Draft {
    label: String,
    environment: Environment,
    scopes: Vec<String>,
    networks: Vec<String>,
    expires_at: Option<Time>,
    state: State,
    replaces: Option<KeyId>,
}

/// Writes a new key into the inventory and beside it.
async fn insert(
    inventory: &Inventory,
    tx: &mut Tx,
    place: &Place,
    app: &App,
    draft: Draft,
) -> Result<(Issued, Secret), Error> {
    if !super::owners::is_line(&draft.label) {
        return Err(Error::new("a key needs a name, by which people know it: a short line"));
    }
    let now = inventory.now;
    let token = make(&place.api, draft.environment)?;
    let mut key = Key::new(place.account.provider.clone());
    key.label = Some(Cow::Owned(draft.label));
    key.id = Some(Cow::Owned(token.id().to_string()));
    key.principal = Some(Cow::Owned(app.name.clone()));
    key.state = draft.state;
    key.created_at = Some(now);
    key.expires_at = draft.expires_at;
    key.last_used = LastUse::Never { since: now };
    let id = KeyId::from_random(store::random().map_err(cannot_write)?);
    let principal_id = Some(PrincipalId::from_i64(app.id.as_i64()));
    let record = KeyRecord { principal_id, ..KeyRecord::new(id, key, now) };
    let records = std::slice::from_ref(&record);
    tx.write_keys(place.account.id, records).await.map_err(cannot_write)?;
    let issued = Issued {
        key_id: id,
        api_id: place.api.id,
        app_id: app.id,
        environment: draft.environment.as_str().to_owned(),
        token_id: token.id().to_string(),
        digest: token.digest().to_hex(),
        elsewhere: None,
        scopes: draft.scopes,
        networks: draft.networks,
        replaces: draft.replaces,
        replaced_by: None,
        overlap: None,
        retires_at: None,
        activated_at: (draft.state == State::Active).then_some(now),
        revoked_at: None,
        revoked_why: None,
    };
    tx.insert_issued(&issued).await.map_err(cannot_write)?;
    tell(tx, &place.account, &record, Event::Found, now).await?;
    Ok((issued, token.to_secret()))
}

fn make(api: &Api, environment: Environment) -> Result<Token, Error> {
    let brand = Brand::parse(&api.brand).map_err(|error| Error::new("no brand").source(error))?;
    let mut bytes = Zeroizing::new([0_u8; token::RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Error::new("the system gives no random numbers").source(error.to_string())
    })?;
    Ok(Token::make(brand, environment, &bytes))
}

/// What a key may do for which these scopes were asked.
fn scopes_of(inventory: &Inventory, app: &App, asked: Vec<String>) -> Result<Vec<String>, Error> {
    apps::check_scopes(&asked)?;
    if asked.is_empty() {
        return Ok(app.scopes.clone());
    }
    // An app without scopes leaves them to whoever makes the key: to the API's own people, not to a customer.
    let is_open = app.scopes.is_empty() && !inventory.sight.is_customer();
    match asked.iter().find(|scope| !is_open && !app.scopes.contains(scope)) {
        Some(scope) => Err(Error::new(format!("the app `{}` has no scope `{scope}`", app.name))
            .hint(match app.scopes.as_slice() {
                [] => "it has none".to_owned(),
                some => format!("it has {}", some.join(" ")),
            })),
        None => Ok(asked),
    }
}

/// Networks in CIDR notation; an address alone is the network of it alone.
fn networks_of(asked: &[String]) -> Result<Vec<String>, Error> {
    if asked.len() > MAX_NETWORKS {
        return Err(Error::new(format!("a key has at most {MAX_NETWORKS} networks")));
    }
    let network = |text: &String| {
        let parsed = text
            .parse::<IpNet>()
            .ok()
            .or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)));
        let parsed = parsed.ok_or_else(|| {
            Error::new(format!("`{text}` is no network in CIDR notation"))
                .hint("such as 203.0.113.0/24 or 2001:db8::/32")
        })?;
        Ok(parsed.trunc().to_string())
    };
    asked.iter().map(network).collect()
}

/// Keeps what happened to a key, and tells webhooks of it.
async fn tell(
    tx: &mut Tx,
    account: &Account,
    record: &KeyRecord,
    event: Event,
    now: Time,
) -> Result<(), Error> {
    let happened = [(record, vec![event])];
    tx.write_key_versions(&happened, now).await.map_err(cannot_write)?;
    notify::tell(tx, account, false, &happened, now).await.map_err(cannot_write)
}

/// Puts a key of the inventory into another state, and tells of it.
async fn put_state(
    tx: &mut Tx,
    account: &Account,
    held: &HeldKey,
    state: State,
    event: Event,
    now: Time,
) -> Result<(), Error> {
    tx.tell_key(held.record.id, Told::State(state)).await.map_err(cannot_write)?;
    let mut record = held.record.clone();
    record.key.state = state;
    tell(tx, account, &record, event, now).await
}

/// Numbers the changes of keys; the last thing in a transaction.
async fn changed(tx: &mut Tx, keys: &[&Issued], now: Time) -> Result<i64, Error> {
    let mut seq = 0;
    for key in keys {
        let noted = tx.note_change(key.api_id, Subject::Key(key.key_id), now).await;
        seq = noted.map_err(cannot_write)?;
    }
    Ok(seq)
}

async fn log(
    inventory: &Inventory,
    tx: &mut Tx,
    verb: &str,
    key: KeyId,
    why: Option<&str>,
    details: Value,
) -> Result<(), Error> {
    let act = Done { verb, target_kind: "key", target_id: key.to_string(), why, details };
    inventory.log(tx, act).await
}

fn facts(issued: &Issued) -> Value {
    json!({"api": issued.api_id.to_string(), "app": issued.app_id.to_string(), "id": issued.token_id,
           "environment": issued.environment, "scopes": issued.scopes, "networks": issued.networks})
}

/// A key of an API, both as one of the inventory and beside it.
struct Both {
    held: HeldKey,
    issued: Issued,
}

/// The key that a word means, locked until the transaction ends, and where it is issued.
async fn lock(inventory: &Inventory, tx: &mut Tx, word: &str) -> Result<(Both, Account), Error> {
    apis::refuse_narrow(&inventory.sight)?;
    let id = super::keys::get(inventory, word).await?.record.id;
    wait_for_app(inventory, tx, id).await?;
    let both = lock_one(tx, id).await?.ok_or_else(|| not_ours(word))?;
    let account = super::accounts::get(inventory, &both.held.account_id.to_string()).await?;
    Ok((both, account))
}

/// Lets no two change keys of one app at once: each act then meets the keys of a rotation in its own order.
async fn wait_for_app(inventory: &Inventory, tx: &mut Tx, id: KeyId) -> Result<(), Error> {
    let found = inventory.store.find_issued(&[id]).await.map_err(cannot_read)?;
    for issued in found {
        let waited = tx.lock(issued.app_id.as_i64()).await;
        waited.map_err(Failure::from).map_err(cannot_write)?;
    }
    Ok(())
}

async fn lock_one(tx: &mut Tx, id: KeyId) -> Result<Option<Both>, Error> {
    let held = tx.lock_key(id).await.map_err(cannot_read)?;
    let issued = tx.lock_issued(id).await.map_err(cannot_read)?;
    Ok(held.zip(issued).map(|(held, issued)| Both { held, issued }))
}

fn not_ours(word: &str) -> Error {
    Error::new(format!("`{word}` is no key of an API of yours: its provider issued it"))
        .kind(Kind::Conflict)
}
