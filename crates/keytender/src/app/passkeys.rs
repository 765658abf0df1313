//! Passkeys (WebAuthn): added on one's own page, and then enough to sign in, without a name.
//!
//! The authenticator asks for a fingerprint or a PIN itself, so no code is asked beside it. The
//! challenge of a ceremony is kept until its answer comes, and taken once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keytender_core::id::UserId;
use keytender_core::secret::Secret;
use keytender_core::time::Span;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::auth::AuthenticationVerificationOptions;
use webauthn_rp::request::register::{
    CredProtect, PublicKeyCredentialCreationOptions, PublicKeyCredentialUserEntity,
    RegistrationVerificationOptions, UserHandle, Username,
};
use webauthn_rp::request::{AsciiDomain, PublicKeyCredentialDescriptor, RpId};
use webauthn_rp::response::auth::DiscoverableAuthentication;
use webauthn_rp::response::register::{DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, Registration, RegistrationServerState,
};

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::sessions::{self, Came, How, Signed};
use super::{sign_in, ticket, users};
use crate::error::{Error, Kind};
use crate::store::Failure;
use crate::store::authenticators::{Authenticator, AuthenticatorKind};

/// The word in the database for a passkey that is being made.
const NEW: &str = "new-passkey";
/// The word in the database for a sign-in by a passkey.
const KIND: &str = "passkey";
/// How long a ceremony may take; browsers are told the same.
const PATIENCE: Span = Span::from_micros(5 * 60 * 1_000_000);
/// How many passkeys a user has at most.
const MAX_PASSKEYS: usize = 20;
/// The longest label.
const MAX_LABEL: usize = 60;
/// The largest answer of a browser, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// Users are told to authenticators by their ids.
const HANDLE_BYTES: usize = 8;

/// How an authenticator is reached is for the browser to find out.
const NO_TRANSPORTS: u8 = 0;

type Handle = UserHandle<HANDLE_BYTES>;

/// To what place passkeys belong.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The name of its host.
    pub name: &'a str,
    /// What browsers call it: scheme, host and port.
    pub origin: &'a str,
}

impl Site<'_> {
    fn id(self) -> Result<RpId, Error> {
        let name = AsciiDomain::try_from(self.name.to_owned());
        name.map(RpId::Domain).map_err(|error| internal(&error))
    }
}

/// A passkey that is being made.
#[derive(Serialize, Deserialize)]
struct Kept {
    user: String,
    state: String,
}

/// What a browser is to make a passkey from.
///
/// # Errors
/// When `password` is not theirs, or they have as many as there may be.
pub async fn begin_adding(
    inventory: &Inventory,
    session: &Signed,
    password: &Secret,
    site: Site<'_>,
) -> Result<Value, Error> {
    let user = sign_in::proved(inventory, session, password).await?;
    let known = own(inventory, user.id).await?;
    if known.len() >= MAX_PASSKEYS {
        return Err(Error::new(format!("a user has at most {MAX_PASSKEYS} passkeys"))
            .hint("remove one that is not used any more"));
    }
    let others = known.iter().filter_map(|one| {
        let id = URL_SAFE_NO_PAD.decode(&one.name).ok()?;
        let id = CredentialId::<Vec<u8>>::decode(id).ok()?;
        let transports = AuthTransports::decode(NO_TRANSPORTS).ok()?;
        Some(PublicKeyCredentialDescriptor { id, transports })
    });
    let (rp_id, handle) = (site.id()?, handle(user.id));
    let name = Username::try_from(user.name.as_str()).map_err(|error| internal(&error))?;
    let entity = PublicKeyCredentialUserEntity { name, id: &handle, display_name: None };
    let mut options = PublicKeyCredentialCreationOptions::passkey(&rp_id, entity, others.collect());
    // Few authenticators know it, and each use asks for the user's verification anyway.
    options.extensions.cred_protect = CredProtect::None;
    let (server, client) = options.start_ceremony().map_err(|error| internal(&error))?;
    let challenge = client.options().challenge.as_data();
    let state = server.encode().map_err(|error| internal(&error))?;
    let kept = Kept { user: user.id.to_string(), state: URL_SAFE_NO_PAD.encode(state) };
    let kept = serde_json::to_string(&kept).map_err(|error| internal(&error))?;
    keep(inventory, NEW, challenge, &kept).await?;
    serde_json::to_value(&client).map_err(|error| internal(&error))
}

/// Adds the passkey that a browser made.
///
/// # Errors
/// When it is not what was asked for, or is there already.
pub async fn add(
    inventory: &Inventory,
    session: &Signed,
    site: Site<'_>,
    label: &str,
    answer: &str,
) -> Result<(), Error> {
    let label = checked(label)?;
    let answer = Registration::from_json_relaxed(bytes(answer)?).map_err(|_| wrong())?;
    let challenge = answer.challenge_relaxed().map_err(|_| wrong())?.0;
    let kept = take(inventory, NEW, challenge).await?;
    let kept: Kept = serde_json::from_str(&kept).map_err(|error| internal(&error))?;
    let user = session.session.user_id.filter(|id| id.to_string() == kept.user);
    let user = user.ok_or_else(wrong)?;
    let state = URL_SAFE_NO_PAD.decode(&kept.state).map_err(|error| internal(&error))?;
    let state = RegistrationServerState::<HANDLE_BYTES>::decode(&state);
    let state = state.map_err(|error| internal(&error))?;
    let options = RegistrationVerificationOptions::<&str, &str> {
        allowed_origins: &[site.origin],
        error_on_unsolicited_extensions: false,
        ..RegistrationVerificationOptions::default()
    };
    let made = state.verify(&site.id()?, &answer, &options).map_err(|_| wrong())?;
    let Ok(fixed) = made.static_state().encode();
    let mut tx = inventory.begin().await?;
    let user = users::locked(&mut tx, &user.to_string()).await?;
    let one = Authenticator {
        id: sign_in::new_id()?,
        user_id: user.id,
        kind: AuthenticatorKind::Passkey,
        name: URL_SAFE_NO_PAD.encode(made.id().as_ref()),
        label,
        data: data(&fixed, made.dynamic_state()),
        step: i64::from(made.dynamic_state().sign_count),
        created_at: inventory.now,
        used_at: None,
    };
    tx.put_authenticator(&one).await.map_err(|failure| match failure {
        Failure::Exists => Error::new("this passkey is there already").kind(Kind::Conflict),
        failure => cannot_write(failure),
    })?;
    inventory.log(&mut tx, users::done("user.add-passkey", &user)).await?;
    commit(tx).await
}

/// What a browser is to sign in from.
///
/// # Errors
/// When the database does not do its part.
pub async fn begin_entering(inventory: &Inventory, site: Site<'_>) -> Result<Value, Error> {
    let rp_id = site.id()?;
    let options = DiscoverableCredentialRequestOptions::passkey(&rp_id);
    let (server, client) = options.start_ceremony().map_err(|error| internal(&error))?;
    let challenge = client.options().0.challenge.as_data();
    let state = server.encode().map_err(|error| internal(&error))?;
    keep(inventory, KIND, challenge, &URL_SAFE_NO_PAD.encode(state)).await?;
    serde_json::to_value(&client).map_err(|error| internal(&error))
}

/// Signs in by what a browser answers; what the cookie is to hold.
///
/// # Errors
/// When it is no passkey of a user here, or its count did not grow: then it was copied.
pub async fn enter(
    inventory: &Inventory,
    site: Site<'_>,
    answer: &str,
    came: &Came,
) -> Result<Secret, Error> {
    let answer = DiscoverableAuthentication::<HANDLE_BYTES>::from_json_relaxed(bytes(answer)?);
    let answer = answer.map_err(|_| wrong())?;
    let challenge = answer.challenge_relaxed().map_err(|_| wrong())?.0;
    let state = take(inventory, KIND, challenge).await?;
    let state = URL_SAFE_NO_PAD.decode(state).map_err(|error| internal(&error))?;
    let state = DiscoverableAuthenticationServerState::decode(&state);
    let state = state.map_err(|error| internal(&error))?;
    let name = URL_SAFE_NO_PAD.encode(answer.raw_id().as_ref());
    let known = inventory.store.find_authenticator(AuthenticatorKind::Passkey, &name).await;
    let known = known.map_err(cannot_read)?.ok_or_else(wrong)?;
    let handle = handle(known.user_id);
    let (fixed, moving) = read(&known.data)?;
    let credential = StaticState::decode(&fixed).map_err(|error| internal(&error))?;
    let credential = AuthenticatedCredential::new(answer.raw_id(), &handle, credential, moving);
    let mut credential = credential.map_err(|error| internal(&error))?;
    let options = AuthenticationVerificationOptions::<&str, &str> {
        allowed_origins: &[site.origin],
        error_on_unsolicited_extensions: false,
        ..AuthenticationVerificationOptions::default()
    };
    state.verify(&site.id()?, &answer, &mut credential, &options).map_err(|_| wrong())?;
    let moving = credential.dynamic_state();
    let mut tx = inventory.begin().await?;
    let user = users::locked(&mut tx, &known.user_id.to_string()).await.map_err(|_| wrong())?;
    let (step, data) = (i64::from(moving.sign_count), data(&fixed, moving));
    let is_next = tx.advance_authenticator(&known, step, &data, inventory.now).await;
    if !is_next.map_err(cannot_write)? || user.suspended_at.is_some() {
        return Err(wrong());
    }
    let held = sessions::open(&mut tx, &user, How::Passkey, came, inventory.now).await?;
    let why = Some(How::Passkey.as_str());
    inventory.log(&mut tx, Done { why, ..users::done("user.sign-in", &user) }).await?;
    commit(tx).await?;
    Ok(held)
}

async fn own(inventory: &Inventory, user: UserId) -> Result<Vec<Authenticator>, Error> {
    let mut all = inventory.store.list_authenticators().await.map_err(cannot_read)?;
    all.retain(|one| one.user_id == user && one.kind == AuthenticatorKind::Passkey);
    Ok(all)
}

async fn keep(inventory: &Inventory, kind: &str, challenge: u128, data: &str) -> Result<(), Error> {
    let digest = ticket::digest_of(&challenge.to_string());
    let ends_at = inventory.now.plus(PATIENCE);
    let mut tx = inventory.begin().await?;
    tx.put_one_time(kind, &digest, data, ends_at).await.map_err(cannot_write)?;
    commit(tx).await
}

async fn take(inventory: &Inventory, kind: &str, challenge: u128) -> Result<String, Error> {
    let digest = ticket::digest_of(&challenge.to_string());
    let mut tx = inventory.begin().await?;
    let taken = tx.take_one_time(kind, &digest, inventory.now).await.map_err(cannot_write)?;
    commit(tx).await?;
    taken.ok_or_else(|| {
        Error::new("this took too long, or was done already")
            .kind(Kind::NotFound)
            .hint("load the page again, and begin again")
    })
}

fn handle(user: UserId) -> Handle {
    let Ok(handle) = Handle::decode(user.as_i64().to_be_bytes());
    handle
}

/// What stays of a passkey, and what changes with its uses.
fn data(fixed: &[u8], moving: DynamicState) -> String {
    let Ok(moving) = moving.encode();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(fixed), URL_SAFE_NO_PAD.encode(moving))
}

fn read(data: &str) -> Result<(Vec<u8>, DynamicState), Error> {
    let damaged = || Error::new("a passkey in the inventory is damaged").kind(Kind::Internal);
    let (fixed, moving) = data.split_once('.').ok_or_else(damaged)?;
    let fixed = URL_SAFE_NO_PAD.decode(fixed).map_err(|_| damaged())?;
    let moving = URL_SAFE_NO_PAD.decode(moving).map_err(|_| damaged())?;
    let moving = moving.try_into().map_err(|_| damaged())?;
    Ok((fixed, DynamicState::decode(moving).map_err(|_| damaged())?))
}

fn checked(label: &str) -> Result<String, Error> {
    let label = label.trim();
    let is_line = label.chars().count() <= MAX_LABEL && !label.chars().any(char::is_control);
    match (label.is_empty(), is_line) {
        (true, _) => Ok("Passkey".to_owned()),
        (false, true) => Ok(label.to_owned()),
        (false, false) => Err(Error::new(format!("a label has at most {MAX_LABEL} letters"))),
    }
}

fn bytes(answer: &str) -> Result<&[u8], Error> {
    Some(answer.as_bytes()).filter(|bytes| bytes.len() <= MAX_ANSWER).ok_or_else(wrong)
}

fn internal(cause: &impl std::fmt::Display) -> Error {
    Error::new("cannot work with passkeys").kind(Kind::Internal).source(cause.to_string())
}

fn wrong() -> Error {
    Error::new("this passkey is not taken here")
        .kind(Kind::Forbidden)
        .hint("take another one, or sign in by a password")
}
