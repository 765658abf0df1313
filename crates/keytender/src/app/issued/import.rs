//! Keys that others issued, brought into an API of ours: nothing is imported if something is wrong, and what is there
//! already stays as it is.
//!
//! A key itself is never kept, only its HMAC under a pepper; of a hash without a salt, the HMAC of the hash; and a salted
//! hash, sealed, until the key is used for the first time.

use std::collections::{BTreeMap, BTreeSet};

use keytender_core::imported::{Hashing, Locator, Part};
use keytender_core::secret::Secret;
use serde_json::json;

use super::apis;
use crate::app::inventory::{Done, Inventory, cannot_read, commit};
use crate::app::view::{KeyImportView, RecogniserView, RecognisersView};
use crate::app::{evaluate, peppers, secrets};
use crate::error::Error;
use crate::store::apis::Api;

mod draft;
mod fault;
mod file;
mod plan;
mod write;

use draft::{Draft, Said};
use fault::Fault;
use plan::Plan;

pub use write::seal_name;

/// The app of keys that name none.
const APP: &str = "imported";
/// The most faults that are told.
const MAX_FAULTS: usize = 100;

/// How keys that others issued are imported.
#[derive(Clone, Debug, Default)]
pub struct KeyImport {
    /// Whose the keys are that name no account.
    pub account: Option<String>,
    /// The app of keys that name none.
    pub app: Option<String>,
    /// How hashes were made that do not say it.
    pub hashing: Option<Hashing>,
    /// Which part of a key was hashed.
    pub part: Part,
    /// Which part of a key leads to its salted hash.
    pub locator: Option<Locator>,
    /// The secret of HMACs.
    pub hmac_secret: Option<Secret>,
    /// Only say what would be.
    pub is_dry: bool,
    /// Leave out what is wrong.
    pub skips_bad: bool,
}

/// Imports keys that others issued into an API. Where something is wrong the answer says what, and nothing is imported
/// unless that was to be left out.
///
/// # Errors
/// When there is no such API, or the database refuses.
pub async fn import(
    inventory: &Inventory,
    api: &str,
    content: &[u8],
    asked: &KeyImport,
) -> Result<KeyImportView, Error> {
    let api = apis::get(inventory, api).await?;
    check(asked)?;
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let (drafts, faults) = match drafts(inventory, content, asked) {
        Ok(read) => read,
        Err(fault) => (Vec::new(), vec![fault]),
    };
    let sealer = secrets::sealer(inventory, true).await?;
    let mut tx = inventory.begin().await?;
    // Of two imports at once, the later sees what the earlier has brought.
    let locked = tx.lock_api(&api.id.to_string()).await.map_err(cannot_read)?;
    let api = locked.ok_or_else(|| Error::not_found("the API is gone"))?;
    let mut peppers = peppers::open(&inventory.store, &sealer).await?;
    if peppers.is_empty() {
        peppers = peppers::make(&mut tx, &sealer, &peppers, inventory.now).await?;
    }
    let plan = Plan::make(inventory, &api, drafts, faults, asked, (&sealer, &peppers)).await?;
    let mut view = plan.view(content);
    let is_wrong = view.bad > 0 && !asked.skips_bad;
    if asked.is_dry || is_wrong || view.keys == 0 {
        view.imported = !asked.is_dry && !is_wrong;
        return Ok(view);
    }
    let count = view.keys;
    plan.write(inventory, &mut tx, &api, &sealer).await?;
    inventory.log(&mut tx, done(&api, count, &view)).await?;
    commit(tx).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    view.imported = true;
    Ok(view)
}

/// How keys of an API are recognised that others issued, and how many in each way.
///
/// # Errors
/// When there is no such API, or the database does not answer.
pub async fn recognisers(inventory: &Inventory, api: &str) -> Result<RecognisersView, Error> {
    let api = apis::get(inventory, api).await?;
    let counts = inventory.store.count_kept(api.id).await.map_err(cannot_read)?;
    let mut counts: BTreeMap<String, u64> = counts.into_iter().collect();
    // Also those of which every key is native by now: a stranger's key is tried by them all the same.
    for one in inventory.store.list_recognisers(Some(api.id)).await.map_err(cannot_read)? {
        counts.entry(one.rule).or_default();
    }
    let recognisers = counts.into_iter().map(|(rule, keys)| RecogniserView { rule, keys });
    Ok(RecognisersView { recognisers: recognisers.collect() })
}

fn check(asked: &KeyImport) -> Result<(), Error> {
    if let Some(name) =
        asked.account.as_deref().filter(|name| !crate::app::customers::is_name(name))
    {
        let why = format!("`{name}` is no name of a customer: letters, digits, and - _ . @");
        return Err(Error::new(why).hint("without the name of the API, such as globex"));
    }
    if asked.app.as_deref().is_some_and(|name| !crate::app::owners::is_line(name)) {
        return Err(Error::new("an app needs a name: a short line").hint("such as web-shop"));
    }
    match (asked.hashing, &asked.hmac_secret) {
        (Some(hashing), _) if hashing.is_salted() => {
            let why = format!("a {} hash says itself what it is", hashing.as_str());
            Err(Error::new(why).hint("leave it out"))
        }
        (_, Some(secret)) if secret.is_empty() => Err(Error::new("the secret of HMACs is empty")),
        _ => Ok(()),
    }
}

/// The keys of a file, and what is wrong with the others.
fn drafts(
    inventory: &Inventory,
    content: &[u8],
    asked: &KeyImport,
) -> Result<(Drafts, Vec<Fault>), Fault> {
    let read = file::read(content)?;
    let said = Said {
        account: asked.account.as_deref(),
        app: asked.app.as_deref().unwrap_or(APP),
        hashing: asked.hashing,
        part: asked.part,
        locator: asked.locator,
        has_uses: read.has_uses,
        has_secret: asked.hmac_secret.is_some(),
        now: inventory.now,
    };
    let mut faults = read.faults;
    let mut drafts = Vec::with_capacity(read.rows.len());
    for row in read.rows {
        match Draft::of(&row, &said) {
            Ok(draft) => drafts.push((row, draft)),
            Err(fault) => faults.push(fault),
        }
    }
    Ok((drafts, faults))
}

fn done(api: &Api, count: u64, view: &KeyImportView) -> Done<'static> {
    Done {
        verb: "api.import",
        target_kind: "api",
        target_id: api.id.to_string(),
        why: None,
        details: json!({"name": api.name, "keys": count, "accounts": view.accounts, "apps": view.apps,
                        "rules": view.rules}),
    }
}

/// Keys of a file, each with its row.
type Drafts = Vec<(file::Row, Draft)>;
/// Names of apps by the name of their customer.
type Names = BTreeMap<String, BTreeSet<String>>;
