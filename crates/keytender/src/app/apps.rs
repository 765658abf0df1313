//! Apps: what a customer of an API builds, or a person or service of theirs. Limits are an app's, so that
//! all its keys share them, those of a rotation too.

use std::collections::{BTreeMap, BTreeSet};

use keytender_core::id::{ApiId, AppId, PrincipalId};
use keytender_core::inventory::PrincipalRecord;
use keytender_core::key::{Principal, PrincipalKind};
use serde_json::json;

use super::apis::{self, refuse_narrow};
use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::view::AppView;
use super::{customers, issued};
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::apps::{App, Limits, Quota, Rate};
use crate::store::changes::Subject;
use crate::store::db::Tx;
use crate::store::{self, Failure};

mod own;

pub(super) use own::check as check_own;

/// The most scopes of an app or a key.
const MAX_SCOPES: usize = 64;
/// The longest scope.
const MAX_SCOPE: usize = 64;
/// The most labels.
const MAX_LABELS: usize = 64;
/// The longest name or value of a label.
const MAX_LABEL: usize = 200;
/// The most requests in a second or at once, and the most seconds, that a rate counts.
const MAX_RATE: u32 = 1_000_000;
/// The longest window of a rate: a day, in seconds.
const MAX_SECONDS: u32 = 86_400;

/// An app to be added.
#[derive(Clone, Debug, Default)]
pub struct NewApp {
    /// What it is called.
    pub name: String,
    /// What its keys may do at most; empty: whatever each key says.
    pub scopes: Vec<String>,
    /// How much its keys may do together.
    pub limits: Limits,
    /// What people say of it, by name.
    pub labels: BTreeMap<String, String>,
}

/// What is to change of an app; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct AppChange {
    /// What its keys may do at most.
    pub scopes: Option<Vec<String>>,
    /// How fast its keys may ask together; `Some(None)`: as fast as they like.
    pub rate: Option<Option<Rate>>,
    /// How much its keys may ask together; `Some(None)`: as much as they like.
    pub quota: Option<Option<Quota>>,
    /// What people say of it, by name: all of it.
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether none of its keys works.
    pub is_suspended: Option<bool>,
    /// Why.
    pub why: Option<String>,
}

/// Adds an app to a customer; a customer adds one to itself, as far as its API lets it.
///
/// # Errors
/// When there is no such customer, the name is taken or cannot be, or a customer may not add it.
pub async fn add(inventory: &Inventory, account: &str, new: NewApp) -> Result<AppView, Error> {
    let account = customers::get(inventory, account).await?;
    let api_id =
        account.api_id.ok_or_else(|| Error::new("a customer of no API").kind(Kind::Internal))?;
    let api = apis::get(inventory, &api_id.to_string()).await?;
    let is_customer = inventory.sight.is_customer();
    let new = if is_customer { own::allowed(&api, new)? } else { new };
    check_name(&new.name)?;
    check_scopes(&new.scopes)?;
    check_limits(&new.limits)?;
    check_labels(&new.labels)?;
    let mut tx = inventory.begin().await?;
    // Of two who add an app of one name, the later finds the earlier's.
    tx.lock(account.id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    let known = tx.list_principals(account.id).await.map_err(cannot_read)?;
    if known.iter().any(|one| one.principal.name == new.name.as_str()) {
        let why = format!("`{}` has an app `{}` already, or had one", account.name, new.name);
        return Err(Error::new(why).kind(Kind::Conflict).hint("give it another name"));
    }
    if is_customer {
        own::check_count(inventory, &mut tx, &api, &account).await?;
    }
    let app = insert(inventory, &mut tx, api_id, &account, new).await?;
    changed(&mut tx, &app, inventory).await?;
    commit(tx).await?;
    Ok(own::shown(inventory, &app, &account.name))
}

/// Writes a new app, of which verifiers have yet to be told.
pub(super) async fn insert(
    inventory: &Inventory,
    tx: &mut Tx,
    api_id: ApiId,
    account: &Account,
    new: NewApp,
) -> Result<App, Error> {
    let number = store::random().map_err(cannot_write)?;
    let record = PrincipalRecord {
        id: PrincipalId::from_random(number),
        principal: Principal {
            provider: account.provider.clone().into(),
            account: account.name.clone().into(),
            name: new.name.clone().into(),
            kind: PrincipalKind::App,
            has_password: Some(false),
            password_last_used: None,
            mfa: None,
        },
        reference: None,
        tags: Some((new.labels.clone(), inventory.now)),
        is_admin: None,
        cells: None,
        first_seen_at: inventory.now,
        gone_at: None,
    };
    tx.write_principals(account.id, std::slice::from_ref(&record)).await.map_err(cannot_write)?;
    let app = App {
        id: AppId::from_random(number),
        api_id,
        account_id: account.id,
        name: new.name,
        scopes: new.scopes,
        limits: new.limits,
        labels: new.labels,
        suspended_at: None,
        created_at: inventory.now,
        ended_at: None,
    };
    tx.insert_app(&app).await.map_err(cannot_write)?;
    inventory.log(tx, done("app.add", &app, None)).await?;
    Ok(app)
}

async fn changed(tx: &mut Tx, app: &App, inventory: &Inventory) -> Result<(), Error> {
    let noted = tx.note_change(app.api_id, Subject::App(app.id), inventory.now).await;
    noted.map(drop).map_err(cannot_write)
}

fn check_name(name: &str) -> Result<(), Error> {
    match super::owners::is_line(name) {
        true => Ok(()),
        false => Err(Error::new("an app needs a name: a short line").hint("such as web-shop")),
    }
}

/// Refuses what cannot be scopes: they are the API's own words.
pub(super) fn check_scopes(scopes: &[String]) -> Result<(), Error> {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || ":._/*-".contains(one);
    let is_scope = |scope: &String| {
        !scope.is_empty() && scope.len() <= MAX_SCOPE && scope.chars().all(is_plain)
    };
    if scopes.len() > MAX_SCOPES {
        return Err(Error::new(format!("there are at most {MAX_SCOPES} scopes")));
    }
    match scopes.iter().all(is_scope) {
        true => Ok(()),
        false => Err(Error::new(format!(
            "a scope has 1 to {MAX_SCOPE} letters, digits, and : . _ / * -"
        ))
        .hint("such as orders:read")),
    }
}

fn check_limits(limits: &Limits) -> Result<(), Error> {
    if let Some(rate) = &limits.rate {
        let counts = [rate.requests, rate.burst.unwrap_or(rate.requests)];
        if counts.iter().any(|count| !(1..=MAX_RATE).contains(count)) {
            return Err(Error::new(format!("a rate counts from 1 to {MAX_RATE} requests")));
        }
        if !(1..=MAX_SECONDS).contains(&rate.seconds) {
            return Err(Error::new(format!("a rate is over 1 to {MAX_SECONDS} seconds")));
        }
    }
    match limits.quota {
        Some(quota) if quota.requests == 0 => {
            Err(Error::new("a quota is at least one request").hint("suspend the app instead"))
        }
        _ => Ok(()),
    }
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Error> {
    let is_fine = |(name, value): (&String, &String)| {
        !name.is_empty() && name.len() <= MAX_LABEL && value.len() <= MAX_LABEL
    };
    match labels.len() <= MAX_LABELS && labels.iter().all(is_fine) {
        true => Ok(()),
        false => {
            let why = format!(
                "there are at most {MAX_LABELS} labels, with names and values of at most {MAX_LABEL} bytes"
            );
            Err(Error::new(why))
        }
    }
}

/// Some apps after `after`, of an API or of one customer of it.
///
/// # Errors
/// When there is no such API or customer.
pub async fn list(
    inventory: &Inventory,
    api: &str,
    account: Option<&str>,
    after: Option<AppId>,
    limit: u32,
) -> Result<Vec<AppView>, Error> {
    let api = apis::get(inventory, api).await?;
    let account = match account {
        Some(word) => Some(customers::get(inventory, word).await?),
        None => None,
    };
    let of = account.as_ref().map(|account| account.id).or(inventory.sight.account);
    let apps =
        inventory.store.list_apps(api.id, of, after, limit.into()).await.map_err(cannot_read)?;
    views(inventory, &apps).await
}

async fn views(inventory: &Inventory, apps: &[App]) -> Result<Vec<AppView>, Error> {
    let mut names = BTreeMap::new();
    for id in apps.iter().map(|app| app.account_id).collect::<BTreeSet<_>>() {
        names.insert(id, super::accounts::get(inventory, &id.to_string()).await?.name);
    }
    let name = |app: &App| names.get(&app.account_id).map(String::as_str).unwrap_or_default();
    Ok(apps.iter().map(|app| own::shown(inventory, app, name(app))).collect())
}

/// The app of this id.
///
/// # Errors
/// When there is none.
pub(super) async fn get(inventory: &Inventory, word: &str) -> Result<App, Error> {
    refuse_narrow(&inventory.sight)?;
    let found = match word.parse() {
        Ok(id) => inventory.store.find_app(id).await.map_err(cannot_read)?,
        Err(_) => None,
    };
    let found = found.filter(|app| inventory.sight.is_in(app.account_id) && app.ended_at.is_none());
    found.ok_or_else(|| missing(word))
}

fn missing(word: &str) -> Error {
    Error::not_found(format!("there is no app `{word}`"))
        .hint("an app is named by its id: keytender apps list shows the apps")
}

/// The app of this id, as people see it.
///
/// # Errors
/// When there is none.
pub async fn view(inventory: &Inventory, word: &str) -> Result<AppView, Error> {
    let app = get(inventory, word).await?;
    let mut seen = views(inventory, std::slice::from_ref(&app)).await?;
    seen.pop().ok_or_else(|| missing(word))
}

/// Changes an app; a customer stops its own, and lets work again what it stopped itself. `allows` gets it as it is,
/// and may refuse.
///
/// # Errors
/// When there is none of this id, or the change cannot be.
pub async fn set(
    inventory: &Inventory,
    word: &str,
    change: AppChange,
    allows: impl FnOnce(&AppView) -> Result<(), Error>,
) -> Result<AppView, Error> {
    super::keys::check_text("a reason", change.why.as_deref())?;
    let before = view(inventory, word).await?;
    let id = get(inventory, word).await?.id;
    let mut tx = inventory.begin().await?;
    let mut app = lock(&mut tx, id, word).await?;
    allows(&own::shown(inventory, &app, &before.account_name))?;
    let now = AppView::of(&app, &before.account_name);
    own::check_change(inventory, &now, id, &change).await?;
    if let Some(scopes) = change.scopes {
        check_scopes(&scopes)?;
        app.scopes = scopes;
    }
    app.limits.rate = change.rate.unwrap_or(app.limits.rate);
    app.limits.quota = change.quota.unwrap_or(app.limits.quota);
    check_limits(&app.limits)?;
    if let Some(labels) = change.labels {
        check_labels(&labels)?;
        app.labels = labels;
    }
    if let Some(is_suspended) = change.is_suspended {
        app.suspended_at = is_suspended.then_some(app.suspended_at.unwrap_or(inventory.now));
    }
    if AppView::of(&app, &before.account_name) == now {
        return Ok(own::shown(inventory, &app, &before.account_name));
    }
    tx.update_app(&app).await.map_err(cannot_write)?;
    if app.labels != now.labels {
        tx.label_app(&app, inventory.now).await.map_err(cannot_write)?;
    }
    let verb = match change.is_suspended {
        Some(true) => own::SUSPEND,
        Some(false) => "app.resume",
        None => "app.set",
    };
    inventory.log(&mut tx, done(verb, &app, change.why.as_deref())).await?;
    if app.scopes != now.scopes {
        // What its keys may do is less than they say, or no more so.
        for key in tx.keys_of_app(app.id).await.map_err(cannot_read)? {
            let noted = tx.note_change(app.api_id, Subject::Key(key), inventory.now).await;
            noted.map_err(cannot_write)?;
        }
    }
    changed(&mut tx, &app, inventory).await?;
    commit(tx).await?;
    Ok(own::shown(inventory, &app, &before.account_name))
}

async fn lock(tx: &mut Tx, id: AppId, word: &str) -> Result<App, Error> {
    let app = tx.lock_app(id).await.map_err(cannot_read)?;
    app.filter(|app| app.ended_at.is_none()).ok_or_else(|| missing(word))
}

/// Ends an app, and each of its keys, for good. `allows` gets it as it is, and may refuse.
///
/// # Errors
/// When there is none of this id, or the database refuses.
pub async fn remove(
    inventory: &Inventory,
    word: &str,
    why: Option<&str>,
    allows: impl FnOnce(&AppView) -> Result<(), Error>,
) -> Result<(), Error> {
    super::keys::check_text("a reason", why)?;
    let before = view(inventory, word).await?;
    let id = get(inventory, word).await?.id;
    let mut tx = inventory.begin().await?;
    // Whoever makes a key of it meanwhile waits, or is waited for.
    tx.lock(id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    let mut app = lock(&mut tx, id, word).await?;
    allows(&own::shown(inventory, &app, &before.account_name))?;
    let account = super::accounts::get(inventory, &app.account_id.to_string()).await?;
    app.suspended_at = app.suspended_at.or(Some(inventory.now));
    tx.update_app(&app).await.map_err(cannot_write)?;
    tx.end_app(app.id, inventory.now).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("app.remove", &app, why)).await?;
    issued::end_of_app(inventory, &mut tx, &account, app.id).await?;
    changed(&mut tx, &app, inventory).await?;
    commit(tx).await
}

fn done<'a>(verb: &'a str, app: &App, why: Option<&'a str>) -> Done<'a> {
    Done {
        verb,
        target_kind: "app",
        target_id: app.id.to_string(),
        why,
        details: json!({"name": app.name, "account": app.account_id.to_string(), "scopes": app.scopes,
                        "limits": app.limits, "labels": app.labels, "suspended_at": app.suspended_at}),
    }
}
