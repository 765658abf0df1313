//! The APIs that are used, as indexes of others (APIs.json) tell of them, beside the keys that are held there.
//!
//! An index is somebody else's: what it says is shown as theirs, and nothing that it names is called but the
//! indexes that it includes, within the limits of `reach`, and what `look` looks for once somebody asks for it.

use std::collections::BTreeSet;

use keytender_core::access::Side;
use keytender_core::apis_json::{self, Checked, Remark};
use keytender_core::id::CatalogIndexId;
use keytender_core::text::count;
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::view::catalog::warning;
use super::view::{
    AccountView, CatalogCheckView, CatalogDetailView, CatalogEntryView, CatalogIndexView,
    CatalogSummaryView, RemarkView,
};
use super::{accounts, evaluate};
use crate::error::{Error, Kind};
use crate::store::catalog::CatalogIndex;
use entry::{Entries, Entry};

mod entry;
mod export;
mod import;
mod look;
mod matching;
mod reach;

pub use export::{Export, export};
pub use import::run as import;
pub use look::discover;
pub use reach::text_at;

/// How many are named in a sentence.
const NAMED: usize = 3;

/// Everything that is known of the APIs that are used.
#[derive(Debug)]
struct Known {
    indexes: Vec<CatalogIndex>,
    entries: Entries,
}

async fn known(inventory: &Inventory) -> Result<Known, Error> {
    if inventory.sight.side == Some(Side::Issued) {
        let why = "this token is limited to keys that are issued, and these APIs are others'";
        return Err(Error::new(why).kind(Kind::Forbidden));
    }
    let store = &inventory.store;
    let indexes = store.list_catalog_indexes().await.map_err(cannot_read)?;
    let apis = store.list_catalog_apis().await.map_err(cannot_read)?;
    let looks = store.list_catalog_looks().await.map_err(cannot_read)?;
    let accounts = held_accounts(inventory).await?;
    let entries = Entries::of(&indexes, apis, accounts, looks);
    Ok(Known { indexes, entries })
}

/// The accounts of others that are seen.
async fn held_accounts(inventory: &Inventory) -> Result<Vec<AccountView>, Error> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let mut accounts = accounts::list(inventory).await?;
    accounts.retain(|account| account.side == Side::Held);
    Ok(accounts)
}

/// Those who run the APIs that are used, by name; and what follows of all of them.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    inventory: &Inventory,
) -> Result<(Vec<CatalogEntryView>, CatalogSummaryView), Error> {
    let entries = known(inventory).await?.entries.views();
    let summary = summary(&entries);
    Ok((entries, summary))
}

/// One of them, by its id, name or domain.
///
/// # Errors
/// When there is none, or several are called so.
pub async fn get(inventory: &Inventory, word: &str) -> Result<CatalogDetailView, Error> {
    let known = known(inventory).await?;
    let entry = known.entries.one(word)?;
    entry.map(Entry::detail).ok_or_else(|| nobody(word))
}

fn nobody(word: &str) -> Error {
    Error::not_found(format!("no API that is used is of `{word}`"))
        .hint("keytender catalog list shows all")
}

/// Every index that was imported, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn indexes(inventory: &Inventory) -> Result<Vec<CatalogIndexView>, Error> {
    let known = known(inventory).await?;
    let view = |index| CatalogIndexView::of(index, known.entries.apis_of(index.id));
    Ok(known.indexes.iter().map(view).collect())
}

/// One of them, by its id, its source or its name.
///
/// # Errors
/// When there is none, or several are called so.
pub async fn index(inventory: &Inventory, word: &str) -> Result<CatalogIndexView, Error> {
    let known = known(inventory).await?;
    let index = one_of(&known.indexes, word)?;
    Ok(CatalogIndexView::of(index, known.entries.apis_of(index.id)))
}

/// Forgets an index and its APIs, by its id, its source or its name.
///
/// # Errors
/// When there is none, or whoever asks may not.
pub async fn remove(inventory: &Inventory, word: &str) -> Result<CatalogIndexId, Error> {
    import::refuse_narrow(inventory)?;
    let indexes = inventory.store.list_catalog_indexes().await.map_err(cannot_read)?;
    let index = one_of(&indexes, word)?;
    let mut tx = inventory.begin().await?;
    tx.remove_catalog_index(index.id).await.map_err(cannot_write)?;
    let act = Done {
        verb: "catalog.remove",
        target_kind: "catalog-index",
        target_id: index.id.to_string(),
        why: None,
        details: json!({"source": index.source}),
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    forget(inventory, &known(inventory).await?.entries).await?;
    Ok(index.id)
}

/// Forgets what was seen at addresses that no index names any more.
async fn forget(inventory: &Inventory, entries: &Entries) -> Result<(), Error> {
    let mut tx = inventory.begin().await?;
    for origin in entries.strays() {
        tx.remove_catalog_look(origin).await.map_err(cannot_write)?;
    }
    commit(tx).await
}

/// The index of this id, source or name.
fn one_of<'i>(indexes: &'i [CatalogIndex], word: &str) -> Result<&'i CatalogIndex, Error> {
    let is_it = |index: &&CatalogIndex| {
        index.id.to_string() == word || index.source == word || index.name == word
    };
    let found: Vec<_> = indexes.iter().filter(is_it).collect();
    match found.as_slice() {
        [index] => Ok(index),
        [] => Err(Error::not_found(format!("there is no index `{word}`"))
            .hint("keytender catalog list --indexes shows all")),
        [..] => Err(Error::new(format!("several indexes are called `{word}`"))
            .kind(Kind::Conflict)
            .hint("name one by its id: keytender catalog list --indexes")),
    }
}

/// What follows of some entries together, in numbers and in a sentence.
fn summary(entries: &[CatalogEntryView]) -> CatalogSummaryView {
    let (with, without): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.keys > 0);
    let number = |list: &[&CatalogEntryView]| u64::try_from(list.len()).unwrap_or(u64::MAX);
    let apis = entries.iter().map(|entry| entry.apis).sum();
    let keys = with.iter().map(|entry| entry.keys).sum();
    let names: Vec<_> = without.iter().take(NAMED).map(|entry| entry.name.as_str()).collect();
    let more = without.len().saturating_sub(NAMED);
    let missing = match names.as_slice() {
        [] => "none of them lacks a key in the inventory".to_owned(),
        names => {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("no key is recorded for {}{more}", names.join(", "))
        }
    };
    let sentence = match number(&with) {
        _ if entries.is_empty() => "No API is known to be used yet.".to_owned(),
        0 => format!("You use {}; {missing}.", count(apis, "API")),
        1.. => format!(
            "You use {} and hold {} at {} of the {} that run them; {missing}.",
            count(apis, "API"),
            count(keys, "key"),
            number(&with),
            entries.len(),
        ),
    };
    CatalogSummaryView {
        apis,
        entries: u64::try_from(entries.len()).unwrap_or(u64::MAX),
        without_keys: number(&without),
        keys,
        sentence,
    }
}

/// Holds a text against the rules of APIs.json 0.23.
///
/// # Errors
/// When it is beyond the limits within which such texts are read.
pub fn check(text: &str) -> Result<CatalogCheckView, Error> {
    let checked: Checked = apis_json::check(text).map_err(|fault| {
        Error::new(format!("this cannot be checked: {fault}"))
            .hint("an index is JSON or YAML of at most 4 MiB, with at most 200,000 values")
    })?;
    let view = |remarks: Vec<Remark>| -> Vec<RemarkView> {
        remarks.into_iter().map(|remark| RemarkView::of(&warning(None, remark))).collect()
    };
    Ok(CatalogCheckView {
        valid: checked.is_valid(),
        faults: view(checked.faults),
        notes: view(checked.notes),
        more: u64::try_from(checked.more).unwrap_or(u64::MAX),
    })
}

/// The domains that hold the pages of many: to be there says nothing of whose an API is.
fn is_shared(domain: &str) -> bool {
    static SHARED: std::sync::LazyLock<BTreeSet<&str>> = std::sync::LazyLock::new(|| {
        BTreeSet::from([
            "apievangelist.com",
            "bitbucket.org",
            "github.com",
            "gitlab.com",
            "githubusercontent.com",
            "postman.com",
            "rapidapi.com",
            "swaggerhub.com",
        ])
    });
    SHARED.contains(domain)
}
