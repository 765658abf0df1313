//! Sessions: who is signed in with which browser.
//!
//! What the cookie holds is changed every hour, so that a copy of it soon opens nothing. What it held
//! before is good for another minute, for requests under way; whoever shows it later shows a copy, and
//! the session ends.

use keytender_core::access::{Grant, Role, Scope, Scopes};
use keytender_core::id::{OwnerId, SessionId, UserId};
use keytender_core::secret::Secret;
use keytender_core::time::{Span, Time};

use super::inventory::{Inventory, cannot_read, cannot_write, commit};
use super::ticket;
use super::who::Who;
use crate::error::Error;
use crate::store::db::Tx;
use crate::store::owners::Owner;
use crate::store::sessions::{Session, ShownSession};
use crate::store::users::User;
use crate::store::{self, Failure, Store};

/// How long a session lasts at most.
const LIFE: Span = Span::days(7);
/// How long one lasts that is not used: a working day.
const IDLE: Span = Span::from_micros(12 * 3_600 * 1_000_000);
/// How long the session of an owner lasts who followed a mailed link.
const OWNER_LIFE: Span = Span::from_micros(3_600 * 1_000_000);
/// How often what a cookie holds is changed.
const TURN: Span = Span::from_micros(3_600 * 1_000_000);
/// How long what it held before is still good.
const GRACE: Span = Span::from_micros(60 * 1_000_000);
/// A use is written when the one that is written is older than this.
const USE_GRAIN: Span = Span::from_micros(60 * 1_000_000);
/// The longest name of a browser that is kept.
const MAX_AGENT: usize = 200;

/// What an owner may do who followed a mailed link: with their own keys, what can be undone.
const BY_LINK: [Scope; 5] =
    [Scope::KeysRead, Scope::KeysWrite, Scope::KeysAct, Scope::FindingsRead, Scope::PolicyRead];

/// How somebody signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By a password alone.
    Password,
    /// By a password and a code.
    PasswordAndCode,
    /// By a passkey.
    Passkey,
    /// At an OpenID provider.
    Openid,
    /// By a link that works once.
    Link,
}

impl How {
    /// The word in the database and the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordAndCode => "password and code",
            Self::Passkey => "passkey",
            Self::Openid => "openid",
            Self::Link => "link",
        }
    }
}

/// From where somebody comes.
#[derive(Clone, Debug)]
pub struct Came {
    /// The address.
    pub address: String,
    /// What their browser calls itself.
    pub agent: String,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Who it is, and what they may do.
    pub who: Who,
    /// The session.
    pub session: Session,
    /// What the cookie is to hold from now on, if that changed.
    pub turned: Option<Secret>,
}

impl Signed {
    /// Whether it is an owner who followed a mailed link.
    pub const fn is_by_link(&self) -> bool {
        self.session.owner_id.is_some()
    }
}

/// Opens a session for a user; what its cookie is to hold.
pub(super) async fn open(
    tx: &mut Tx,
    user: &User,
    how: How,
    came: &Came,
    now: Time,
) -> Result<Secret, Error> {
    insert(tx, (Some(user.id), None), how, came, (now, LIFE)).await
}

/// Opens a session for an owner who followed a mailed link; what its cookie is to hold.
pub(super) async fn open_for_owner(
    tx: &mut Tx,
    owner: &Owner,
    came: &Came,
    now: Time,
) -> Result<Secret, Error> {
    insert(tx, (None, Some(owner.id)), How::Link, came, (now, OWNER_LIFE)).await
}

async fn insert(
    tx: &mut Tx,
    (user_id, owner_id): (Option<UserId>, Option<OwnerId>),
    how: How,
    came: &Came,
    (now, life): (Time, Span),
) -> Result<Secret, Error> {
    let held = ticket::make()?;
    let session = Session {
        id: SessionId::from_random(store::random().map_err(cannot_write)?),
        digest: ticket::digest_of(held.expose()),
        previous: None,
        turned_at: now,
        user_id,
        owner_id,
        how: how.as_str().to_owned(),
        address: came.address.clone(),
        agent: came.agent.chars().take(MAX_AGENT).collect(),
        created_at: now,
        used_at: now,
        ends_at: now.plus(life),
    };
    tx.insert_session(&session).await.map_err(cannot_write)?;
    Ok(held)
}

/// Who shows a cookie that holds this; `None` for whatever does not work.
///
/// # Errors
/// When the database does not do its part.
pub async fn find(store: &Store, held: &str, now: Time) -> Result<Option<Signed>, Error> {
    let digest = ticket::digest_of(held);
    let Some(shown) = store.find_session(&digest).await.map_err(cannot_read)? else {
        return Ok(None);
    };
    let store = store.of_tenant(shown.tenant);
    let session = shown.session.clone();
    let is_previous = session.digest != digest;
    let is_copy = is_previous && now.since(session.turned_at) > GRACE;
    if is_copy || session.ends_at <= now || now.since(session.used_at) > IDLE {
        end(&store, session.id).await?;
        return Ok(None);
    }
    let Some(who) = who(shown) else { return Ok(None) };
    let mut signed = Signed { who, session, turned: None };
    if !is_previous && now.since(signed.session.turned_at) > TURN {
        turn(&store, &mut signed, now).await?;
    }
    if now.since(signed.session.used_at) > USE_GRAIN {
        let mut tx = begin(&store).await?;
        tx.use_session(signed.session.id, now).await.map_err(cannot_write)?;
        commit(tx).await?;
    }
    Ok(Some(signed))
}

fn who(shown: ShownSession) -> Option<Who> {
    match (shown.user, shown.session.owner_id, shown.owner) {
        (Some((_, _, _, Some(_suspended))), ..) => None,
        (Some((name, role, owner, None)), ..) => {
            let grant = Grant { role, scopes: Scopes::ALL, side: None };
            Some(Who::of(shown.tenant, name, grant, owner))
        }
        (None, Some(owner), Some(name)) => {
            let scopes = Scopes::from_iter(BY_LINK);
            let grant = Grant { role: Role::Owner, scopes, side: None };
            Some(Who::of(shown.tenant, name, grant, Some(owner)))
        }
        _ => None,
    }
}

async fn turn(store: &Store, signed: &mut Signed, now: Time) -> Result<(), Error> {
    let held = ticket::make()?;
    let digest = ticket::digest_of(held.expose());
    let mut tx = begin(store).await?;
    let session = &signed.session;
    let turned = tx.turn_session(session.id, &session.digest, &digest, now).await;
    // Another request was quicker: its answer brings what the cookie is to hold.
    let is_ours = turned.map_err(cannot_write)?;
    commit(tx).await?;
    signed.turned = Some(held).filter(|_| is_ours);
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// When the database does not do its part.
pub async fn end(store: &Store, id: SessionId) -> Result<(), Error> {
    let mut tx = begin(store).await?;
    tx.remove_session(id).await.map_err(cannot_write)?;
    commit(tx).await
}

/// Ends every session of a user, but not `kept`; how many.
///
/// # Errors
/// When there is no such user.
pub async fn end_all(
    inventory: &Inventory,
    user: &str,
    kept: Option<SessionId>,
) -> Result<u64, Error> {
    let mut tx = inventory.begin().await?;
    let user = super::users::locked(&mut tx, user).await?;
    let count = tx.remove_sessions(user.id, kept).await.map_err(cannot_write)?;
    inventory.log(&mut tx, super::users::done("user.sign-out", &user)).await?;
    commit(tx).await?;
    Ok(count)
}

/// Where a user is signed in, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(inventory: &Inventory, user: &str) -> Result<Vec<Session>, Error> {
    let user = inventory.store.find_user(user).await.map_err(cannot_read)?;
    match user {
        Some(user) => inventory.store.list_sessions(user.id).await.map_err(cannot_read),
        None => Ok(Vec::new()),
    }
}

async fn begin(store: &Store) -> Result<Tx, Error> {
    store.db().begin().await.map_err(Failure::from).map_err(cannot_write)
}
