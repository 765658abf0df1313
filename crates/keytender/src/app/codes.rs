//! Codes that change with the time (RFC 6238), asked after the password of whoever turned them on.
//!
//! Their secret is sealed to the authenticator's id, and shown once: to whoever turns them on. They
//! count only once a code proved that the phone has it. A code works once.

use keytender_core::id::AuthenticatorId;
use keytender_core::secret::Secret;
use keytender_core::time::{Span, Time};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::sessions::{self, Came, How, Signed};
use super::{secrets, sign_in, ticket, users};
use crate::error::{Error, Kind};
use crate::store::authenticators::{Authenticator, AuthenticatorKind};
use crate::store::db::Tx;
use crate::store::users::User;

/// What an app on a phone calls us.
const ISSUER: &str = "Keytender";
/// As long as RFC 4226 recommends (section 4, R6).
const SECRET_BYTES: usize = 20;
/// How many seconds a code lasts (RFC 6238, section 5.2); one before and after it is taken too.
const STEP_SECONDS: u64 = 30;
/// The word in the database for codes that are not confirmed yet.
const NEW: &str = "new-codes";
/// The word in the database for a sign-in that waits for its code.
const HALF_DONE: &str = "sign-in";
/// How long both wait.
const PATIENCE: Span = Span::from_micros(5 * 60 * 1_000_000);

/// Codes that are not confirmed yet.
#[derive(Debug)]
pub struct NewCodes {
    /// What the next step must show.
    pub ticket: Secret,
    /// The secret as people type it into an app: letters and digits.
    pub secret: Secret,
    /// The same as the address that an app reads.
    pub address: Secret,
}

/// What is kept of codes until they are confirmed.
#[derive(Serialize, Deserialize)]
struct Kept {
    user: String,
    id: String,
    sealed: String,
}

/// Makes the secret of new codes for whoever is signed in.
///
/// # Errors
/// When `password` is not theirs, or they have none: codes are asked after it.
pub async fn begin(
    inventory: &Inventory,
    session: &Signed,
    password: &Secret,
) -> Result<NewCodes, Error> {
    let user = sign_in::proved(inventory, session, password).await?;
    let name = name_of(&user);
    let known = inventory.store.find_authenticator(AuthenticatorKind::Password, &name).await;
    if known.map_err(cannot_read)?.is_none() {
        return Err(Error::new("codes are asked after a password, and you have none")
            .hint("set a password first"));
    }
    let mut bytes = Zeroizing::new([0_u8; SECRET_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        let error = error.to_string();
        Error::new("the system gives no random numbers").kind(Kind::Internal).source(error)
    })?;
    let secret = totp_rs::Secret::from(bytes.as_slice());
    let secret = Secret::new(secret.to_base32());
    let id = sign_in::new_id()?.to_string();
    let sealed = secrets::seal(inventory, &id, &secret).await?;
    let data = Kept { user: user.id.to_string(), id, sealed };
    let data = serde_json::to_string(&data).map_err(|error| internal(&error.to_string()))?;
    let ticket = ticket::make()?;
    let digest = ticket::digest_of(ticket.expose());
    let ends_at = inventory.now.plus(PATIENCE);
    let mut tx = inventory.begin().await?;
    tx.put_one_time(NEW, &digest, &data, ends_at).await.map_err(cannot_write)?;
    commit(tx).await?;
    Ok(shown(ticket, secret, &user.name))
}

/// The codes that wait to be confirmed, once more.
///
/// # Errors
/// When they do not wait any more, or are somebody else's.
pub async fn find_new(
    inventory: &Inventory,
    session: &Signed,
    ticket: &Secret,
) -> Result<NewCodes, Error> {
    let digest = ticket::digest_of(ticket.expose());
    let found = inventory.store.find_one_time(NEW, &digest, inventory.now).await;
    let (_, secret) = opened(inventory, session, found.map_err(cannot_read)?).await?;
    Ok(shown(ticket.clone(), secret, &session.who.user))
}

/// Turns new codes on, if `code` is one of them.
///
/// # Errors
/// When it is not, or the codes do not wait any more.
pub async fn confirm(
    inventory: &Inventory,
    session: &Signed,
    ticket: &Secret,
    code: &str,
) -> Result<(), Error> {
    let mut tx = inventory.begin().await?;
    let digest = ticket::digest_of(ticket.expose());
    let taken = tx.take_one_time(NEW, &digest, inventory.now).await.map_err(cannot_write)?;
    let (kept, secret) = opened(inventory, session, taken).await?;
    // A wrong code rolls back: the codes still wait.
    let step = step_of(&secret, code, inventory.now)?.ok_or_else(wrong)?;
    let user = users::locked(&mut tx, &kept.user).await?;
    let id: AuthenticatorId = kept.id.parse().map_err(|_| internal("an id that is none"))?;
    let one = Authenticator {
        id,
        user_id: user.id,
        kind: AuthenticatorKind::Totp,
        name: name_of(&user),
        label: "Codes".to_owned(),
        data: kept.sealed,
        step,
        created_at: inventory.now,
        used_at: None,
    };
    tx.put_authenticator(&one).await.map_err(cannot_write)?;
    tx.remove_sessions(user.id, Some(session.session.id)).await.map_err(cannot_write)?;
    inventory.log(&mut tx, users::done("user.codes-on", &user)).await?;
    commit(tx).await
}

/// Turns the codes of whoever is signed in off.
///
/// # Errors
/// When `password` is not theirs.
pub async fn turn_off(
    inventory: &Inventory,
    session: &Signed,
    password: &Secret,
) -> Result<(), Error> {
    let user = sign_in::proved(inventory, session, password).await?;
    let Some(known) = find(inventory, &user).await? else { return Ok(()) };
    let mut tx = inventory.begin().await?;
    tx.remove_authenticator(user.id, known.id).await.map_err(cannot_write)?;
    inventory.log(&mut tx, users::done("user.codes-off", &user)).await?;
    commit(tx).await
}

/// What the next step must show, if codes are asked of this user after their password.
///
/// # Errors
/// When the database does not do its part.
pub(super) async fn ask(
    inventory: &Inventory,
    tx: &mut Tx,
    user: &User,
) -> Result<Option<Secret>, Error> {
    if find(inventory, user).await?.is_none() {
        return Ok(None);
    }
    let ticket = ticket::make()?;
    let digest = ticket::digest_of(ticket.expose());
    let ends_at = inventory.now.plus(PATIENCE);
    let put = tx.put_one_time(HALF_DONE, &digest, &user.id.to_string(), ends_at).await;
    put.map_err(cannot_write)?;
    Ok(Some(ticket))
}

/// Whose sign-in waits for a code; it waits on.
///
/// # Errors
/// When it does not wait any more.
pub async fn whose(inventory: &Inventory, ticket: &Secret) -> Result<String, Error> {
    let digest = ticket::digest_of(ticket.expose());
    let found = inventory.store.find_one_time(HALF_DONE, &digest, inventory.now).await;
    found.map_err(cannot_read)?.ok_or_else(too_late)
}

/// Signs in whoever showed their password before; what their cookie is to hold.
///
/// # Errors
/// When the code is not right or was used, or the sign-in does not wait any more.
pub async fn enter(
    inventory: &Inventory,
    ticket: &Secret,
    code: &str,
    came: &Came,
) -> Result<Secret, Error> {
    let mut tx = inventory.begin().await?;
    let digest = ticket::digest_of(ticket.expose());
    let taken = tx.take_one_time(HALF_DONE, &digest, inventory.now).await;
    let id = taken.map_err(cannot_write)?.ok_or_else(too_late)?;
    let user = users::locked(&mut tx, &id).await.map_err(|_| too_late())?;
    let known = find(inventory, &user).await?.filter(|_| user.suspended_at.is_none());
    let known = known.ok_or_else(too_late)?;
    let secret = open(inventory, &known.id.to_string(), &known.data).await?;
    // Whatever is refused rolls back: the sign-in still waits.
    let step = step_of(&secret, code, inventory.now)?.ok_or_else(wrong)?;
    let is_new = tx.use_authenticator(known.id, step, inventory.now).await;
    if !is_new.map_err(cannot_write)? {
        return Err(wrong());
    }
    let held = sessions::open(&mut tx, &user, How::PasswordAndCode, came, inventory.now).await?;
    let why = Some(How::PasswordAndCode.as_str());
    inventory.log(&mut tx, Done { why, ..users::done("user.sign-in", &user) }).await?;
    commit(tx).await?;
    Ok(held)
}

async fn opened(
    inventory: &Inventory,
    session: &Signed,
    data: Option<String>,
) -> Result<(Kept, Secret), Error> {
    let data = data.ok_or_else(too_late)?;
    let kept: Kept = serde_json::from_str(&data).map_err(|error| internal(&error.to_string()))?;
    let is_own = session.session.user_id.is_some_and(|id| id.to_string() == kept.user);
    if !is_own {
        return Err(too_late());
    }
    let secret = open(inventory, &kept.id, &kept.sealed).await?;
    Ok((kept, secret))
}

async fn open(inventory: &Inventory, id: &str, sealed: &str) -> Result<Secret, Error> {
    let found = secrets::find(inventory, id, Some(sealed), None).await?;
    found.ok_or_else(|| internal("codes without a secret"))
}

async fn find(inventory: &Inventory, user: &User) -> Result<Option<Authenticator>, Error> {
    let found = inventory.store.find_authenticator(AuthenticatorKind::Totp, &name_of(user)).await;
    found.map_err(cannot_read)
}

/// What a user has once is named after them.
fn name_of(user: &User) -> String {
    user.id.to_string()
}

fn shown(ticket: Secret, secret: Secret, user: &str) -> NewCodes {
    let name = utf8_percent_encode(user, NON_ALPHANUMERIC);
    let text = secret.expose();
    let address = format!("otpauth://totp/{ISSUER}:{name}?secret={text}&issuer={ISSUER}");
    NewCodes { ticket, secret, address: Secret::new(address) }
}

/// The step whose code this is, around now.
fn step_of(secret: &Secret, code: &str, now: Time) -> Result<Option<i64>, Error> {
    let codes = codes(secret)?;
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    let seconds = u64::try_from(now.as_micros() / 1_000_000).unwrap_or(0);
    Ok(codes.check(&code, seconds).and_then(|step| i64::try_from(step).ok()))
}

fn codes(secret: &Secret) -> Result<Totp, Error> {
    let secret = totp_rs::Secret::try_from_base32(secret.expose());
    let secret = secret.map_err(|error| internal(&format!("{error:?}")))?;
    let builder = Builder::new().with_secret(secret).with_step_duration(STEP_SECONDS);
    builder.build().map_err(|error| internal(&format!("{error:?}")))
}

fn internal(cause: &str) -> Error {
    Error::new("cannot work with codes").kind(Kind::Internal).source(cause.to_owned())
}

fn wrong() -> Error {
    Error::new("this code is not right, or it was used already")
        .kind(Kind::Forbidden)
        .hint("take the next one that the app shows")
}

fn too_late() -> Error {
    Error::new("this took too long, or was done already").kind(Kind::NotFound).hint("begin again")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = totp_rs::Secret::from(b"12345678901234567890".as_slice()).to_base32();
        let secret = Secret::new(secret);
        for (seconds, code) in [
            (59_i64, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Time::from_micros(seconds * 1_000_000);
            assert_eq!(step_of(&secret, code, now).unwrap(), Some(seconds / 30));
            let (first, last) = code.split_at(3);
            let spaced = format!(" {first} {last}");
            assert_eq!(step_of(&secret, &spaced, now).unwrap(), Some(seconds / 30));
            let later = Time::from_micros((seconds + 61) * 1_000_000);
            assert_eq!(step_of(&secret, code, later).unwrap(), None);
        }
        for none in ["", "1", "abcdef", "2870821", "-87082", "２８７０８２"] {
            let now = Time::from_micros(59_000_000);
            assert_eq!(step_of(&secret, none, now).unwrap(), None, "{none}");
        }
    }

    #[test]
    fn the_address_for_apps_holds_no_letter_that_would_end_it_early() {
        let codes = shown(Secret::new("t"), Secret::new("ABC"), "a+b@example.com");
        let expected = "otpauth://totp/Keytender:a%2Bb%40example%2Ecom?secret=ABC&issuer=Keytender";
        assert_eq!(codes.address.expose(), expected);
    }
}
