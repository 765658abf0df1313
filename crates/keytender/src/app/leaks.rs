//! Keys of ours that somebody found where a secret must not be: told by anybody, or by a partner that scans.
//!
//! A key is told whole or not at all: whoever knows only what stands in it in clear changes nothing. Each place in
//! which a key is found is written once, and what is told again does nothing. Nobody who tells learns here what was
//! found; whether a partner is told is the caller's matter.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use keytender_core::id::KeyId;
use keytender_core::key::{Key, State};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use keytender_core::token::{Digest, Token, TokenId};
use serde_json::json;

use super::inventory::{Done as Noted, Inventory, cannot_read, cannot_write, commit};
use super::{issued, tokens};
use crate::error::Error;
use crate::store::Store;
use crate::store::acts::Actor;
use crate::store::db::{Location, Tx};
use crate::store::exposures::{Leaked, Place};

mod place;
pub mod rules;

/// How many keys are looked for in one question to the database.
const AT_ONCE: usize = 1_000;
/// How many places of one key are kept: whoever has a key could tell of any number.
const MOST_PLACES: u32 = 100;

/// A text that somebody found, and where.
#[derive(Debug)]
pub struct Report {
    /// What was found.
    pub credential: Secret,
    /// Where, as a URL.
    pub url: Option<String>,
    /// What kind of place that is.
    pub source: Option<String>,
}

/// Who tells of it.
#[derive(Clone, Debug)]
pub struct Teller {
    /// In a word, such as `github`.
    pub name: String,
    /// From where and by what, for the log of acts.
    pub origin: String,
}

/// What was done about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It had ended already.
    Nothing,
    /// It works as before.
    Marked,
    /// It does not work for now.
    Suspended,
    /// It has ended.
    Revoked,
}

impl Done {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Marked => "marked",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }
}

/// A place in which one key was seen, in safe words.
pub(super) struct Sighting<'s> {
    place: &'s Place,
    /// The same for people.
    pub(super) why: &'s str,
}

impl Sighting<'_> {
    /// Writes it, with what is done about the key; whether it is new.
    pub(super) async fn write(
        &self,
        inventory: &Inventory,
        tx: &mut Tx,
        key: KeyId,
        done: Done,
    ) -> Result<bool, Error> {
        let place = Place { done: done.as_str().to_owned(), ..self.place.clone() };
        if !tx.insert_place(key, &place, MOST_PLACES).await.map_err(cannot_write)? {
            return Ok(false);
        }
        let details = json!({"exposed_at": inventory.now, "source": place.source, "url": place.url,
                             "done": place.done});
        let act = Noted {
            verb: "key.leak",
            target_kind: "key",
            target_id: key.to_string(),
            why: Some(self.why),
            details,
        };
        inventory.log(tx, act).await?;
        Ok(true)
    }
}

/// Whether a key has ended, by itself or by somebody.
pub(super) fn has_ended(key: &Key<'_>, now: Time) -> bool {
    matches!(key.state, State::Deactivated | State::Compromised | State::Destroyed)
        || key.expires_at.is_some_and(|end| end <= now)
}

/// What became of reports.
#[derive(Debug, Default)]
pub struct Taken {
    /// Of each, in their order, whether it is a key of ours.
    pub ours: Vec<bool>,
    /// How many places were new.
    pub new: u64,
}

/// Takes reports: looks for the keys, writes where each was found, and does what their APIs say. What was told before
/// does nothing. `elsewhere` says of a key that others issued which it is.
///
/// # Errors
/// When the database does not do its part; what was done until then stays.
pub async fn take(
    store: &Store,
    location: &Location,
    teller: &Teller,
    reports: &[Report],
    now: Time,
    elsewhere: &(dyn Fn(&str) -> Option<TokenId> + Sync),
) -> Result<Taken, Error> {
    let mut taken = Taken::default();
    for some in reports.chunks(AT_ONCE) {
        let found = find(store, some, elsewhere).await?;
        for (report, leaked) in some.iter().zip(found) {
            taken.ours.push(leaked.is_some());
            let Some(leaked) = leaked else { continue };
            let inventory = Inventory {
                actor: Actor { name: teller.name.clone(), origin: teller.origin.clone() },
                ..Inventory::of_node(store.of_tenant(leaked.tenant), location.clone(), now)
            };
            taken.new += u64::from(note(&inventory, &leaked, report, teller).await?);
        }
    }
    Ok(taken)
}

/// What a report shows.
enum Shown {
    Token(Token),
    /// A key that others issued, as the verifier knows it.
    Elsewhere(TokenId),
}

impl Shown {
    fn of(text: &str, elsewhere: &(dyn Fn(&str) -> Option<TokenId> + Sync)) -> Option<Self> {
        match Token::parse(text) {
            Ok(token) => Some(Self::Token(token)),
            Err(_) => elsewhere(text).map(Self::Elsewhere),
        }
    }

    const fn id(&self) -> TokenId {
        match self {
            Self::Token(token) => token.id(),
            Self::Elsewhere(id) => *id,
        }
    }

    /// Whether it is this key, and not only its public id.
    fn is(&self, leaked: &Leaked) -> bool {
        let Self::Token(token) = self else { return leaked.brand.is_some() };
        let brand = leaked.brand.as_deref().unwrap_or(tokens::BRAND);
        let knows = Digest::parse(&leaked.digest).is_ok_and(|known| token.verify(&known));
        knows && token.brand().as_str() == brand
    }
}

/// Of each report the key that it is, if it is one of ours.
async fn find(
    store: &Store,
    reports: &[Report],
    elsewhere: &(dyn Fn(&str) -> Option<TokenId> + Sync),
) -> Result<Vec<Option<Leaked>>, Error> {
    let shown = reports.iter().map(|report| Shown::of(bare(report.credential.expose()), elsewhere));
    let shown: Vec<Option<Shown>> = shown.collect();
    let ids: Vec<TokenId> = shown.iter().flatten().map(Shown::id).collect();
    let words: Vec<&str> = ids.iter().map(TokenId::as_str).collect();
    if words.is_empty() {
        return Ok(shown.iter().map(|_| None).collect());
    }
    let found = store.find_leaked(&words).await.map_err(cannot_read)?;
    let found: HashMap<&str, &Leaked> =
        found.iter().map(|leaked| (leaked.token_id.as_str(), leaked)).collect();
    let one = |shown: &Option<Shown>| {
        let shown = shown.as_ref()?;
        let leaked = found.get(shown.id().as_str())?;
        shown.is(leaked).then(|| (*leaked).clone())
    };
    Ok(shown.iter().map(one).collect())
}

/// A credential without what often stands around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|one: char| one.is_whitespace() || "\"'`,;".contains(one))
}

/// The SHA-256 of a credential as it was told, in hexadecimal.
pub fn hash(credential: &Secret) -> String {
    let hash = digest(&SHA256, credential.expose().as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes that a key was found in a place; whether that is new.
async fn note(
    inventory: &Inventory,
    leaked: &Leaked,
    report: &Report,
    teller: &Teller,
) -> Result<bool, Error> {
    let place = place::of(report, bare(report.credential.expose()), teller, inventory.now);
    let why = place::words(&place);
    let seen = Sighting { place: &place, why: &why };
    let mut tx = inventory.begin().await?;
    let done = match leaked.brand {
        Some(_) => issued::leak(inventory, &mut tx, leaked.key_id, &seen).await?,
        None => tokens::leak(inventory, &mut tx, leaked.key_id, &seen).await?,
    };
    if done.is_some() {
        commit(tx).await?;
    }
    Ok(done.is_some())
}
