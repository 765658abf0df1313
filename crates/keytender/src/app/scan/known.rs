//! Keys in files beside the inventory: which of them it knows, where it keeps that they stand, and how the others come
//! into it.
//!
//! A key is known by its id at the provider, or by the fingerprint of its secret: where that is its id, where the secret
//! itself is kept here, or where a scan learned before whose it is. Places are kept for each machine. One is forgotten
//! when whoever looked says that the key stands there no more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use keytender_core::akm::fingerprint;
use keytender_core::id::KeyId;

use crate::app::inventory::{Inventory, cannot_read, cannot_write, commit};
use crate::app::keys::{self, NewKey, Viewer};
use crate::app::view::{KeyInFile, KeyPlaceView, KeyPlacesRequest, KeyPlacesView, KnownKeyView};
use crate::app::{accounts, evaluate, secrets};
use crate::error::Error;
use crate::store::accounts::AccountKind;
use crate::store::key_files::KeyFile;
use crate::store::keys::HeldKey;

/// How many kept secrets are compared with what was found.
const MAX_SEALED: u32 = 10_000;
/// Letters of a fingerprint that tell keys of one name apart.
const MARK: usize = 8;

/// The key of the inventory that each finding is, in their order.
type Known = Vec<Option<KeyId>>;

async fn find(inventory: &Inventory, findings: &[KeyInFile]) -> Result<Known, Error> {
    let names: BTreeSet<&str> = findings.iter().flat_map(named).collect();
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
    let key = |found: &KeyInFile| {
        let by_id = named(found).find_map(|name| {
            let keys = by_id.get(name)?;
            keys.iter().find(|key| is_of(found, key)).map(|key| key.record.id)
        });
        by_id.or_else(|| by_print.get(&found.fingerprint).copied())
    };
    Ok(findings.iter().map(key).collect())
}

/// By what the inventory may know a key as its id at the provider.
fn named(found: &KeyInFile) -> impl Iterator<Item = &str> {
    // Of a token of ours the inventory has the last part of what is public.
    let id = found.id.as_deref();
    let own = id.filter(|_| is_ours(found)).and_then(|id| id.rsplit('_').next());
    let told = found.told_id.as_deref();
    own.or(id).into_iter().chain(told).chain([found.fingerprint.as_str()])
}

fn is_ours(found: &KeyInFile) -> bool {
    found.provider == "keytender"
}

/// Whether a key of the inventory is of the provider that the finding is of.
fn is_of(found: &KeyInFile, key: &HeldKey) -> bool {
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

/// Keeps where known keys stand on a machine, and forgets where they stand no more; `add` first adds those that the
/// inventory does not know.
///
/// # Errors
/// When whoever asks may not, or the database refuses.
pub async fn keep(
    inventory: &Inventory,
    request: &KeyPlacesRequest,
) -> Result<KeyPlacesView, Error> {
    keys::refuse_narrow(&inventory.sight, "say where keys stand")?;
    let (host, keys) = (&request.host, &request.keys);
    let mut known = find(inventory, keys).await?;
    let added = match request.add {
        true => add(inventory, keys, &mut known).await?,
        false => 0,
    };
    let mut places: BTreeMap<(KeyId, &str), KeyFile> = BTreeMap::new();
    for (found, key) in keys.iter().zip(&known) {
        let Some(key_id) = *key else { continue };
        places.entry((key_id, found.path.as_str())).or_insert_with(|| KeyFile {
            key_id,
            host: host.clone(),
            path: found.path.clone(),
            line: found.line,
            fingerprint: found.fingerprint.clone(),
            first_found_at: inventory.now,
            found_at: inventory.now,
        });
    }
    let mut unconfirmed = Vec::new();
    for path in &request.looked_at {
        let there = inventory.store.files_with_keys_in(host, path).await.map_err(cannot_read)?;
        let is_open = |place: &&KeyFile| !places.contains_key(&(place.key_id, &place.path));
        unconfirmed.extend(there.iter().filter(is_open).map(|place| KeyPlaceView {
            key: place.key_id.to_string(),
            path: place.path.clone(),
            fingerprint: place.fingerprint.clone(),
        }));
    }
    let places: Vec<KeyFile> = places.into_values().collect();
    let mut forgotten = 0;
    if !places.is_empty() || !request.gone.is_empty() {
        let mut tx = inventory.begin().await?;
        tx.put_key_files(&places, inventory.now).await.map_err(cannot_write)?;
        for KeyPlaceView { key, path, .. } in &request.gone {
            let Ok(key) = key.parse() else { continue };
            forgotten += tx.remove_key_file(key, host, path).await.map_err(cannot_write)?;
        }
        commit(tx).await?;
    }
    Ok(KeyPlacesView { keys: views(inventory, known).await?, added, forgotten, unconfirmed })
}

/// Which keys of the inventory were found, as they are shown.
///
/// # Errors
/// When the database does not answer.
pub async fn matches(
    inventory: &Inventory,
    keys: &[KeyInFile],
) -> Result<Vec<Option<KnownKeyView>>, Error> {
    views(inventory, find(inventory, keys).await?).await
}

async fn views(inventory: &Inventory, known: Known) -> Result<Vec<Option<KnownKeyView>>, Error> {
    let viewer = Viewer::new(inventory).await?;
    let ids: Vec<_> = known.iter().flatten().copied().collect();
    let held = inventory.store.keys_of_ids(&ids).await.map_err(cannot_read)?;
    let seen = held.iter().filter(|key| inventory.sight.covers(key));
    let view = |key: &HeldKey| KnownKeyView::of(&viewer.view(key), inventory.now);
    let views: HashMap<_, _> = seen.map(|key| (key.record.id, view(key))).collect();
    Ok(known.into_iter().map(|id| views.get(&id?).cloned()).collect())
}

/// Adds the keys that the inventory does not know, each once, as keys that are held: how many.
async fn add(
    inventory: &Inventory,
    findings: &[KeyInFile],
    known: &mut Known,
) -> Result<u64, Error> {
    let mut new: BTreeMap<&str, BTreeMap<&str, Vec<&KeyInFile>>> = BTreeMap::new();
    for (found, _) in
        findings.iter().zip(known.iter()).filter(|(found, key)| key.is_none() && !is_ours(found))
    {
        let of_provider = new.entry(found.provider.as_str()).or_default();
        of_provider.entry(found.fingerprint.as_str()).or_default().push(found);
    }
    let mut added = 0_u64;
    let mut by_print: HashMap<&str, KeyId> = HashMap::new();
    for (provider, keys_of) in &new {
        let account =
            accounts::manual(inventory, provider, &account_name(inventory, provider).await?)
                .await?;
        let drafts: Vec<NewKey> = keys_of.values().filter_map(|places| draft(places)).collect();
        let ids = keys::add(inventory, &account, &drafts).await?;
        by_print.extend(keys_of.keys().copied().zip(ids.iter().copied()));
        added += u64::try_from(ids.len()).unwrap_or(u64::MAX);
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
fn draft(places: &[&KeyInFile]) -> Option<NewKey> {
    let first = places.first()?;
    let file = Path::new(&first.path);
    let file = file.file_name().and_then(|name| name.to_str()).unwrap_or(&first.path);
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
        known_since: places.iter().filter_map(|found| found.stood_at).min(),
    })
}
