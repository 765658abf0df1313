//! Writes what was planned, in the transaction of the import.

use std::borrow::Cow;
use std::collections::BTreeMap;

use keytender_core::id::{KeyId, PrincipalId};
use keytender_core::inventory::{Event, KeyRecord};
use keytender_core::key::{Key, LastUse, State, Use};
use keytender_core::secret::Secret;

use super::draft::{Draft, Shown};
use super::plan::{Plan, Planned};
use crate::app::apps::{self, NewApp};
use crate::app::customers::{self, NewCustomer};
use crate::app::inventory::{Inventory, cannot_write};
use crate::error::{Error, Kind};
use crate::store;
use crate::store::accounts::Account;
use crate::store::apis::Api;
use crate::store::apps::App;
use crate::store::changes::Subject;
use crate::store::db::Tx;
use crate::store::imported::NewImported;
use crate::store::issued::{Elsewhere, Issued};
use crate::store::seal::Sealer;

/// What the salted hash of a key is sealed to.
pub fn seal_name(key: KeyId) -> String {
    format!("{key} hash")
}

/// What is written of some keys.
#[derive(Default)]
struct Lines {
    records: Vec<KeyRecord>,
    issued: Vec<Issued>,
    imported: Vec<NewImported>,
    uses: Vec<(KeyId, Use<'static>)>,
}

impl Plan {
    /// Writes it.
    pub(super) async fn write(
        mut self,
        inventory: &Inventory,
        tx: &mut Tx,
        api: &Api,
        sealer: &Sealer,
    ) -> Result<(), Error> {
        for one in &self.recognisers {
            tx.insert_recogniser(one, inventory.now).await.map_err(cannot_write)?;
        }
        let mut changes = self.add_places(inventory, tx, api).await?;
        let mut of_accounts: BTreeMap<String, Lines> = BTreeMap::new();
        let pepper = self.pepper;
        for planned in std::mem::take(&mut self.keys) {
            let place = (planned.draft.account.clone(), planned.draft.app.clone());
            let app = self.apps.get(&place).ok_or_else(|| missing("app"))?;
            let lines = of_accounts.entry(place.0).or_default();
            lines.add(inventory, api, app, planned, (sealer, pepper))?;
        }
        for (name, lines) in of_accounts {
            let account = self.accounts.get(&name).ok_or_else(|| missing("customer"))?;
            changes.extend(lines.issued.iter().map(|one| (api.id, Subject::Key(one.key_id))));
            lines.write(inventory, tx, api, account).await?;
        }
        tx.note_changes(&changes, inventory.now).await.map(drop).map_err(cannot_write)
    }

    /// Adds customers and apps that are not there; what verifiers must be told of them.
    async fn add_places(
        &mut self,
        inventory: &Inventory,
        tx: &mut Tx,
        api: &Api,
    ) -> Result<Vec<(keytender_core::id::ApiId, Subject)>, Error> {
        let mut changes = Vec::new();
        for (name, apps) in std::mem::take(&mut self.new) {
            let account = match self.accounts.get(&name) {
                Some(account) => account.clone(),
                None => {
                    let new = NewCustomer { name: name.clone(), ..NewCustomer::default() };
                    let account = customers::account(inventory, api, new)?;
                    tx.insert_account(&account).await.map_err(cannot_write)?;
                    inventory.log(tx, customers::done("account.add", &account)).await?;
                    account
                }
            };
            for app in apps {
                let new = NewApp { name: app.clone(), ..NewApp::default() };
                let added = apps::insert(inventory, tx, api.id, &account, new).await?;
                changes.push((api.id, Subject::App(added.id)));
                self.apps.insert((name.clone(), app), added);
            }
            self.accounts.insert(name, account);
        }
        Ok(changes)
    }
}

fn missing(what: &str) -> Error {
    Error::new(format!("the {what} of an imported key is missing")).kind(Kind::Internal)
}

impl Lines {
    fn add(
        &mut self,
        inventory: &Inventory,
        api: &Api,
        app: &App,
        planned: Planned,
        (sealer, pepper): (&Sealer, i64),
    ) -> Result<(), Error> {
        let Planned { draft, digest, kept } = planned;
        let key_id = KeyId::from_random(store::random().map_err(cannot_write)?);
        let token_id = super::super::make(api, draft.environment)?.id().to_string();
        let (locator, salted) = match &draft.shown {
            Shown::Salted(_, locator, salted) => {
                let sealed = sealer.seal(&seal_name(key_id), &Secret::new(salted.to_text()));
                let sealed = sealed.map_err(|error| {
                    Error::new("cannot seal a hash").kind(Kind::Internal).source(error)
                })?;
                (Some(locator.clone()), Some(sealed))
            }
            _ => (None, None),
        };
        let record = record(inventory, api, app, key_id, &token_id, &draft);
        if let LastUse::Used(used) = &record.key.last_used {
            self.uses.push((key_id, used.clone()));
        }
        self.records.push(record);
        self.imported.push(NewImported {
            key_id,
            origin: digest.to_hex(),
            pepper,
            locator,
            salted,
        });
        self.issued.push(Issued {
            key_id,
            api_id: api.id,
            app_id: app.id,
            environment: draft.environment.as_str().to_owned(),
            token_id,
            digest: digest.to_hex(),
            elsewhere: Some(Elsewhere { kept, begins: draft.begins }),
            scopes: draft.scopes,
            networks: draft.networks,
            replaces: None,
            replaced_by: None,
            overlap: None,
            retires_at: None,
            activated_at: Some(draft.created_at.unwrap_or(inventory.now)),
            revoked_at: None,
            revoked_why: None,
        });
        Ok(())
    }

    async fn write(
        self,
        inventory: &Inventory,
        tx: &mut Tx,
        api: &Api,
        account: &Account,
    ) -> Result<(), Error> {
        tx.write_keys(account.id, &self.records).await.map_err(cannot_write)?;
        let found: Vec<_> = self.records.iter().map(|one| (one, vec![Event::Found])).collect();
        tx.write_key_versions(&found, inventory.now).await.map_err(cannot_write)?;
        tx.write_uses(&self.uses, inventory.now).await.map_err(cannot_write)?;
        tx.insert_all_issued(&self.issued).await.map_err(cannot_write)?;
        tx.insert_imported(api.id, &self.imported).await.map_err(cannot_write)
    }
}

/// The key as one of the inventory.
fn record(
    inventory: &Inventory,
    api: &Api,
    app: &App,
    id: KeyId,
    token_id: &str,
    draft: &Draft,
) -> KeyRecord {
    let mut key = Key::new(api.name.clone());
    let label = draft.label.clone().unwrap_or_else(|| match &draft.begins {
        Some(begins) => format!("{begins}…"),
        None => "imported".to_owned(),
    });
    key.label = Some(Cow::Owned(label));
    key.id = Some(Cow::Owned(token_id.to_owned()));
    key.state = if draft.is_enabled { State::Active } else { State::Suspended };
    key.created_at = draft.created_at;
    key.expires_at = draft.expires_at;
    key.last_used = draft.last_used.clone();
    KeyRecord {
        principal_id: Some(PrincipalId::from_i64(app.id.as_i64())),
        suspended_seen_at: (!draft.is_enabled).then_some(inventory.now),
        ..KeyRecord::new(id, key, inventory.now)
    }
}
