//! Peppers: secrets without which nobody can try keys against what is kept of keys that others issued.
//!
//! They stand in the database sealed by the master key, and each API works with one derived for it alone.

use std::collections::BTreeSet;

use getrandom::fill;
use keytender_core::id::ApiId;
use keytender_core::imported::{PEPPER_BYTES, Pepper};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::keys::check_text;
use super::{apis, secrets};
use crate::error::{Error, Kind};
use crate::store::changes::Subject;
use crate::store::db::Tx;
use crate::store::imported::KeptPepper;
use crate::store::seal::Sealer;
use crate::store::{Failure, Store};

/// The advisory lock that two who make peppers meet at; any number, but always this one.
const LOCK: i64 = 0x7065_7070_6572;

/// The peppers of an inventory, the present one first.
#[derive(Clone, Debug, Default)]
pub struct Peppers(Vec<(i64, Pepper)>);

impl Peppers {
    /// Those of one API, with their versions, the present one first.
    pub fn of_api(&self, api: ApiId) -> Vec<(i64, Pepper)> {
        self.0.iter().map(|(version, pepper)| (*version, pepper.of_api(api))).collect()
    }

    /// Whether there is none yet.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which version new keys are kept under.
    pub fn present(&self) -> Option<i64> {
        self.0.first().map(|(version, _)| *version)
    }
}

/// All there are.
///
/// # Errors
/// When one does not open, or the database does not answer.
pub async fn open(store: &Store, sealer: &Sealer) -> Result<Peppers, Error> {
    let kept = store.list_peppers().await.map_err(cannot_read)?;
    let opened = kept.iter().map(|one| {
        let text = sealer.open(&record(one.version), &one.sealed).map_err(cannot_open)?;
        Pepper::parse(text.expose()).map(|pepper| (one.version, pepper)).map_err(cannot_open)
    });
    opened.collect::<Result<_, _>>().map(Peppers)
}

/// Makes another one, which is the present one once `tx` is committed.
///
/// # Errors
/// When the system gives no random numbers, or the database refuses.
pub async fn make(
    tx: &mut Tx,
    sealer: &Sealer,
    before: &Peppers,
    at: Time,
) -> Result<Peppers, Error> {
    let mut bytes = [0; PEPPER_BYTES];
    fill(&mut bytes).map_err(|error| {
        Error::new("the system gives no random numbers").source(error.to_string())
    })?;
    let pepper = Pepper::from_bytes(bytes);
    let version = before.present().unwrap_or(0) + 1;
    let sealed = sealer.seal(&record(version), &Secret::new(pepper.to_hex().as_str()));
    let sealed = sealed.map_err(cannot_open)?;
    tx.insert_pepper(&KeptPepper { version, sealed }, at).await.map_err(cannot_write)?;
    let mut all = vec![(version, pepper)];
    all.extend(before.0.iter().cloned());
    Ok(Peppers(all))
}

/// Makes another pepper. Each key that others issued is kept under it from its next use on; until then the ones before
/// are tried as well. Its version.
///
/// # Errors
/// When whoever asks may not, no key was ever imported, or the database refuses.
pub async fn renew(inventory: &Inventory, why: Option<&str>) -> Result<i64, Error> {
    apis::refuse_narrow(&inventory.sight)?;
    check_text("a reason", why)?;
    let sealer = secrets::sealer(inventory, true).await?;
    let mut tx = inventory.begin().await?;
    // Of two at once, each makes one.
    tx.lock(LOCK).await.map_err(Failure::from).map_err(cannot_write)?;
    let before = open(&inventory.store, &sealer).await?;
    if before.is_empty() {
        let why = "there is no pepper yet: the first import makes one";
        return Err(Error::new(why).kind(Kind::Conflict));
    }
    let version = make(&mut tx, &sealer, &before, inventory.now).await?.present().unwrap_or(0);
    let act = Done {
        verb: "pepper.renew",
        target_kind: "pepper",
        target_id: version.to_string(),
        why,
        details: json!({}),
    };
    inventory.log(&mut tx, act).await?;
    // Verifiers read peppers whenever something of an API has changed.
    let recognisers = inventory.store.list_recognisers(None).await.map_err(cannot_read)?;
    let apis: BTreeSet<ApiId> = recognisers.iter().map(|one| one.api_id).collect();
    let mut changes = Vec::new();
    for api in apis {
        let apps = inventory.store.list_apps(api, None, None, 1).await.map_err(cannot_read)?;
        changes.extend(apps.first().map(|app| (api, Subject::App(app.id))));
    }
    if !changes.is_empty() {
        tx.note_changes(&changes, inventory.now).await.map_err(cannot_write)?;
    }
    commit(tx).await?;
    Ok(version)
}

/// What a pepper is sealed to.
fn record(version: i64) -> String {
    format!("pepper {version}")
}

fn cannot_open(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new("cannot use a pepper of this inventory").kind(Kind::Internal).source(error)
}
