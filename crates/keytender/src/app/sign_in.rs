//! Signing in: by a password, and what comes after it.

use keytender_core::secret::Secret;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::sessions::{self, Came, How};
use super::{codes, passwords, users};
use crate::error::{Error, Kind};
use crate::store::acts::{self, Act};
use crate::store::authenticators::{Authenticator, AuthenticatorKind};
use crate::store::users::User;
use keytender_core::id::{AuthenticatorId, SessionId};

/// How long after a link was followed a password may be set without the present one.
const FRESH: keytender_core::time::Span =
    keytender_core::time::Span::from_micros(15 * 60 * 1_000_000);

/// Among so many of the latest acts on a user the last sign-in is looked for.
const LAST_ACTS: i64 = 50;

/// Where a right password leads.
#[derive(Debug)]
pub enum Entered {
    /// In; this is what the cookie is to hold.
    In(Secret),
    /// To the code, which must come with this.
    AsksCode(Secret),
}

/// Signs a user in by their password, or asks for their code.
///
/// # Errors
/// When name and password do not belong together; nobody is told which of them is wrong.
pub async fn by_password(
    inventory: &Inventory,
    name: &str,
    password: &Secret,
    came: &Came,
) -> Result<Entered, Error> {
    let user = inventory.store.find_user(name).await.map_err(cannot_read)?;
    let kept = match &user {
        Some(user) => find(inventory, user, AuthenticatorKind::Password).await?,
        None => None,
    };
    let hash = kept.as_ref().map(|kept| kept.data.as_str());
    let is_right = passwords::is_right(hash, password).await?;
    let (Some(user), Some(kept)) =
        (user.filter(|user| is_right && user.suspended_at.is_none()), kept)
    else {
        return Err(wrong());
    };
    let mut tx = inventory.begin().await?;
    let step = inventory.now.as_micros();
    tx.use_authenticator(kept.id, step, inventory.now).await.map_err(cannot_write)?;
    if let Some(ticket) = codes::ask(inventory, &mut tx, &user).await? {
        commit(tx).await?;
        return Ok(Entered::AsksCode(ticket));
    }
    let held = sessions::open(&mut tx, &user, How::Password, came, inventory.now).await?;
    let done = Done { why: Some(How::Password.as_str()), ..users::done("user.sign-in", &user) };
    inventory.log(&mut tx, done).await?;
    commit(tx).await?;
    Ok(Entered::In(held))
}

/// Sets the password of whoever is signed in. All their other sessions end.
///
/// # Errors
/// When `current` is not the present password, or the new one is none to be used.
pub async fn set_password(
    inventory: &Inventory,
    session: &sessions::Signed,
    current: &Secret,
    new: &Secret,
) -> Result<(), Error> {
    let user = proved(inventory, session, current).await?;
    let kept = find(inventory, &user, AuthenticatorKind::Password).await?;
    let hash = passwords::hash(&user.name, new).await?;
    let mut tx = inventory.begin().await?;
    let one = Authenticator {
        id: new_id()?,
        user_id: user.id,
        kind: AuthenticatorKind::Password,
        name: user.id.to_string(),
        label: "Password".to_owned(),
        data: hash,
        step: 0,
        created_at: inventory.now,
        used_at: kept.and_then(|kept| kept.used_at),
    };
    tx.put_authenticator(&one).await.map_err(cannot_write)?;
    let others: Option<SessionId> = Some(session.session.id);
    tx.remove_sessions(user.id, others).await.map_err(cannot_write)?;
    inventory.log(&mut tx, users::done("user.set-password", &user)).await?;
    commit(tx).await
}

/// Whoever is signed in, if `password` is theirs. Who has none, or just came by a link, need not show it.
///
/// # Errors
/// When it is not.
pub(super) async fn proved(
    inventory: &Inventory,
    session: &sessions::Signed,
    password: &Secret,
) -> Result<User, Error> {
    let user = inventory.store.find_user(&session.who.user).await.map_err(cannot_read)?;
    let user = user.filter(|user| session.session.user_id == Some(user.id)).ok_or_else(wrong)?;
    let kept = find(inventory, &user, AuthenticatorKind::Password).await?;
    if let Some(kept) = &kept
        && !may_forget(inventory, session)
        && !passwords::is_right(Some(&kept.data), password).await?
    {
        return Err(Error::new("that is not your present password").kind(Kind::Forbidden));
    }
    Ok(user)
}

/// Whether somebody just came by a link, and may set a password without knowing the present one.
pub fn may_forget(inventory: &Inventory, session: &sessions::Signed) -> bool {
    let is_fresh = inventory.now.since(session.session.created_at) < FRESH;
    session.session.how == How::Link.as_str() && is_fresh
}

/// When, by what and from where a user signed in before this session, if the log still says so.
///
/// # Errors
/// When the database does not answer.
pub async fn last_before(
    inventory: &Inventory,
    session: &sessions::Signed,
) -> Result<Option<Act>, Error> {
    let Some(user) = session.session.user_id.map(|id| id.to_string()) else { return Ok(None) };
    let which = acts::Which { target_id: Some(user), ..acts::Which::default() };
    let acts = inventory.store.list_acts(&which, LAST_ACTS, None).await;
    let mut acts = acts.map_err(cannot_read)?.into_iter();
    Ok(acts.find(|act| act.verb == "user.sign-in" && act.at < session.session.created_at))
}

/// What a user proves themselves by, oldest first.
///
/// # Errors
/// When there is no such user.
pub async fn authenticators(
    inventory: &Inventory,
    user: &str,
) -> Result<Vec<Authenticator>, Error> {
    let user = inventory.store.find_user(user).await.map_err(cannot_read)?.ok_or_else(wrong)?;
    let mut all = inventory.store.list_authenticators().await.map_err(cannot_read)?;
    all.retain(|one| one.user_id == user.id);
    Ok(all)
}

async fn find(
    inventory: &Inventory,
    user: &User,
    kind: AuthenticatorKind,
) -> Result<Option<Authenticator>, Error> {
    let name = user.id.to_string();
    inventory.store.find_authenticator(kind, &name).await.map_err(cannot_read)
}

pub(super) fn new_id() -> Result<AuthenticatorId, Error> {
    crate::store::random().map(AuthenticatorId::from_random).map_err(cannot_write)
}

fn wrong() -> Error {
    Error::new("name and password do not belong together").kind(Kind::Forbidden)
}
