//! What an import would write: which keys are new, and which customers and apps they need.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use keytender_core::imported::{Hashing, Pepper, Rule, Way, WaySecret};
use keytender_core::secret::Secret;
use keytender_core::token::Digest;

use super::draft::{Draft, Shown};
use super::fault::Fault;
use super::file::{Column, Row};
use super::{Drafts, KeyImport, MAX_FAULTS, Names};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::peppers::Peppers;
use crate::app::view::KeyImportView;
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::apis::Api;
use crate::store::apps::App;
use crate::store::imported::Recogniser;
use crate::store::issued::NATIVE;
use crate::store::seal::Sealer;

/// How many keys may have one locator: each of them would be tried.
const MAX_AT_ONE: usize = 4;
/// How many apps are read at once.
const APPS_AT_ONCE: i64 = 10_000;

/// A new key, and what is kept of it.
pub(super) struct Planned {
    pub(super) draft: Draft,
    pub(super) digest: Digest,
    /// How it is recognised.
    pub(super) kept: String,
}

/// What an import would write.
pub(super) struct Plan {
    pub(super) keys: Vec<Planned>,
    /// Customers that are there, by their name without the API's.
    pub(super) accounts: BTreeMap<String, Account>,
    /// Apps that are there, by customer and name.
    pub(super) apps: BTreeMap<(String, String), App>,
    /// Customers and apps that are not.
    pub(super) new: Names,
    /// How keys of the API are recognised that were not before.
    pub(super) recognisers: Vec<Recogniser>,
    /// Under which version of a pepper the new keys are kept.
    pub(super) pepper: i64,
    known: u64,
    faults: Vec<Fault>,
}

impl Plan {
    pub(super) async fn make(
        inventory: &Inventory,
        api: &Api,
        drafts: Drafts,
        faults: Vec<Fault>,
        asked: &KeyImport,
        (sealer, peppers): (&Sealer, &Peppers),
    ) -> Result<Self, Error> {
        let own = peppers.of_api(api.id);
        let Some((version, _)) = own.first() else {
            return Err(Error::new("this inventory has no pepper").kind(Kind::Internal));
        };
        let mut plan = Self {
            keys: Vec::new(),
            accounts: BTreeMap::new(),
            apps: BTreeMap::new(),
            new: Names::new(),
            recognisers: Vec::new(),
            pepper: *version,
            known: 0,
            faults,
        };
        let recognisers = inventory.store.list_recognisers(Some(api.id)).await;
        let recognisers = recognisers.map_err(cannot_read)?;
        let secret = asked.hmac_secret.as_ref();
        let ways = ways(&recognisers, sealer, &drafts, secret)?;
        let peppers: Vec<Pepper> = own.into_iter().map(|(_, pepper)| pepper).collect();
        plan.find_places(inventory, api, &drafts).await?;
        let drafts = plan.fitting(inventory, drafts);
        plan.take_new(inventory, api, drafts, (&peppers, &ways)).await?;
        plan.add_recognisers(api, &recognisers, sealer, secret)?;
        Ok(plan)
    }

    /// Finds customers and apps that are there.
    async fn find_places(
        &mut self,
        inventory: &Inventory,
        api: &Api,
        drafts: &[(Row, Draft)],
    ) -> Result<(), Error> {
        let names: BTreeSet<&str> =
            drafts.iter().map(|(_, draft)| draft.account.as_str()).collect();
        for name in names {
            let whole = format!("{}/{name}", api.name);
            let found = inventory.store.find_account(&whole).await.map_err(cannot_read)?;
            let Some(account) = found.filter(|found| found.api_id == Some(api.id)) else {
                continue;
            };
            let mut after = None;
            loop {
                let of = Some(account.id);
                let apps = inventory.store.list_apps(api.id, of, after, APPS_AT_ONCE).await;
                let apps = apps.map_err(cannot_read)?;
                let Some(last) = apps.last() else { break };
                after = Some(last.id);
                let named = apps.into_iter().map(|app| ((name.to_owned(), app.name.clone()), app));
                self.apps.extend(named);
            }
            self.accounts.insert(name.to_owned(), account);
        }
        Ok(())
    }

    /// Those that may do what they say, at the apps that are there.
    fn fitting(&mut self, inventory: &Inventory, drafts: Drafts) -> Drafts {
        let mut fitting = Vec::with_capacity(drafts.len());
        for (row, mut draft) in drafts {
            let app = self.apps.get(&(draft.account.clone(), draft.app.clone()));
            let Some(app) = app else {
                fitting.push((row, draft));
                continue;
            };
            match super::super::scopes_of(inventory, app, std::mem::take(&mut draft.scopes)) {
                Ok(scopes) => {
                    draft.scopes = scopes;
                    fitting.push((row, draft));
                }
                Err(error) => {
                    let hint = error.advice().unwrap_or_default().to_owned();
                    let cell = row.cell(Column::Scopes);
                    let what = error.to_string();
                    self.faults.push(match cell {
                        Some(cell) => cell.fault(what, hint),
                        None => row.fault(what, hint),
                    });
                }
            }
        }
        fitting
    }

    /// Keeps what was not imported before, each key once.
    async fn take_new(
        &mut self,
        inventory: &Inventory,
        api: &Api,
        drafts: Drafts,
        (peppers, ways): (&[Pepper], &[Way]),
    ) -> Result<(), Error> {
        let Some(present) = peppers.first() else { return Ok(()) };
        let all: Vec<Vec<Digest>> =
            drafts.iter().map(|(_, draft)| origins(&draft.shown, peppers, ways)).collect();
        let texts: Vec<String> = all.iter().flatten().map(Digest::to_hex).collect();
        let known = inventory.store.known_origins(api.id, &texts).await.map_err(cannot_read)?;
        let mut seen: HashSet<[u8; 32]> = HashSet::new();
        let mut at_one: HashMap<(Rule, String), usize> = HashMap::new();
        for ((row, draft), origins) in drafts.into_iter().zip(all) {
            if origins.iter().any(|origin| known.contains(&origin.to_hex())) {
                self.known += 1;
                continue;
            }
            if origins.iter().any(|origin| seen.contains(&origin.to_bytes())) {
                let cell = row.cell(Column::Key).or_else(|| row.cell(Column::Hash));
                let fault =
                    cell.map(|cell| cell.fault("this key is in the file twice", "take one out"));
                self.faults.extend(fault);
                continue;
            }
            if let Shown::Salted(rule, locator, _) = &draft.shown {
                let count = at_one.entry((*rule, locator.clone())).or_default();
                *count += 1;
                if *count > MAX_AT_ONE {
                    let what = format!("more than {MAX_AT_ONE} keys have this locator");
                    let hint = "name a longer part of the keys: each with this one would be tried";
                    self.faults
                        .extend(row.cell(Column::Locator).map(|cell| cell.fault(what, hint)));
                    continue;
                }
            }
            seen.extend(origins.iter().map(|origin| origin.to_bytes()));
            let (digest, kept) = match &draft.shown {
                Shown::Key(key) => (present.native(key.expose()), NATIVE.to_owned()),
                Shown::Digest(rule, bytes) => (present.of_digest(rule, bytes), rule.to_string()),
                Shown::Salted(rule, locator, salted) => {
                    (present.of_salted(rule, locator, &salted.to_text()), rule.to_string())
                }
            };
            let place = (draft.account.clone(), draft.app.clone());
            if !self.apps.contains_key(&place) {
                self.new.entry(place.0).or_default().insert(place.1);
            }
            self.keys.push(Planned { draft, digest, kept });
        }
        Ok(())
    }

    /// Adds how the new keys are recognised, where the API does not know it yet.
    fn add_recognisers(
        &mut self,
        api: &Api,
        known: &[Recogniser],
        sealer: &Sealer,
        secret: Option<&Secret>,
    ) -> Result<(), Error> {
        let rules: BTreeSet<&str> = self.keys.iter().map(|key| key.kept.as_str()).collect();
        for rule in rules {
            if known.iter().any(|one| one.rule == rule) {
                continue;
            }
            let mut new = Recogniser { api_id: api.id, rule: rule.to_owned(), secret: None };
            if let Some(secret) = secret.filter(|_| rule.starts_with(Hashing::HmacSha256.as_str()))
            {
                let sealed = sealer.seal(&new.seal_name(), secret).map_err(|error| {
                    Error::new("cannot seal the secret of HMACs").kind(Kind::Internal).source(error)
                })?;
                new.secret = Some(sealed);
            }
            self.recognisers.push(new);
        }
        Ok(())
    }

    /// What it comes to; `content` is that of the file.
    pub(super) fn view(&self, content: &[u8]) -> KeyImportView {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let rules: BTreeSet<&str> = self.keys.iter().map(|key| key.kept.as_str()).collect();
        let mut faults: Vec<_> = self.faults.iter().map(|fault| fault.view(content)).collect();
        faults.sort_by_key(|fault| (fault.line, fault.column));
        faults.truncate(MAX_FAULTS);
        KeyImportView {
            imported: false,
            keys: number(self.keys.len()),
            known: self.known,
            accounts: number(
                self.new.keys().filter(|name| !self.accounts.contains_key(*name)).count(),
            ),
            apps: number(self.new.values().map(BTreeSet::len).sum()),
            rules: rules.into_iter().map(str::to_owned).collect(),
            bad: number(self.faults.len()),
            faults,
        }
    }
}

/// All by which a key may be known already, the one of its own first.
fn origins(shown: &Shown, peppers: &[Pepper], ways: &[Way]) -> Vec<Digest> {
    let of = |pepper: &Pepper| -> Vec<Digest> {
        match shown {
            Shown::Key(key) => {
                let key = key.expose();
                let made = ways.iter().filter_map(|way| way.digest(pepper, key));
                [pepper.native(key)].into_iter().chain(made).collect()
            }
            Shown::Digest(rule, bytes) => vec![pepper.of_digest(rule, bytes)],
            Shown::Salted(rule, locator, salted) => {
                vec![pepper.of_salted(rule, locator, &salted.to_text())]
            }
        }
    };
    peppers.iter().flat_map(of).collect()
}

/// Every way in which keys of the API are recognised by an unsalted hash, those of this file too.
fn ways(
    known: &[Recogniser],
    sealer: &Sealer,
    drafts: &[(Row, Draft)],
    secret: Option<&Secret>,
) -> Result<Vec<Way>, Error> {
    let mut ways: Vec<Way> = Vec::new();
    for one in known {
        let opened = one.open(sealer)?;
        let is_other = |kept: &Secret| secret.is_some_and(|said| said.expose() != kept.expose());
        if opened.as_ref().is_some_and(is_other) {
            return Err(Error::new("this API knows HMACs with another secret")
                .kind(Kind::Conflict)
                .hint("import keys of another issuer into an API of their own"));
        }
        ways.extend(one.way(opened));
    }
    let rules: BTreeSet<Rule> = drafts
        .iter()
        .filter_map(|(_, draft)| match &draft.shown {
            Shown::Digest(rule, _) => Some(*rule),
            _ => None,
        })
        .collect();
    for rule in
        rules.into_iter().filter(|rule| known.iter().all(|one| one.rule != rule.to_string()))
    {
        let secret = secret.filter(|_| rule.hashing() == Hashing::HmacSha256);
        let secret = secret.map(|secret| WaySecret::new(secret.expose().as_bytes().to_vec()));
        ways.extend(Way::new(rule, secret));
    }
    Ok(ways)
}

impl Recogniser {
    /// What the secret of an HMAC is sealed to.
    fn seal_name(&self) -> String {
        format!("{} {}", self.api_id, self.rule)
    }

    /// The secret of an HMAC.
    fn open(&self, sealer: &Sealer) -> Result<Option<Secret>, Error> {
        let opened = self.secret.as_deref().map(|sealed| sealer.open(&self.seal_name(), sealed));
        opened.transpose().map_err(|error| {
            Error::new("cannot open the secret of HMACs").kind(Kind::Internal).source(error)
        })
    }

    fn way(&self, secret: Option<Secret>) -> Option<Way> {
        let secret = secret.map(|secret| WaySecret::new(secret.expose().as_bytes().to_vec()));
        Way::new(self.rule.parse().ok()?, secret)
    }

    /// The way in which it makes an unsalted hash; none of others.
    ///
    /// # Errors
    /// When its secret does not open.
    pub(in crate::app) fn opened(&self, sealer: &Sealer) -> Result<Option<Way>, Error> {
        Ok(self.way(self.open(sealer)?))
    }
}
