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
use keytender_core::time::{Span, Time};

/// How long whoever signed in counts as having just proved who they are.
const FRESH: Span = Span::from_micros(10 * 60 * 1_000_000);

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

/// By what somebody proves anew who they are, before anything of how they sign in changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anew {
    /// By nothing: they just signed in, or have nothing yet that would prove it.
    Nothing,
    /// By their present password.
    Password,
    /// By another sign-in: there is no password to ask for.
    SignIn,
}

/// By what whoever is signed in proves anew who they are. `known` is what they have for it.
pub fn anew(known: &[Authenticator], session: &sessions::Signed, now: Time) -> Anew {
    let is_fresh = now.since(session.session.created_at) < FRESH;
    let came_by_link = session.session.how == How::Link.as_str();
    let has_password = known.iter().any(|one| one.kind == AuthenticatorKind::Password);
    match () {
        () if has_password && !(came_by_link && is_fresh) => Anew::Password,
        () if is_fresh || !known.iter().any(|one| one.kind.is_way_in()) => Anew::Nothing,
        () => Anew::SignIn,
    }
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

/// Whoever is signed in, once they proved it anew; `password` is their present one, if it is asked.
///
/// # Errors
/// When they did not.
pub(super) async fn proved(
    inventory: &Inventory,
    session: &sessions::Signed,
    password: &Secret,
) -> Result<User, Error> {
    let user = inventory.store.find_user(&session.who.user).await.map_err(cannot_read)?;
    let user = user.filter(|user| session.session.user_id == Some(user.id)).ok_or_else(wrong)?;
    let known = of_user(inventory, &user).await?;
    match anew(&known, session, inventory.now) {
        Anew::Nothing => Ok(user),
        Anew::Password => {
            let kept = known.iter().find(|one| one.kind == AuthenticatorKind::Password);
            match passwords::is_right(kept.map(|kept| kept.data.as_str()), password).await? {
                true => Ok(user),
                false => Err(Error::new("that is not your present password").kind(Kind::Forbidden)),
            }
        }
        Anew::SignIn => Err(Error::new("you signed in too long ago to change how you sign in")
            .kind(Kind::Forbidden)
            .hint("sign out, sign in again, and do it within ten minutes")),
    }
}

/// Takes a passkey, or an account at an OpenID provider, of whoever is signed in away. `issuer` is the
/// provider where people may prove who they are now.
///
/// # Errors
/// When they did not prove anew who they are, it is not theirs, or they have no other way in.
pub async fn remove(
    inventory: &Inventory,
    session: &sessions::Signed,
    password: &Secret,
    (kind, id): (AuthenticatorKind, AuthenticatorId),
    issuer: Option<&str>,
) -> Result<(), Error> {
    let user = proved(inventory, session, password).await?;
    let mut tx = inventory.begin().await?;
    let user = users::locked(&mut tx, &user.id.to_string()).await?;
    let known = tx.list_authenticators(user.id).await.map_err(cannot_read)?;
    if !known.iter().any(|one| one.id == id && one.kind == kind) {
        return Err(Error::not_found("there is no such way of yours to sign in"));
    }
    let has_other = known.iter().any(|one| one.id != id && leads_in(one, issuer));
    if !has_other {
        return Err(Error::new("without it you could not sign in any more")
            .kind(Kind::Conflict)
            .hint("set a password or add a passkey first"));
    }
    tx.remove_authenticator(user.id, id).await.map_err(cannot_write)?;
    let verb = match kind {
        AuthenticatorKind::Openid => "user.unbind-openid",
        _ => "user.remove-passkey",
    };
    inventory.log(&mut tx, users::done(verb, &user)).await?;
    commit(tx).await
}

/// Whether this alone lets its user in. An account elsewhere does as long as people are sent there.
fn leads_in(one: &Authenticator, issuer: Option<&str>) -> bool {
    match one.kind {
        AuthenticatorKind::Openid => issuer.is_some() && one.issuer() == issuer,
        kind => kind.is_way_in(),
    }
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
    of_user(inventory, &user).await
}

async fn of_user(inventory: &Inventory, user: &User) -> Result<Vec<Authenticator>, Error> {
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
