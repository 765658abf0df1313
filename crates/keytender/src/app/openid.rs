//! Signing in at an OpenID provider. It signs in whom it knows already: nobody becomes a user by it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keytender_core::secret::Secret;
use keytender_core::time::Span;
use serde::{Deserialize, Serialize};

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::sessions::{self, Came, How};
use super::{sign_in, ticket, users};
use crate::connect::openid::{self, Person, Provider, Question};
use crate::error::{Error, Kind};
use crate::store::authenticators::{Authenticator, AuthenticatorKind};
use crate::store::db::Tx;
use crate::store::seal::Sealer;
use crate::store::users::User;

/// The word in the database for somebody who was sent to the provider.
const KIND: &str = "openid";
/// How long they may take there.
const PATIENCE: Span = Span::from_micros(10 * 60 * 1_000_000);

/// What is kept of somebody who was sent to the provider. What proves that they come back from there
/// is made of the state by the master key, and not kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    browser: String,
    next: Option<String>,
}

/// What somebody brings back from the provider.
#[derive(Debug)]
pub struct Brought {
    /// By what the sign-in is known.
    pub state: String,
    /// What is good for a token.
    pub code: Option<Secret>,
    /// Why there is none, in the provider's word.
    pub error: Option<String>,
    /// Who says all this.
    pub issuer: Option<String>,
}

/// Where somebody is sent. `browser` is what only their browser shows; `next` where they want to go.
///
/// # Errors
/// When the provider does not say where it is.
pub async fn begin(
    inventory: &Inventory,
    provider: &Provider,
    sealer: &Sealer,
    browser: &str,
    next: Option<String>,
    back: &str,
) -> Result<String, Error> {
    let state = ticket::make()?;
    let (verifier, nonce) = proofs(sealer, state.expose());
    let challenge = digest(&SHA256, verifier.expose().as_bytes());
    let challenge = URL_SAFE_NO_PAD.encode(challenge.as_ref());
    let question = Question { state: state.expose(), nonce: &nonce, challenge: &challenge, back };
    let url = provider.ask(&question, inventory.now).await?;
    let kept = Kept { browser: ticket::digest_of(browser), next };
    let kept = serde_json::to_string(&kept).map_err(|error| {
        Error::new("cannot keep a sign-in").kind(Kind::Internal).source(error.to_string())
    })?;
    let mut tx = inventory.begin().await?;
    let digest = ticket::digest_of(state.expose());
    let ends_at = inventory.now.plus(PATIENCE);
    tx.put_one_time(KIND, &digest, &kept, ends_at).await.map_err(cannot_write)?;
    commit(tx).await?;
    Ok(url)
}

/// What is shown for the code, and by what the token is known.
fn proofs(sealer: &Sealer, state: &str) -> (Secret, String) {
    let verifier = sealer.prove("openid verifier", state.as_bytes());
    (Secret::new(verifier), sealer.prove("openid nonce", state.as_bytes()))
}

/// Signs in whoever comes back from the provider: what their cookie is to hold, and where they wanted
/// to go.
///
/// # Errors
/// When it was another browser that went, the provider refuses, or it is nobody who is a user.
pub async fn enter(
    inventory: &Inventory,
    provider: &Provider,
    sealer: &Sealer,
    browser: &str,
    brought: Brought,
    back: &str,
    came: &Came,
) -> Result<(Secret, Option<String>), Error> {
    let mut tx = inventory.begin().await?;
    let digest = ticket::digest_of(&brought.state);
    let taken = tx.take_one_time(KIND, &digest, inventory.now).await.map_err(cannot_write)?;
    commit(tx).await?;
    let kept: Option<Kept> = taken.and_then(|text| serde_json::from_str(&text).ok());
    let kept = kept.filter(|kept| kept.browser == ticket::digest_of(browser));
    let kept = kept.ok_or_else(too_late)?;
    provider.check_issuer(brought.issuer.as_deref(), inventory.now).await?;
    let Some(code) = brought.code.filter(|_| brought.error.is_none()) else {
        let word = brought.error.as_deref().and_then(openid::plain);
        return Err(provider.refused(&said(word)));
    };
    let (verifier, nonce) = proofs(sealer, &brought.state);
    let person = provider.person(&code, &verifier, &nonce, back, inventory.now).await?;
    let held = enter_as(inventory, provider, &person, came).await?;
    Ok((held, kept.next))
}

async fn enter_as(
    inventory: &Inventory,
    provider: &Provider,
    person: &Person,
    came: &Came,
) -> Result<Secret, Error> {
    let name = format!("{} {}", provider.issuer(), person.sub);
    let known = inventory.store.find_authenticator(AuthenticatorKind::Openid, &name).await;
    let known = known.map_err(cannot_read)?;
    let mut tx = inventory.begin().await?;
    let user = match &known {
        Some(known) => {
            let step = inventory.now.as_micros();
            tx.use_authenticator(known.id, step, inventory.now).await.map_err(cannot_write)?;
            let user = users::locked(&mut tx, &known.user_id.to_string()).await;
            user.map_err(|_| nobody(provider))?
        }
        None => bind(inventory, &mut tx, provider, person, &name).await?,
    };
    if user.suspended_at.is_some() {
        return Err(nobody(provider));
    }
    let held = sessions::open(&mut tx, &user, How::Openid, came, inventory.now).await?;
    let why = Some(How::Openid.as_str());
    inventory.log(&mut tx, Done { why, ..users::done("user.sign-in", &user) }).await?;
    commit(tx).await?;
    Ok(held)
}

/// The user whose mail address it is, who signs in by this account from now on.
async fn bind(
    inventory: &Inventory,
    tx: &mut Tx,
    provider: &Provider,
    person: &Person,
    name: &str,
) -> Result<User, Error> {
    let address = person.address().ok_or_else(|| nobody(provider))?;
    let is_theirs = |user: &User| {
        user.address.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(address))
    };
    let mut users = inventory.store.list_users().await.map_err(cannot_read)?;
    users.retain(is_theirs);
    let [user] = users.as_slice() else { return Err(nobody(provider)) };
    let user = users::locked(tx, &user.id.to_string()).await?;
    let known = tx.list_authenticators(user.id).await.map_err(cannot_read)?;
    // Another account with the same address: addresses are given to others when people leave.
    let is_taken = known.iter().any(|one| one.issuer() == Some(provider.issuer()));
    if is_taken || user.suspended_at.is_some() {
        return Err(nobody(provider));
    }
    let one = Authenticator {
        id: sign_in::new_id()?,
        user_id: user.id,
        kind: AuthenticatorKind::Openid,
        name: name.to_owned(),
        label: provider.host().to_owned(),
        data: String::new(),
        step: inventory.now.as_micros(),
        created_at: inventory.now,
        used_at: Some(inventory.now),
    };
    tx.put_authenticator(&one).await.map_err(cannot_write)?;
    inventory.log(tx, users::done("user.bind-openid", &user)).await?;
    Ok(user)
}

/// What a provider's word means (RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6).
fn said(word: Option<&str>) -> String {
    match word {
        Some("access_denied") => "you, or it, said no".to_owned(),
        Some("login_required" | "interaction_required") => {
            "you must sign in there first".to_owned()
        }
        Some("server_error" | "temporarily_unavailable") => {
            "it does not work at the moment".to_owned()
        }
        Some(word) => format!("it says {word}"),
        None => "it does not say why".to_owned(),
    }
}

fn nobody(provider: &Provider) -> Error {
    let host = provider.host();
    Error::new(format!("nobody here is who {host} says you are"))
        .kind(Kind::Forbidden)
        .hint("an administrator makes you a user with the mail address that you have there")
}

fn too_late() -> Error {
    Error::new("this sign-in took too long, was done already, or began in another browser")
        .kind(Kind::NotFound)
        .hint("begin again")
}
