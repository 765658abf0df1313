//! Keys in files beside the inventory: which of them it knows, where it keeps that they stand, and how the others come
//! into it.
//!
//! A key is known by its id at the provider, or by the fingerprint of its secret: where that is its id, where the secret
//! itself is kept here, or where a scan learned before whose it is. Places are kept for each machine. One is forgotten
//! when the file is gone, or is read and the key stands there no more; what could not be read stays as it was.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use keytender_core::akm::fingerprint;
use keytender_core::id::KeyId;
use keytender_core::time::Time;

use super::shape::Shapes;
use super::walk::{Positions, absolute};
use super::{Finding, text};
use crate::app::inventory::{Inventory, cannot_read, cannot_write, commit};
use crate::app::keys::{self, NewKey};
use crate::app::{accounts, evaluate, secrets};
use crate::error::Error;
use crate::store::accounts::AccountKind;
use crate::store::key_files::KeyFile;
use crate::store::keys::HeldKey;

/// How many kept secrets are compared with what was found.
const MAX_SEALED: u32 = 10_000;
/// The largest file that is read again to see whether a key still stands in it, in bytes.
const MAX_READ_AGAIN: u64 = 64 * 1024 * 1024;
/// Letters of a fingerprint that tell keys of one name apart.
const MARK: usize = 8;

/// The key of the inventory that each finding is, in their order.
pub type Known = Vec<Option<KeyId>>;

/// Which keys of the inventory were found; `ids` are ids at providers that were learned of fingerprints.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    inventory: &Inventory,
    findings: &[Finding],
    ids: &HashMap<String, String>,
) -> Result<Known, Error> {
    let names: BTreeSet<&str> = findings.iter().flat_map(|found| named(found, ids)).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let held = inventory.store.keys_of_provider_ids(&names).await.map_err(cannot_read)?;
    let mut by_id: HashMap<&str, Vec<&HeldKey>> = HashMap::new();
    for key in held.iter().filter(|key| inventory.sight.covers(key)) {
        by_id.entry(key.record.key.id.as_deref().unwrap_or_default()).or_default().push(key);
    }
    let prints: BTreeSet<&str> = findings.iter().map(|found| found.fingerprint.as_str()).collect();
    let prints: Vec<&str> = prints.into_iter().collect();
    let known = inventory.store.keys_of_fingerprints(&prints).await.map_err(cannot_read)?;
    let mut by_print: HashMap<String, KeyId> = known.into_iter().collect();
    by_print.extend(kept(inventory, &prints).await?);
    let key = |found: &Finding| {
        let by_id = named(found, ids).find_map(|name| {
            let keys = by_id.get(name)?;
            keys.iter().find(|key| is_of(found, key)).map(|key| key.record.id)
        });
        by_id.or_else(|| by_print.get(&found.fingerprint).copied())
    };
    Ok(findings.iter().map(key).collect())
}

/// By what the inventory may know a key as its id at the provider.
fn named<'f>(
    found: &'f Finding,
    ids: &'f HashMap<String, String>,
) -> impl Iterator<Item = &'f str> {
    // Of a token of ours the inventory has the last part of what is public.
    let id = found.id.as_deref();
    let own = id.filter(|_| is_ours(found)).and_then(|id| id.rsplit('_').next());
    let learned = ids.get(&found.fingerprint).map(String::as_str);
    own.or(id).into_iter().chain(learned).chain([found.fingerprint.as_str()])
}

fn is_ours(found: &Finding) -> bool {
    found.provider == "keytender"
}

/// Whether a key of the inventory is of the provider that the finding is of.
fn is_of(found: &Finding, key: &HeldKey) -> bool {
    // A key of an API of ours is of this API.
    key.is_customers || found.provider == key.record.key.provider
}

/// The keys whose secrets are kept here, of these fingerprints.
async fn kept(inventory: &Inventory, prints: &[&str]) -> Result<Vec<(String, KeyId)>, Error> {
    let sealed = inventory.store.sealed_keys(MAX_SEALED).await.map_err(cannot_read)?;
    if sealed.is_empty() || prints.is_empty() {
        return Ok(Vec::new());
    }
    // A machine that only looks may have no master key: then what is kept is not compared.
    let Ok(sealer) = secrets::sealer(inventory, false).await else { return Ok(Vec::new()) };
    let print = |key: &HeldKey| {
        let secret = sealer.open(&key.record.id.to_string(), key.sealed.as_deref()?).ok()?;
        let print = fingerprint(secret.expose());
        prints.contains(&print.as_str()).then_some((print, key.record.id))
    };
    Ok(sealed.iter().filter(|key| inventory.sight.covers(key)).filter_map(print).collect())
}

/// Keeps where known keys stand on this machine, and forgets places among `paths` where they stand no more: how many
/// places are kept, and how many were forgotten.
///
/// # Errors
/// When the database refuses.
pub async fn record(
    inventory: &Inventory,
    shapes: &Shapes,
    host: &str,
    paths: &[PathBuf],
    findings: &[Finding],
    known: &Known,
) -> Result<(usize, usize), Error> {
    let mut places: BTreeMap<(KeyId, String), KeyFile> = BTreeMap::new();
    for (found, key) in findings.iter().zip(known) {
        let Some(key_id) = *key else { continue };
        let path = absolute(Path::new(&found.place.path));
        places.entry((key_id, path.clone())).or_insert_with(|| KeyFile {
            key_id,
            host: host.to_owned(),
            path,
            line: found.place.line,
            fingerprint: found.fingerprint.clone(),
            first_found_at: inventory.now,
            found_at: inventory.now,
        });
    }
    let mut gone = Vec::new();
    for path in paths {
        let path = absolute(path);
        for place in inventory.store.files_with_keys_in(host, &path).await.map_err(cannot_read)? {
            let at = (place.key_id, place.path.clone());
            if places.contains_key(&at) {
                continue;
            }
            match line_now(shapes, &place) {
                Standing::There(line) => {
                    places.insert(at, KeyFile { line, ..place });
                }
                Standing::Gone => gone.push(place),
                Standing::Unknown => {}
            }
        }
    }
    let places: Vec<KeyFile> = places.into_values().collect();
    if places.is_empty() && gone.is_empty() {
        return Ok((0, 0));
    }
    let mut tx = inventory.begin().await?;
    tx.put_key_files(&places, inventory.now).await.map_err(cannot_write)?;
    tx.remove_key_files(&gone).await.map_err(cannot_write)?;
    commit(tx).await?;
    Ok((places.len(), gone.len()))
}

/// Whether a key stands where it was found before.
enum Standing {
    There(u64),
    Gone,
    /// Nobody could read it.
    Unknown,
}

/// Reads a file again that this scan left out, or in which it did not find the key.
fn line_now(shapes: &Shapes, place: &KeyFile) -> Standing {
    let content = match std::fs::metadata(&place.path) {
        Ok(known) if known.is_file() && known.len() <= MAX_READ_AGAIN => std::fs::read(&place.path),
        Ok(known) if known.is_file() => return Standing::Unknown,
        Ok(_) => return Standing::Gone,
        Err(error) => Err(error),
    };
    match content {
        Ok(content) => {
            let spots = text::find(shapes, &place.path, &content);
            let spot = spots.iter().find(|spot| spot.fingerprint() == place.fingerprint);
            match spot {
                Some(spot) => Standing::There(Positions::new(&content).of(spot.start).0),
                None => Standing::Gone,
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Standing::Gone,
        Err(_) => Standing::Unknown,
    }
}

/// Adds the keys that the inventory does not know, each once, as keys that are held: the new ones in the order of the
/// findings. `since` says how old each is at least.
///
/// # Errors
/// When an account cannot be made, or the database refuses.
pub async fn add(
    inventory: &Inventory,
    findings: &[Finding],
    known: &mut Known,
    since: impl Fn(&Finding) -> Option<Time>,
) -> Result<Vec<KeyId>, Error> {
    let mut new: BTreeMap<&str, BTreeMap<&str, Vec<&Finding>>> = BTreeMap::new();
    for (found, _) in
        findings.iter().zip(known.iter()).filter(|(found, key)| key.is_none() && !is_ours(found))
    {
        let of_provider = new.entry(found.provider.as_str()).or_default();
        of_provider.entry(found.fingerprint.as_str()).or_default().push(found);
    }
    let mut added = Vec::new();
    let mut by_print: HashMap<&str, KeyId> = HashMap::new();
    for (provider, keys_of) in &new {
        let account =
            accounts::manual(inventory, provider, &account_name(inventory, provider).await?)
                .await?;
        let drafts: Vec<NewKey> =
            keys_of.values().filter_map(|places| draft(places, &since)).collect();
        let ids = keys::add(inventory, &account, &drafts).await?;
        by_print.extend(keys_of.keys().copied().zip(ids.iter().copied()));
        added.extend(ids);
    }
    for (found, key) in findings.iter().zip(known.iter_mut()) {
        *key = key.or_else(|| by_print.get(found.fingerprint.as_str()).copied());
    }
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok(added)
}

/// The account that found keys of a provider come into: the one of its name, or, where that is asked for its keys, one
/// beside it.
async fn account_name(inventory: &Inventory, provider: &str) -> Result<String, Error> {
    let account = inventory.store.find_account(provider).await.map_err(cannot_read)?;
    let is_told = account
        .is_none_or(|account| account.kind == AccountKind::Manual && account.provider == provider);
    Ok(if is_told { provider.to_owned() } else { format!("{provider}-in-files") })
}

/// A key to add, by all places in which it stands.
fn draft(places: &[&Finding], since: &impl Fn(&Finding) -> Option<Time>) -> Option<NewKey> {
    let first = places.first()?;
    let file = Path::new(&first.place.path);
    let file = file.file_name().and_then(|name| name.to_str()).unwrap_or(&first.place.path);
    let mark: String = first.fingerprint.chars().skip("sha256-".len()).take(MARK).collect();
    Some(NewKey {
        label: format!("{} in {file} ({mark})", first.noun),
        id: Some(first.id.clone().unwrap_or_else(|| first.fingerprint.clone())),
        created_at: None,
        expires_at: None,
        last_used: None,
        where_used: None,
        owner: None,
        secret: None,
        key_type: first.key_type.clone(),
        known_since: places.iter().filter_map(|found| since(found)).min(),
    })
}
