//! Links that sign a user in, once. They are how the first administrator comes in, and how whoever lost
//! their password comes back.

use keytender_core::secret::Secret;
use keytender_core::time::Span;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::sessions::{self, Came, How};
use super::view::NewLinkView;
use super::{ticket, users};
use crate::error::{Error, Kind};
use crate::store::authenticators::AuthenticatorKind;

/// The word in the database for what works once.
const KIND: &str = "link";
/// The setting that says where the console is.
const CONSOLE_URL: &str = "console_url";
/// How long a link works.
const LIFE: Span = Span::days(1);

/// Makes a link for a user: the secret that stands in it. Earlier links keep working until they end.
///
/// # Errors
/// When there is no such user, or they are suspended.
pub async fn make(inventory: &Inventory, user: &str) -> Result<Secret, Error> {
    let mut tx = inventory.begin().await?;
    let user = users::locked(&mut tx, user).await?;
    if user.suspended_at.is_some() {
        return Err(Error::new(format!("`{}` is suspended", user.name))
            .hint(format!("keytender users set {} --suspended no", user.name)));
    }
    let secret = ticket::make()?;
    let digest = ticket::digest_of(secret.expose());
    let ends_at = inventory.now.plus(LIFE);
    tx.put_one_time(KIND, &digest, &user.id.to_string(), ends_at).await.map_err(cannot_write)?;
    inventory.log(&mut tx, users::done("user.link", &user)).await?;
    commit(tx).await?;
    Ok(secret)
}

/// Makes a link for a user, whole, as it is given to them.
///
/// # Errors
/// When there is no such user, they are suspended, or no server has said yet where it is.
pub async fn make_whole(inventory: &Inventory, user: &str) -> Result<NewLinkView, Error> {
    // Who is not there is told first.
    users::view(inventory, user).await?;
    let base = console_url(inventory).await?.ok_or_else(|| {
        Error::new("nobody knows yet where the console is").hint("start it once: keytender serve")
    })?;
    let secret = make(inventory, user).await?;
    let url = format!("{base}/enter/{}", secret.expose());
    Ok(NewLinkView { url, ends_at: inventory.now.plus(LIFE) })
}

/// Where the console is, as the server said that started last; without a slash at its end.
///
/// # Errors
/// When the database does not answer.
pub async fn console_url(inventory: &Inventory) -> Result<Option<String>, Error> {
    inventory.store.find_setting(CONSOLE_URL).await.map_err(cannot_read)
}

/// Where the console is for others, not for this machine alone: what is mailed links there.
///
/// # Errors
/// When the database does not answer.
pub async fn public_url(inventory: &Inventory) -> Result<Option<String>, Error> {
    let is_here = |url: &String| {
        let host = url.split("://").nth(1).unwrap_or_default();
        ["localhost", "127.", "[::1]"].iter().any(|here| host.starts_with(here))
    };
    Ok(console_url(inventory).await?.filter(|url| !is_here(url)))
}

/// Notes where the console is: by which URL others reach it; without one, where it listens, unless a
/// URL for others is known.
///
/// # Errors
/// When the database does not do its part.
pub async fn note_console_url(
    inventory: &Inventory,
    public: Option<&str>,
    here: &str,
) -> Result<(), Error> {
    let url = match public {
        Some(url) => url.trim_end_matches('/'),
        None if public_url(inventory).await?.is_some() => return Ok(()),
        None => here,
    };
    if console_url(inventory).await?.as_deref() == Some(url) {
        return Ok(());
    }
    inventory.store.put_setting(CONSOLE_URL, url).await.map_err(cannot_write)
}

/// A link for the first administrator, as long as they have no other way to come in.
///
/// # Errors
/// When the database does not do its part.
pub async fn first(inventory: &Inventory) -> Result<Option<Secret>, Error> {
    let store = &inventory.store;
    let users = store.list_users().await.map_err(cannot_read)?;
    let [only] = users.as_slice() else { return Ok(None) };
    let known = store.list_authenticators().await.map_err(cannot_read)?;
    let may_come_in = known.iter().any(|one| one.kind != AuthenticatorKind::Totp);
    match may_come_in {
        true => Ok(None),
        false => make(inventory, &only.name).await.map(Some),
    }
}

/// Whom a link signs in. It is not used up: programs that look at mails follow links.
///
/// # Errors
/// When it does not work any more.
pub async fn whose(inventory: &Inventory, secret: &str) -> Result<String, Error> {
    let digest = ticket::digest_of(secret);
    let found = inventory.store.find_one_time(KIND, &digest, inventory.now).await;
    let id = found.map_err(cannot_read)?.ok_or_else(used_up)?;
    let user = inventory.store.find_user(&id).await.map_err(cannot_read)?;
    user.filter(|user| user.suspended_at.is_none()).map(|user| user.name).ok_or_else(used_up)
}

/// Signs the user of a link in, and uses it up; what their cookie is to hold.
///
/// # Errors
/// When it does not work any more.
pub async fn enter(inventory: &Inventory, secret: &str, came: &Came) -> Result<Secret, Error> {
    let mut tx = inventory.begin().await?;
    let digest = ticket::digest_of(secret);
    let taken = tx.take_one_time(KIND, &digest, inventory.now).await;
    let id = taken.map_err(cannot_write)?.ok_or_else(used_up)?;
    let user = users::locked(&mut tx, &id).await.map_err(|_| used_up())?;
    if user.suspended_at.is_some() {
        return Err(used_up());
    }
    let held = sessions::open(&mut tx, &user, How::Link, came, inventory.now).await?;
    let done = Done { why: Some(How::Link.as_str()), ..users::done("user.sign-in", &user) };
    inventory.log(&mut tx, done).await?;
    commit(tx).await?;
    Ok(held)
}

fn used_up() -> Error {
    Error::new("this link does not work any more: it was used, or it is too old")
        .kind(Kind::NotFound)
        .hint("an administrator makes another: keytender users link NAME")
}
