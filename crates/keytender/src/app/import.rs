//! Brings keys in from files: an AWS credential report, a CSV list, or a FIDO CXF export of a
//! password manager. Secrets are dropped unless somebody asks to keep them.

use std::collections::BTreeSet;
use std::path::Path;

use keytender_core::inventory::{Listed, Listing};
use keytender_core::key::{Key, LastUse};
use keytender_core::report::{Kind, Row};
use keytender_core::time::Time;
use zeroize::Zeroizing;

use super::inventory::{Inventory, cannot_read, cannot_write};
use super::keys::NewKey;
use super::rows::{cells, report_rows};
use super::sync::{self, Seen};
use super::turn::Turn;
use super::view::ImportView;
use super::warnings::Warnings;
use super::{accounts, evaluate, keys};
use crate::error::Error;
use crate::store::accounts::{Account, AccountKind, Learned};

mod cxf;

/// Files above this are no export of a person's keys.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// What is imported, and how.
#[derive(Clone, Copy, Debug)]
pub struct Import<'i> {
    /// What the file is called.
    pub name: &'i str,
    /// The account its keys come into; else one named after each provider.
    pub account: Option<&'i str>,
    /// When a credential report was made; now if nothing is said.
    pub observed_at: Option<Time>,
    /// Whether the secrets of an export are kept.
    pub keeps_secrets: bool,
}

/// Imports the content of a file.
///
/// # Errors
/// When it is none of the three, of a moment to come, the account is asked for its keys, or whoever
/// asks may not import.
pub async fn run(
    inventory: &Inventory,
    content: &[u8],
    import: Import<'_>,
) -> Result<ImportView, Error> {
    keys::refuse_narrow(&inventory.sight, "import keys")?;
    let observed_at = import.observed_at.unwrap_or(inventory.now);
    if observed_at > inventory.now {
        return Err(Error::new(format!("{observed_at} is later than now")));
    }
    let imported = read_in(inventory, content, import, observed_at).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok(imported)
}

async fn read_in(
    inventory: &Inventory,
    content: &[u8],
    import: Import<'_>,
    observed_at: Time,
) -> Result<ImportView, Error> {
    let Import { name, account, keeps_secrets, .. } = import;
    if content.trim_ascii_start().first() == Some(&b'{') {
        let found =
            cxf::read(content, keeps_secrets).map_err(|error| cannot(name).source(error))?;
        return add(inventory, found.keys, account, found.warnings).await;
    }
    let mut warnings = Warnings::default();
    let read = report_rows(content, &mut warnings, |row, record| (row, cells(record)))
        .map_err(|fault| cannot(name).source(fault))?;
    match read.kind {
        Some(Kind::AwsCredentialReport) => {
            let rows = read.rows;
            let warnings = warnings.into_lines();
            aws_report(inventory, account, observed_at, read.columns, rows, warnings).await
        }
        Some(Kind::Plain) => {
            let found =
                read.rows.into_iter().flat_map(|(row, cells)| plain(row, &cells, &read.columns));
            add(inventory, found.collect(), account, warnings.into_lines()).await
        }
        None => Err(cannot(name).source("it is empty")),
    }
}

fn cannot(name: &str) -> Error {
    Error::new(format!("cannot import `{name}`"))
}

/// The content of a file; it may hold secrets.
///
/// # Errors
/// When it cannot be read, or is too large.
pub fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let name = &file.display().to_string();
    let size = std::fs::metadata(file).map_err(|error| cannot(name).source(error))?.len();
    if size > MAX_FILE {
        return Err(
            cannot(name).source(format!("it has {size} bytes, of which {MAX_FILE} are read"))
        );
    }
    std::fs::read(file).map(Zeroizing::new).map_err(|error| cannot(name).source(error))
}

/// A key of a provider, as a file tells it.
struct Told {
    provider: String,
    owner: Option<String>,
    key: NewKey,
}

fn plain(row: Row<'static>, cells: &[String], columns: &[String]) -> Vec<Told> {
    let place = columns.iter().position(|name| name.trim().eq_ignore_ascii_case("owner"));
    let owner = place.and_then(|place| cells.get(place)).filter(|owner| !owner.is_empty()).cloned();
    let told = |key: &Key<'static>| Told {
        provider: key.provider.to_string(),
        owner: owner.clone(),
        key: NewKey {
            label: key.label.as_deref().unwrap_or_default().to_owned(),
            id: key.id.as_deref().map(str::to_owned),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used: match &key.last_used {
                LastUse::Used(used) => Some(used.at),
                LastUse::Never { .. } | LastUse::Unknown { .. } => None,
            },
            where_used: None,
            owner: None,
            secret: None,
            key_type: None,
            known_since: None,
        },
    };
    row.keys().map(told).collect()
}

/// Adds the keys that are not known yet: the same file twice adds nothing the second time.
async fn add(
    inventory: &Inventory,
    found: Vec<Told>,
    account: Option<&str>,
    warnings: Vec<String>,
) -> Result<ImportView, Error> {
    let mut imported = ImportView { warnings, ..ImportView::default() };
    let mut by_provider: std::collections::BTreeMap<String, Vec<Told>> =
        std::collections::BTreeMap::new();
    for one in found {
        by_provider.entry(one.provider.clone()).or_default().push(one);
    }
    let owners = inventory.store.list_owners().await.map_err(cannot_read)?;
    for (provider, found) in by_provider {
        let name = account.unwrap_or(&provider);
        let account = accounts::manual(inventory, &provider, name).await?;
        let mut tx = inventory.begin().await?;
        let held = tx.keys_of(account.id).await.map_err(cannot_read)?;
        drop(tx);
        let mut labels: BTreeSet<String> = held
            .iter()
            .filter_map(|held| Some(held.record.key.label.as_deref()?.to_owned()))
            .collect();
        let mut new = Vec::new();
        for mut one in found {
            if !labels.insert(one.key.label.clone()) {
                imported.known += 1;
                continue;
            }
            let is_named = |name: &String| {
                let owner =
                    owners.iter().find(|owner| owner.name == *name || owner.address == *name);
                owner.map(|owner| owner.id)
            };
            one.key.owner = one.owner.as_ref().and_then(is_named);
            if let (Some(owner), None) = (&one.owner, one.key.owner) {
                let label = &one.key.label;
                imported.warnings.push(format!("`{label}`: there is no owner `{owner}` yet"));
            }
            new.push(one.key);
        }
        imported.added += u64::try_from(new.len()).unwrap_or(0);
        keys::add(inventory, &account, &new).await?;
        if !imported.accounts.contains(&account.name) {
            imported.accounts.push(account.name);
        }
    }
    imported.accounts.sort();
    Ok(imported)
}

/// A credential report is a listing of its account as of the moment that it is said to be of.
async fn aws_report(
    inventory: &Inventory,
    account: Option<&str>,
    observed_at: Time,
    columns: Vec<String>,
    rows: Vec<(Row<'static>, Vec<String>)>,
    warnings: Vec<String>,
) -> Result<ImportView, Error> {
    let external_id =
        rows.iter().find_map(|(row, _)| Some(row.principal.as_ref()?.account.to_string()));
    let name = match (account, &external_id) {
        (Some(name), _) => name.to_owned(),
        (None, Some(id)) => format!("aws-{id}"),
        (None, None) => return Err(Error::new("the report holds no principal")),
    };
    if let Some(id) = &external_id {
        refuse_another(inventory, id, &name).await?;
    }
    let account = accounts::manual(inventory, "aws", &name).await?;
    if let (Some(known), Some(found)) = (&account.external_id, &external_id)
        && known != found
    {
        return Err(Error::new(format!(
            "`{name}` is AWS account {known}, the report is of {found}"
        ))
        .hint("name another account: --account NAME"));
    }
    let principals = rows.into_iter().filter_map(|(row, cells)| listed(row, cells, observed_at));
    let listing =
        Listing { observed_at, principals: principals.collect(), unseen: BTreeSet::new() };
    let seen = Seen {
        listing,
        reported_at: Some(observed_at),
        learned: Learned { external_id, report_header: Some(columns), ..Learned::default() },
        warnings,
    };
    let turn = Turn::free();
    let report = sync::apply(&inventory.store, &account, seen, inventory.now, &turn);
    let report = report.await.map_err(cannot_write)?;
    let added = report.events.get(&keytender_core::inventory::Event::Found).copied().unwrap_or(0);
    Ok(ImportView {
        added,
        known: report.keys.saturating_sub(added),
        accounts: vec![name],
        warnings: report.warnings,
    })
}

/// Refuses the report of an account that is here under another name.
async fn refuse_another(inventory: &Inventory, id: &str, name: &str) -> Result<(), Error> {
    let all = inventory.store.list_accounts().await.map_err(cannot_read)?;
    let is_it = |account: &&Account| {
        account.provider == "aws" && account.external_id.as_deref() == Some(id)
    };
    let Some(known) = all.iter().find(is_it).filter(|known| known.name != name) else {
        return Ok(());
    };
    let refusal =
        Error::new(format!("the report is of AWS account {id}, which is `{}`", known.name));
    Err(refusal.hint(match known.kind {
        AccountKind::Manual => format!("name that one: --account {}", known.name),
        _ => format!("it is asked for its keys: keytender sync {}", known.name),
    }))
}

fn listed(row: Row<'static>, cells: Vec<String>, observed_at: Time) -> Option<Listed> {
    let keys: Vec<Key<'static>> = row.keys().cloned().collect();
    let reference = keys.first().and_then(|key| key.principal_ref.as_deref().map(str::to_owned));
    let principal = row.principal?;
    let reference = reference.or_else(|| cells.get(1).cloned());
    Some(Listed {
        principal,
        reference,
        tags: None,
        is_admin: None,
        cells: Some(cells),
        observed_at,
        keys,
    })
}
