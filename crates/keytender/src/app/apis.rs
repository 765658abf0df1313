//! Our own APIs: whose keys we issue. An API is a provider of the inventory, and its customers are accounts.

use keytender_core::access::Side;
use keytender_core::id::ApiId;
use keytender_core::time::Span;
use keytender_core::token::Brand;
use serde_json::json;

use super::inventory::{Done, Inventory, Sight, cannot_read, cannot_write, commit};
use super::tokens::BRAND;
use super::view::{ApiView, PortalChange, PortalView};
use super::{apps, brand, issued};
use crate::connect::shelf;
use crate::error::{Error, Kind};
use crate::store::apis::{Api, ApiSettings, OnLeak, OwnApps};
use crate::store::{self, Failure};

mod counts;

pub use counts::{Counts, EXPOSED, counts};

/// The longest name of an API.
const MAX_NAME: usize = 40;
/// The longest brand, as it stands in a token.
const MAX_BRAND: usize = 10;
/// The shortest life of a key that can be asked for.
const SHORTEST_LIFE: Span = Span::from_micros(60_000_000);
/// The longest.
const LONGEST_LIFE: Span = Span::days(100 * 366);
/// The longest name by which scanners know keys: more than any of GitHub's list has.
const MAX_SCANNING_TYPE: usize = 100;

/// An API to be added.
#[derive(Clone, Debug, Default)]
pub struct NewApi {
    /// Its name.
    pub name: String,
    /// What its keys begin with; of the name's letters if it is absent.
    pub brand: Option<String>,
    /// How its keys are issued.
    pub settings: ApiSettings,
}

/// Adds an API.
///
/// # Errors
/// When name or brand are taken or cannot be.
pub async fn add(inventory: &Inventory, new: NewApi) -> Result<Api, Error> {
    refuse_limited(&inventory.sight)?;
    check_name(&new.name)?;
    check_settings(&new.settings)?;
    let brand = match &new.brand {
        Some(brand) => brand.clone(),
        None => brand_of(&new.name),
    };
    check_brand(&brand)?;
    refuse_held(inventory, &new.name).await?;
    let api = Api {
        id: ApiId::from_random(store::random().map_err(cannot_write)?),
        name: new.name,
        brand,
        settings: new.settings,
        created_at: inventory.now,
    };
    let mut tx = inventory.begin().await?;
    tx.insert_api(&api).await.map_err(|failure| match failure {
        Failure::Exists => {
            let why = format!(
                "there is an API `{}`, or one whose keys begin with `{}`, already",
                api.name, api.brand
            );
            Error::new(why).kind(Kind::Conflict).hint("give it another name or another brand")
        }
        failure => cannot_write(failure),
    })?;
    inventory.log(&mut tx, done("api.add", &api)).await?;
    commit(tx).await?;
    Ok(api)
}

/// Refuses whoever sees not all keys that are issued.
pub(super) fn refuse_limited(sight: &Sight) -> Result<(), Error> {
    sight.refuse_customer()?;
    refuse_narrow(sight)
}

/// The same, but for a customer: of what it asks for, what is its own is found and nothing else.
pub(super) fn refuse_narrow(sight: &Sight) -> Result<(), Error> {
    if sight.owner.is_some() {
        let why = "whoever sees only an owner's keys does not issue any";
        return Err(Error::new(why).kind(Kind::Forbidden));
    }
    if sight.side == Some(Side::Held) {
        let why = "this token is limited to keys that are held: it issues none";
        return Err(Error::new(why).kind(Kind::Forbidden));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Error> {
    let is_plain = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
    let begins = name.chars().next().is_some_and(|one| one.is_ascii_lowercase());
    if name.len() < 2 || name.len() > MAX_NAME || !begins || !name.chars().all(is_plain) {
        let why = format!(
            "an API's name has 2 to {MAX_NAME} small letters, digits and -, and begins with a letter"
        );
        return Err(Error::new(why).hint("such as acme, or acme-payments"));
    }
    if name == BRAND || name == "aws" || shelf::text(name).is_some() {
        let why = format!("`{name}` is a provider whose keys are held here, so no API of yours");
        return Err(Error::new(why).hint(format!("such as my-{name}")));
    }
    Ok(())
}

/// Refuses the name of a provider at which keys are held.
async fn refuse_held(inventory: &Inventory, name: &str) -> Result<(), Error> {
    let accounts = inventory.store.list_accounts().await.map_err(cannot_read)?;
    match accounts.iter().find(|account| account.provider == name) {
        Some(account) => {
            let why =
                format!("keys of `{name}` are held in the account `{}` already", account.name);
            Err(Error::new(why)
                .kind(Kind::Conflict)
                .hint(format!("give your API another name, such as my-{name}")))
        }
        None => Ok(()),
    }
}

/// The letters of a name, as many as a brand has.
fn brand_of(name: &str) -> String {
    name.chars().filter(|one| *one != '-').take(MAX_BRAND).collect()
}

fn check_brand(brand: &str) -> Result<(), Error> {
    if brand == BRAND {
        return Err(Error::new(format!(
            "keys that begin with `{BRAND}` are tokens of this program"
        )));
    }
    Brand::parse(brand).map(drop).map_err(|error| {
        Error::new("this cannot begin a key")
            .source(error)
            .hint("--brand WORD: 2 to 10 of a-z and 0-9")
    })
}

fn check_settings(settings: &ApiSettings) -> Result<(), Error> {
    if settings.key_life.is_some_and(|life| !(SHORTEST_LIFE..=LONGEST_LIFE).contains(&life)) {
        return Err(Error::new("a key's life is from a minute to a hundred years"));
    }
    if let Some(overlap) = settings.overlap {
        issued::check_overlap(overlap)?;
    }
    if let Some(own) = &settings.own_apps {
        apps::check_own(own)?;
    }
    if settings.scanning_type.as_ref().is_some_and(|word| !is_scanning_type(word)) {
        let why = format!(
            "scanners know keys by a word of small letters, digits and _, of {MAX_SCANNING_TYPE} at most"
        );
        return Err(Error::new(why).hint("such as acme_api_key"));
    }
    super::keys::check_text("a title", settings.title.as_deref())
}

/// Whether a text can be the name by which scanners know keys, as GitHub's secret scanning writes it.
fn is_scanning_type(word: &str) -> bool {
    let is_plain = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'_';
    !word.is_empty() && word.len() <= MAX_SCANNING_TYPE && word.bytes().all(is_plain)
}

/// Every API, by name.
///
/// # Errors
/// When whoever asks sees none, or the database does not answer.
pub async fn list(inventory: &Inventory) -> Result<Vec<ApiView>, Error> {
    refuse_limited(&inventory.sight)?;
    let apis = inventory.store.list_apis().await.map_err(cannot_read)?;
    Ok(apis.iter().map(ApiView::of).collect())
}

/// The API of this name or id; a customer finds the one whose customer it is.
///
/// # Errors
/// When there is none, or whoever asks sees none.
pub async fn get(inventory: &Inventory, word: &str) -> Result<Api, Error> {
    refuse_narrow(&inventory.sight)?;
    let found = inventory.store.find_api(word).await.map_err(cannot_read)?;
    let api = found.ok_or_else(|| missing(word))?;
    if let Some(own) = inventory.sight.account {
        let own = super::accounts::get(inventory, &own.to_string()).await?;
        return Some(api).filter(|api| own.api_id == Some(api.id)).ok_or_else(|| missing(word));
    }
    Ok(api)
}

fn missing(word: &str) -> Error {
    Error::not_found(format!("there is no API `{word}`")).hint("keytender apis list shows the APIs")
}

/// What is to change of an API; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiChange {
    /// What people call it.
    pub title: Option<Option<String>>,
    /// How long a key works of which nobody says how long.
    pub key_life: Option<Option<Span>>,
    /// How long both keys of a rotation work of which nobody says how long.
    pub overlap: Option<Option<Span>>,
    /// What is done about a key that was found where a secret must not be.
    pub on_leak: Option<Option<OnLeak>>,
    /// How the key page of its customers looks, and where it may be.
    pub portal: PortalChange,
    /// By which name secret scanners know its keys.
    pub scanning_type: Option<Option<String>>,
    /// Which apps its customers may add themselves.
    pub own_apps: Option<Option<OwnApps>>,
}

impl ApiChange {
    /// The settings after the change.
    ///
    /// # Errors
    /// When something cannot be so.
    pub fn apply(self, now: ApiSettings) -> Result<ApiSettings, Error> {
        Ok(ApiSettings {
            title: self.title.unwrap_or(now.title),
            key_life: self.key_life.unwrap_or(now.key_life),
            overlap: self.overlap.unwrap_or(now.overlap),
            on_leak: self.on_leak.unwrap_or(now.on_leak),
            portal: brand::changed(now.portal, self.portal)?,
            scanning_type: self.scanning_type.unwrap_or(now.scanning_type),
            own_apps: self.own_apps.unwrap_or(now.own_apps),
        })
    }
}

/// Writes how the keys of an API are issued from now on; those that are there stay as they are. `change`
/// gets the present settings, and may refuse.
///
/// # Errors
/// When there is none of this name, or the settings cannot be.
pub async fn set(
    inventory: &Inventory,
    word: &str,
    change: impl FnOnce(&ApiView, ApiSettings) -> Result<ApiSettings, Error>,
) -> Result<ApiView, Error> {
    refuse_limited(&inventory.sight)?;
    let mut tx = inventory.begin().await?;
    let mut api = tx.lock_api(word).await.map_err(cannot_read)?.ok_or_else(|| missing(word))?;
    api.settings = change(&ApiView::of(&api), api.settings.clone())?;
    check_settings(&api.settings)?;
    tx.update_api(api.id, &api.settings).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("api.set", &api)).await?;
    commit(tx).await?;
    Ok(ApiView::of(&api))
}

/// Takes away an API that has no customers. `allows` gets it as it is, and may refuse.
///
/// # Errors
/// When there is none of this name, or it has customers.
pub async fn remove(
    inventory: &Inventory,
    word: &str,
    allows: impl FnOnce(&ApiView) -> Result<(), Error>,
) -> Result<(), Error> {
    refuse_limited(&inventory.sight)?;
    let mut tx = inventory.begin().await?;
    let api = tx.lock_api(word).await.map_err(cannot_read)?.ok_or_else(|| missing(word))?;
    allows(&ApiView::of(&api))?;
    let customers = inventory.store.list_customers(api.id, None, 1).await.map_err(cannot_read)?;
    if let Some(first) = customers.first() {
        let why = format!("the API `{}` has customers, such as {}", api.name, first.name);
        let hint = format!("remove them first: keytender accounts remove {}", first.name);
        return Err(Error::new(why).kind(Kind::Conflict).hint(hint));
    }
    tx.remove_api(api.id).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("api.remove", &api)).await?;
    commit(tx).await
}

fn done<'a>(verb: &'a str, api: &Api) -> Done<'a> {
    Done {
        verb,
        target_kind: "api",
        target_id: api.id.to_string(),
        why: None,
        details: json!({"name": api.name, "brand": api.brand, "title": api.settings.title,
                        "key_life": api.settings.key_life, "overlap": api.settings.overlap,
                        "portal": PortalView::of(&api.settings.portal), "own_apps": api.settings.own_apps,
                        "scanning_type": api.settings.scanning_type}),
    }
}
